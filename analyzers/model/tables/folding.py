"""Tables as changes are made to them one after the other: what a database holds once all migrations ran.

Names that nobody stated are those the database gives by itself, as far as the dialect is known, because later changes go by
them. What could not be understood leaves its table `unread`: nothing is claimed of its indexes any more.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

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
    DropIndex,
    DropTable,
    IndexPart,
    NotUnderstood,
    RenameColumn,
    RenameConstraint,
    RenameIndex,
    RenameTable,
    SchemaChange,
    SqlColumn,
    SqlForeignKey,
    SqlIndex,
    ValidateConstraint,
)
from analyzers.model.project import Check, Column, ForeignKey, Index, Migration, Operation, Slot, Table
from analyzers.model.tables.columns import role_of
from analyzers.source import Place

_NOT_CREATED = "its creation was not found"


class Draft:
    """A table while changes are folded into it."""

    def __init__(self, name: str, place: Place | None, database: str) -> None:
        self.name, self.place, self.database = name, place, database
        self.label = name
        self.columns: dict[str, Column] = {}
        self.indexes: list[Index] = []
        self.keys: list[ForeignKey] = []
        self.checks: list[Check] = []
        self.unread = ""
        self.unread_at: Place | None = None
        self.index_code = "sql"
        self.modelled = False  # a model states it
        self.slots: tuple[Slot, ...] = ()
        self.scoped = False
        self.asked: frozenset[str] | None = None  # by all of the models whose table it is

    def finish(self) -> Table:
        return Table(
            name=self.name,
            label=self.label,
            columns=self.columns,
            indexes=tuple(self.indexes),
            foreign_keys=tuple(self.keys),
            place=self.place,
            database=self.database,
            unread=self.unread,
            index_code=self.index_code,
            checks=tuple(self.checks),
            unread_at=self.unread_at,
            slots=self.slots,
            modelled=self.modelled,
            scoped=self.scoped,
            asked=tuple(sorted(self.asked or ())),
        )

    @property
    def created(self) -> bool:
        return self.unread != _NOT_CREATED

    @property
    def misread(self) -> bool:
        """Whether a change of it was not understood. That its creation is stated elsewhere is no such change."""
        return bool(self.unread) and self.unread != _NOT_CREATED

    def doubt(self, reason: str, place: Place | None) -> None:
        """Nothing is known of its indexes from here on."""
        self.unread, self.unread_at = reason, place


class Fold:
    """The tables after some migrations. `database` is the dialect where the migration itself tells none."""

    def __init__(self, database: str = "") -> None:
        self.tables: dict[str, Draft] = {}
        self._database = database

    def apply(self, migration: Migration) -> None:
        """Makes the changes of one more migration."""
        for operation in migration.operations:
            self._change(operation.change, operation.place, migration.database or self._database)
            if isinstance(operation.change, CreateTable) and operation.columns:
                _place_columns(self.tables[operation.change.table], operation)

    def _change(self, change: SchemaChange, place: Place, database: str) -> None:
        match change:
            case CreateTable() | DropTable() | RenameTable():
                self._whole(change, place, database)
            case AddColumn(table=name, column=column, if_missing=lenient):
                draft = self._draft(name, place, database)
                if not (lenient and column.name in draft.columns):
                    _add_column(draft, column, place)
            case DropColumn(table=name, column=gone):
                _drop_column(self._draft(name, place, database), gone)
            case RenameColumn(table=name, column=old, to=new):
                self._rename_column(self._draft(name, place, database), old, new)
            case AlterColumn(table=name):
                _alter_column(self._draft(name, place, database), change)
            case AddIndex(table=name, index=index):
                _add_index(self._draft(name, place, database), index, place)
            case DropIndex() | RenameIndex():
                self._index(change)
            case AddForeignKey(table=name, key=key):
                draft = self._draft(name, place, database)
                draft.keys = [k for k in draft.keys if k.columns != key.columns]
                _add_key(draft, key, place)
            case AddCheck(table=name, check=check):
                draft = self._draft(name, place, database)
                draft.checks.append(Check(check.name, check.condition, place, valid=not check.not_valid))
            case DropConstraint() | RenameConstraint() | ValidateConstraint():
                self._constraint(change, place, database)
            case NotUnderstood(table=name, text=text) if name:
                self._draft(name, place, database).doubt(f"`{text[:60]}` was not understood", place)

    def _draft(self, name: str, place: Place, database: str) -> Draft:
        """The table; one that is changed without having been created is only partly known."""
        if name not in self.tables:
            self.tables[name] = Draft(name, place, database)
            self.tables[name].doubt(_NOT_CREATED, place)
        return self.tables[name]

    def _whole(self, change: CreateTable | DropTable | RenameTable, place: Place, database: str) -> None:
        match change:
            case CreateTable(table=name):
                draft = self.tables.setdefault(name, Draft(name, place, database))
                for column in change.columns:
                    _add_column(draft, column, place)
                for index in change.indexes:
                    _add_index(draft, index, place)
                for key in change.foreign_keys:
                    _add_key(draft, key, place)
                draft.checks += [Check(c.name, c.condition, place, valid=not c.not_valid) for c in change.checks]
            case DropTable(table=name):
                self.tables.pop(name, None)
            case RenameTable(table=name, to=to):
                renamed = self.tables.pop(name, None)
                if renamed is not None:
                    renamed.name = renamed.label = to
                    self.tables[to] = renamed
                for draft in self.tables.values():
                    draft.keys = [msgspec.structs.replace(k, target=to) if k.target == name else k for k in draft.keys]

    def _rename_column(self, draft: Draft, old: str, new: str) -> None:
        _rename_column(draft, old, new)
        for other in self.tables.values():
            other.keys = [
                msgspec.structs.replace(k, referred=_exchanged(k.referred, old, new))
                if k.target == draft.name and old in k.referred
                else k
                for k in other.keys
            ]

    def _holders(self, table: str) -> Iterator[Draft]:
        """The tables that an index may belong to, where a statement names one or none."""
        yield from [self.tables[table]] if table in self.tables else () if table else self.tables.values()

    def _index(self, change: DropIndex | RenameIndex) -> None:
        for draft in self._holders(change.table):
            matching = _named(draft, change.name)
            if isinstance(change, DropIndex):
                gone = [i for i in draft.indexes if (matching(i) if change.name else _is_plain(i, change))]
                draft.indexes = [i for i in draft.indexes if i not in gone]
            else:
                draft.indexes = [msgspec.structs.replace(i, name=change.to) if matching(i) else i for i in draft.indexes]

    def _constraint(self, change: DropConstraint | RenameConstraint | ValidateConstraint, place: Place, database: str) -> None:
        draft = self._draft(change.table, place, database)
        match change:
            case DropConstraint():
                _drop_constraint(draft, change)
            case RenameConstraint(name=old, to=new):
                matching = _named(draft, old)
                draft.indexes = [msgspec.structs.replace(i, name=new) if matching(i) else i for i in draft.indexes]
                draft.keys = [msgspec.structs.replace(k, name=new) if k.name == old else k for k in draft.keys]
                draft.checks = [msgspec.structs.replace(c, name=new) if c.name == old else c for c in draft.checks]
            case ValidateConstraint(name=name):
                draft.keys = [msgspec.structs.replace(k, valid=True) if k.name == name else k for k in draft.keys]
                draft.checks = [msgspec.structs.replace(c, valid=True) if c.name == name else c for c in draft.checks]


def _place_columns(draft: Draft, operation: Operation) -> None:
    """Puts the columns of a new table, and the keys they hold, where the columns stand in its definition."""
    assert isinstance(operation.change, CreateTable)
    places = dict(zip((c.name for c in operation.change.columns), operation.columns, strict=True))
    for name, place in places.items():
        draft.columns[name] = msgspec.structs.replace(draft.columns[name], place=place)
    draft.keys = [
        msgspec.structs.replace(key, place=places[key.columns[0]])
        if key.place == operation.place and key.columns[0] in places
        else key
        for key in draft.keys
    ]


# -- columns -----------------------------------------------------------------------------------------------------------


def _add_column(draft: Draft, column: SqlColumn, place: Place) -> None:
    role = "key" if column.primary else role_of(column.type, column.size, column.name)
    draft.columns[column.name] = Column(column.name, role, place, type=column.type, nullable=column.nullable)
    if column.primary or column.unique:
        parts = (IndexPart(column.name),)
        _add_index(draft, SqlIndex("", parts, unique=True, primary=column.primary, constraint=True), place)
    if column.references:
        _add_key(draft, SqlForeignKey((column.name,), column.references), place)
    if column.check:
        draft.checks.append(Check("", column.check, place))


def _alter_column(draft: Draft, change: AlterColumn) -> None:
    column = draft.columns.get(change.column)
    if column is None:
        return
    if change.new_type and change.new_type != column.type:
        role = column.role if column.role in ("foreign key", "key") else role_of(change.new_type, change.size, column.name)
        column = msgspec.structs.replace(column, type=change.new_type, role=role)
    if change.nullable is not None:
        column = msgspec.structs.replace(column, nullable=change.nullable)
    draft.columns[change.column] = column


def _drop_column(draft: Draft, gone: str) -> None:
    """Drops the column with every index that has it; MySQL takes it out of them instead."""
    draft.columns.pop(gone, None)
    if draft.database == "mysql":
        shortened = [
            msgspec.structs.replace(i, parts=tuple(p for p in i.parts if p.column != gone)) if i.readable else i
            for i in draft.indexes
        ]
        draft.indexes = [i for i in shortened if i.parts or not i.readable]
    else:
        draft.indexes = [i for i in draft.indexes if not _mentions(i, gone)]
    draft.keys = [k for k in draft.keys if gone not in k.columns]
    draft.checks = [c for c in draft.checks if not _word(gone).search(c.condition)]


def _mentions(index: Index, column: str) -> bool:
    if column in index.columns or column in index.include:
        return True
    word = _word(column)
    return any(word.search(text) for text in (index.where, *(part.expression for part in index.parts)))


def _word(name: str) -> re.Pattern[str]:
    return re.compile(rf"(?<![\w$']){re.escape(name)}(?![\w$'(])")


def _rename_column(draft: Draft, old: str, new: str) -> None:
    if old in draft.columns:
        # The place in the order of columns is kept.
        draft.columns = {
            new if name == old else name: msgspec.structs.replace(column, name=new) if name == old else column
            for name, column in draft.columns.items()
        }
    word = _word(old)
    draft.indexes = [
        msgspec.structs.replace(
            index,
            parts=tuple(
                msgspec.structs.replace(p, column=new if p.column == old else p.column, expression=word.sub(new, p.expression))
                for p in index.parts
            ),
            include=_exchanged(index.include, old, new),
            where=word.sub(new, index.where),
        )
        if _mentions(index, old)
        else index
        for index in draft.indexes
    ]
    draft.keys = [msgspec.structs.replace(k, columns=_exchanged(k.columns, old, new)) for k in draft.keys]
    draft.checks = [msgspec.structs.replace(c, condition=word.sub(new, c.condition)) for c in draft.checks]


def _exchanged(names: tuple[str, ...], old: str, new: str) -> tuple[str, ...]:
    return tuple(new if name == old else name for name in names)


# -- indexes and constraints -------------------------------------------------------------------------------------------


def _add_index(draft: Draft, index: SqlIndex, place: Place) -> None:
    if index.using:  # an index that is there becomes the constraint, and takes its name
        matching = _named(draft, index.using)
        draft.indexes = [
            msgspec.structs.replace(
                i, name=index.name or i.name, unique=True, primary=index.primary or i.primary, constraint=True
            )
            if matching(i)
            else i
            for i in draft.indexes
        ]
        return
    name = index.name or _given_name(draft, index)
    if index.if_missing and name and any(i.name == name for i in draft.indexes):
        return
    draft.indexes.append(Index.made(index, name, place))


def _given_name(draft: Draft, index: SqlIndex) -> str:
    """The name that the database gives to what has none; empty where the dialect is not known."""
    table, columns = draft.name.rpartition(".")[2], [part.column or "expr" for part in index.parts]
    match draft.database:
        case "postgresql" if index.primary:
            return f"{table}_pkey"
        case "postgresql":
            suffix = "excl" if index.exclusion else "key" if index.constraint else "idx"
            return "_".join((table, *columns, suffix))
        case "mysql":
            return PRIMARY if index.primary else columns[0]
    return ""


PRIMARY = "PRIMARY"
"""What MySQL calls the index behind a primary key."""


def _named(draft: Draft, name: str) -> Callable[[Index], bool]:
    """Whether an index answers to a name, its own or one that some database would have given it."""
    table = draft.name.rpartition(".")[2]

    def matching(index: Index) -> bool:
        if name == PRIMARY:
            return index.primary
        if index.name:
            return index.name.lower() == name.lower()
        columns = "_".join(part.column or "expr" for part in index.parts)
        given = {f"{table}_pkey"} if index.primary else {f"{table}_{columns}_key", f"{table}_{columns}_idx"}
        return name in given

    return matching


def _add_key(draft: Draft, key: SqlForeignKey, place: Place) -> None:
    """Adds a foreign key; one that is stated once more stands where it is stated last."""
    name = key.name
    if not name and draft.database == "postgresql":
        name = "_".join((draft.name.rpartition(".")[2], *key.columns, "fkey"))
    draft.keys = [k for k in draft.keys if k.columns != key.columns or k.target != key.references]
    draft.keys.append(ForeignKey(key.columns, key.references, place, name, key.referred, valid=not key.not_valid))
    for column in key.columns:
        if column in draft.columns and draft.columns[column].role != "key":
            draft.columns[column] = msgspec.structs.replace(draft.columns[column], role="foreign key")


def _drop_constraint(draft: Draft, change: DropConstraint) -> None:
    """Drops what answers to the name. A foreign key whose name is not known may be the one that goes."""
    if change.kind not in ("foreign key", "check"):
        matching = _named(draft, PRIMARY if change.kind == "primary key" and not change.name else change.name)
        kept = [i for i in draft.indexes if not (matching(i) if change.name else _is(i, change))]
        if len(kept) < len(draft.indexes):
            draft.indexes = kept
            return
    checks = [c for c in draft.checks if not change.name or c.name != change.name]
    if len(checks) < len(draft.checks) and change.kind != "foreign key":
        draft.checks = checks
        return
    if change.kind != "check":
        known = [k for k in draft.keys if k.name == change.name or (not change.name and k.columns == change.columns)]
        gone = known or [k for k in draft.keys if not k.name]
        draft.keys = [k for k in draft.keys if k not in gone]


def _is(index: Index, change: DropConstraint) -> bool:
    """Whether an index is what a constraint without a name means: one on these columns, or the primary key."""
    if change.kind == "primary key":
        return index.primary
    return index.unique and not index.primary and index.columns == change.columns and index.name not in change.spared


def _is_plain(index: Index, change: DropIndex) -> bool:
    """Whether an index is no more than one on these columns."""
    same = index.columns == change.columns and index.name not in change.spared
    return same and not index.unique and not index.where and index.method in ("", "btree")
