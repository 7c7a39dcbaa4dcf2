"""Where facts are kept between reviews: on disk, in a shared Valkey, or both. A store may forget anything at any time.

No store ever fails a review: what cannot be read is a miss, what cannot be written is computed again next time.
"""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import TypeVar

import redis
import structlog

from analyzers import FactStore
from bot.observe import count_lookups

log = structlog.get_logger(__name__)

BATCH = 500
TOUCH_AFTER = 3600.0  # seconds: how exactly "least recently used" is meant, in exchange for few writes
PAUSE = 30.0
T = TypeVar("T")

SCHEMA = """
CREATE TABLE IF NOT EXISTS facts (key TEXT PRIMARY KEY, value BLOB NOT NULL, used INTEGER NOT NULL);
CREATE INDEX IF NOT EXISTS facts_used ON facts (used);
"""


def batches(items: Iterable[T], size: int = BATCH) -> Iterator[Sequence[T]]:
    rest = iter(items)
    while batch := tuple(islice(rest, size)):
        yield batch


@dataclass
class DiskFacts:
    """Facts in an SQLite file, shared by the processes of a machine, at most `limit_bytes` large (the least recently used
    go first). A file that is damaged is thrown away."""

    path: Path
    limit_bytes: int = 2 * 2**30
    _connection: sqlite3.Connection | None = field(default=None, repr=False)
    _owner: int = 0

    def get_many(self, keys: Iterable[str]) -> Mapping[str, bytes]:
        found: dict[str, bytes] = {}
        now = int(time.time())
        with self._safely():
            database = self._open()
            stale: list[str] = []
            for batch in batches(dict.fromkeys(keys)):
                query = f"SELECT key, value, used FROM facts WHERE key IN ({','.join('?' * len(batch))})"  # noqa: S608 - placeholders
                for key, value, used in database.execute(query, batch):
                    found[key] = value
                    if now - used > TOUCH_AFTER:
                        stale.append(key)
            if stale:
                with database:
                    database.executemany("UPDATE facts SET used = ? WHERE key = ?", ((now, key) for key in stale))
        return found

    def put_many(self, items: Mapping[str, bytes]) -> None:
        if not items:
            return
        now = int(time.time())
        with self._safely():
            database = self._open()
            with database:
                database.execute("BEGIN IMMEDIATE")
                rows = ((key, value, now) for key, value in items.items())
                database.executemany("INSERT OR REPLACE INTO facts (key, value, used) VALUES (?, ?, ?)", rows)
            self._evict(database)

    def close(self) -> None:
        if self._connection is not None and self._owner == os.getpid():
            self._connection.close()
        self._connection = None

    def _evict(self, database: sqlite3.Connection) -> None:
        """Down to nine tenths of the limit, oldest first, in whole groups of the same age or in slices of the oldest."""
        page = database.execute("PRAGMA page_size").fetchone()[0]

        def bytes_used() -> int:
            pages, free = (database.execute(f"PRAGMA {name}").fetchone()[0] for name in ("page_count", "freelist_count"))
            return int(pages - free) * int(page)

        if bytes_used() <= self.limit_bytes:
            return
        while bytes_used() > self.limit_bytes * 0.9:
            oldest = "SELECT rowid FROM facts ORDER BY used, rowid LIMIT max(1, (SELECT count(*) / 20 FROM facts))"
            with database:
                if not database.execute(f"DELETE FROM facts WHERE rowid IN ({oldest})").rowcount:  # noqa: S608 - constant
                    return

    def _open(self) -> sqlite3.Connection:
        """The connection of this process."""
        if self._connection is None or self._owner != os.getpid():
            # A connection that a fork inherited is left alone: closing it would release the parent's locks.
            self._connection, self._owner = self._connect(), os.getpid()
        return self._connection

    @contextmanager
    def _safely(self) -> Iterator[None]:
        """Errors end the block quietly; a damaged file is removed."""
        try:
            yield
        except sqlite3.OperationalError as error:  # locked, full, unreadable
            log.warning("facts.disk", error=str(error))
            self.close()
        except sqlite3.DatabaseError as error:
            log.warning("facts.disk", error=str(error), action="recreated")
            self.close()
            self._remove()
        except OSError as error:
            log.warning("facts.disk", error=str(error))

    def _connect(self) -> sqlite3.Connection:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        connection = sqlite3.connect(self.path, timeout=5.0, isolation_level=None, check_same_thread=False)
        try:
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA synchronous = NORMAL")
            connection.execute("PRAGMA journal_size_limit = 67108864")
            connection.executescript(SCHEMA)
        except sqlite3.Error:
            connection.close()
            raise
        return connection

    def _remove(self) -> None:
        for suffix in ("", "-wal", "-shm"):
            with suppress(OSError):
                self.path.with_name(self.path.name + suffix).unlink(missing_ok=True)


