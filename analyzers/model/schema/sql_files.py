"""The `.sql` files that build schemas: which of them build one database together, and in which order they run.

Programs that run migrations agree on more than they differ: a file, or the folder around it, is named by its version. A folder
of such files is a history of its own. Files without a version state a schema as a whole (`schema.sql`, a dump, a folder with a
file for each table): they are what a history starts from, or what it has led to, and run before it.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping

import msgspec

from analyzers.facts.outline import Call, Name
from analyzers.facts.sql import CreateTable, SchemaChange, SqlText
from analyzers.model.naming.code import Codebase
from analyzers.model.naming.roles import is_test
from analyzers.model.project import Migration, Operation
from analyzers.model.schema.databases import DIALECTS, DRIVERS
from analyzers.model.schema.sql_changes import changes_of
from analyzers.source import Place

_UP = re.compile(r"[._-]?up$", re.IGNORECASE)
# Source: the file names that Flyway, goose, golang-migrate, dbmate, sqlx, refinery, Atlas, Supabase and drizzle document.
_VERSIONED = re.compile(r"[VB]?\d|R__")
_DATED = re.compile(r"\d{4}-?\d{2}-?\d{2}[\d-]*")
_DATES = 10**9  # numbers count up to here, dates after them

_IN_FOLDER = frozenset({"up", "migration"})
"""What the file in a folder named by its version is called (diesel, Hasura; Prisma)."""


class SqlFile(msgspec.Struct, frozen=True):
    """A file with changes of a schema. `tree` is the folder of its history; `version` orders it there, `()` for none."""

    path: str
    tree: str
    version: tuple[tuple[int, str], ...]
    texts: tuple[SqlText, ...]


def sql_migrations(code: Codebase) -> Iterator[Migration]:
    """Every file of SQL that changes a schema, history by history, in the order in which they run."""
    by_tree: dict[str, list[SqlFile]] = {}
    for path in sorted(path for path, facts in code.files.items() if facts.language == "sql" and not is_test(path)):
        texts = tuple(text for text in code.files[path].sql if changes_of(text))
        if any(text.changes for text in texts):
            file = _file(path, texts)
            by_tree.setdefault(file.tree, []).append(file)
    for tree, files in by_tree.items():
        versioned = sorted((f for f in files if f.version), key=lambda f: (f.version, f.path))
        for number, group in enumerate(_alternatives([f for f in files if not f.version])):
            name = f"{tree}:{number}" if versioned or number else tree
            yield from _history(code, group, name, baseline=True)
        yield from _history(code, _without_squashed(versioned), tree, baseline=False)


def _file(path: str, texts: tuple[SqlText, ...]) -> SqlFile:
    folder, _, name = path.rpartition("/")
    stem = name.rpartition(".")[0]
    if stem.lower() in _IN_FOLDER and "/" in path:
        tree, _, version = folder.rpartition("/")
        if _VERSIONED.match(version):
            return SqlFile(path, tree, _version(version), texts)
    return SqlFile(path, folder, _version(_UP.sub("", stem)) if _VERSIONED.match(stem) else (), texts)


def _version(name: str) -> tuple[tuple[int, str], ...]:
    """Orders names by the numbers in them, `V2` before `V10`, dates as dates however they are written, and what is repeated
    after every change behind all others."""
    if dated := _DATED.match(name):
        return ((0, ""), (_DATES, dated[0].replace("-", "")), (-1, name[dated.end() :]))
    name = re.sub(r"^[VB](?=\d)", "", name)
    numbers = re.match(r"\d+(?:[._]\d+)*|", name)
    assert numbers is not None
    counted = tuple((int(number), "") for number in re.findall(r"\d+", numbers[0]))
    return ((1 if name.startswith("R__") else 0, ""), *counted, (-1, name[numbers.end() :]))


def _without_squashed(files: list[SqlFile]) -> list[SqlFile]:
    """The files without those that sum up others (Flyway's `B5__…`), unless the others are gone."""
    squashed = [f for f in files if re.match(r"B\d", f.path.rpartition("/")[2])]
    first = min((f.version for f in files if f not in squashed), default=())
    gone = [f for f in squashed if not first or f.version < first]
    return [f for f in files if f not in squashed or f in gone]


def _alternatives(files: list[SqlFile]) -> list[list[SqlFile]]:
    """Files side by side state one schema together, unless they create the same tables: then each states another."""
    groups: list[tuple[set[str], list[SqlFile]]] = []
    for file in sorted(files, key=lambda f: not created(f.texts)):
        tables = created(file.texts)
        group = next((g for g in groups if not g[0] & tables), None)
        if group is None:
            group = (set(), [])
            groups.append(group)
        group[0].update(tables)
        group[1].append(file)
    return [group for _, group in groups]


def created(texts: Iterable[SqlText]) -> set[str]:
    """The tables that pieces of SQL create."""
    return {change.table for text in texts for change in text.changes if isinstance(change, CreateTable)}


def _history(code: Codebase, files: list[SqlFile], tree: str, *, baseline: bool) -> Iterator[Migration]:
    database = _dialect(files)
    for file in files:
        operations = tuple(_operation(code, file.path, text, change) for text in file.texts for change in changes_of(text))
        marks, inside = _run_by(code, file.path)
        yield Migration(file.path, "sql", file.path, operations, inside, database, baseline, tree, marks)


def _run_by(code: Codebase, path: str) -> tuple[str, bool]:
    """The program by whose marks a file is written, and whether that puts a transaction around it."""
    match code.files[path].outline:
        case (Call(callee=Name(id=program), args=args), *_):
            return program, not args
    return "", True


def _operation(code: Codebase, path: str, text: SqlText, change: SchemaChange) -> Operation:
    span = code.files[path].span
    spans = change.spans if isinstance(change, CreateTable) else ()
    return Operation(change, Place(path, span(text.start, text.end)), columns=tuple(Place(path, span(*s)) for s in spans))


def _dialect(files: list[SqlFile]) -> str:
    """The database whose SQL most of the files are, or whose name stands in their path."""
    told = Counter(DIALECTS[text.dialect] for file in files for text in file.texts if text.dialect in DIALECTS)
    named = {DRIVERS[part] for file in files for part in re.split(r"[/._-]", file.path.lower()) if part in DRIVERS}
    if len(named) == 1:
        return named.pop()
    ranked: Mapping[str, int] = dict(told.most_common(2))
    best = max(ranked, key=lambda name: ranked[name], default="")
    return best if list(ranked.values()).count(ranked.get(best, 0)) < 2 else ""
