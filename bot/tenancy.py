"""Repositories that the App was taken from: their mirrors are deleted on every host, and what was counted of them.

The receiver notes them in Valkey; each supervisor looks there every minute and deletes what its own host has. One that is given
back is taken out of the list. What a lost delivery did not tell ends with the mirrors that nobody uses.
"""

from __future__ import annotations

import time
from typing import Any

import msgspec

from bot.mirror import Mirrors

EVENTS = ("installation", "installation_repositories")
GONE = "cliffguard:gone"  # sorted set: repository id -> when
KEPT = 30 * 86400  # seconds for which a host may be away, and still hears of it
EVERY = 60.0  # seconds between two looks
MOST = 100_000  # repositories of one delivery


class _Repository(msgspec.Struct):
    id: int = 0


class _Payload(msgspec.Struct):
    action: str = ""
    repositories: list[_Repository] | None = None
    repositories_added: list[_Repository] | None = None
    repositories_removed: list[_Repository] | None = None


class Change(msgspec.Struct, frozen=True):
    """The ids of repositories that the App may see no more, and of those that it may see now."""

    gone: tuple[int, ...] = ()
    here: tuple[int, ...] = ()


def change_of(event: str, body: bytes) -> Change:
    """What an event of an installation says. Pure; never raises."""
    try:
        payload = msgspec.json.decode(body, type=_Payload)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return Change()
    match event, payload.action:
        case "installation", "deleted":
            return Change(gone=_ids(payload.repositories))
        case "installation", "created":
            return Change(here=_ids(payload.repositories))
        case "installation_repositories", ("added" | "removed"):
            return Change(_ids(payload.repositories_removed), _ids(payload.repositories_added))
    return Change()


def _ids(repositories: list[_Repository] | None) -> tuple[int, ...]:
    return tuple(one.id for one in (repositories or ())[:MOST] if one.id > 0)


async def note(connection: Any, change: Change) -> None:
    """Keeps what changed for the hosts, and forgets what is kept of what is gone. Twice is once."""
    async with connection.pipeline(transaction=True) as pipeline:
        if change.gone:
            pipeline.zadd(GONE, {str(one): int(time.time()) for one in change.gone})
            kept = ("ledger", "standings", "readiness")
            pipeline.delete(*(f"cliffguard:{name}:{one}" for one in change.gone for name in kept))
        if change.here:
            pipeline.zrem(GONE, *map(str, change.here))
        pipeline.zremrangebyscore(GONE, 0, int(time.time()) - KEPT)
        await pipeline.execute()


def purge(connection: Any, mirrors: Mirrors) -> int:
    """Deletes this host's mirrors of what is gone, and says how many; one that is in use, the next time."""
    return sum(mirrors.delete(int(one)) for one in connection.zrange(GONE, 0, -1))
