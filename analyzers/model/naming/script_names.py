"""How scripts find each other: by relative paths, by the names of the packages of a workspace, by what stands for a root.

An import that is relative finds a file or nothing. One of a package that the repository holds finds a file of that. What begins
with `@/`, `~/` or `#` stands for a folder that a configuration names: the file nearest to the importer whose path ends so is
meant. The rest belongs to libraries.
"""

from __future__ import annotations

import posixpath
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from functools import cached_property

from analyzers.facts.outline import Assign, Class, Function, Member, Name, Node, Other, Text
from analyzers.facts.store import FileFacts
from analyzers.model.naming.definitions import (
    SCRIPTS,
    Definition,
    FunctionDefinition,
    Module,
    ValueDefinition,
    shared,
    statements,
)

EVERY, WHOLE = "*", "="
"""What an import takes that takes no name: all names of a module under one, and whatever `require` gives."""

_END = re.compile(r"\.[mc]?[jt]sx?$")
_ALIAS = re.compile(r"^(?:[@~#]/|[~#](?=\w))")
_IN_FOLDERS = ("", "src/", "lib/")
_DEPENDENCIES = re.compile(r"(?:dev|peer|optional)?[dD]ependencies\.(.+)")


class Scripts:
    """The scripts of a revision by their paths without endings, and the packages that it holds by their names."""

    def __init__(self, files: Mapping[str, FileFacts]) -> None:
        self._files = files
        self._paths: dict[str, str] = {}
        self._ends: defaultdict[str, list[str]] = defaultdict(list)
        for path, facts in files.items():
            if facts.language in SCRIPTS:
                stem = _END.sub("", path)
                self._paths.setdefault(stem, path)
                if stem.endswith("/index"):
                    self._paths.setdefault(stem.removesuffix("/index"), path)
        for stem in self._paths:
            self._ends[stem.rpartition("/")[2]].append(stem)
        self._found: dict[tuple[str, str], str] = {}

    def called(self, last: str) -> tuple[str, ...]:
        """The files that an import ending so may find."""
        return tuple(self._paths[stem] for stem in self._ends.get(last, ()))

    @cached_property
    def packages(self) -> tuple[str, ...]:
        """What decides which imports are of libraries: the packages that are held, and those that are depended on."""
        return (*(f"{name}={folder}" for name, folder in sorted(self._held[0].items())), *sorted(self._held[1]))

    @cached_property
    def _held(self) -> tuple[dict[str, str], frozenset[str]]:
        held: dict[str, str] = {}
        wanted: set[str] = set()
        for path, facts in self._files.items():
            if path.rpartition("/")[2] == "package.json":
                for setting in facts.settings:
                    if setting.key == "name":
                        held[setting.value] = path.removesuffix("package.json")
                    elif (found := _DEPENDENCIES.fullmatch(setting.key)) is not None:
                        wanted.add(found[1])
        return held, frozenset(wanted - held.keys())

    def file(self, importer: str, specifier: str) -> str:
        """The file that an import finds; empty where it is none of the project's."""
        key = (importer.rpartition("/")[0], specifier)
        known = self._found.get(key)
        if known is None:
            known = self._found[key] = self._find(importer, specifier)
        return known

    def _find(self, importer: str, specifier: str) -> str:
        if specifier.startswith("."):
            return self._at(posixpath.normpath(posixpath.join(posixpath.dirname(importer), specifier)))
        alias = _ALIAS.match(specifier)
        if alias is not None:
            return self._ending(importer, specifier[alias.end() :])
        package, rest = _package(specifier)
        held, wanted = self._held
        if package in held:
            folders = (held[package] + inside for inside in _IN_FOLDERS)
            return next(
                (found for folder in folders if (found := self._at(posixpath.normpath(folder + (rest or "index"))))), ""
            )
        if package in wanted or not rest:
            return ""
        return self._at(specifier.removeprefix("@")) or self._ending(importer, specifier.removeprefix("@"), whole=True)

    def _at(self, stem: str) -> str:
        return self._paths.get(stem) or self._paths.get(_END.sub("", stem), "")

    def _ending(self, importer: str, end: str, *, whole: bool = False) -> str:
        """The file nearest to the importer whose path ends so; with `whole`, from a folder of sources on."""
        end = _END.sub("", end)
        here = importer.split("/")
        found = [stem for stem in self._ends.get(end.rpartition("/")[2], ()) if f"/{stem}".endswith(f"/{end}")]
        if whole:
            found = [s for s in found if s.removesuffix(end).rstrip("/").rpartition("/")[2] in ("", "src", here[0])]
        best = min(found, key=lambda s: (-shared(here, s.split("/")), len(s), s), default="")
        return self._paths[best] if best else ""


