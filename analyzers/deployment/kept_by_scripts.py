"""State that a call of a script keeps in its process: sessions, limiters, sockets, schedulers, by `kept_by_scripts.yml`."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import cache
from importlib import resources
from typing import Literal

import msgspec

from analyzers.deployment.uses import OTHER_USE
from analyzers.deployment.values import State
from analyzers.facts.outline import Assign, Call, Member, Name, Node, Other, Text, children
from analyzers.model.inference.scripts.values import Scope
from analyzers.model.naming.code import Codebase
from analyzers.model.naming.definitions import SCRIPTS, External, ValueDefinition
from analyzers.model.naming.looked import Importing
from analyzers.model.naming.roles import is_batch, is_product
from analyzers.source import Place


class Kept(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A call that keeps state, as `kept_by_scripts.yml` states it. `web`: it matters in a script that also makes a web
    application; `needs`: only with one of these options."""

    kind: str
    remedy: str
    kept: Literal["process", "disk"] = "process"
    unless: tuple[str, ...] = ()
    options: int = 0
    needs: tuple[str, ...] = ()
    handed: bool = False
    elsewhere: tuple[str, ...] = ()
    beside: tuple[str, ...] = ()
    says: tuple[str, ...] = ()
    web: bool = False
    certain: bool = False


@cache
def _known() -> Mapping[str, Kept]:
    source = resources.files(__package__).joinpath("kept_by_scripts.yml").read_bytes()
    return msgspec.yaml.decode(source, type=dict[str, Kept])


_WEB = Importing.of((), ("express#", "fastify#", "koa#", "hono#", "next#", "http#"))
_INSTALLS = re.compile(r"(?:^|/)(?:install\w*|setup)(?:/|\.)", re.IGNORECASE)
_DEVELOPMENT = re.compile(r"NODE_ENV|\bdev|DEV\b|development", re.ASCII)


def states(code: Codebase) -> Iterator[State]:
    """The state that calls of scripts keep, each kind once for a script."""
    modules = {_module(name) for name in _known()}
    asked = Importing.of((), tuple(sorted(f"{module}#" for module in modules)))
    for path, facts in code.files.items():
        if facts.language not in SCRIPTS or not is_product(path) or is_batch(path) or OTHER_USE.search(path):
            continue
        if _INSTALLS.search(path):
            continue
        if not code.imports(path, asked, inside=True):
            continue
        code.look_over(path)
        found: dict[tuple[str, str, str], list[Place]] = {}
        for name, kept, call, options in _calls(code, path):
            if _is_meant(code, path, kept, options):
                found.setdefault((kept.kind, kept.remedy, name), []).append(code.place(path, call))
        for (kind, remedy, name), places in found.items():
            kept = next(k for k in _known().values() if (k.kind, k.remedy) == (kind, remedy))
            yield State(kind, kept.kept, name, tuple(places), remedy, of=path, certain=kept.certain)


def _module(name: str) -> str:
    """The module of a full name: `socket.io` of `socket.io.Server`."""
    parts = name.split(".")
    return ".".join([parts[0], *(p for p in parts[1:] if p == "io")])


def _calls(code: Codebase, path: str) -> Iterator[tuple[str, Kept, Call, Node | None]]:
    """The calls of what is known, each with what is said of it, its short name and its options."""
    scope = Scope(code, path)
    stack: list[tuple[Node, bool]] = [(node, False) for node in reversed(code.files[path].outline)]
    while stack:
        node, aside = stack.pop()
        if isinstance(node, Call) and not aside:
            yield from _known_call(scope, node)
        stack.extend((child, aside or _is_aside(node, child)) for child in reversed(children(node)))


def _known_call(scope: Scope, node: Call) -> Iterator[tuple[str, Kept, Call, Node | None]]:
    if isinstance(node.callee, Member) and node.callee.name in ("register", "use") and node.args:
        found = scope.meaning(node.args[0]) if isinstance(node.args[0], Name) else None
        kept = _known().get(found.name) if isinstance(found, External) else None
        if kept is not None and kept.handed and isinstance(found, External):
            yield found.name.rpartition("/")[2], kept, node, node.args[1] if len(node.args) > 1 else None
    elif isinstance(node.callee, Name | Member):
        found = scope.meaning(node.callee)
        kept = _known().get(found.name) if isinstance(found, External) else None
        if kept is not None and not kept.handed and isinstance(found, External):
            at = kept.options if kept.options >= 0 else len(node.args) + kept.options
            yield _short(found.name), kept, node, node.args[at] if 0 <= at < len(node.args) else None


def _short(name: str) -> str:
    module = _module(name)
    return name.removeprefix(module).lstrip(".") or module


def _is_aside(node: Node, child: Node) -> bool:
    """Whether something is only done in development, or in the place of what failed."""
    match node:
        case Other(word="if" | "?:", children=(test, *_)) if child is not test:
            return any(_DEVELOPMENT.search(word) is not None for word in _words(test))
        case Other(word="pair", children=(Text(value="insuranceLimiter"), _)):
            return True
    return isinstance(node, Other) and node.word == "except"


def _words(node: Node) -> Iterator[str]:
    match node:
        case Name(id=word) | Member(name=word):
            yield word
        case Text(value=str() as word):
            yield word
    for child in children(node):
        yield from _words(child)


def _is_meant(code: Codebase, path: str, kept: Kept, options: Node | None) -> bool:
    """Whether nothing says that it is kept elsewhere."""
    facts = code.files[path]
    if kept.web and not code.imports(path, _WEB, inside=True):
        return False
    if (kept.says and not facts.may_say(kept.says)) or (kept.beside and facts.may_say(kept.beside)):
        return False
    if kept.elsewhere and _is_imported(code, kept.elsewhere):
        return False
    if not kept.unless and not kept.needs:
        return True
    keys = _keys(code, path, options, kept.unless)
    return keys is not None and keys.isdisjoint(kept.unless) and (not kept.needs or not keys.isdisjoint(kept.needs))


def _is_imported(code: Codebase, modules: tuple[str, ...]) -> bool:
    question = Importing.of((), tuple(f"{module}#" for module in modules))
    scripts = [path for path, facts in code.files.items() if facts.language in SCRIPTS]
    return any(code.imports(path, question, inside=True) for path in scripts)


def _keys(code: Codebase, path: str, options: Node | None, unless: tuple[str, ...]) -> frozenset[str] | None:
    """The options that are given; nothing, if that cannot be told."""
    match options:
        case None:
            return frozenset()
        case Other(word="list", children=(first, *_)):
            return _keys(code, path, first, unless)
        case Other(word="dict", children=parts):
            keys: set[str] = set()
            for part in parts:
                match part:
                    case Other(word="pair", children=(Text(value=str() as key), _)):
                        keys.add(key)
                    case _:
                        return None
            return frozenset(keys)
        case Name(id=name) if not code.files[path].may_say(unless):
            found = code.resolve(path, name)
            if isinstance(found, ValueDefinition) and found.path == path and isinstance(found.node, Assign):
                return _keys(code, path, found.node.value, unless) if not isinstance(found.node.value, Name) else None
    return None
