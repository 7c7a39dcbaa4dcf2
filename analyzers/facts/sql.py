"""What a piece of SQL says: changes of the schema, and the columns a query uses.

Produced for `.sql` files and for every string literal that parses as SQL, whatever language it stands in.
Identifiers are unquoted and lower-cased where SQL folds them; a schema qualifier stays in front (`audit.events`).
"""

from __future__ import annotations

import msgspec


class _Fact(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """Positional on the wire: the tag, then the fields in order."""


class SqlColumn(_Fact, frozen=True, gc=False, array_like=True):
    """A column of a table. `type` is the dialect's type name in lower case (`bigint`, `varchar`)."""

    name: str
    type: str = ""
    nullable: bool = True
    primary: bool = False
    unique: bool = False
    references: str = ""  # the table a REFERENCES clause of the column names


class IndexPart(_Fact, frozen=True, gc=False, array_like=True):
    """One position of an index: a column, or an expression (then `column` is empty)."""

    column: str
    expression: str = ""
    descending: bool = False
    opclass: str = ""


class SqlIndex(_Fact, frozen=True, gc=False, array_like=True):
    """An index, unique constraint or primary key. `where` is a partial index's predicate; `method` is btree, gin, …"""

    name: str
    parts: tuple[IndexPart, ...]
    unique: bool = False
    primary: bool = False
    where: str = ""
    method: str = ""


class SqlForeignKey(_Fact, frozen=True, gc=False, array_like=True):
    """`columns` of the table refer to `references`."""

    columns: tuple[str, ...]
    references: str


class CreateTable(_Fact, frozen=True, gc=False, array_like=True, tag=0):
    table: str
    columns: tuple[SqlColumn, ...] = ()
    indexes: tuple[SqlIndex, ...] = ()
    foreign_keys: tuple[SqlForeignKey, ...] = ()


class DropTable(_Fact, frozen=True, gc=False, array_like=True, tag=1):
    table: str


class RenameTable(_Fact, frozen=True, gc=False, array_like=True, tag=2):
    table: str
    to: str


class AddColumn(_Fact, frozen=True, gc=False, array_like=True, tag=3):
    table: str
    column: SqlColumn


class DropColumn(_Fact, frozen=True, gc=False, array_like=True, tag=4):
    table: str
    column: str


class RenameColumn(_Fact, frozen=True, gc=False, array_like=True, tag=5):
    table: str
    column: str
    to: str


class AddIndex(_Fact, frozen=True, gc=False, array_like=True, tag=6):
    table: str
    index: SqlIndex


class DropIndex(_Fact, frozen=True, gc=False, array_like=True, tag=7):
    """`table` is empty where the statement names none (PostgreSQL)."""

    name: str
    table: str = ""


class AddForeignKey(_Fact, frozen=True, gc=False, array_like=True, tag=8):
    table: str
    key: SqlForeignKey


class NotUnderstood(_Fact, frozen=True, gc=False, array_like=True, tag=9):
    """A statement whose effect is unknown. `table` where it could be told: then nothing is known of that table's indexes
    any more; else it is empty (a DO block, a function, a CREATE TYPE: told apart by `text`, its first words)."""

    text: str
    table: str = ""


SchemaChange = (
    CreateTable
    | DropTable
    | RenameTable
    | AddColumn
    | DropColumn
    | RenameColumn
    | AddIndex
    | DropIndex
    | AddForeignKey
    | NotUnderstood
)


class SqlQuery(_Fact, frozen=True, gc=False, array_like=True):
    """A SELECT, UPDATE or DELETE: the columns it uses, each as (table, column). Columns whose table is unclear are left out."""

    does: str  # select, update, delete
    tables: tuple[str, ...] = ()
    equal: tuple[tuple[str, str], ...] = ()
    ranged: tuple[tuple[str, str], ...] = ()
    ordered: tuple[tuple[str, str], ...] = ()
    limited: bool = False


class SqlText(_Fact, frozen=True, gc=False, array_like=True):
    """SQL found at `start`..`end`: its schema changes in order, and its queries."""

    start: int
    end: int
    changes: tuple[SchemaChange, ...] = ()
    queries: tuple[SqlQuery, ...] = ()
    dialect: str = ""  # postgres or mysql where the text itself tells, else empty
