"""The queue's scripts: what Valkey does in one step, so that no crash and no other process comes in between.

Keys and fields are those of RQ; `bot.queue` fills in their names. Jobs wait in lanes, one for each repository of an
installation, and `feed` moves the one whose turn it is to the list that RQ's workers wait for, where at most one stands ready:

    turns              the installations that have something waiting, in the order of their turns
    turns:5            the repositories of installation 5 that have
    queue:5:123        the jobs of repository 123, in the order they came; a queue for RQ's own tools, too
    queue              the next job

An installation, or a repository of one, that was served goes to the end, so that between two of its turns each other one that
waits has one. Installations that GitHub asked to wait are passed over.
"""

_LANES = """
local QUEUE, JOB, QUEUES, TURNS, LIMITED = '$queue', '$job', '$names', 'cliffguard:turns', 'cliffguard:limited:'

local function lane(installation, repository) return QUEUE .. ':' .. installation .. ':' .. repository end

local function turns(installation) return TURNS .. ':' .. installation end

local function wait(id, installation, repository)
    local list = lane(installation, repository)
    redis.call('HSET', JOB .. id, 'installation', installation, 'repository', repository)
    if redis.call('RPUSH', list, id) > 1 then return end
    redis.call('SADD', QUEUES, list)
    if redis.call('RPUSH', turns(installation), repository) == 1 then redis.call('RPUSH', TURNS, installation) end
end

local function withdraw(id)
    if redis.call('LREM', QUEUE, 1, id) == 1 then return true end
    local at = redis.call('HMGET', JOB .. id, 'installation', 'repository')
    if not at[1] then return false end
    local list = lane(at[1], at[2])
    if redis.call('LREM', list, 1, id) == 0 then return false end
    if redis.call('EXISTS', list) == 0 then
        redis.call('SREM', QUEUES, list)
        redis.call('LREM', turns(at[1]), 0, at[2])
        if redis.call('EXISTS', turns(at[1])) == 0 then redis.call('LREM', TURNS, 0, at[1]) end
    end
    return true
end

local function take(installation)
    while true do
        local repository = redis.call('LPOP', turns(installation))
        if not repository then return nil end
        local list = lane(installation, repository)
        local id = redis.call('LPOP', list)
        if redis.call('EXISTS', list) == 1 then
            redis.call('RPUSH', turns(installation), repository)
        else
            redis.call('SREM', QUEUES, list)
        end
        if id then return id end  -- none where somebody emptied the lane by hand
    end
end

local function feed()
    if redis.call('EXISTS', QUEUE) == 1 then return end
    for _ = 1, redis.call('LLEN', TURNS) do
        local installation, id = redis.call('LPOP', TURNS), nil
        if redis.call('EXISTS', LIMITED .. installation) == 0 then id = take(installation) end
        if redis.call('EXISTS', turns(installation)) == 1 then redis.call('RPUSH', TURNS, installation) end
        if id then
            redis.call('RPUSH', QUEUE, id)
            return
        end
    end
end
"""

SUBMIT = f"""{_LANES}
-- KEYS: finished jobs, failed jobs, newest job of the subject, delivery
-- ARGV: installation, repository, id, id if one runs already, head, updated, ttl of current, ttl of delivery or 0, data, text,
--       now, 1 for a re-run
local installation, repository, id, head, updated = ARGV[1], ARGV[2], ARGV[3], ARGV[5], ARGV[6]
if ARGV[8] ~= '0' then
    local before = redis.call('GET', KEYS[4])
    if before and redis.call('HGET', JOB .. before, 'status') ~= 'failed' then return {{'seen', before}} end
end
local newest = redis.call('HMGET', KEYS[3], 'id', 'head', 'updated')
local same = newest[1] == id
if newest[1] and not same then
    local older = updated ~= '' and newest[3] and newest[3] ~= '' and updated < newest[3]
    local elsewhere = ARGV[12] == '1' and newest[2] ~= head  -- pressed beside a check that is no longer the newest
    if older or elsewhere then return {{'stale', newest[1]}} end
end
local status, outcome, key = redis.call('HGET', JOB .. id, 'status'), 'queued', id
local waiting = status == 'queued' or status == 'scheduled' or status == 'deferred'
if waiting or (same and (status == 'started' or status == 'finished')) then
    outcome = 'duplicate'
else
    if status == 'started' then
        key = ARGV[4]  -- that run was superseded in between and is about to stop: this head needs another
    elseif status then
        redis.call('DEL', JOB .. id)
        redis.call('ZREM', KEYS[1], id)
        redis.call('ZREM', KEYS[2], id)
    end
    redis.call('HSET', JOB .. key, 'data', ARGV[9], 'description', ARGV[10], 'created_at', ARGV[11], 'enqueued_at', ARGV[11],
        $common)
    wait(key, installation, repository)
end
if newest[1] and not same and string.sub(newest[1], 1, 7) == 'review-' then
    -- What it supersedes is cancelled, unless it has begun: then there may be a check run, which it concludes itself. It goes
    -- after the new one came, so that the repository keeps its turn.
    local begun = redis.call('EXISTS', 'cliffguard:tries:' .. newest[1]) == 1
    if not begun and redis.call('HGET', JOB .. newest[1], 'status') == 'queued' and withdraw(newest[1]) then
        redis.call('DEL', JOB .. newest[1])
    end
end
redis.call('HSET', KEYS[3], 'id', id, 'head', head)
if updated ~= '' then redis.call('HSET', KEYS[3], 'updated', updated) end
redis.call('EXPIRE', KEYS[3], ARGV[7])
if ARGV[8] ~= '0' then redis.call('SET', KEYS[4], key, 'EX', ARGV[8]) end
feed()
return {{outcome, key}}
"""

