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
    SqlIndex,
    ValidateConstraint,
    WriteRows,
)
from analyzers.model.indexes.live_changes import Moment


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
    change = moment.change
    match change:
        case AddIndex(index=index):
            yield from _index(moment, index)
        case DropIndex(name=name, concurrently=True) if moment.transaction:
            yield Harm("in transaction", name=name)
        case AddForeignKey(key=key) if not key.not_valid and not moment.empty(key.columns):
            yield Harm("foreign key", key.columns, key.name)
        case AddCheck(check=check) if not check.not_valid and not _of_new_columns(moment, check.condition):
            yield Harm("check", name=check.name)
        case ValidateConstraint(name=name) if name in moment.pending:
            yield Harm("validated", name=name)
        case AlterColumn(column=name):
            yield from _altered(moment, change, name)
        case AddColumn(column=column, if_missing=False):
            if column.generated.lower() in _WRITTEN or column.type in _COUNTED or _VOLATILE.search(column.default):
                yield Harm("rewritten", (column.name,))
            elif not column.nullable and not column.default and not column.generated and not column.primary:
                yield from [Harm("no value", (column.name,))] if _unfilled(moment, column.type) else []
        case WriteRows(narrowed=False) if moment.waiting is not None:
            yield Harm("backfill")
        case RunCode(text=text) if moment.waiting is not None and _is_work(text):
            yield Harm("backfill", name=text)


def _is_work(text: str) -> bool:
    """Whether code may write rows: a function of the migration's language, or SQL that writes them."""
    first, _, more = text.partition(" ")
    if more:
        return first.upper() in ("UPDATE", "DELETE", "INSERT", "WITH", "MERGE")
    return first.upper().rstrip(";") not in ("", "BEGIN", "COMMIT", "END", "ROLLBACK")


_COUNTED = ("serial", "bigserial", "smallserial")
_VOLATILE = re.compile(
    r"\b(?:gen_random_uuid|uuid_generate_v\w+|uuidv\w+|uuid|clock_timestamp|timeofday|random|nextval)\s*\(", re.IGNORECASE
)
_WRITTEN = ("stored", "identity", "serial", "computed")
_EMPTY_TEXT = ("varchar", "text", "char", "citext", "bytea", "date", "time", "timestamp", "timestamptz", "")
"""Types for which a framework may know a value by itself: an empty text, the time."""


def _unfilled(moment: Moment, kind: str) -> bool:
    """Whether the rows there are get no value. What sends its own default with the column states none for texts."""
    return moment.migration.runner != "django" or kind not in _EMPTY_TEXT


def _index(moment: Moment, index: SqlIndex) -> Iterator[Harm]:
    columns = tuple(part.column for part in index.parts)
    if index.concurrently:
        yield from [Harm("in transaction", columns, index.name)] if moment.transaction else []
    elif index.using or moment.empty(columns):
        return
    elif index.exclusion:
        yield Harm("exclusion", columns, index.name)
    else:
        yield Harm("unique" if index.constraint or index.primary else "index", columns, index.name)


def _altered(moment: Moment, change: AlterColumn, name: str) -> Iterator[Harm]:
    column = moment.column(name)
    old, new = (column.type if column is not None else ""), change.new_type
    if new and old and _rewrites(old, new, sized=bool(change.size)):
        yield Harm("type", (name,))
    refused = change.nullable is False and (column is None or column.nullable is not False)
    if refused and not moment.validated and not any(c.valid and _refuses_null(c.condition, name) for c in moment.checks):
        yield Harm("required", (name,))


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
        case AlterColumn(column=name, new_type=new) as change if new:
            column = moment.column(name)
            if column is not None and column.type and _rewrites(column.type, new, sized=bool(change.size)):
                yield Harm("copied", (name,))
        case AddIndex(index=index) if index.method in ("fulltext", "spatial"):
            yield Harm("full text", tuple(part.column for part in index.parts), index.name)
