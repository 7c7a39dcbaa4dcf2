"""What a change does to those who use the table meanwhile: who waits for it and how long, or what fails.

Sources: PostgreSQL 18, "Explicit Locking" and the notes of `ALTER TABLE` and `CREATE INDEX`; MySQL 8.4, "Online DDL
Operations". The proofs of the rule read `pg_locks` for each.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import msgspec

from analyzers.facts.sql import (
    AddCheck,
    AddColumn,
    AddForeignKey,
    AddIndex,
    AlterColumn,
    DropColumn,
    DropIndex,
    DropTable,
    RenameColumn,
    RenameTable,
    RunCode,
    SchemaChange,
    SqlIndex,
    ValidateConstraint,
    WriteRows,
)
from analyzers.model.indexes.live_changes import Moment
from analyzers.model.indexes.remarks import COUNTED, decides
from analyzers.words import listed


class Harm(msgspec.Struct, frozen=True):
    """`kind`: index, unique, exclusion, in transaction, foreign key, check, validated, required, type, rewritten, no value,
    backfill, renamed, dropped, copied, full text. `columns` it is about, or else its `name`."""

    kind: str
    columns: tuple[str, ...] = ()
    name: str = ""


def harms(moment: Moment) -> Iterator[Harm]:
    """All that is bad about a change. What is bad on every database is told where none is known."""
    match moment.change:
        case RenameColumn(column=old):
            yield Harm("renamed", (old,))
        case RenameTable(to=to):
            yield Harm("renamed", name=to)
        case DropColumn(column=old):
            yield Harm("dropped", (old,))
        case DropTable():
            yield Harm("dropped")
    match moment.database:
        case "postgresql":
            yield from _on_postgresql(moment)
        case "mysql":
            yield from _on_mysql(moment)


def _on_postgresql(moment: Moment) -> Iterator[Harm]:
    yield from (harm for harm in _of_statement(moment) if not _spared(moment, harm))
    match moment.change:
        case DropIndex(name=name, concurrently=True) if moment.transaction:
            yield Harm("in transaction", name=name)
        case ValidateConstraint(name=name) if name in moment.pending:
            yield Harm("validated", name=name)
        case WriteRows(narrowed=False) if moment.waiting is not None:
            yield Harm("backfill")
        case RunCode(text=text) if moment.waiting is not None and _is_work(text):
            yield Harm("backfill", name=text)


def _of_statement(moment: Moment) -> Iterator[Harm]:
    """What a change does to any table that has rows. Where a linter of SQL was asked, it is believed."""
    change, linted = moment.change, moment.operation.linted
    own = tuple(_told(change))
    if linted is None:
        yield from own
        return
    columns, name = _about(change)
    yield from (Harm(kind, columns, name) for kind in dict.fromkeys(kind for kind, _ in linted))
    yield from (harm for harm in own if not decides(change, harm.kind))


def _told(change: SchemaChange) -> Iterator[Harm]:
    """The same by what is known here."""
    columns, name = _about(change)
    match change:
        case AddIndex(index=SqlIndex(concurrently=True)):
            yield Harm("in transaction", columns, name)
        case AddIndex(index=index) if not index.using:
            of_constraint = "unique" if index.constraint or index.primary else "index"
            yield Harm("exclusion" if index.exclusion else of_constraint, columns, name)
        case AddForeignKey(key=key) if not key.not_valid:
            yield Harm("foreign key", columns, name)
        case AddCheck(check=check) if not check.not_valid:
            yield Harm("check", columns, name)
        case AlterColumn():
            yield from [Harm("type", columns)] if change.new_type else []
            yield from [Harm("required", columns)] if change.nullable is False else []
        case AddColumn(column=column):
            if column.generated.lower() in _WRITTEN or column.type in COUNTED or _VOLATILE.search(column.default):
                yield Harm("rewritten", columns)
            elif not column.nullable and not column.default and not column.generated and not column.primary:
                yield Harm("no value", columns)


def _about(change: SchemaChange) -> tuple[tuple[str, ...], str]:
    """The columns a change is about, and the name it gives."""
    match change:
        case AddIndex(index=index):
            return tuple(part.column for part in index.parts), index.name
        case AddForeignKey(key=key):
            return key.columns, key.name
        case AddCheck(check=check):
            return (), check.name
        case AddColumn(column=column):
            return (column.name,), ""
        case AlterColumn(column=name):
            return (name,), ""
    return (), ""


def _spared(moment: Moment, harm: Harm) -> bool:
    """Whether the rows there are make it harmless, or what else is known of the table and of the run."""
    change = moment.change
    match harm.kind, change:
        case "in transaction", _:
            return not moment.transaction
        case "index" | "unique" | "exclusion" | "foreign key", _:
            return moment.empty(harm.columns)
        case "check", AddCheck(check=check):
            return _of_new_columns(moment, check.condition)
        case "type", AlterColumn(column=name):
            column = moment.column(name)
            known = column is not None and bool(column.type)
            return column is None or not known or not _rewrites(column.type, change.new_type, sized=bool(change.size))
        case "required", AlterColumn(column=name):
            column = moment.column(name)
            checked = any(check.valid and _refuses_null(check.condition, name) for check in moment.checks)
            return moment.validated or checked or (column is not None and column.nullable is False)
        case "rewritten", AddColumn(column=column, if_missing=missing):
            return missing or (bool(column.default) and _one_for_all(column.default))
        case "no value", AddColumn(column=column, if_missing=missing):
            return missing or column.type in COUNTED or not _unfilled(moment, column.type)
    return False


def _is_work(text: str) -> bool:
    """Whether code may write rows: a function of the migration's language, or SQL that writes them."""
    first, _, more = text.partition(" ")
    if more:
        return first.upper() in ("UPDATE", "DELETE", "INSERT", "WITH", "MERGE")
    return first.upper().rstrip(";") not in ("", "BEGIN", "COMMIT", "END", "ROLLBACK")