ADD = f"""{_LANES}
-- A job of another kind, unless it waits or runs.  KEYS: finished jobs, failed jobs
-- ARGV: installation, repository, id, then fields and values
local status = redis.call('HGET', JOB .. ARGV[3], 'status')
if status == 'queued' or status == 'scheduled' or status == 'deferred' or status == 'started' then return 0 end
redis.call('DEL', JOB .. ARGV[3])
redis.call('ZREM', KEYS[1], ARGV[3])
redis.call('ZREM', KEYS[2], ARGV[3])
redis.call('HSET', JOB .. ARGV[3], unpack(ARGV, 4))
wait(ARGV[3], ARGV[1], ARGV[2])
feed()
return 1
"""

AGAIN = f"""{_LANES}
-- A dead letter gets another try.  KEYS: failed jobs  ARGV: id, now, tries
if redis.call('ZREM', KEYS[1], ARGV[1]) == 0 or redis.call('EXISTS', JOB .. ARGV[1]) == 0 then return 0 end
local at = redis.call('HMGET', JOB .. ARGV[1], 'installation', 'repository')
redis.call('HSET', JOB .. ARGV[1], 'status', 'queued', 'enqueued_at', ARGV[2], 'created_at', ARGV[2], 'retries_left', ARGV[3])
redis.call('HDEL', JOB .. ARGV[1], 'told', 'ended_at')
redis.call('PERSIST', JOB .. ARGV[1])
wait(ARGV[1], at[1] or '0', at[2] or '0')
feed()
return 1
"""

PROMOTE = f"""{_LANES}
-- KEYS: scheduled jobs  ARGV: now (seconds), now (text)
local due = redis.call('ZRANGEBYSCORE', KEYS[1], 0, ARGV[1])
for _, id in ipairs(due) do
    redis.call('ZREM', KEYS[1], id)
    if redis.call('EXISTS', JOB .. id) == 1 then
        redis.call('HSET', JOB .. id, 'status', 'queued', 'enqueued_at', ARGV[2])
        local at = redis.call('HMGET', JOB .. id, 'installation', 'repository')
        wait(id, at[1] or '0', at[2] or '0')
    end
end
feed()
return #due
"""

FEED = f"""{_LANES}
feed()
"""

WAITING = f"""{_LANES}
-- How many jobs wait, and since when the one that does so longest.
local count, oldest = 0, ''
local function look(list)
    count = count + redis.call('LLEN', list)
    local first = redis.call('LINDEX', list, 0)
    local since = first and redis.call('HGET', JOB .. first, 'enqueued_at')
    if since and (oldest == '' or since < oldest) then oldest = since end
end
look(QUEUE)
for _, installation in ipairs(redis.call('LRANGE', TURNS, 0, -1)) do
    for _, repository in ipairs(redis.call('LRANGE', turns(installation), 0, -1)) do look(lane(installation, repository)) end
end
return {{count, oldest}}
"""

RELEASE = """
-- KEYS: lease  ARGV: beginning of its holder
local holder = redis.call('GET', KEYS[1])
if holder and string.sub(holder, 1, #ARGV[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end
return 0
"""
