"""The actions of an `ALTER TABLE`, read one by one as schema changes."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec
from sqlglot.tokenizer_core import Token

from analyzers.facts.sql import (
    AddCheck,
    AddColumn,
    AddForeignKey,
    AddIndex,
    AlterColumn,
    DropColumn,
    DropConstraint,
    DropIndex,
    IndexPart,
    NotUnderstood,
    RenameColumn,
    RenameConstraint,
    RenameIndex,
    RenameTable,
    SchemaChange,
    SqlCheck,
    SqlColumn,
    SqlForeignKey,
    SqlIndex,
    ValidateConstraint,
)
from analyzers.frontends.sql_elements import Element, is_harmless, read_element, read_elements
from analyzers.frontends.sql_tokens import (
    Cursor,
    UnreadableError,
    fixed,
    join_name,
    skip_if_exists,
    skip_to,
    split_commas,
    words,
)


def not_understood(text: str, table: str = "") -> NotUnderstood:
    """The fact that a statement's effect is unknown, with its first words."""
    return NotUnderstood(" ".join(text[:400].split())[:80], table)


PRIMARY = "PRIMARY"
"""What MySQL calls the index behind a primary key."""


def index_name(name: str) -> str:
    """The name of an index, which its schema is no part of."""
    name = name.rpartition(".")[2]
    return PRIMARY if name == "primary" else name


def alter_table(cursor: Cursor, text: str) -> Iterator[SchemaChange]:
    skip_to(cursor, "TABLE")
    skip_if_exists(cursor)
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
    "OWNER RESET ENABLE DISABLE CLUSTER REPLICA FORCE NO INHERIT COMMENT ENGINE AUTO_INCREMENT DEFAULT "
    "CHARACTER CHARSET COLLATE CONVERT ROW_FORMAT ALGORITHM LOCK ORDER ATTACH DETACH OPTIONS TABLESPACE "
    "KEY_BLOCK_SIZE STATS_PERSISTENT STATS_AUTO_RECALC STATS_SAMPLE_PAGES PACK_KEYS MAX_ROWS MIN_ROWS AVG_ROW_LENGTH "
    "CHECKSUM DELAY_KEY_WRITE CHECK NOT OF TRUNCATE EXCHANGE REORGANIZE COALESCE ANALYZE OPTIMIZE REBUILD REPAIR "
    "REMOVE PARTITION DEPENDS"
)


def _action(cursor: Cursor, table: str, text: str) -> Iterator[SchemaChange]:
    """One action of an `ALTER TABLE`. Raises `UnreadableError`."""
    match cursor.take_any("ADD", "DROP", "RENAME", "CHANGE", "MODIFY", "SET", "ALTER", "VALIDATE"):
        case "ADD":
            yield from _add(cursor, table, text)
        case "DROP":
            yield from _drop(cursor, table)
        case "RENAME":
            yield from _rename(cursor, table)
        case "CHANGE":
            cursor.take("COLUMN")
            skip_if_exists(cursor)
            old = cursor.name_part()
            column, *changes = _redefined(cursor, table, text)
            if column != old:
                yield RenameColumn(table, old, column)
            yield from changes
        case "MODIFY":
            cursor.take("COLUMN")
            skip_if_exists(cursor)
            _, *changes = _redefined(cursor, table, text)
            yield from changes
        case "ALTER":
            yield from _alter_column(cursor, table, text)
        case "VALIDATE":
            cursor.take("CONSTRAINT")
            yield ValidateConstraint(table, cursor.name_part())
        case "SET":
            if cursor.take("SCHEMA"):
                yield RenameTable(table, join_name([cursor.name_part(), table.rpartition(".")[2]]))
        case _ if cursor.peek() not in _HARMLESS_ACTIONS:
            raise UnreadableError("unknown action")


def _redefined(cursor: Cursor, table: str, text: str) -> tuple[str, *tuple[AlterColumn | AddIndex, ...]]:
    """The name of a column defined anew (MySQL), and what its definition changes and adds."""
    elements = read_element(_without_position(cursor.rest()), text, cursor.dialect)
    if len(elements) != 1 or not isinstance(elements[0], SqlColumn):
        raise UnreadableError("not a column")
    column = elements[0]
    altered = AlterColumn(
        table,
        column.name,
        column.type,
        column.size,
        column.nullable,
        column.default,
        volatile=column.volatile,
        generated=column.generated,
    )
    if column.primary or column.unique:
        index = SqlIndex("", (IndexPart(column.name),), unique=True, primary=column.primary, constraint=True)
        return column.name, altered, AddIndex(table, index)
    return column.name, altered


