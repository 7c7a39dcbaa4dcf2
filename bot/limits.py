"""What GitHub asks of an installation, kept in Valkey so that every worker on every host knows it before it sends a request.

    pause     one job is told to wait: all of its installation wait, and those of others do not
    spare     little is left of what GitHub allows an hour: the same, before GitHub has to say it
    Writing   one write at a time; after a few at once, one a second; and no more that people are notified of than GitHub takes

Asking on while a limit holds makes GitHub extend it. Jobs of an installation that waits stay in the queue; one that was taken
just before goes back. Nothing here holds a worker for longer than the few seconds of a write's turn.
"""

from __future__ import annotations

import contextlib
import time
import uuid
import zlib
from collections.abc import Iterator
from typing import Any, Protocol

from redis.exceptions import RedisError

from bot.answers import SECONDARY_WAIT, Budget, RateLimited
from bot.errors import Later
from bot.jobs import Job
from bot.lease import holder

SPREAD = 15  # seconds over which waiting jobs begin again
RESERVE = 50  # requests of an hour that are not spent: what is under way needs some of them
LONGEST = 3600.0
TURN = 3.0  # seconds a job waits for its turn to write before it goes back to the queue
WRITING = 25.0  # seconds after which a writer counts as dead; a request gives up after 20
POLL = 0.05
BURST = 6  # writes at once: what two reviews need
A_MINUTE, AN_HOUR = 70, 450  # writes that notify people; GitHub takes 80 and 500

_TURN = """
-- KEYS: writer, next write, notifying writes  ARGV: token, ms of a writer, ms between writes, writes at once, 1 if it notifies,
--       a minute, an hour.  The answer: ms to wait; 0: it is the writer now; -1: another writes
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local writer = redis.call('GET', KEYS[1])
if writer == ARGV[1] then return 0 end  -- asked again after a lost answer
if writer then return -1 end
local due = math.max(tonumber(redis.call('GET', KEYS[2]) or 0), now)
local early = due - now - ARGV[3] * (ARGV[4] - 1)
if early > 0 then return early end
if ARGV[5] == '1' then
    redis.call('ZREMRANGEBYSCORE', KEYS[3], 0, now - 3600000)
    for _, window in ipairs({{60000, tonumber(ARGV[6])}, {3600000, tonumber(ARGV[7])}}) do
        local oldest = redis.call('ZREVRANGE', KEYS[3], window[2] - 1, window[2] - 1, 'WITHSCORES')[2]
        if oldest and oldest + window[1] > now then return oldest + window[1] - now end
    end
    redis.call('ZADD', KEYS[3], now, ARGV[1])
    redis.call('PEXPIRE', KEYS[3], 3600000)
end
redis.call('SET', KEYS[2], string.format('%.0f', due + ARGV[3]), 'PX', 3600000)
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return 0
"""

_DONE = """
if redis.call('GET', KEYS[1]) == ARGV[1] then redis.call('DEL', KEYS[1]) end
"""


class Asked(Protocol):
    """Who asks GitHub. `bot.github.GitHub` is it."""

    @property
    def budget(self) -> Budget | None: ...


@contextlib.contextmanager
def heeded(connection: Any, installation: int, github: Asked) -> Iterator[None]:
    """What GitHub says of its limits in the block holds for the whole installation."""
    try:
        yield
    except RateLimited as limited:
        pause(connection, installation, limited)
        raise
    finally:
        with contextlib.suppress(RedisError):
            spare(connection, installation, github.budget, time.time())


def pause(connection: Any, installation: int, limited: RateLimited) -> None:
    """Nothing is asked for this installation until the time GitHub named, or later where that was known.

    Where it names none, the wait doubles each time within an hour.
    """
    seconds = limited.after
    if not limited.told:
        again = f"cliffguard:again:{installation}"
        times = int(connection.incr(again))
        connection.expire(again, int(LONGEST))
        seconds = min(LONGEST, max(seconds, SECONDARY_WAIT) * 2 ** (min(times, 8) - 1))
    _pause(connection, installation, seconds)


def spare(connection: Any, installation: int, budget: Budget | None, now: float) -> None:
    """Waits for the next hour where hardly anything is left of this one."""
    if budget is not None and budget.remaining <= RESERVE and budget.reset > now:
        _pause(connection, installation, min(LONGEST, budget.reset - now + 1))


def _pause(connection: Any, installation: int, seconds: float) -> None:
    milliseconds = max(1, int(seconds * 1000))
    if int(connection.pttl(_key(installation))) < milliseconds:
        connection.set(_key(installation), 1, px=milliseconds)


def check(connection: Any, job: Job) -> None:
    """Raises `RateLimited` while the installation of the job has to wait."""
    left = int(connection.pttl(_key(job.installation))) / 1000
    if left > 0:
        raise RateLimited("GitHub asked this installation to wait", left + zlib.crc32(job.id.encode()) % SPREAD)


class Writing:
    """Turns to write for an installation, `spacing` seconds apart in the long run; 0: as one likes.

    Called with whether people are notified, it gives the block a turn. It raises `Later` where that would take longer than
    `TURN` seconds.
    """

    def __init__(self, connection: Any, installation: int, spacing: float) -> None:
        self._connection, self._spacing = connection, spacing
        self._keys = [writer_key(installation), f"cliffguard:writes:{installation}", f"cliffguard:notices:{installation}"]

    @contextlib.contextmanager
    def __call__(self, notifies: bool) -> Iterator[None]:
        if not self._spacing:
            yield
            return
        token = f"{holder()}:{uuid.uuid4().hex}"
        self._await(token, notifies)
        try:
            yield
        finally:
            with contextlib.suppress(RedisError):  # it ends by itself
                self._connection.register_script(_DONE)(keys=self._keys[:1], args=[token])

    def _await(self, token: str, notifies: bool) -> None:
        deadline, turn = time.monotonic() + TURN, self._connection.register_script(_TURN)
        pace = [token, int(WRITING * 1000), int(self._spacing * 1000), BURST]
        while True:
            answer = int(turn(keys=self._keys, args=[*pace, int(notifies), A_MINUTE, AN_HOUR]))
            if not answer:
                return
            wait = POLL if answer < 0 else answer / 1000
            if time.monotonic() + wait > deadline:
                raise Later("others write to GitHub for this installation", max(1.0, wait))
            time.sleep(wait)


def writer_key(installation: int) -> str:
    return f"cliffguard:writer:{installation}"


def _key(installation: int) -> str:
    return f"cliffguard:limited:{installation}"
