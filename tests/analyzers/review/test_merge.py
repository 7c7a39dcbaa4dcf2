"""Merging: findings that one edit mends are one comment; nothing that was found is lost."""

from __future__ import annotations

import msgspec

from analyzers.findings import Edit, Finding, Fix, Severity
from analyzers.review.merge import merge
from tests.findings import at as place
from tests.findings import finding


def at(subject: str, *, cause: str = "query", edit: str | None = None, offset: int = 10, **changes: object) -> Finding:
    fix = Fix("Load it", "shop/views.py", (Edit(offset, offset, edit),)) if edit is not None else None
    made = finding(subject=subject)
    return msgspec.structs.replace(
        made, cause=cause, title=f"`{subject}` is queried", remedy=f"Add {subject}.", fix=fix, **changes
    )


def test_other_causes_and_rules_stay_apart() -> None:
    one, two, three = at("a", cause="x"), at("b", cause="y"), at("c", cause="x", rule="missing_index")
    assert {f.subject for f in merge([one, two, three])} == {"a", "b", "c"}
    assert all(not f.also for f in merge([one, two, three]))


def test_without_a_cause_nothing_is_merged() -> None:
    assert len(merge([at("a", cause=""), at("b", cause="")])) == 2


def test_one_cause_is_told_once_with_all_it_mends() -> None:
    (told,) = merge([at("b", edit=".two()"), at("a", edit=".one()"), at("c", edit=".one()")])
    assert told.subject == "a"
    assert told.also == ("b", "c")
    assert told.identities == {(told.rule, s) for s in "abc"}
    assert told.title == "`a` is queried, and 2 more"
    assert "`b` is queried; `c` is queried" in told.message
    assert told.remedy == "Add a. Add b. Add c."
    assert told.fix is not None
    assert told.fix.edits == (Edit(10, 10, ".one().two()"),)


def test_what_stands_where_the_cause_is_mended_leads() -> None:
    there = at("b", cause="shop/views.py:10:1", edit=".one()")
    (told,) = merge([at("a", cause="shop/views.py:10:1", place=place("shop/a.py")), there])
    assert (told.subject, told.also, told.remedy) == ("b", ("a",), "Add b.")
    assert told.fix == there.fix


def test_the_worst_leads() -> None:
    (told,) = merge([at("a", severity=Severity.LOW), at("b", severity=Severity.CRITICAL)])
    assert (told.subject, told.severity) == ("b", Severity.CRITICAL)


def test_an_edit_is_offered_only_if_it_mends_all() -> None:
    (told,) = merge([at("a", edit=".one()"), at("b")])
    assert told.fix is None


def test_a_replacement_cannot_be_two_texts() -> None:
    def replacing(subject: str, text: str) -> Finding:
        return msgspec.structs.replace(at(subject), fix=Fix("Mend", "shop/views.py", (Edit(1, 5, text),)))

    (same,) = merge([replacing("a", "x"), replacing("b", "x")])
    assert same.fix is not None
    (different,) = merge([replacing("a", "x"), replacing("b", "y")])
    assert different.fix is None
