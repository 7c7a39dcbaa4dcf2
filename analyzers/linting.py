"""What a linter of SQL says of the migrations that a change brings, joined with what they do.

A linter is a program, so it is given from outside (`Linter`). It sees the text of statements and nothing else: whether the
table has rows, what it looks like and who uses it is for the rule to know. It is asked about texts of PostgreSQL only, and only
where they meet a table that another migration made.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Protocol

import msgspec

from analyzers.facts.outline import Text, walk
from analyzers.facts.sql import AddCheck, AddColumn, AddForeignKey, AddIndex, SchemaChange, SqlText
from analyzers.facts.store import FileFacts
from analyzers.findings import Problem
from analyzers.frontends import executed_sql
from analyzers.model.indexes.live_changes import moments
from analyzers.model.indexes.remarks import UNREAD, concerns, kind_of
from analyzers.model.project import Migration, Operation, Project
from analyzers.model.schema.sql_changes import changes_of
from analyzers.source import Place


class Remark(msgspec.Struct, frozen=True):
    """One thing a linter says of a text: the rule that says it, and the bytes that it is about."""

    rule: str
    start: int
    end: int


class LinterError(Exception):
    """A text was not judged. Its words finish the sentence "The SQL was not judged by the linter: …"."""


class Linter(Protocol):
    """Judges texts of PostgreSQL."""

    @property
    def version(self) -> str:
        """Name and version: with another, its remarks may be others."""
        ...

    def remarks(self, sql: bytes) -> Sequence[Remark]:
        """What it says of statements that run in this order. Raises `LinterError`."""
        ...


_Source = Callable[[str], bytes | None]
_Told = Mapping[tuple[Place, SchemaChange], tuple[tuple[str, str], ...]]
"""The harms of each change, and the rule that tells each."""


def with_remarks(
    project: Project, files: Mapping[str, FileFacts], source: _Source, linter: Linter
) -> tuple[Project, tuple[Problem, ...]]:
    """The project with what the linter says of the migrations in these files, and what it could not judge."""
    asked: dict[str, tuple[Migration, bool]] = {}
    for moment in moments(project):
        path = moment.migration.path
        if moment.database == "postgresql" and path in files and concerns(moment.change):
            asked[path] = moment.migration, moment.transaction or (path in asked and asked[path][1])
    problems: list[Problem] = []
    said: dict[str, _Told] = {}
    for path, (migration, transaction) in asked.items():
        texts = _executed(migration, files[path])
        if not texts:
            continue
        try:
            said[path] = dict(_judged(path, texts, files[path], source, linter, transaction))
        except LinterError as error:
            problems.append(Problem(path, 0, f"Its SQL was not judged by {linter.version}: {error}"))
    return _with(project, said), tuple(problems)


def has_statements(facts: FileFacts) -> bool:
    """Whether a file holds statements that a linter may be asked about."""
    return any(concerns(change) for text in facts.sql for change in text.changes)


def _with(project: Project, said: Mapping[str, _Told]) -> Project:
    if not said:
        return project

    def marked(migration: Migration) -> Migration:
        known = said.get(migration.path)
        if not known:
            return migration
        return msgspec.structs.replace(migration, operations=tuple(_marked(o, known) for o in migration.operations))

    return msgspec.structs.replace(project, migrations=tuple(map(marked, project.migrations)))


def _marked(operation: Operation, known: _Told) -> Operation:
    """An operation is stated by the text itself, or by a call that holds it."""
    for (place, change), kinds in known.items():
        if change == operation.change and _holds(operation.place, place):
            return msgspec.structs.replace(operation, linted=kinds)
    return operation


def _holds(outer: Place, inner: Place) -> bool:
    first, last = outer.span, inner.span
    begins = (first.start_line, first.start_column) <= (last.start_line, last.start_column)
    return outer.path == inner.path and begins and (last.end_line, last.end_column) <= (first.end_line, first.end_column)


def _executed(migration: Migration, facts: FileFacts) -> list[SqlText]:
    """The texts of a file that the operations of the migration are stated by."""
    stated = {(change, o.place) for o in migration.operations if concerns(change := o.change)}

    def runs(text: SqlText) -> bool:
        place = Place(migration.path, facts.span(text.start, text.end))
        return any(change in text.changes and _holds(around, place) for change, around in stated)

    return [text for text in facts.sql if runs(text)]


def _judged(
    path: str, texts: Sequence[SqlText], facts: FileFacts, source: _Source, linter: Linter, transaction: bool
) -> Iterator[tuple[tuple[Place, SchemaChange], tuple[tuple[str, str], ...]]]:
    """Each change that these texts of a file state, and its harms, each with the rule that tells it."""
    script, starts = _script(path, texts, facts, source, transaction)
    remarks = linter.remarks(script)
    for text, (start, end) in zip(texts, starts, strict=True):
        own = [remark for remark in remarks if start <= remark.start < end]
        if any(remark.rule == UNREAD for remark in own):
            continue
        place = Place(path, facts.span(text.start, text.end))
        for change, first, last in _stretches(script[start:end], changes_of(text)):
            told = dict.fromkeys((kind_of(change, r.rule), r.rule) for r in own if first <= r.start - start < last)
            yield (place, change), tuple((kind, rule) for kind, rule in told if kind)


def _script(
    path: str, texts: Sequence[SqlText], facts: FileFacts, source: _Source, transaction: bool
) -> tuple[bytes, list[tuple[int, int]]]:
    """All that a file executes, in order, and where each of the texts stands there. The transaction around it may be that of
    the program that runs it."""
    script, parts = b"BEGIN;\n" if transaction else b"", []
    if facts.language == "sql":
        whole = source(path)
        if whole is None:
            raise LinterError("the file could not be read.")
        begin = len(script)
        return script + executed_sql(whole), [(begin + text.start, begin + text.end) for text in texts]
    values = {node.start: node.value for top in facts.outline for node in walk(top) if isinstance(node, Text)}
    for text in texts:
        said = str(values.get(text.start, "")).encode()
        parts.append((len(script), len(script) + len(said)))
        script += said + b"\n;\n"
    return script, parts


def _stretches(text: bytes, changes: Sequence[SchemaChange]) -> Iterator[tuple[SchemaChange, int, int]]:
    """The bytes of a text that state each of its changes: up to where the next one begins. Nothing if that cannot be told."""
    found: list[int] = []
    stops = [0, *(stop.end() for stop in re.finditer(rb"[,;]", text))]
    at = 0
    for change in changes:
        name = _name(change)
        where = (
            re.compile(rb"(?<!\w)" + re.escape(name.encode()) + rb"(?!\w)", re.IGNORECASE).search(text, at) if name else None
        )
        if where is None and len(changes) > 1:
            return
        at = where.end() if where is not None else len(text)
        begin = where.start() if where is not None else 0
        found.append(max(stops[bisect_right(stops, begin) - 1], found[-1] if found else 0))
    for change, first, last in zip(changes, found, (*found[1:], len(text)), strict=True):
        yield change, first, last


def _name(change: SchemaChange) -> str:
    """The first name of what it makes or changes, as the text writes it."""
    match change:
        case AddIndex(index=index):
            return index.name or next((part.column for part in index.parts if part.column), "")
        case AddForeignKey(key=key):
            return key.name or key.columns[0]
        case AddCheck(check=check):
            return check.name
        case AddColumn(column=column):
            return column.name
    return getattr(change, "column", "") or getattr(change, "name", "") or getattr(change, "table", "")
