"""The default configuration of an organisation: `.github/cliffguard.yml` of its repository `.github`.

The sweep reads it where the App is installed on that repository, and keeps it for the reviews: they ask GitHub nothing for it.
"""

from __future__ import annotations

from typing import Any

REPOSITORY, PATH = ".github", ".github/cliffguard.yml"
MAX_BYTES = 100_000
KEPT = 7 * 86400  # seconds without a sweep that confirms it


def default(connection: Any, installation: int) -> bytes | None:
    """What is kept of the organisation's default; nothing if it has none."""
    kept = connection.get(_key(installation))
    return kept.encode() if isinstance(kept, str) else kept


def keep(connection: Any, installation: int, text: bytes | None) -> None:
    if text is None or len(text) > MAX_BYTES:
        connection.delete(_key(installation))
    else:
        connection.set(_key(installation), text, ex=KEPT)


def _key(installation: int) -> str:
    return f"cliffguard:default:{installation}"
