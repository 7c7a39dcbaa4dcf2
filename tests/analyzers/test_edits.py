"""Edits, and when a fix may be offered as a suggestion."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analyzers.edits import EditError, Suggestion, apply, fixed_source, has_comment, parses, suggestion
from analyzers.findings import Edit, Finding, Fix
from tests.findings import finding

SOURCE = b"""\
def orders(request):
    rows = Order.objects.all()
    # only six of them
    few = Order.objects.all()
    late = Order.objects.all()  # not cached
    return render(request, "a.html", {"rows": rows})
"""


def replacing(old: bytes, new: str, source: bytes = SOURCE, path: str = "a.py") -> Finding:
    start = source.index(old)
    return finding(fix=Fix("Fix.", path, (Edit(start, start + len(old), new),)))


def suggested(one: Finding, source: bytes = SOURCE) -> Suggestion | None:
    return suggestion(one, source, lambda start, end: True, lambda finding, new: True)


@pytest.mark.parametrize(
    ("edits", "result"),
    [
        ((), b"abc"),
        ((Edit(0, 0, "x"), Edit(1, 2, ""), Edit(3, 3, "é")), "xacé".encode()),
        ((Edit(0, 3, ""),), b""),
    ],
)
def test_apply(edits: tuple[Edit, ...], result: bytes) -> None:
    assert apply(b"abc", edits) == result


@pytest.mark.parametrize("edits", [(Edit(2, 1, ""),), (Edit(0, 4, ""),), (Edit(0, 2, ""), Edit(1, 3, "")), (Edit(-1, 0, ""),)])
def test_edits_that_do_not_fit(edits: tuple[Edit, ...]) -> None:
    with pytest.raises(EditError):
        apply(b"abc", edits)
    assert fixed_source(finding(fix=Fix("", "a.py", edits)), b"abc", lambda one, new: True) is None


def test_new_lines_end_as_the_file_s_do() -> None:
    assert apply(b"a\r\nb\r\n", (Edit(3, 3, "x\ny\r\n"),)) == b"a\r\nx\r\ny\r\nb\r\n"
    assert apply(b"a\nb\r\n", (Edit(2, 2, "x\n"),)) == b"a\nx\nb\r\n"


def test_whole_lines_with_their_indentation() -> None:
    fixed = replacing(b"Order.objects.all()", 'Order.objects.select_related("customer")')
    assert suggested(fixed) == Suggestion(2, 2, '    rows = Order.objects.select_related("customer")')


def test_several_lines_and_longer_or_shorter_results() -> None:
    source = b"a = f(\n    1,\n    2,\n)\nb = 3\n"
    assert suggested(replacing(b"1,\n    2,", "1, 2,", source), source) == Suggestion(2, 3, "    1, 2,")
    assert suggested(replacing(b"b = 3", "b = 3\nc = 4", source), source) == Suggestion(5, 5, "b = 3\nc = 4")
    assert suggested(replacing(b"b = 3\n", "", source), source) == Suggestion(5, 5, "")
    assert suggested(replacing(b"\n    1,\n", "1,", source), source) == Suggestion(1, 3, "a = f(1,    2,")


def test_insertion_stands_on_an_existing_line() -> None:
    source = b"a = 1\nb = 2\n"
    inserted = finding(fix=Fix("", "a.py", (Edit(6, 6, "x = 0\n"),)))
    assert suggested(inserted, source) == Suggestion(2, 2, "x = 0\nb = 2")
    at_the_end = finding(fix=Fix("", "a.py", (Edit(12, 12, "x = 0\n"),)))
    assert suggested(at_the_end, source) == Suggestion(2, 2, "b = 2\nx = 0")


def test_carriage_returns_stay() -> None:
    source = b"a = 1\r\nb = 2\r\nc = 3\r\n"
    assert suggested(replacing(b"b = 2", "b = 2\nx = 0", source), source) == Suggestion(2, 2, "b = 2\r\nx = 0")


def test_nothing_is_suggested() -> None:
    fixed = replacing(b"Order.objects.all()", "Order.objects.none()")
    always, never = (lambda one, new: True), (lambda one, new: False)
    assert suggestion(fixed, SOURCE, lambda start, end: True, always) is not None
    assert suggestion(fixed, SOURCE, lambda start, end: False, always) is None  # not shown in the diff
    assert suggestion(fixed, SOURCE, lambda start, end: True, never) is None  # does not help
    assert suggested(finding()) is None
    assert suggested(finding(fix=Fix("", "a.py", ()))) is None
    assert suggested(replacing(b"Order.objects.all()", "Order.objects.all()")) is None  # changes nothing
    assert suggested(replacing(b"Order.objects.all()", "Order.objects.all(")) is None  # does not parse
    assert suggested(replacing(b"few = Order.objects.all()\n    late = Order", "few = Order")) is None  # a comment goes
    assert suggested(replacing(b"late = Order.objects.all()", "late = 1")) is None  # a comment may be the reason
    long = b"x = [\n" + b"    1,\n" * 12 + b"]\n"
    assert suggested(replacing(long.strip(), "x = []", long), long) is None


def test_what_is_verified_is_what_is_suggested() -> None:
    seen: list[bytes] = []
    fixed = replacing(b"all()", "none()")
    assert suggestion(fixed, SOURCE, lambda start, end: True, lambda one, new: not seen.append(new)) is not None
    assert seen == [SOURCE.replace(b"all()", b"none()", 1)]


@pytest.mark.parametrize(
    ("path", "text", "expected"),
    [
        ("a.py", b'x = "# none"\n', False),
        ("a.py", b"x = 1  # why\n", True),
        ("a.py", b"x = ( #\n", True),  # cannot be told
        ("a.php", b"<?php $a = $b->all();", False),
        ("a.php", b"#[ORM\\Entity]", False),
        ("a.php", b"$a = 1; // why", True),
        ("a.php", b" * why", True),
        ("a.html", b"{{ a.b }}", False),
        ("a.html", b"{{ a.b }}{# why #}", True),
        ("a.html", b"{% comment %}", True),
        ("a.sql", b"SELECT 1 -- why", True),
        ("a.sql", b"SELECT 1", False),
        ("a.xyz", b"a // b", True),
    ],
)
def test_comments(path: str, text: bytes, expected: bool) -> None:
    assert has_comment(path, text, 1, 1) is expected


def test_parses() -> None:
    assert parses("a.py", b"x = 1\n")
    assert not parses("a.py", b"x = \n")
    assert not parses("a.py", b"\xff")
    assert parses("a.php", b"<?php $a = 1;")
    assert not parses("a.php", b"<?php $a = (;", b"<?php $a = 1;")
    assert not parses("a.unknown", b"")


@pytest.mark.parametrize(
    "text",
    [b"x = " + b"(" * 5000 + b")" * 5000, b"x = " + b"-" * 50_000 + b"1", b"x = 1" + b" + 1" * 50_000, b"\0", b"#" * 600_000],
)
def test_hostile_python_is_refused_not_crashed_on(text: bytes) -> None:
    assert not parses("a.py", text)


lines = st.lists(st.sampled_from([b"a = 1", b"", b"b = (2)", b"  "]), max_size=6)


@given(lines, st.sampled_from([b"\n", b"\r\n"]), st.booleans(), st.data())
def test_replacing_the_lines_gives_what_the_edits_give(
    content: list[bytes], end: bytes, last: bool, data: st.DataObject
) -> None:
    source = end.join(content) + (end if last and content else b"")
    first, second = sorted(data.draw(st.tuples(*[st.integers(0, len(source))] * 2)))
    edit = Edit(first, second, data.draw(st.sampled_from(["", "c = 3", "c = 3\n", "\n"])))
    one = finding(fix=Fix("", "a.py", (edit,)))
    block = suggested(one, source)
    if block is None:
        return
    rows = source.split(b"\n")
    rows = rows[:-1] if rows[-1] == b"" else rows
    assert 1 <= block.start_line <= block.line <= len(rows)
    replacement = [row.encode() for row in block.text.split("\n")] if block.text else []
    replaced = [*rows[: block.start_line - 1], *replacement, *rows[block.line :]]
    wanted = apply(source, (edit,)).split(b"\n")
    wanted = wanted[:-1] if wanted[-1] == b"" else wanted
    assert [row.rstrip(b"\r") for row in replaced] == [row.rstrip(b"\r") for row in wanted]
