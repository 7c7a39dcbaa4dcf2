"""Statements that define tables and indexes, read as schema changes.

`schema_changes` answers with an empty list for what leaves tables and indexes as they are, and with `NotUnderstood` for what
may change them in a way that could not be read: silence would claim that nothing happened.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from sqlglot import exp
from sqlglot.tokenizer_core import Token

from analyzers.facts.sql import (
    AddColumn,
    AddForeignKey,
    AddIndex,
    CreateTable,
    DropColumn,
    DropIndex,
    DropTable,
    IndexPart,
    NotUnderstood,
    RenameColumn,
    RenameTable,
    SchemaChange,
    SqlColumn,
    SqlForeignKey,
    SqlIndex,
)
from analyzers.frontends.sql_elements import Element, index_parts, is_harmless, read_element, read_elements
from analyzers.frontends.sql_tokens import (
    Cursor,
    UnreadableError,
    fixed,
    join_name,
    parse,
    render,
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
    rf"|INDEX\s[^;()]{{0,200}}?\bON\s+(?:ONLY\s+)?){_NAME}",
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
        case "CREATE" | "DROP", "INDEX":
            return _defined(text, dialect, first + " INDEX")
        case "DROP", "SCHEMA" | "DATABASE" | "OWNED":
            return [not_understood(text)]
        case (("EXECUTE" | "CALL" | "EXEC"), _):
            return [not_understood(text)]
        case (("CREATE" | "DROP" | "ALTER" | "RENAME"), _):
            return []
        case _ if first in _WITHOUT_EFFECT:
            return []
    return unclear(text, dialect) if _CAN_CHANGE.search(text) else []


_WITHOUT_EFFECT = words(
    "SELECT WITH INSERT UPDATE DELETE REPLACE MERGE COPY VALUES GRANT REVOKE COMMENT SET RESET SHOW USE BEGIN START COMMIT "
    "ROLLBACK SAVEPOINT RELEASE END ABORT LOCK UNLOCK ANALYZE ANALYSE VACUUM REINDEX CLUSTER REFRESH TRUNCATE PRAGMA EXPLAIN "
    "DESCRIBE DESC LISTEN NOTIFY UNLISTEN CHECKPOINT DEALLOCATE PREPARE DISCARD SECURITY REASSIGN ATTACH DETACH OPTIMIZE "
    "FLUSH DECLARE FETCH CLOSE MOVE KILL LOAD IMPORT HANDLER XA TABLE DELIMITER SIGNAL RESIGNAL"
)


def not_understood(text: str, table: str = "") -> NotUnderstood:
    """The fact that a statement's effect is unknown, with its first words."""
    return NotUnderstood(" ".join(text[:400].split())[:80], table)


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


def _skip_to(cursor: Cursor, *words: str) -> str:
    while not cursor.done():
        if found := cursor.take_any(*words):
            return found
        cursor.at += 1
    raise UnreadableError(words[0])


def _if_exists(cursor: Cursor) -> None:
    _ = cursor.take("IF", "NOT", "EXISTS") or cursor.take("IF", "EXISTS")


def _create_table(cursor: Cursor, text: str) -> Iterator[SchemaChange]:
    virtual = cursor.peek(1) in {"VIRTUAL", "FOREIGN"}
    _skip_to(cursor, "TABLE", "TABLES")
    _if_exists(cursor)
    table = cursor.name()
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
    )
    if unknown or not elements or tail & {"SELECT", "INHERITS"}:
        yield not_understood(text, table)


def _drop_table(cursor: Cursor, _: str) -> Iterator[SchemaChange]:
    _skip_to(cursor, "TABLE", "TABLES")
    _if_exists(cursor)
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
    _if_exists(cursor)
    for part in split_commas(cursor.rest()):
        pair = Cursor(part, cursor.dialect)
        table = pair.name()
        if not pair.take("TO"):
            raise UnreadableError("TO")
        yield RenameTable(table, pair.name())


def _drop_index(cursor: Cursor, _: str) -> Iterator[SchemaChange]:
    _skip_to(cursor, "INDEX")
    cursor.take("CONCURRENTLY")
    _if_exists(cursor)
    names = [_index_name(name) for name in _names(cursor)]
    table = cursor.name() if cursor.take("ON") else ""
    for name in names:
        yield DropIndex(name, table)


_PRIMARY = "PRIMARY"
"""What MySQL calls the index behind a primary key."""


