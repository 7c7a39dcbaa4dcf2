"""GitHub's REST API as the few questions and writes of a review. The rules:

- a question (GET) is asked up to three times after an outage, then the job comes back `Later`;
- a write is never repeated blindly: an answer that leaves its outcome open raises `Unsure`, and the caller looks first;
- a rate limit is never waited out in a worker: `Later`, with the wait GitHub asks for;
- what is no longer there (repository, installation, pull request) is `Gone`; a request GitHub declares wrong is `Rejected`.

Tokens are narrowed to the one repository and to what the job needs; git gets one that can only read contents.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext, suppress
from types import TracebackType
from typing import Any, Self, TypeVar
from urllib.parse import quote

import httpx

from bot.answers import (
    Answer,
    Budget,
    Check,
    Checks,
    Comment,
    Comparison,
    Created,
    File,
    Nothing,
    Outage,
    Permission,
    PullRequest,
    Rejected,
    Unknown,
    Unsure,
    decoded,
    judged,
    patiently,
    rate_limit_wait,
)
from bot.branches import DefaultBranch, default_branch, question
from bot.errors import Broken, Later
from bot.observe import note_budget
from bot.rewriting import Rewrite, batches, mutation, written
from bot.threads import resolution, resolved_by_people, threads
from bot.tokens import Tokens
from bot.transport import Transport

CHECK_NAME = "cliffguard"
API_PERMISSIONS = {"checks": "write", "contents": "read", "pull_requests": "write"}
GIT_PERMISSIONS = {"contents": "read"}
RESOLVE_PERMISSIONS = {"contents": "write", "pull_requests": "write"}

PAGES = 30  # of 100: GitHub shows at most 3,000 of most lists
FRESH = 15.0  # seconds in which a new token may still be unknown to some of GitHub's machines

T = TypeVar("T")


class GitHub:
    """One repository as one installation sees it. A context manager: it keeps its connection, so it belongs to one job.

    `patience` are the waits, in seconds, before a token's refusal or a "not found" is believed while the token is new.
    `turn` gives each write its turn (`limits.Writing`), told whether people are notified of it.
    """

    def __init__(
        self,
        tokens: Tokens,
        *,
        api_url: str,
        installation: int,
        repository_id: int,
        owner: str,
        repository: str,
        version: str = "",
        patience: Sequence[float] = (1.0, 2.0, 4.0),
        transport: httpx.BaseTransport | None = None,
        turn: Callable[[bool], AbstractContextManager[None]] = lambda _: nullcontext(),
    ) -> None:
        self._tokens, self._patience, self._turn = tokens, tuple(patience), turn
        self._installation, self._repository_id = installation, repository_id
        self._transport = Transport(api_url, version=version, transport=transport)
        self._graphql_url = f"{api_url.removesuffix('/').removesuffix('/v3')}/graphql"
        self._name = (owner, repository)
        self._root = f"/repos/{quote(owner, safe='')}/{quote(repository, safe='')}"

    def __enter__(self) -> Self:
        self._transport.__enter__()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._transport.__exit__(kind, error, trace)

    @property
    def calls(self) -> int:
        """Requests sent so far."""
        return self._transport.calls

    @property
    def budget(self) -> Budget | None:
        """What GitHub allows the installation still, as its last answer said."""
        return self._transport.budget

    # questions

    def pull(self, number: int) -> PullRequest:
        return self._ask(f"{self._root}/pulls/{number}", PullRequest, "the pull request")

    def find_pull(self, head: str) -> PullRequest | None:
        """The open pull request whose head is `head`; None if there is none. Also for forks, which check events do not name."""
        try:
            found = self._ask(
                f"{self._root}/commits/{head}/pulls", list[PullRequest], "the commit's pull requests", per_page=100
            )
        except (Unknown, Rejected):  # the commit is only in the fork
            found = []
        for pull in found:
            if pull.state == "open" and pull.head.sha == head:
                return pull
        for pull in self._pages(f"{self._root}/pulls", PullRequest, "the open pull requests", state="open"):
            if pull.head.sha == head:
                return pull
        return None

    def compare(self, base: str, head: str) -> Comparison:
        """How two commits stand to each other, with their merge base.

        Asks for the second page, of one commit each: only the first carries the patches of up to 300 files.
        """
        path = f"{self._root}/compare/{quote(base, safe='')}...{quote(head, safe='')}"
        try:
            found = self._ask(path, Comparison, "the comparison of base and head", per_page=1, page=2)
            if found.merge_base_commit is None:
                found = self._ask(path, Comparison, "the comparison of base and head")
        except Unknown as unknown:  # webhooks are faster than replication
            if "common ancestor" in unknown.reason.lower():
                raise Broken("Base and head have no common history, so there is nothing to compare.") from unknown
            raise Later(f"GitHub does not know the commits yet ({unknown.reason})") from unknown
        return found

    def find_check(self, head: str, external_id: str) -> Check | None:
        """Our newest check run of this head and job, whatever its status."""
        ours = [run for run in self.checks(head) if run.external_id == external_id]
        return max(ours, key=lambda run: run.id, default=None)

    def checks(self, head: str, name: str = CHECK_NAME) -> Sequence[Check]:
        """All our check runs of this head and name."""
        path, app = f"{self._root}/commits/{head}/check-runs", self._tokens.app_id
        try:
            found = self._ask(path, Checks, "the check runs", check_name=name, app_id=app, filter="all", per_page=100)
        except (Unknown, Rejected):  # a commit GitHub does not know yet has none
            return ()
        return found.check_runs

    def check(self, check_id: int) -> Check:
        return self._ask(f"{self._root}/check-runs/{check_id}", Check, "the check run")

    def default_branch(self, check: str) -> DefaultBranch | None:
        """The default branch, and where in its history our check run of this name is; None where there is no commit."""
        request = question(*self._name, self._tokens.app_id, check)
        return default_branch(self._graphql(request, "reading the default branch"))

    def comments(self, number: int) -> Iterator[Comment]:
        """All review comments of a pull request, of whomever, oldest first."""
        return self._pages(f"{self._root}/pulls/{number}/comments", Comment, "the review comments")

    def talk(self, number: int) -> Iterator[Comment]:
        """The comments of the conversation, of whomever, oldest first."""
        return self._pages(f"{self._root}/issues/{number}/comments", Comment, "the conversation")

    def may_write(self, login: str) -> bool:
        """Whether this person can push to the repository."""
        path = f"{self._root}/collaborators/{quote(login, safe='')}/permission"
        try:
            found = self._ask(path, Permission, "the permission of who asked")
        except Unknown:
            return False
        return found.permission in ("admin", "maintain", "write")

    def files(self, number: int) -> Iterator[File]:
        """The changed files with their patches as GitHub shows them, at most 3,000."""
        return self._pages(f"{self._root}/pulls/{number}/files", File, "the changed files")

    # writes

    def create_check(self, head: str, external_id: str, fields: Mapping[str, Any], name: str = CHECK_NAME) -> Check:
        """Raises `Unsure` if it may exist now, `Later` if GitHub does not know the commit yet."""
        body = {"name": name, "head_sha": head, "external_id": external_id, **fields}
        try:
            return self._write("POST", f"{self._root}/check-runs", body, Check, "creating the check run")
        except Rejected as rejected:
            if "sha" in rejected.reason.lower() or "commit" in rejected.reason.lower():
                raise Later(f"GitHub does not know the commit yet ({rejected.reason})") from rejected
            raise

    def update_check(self, check_id: int, fields: Mapping[str, Any]) -> None:
        self._write("PATCH", f"{self._root}/check-runs/{check_id}", fields, Nothing, "updating the check run")

    def create_review(self, number: int, head: str, body: str, comments: Sequence[Mapping[str, Any]]) -> int:
        """Submits one review of the commit `head`, as a comment, and returns its id. Raises `Unsure` and `Rejected`."""
        review = {"commit_id": head, "event": "COMMENT", "body": body, "comments": list(comments)}
        path = f"{self._root}/pulls/{number}/reviews"
        return self._write("POST", path, review, Created, "creating the review", notifies=True).id

    def comment_on_file(self, number: int, head: str, path: str, body: str) -> None:
        """Writes a comment on a file of the diff as a whole. Raises `Unsure` and `Rejected`."""
        comment = {"commit_id": head, "path": path, "subject_type": "file", "body": body}
        self._write("POST", f"{self._root}/pulls/{number}/comments", comment, Created, "commenting on a file", notifies=True)

    def say(self, number: int, body: str) -> None:
        """Writes a comment in the conversation. Raises `Unsure` where it may be there now."""
        path = f"{self._root}/issues/{number}/comments"
        self._write("POST", path, {"body": body}, Created, "writing a comment", notifies=True)

    def rewrite(self, rewrites: Sequence[Rewrite]) -> None:
        """Writes comments of ours on the diff anew, and hides or shows them: one request, where GraphQL does it.

        What it does not write is written by REST, each by itself. What it does not hide stays as it is: the text says the same.
        Repeating it changes nothing.
        """
        done: set[int] = set()
        for batch in batches(rewrites):
            with suppress(Unsure, Broken, Unknown):
                with self._turn(False):
                    answer = self._graphql(mutation(batch), "rewriting comments")
                done |= written(answer, batch)
        for rewrite in rewrites:
            if rewrite.id not in done:
                path = f"{self._root}/pulls/comments/{rewrite.id}"
                with suppress(Unknown):  # somebody deleted it
                    self._write("PATCH", path, {"body": rewrite.body}, Nothing, "updating a comment")

    def resolved(self, number: int) -> frozenset[int]:
        """The first comments of the threads that people resolved; nothing where GraphQL does not say."""
        request = threads(*self._name, number)
        with suppress(Unsure, Broken, Unknown):
            return resolved_by_people(self._graphql(request, "reading the threads"))
        return frozenset()

    def resolve(self, number: int, done: Collection[int], again: Collection[int]) -> None:
        """Resolves the threads that begin with the comments `done`, and opens those of `again`. With a token of its own, of the
        right that GitHub asks for; nothing happens where the installation does not grant it."""
        with suppress(Unsure, Broken, Unknown, Outage):
            answer = self._graphql(threads(*self._name, number), "reading the threads")
            if (request := resolution(answer, done, again)) is not None:
                held = self._tokens.token(self._transport, self._installation, self._repository_id, RESOLVE_PERMISSIONS)
                with self._turn(False):
                    self._transport.send("POST", self._graphql_url, held.token, json=request)

    def git_token(self) -> str:
        """A token with which git can read this repository's contents, and nothing else."""
        return self._tokens.token(self._transport, self._installation, self._repository_id, GIT_PERMISSIONS).token

    # how they are sent

    def _ask(self, path: str, kind: type[T], what: str, **params: str | int) -> T:
        answer = patiently(lambda: self._send("GET", path, params, None))
        return decoded(judged(answer, what, self._tokens.now()), kind)

    def _pages(self, path: str, kind: type[T], what: str, **params: str | int) -> Iterator[T]:
        for page in range(1, PAGES + 1):
            items = self._ask(path, list[kind], what, **params, per_page=100, page=page)  # type: ignore[valid-type]
            yield from items
            if len(items) < 100:
                return

    def _write(self, method: str, path: str, body: Mapping[str, Any], kind: type[T], what: str, *, notifies: bool = False) -> T:
        try:
            with self._turn(notifies):
                answer = self._send(method, path, None, body)
        except Outage as outage:
            raise Unsure(f"GitHub did not answer {what} ({outage})", 20.0) from outage
        judged(answer, what, self._tokens.now())
        try:
            return decoded(answer, kind)
        except Later as unreadable:
            raise Unsure(unreadable.reason, 20.0) from unreadable

    def _graphql(self, request: Mapping[str, Any], what: str) -> Answer:
        """GraphQL's answer, which may tell of errors."""
        try:
            answer = self._send("POST", self._graphql_url, None, request)
        except Outage as outage:
            raise Unsure(f"GitHub did not answer {what} ({outage})", 20.0) from outage
        return judged(answer, what, self._tokens.now())

    def _send(self, method: str, path: str, params: Mapping[str, str | int] | None, body: Any) -> Answer:
        """Sends with a token, and again where the refusal is about the token: refused requests did nothing."""
        renewed, waits = False, iter(self._patience)
        while True:
            held = self._tokens.token(self._transport, self._installation, self._repository_id, API_PERMISSIONS)
            answer = self._transport.send(method, path, held.token, params, body)
            note_budget(self._installation, answer.headers)
            if answer.status not in (401, 403, 404) or rate_limit_wait(answer, self._tokens.now()) is not None:
                return answer
            if self._tokens.now() - held.issued < FRESH and (wait := next(waits, None)) is not None:
                time.sleep(wait)
            elif answer.status == 401 and not renewed:
                renewed = True
                self._tokens.forget(held)
            else:
                return answer