class ValkeyFacts:
    """Facts in a Valkey that may evict them, shared by machines. After an error it is left alone for half a minute."""

    def __init__(self, url: str, *, ttl: int = 14 * 86400, prefix: str = "cliffguard:facts:") -> None:
        self._client = redis.Redis.from_url(url, socket_timeout=1.0, socket_connect_timeout=0.5)
        self._ttl, self._prefix, self._quiet_until = ttl, prefix, 0.0

    def get_many(self, keys: Iterable[str]) -> Mapping[str, bytes]:
        found: dict[str, bytes] = {}
        with self._reachable() as reachable:
            for batch in batches(dict.fromkeys(keys)) if reachable else ():
                values = self._client.mget([self._prefix + key for key in batch])
                found |= {key: value for key, value in zip(batch, values, strict=True) if isinstance(value, bytes)}
        return found

    def put_many(self, items: Mapping[str, bytes]) -> None:
        with self._reachable() as reachable:
            for batch in batches(items.items()) if reachable else ():
                with closing(self._client.pipeline(transaction=False)) as pipeline:
                    for key, value in batch:
                        pipeline.set(self._prefix + key, value, ex=self._ttl)
                    pipeline.execute()

    def close(self) -> None:
        self._client.close()

    @contextmanager
    def _reachable(self) -> Iterator[bool]:
        try:
            yield time.monotonic() >= self._quiet_until
        except (redis.RedisError, OSError) as error:
            log.warning("facts.valkey", error=str(error))
            self._quiet_until = time.monotonic() + PAUSE


@dataclass(frozen=True)
class Layered:
    """Asks `near`, then `far` for the rest, and keeps near what came from far. Writes to both."""

    near: FactStore
    far: FactStore

    def get_many(self, keys: Iterable[str]) -> Mapping[str, bytes]:
        asked = list(dict.fromkeys(keys))
        found = dict(self.near.get_many(asked))
        if missing := [key for key in asked if key not in found]:
            fetched = self.far.get_many(missing)
            self.near.put_many(fetched)
            found |= fetched
        return found

    def put_many(self, items: Mapping[str, bytes]) -> None:
        self.near.put_many(items)
        self.far.put_many(items)


@dataclass(frozen=True)
class Counted:
    """A store of which `/metrics` tells how often it had what was asked for."""

    store: FactStore

    def get_many(self, keys: Iterable[str]) -> Mapping[str, bytes]:
        asked = list(dict.fromkeys(keys))
        found = self.store.get_many(asked)
        count_lookups(len(found), len(asked) - len(found))
        return found

    def put_many(self, items: Mapping[str, bytes]) -> None:
        self.store.put_many(items)


def user_cache() -> Path | None:
    """Where a user's caches are kept; they may be thrown away at any time. None where there is no home."""
    try:
        home = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    except RuntimeError:
        return None
    return home / "cliffguard" if home.is_absolute() else None


def fact_store(data_dir: Path, facts_url: str | None) -> FactStore:
    """The store a worker uses: on disk, before a shared Valkey if there is one."""
    disk = DiskFacts(data_dir / "facts.sqlite")
    return Counted(Layered(disk, ValkeyFacts(facts_url)) if facts_url else disk)
