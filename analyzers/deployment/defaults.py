"""State that is kept local because nothing says otherwise: Django's cache and uploads, PHP's sessions."""

from __future__ import annotations

import re
from collections.abc import Iterator

from analyzers.deployment.uses import OTHER_USE
from analyzers.deployment.values import State
from analyzers.facts.outline import Assign, Call, Class, Member, Name, Text, walk
from analyzers.facts.store import FileFacts
from analyzers.model.naming.code import Codebase
from analyzers.model.naming.definitions import statements
from analyzers.model.naming.looked import Importing
from analyzers.model.naming.roles import is_product
from analyzers.source import Place


def states(code: Codebase, told: frozenset[str], *, several_disks: bool) -> Iterator[State]:
    """What frameworks keep local by their defaults, but for those that settings speak of (`told`, by their remedies). What they
    keep on a disk matters where there are several."""
    if "django-cache" not in told:
        yield from _cache(code)
    if several_disks and "django-upload" not in told:
        yield from _uploads(code)
    if several_disks:
        yield from _sessions(code)


# -- Django's cache ----------------------------------------------------------------------------------------------------

_CACHE = Importing.of({"django.core.cache", "django.views.decorators.cache.cache_page"})
_LIMITS = Importing.of({"rest_framework.throttling", "django_ratelimit", "ratelimit.decorators"})
_THROTTLES = "rest_framework.throttling."


def _cache(code: Codebase) -> Iterator[State]:
    """Django keeps its cache in the process where the settings do not say; that matters where something uses it."""
    settings = next(_settings(code, "CACHES"), None)
    if settings is None:
        return
    _, place = settings
    if (used := next(_users(code, _CACHE), None)) is not None:
        yield State("cache", "process", "CACHES", (place, used), "django-cache", absent=True, limits=tuple(limits(code))[:2])
    elif counted := tuple(limits(code))[:3]:
        yield State("rate limit", "process", "CACHES", (place, *counted), "django-cache", absent=True)


def limits(code: Codebase) -> Iterator[Place]:
    """Where limits on requests are set that count in Django's cache."""
    yield from _users(code, _LIMITS)
    for path, facts in code.files.items():
        if facts.language == "python" and "settings" in path and is_product(path) and not OTHER_USE.search(path):
            for node in (n for top in facts.outline for n in walk(top)):
                match node:
                    case Text(value=str() as text) if text.startswith(_THROTTLES):
                        yield code.place(path, node)
                        break


def _users(code: Codebase, modules: Importing) -> Iterator[Place]:
    """The first import of one of these in each file of the product."""
    for path, facts in code.files.items():
        if facts.language == "python" and is_product(path) and code.imports(path, modules, inside=True):
            code.look_over(path)
            uses = next(i for i in facts.imports if modules.answer((i,)))
            yield Place(path, facts.span(uses.start, uses.start + 1))


def _settings(code: Codebase, *without: str) -> Iterator[tuple[str, Place]]:
    """The settings of a Django project of which none states these names, each with the place of its middleware."""
    found = [
        (path, _assigned(facts))
        for path, facts in code.files.items()
        if facts.language == "python" and "settings" in path and is_product(path) and not OTHER_USE.search(path)
    ]
    if all(stated.keys().isdisjoint(without) for _, stated in found):
        for path, stated in found:
            if "INSTALLED_APPS" in stated and "MIDDLEWARE" in stated:
                yield path, code.place(path, stated["MIDDLEWARE"])


def _assigned(facts: FileFacts) -> dict[str, Assign]:
    return {n.target.id: n for n in statements(facts.outline) if isinstance(n, Assign) and isinstance(n.target, Name)}


# -- Django's uploads --------------------------------------------------------------------------------------------------

_MODELS = Importing.of({"django.db"})
_FILES = ("FileField", "ImageField")


def _uploads(code: Codebase) -> Iterator[State]:
    """Django keeps uploads in a folder where the settings name no storage; that matters where a model has files."""
    settings = next(_settings(code, "STORAGES", "DEFAULT_FILE_STORAGE"), None)
    if settings is None:
        return
    path, _ = settings
    root = _assigned(code.files[path]).get("MEDIA_ROOT")
    field = next(_fields(code), None) if root is not None else None
    if root is not None and field is not None:
        yield State("upload", "disk", "MEDIA_ROOT", (code.place(path, root), field), "django-upload", certain=True)


def _fields(code: Codebase) -> Iterator[Place]:
    """The fields of models that hold files, wherever they do not name a storage."""
    for path, facts in code.files.items():
        if facts.language != "python" or not is_product(path) or not code.imports(path, _MODELS):
            continue
        for node in (m for n in statements(facts.outline) if isinstance(n, Class) for m in statements(n.body)):
            match node:
                case Assign(value=Call(callee=Member(name=name), keywords=keywords)) if name in _FILES:
                    if all(k.name != "storage" for k in keywords):
                        yield code.place(path, node)


# -- PHP's sessions ----------------------------------------------------------------------------------------------------

_HANDLERS = ("session_set_save_handler", "session_module_name")
_HANDLER = re.compile(r"session\.save_handler\W+(?!files)\w", re.IGNORECASE)
_SETTING = re.compile(r"session\.save_handler", re.IGNORECASE)


def _sessions(code: Codebase) -> Iterator[State]:
    """PHP keeps sessions in files where neither its configuration nor the code names another handler."""
    for facts in code.files.values():
        for setting in facts.settings:
            if _SETTING.search(setting.key) and setting.value.strip("\"' ").lower() != "files":
                return
            if _HANDLER.search(setting.value):
                return
    code.look_for(r"\.php$")
    started: list[Place] = []
    for path, facts in code.files.items():
        if facts.language != "php" or not is_product(path):
            continue
        for node in (n for top in facts.outline for n in walk(top)):
            match node:
                case Call(callee=Name(id=name)) if name in _HANDLERS:
                    return
                case Call(callee=Name(id="ini_set"), args=(Text(value=str() as key), *_)) if _SETTING.search(key):
                    return
                case Call(callee=Name(id="session_start")) if not started:
                    started.append(code.place(path, node))
    if started:
        yield State("session", "disk", "session_start()", tuple(started), "php-session", certain=True)
