"""Calls of a facade in files of routes, each of which adds to the one before: `Route::prefix('api')->group(…)`."""

from __future__ import annotations

import re
from collections.abc import Iterator

import msgspec

from analyzers.facts.outline import Call, Class, Function, Member, Name, Node, Other, Text, walk
from analyzers.model.naming.code import Codebase
from analyzers.model.naming.definitions import PHP_SEPARATOR, ClassDefinition, External
from analyzers.model.naming.literals import items_of, text_of, texts_of
from analyzers.model.naming.looked import Importing
from analyzers.model.naming.roles import is_product
from analyzers.routing.frameworks import Chains, Framework
from analyzers.routing.handlers import methods_of
from analyzers.routing.paths import Address, braced, kind_of
from analyzers.routing.values import Parameter, Route
from analyzers.words import singular

_FILE = re.compile(r"(?:^|/)routes/(?P<name>[\w.-]+\.php)$")
_MAX_STEPS = 30


class _Around(msgspec.Struct, frozen=True):
    """What groups around a route say."""

    prefix: Address = Address("")
    complete: bool = True
    controller: ClassDefinition | None = None
    namespace: str = ""

    def below(self, prefix: str) -> _Around:
        return msgspec.structs.replace(self, prefix=self.prefix / braced(f"/{prefix.strip('/')}" if prefix.strip("/") else ""))


def routes(code: Codebase, framework: Framework) -> Iterator[Route]:
    """The routes of files of routes, below the prefix under which each is loaded."""
    words = framework.chains
    if words is None:
        return
    code.look_for(_FILE.pattern)
    code.look_for(r"Provider|bootstrap/app\.php$")
    reading = _Reading(code, framework, words)
    loaded = dict(reading.loaded())
    for path, facts in code.files.items():
        if facts.language != "php" or not is_product(path) or not _names(code, words, path):
            continue
        code.look_over(path)
        found = _FILE.search(path)
        default = words.prefixes.get(found["name"]) if found else None
        prefix = loaded.get(found["name"], default) if found else None
        around = _Around(complete=prefix is not None).below(prefix or "")
        for node in facts.outline:
            yield from reading.statement(path, node, around)


def _names(code: Codebase, words: Chains, path: str) -> bool:
    """Whether a file can call the facade: files of routes, and others that import it."""
    return _FILE.search(path) is not None or code.imports(path, Importing.of(words.facades), inside=True)


