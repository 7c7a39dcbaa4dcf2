"""A repository on GitHub for a backtest: a clone of its own in the user's cache, and its pull requests by the API.

Without a token there is no API: the clone's history says what it can. The token (`GITHUB_TOKEN`, of the host that
`GITHUB_SERVER_URL` names, else of github.com) is in the environment of the clone and in the requests, and nowhere else; it
needs to read contents and pull requests.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar
from urllib.parse import urlsplit

import httpx
import msgspec

from bot.answers import Account
from bot.backtest.history import Commit, pull_of
from bot.backtest.values import Change, Pull
from bot.mirror import Source, scrub
from bot.objects import GitError, Repository
from bot.setup import api_of
from bot.subprocesses import run_group

CLONE_SECONDS = 1800.0
PAGES = 10  # of 100 closed pull requests
T = TypeVar("T")

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]{0,38}/[A-Za-z0-9._-]{1,100}")


class _Merged(msgspec.Struct, frozen=True):
    number: int
    title: str = ""
    merged_at: str | None = None
    merge_commit_sha: str | None = None
    user: Account | None = None
    commits: int = 0


@dataclass(frozen=True)
class Remote:
    """A repository on a GitHub: `page` is where people see it."""

    page: str
    token: str = field(default="", repr=False)
    transport: httpx.BaseTransport | None = None

    @property
    def name(self) -> str:
        return urlsplit(self.page).path.strip("/")

    @property
    def _root(self) -> str:
        parts = urlsplit(self.page)
        return f"{parts.scheme}://{parts.netloc}"

    def clone(self, cache: Path) -> Path:
        """A bare repository with the default branch and its history, brought up to date."""
        folder = cache / "clones" / re.sub(r"[^A-Za-z0-9._-]+", "+", f"{urlsplit(self.page).netloc}/{self.name}.git")
        source = Source(f"{self.page}.git", (lambda: self.token) if self.token else None)
        settings = source.environment(allow_file=False, partial=False)

        def git(*arguments: str) -> str:
            done = run_group(("git", "--git-dir", str(folder), *arguments), settings, timeout=CLONE_SECONDS)
            if done.code:
                said = scrub(done.stderr, settings)
                raise GitError(f"{self.page} cannot be cloned: {said}. A private one needs GITHUB_TOKEN.")
            return done.stdout

        folder.mkdir(parents=True, exist_ok=True)
        git("init", "--quiet", "--bare", "--template=")
        named = re.search(r"^ref: (refs/heads/\S+)\tHEAD$", git("ls-remote", "--symref", source.url, "HEAD"), re.M)
        if named is None:
            raise GitError(f"{self.page} has no default branch.")
        git(
            "fetch",
            "--quiet",
            "--no-tags",
            "--no-write-fetch-head",
            "--no-auto-maintenance",
            source.url,
            f"+{named[1]}:{named[1]}",
        )
        git("symbolic-ref", "HEAD", named[1])
        return folder

    def merged(self, repository: Repository, commits: Mapping[str, Commit], last: int) -> list[Pull]:
        """The last merged pull requests of the default branch, newest first, with those that were rebased."""
        found: list[Pull] = []
        with httpx.Client(base_url=api_of(self._root), headers=self._headers(), timeout=30, transport=self.transport) as http:
            for one in self._closed(http):
                commit = commits.get(one.merge_commit_sha or "")
                if one.merged_at and commit is not None:
                    found.append(self._pull(http, repository, commits, one, commit))
                if len(found) == last:
                    break
        return sorted(found, key=lambda pull: pull.change.at, reverse=True)

    def _pull(
        self, http: httpx.Client, repository: Repository, commits: Mapping[str, Commit], one: _Merged, commit: Commit
    ) -> Pull:
        change = Change(commit.commit, one.title[:200], one.merged_at or commit.at, one.number)
        if len(commit.parents) > 1 or commit.number:
            return msgspec.structs.replace(pull_of(repository, commit), change=change)
        base, count = commit, self._ask(http, f"/repos/{self.name}/pulls/{one.number}", _Merged).commits
        for _ in range(max(1, count)):  # rebased: as many commits as it had
            base = commits.get(base.parents[0], base) if base.parents else base
        return Pull(change, base.commit, commit.commit)

    def _closed(self, http: httpx.Client) -> Iterator[_Merged]:
        for page in range(1, PAGES + 1):
            path = f"/repos/{self.name}/pulls?state=closed&sort=updated&direction=desc&per_page=100&page={page}"
            items = self._ask(http, path, list[_Merged])
            yield from items
            if len(items) < 100:
                return

    def _ask(self, http: httpx.Client, path: str, kind: type[T]) -> T:
        answer = http.get(path)
        if answer.status_code != 200:
            raise GitError(
                f"GitHub answered {answer.status_code} to {path.partition('?')[0]}: does GITHUB_TOKEN read pull requests?"
            )
        return msgspec.json.decode(answer.content, type=kind)

    def _headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token}", "Accept": "application/vnd.github+json", "User-Agent": "cliffguard"}


def remote_of(text: str) -> Remote | None:
    """The repository on GitHub that somebody means by `owner/name` or an address; None for a folder."""
    if text.startswith(("https://", "http://")):
        page = text.rstrip("/").removesuffix(".git")
    elif _NAME.fullmatch(text) and not Path(text).exists():
        page = f"https://github.com/{text}"
    else:
        return None
    known = urlsplit(os.environ.get("GITHUB_SERVER_URL", "https://github.com"))[:2]
    return Remote(page, os.environ.get("GITHUB_TOKEN", "") if urlsplit(page)[:2] == known else "")
