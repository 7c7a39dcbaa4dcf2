"""The sample repository: a small shop with an open pull request that holds the defects a young product ships with.

`base.md` is the `main` branch, `pull_request.md` the pull request: its title, its description, and one heading a commit. In
both, a file name between backticks before a fenced block is a file.
"""

from __future__ import annotations

import re
import subprocess
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from bot.local_github.git import TIMEOUT, Git, environment

if TYPE_CHECKING:
    from bot.local_github.server import LocalGitHub
    from bot.local_github.state import PullRequest

REPOSITORY, BRANCH = "lantern/shop", "order-overview"
AUTHOR = "Mira Okafor <mira@lantern.example>"
START = 1768726800  # 2026-01-18 09:00 UTC; an hour lies between commits
_FILE = re.compile(r"^`([^`\n]+)`\n\n(`{3,})\w*\n(.*?)^\2$", re.MULTILINE | re.DOTALL)


class Sample(NamedTuple):
    """A bare repository and the two commits of the pull request."""

    path: Path
    base: str
    head: str


@dataclass(frozen=True)
class Change:
    """A commit: its message and the full text of every file it writes."""

    message: str
    files: dict[str, str]


@dataclass(frozen=True)
class Story:
    """The pull request as told in `pull_request.md`."""

    title: str
    body: str
    changes: tuple[Change, ...]


def _read(text: str) -> dict[str, str]:
    return {match[1]: match[3] for match in _FILE.finditer(text)}


@cache
def story() -> Story:
    """Title, description and commits of the sample pull request."""
    text = files(__package__).joinpath("pull_request.md").read_text("utf-8")
    head, *commits = re.split(r"^## ", text, flags=re.MULTILINE)
    title, _, body = head.partition("\n")
    changes = (Change(commit.partition("\n")[0], _read(commit)) for commit in commits)
    return Story(title.removeprefix("# "), body.strip(), tuple(changes))


@cache
def base() -> Change:
    """The first commit of `main`."""
    return Change("Start the shop", _read(files(__package__).joinpath("base.md").read_text("utf-8")))


def create(path: Path) -> Sample:
    """Write the sample as a bare repository. The same bytes, and so the same commit ids, everywhere."""
    git = Git.create(path)
    stream = _commit("refs/heads/main", base(), START)
    for number, change in enumerate(story().changes, 1):
        stream += _commit(
            f"refs/heads/{BRANCH}", change, START + 3600 * number, parent="refs/heads/main" if number == 1 else ""
        )
    command = ["git", f"--git-dir={path}", "fast-import", "--quiet", "--date-format=raw"]
    subprocess.run(command, input=stream, env=environment(), check=True, capture_output=True, timeout=TIMEOUT)
    git.run("symbolic-ref", "HEAD", "refs/heads/main")
    return Sample(path, git.text("rev-parse", "main"), git.text("rev-parse", BRANCH))


def _commit(ref: str, change: Change, date: int, *, parent: str = "") -> bytes:
    """A commit in the language of `git fast-import`."""
    who = f"{AUTHOR} {date} +0000"
    lines = [f"commit {ref}\nauthor {who}\ncommitter {who}\n".encode(), _data(f"{change.message}\n")]
    if parent:
        lines.append(f"from {parent}\n".encode())
    for path, text in change.files.items():
        mode = "100755" if text.startswith("#!") else "100644"
        lines += [f"M {mode} inline {path}\n".encode(), _data(text)]
    return b"".join(lines) + b"\n"


def _data(text: str) -> bytes:
    raw = text.encode()
    return f"data {len(raw)}\n".encode() + raw + b"\n"


def publish(github: LocalGitHub, *, draft: bool = False) -> PullRequest:
    """The sample on a local GitHub: its repository, the App installed there, and the pull request, just opened."""
    made = create(github.world.root / "sample.git")
    repository = github.create_repository(REPOSITORY, made.path, branches={"main": made.base, BRANCH: made.head})
    told = story()
    return github.open_pull(repository, BRANCH, title=told.title, body=told.body, draft=draft, user="mira")
