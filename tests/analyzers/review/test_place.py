"""Which line carries a finding."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analyzers.edits import Suggestion
from analyzers.findings import Edit, Finding, Fix, Related, Severity
from analyzers.review.diff import Diff, FileDiff, Hunk
from analyzers.review.place import WHOLE, Comment, Limits, Placement, Reason, Told, place
from analyzers.source import Place
from tests.findings import at, finding


def diff(**files: list[Hunk]) -> Diff:
    return Diff({f"{name}.py": FileDiff(f"{name}.py", f"{name}.py", tuple(hunks)) for name, hunks in files.items()})


def hunk(start: int, end: int, *changed: int) -> Hunk:
    return Hunk(start, end, frozenset(changed))


def placed(findings: list[Finding], shown: Diff, sources: dict[str, bytes] | None = None, verified: bool = True) -> Placement:
    return place(findings, shown, (sources or {}).get, lambda one, source: verified)


def where(own: Place, shown: Diff, *related: Place) -> tuple[str, int | None, int | None] | Reason:
    """Where a finding goes: `(path, start_line, line)`, or why nowhere."""
    result = placed([finding(place=own, related=tuple(Related(one, "") for one in related))], shown)
    if result.elsewhere:
        return result.elsewhere[0].reason
    return result.inline[0].path, result.inline[0].start_line, result.inline[0].line


@pytest.mark.parametrize(
    ("own", "related", "expected"),
    [
        (at("a.py", 12), [], ("a.py", None, 12)),  # on a changed line
        (at("a.py", 11, 14), [], ("a.py", 11, 14)),  # around one
        (at("a.py", 5, 12), [], ("a.py", 10, 12)),  # cut to the hunk
        (at("a.py", 18, 60), [], ("a.py", 18, 20)),  # cut to one hunk, though nothing changed in it
        (at("a.py", 18, 60), [at("a.py", 12)], ("a.py", None, 12)),  # so a related place on a changed line is better
        (at("a.py", 1), [at("b.py", 3), at("a.py", 12)], ("a.py", None, 12)),
        (at("a.py", 1), [at("b.py", 3), at("b.py", 2)], ("b.py", None, 3)),  # else what is shown at all
        (at("a.py", 1), [at("c.py", 3)], ("a.py", None, None)),  # else the whole file
        (at("a.py", 21), [], ("a.py", None, None)),
        (at("renamed.py", 2), [], ("renamed.py", None, None)),
        (at("c.py", 3), [at("a.py", 1)], Reason.OUTSIDE),  # which the change must have touched
        (at("long.py", 1, 90), [], ("long.py", 50, 59)),  # ten lines from the first changed one
        (at("long.py", 45, 90), [], ("long.py", 45, 54)),  # ten lines with it
        (at("two.py", 1, 90), [], ("two.py", 60, 63)),  # the hunk with the change, not the first
    ],
)
def test_choice(own: Place, related: list[Place], expected: object) -> None:
    shown = diff(
        a=[hunk(10, 20, 12)],
        b=[hunk(1, 9)],
        long=[hunk(1, 90, 50, 70)],
        two=[hunk(5, 9), hunk(60, 63, 61)],
        renamed=[],
    )
    assert where(own, shown, *related) == expected


MANY = 99


@pytest.mark.parametrize(
    ("limits", "told", "inline"),
    [
        (Limits(push=7), Told(), 7),
        (Limits(push=7), Told(comments=58), 2),  # of 60 in the life of a pull request
        (Limits(push=7), Told(comments=60), 0),
        (Limits(push=MANY, rule=6), Told(), 6),
        (Limits(push=MANY, rule=MANY, file=4), Told(), 8),  # of each of two files
    ],
)
def test_at_most_so_many_the_worst_first_and_the_rest_is_told(limits: Limits, told: Told, inline: int) -> None:
    findings = [finding(f"s{n}", place=at("ab"[n % 2] + ".py", n), severity=Severity.LOW) for n in range(1, 31)]
    findings.append(finding("worst", place=at("a.py", 31), severity=Severity.CRITICAL))
    shown = diff(a=[hunk(1, 40, *range(1, 41))], b=[hunk(1, 40, *range(1, 41))])
    result = place(findings, shown, {}.get, lambda one, source: True, limits=limits, told=told)
    assert [len(result.inline), len(result.elsewhere)] == [inline, 31 - inline]
    assert [one.finding.subject for one in result.inline[:1]] == ["worst"][:inline]
    assert {one.reason for one in result.elsewhere} == {Reason.LIMIT}


def test_few_comments_are_on_whole_files() -> None:
    findings = [finding(f"s{n}", place=at("a.py", n)) for n in range(1, 12)]
    result = placed(findings, diff(a=[hunk(1, 2, 1, 2)]))
    assert [one.line for one in result.inline] == [1, 2, *[None] * WHOLE]
    assert {one.reason for one in result.elsewhere} == {Reason.LIMIT}
    told = Told(frozenset(one.fingerprint for one in findings[2:]), 9)
    again = place(findings, diff(a=[hunk(1, 2, 1, 2)]), {}.get, lambda one, source: True, told=told)
    assert len(again.inline) == 11


def test_what_was_told_before_keeps_its_comment() -> None:
    findings = [finding(f"s{n}", place=at("a.py", n)) for n in range(1, 9)]
    told = Told(frozenset({findings[7].fingerprint}), 60)
    result = place(findings, diff(a=[hunk(1, 40, *range(1, 41))]), {}.get, lambda one, source: True, told=told)
    assert [one.finding.subject for one in result.inline] == ["s8"]


def test_one_comment_an_identity() -> None:
    result = placed([finding(place=at("a.py", n)) for n in (1, 2)], diff(a=[hunk(1, 4, 1, 2)]))
    assert [comment.line for comment in result.inline] == [1]
    assert [one.reason for one in result.elsewhere] == [Reason.REPEATED]


def test_what_github_refuses_is_told_elsewhere() -> None:
    findings = [finding(f"s{n}", place=at("b.py" if n == 9 else "a.py", n)) for n in (1, 2, 9)]
    result = placed(findings, diff(a=[hunk(1, 4, 1, 2)])).without(lambda one: one.subject == "s1")
    assert [comment.finding.subject for comment in result.inline] == ["s2"]
    assert [(one.finding.subject, one.reason) for one in result.elsewhere] == [("s1", Reason.REFUSED), ("s9", Reason.OUTSIDE)]


SOURCE = b"one = 1\ntwo = 2\nthree = 3\nfour = 4\n"


def fixable(path: str = "a.py", own: Place | None = None) -> Finding:
    fix = Fix("Say so.", path, (Edit(14, 15, "II"),))
    return finding(place=own or at("a.py", 3), fix=fix)


def test_a_suggestion_moves_the_comment_to_the_lines_it_replaces() -> None:
    shown = diff(a=[hunk(1, 4, 3)])
    assert placed([fixable()], shown, {"a.py": SOURCE}).inline == (
        Comment(finding=fixable(), path="a.py", line=2, start_line=None, suggestion="two = II"),
    )


@pytest.mark.parametrize(
    ("shown", "verified", "path"),
    [
        (diff(a=[hunk(1, 4, 3)]), False, "a.py"),  # does not help
        (diff(a=[hunk(3, 4, 3)]), True, "a.py"),  # its lines are not shown
        (diff(a=[hunk(1, 4, 3)], b=[hunk(1, 4)]), True, "b.py"),  # another file, on lines nobody touched
        (diff(a=[hunk(1, 4, 3)]), True, "b.py"),
    ],
)
def test_no_suggestion_leaves_the_comment_where_the_finding_is(shown: Diff, verified: bool, path: str) -> None:
    sources = {"a.py": SOURCE, "b.py": SOURCE}
    (comment,) = placed([fixable(path)], shown, sources, verified).inline
    assert (comment.path, comment.line, comment.suggestion) == ("a.py", 3, None)


def test_a_suggestion_in_another_file_that_the_change_wrote() -> None:
    shown = diff(a=[hunk(1, 4, 3)], b=[hunk(1, 4, 2)])
    (comment,) = placed([fixable("b.py")], shown, {"b.py": SOURCE}).inline
    assert (comment.path, comment.line, comment.suggestion) == ("b.py", 2, "two = II")
    assert Suggestion(2, 2, "two = II").line == comment.line


hunks = st.lists(st.tuples(st.integers(1, 20), st.integers(0, 15), st.sets(st.integers(0, 15))), max_size=3)


@given(hunks, st.lists(st.tuples(st.integers(1, 60), st.integers(0, 30)), max_size=30))
def test_every_comment_stands_in_one_hunk_and_every_finding_is_told(
    gaps: list[tuple[int, int, set[int]]], places: list[tuple[int, int]]
) -> None:
    shown, line = [], 0
    for gap, length, changed in gaps:
        start = line + gap
        line = start + length
        shown.append(hunk(start, line, *(start + n for n in changed if n <= length)))
    findings = [finding(str(n % 20), place=at("a.py", start, start + more)) for n, (start, more) in enumerate(places)]
    result = placed(findings, diff(a=shown))
    told = [one.finding for one in (*result.inline, *result.elsewhere)]
    assert sorted(map(id, told)) == sorted(map(id, findings))
    for comment in result.inline:
        if comment.line is None:
            span = comment.finding.place.span
            assert all(span.end_line < one.start or one.end < span.start_line for one in shown)
            continue
        start = comment.start_line or comment.line
        assert comment.start_line is None or comment.start_line < comment.line
        assert comment.line - start < 10
        assert any(one.holds(start, comment.line) for one in shown)


def test_what_is_hardly_worth_a_comment_is_listed() -> None:
    one = finding("s1", at("a.py", 12), listed="They are few.")
    result = placed([one, finding("s2", at("a.py", 12))], diff(a=[hunk(10, 20, 12)]))
    assert [comment.finding.subject for comment in result.inline] == ["s2"]
    assert [(other.finding, other.reason) for other in result.elsewhere] == [(one, Reason.LISTED)]
