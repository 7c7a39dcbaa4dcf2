"""Whether an index serves a query, as a database sees it.

An index is of use from its first part on: a database can narrow rows down by it if a condition compares just that. Which
comparisons count is the method's to say (a B-tree finds values, ranges and beginnings, a GIN index what lies inside), and an
expression's (`lower(email)` serves what ignores case, and not `email` itself). A partial index serves a query that says what
its predicate says. Whatever was not understood counts as serving.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence

import msgspec

from analyzers.facts.sql import IndexPart
from analyzers.model.project import Condition, Index, QuerySite, Table

_ORDERED = ("", "btree")
_VALUE = re.compile(r"=\s*\(?'")
_VALUES = frozenset({"equal", "member", "null"})
_EMPTY = frozenset({"null", "filled"})
_PLAIN = frozenset({"equal", "member", "null", "ranged", "below"})
_INSIDE = frozenset({"contains", "pattern", "prefix", "folded", "computed"})
_FOLDING_TYPES = ("citext",)
_BINARY_COLLATIONS = ("c", "posix", "ucs_basic", "c.utf-8", "c.utf8")


def narrowed(query: QuerySite, tables: Mapping[str, Table]) -> bool:
    """Whether some condition of the query lets the database read fewer rows than all, by an index of any table it names."""
    return _narrowed(query.conditions, query.table, tables)


def _narrowed(conditions: Sequence[Condition], own: str, tables: Mapping[str, Table]) -> bool:
    if any(c.how == "key" for c in conditions):
        return True
    for name in dict.fromkeys(c.table or own for c in conditions if not c.sides):
        table = tables.get(name)
        mine = [c for c in conditions if not c.sides and (c.table or own) == name]
        if table is None or table.unread or serving(table, mine):
            return True
    return any(bool(c.sides) and all(_narrowed(side, own, tables) for side in c.sides) for c in conditions)


def unserved(sides: Sequence[Sequence[Condition]], own: str, tables: Mapping[str, Table]) -> list[Sequence[Condition]]:
    """The alternatives that no index serves: a database reads every row because of one of them."""
    return [side for side in sides if not _narrowed(side, own, tables)]


def serving(table: Table, conditions: Sequence[Condition]) -> bool:
    """Whether an index of the table narrows down the rows that meet all of these conditions on it."""
    if any(c.column not in table.columns for c in conditions):
        return True  # a column that was not seen may have an index that was not seen
    # Most rows have no value, or most have one: if more is asked for, an index that tells just that is not what is read.
    telling = [c for c in conditions if c.how not in _EMPTY] or conditions
    own = _own_indexes(table)
    if any(c.how in _PLAIN and c.column in own and _alone(c.column, telling, table) for c in telling):
        return True
    return any(serves(index, conditions, table, telling) for index in table.indexes)


def leading(table: Table, column: str) -> bool:
    """Whether an index that holds every row begins with the column, so that it gives the rows in its order."""
    if column not in table.columns or column in _own_indexes(table):
        return True
    return any(
        not index.readable
        or (index.method in _ORDERED and not index.where and bool(index.columns) and index.columns[0] in ("", column))
        for index in table.indexes
    )


def reaching(table: Table, column: str) -> bool:
    """Whether an index finds the rows by the column together with what goes without saying: that they are not deleted, or of
    which kind what the column refers to is."""
    kind = f"{column.removesuffix('_id')}_type"
    return any(
        len(index.columns) > 1
        and index.columns[1] == column
        and (before == kind or _role(table, before) in ("timestamp", "type"))
        for index in table.indexes
        for before in index.columns[:1]
        if index.method in _ORDERED
    )


def _role(table: Table, column: str) -> str:
    return table.columns[column].role if column in table.columns else ""


def _own_indexes(table: Table) -> frozenset[str]:
    """The columns that the database itself indexes, as those of foreign keys."""
    if table.database not in ("mysql", ""):
        return frozenset()
    return frozenset(key.columns[0] for key in table.foreign_keys if key.columns and key.by == "constraint")


def serves(index: Index, stated: Sequence[Condition], table: Table, telling: Sequence[Condition] = ()) -> bool:
    """Whether the database narrows the rows down by this index: by those of the stated conditions that tell rows apart."""
    conditions = telling or stated
    if not index.readable or not index.parts:
        return not index.readable
    if index.where:
        said = implied(index.where, stated, table.columns)
        if said is not None and (not said or _VALUE.search(index.where)):
            return said  # where it is one value, the index holds few rows, whatever its columns
    match index.method:
        case "" | "btree":
            index = _behind_empty(index, stated)
            return any(_begins(index.parts[0], c, table) for c in conditions) and _goes_on(index, conditions, table)
        case "hash":
            return any(index.parts[0].column == c.column and c.how in _VALUES for c in conditions)
        case "gin" | "fulltext" | "bloom" | "spatial":
            inside = _VALUES if index.method == "bloom" else _INSIDE
            return any(_holds(part, c) and c.how in inside for part in index.parts for c in conditions)
        case "brin":
            return any(_holds(part, c) and c.how in ("ranged", "below") for part in index.parts for c in conditions)
    return any(_holds(part, c) for part in index.parts for c in conditions)


def _behind_empty(index: Index, stated: Sequence[Condition]) -> Index:
    """An index without the columns at its beginning that have no value in the rows: what follows them narrows the rows down."""
    empty = {c.column for c in stated if c.how == "null"}
    begin = next((i for i, part in enumerate(index.parts) if part.column not in empty), 0)
    return msgspec.structs.replace(index, parts=index.parts[begin:]) if begin else index


def _begins(part: IndexPart, condition: Condition, table: Table) -> bool:
    """Whether a B-tree whose first part this is finds what the condition asks for."""
    if not part.column:
        return _holds(part, condition) and (not part.expression or condition.how not in _PLAIN)
    if part.column != condition.column:
        return False
    match condition.how:
        case "prefix":
            return table.database != "postgresql" or _compares_bytes(part)
        case "folded":
            kind = table.columns[part.column].type
            return table.database in ("mysql", "") or kind.startswith(_FOLDING_TYPES) or "_ci" in part.collation
        case how:
            return how in _PLAIN


def _goes_on(index: Index, conditions: Sequence[Condition], table: Table) -> bool:
    """Whether a column that only says of which kind rows are is followed by one that tells them apart."""
    if _alone(index.parts[0].column, conditions, table):
        return True
    return len(index.parts) > 1 and any(_holds(index.parts[1], c) for c in conditions)


def _alone(column: str, conditions: Sequence[Condition], table: Table) -> bool:
    """Whether an index on the column alone is all that the conditions can ask for."""
    held = table.columns.get(column)
    return held is None or held.role != "type" or len(conditions) == 1


def _compares_bytes(part: IndexPart) -> bool:
    """Whether PostgreSQL can find the beginning of a text in it: only by an order that is not a language's."""
    return part.opclass.endswith("pattern_ops") or part.collation.strip('"').lower() in _BINARY_COLLATIONS


