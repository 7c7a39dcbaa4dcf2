"""A local GitHub with one repository and one open pull request, and clients that speak for an App and for its installation."""

from __future__ import annotations

import contextlib
import shutil
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import jwt
import pytest

from bot.local_github import LocalGitHub, PullRequest, Repository
from bot.local_github.git import environment

AUTHOR = {"GIT_AUTHOR_DATE": "2026-01-05T10:00:00Z", "GIT_COMMITTER_DATE": "2026-01-05T10:00:00Z"}


class Source:
    """A work tree one can commit to."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def git(self, *arguments: str) -> str:
        command = ["git", "-C", str(self.path), *arguments]
        done = subprocess.run(command, env={**environment(), **AUTHOR}, check=True, capture_output=True, text=True)
        return done.stdout.strip()

    def write(self, files: dict[str, str], message: str) -> str:
        for name, text in files.items():
            (self.path / name).parent.mkdir(parents=True, exist_ok=True)
            (self.path / name).write_text(text)
        self.git("add", "--all")
        self.git("commit", "--quiet", f"--message={message}")
        return self.git("rev-parse", "HEAD")


def numbered(**changed: str) -> str:
    """Forty lines; `changed` replaces single ones: `l5="x"` is line 5."""
    return "".join(f"{changed.get(f'l{n}', f'line {n}')}\n" for n in range(1, 41))


@dataclass
class Stage:
    """What a test plays with: the pull request touches lines 5 and 30 of `a.py` in two hunks, and adds `b.py`."""

    github: LocalGitHub
    source: Source
    repository: Repository
    pull: PullRequest
    bot: httpx.Client
    app: httpx.Client

    @property
    def path(self) -> str:
        return f"/repos/{self.repository.full_name}"

    def client(self, **permissions: str) -> httpx.Client:
        """A client whose token has these permissions only."""
        return client(self.github, f"token {self.github.token(self.repository, **permissions)}")

    def review(self, *comments: dict[str, Any], **more: Any) -> httpx.Response:
        body = {"event": "COMMENT", "body": "Read.", "commit_id": self.pull.head_sha, "comments": list(comments), **more}
        return self.bot.post(f"{self.path}/pulls/1/reviews", json=body)


def client(github: LocalGitHub, authorization: str) -> httpx.Client:
    return httpx.Client(base_url=github.api_url, headers={"authorization": authorization}, trust_env=False, timeout=20)


def app_jwt(github: LocalGitHub, **claims: Any) -> str:
    now = int(time.time())
    return jwt.encode(
        {"iat": now - 60, "exp": now + 540, "iss": str(github.app.id), **claims}, github.app.private_key, algorithm="RS256"
    )


@pytest.fixture(scope="session")
def history(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The history every test starts with."""
    made = Source(tmp_path_factory.mktemp("history"))
    made.git("init", "--quiet", "--initial-branch=main")
    made.write({"a.py": numbered(), "gone.py": "x = 1\n", "kept/name.txt": "a\nb\nc\n"}, "Start")
    made.git("checkout", "--quiet", "-b", "feature")
    (made.path / "gone.py").unlink()
    made.write({"a.py": numbered(l5="five", l30="thirty\nmore"), "b.py": "print('new')\nprint('two')\n"}, "Change")
    return made.path


@pytest.fixture
def source(history: Path, tmp_path: Path) -> Source:
    return Source(shutil.copytree(history, tmp_path / "source", symlinks=True))


@pytest.fixture
def github(tmp_path: Path) -> Iterator[LocalGitHub]:
    with LocalGitHub(tmp_path / "github") as running:
        yield running


@contextlib.contextmanager
def staged(github: LocalGitHub, source: Source) -> Iterator[Stage]:
    repository = github.create_repository("acme/shop", source.path, branches={"main": "main", "feature": "feature"})
    pull = github.open_pull(repository, "feature", title="Change things", body="Some *words*.")
    with client(github, f"token {github.token(repository)}") as bot, client(github, f"Bearer {app_jwt(github)}") as app:
        yield Stage(github, source, repository, pull, bot, app)


@pytest.fixture
def stage(github: LocalGitHub, source: Source) -> Iterator[Stage]:
    with staged(github, source) as made:
        yield made


@pytest.fixture(scope="module")
def shared(history: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """A stage for tests that change nothing on it."""
    with LocalGitHub(tmp_path_factory.mktemp("shared")) as github, staged(github, Source(history)) as made:
        yield made
