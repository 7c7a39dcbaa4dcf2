"""The report a person reads, and the one a script reads."""

from __future__ import annotations

import json

import pytest

from analyzers.findings import Accepted, Edit, Fix, Problem, Related, Review
from analyzers.report.json import to_json
from analyzers.report.terminal import to_terminal
from tests.findings import at, finding

SOURCE = b"def orders():\n    rows = Order.objects.all()\n    for order in rows:\n        print(order.customer)\n"


def full() -> Review:
    one = finding(
        place=at("shop/views.py", 3, 4),
        evidence=("`customer` is a foreign key.",),
        related=(Related(at("shop/models.py", 7), "here"),),
    )
    return Review(
        new=(one,),
        fixed=(finding("f", title="Was bad"),),
        kept=(finding("k"),),
        accepted=(Accepted(finding("x", title="Known"), "comment at line 2: six rows"),),
        problems=(Problem("a.py", 3, "Not parsed."), Problem("", 0, "A rule failed.")),
    )


def test_everything_is_told() -> None:
    text = to_terminal(full(), read=lambda path: SOURCE, width=90)
    for part in (
        "HIGH 1 + N queries: Order.customer is loaded once per order\n",
        "shop/views.py:3  n_plus_one, certain\n",
        "  3     for order in rows:",
        "  4         print(order.customer)",
        "1 + N queries: 101 for 100 orders",
        "· customer is a foreign key.",
        "· shop/models.py:7: here",
        "Instead: Load the customers with the orders.",
        '    orders = Order.objects.select_related("customer")',
        "Accepted\n  shop/views.py:10 Known (comment at line 2: six rows)",
        "Fixed by this change\n  shop/views.py:10 Was bad",
        "a.py:3 Not parsed.",
        "1 finding of the base unchanged",
    ):
        assert part in text
    assert text.endswith("1 new finding (1 high); 2 notices\n")


def test_a_fix_is_shown_as_the_lines_it_makes() -> None:
    fix = Fix("Load it.", "shop/views.py", (Edit(39, 44, 'select_related("customer")'),))
    text = to_terminal(Review(new=(finding(code="", fix=fix),)), read=lambda path: SOURCE)
    assert '\n    rows = Order.objects.select_related("customer")\n' in text
    broken = Fix("", "shop/views.py", (Edit(0, 9999, ""),))
    assert "select_related" not in to_terminal(Review(new=(finding(code="", fix=broken),)), read=lambda path: SOURCE)


def test_nothing_is_said_shortly() -> None:
    assert to_terminal(Review()) == "No new findings\n"


def test_colours_only_where_asked() -> None:
    assert "\x1b[" not in to_terminal(full(), read=lambda path: SOURCE)
    assert "\x1b[" in to_terminal(full(), read=lambda path: SOURCE, color=True)


@pytest.mark.parametrize("width", [0, 40, 72, 120])
def test_lines_fit(width: int) -> None:
    long = finding(
        message="word " * 60,
        title="long " * 40,
        place=at("a/" * 60 + "b.py", 1),
        code="x = " + "1 + " * 60 + "1",
        growth="g" * 200,
    )
    text = to_terminal(Review(new=(long,)), read=lambda path: b"y" * 500, width=width)
    assert max(map(len, text.split("\n"))) <= max(40, width)


def test_hostile_text_cannot_drive_the_terminal() -> None:
    bad = "\x1b]0;owned\x07[bold]x[/bold]\u202e"
    one = finding(bad, place=at(bad), message=bad, title=bad, code=bad, remedy=bad, evidence=(bad,))
    text = to_terminal(Review(new=(one,), problems=(Problem(bad, 1, bad),)), read=lambda path: bad.encode() * 3)
    assert not set(text) & {"\x1b", "\x07", "\u202e"}
    assert "[bold]x[/bold]" in text


def test_json() -> None:
    document = json.loads(to_json(full()))
    assert document["version"] == 1
    assert document["counts"] == {"new": 1, "fixed": 1, "kept": 1, "accepted": 1, "problems": 2}
    (new,) = document["new"]
    assert (new["fingerprint"], new["severity"], new["place"]["span"]["start_line"]) == (full().new[0].fingerprint, "high", 3)
    assert document["accepted"][0]["finding"]["title"] == "Known"
    assert document["problems"][0] == {"path": "a.py", "line": 3, "text": "Not parsed."}
