"""Streamed answers that ask the database again and again for as long as somebody listens, by the connection of their thread.

In Django, Laravel and Symfony no session is handed about: the thread (or the process) that answers keeps its connection, and
whoever listens keeps both. Told where a loop that waits asks for rows, and nothing gives the connection back.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

import msgspec

from analyzers.facts.outline import Call, Function, Loop, Member, Name, Node, dotted, walk
from analyzers.facts.store import FileFacts
from analyzers.model.naming.code import Codebase
from analyzers.model.naming.definitions import External, FunctionDefinition
from analyzers.model.ways import Streamed

_WAITS = frozenset({"sleep", "usleep", "time_nanosleep"})


class Listening(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How a framework streams, as `streams.yml` states it."""

    language: str
    answers: frozenset[str]
    asks: frozenset[str]
    gives_back: frozenset[str]
    keeper: str
    code: str
    of: frozenset[str] = frozenset()
    methods: frozenset[str] = frozenset()
    models: str = ""


def streamed(code: Codebase, function: FunctionDefinition, known: Sequence[Listening]) -> Iterator[Streamed]:
    """The answers of a function that listen to the database."""
    path, body = function.path, function.node.body
    facts = code.files[path]
    for way in (w for w in known if w.language == facts.language):
        for node in (n for statement in body for n in walk(statement)):
            if not isinstance(node, Call) or not _is_answer(code, path, node, way):
                continue
            for there, writer in _writers(code, path, body, node):
                waits = _listens(code.files[there], writer, way)
                if waits is not None:
                    place = code.place(there, waits)
                    yield Streamed(function.qualified, "", code.place(path, node), place, way.keeper, way.code, way.language)


def _is_answer(code: Codebase, path: str, node: Call, way: Listening) -> bool:
    match node.callee:
        case Member(of=Call(callee=Name(id=name), args=()) | Name(id=name), name=method) if name in way.of:
            return method in way.methods
        case Name(id=name) if any(i.name == name and i.path in way.answers for i in code.files[path].imports):
            return True
        case Name() | Member():
            called = code.resolve_node(path, node.callee)
            return isinstance(called, External) and called.name in way.answers
    return False


def _writers(code: Codebase, path: str, body: Sequence[Node], node: Call) -> Iterator[tuple[str, Function]]:
    """The functions that write a streamed answer, each with its file: one that is handed over, or whose call is."""
    for given in (*node.args[:1], *(k.value for k in node.keywords if k.name in ("streaming_content", "callback"))):
        match given:
            case Function():
                yield path, given
            case Call(callee=Name(id=name)) if inner := next(
                (n for s in body for n in walk(s) if isinstance(n, Function) and n.name == name), None
            ):
                yield path, inner
            case Call(callee=Name() | Member() as callee):
                found = code.resolve_node(path, callee)
                if isinstance(found, FunctionDefinition):
                    yield found.path, found.node


def _listens(facts: FileFacts, writer: Function, way: Listening) -> Node | None:
    """Where a function waits in a loop that asks the database, unless it gives the connection back."""
    nodes = [n for statement in writer.body for n in walk(statement)]
    if any(_last(n) in way.gives_back for n in nodes if isinstance(n, Call)):
        return None
    models = {i.name for i in facts.imports if way.models and re.search(way.models, i.path)}
    for loop in (n for n in nodes if isinstance(n, Loop) and n.kind == "while"):
        inside = [n for statement in loop.body for n in walk(statement)]
        waits = next((n for n in inside if isinstance(n, Call) and _last(n) in _WAITS), None)
        if waits is not None and any(_asks(n, way, models) for n in inside):
            return waits
    return None


def _last(call: Call) -> str:
    match call.callee:
        case Name(id=name) | Member(name=name):
            return name
    return dotted(call.callee).rpartition(".")[2]


def _asks(node: Node, way: Listening, models: set[str]) -> bool:
    match node:
        case Member(of=Name(id=name)) if name in models:
            return True
        case Member(name=name):
            return name in way.asks
    return False
