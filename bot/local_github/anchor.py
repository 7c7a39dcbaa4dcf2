"""Where a comment stands in a diff: checked as strictly as GitHub checks, and followed when the branch moves on."""

from __future__ import annotations

import re
from dataclasses import dataclass

from bot.local_github import views
from bot.local_github.diff import FileDiff, Hunk, Line, diff
from bot.local_github.state import PullRequest, ReviewComment, Side

_THREAD = "Pull request review thread"


class BadAnchor(Exception):
    """A place a comment cannot stand on: `field` is what is wrong with it, the message why, in GitHub's words."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field, self.message = field, message


@dataclass(frozen=True)
class Anchor:
    """A line, or a range of lines within one hunk, of one file of a diff."""

    path: str
    side: Side
    line: int
    start_side: Side | None
    start_line: int | None
    position: int
    hunk: str


def find_anchor(
    file: FileDiff | None,
    *,
    line: int | None,
    side: str | None,
    start_line: int | None,
    start_side: str | None,
    position: int | None,
) -> Anchor:
    """The anchor meant by a comment's fields; `BadAnchor` where GitHub would refuse it."""
    if file is None:
        raise BadAnchor("path", "Path could not be resolved")
    if side not in (None, "LEFT", "RIGHT") or start_side not in (None, "LEFT", "RIGHT"):
        raise BadAnchor("side", f"{_THREAD} side must be LEFT or RIGHT")
    end: Side = "LEFT" if side == "LEFT" else "RIGHT"
    if line is None:
        return _at_position(file, position)
    found = file.find(end, line)
    if found is None:
        raise BadAnchor("line", f"{_THREAD} line must be part of the diff and {_THREAD} diff hunk can't be blank")
    hunk, last = found
    if start_line is None:
        if start_side is not None:
            raise BadAnchor("start_line", f"{_THREAD} start line can't be blank")
        return Anchor(file.path, end, line, None, None, last.position, hunk.until(last.position))
    start: Side = end if start_side is None else "LEFT" if start_side == "LEFT" else "RIGHT"
    _check_start(file, hunk, last, start, start_line)
    return Anchor(file.path, end, line, start, start_line, last.position, hunk.until(last.position))


def _at_position(file: FileDiff, position: int | None) -> Anchor:
    found = file.at(position) if position is not None else None
    if found is None:
        raise BadAnchor("line", "Line could not be resolved")
    hunk, last = found
    side: Side = "LEFT" if last.kind == "-" else "RIGHT"
    line = last.number(side)
    assert line is not None
    return Anchor(file.path, side, line, None, None, last.position, hunk.until(last.position))


def _check_start(file: FileDiff, hunk: Hunk, last: Line, side: Side, number: int) -> None:
    found = file.find(side, number)
    if found is None:
        raise BadAnchor("start_line", f"{_THREAD} start line must be part of the diff")
    if found[0] is not hunk:
        raise BadAnchor("start_line", f"{_THREAD} start line must be part of the same hunk as the line.")
    if found[1].position >= last.position:
        raise BadAnchor("start_line", f"{_THREAD} start line must precede the end line.")


def follow(pull: PullRequest) -> None:
    """Move every comment of the pull request to its place in the diff of the current head, or mark it outdated."""
    for comment in pull.review_comments:
        if comment.subject_type == "file":
            comment.commit = pull.head_sha
        elif comment.original_line is not None:
            _follow(pull, comment)


def _follow(pull: PullRequest, comment: ReviewComment) -> None:
    line, first = comment.original_line, comment.original_start_line
    assert line is not None
    if comment.side == "RIGHT":
        moved = diff(pull.repository.git, comment.original_commit, pull.head_sha).file(comment.path)
        offset = _offset(moved, first or line, line)
    else:
        offset = 0
    file = views.pull_diff(pull).file(comment.path)
    found = file.find(comment.side, line + offset) if file and offset is not None else None
    if found is None or not _same_text(comment, found[1]):
        comment.line = comment.start_line = comment.position = None
        return
    comment.commit, comment.position, comment.line = pull.head_sha, found[1].position, line + (offset or 0)
    comment.start_line = first + (offset or 0) if first is not None else None


def _same_text(comment: ReviewComment, line: Line) -> bool:
    return comment.diff_hunk.rsplit("\n", 1)[-1][1:] == line.text


def _offset(moved: FileDiff | None, first: int, last: int) -> int | None:
    """How far lines `first`..`last` moved between two heads; None when they were changed themselves."""
    if moved is None:
        return 0
    if moved.status != "modified" or moved.patch is None:
        return None
    offset = 0
    for match in re.finditer(r"^@@ -(\d+)(?:,(\d+))? \+(\d+)(?:,(\d+))? @@", moved.patch, flags=re.MULTILINE):
        start, size = int(match[1]), int(match[2] or 1)
        if start > last:
            break
        hunk = next(h for h in moved.hunks if h.header.startswith(match[0]))
        kept = {line.old: line.new for line in hunk.lines if line.kind == " "}
        if start + size - 1 >= first:
            olds = [n for n in range(first, last + 1) if start <= n < start + size]
            news = [kept.get(n) for n in olds]
            if any(n is None for n in news):
                return None
            return (news[-1] or 0) - olds[-1]
        offset += int(match[4] or 1) - size
    return offset
