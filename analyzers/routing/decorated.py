"""Decorators of an application, and of parts that are mounted in it: `@app.get("/books/{id}")`."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import NamedTuple

import msgspec

from analyzers.facts.outline import Assign, Call, Class, Function, Member, Name, Node, Other, Text, walk
from analyzers.facts.store import FileFacts
from analyzers.model.naming.code import Codebase
from analyzers.model.naming.definitions import ClassDefinition, External, FunctionDefinition, ValueDefinition
from analyzers.model.naming.literals import arguments, last_name, text_of
from analyzers.model.naming.looked import Importing
from analyzers.model.naming.names import module_parts
from analyzers.model.naming.roles import is_product
from analyzers.routing.frameworks import Decorated, Framework, Maker, Mount
from analyzers.routing.handlers import handler_of, methods_of
from analyzers.routing.paths import Address, angled, braced, kind_of
from analyzers.routing.values import Kind, Parameter, Route

_MAX_MOUNTS = 6  # parts in one another
_EVERY = 32  # addresses of one part, at most


class _Part(NamedTuple):
    """Where a part is mounted: in which one, and under which prefix, where that is known."""

    parent: ValueDefinition | None
    prefix: str | None
    replaces: bool


def routes(code: Codebase, framework: Framework) -> Iterator[Route]:
    """The routes that decorators and the calls in their place state."""
    words = framework.decorated
    if words is None:
        return
    reading = _Reading(code, framework, words)
    if not any(reading.names(path) for path in code.files):
        return
    for path, facts in code.files.items():
        if is_product(path) and reading.imports(path):
            yield from reading.file(path, facts)


class _Reading:
    """One reading of a project."""

    def __init__(self, code: Codebase, framework: Framework, words: Decorated) -> None:
        self.code, self.framework, self.words = code, framework, words
        self._mounts: dict[int, list[_Part]] | None = None
        self._names = Importing.of(words.packages)
        self._may_name = Importing.of(words.packages, endings=_PARTS)

    def names(self, path: str) -> bool:
        """Whether a file names the framework."""
        return self.code.files[path].language == "python" and self.code.imports(path, self._names)

    def imports(self, path: str) -> bool:
        """Whether a file can name the framework, or a part that another file makes."""
        return self.code.files[path].language == "python" and self.code.imports(path, self._may_name, inside=True)

    def file(self, path: str, facts: FileFacts) -> Iterator[Route]:
        self.code.look_over(path)
        local = dict(_made(facts))
        for node, name in _defined(facts.outline, ""):
            for decorator in node.decorators:
                if isinstance(decorator, Call) and isinstance(decorator.callee, Member):
                    methods = self.words.decorators.get(decorator.callee.name)
                    if methods is not None:
                        yield from self.stated(path, decorator, methods, node, name, local)
        for call in (n for top in facts.outline for n in walk(top) if isinstance(n, Call) and isinstance(n.callee, Member)):
            assert isinstance(call.callee, Member)
            if call.callee.name in self.words.adders or call.callee.name in self.words.classes:
                yield from self.added(path, call, local)

    def stated(
        self,
        path: str,
        call: Call,
        methods: tuple[str, ...],
        of: Function | Class,
        name: str,
        local: dict[str, Assign],
    ) -> Iterator[Route]:
        """What a decorator states of a function, or of a class whose methods are those of requests."""
        assert isinstance(call.callee, Member)
        given = arguments(call)
        address = given.get("0", given.get("path", given.get("rule")))
        said = methods_of(given.get("methods")) or methods
        if isinstance(of, Class):
            said = said or handler_of(self.code, self.framework.views, path, Name(of.start, of.end, of.name)).methods
        kinds = _kinds(of) if isinstance(of, Function) else {}
        handler = ".".join((*module_parts(path), name))
        for route in self._routes(path, call, address, said or self.words.default, handler, call.callee.of, local):
            told = (Parameter(p.name, p.kind if p.kind != "text" else kinds.get(p.name, "text")) for p in route.parameters)
            yield msgspec.structs.replace(route, parameters=tuple(told))

    def added(self, path: str, call: Call, local: dict[str, Assign]) -> Iterator[Route]:
        assert isinstance(call.callee, Member)
        given = arguments(call)
        if call.callee.name in self.words.classes:
            handler = handler_of(self.code, self.framework.views, path, call.args[0], 0) if call.args else None
            for address in call.args[1:]:
                if handler is not None:
                    yield from self._routes(path, call, address, handler.methods, handler.name, call.callee.of, local)
            return
        first, second, keyword = self.words.adders[call.callee.name]
        view = given.get(str(second), given.get(keyword))
        if view is not None:
            handler = handler_of(self.code, self.framework.views, path, view)
            said = methods_of(given.get("methods")) or handler.methods or self.words.default
            yield from self._routes(path, call, given.get(str(first)), said, handler.name, call.callee.of, local)

    def _routes(
        self,
        path: str,
        call: Call,
        address: Node | None,
        methods: tuple[str, ...],
        handler: str,
        of: Node,
        local: dict[str, Assign],
    ) -> Iterator[Route]:
        text, stated = _stated(address)
        if text is None:
            return
        prefixes = list(self._owners(path, of, local))
        own = self._read(text)
        for prefix, complete in prefixes[:_EVERY]:
            whole = self._read(prefix) / own
            yield Route(
                whole.rooted,
                methods,
                self.code.place(path, call),
                handler,
                parameters=whole.parameters,
                complete=complete and stated,
                framework=self.framework.framework,
            )

    def _read(self, text: str) -> Address:
        return angled(text) if self.words.notation == "angled" else braced(text)

    # -- where it is mounted ------------------------------------------------------------------------------------------

    def _owners(self, path: str, of: Node, local: dict[str, Assign]) -> Iterator[tuple[str, bool]]:
        """The prefixes under which a part's addresses are found, each with whether it is all that stands before them."""
        found = self.code.resolve_node(path, of)
        if isinstance(found, ValueDefinition):
            yield from self._prefixes(found, _MAX_MOUNTS)
            return
        made = local.get(of.id) if isinstance(of, Name) else None
        maker = self._maker(path, made.value) if made is not None else None
        if maker is not None and made is not None:
            yield self._own(path, made.value, maker) or "", not maker.part
        elif found is None and self.names(path) and last_name(of).lower().endswith(_PARTS):
            yield "", False

    def _prefixes(self, part: ValueDefinition, hops: int) -> Iterator[tuple[str, bool]]:
        maker = self._maker(part.path, part.node.value)
        if maker is None or not hops:
            return
        own = self._own(part.path, part.node.value, maker)
        mounts = [*self._mounted().get(id(part.node), []), *self._into(part, maker)]
        if not maker.part and not mounts:
            yield own or "", True
            return
        if not mounts:
            yield own or "", False
        for mount in mounts:
            here = mount.prefix if mount.prefix is not None and mount.replaces else (mount.prefix or "") + (own or "")
            here = own or "" if mount.replaces and not mount.prefix else here
            known = own is not None and (mount.prefix is not None)
            above = list(self._prefixes(mount.parent, hops - 1)) if mount.parent is not None else [("", True)]
            for before, complete in above or [("", False)]:
                yield before + here, complete and known

    def _own(self, path: str, made: Node | None, maker: Maker) -> str | None:
        """A part's own prefix; nothing where it is not known."""
        given = arguments(made) if isinstance(made, Call) else {}
        return self._literal(path, given[maker.prefix]) if maker.prefix and maker.prefix in given else ""

    def _literal(self, path: str, node: Node) -> str | None:
        """A text, or what a name of the project stands for that is one."""
        if text_of(node) or _is_empty(node):
            return text_of(node)
        if isinstance(node, Name | Member):
            found = self.code.resolve_node(path, node)
            if isinstance(found, ValueDefinition):
                return text_of(found.node.value) or None
            stated = self._attribute(path, node) if isinstance(node, Member) else None
            if stated is not None:
                return text_of(stated.value) or None
        return None

    def _attribute(self, path: str, node: Member) -> Assign | None:
        """`settings.API_V1_STR`, where `settings` is an object of a class of the project."""
        owner = self.code.resolve_node(path, node.of)
        if isinstance(owner, ValueDefinition) and isinstance(owner.node.value, Call):
            made = self.code.resolve_node(owner.path, owner.node.value.callee)
            found = self.code.attribute(made, node.name) if isinstance(made, ClassDefinition) else None
            return found[1] if found is not None else None
        return None

    def _into(self, part: ValueDefinition, maker: Maker) -> Iterator[_Part]:
        """What a part says itself of where it is mounted: `Api(blueprint)`."""
        given = part.node.value.args[:1] if maker.into and isinstance(part.node.value, Call) else ()
        for node in given:
            parent = self.code.resolve_node(part.path, node)
            if isinstance(parent, ValueDefinition) and parent.node is not part.node:
                yield _Part(parent, "", False)

    def _maker(self, path: str, made: Node | None) -> Maker | None:
        """What is known of the call that makes a part. A maker of the project's own is told by a framework's name for it."""
        if not isinstance(made, Call):
            return None
        match self.code.resolve_node(path, made.callee):
            case External(name=name):
                return self.words.makers.get(name)
            case ClassDefinition() as definition if known := self.code.externals(definition) & self.words.makers.keys():
                return self.words.makers[min(known)]
            case ValueDefinition() | ClassDefinition() | FunctionDefinition():
                last = last_name(made.callee)
                return next((m for name, m in self.words.makers.items() if m.part and name.endswith(f".{last}")), None)
        return None

    def _mounted(self) -> dict[int, list[_Part]]:
        """Where each part is mounted, by the assignment that makes it."""
        if self._mounts is None:
            self._mounts = defaultdict(list)
            for path, facts in self.code.files.items():
                if is_product(path) and self.imports(path):
                    self.code.look_over(path)
                    for call in (n for top in facts.outline for n in walk(top) if isinstance(n, Call)):
                        mount = self.words.mounts.get(call.callee.name) if isinstance(call.callee, Member) else None
                        if mount is not None:
                            self._mount(path, call, mount, self._mounts)
        return self._mounts

    def _mount(self, path: str, call: Call, mount: Mount, into: dict[int, list[_Part]]) -> None:
        assert isinstance(call.callee, Member)
        given = arguments(call)
        node = given.get(str(mount.part))
        part = self.code.resolve_node(path, node) if isinstance(node, Name | Member) else None
        if not isinstance(part, ValueDefinition):
            return
        stated = given.get(mount.keyword, given.get(str(mount.prefix)))
        prefix = self._literal(path, stated) if stated is not None else ""
        parent = self.code.resolve_node(path, call.callee.of)
        known = parent if isinstance(parent, ValueDefinition) and parent.node is not part.node else None
        into[id(part.node)].append(_Part(known, prefix, mount.replaces))


