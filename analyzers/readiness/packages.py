"""Dependencies of a project, by the files that list them."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping

import msgspec

from analyzers.facts.outline import Call, walk
from analyzers.facts.store import FileFacts
from analyzers.model.naming.literals import last_name, texts_of
from analyzers.model.naming.roles import is_test
from analyzers.readiness.signals import Ecosystem
from analyzers.source import Place


class Packages(msgspec.Struct, frozen=True):
    """What is listed of one ecosystem, by name, and the files that list it; and those that could not be read."""

    listed: Mapping[str, Place]
    files: tuple[str, ...]
    unread: tuple[str, ...] = ()
    project: bool = False  # one of them says that it is a project, no library


_FILE: Mapping[Ecosystem, re.Pattern[str]] = {
    "python": re.compile(
        r"(?:.*/)?(?:requirements[\w.-]*\.(?:txt|in|pip)|requirements/[\w./-]+\.(?:txt|in|pip)|pyproject\.toml|Pipfile|setup\.py)"
    ),
    "php": re.compile(r"(?:.*/)?composer\.json"),
    "javascript": re.compile(r"(?:.*/)?package\.json"),
    "ruby": re.compile(r"(?:.*/)?Gemfile"),
}
_NAME = re.compile(r"[A-Za-z0-9][\w.-]*")
_FOR_DEVELOPMENT = re.compile(
    r"(?:^|[./_-])(?:dev|devel|develop|development|local|tests?|testing|docs?|lint|linting|ci|typing)(?:$|[./_-])",
    re.IGNORECASE,
)


def packages(files: Mapping[str, FileFacts], ecosystem: Ecosystem) -> Packages:
    """What a project depends on where it runs; what only development needs is left out."""
    named = [p for p in files if _FILE[ecosystem].fullmatch(p) and not is_test(p) and not _FOR_DEVELOPMENT.search(p)]
    listed: dict[str, Place] = {}
    read = _LISTED[ecosystem]
    for path in sorted(named, key=lambda p: (p.count("/"), p)):
        for name, start, end in read(files[path]):
            listed.setdefault(_plain(name), Place(path, files[path].span(start, end)))
    unread = tuple(p for p in named if files[p].problems)
    settings = [s for p in named for s in files[p].settings]
    project = any((s.key, s.value) in (("type", "project"), ("private", "true")) for s in settings)
    return Packages(listed, tuple(named), unread, project)


def _plain(name: str) -> str:
    return name.lower().replace("_", "-")


def called(listed: Packages, name: str) -> Place | None:
    """Where a package is listed."""
    return listed.listed.get(_plain(name))


def _python(facts: FileFacts) -> Iterator[tuple[str, int, int]]:
    if facts.language == "python":
        for call in (n for top in facts.outline for n in walk(top) if isinstance(n, Call)):
            if last_name(call.callee) == "setup":
                for keyword in call.keywords:
                    for text in (texts_of(keyword.value) or ()) if keyword.name == "install_requires" else ():
                        if found := _NAME.match(text):
                            yield found[0], keyword.value.start, keyword.value.end
        return
    for setting in facts.settings:
        parts = setting.key.split(".")
        match parts:
            case ["project", "dependencies", _] | ["project", "optional-dependencies", _, _] | ["dependency-groups", _, _]:
                wanted = setting.value
            case ["tool", "poetry", "dependencies", name, *_] | ["tool", "poetry", "group", _, "dependencies", name, *_]:
                wanted = name
            case ["packages", name, *_]:
                wanted = name
            case [name] if facts.language == "requirements":
                wanted = name
            case _:
                continue
        found = _NAME.match(wanted)
        if found and not _FOR_DEVELOPMENT.search(".".join(parts[1:-1])):
            yield found[0], setting.start, setting.end


def _php(facts: FileFacts) -> Iterator[tuple[str, int, int]]:
    yield from _of_section(facts, "require")


def _javascript(facts: FileFacts) -> Iterator[tuple[str, int, int]]:
    yield from _of_section(facts, "dependencies")


def _ruby(facts: FileFacts) -> Iterator[tuple[str, int, int]]:
    for setting in facts.settings:
        *groups, name = setting.key.split(".")
        if groups == ["gem"] or "production" in groups:
            yield name, setting.start, setting.end


def _of_section(facts: FileFacts, wanted: str) -> Iterator[tuple[str, int, int]]:
    for setting in facts.settings:
        section, _, name = setting.key.partition(".")
        if section == wanted and name:
            yield name, setting.start, setting.end


_LISTED: Mapping[Ecosystem, Callable[[FileFacts], Iterator[tuple[str, int, int]]]] = {
    "python": _python,
    "php": _php,
    "javascript": _javascript,
    "ruby": _ruby,
}
