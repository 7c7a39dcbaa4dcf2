"""Sessions of a database that a module opens when it is loaded, and that all requests then share."""

from __future__ import annotations

from collections.abc import Iterator

from analyzers.facts.outline import Assign, Call, Member, Name, Node, Other, walk
from analyzers.knowledge import libraries
from analyzers.knowledge.clients import Client
from analyzers.knowledge.derived import derived
from analyzers.model.naming.code import Codebase
from analyzers.model.naming.definitions import External, FunctionDefinition, ValueDefinition
from analyzers.model.naming.roles import is_batch, is_product
from analyzers.model.requests.texts import functions
from analyzers.model.ways import Function as Reached
from analyzers.model.ways import Reach, Unreturned, Way

_sessions = derived(
    lambda: {n: client for library in libraries() for n, client in library.clients.items() if client.makes == "session"}
)


def held(code: Codebase, reach: Reach) -> Iterator[Unreturned]:
    """The sessions that modules of the product keep, and that functions use which a request reaches."""
    reached = {Reached(f.path, f.qualified): f for path in {f.path for f in reach.by_requests} for f in functions(code, path)}
    using = [f for name, f in reached.items() if name in reach.by_requests]
    for path, facts in code.files.items():
        if facts.language != "python" or not is_product(path) or is_batch(path):
            continue
        for name, definition in code.definitions(path).items():
            found = _session(code, definition) if isinstance(definition, ValueDefinition) else None
            if found is None or not isinstance(definition, ValueDefinition):
                continue
            user = next((f for f in using if _uses(code, f, name, definition)), None)
            entries = reach.entries_to(Reached(user.path, user.qualified)) if user is not None else ()
            entry = next(
                (e for e in sorted(entries, key=lambda f: (f.path, f.name)) if reach.by_function[e].kind == "request"), None
            )
            if user is not None and entry is not None:
                way = Way(reach.by_function[entry], ())
                yield Unreturned(found[1], found[0], user.qualified, code.place(path, definition.node), way, "of module")


def _session(code: Codebase, definition: ValueDefinition) -> tuple[str, Client] | None:
    """What a module's value is, if it is a session: its class, or what a maker of sessions makes that the project keeps."""
    made = definition.node.value if isinstance(definition.node, Assign) else None
    if not isinstance(made, Call) or not isinstance(made.callee, Name | Member):
        return None
    called = code.resolve_node(definition.path, made.callee)
    name = called.name if isinstance(called, External) else ""
    if isinstance(called, ValueDefinition) and isinstance(called.node, Assign) and isinstance(called.node.value, Call):
        maker = code.resolve_node(called.path, called.node.value.callee)
        name = f"{maker.name}()" if isinstance(maker, External) else ""
    client = _sessions().get(name)
    return (name, client) if client is not None else None


def _uses(code: Codebase, function: FunctionDefinition, name: str, definition: ValueDefinition) -> bool:
    """Whether a function asks that session for something."""
    if any(p.name.lstrip("*") == name for p in function.node.parameters):
        return False
    nodes = [n for statement in function.node.body for n in walk(statement)]
    if any(_binds(n, name) for n in nodes):
        return False
    for node in nodes:
        match node:
            case Member(of=Name() | Member() as of) if (of.id if isinstance(of, Name) else of.name) == name:
                if code.resolve_node(function.path, of) is definition:
                    return True
    return False


def _binds(node: Node, name: str) -> bool:
    """Whether a name is made the function's own."""
    match node:
        case Assign(target=Name(id=own)):
            return own == name
        case Other(word="with", children=(*opened, _)):
            return any(isinstance(o, Assign) and isinstance(o.target, Name) and o.target.id == name for o in opened)
    return False
