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
    """The properties of a class that hold an object of the project: typed ones, and those that its constructor gives one."""
    for name, assign in definition.attributes.items():
        holds = _class(code, definition.path, assign.annotation)
        if holds is not None:
            yield Carried(name, holds, assign)
    made = definition.methods.get("__construct")
    typed = (
        {p.name: h for p in made.node.parameters if (h := _class(code, made.path, p.annotation))} if made is not None else {}
    )
    for node in (n for statement in (made.node.body if made is not None else ()) for n in walk(statement)):
        match node:
            case Assign(target=Member(of=Name(id="$this"), name=name), value=Name(id=given)) if given in typed:
                own = definition.attributes.get(name)
                if own is None or own.annotation is None:
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
