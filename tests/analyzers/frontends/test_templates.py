"""The pages `django.md` and `twig.md`: templates with their outlines; positions; and what hostile templates must not do."""

from __future__ import annotations

import re
import time
from pathlib import Path

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analyzers.facts.outline import Call, Loop, Member, Name, Node, Other, Text, children, walk
from analyzers.facts.render import render_all
from analyzers.facts.store import FileFacts
from analyzers.frontends.frontend import MAX_DEPTH
from analyzers.frontends.sql_tokens import words
from analyzers.frontends.templates import DjangoFrontend, TwigFrontend

FRONTENDS = {"django": DjangoFrontend(), "twig": TwigFrontend()}
SECTION = re.compile(
    r"^## (?P<title>[^\n]+)\n```(?P<language>django|twig)\n(?P<source>.*?)```\n```outline\n(?P<outline>.*?)```", re.M | re.S
)
PAGES = [Path(__file__).with_name(f"{name}.md") for name in FRONTENDS]
SECTIONS = [
    pytest.param(section, id=f"{page.stem}: {section['title']}")
    for page in PAGES
    for section in SECTION.finditer(page.read_text("utf-8"))
]


def outline_of(language: str, source: str) -> str:
    """What the pages show of a template."""
    facts = FRONTENDS[language].read(source.encode())
    problems = [f"! {problem.line} {problem.text}" for problem in facts.problems]
    return "".join(line + "\n" for line in [render_all(facts.outline), *problems] if line)


def test_every_heading_is_a_section() -> None:
    assert len(SECTIONS) == sum(page.read_text("utf-8").count("\n## ") for page in PAGES) > 20


@pytest.mark.parametrize("section", SECTIONS)
def test_outline(section: re.Match[str]) -> None:
    assert outline_of(section["language"], section["source"]) == section["outline"]


@pytest.mark.parametrize("language", FRONTENDS)
def test_positions_are_bytes(language: str) -> None:
    source = "é {% for o in ös %}\n{{ o.größe|upper }}{% endfor %} {{ 'é' ~ x }}".encode()
    facts = FRONTENDS[language].read(source)
    found = {
        Loop: "{% for o in ös %}\n{{ o.größe|upper }}{% endfor %}",
        Call: "o.größe|upper",
        Member: "o.größe",
        Text: "'é'",
        Other: "'é' ~ x",
    }
    for node in (node for top in facts.outline for node in walk(top)):
        if type(node) in found:
            assert source[node.start : node.end].decode() == found[type(node)]
        if isinstance(node, Name):
            assert source[node.start : node.end].decode() == node.id
    assert facts.span(facts.outline[0].start, facts.outline[0].end).end_line == 2


@pytest.mark.parametrize("language", FRONTENDS)
def test_ignores(language: str) -> None:
    source = b"{# cliffguard: ignore[n_plus_one] three rows at most #}\n{% for a in b %}{# cliffguard: ignore #}\n"
    facts = FRONTENDS[language].read(source)
    assert [(ignore.line, ignore.rules, ignore.reason) for ignore in facts.ignores] == [
        (2, ("n_plus_one",), "three rows at most"),
        (2, (), ""),
    ]


def test_braces_without_a_tag_are_no_problem() -> None:
    assert FRONTENDS["django"].read(b"{{ a b }}").problems == ()
    assert FRONTENDS["django"].read(b"{{ a b }}{% if x %}{% endif %}").problems != ()


def depth(node: Node) -> int:
    deepest, stack = 0, [(node, 1)]
    while stack:
        top, level = stack.pop()
        deepest = max(deepest, level)
        stack += [(child, level + 1) for child in children(top)]
    return deepest


def check(source: bytes) -> None:
    """Reads a template in both languages and checks what holds of every outline."""
    for frontend in FRONTENDS.values():
        facts = frontend.read(source)
        assert msgspec.msgpack.decode(msgspec.msgpack.encode(facts), type=FileFacts) == facts
        assert max(map(depth, facts.outline), default=0) <= MAX_DEPTH
        for node in (node for top in facts.outline for node in walk(top)):
            assert 0 <= node.start <= node.end <= len(source)
        for problem in facts.problems:
            assert 0 <= problem.line <= source.count(b"\n") + 1


PIECES = st.sampled_from(
    sorted(
        words(
            """{{ }} {% %} {# #} {%- -}} for if else elif empty endfor endif block endblock set endset with endwith macro
            endmacro in not is as import from include extends embed endembed only call endcall comment endcomment verbatim raw
            endraw a b.c x|f 'q' " ' ( ) [ ] { } , : . | ~ ?? ?: ? => .. ... = == + - * ** 1 2.5 #{ } \\ é regroup by
            blocktrans count ifchanged do b and"""
        )
    )
)


@settings(max_examples=300, deadline=None)
@given(st.one_of(st.binary(), st.text().map(lambda text: text.encode("utf-8", "replace"))))
def test_any_bytes_are_read(source: bytes) -> None:
    check(source)


@settings(max_examples=400, deadline=None)
@given(st.lists(PIECES, max_size=40).map(" ".join))
def test_any_tags_are_read(source: str) -> None:
    check(source.encode())


SIZE = 20_000


@pytest.mark.parametrize(
    "source",
    [
        b"{{" * SIZE,
        b"{%" * SIZE,
        b"{#" * SIZE,
        b'{{ "' * SIZE,
        b'{{ " {{ \\"' * SIZE,
        b'{{ "' + b'\\"' * SIZE,
        b"{% if x %}" * SIZE,
        b"{% if x %}" * SIZE + b"{% endfor %}" * SIZE,
        b"{% for a in b %}" * SIZE + b"{% endfor %}" * SIZE,
        b"{% if a %}" + b"{% elif b %}" * SIZE + b"{% endif %}",
        b"{% set a %}" * SIZE,
        b"{% else %}" * SIZE,
        b"{% comment %}" * SIZE,
        b"{% verbatim " * SIZE,
        b"{{ " + b"(" * SIZE,
        b"{{ " + b"[" * SIZE + b"}}",
        b"{{ " + b"{a: " * SIZE + b"}}",
        b"{{ a" + b".b" * SIZE + b" }}",
        b"{{ a" + b"|b" * SIZE + b" }}",
        b"{{ a" + b"[b" * SIZE + b" }}",
        b"{{ a" + b".b" * 30 + b"[a" * 3000 + b" }}",
        b"{{ a" + b"~b" * SIZE + b" }}",
        b"{{ a" + b"+b" * SIZE + b" }}",
        b"{{ a" + b"??b" * SIZE + b" }}",
        b"{{ " + b"not " * SIZE + b"a }}",
        b"{{ " + b"a ? " * SIZE + b"}}",
        b"{{ " + b"x => " * SIZE + b"a }}",
        b"{{ " + b"(a, " * SIZE + b"}}",
        b'{{ "' + b'#{"' * SIZE + b"}}",
        b"{{ " + b"9" * SIZE + b" }}",
        b"{{ a" + b".9" * SIZE + b" }}",
        b"{% x " + b"a " * SIZE + b"%}",
        b"{% x " + b"= " * SIZE + b"%}",
        b"{{ " + b"f(a.b.c.d.e.f.g.h.i.j|k|l|m|n|o(" * 25 + b")" * 50 + b"}}",
    ],
    ids=lambda source: source[:20].decode(),
)
def test_hostile_templates_end_soon(source: bytes) -> None:
    start = time.process_time()
    check(source)
    assert time.process_time() - start < 10
