"""Lists of patterns that include one another, from the module that the settings name first."""

from __future__ import annotations

from collections.abc import Iterator

from analyzers.facts.outline import Assign, Call, Member, Name, Node, Other, Text
from analyzers.model.naming.code import Codebase
from analyzers.model.naming.definitions import External, Module, ValueDefinition, statements
from analyzers.model.naming.literals import text_of
from analyzers.model.naming.roles import is_product
from analyzers.routing.frameworks import Framework, Patterns
from analyzers.routing.handlers import handler_of
from analyzers.routing.paths import Address, angled, regular
from analyzers.routing.values import Route
from analyzers.routing.viewsets import Routers

_MAX_DEPTH = 20  # modules that include one another
_LANGUAGE = Address("{language}/")


def routes(code: Codebase, framework: Framework) -> Iterator[Route]:
    """The routes of the project's patterns. Where no setting names the first module, those that no other includes are first."""
    words = framework.patterns
    if words is None:
        return
    walk = _Walk(code, framework, words)
    modules = [p for p in code.files if is_product(p) and _is_module(code, p, words)]
    roots = [p for p in dict.fromkeys(_roots(code, words)) if p in modules]
    if roots:
        for path in roots:
            yield from walk.module(path, Address(""), True)
        return
    found = {path: list(walk.module(path, Address(""), False)) for path in modules}
    for path in modules:
        if path not in walk.included:
            yield from found[path]


def _is_module(code: Codebase, path: str, words: Patterns) -> bool:
    return code.files[path].language == "python" and isinstance(code.definitions(path).get(words.variable), ValueDefinition)


def _roots(code: Codebase, words: Patterns) -> Iterator[str]:
    """The files that settings of the product name as the first module."""
    for path, facts in code.files.items():
        if facts.language != "python" or not is_product(path):
            continue
        for definition in code.definitions(path).values():
            if isinstance(definition, ValueDefinition) and definition.qualified.endswith(f".{words.root}"):
                yield code.imported(path, text_of(definition.node.value))
            elif words.root in (attributes := getattr(definition, "attributes", {})):
                yield code.imported(path, text_of(attributes[words.root].value))


