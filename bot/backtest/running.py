"""A backtest in its order: the repository, its pull requests, their reviews, what came later."""

from __future__ import annotations

import re
import time
from pathlib import Path
from urllib.parse import urlsplit

from bot.backtest.history import SEARCHED, Commit, first_parents, merged
from bot.backtest.later import Later
from bot.backtest.remote import Remote, remote_of
from bot.backtest.reviewing import Reader, review_all
from bot.backtest.values import Backtest, Change, Pull
from bot.cache import user_cache
from bot.objects import GitError, Repository
from bot.progress import Progress, progress


def run(repo: str, last: int, jobs: int, *, later: bool = True, cached: bool = True) -> Backtest:
    """The backtest of a folder, or of a repository on GitHub. Raises `GitError` where there is nothing to review."""
    start = time.monotonic()
    cache = user_cache()
    with progress() as shown:
        path, remote = _place(repo, cache, shown)
        reader = Reader(path, cache / "facts.sqlite" if cached and cache else None)
        with Repository(path) as repository:
            branch = repository.default_branch()
            commits = first_parents(repository, branch, last * SEARCHED)
            pulls = _pulls(repository, commits, remote, last)
            page = remote.page if remote else page_of(repository.origin())
        if not pulls:
            raise GitError(
                f"None of the last {len(commits):,} commits of {branch} names a pull request: no merge commits, no “(#123)”."
            )
        reviews = review_all(reader, pulls, jobs, shown.bar("Reviewing", len(pulls)))
        fates = {}
        if later and any(one.told for one in reviews):
            fates = Later(reader, commits, shown.bar("Looking for what came later", None)).fates(reviews)
    newest = commits[0]
    head = Change(newest.commit, newest.title, newest.at, newest.number)
    branch = re.sub(r"^(refs/remotes/origin/|refs/heads/)", "", branch)
    branch = "the default branch" if branch == "HEAD" else branch
    name = remote.name if remote else _named(path, page)
    return Backtest(name, branch, head, tuple(reviews), fates, page, time.monotonic() - start)


def _place(repo: str, cache: Path | None, shown: Progress) -> tuple[Path, Remote | None]:
    remote = remote_of(repo)
    if remote is None:
        return Path(repo), None
    if cache is None:
        raise GitError("There is no folder for a clone: set HOME or XDG_CACHE_HOME.")
    shown.bar(f"Cloning {remote.page}", None)
    return remote.clone(cache), remote


def _pulls(repository: Repository, commits: list[Commit], remote: Remote | None, last: int) -> list[Pull]:
    if remote is not None and remote.token:
        return remote.merged(repository, {commit.commit: commit for commit in commits}, last)
    return merged(repository, commits, last)


def page_of(origin: str) -> str:
    """Where people see a repository that is fetched from there; nothing where that is no address of a forge."""
    found = re.fullmatch(r"(?:https?://|ssh://git@|git@)(?:[^/@]*@)?([\w.-]+)(?::\d+/|[:/])([\w./~-]+?)(?:\.git)?/?", origin)
    return f"https://{found[1]}/{found[2]}" if found else ""


def _named(path: Path, page: str) -> str:
    return urlsplit(page).path.strip("/") or path.resolve().name.removesuffix(".git")
