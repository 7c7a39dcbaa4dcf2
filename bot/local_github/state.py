"""What the local GitHub knows: accounts, the App, repositories, pull requests and what was said about them, in memory."""

from __future__ import annotations

import itertools
import re
import secrets
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Literal

from bot.local_github.git import Git

Side = Literal["LEFT", "RIGHT"]

PERMISSIONS = {
    "checks": "write",
    "contents": "read",
    "issues": "read",
    "merge_queues": "read",
    "metadata": "read",
    "pull_requests": "write",
}
EVENTS = ("check_run", "check_suite", "issue_comment", "merge_group", "pull_request", "pull_request_review_comment")
_NAME = re.compile(r"(?!\.{1,2}$)[A-Za-z0-9._-]{1,100}")


def timestamp(moment: datetime) -> str:
    """The form GitHub writes times in: `2026-01-31T12:00:00Z`."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


@dataclass(eq=False)
class Account:
    """A user, an organisation, or the bot user of an App."""

    id: int
    login: str
    type: Literal["User", "Organization", "Bot"] = "User"


@dataclass(eq=False)
class App:
    """A GitHub App: who it is, what it may do, and where its webhooks go. `private_key` is PEM."""

    id: int
    slug: str
    name: str
    owner: Account
    bot: Account
    client_id: str
    client_secret: str
    private_key: str
    public_key: str
    webhook_secret: str
    webhook_url: str | None
    permissions: dict[str, str]
    events: tuple[str, ...]
    created_at: datetime
    description: str = ""
    external_url: str = "https://github.com"


@dataclass(eq=False)
class Installation:
    """An App on an account; `repositories` are the ids it was given, None for all of the account."""

    id: int
    app: App
    account: Account
    permissions: dict[str, str]
    created_at: datetime
    repositories: set[int] | None = None
    suspended: bool = False


@dataclass(frozen=True)
class Token:
    """An installation token, narrowed to `repositories` (None: all of the installation) and `permissions`."""

    value: str
    installation: Installation
    permissions: dict[str, str]
    repositories: frozenset[int] | None
    expires_at: datetime


@dataclass(eq=False)
class Repository:
    """A repository and its bare git directory. Forks name their parent and share nothing with it but history."""

    id: int
    owner: Account
    name: str
    git: Git
    default_branch: str
    created_at: datetime
    private: bool = True
    parent: Repository | None = None
    pulls: dict[int, PullRequest] = field(default_factory=dict)
    numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    @property
    def full_name(self) -> str:
        return f"{self.owner.login}/{self.name}"


@dataclass(eq=False)
class PullRequest:
    """A pull request. `heads` are all heads it ever had, oldest first; the last one is the current."""

    id: int
    number: int
    repository: Repository
    head_repository: Repository
    title: str
    body: str
    user: Account
    base_ref: str
    base_sha: str
    head_ref: str
    heads: list[str]
    created_at: datetime
    updated_at: datetime
    draft: bool = False
    state: Literal["open", "closed"] = "open"
    closed_at: datetime | None = None
    merged: bool = False
    merge_commit: str | None = None
    reviews: list[Review] = field(default_factory=list)
    review_comments: list[ReviewComment] = field(default_factory=list)
    comments: list[IssueComment] = field(default_factory=list)

    @property
    def head_sha(self) -> str:
        return self.heads[-1]

    @property
    def fork(self) -> bool:
        return self.head_repository is not self.repository


@dataclass(eq=False)
class Review:
    """A review of a pull request at `commit`; `submitted_at` is None while it is pending."""

    id: int
    pull: PullRequest
    user: Account
    body: str
    state: Literal["PENDING", "COMMENTED", "APPROVED", "CHANGES_REQUESTED", "DISMISSED"]
    commit: str
    submitted_at: datetime | None
    app: App | None = None


@dataclass(eq=False)
class Thread:
    """A conversation at a place of the diff: what GraphQL calls a review thread."""

    id: int
    pull: PullRequest
    resolved_by: Account | None = None


@dataclass(eq=False)
class ReviewComment:
    """A comment in the diff. `line` and `position` become None when a push makes it outdated; the originals stay."""

    id: int
    thread: Thread
    pull: PullRequest
    review: Review
    user: Account
    body: str
    path: str
    commit: str
    original_commit: str
    diff_hunk: str
    side: Side
    line: int | None
    original_line: int | None
    position: int | None
    original_position: int | None
    created_at: datetime
    updated_at: datetime
    start_side: Side | None = None
    start_line: int | None = None
    original_start_line: int | None = None
    subject_type: Literal["line", "file"] = "line"
    in_reply_to: ReviewComment | None = None
    minimized: str | None = None
    app: App | None = None
    reactions: list[Reaction] = field(default_factory=list)


@dataclass(eq=False)
class IssueComment:
    """A comment in the conversation of a pull request."""

    id: int
    pull: PullRequest
    user: Account
    body: str
    created_at: datetime
    updated_at: datetime
    minimized: str | None = None
    app: App | None = None
    reactions: list[Reaction] = field(default_factory=list)


@dataclass(frozen=True, eq=False)
class Reaction:
    """A reaction to a comment."""

    id: int
    user: Account
    content: str
    created_at: datetime


@dataclass(eq=False)
class CheckSuite:
    """All check runs of one App at one commit."""

    id: int
    repository: Repository
    app: App
    head_sha: str
    head_branch: str | None
    created_at: datetime
    runs: list[CheckRun] = field(default_factory=list)


@dataclass(eq=False)
class CheckRun:
    """A check run; `output` and `actions` as last sent, annotations collected over all requests."""

    id: int
    suite: CheckSuite
    name: str
    status: str
    conclusion: str | None
    started_at: datetime | str | None
    completed_at: datetime | str | None
    external_id: str
    details_url: str | None
    output: dict[str, Any] = field(default_factory=dict)
    annotations: list[dict[str, Any]] = field(default_factory=list)
    actions: list[dict[str, str]] = field(default_factory=list)


@dataclass
class Delivery:
    """One attempt to deliver a webhook. `status_code` is 0 when no answer came; `status` says why."""

    id: int
    app: App
    guid: str
    event: str
    action: str | None
    payload: dict[str, Any]
    installation: int | None
    repository: int | None
    redelivery: bool
    delivered_at: datetime
    duration: float = 0.0
    status: str = "pending"
    status_code: int = 0
    request_headers: dict[str, str] = field(default_factory=dict)
    response_headers: dict[str, str] = field(default_factory=dict)
    response_body: str | None = None


class World:
    """All state, behind one lock. `clock` gives the time everything is judged by, so that tests can move it."""

    def __init__(self, root: Path, clock: Callable[[], datetime] | None = None) -> None:
        self.root = root
        self.lock = threading.RLock()
        self._clock = clock or (lambda: datetime.now(UTC))
        self._ids = itertools.count(1001)
        self.url = self.api_url = ""
        self.accounts: dict[str, Account] = {}
        self.apps: dict[int, App] = {}
        self.installations: dict[int, Installation] = {}
        self.tokens: dict[str, Token] = {}
        self.repositories: dict[int, Repository] = {}
        self.suites: dict[int, CheckSuite] = {}
        self.runs: dict[int, CheckRun] = {}
        self.deliveries: list[Delivery] = []
        self.manifests: dict[str, App] = {}
        self.redeliver: Callable[[Delivery], Delivery]

    def now(self) -> datetime:
        return self._clock()

    def next_id(self) -> int:
        return next(self._ids)

    def account(self, login: str, type: Literal["User", "Organization", "Bot"] = "User") -> Account:
        """The account of that name; a new one of `type` if there is none yet."""
        found = self.accounts.get(login.lower())
        if found is None:
            found = self.accounts[login.lower()] = Account(self.next_id(), login, type)
        return found

    def repository(self, full_name: str) -> Repository | None:
        wanted = full_name.lower()
        return next((r for r in self.repositories.values() if r.full_name.lower() == wanted), None)

    def check_name(self, owner: str, name: str) -> None:
        """`ValueError` unless a repository of that name can be made."""
        if not (_NAME.fullmatch(owner) and _NAME.fullmatch(name)) or name.endswith(".git"):
            raise ValueError(f"{owner}/{name} is not a repository name GitHub would take")
        if self.repository(f"{owner}/{name}"):
            raise ValueError(f"{owner}/{name} exists already")

    def add_repository(self, owner: str, name: str, git: Git, default_branch: str, parent: Repository | None) -> Repository:
        account = self.account(owner)
        added = Repository(self.next_id(), account, name, git, default_branch, self.now(), parent=parent)
        self.repositories[added.id] = added
        return added

    def installation_of(self, repository: Repository, app: App) -> Installation | None:
        return next((i for i in self.installations.values() if i.app is app and self.covers(i, repository)), None)

    @staticmethod
    def covers(installation: Installation, repository: Repository) -> bool:
        chosen = installation.repositories
        return installation.account is repository.owner and (chosen is None or repository.id in chosen)

    def issue_token(
        self, installation: Installation, permissions: dict[str, str], repositories: frozenset[int] | None
    ) -> Token:
        """A new token, alive for an hour."""
        value = f"ghs_{secrets.token_hex(18)}"
        token = Token(value, installation, permissions, repositories, self.now() + timedelta(hours=1))
        self.tokens[value] = token
        return token

    def suite(self, repository: Repository, app: App, head_sha: str) -> CheckSuite:
        """The suite of that App at that commit, created when first asked for."""
        for suite in self.suites.values():
            if suite.repository is repository and suite.app is app and suite.head_sha == head_sha:
                return suite
        branch = next((p.head_ref for p in repository.pulls.values() if p.head_sha == head_sha and not p.fork), None)
        suite = CheckSuite(self.next_id(), repository, app, head_sha, branch, self.now())
        self.suites[suite.id] = suite
        return suite

    def pulls_at(self, repository: Repository, sha: str) -> list[PullRequest]:
        """Open pull requests with that head from the repository itself: forks are left out, as GitHub does in checks."""
        pulls = repository.pulls.values()
        return [p for p in pulls if p.head_sha == sha and p.state == "open" and not p.fork]
