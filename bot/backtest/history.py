"""Merged pull requests, read from git alone: the first parents of a branch, and how they call themselves.

GitHub leaves one of two marks: a merge commit that names the pull request, or one commit with its number at the end of its
title. What was merged by rebasing, or pushed, has no mark and is no pull request here; `bot.backtest.remote` knows those too.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import islice

from bot.backtest.values import Change, Pull
from bot.objects import GitError, Repository

SEARCHED = 20  # commits that are looked at for each pull request wanted
_MERGED = re.compile(r"(?:Merge pull request|Auto merge of|Merge(?: branch .*)?) #(\d+)|See merge request \S*!(\d+)")
_SQUASHED = re.compile(r"\(#(\d+)\)\s*$")
_FORMAT = "%x01%H%x00%P%x00%cI%x00%s%x00%b"


class Commit(Change, frozen=True):
    """A commit of the first parents, with its parents."""

    parents: tuple[str, ...] = ()


def first_parents(repository: Repository, branch: str, limit: int) -> list[Commit]:
    """The latest commits of a branch, newest first, each with the pull request that it names."""
    raw = repository.log("--first-parent", f"--max-count={limit}", f"--format={_FORMAT}", branch)
    return [_commit(entry) for entry in raw.split("\x01")[1:]]


def merged(repository: Repository, commits: Sequence[Commit], last: int) -> list[Pull]:
    """The last merged pull requests among some commits, newest first."""
    named = (commit for commit in commits if commit.number and commit.parents)
    return [pull_of(repository, commit) for commit in islice(named, last)]


def pull_of(repository: Repository, commit: Commit) -> Pull:
    """What a commit of the first parents brought: all that its other parent has, or itself."""
    change = Change(commit.commit, commit.title, commit.at, commit.number)
    if len(commit.parents) < 2:
        return Pull(change, commit.parents[0], commit.commit)
    first, second = commit.parents[:2]
    try:
        base = repository.merge_base(first, second)
    except GitError:  # a history of its own was merged
        base = first
    return Pull(change, base, second)


def _commit(entry: str) -> Commit:
    sha, parents, at, subject, body = entry.split("\x00", 4)
    mark = _MERGED.search(f"{subject}\n{body}") if " " in parents else _SQUASHED.search(subject)
    number = int(next(group for group in mark.groups() if group)) if mark else 0
    said = next((line.strip() for line in body.splitlines() if line.strip()), "") if " " in parents and mark else ""
    title = said or _SQUASHED.sub("", subject).strip() or subject
    return Commit(sha, title[:200], at, number, tuple(parents.split()))
