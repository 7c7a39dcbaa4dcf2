"""Which databases a repository has: the migrations, dumps and declared schemas that speak of each.

Two histories of one repository are two databases, unless one of them only says as a whole what the other leads to. That shows
in the tables both touch. What a library of the project runs (`Migration.tree` is empty) is the main one.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import msgspec

from analyzers.model.project import Migration
from analyzers.model.schema.prisma import PrismaSchema

MAIN = ""
"""The database that models and migrations of the project's libraries speak of."""


class Database(msgspec.Struct, frozen=True):
    """What speaks of one database: its migrations in order, and the schema that declares it, if one does."""

    name: str
    migrations: tuple[Migration, ...] = ()
    declared: PrismaSchema | None = None


class _History(msgspec.Struct, frozen=True):
    """The migrations of one tree."""

    tree: str
    migrations: tuple[Migration, ...]
    tables: frozenset[str]  # that it touches; in lower case, because MySQL and SQLite do not tell names apart by it

    @property
    def baseline(self) -> bool:
        return all(m.baseline for m in self.migrations)

    @property
    def dialect(self) -> str:
        return next((m.database for m in self.migrations if m.database), "")


def databases(migrations: Sequence[Migration], schemas: Sequence[PrismaSchema], modelled: Iterable[str]) -> list[Database]:
    """The databases, the main one first. `modelled` are the tables of classes, which belong to the main one."""
    histories = {tree: _history(tree, migrations) for tree in dict.fromkeys(m.tree for m in migrations)}
    main = histories.pop(MAIN, _History(MAIN, (), frozenset()))
    main = msgspec.structs.replace(main, tables=main.tables | {name.lower() for name in modelled})
    bound: dict[str, list[_History]] = {MAIN: []}
    dialects = {MAIN: main.dialect}
    tables = {MAIN: main.tables}
    declared: dict[str, PrismaSchema] = {}
    for number, schema in enumerate(schemas):
        name = schema.folder if schema.folder not in bound else f"{schema.folder}:{number}"
        bound[name], declared[name], dialects[name] = [], schema, schema.database
        tables[name] = frozenset(draft.name.lower() for draft in schema.tables)
    for history in sorted(histories.values(), key=lambda h: h.baseline):
        whole = [n for n in bound if history.baseline or n in declared or n == MAIN]
        fitting = [n for n in whole if _same(history, tables[n], dialects[n])]
        home = max(fitting, key=lambda n: (len(history.tables & tables[n]), _near(history.tree, n)), default=history.tree)
        bound.setdefault(home, []).append(history)
        dialects[home] = dialects.get(home) or history.dialect
        tables[home] = tables.get(home, frozenset()) | history.tables
    bound[MAIN].append(main)
    return [
        Database(name, tuple(m for h in sorted(found, key=lambda h: not h.baseline) for m in h.migrations), declared.get(name))
        for name, found in bound.items()
    ]


def _history(tree: str, migrations: Sequence[Migration]) -> _History:
    own = tuple(m for m in migrations if m.tree == tree)
    touched = (getattr(operation.change, "table", "") for m in own for operation in m.operations)
    return _History(tree, own, frozenset(table.lower() for table in touched if table))


def _same(history: _History, tables: frozenset[str], dialect: str) -> bool:
    """Whether a history speaks of a database with these tables: it shares half of them, in a dialect that may be the same."""
    if history.dialect and dialect and history.dialect != dialect:
        return False
    return 2 * len(history.tables & tables) >= max(1, min(len(history.tables), len(tables)))


def _near(tree: str, name: str) -> int:
    """How many folders two places share."""
    return next((i for i, (a, b) in enumerate(zip(tree.split("/"), name.split("/"), strict=False)) if a != b), 99)
