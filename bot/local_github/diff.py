"""The diff of a pull request as GitHub sees it: files, hunks, and which lines of which side a comment may stand on."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

from bot.local_github.git import Git
from bot.local_github.state import Side

MAX_FILE_LINES, MAX_FILE_BYTES = 20_000, 500_000  # above, a file has no patch

_HEADER = re.compile(rb"@@ -(\d+)(?:,(\d+))? \+(\d+)(?:,(\d+))? @@")
_STATUS = {"A": "added", "D": "removed", "M": "modified", "R": "renamed", "C": "copied", "T": "changed"}
_OPTIONS = ("--no-color", "--no-ext-diff", "--no-textconv", "--find-renames", "--full-index", "--no-abbrev", "--no-prefix")


@dataclass(frozen=True)
class Line:
    """One line of a hunk. `position` counts from the first hunk header of the file, as GitHub does."""

    kind: Literal["+", "-", " "]
    old: int | None
    new: int | None
    position: int
    text: str

    def number(self, side: Side) -> int | None:
        """The line's number on that side, or None where it cannot be addressed on it."""
        return self.new if side == "RIGHT" else self.old


@dataclass(frozen=True)
class Hunk:
    """A run of lines of one file under one header."""

    header: str
    lines: tuple[Line, ...]

    def find(self, side: Side, number: int) -> Line | None:
        return next((line for line in self.lines if line.number(side) == number), None)

    def until(self, position: int) -> str:
        """The hunk's text from its header down to a line: what a comment quotes."""
        kept = [f"{line.kind}{line.text}" for line in self.lines if line.position <= position]
        return "\n".join([self.header, *kept])


@dataclass(frozen=True)
class FileDiff:
    """One file of a diff. `patch` is None for binary and for too large files, which then have no hunks either."""

    path: str
    previous: str | None
    status: str
    sha: str
    mode: str
    additions: int
    deletions: int
    patch: str | None
    hunks: tuple[Hunk, ...]

    def find(self, side: Side, number: int) -> tuple[Hunk, Line] | None:
        for hunk in self.hunks:
            if line := hunk.find(side, number):
                return hunk, line
        return None

    def at(self, position: int) -> tuple[Hunk, Line] | None:
        return next(((h, line) for h in self.hunks for line in h.lines if line.position == position), None)


@dataclass(frozen=True)
class Diff:
    """All files that differ between two trees, in git's order."""

    files: tuple[FileDiff, ...]

    def file(self, path: str) -> FileDiff | None:
        return next((file for file in self.files if file.path == path), None)

    @property
    def additions(self) -> int:
        return sum(file.additions for file in self.files)

    @property
    def deletions(self) -> int:
        return sum(file.deletions for file in self.files)


@lru_cache(maxsize=64)
def diff(git: Git, base: str, head: str) -> Diff:
    """What changed from tree `base` to tree `head` (two dots: the caller finds the merge base)."""
    raw = git.run("diff", *_OPTIONS, "--raw", "-z", base, head)
    texts = git.run("diff", *_OPTIONS, "--patch", base, head)
    chunks = re.split(rb"^diff --git .*\n", texts, flags=re.MULTILINE)[1:]
    files, rest = [], iter(chunks)
    for entry in _entries(raw):
        chunk = next(rest)
        if entry[0] == "changed":  # a file that became a link, say: git writes a removal and an addition
            chunk = next(rest)
        files.append(_file(entry, chunk))
    return Diff(tuple(files))


def raw_diff(git: Git, base: str, head: str) -> str:
    """The whole diff as text, in the form of `application/vnd.github.diff`."""
    return git.run("diff", "--no-color", "--no-ext-diff", "--no-textconv", "--find-renames", base, head).decode(
        "utf-8", "replace"
    )


def _entries(raw: bytes) -> Iterator[tuple[str, str, str, str, str | None]]:
    """Status, mode, blob id, path and previous path of each entry of `git diff --raw -z`."""
    fields = iter(raw.decode("utf-8", "replace").split("\0"))
    for meta in fields:
        if not meta:
            continue
        old_mode, new_mode, old_sha, new_sha, status = meta[1:].split(" ")
        first = next(fields)
        path, previous = (next(fields), first) if status[0] in "RC" else (first, None)
        mode, sha = (old_mode, old_sha) if status[0] == "D" else (new_mode, new_sha)
        yield _STATUS.get(status[0], "changed"), mode, sha, path, previous


def _file(entry: tuple[str, str, str, str, str | None], chunk: bytes) -> FileDiff:
    status, mode, sha, path, previous = entry
    start = re.search(rb"^@@ ", chunk, flags=re.MULTILINE)
    body = chunk[start.start() :].rstrip(b"\n") if start else b""
    lines = body.split(b"\n") if body else []
    added, removed = (sum(1 for line in lines if line[:1] == sign) for sign in (b"+", b"-"))
    if not body or len(lines) > MAX_FILE_LINES or len(body) > MAX_FILE_BYTES:
        return FileDiff(path, previous, status, sha, mode, added, removed, None, ())
    patch = body.decode("utf-8", "replace")
    return FileDiff(path, previous, status, sha, mode, added, removed, patch, tuple(_hunks(lines)))


def _hunks(lines: list[bytes]) -> Iterator[Hunk]:
    header, kept, old, new = "", list[Line](), 0, 0
    for position, raw in enumerate(lines):
        if match := _HEADER.match(raw):
            if header:
                yield Hunk(header, tuple(kept))
            header, kept = raw.decode("utf-8", "replace"), []
            old, new = int(match[1]), int(match[3])
            continue
        text = raw[1:].decode("utf-8", "replace")
        match raw[:1]:
            case b"+":
                kept.append(Line("+", None, new, position, text))
                new += 1
            case b"-":
                kept.append(Line("-", old, None, position, text))
                old += 1
            case b" ":
                kept.append(Line(" ", old, new, position, text))
                old, new = old + 1, new + 1
    if header:
        yield Hunk(header, tuple(kept))
