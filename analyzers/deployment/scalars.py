"""The scalars of a product's configurations, whatever their format: `CACHES.default.BACKEND`, `SESSION_DRIVER`."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from analyzers.deployment.configurations import said
from analyzers.deployment.uses import OTHER_USE
from analyzers.facts.outline import Assign, Call, Class, Member, Name, Node, Other, Return, Text, walk
from analyzers.facts.store import FileFacts
from analyzers.model.naming.code import Codebase
from analyzers.model.naming.definitions import statements
from analyzers.model.naming.looked import Importing
from analyzers.model.naming.roles import is_product
from analyzers.source import Place


class Stated(NamedTuple):
    """One scalar of a configuration."""

    path: str
    key: str
    value: str
    place: Place


_CLASS_OF_OTHER_USE = re.compile(r"Dev|Test|Local|Debug", re.IGNORECASE)
_PHP_CONFIG = re.compile(r"(?:.*/)?config/(?P<name>\w+)\.php")
_ENVIRONMENT = re.compile(r"(?:.*/)?\.env(?:\.(?:example|dist|prod|production|sample))?")
_PYTHON_CONFIG = re.compile(r"(?:^|[/_])(?:settings|config|configuration|conf|default)(?:[/_.]|$)", re.IGNORECASE)
_RAILS_CONFIG = re.compile(r"(?:.*/)?config/(?:application|environments/production|initializers/\w+)\.rb")
_APPLICATIONS = Importing.of({"flask.Flask", "quart.Quart", "flask_caching", "flask_session"})
"""What makes applications whose configuration may be written where they are made."""
_WRITES = ("update", "from_mapping")


def scalars(code: Codebase) -> Iterator[Stated]:
    """All that the product's configurations state, but for those of development and tests."""
    for path, facts in code.files.items():
        if not is_product(path) or OTHER_USE.search(path):
            continue
        match facts.language:
            case "python":
                if _PYTHON_CONFIG.search(path):
                    yield from _python(path, facts)
                if code.imports(path, _APPLICATIONS, inside=True):
                    code.look_over(path)
                    yield from _of_applications(path, facts)
            case "php" if named := _PHP_CONFIG.fullmatch(path):
                for node in facts.outline:
                    if isinstance(node, Return) and node.value is not None:
                        yield from _flat(path, facts, named["name"], node.value, (node.start, node.end))
            case "ruby" if _RAILS_CONFIG.fullmatch(path):
                yield from _rails(path, facts)
            case "yaml" if "/packages/" in path or path.startswith("config/") or "/config/" in path:
                yield from _settings(path, facts)
            case "env" if _ENVIRONMENT.fullmatch(path):
                yield from _settings(path, facts)
            case "ini" if path.endswith(".ini"):
                yield from _settings(path, facts)


def _settings(path: str, facts: FileFacts) -> Iterator[Stated]:
    return (Stated(path, s.key, s.value, Place(path, facts.span(s.start, s.end))) for s in facts.settings)


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


def _of_applications(path: str, facts: FileFacts) -> Iterator[Stated]:
    """What is written into `app.config`, or handed to an extension as its `config`."""
    for node in (n for top in facts.outline for n in walk(top)):
        match node:
            case Assign(target=Other(word="item", children=(of, Text(value=str() as key))), value=value) if (
                value is not None and _is_config(of)
            ):
                yield from _flat(path, facts, key, value, (node.start, node.end))
            case Call(callee=Member(of=of, name=name), args=args, keywords=keywords) if name in _WRITES and _is_config(of):
                for keyword in keywords:
                    yield from _flat(path, facts, keyword.name, keyword.value, (keyword.value.start, keyword.value.end))
                for given in args:
                    yield from _pairs(path, facts, given)
            case Call(keywords=keywords):
                for keyword in keywords:
                    if keyword.name == "config":
                        yield from _pairs(path, facts, keyword.value)


def _is_config(node: Node) -> bool:
    return isinstance(node, Member) and node.name == "config"


def _pairs(path: str, facts: FileFacts, node: Node) -> Iterator[Stated]:
    for pair in node.children if isinstance(node, Other) and node.word == "dict" else ():
        match pair:
            case Other(word="pair", children=(Text(value=str() as key), value)):
                yield from _flat(path, facts, key, value, (pair.start, pair.end))


def _rails(path: str, facts: FileFacts) -> Iterator[Stated]:
    """`config.cache_store = :file_store, "tmp"` is `config.cache_store`, `file_store`."""
    for node in (n for top in facts.outline for n in walk(top)):
        match node:
            case Assign(target=Call() | Member() as target, value=value) if value is not None:
                several = isinstance(value, Other) and value.word.endswith("list") and value.children
                first = value.children[0] if isinstance(value, Other) and several else value
                yield Stated(path, _chain(target), said(first), Place(path, facts.span(node.start, node.end)))


def _chain(node: Node) -> str:
    """`config.active_storage.service`, each of whose parts is a call in Ruby."""
    match node:
        case Call(callee=callee, args=()):
            return _chain(callee)
        case Member(of=of, name=name):
            return f"{_chain(of)}.{name}"
        case Name(id=name):
            return name
    return ""


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
