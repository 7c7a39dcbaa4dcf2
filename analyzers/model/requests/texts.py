"""The functions of a file as text, where a call stands in it, and which expressions are written alike."""

from __future__ import annotations

from collections.abc import Iterator

from analyzers.facts.outline import Call, Function, Member, Name, Node, Other, Text, children, walk
from analyzers.model.inference.scripts import units
from analyzers.model.naming.code import Codebase
from analyzers.model.naming.definitions import SCRIPTS, ClassDefinition, FunctionDefinition
from analyzers.model.ways import CallSite


def functions(code: Codebase, path: str) -> Iterator[FunctionDefinition]:
    """The functions and methods of a file; of a script, also closures that something is handed."""
    if code.files[path].language in SCRIPTS:
        yield from units.functions(code, path)
        return
    for definition in code.definitions(path).values():
        match definition:
            case FunctionDefinition():
                yield definition
            case ClassDefinition(methods=methods):
                yield from methods.values()


def calls_in(function: Function) -> Iterator[Call]:
    """The calls that a function makes, those of functions inside of it too."""
    return (n for statement in function.body for n in walk(statement) if isinstance(n, Call))


def nodes_to(code: Codebase, call: CallSite) -> tuple[Node, ...]:
    """The nodes that hold a call, outermost first, and last the call itself; none where it is not found."""
    facts = code.files[call.place.path]
    starts = memoryview(facts.lines).cast("I")
    span = call.place.span
    start = starts[span.start_line - 1] + span.start_column - 1
    end = starts[span.end_line - 1] + span.end_column - 1
    found: list[Node] = []
    level: tuple[Node, ...] = facts.outline
    while (inner := next((n for n in level if n.start <= start and end <= n.end and n.start != n.end), None)) is not None:
        found.append(inner)
        if (inner.start, inner.end) == (start, end) and isinstance(inner, Call | Member):
            return tuple(found)
        level = tuple(children(inner))
    return ()


def same(one: Node, other: Node) -> bool:
    """Whether two expressions are written alike."""
    if type(one) is not type(other):
        return False
    match one, other:
        case (Name(id=a), Name(id=b)) | (Text(value=a), Text(value=b)):
            return a == b
        case (Member(name=a), Member(name=b)) | (Other(word=a), Other(word=b)) if a != b:
            return False
    below, others = children(one), children(other)
    return len(below) == len(others) and all(map(same, below, others))


def within(node: Node, outer: Node) -> bool:
    """Whether a node is another, or a part of it."""
    return outer.start <= node.start and node.end <= outer.end
