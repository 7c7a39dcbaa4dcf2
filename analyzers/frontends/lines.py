"""Lines, ignore comments and problems of a file, for the frontends that read text rather than a programming language."""

from __future__ import annotations

import io
import re
from array import array
from bisect import bisect_right
from itertools import accumulate

from analyzers.facts.store import FileProblem, Ignore
from analyzers.frontends.frontend import MAX_PROBLEMS

_IGNORE = re.compile(
    rb"(?:\#|--|/\*|//|;|<!--|\{%-?[ \t]*comment\b)[^\n]{0,200}?\bcliffguard:[ \t]*ignore\b"
    rb"(?:[ \t]*\[([^\]\n]*)\])?[ \t:]*([^\r\n]*)"
)
_WORD = re.compile(rb"[A-Za-z_]\w*")
_COMMENT_END = re.compile(r"\s*(?:\*/|-?#\}|-->|--\}\}|\{%).*$")
_COMMENT_LINE = re.compile(rb"[ \t]*(?:\#|--|/\*|//|;|<!--|\{\#|\{\{--|\{%-?[ \t]*comment\b)")


def decoded(source: bytes) -> tuple[str, int]:
    """The text of a file and how many bytes stand before it (a byte order mark); what is no UTF-8 is read as Latin-1."""
    mark = 3 if source.startswith(b"\xef\xbb\xbf") else 0
    try:
        return source[mark:].decode(), mark
    except UnicodeDecodeError:
        return source[mark:].decode("latin-1"), mark


def line_starts(source: bytes) -> array[int]:
    """The byte offset at which each line starts; a file has at least one line."""
    starts = array("I", accumulate(map(len, io.BytesIO(source)), initial=0))
    if len(starts) > 1 and not source.endswith(b"\n"):
        starts.pop()
    return starts


def words_of(source: bytes) -> str:
    """The words of a file in `FileFacts.words`: of its code, its texts and its comments."""
    return "\n" + b"\n".join(sorted(set(_WORD.findall(source)))).decode() + "\n"


def line_at(starts: array[int], offset: int) -> int:
    """Which line (from 1) a byte offset lies in."""
    return bisect_right(starts, offset)


def find_ignores(source: bytes, starts: array[int]) -> tuple[Ignore, ...]:
    """The comments `cliffguard: ignore[rule, …] reason`, each with the line it speaks of, whatever mark begins a comment."""
    if b"cliffguard:" not in source:
        return ()
    found = []
    for match in _IGNORE.finditer(source):
        names, reason = ((part or b"").decode("utf-8", "replace") for part in match.groups())
        rules = tuple(name.strip() for name in names.split(",") if name.strip())
        line = line_at(starts, match.start())
        found.append(Ignore(_subject(source, starts, line), rules, _COMMENT_END.sub("", reason).strip()))
    return tuple(found)


def _subject(source: bytes, starts: array[int], line: int) -> int:
    """The line itself if it holds more than the comment, else the next one that is neither empty nor a comment."""
    for number in range(line, len(starts) + 1):
        end = starts[number] if number < len(starts) else len(source)
        text = source[starts[number - 1] : end]
        if text.strip() and not _COMMENT_LINE.match(text):
            return number
    return line


def first_problems(problems: list[FileProblem]) -> tuple[FileProblem, ...]:
    """The problems of a file in order of lines, cut to a number a person reads."""
    return tuple(sorted(set(problems), key=lambda problem: (problem.line, problem.text))[:MAX_PROBLEMS])
