"""The queue's scripts: what Valkey does in one step, so that no crash and no other process comes in between.

Keys and fields are those of RQ; `bot.queue` fills in their names.
"""

SUBMIT = """
-- KEYS: queue, finished jobs, failed jobs, newest job of the subject, delivery
-- ARGV: prefix of job keys, id, id if one runs already, head, updated, ttl of current, ttl of delivery or 0, data, text, now,
--       1 for a re-run
local prefix, id, head, updated = ARGV[1], ARGV[2], ARGV[4], ARGV[5]
if ARGV[7] ~= '0' then
    local before = redis.call('GET', KEYS[5])
    if before and redis.call('HGET', prefix .. before, 'status') ~= 'failed' then return {'seen', before} end
end
local newest = redis.call('HMGET', KEYS[4], 'id', 'head', 'updated')
local same = newest[1] == id
if newest[1] and not same then
    local older = updated ~= '' and newest[3] and newest[3] ~= '' and updated < newest[3]
    local elsewhere = ARGV[11] == '1' and newest[2] ~= head  -- pressed beside a check that is no longer the newest
    if older or elsewhere then return {'stale', newest[1]} end
end
local status, outcome, key = redis.call('HGET', prefix .. id, 'status'), 'queued', id
local waiting = status == 'queued' or status == 'scheduled' or status == 'deferred'
if waiting or (same and (status == 'started' or status == 'finished')) then
    outcome = 'duplicate'
else
    if status == 'started' then
        key = ARGV[3]  -- that run was superseded in between and is about to stop: this head needs another
    elseif status then
        redis.call('DEL', prefix .. id)
        redis.call('ZREM', KEYS[2], id)
        redis.call('ZREM', KEYS[3], id)
    end
    redis.call('HSET', prefix .. key, 'data', ARGV[8], 'description', ARGV[9], 'created_at', ARGV[10], 'enqueued_at', ARGV[10],
        $common)
    redis.call('RPUSH', KEYS[1], key)
end
redis.call('HSET', KEYS[4], 'id', id, 'head', head)
if updated ~= '' then redis.call('HSET', KEYS[4], 'updated', updated) end
redis.call('EXPIRE', KEYS[4], ARGV[6])
if ARGV[7] ~= '0' then redis.call('SET', KEYS[5], key, 'EX', ARGV[7]) end
return {outcome, key}
"""

PROMOTE = """
-- KEYS: scheduled jobs, queue  ARGV: now (seconds), now (text), prefix of job keys
local due = redis.call('ZRANGEBYSCORE', KEYS[1], 0, ARGV[1])
for _, id in ipairs(due) do
    redis.call('ZREM', KEYS[1], id)
    if redis.call('EXISTS', ARGV[3] .. id) == 1 then
        redis.call('HSET', ARGV[3] .. id, 'status', 'queued', 'enqueued_at', ARGV[2])
        redis.call('RPUSH', KEYS[2], id)
    end
end
return #due
"""

RELEASE = """
-- KEYS: lease  ARGV: beginning of its holder
local holder = redis.call('GET', KEYS[1])
if holder and string.sub(holder, 1, #ARGV[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end
return 0
"""
