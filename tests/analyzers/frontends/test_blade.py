"""The page `blade.md`: templates with their outlines; positions; and what hostile templates must not do."""

from __future__ import annotations

import re
import time
from pathlib import Path

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analyzers.facts.outline import Call, Loop, Member, Name, Node, Text, children, walk
from analyzers.facts.render import render_all
from analyzers.facts.store import FileFacts
from analyzers.frontends.blade import BladeFrontend
from analyzers.frontends.frontend import MAX_DEPTH
from analyzers.frontends.sql_tokens import words

FRONTEND = BladeFrontend()
PAGE = Path(__file__).with_name("blade.md")
SECTION = re.compile(
    r"^## (?P<title>[^\n]+)\n```blade\n(?P<source>.*?)```\n```outline\n(?P<outline>.*?)```", re.MULTILINE | re.DOTALL
)
SECTIONS = [pytest.param(section, id=section["title"]) for section in SECTION.finditer(PAGE.read_text("utf-8"))]


def outline_of(source: str) -> str:
    """What the page shows of a template."""
    facts = FRONTEND.read(source.encode())
    problems = [f"! {problem.line} {problem.text}" for problem in facts.problems]
    imports = [f"use {found.name} {found.path}" for found in facts.imports]
    return "".join(line + "\n" for line in [render_all(facts.outline), *problems, *imports] if line)


def test_every_heading_is_a_section() -> None:
    assert len(SECTIONS) == PAGE.read_text("utf-8").count("\n## ") > 10


@pytest.mark.parametrize("section", SECTIONS)
def test_outline(section: re.Match[str]) -> None:
    assert outline_of(section["source"]) == section["outline"]


@pytest.mark.parametrize(
    ("source", "outline"),
    [
        ("@foreach($orders as $order){{$order->id}}@endforeach", "(loop for target:$order over:$orders (. $order id))"),
        (
            "@foreach($user->orders() as $key => $order) {{ $key }} @endforeach",
            "(loop for key:$key target:$order over:(call (. $user orders)) $key)",
        ),
        ("@foreach ($orders as [$a]) {{ $a }} @endforeach", "(loop for target:(tuple $a) over:$orders $a)"),
        ("@foreach($orders as [$a]) {{ $a }} @endforeach", "(loop for $a)"),
        ("@for($i = 0; $i < 3; $i++) {{ $i }} @endfor", "(loop for $i)"),
        ("{{$a}}", "$a"),
        ("@if($a){{ $b }}@endif", "(if $a (block $b))"),
        ("@include('a')", '(call include "a")'),
        ("{{ $a }}{{ $b }}@include('a'){{ $c // d }}@php($e)<?= $f ?>", '$a\n$b\n(call include "a")\n$c\n$e\n$f'),
    ],
)
def test_code_at_the_edges(source: str, outline: str) -> None:
    assert outline_of(source) == outline + "\n"


def test_positions_are_bytes() -> None:
    source = "é @foreach ($ös as $o)\n{{ $o->größe }} {!! f('é', $o) !!} <x-ä :b=\"$o->c\"/> @endforeach".encode()
    facts = FRONTEND.read(source)
    assert facts.problems == ()
    found = {
        Loop: "@foreach ($ös as $o)\n{{ $o->größe }} {!! f('é', $o) !!} <x-ä :b=\"$o->c\"/> @endforeach",
        Call: "f('é', $o)",
        Member: "$o->größe",
        Text: "'é'",
    }
    seen = set()
    for node in (node for top in facts.outline for node in walk(top)):
        text = source[node.start : node.end].decode()
        if isinstance(node, Name):
            assert text == node.id
        elif type(node) in found:
            seen.add(type(node))
            assert text == found[type(node)]
    assert seen == set(found)
    assert facts.span(facts.outline[0].start, facts.outline[0].end).end_line == 2


def test_ignores() -> None:
    source = b"{{-- cliffguard: ignore[n_plus_one] three rows at most --}}\n@foreach ($a as $b){{-- cliffguard: ignore --}}\n"
    assert [(ignore.line, ignore.rules, ignore.reason) for ignore in FRONTEND.read(source).ignores] == [
        (2, ("n_plus_one",), "three rows at most"),
        (2, (), ""),
    ]


