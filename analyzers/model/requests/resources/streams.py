"""Sessions of a database that a streamed answer keeps for as long as somebody listens.

Told where the generator that is streamed asks the database through a session from outside, or through one that it keeps open,
and waits for something else in between: for time to pass, or for what another server sends. A stream of rows asks and ends.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from importlib import resources

import msgspec

from analyzers.facts.outline import Assign, Call, Function, Loop, Member, Name, Node, Other, dotted, walk
from analyzers.knowledge import libraries
from analyzers.knowledge.derived import derived
from analyzers.model.naming.code import Codebase
from analyzers.model.naming.definitions import External, FunctionDefinition, Resolved, ValueDefinition
from analyzers.model.naming.looked import Importing
from analyzers.model.requests.resources.listening import Listening
from analyzers.model.requests.resources.listening import streamed as streamed_by_thread
from analyzers.model.requests.texts import functions
from analyzers.model.ways import Function as Reached
from analyzers.model.ways import Reach, Streamed
from analyzers.source import Place

_sessions = derived(
    lambda: frozenset(name for library in libraries() for name, client in library.clients.items() if client.makes == "session")
)
_FAR = re.compile(
    r"stream|chat|complet|generat|listen|subscribe|events?$|aiter_|iter_(?:lines|bytes|content)|get_message", re.I
)
_GIVES_BACK = frozenset({"close", "commit", "rollback", "expunge_all"})


class _Known(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How answers are streamed, as `streams.yml` states it."""

    sessions: frozenset[str]
    listening: tuple[Listening, ...]


@cache
def _known() -> _Known:
    return msgspec.yaml.decode(resources.files(__package__).joinpath("streams.yml").read_bytes(), type=_Known)


def _answers() -> frozenset[str]:
    return _known().sessions


def streamed(code: Codebase, reach: Reach) -> Iterator[Streamed]:
    """The streamed answers of requests that keep a session while they wait."""
    asked, listening = Importing.of(_answers()), _known().listening
    imported = Importing.of(name for way in listening for name in way.answers)
    for path in sorted({f.path for f in reach.by_requests}):
        facts = code.files[path]
        keeps = facts.language == "python" and asked.answer(facts.imports)
        listens = facts.language == "php" or imported.answer(facts.imports)
        for function in functions(code, path) if keeps or listens else ():
            if Reached(path, function.qualified) in reach.by_requests:
                if keeps:
                    yield from _of_function(code, function)
                if listens:
                    yield from streamed_by_thread(code, function, listening)


def _of_function(code: Codebase, function: FunctionDefinition) -> Iterator[Streamed]:
    path, body = function.path, function.node.body
    given = {p.name for p in function.node.parameters if _is_session(code, path, p.annotation)}
    for node in (n for statement in body for n in walk(statement)):
        if not isinstance(node, Call) or not _is_answer(code, path, node):
            continue
        content = node.args[0] if node.args else next((k.value for k in node.keywords if k.name == "content"), None)
        if not isinstance(content, Call):
            continue
        found = _generator(code, path, body, content)
        if found is None:
            continue
        there, generator, closure = found
        kept = given if closure else _passed(content, generator, given)
        held = _held(code, there, generator, kept)
        if held is not None:
            session, waits = held
            yield Streamed(function.qualified, session, code.place(path, node), waits)


def _is_answer(code: Codebase, path: str, node: Call) -> bool:
    called = code.resolve_node(path, node.callee) if isinstance(node.callee, Name | Member) else None
    return isinstance(called, External) and called.name in _answers()


def _is_session(code: Codebase, path: str, annotation: Node | None) -> bool:
    """Whether an annotation names a session: itself, within `Annotated`, or by a name of the project's own for that."""
    return any(
        isinstance(found, External) and found.name in _sessions()
        for found in (*_resolved(code, path, annotation), *_meant(code, path, annotation))
    )