class _Reading:
    """One reading of a project."""

    def __init__(self, code: Codebase, framework: Framework, words: Chains) -> None:
        self.code, self.framework, self.words = code, framework, words

    def loaded(self) -> Iterator[tuple[str, str]]:
        """Files of routes with the prefix under which a provider, or the application's own file, loads them."""
        for path, facts in self.code.files.items():
            if facts.language != "php" or not is_product(path):
                continue
            if not (path.endswith("bootstrap/app.php") or "Provider" in path):
                continue
            for call in (n for top in facts.outline for n in walk(top) if isinstance(n, Call)):
                steps = self._steps(path, call)
                if steps and steps[-1][0] == "group" and steps[-1][1].args and not _closure(steps[-1][1]):
                    prefix = "/".join(text_of(s.args[0]).strip("/") for name, s in steps if name == "prefix" and s.args)
                    yield from ((name, prefix) for name in _files(steps[-1][1].args[0]))
                for keyword in call.keywords:
                    if self.words.loaders.get(keyword.name):
                        given = next((k.value for k in call.keywords if k.name == self.words.loaders[keyword.name]), None)
                        prefix = text_of(given) if given is not None else keyword.name
                        yield from ((name, prefix) for name in _files(keyword.value))

    def statement(self, path: str, node: Node, around: _Around) -> Iterator[Route]:
        """What a statement states: a chain of calls, or whatever stands in it."""
        match node:
            case Call():
                steps = self._steps(path, node)
                if steps:
                    yield from self._chain(path, steps, around)
            case Other(children=children):
                for child in children:
                    yield from self.statement(path, child, around)
            case Function(body=body) | Class(body=body):
                for child in body:
                    yield from self.statement(path, child, around)
            case _:
                value = getattr(node, "value", None)
                if isinstance(value, Call):
                    yield from self.statement(path, value, around)

    def _steps(self, path: str, node: Node) -> list[tuple[str, Call]]:
        """The calls of a chain that begins at the facade, in order."""
        steps: list[tuple[str, Call]] = []
        while isinstance(node, Call) and isinstance(node.callee, Member) and len(steps) < _MAX_STEPS:
            steps.append((node.callee.name, node))
            node = node.callee.of
        if not isinstance(node, Name) or not steps:
            return []
        found = self.code.resolve_node(path, node)
        is_facade = isinstance(found, External) and found.name in self.words.facades
        return steps[::-1] if is_facade or (node.id == "$router" and _FILE.search(path)) else []

    def _chain(self, path: str, steps: list[tuple[str, Call]], around: _Around) -> Iterator[Route]:
        for name, call in steps:
            match name:
                case "prefix" if call.args:
                    text = text_of(call.args[0])
                    around = around.below(text) if text else msgspec.structs.replace(around, complete=False)
                case "domain":
                    around = msgspec.structs.replace(around, complete=False)
                case "controller" if call.args:
                    around = msgspec.structs.replace(around, controller=self._class(path, call.args[0]))
                case "group":
                    yield from self._group(path, call, around)
                    return
                case _ if name in self.words.verbs:
                    yield from self._verb(path, name, call, around, _shapes(steps))
                    return
                case _ if name in self.words.resources:
                    yield from self._resource(path, call, around, self._kept(name, steps))
                    return

    def _group(self, path: str, call: Call, around: _Around) -> Iterator[Route]:
        """Routes in a group, with what the group's options put before them."""
        options = dict(items_of(call.args[0])) if call.args else {}
        if "prefix" in options:
            text = text_of(options["prefix"])
            around = around.below(text) if text else msgspec.structs.replace(around, complete=False)
        if "domain" in options:
            around = msgspec.structs.replace(around, complete=False)
        if inner := text_of(options.get("namespace")):
            space = f"{around.namespace}{PHP_SEPARATOR}{inner}".strip(PHP_SEPARATOR)
            around = msgspec.structs.replace(around, namespace=space)
        closure = _closure(call)
        for node in closure.body if closure is not None else ():
            yield from self.statement(path, node, around)

    def _verb(self, path: str, name: str, call: Call, around: _Around, shapes: dict[str, str]) -> Iterator[Route]:
        args = call.args
        methods = self.words.verbs[name]
        if name == "match" and args:
            methods, args = methods_of(args[0]), args[1:]
        if not args or not isinstance(args[0], Text) or not isinstance(args[0].value, str):
            return
        handler, action = self._handler(path, args[1] if len(args) > 1 and name != "view" else None, around)
        address = around.below(args[0].value).prefix
        told = tuple(Parameter(p.name, kind_of(shapes[p.name])) if p.name in shapes else p for p in address.parameters)
        yield self._route(path, call, Address(address.path, told), methods, handler, action, around)

    def _route(
        self, path: str, call: Call, address: Address, methods: tuple[str, ...], handler: str, action: str, around: _Around
    ) -> Route:
        return Route(
            address.rooted,
            methods,
            self.code.place(path, call),
            handler,
            action,
            address.parameters,
            around.complete,
            self.framework.framework,
        )

    def _resource(self, path: str, call: Call, around: _Around, actions: tuple[str, ...]) -> Iterator[Route]:
        """`Route::resource('photos.comments', …)` is `photos/{photo}/comments`, and what stands behind it."""
        name = text_of(call.args[0]) if call.args else ""
        if not name:
            return
        *outer, last = name.strip("/").split(".")
        for part in outer:
            around = around.below(f"{part}/{{{_parameter(part)}}}")
        handler, _ = self._handler(path, call.args[1] if len(call.args) > 1 else None, around)
        for action in actions:
            methods, behind = self.words.actions[action]
            address = around.below(last + behind.replace("{}", f"{{{_parameter(last)}}}")).prefix
            yield self._route(path, call, address, methods, handler, action, around)

    def _kept(self, name: str, steps: list[tuple[str, Call]]) -> tuple[str, ...]:
        """The actions of a resource, less what the chain leaves out."""
        actions = self.words.resources[name]
        said = items_of(next((c.args[2] for n, c in steps if n == name and len(c.args) > 2), None))
        said += [(n, c.args[0]) for n, c in steps if n in ("only", "except") and c.args]
        for what, node in said:
            texts = texts_of(node) or (text_of(node),)
            if what == "only":
                actions = tuple(a for a in actions if a in texts)
            elif what == "except":
                actions = tuple(a for a in actions if a not in texts)
        return actions

    def _handler(self, path: str, node: Node | None, around: _Around) -> tuple[str, str]:
        match node:
            case Other(word="list", children=(first, Text(value=str() as action))):
                definition = self._class(path, first)
                return (definition.qualified if definition is not None else ""), action
            case Other(word="dict"):
                uses = [value for name, value in items_of(node) if name in ("uses", "controller")]
                return self._handler(path, uses[0], around) if uses else ("", "")
            case Text(value=str() as text):
                if around.controller is not None and "@" not in text:
                    return around.controller.qualified, text
                name, _, action = text.partition("@")
                return self._called(name, around.namespace), action
            case Member() | Name():
                definition = self._class(path, node)
                return (definition.qualified, "__invoke") if definition is not None else ("", "")
        return "", ""

    def _class(self, path: str, node: Node) -> ClassDefinition | None:
        of = node.of if isinstance(node, Member) and node.name == "class" else node
        found = self.code.resolve_node(path, of)
        return found if isinstance(found, ClassDefinition) else None

    def _called(self, name: str, namespace: str) -> str:
        """The class of that name in a group's namespace, or the one class whose full name ends so."""
        full = self.code.php_class(f"{namespace}{PHP_SEPARATOR}{name}") or self.code.php_class(name)
        if full is not None:
            return full.qualified
        end = f"{PHP_SEPARATOR}{name}"
        found = [d.qualified for d in self.code.php_classes() if f"{PHP_SEPARATOR}{d.qualified}".endswith(end)]
        return found[0] if len(found) == 1 else ""


def _parameter(segment: str) -> str:
    return singular(segment.rpartition("/")[2].replace("-", "_"))


def _shapes(steps: list[tuple[str, Call]]) -> dict[str, str]:
    """What a chain says of its parameters."""
    shapes: dict[str, str] = {}
    for name, call in steps:
        if name in ("whereNumber", "whereUuid") and call.args:
            shapes[text_of(call.args[0])] = name.removeprefix("where")
        elif name == "where" and len(call.args) == 2:
            shapes[text_of(call.args[0])] = text_of(call.args[1])
        elif name == "where" and call.args:
            shapes |= {parameter: text_of(shape) for parameter, shape in items_of(call.args[0])}
    return shapes


def _closure(call: Call) -> Function | None:
    return next((a for a in call.args if isinstance(a, Function)), None)


_NAMED = re.compile(r"routes/([\w.-]+\.php)$")


def _files(node: Node) -> Iterator[str]:
    """The names of the files of routes that an expression names."""
    for inner in walk(node):
        if found := _NAMED.search(text_of(inner)):
            yield found[1]