def _alter_column(cursor: Cursor, table: str, text: str) -> Iterator[SchemaChange]:
    """`ALTER [COLUMN] name …`. MySQL alters indexes and checks so too, which leaves them what they are."""
    if cursor.take_any("INDEX", "CHECK", "CONSTRAINT"):
        return
    cursor.take("COLUMN")
    column = cursor.name_part()
    if cursor.take("TYPE") or cursor.take("SET", "DATA", "TYPE"):
        rest = cursor.rest()
        using = next((i for i in range(len(rest)) if Cursor(rest, "", i).peek() == "USING"), len(rest))
        kind = [t for t in rest[:using] if Cursor([t], "").peek() != "COLLATE"] if using else rest
        (element,) = read_element([*fixed("c", ""), *kind], text, cursor.dialect) or (None,)
        if not isinstance(element, SqlColumn) or not element.type:
            raise UnreadableError("a type is missing")
        yield AlterColumn(table, column, element.type, element.size, using=using < len(rest))
    elif cursor.take("SET", "NOT", "NULL") or cursor.take("DROP", "NOT", "NULL"):
        yield AlterColumn(table, column, nullable=cursor.tokens[cursor.at - 3].text.upper() == "DROP")
    elif cursor.take("DROP", "DEFAULT"):
        yield AlterColumn(table, column, default="")


def _without_position(tokens: list[Token]) -> list[Token]:
    """A column's definition without MySQL's `FIRST` or `AFTER other`."""
    if Cursor(tokens[-1:], "").peek() == "FIRST" and len(tokens) > 2:
        return tokens[:-1]
    return tokens[:-2] if Cursor(tokens[-2:], "").peek() == "AFTER" and len(tokens) > 3 else tokens


def _add(cursor: Cursor, table: str, text: str) -> Iterator[SchemaChange]:
    if (check := _check(cursor, text)) is not None:
        yield AddCheck(table, check)
    if cursor.peek() == "PARTITION" or is_harmless(cursor.rest()):
        return
    if cursor.peek() == "(":
        elements, unknown = read_elements(cursor.group()[1:-1], text, cursor.dialect)
        yield from (_added(table, element) for element in elements)
        if unknown:
            raise UnreadableError("columns")
        return
    constraint = cursor.peek() == "CONSTRAINT"
    lenient = False
    if constraint:
        ahead = Cursor(cursor.tokens, cursor.dialect, cursor.at + 1)
        skip_if_exists(ahead)
        name = "" if ahead.peek() in {"UNIQUE", "PRIMARY", "FOREIGN"} else ahead.name_part()
    else:
        ahead, name = Cursor(cursor.tokens, cursor.dialect, cursor.at), ""
    primary = ahead.peek() == "PRIMARY"
    if ahead.take("UNIQUE", "USING", "INDEX") or ahead.take("PRIMARY", "KEY", "USING", "INDEX"):
        using = ahead.name_part()
        yield AddIndex(table, SqlIndex(name or using, (), unique=True, primary=primary, constraint=True, using=using))
        return
    if constraint:
        quoted = cursor.tokens[ahead.at - 1 : ahead.at] if name else []
        tokens = [*fixed("CONSTRAINT", ""), *quoted, *ahead.rest()] if quoted else ahead.rest()
    else:
        explicit = cursor.take("COLUMN")
        lenient = skip_if_exists(cursor)
        if not explicit and cursor.peek() in {"INDEX", "KEY", "UNIQUE", "FULLTEXT", "SPATIAL"}:
            cursor = _without_if_not_exists(cursor)
        tokens = _without_position(cursor.rest())
    late = Cursor(tokens[-2:], "").take("NOT", "VALID")
    tokens = _without_timing(tokens[:-2] if late else tokens)
    if not tokens:
        raise UnreadableError("nothing is added")
    for element in read_element(tokens, text, cursor.dialect):
        yield _added(table, element, lenient=lenient, late=late)


