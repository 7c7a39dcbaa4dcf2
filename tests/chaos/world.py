"""What is reviewed: small repositories of several owners, their pull requests, and what a review of each head has to tell."""

from __future__ import annotations

import random
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from bot.local_github import LocalGitHub, PullRequest, Repository

OWNERS, REPOSITORIES = 4, 2  # of each owner
BASE = {
    "requirements.txt": "django==5.2\n",
    "shop/__init__.py": "",
    "shop/models.py": """\
from django.db import models


class Shop(models.Model):
    name = models.CharField(max_length=80)


class Item(models.Model):
    shop = models.ForeignKey(Shop, on_delete=models.CASCADE)
    title = models.CharField(max_length=80)
""",
}
BAD = """\
from shop.models import Item


def names_{number}():
    return [item.shop.name for item in Item.objects.all()]
"""
GOOD = "def answer_{number}():\n    return {number}\n"


@dataclass(frozen=True)
class Push:
    """One head: `file` is what it adds, `bad` whether that is worth a comment. With `ends` it is closed just after."""

    repository: int
    branch: str
    file: str
    bad: bool
    ends: bool = False

    @property
    def text(self) -> str:
        number = "".join(filter(str.isdigit, self.file))
        return (BAD if self.bad else GOOD).format(number=number)


def pushes(count: int, chance: random.Random) -> list[Push]:
    """So many heads: about three in five open a pull request, the others follow on one, often at once."""
    made: list[Push] = []
    open_: list[tuple[int, str]] = []
    for number in range(count):
        if not open_ or chance.random() < 0.6:
            at, branch = chance.randrange(OWNERS * REPOSITORIES), f"change-{number}"
            ends = chance.random() < 0.05
            if not ends:
                open_.append((at, branch))
        else:
            (at, branch), ends = chance.choice(open_[-6:]), False
        made.append(Push(at, branch, f"shop/part_{number}.py", chance.random() < 0.6, ends))
    return made


@dataclass
class Head:
    """A head that was pushed: what had been added by then, and when; `closed` once its check run says what it has to."""

    pull: PullRequest
    sha: str
    bad: frozenset[str]
    news: bool
    pushed: float
    closed: float | None = None


@dataclass
class World:
    """The repositories on the local GitHub, and all heads that were pushed."""

    github: LocalGitHub
    source: Path
    repositories: list[Repository] = field(default_factory=list)
    heads: list[Head] = field(default_factory=list)
    planned: list[Push] = field(default_factory=list)
    _commits: dict[str, str] = field(default_factory=dict)
    _pulls: dict[str, PullRequest] = field(default_factory=dict)
    _bad: dict[str, frozenset[str]] = field(default_factory=dict)

    def build(self, planned: list[Push]) -> None:
        """Every commit that will be pushed, in one go, and the repositories."""
        self.planned = planned
        subprocess.run(("git", "init", "-q", "--bare", "-b", "main", str(self.source)), check=True)
        command = ("git", "-C", str(self.source), "fast-import", "--quiet", f"--export-marks={self.source}/marks")
        subprocess.run(command, input="".join(_stream(planned)).encode(), check=True)
        marks = dict(line.split() for line in (self.source / "marks").read_text().splitlines())
        self._commits = {push.file: marks[f":{number}"] for number, push in enumerate(planned, 2)}
        for number in range(OWNERS * REPOSITORIES):
            name = f"owner-{number % OWNERS}/shop-{number // OWNERS}"
            self.repositories.append(self.github.create_repository(name, self.source, branches={"main": "main"}))

    def push(self, push: Push, now: float) -> Head:
        repository, sha = self.repositories[push.repository], self._commits[push.file]
        before = self._bad.get(push.branch, frozenset())
        if pull := self._pulls.get(push.branch):
            self.github.push(repository, push.branch, sha)
        else:
            repository.git.update(f"refs/heads/{push.branch}", sha)
            pull = self._pulls[push.branch] = self.github.open_pull(repository, push.branch)
        self._bad[push.branch] = before | ({push.file} if push.bad else frozenset())
        head = Head(pull, sha, self._bad[push.branch], push.bad, now)
        self.heads.append(head)
        if push.ends:
            self.github.close(pull)
        return head


def _stream(planned: list[Push]) -> Iterator[str]:
    def commit(branch: str, mark: int, files: dict[str, str], parent: str) -> str:
        lines = [f"commit refs/heads/{branch}\nmark :{mark}\ncommitter A <a@example.org> {1_767_225_600 + mark} +0000\n"]
        lines.append(f"data 6\nchange\n{parent}")
        lines += [f"M 100644 inline {path}\ndata {len(text)}\n{text}\n" for path, text in files.items()]
        return "".join([*lines, "\n"])

    yield commit("main", 1, BASE, "")
    known: set[str] = set()
    for mark, push in enumerate(planned, 2):
        parent = "" if push.branch in known else "from :1\n"
        known.add(push.branch)
        yield commit(push.branch, mark, {push.file: push.text}, parent)
