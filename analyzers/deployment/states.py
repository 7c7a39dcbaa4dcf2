"""State that is kept in one process or on one disk: sessions, caches and rate limits, by what settings say of them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import cache
from importlib import resources
from typing import Literal, NamedTuple

import msgspec

from analyzers.deployment.configurations import said
from analyzers.deployment.kept import states as kept_by_calls
from analyzers.deployment.uses import OTHER_USE
from analyzers.deployment.values import State
from analyzers.deployment.variables import resolved
from analyzers.facts.outline import Assign, Class, Name, Node, Other, Return, Text
from analyzers.facts.store import FileFacts
from analyzers.model.naming.code import Codebase
from analyzers.model.naming.definitions import statements
from analyzers.model.naming.looked import Importing
from analyzers.model.naming.roles import is_product
from analyzers.source import Place


class Local(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A setting that keeps state local, as `states.yml` states it."""

    key: str
    value: str
    kind: str
    kept: Literal["process", "disk"]
    remedy: str
    certain: bool = False  # told only where a second process or disk is stated
    by_cache: bool = False  # it is kept where the cache is


class Stated(NamedTuple):
    """One scalar of a configuration, whatever its format: `CACHES.default.BACKEND`."""

    path: str
    key: str
    value: str
    place: Place


@cache
def _known() -> tuple[tuple[re.Pattern[str], re.Pattern[str], Local], ...]:
    found = msgspec.yaml.decode(resources.files(__package__).joinpath("states.yml").read_bytes(), type=tuple[Local, ...])
    return tuple((re.compile(x.key), re.compile(x.value, re.IGNORECASE), x) for x in found)


_CLASS_OF_OTHER_USE = re.compile(r"Dev|Test|Local|Debug", re.IGNORECASE)
_PHP_CONFIG = re.compile(r"(?:.*/)?config/(?P<name>\w+)\.php")
_ENVIRONMENT = re.compile(r"(?:.*/)?\.env(?:\.(?:example|dist|prod|production|sample))?")
_PYTHON_CONFIG = re.compile(r"(?:^|[/_])(?:settings|config|configuration|conf|default)(?:[/_.]|$)", re.IGNORECASE)


def states(code: Codebase, variables: Mapping[str, str]) -> Iterator[State]:
    """The state that the product's settings keep local, but for what another setting of the product keeps elsewhere.
    `variables` are those that the deployment sets."""
    found: dict[tuple[str, str], list[tuple[Stated, Local | None]]] = {}
    for stated in all_stated(code):
        value = resolved(stated.value, variables)
        fitting = [local for key, _, local in _known() if key.fullmatch(stated.key)]
        if fitting:
            local = next((x for key, shape, x in _known() if key.fullmatch(stated.key) and shape.fullmatch(value)), None)
            found.setdefault((fitting[0].kind, fitting[0].remedy), []).append((stated, local))
    caches = next((x for (kind, _), x in found.items() if kind == "cache"), [])
    local_cache = [local for _, local in caches if local is not None]
    in_cache = any(local is not None and local.by_cache for several in found.values() for _, local in several)
    for (kind, remedy), several in found.items():
        locals_ = [(s, local) for s, local in several if local is not None]
        if locals_ and len(locals_) == len(several):
            first = locals_[0][1]
            if kind == "cache" and in_cache:
                continue  # told of with the sessions that are kept there
            if first.by_cache and (not local_cache or len(local_cache) != len(caches)):
                continue
            kept = local_cache[0].kept if first.by_cache else first.kept
            also = tuple(s.place for s, _ in caches) if first.by_cache else ()
            places = (*(s.place for s, _ in locals_), *also)
            yield State(kind, kept, locals_[0][0].key, places, remedy, certain=first.certain)
    yield from kept_by_calls(code, frozenset(s.key.rpartition(".")[2] for some in found.values() for s, _ in some))
    if not any(kind == "cache" and remedy == "django-cache" for kind, remedy in found):
        yield from _absent(code)


def all_stated(code: Codebase) -> Iterator[Stated]:
    """Every scalar of the product's configurations."""
    for path, facts in code.files.items():
        if not is_product(path) or OTHER_USE.search(path):
            continue
        match facts.language:
            case "python" if _PYTHON_CONFIG.search(path):
                yield from _python(path, facts)
            case "php" if named := _PHP_CONFIG.fullmatch(path):
                for node in facts.outline:
                    if isinstance(node, Return) and node.value is not None:
                        yield from _flat(path, facts, named["name"], node.value, (node.start, node.end))
            case "yaml" if "/packages/" in path or path.startswith("config/") or "/config/" in path:
                yield from (Stated(path, s.key, s.value, Place(path, facts.span(s.start, s.end))) for s in facts.settings)
            case "env" if _ENVIRONMENT.fullmatch(path):
                yield from (Stated(path, s.key, s.value, Place(path, facts.span(s.start, s.end))) for s in facts.settings)


def _python(path: str, facts: FileFacts) -> Iterator[Stated]:
    for node in statements(facts.outline):
        match node:
            case Assign(target=Name(id=name), value=value) if value is not None:
                yield from _flat(path, facts, name, value, (node.start, node.end))
            case Assign(target=Other(word="item", children=(Name(id=name), Text(value=str() as part))), value=value) if value:
                yield from _flat(path, facts, f"{name}.{part}", value, (node.start, node.end))
            case Class(name=owner, body=body) if not _CLASS_OF_OTHER_USE.search(owner):
                for inner in statements(body):
                    if isinstance(inner, Assign) and isinstance(inner.target, Name) and inner.value is not None:
                        yield from _flat(path, facts, inner.target.id, inner.value, (inner.start, inner.end))


def _flat(path: str, facts: FileFacts, key: str, value: Node, at: tuple[int, int]) -> Iterator[Stated]:
    match value:
        case Other(word="dict", children=pairs):
            for pair in pairs:
                match pair:
                    case Other(word="pair", children=(Text(value=str() as name), inner)):
                        yield from _flat(path, facts, f"{key}.{name}", inner, (pair.start, pair.end))
        case Name(id=named) if key.count(".") == 1 and facts.language == "python":
            for node in statements(facts.outline):  # a dictionary that stands above, by its name
                match node:
                    case Assign(target=Name(id=above), value=Other(word="dict") as meant) if above == named:
                        yield from _flat(path, facts, key, meant, (node.start, node.end))
        case _:
            yield Stated(path, key, said(value), Place(path, facts.span(*at)))


def _absent(code: Codebase) -> Iterator[State]:
    """Django keeps its cache in the process where the settings do not say; that matters where something uses it."""
    used = next((p for p in code.files if is_product(p) and _uses_cache(code, p)), None)
    if used is None:
        return
    for path, facts in code.files.items():
        if facts.language != "python" or not is_product(path) or OTHER_USE.search(path) or "settings" not in path:
            continue
        stated = {n.target.id: n for n in statements(facts.outline) if isinstance(n, Assign) and isinstance(n.target, Name)}
        if "INSTALLED_APPS" in stated and "MIDDLEWARE" in stated and "CACHES" not in stated:
            code.look_over(used)
            uses = next(i for i in code.files[used].imports if i.path.startswith("django.core.cache"))
            places = (code.place(path, stated["MIDDLEWARE"]), Place(used, code.files[used].span(uses.start, uses.start + 1)))
            yield State("cache", "process", "CACHES", places, "django-cache", absent=True)
            return


_CACHE = Importing.of({"django.core.cache"})


def _uses_cache(code: Codebase, path: str) -> bool:
    return code.files[path].language == "python" and code.imports(path, _CACHE, inside=True)
