"""Leases: the right of one run to publish on one pull request, kept in Valkey and renewed while the run lives."""

from __future__ import annotations

import contextlib
import os
import socket
import threading
import time
import uuid
from collections.abc import Iterator
from typing import Any

from redis.exceptions import LockError, RedisError

from bot.errors import Later

SECONDS = 30  # a lease outlives its holder


class Lease:
    """The right to publish on one pull request. `check` raises `Later` once it is lost: a stalled machine, a cut line."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._until = time.monotonic() + seconds
        self._lost = False

    @property
    def held(self) -> bool:
        return not self._lost and time.monotonic() < self._until

    def check(self) -> None:
        if not self.held:
            raise Later("another run may have taken over this pull request", after=10)

    def renew(self, lock: Any, stop: threading.Event) -> None:
        """Until `stop`, or until it is lost."""
        while not stop.wait(self._seconds / 3):
            asked = time.monotonic()
            try:
                lock.reacquire()
                self._until = asked + self._seconds
            except LockError:
                self._lost = True
                return
            except RedisError:
                continue  # until it expires, Valkey may come back


@contextlib.contextmanager
def lease(connection: Any, subject: str, seconds: float = SECONDS) -> Iterator[Lease]:
    """The lease on `subject` (`Job.subject`), renewed while the block runs. Raises `Later` if another run holds it."""
    lock = connection.lock(key(subject), timeout=seconds, blocking=False, thread_local=False)
    if not lock.acquire(token=f"{holder()}:{uuid.uuid4().hex}"):
        raise Later("another run is at work on this pull request", after=5)
    held, stop = Lease(seconds), threading.Event()
    renewal = threading.Thread(target=held.renew, args=(lock, stop), daemon=True, name=f"lease {subject}")
    renewal.start()
    try:
        yield held
    finally:
        stop.set()
        renewal.join(timeout=5)
        with contextlib.suppress(LockError, RedisError):  # lost, or Valkey is away: it expires by itself
            lock.release()


def holder() -> str:
    """Who holds what this process takes: the job it runs, so that it can be taken away when the process is known to be dead."""
    return os.environ.get("RQ_JOB_ID", "") or socket.gethostname()


def key(subject: str) -> str:
    return f"cliffguard:lease:{subject}"