def depth(node: Node) -> int:
    deepest, stack = 0, [(node, 1)]
    while stack:
        top, level = stack.pop()
        deepest = max(deepest, level)
        stack += [(child, level + 1) for child in children(top)]
    return deepest


def check(source: bytes) -> None:
    """Reads a template and checks what holds of every outline."""
    facts = FRONTEND.read(source)
    assert msgspec.msgpack.decode(msgspec.msgpack.encode(facts), type=FileFacts) == facts
    assert max(map(depth, facts.outline), default=0) <= MAX_DEPTH
    for node in (node for top in facts.outline for node in walk(top)):
        assert 0 <= node.start <= node.end <= len(source)
    for problem in facts.problems:
        assert 0 <= problem.line <= source.count(b"\n") + 1


PIECES = st.sampled_from(
    sorted(
        words(
            """{{ }} {!! !!} {{{ }}} @{{ {{-- --}} @if($a) @if( @elseif($b) @else @endif @foreach($a as $b) @foreach
            @endforeach @empty @forelse($a->b as $c=>$d) @endforelse @for($i=0;$i<2;$i++) @endfor @while($a)
            @endwhile @switch($a) @case(1) @default @endswitch @section('a') @endsection @php @endphp @php($a) <?php
            <?= ?> @include('a',['b'=>$c]) @each('a',$b,'c') @break @component('a') @endcomponent @custom($a)
            @endcustom @props(['a'=>1]) <x-a :b="$c" :$d d="{{ e="f" g='h' /> </x-a> > ' <livewire:a " ( ) [ ] , ; :
            $a ->b ->c() f($a) 'q' "q" 1 // # /* */ é @verbatim @endverbatim @use('A\\B') @auth @endauth"""
        )
    )
)


@settings(max_examples=200, deadline=None)
@given(st.one_of(st.binary(), st.text().map(lambda text: text.encode("utf-8", "replace"))))
def test_any_bytes_are_read(source: bytes) -> None:
    check(source)


@settings(max_examples=300, deadline=None)
@given(st.lists(PIECES, max_size=40), st.sampled_from(["", " ", "\n"]))
def test_any_pieces_are_read(pieces: list[str], between: str) -> None:
    check(between.join(pieces).encode())


SIZE = 20_000


@pytest.mark.parametrize(
    "source",
    [
        b"{{" * SIZE,
        b"{{ $a }}" * SIZE,
        b"{{--" * SIZE,
        b"{!!" * SIZE,
        b'{{ "' * SIZE,
        b"@if(" * SIZE,
        b"@if((" * SIZE,
        b"@if($x)" * SIZE,
        b"@if($x)" * SIZE + b"@endforeach" * SIZE,
        b"@foreach($a as $b)" * SIZE + b"@endforeach" * SIZE,
        b"@if($a)" + b"@elseif($b)" * SIZE + b"@endif",
        (b"@if($a)" + b"@elseif($b)" * 30) * 100,
        b"@switch($a)" * 60 + b"@case(1)" * SIZE,
        b"@section('a')" * SIZE,
        b"@php " * SIZE,
        b"@php " * SIZE + b"@endphp",
        b"@php(" * SIZE,
        b"<?php " * SIZE,
        b"<?php if ($a): ?>" * 500,
        b"@verbatim" * SIZE,
        b"@include('" * SIZE,
        b"<x-a " * SIZE,
        b'<x-a b="' * SIZE,
        b"<x-a " + b"a " * SIZE,
        b"<x-a " + b':a="$b" ' * SIZE,
        b"<x-a>" * SIZE,
        b"{{ " + b"(" * SIZE,
        b"{{ " + b"[" * SIZE + b"}}",
        b"{{ $a" + b"->b" * SIZE + b" }}",
        b"{{ $a" + b".$b" * SIZE + b" }}",
        b"@if($a)" * 60 + b"{{ " + b"[" * 100 + b"]" * 100 + b" }}",
        b"@a@b" * SIZE,
        b"@foreach($a as " * SIZE,
    ],
    ids=lambda source: source[:20].decode(),
)
def test_hostile_templates_end_soon(source: bytes) -> None:
    start = time.process_time()
    check(source)
    assert time.process_time() - start < 10