_PARTS = ("app", "application", "api", "router", "blueprint", "bp", "namespace", "ns", "routes", "server")


def _defined(body: Iterable[Node], prefix: str) -> Iterator[tuple[Function | Class, str]]:
    """The functions and classes of a file, however deep they stand, by their names from its top."""
    for node in body:
        match node:
            case Function(name=name) | Class(name=name) if name:
                yield node, f"{prefix}{name}"
                yield from _defined(node.body, f"{prefix}{name}.")
            case Other(children=inner):
                yield from _defined(inner, prefix)


def _kinds(function: Function) -> dict[str, Kind]:
    """What the types of parameters say of parts of the address that bear their names."""
    return {p.name: kind_of(last_name(p.annotation)) for p in function.parameters if p.annotation is not None}


def _made(facts: FileFacts) -> Iterator[tuple[str, Assign]]:
    """The names of a file that hold what a call gives, wherever they are assigned."""
    for node in (n for top in facts.outline for n in walk(top)):
        match node:
            case Assign(target=Name(id=name), value=Call()):
                yield name, node


def _stated(node: Node | None) -> tuple[str | None, bool]:
    """The text of an address, and whether it stands as it is: `scoped("/books")` is one that something is put before."""
    match node:
        case Text(value=str() as text):
            return text, True
        case Call(args=(Text(value=str() as text),), keywords=()) if text.startswith("/"):
            return text, False
    return None, False


def _is_empty(node: Node) -> bool:
    return getattr(node, "value", None) == ""
