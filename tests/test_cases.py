"""Every Markdown page of the rules and of `tests/cases` is a suite: examples of the documentation are true."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from difflib import unified_diff
from pathlib import Path

import pytest

import analyzers
from tests.markdown import Case, cases

_ROOT = Path(__file__).parent.parent
_PAGES = sorted([*(_ROOT / "analyzers" / "rules").glob("*.md"), *(_ROOT / "tests" / "cases").rglob("*.md")])
_CASES = [pytest.param(case, id=f"{case.page}: {case.heading}") for page in _PAGES for case in cases(page)]


class Blobs:
    """Blobs of memory, by the hash of their bytes."""

    def __init__(self) -> None:
        self.held: dict[str, bytes] = {}

    def add(self, files: dict[str, bytes]) -> analyzers.Revision:
        named = {path: hashlib.sha1(text).hexdigest() for path, text in files.items()}
        self.held.update({named[path]: text for path, text in files.items()})
        return analyzers.Revision("0" * 40, named)

    def read(self, blob_ids: Iterable[str]) -> Iterator[tuple[str, bytes]]:
        return ((blob, self.held[blob]) for blob in blob_ids if blob in self.held)


BROAD = frozenset({"race", "unbounded"})
"""Rules of what a handler does as a whole, which small examples for other rules all break: judged on pages of their own."""


def judged(case: Case, review: analyzers.Review) -> list[analyzers.Finding]:
    """The new findings that the page of a case speaks of."""
    return [f for f in review.new if f.rule not in BROAD or f.rule == case.about]


def analysis_of(case: Case) -> analyzers.Analysis:
    blobs = Blobs()
    if not case.compared:
        return analyzers.audit(blobs.add(case.head), blobs)
    base = {**{p: t for p, t in case.head.items() if p not in case.base.keys() | case.born}, **case.base}
    return analyzers.compare(blobs.add(base), blobs.add(case.head), blobs)


def told_at(finding: analyzers.Finding) -> Iterator[analyzers.Place]:
    """Where it stands, and where in its file each of the others does that a statement lacks besides."""
    yield finding.place
    if finding.wider:
        here = (other for other in finding.related if other.place.path == finding.place.path)
        yield from (other.place for other in here if other.note in finding.message)


@pytest.mark.parametrize("case", _CASES)
def test_case(case: Case) -> None:
    review = analysis_of(case).review
    new = judged(case, review)
    found = {(p.path, p.span.start_line, f"({f.rule})" if f.listed else f.rule) for f in new for p in told_at(f)}
    assert found == case.expected, "\n".join(f"{f.title} at {f.place.path}:{f.place.span.start_line}" for f in new)
    assert not [p for p in review.problems if not p.path], review.problems


@pytest.mark.parametrize("case", [c for c in _CASES if c.values[0].suggestion is not None])  # type: ignore[union-attr]
def test_suggestion(case: Case) -> None:
    analysis = analysis_of(case)
    diff = "".join(
        f"diff --git a/{path} b/{path}\nnew file mode 100644\n"
        + "".join(unified_diff([], text.decode().splitlines(keepends=True), "/dev/null", f"b/{path}"))
        for path, text in case.head.items()
    )
    comments = [c for c in analysis.place(analyzers.parse_diff(diff)).inline if c.suggestion is not None]
    assert case.suggestion in [c.suggestion.rstrip("\n") for c in comments if c.suggestion is not None]


@pytest.mark.parametrize("rule", sorted(analyzers.RULES))
def test_each_rule_has_cases_of_both_kinds(rule: str) -> None:
    """A rule grows with what it finds and with the twins that it is silent about; many of these stand in the same case."""
    own = [case for param in _CASES for case in param.values if isinstance(case, Case) and case.about == rule]
    found = [case for case in own if any(name == rule for _, _, name in case.expected)]
    silent = [case for case in own if not case.expected]
    assert len(found) >= 10, f"{rule} finds something in {len(found)} cases only"
    assert len(silent) >= 2, f"{rule} is silent in {len(silent)} cases only"