def _check(cursor: Cursor, text: str) -> SqlCheck | None:
    """`[CONSTRAINT name] CHECK (condition) [NOT VALID]`."""
    tokens = cursor.rest()
    ahead, name = Cursor(tokens, cursor.dialect), ""
    if ahead.take("CONSTRAINT") and ahead.peek() != "CHECK":
        name = ahead.name_part()
    if not ahead.take("CHECK") or ahead.peek() != "(":
        return None
    group = ahead.group()
    condition = " ".join(text[group[0].end + 1 : group[-1].start].split())
    return SqlCheck(name, condition, not_valid=Cursor(tokens[-2:], "").take("NOT", "VALID"))


def _without_timing(tokens: list[Token]) -> list[Token]:
    """A constraint without when it is checked: `[NOT] DEFERRABLE [INITIALLY IMMEDIATE]`."""
    if Cursor(tokens[-2:], "").peek() == "INITIALLY":
        tokens = tokens[:-2]
    if Cursor(tokens[-1:], "").peek() == "DEFERRABLE":
        tokens = tokens[:-1]
        return tokens[:-1] if Cursor(tokens[-1:], "").peek() == "NOT" else tokens
    return tokens


def _without_if_not_exists(cursor: Cursor) -> Cursor:
    """MariaDB writes `ADD INDEX IF NOT EXISTS i (a)`."""
    tokens = cursor.rest()
    for index in range(1, min(3, len(tokens))):
        if Cursor(tokens, "", index).take("IF", "NOT", "EXISTS"):
            return Cursor(tokens[:index] + tokens[index + 3 :], cursor.dialect)
    return cursor


def _added(table: str, element: Element, *, lenient: bool = False, late: bool = False) -> SchemaChange:
    """`lenient`: IF NOT EXISTS; `late`: NOT VALID."""
    match element:
        case SqlColumn():
            return AddColumn(table, element, lenient)
        case SqlIndex():
            return AddIndex(table, element)
        case SqlForeignKey():
            return AddForeignKey(table, msgspec.structs.replace(element, not_valid=late))


def _drop(cursor: Cursor, table: str) -> Iterator[SchemaChange]:
    match cursor.take_any("CONSTRAINT", "INDEX", "KEY", "PRIMARY", "FOREIGN", "CHECK", "PARTITION", "COLUMN", "EXPRESSION"):
        case "CONSTRAINT":
            lenient = skip_if_exists(cursor)
            yield DropConstraint(table, index_name(cursor.name_part()), if_present=lenient)
        case "INDEX" | "KEY":
            lenient = skip_if_exists(cursor)
            yield DropIndex(index_name(cursor.name_part()), table, if_present=lenient)
        case "PRIMARY":
            yield DropConstraint(table, "", "primary key")
        case "FOREIGN":
            cursor.take("KEY")
            lenient = skip_if_exists(cursor)
            yield DropConstraint(table, cursor.name_part(), "foreign key", if_present=lenient)
        case "CHECK":
            yield DropConstraint(table, cursor.name_part(), "check")
        case "PARTITION" | "EXPRESSION":
            return
        case _:
            skip_if_exists(cursor)
            yield DropColumn(table, cursor.name_part())


def _rename(cursor: Cursor, table: str) -> Iterator[SchemaChange]:
    kind = cursor.take_any("CONSTRAINT", "INDEX", "KEY")
    if kind:
        old = index_name(cursor.name_part())
        if not cursor.take("TO"):
            raise UnreadableError("TO")
        new = cursor.name_part()
        yield RenameConstraint(table, old, new) if kind == "CONSTRAINT" else RenameIndex(old, new, table)
        return
    if cursor.take_any("TO", "AS"):
        new = cursor.name()
        yield RenameTable(table, new if "." in new else join_name([table.rpartition(".")[0], new]))
        return
    cursor.take("COLUMN")
    skip_if_exists(cursor)
    name = cursor.name_part()
    if cursor.done():
        yield RenameTable(table, join_name([table.rpartition(".")[0], name]))
        return
    if not cursor.take("TO"):
        raise UnreadableError("TO")
    yield RenameColumn(table, name, cursor.name_part())
