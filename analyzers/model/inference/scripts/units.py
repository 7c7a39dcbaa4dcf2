"""The functions of a script that are spoken of by a name: declared ones, methods, and closures that something is handed.

`app.get("/orders", async (req, res) => …)` hands over a closure: it is spoken of as `GET /orders`. What a closure does that a
function of the script hands to a loop, or to a promise, that function does.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

import msgspec

from analyzers.facts.outline import Assign, Call, Class, Function, Member, Node, Other, Text, children, dotted
from analyzers.model.naming.code import Codebase
from analyzers.model.naming.definitions import ClassDefinition, FunctionDefinition, ValueDefinition
from analyzers.model.naming.script_names import prefix

_METHODS = frozenset({"get", "post", "put", "patch", "delete", "del", "head", "options", "all", "use"})
_KEEPS = re.compile(r"cache|memo|singleton|once\b|lazy|global|provide|remember", re.IGNORECASE)


class Handed(msgspec.Struct, frozen=True):
    """A closure that a call is handed, whatever wraps it, with the functions in which it stands."""

    call: Call
    closure: Function
    around: tuple[Function, ...]


def label(call: Call) -> str:
    """How a closure is spoken of that this call is handed: `GET /orders`, `Worker mails`, `on connection`."""
    word = dotted(call.callee).rpartition(".")[2] or "closure"
    first = call.args[0].value if call.args and isinstance(call.args[0], Text) else ""
    if not isinstance(first, str) or not first:
        return word
    return f"{word.upper()} {first}" if word in _METHODS and first[:1] in "/*" else f"{word} {first}"


def keeps(call: Call) -> bool:
    """Whether what a closure makes that is handed to a call is kept, as far as the name of the call tells."""
    return _KEEPS.search(dotted(call.callee)) is not None


def handed(nodes: Sequence[Node]) -> Iterator[Handed]:
    """The closures that calls are handed anywhere in these nodes."""
    stack: list[tuple[Node, tuple[Function, ...]]] = [(node, ()) for node in reversed(nodes)]
    while stack:
        node, around = stack.pop()
        if isinstance(node, Call):
            yield from (Handed(node, closure, around) for closure in closures(node))
        inner = (*around, node) if isinstance(node, Function) else around
        stack.extend((child, inner) for child in reversed(children(node)))


def closures(call: Call) -> Iterator[Function]:
    """The closures among what a call is handed: themselves, in lists and objects, or wrapped by another call."""
    ahead: list[Node] = list(call.args[::-1])
    while ahead:
        node = ahead.pop()
        match node:
            case Function():
                yield node
            case Other(word="list" | "dict" | "pair", children=parts):
                ahead.extend(parts[::-1])
            case Call(args=args) if not keeps(node):
                ahead.extend(args[::-1])


def functions(code: Codebase, path: str) -> Iterator[FunctionDefinition]:
    """The functions of a script, each with a name: declared, of classes, of objects that it declares, and closures that its own
    statements hand over."""
    seen: set[int] = set()
    for definition in (*_declared(code, path), *_handed_over(code, path)):
        if id(definition.node) not in seen:
            seen.add(id(definition.node))
            yield definition


def _declared(code: Codebase, path: str) -> Iterator[FunctionDefinition]:
    for definition in code.definitions(path).values():
        match definition:
            case FunctionDefinition():
                yield definition
            case ClassDefinition(methods=methods):
                yield from methods.values()
            case ValueDefinition():
                yield from of_value(definition)


def _handed_over(code: Codebase, path: str) -> Iterator[FunctionDefinition]:
    before = prefix(path)
    for found in handed(code.files[path].outline):
        if not found.around:
            yield FunctionDefinition(path, before + label(found.call), found.closure)


def of_value(definition: ValueDefinition) -> Iterator[FunctionDefinition]:
    """The functions in an object (`orders.list`), and the one that a call wraps: `export const GET = withUser(async …)`."""
    match definition.node.value:
        case Other(word="dict", children=parts):
            for part in parts:
                match part:
                    case Other(word="pair", children=(Text(value=str() as name), Function() as function)):
                        yield FunctionDefinition(definition.path, f"{definition.qualified}.{name}", function)
        case Call() as call if not keeps(call):
            chain: Node = call
            while isinstance(chain, Call):
                for closure in closures(chain):
                    yield FunctionDefinition(definition.path, definition.qualified, closure)
                chain = chain.callee.of if isinstance(chain.callee, Member) else Text(0, 0, None)


def own(function: Function, others: frozenset[int]) -> Iterator[Node]:
    """The nodes of a function, closures among them, but for other functions (by identity), classes, and what is kept."""
    stack: list[Node] = list(function.body[::-1])
    while stack:
        node = stack.pop()
        if id(node) in others or isinstance(node, Class):
            continue
        yield node
        below = children(node)
        if isinstance(node, Call) and keeps(node):
            below = [child for child in below if not isinstance(child, Function)]
        stack.extend(below[::-1])


def assigned(function: Function) -> Iterator[Assign]:
    """The assignments of a function and of closures in it."""
    stack: list[Node] = list(function.body[::-1])
    while stack:
        node = stack.pop()
        if isinstance(node, Assign):
            yield node
        stack.extend(children(node)[::-1])
