"""Fixes as text: applying edits to bytes, and deciding whether a fix may be offered as a one-click suggestion.

A suggestion is offered only if all of this holds: it lies on whole lines the diff shows, it changes them, no comment stands
on them (a comment may be the reason why the code is as it is), the result still parses, and a new analysis of the result
no longer has the finding and has no other one more. Otherwise there is none: the finding still shows code to paste.
"""

from __future__ import annotations

import ast
import re
import textwrap
from bisect import bisect_right
from collections.abc import Callable, Sequence
from itertools import accumulate

import libcst
import msgspec
from libcst.metadata import MetadataWrapper, PositionProvider

from analyzers.findings import Edit, Finding

# libcst's parser is native and recursive: 3,000 nested parentheses end the process (measured with 1.9). CPython's own
# parser refuses such text first, and what it accepts at these bounds is harmless to libcst.
_MAX_DEPTH = 200
_MAX_BYTES = 500_000

MAX_LINES = 10

_COMMENT_MARKS = {
    "php": re.compile(rb"//|#(?!\[)|/\*|\*/|^\s*\*"),
    "sql": re.compile(rb"--|/\*|\*/|#"),
    "html": re.compile(rb"\{#|#\}|<!--|-->|\{%-?\s*(end)?comment"),
    "twig": re.compile(rb"\{#|#\}|<!--|-->"),
}
_ANY_MARK = re.compile(rb"#|//|/\*|\*/|--|<!--")

Verify = Callable[[Finding, bytes], bool]
"""`verify(finding, new_source)`: with `finding.fix.path` reading so, is the finding gone, and is there no other one more?"""


class EditError(ValueError):
    """Edits that do not fit the text: out of range, out of order or overlapping."""


class Suggestion(msgspec.Struct, frozen=True):
    """Replace the lines `start_line`..`line` (1-based, inclusive) by `text`, which has no final line end; empty deletes."""

    start_line: int
    line: int
    text: str


def apply(source: bytes, edits: Sequence[Edit]) -> bytes:
    """The text after `edits`. Their line ends follow the file's: in a file of CRLF lines a new line ends in CRLF too."""
    crlf = b"\r\n" in source and source.count(b"\r\n") == source.count(b"\n")
    pieces: list[bytes] = []
    position = 0
    for edit in edits:
        if not position <= edit.start <= edit.end <= len(source):
            raise EditError(f"edit {edit.start}..{edit.end} does not fit a text of {len(source)} bytes after {position}")
        text = edit.text.replace("\r\n", "\n")
        pieces += (source[position : edit.start], (text.replace("\n", "\r\n") if crlf else text).encode())
        position = edit.end
    pieces.append(source[position:])
    return b"".join(pieces)


def parses(path: str, source: bytes, before: bytes = b"") -> bool:
    """Is `source` well formed as a file at `path`: for Python as libcst reads it, else without problems `before` lacked?"""
    if path.endswith(".py"):
        return _python(source) is not None
    from analyzers.frontends import frontend_for, read_facts

    return frontend_for(path) is not None and len(read_facts(path, source).problems) <= len(read_facts(path, before).problems)


def fixed_source(finding: Finding, source: bytes, verify: Verify) -> bytes | None:
    """The file of `finding.fix` after the fix, or nothing if the fix may not be offered."""
    fix = finding.fix
    if fix is None or not fix.edits:
        return None
    try:
        new = apply(source, fix.edits)
    except (EditError, UnicodeEncodeError):
        return None
    first, last = _edited_lines(source, fix.edits)
    if new == source or has_comment(fix.path, source, first, last) or not parses(fix.path, new, source):
        return None
    return new if verify(finding, new) else None


def suggestion(finding: Finding, source: bytes, fits: Callable[[int, int], bool], verify: Verify) -> Suggestion | None:
    """The suggestion for `finding.fix`, if it may be offered where a comment on its lines can stand.

    `fits(start_line, line)` says whether those lines lie in one hunk of the diff; `source` is the head's text of the file.
    """
    if finding.fix is None or not finding.fix.edits:
        return None
    try:
        block = replacement(source, finding.fix.edits)
    except (EditError, UnicodeError):
        return None
    if block is None or block.line - block.start_line >= MAX_LINES or not fits(block.start_line, block.line):
        return None
    return block if fixed_source(finding, source, verify) is not None else None


def replacement(source: bytes, edits: Sequence[Edit]) -> Suggestion | None:
    """The edited whole lines, and what they become; nothing if that cannot be said in lines. Raises `EditError`."""
    new = apply(source, edits)
    starts = _line_starts(source)
    first, last = _edited_lines(source, edits)

    def lines_until(last: int) -> bytes:
        return new[starts[first - 1] : len(new) - (len(source) - starts[last])]

    text = lines_until(last)
    if text and not text.endswith(b"\n") and last + 1 < len(starts):  # the edit joined the next line to this one
        last += 1
        text = lines_until(last)
    if not source or text == source[starts[first - 1] : starts[last]]:
        return None
    body = text.removesuffix(b"\n").removesuffix(b"\r")
    if text and not body:  # a lone empty line cannot be told from a deletion
        return None
    return Suggestion(start_line=first, line=last, text=body.decode())


def mended_lines(source: bytes, edits: Sequence[Edit]) -> str:
    """The edited lines as they would read, without their common indentation; empty if the edits do not fit the text."""
    try:
        lines = replacement(source, edits)
    except (EditError, UnicodeError):
        return ""
    return textwrap.dedent(lines.text) if lines is not None else ""


def has_comment(path: str, source: bytes, first: int, last: int) -> bool:
    """Does a comment stand on, or reach into, the lines `first`..`last`? In doubt: yes."""
    lines = source.split(b"\n")[first - 1 : last]
    if path.endswith(".py"):
        if not any(b"#" in line for line in lines):
            return False
        module = _python(source)
        if module is None:
            return True
        positions = MetadataWrapper(module, unsafe_skip_copy=True).resolve(PositionProvider)
        return any(isinstance(node, libcst.Comment) and first <= at.start.line <= last for node, at in positions.items())
    mark = _COMMENT_MARKS.get(path.rpartition(".")[2], _ANY_MARK)
    return any(mark.search(line) for line in lines)


def _python(source: bytes) -> libcst.Module | None:
    """The module, or nothing if it is no valid Python or too deeply nested to be read safely."""
    if len(source) > _MAX_BYTES:
        return None
    try:
        if _depth(ast.parse(source)) > _MAX_DEPTH:
            return None
        return libcst.parse_module(source)
    except (libcst.ParserSyntaxError, SyntaxError, ValueError, RecursionError, MemoryError, LookupError):
        return None


def _depth(tree: ast.AST) -> int:
    depth, level = 0, [tree]
    while level and depth <= _MAX_DEPTH:
        level = [child for node in level for child in ast.iter_child_nodes(node)]
        depth += 1
    return depth


def _line_starts(source: bytes) -> list[int]:
    """The offset of each line, and the end of the text."""
    lines = source.split(b"\n")
    starts = [0, *accumulate(len(line) + 1 for line in lines[:-1])]
    return [*(start for start in starts if start < len(source) or start == 0), len(source)]


def _edited_lines(source: bytes, edits: Sequence[Edit]) -> tuple[int, int]:
    """First and last line that the edits touch (1-based); an insertion touches the line it stands in."""
    starts = _line_starts(source)[:-1]
    low = min(edit.start for edit in edits)
    high = max(max(edit.start, edit.end - 1) for edit in edits)
    return bisect_right(starts, low), bisect_right(starts, high)
