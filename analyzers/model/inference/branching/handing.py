"""Loops that hand what they walk, or what they insert, to other work: what they write themselves, they write as they go."""

from __future__ import annotations

import builtins
from typing import TYPE_CHECKING

from analyzers.facts.outline import Assign, Call, Loop, Member, Name, walk
from analyzers.knowledge import libraries
from analyzers.knowledge.derived import derived

if TYPE_CHECKING:
    from analyzers.model.inference.summaries import Inference

_BUILTIN = frozenset(dir(builtins))
HARMLESS = frozenset(  # methods that put a value somewhere, or make one of it
    {"append", "add", "extend", "insert", "discard", "remove", "get", "setdefault", "pop", "format", "join", "write", "index"}
    | {
        "debug",
        "info",
        "warning",
        "warn",
        "error",
        "exception",
        "log",
        "critical",
        "startswith",
        "endswith",
        "replace",
        "split",
    }
)
_rows = derived(lambda: tuple(library.rows for library in libraries() if library.rows is not None))
_writes = derived(lambda: frozenset(name for rows in _rows() for name in rows.row_writes))
_methods = derived(lambda: frozenset(name for rows in _rows() for name in rows.methods) | _writes())
_creates = derived(
    lambda: frozenset(name for rows in _rows() for name, method in rows.methods.items() if method.effect == "create")
)


def hands_over(inference: Inference, loop: Loop) -> bool:
    """Whether the loop gives its item to a function of which more is to be expected than a value."""
    known = inference.handing.get(id(loop))
    if known is None:
        names = {n.id for n in walk(loop.target) if isinstance(n, Name)} if loop.target is not None else set()
        nodes = [node for part in loop.body for node in walk(part)]
        made = {node.target.id for node in nodes if isinstance(node, Assign) and isinstance(node.target, Name) and _makes(node)}
        calls = [node for node in nodes if isinstance(node, Call)]
        known = inference.handing[id(loop)] = any(_gets(call, names) or _uses(call, made) for call in calls)
    return known


def _makes(node: Assign) -> bool:
    """Whether a statement holds a row that it inserts: `line = Line.objects.create(…)`."""
    return isinstance(node.value, Call) and isinstance(node.value.callee, Member) and node.value.callee.name in _creates()


def _uses(call: Call, made: set[str]) -> bool:
    """Whether a call asks a row that was just inserted to do something, or hands it on."""
    match call.callee:
        case Member(of=Name(id=of), name=name) if of in made:
            return name not in _writes()
        case Member(name=name) if name in HARMLESS:
            return False
        case Name(id=name) if name in _BUILTIN:
            return False
    given = (*call.args, *(keyword.value for keyword in call.keywords))
    return any(isinstance(n, Name) and n.id in made for argument in given for n in walk(argument))


def _gets(call: Call, names: set[str]) -> bool:
    match call.callee:
        case Name(id=name) if name in _BUILTIN or name[:1].isupper():
            return False
        case Member(name=name) if name in HARMLESS or name in _methods():
            return False
        case Member(of=of) if any(isinstance(n, Name) and (n.id in names or n.id[:1].isupper()) for n in walk(of)):
            return False
    given = (*call.args, *(keyword.value for keyword in call.keywords))
    return any(isinstance(n, Name) and n.id in names for argument in given for n in walk(argument))