def _index_name(name: str) -> str:
    """The name of an index, which its schema is no part of."""
    name = name.rpartition(".")[2]
    return _PRIMARY if name == "primary" else name


def _create_index(cursor: Cursor, text: str) -> Iterator[SchemaChange]:
    start = cursor.at
    _skip_to(cursor, "INDEX")
    before = {cursor.peek(ahead - cursor.at) for ahead in range(start, cursor.at)}
    cursor.take("CONCURRENTLY")
    _if_exists(cursor)
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
        where = _predicate(cursor, text)
    except UnreadableError:
        yield not_understood(text, table)
        return
    yield AddIndex(table, SqlIndex(name, parts, unique="UNIQUE" in before, where=where, method=method))


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


def _alter_table(cursor: Cursor, text: str) -> Iterator[SchemaChange]:
    _skip_to(cursor, "TABLE")
    _if_exists(cursor)
    cursor.take("ONLY")
    table = cursor.name()
    cursor.take("*")
    for tokens in split_commas(cursor.rest()):
        try:
            yield from list(_action(Cursor(tokens, cursor.dialect), table, text))
        except UnreadableError:
            yield not_understood(text, table)


# Actions that change neither which columns a table has nor which of them are indexed.
_HARMLESS_ACTIONS = words(
    "ALTER OWNER RESET ENABLE DISABLE VALIDATE CLUSTER REPLICA FORCE NO INHERIT COMMENT ENGINE AUTO_INCREMENT DEFAULT "
    "CHARACTER CHARSET COLLATE CONVERT ROW_FORMAT ALGORITHM LOCK ORDER ATTACH DETACH OPTIONS TABLESPACE "
    "KEY_BLOCK_SIZE STATS_PERSISTENT STATS_AUTO_RECALC STATS_SAMPLE_PAGES PACK_KEYS MAX_ROWS MIN_ROWS AVG_ROW_LENGTH "
    "CHECKSUM DELAY_KEY_WRITE CHECK NOT OF TRUNCATE EXCHANGE REORGANIZE COALESCE ANALYZE OPTIMIZE REBUILD REPAIR "
    "REMOVE PARTITION DEPENDS"
)


def _action(cursor: Cursor, table: str, text: str) -> Iterator[SchemaChange]:
    """One action of an `ALTER TABLE`. Raises `UnreadableError`."""
    match cursor.take_any("ADD", "DROP", "RENAME", "CHANGE", "MODIFY", "SET"):
        case "ADD":
            yield from _add(cursor, table, text)
        case "DROP":
            yield from _drop(cursor, table)
        case "RENAME":
            yield from _rename(cursor, table)
        case "CHANGE":
            cursor.take("COLUMN")
            _if_exists(cursor)
            old = cursor.name_part()
            column, *indexes = _redefined(cursor, table, text)
            if column != old:
                yield RenameColumn(table, old, column)
            yield from indexes
        case "MODIFY":
            cursor.take("COLUMN")
            _if_exists(cursor)
            _, *indexes = _redefined(cursor, table, text)
            yield from indexes
        case "SET":
            if cursor.take("SCHEMA"):
                yield RenameTable(table, join_name([cursor.name_part(), table.rpartition(".")[2]]))
        case _ if cursor.peek() not in _HARMLESS_ACTIONS:
            raise UnreadableError("unknown action")


def _redefined(cursor: Cursor, table: str, text: str) -> tuple[str, *tuple[AddIndex, ...]]:
    """The name of a column defined anew, and the indexes its definition adds."""
    elements = read_element(_without_position(cursor.rest()), text, cursor.dialect)
    if len(elements) != 1 or not isinstance(elements[0], SqlColumn):
        raise UnreadableError("not a column")
    column = elements[0]
    parts = (IndexPart(column.name),)
    if column.primary or column.unique:
        return column.name, AddIndex(table, SqlIndex("", parts, unique=True, primary=column.primary))
    return (column.name,)


def _without_position(tokens: list[Token]) -> list[Token]:
    """A column's definition without MySQL's `FIRST` or `AFTER other`."""
    if Cursor(tokens[-1:], "").peek() == "FIRST" and len(tokens) > 2:
        return tokens[:-1]
    return tokens[:-2] if Cursor(tokens[-2:], "").peek() == "AFTER" and len(tokens) > 3 else tokens


