"""A migration run in thought: its statements one after the other, with the literals, lists and functions they hold.

Loops over literal lists run item by item, functions and methods of the project are entered where they stand, and both sides
of a condition run unless it asks for another database than the project's. What cannot be told is `UNKNOWN`, and stays so.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Final, Protocol

import msgspec

from analyzers.facts.outline import Assign, Call, Function, Loop, Member, Name, Node, Other, Return, Text, walk
from analyzers.model.naming.code import Codebase
from analyzers.model.naming.definitions import ClassDefinition, External, FunctionDefinition

_STEPS = 20_000  # nodes evaluated for one migration; real ones take a few hundred
_DEPTH = 12  # functions entered within each other
_ITEMS = 200  # items of one list that a loop runs over

_DRIVERS = {
    "mysql": "mysql",
    "mariadb": "mysql",
    "pgsql": "postgresql",
    "postgresql": "postgresql",
    "postgres": "postgresql",
    "sqlite": "sqlite",
    "sqlsrv": "other",
    "oracle": "other",
}


_PLATFORM = re.compile(r"mysql|mariadb|postgresql|sqlite|oracle", re.IGNORECASE)


class _Unknown:
    def __repr__(self) -> str:
        return "UNKNOWN"


UNKNOWN: Final = _Unknown()


class _End(msgspec.Struct, frozen=True):
    """What a branch gives that certainly runs and returns: nothing runs after it."""

    value: object


class Closure(msgspec.Struct, frozen=True, eq=False):
    """A function as a value, with the names it was made among."""

    path: str
    function: Function
    names: Mapping[str, object] = {}
    owner: ClassDefinition | None = None


class ClassName(msgspec.Struct, frozen=True):
    """A class as a value; `name` is its full name."""

    name: str
    definition: ClassDefinition | None = None


class Scope(msgspec.Struct, eq=False):
    """Where a statement stands: its file, the class around it, and the names it sees."""

    path: str
    names: dict[str, object]
    owner: ClassDefinition | None = None


class Actions(Protocol):
    """What calls mean that leave the language itself. Each gives `NotImplemented` for what is none of its own."""

    def called(self, script: Script, scope: Scope, call: Call, receiver: object, name: str, args: list[object]) -> object: ...

    def passed(self, script: Script, scope: Scope, call: Call, args: list[object]) -> None: ...


class Script:
    """One migration while it runs."""

    def __init__(self, code: Codebase, actions: Actions, database: str, path: str, site: Node) -> None:
        self.code, self._actions, self._database = code, actions, database
        self._left, self._depth = _STEPS, 0
        self.path, self._site = path, site

    def site(self, scope: Scope, node: Node) -> Node:
        """What of the migration's own file a node belongs to: itself, or the call that entered another file."""
        return node if scope.path == self.path else self._site

    # -- statements ----------------------------------------------------------------------------------------------------

    def run(self, scope: Scope, body: tuple[Node, ...]) -> object:
        """Runs the statements. What the last `return` that is not in a condition gives, else one that is."""
        given: object = UNKNOWN
        for node in body:
            match node:
                case Return(value=value):
                    return self.value(scope, value)
                case Other(word="if" | "try" | "block" | "with" | "match" | "case" | "except" | "finally" | "else"):
                    inner = self._branches(scope, node)
                    if isinstance(inner, _End):
                        return inner.value
                    given = given if inner is UNKNOWN else inner
                case Loop():
                    self._loop(scope, node)
                case _:
                    self.value(scope, node)
        return given

    def _branches(self, scope: Scope, node: Other) -> object:
        parts, decided = node.children, False
        if node.word == "if" and parts:
            self.value(scope, parts[0])
            holds = self._holds(parts[0])
            decided = holds is not None
            parts = parts[1:] if holds is None else parts[1:2] if holds else parts[2:]
        elif node.word == "match" and parts:
            cases = [(p, self._holds(p.children[0])) for p in parts[1:] if isinstance(p, Other) and len(p.children) == 2]
            sure = any(holds for _, holds in cases) and bool(self._database)
            parts = tuple(p.children[1] for p, holds in cases if (holds if sure else holds is not False))
        given: object = UNKNOWN
        for part in parts:
            body = part.children if isinstance(part, Other) and part.word == "block" else (part,)
            inner = self.run(scope, body)
            if decided and body and isinstance(body[-1], Return):
                return _End(inner)
            given = given if inner is UNKNOWN else inner
        return given

    def _holds(self, test: Node) -> bool | None:
        """Whether a condition holds that compares something with the name of a database, or with a class that is called so."""
        if isinstance(test, Text):
            return self._is(_DRIVERS.get(str(test.value)))
        for node in walk(test):
            match node:
                case Other(word="==" | "===" | "!=" | "!==" as word, children=parts):
                    asked = next((_DRIVERS[p.value] for p in parts if isinstance(p, Text) and p.value in _DRIVERS), None)
                    same = self._is(asked)
                    if same is not None:
                        return not same if word in ("!=", "!==") else same
                case Other(word="instanceof", children=(_, Name(id=name))):
                    found = _PLATFORM.search(name)
                    same = self._is(_DRIVERS[found[0].lower()] if found else None)
                    if same is not None:
                        return same
        return None

    def _is(self, asked: str | None) -> bool | None:
        """Whether the project's database is the one that is asked for. One that no server is, it is not."""
        if asked is None:
            return None
        return asked == self._database if self._database else None if asked in ("mysql", "postgresql") else False

    def _loop(self, scope: Scope, node: Loop) -> None:
        over = self.value(scope, node.over)
        items: list[tuple[object, object]]
        match over:
            case dict():
                items = list(over.items())
            case list():
                items = list(enumerate(over))
            case _:
                items = [(UNKNOWN, UNKNOWN)]
        for key, item in items[:_ITEMS]:
            self._bind(scope, node.key, key)
            self._bind(scope, node.target, item)
            self.run(scope, node.body)

    def _bind(self, scope: Scope, target: Node | None, value: object) -> None:
        match target:
            case Name(id=name):
                scope.names[name] = value
            case Other(word="tuple" | "list", children=parts):
                items = value if isinstance(value, list) and len(value) == len(parts) else [UNKNOWN] * len(parts)
                for part, item in zip(parts, items, strict=True):
                    self._bind(scope, part, item)
            case Other(word="item", children=(Name(id=name), *_)):
                scope.names[name] = UNKNOWN

    # -- expressions ---------------------------------------------------------------------------------------------------

    def value(self, scope: Scope, node: Node | None) -> object:
        """What an expression gives."""
        self._left -= 1
        if node is None or self._left < 0:
            return UNKNOWN
        match node:
            case Text(value=value):
                return value
            case Name(id=name):
                return self._name(scope, node, name)
            case Member():
                return self._member(scope, node)
            case Function():
                return Closure(scope.path, node, scope.names, scope.owner)
            case Assign(target=target, value=value, operator=operator):
                given = self.value(scope, value)
                self._bind(scope, target, UNKNOWN if operator else given)
                return given
            case Call():
                return self._call(scope, node)
            case Other(word=word, children=parts):
                return self._other(scope, word, parts)
            case Loop() | Return():
                self.run(scope, (node,))
        return UNKNOWN

    def _name(self, scope: Scope, node: Node, name: str) -> object:
        if name in scope.names:
            return scope.names[name]
        if name.startswith("$"):
            return UNKNOWN
        return self._class(self.code.resolve_node(scope.path, node))

    @staticmethod
    def _class(found: object) -> object:
        match found:
            case External(name=name):
                return ClassName(name)
            case ClassDefinition(qualified=name):
                return ClassName(name, found)
        return UNKNOWN

    def _member(self, scope: Scope, node: Member) -> object:
        if node.name == "class":
            return self.value(scope, node.of) if not _own(node.of) else self._class(scope.owner)
        if _own(node.of) and scope.owner is not None:
            key = f"$this->{node.name}"
            if key in scope.names:
                return scope.names[key]
            found = self.code.attribute(scope.owner, node.name.lstrip("$"))
            return self.value(Scope(found[0].path, {}, found[0]), found[1].value) if found is not None else UNKNOWN
        held = self.value(scope, node.of)
        if isinstance(held, ClassName) and held.definition is not None:
            found = self.code.attribute(held.definition, node.name)
            return self.value(Scope(found[0].path, {}, found[0]), found[1].value) if found is not None else UNKNOWN
        return UNKNOWN

    def _other(self, scope: Scope, word: str, parts: tuple[Node, ...]) -> object:
        match word:
            case "list" | "tuple":
                return [item for part in parts for item in self._items(scope, part)]
            case "dict":
                return dict(self._pairs(scope, parts))
            case "item" if len(parts) == 2:
                held, key = self.value(scope, parts[0]), _key(self.value(scope, parts[1]))
                if isinstance(held, list) and isinstance(key, int) and 0 <= key < len(held):
                    return held[key]
                return held.get(key, UNKNOWN) if isinstance(held, dict) else UNKNOWN
            case "format" | "." | "+":
                return _joined([self.value(scope, p) for p in parts])
            case "?:" if len(parts) == 3:
                self.value(scope, parts[0])
                one, other = self.value(scope, parts[1]), self.value(scope, parts[2])
                return one if other is UNKNOWN or one == other else other if one is UNKNOWN else UNKNOWN
            case "??" | "or":
                return next((v for v in (self.value(scope, p) for p in parts) if v is not UNKNOWN and v is not None), UNKNOWN)
            case "cast" if parts:
                return self.value(scope, parts[-1])
            case "block" | "if" | "try" | "with" | "match":
                return self.run(scope, (Other(0, 0, word, parts),))
        for part in parts:
            self.value(scope, part)
        return UNKNOWN

    def _pairs(self, scope: Scope, parts: tuple[Node, ...]) -> Iterator[tuple[object, object]]:
        """What stands in a mapping; an item without a key has a number."""
        number = 0
        for part in parts:
            if isinstance(part, Other) and part.word == "pair" and len(part.children) == 2:
                yield _key(self.value(scope, part.children[0])), self.value(scope, part.children[1])
            else:
                yield number, self.value(scope, part)
                number += 1

    def _items(self, scope: Scope, part: Node) -> Iterator[object]:
        if isinstance(part, Other) and part.word == "spread" and part.children:
            held = self.value(scope, part.children[0])
            yield from held if isinstance(held, list) else (UNKNOWN,)
        else:
            yield self.value(scope, part)

    # -- calls ---------------------------------------------------------------------------------------------------------

    def _call(self, scope: Scope, call: Call) -> object:
        callee = call.callee
        receiver: object = UNKNOWN
        name = ""
        if isinstance(callee, Member):
            name = callee.name
            receiver = self._class(scope.owner) if _own(callee.of) else self.value(scope, callee.of)
        elif isinstance(callee, Name):
            name = callee.id
            receiver = scope.names.get(name, UNKNOWN)
        else:
            receiver = self.value(scope, callee)
        args = [item for part in call.args for item in self._items(scope, part)]
        args += [self.value(scope, k.value) for k in call.keywords]
        if not isinstance(callee, Member):
            if isinstance(receiver, Closure):
                return self.enter(receiver, args)
            known = self._builtin(scope, call, name, args)
            if known is not NotImplemented:
                return known
        else:
            done = self._actions.called(self, scope, call, receiver, name, args)
            if done is not NotImplemented:
                return done
        found = self._function(scope, callee, receiver, name)
        self._site = self.site(scope, call)
        if found is not None:
            return self.enter(Closure(found.path, found.node, {}, self._owner(receiver, found)), args)
        self._actions.passed(self, scope, call, args)
        return UNKNOWN

    def _builtin(self, scope: Scope, call: Call, name: str, args: list[object]) -> object:
        """The functions of the language that migrations make names with."""
        match name, args:
            case "array_shift", [list() | dict() as held] if held:
                keys = list(held) if isinstance(held, dict) else list(range(len(held)))
                first = held[keys[0]]
                if isinstance(call.args[0], Name):
                    rest = {k: held[k] for k in keys[1:]} if isinstance(held, dict) else held[1:]
                    scope.names[call.args[0].id] = rest
                return first
            case "array_keys", [dict() as held, *_]:
                return list(held)
            case "array_values", [dict() as held]:
                return list(held.values())
            case "array_merge", [*parts] if parts and all(isinstance(p, list) for p in parts):
                return [item for part in parts if isinstance(part, list) for item in part]
            case ("array_map", [Closure() as function, list() as items]) | (
                "array_walk",
                [list() as items, Closure() as function],
            ):
                return [self.enter(function, [item]) for item in items[:_ITEMS]]
        return NotImplemented

    def _function(self, scope: Scope, callee: Node, receiver: object, name: str) -> FunctionDefinition | None:
        """The function of the project that a call enters."""
        if isinstance(callee, Member):
            owner = receiver.definition if isinstance(receiver, ClassName) else None
            return self.code.method(owner, name) if owner is not None else None
        found = self.code.resolve_node(scope.path, callee)
        return found if isinstance(found, FunctionDefinition) else None

    @staticmethod
    def _owner(receiver: object, found: FunctionDefinition) -> ClassDefinition | None:
        return receiver.definition if isinstance(receiver, ClassName) and receiver.definition is not None else found.owner

    def enter(self, closure: Closure, args: list[object]) -> object:
        """Runs a function with these arguments."""
        if self._depth >= _DEPTH:
            return UNKNOWN
        self._depth += 1
        self.code.look_into(closure.path, closure.function)
        names = dict(closure.names)
        scope = Scope(closure.path, names, closure.owner)
        for position, parameter in enumerate(closure.function.parameters):
            if parameter.name.startswith("*"):
                names[parameter.name.lstrip("*")] = args[position:]
            elif position < len(args):
                names[parameter.name] = args[position]
            else:
                names[parameter.name] = self.value(scope, parameter.default)
        given = self.run(scope, closure.function.body)
        self._depth -= 1
        return given


def _own(node: Node) -> bool:
    return isinstance(node, Name) and node.id in ("$this", "self", "static", "parent")


def _key(value: object) -> object:
    return value if isinstance(value, str | int) else UNKNOWN


def _joined(parts: list[object]) -> object:
    """The text that the parts make. A prefix that cannot be told before a name is one that the settings give all tables."""
    known = [str(p) for p in parts if isinstance(p, str | int)]
    if len(known) == len(parts):
        return "".join(known)
    text = "".join(known).strip('`"')
    return text if _prefixed(parts) and text.isidentifier() else UNKNOWN


def _prefixed(parts: list[object]) -> bool:
    """Whether only the first part, or the one behind a quote, is unknown."""
    unknown = [i for i, p in enumerate(parts) if not isinstance(p, str | int)]
    return unknown == [0] or (unknown == [1] and parts[0] in ("`", '"'))
