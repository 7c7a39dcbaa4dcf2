"""New, fixed and kept: the difference of two complete analyses.

Findings are compared by identity `(rule, subject)`, as multisets: a subject that has the problem twice in the base and
three times in the head has one new finding. Subjects are symbolic, so moved, renamed and reformatted code compares equal. What
is new by its subject but says part of what a finding of the base said, or says it of code from another file, or has its cause
from the same file, is that finding.
What a rule withheld in either revision, because something was not understood there, is none of the change's: what is told now
and was withheld before was there before.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence

from analyzers.findings import Confidence, Finding, Severity, says_where

_SEVERITIES = {severity: rank for rank, severity in enumerate(Severity)}
_CONFIDENCES = {confidence: rank for rank, confidence in enumerate(Confidence)}


def order(finding: Finding) -> tuple[int, int, str, int, int, str, str]:
    """Sort key: worst first, then surest, then by place; total, so that equal inputs print equal reports."""
    span = finding.place.span
    return (
        _SEVERITIES[finding.severity],
        _CONFIDENCES[finding.confidence],
        finding.place.path,
        span.start_line,
        span.start_column,
        finding.rule,
        finding.subject,
    )


def compare(
    base: Sequence[Finding], head: Sequence[Finding]
) -> tuple[tuple[Finding, ...], tuple[Finding, ...], tuple[Finding, ...]]:
    """`(new, fixed, kept)`, each in order; `kept` in the words of the head."""
    olds, news = _by_identity(base), _by_identity(head)
    new: list[Finding] = []
    fixed: list[Finding] = []
    kept: list[Finding] = []
    for identity in olds.keys() | news.keys():
        old, now = olds[identity], news[identity]
        same = _pair(old, now)
        kept += same
        if len(now) > len(old):
            new += [finding for finding in now if not any(finding is other for other in same)]
        else:
            fixed += _unpaired(old, now)
    _succeed(new, fixed, kept)
    return _told(new), _told(fixed), _told(kept)


def remains(told: Finding, now: Iterable[Finding], paths: Collection[str]) -> bool:
    """Whether a finding that was told once is among those of another revision, which has these paths."""
    there = [other for other in now if other.rule == told.rule]
    if any(told.known_as & other.known_as for other in there):
        return True
    lost = told.place.path not in paths  # only then it may be in a file of another name
    _, fixed, _ = compare((told,), [other for other in there if lost or other.place.path == told.place.path])
    return not fixed


def moved(told: Finding, before: Iterable[Finding], after: Iterable[Finding]) -> bool:
    """Whether a finding of one revision only has another name in the next."""
    sides = [[other for other in side if other.rule == told.rule] for side in (before, after)]
    _, fixed, _ = compare(*sides)
    return not any(told.known_as & other.known_as for other in fixed)


def happening(found: Iterable[Finding], base: Collection[str] | None = None) -> tuple[tuple[Finding, ...], tuple[Finding, ...]]:
    """Those that are problems of this change, and those that are not: past, or of what the change itself makes.

    What lasts as long as a file is applied counts if the file is not among the paths of the base, and what it needs is. Without
    a base nothing is applied.
    """
    now: list[Finding] = []
    past: list[Finding] = []
    for finding in found:
        passing = finding.passing
        applied = base is not None and finding.place.path not in base
        met = passing is None or (applied and base is not None and all(path in base for path in passing.after))
        (now if met else past).append(finding)
    return tuple(now), tuple(past)


def _succeed(new: list[Finding], fixed: list[Finding], kept: list[Finding]) -> None:
    """Takes for kept what stands for a finding of the base under another subject."""
    for now in _sorted(new):
        old = next((old for old in _sorted(fixed) if _follows(now, old)), None)
        if old is not None:
            new[:] = [finding for finding in new if finding is not now]
            fixed[:] = [finding for finding in fixed if finding is not old]
            kept.append(now)


def _follows(now: Finding, old: Finding) -> bool:
    """Whether the base had it already: as a part of more, in another file, or elsewhere in the file."""
    if now.rule != old.rule:
        return False
    name = _apart(now)
    if now.place.path == old.place.path:
        return now.subject in old.parts or (now.cause == old.cause and bool(now.cause) and not says_where(now.cause))
    return now.subject in old.parts or (bool(name) and name == _apart(old))


def _apart(finding: Finding) -> str:
    """The subject without the name of its module; nothing, if that is not in it."""
    module = finding.place.path.rpartition(".")[0].replace("/", ".") + "."
    return finding.subject.replace(module, "") if finding.subject.startswith(module) else ""


def _by_identity(findings: Iterable[Finding]) -> defaultdict[tuple[str, str], list[Finding]]:
    groups: defaultdict[tuple[str, str], list[Finding]] = defaultdict(list)
    for finding in sorted(findings, key=order):
        groups[finding.identity].append(finding)
    return groups


def _pair(old: Sequence[Finding], now: Sequence[Finding]) -> list[Finding]:
    """Those of `now` that stand for one of `old`: likest first, so that what remains is what was really added."""
    count = min(len(old), len(now))
    return sorted(now, key=lambda finding: _likeness(finding, old), reverse=True)[:count]


def _unpaired(old: Sequence[Finding], now: Sequence[Finding]) -> list[Finding]:
    return sorted(old, key=lambda finding: _likeness(finding, now), reverse=True)[len(now) :]


def _likeness(finding: Finding, others: Sequence[Finding]) -> int:
    """3: stands unmoved among `others`; 2: same file and words; 1: same file; 0: neither."""
    return max((_alike(finding, other) for other in others), default=0)


def _alike(one: Finding, other: Finding) -> int:
    if one.place.path != other.place.path:
        return 0
    if one.message != other.message:
        return 1
    return 3 if one.place.span == other.place.span else 2


def _sorted(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    return tuple(sorted(findings, key=order))


def _told(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    return _sorted(finding for finding in findings if not finding.withheld)
