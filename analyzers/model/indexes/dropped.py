"""Where migrations dropped an index, by the table and the column that it began with."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from analyzers.facts.sql import AddIndex, CreateTable, DropConstraint, DropIndex, RenameConstraint, RenameIndex, SqlIndex
from analyzers.model.project import Migration
from analyzers.source import Place


def drops(migrations: Sequence[Migration]) -> dict[tuple[str, str], Place]:
    """The last of the drops of each such index that no later migration made up for."""
    known: dict[str, tuple[str, str]] = {}
    found: dict[tuple[str, str], Place] = {}
    for operation in (o for m in migrations for o in m.operations):
        for table, index in _made(operation.change):
            if index.parts and index.parts[0].column:
                key = (table, index.parts[0].column)
                known[index.name] = key
                found.pop(key, None)
        match operation.change:
            case RenameIndex(name=name, to=to) | RenameConstraint(name=name, to=to) if name in known:
                known[to] = known.pop(name)
            case DropIndex(name=name) | DropConstraint(name=name) if name in known:
                found[known.pop(name)] = operation.place
    return found


def _made(change: object) -> Iterator[tuple[str, SqlIndex]]:
    match change:
        case AddIndex(table=table, index=index):
            yield table, index
        case CreateTable(table=table, indexes=indexes):
            yield from ((table, index) for index in indexes)
