"""The code of one revision as names: modules, classes, functions, and what a name means where it stands.

A name resolves to a `Definition` of the project, or to an `External` (its full dotted name in a library that the
repository does not hold), or to nothing. Nothing is guessed: an import that fits two files resolves to the one that shares
the longest path with the importer, as import systems do, and to nothing when that is undecided.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping

from analyzers.facts.outline import Assign, Call, Class, Function, Member, Name, Node, Other
from analyzers.facts.store import FileFacts
from analyzers.model import template_names
from analyzers.model.definitions import (
    EXPRESSION_LANGUAGES,
    PHP_SEPARATOR,
    TEMPLATE_LANGUAGES,
    ClassDefinition,
    Definition,
    External,
    FunctionDefinition,
    Module,
    Resolved,
    ValueDefinition,
    shared,
    statements,
)
from analyzers.model.wiring import Wiring
from analyzers.source import Place

_MAX_HOPS = 12  # re-exports followed for one name; real packages use two or three


class Codebase:
    """Every file's definitions, found by name. Built once for a revision, read-only after.

    `touched` collects what every answer depended on, as keys that `Codebase.state` can compare between revisions: a path,
    `module:x` (the files an import ending in `x` may find), `template:x`, `class:X` (a PHP class, found or not).
    """

    def __init__(
        self,
        files: Mapping[str, FileFacts],
        ids: Mapping[str, str] | None = None,
        known: dict[tuple[str, str], dict[str, Definition]] | None = None,
    ) -> None:
        """`known` holds definitions by path and id of a file's content (`ids`), to share them between revisions."""
        self.files = files
        self._ids, self._known = ids or {}, known if known is not None else {}
        self.touched: set[str] = set()
        self._modules: dict[str, list[tuple[tuple[str, ...], str]]] = defaultdict(list)
        self._php: dict[str, ClassDefinition] = {}
        self._definitions: dict[str, dict[str, Definition]] = {}
        self._imports: dict[str, dict[str, str]] = {}
        self._names: dict[tuple[str, str], tuple[Resolved | None, set[str]]] = {}
        self._bases: dict[int, tuple[ClassDefinition | External, ...]] = {}
        self._externals: dict[int, tuple[frozenset[str], set[str]]] = {}
        self._lineage: dict[int, tuple[tuple[ClassDefinition | External, ...], set[str]]] = {}
        self._combined: dict[tuple[int, ...], ClassDefinition] = {}
        self._nested: dict[int, ClassDefinition] = {}
        self._templates: dict[str, list[str]] = defaultdict(list)
        self.wiring = Wiring(self)
        for path, facts in files.items():
            match facts.language:
                case "python":
                    parts = module_parts(path)
                    if parts:
                        self._modules[parts[-1]].append((parts, path))
                case "php":
                    for definition in self.definitions(path).values():
                        if isinstance(definition, ClassDefinition):
                            self._php[definition.qualified.lower()] = definition
                case language if language in TEMPLATE_LANGUAGES:
                    self._templates[path.rsplit("/", 1)[-1]].append(path)

    # -- what a file defines -------------------------------------------------------------------------------------------

    def definitions(self, path: str) -> dict[str, Definition]:
        """The names a file's own top level defines."""
        known = self._definitions.get(path)
        if known is None:
            key = (path, self._ids.get(path, ""))
            known = self._known.get(key)
            if known is None:
                known = dict(self._define(path))
                if key[1]:
                    self._known[key] = known
            self._definitions[path] = known
        return known

    def _define(self, path: str) -> Iterator[tuple[str, Definition]]:
        facts = self.files[path]
        prefix = self._prefix(path, facts)
        for node in statements(facts.outline):
            match node:
                case Class():
                    yield node.name, self._class(path, f"{prefix}{node.name}", node)
                case Function():
                    yield node.name, FunctionDefinition(path, f"{prefix}{node.name}", node)
                case Assign(target=Name(id=name)):
                    yield name, ValueDefinition(path, f"{prefix}{name}", node)

    def _class(self, path: str, qualified: str, node: Class) -> ClassDefinition:
        definition = ClassDefinition(path, qualified, node, {}, {}, {})
        separator = "::" if PHP_SEPARATOR in qualified or path.endswith(".php") else "."
        for member in statements(node.body):
            match member:
                case Function():
                    definition.methods.setdefault(
                        member.name, FunctionDefinition(path, f"{qualified}{separator}{member.name}", member, definition)
                    )
                case Assign(target=Name(id=name)):
                    definition.attributes[name] = member
                case Class():
                    definition.classes[member.name] = member
        return definition

    def _prefix(self, path: str, facts: FileFacts) -> str:
        if facts.language == "php":
            return f"{facts.namespace}{PHP_SEPARATOR}" if facts.namespace else ""
        return ".".join(module_parts(path)) + "."

    def classes(self) -> Iterator[ClassDefinition]:
        """Every top-level class of the revision."""
        for path, facts in self.files.items():
            if facts.language in ("python", "php"):
                for definition in self.definitions(path).values():
                    if isinstance(definition, ClassDefinition):
                        yield definition

    # -- what a name means ---------------------------------------------------------------------------------------------

    def resolve(self, path: str, name: str) -> Resolved | None:
        """What `name` means at the top level of `path`."""
        key = (path, name)
        known = self._names.get(key)
        if known is None:
            self._names[key] = (None, set())  # cuts circular imports
            outer, self.touched = self.touched, {path}
            try:
                known = self._names[key] = (self._resolve(path, name, _MAX_HOPS), self.touched)
            finally:
                self.touched = outer
        self.touched |= known[1]
        return known[0]

    def resolve_node(self, path: str, node: Node) -> Resolved | None:
        """What a `Name` or a chain of `Member`s means at the top level of `path`."""
        match node:
            case Name(id=name):
                return self.resolve(path, name)
            case Member(of=of, name=name):
                outer = self.resolve_node(path, of)
                return self.member(outer, name) if outer is not None else None
        return None

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
                if nested is not None:
                    if id(nested) not in self._nested:
                        self._nested[id(nested)] = self._class(outer.path, f"{outer.qualified}.{name}", nested)
                    return self._nested[id(nested)]
                return outer.methods.get(name)
            case ValueDefinition(path=path, node=Assign(value=Call() as made)):
                makers = self._bases_of(path, made, 1)
                above = (e for m in makers for e in (self.lineage(m) if isinstance(m, ClassDefinition) else (m,)))
                return next((External(f"{e.name}.{name}") for e in above if isinstance(e, External)), None)
        return None

    def _submodule(self, module: Module, name: str) -> Module | None:
        return self._module(f"{module.name}.{name}", module.path)

    def _resolve(self, path: str, name: str, hops: int) -> Resolved | None:
        facts = self.files.get(path)
        if facts is None or not hops:
            return None
        self.touched.add(path)
        if EXPRESSION_LANGUAGES.get(facts.language, facts.language) == "php":
            return self._resolve_php(path, facts, name)
        own = self.definitions(path).get(name)
        if own is not None:
            return self._alias(path, own, hops)
        imported = self._imported(path)
        target = imported.get(name)
        if target is not None:
            return self._resolve_dotted(path, target, hops - 1)
        for star in (i.path for i in facts.imports if i.name == "*"):
            module = self._module(self._absolute(path, star), path)
            if module is not None and module.path and module.path != path:
                found = self._resolve(module.path, name, hops - 1)
                if found is not None:
                    return found
        return None

    def _alias(self, path: str, own: Definition, hops: int) -> Resolved:
        """`OrderAlias = Order` means `Order`."""
        if isinstance(own, ValueDefinition) and isinstance(own.node.value, Name) and hops > 1:
            name = own.node.value.id
            if isinstance(own.node.target, Name) and own.node.target.id != name:
                return self._resolve(path, name, hops - 1) or own
        return own

    def _imported(self, path: str) -> dict[str, str]:
        known = self._imports.get(path)
        if known is None:
            known = self._imports[path] = {i.name: i.path for i in self.files[path].imports if i.name != "*"}
        return known

    def _resolve_dotted(self, path: str, dotted: str, hops: int) -> Resolved | None:
        absolute = self._absolute(path, dotted)
        module = self._module(absolute, path)
        if module is not None:
            return module
        head, _, last = absolute.rpartition(".")
        if head:
            parent = self._module(head, path)
            if parent is not None:
                return self._resolve(parent.path, last, hops) if parent.path else None
            if self._inside(head):
                return None
        return External(absolute)

    def _absolute(self, path: str, dotted: str) -> str:
        """`..models.Order` in `shop/api/views.py` is `shop.models.Order`."""
        level = len(dotted) - len(dotted.lstrip("."))
        if not level:
            return dotted
        parts = path.split("/")[:-1]
        parts = parts[: len(parts) - (level - 1)] if level > 1 else parts
        rest = dotted[level:]
        return ".".join([*parts, rest] if rest else parts)

    def _module(self, dotted: str, importer: str) -> Module | None:
        """The file that `import dotted` finds from `importer`."""
        parts = tuple(dotted.split("."))
        self.touched.add(f"module:{parts[-1]}")
        found = [
            (len(own) - len(parts), own, path) for own, path in self._modules.get(parts[-1], ()) if own[-len(parts) :] == parts
        ]
        if not found:
            return None
        if len(found) > 1:
            here = importer.split("/")
            found.sort(key=lambda f: (-shared(here, f[2].split("/")), f[0], f[2]))
        return Module(found[0][2], dotted)

    def _inside(self, dotted: str) -> bool:
        """Whether `dotted` starts with a package of the project: then an unknown name is unknown, not a library's."""
        first = dotted.split(".", 1)[0]
        self.touched.add(f"module:{first}")
        return any(path.split("/", 1)[0] == first for _, path in self._modules.get(first, ()))

    def _resolve_php(self, path: str, facts: FileFacts, name: str) -> Resolved | None:
        if name.startswith("$"):
            return None
        if name.startswith(PHP_SEPARATOR):
            full = name[1:]
        else:
            first, _, rest = name.partition(PHP_SEPARATOR)
            target = self._imported(path).get(first)
            if target is not None:
                full = f"{target}{PHP_SEPARATOR}{rest}" if rest else target
            else:
                full = f"{facts.namespace}{PHP_SEPARATOR}{name}" if facts.namespace else name
        full = full.lstrip(PHP_SEPARATOR)
        found: Resolved | None = self.php_class(full)
        return found or self.definitions(path).get(name) or External(full)

    def php_class(self, full: str) -> ClassDefinition | None:
        """A PHP class by its full name, any case."""
        name = full.lstrip(PHP_SEPARATOR).lower()
        self.touched.add(f"class:{name}")
        return self._php.get(name)

    def php_classes(self) -> Iterable[ClassDefinition]:
        """All PHP classes of the revision."""
        return self._php.values()

    def templates(self, name: str) -> list[str]:
        """The paths of the templates called `name`: files below a folder of templates."""
        space, name = template_names.split(name)
        last = name.rsplit("/", 1)[-1]
        self.touched.add(f"template:{last}")
        if space:
            return template_names.inside(space, name, self._templates.get(last, ()))
        ends = (f"/templates/{name}", f"/jinja2/{name}", f"/views/{name}")
        found = [p for p in self._templates.get(last, ()) if f"/{p}".endswith(ends)]
        if not found and "/" in name:  # settings may name a folder below it
            below = [p for p in self._templates.get(last, ()) if p.endswith(f"/{name}") and "/templates/" in f"/{p}"]
            found = below if len(below) == 1 else []
        return found

    def template(self, name: str, importer: str = "") -> str | None:
        """The path of the template called `name` that is nearest to `importer`."""
        here = importer.split("/")
        return min(self.templates(name), key=lambda p: (-shared(here, p.split("/")), len(p), p), default=None)

    # -- inheritance ---------------------------------------------------------------------------------------------------

    def bases(self, definition: ClassDefinition) -> tuple[ClassDefinition | External, ...]:
        """The direct bases that resolve."""
        known = self._bases.get(id(definition))
        if known is None:
            found = (b for base in definition.node.bases for b in self._bases_of(definition.path, base, _MAX_HOPS))
            known = tuple(b for b in dict.fromkeys(found) if b is not definition)
            self._bases[id(definition)] = known
        return known

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
            self._bases[id(known)] = definitions
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
                self.touched.add(top.path)
                stack.extend(reversed(self.bases(top)))

    def externals(self, definition: ClassDefinition) -> frozenset[str]:
        """The names of all library classes it inherits from, directly or not."""
        known = self._externals.get(id(definition))
        if known is None:
            self._externals[id(definition)] = (frozenset(), {definition.path})  # cuts circular inheritance
            outer, self.touched = self.touched, {definition.path}
            try:
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
            case "template":
                return tuple(self._templates.get(name, ()))
            case "called" | "service" | "behind" | "component" | "callable" | "heirs":
                return self.wiring.state(kind, name)
            case "class":
                definition = self._php.get(name)
                return (definition.path,) if definition is not None else ()
        return ()

    def place(self, path: str, node: Node) -> Place:
        """Where `node` of `path` stands."""
        return Place(path, self.files[path].span(node.start, node.end))


def _called(base: Node) -> Node:
    """`Generic[T]` as a base means `Generic`."""
    return base.children[0] if isinstance(base, Other) and base.word == "item" and base.children else base


def module_parts(path: str) -> tuple[str, ...]:
    """`shop/models/__init__.py` is `("shop", "models")`."""
    parts = path.removesuffix(".py").split("/")
    if parts[-1] == "__init__":
        parts.pop()
    return tuple(parts)
