"""What GitHub answers, as values, and how each answer is judged: taken, asked for again, or turned into an error. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

import msgspec
from tenacity import Retrying, retry_if_exception_type, stop_after_attempt, wait_exponential, wait_random

from bot.errors import Broken, Gone, Later

TRIES = 3
SECONDARY_WAIT = 60.0  # GitHub's documented minimum where a secondary limit names no wait
PRIMARY_WINDOW = 3600.0

T = TypeVar("T")


class Unsure(Later):
    """A write whose outcome is unknown: it may have happened. Look before doing it again."""


class RateLimited(Later):
    """GitHub wants to be left alone for a while. `told`: it said for how long."""

    def __init__(self, reason: str, after: float, *, told: bool = True) -> None:
        super().__init__(reason, after)
        self.told = told


class Rejected(Broken):
    """GitHub understood the request and declared it invalid (422). Nothing was stored, as far as it says."""


class Unknown(Gone):
    """GitHub does not know the thing asked for, or does not show it to us (404, 410)."""


class Outage(Later):
    """One try failed in a way that another may not."""


class Commit(msgspec.Struct, frozen=True):
    sha: str
    ref: str = ""


class Account(msgspec.Struct, frozen=True):
    login: str = ""
    type: str = ""


class PullRequest(msgspec.Struct, frozen=True):
    number: int
    state: str
    head: Commit
    base: Commit
    draft: bool = False
    updated_at: str = ""
    comments: int = 0  # in the conversation
    review_comments: int = 0  # on the diff
    merged: bool = False


class Comparison(msgspec.Struct, frozen=True):
    """`status` of the head seen from the base: ahead, behind, diverged or identical."""

    status: str
    merge_base_commit: Commit | None = None


class App(msgspec.Struct, frozen=True):
    id: int = 0
    slug: str | None = None


class CheckOutput(msgspec.Struct, frozen=True):
    annotations_count: int = 0
    text: str | None = None


class Check(msgspec.Struct, frozen=True):
    """A check run."""

    id: int
    head_sha: str = ""
    external_id: str | None = None
    status: str = ""
    started_at: str | None = None
    conclusion: str | None = None
    html_url: str | None = None
    app: App | None = None
    output: CheckOutput | None = None


class Checks(msgspec.Struct, frozen=True):
    check_runs: list[Check] = []


class Permission(msgspec.Struct, frozen=True):
    """What a person may do in a repository: admin, write, read or none."""

    permission: str = "none"


class Reactions(msgspec.Struct, frozen=True, rename={"likes": "+1", "dislikes": "-1"}):
    """How many people like what was said."""

    likes: int = 0
    dislikes: int = 0


class Comment(msgspec.Struct, frozen=True):
    """A comment on the diff, or in the conversation. `line` is None where the commented line is no longer part of the diff."""

    id: int
    body: str
    path: str = ""
    line: int | None = None
    user: Account | None = None
    pull_request_review_id: int | None = None
    node_id: str = ""
    in_reply_to_id: int | None = None
    reactions: Reactions | None = None


class File(msgspec.Struct, frozen=True):
    """A changed file. `patch` is None for binary and for too large ones."""

    filename: str
    patch: str | None = None


class Created(msgspec.Struct, frozen=True):
    id: int


class InstallationToken(msgspec.Struct, frozen=True):
    token: str
    expires_at: str


class _Errors(msgspec.Struct, frozen=True):
    message: str = ""
    errors: list[Any] = []


class Nothing(msgspec.Struct, frozen=True):
    pass


@dataclass(frozen=True)
class Budget:
    """What GitHub still allows an installation: so many requests until the moment `reset` (seconds since the epoch)."""

    remaining: int
    reset: float


@dataclass(frozen=True)
class Answer:
    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def budget(self) -> Budget | None:
        """What is left of the hour, where GitHub says it; GraphQL has a budget of its own."""
        if self.headers.get("x-ratelimit-resource", "core") != "core":
            return None
        try:
            return Budget(int(self.headers["x-ratelimit-remaining"]), float(self.headers["x-ratelimit-reset"]))
        except (KeyError, ValueError):
            return None

    @property
    def message(self) -> str:
        """GitHub's own words, with the details it gives, on one line and bounded."""
        try:
            answer = msgspec.json.decode(self.body, type=_Errors)
        except (msgspec.DecodeError, msgspec.ValidationError):
            return f"status {self.status}"
        details = [e if isinstance(e, str) else str(e.get("message") or e) for e in answer.errors if isinstance(e, str | dict)]
        return " ".join(": ".join([answer.message or f"status {self.status}", *details]).split())[:500]


def rate_limit_wait(answer: Answer, now: float) -> float | None:
    """Seconds to wait if the answer is a rate limit, else None.

    `retry-after`, else until `x-ratelimit-reset` when nothing remains, else a minute: a secondary limit may come as a plain
    403 that only its message tells from a refusal.
    """
    if answer.status not in (403, 429):
        return None
    headers = answer.headers
    if after := headers.get("retry-after"):
        try:
            return max(1.0, float(after))
        except ValueError:
            return SECONDARY_WAIT
    if headers.get("x-ratelimit-remaining") == "0":
        try:
            return min(PRIMARY_WINDOW, max(1.0, float(headers["x-ratelimit-reset"]) - now + 1.0))
        except (KeyError, ValueError):
            return SECONDARY_WAIT
    text = answer.message.lower()
    if answer.status == 429 or "rate limit" in text or "abuse detection" in text:
        return SECONDARY_WAIT
    return None


def patiently(send: Callable[[], Answer]) -> Answer:
    """Asks again, up to three times in all, after outages and 5xx; then `Later`."""

    def once() -> Answer:
        answer = send()
        if answer.status >= 500:
            raise Outage(f"status {answer.status}")
        return answer

    wait = wait_exponential(multiplier=0.25, max=4) + wait_random(0, 0.25)
    try:
        return Retrying(stop=stop_after_attempt(TRIES), wait=wait, retry=retry_if_exception_type(Outage), reraise=True)(once)
    except Outage as outage:
        raise Later(f"GitHub does not answer ({outage})", 20.0) from outage


def judged(answer: Answer, what: str, now: float) -> Answer:
    """The answer if it is one, else the error that says how to go on."""
    if 200 <= answer.status < 300:
        return answer
    if (wait := rate_limit_wait(answer, now)) is not None:
        told = "retry-after" in answer.headers or answer.headers.get("x-ratelimit-remaining") == "0"
        raise RateLimited(f"GitHub's rate limit ({answer.message})", wait, told=told)
    match answer.status:
        case 403 if "suspended" in answer.message.lower():
            raise Gone("the installation is suspended")
        case 401:
            raise Later(f"GitHub does not accept our token for {what}: {answer.message}", 30.0)
        case 403:
            raise Broken(f"GitHub forbids {what}: {answer.message}. The App's permissions may wait for the owner's consent.")
        case 404 | 410 | 451:
            raise Unknown(f"GitHub does not show {what}: {answer.message}")
        case 409:
            raise Later(f"GitHub is busy with {what}: {answer.message}", 10.0)
        case 422:
            raise Rejected(answer.message)
        case status if status >= 500:
            raise Unsure(f"GitHub failed ({status}) at {what}", 20.0)
    raise Broken(f"GitHub answered {answer.status} to {what}: {answer.message}")


def decoded(answer: Answer, kind: type[T]) -> T:
    try:
        return msgspec.json.decode(answer.body, type=kind)
    except (msgspec.DecodeError, msgspec.ValidationError) as error:
        raise Later(f"GitHub's answer cannot be read ({error})", 30.0) from error
