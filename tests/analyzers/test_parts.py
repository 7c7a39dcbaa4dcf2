"""Parts of files: whole lines, all of them, each once; and what was said of a place, once its part has moved."""

from __future__ import annotations

from analyzers.facts.parts import Part
from analyzers.findings import Edit, Fix
from analyzers.frontends import read_facts
from analyzers.model.naming.parts import Move, Parts
from analyzers.source import Place, Span

SOURCE = b'''"""Views."""
import os

LIMIT = 3


# says what it is for
@cached
def names():
    return 1

OTHER = 2
class Order:
    def names(self):
        return 2
def names(): return 3; LAST = 4
'''


def _parts(source: bytes) -> tuple[Part, ...]:
    return read_facts("shop/views.py", source).parts


def test_parts_are_the_lines_of_a_file_each_once() -> None:
    parts = _parts(SOURCE)
    starts = [0, *(part.end for part in parts)]
    texts = {part.name: SOURCE[start : part.end] for part, start in zip(parts, starts, strict=False)}
    assert list(texts) == ["^names", "names", "^Order", "Order", "names#2"]
    assert texts["names"].startswith(b"# says")
    assert texts["Order"].startswith(b"OTHER")  # right above it, as far as lines tell
    assert b"".join(texts.values()) == SOURCE


def test_what_has_no_line_of_its_own_belongs_to_the_part_before() -> None:
    assert [part.name for part in _parts(b"class A: pass; x = 1\nclass B: pass\n")] == ["A", "B"]
    assert [part.name for part in _parts(b"")] == ["^"]


def test_a_part_says_the_same_wherever_it_stands() -> None:
    before = {part.name: part.digest for part in _parts(SOURCE)}
    after = {part.name: part.digest for part in _parts(SOURCE.replace(b"LIMIT = 3", b"LIMIT = 4\nMORE = 5"))}
    assert {name for name in before if before[name] != after[name]} == {"^names"}


def test_php_has_parts_too() -> None:
    source = b"<?php\nnamespace App;\n\n/** An order. */\n#[Entity]\nclass Order {\n}\n\nfunction f() {}\n"
    parts = read_facts("src/Order.php", source).parts
    assert [(part.name, source[: part.end].count(b"\n")) for part in parts] == [
        ("^Order", 3),
        ("Order", 7),
        ("^f", 8),
        ("f", 9),
    ]


def test_what_was_said_moves_with_its_part() -> None:
    facts = read_facts("shop/views.py", SOURCE)
    start = SOURCE.index(b"return 2")
    said = (Place("shop/views.py", facts.span(start, start + 8)), Fix("", "shop/views.py", (Edit(start, start + 8, "x"),)))
    moved = SOURCE.replace(b"LIMIT = 3", b"LIMIT = 4\nMORE = 5")
    before, after = Parts({"shop/views.py": facts}, {}), Parts({"shop/views.py": read_facts("shop/views.py", moved)}, {})
    starts = before.starts(said)
    assert list(starts) == ["part:shop/views.py\tOrder"]
    now = {key: found for key in starts if (found := after.start(key)) is not None}
    place, fix = Move(starts, now).of(said)
    assert place == Place("shop/views.py", Span(16, 9, 16, 17))
    assert moved[fix.edits[0].start : fix.edits[0].end] == b"return 2"
