"""Every frontend, fed with what nobody wrote: bytes, pieces of its own language in any order, and sources that were damaged.

`CLIFFGUARD_FUZZ=5000` tries so many of each (`make fuzz`); the suite tries a few. What was found is kept: see `FOUND`.
"""

from __future__ import annotations

import os
import random
import time
from pathlib import Path

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analyzers import frontends
from analyzers.facts.store import FileFacts
from analyzers.frontends.frontend import Frontend

HERE = Path(__file__).parent
FOUND = {
    "openings of a template that nothing closes": ("yaml", b"{" * 200_000),
    "actions that another opening interrupts": ("yaml", b"{{ a }" * 40_000),
    "types in types": ("typescript", b"export let x: A" + b"<A" * 9_000),
}
"""What took minutes, or broke a frontend, and no longer does."""

LANGUAGES = sorted(frontends._LOADERS)
EXAMPLES = int(os.environ.get("CLIFFGUARD_FUZZ", "25"))
SEEDS = [path.read_bytes() for path in sorted(HERE.glob("*.md"))]
PIECES = [
    *(
        "(",
        ")",
        "{",
        "}",
        "[",
        "]",
        "<",
        ">",
        "'",
        '"',
        '"""',
        "`",
        "\\",
        "\n",
        "\t",
        "  ",
        ";",
        ":",
        ",",
        ".",
        "=",
        "#",
        "$",
        "@",
    ),
    *("<?php ", "?>", "{{", "}}", "{%", "%}", "@if(", "@foreach(", "/*", "*/", "--", "$$", "<<EOF\n", "EOF\n", "%q(", "#{"),
    *(
        "class A",
        "def f",
        "function f",
        "SELECT ",
        "CREATE TABLE t (",
        "ALTER TABLE t ",
        "for x in ",
        "do ",
        "end ",
        "model A {",
    ),
    *("export ", "const x = ", "async (", "=> ", "${", "?.", "<A>", "</A>", "class A extends ", "import {", "} from 'a'\n"),
    *(
        "&a ",
        "*a",
        "<<: *a",
        "!!python/object:os.system ",
        "- ",
        "? ",
        "|",
        ">",
        "${A:-",
        "FROM ",
        "RUN ",
        "a: ",
        "a=",
        "<a b='",
    ),
    *("\0", "\ufeff", "\u202e", "\ud7ff", "é", "𝒜", "0" * 400, "-" * 70, "x" * 3000),
]


def loaded(language: str) -> Frontend:
    return frontends._load(language)


def check(frontend: Frontend, source: bytes) -> None:
    facts = frontend.read(source)
    assert msgspec.msgpack.decode(msgspec.msgpack.encode(facts), type=FileFacts) == facts


@pytest.mark.parametrize("language", LANGUAGES)
@settings(max_examples=EXAMPLES)
@given(source=st.binary(max_size=300))
def test_any_bytes(language: str, source: bytes) -> None:
    check(loaded(language), source)


@pytest.mark.parametrize("language", LANGUAGES)
@settings(max_examples=EXAMPLES)
@given(pieces=st.lists(st.sampled_from(PIECES), max_size=40), times=st.sampled_from((1, 1, 1, 30)))
def test_any_pieces(language: str, pieces: list[str], times: int) -> None:
    check(loaded(language), ("".join(pieces) * times).encode("utf-8", "replace"))


@pytest.mark.parametrize("language", LANGUAGES)
@settings(max_examples=EXAMPLES)
@given(seed=st.integers(0, 2**32), junk=st.sampled_from(PIECES))
def test_any_damage(language: str, seed: int, junk: str) -> None:
    chance = random.Random(seed)
    text = bytearray(chance.choice(SEEDS)[:20_000])
    for _ in range(chance.randint(1, 8)):
        at = chance.randrange(len(text))
        text[at : at + chance.choice((0, 1, 5, 200))] = junk.encode("utf-8", "replace")
    check(loaded(language), bytes(text))


@pytest.mark.parametrize(
    "unit", ["(", "[", "{", "<a>", "{% if a %}", "@if(1)", "a: {", "- ", "not ", "f(", "$(", "BEGIN ", "a -> "]
)
@pytest.mark.parametrize("language", LANGUAGES)
def test_any_depth(language: str, unit: str) -> None:
    check(loaded(language), (unit * 20_000).encode())


@pytest.mark.parametrize("name", FOUND)
def test_what_was_found_before(name: str) -> None:
    language, source = FOUND[name]
    start = time.process_time()
    check(loaded(language), source)
    assert time.process_time() - start < 5
