"""New, fixed, kept."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from analyzers.findings import Confidence, Passing, Severity, at_place
from analyzers.review.compare import compare, happening
from tests.findings import at, finding


def test_moved_and_reworded_findings_are_kept_in_the_words_of_the_head() -> None:
    old = finding(place=at("shop/views.py", 10))
    now = finding(place=at("store/views.py", 99), message="Other words.")
    assert compare([old], [now]) == ((), (), (now,))


def test_a_rule_or_subject_that_was_not_there_is_new() -> None:
    old, now, other = finding("a"), finding("b"), finding("a", rule="missing_index")
    assert compare([old], [now, other]) == ((other, now), (old,), ())


def test_the_same_subject_once_more_is_one_new_finding_the_one_that_was_added() -> None:
    first, second = finding(place=at(start=10)), finding(place=at(start=20))
    added = finding(place=at(start=15), message="Another loop.")
    assert compare([first, second], [first, added, second]) == ((added,), (), (first, second))
    assert compare([first, added, second], [first, second]) == ((), (added,), (first, second))


def test_a_finding_that_says_less_than_before_is_kept() -> None:
    old = finding("orders: Order.lines.product", parts=("orders: Order.lines",))
    now = finding("orders: Order.lines")
    assert compare([old], [now]) == ((), (), (now,))
    assert compare([now], [old]) == ((old,), (now,), ())
    assert compare([old], [old, now]) == ((now,), (), (old,))


def test_code_moved_to_another_module_is_kept() -> None:
    old = finding("shop.views.orders: Order.lines", place=at("shop/views.py"))
    now = finding("shop.listing.orders: Order.lines", place=at("shop/listing.py"))
    assert compare([old], [now]) == ((), (), (now,))
    assert compare([old], [old, now]) == ((now,), (), (old,))
    other = finding("shop.listing.bills: Order.lines", place=at("shop/listing.py"))
    assert compare([old], [other]) == ((other,), (old,), ())


def test_templates_are_not_taken_for_each_other() -> None:
    old = finding("shop/a.html: Order.lines", place=at("shop/a.html"))
    now = finding("shop/b.html: Order.lines", place=at("shop/b.html"))
    assert compare([old], [now]) == ((now,), (old,), ())


def test_worst_first_then_surest_then_by_place() -> None:
    critical = finding("c", severity=Severity.CRITICAL, confidence=Confidence.POSSIBLE)
    sure = finding("d", confidence=Confidence.CERTAIN, place=at("z.py"))
    early, late = (finding(f"l{n}", confidence=Confidence.LIKELY, place=at("a.py", n)) for n in (2, 9))
    low = finding("a", severity=Severity.LOW)
    new, _, _ = compare([], [low, late, sure, early, critical])
    assert new == (critical, sure, early, late, low)


def test_what_was_withheld_is_neither_new_nor_fixed() -> None:
    told, withheld = finding(), finding(withheld="The table could not be read.")
    assert compare([withheld], [told]) == ((), (), (told,))
    assert compare([told], [withheld]) == ((), (), ())
    assert compare([], [withheld]) == ((), (), ())
    assert compare([withheld], []) == ((), (), ())
    assert compare([withheld], [finding("another")]) == ((finding("another"),), (), ())


@given(st.lists(st.sampled_from("abc"), max_size=8), st.lists(st.sampled_from("abc"), max_size=8))
def test_counts_add_up(base: list[str], head: list[str]) -> None:
    old = [finding(name, place=at(start=n + 1)) for n, name in enumerate(base)]
    now = [finding(name, place=at(start=n + 1)) for n, name in enumerate(head)]
    new, fixed, kept = compare(old, now)
    assert sorted(map(id, new + kept)) == sorted(map(id, now))
    assert len(fixed) + len(kept) == len(base)
    for name in "abc":
        assert sum(f.subject == name for f in new) == max(0, head.count(name) - base.count(name))
        assert sum(f.subject == name for f in fixed) == max(0, base.count(name) - head.count(name))


def test_what_passes_is_told_of_the_change_that_brings_it_to_what_was_there() -> None:
    lasting = finding()
    passing = finding("orders.status: index", at("migrations/2.sql"), passing=Passing(("migrations/1.sql",)))
    assert happening([lasting, passing], {"migrations/1.sql"}) == ((lasting, passing), ())
    assert happening([lasting, passing], {"migrations/1.sql", "migrations/2.sql"}) == ((lasting,), (passing,))
    assert happening([lasting, passing], {"shop/views.py"}) == ((lasting,), (passing,))
    assert happening([lasting, passing]) == ((lasting,), (passing,))


def test_what_has_the_cause_of_one_that_is_gone_from_its_file_is_that() -> None:
    old, now = finding("a", cause="orders(token)"), finding("b", cause="orders(token)")
    assert compare([old], [now]) == ((), (), (now,))
    assert compare([], [now]) == ((now,), (), ())
    elsewhere = finding("b", at("shop/other.py"), cause="orders(token)")
    assert compare([old], [elsewhere]) == ((elsewhere,), (old,), ())
    other = finding("b", cause="orders(email)")
    assert compare([old], [other]) == ((other,), (old,), ())


def test_what_one_edit_would_mend_at_a_place_is_not_taken_for_each_other() -> None:
    old = finding("orders: Order.customer", cause=at_place(at()))
    now = finding("orders: Order.lines", cause=at_place(at()))
    assert compare([old], [now]) == ((now,), (old,), ())
