"""What GitHub asks of an installation: once one of its jobs is told to wait, all of them wait, and those of others do not.

Asking on while a limit holds makes GitHub extend it. The moment is kept in Valkey, so that every worker on every host knows it
before it sends a request; a job that comes too early goes back to the queue until then.
"""

from __future__ import annotations

import zlib
from typing import Any

from bot.answers import RateLimited
from bot.jobs import Job

SPREAD = 15  # seconds over which waiting jobs begin again


def pause(connection: Any, installation: int, seconds: float) -> None:
    """Nothing is asked for this installation for so long, or longer where that was known."""
    milliseconds = max(1, int(seconds * 1000))
    if int(connection.pttl(_key(installation))) < milliseconds:
        connection.set(_key(installation), 1, px=milliseconds)


def check(connection: Any, job: Job) -> None:
    """Raises `RateLimited` while the installation of the job has to wait."""
    left = int(connection.pttl(_key(job.installation))) / 1000
    if left > 0:
        raise RateLimited("GitHub asked this installation to wait", left + zlib.crc32(job.id.encode()) % SPREAD)


def _key(installation: int) -> str:
    return f"cliffguard:limited:{installation}"
