"""Entries that are told elsewhere than where they stand: by lists of addresses, of middleware, and by configurations."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence

from analyzers.deployment.scalars import Stated
from analyzers.facts.outline import Assign, Name, Text, walk
from analyzers.knowledge import libraries
from analyzers.knowledge.derived import derived
from analyzers.knowledge.handlers import Handlers
from analyzers.model.inference.members import module_name
from analyzers.model.naming.code import Codebase
from analyzers.model.naming.definitions import ClassDefinition, FunctionDefinition, statements
from analyzers.model.naming.roles import is_product
from analyzers.model.ways import Entry, Function
from analyzers.routing.values import Route
from analyzers.source import Place

_handlers = derived(lambda: tuple((library.language, words) for library in libraries() for words in library.handlers))
_settings = derived(lambda: tuple((language, words) for language, words in _handlers() if words.settings))
_named = derived(lambda: frozenset(name for _, words in _settings() for name in words.settings))
_keys = derived(lambda: {key: words for _, words in _handlers() for key in words.keys})
_CALLED = ("__invoke", "__call__", "get", "post", "put", "patch", "delete")


def entries(code: Codebase, routes: Sequence[Route], stated: Iterable[Stated], known: Collection[Function]) -> Iterator[Entry]:
    """What the routes, the settings and the configurations of a revision say that is called, but for what is `known` to be."""
    return (entry for entry in _entries(code, routes, stated) if entry.function not in known)


def _entries(code: Codebase, routes: Sequence[Route], stated: Iterable[Stated]) -> Iterator[Entry]:
    classes = {c.qualified: c for c in code.php_classes()}
    for route in routes:
        definition = classes.get(route.handler)
        if definition is not None:
            yield from _methods(definition, (route.action,) if route.action else _CALLED, route.place, code)
        elif not route.handler:
            module = module_name(code, route.place.path)
            yield Entry("request", Function(route.place.path, module), route.place)
    yield from _listed(code)
    for one in stated:
        words = _keys().get(one.key.rpartition(".")[2])
        name, _, action = one.value.lstrip("\\").replace("::", ":").partition(":")
        definition = classes.get(name) if words is not None else None
        if words is not None and definition is not None:
            yield from _methods(definition, (action.lstrip(":"),) if action else words.called, one.place, code)


def _methods(definition: ClassDefinition, names: Iterable[str], place: Place, code: Codebase) -> Iterator[Entry]:
    for name in names:
        method = code.method(definition, name)
        if method is not None and is_product(method.path):
            yield Entry("request", Function(method.path, method.qualified), place)


def _listed(code: Codebase) -> Iterator[Entry]:
    """The classes and functions that settings list: `MIDDLEWARE = ["shop.middleware.Counted"]`."""
    for path, facts in code.files.items():
        words = [w for language, w in _settings() if language == facts.language]
        if not words or "settings" not in path or not is_product(path) or not facts.may_say(_named()):
            continue
        for node in statements(facts.outline):
            match node:
                case Assign(target=Name(id=name), value=value) if value is not None:
                    for one in (w for w in words if name in w.settings):
                        for text in (n for n in walk(value) if isinstance(n, Text) and isinstance(n.value, str)):
                            yield from _of_name(code, path, text, one)


def _of_name(code: Codebase, path: str, text: Text, words: Handlers) -> Iterator[Entry]:
    place = code.place(path, text)
    match code.named(str(text.value), path):
        case ClassDefinition() as definition:
            yield from _methods(definition, words.called, place, code)
        case FunctionDefinition() as definition if is_product(definition.path):
            yield Entry(words.kind, Function(definition.path, definition.qualified), place)
