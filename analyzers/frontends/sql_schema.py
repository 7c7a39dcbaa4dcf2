"""Statements that define tables and indexes, read as schema changes.

`schema_changes` answers with an empty list for what leaves tables and indexes as they are, and with `NotUnderstood` for what
may change them in a way that could not be read: silence would claim that nothing happened.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import suppress

from sqlglot import exp
from sqlglot.tokenizer_core import Token

from analyzers.facts.sql import (
    AddIndex,
    CreateTable,
    DropIndex,
    DropTable,
    IndexPart,
    NotUnderstood,
    RenameIndex,
    RenameTable,
    SchemaChange,
    SqlColumn,
    SqlForeignKey,
    SqlIndex,
    Transaction,
)
from analyzers.frontends.sql_alter import alter_table, index_name, not_understood
from analyzers.frontends.sql_elements import index_parts, read_elements
from analyzers.frontends.sql_tokens import (
    Cursor,
    UnreadableError,
    join_name,
    parse,
    render,
    skip_if_exists,
    skip_to,
    split_commas,
    tokenize,
    words,
)

STATEMENT_LIMIT = 200_000
"""Characters of one statement that are parsed; a longer one counts as not understood."""

_MODIFIERS = words(
    "OR REPLACE TEMP TEMPORARY GLOBAL LOCAL UNLOGGED UNIQUE FULLTEXT SPATIAL VIRTUAL CLUSTERED NONCLUSTERED ONLINE OFFLINE"
)
_WORD = re.compile(r"\w+|\S")
_CAN_CHANGE = re.compile(r"\b(?:CREATE|ALTER|DROP|RENAME)\b[^;]{0,80}?\b(?:TABLE|INDEX)\b|\bEXECUTE\b", re.I)
_NAME = r"((?:[\w$]+|\"[^\"\n]+\"|`[^`\n]+`)(?:\s*\.\s*(?:[\w$]+|\"[^\"\n]+\"|`[^`\n]+`))*)"
_TOUCHED = re.compile(
    r"\b(?:(?:ALTER|CREATE|DROP)\s+(?:\w+\s+)?TABLE\s+(?:IF\s+(?:NOT\s+)?EXISTS\s+)?(?:ONLY\s+)?|RENAME\s+TABLE\s+"
    rf"|INDEX\s[^;()]{{0,200}}?\bON\s+(?:ONLY\s+)?)(?!IF\b){_NAME}",
    re.I,
)


def schema_changes(text: str, dialect: str) -> list[SchemaChange]:
    """What one statement does to tables and indexes. Never raises."""
    start = [found[0].upper() for found, _ in zip(_WORD.finditer(text), range(12), strict=False)]
    first = start[0] if start else ""
    kind = next((word for word in start[1:] if word not in _MODIFIERS), "")
    match first, kind:
        case "CREATE" | "DROP" | "ALTER" | "RENAME", "TABLE" | "TABLES":
            return _defined(text, dialect, first + " TABLE")
        case "CREATE" | "DROP" | "ALTER", "INDEX":
            return _defined(text, dialect, first + " INDEX")
        case "DROP", "SCHEMA" | "DATABASE" | "OWNED":
            return [not_understood(text)]
        case (("EXECUTE" | "CALL" | "EXEC"), _):
            return [not_understood(text)]
        case (("CREATE" | "DROP" | "ALTER" | "RENAME"), _):
            return []
        case _ if first in _TRANSACTIONS and _TRANSACTION.match(text):
            return [Transaction(_TRANSACTIONS[first])]
        case _ if first in _WITHOUT_EFFECT:
            return []
    return unclear(text, dialect) if _CAN_CHANGE.search(text) else []


_TRANSACTIONS = {"BEGIN": "begin", "START": "begin", "COMMIT": "commit", "END": "commit", "ROLLBACK": "rollback"}
_TRANSACTION = re.compile(r"(?:BEGIN|START\s+TRANSACTION|COMMIT|END|ROLLBACK)(?:\s+(?:WORK|TRANSACTION))?\s*$", re.I)
_WITHOUT_EFFECT = words(
    "SELECT WITH INSERT UPDATE DELETE REPLACE MERGE COPY VALUES GRANT REVOKE COMMENT SET RESET SHOW USE BEGIN START COMMIT "
    "ROLLBACK SAVEPOINT RELEASE END ABORT LOCK UNLOCK ANALYZE ANALYSE VACUUM REINDEX CLUSTER REFRESH TRUNCATE PRAGMA EXPLAIN "
    "DESCRIBE DESC LISTEN NOTIFY UNLISTEN CHECKPOINT DEALLOCATE PREPARE DISCARD SECURITY REASSIGN ATTACH DETACH OPTIMIZE "
    "FLUSH DECLARE FETCH CLOSE MOVE KILL LOAD IMPORT HANDLER XA TABLE DELIMITER SIGNAL RESIGNAL"
)


def unclear(text: str, dialect: str) -> list[SchemaChange]:
    """A block or unreadable statement: nothing is known any more of the tables it defines, alters or indexes."""
    quoted = dialect in {"mysql", "sqlite"}
    tables: dict[str, None] = {}
    for match in _TOUCHED.finditer(text[:STATEMENT_LIMIT]):
        parts = [part.strip() for part in re.split(r"\.(?=(?:[^\"`]*[\"`][^\"`]*[\"`])*[^\"`]*$)", match[1])]
        names = [part[1:-1] if part[:1] in '"`' and not quoted else part.strip('"`').lower() for part in parts]
        tables[join_name(names)] = None
    return [not_understood(text, table) for table in tables] or [not_understood(text)]


def _defined(text: str, dialect: str, kind: str) -> list[SchemaChange]:
    if len(text) > STATEMENT_LIMIT:
        return unclear(text[:2_000], dialect)
    found = _read(text, dialect, kind)
    if not dialect and any(isinstance(change, NotUnderstood) for change in found):
        # No text told whose SQL it is: what one of them understands is that one's.
        others = (_read(text, other, kind) for other in ("postgres", "mysql", "sqlite"))
        return next((o for o in others if not any(isinstance(change, NotUnderstood) for change in o)), found)
    return found


def _read(text: str, dialect: str, kind: str) -> list[SchemaChange]:
    try:
        tokens = tokenize(text[6:] if kind == "RENAME TABLE" else text, dialect)
        return list(_READERS[kind](Cursor(tokens, dialect), text))
    except (UnreadableError, RecursionError):
        return unclear(text, dialect)


def _create_table(cursor: Cursor, text: str) -> Iterator[SchemaChange]:
    virtual = cursor.peek(1) in {"VIRTUAL", "FOREIGN"}
    skip_to(cursor, "TABLE", "TABLES")
    lenient = skip_if_exists(cursor)
    table = cursor.name()
    if cursor.take("PARTITION", "OF"):
        return  # it has what the whole table has
    if virtual or cursor.done() or cursor.peek() != "(" or cursor.peek(1) in {"LIKE", "SELECT", "WITH"}:
        yield not_understood(text, table)
        return
    body = cursor.group()
    elements, unknown = read_elements(body[1:-1], text, cursor.dialect)
    tail = {cursor.peek(ahead) for ahead in range(len(cursor.rest()))}
    yield CreateTable(
        table,
        columns=tuple(element for element in elements if isinstance(element, SqlColumn)),
        indexes=tuple(element for element in elements if isinstance(element, SqlIndex)),
        foreign_keys=tuple(element for element in elements if isinstance(element, SqlForeignKey)),
        if_missing=lenient,
        spans=_spans(body[1:-1], [element.name for element in elements if isinstance(element, SqlColumn)], cursor.dialect),
    )
    if unknown or not elements or tail & {"SELECT", "INHERITS"}:
        yield not_understood(text, table)


def _spans(body: list[Token], columns: list[str], dialect: str) -> tuple[tuple[int, int], ...]:
    """Where in the statement each column is defined."""
    found: dict[str, tuple[int, int]] = {}
    for part in split_commas(body):
        with suppress(UnreadableError):
            found.setdefault(Cursor(part, dialect).name_part(), (part[0].start, part[-1].end + 1))
    return tuple(found.get(name, (0, 0)) for name in columns)


def _drop_table(cursor: Cursor, _: str) -> Iterator[SchemaChange]:
    skip_to(cursor, "TABLE", "TABLES")
    skip_if_exists(cursor)
    for table in _names(cursor):
        yield DropTable(table)
    _end(cursor, "CASCADE", "RESTRICT", "CONSTRAINTS", "PURGE")


def _names(cursor: Cursor) -> Iterator[str]:
    yield cursor.name()
    while cursor.take(","):
        yield cursor.name()


def _end(cursor: Cursor, *allowed: str) -> None:
    """Nothing but these words may follow. Raises `UnreadableError`."""
    while cursor.take_any(*allowed):
        pass
    if not cursor.done():
        raise UnreadableError("unknown option")


def _rename_table(cursor: Cursor, _: str) -> Iterator[SchemaChange]:
    cursor.take_any("TABLE", "TABLES")
    skip_if_exists(cursor)
    for part in split_commas(cursor.rest()):
        pair = Cursor(part, cursor.dialect)
        table = pair.name()
        if not pair.take("TO"):
            raise UnreadableError("TO")
        yield RenameTable(table, pair.name())


def _drop_index(cursor: Cursor, _: str) -> Iterator[SchemaChange]:
    skip_to(cursor, "INDEX")
    online = cursor.take("CONCURRENTLY")
    lenient = skip_if_exists(cursor)
    names = [index_name(name) for name in _names(cursor)]
    table = cursor.name() if cursor.take("ON") else ""
    for name in names:
        yield DropIndex(name, table, online, lenient)


def _alter_index(cursor: Cursor, _: str) -> Iterator[SchemaChange]:
    skip_to(cursor, "INDEX")
    skip_if_exists(cursor)
    name = index_name(cursor.name())
    if cursor.take("RENAME", "TO"):
        yield RenameIndex(name, cursor.name_part())


def _create_index(cursor: Cursor, text: str) -> Iterator[SchemaChange]:
    start = cursor.at
    skip_to(cursor, "INDEX")
    before = {cursor.peek(ahead - cursor.at) for ahead in range(start, cursor.at)}
    online = cursor.take("CONCURRENTLY")
    lenient = skip_if_exists(cursor)
    name = "" if cursor.peek() == "ON" else cursor.name().rpartition(".")[2]
    method = cursor.name_part() if cursor.take("USING") else ""
    if not cursor.take("ON"):
        raise UnreadableError("ON")
    cursor.take("ONLY")
    table = cursor.name()
    try:
        method = cursor.name_part() if cursor.take("USING") else method
        parts = _index_columns(cursor, text)
        method = next((word.lower() for word in ("FULLTEXT", "SPATIAL") if word in before), method)
        include = _included(cursor)
        where = _predicate(cursor, text)
    except UnreadableError:
        yield not_understood(text, table)
        return
    index = SqlIndex(
        name, parts, "UNIQUE" in before, where=where, method=method, concurrently=online, include=include, if_missing=lenient
    )
    yield AddIndex(table, index)


def _included(cursor: Cursor) -> tuple[str, ...]:
    """The columns an index carries beside those it is sorted by."""
    if not cursor.take("INCLUDE"):
        return ()
    inside = Cursor(cursor.group()[1:-1], cursor.dialect)
    return tuple(_names(inside))


def _index_columns(cursor: Cursor, text: str) -> tuple[IndexPart, ...]:
    tree = parse(text, cursor.group(), cursor.dialect, before="CREATE INDEX i ON t")
    if not isinstance(tree, exp.Create) or not isinstance(tree.this, exp.Index):
        raise UnreadableError("not an index")
    parameters = tree.this.args.get("params")
    return index_parts(parameters.args.get("columns") or () if parameters else (), cursor.dialect)


def _predicate(cursor: Cursor, text: str) -> str:
    """The condition of a partial index; what else follows the columns does not matter here."""
    while not cursor.done():
        if cursor.peek() == "(":
            cursor.group()
        elif cursor.take("WHERE"):
            tree = parse(text, cursor.rest(), cursor.dialect, before="SELECT 1 WHERE")
            where = tree.args.get("where")
            if not isinstance(where, exp.Where):
                raise UnreadableError("WHERE")
            return render(where.this, cursor.dialect)
        else:
            cursor.at += 1
    return ""


_READERS: dict[str, Callable[[Cursor, str], Iterator[SchemaChange]]] = {
    "CREATE TABLE": _create_table,
    "DROP TABLE": _drop_table,
    "ALTER TABLE": alter_table,
    "RENAME TABLE": _rename_table,
    "CREATE INDEX": _create_index,
    "DROP INDEX": _drop_index,
    "ALTER INDEX": _alter_index,
}
