"""Switches for everything that goes wrong between two machines: outages, limits, slowness, stale reads, cut connections."""

from __future__ import annotations

import re
import threading
from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from bot.local_github.api import Answer

DROPPED = 0
FIELD = "FIELD"  # the method of a fault that strikes one field of a GraphQL mutation, by its name


class Moment(Enum):
    """When a fault strikes: before the request took effect, after it did, or not at all (only slow, or stale)."""

    BEFORE = "before"
    AFTER = "after"
    NEVER = "never"


@dataclass
class Fault:
    """The next `times` requests whose method and path match are answered with `status`; 0 cuts the connection.

    `delay` in seconds comes first. `stale` answers with what was true before the last push. `headers` travel with the answer.
    """

    method: str = ".*"
    path: str = ".*"
    status: int = 502
    moment: Moment = Moment.BEFORE
    times: int = 1
    delay: float = 0.0
    stale: bool = False
    message: str = "Server Error"
    headers: dict[str, str] = field(default_factory=dict)

    def matches(self, method: str, path: str) -> bool:
        named = self.method == FIELD if method == FIELD else re.fullmatch(self.method, method)
        return bool(named and re.search(self.path, path))

    def answer(self) -> Answer:
        from bot.local_github.api import DOCS, Answer

        body = {"message": self.message, "documentation_url": f"{DOCS}/overview/resources-in-the-rest-api"}
        return Answer(self.status or 200, {**body, "status": str(self.status)}, self.headers)


class Faults:
    """The faults switched on. The first that matches a request is used up by it."""

    def __init__(self) -> None:
        self._armed: list[Fault] = []
        self._lock = threading.Lock()

    def add(self, fault: Fault) -> Fault:
        with self._lock:
            self._armed.append(fault)
        return fault

    def clear(self) -> None:
        with self._lock:
            self._armed.clear()

    @property
    def armed(self) -> tuple[Fault, ...]:
        """The faults that have not struck as often as they will."""
        with self._lock:
            return tuple(self._armed)

    def take(self, method: str, path: str) -> Fault | None:
        with self._lock:
            for fault in self._armed:
                if fault.matches(method, path):
                    fault.times -= 1
                    if fault.times <= 0:
                        self._armed.remove(fault)
                    return fault
        return None

    def outage(self, path: str = ".*", *, method: str = ".*", times: int = 1, status: int = 502) -> Fault:
        """5xx, nothing done."""
        return self.add(Fault(method, path, status, times=times))

    def outage_after_commit(self, path: str = ".*", *, method: str = "POST|PATCH|PUT|DELETE", times: int = 1) -> Fault:
        """502, although the write took effect."""
        return self.add(Fault(method, path, 502, Moment.AFTER, times))

    def secondary_limit(self, path: str = ".*", *, method: str = ".*", times: int = 1, retry_after: int | None = None) -> Fault:
        """403 of the secondary rate limit, with or without `retry-after`."""
        message = "You have exceeded a secondary rate limit. Please wait a few minutes before you try again."
        headers = {} if retry_after is None else {"retry-after": str(retry_after)}
        return self.add(Fault(method, path, 403, times=times, message=message, headers=headers))

    def rate_limit(self, path: str = ".*", *, method: str = ".*", times: int = 1, reset: int = 0, status: int = 429) -> Fault:
        """429 (or 403) of the primary limit: nothing remaining until `reset`, in seconds since the epoch."""
        headers = {"x-ratelimit-remaining": "0", "x-ratelimit-reset": str(reset)}
        return self.add(Fault(method, path, status, times=times, message="API rate limit exceeded", headers=headers))

    def slow(self, delay: float, path: str = ".*", *, method: str = ".*", times: int = 1) -> Fault:
        """The right answer, `delay` seconds late."""
        return self.add(Fault(method, path, 200, Moment.NEVER, times, delay=delay))

    def stale(self, path: str = r"/pulls/\d+$", *, times: int = 1) -> Fault:
        """A pull request as it was before the last push: the API lags behind the webhook."""
        return self.add(Fault("GET", path, 200, Moment.NEVER, times, stale=True))

    def drop(self, path: str = ".*", *, method: str = ".*", times: int = 1, after_commit: bool = False) -> Fault:
        """The connection is cut in the middle of the answer."""
        return self.add(Fault(method, path, DROPPED, Moment.AFTER if after_commit else Moment.BEFORE, times))
