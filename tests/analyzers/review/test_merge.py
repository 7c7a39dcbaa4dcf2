"""Merging: findings that one edit mends are one comment; nothing that was found is lost."""

from __future__ import annotations

import msgspec

from analyzers.findings import Edit, Finding, Fix, NewFile, Severity
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
    there = at("b", cause="at shop/views.py:10:1", edit=".one()")
    (told,) = merge([at("a", cause="at shop/views.py:10:1", place=place("shop/a.py")), there])
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


def test_what_one_statement_lacks_is_one_comment_though_each_has_a_cause_of_its_own() -> None:
    one, two = at("a", cause="x", wider="orders"), at("b", cause="y", wider="orders")
    query, other = at("c", cause="y"), at("d", cause="z")
    assert [f.also for f in merge([one, two, query, other])] == [("b", "c"), ()]


def test_files_that_differ_in_their_items_alone_are_one() -> None:
    def file(item: str, path: str = "0002.py") -> tuple[NewFile, ...]:
        return (NewFile(path, "python", "[", (item,), "]"),)

    [merged] = merge(
        [at("a", files=file("x,")), at("b", files=file("y,")), at("c", files=file("x,")), at("d", files=file("z", "1.sql"))]
    )
    assert [(f.path, f.text) for f in merged.files] == [("0002.py", "[x,y,]"), ("1.sql", "[z]")]


def test_statements_follow_each_other_and_other_code_is_that_of_the_first() -> None:
    sql = [at(name, code=f"CREATE INDEX {name};", code_language="sql") for name in ("a", "b")]
    assert merge(sql)[0].code == "CREATE INDEX a;\nCREATE INDEX b;"
    python = [at(name, code=f"{name} = 1", code_language="python") for name in ("a", "b")]
    assert merge(python)[0].code == "a = 1"
