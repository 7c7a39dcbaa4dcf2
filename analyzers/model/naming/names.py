"""What a name means at the top level of a file: a definition of the project, a name of a library, or nothing.

Nothing is guessed: an import that fits two files resolves to the one that shares the longest path with the importer, as import
systems do, and to nothing when that is undecided.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from functools import cached_property

from analyzers.facts.outline import Assign, Class, Function, Name, Node
from analyzers.facts.store import FileFacts
from analyzers.knowledge import libraries
from analyzers.knowledge.derived import derived
from analyzers.model.naming import php_names, script_names, template_names
from analyzers.model.naming.definitions import (
    EXPRESSION_LANGUAGES,
    PHP_SEPARATOR,
    SCRIPTS,
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
from analyzers.model.naming.looked import Importing, Looked
from analyzers.model.naming.parts import Parts
from analyzers.source import Place

_libraries = derived(
    lambda: frozenset(name.partition(".")[0] for x in libraries() if x.language == "python" for name in x.namespaces)
)
_MAX_HOPS = 12  # re-exports followed for one name; real packages use two or three


class Names:
    """The names of one revision's files. `touched` collects what every answer depended on, as keys (see `Codebase.state`)."""

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
        self.looked = Looked()
        self.parts = Parts(files, self._ids)
        self._modules: dict[str, list[tuple[tuple[str, ...], str]]] = defaultdict(list)
        self._php: dict[str, ClassDefinition] = {}
        self._functions = php_names.Functions()
        self._definitions: dict[str, dict[str, Definition]] = {}
        self._imports: dict[str, dict[str, str]] = {}
        self._stars: dict[str, tuple[str, ...]] = {}  # of files whose imports were asked for
        self._names: dict[tuple[str, str], tuple[Resolved | None, set[str]]] = {}
        self._templates: dict[str, list[str]] = defaultdict(list)
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
                        elif isinstance(definition, FunctionDefinition):
                            self._functions.add(definition)
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
        if facts.language in SCRIPTS:
            yield from script_names.exported(path, prefix, facts.outline)
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
        if facts.language in SCRIPTS:
            return script_names.prefix(path)
        return ".".join(module_parts(path)) + "."

    def classes(self, words: Collection[str] = ()) -> Iterator[ClassDefinition]:
        """Every top-level class of the revision; where words are given, of files that may say one of them."""
        for path, facts in self.files.items():
            if facts.language in ("python", "php") and (not words or facts.may_say(words)):
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
            outer, self.touched = self.touched, set()
            try:
                known = self._names[key] = (self._resolve(path, name, _MAX_HOPS), self.touched)
            finally:
                self.touched = outer
        self.touched |= known[1]
        return known[0]

    def _resolve(self, path: str, name: str, hops: int) -> Resolved | None:
        facts = self.files.get(path)
        if facts is None or not hops:
            return None
        self.touched.add(f"name:{path}\t{name}")
        if EXPRESSION_LANGUAGES.get(facts.language, facts.language) == "php":
            return self._resolve_php(path, facts, name)
        if facts.language in SCRIPTS:
            return self._resolve_script(path, name, hops)
        own = self.definitions(path).get(name)
        if own is not None:
            return self._alias(path, own, hops)
        target = self._imported(path).get(name)
        if target is not None:
            return self._resolve_dotted(path, target, hops - 1)
        for star in self._stars[path]:
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
            imports = self.files[path].imports
            known = self._imports[path] = {i.name: i.path for i in imports if i.name != "*"}
            self._stars[path] = tuple(i.path for i in imports if i.name == "*")
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
            (len(own) - len(parts), own, path)
            for own, path in self._modules.get(parts[-1], ())
            if own[-len(parts) :] == parts and not self._is_a_librarys(parts[0], own[: -len(parts)])
        ]
        if not found:
            return None
        if len(found) > 1:
            here = importer.split("/")
            found.sort(key=lambda f: (-shared(here, f[2].split("/")), f[0], f[2]))
        return Module(found[0][2], dotted)

    def _is_a_librarys(self, first: str, package: tuple[str, ...]) -> bool:
        """Whether a name is a library's and no module's of the project, as that stands in a package under the same name."""
        if first not in _libraries() or not package:
            return False
        self.touched.add(f"module:{package[-1]}")
        return any(own == package for own, _ in self._modules.get(package[-1], ()))

    def imported(self, importer: str, dotted: str) -> str:
        """The file that an import of `importer` finds; empty where it is not the project's."""
        module = self._module(self._absolute(importer, dotted), importer)
        return module.path if module is not None else ""

    def _inside(self, dotted: str) -> bool:
        """Whether `dotted` starts with a package of the project: then an unknown name is unknown, not a library's."""
        first = dotted.split(".", 1)[0]
        self.touched.add(f"module:{first}")
        return any(path.split("/", 1)[0] == first for _, path in self._modules.get(first, ()))

    def _resolve_php(self, path: str, facts: FileFacts, name: str) -> Resolved | None:
        if name.startswith("$"):
            return None
        full = php_names.full_name(name, facts.namespace, self._imported(path))
        return self.php_class(full) or self.definitions(path).get(name) or self._php_function(full, name) or External(full)

    # -- scripts -------------------------------------------------------------------------------------------------------

    @cached_property
    def scripts(self) -> script_names.Scripts:
        """The scripts of the revision, as imports find them."""
        return script_names.Scripts(self.files)

    def _resolve_script(self, path: str, name: str, hops: int) -> Resolved | None:
        own = self.definitions(path).get(name)
        if own is not None:
            return self._alias(path, own, hops)
        target = self._imported(path).get(name)
        if target is not None:
            return self._given(path, target, hops - 1)
        for star in self._stars[path]:
            module = self._script(path, star.rpartition("#")[0])
            found = self._resolve(module, name, hops - 1) if module and module != path else None
            if found is not None:
                return found
        return None

    def _given(self, path: str, target: str, hops: int) -> Resolved | None:
        """What an import takes: `./orders#list`, `express#default`."""
        specifier, _, name = target.rpartition("#")
        file = self._script(path, specifier)
        if not file:
            return External(script_names.library(specifier, name))
        if name == script_names.EVERY:
            return Module(file, file)
        if name == script_names.WHOLE:
            return self._resolve(file, name, hops) or Module(file, file)
        if name == "default":
            self.touched.add(file)
            chosen = script_names.default_of(self.definitions(file))
            return self._resolve(file, chosen, hops) if chosen else None
        return self._resolve(file, name, hops)

    def _script(self, importer: str, specifier: str) -> str:
        """The file that an import finds; empty where it is none of the project's."""
        self.touched |= {f"script:{script_names.last(specifier)}", "packages:"}
        return self.scripts.file(importer, specifier)

    def _php_function(self, full: str, name: str) -> FunctionDefinition | None:
        """A PHP function by its full name, else the global one that an unqualified name falls back to."""
        if not php_names.may_be_function(name):
            return None
        self.touched |= {f"function:{full}", f"function:{name}"}
        return self._functions.get(full) or self._functions.get(name)

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

    # -- places --------------------------------------------------------------------------------------------------------

    def touch(self, path: str, node: Node) -> None:
        """Notes that an answer depends on the part of a file in which `node` stands."""
        self.touched.add(self.parts.key(path, node.start))

    def look_into(self, path: str, node: Node) -> None:
        """Notes that a declaration depends on the body of a function: on the part of a file in which `node` stands."""
        self.looked.into.add(self.parts.key(path, node.start))

    def look_over(self, path: str) -> None:
        """Notes that a declaration depends on all of a file."""
        self.looked.into.add(path)

    def look_for(self, pattern: str) -> None:
        """Notes that a declaration depends on all files, and on which there are, whose paths have a pattern."""
        self.looked.paths.add(pattern)

    def imports(self, path: str, question: Importing, *, inside: bool = False) -> bool:
        """Whether a file imports that. `inside` says that files which do are then looked into."""
        (self.looked.inside if inside else self.looked.asked).add(question)
        return question.answer(self.files[path].imports)

    def place(self, path: str, node: Node) -> Place:
        """Where `node` of `path` stands."""
        return Place(path, self.files[path].span(node.start, node.end))


def module_parts(path: str) -> tuple[str, ...]:
    """`shop/models/__init__.py` is `("shop", "models")`."""
    parts = path.removesuffix(".py").split("/")
    if parts[-1] == "__init__":
        parts.pop()
    return tuple(parts)
