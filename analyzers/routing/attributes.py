"""Attributes of actions, and configurations that name them: `#[Route('/books/{id}', methods: ['GET'])]`."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from analyzers.facts.outline import Call, Node, Other, Text
from analyzers.facts.store import FileFacts, Setting
from analyzers.model.naming.code import Codebase
from analyzers.model.naming.definitions import PHP_SEPARATOR, ClassDefinition, External, FunctionDefinition
from analyzers.model.naming.literals import arguments, items_of, text_of
from analyzers.model.naming.roles import is_product
from analyzers.routing.frameworks import Attributes, Framework
from analyzers.routing.handlers import methods_of
from analyzers.routing.paths import Address, braced, kind_of
from analyzers.routing.values import Parameter, Route
from analyzers.source import Place


class _Entry(NamedTuple):
    """One entry of a configuration of routes, by its keys."""

    path: str
    keys: Mapping[str, Setting]

    def text(self, key: str) -> str:
        return self.keys[key].value if key in self.keys else ""


def routes(code: Codebase, framework: Framework) -> Iterator[Route]:
    """The routes that attributes and annotations state, below what the configuration puts before them."""
    words = framework.attributes
    if words is None:
        return
    entries = [entry for path, facts in code.files.items() for entry in _entries(path, facts)]
    resources = dict(_resources(entries))
    for definition in code.php_classes():
        if is_product(definition.path):
            yield from _of_class(code, framework, words, definition, resources)
    for entry in entries:
        yield from _configured(code, framework, entry)


def _of_class(
    code: Codebase, framework: Framework, words: Attributes, definition: ClassDefinition, resources: Mapping[str, str]
) -> Iterator[Route]:
    own = _marks(code, words, definition.path, definition.node.decorators)
    actions = {name: _marks(code, words, definition.path, m.node.decorators) for name, m in definition.methods.items()}
    above = braced(_resource(resources, definition.path))
    if "__invoke" in actions and not any(actions.values()):
        actions, own = {"__invoke": own}, []
    around = [address for call, _ in own for address in _read(call)] or [Address("")]
    shared = next((m for call, _ in own if (m := methods_of(arguments(call).get("methods")))), ())
    for name, marks in actions.items():
        for call, methods in marks:
            said = methods_of(arguments(call).get("methods")) or methods or shared
            for before in around:
                for address in _read(call):
                    whole = above / before / Address("/") / address
                    yield _route(code, framework, call, definition.methods[name], whole, said)


def _route(
    code: Codebase, framework: Framework, call: Call, method: FunctionDefinition, address: Address, methods: tuple[str, ...]
) -> Route:
    stated = arguments(call)
    bare = not text_of(stated.get("0", stated.get("path")))  # then it is the address of the class, without a slash behind it
    return Route(
        (address.rooted.rstrip("/") or "/") if bare else address.rooted,
        methods,
        code.place(method.path, call),
        method.owner.qualified if method.owner is not None else method.qualified,
        method.node.name,
        address.parameters,
        framework=framework.framework,
    )


def _marks(code: Codebase, words: Attributes, path: str, decorators: tuple[Node, ...]) -> list[tuple[Call, tuple[str, ...]]]:
    found = []
    for node in decorators:
        meant = code.resolve_node(path, node.callee) if isinstance(node, Call) else None
        if isinstance(node, Call) and isinstance(meant, External) and meant.name in words.marks:
            found.append((node, words.marks[meant.name]))
    return found


def _read(call: Call) -> list[Address]:
    """The address of an attribute; of one with an address for each language, the first."""
    given = arguments(call)
    stated = given.get("0", given.get("path"))
    shapes = {name: text_of(shape) for name, shape in items_of(given.get("requirements"))}
    match stated:
        case Other(word="dict", children=(Other(word="pair", children=(_, first)), *_)):
            stated = first
    if stated is None:
        return [Address("")]
    if not isinstance(stated, Text) or not isinstance(stated.value, str):
        return []
    address = braced(stated.value)
    told = (Parameter(p.name, kind_of(shapes[p.name])) if shapes.get(p.name) else p for p in address.parameters)
    return [Address(address.path, tuple(told))]


# -- configurations ----------------------------------------------------------------------------------------------------


def _entries(path: str, facts: FileFacts) -> Iterator[_Entry]:
    """The entries of a configuration of routes: what has a resource, or a path with a controller."""
    if facts.language != "yaml" or "route" not in path or "config/" not in f"/{path}" or not is_product(path):
        return
    named: dict[str, dict[str, Setting]] = defaultdict(dict)
    for setting in facts.settings:
        name, _, key = setting.key.partition(".")
        if not name.startswith("when@"):
            named[name][key] = setting
    stating = {"path", "resource", "resource.path"}
    yield from (_Entry(path, keys) for keys in named.values() if stating & keys.keys())


def _resources(entries: list[_Entry]) -> Iterator[tuple[str, str]]:
    """The folder or file of each resource with attributes, and the prefix of all that is in it."""
    for entry in entries:
        resource = entry.text("resource.path") or entry.text("resource")
        kind = entry.text("type")
        if resource and (not kind or kind in ("attribute", "annotation")) and not resource.startswith("@"):
            prefix = entry.text("prefix") or next((s.value for k, s in entry.keys.items() if k.startswith("prefix.")), "")
            yield _joined(entry.path, resource), prefix


def _joined(path: str, resource: str) -> str:
    parts = path.split("/")[:-1]
    for part in resource.removesuffix("*").split("/"):
        if part == ".." and parts:
            parts.pop()
        elif part not in ("", ".", ".."):
            parts.append(part)
    return "/".join(parts)


def _resource(resources: Mapping[str, str], path: str) -> str:
    """The prefix of the nearest resource that a file is in."""
    found = [r for r in resources if path == r or path.startswith(f"{r}/")]
    return resources[max(found, key=len)] if found else ""


def _configured(code: Codebase, framework: Framework, entry: _Entry) -> Iterator[Route]:
    """What an entry states itself: a path, and the controller that answers it."""
    stated = entry.keys.get("path")
    controller = entry.text("controller") or entry.text("defaults._controller")
    if stated is None or not stated.value.startswith("/") or not controller:
        return
    name, _, action = controller.partition("::")
    definition = code.php_class(name.lstrip(PHP_SEPARATOR))
    listed = [s.value.upper() for k, s in entry.keys.items() if k == "methods" or k.startswith("methods.")]
    address = braced(stated.value)
    yield Route(
        address.rooted,
        tuple(m for one in listed for m in one.split("|") if m),
        Place(entry.path, code.files[entry.path].span(stated.start, stated.end)),
        definition.qualified if definition is not None else name,
        action or "__invoke",
        address.parameters,
        framework=framework.framework,
    )
