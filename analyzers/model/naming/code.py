"""The code of one revision as names: modules, classes, functions, and what a name means where it stands.

A name resolves to a `Definition` of the project, or to an `External` (its full dotted name in a library that the
repository does not hold), or to nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from analyzers.facts.outline import Assign, Call, Class, Member, Name, Node, Other
from analyzers.facts.store import FileFacts
from analyzers.model.naming.definitions import (
    PHP_SEPARATOR,
    ClassDefinition,
    Definition,
    External,
    FunctionDefinition,
    Module,
    Resolved,
    ValueDefinition,
)
from analyzers.model.naming.names import Names
from analyzers.model.naming.wiring import Wiring

_MAX_CALLS = 12  # that make a base, in one another


class Codebase(Names):
    """Every file's definitions, found by name and by inheritance. Built once for a revision, read-only after.

    `touched` collects what every answer depended on, as keys that `Codebase.state` can compare between revisions: a path, a
    part of it (`part:path\tOrder`), what it says of a name (`name:path\tOrder`), `module:x` (the files an import ending in `x`
    may find), `template:x`, `class:X` (a PHP class, found or not).
    """

    def __init__(
        self,
        files: Mapping[str, FileFacts],
        ids: Mapping[str, str] | None = None,
        known: dict[tuple[str, str], dict[str, Definition]] | None = None,
    ) -> None:
        """`known` holds definitions by path and id of a file's content (`ids`), to share them between revisions."""
        super().__init__(files, ids, known)
        self._bases: dict[int, tuple[tuple[ClassDefinition | External, ...], set[str]]] = {}
        self._externals: dict[int, tuple[frozenset[str], set[str]]] = {}
        self._lineage: dict[int, tuple[tuple[ClassDefinition | External, ...], set[str]]] = {}
        self._combined: dict[tuple[int, ...], ClassDefinition] = {}
        self._nested: dict[int, ClassDefinition] = {}
        self._making: set[int] = set()  # calls whose makers are being looked for
        self.wiring = Wiring(self)

    # -- names of expressions ------------------------------------------------------------------------------------------

    def resolve_node(self, path: str, node: Node) -> Resolved | None:
        """What a `Name` or a chain of `Member`s means at the top level of `path`."""
        match node:
            case Name(id=name):
                return self.resolve(path, name)
            case Member(of=of, name=name):
                outer = self.resolve_node(path, of)
                return self.member(outer, name) if outer is not None else None
        return None

    def named(self, dotted: str, importer: str) -> Resolved | None:
        """What a dotted name in a text means, as an import in `importer` would: `shop.tasks.ship`."""
        module, _, last = dotted.rpartition(".")
        path = self.imported(importer, module) if module else ""
        return self.resolve(path, last) if path else None

    def member(self, outer: Resolved, name: str) -> Resolved | None:
        """What `outer.name` means, for a module, a library name or a class."""
        match outer:
            case External():
                return External(f"{outer.name}.{name}")
            case Module(path=path) if path:
                found = self.resolve(path, name)
                return found or self._submodule(outer, name)
            case Module():
                return self._submodule(outer, name)
            case ClassDefinition():
                nested = outer.classes.get(name)
                return self.local_class(outer, nested) if nested is not None else outer.methods.get(name)
            case ValueDefinition(path=path, node=Assign(value=Call() as made)) if id(made) not in self._making:
                self._making.add(id(made))  # a name that is made of itself says nothing: `app = app.wrapped()`
                try:
                    makers = list(self._bases_of(path, made, 1))
                finally:
                    self._making.discard(id(made))
                above = (e for m in makers for e in (self.lineage(m) if isinstance(m, ClassDefinition) else (m,)))
                return next((External(f"{e.name}.{name}") for e in above if isinstance(e, External)), None)
        return None

    def local_class(self, outer: ClassDefinition, node: Class) -> ClassDefinition:
        """A class that stands inside of another, with or without a name."""
        if id(node) not in self._nested:
            self._nested[id(node)] = self._class(outer.path, f"{outer.qualified}.{node.name}", node)
        return self._nested[id(node)]

    def _submodule(self, module: Module, name: str) -> Module | None:
        return self._module(f"{module.name}.{name}", module.path)

    # -- inheritance ---------------------------------------------------------------------------------------------------

    def bases(self, definition: ClassDefinition) -> tuple[ClassDefinition | External, ...]:
        """The direct bases that resolve."""
        known = self._bases.get(id(definition))
        if known is None:
            outer, self.touched = self.touched, set()
            try:
                found = (b for base in definition.node.bases for b in self._bases_of(definition.path, base, _MAX_CALLS))
                known = (tuple(b for b in dict.fromkeys(found) if b is not definition), self.touched)
                self._bases[id(definition)] = known
            finally:
                self.touched = outer
        self.touched |= known[1]
        return known[0]

    def _bases_of(self, path: str, node: Node, hops: int) -> Iterator[ClassDefinition | External]:
        """The classes that a base stands for. One made by a call has what the call was given: `Manager.from_queryset(Orders)`
        is a `Manager` and an `Orders`. What a function of the project makes of its arguments is unknown."""
        match _called(node):
            case Call(callee=callee, args=args, keywords=keywords) if hops:
                own = (callee, callee.of) if isinstance(callee, Member) else (callee,)
                given = () if isinstance(self.resolve_node(path, callee), FunctionDefinition) else args
                for part in (*own, *given, *(k.value for k in keywords if k.name == "cls")):
                    yield from self._bases_of(path, part, hops - 1)
            case Name() | Member() as named:
                match self.resolve_node(path, named):
                    case ClassDefinition() | External() as found:
                        yield found
                    case ValueDefinition(path=at, node=Assign(value=Call() as value)) if hops:
                        yield from self._bases_of(at, value, hops - 1)

    def combined(self, definitions: tuple[ClassDefinition, ...]) -> ClassDefinition:
        """One class that inherits from all of these, for a value that has the members of each."""
        if len(definitions) == 1:
            return definitions[0]
        key = tuple(id(d) for d in definitions)
        known = self._combined.get(key)
        if known is None:
            first = definitions[0]
            name = "+".join(d.qualified for d in definitions)
            known = self._combined[key] = ClassDefinition(first.path, name, Class(0, 0, first.name), {}, {}, {})
            self._bases[id(known)] = (definitions, set())
        return known

    def lineage(self, definition: ClassDefinition) -> tuple[ClassDefinition | External, ...]:
        """The class, then everything it inherits from, depth first, each once."""
        known = self._lineage.get(id(definition))
        if known is None:
            outer, self.touched = self.touched, set()
            try:
                known = self._lineage[id(definition)] = (tuple(self._inherited(definition)), self.touched)
            finally:
                self.touched = outer
        self.touched |= known[1]
        return known[0]

    def _inherited(self, definition: ClassDefinition) -> Iterator[ClassDefinition | External]:
        stack: list[ClassDefinition | External] = [definition]
        seen: set[int | str] = set()
        while stack:
            top = stack.pop()
            key = top.name if isinstance(top, External) else id(top)
            if key in seen:
                continue
            seen.add(key)
            yield top
            if isinstance(top, ClassDefinition):
                self.touch(top.path, top.node)
                stack.extend(reversed(self.bases(top)))

    def externals(self, definition: ClassDefinition) -> frozenset[str]:
        """The names of all library classes it inherits from, directly or not."""
        known = self._externals.get(id(definition))
        if known is None:
            self._externals[id(definition)] = (frozenset(), set())  # cuts circular inheritance
            outer, self.touched = self.touched, set()
            try:
                self.touch(definition.path, definition.node)
                names = [
                    self.externals(base) if isinstance(base, ClassDefinition) else (base.name,)
                    for base in self.bases(definition)
                ]
                known = self._externals[id(definition)] = (frozenset(n for some in names for n in some), self.touched)
            finally:
                self.touched = outer
        self.touched |= known[1]
        return known[0]

    def method(
        self, definition: ClassDefinition, name: str, *, after: ClassDefinition | None = None
    ) -> FunctionDefinition | None:
        """The method `name` as an instance finds it; `after` a class of the lineage for `super()`."""
        passed, promised = after is None, None
        for base in self.lineage(definition):
            if passed and isinstance(base, ClassDefinition) and name in base.methods:
                if not base.is_interface:
                    return base.methods[name]
                promised = promised or base.methods[name]
            passed = passed or base is after
        return promised

    def attribute(self, definition: ClassDefinition, name: str) -> tuple[ClassDefinition, Assign] | None:
        """The class-level assignment of `name`, with the class that states it."""
        for base in self.lineage(definition):
            if isinstance(base, ClassDefinition) and name in base.attributes:
                return base, base.attributes[name]
        return None

    # -- what answers depend on ----------------------------------------------------------------------------------------

    def state(self, key: str) -> tuple[str, ...]:
        """What a key of `touched` stands for in this revision, as the paths whose content decides it."""
        kind, found, name = key.partition(":")
        if not found:
            return (key,) if key in self.files else ()
        match kind:
            case "module":
                return tuple(path for _, path in self._modules.get(name, ()))
            case "script":
                return self.scripts.called(name)
            case "packages":
                return self.scripts.packages
            case "template":
                return tuple(self._templates.get(name, ()))
            case "called" | "service" | "behind" | "component" | "callable" | "heirs" | "setting":
                return self.wiring.state(kind, name)
            case "function":
                return tuple(part for f in self._functions.all(name) for part in (f.path, self._stands(f)))
            case "class":
                definition = self._php.get(name)
                return (definition.path, self._stands(definition)) if definition is not None else ()
            case "name":
                path, _, stated = name.partition("\t")
                return tuple(self._stated(path, stated))
        return ()

    def _stated(self, path: str, name: str) -> Iterator[str]:
        """What a file itself says of a name: the part that defines it, or where it is imported from."""
        facts = self.files.get(path)
        if facts is None:
            return
        own = self.definitions(path).get(name)
        if own is not None and not isinstance(own, Module):
            yield self._stands(own)
        imported = self._imported(path)
        yield f"{facts.namespace}\n{imported.get(name.partition(PHP_SEPARATOR)[0], '')}"
        yield from self._stars[path]

    def _stands(self, definition: ClassDefinition | FunctionDefinition | ValueDefinition) -> str:
        return self.parts.digest_at(definition.path, definition.node.start)


def _called(base: Node) -> Node:
    """`Generic[T]` as a base means `Generic`."""
    return base.children[0] if isinstance(base, Other) and base.word == "item" and base.children else base
