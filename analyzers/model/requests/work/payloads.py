"""What a job or a message carries with it: the properties that its class keeps, where they are objects of the project."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from analyzers.facts.outline import Assign, Member, Name, Node, Other, walk
from analyzers.model.naming.code import Codebase
from analyzers.model.naming.definitions import ClassDefinition


class Carried(NamedTuple):
    """A property, and the class of what it holds."""

    name: str
    holds: ClassDefinition
    node: Node


def carried(code: Codebase, definition: ClassDefinition) -> Iterator[Carried]:
    """The properties of a class to which its constructor gives an object of the project. What it gets later, on its way
    through a worker, is not carried."""
    made = definition.methods.get("__construct")
    if made is None:
        return
    for name, assign in definition.attributes.items():
        holds = _class(code, definition.path, assign.annotation)
        if holds is not None and made.node.start <= assign.start and assign.end <= made.node.end:
            yield Carried(name, holds, assign)
    typed = {p.name: h for p in made.node.parameters if (h := _class(code, made.path, p.annotation)) is not None}
    for node in (n for statement in made.node.body for n in walk(statement)):
        match node:
            case Assign(target=Member(of=Name(id="$this"), name=name), value=Name(id=given)) if given in typed:
                yield Carried(name, typed[given], node)


def _class(code: Codebase, path: str, annotation: Node | None) -> ClassDefinition | None:
    """The class that a type names, also one that may be nothing."""
    match annotation:
        case Other(word="|", children=parts):
            found = [c for p in parts if (c := _class(code, path, p)) is not None]
            return found[0] if len(found) == 1 else None
        case Name() | Member():
            found_class = code.resolve_node(path, annotation)
            return found_class if isinstance(found_class, ClassDefinition) else None
    return None