_VOLATILE = re.compile(
    r"\b(?:gen_random_uuid|uuid_generate_v\w+|uuidv\w+|uuid|clock_timestamp|timeofday|random|nextval)\s*\(", re.IGNORECASE
)
_CALLED = re.compile(r"(?<!::)(?<!:: )\b(\w+)\s*\(")
_STEADY = re.compile(
    r"now|current_\w+|local(?:time|timestamp)|(?:transaction|statement)_timestamp|to_(?:timestamp|date|jsonb?)|date|timezone"
    r"|make_\w+|interval|lower|upper|coalesce|nullif|concat|array|cast|row|greatest|least|jsonb?_build_\w+|numeric|decimal"
    r"|varchar|char|bit|time|timestamp|timestamptz|decode|encode|md5|repeat|left|right|abs|round|floor|ceil",
    re.IGNORECASE,
)
"""Functions and types that give one value for all rows of a statement. Source: PostgreSQL 18, `pg_proc.provolatile`."""


def _one_for_all(default: str) -> bool:
    """Whether a default is evaluated once. A function that is not known may give each row a value of its own."""
    said = re.sub(r"'(?:[^']|'')*'", "''", default)
    return all(_STEADY.fullmatch(name) for name in _CALLED.findall(said))


_WRITTEN = ("stored", "identity", "serial", "computed")
_EMPTY_TEXT = ("varchar", "text", "char", "citext", "bytea", "date", "time", "timestamp", "timestamptz", "")
"""Types for which a framework may know a value by itself: an empty text, the time."""


def _unfilled(moment: Moment, kind: str) -> bool:
    """Whether the rows there are get no value. What sends its own default with the column states none for texts."""
    return moment.migration.runner != "django" or kind not in _EMPTY_TEXT


def _refuses_null(condition: str, column: str) -> bool:
    """`status IS NOT NULL`, however it is written, alone or with more that must hold."""
    words = re.sub(r'["()]', " ", condition).lower()
    found = re.search(rf"(?<![\w.]){re.escape(column.lower())}\s+is\s+not\s+null", words)
    denied = re.search(rf"\bnot\s+{re.escape(column.lower())}\s+is\s+null", words)
    return bool(found or denied) and " or " not in words


def _of_new_columns(moment: Moment, condition: str) -> bool:
    """Whether a condition is about a column that the same migration added, and that is empty."""
    return any(moment.empty((name,)) and re.search(rf"\b{re.escape(name)}\b", condition) for name in moment.added)


_FAMILIES = {
    "smallint": ("smallint", "int2", "smallserial", "tinyint"),
    "integer": ("integer", "int", "int4", "serial", "mediumint"),
    "bigint": ("bigint", "int8", "bigserial"),
    "numeric": ("numeric", "decimal"),
    "real": ("real", "float4"),
    "double": ("double precision", "double", "float8", "float"),
    "text": ("text", "varchar", "character varying", "string", "citext", "mediumtext", "longtext"),
    "uuid": ("uuid",),
    "boolean": ("boolean", "bool"),
    "date": ("date",),
    "time": ("timestamp", "timestamptz", "datetime", "timestamp with time zone", "timestamp without time zone"),
    "json": ("json",),
    "jsonb": ("jsonb",),
    "bytes": ("bytea", "blob", "longblob"),
}
_FAMILY = {name: family for family, names in _FAMILIES.items() for name in names}


def _rewrites(old: str, new: str, *, sized: bool) -> bool:
    """Whether the values must be written anew. Types that are not known are taken for alike."""
    before, after = _FAMILY.get(old), _FAMILY.get(new)
    if before is None or after is None:
        return False
    return before != after or (after == "text" and sized and old in ("text", "citext") and new not in ("text", "citext"))


# -- MySQL and MariaDB -------------------------------------------------------------------------------------------------


def _on_mysql(moment: Moment) -> Iterator[Harm]:
    match moment.change:
        case AlterColumn(column=name, new_type=new) if new:
            column = moment.column(name)
            if column is not None and _copies(column.type, new):
                yield Harm("copied", (name,))
        case AddIndex(index=index) if index.method in ("fulltext", "spatial"):
            yield Harm("full text", tuple(part.column for part in index.parts), index.name)


_ALIASES = {
    "integer": "int",
    "int4": "int",
    "int8": "bigint",
    "int2": "smallint",
    "bool": "tinyint",
    "boolean": "tinyint",
    "numeric": "decimal",
    "double precision": "double",
    "real": "double",
    "character varying": "varchar",
    "string": "varchar",
    "timestamptz": "timestamp",
    "json": "longtext",  # in MariaDB it is
}
_STORED = listed("""
    tinyint smallint mediumint int bigint decimal float double char varchar tinytext text mediumtext longtext binary varbinary
    tinyblob blob mediumblob longblob date time datetime timestamp year
""")


def _copies(old: str, new: str) -> bool:
    """Whether InnoDB writes each row anew: of types, only a longer `varchar` stays as it is. Types that are not known may."""
    before, after = _ALIASES.get(old, old), _ALIASES.get(new, new)
    return before != after and {before, after} <= _STORED
