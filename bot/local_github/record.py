"""The record of every API request and its answer, one JSON object a line, in the form of the contract check. No secrets."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import orjson
from starlette.requests import Request

from bot.local_github.faults import DROPPED, Fault, Moment

if TYPE_CHECKING:
    from bot.local_github.api import Answer

_SECRETS = frozenset({"token", "pem", "client_secret", "webhook_secret", "secret"})
_MASK = "********"


def masked(value: Any) -> Any:
    """`value` with the content of every secret replaced."""
    if isinstance(value, dict):
        return {k: _MASK if k in _SECRETS and isinstance(v, str) else masked(v) for k, v in value.items()}
    return [masked(v) for v in value] if isinstance(value, list) else value


class Record:
    """Appends to `path` and keeps the same entries as a list."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock = threading.Lock()
        self._entries: list[dict[str, Any]] = []

    @property
    def entries(self) -> list[dict[str, Any]]:
        with self._lock:
            return list(self._entries)

    def add(self, request: Request, path: str, raw: bytes, answer: Answer, fault: Fault | None) -> None:
        entry: dict[str, Any] = {"method": request.method, "path": quote(path)}
        if request.query_params:
            entry["query"] = dict(request.query_params)
        if raw.strip():
            entry |= _body(raw)
        if fault:
            entry["fault"] = {"status": fault.status, "moment": fault.moment.value, "stale": fault.stale, "delay": fault.delay}
        if not (fault and fault.status == DROPPED and fault.moment is not Moment.NEVER):
            entry["status"] = answer.status
            if answer.text is None and answer.status != 204:
                entry["response"] = masked(answer.json)
        with self._lock:
            self._entries.append(entry)
            with self.path.open("ab") as file:
                file.write(orjson.dumps(entry) + b"\n")


def _body(raw: bytes) -> dict[str, Any]:
    try:
        return {"json": masked(orjson.loads(raw))}
    except orjson.JSONDecodeError:
        return {"unreadable_bytes": len(raw)}
