"""What an expression of a script means: a function or class of the project, an object of one, or a name of a library.

A name of a library that ends in `()` is what a call of it gives: `pg.Pool().connect` is a method of a pool.
"""

from __future__ import annotations

import msgspec

from analyzers.facts.outline import Assign, Call, Function, Member, Name, Node, Other, Return, Text
from analyzers.model.inference.scripts import units
from analyzers.model.naming.code import Codebase
from analyzers.model.naming.definitions import (
    SCRIPTS,
    ClassDefinition,
    External,
    FunctionDefinition,
    Resolved,
    ValueDefinition,
)
from analyzers.model.naming.script_names import taken

_MAX_HOPS = 8  # names and members that are followed for one expression


class Made(msgspec.Struct, frozen=True):
    """An object of one of the project's classes."""

    of: ClassDefinition


Meaning = Resolved | Made | None


class Scope:
    """The names of one function of a script, over those of the script; without one, the script's own."""

    def __init__(
        self, code: Codebase, path: str, function: Function | None = None, owner: ClassDefinition | None = None
    ) -> None:
        self.code, self.path, self.owner = code, path, owner
        self._assigned: dict[str, Node] = {}
        self._typed: dict[str, Node | None] = {}
        if function is not None:
            self._add(function)

    def within(self, function: Function) -> Scope:
        """The scope of a function that stands in this one's."""
        self._add(function)
        return self

    def _add(self, function: Function) -> None:
        for parameter in function.parameters:
            self._typed[parameter.name.lstrip("*")] = parameter.annotation
        for node in units.assigned(function):
            for part in taken(node) if isinstance(node.target, Other) else (node,):
                if isinstance(part.target, Name) and part.value is not None and not part.operator:
                    self._assigned.setdefault(part.target.id, part.value)

    def meaning(self, node: Node | None, hops: int = _MAX_HOPS) -> Meaning:
        """What an expression means, if that can be told."""
        if hops == 0:
            return None
        match node:
            case Name(id="this"):
                return Made(self.owner) if self.owner is not None else None
            case Name(id=name):
                return self._named(name, hops)
            case Member(of=of, name=name):
                return self._member(self.meaning(of, hops - 1), name, hops)
            case Call(callee=callee):
                return self._called(self.meaning(callee, hops - 1), hops)
            case Other(word="await", children=(inner,)):
                return self.meaning(inner, hops)
            case Other(word="or" | "??" | "?:", children=(*_, last)):
                return self.meaning(last, hops - 1)
        return None

    def _named(self, name: str, hops: int) -> Meaning:
        if name in self._typed:
            return self._of_type(self._typed[name], hops)
        value = self._assigned.get(name)
        if value is not None:
            return None if isinstance(value, Name) and value.id == name else self.meaning(value, hops - 1)
        return self._followed(self.code.resolve(self.path, name), hops)

    def _followed(self, found: Resolved | None, hops: int) -> Meaning:
        """What a value that a script declares means: what was made of a class or by a library."""
        if isinstance(found, ValueDefinition) and self.code.files[found.path].language in SCRIPTS:
            there = Scope(self.code, found.path)
            self.code.touch(found.path, found.node)
            return there.meaning(found.node.value, hops - 1) or there._of_type(found.node.annotation, hops - 1) or found
        return found

    def _of_type(self, annotation: Node | None, hops: int) -> Meaning:
        match annotation:
            case Name() | Member():
                match self.code.resolve_node(self.path, annotation):
                    case ClassDefinition() as definition:
                        return Made(definition)
                    case External(name=name):
                        return External(f"{name}()")
            case Other(word="|", children=parts):
                return next((found for p in parts if (found := self._of_type(p, hops)) is not None), None)
        return None

    def _member(self, of: Meaning, name: str, hops: int) -> Meaning:
        match of:
            case External(name=outer):
                return External(f"{outer}.{name}")
            case Made(of=definition):
                method = self.code.method(definition, name)
                return method if method is not None else self._attribute(definition, name, hops)
            case ValueDefinition(path=path, node=Assign(value=Other(word="dict", children=parts))):
                ends = f".{name}"
                own = next((f for f in units.of_value(of) if f.qualified.endswith(ends)), None)
                return own or Scope(self.code, path).meaning(_at(parts, name), hops - 1)
            case ValueDefinition():
                return None
            case None:
                return None
        return self._followed(self.code.member(of, name), hops)

    def _attribute(self, definition: ClassDefinition, name: str, hops: int) -> Meaning:
        """What an attribute holds, as its class declares it or its constructor sets it."""
        there = Scope(self.code, definition.path, None, definition)
        stated = self.code.attribute(definition, name)
        if stated is not None:
            owner, node = stated
            at = Scope(self.code, owner.path, None, owner)
            found = at.meaning(node.value, hops - 1) or at._of_type(node.annotation, hops - 1)
            if found is not None:
                return found
        constructor = definition.methods.get("constructor")
        for node in units.assigned(constructor.node) if constructor is not None else ():
            match node:
                case Assign(target=Member(of=Name(id="this"), name=set_), value=value) if (
                    set_ == name and constructor is not None
                ):
                    return there.within(constructor.node).meaning(value, hops - 1)
        return None

    def _called(self, callee: Meaning, hops: int) -> Meaning:
        match callee:
            case External(name=name):
                return External(f"{name}()")
            case ClassDefinition():
                return Made(callee)
            case FunctionDefinition(path=path, node=function) if hops > 1:
                self.code.touch(path, function)
                for node in units.own(function, frozenset()):
                    if isinstance(node, Return) and node.value is not None and not isinstance(node.value, Text):
                        return Scope(self.code, path, function, callee.owner).meaning(node.value, hops - 2)
        return None


def _at(pairs: tuple[Node, ...], key: str) -> Node | None:
    """What an object holds under a key."""
    for pair in pairs:
        match pair:
            case Other(word="pair", children=(Text(value=name), value)) if name == key:
                return value
    return None
