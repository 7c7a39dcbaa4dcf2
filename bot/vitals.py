"""The queue's vital signs: jobs by state, how long the oldest has waited, and the workers that live. One round trip."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import msgspec
import redis
import redis.asyncio

from bot.queue import NAME, PREFIX

_KEYS = [f"rq:{kind}:{NAME}" for kind in ("queue", "wip", "scheduled", "failed", "workers")]
_SCRIPT = """
-- KEYS: queue, started jobs, scheduled jobs, failed jobs, workers  ARGV: prefix of job keys
local counts = {redis.call('LLEN', KEYS[1])}
for n = 2, 4 do counts[n] = redis.call('ZCARD', KEYS[n]) end
local alive = 0
for _, worker in ipairs(redis.call('SMEMBERS', KEYS[5])) do alive = alive + redis.call('EXISTS', worker) end
counts[5] = alive
local first = redis.call('LINDEX', KEYS[1], 0)
counts[6] = first and redis.call('HGET', ARGV[1] .. first, 'enqueued_at') or ''
return counts
"""


class Vitals(msgspec.Struct, frozen=True):
    """How many jobs are in which state, how many workers live, and for how many seconds the next job has been waiting."""

    queued: int = 0
    started: int = 0
    scheduled: int = 0
    failed: int = 0
    workers: int = 0
    age: float = 0.0

    @property
    def states(self) -> dict[str, int]:
        return {"queued": self.queued, "started": self.started, "scheduled": self.scheduled, "failed": self.failed}


def vitals(connection: redis.Redis) -> Vitals:
    """As Valkey says now. Raises `RedisError` where it does not answer."""
    return _read(connection.register_script(_SCRIPT)(keys=_KEYS, args=[PREFIX]))


async def vitals_async(connection: redis.asyncio.Redis) -> Vitals:
    """The same for the event loop of the webhook service."""
    return _read(await connection.register_script(_SCRIPT)(keys=_KEYS, args=[PREFIX]))


def _read(answer: list[Any]) -> Vitals:
    queued, started, scheduled, failed, workers, since = answer
    return Vitals(queued, started, scheduled, failed, workers, _age(since.decode()))


def _age(since: str) -> float:
    try:
        return max(0.0, (datetime.now(UTC) - datetime.fromisoformat(since)).total_seconds())
    except (ValueError, TypeError):  # nothing waits, or another version wrote it
        return 0.0
