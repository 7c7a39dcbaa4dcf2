"""The queue's vital signs: jobs by state, how long the oldest has waited, and the workers that live. One round trip."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import msgspec
import redis
import redis.asyncio

from bot.queue import NAME, named
from bot.queue_scripts import WAITING

_REGISTRIES = [f"rq:{kind}:{NAME}" for kind in ("wip", "scheduled", "failed")]
_ALIVE = """
local alive = 0
for _, worker in ipairs(redis.call('SMEMBERS', KEYS[1])) do alive = alive + redis.call('EXISTS', worker) end
return alive
"""


class Vitals(msgspec.Struct, frozen=True):
    """How many jobs are in which state, how many workers live, and for how many seconds the oldest job has been waiting."""

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
    with connection.pipeline(transaction=False) as pipeline:
        _ask(connection, pipeline)
        return _read(pipeline.execute())


async def vitals_async(connection: redis.asyncio.Redis) -> Vitals:
    """The same for the event loop of the webhook service."""
    async with connection.pipeline(transaction=False) as pipeline:
        for command in _ask(connection, pipeline):
            await command
        return _read(await pipeline.execute())


def _ask(connection: Any, pipeline: Any) -> list[Any]:
    for registry in _REGISTRIES:
        pipeline.zcard(registry)
    waiting, alive = connection.register_script(named(WAITING)), connection.register_script(_ALIVE)
    return [waiting(client=pipeline), alive(keys=[f"rq:workers:{NAME}"], client=pipeline)]


def _read(answer: list[Any]) -> Vitals:
    started, scheduled, failed, (queued, since), workers = answer
    return Vitals(queued, started, scheduled, failed, workers, _age(since.decode()))


def _age(since: str) -> float:
    try:
        return max(0.0, (datetime.now(UTC) - datetime.fromisoformat(since)).total_seconds())
    except (ValueError, TypeError):  # nothing waits, or another version wrote it
        return 0.0
