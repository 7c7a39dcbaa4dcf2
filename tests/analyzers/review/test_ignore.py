"""Accepted findings, and acceptances that match nothing."""

from __future__ import annotations

from analyzers.facts.store import Ignore
from analyzers.findings import Accepted
from analyzers.review.ignore import accept
from analyzers.settings import Acceptance, Declared
from tests.findings import at, finding


def entry(rule: str, path: str, reason: str) -> Declared:
    return Declared(Acceptance(rule, path, reason), path)


def test_a_comment_at_any_line_of_the_place_accepts() -> None:
    inside = finding("a", place=at("a.py", 10, 14))
    for line in (10, 12, 14):
        remaining, accepted, dead = accept([inside], {"a.py": [Ignore(line, ("n_plus_one",), "six rows")]})
        assert (remaining, dead) == ((), ())
        assert accepted == (Accepted(inside, f"comment at line {line}: six rows"),)
        assert not accepted[0].configured


def test_a_comment_elsewhere_or_for_another_rule_accepts_nothing_and_is_reported() -> None:
    here = finding("a", place=at("a.py", 10, 14))
    ignores = {"a.py": [Ignore(9, ("n_plus_one",)), Ignore(11, ("missing_index",))], "b.py": [Ignore(12, ())]}
    remaining, accepted, dead = accept([here], ignores)
    assert (remaining, accepted) == ((here,), ())
    assert [(problem.path, problem.line) for problem in dead] == [("a.py", 9), ("a.py", 11), ("b.py", 12)]
    assert "ignore[missing_index]" in dead[1].text


def test_a_comment_without_rules_accepts_all() -> None:
    both = [finding("a", place=at("a.py", 3)), finding("b", rule="missing_index", place=at("a.py", 3))]
    remaining, accepted, _ = accept(both, {"a.py": [Ignore(3, ())]})
    assert remaining == ()
    assert [one.reason for one in accepted] == ["comment at line 3: no reason given"] * 2


def test_the_configuration_accepts_by_rule_and_path() -> None:
    entries = [entry("n_plus_one", "reports/", "at night"), entry("*", "old/**", "frozen"), entry("x", "y", "z")]
    night, frozen = finding("a", place=at("reports/a.py")), finding("b", rule="missing_index", place=at("old/b.sql"))
    other = finding("c", rule="missing_index", place=at("reports/a.py"))
    remaining, accepted, dead = accept([night, frozen, other], {}, entries)
    assert remaining == (other,)
    assert [one.reason for one in accepted] == [".cliffguard.yml: at night", ".cliffguard.yml: frozen"]
    assert all(one.configured for one in accepted)
    assert [(problem.path, "y" in problem.text) for problem in dead] == [(".cliffguard.yml", True)]


def test_what_covers_an_old_finding_is_not_dead() -> None:
    old = finding("a", place=at("a.py", 3))
    entries = [entry("n_plus_one", "a.py", "known")]
    assert accept([], {"a.py": [Ignore(3, ())]}, entries, kept=[old])[2] == ()


def test_dead_comments_are_reported_only_where_asked() -> None:
    ignores = {"a.py": [Ignore(3, ())], "b.py": [Ignore(3, ())]}
    assert [problem.path for problem in accept([], ignores, judged={"b.py"})[2]] == ["b.py"]
