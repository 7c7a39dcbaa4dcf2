"""State that a call keeps in its process: limiters, servers of WebSockets, schedulers and caches, by `kept.yml`."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import cache
from importlib import resources
from typing import Literal

import msgspec

from analyzers.deployment.uses import OTHER_USE
from analyzers.deployment.values import State
from analyzers.facts.outline import Assign, Call, Class, Function, Member, Name, Node, Text, dotted, walk
from analyzers.facts.store import FileFacts
from analyzers.model.naming.code import Codebase
from analyzers.model.naming.definitions import PHP_SEPARATOR, External, statements
from analyzers.model.naming.looked import Importing
from analyzers.model.naming.roles import is_batch, is_product
from analyzers.source import Place


class Kept(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A call that keeps state, as `kept.yml` states it. `web`: it matters in a file that also makes a web application."""

    kind: str
    remedy: str
    kept: Literal["process", "disk"] = "process"
    unless: tuple[str, ...] = ()
    setting: str = ""
    certain: bool = False
    web: bool = False
    anywhere: bool = False


@cache
def _known() -> Mapping[str, Kept]:
    return msgspec.yaml.decode(resources.files(__package__).joinpath("kept.yml").read_bytes(), type=dict[str, Kept])


_WEB = frozenset({"flask", "fastapi", "starlette", "quart"})


def states(code: Codebase, stated: frozenset[str]) -> Iterator[State]:
    """The state that calls of the product keep, each kind once for the name it belongs to. `stated` are the settings that say
    where something is kept, of whatever kind."""
    packages = Importing.of({name.partition(".")[0] for name in _known() if PHP_SEPARATOR not in name} | {"asyncache"})
    classes = Importing.of(name for name in _known() if PHP_SEPARATOR in name)
    found: dict[tuple[str, str, str, str], list[Place]] = {}
    for path, facts in code.files.items():
        if not is_product(path) or is_batch(path) or OTHER_USE.search(path):
            continue
        if facts.language == "php" and code.imports(path, classes, inside=True):
            code.look_over(path)
            yield from _of_php(code, path)
        if facts.language != "python" or not code.imports(path, packages, inside=True):
            continue
        code.look_over(path)
        imported = {i.path.partition(".")[0] for i in facts.imports}
        keywords = {k.name for n in _nodes(facts) if isinstance(n, Call) for k in n.keywords if not _is_nothing(k.value)}
        lasting = list(_lasting(facts))
        others = [(path, n) for n in _nodes(facts) if isinstance(n, Call) and not any(n is known for _, known in lasting)]
        for owner, node in (*lasting, *others):
            called = code.resolve_node(path, node.callee if isinstance(node, Call) else node)
            kept = _known().get(called.name) if isinstance(called, External) else None
            if kept is None or not isinstance(called, External) or not keywords.isdisjoint(kept.unless):
                continue
            if owner == path and not kept.anywhere:
                continue
            if (kept.setting and any(re.fullmatch(kept.setting, s) for s in stated)) or (
                kept.web and _WEB.isdisjoint(imported)
            ):
                continue
            name = called.name.rpartition(".")[2]
            found.setdefault((f"{path}: {owner}", kept.kind, kept.remedy, name), []).append(code.place(path, node))
    for (owner, kind, remedy, name), places in found.items():
        certain = any(k.certain for k in _known().values() if k.kind == kind)
        yield State(kind, "process", name, tuple(places), remedy, of=owner, certain=certain)


def _of_php(code: Codebase, path: str) -> Iterator[State]:
    """The state that objects keep which a PHP file makes."""
    for node in _nodes(code.files[path]):
        if isinstance(node, Call) and isinstance(node.callee, Name):
            made = code.resolve_node(path, node.callee)
            kept = _known().get(made.name) if isinstance(made, External) else None
            if kept is not None:
                yield State(kept.kind, kept.kept, node.callee.id, (code.place(path, node),), kept.remedy, of=path)


def _is_nothing(node: Node) -> bool:
    return isinstance(node, Text) and (node.value is None or str(node.value).startswith("memory:"))


def _nodes(facts: FileFacts) -> Iterator[Node]:
    return (n for top in facts.outline for n in walk(top))


def _lasting(facts: FileFacts) -> Iterator[tuple[str, Call | Name | Member]]:
    """The calls whose result lasts as long as the process, each with the name it belongs to: of a module's own statements, of
    decorators, and of a function that makes the application; and what such a statement hands to a function that makes
    decorators of it."""
    for node in statements(facts.outline):
        match node:
            case Assign(target=Name(id=name), value=value) if value is not None:
                for call in _calls(value):
                    yield name, call
                    yield from ((name, given) for given in call.args if isinstance(given, Name | Member))
            case Function(name=name, body=body):
                yield from _decorating(node, name)
                if name in ("create_app", "make_app", "get_app"):
                    yield from ((name, c) for statement in body for c in _calls(statement))
            case Class(name=outer, body=body):
                for inner in statements(body):
                    match inner:
                        case Function():
                            yield from _decorating(inner, f"{outer}.{inner.name}")
                        case Assign(target=Name(id=name), value=value) if value is not None:
                            yield from ((f"{outer}.{name}", c) for c in _calls(value))


def _decorating(function: Function, name: str) -> Iterator[tuple[str, Call]]:
    """The calls in the decorators of a function, unless it asks another cache itself: then they stand before a shared one."""
    inside = (c for statement in function.body for c in _calls(statement))
    if not any("cache" in dotted(c.callee).lower() for c in inside):
        yield from ((name, c) for d in function.decorators for c in _calls(d))


def _calls(node: Node) -> Iterator[Call]:
    return (n for n in walk(node) if isinstance(n, Call))
