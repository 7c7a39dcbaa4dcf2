"""What the App itself asks GitHub: its deliveries, where it is installed, and what waits there."""

from __future__ import annotations

from base64 import b64decode
from collections.abc import Iterator
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self, TypeVar
from urllib.parse import parse_qs, quote, urlsplit

import httpx
import msgspec

from bot.answers import Account, Answer, Check, Checks, PullRequest, Unknown, decoded, judged, patiently
from bot.github import CHECK_NAME, GIT_PERMISSIONS
from bot.tokens import Tokens
from bot.transport import Transport

PERMISSIONS = {"checks": "read", "pull_requests": "read"}
PAGES = 60  # of 100

T = TypeVar("T")


class Delivery(msgspec.Struct, frozen=True):
    """One attempt to deliver an event. `guid` is the same for all attempts."""

    id: int
    guid: str
    delivered_at: str
    status_code: int = 0
    event: str = ""

    @property
    def ok(self) -> bool:
        return 200 <= self.status_code < 300


class Installation(msgspec.Struct, frozen=True):
    id: int
    suspended_at: str | None = None


class Repository(msgspec.Struct, frozen=True):
    id: int
    name: str
    owner: Account
    archived: bool = False
    disabled: bool = False


class _File(msgspec.Struct, frozen=True):
    content: str = ""
    encoding: str = ""


class _Repositories(msgspec.Struct, frozen=True):
    repositories: list[Repository] = []


@dataclass
class Installations:
    """A context manager: it keeps its connection."""

    tokens: Tokens
    api_url: str
    transport: httpx.BaseTransport | None = None
    _transport: Transport = field(init=False, repr=False)

    def __post_init__(self) -> None:
        self._transport = Transport(self.api_url, transport=self.transport)

    def __enter__(self) -> Self:
        self._transport.__enter__()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._transport.__exit__(kind, error, trace)

    def deliveries(self) -> Iterator[Delivery]:
        """Attempts to deliver events to the App, latest first, as far back as GitHub keeps them."""
        cursor: str | None = ""
        for _ in range(PAGES):
            page: dict[str, str | int] = {"per_page": 100, **({"cursor": cursor} if cursor else {})}
            answer = self._as_app("GET", "/app/hook/deliveries", "the deliveries", **page)
            yield from decoded(answer, list[Delivery])
            if not (cursor := _next(answer)):
                return

    def redeliver(self, delivery: Delivery) -> None:
        """Has GitHub deliver an event once more."""
        self._as_app("POST", f"/app/hook/deliveries/{delivery.id}/attempts", "a redelivery")

    def all(self) -> Iterator[Installation]:
        """Where the App is installed, and not suspended."""
        for page in range(1, PAGES + 1):
            answer = self._as_app("GET", "/app/installations", "the installations", per_page=100, page=page)
            items = decoded(answer, list[Installation])
            yield from (one for one in items if not one.suspended_at)
            if len(items) < 100:
                return

    def repositories(self, installation: Installation) -> Iterator[Repository]:
        """What an installation covers and people can still push to."""
        for page in range(1, PAGES + 1):
            answer = self._as(installation, "/installation/repositories", "the repositories", per_page=100, page=page)
            items = decoded(answer, _Repositories).repositories
            yield from (one for one in items if not (one.archived or one.disabled))
            if len(items) < 100:
                return

    def pulls(self, installation: Installation, repository: Repository) -> list[PullRequest]:
        """The open pull requests that changed last, at most 100."""
        path = f"/repos/{repository.owner.login}/{repository.name}/pulls"
        order = {"state": "open", "sort": "updated", "direction": "desc"}
        return decoded(self._as(installation, path, "the open pull requests", **order, per_page=100), list[PullRequest])

    def checks(self, installation: Installation, repository: Repository, head: str) -> list[Check]:
        """All our check runs of a commit."""
        path = f"/repos/{repository.owner.login}/{repository.name}/commits/{head}/check-runs"
        asked: dict[str, str | int] = {"check_name": CHECK_NAME, "app_id": self.tokens.app_id, "filter": "all"}
        return decoded(self._as(installation, path, "the check runs", **asked, per_page=100), Checks).check_runs

    def file(self, installation: Installation, repository: Repository, path: str) -> bytes | None:
        """A file of the default branch, of a megabyte at most; nothing where there is none."""
        address = f"/repos/{repository.owner.login}/{repository.name}/contents/{quote(path)}"
        try:
            held = self.tokens.token(self._transport, installation.id, repository.id, GIT_PERMISSIONS)
            answer = patiently(lambda: self._transport.send("GET", address, held.token))
            found = decoded(judged(answer, f"the file {path}", self.tokens.now()), _File)
        except Unknown:
            return None
        return b64decode(found.content) if found.encoding == "base64" else None

    def _as_app(self, method: str, path: str, what: str, **params: str | int) -> Answer:
        # A redelivery that is asked for twice is delivered twice, and done once: the receiver knows its guid.
        answer = patiently(lambda: self._transport.send(method, path, self.tokens.app_jwt(), params))
        return judged(answer, what, self.tokens.now())

    def _as(self, installation: Installation, path: str, what: str, **params: str | int) -> Answer:
        held = self.tokens.token(self._transport, installation.id, 0, PERMISSIONS)
        answer = patiently(lambda: self._transport.send("GET", path, held.token, params))
        return judged(answer, what, self.tokens.now())


def _next(answer: Answer) -> str | None:
    """The cursor of the page after this one."""
    for link in answer.headers.get("link", "").split(","):
        address, _, relation = link.partition(";")
        if 'rel="next"' in relation:
            found = parse_qs(urlsplit(address.strip(" <>")).query).get("cursor")
            return found[0] if found else None
    return None
