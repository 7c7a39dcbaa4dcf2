"""Changes of tables that hold rows and are in use: what each meets when it runs.

A migration is judged at the moment it is applied, so the tables are folded up to there. Where a table was created is told with
the change: if that is new too, the table is empty and nobody waits for it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence

import msgspec

from analyzers.facts.sql import (
    AddCheck,
    AddColumn,
    AddForeignKey,
    AddIndex,
    AlterColumn,
    CreateTable,
    DropColumn,
    DropConstraint,
    DropTable,
    NotUnderstood,
    RenameColumn,
    RenameTable,
    RunCode,
    SchemaChange,
    SqlColumn,
    Transaction,
    ValidateConstraint,
    WriteRows,
)
from analyzers.model.project import Check, Column, Migration, Operation, Project, Table
from analyzers.model.tables.folding import Fold

_WORK = ("alembic", "django", "doctrine", "laravel", "rails")


class Moment(msgspec.Struct, frozen=True):
    """A change when it runs. `table` is what it meets there (nothing, where the table's creation was not found), `created` the
    file that created it. `filled` says of a column added by the same migration whether its rows have values yet."""

    migration: Migration
    operation: Operation
    database: str
    name: str  # of the table
    table: Table | None
    stated: Table | None  # what it is once all migrations ran
    created: str
    added: dict[str, SqlColumn]  # columns that the same migration added before
    transaction: bool  # one is open around it
    waiting: Moment | None = None  # an earlier change of the same transaction that nobody gets past until its end
    pending: frozenset[str] = frozenset()  # checks and keys that the same transaction added without looking at rows
    validated: bool = False  # a constraint of the table whose condition is not known was validated before

    @property
    def change(self) -> SchemaChange:
        return self.operation.change

    def column(self, name: str) -> Column | None:
        return self.table.columns.get(name) if self.table is not None else None

    def empty(self, columns: Sequence[str]) -> bool:
        """Whether the columns hold nothing yet: the same migration added them, without a value for the rows there are."""
        added = [self.added.get(name) for name in columns]
        return bool(added) and all(column is not None and not _valued(column) for column in added)

    @property
    def checks(self) -> tuple[Check, ...]:
        return self.table.checks if self.table is not None else ()


def _valued(column: SqlColumn) -> bool:
    return bool(column.default or column.generated) or not column.nullable


def moments(project: Project) -> Iterator[Moment]:
    """Each change of a table that was there before its migration, in the order in which they run."""
    trees: defaultdict[str, list[Migration]] = defaultdict(list)
    for migration in project.migrations:
        trees[migration.tree].append(migration)
    walks = {tree: _Walk(project) for tree in trees}
    elsewhere: dict[str, str] = {}
    for migration in project.migrations:
        for operation in migration.operations:
            if isinstance(operation.change, CreateTable):
                elsewhere.setdefault(operation.change.table, migration.path)
    for tree, migrations in trees.items():
        for migration in migrations:
            yield from walks[tree].run(migration, elsewhere)


class _Walk:
    """The migrations of one history, one after the other."""

    def __init__(self, project: Project) -> None:
        self._project = project
        self._fold = Fold()
        self._created: dict[str, str] = {}
        self._validated: set[str] = set()
        known = {table.database for table in project.tables.values() if table.database}
        self._database = known.pop() if len(known) == 1 else ""

    def run(self, migration: Migration, elsewhere: dict[str, str]) -> Iterator[Moment]:
        """The changes of one migration that meet a table of another."""
        inside = migration.transactional and (migration.runner in _WORK or bool(migration.marks))
        run = _Run(inside)
        unclear = any(isinstance(o.change, NotUnderstood) and not o.change.table for o in migration.operations)
        for operation in migration.operations:
            moment = self._moment(migration, operation, run, elsewhere)
            here = moment.created == migration.path or (unclear and not moment.created)
            if not migration.baseline and not here and (moment.name or isinstance(moment.change, RunCode | WriteRows)):
                yield moment
            run.note(moment, judged=not here)
            self._apply(migration, operation)

    def _moment(self, migration: Migration, operation: Operation, run: _Run, elsewhere: dict[str, str]) -> Moment:
        name = getattr(operation.change, "table", "")
        draft = self._fold.tables.get(name)
        stated = self._project.tables.get(name)
        created = self._created.get(name) or elsewhere.get(name, "")
        return Moment(
            migration,
            operation,
            migration.database or (stated.database if stated is not None else self._database),
            name,
            draft.finish() if draft is not None else None,
            stated,
            created or (stated.place.path if stated is not None and stated.place is not None else ""),
            {column: added for (table, column), added in run.added.items() if table == name},
            run.inside and not operation.outside,
            run.waiting if not operation.outside else None,
            frozenset(run.pending),
            validated=name in self._validated,
        )

    def _apply(self, migration: Migration, operation: Operation) -> None:
        match operation.change:
            case CreateTable(table=name):
                self._created[name] = migration.path
            case DropTable(table=name):
                self._created.pop(name, None)
            case RenameTable(table=name, to=to) if name in self._created:
                self._created[to] = self._created.pop(name)
            case ValidateConstraint(table=name, name=constraint) if constraint not in self._named(name):
                self._validated.add(name)
        self._fold.apply(msgspec.structs.replace(migration, operations=(operation,)))

    def _named(self, table: str) -> set[str]:
        draft = self._fold.tables.get(table)
        return {*(c.name for c in draft.checks), *(k.name for k in draft.keys)} if draft is not None else set()


class _Run:
    """What one migration did so far."""

    def __init__(self, inside: bool) -> None:
        self.inside = inside
        self.added: dict[tuple[str, str], SqlColumn] = {}
        self.pending: set[str] = set()
        self.waiting: Moment | None = None

    def note(self, moment: Moment, *, judged: bool) -> None:
        """Takes one more change as done. Nobody waits for a table that is not `judged`."""
        match moment.change:
            case AddColumn(table=table, column=column):
                self.added[table, column.name] = column
            case AddForeignKey(key=key) if key.not_valid and moment.transaction:
                self.pending.add(key.name)
            case AddCheck(check=check) if check.not_valid and moment.transaction:
                self.pending.add(check.name)
            case Transaction(does=does):
                self.inside, self.waiting = does == "begin", None
                self.pending.clear()
            case RunCode(text=text) if text.strip(" ;").upper() == "COMMIT":
                self.inside, self.waiting = False, None
        if judged and moment.name and moment.transaction and self.waiting is None and locks_all(moment.change):
            self.waiting = moment


def locks_all(change: SchemaChange) -> bool:
    """Whether PostgreSQL lets nobody read the table from this change to the end of its transaction."""
    match change:
        case AddIndex(index=index):
            return index.constraint or index.primary
        case AddColumn() | DropColumn() | RenameColumn() | AlterColumn() | AddCheck() | DropConstraint() | RenameTable():
            return True
    return False