def _add(cursor: Cursor, table: str, text: str) -> Iterator[SchemaChange]:
    if cursor.peek() == "PARTITION" or is_harmless(cursor.rest()):
        return
    if cursor.peek() == "(":
        elements, unknown = read_elements(cursor.group()[1:-1], text, cursor.dialect)
        yield from (_added(table, element) for element in elements)
        if unknown:
            raise UnreadableError("columns")
        return
    constraint = cursor.peek() == "CONSTRAINT"
    if constraint:
        ahead = Cursor(cursor.tokens, cursor.dialect, cursor.at + 1)
        _if_exists(ahead)
        name = "" if ahead.peek() in {"UNIQUE", "PRIMARY", "FOREIGN"} else ahead.name_part()
    else:
        ahead, name = Cursor(cursor.tokens, cursor.dialect, cursor.at), ""
    if ahead.peek() in {"UNIQUE", "PRIMARY"} and ahead.peek(1) == "USING" and ahead.peek(2) == "INDEX":
        return
    if constraint:
        quoted = cursor.tokens[ahead.at - 1 : ahead.at] if name else []
        tokens = [*fixed("CONSTRAINT", ""), *quoted, *ahead.rest()] if quoted else ahead.rest()
    else:
        explicit = cursor.take("COLUMN")
        _if_exists(cursor)
        if not explicit and cursor.peek() in {"INDEX", "KEY", "UNIQUE", "FULLTEXT", "SPATIAL"}:
            cursor = _without_if_not_exists(cursor)
        tokens = _without_position(cursor.rest())
    tokens = _without_not_valid(tokens)
    if not tokens:
        raise UnreadableError("nothing is added")
    for element in read_element(tokens, text, cursor.dialect):
        yield _added(table, element)


def _without_if_not_exists(cursor: Cursor) -> Cursor:
    """MariaDB writes `ADD INDEX IF NOT EXISTS i (a)`."""
    tokens = cursor.rest()
    for index in range(1, min(3, len(tokens))):
        if Cursor(tokens, "", index).take("IF", "NOT", "EXISTS"):
            return Cursor(tokens[:index] + tokens[index + 3 :], cursor.dialect)
    return cursor


def _without_not_valid(tokens: list[Token]) -> list[Token]:
    return tokens[:-2] if Cursor(tokens[-2:], "").take("NOT", "VALID") else tokens


def _added(table: str, element: Element) -> SchemaChange:
    match element:
        case SqlColumn():
            return AddColumn(table, element)
        case SqlIndex():
            return AddIndex(table, element)
        case SqlForeignKey():
            return AddForeignKey(table, element)


def _drop(cursor: Cursor, table: str) -> Iterator[SchemaChange]:
    match cursor.take_any("CONSTRAINT", "INDEX", "KEY", "PRIMARY", "FOREIGN", "CHECK", "PARTITION", "COLUMN", "EXPRESSION"):
        case "CONSTRAINT" | "INDEX" | "KEY":
            _if_exists(cursor)
            yield DropIndex(_index_name(cursor.name_part()), table)
        case "PRIMARY":
            yield DropIndex(_PRIMARY, table)
        case "FOREIGN" | "CHECK" | "PARTITION" | "EXPRESSION":
            return
        case _:
            _if_exists(cursor)
            yield DropColumn(table, cursor.name_part())


def _rename(cursor: Cursor, table: str) -> Iterator[SchemaChange]:
    if cursor.take_any("CONSTRAINT", "INDEX", "KEY"):
        return
    if cursor.take_any("TO", "AS"):
        new = cursor.name()
        yield RenameTable(table, new if "." in new else join_name([table.rpartition(".")[0], new]))
        return
    cursor.take("COLUMN")
    _if_exists(cursor)
    name = cursor.name_part()
    if cursor.done():
        yield RenameTable(table, join_name([table.rpartition(".")[0], name]))
        return
    if not cursor.take("TO"):
        raise UnreadableError("TO")
    yield RenameColumn(table, name, cursor.name_part())


_READERS: dict[str, Callable[[Cursor, str], Iterator[SchemaChange]]] = {
    "CREATE TABLE": _create_table,
    "DROP TABLE": _drop_table,
    "ALTER TABLE": _alter_table,
    "RENAME TABLE": _rename_table,
    "CREATE INDEX": _create_index,
    "DROP INDEX": _drop_index,
}
