"""A unified diff as git writes it, reduced to what placing a comment needs: which lines stand in which hunk, right side.

Names are read here (git quotes them, the library does not unquote), hunks by `unidiff`. A file whose part cannot be read
has no hunks, and the others keep theirs: GitHub refuses a whole review for one line outside its diff.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from itertools import pairwise

import msgspec
from unidiff.errors import UnidiffParseError
from unidiff.patch import PatchSet

_FILE = re.compile(r"^diff --git ", re.MULTILINE)
_ESCAPE = re.compile(r'\\([abtnvfr"\\]|[0-7]{1,3})')
_ESCAPES = {"a": 7, "b": 8, "t": 9, "n": 10, "v": 11, "f": 12, "r": 13, '"': 34, "\\": 92}


class Hunk(msgspec.Struct, frozen=True):
    """Lines `start`..`end` (inclusive) of the new file; `changed` are those among them that the diff added."""

    start: int
    end: int
    changed: frozenset[int]

    def holds(self, start: int, end: int) -> bool:
        return self.start <= start <= end <= self.end


class FileDiff(msgspec.Struct, frozen=True):
    """What the diff shows of one file of the new tree. No hunks: binary, only renamed, or not readable."""

    path: str
    previous: str  # its path in the old tree; empty for an added file
    hunks: tuple[Hunk, ...] = ()


class Diff(msgspec.Struct, frozen=True):
    """All files that exist in the new tree and differ, by their new path."""

    files: Mapping[str, FileDiff] = {}

    def hunks(self, path: str) -> tuple[Hunk, ...]:
        file = self.files.get(path)
        return file.hunks if file else ()

    def changed_lines(self, path: str) -> frozenset[int]:
        """Lines of the new file that were added or changed."""
        return frozenset().union(*(hunk.changed for hunk in self.hunks(path)))

    def in_hunk(self, path: str, start: int, end: int) -> bool:
        """Do the lines `start`..`end` of the new file all stand in one hunk?"""
        return any(hunk.holds(start, end) for hunk in self.hunks(path))


def parse_diff(text: str) -> Diff:
    """Read the output of `git diff` (default `a/` and `b/` prefixes)."""
    files = {}
    for section in _sections(text):
        header, _, body = section.partition("\n@@ ")
        old, new = _names(header.split("\n"))
        if new:
            files[new] = FileDiff(path=new, previous=old, hunks=tuple(_hunks("@@ " + body)) if body else ())
    return Diff(files=files)


def _sections(text: str) -> Iterator[str]:
    """The part of each file. Lines of content begin with a space, a sign or a backslash, so a header is always a header."""
    starts = [match.start() for match in _FILE.finditer(text)]
    for start, end in pairwise([*starts, len(text)]):
        yield text[start:end]


def _names(header: list[str]) -> tuple[str, str]:
    """`(old path, new path)`; empty where the file does not exist on that side."""
    old = new = ""
    added = any(line.startswith("new file mode ") for line in header)
    deleted = any(line.startswith("deleted file mode ") for line in header)
    for line in header[1:]:
        if line.startswith("--- "):
            old = _name(line[4:], "a/")
        elif line.startswith("+++ "):
            new = _name(line[4:], "b/")
        elif line.startswith(("rename from ", "copy from ")):
            old = _name(line.split(" ", 2)[2], "")
        elif line.startswith(("rename to ", "copy to ")):
            new = _name(line.split(" ", 2)[2], "")
    if not old and not new:  # binary, or a change of mode alone: both sides have one name
        old = new = _common_name(header[0].removeprefix("diff --git "))
    return ("" if added else old), ("" if deleted else new)


def _name(text: str, prefix: str) -> str:
    """A path as git prints it: quoted where it holds odd characters, with a tab after it where it holds a space."""
    text = text.removesuffix("\t")
    if text == "/dev/null":
        return ""
    if len(text) >= 2 and text.startswith('"') and text.endswith('"'):
        text = _unquote(text[1:-1])
    return text.removeprefix(prefix)


def _unquote(text: str) -> str:
    """Octal escapes are bytes of UTF-8."""

    def byte(match: re.Match[str]) -> str:
        code = match[1]
        return chr(_ESCAPES[code] if code in _ESCAPES else int(code, 8) & 0xFF)

    parts = re.split(r"((?:\\(?:[abtnvfr\"\\]|[0-7]{1,3}))+)", text)
    return "".join(
        _ESCAPE.sub(byte, part).encode("latin-1").decode("utf-8", "backslashreplace") if index % 2 else part
        for index, part in enumerate(parts)
    )


def _common_name(text: str) -> str:
    """The name in `a/NAME b/NAME`, which may hold spaces; nothing if the halves differ."""
    half = len(text) // 2
    left, right = _name(text[:half], "a/"), _name(text[half + 1 :], "b/")
    return left if left == right else ""


def _hunks(body: str) -> Iterator[Hunk]:
    """The hunks of one file, all or none."""
    try:
        patch = PatchSet.from_string(f"--- a/file\n+++ b/file\n{body}")
    except (UnidiffParseError, ValueError, IndexError):
        return
    for hunk in (hunk for file in patch for hunk in file):
        if hunk.target_length:
            changed = frozenset(line.target_line_no for line in hunk if line.is_added and line.target_line_no is not None)
            yield Hunk(start=hunk.target_start, end=hunk.target_start + hunk.target_length - 1, changed=changed)