def _holds(part: IndexPart, condition: Condition) -> bool:
    """Whether a part is the condition's column, or an expression that may be made of it."""
    if part.column:
        return part.column == condition.column
    return not part.expression or re.search(rf"\b{re.escape(condition.column)}\b", part.expression) is not None


# -- predicates of partial indexes -------------------------------------------------------------------------------------

_NAME = r"(?:[\"`]?\w+[\"`]?\.)?[\"`]?(?P<column>\w+)[\"`]?"
_ATOMS = tuple(
    (re.compile(pattern, re.IGNORECASE), how)
    for pattern, how in (
        (rf"{_NAME} IS NOT NULL|NOT {_NAME.replace('column', 'denied')} IS NULL", "filled"),
        (rf"{_NAME} IS NULL", "null"),
        (rf"{_NAME}(?:::\w+)? (?:=|IS) \(?'?(?P<value>[^'()]*)'?\)?(?:::[\w ]+)?", "equal"),
        (rf"NOT {_NAME}", "false"),
        (_NAME, "true"),
    )
)


def implied(predicate: str, conditions: Sequence[Condition], known: Collection[str]) -> bool | None:
    """Whether rows that meet the conditions meet an index's predicate; `None` where that cannot be told, as of a predicate
    that names something else than the `known` columns, or combines them by more than `AND`."""
    parts = [_part(text, conditions, known) for text in re.split(r"\s+AND\s+", _bare(predicate), flags=re.IGNORECASE)]
    return False if False in parts else None if None in parts else True


def _bare(text: str) -> str:
    """A predicate without brackets around all of it, and with single spaces."""
    text = " ".join(text.split())
    text = re.sub(r"\((\w+)\)", r"\1", text)
    while text.startswith("(") and text.endswith(")") and _closes(text) == len(text) - 1:
        text = text[1:-1].strip()
    return re.sub(r"\s*(=)\s*", r" \1 ", text)


def _closes(text: str) -> int:
    """Where the bracket closes that the text begins with."""
    depth = 0
    for at, letter in enumerate(text):
        depth += (letter == "(") - (letter == ")")
        if depth == 0:
            return at
    return -1


def _part(text: str, conditions: Sequence[Condition], known: Collection[str]) -> bool | None:
    for shape, how in _ATOMS:
        hit = shape.fullmatch(_bare(text))
        if hit is None:
            continue
        parts = hit.groupdict()
        column = parts["column"] or parts.get("denied") or ""
        if column not in known:
            return None
        return _meets(column, conditions, "equal" if how in ("true", "false") else how, parts.get("value") or how)
    return None


_TRUTHS = {"1": "true", "0": "false", "t": "true", "f": "false"}


def _meets(column: str, conditions: Sequence[Condition], how: str, value: str) -> bool | None:
    """Whether a condition on the column says at least this. One that compares with what is not literal may."""
    mine = [c for c in conditions if c.column == column]
    if how != "equal":
        return any((c.how == "null") == (how == "null") for c in mine)
    if any(c.how in ("equal", "member") and not c.value for c in mine):
        return None
    return any(c.how == "equal" and c.value.lower() in (value.lower(), _TRUTHS.get(value, value)) for c in mine)