def _package(specifier: str) -> tuple[str, str]:
    """The package of an import and what is taken of it: `@scope/name/rest`."""
    parts = specifier.split("/")
    count = 2 if specifier.startswith("@") else 1
    return "/".join(parts[:count]), "/".join(parts[count:])


def last(specifier: str) -> str:
    """The last part of what an import names."""
    return _END.sub("", specifier.rstrip("/").rpartition("/")[2])


def library(specifier: str, name: str) -> str:
    """The full name of what an import takes of a library: `pg.Pool`, `express`."""
    module = specifier.removeprefix("node:")
    return module if name in ("default", EVERY, WHOLE) else f"{module}.{name}"


def prefix(path: str) -> str:
    """What stands before the names that a script defines."""
    return ".".join(_END.sub("", path).split("/")) + "."


def default_of(definitions: Mapping[str, Definition]) -> str:
    """The name under which a script defines what it exports by default."""
    for name, definition in definitions.items():
        if not isinstance(definition, Module) and is_marked(definition.node, "default"):
            return name
    return "default" if "default" in definitions else WHOLE if WHOLE in definitions else ""


def is_marked(node: Node, word: str) -> bool:
    """Whether a definition is marked with such a word: `export`, `default`."""
    match node:
        case Function() | Class() | Assign():
            return any(isinstance(d, Name) and d.id == word for d in node.decorators)
    return False


def exported(path: str, before: str, outline: tuple[Node, ...]) -> Iterator[tuple[str, Definition]]:
    """The names that a script defines besides its declarations: by `exports.name = …`, by `module.exports = …`, and by taking a
    value apart (`const { Pool } = pg`)."""
    for node in statements(outline):
        match node:
            case Assign(target=Member(of=Name(id="exports") | Member(of=Name(id="module"), name="exports"), name=name)):
                yield name, _defined(path, before, name, node)
            case Assign(target=Member(of=Name(id="module"), name="exports"), value=value):
                if isinstance(value, Other) and value.word == "dict":
                    yield from _of_object(path, before, value)
                else:
                    yield WHOLE, _defined(path, before, WHOLE, node)
            case Assign(target=Other(word="tuple")):
                for part in taken(node):
                    if isinstance(part.target, Name):
                        yield part.target.id, ValueDefinition(path, before + part.target.id, part)


def _of_object(path: str, before: str, value: Other) -> Iterator[tuple[str, Definition]]:
    for part in value.children:
        match part:
            case Other(word="pair", children=(Text(value=str() as name), inner)) if not _is(inner, name):
                yield (
                    name,
                    _defined(path, before, name, Assign(part.start, part.end, Name(part.start, part.start, name), inner)),
                )


def _is(node: Node, name: str) -> bool:
    return isinstance(node, Name) and node.id == name


def _defined(path: str, before: str, name: str, node: Assign) -> Definition:
    if isinstance(node.value, Function):
        return FunctionDefinition(path, before + (node.value.name or ("exports" if name == WHOLE else name)), node.value)
    return ValueDefinition(path, before + name, node)


def taken(node: Assign) -> Iterator[Assign]:
    """Each name that a pattern takes, as an assignment of its own: `{ a: b } = c` is `b = c.a`."""
    parts = node.target.children if isinstance(node.target, Other) and node.value is not None else ()
    for part in parts:
        match part:
            case Other(word="pair", children=(Text(value=str() as key), inner)) if node.value is not None:
                name = inner.children[0] if isinstance(inner, Other) and inner.word == "??" else inner
                if isinstance(name, Name):
                    yield Assign(part.start, part.end, name, Member(part.start, part.end, node.value, key))
