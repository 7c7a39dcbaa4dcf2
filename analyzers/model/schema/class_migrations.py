"""Migrations that are classes which name those they build on (`dependencies`) and list what they do (`operations`).

A squashed migration stands for those it `replaces`: on a new database it runs instead of them.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping

import msgspec

from analyzers.facts.outline import Assign, Call, Member, Name, Node, Other, Text
from analyzers.knowledge import Library, named
from analyzers.knowledge.migrations import Migrations
from analyzers.model.naming.code import Codebase
from analyzers.model.naming.definitions import ClassDefinition
from analyzers.model.naming.literals import is_false, texts_of
from analyzers.model.naming.looked import Importing
from analyzers.model.naming.roles import is_test
from analyzers.model.project import Migration
from analyzers.model.schema.graphs import in_order
from analyzers.model.schema.operations import Editor
from analyzers.model.schema.states import Label, State
from analyzers.model.tables.applications import Applications
from analyzers.model.tables.models import ModelIndex

Key = tuple[str, str]
"""Application and name of a migration."""

_FIRST, _LATEST = "__first__", "__latest__"


class _Stated(msgspec.Struct, frozen=True, eq=False):
    """A migration as its class states it."""

    key: Key
    definition: ClassDefinition
    after: tuple[Key, ...]
    before: tuple[Key, ...]
    replaces: tuple[Key, ...]


def migrations(code: Codebase, library: Library, words: Migrations, models: ModelIndex, database: str) -> Iterator[Migration]:
    """The migrations in the order in which they are applied."""
    user = _user(models)
    stated = {s.key: s for s in _found(code, library, words, user)}
    if not stated:
        return
    state = State(database, _provided(library, models))
    editor = Editor(code, library, words, state, user)
    for key in _ordered(stated):
        definition = stated[key].definition
        atomic = definition.attributes.get("atomic")
        yield Migration(
            path=definition.path,
            runner=library.library,
            name=".".join(key),
            operations=editor.run(definition.path, key[0], _operations(definition, database)),
            transactional=atomic is None or not is_false(atomic.value),
            database=database,
            baseline=bool(stated[key].replaces),
        )


def _found(code: Codebase, library: Library, words: Migrations, user: Label | None) -> Iterator[_Stated]:
    applications = Applications(code)
    for path, facts in code.files.items():
        if facts.language != library.language or is_test(path) or "/" not in path:
            continue
        if not code.imports(path, Importing.of({library.namespaces[0].partition(".")[0]})):
            continue
        definition = code.definitions(path).get("Migration")
        if not isinstance(definition, ClassDefinition):
            continue
        if any(named(library, e, words.bases) for e in code.externals(definition)):
            label, name = applications.migrated(path), path.rpartition("/")[2].rpartition(".")[0]
            given = {n: definition.attributes[n].value for n in _ATTRIBUTES if n in definition.attributes}
            after, before, replaces = (tuple(_keys(given.get(n), user)) for n in _ATTRIBUTES)
            yield _Stated((label, name), definition, after, before, replaces)


_ATTRIBUTES = ("dependencies", "run_before", "replaces")


def _keys(node: Node | None, user: Label | None) -> Iterator[Key]:
    """`("shop", "0001_initial")`, and the first migration of whoever has the user's model."""
    match node:
        case Other(word="tuple" | "list", children=(Text(value=str() as application), Text(value=str() as name))):
            yield application, name
        case Other(children=children):
            for child in children:
                yield from _keys(child, user)
        case Call(args=(Member(), *_)) if user is not None:
            yield user[0], _FIRST


def _operations(definition: ClassDefinition, database: str) -> Node | None:
    """The list of operations, where there are several that for this database."""
    found = [*_assigned(definition.node.body, database)]
    return found[-1] if found else None


def _assigned(body: tuple[Node, ...], database: str) -> Iterator[Node]:
    for node in body:
        match node:
            case Assign(target=Name(id="operations"), value=value) if value is not None:
                yield value
            case Other(word="if", children=(test, *branches)):
                holds = _is_vendor(test, database)
                yield from _assigned(tuple(branches[:1] if holds else branches[1:] if holds is False else branches), database)
            case Other(children=inner):
                yield from _assigned(inner, database)


def _is_vendor(test: Node, database: str) -> bool | None:
    """Whether a test for one database holds: `connection.vendor == "postgresql"`."""
    match test:
        case Other(word="==" | "!=" as word, children=(Member(name="vendor"), Text(value=vendor))) if database:
            return (vendor == database) == (word == "==")
        case Other(word="in", children=(Member(name="vendor"), Other() as several)) if database:
            return database in (texts_of(several) or ())
        case Other(word="and" | "or" as word, children=parts):
            found = {_is_vendor(part, database) for part in parts}
            decided = word == "or"
            return decided if decided in found else None if None in found else not decided
    return None


def _ordered(stated: Mapping[Key, _Stated]) -> list[Key]:
    """Those that run on a new database, in order."""
    replaced = {key: s.key for s in stated.values() for key in s.replaces}
    by_application: dict[str, list[Key]] = defaultdict(list)
    for key in stated:
        if key not in replaced:
            by_application[key[0]].append(key)

    def real(key: Key) -> Key:
        for _ in range(len(replaced)):
            if key not in replaced:
                break
            key = replaced[key]
        if key[1] in (_FIRST, _LATEST) and key[0] in by_application:
            return (min if key[1] == _FIRST else max)(by_application[key[0]])
        return key

    parents: dict[Key, list[Key]] = {key: [] for keys in by_application.values() for key in keys}
    for s in stated.values():
        own = real(s.key)
        if own in parents:
            parents[own] += [k for key in s.after if (k := real(key)) != own]
            for key in s.before:
                if (later := real(key)) in parents and later != own:
                    parents[later].append(own)
    return in_order(parents)


def _user(models: ModelIndex) -> Label | None:
    found = [label for label, qualified in models.labels.items() if qualified == models.user and models.user]
    application, _, name = found[0].partition(".") if found else ("", "", "")
    return (application, name) if name else None


def _provided(library: Library, models: ModelIndex) -> dict[Label, str]:
    """The tables of models that other packages bring, by label."""
    out: dict[Label, str] = {}
    for name, stated in library.models.provided.items() if library.models is not None else ():
        application, _, model = stated.label.partition(".")
        if model and name in models.by_name:
            out[application, model] = stated.table
    return out
