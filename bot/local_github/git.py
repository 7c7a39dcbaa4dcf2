"""A bare git repository on disk, through the git command line. Histories are borrowed from their source, not copied."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

TIMEOUT = 60.0
_IDENTITY = {
    "GIT_AUTHOR_NAME": "GitHub",
    "GIT_AUTHOR_EMAIL": "noreply@github.com",
    "GIT_COMMITTER_NAME": "GitHub",
    "GIT_COMMITTER_EMAIL": "noreply@github.com",
}
_CONFIG = {
    "core.hooksPath": os.devnull,
    "core.quotePath": "false",
    "gc.auto": "0",
    "protocol.allow": "never",
    "safe.directory": "*",
}


class GitError(RuntimeError):
    """git said no; the message is what it wrote to its standard error."""


def environment() -> dict[str, str]:
    """The environment every git process runs in: nothing of the user's configuration, no prompt, no hook."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith("GIT_")}
    config = {f"GIT_CONFIG_KEY_{n}": key for n, key in enumerate(_CONFIG)}
    values = {f"GIT_CONFIG_VALUE_{n}": value for n, value in enumerate(_CONFIG.values())}
    fixed = {"GIT_CONFIG_COUNT": str(len(_CONFIG)), "GIT_CONFIG_NOSYSTEM": "1", "GIT_CONFIG_GLOBAL": os.devnull}
    return {**kept, **_IDENTITY, **config, **values, **fixed, "GIT_TERMINAL_PROMPT": "0", "LC_ALL": "C"}


@dataclass(frozen=True)
class Commit:
    """A commit's own fields; times in ISO 8601."""

    sha: str
    tree: str
    parents: tuple[str, ...]
    author: tuple[str, str, str]
    committer: tuple[str, str, str]
    message: str


@dataclass(frozen=True)
class Git:
    """One git directory."""

    path: Path

    @classmethod
    def create(cls, path: Path) -> Git:
        """A new bare repository that serves what GitHub serves: partial clones and any commit by its id."""
        path.parent.mkdir(parents=True, exist_ok=True)
        made = cls(path)
        made._run("init", "--bare", "--quiet", "--template=", "--initial-branch=main", str(path), directory=False)
        (path / "objects" / "info").mkdir(exist_ok=True)
        with (path / "config").open("a") as config:
            config.write("[uploadpack]\n\tallowFilter = true\n\tallowAnySHA1InWant = true\n")
        return made

    def run(self, *arguments: str, stdin: bytes | None = None) -> bytes:
        return self._run(*arguments, stdin=stdin)

    def text(self, *arguments: str) -> str:
        return self.run(*arguments).decode("utf-8", "replace").strip()

    def _run(self, *arguments: str, stdin: bytes | None = None, directory: bool = True) -> bytes:
        where = [f"--git-dir={self.path}"] if directory else []
        done = subprocess.run(
            ["git", *where, *arguments],
            input=stdin or b"",
            capture_output=True,
            env=environment(),
            timeout=TIMEOUT,
            check=False,
        )
        if done.returncode:
            raise GitError(done.stderr.decode("utf-8", "replace").strip() or f"git {arguments[0]} failed")
        return done.stdout

    def borrow(self, source: Path) -> None:
        """Make every object of `source` (a work tree or a git directory) readable here, without touching it."""
        common = Path(Git(_git_directory(source)).text("rev-parse", "--path-format=absolute", "--git-common-dir"))
        alternates = self.path / "objects" / "info" / "alternates"
        lines = alternates.read_text().splitlines() if alternates.exists() else []
        if (wanted := str((common / "objects").resolve())) not in lines:
            alternates.write_text("".join(f"{line}\n" for line in [*lines, wanted]))
        if (shallow := common / "shallow").exists():
            mine = self.path / "shallow"
            known = set(mine.read_text().split()) if mine.exists() else set()
            mine.write_text("".join(f"{sha}\n" for sha in sorted(known | set(shallow.read_text().split()))))

    def resolve(self, revision: str) -> str | None:
        """The id of the commit that `revision` names, or None."""
        try:
            return self.text("rev-parse", "--verify", "--quiet", "--end-of-options", f"{revision}^{{commit}}")
        except GitError:
            return None

    @staticmethod
    def resolve_in(source: Path, revision: str) -> str | None:
        """The id of the commit that `revision` names in another repository."""
        return Git(_git_directory(source)).resolve(revision)

    def kind(self, name: str) -> str | None:
        try:
            return self.text("cat-file", "-t", name)
        except GitError:
            return None

    def update(self, ref: str, sha: str) -> None:
        self.run("update-ref", ref, sha)

    def delete(self, ref: str) -> None:
        self.run("update-ref", "-d", ref)

    def merge_base(self, one: str, other: str) -> str | None:
        """The best common ancestor, or None where there is none."""
        try:
            return self.text("merge-base", one, other)
        except GitError:
            return None

    def commits(self, *revisions: str, limit: int = 250) -> list[Commit]:
        """Commits that the revisions name, newest first."""
        separator = "%x00".join(("%H", "%T", "%P", "%an", "%ae", "%aI", "%cn", "%ce", "%cI", "%B"))
        raw = self.run("log", f"--max-count={limit}", f"--format=%x01{separator}", "--no-show-signature", *revisions, "--")
        found = []
        for entry in raw.decode("utf-8", "replace").split("\x01")[1:]:
            sha, tree, parents, *rest = entry.split("\x00")
            author, committer = (rest[0], rest[1], rest[2]), (rest[3], rest[4], rest[5])
            found.append(Commit(sha, tree, tuple(parents.split()), author, committer, rest[6].strip("\n")))
        return found

    def commit(self, sha: str) -> Commit:
        return self.commits(sha, limit=1)[0]

    def count(self, *revisions: str) -> int:
        return int(self.text("rev-list", "--count", *revisions, "--"))

    def merge(self, base: str, head: str, message: str) -> str | None:
        """The commit a merge of `head` into `base` would make, or None where they conflict or git is older than 2.38."""
        try:
            tree = self.text("merge-tree", "--write-tree", base, head).splitlines()[0]
        except GitError:
            return None
        return self.write_commit(tree, (base, head), message, self.commit(head).committer[2])

    def write_commit(self, tree: str, parents: Iterable[str], message: str, date: str) -> str:
        """A new commit of an existing tree."""
        named = [part for parent in parents for part in ("-p", parent)]
        done = subprocess.run(
            ["git", f"--git-dir={self.path}", "commit-tree", tree, *named],
            input=message.encode(),
            capture_output=True,
            env={**environment(), "GIT_AUTHOR_DATE": date, "GIT_COMMITTER_DATE": date},
            timeout=TIMEOUT,
            check=False,
        )
        if done.returncode:
            raise GitError(done.stderr.decode("utf-8", "replace").strip())
        return done.stdout.decode().strip()


def _git_directory(source: Path) -> Path:
    inner = source / ".git"
    if inner.is_file():
        named = inner.read_text().partition("gitdir:")[2].strip()
        return (source / named).resolve()
    return inner if inner.is_dir() else source