class _Walk:
    """One walk through the patterns. `included` are the modules that another one includes."""

    def __init__(self, code: Codebase, framework: Framework, words: Patterns) -> None:
        self.code, self.framework, self.words = code, framework, words
        self.included: set[str] = set()
        self.open: list[str] = []
        self.routers = Routers(code, framework)

    def module(self, path: str, prefix: Address, complete: bool) -> Iterator[Route]:
        """What a module's list says, with what is added to it."""
        if path in self.open or len(self.open) > _MAX_DEPTH:
            return
        self.open.append(path)
        yield from self.listed(path, self.words.variable, prefix, complete)
        self.open.pop()

    def listed(self, path: str, name: str, prefix: Address, complete: bool, before: int = 0) -> Iterator[Route]:
        """What a module's variable holds in the end, or `before` a place: what it was last given, and what was added since."""
        outline = [node for node in self.code.files[path].outline if not before or node.end <= before]
        last = max((at for at, node in enumerate(outline) if _gives(node, name)), default=0)
        for node in statements(tuple(outline[last:])):
            match node:
                case Assign(target=Name(id=target), value=value) if target == name and value is not None:
                    yield from self.patterns(path, value, prefix, complete)
                case Call(callee=Member(of=Name(id=target), name="append" | "extend"), args=(value,)) if target == name:
                    yield from self.patterns(path, value, prefix, complete)
                case Call(callee=Member(of=Name(id=target), name="insert"), args=(_, value)) if target == name:
                    yield from self.patterns(path, value, prefix, complete)

    def patterns(self, path: str, node: Node, prefix: Address, complete: bool) -> Iterator[Route]:
        """The routes of a pattern, or of a list of them."""
        match node:
            case Other(word="list" | "tuple" | "+" | "spread" | "?:" | "or" | "and", children=children):
                for child in children:
                    yield from self.patterns(path, child, prefix, complete)
            case Call():
                yield from self.call(path, node, prefix, complete)
            case Member(of=of, name="urls"):
                yield from self.routers.routes(path, of, prefix, complete)
            case Name(id=name, start=start):
                found = self.code.resolve(path, name)
                if isinstance(found, ValueDefinition) and isinstance(found.node.target, Name) and len(self.open) < _MAX_DEPTH:
                    self.open.append(f"{found.path}:{name}")
                    # A list that holds itself holds what it held until then.
                    before = start if found.path == path else 0
                    yield from self.listed(found.path, found.node.target.id, prefix, complete, before)
                    self.open.pop()

    def call(self, path: str, node: Call, prefix: Address, complete: bool) -> Iterator[Route]:
        found = self.code.resolve_node(path, node.callee)
        name = found.name if isinstance(found, External) else ""
        if name in self.words.calls:
            yield from self.pattern(path, node, self.words.calls[name], prefix, complete)
        elif name in self.words.localized:
            for child in node.args:
                yield from self.patterns(path, child, prefix / _LANGUAGE, complete)
        elif name in self.words.transparent:
            for child in node.args:
                yield from self.patterns(path, child, prefix, complete)
        elif name in self.words.includes:
            yield from self.include(path, node, prefix, complete)

    def pattern(self, path: str, node: Call, notation: str, prefix: Address, complete: bool) -> Iterator[Route]:
        given = {str(i): value for i, value in enumerate(node.args)} | {k.name: k.value for k in node.keywords}
        address, view = given.get("0", given.get("route", given.get("regex"))), given.get("1", given.get("view"))
        if address is None or view is None:
            return
        text, known = _text(address)
        here = angled(text) if notation == "angled" else regular(text)
        if here is None:
            return
        whole, complete = prefix / here, complete and known
        included = self.included_by(path, view)
        if included is not None:
            yield from self.include(path, included, whole, complete)
        elif self._is_list(path, view):
            yield from self.patterns(path, view, whole, complete)
        else:
            handler = handler_of(self.code, self.framework.views, path, view)
            yield Route(
                whole.rooted,
                handler.methods,
                self.code.place(path, node),
                handler.name,
                parameters=whole.parameters,
                complete=complete,
                framework=self.framework.framework,
            )

    def _is_list(self, path: str, view: Node) -> bool:
        """Whether patterns stand in the place of a view: a list of them, or what has one (`router.urls`, `site.urls`)."""
        match view:
            case Other(word=word):
                return word in ("list", "tuple")
            case Member(name="urls"):
                return True
            case Name():
                found = self.code.resolve_node(path, view)
                return isinstance(found, ValueDefinition) and isinstance(found.node.value, Other)
        return False

    def included_by(self, path: str, view: Node) -> Call | None:
        if isinstance(view, Call):
            found = self.code.resolve_node(path, view.callee)
            if isinstance(found, External) and found.name in self.words.includes:
                return view
        return None

    def include(self, path: str, node: Call, prefix: Address, complete: bool) -> Iterator[Route]:
        """What `include` brings: another module's list, one that is given, or a router's."""
        if not node.args:
            return
        given = node.args[0]
        if isinstance(given, Other) and given.word == "tuple" and given.children:
            given = given.children[0]
        if text := text_of(given):
            yield from self.other(self.code.imported(path, text), prefix, complete)
        elif isinstance(given, Name | Member) and isinstance(module := self.code.resolve_node(path, given), Module):
            yield from self.other(module.path, prefix, complete)
        else:
            yield from self.patterns(path, given, prefix, complete)

    def other(self, path: str, prefix: Address, complete: bool) -> Iterator[Route]:
        if path:
            self.included.add(path)
            yield from self.module(path, prefix, complete)


def _gives(node: Node, name: str) -> bool:
    """Whether a statement gives a variable another value, whatever it held."""
    match node:
        case Assign(target=Name(id=target), operator="", value=value):
            return target == name and value is not None
    return False


def _text(node: Node) -> tuple[str, bool]:
    """The text of an address, and whether all of it is known. One that is translated is taken as it is written."""
    match node:
        case Call(args=(inner,)):
            return _text(inner)
        case Other(word="format" | "+", children=children):
            texts = [text_of(child) for child in children]
            return "".join(texts), all(texts)
    return text_of(node), isinstance(node, Text) and isinstance(node.value, str)
