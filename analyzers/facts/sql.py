"""What a piece of SQL says: changes of the schema, and the columns a query uses.

Produced for `.sql` files and for every string literal that parses as SQL, whatever language it stands in.
Identifiers are unquoted and lower-cased where SQL folds them; a schema qualifier stays in front (`audit.events`).
"""

from __future__ import annotations

import msgspec


class _Fact(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """Positional on the wire: the tag, then the fields in order."""


class SqlColumn(_Fact, frozen=True, gc=False, array_like=True):
    """A column of a table. `type` is the dialect's type name in lower case (`bigint`, `varchar`), `size` what stands in
    brackets behind it. `default` is the text of an expression, empty for none; a `volatile` one is evaluated for each row
    (`gen_random_uuid()`, `clock_timestamp()`, not `now()`). `generated`: stored, virtual, identity, serial."""

    name: str
    type: str = ""
    nullable: bool = True
    primary: bool = False
    unique: bool = False
    references: str = ""  # the table a REFERENCES clause of the column names
    size: tuple[int, ...] = ()
    default: str = ""
    volatile: bool = False
    generated: str = ""
    check: str = ""  # the condition of a CHECK clause of the column


class IndexPart(_Fact, frozen=True, gc=False, array_like=True):
    """One position of an index: a column, or an expression (then `column` is empty). `prefix` is how many of the column's
    first characters it holds, 0 for all; `nulls` is first or last where the definition says so."""

    column: str
    expression: str = ""
    descending: bool = False
    opclass: str = ""
    prefix: int = 0
    nulls: str = ""
    collation: str = ""


class SqlIndex(_Fact, frozen=True, gc=False, array_like=True):
    """An index, unique constraint, exclusion constraint or primary key. `where` is a partial index's predicate; `method` is
    btree, gin, fulltext, …, empty where none is named. A `constraint` is dropped as one, and not as an index; `using` names
    the index that an existing one becomes the constraint of (it then has no parts of its own)."""

    name: str
    parts: tuple[IndexPart, ...]
    unique: bool = False
    primary: bool = False
    where: str = ""
    method: str = ""
    concurrently: bool = False
    include: tuple[str, ...] = ()
    nulls_not_distinct: bool = False
    constraint: bool = False
    exclusion: bool = False
    using: str = ""
    if_missing: bool = False  # IF NOT EXISTS


class SqlForeignKey(_Fact, frozen=True, gc=False, array_like=True):
    """`columns` of the table refer to `references`, to its key where `referred` names no columns of it."""

    columns: tuple[str, ...]
    references: str
    name: str = ""
    referred: tuple[str, ...] = ()
    not_valid: bool = False
    on_delete: str = ""  # cascade, restrict, set null, …


class SqlCheck(_Fact, frozen=True, gc=False, array_like=True):
    """A CHECK constraint. `condition` as its dialect writes it."""

    name: str
    condition: str
    not_valid: bool = False


class CreateTable(_Fact, frozen=True, gc=False, array_like=True, tag=0):
    """`spans`: where each column is defined, as byte offsets in the file; empty in strings of other languages."""

    table: str
    columns: tuple[SqlColumn, ...] = ()
    indexes: tuple[SqlIndex, ...] = ()
    foreign_keys: tuple[SqlForeignKey, ...] = ()
    checks: tuple[SqlCheck, ...] = ()
    if_missing: bool = False
    spans: tuple[tuple[int, int], ...] = ()


class DropTable(_Fact, frozen=True, gc=False, array_like=True, tag=1):
    table: str
    if_present: bool = False


class RenameTable(_Fact, frozen=True, gc=False, array_like=True, tag=2):
    table: str
    to: str


class AddColumn(_Fact, frozen=True, gc=False, array_like=True, tag=3):
    table: str
    column: SqlColumn
    if_missing: bool = False


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
    """`table` is empty where the statement names none (PostgreSQL). Without a name it is every plain index on exactly these
    `columns` but the `spared` ones."""

    name: str
    table: str = ""
    concurrently: bool = False
    if_present: bool = False
    columns: tuple[str, ...] = ()
    spared: tuple[str, ...] = ()


class AddForeignKey(_Fact, frozen=True, gc=False, array_like=True, tag=8):
    table: str
    key: SqlForeignKey


class NotUnderstood(_Fact, frozen=True, gc=False, array_like=True, tag=9):
    """A statement whose effect is unknown. `table` where it could be told: then nothing is known of that table's indexes
    any more; else it is empty (a DO block, a function, a CREATE TYPE: told apart by `text`, its first words)."""

    text: str
    table: str = ""


class AlterColumn(_Fact, frozen=True, gc=False, array_like=True, tag=10):
    """A column defined anew, under the same name. What is empty or `None` stays as it was; a `default` of "" is dropped.
    `using`: the old values are converted by an expression."""

    table: str
    column: str
    new_type: str = ""
    size: tuple[int, ...] = ()
    nullable: bool | None = None
    default: str | None = None
    volatile: bool = False
    generated: str | None = None
    using: bool = False


class DropConstraint(_Fact, frozen=True, gc=False, array_like=True, tag=11):
    """`kind` where the statement says it (foreign key, check, primary key, unique), else it is told by the name. Without a
    name it is whatever constraint of that kind stands on exactly these `columns`, but the `spared` ones."""

    table: str
    name: str
    kind: str = ""
    columns: tuple[str, ...] = ()
    if_present: bool = False
    spared: tuple[str, ...] = ()


class AddCheck(_Fact, frozen=True, gc=False, array_like=True, tag=12):
    table: str
    check: SqlCheck


class ValidateConstraint(_Fact, frozen=True, gc=False, array_like=True, tag=13):
    table: str
    name: str


class RenameIndex(_Fact, frozen=True, gc=False, array_like=True, tag=14):
    """`table` is empty where the statement names none (PostgreSQL)."""

    name: str
    to: str
    table: str = ""


class RenameConstraint(_Fact, frozen=True, gc=False, array_like=True, tag=15):
    table: str
    name: str
    to: str


class WriteRows(_Fact, frozen=True, gc=False, array_like=True, tag=16):
    """Rows written while the schema changes. `does`: insert, update, delete; `narrowed`: not all rows of the table."""

    table: str
    does: str
    narrowed: bool = False


class SetOption(_Fact, frozen=True, gc=False, array_like=True, tag=17):
    """A setting of the session that runs what follows: `lock_timeout`, `statement_timeout`, in lower case."""

    name: str
    value: str


class Transaction(_Fact, frozen=True, gc=False, array_like=True, tag=18):
    """A transaction that the text itself begins or ends. `does`: begin, commit, rollback."""

    does: str


class RunCode(_Fact, frozen=True, gc=False, array_like=True, tag=19):
    """Code that runs between changes. What it does with rows is not read; it leaves the schema as it is."""

    text: str


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
    | AlterColumn
    | DropConstraint
    | AddCheck
    | ValidateConstraint
    | RenameIndex
    | RenameConstraint
    | WriteRows
    | SetOption
    | Transaction
    | RunCode
)


class SqlQuery(_Fact, frozen=True, gc=False, array_like=True):
    """A SELECT, UPDATE or DELETE: the columns it uses, each as (table, column). Columns whose table is unclear are left out.

    `joined` are compared with a column of another table, `folded` regardless of case. A `partial` query also asks for something
    that was not understood.
    """

    does: str  # select, update, delete
    tables: tuple[str, ...] = ()
    equal: tuple[tuple[str, str], ...] = ()
    ranged: tuple[tuple[str, str], ...] = ()
    ordered: tuple[tuple[str, str], ...] = ()
    limited: bool = False
    joined: tuple[tuple[str, str], ...] = ()
    folded: tuple[tuple[str, str], ...] = ()
    partial: bool = False


class SqlText(_Fact, frozen=True, gc=False, array_like=True):
    """SQL found at `start`..`end`: its schema changes in order, and its queries."""

    start: int
    end: int
    changes: tuple[SchemaChange, ...] = ()
    queries: tuple[SqlQuery, ...] = ()
    dialect: str = ""  # postgres, mysql, sqlite, … where the text itself tells, else empty
