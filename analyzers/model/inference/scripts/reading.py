"""The entries and calls of one script: which of its functions libraries call, and what each of them calls."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import cached_property
from typing import NamedTuple

from analyzers.facts.outline import Call, Function, Member, Name, Node, Other, Text, children, walk
from analyzers.knowledge import libraries
from analyzers.knowledge.derived import derived
from analyzers.knowledge.handlers import Handlers, Kind
from analyzers.model.inference.scripts import units
from analyzers.model.inference.scripts.values import Meaning, Scope
from analyzers.model.naming.code import Codebase
from analyzers.model.naming.definitions import (
    ClassDefinition,
    Definition,
    External,
    FunctionDefinition,
    Module,
    ValueDefinition,
)
from analyzers.model.naming.script_names import WHOLE, default_of, is_marked, prefix
from analyzers.model.ways import CallSite, Entry
from analyzers.model.ways import Function as Reached
from analyzers.source import Place


class _Words(NamedTuple):
    """What the known libraries of scripts say of the functions that they call, by what tells it, and of clients."""

    clients: frozenset[str]
    methods: Mapping[str, Kind]
    addressed: Mapping[str, Kind]
    registers: Mapping[str, tuple[Kind, int]]
    marks: Mapping[str, Handlers]
    files: tuple[tuple[re.Pattern[str], tuple[str, ...], Kind], ...]
    directives: Mapping[str, Kind]
    handing: frozenset[str]  # the last parts of the names of what hands functions over


@derived
def _words() -> _Words:
    spoken = [x for x in libraries() if x.language == "javascript"]
    told = [words for x in spoken for words in x.handlers]
    methods = {f"{of}.{name}": words.kind for words in told for of in words.objects for name in words.methods}
    registers = {name: (words.kind, at) for words in told for name, at in words.registers.items()}
    return _Words(
        clients=frozenset(name for x in spoken for name in x.clients),
        methods=methods,
        addressed={name: words.kind for words in told if words.addressed for name in words.methods},
        registers=registers,
        marks={mark: words for words in told for mark in words.marks},
        files=tuple((re.compile(shape), names, words.kind) for words in told for shape, names in words.files.items()),
        directives={text: words.kind for words in told for text in words.directives},
        handing=frozenset(name.rpartition(".")[2] for name in (*methods, *registers) if not name.startswith(".")),
    )


class Script:
    """One script, with the closures that it hands to libraries."""

    def __init__(self, code: Codebase, path: str) -> None:
        self.code, self.path = code, path
        self.outline = code.files[path].outline
        self._entries: dict[Reached, Entry] = {}
        self._closures: dict[int, FunctionDefinition] = {}
        self._calls: dict[tuple[int, int, str], CallSite] = {}

    def read(self) -> tuple[tuple[Entry, ...], tuple[CallSite, ...]]:
        """What libraries call of it, and what its functions call."""
        self._registered()
        self._exported()
        self._marked()
        named = list(units.functions(self.code, self.path))
        known = {id(f.node): f for f in named} | self._closures
        for definition in known.values():
            self._of(definition, frozenset(known.keys() - {id(definition.node)}))
        return tuple(self._entries.values()), tuple(self._calls.values())

    # -- what libraries call ---------------------------------------------------------------------------------------------

    def _enter(self, kind: Kind, definition: FunctionDefinition, at: Node) -> None:
        function = Reached(definition.path, definition.qualified)
        self._entries.setdefault(function, Entry(kind, function, self._place(at)))

    def _registered(self) -> None:
        """What calls hand to a library to be called: closures, and functions by their names."""
        stack: list[tuple[Node, tuple[Function, ...]]] = [(node, ()) for node in reversed(self.outline)]
        while stack:
            node, around = stack.pop()
            if isinstance(node, Call) and (kind := self._kind(node, around)) is not None:
                for closure in units.closures(node):
                    definition = FunctionDefinition(self.path, prefix(self.path) + units.label(node), closure)
                    self._closures.setdefault(id(closure), definition)
                    self._enter(kind, definition, node)
                for given in _names(node):
                    found = self._scope(around).meaning(given)
                    if isinstance(found, FunctionDefinition):
                        self._enter(kind, found, node)
                    elif isinstance(found, ValueDefinition):
                        for wrapped in units.of_value(found):
                            if wrapped.qualified == found.qualified:
                                self._enter(kind, wrapped, node)
            inner = (*around, node) if isinstance(node, Function) else around
            stack.extend((child, inner) for child in reversed(children(node)) if not _is_for_trying(node, child))

    def _scope(self, around: tuple[Function, ...]) -> Scope:
        scope = Scope(self.code, self.path)
        for function in around:
            scope.within(function)
        return scope

    def _kind(self, call: Call, around: tuple[Function, ...]) -> Kind | None:
        """What a call hands over its functions for, if a library calls them."""
        callee = call.callee
        name = callee.name if isinstance(callee, Member) else callee.id if isinstance(callee, Name) else ""
        if not name or not (any(True for _ in units.closures(call)) or any(True for _ in _names(call))):
            return None
        if isinstance(callee, Member) and f".{name}" in _words().registers:
            kind, position = _words().registers[f".{name}"]
            return kind if isinstance(dict(enumerate(call.args)).get(position), Function) else None
        addressed = bool(call.args) and isinstance(a := call.args[0], Text) and str(a.value)[:1] in ("/", "*")
        if isinstance(callee, Member) and addressed and name in _words().addressed and len(call.args) > 1:
            return _words().addressed[name]
        if name not in _words().handing:
            return None
        found = self._scope(around).meaning(callee)
        if not isinstance(found, External):
            return None
        return _words().methods.get(found.name) or _words().registers.get(found.name, (None, 0))[0]

    def _exported(self) -> None:
        """What is called of a script because of where it stands, or of what it begins with."""
        wanted = [(names, kind) for shape, names, kind in _words().files if shape.fullmatch(self.path)]
        directives = [kind for node in self.outline if (kind := _directive(node)) is not None]
        definitions = self.code.definitions(self.path)
        for names, kind in wanted:
            for name in names:
                self._called_by_name(definitions, default_of(definitions) if name == "default" else name, kind)
        for name, definition in definitions.items():
            if isinstance(definition, ClassDefinition | Module):
                continue
            if directives and is_exported(self.outline, name, definition):
                self._called_by_name(definitions, name, directives[0])
            elif isinstance(definition, FunctionDefinition):
                own = _directive(definition.node.body[0]) if definition.node.body else None
                if own is not None:
                    self._enter(own, definition, definition.node)

    def _called_by_name(self, definitions: Mapping[str, Definition], name: str, kind: Kind) -> None:
        stated = definitions.get(name)
        if stated is None or isinstance(stated, Module):
            return
        found = self.code.resolve(self.path, name)
        if isinstance(found, FunctionDefinition):
            self._enter(kind, found, found.node if found.path == self.path else stated.node)
        elif isinstance(found, ValueDefinition) and found.path == self.path:
            for wrapped in units.of_value(found):
                if wrapped.qualified == found.qualified:
                    self._enter(kind, wrapped, found.node)
            match found.node.value:
                case Call(args=args):
                    for given in args:
                        inner = Scope(self.code, self.path).meaning(given) if isinstance(given, Name) else None
                        if isinstance(inner, FunctionDefinition):
                            self._enter(kind, inner, found.node)

    def _marked(self) -> None:
        """The methods that decorators say are called."""
        for definition in self.code.definitions(self.path).values():
            if not isinstance(definition, ClassDefinition):
                continue
            for words in self._words(definition.node.decorators):
                for name in words.marked:
                    if name in definition.methods:
                        self._enter(words.kind, definition.methods[name], definition.methods[name].node)
            for method in definition.methods.values():
                for words in self._words(method.node.decorators):
                    self._enter(words.kind, method, method.node)

    def _words(self, decorators: tuple[Node, ...]) -> Iterator[Handlers]:
        for decorator in decorators:
            callee = decorator.callee if isinstance(decorator, Call) else decorator
            found = self.code.resolve_node(self.path, callee)
            if isinstance(found, External) and found.name in _words().marks:
                yield _words().marks[found.name]

    # -- what functions call -----------------------------------------------------------------------------------------------

    def _of(self, definition: FunctionDefinition, others: frozenset[int]) -> None:
        scope = Scope(self.code, self.path, None, definition.owner)
        for outer in self._around.get(id(definition.node), ()):
            scope.within(outer)
        scope.within(definition.node)
        caller = Reached(self.path, definition.qualified)
        for node in units.own(definition.node, others):
            if isinstance(node, Call):
                self._note(caller, scope, node)

    @cached_property
    def _around(self) -> dict[int, tuple[Function, ...]]:
        """The functions in which closures stand."""
        return {id(handed.closure): handed.around for handed in units.handed(self.outline)}

    def _note(self, caller: Reached, scope: Scope, call: Call) -> None:
        found = scope.meaning(call.callee)
        if isinstance(found, External):
            name = _client(found.name)
            if name:
                self._calls.setdefault((call.start, call.end, name), CallSite(caller, self._place(call), None, name))
        elif (target := self._target(found)) is not None:
            self._calls.setdefault((call.start, call.end, ""), CallSite(caller, self._place(call), target))
        for given in _names(call) if not units.keeps(call) else ():
            handed = self._target(scope.meaning(given))
            if handed is not None:
                key = (given.start, given.end, "")
                self._calls.setdefault(key, CallSite(caller, self._place(call), handed))

    def _target(self, found: Meaning) -> Reached | None:
        match found:
            case FunctionDefinition(path=path, qualified=qualified):
                return Reached(path, qualified)
            case ClassDefinition():
                made = self.code.method(found, "constructor")
                return Reached(made.path, made.qualified) if made is not None else None
            case ValueDefinition():
                wrapped = next((f for f in units.of_value(found) if f.qualified == found.qualified), None)
                return Reached(wrapped.path, wrapped.qualified) if wrapped is not None else None
        return None

    def _place(self, node: Node) -> Place:
        return self.code.place(self.path, node)


_TRYING = re.compile(r"^is_?(?:dev|test)|^(?:dev|test|e2e|development)$", re.IGNORECASE)


def _is_for_trying(node: Node, child: Node) -> bool:
    """Whether something is only done while one develops, or tests."""
    match node:
        case Other(word="if", children=(test, block, *_)) if child is block:
            words = (
                n.value if isinstance(n, Text) else n.id if isinstance(n, Name) else getattr(n, "name", "") for n in walk(test)
            )
            negated = any(isinstance(n, Other) and n.word in ("not", "!=") for n in walk(test))
            return not negated and any(isinstance(w, str) and _TRYING.search(w) is not None for w in words)
    return False


def _names(call: Call) -> Iterator[Name | Member]:
    """The functions that a call may be handed by their names: themselves, bound, in lists, or wrapped."""
    ahead: list[Node] = list(call.args[::-1])
    while ahead:
        node = ahead.pop()
        match node:
            case Name() | Member():
                yield node
            case Call(callee=Member(of=Member() | Name() as of, name="bind")):
                yield of
            case Call(args=args) if not units.keeps(node):
                ahead.extend(args[::-1])
            case Other(word="list", children=parts):
                ahead.extend(parts[::-1])


def _client(name: str) -> str:
    """The name by which a library's call is known to make a client."""
    if name in _words().clients:
        return name
    last = f".{name.rpartition('.')[2]}"
    return last if last in _words().clients else ""


def _directive(node: Node) -> Kind | None:
    match node:
        case Other(word="directive", children=(Text(value=str() as text),)):
            return _words().directives.get(text)
    return None


def is_exported(outline: tuple[Node, ...], name: str, definition: FunctionDefinition | ValueDefinition) -> bool:
    """Whether a script exports a name."""
    if name == WHOLE or is_marked(definition.node, "export"):
        return True
    return any(
        isinstance(n, Other) and n.word == "export" and any(isinstance(c, Name) and c.id == name for c in n.children)
        for top in outline
        for n in (top, *(top.children if isinstance(top, Other) else ()))
    )