def _meant(code: Codebase, path: str, annotation: Node | None) -> Iterator[Resolved | None]:
    """What the values say that names of an annotation stand for: `SessionOf = Annotated[Session, Depends(get_session)]`."""
    for found in _resolved(code, path, annotation):
        if isinstance(found, ValueDefinition):
            yield from _resolved(code, found.path, found.node.value)


def _resolved(code: Codebase, path: str, node: Node | None) -> Iterator[Resolved | None]:
    names = (n for n in walk(node) if isinstance(n, Name | Member)) if node is not None else ()
    return (code.resolve_node(path, n) for n in names)


def _generator(code: Codebase, path: str, body: tuple[Node, ...], content: Call) -> tuple[str, Function, bool] | None:
    """The function whose yields are streamed, its file, and whether it stands in the one that answers."""
    if isinstance(content.callee, Name):
        for node in (n for statement in body for n in walk(statement)):
            if isinstance(node, Function) and node.name == content.callee.id:
                return path, node, True
    found = code.resolve_node(path, content.callee) if isinstance(content.callee, Name | Member) else None
    return (found.path, found.node, False) if isinstance(found, FunctionDefinition) else None


def _passed(call: Call, generator: Function, sessions: set[str]) -> set[str]:
    """The parameters of a generator that are given one of the sessions."""
    plain = [p.name for p in generator.parameters if p.name not in ("self", "cls")]
    by_place = {plain[i] for i, a in enumerate(call.args) if i < len(plain) and isinstance(a, Name) and a.id in sessions}
    return by_place | {k.name for k in call.keywords if isinstance(k.value, Name) and k.value.id in sessions}


def _held(code: Codebase, path: str, generator: Function, given: set[str]) -> tuple[str, Place] | None:
    """A session that the generator holds while it waits, by its name, and what it waits for."""
    nodes = [n for statement in generator.body for n in walk(statement)]
    for name in sorted(given):
        used = any(isinstance(n, Name) and n.id == name for n in nodes) and not _gives_back(nodes, name)
        if used and (waits := _waits(nodes, name)) is not None:
            return name, code.place(path, waits)
    for node in nodes:
        match node:
            case Other(word="with", children=(*opened, block)):
                for one in opened:
                    if isinstance(one, Assign) and isinstance(one.target, Name) and _opens(code, path, one.value):
                        inside, name = list(walk(block)), one.target.id
                        waits = None if _gives_back(inside, name) else _waits(inside, name)
                        if waits is not None:
                            return name, code.place(path, waits)
    return None


def _opens(code: Codebase, path: str, value: Node | None) -> bool:
    """Whether an expression makes a session: by a library's class, or by what the project made of a `sessionmaker`."""
    if not isinstance(value, Call) or not isinstance(value.callee, Name | Member):
        return False
    found = code.resolve_node(path, value.callee)
    if isinstance(found, External):
        return found.name in _sessions()
    if isinstance(found, ValueDefinition) and isinstance(found.node.value, Call):
        made = code.resolve_node(found.path, found.node.value.callee)
        return isinstance(made, External) and f"{made.name}()" in _sessions()
    return False


def _gives_back(nodes: list[Node], name: str) -> bool:
    called = (n.callee for n in nodes if isinstance(n, Call) and isinstance(n.callee, Member))
    return any(isinstance(c.of, Name) and c.of.id == name and c.name in _GIVES_BACK for c in called)


def _waits(nodes: list[Node], session: str) -> Node | None:
    """Where it waits for something that is not the database: it sleeps in a loop, or goes through what another server sends."""
    for node in nodes:
        match node:
            case Loop(kind="while", body=body):
                for inner in (n for statement in body for n in walk(statement)):
                    if isinstance(inner, Call) and dotted(inner.callee).rpartition(".")[2] == "sleep":
                        return inner
            case Loop(kind="for", over=Call(callee=callee) as over, body=body) if _FAR.search(
                dotted(callee).rpartition(".")[2]
            ):
                of_session = any(isinstance(n, Name) and n.id == session for n in walk(over))
                yields = any(isinstance(n, Other) and n.word == "yield" for statement in body for n in walk(statement))
                if yields and not of_session:
                    return over
    return None
