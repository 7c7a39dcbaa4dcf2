"""Placing: which line of the diff carries a finding, or why none does.

GitHub takes comments only on lines its diff shows, refuses a whole review for one that is not, and answers badly to long
reviews. So every finding gets at most one comment, on the line that best explains what the change did, or, where the diff
shows none of its lines, on its whole file. What finds neither is handed back with the reason: never dropped, never put on a
random line.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from enum import StrEnum

import msgspec

from analyzers.edits import MAX_LINES, Suggestion, Verify, suggestion
from analyzers.findings import Finding
from analyzers.review.compare import order
from analyzers.review.diff import Diff, Hunk
from analyzers.settings import Limits
from analyzers.source import Place

ReadSource = Callable[[str], bytes | None]
"""The text of a file of one revision, or nothing if it is not there (or not readable)."""


class Reason(StrEnum):
    """Why a finding has no comment of its own."""

    OUTSIDE = "outside the diff"
    LISTED = "listed"  # its rule asks for no comment
    LIMIT = "limit"
    REPEATED = "repeated"  # another comment of the same identity says it
    REFUSED = "refused"  # GitHub did not take the comment


class Told(msgspec.Struct, frozen=True):
    """What comments of earlier pushes tell: fingerprints, and how many comments there are."""

    fingerprints: frozenset[str] = frozenset()
    comments: int = 0


_LIMITS, _NOTHING_TOLD = Limits(), Told()
WHOLE = 5
"""Comments on whole files for one push. GitHub takes none of them in a review: each is a request, and a notification."""


class Comment(msgspec.Struct, frozen=True):
    """A finding at the lines `start_line`..`line` of the new file (`start_line` is `None` for a single line); without a `line`,
    on the file as a whole.

    With a `suggestion`, the lines are exactly those it replaces.
    """

    finding: Finding
    path: str
    line: int | None
    start_line: int | None = None
    suggestion: str | None = None


class Elsewhere(msgspec.Struct, frozen=True):
    """A finding without a comment."""

    finding: Finding
    reason: Reason


class Placement(msgspec.Struct, frozen=True):
    """Where each new finding goes: `len(inline) + len(elsewhere)` is the number of findings."""

    inline: tuple[Comment, ...] = ()
    elsewhere: tuple[Elsewhere, ...] = ()

    def without(self, refused: Callable[[Finding], bool]) -> Placement:
        """The same, with the comments that GitHub did not take told elsewhere."""
        out = tuple(Elsewhere(comment.finding, Reason.REFUSED) for comment in self.inline if refused(comment.finding))
        inline = tuple(comment for comment in self.inline if not refused(comment.finding))
        return Placement(inline=inline, elsewhere=tuple(sorted((*self.elsewhere, *out), key=lambda one: order(one.finding))))


class _Anchor(msgspec.Struct, frozen=True):
    path: str
    start: int
    end: int
    hunk: Hunk
    changed: bool


def place(
    findings: Iterable[Finding],
    diff: Diff,
    read: ReadSource,
    verify: Verify,
    *,
    limits: Limits = _LIMITS,
    told: Told = _NOTHING_TOLD,
) -> Placement:
    """Put each finding on a line of `diff`. `read` gives the head's files; `verify` tries a fix (see `analyzers.edits`).

    What was `told` before keeps its comment, whatever the limits.
    """
    inline: list[Comment] = []
    elsewhere: list[Elsewhere] = []
    said: set[tuple[str, str]] = set()
    room = _Room(limits, told)
    for finding in sorted(findings, key=order):
        anchor = _anchor(finding, diff)
        path = anchor.path if anchor is not None else finding.place.path
        if finding.listed:
            elsewhere.append(Elsewhere(finding, Reason.LISTED))
        elif path not in diff.files:
            elsewhere.append(Elsewhere(finding, Reason.OUTSIDE))
        elif finding.identity in said:
            elsewhere.append(Elsewhere(finding, Reason.REPEATED))
        elif not room.take(finding, path, whole=anchor is None):
            elsewhere.append(Elsewhere(finding, Reason.LIMIT))
        else:
            said.add(finding.identity)
            inline.append(_comment(finding, anchor, diff, read, verify) if anchor else Comment(finding, path, None))
    return Placement(inline=tuple(inline), elsewhere=tuple(elsewhere))


class _Room:
    """What the limits leave."""

    def __init__(self, limits: Limits, told: Told) -> None:
        self._limits, self._told = limits, told
        self._new = self._whole = 0
        self._rules: Counter[str] = Counter()
        self._files: Counter[str] = Counter()

    def take(self, finding: Finding, path: str, *, whole: bool) -> bool:
        limits = self._limits
        known = finding.fingerprint in self._told.fingerprints
        left = (
            self._new < limits.push
            and self._told.comments + self._new < limits.pull_request
            and self._rules[finding.rule] < limits.rule
            and self._files[path] < limits.file
            and (not whole or self._whole < WHOLE)
        )
        if known or left:
            self._new += not known
            self._whole += whole and not known
            self._rules[finding.rule] += 1
            self._files[path] += 1
        return known or left


def _comment(finding: Finding, anchor: _Anchor, diff: Diff, read: ReadSource, verify: Verify) -> Comment:
    block = _suggestion(finding, anchor, diff, read, verify)
    if block is not None and finding.fix is not None:
        path, start, end, text = finding.fix.path, block.start_line, block.line, block.text
    else:
        path, start, end, text = anchor.path, anchor.start, anchor.end, None
    return Comment(finding=finding, path=path, line=end, start_line=start if start < end else None, suggestion=text)


def _suggestion(finding: Finding, anchor: _Anchor, diff: Diff, read: ReadSource, verify: Verify) -> Suggestion | None:
    """GitHub replaces the very lines a comment stands on, so the comment moves to the fix where the reader still follows:
    within the anchor's file, or to lines the change itself wrote."""
    fix = finding.fix
    if fix is None:
        return None

    def fits(start: int, end: int) -> bool:
        near = fix.path == anchor.path or any(start <= line <= end for line in diff.changed_lines(fix.path))
        return near and diff.in_hunk(fix.path, start, end)

    source = read(fix.path) if diff.hunks(fix.path) else None
    return None if source is None else suggestion(finding, source, fits, verify)


def _anchor(finding: Finding, diff: Diff) -> _Anchor | None:
    """The first of the finding's places on a changed line, its own before the related ones; else the first on a shown line."""
    anchors = list(_anchors([finding.place, *(related.place for related in finding.related)], diff))
    return next((anchor for anchor in anchors if anchor.changed), anchors[0] if anchors else None)


def _anchors(places: Sequence[Place], diff: Diff) -> Iterator[_Anchor]:
    for where in places:
        candidates = [anchor for hunk in diff.hunks(where.path) if (anchor := _cut(where, hunk)) is not None]
        if candidates:
            yield next((anchor for anchor in candidates if anchor.changed), candidates[0])


def _cut(where: Place, hunk: Hunk) -> _Anchor | None:
    """The part of a place that `hunk` shows, at most `MAX_LINES` long and, where it can be, with a changed line in it."""
    start, end = max(where.span.start_line, hunk.start), min(where.span.end_line, hunk.end)
    if start > end:
        return None
    changed = [line for line in sorted(hunk.changed) if start <= line <= end]
    if changed and changed[0] - start >= MAX_LINES:
        start = changed[0]
    return _Anchor(where.path, start, min(end, start + MAX_LINES - 1), hunk, bool(changed))
