"""Indexes and constraints as calls of a library state them, in the words of a database.

`models.Index(Lower("email"), name="…", condition=Q(active=True))` is an index on `lower(email)` where `active = true`. Names of
attributes become names of columns by a function of the caller's. A part that cannot be said in SQL is `?`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from analyzers.facts.outline import Call, Member, Node, Other, Text
from analyzers.facts.sql import IndexPart, SqlCheck, SqlIndex
from analyzers.model.naming.literals import arguments, is_false, last_name, text_of, texts_of

UNKNOWN = "?"
_COMPARED = {"exact": "=", "gt": ">", "gte": ">=", "lt": "<", "lte": "<="}
_PATTERNS = {"startswith": "{}%", "contains": "%{}%", "endswith": "%{}"}

Columns = Callable[[str], str]
"""Attribute -> column."""


def index_of(
    call: Call, column: Columns, *, method: str = "", unique: bool = False, concurrently: bool = False
) -> SqlIndex | None:
    """The index of `Index("fields or expressions", …)` or `UniqueConstraint(…)`; nothing where its columns are not literal."""
    given = arguments(call)
    names = texts_of(given.get("fields")) if "fields" in given else ()
    if names is None:
        return None
    opclasses = texts_of(given.get("opclasses")) or ()
    parts = [
        IndexPart(
            column(name.lstrip("-")), descending=name.startswith("-"), opclass=opclasses[at] if at < len(opclasses) else ""
        )
        for at, name in enumerate(names)
    ]
    parts += [_part(node, column) for node in call.args]
    if not parts:
        return None
    where = condition(given["condition"], column) if "condition" in given and not _is_none(given["condition"]) else ""
    include = tuple(map(column, texts_of(given.get("include")) or ()))
    loose = bool(is_false(given.get("nulls_distinct")))
    plain = not (where or include or opclasses or loose or any(not part.column for part in parts))
    return SqlIndex(
        text_of(given.get("name")),
        tuple(parts),
        unique=unique,
        where=where,
        method=method,
        concurrently=concurrently,
        include=include,
        nulls_not_distinct=loose,
        constraint=unique and plain,
    )


def exclusion_of(call: Call, column: Columns) -> SqlIndex | None:
    """The index behind `ExclusionConstraint(expressions=[("room", "="), …])`."""
    given = arguments(call)
    stated = given.get("expressions")
    if not isinstance(stated, Other):
        return None
    pairs = [pair.children[0] for pair in stated.children if isinstance(pair, Other) and pair.children]
    parts = tuple(_part(node, column) for node in pairs)
    where = condition(given["condition"], column) if "condition" in given else ""
    method = (text_of(given.get("index_type")) or "gist").lower()
    name = text_of(given.get("name"))
    return SqlIndex(name, parts, where=where, method=method, constraint=True, exclusion=True) if parts else None


def check_of(call: Call, column: Columns) -> SqlCheck:
    """`CheckConstraint(condition=Q(…), name="…")`."""
    given = arguments(call)
    stated = given.get("condition") or given.get("check")
    return SqlCheck(text_of(given.get("name")), condition(stated, column) if stated is not None else UNKNOWN)


# -- expressions -------------------------------------------------------------------------------------------------------


def _part(node: Node, column: Columns) -> IndexPart:
    """`F("created").desc()`, `OpClass(Lower("name"), name="varchar_pattern_ops")`, `"name"`."""
    match node:
        case Call(callee=Member(of=of, name="desc" | "asc" as order), keywords=keywords):
            inner = _part(of, column)
            nulls = next((k.name.removeprefix("nulls_") for k in keywords if not is_false(k.value)), "")
            return IndexPart(inner.column, inner.expression, order == "desc", inner.opclass, nulls=nulls)
        case Call(callee=callee, args=(of, *_)) if last_name(callee) == "OrderBy":
            inner, given = _part(of, column), arguments(node)
            return IndexPart(inner.column, inner.expression, "descending" in given, inner.opclass)
        case Call(callee=callee, args=(of, *rest)) if last_name(callee) in ("OpClass", "Collate"):
            inner = _part(of, column)
            name = text_of(arguments(node).get("name")) or (text_of(rest[0]) if rest else "")
            if last_name(callee) == "OpClass":
                return IndexPart(inner.column, inner.expression, inner.descending, name)
            return IndexPart(inner.column, inner.expression, inner.descending, inner.opclass, collation=name)
        case Text(value=str() as name) if "__" not in name:
            return IndexPart(column(name.lstrip("-")), descending=name.startswith("-"))
        case Call(callee=callee, args=(Text(value=str() as name),)) if last_name(callee) == "F" and "__" not in name:
            return IndexPart(column(name))
    return IndexPart("", expression(node, column))


def expression(node: Node, column: Columns, *, value: bool = False) -> str:
    """What a call means in SQL: `Lower("email")` is `lower(email)`. A text is a column unless a `value` is meant."""
    match node:
        case Text(value=None):
            return "NULL"
        case Text(value=bool() as flag):
            return "true" if flag else "false"
        case Text(value=int() | float() as number):
            return str(number)
        case Text(value=str() as text):
            return _quoted(text) if value else _path(text, column)
        case Call(callee=callee, args=(inner, *_)) if last_name(callee) in ("F", "Value", "ExpressionWrapper", "OrderBy"):
            return expression(inner, column, value=last_name(callee) == "Value")
        case Call(callee=callee, args=args):
            return _function(last_name(callee), args, arguments(node), column)
        case Other(word="+" | "-" | "*" | "/" as sign, children=(left, right)):
            return f"{expression(left, column)} {sign} {expression(right, column)}"
        case Other(word="list" | "tuple" | "set", children=items):
            return "(" + ", ".join(expression(item, column, value=value) for item in items) + ")"
    return UNKNOWN


def _function(name: str, args: tuple[Node, ...], given: dict[str, Node], column: Columns) -> str:
    parts = [expression(arg, column) for arg in args]
    match name:
        case "KeyTextTransform" | "KeyTransform" | "KT" if len(parts) > 1:
            arrow = "->" if name == "KeyTransform" else "->>"
            return f"({parts[1]} {arrow} {_quoted(text_of(args[0]))})"
        case "Cast" if parts:
            kind = given.get("output_field") or (args[1] if len(args) > 1 else None)
            return f"cast({parts[0]} AS {last_name(kind).removesuffix('Field').lower() if kind is not None else UNKNOWN})"
    word = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()
    return f"{word}({', '.join(parts)})" if word else UNKNOWN


def _path(text: str, column: Columns) -> str:
    first, *keys = text.split("__")
    return column(first) + "".join(f" -> {_quoted(key)}" for key in keys)


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _is_none(node: Node) -> bool:
    return isinstance(node, Text) and node.value is None


# -- conditions --------------------------------------------------------------------------------------------------------


def condition(node: Node, column: Columns) -> str:
    """`Q(status="open", closed__isnull=True) | ~Q(kind=1)` as SQL."""
    match node:
        case Other(word="&" | "and" | "|" | "or" as word, children=parts):
            joint = " AND " if word in ("&", "and") else " OR "
            return joint.join(_grouped(condition(part, column), joint) for part in parts)
        case Other(word="~" | "not", children=(inner,)):
            return f"NOT ({condition(inner, column)})"
        case Call(callee=callee) if last_name(callee) == "Q":
            given = arguments(node)
            joint = f" {text_of(given.get('_connector')) or 'AND'} "
            terms = joint.join(_grouped(term, joint) for term in _terms(node, column)) or "true"
            return f"NOT ({terms})" if "_negated" in given and not is_false(given["_negated"]) else terms
        case Call(callee=callee, args=(left, right)) if last_name(callee) in _LOOKUPS:
            return f"{expression(left, column)} {_LOOKUPS[last_name(callee)]} {expression(right, column, value=True)}"
    return UNKNOWN


_LOOKUPS = {"GreaterThan": ">", "GreaterThanOrEqual": ">=", "LessThan": "<", "LessThanOrEqual": "<=", "Exact": "="}


def _grouped(text: str, joint: str) -> str:
    """A condition as a part of a longer one."""
    return f"({text})" if (" OR " in text) != (" OR " in joint) and (" OR " in text or " AND " in text) else text


def _terms(call: Call, column: Columns) -> Iterator[str]:
    for node in call.args:
        match node:
            case Other(word="tuple", children=(key, value)):
                yield _compared(text_of(key), value, column)
            case _:
                yield condition(node, column)
    for keyword in call.keywords:
        if not keyword.name.startswith("_"):
            yield _compared(keyword.name, keyword.value, column) if keyword.name != "**" else UNKNOWN


def _compared(lookup: str, value: Node, column: Columns) -> str:
    """`age__gte=18` is `age >= 18`."""
    name, _, how = lookup.partition("__")
    name, right = column(name) if name else UNKNOWN, expression(value, column, value=True)
    if how in ("", "exact") and right == "NULL":
        return f"{name} IS NULL"
    if how == "" or how in _COMPARED:
        return f"{name} {_COMPARED[how or 'exact']} {right}"
    if how == "isnull" and isinstance(value, Text):
        return f"{name} IS NULL" if value.value else f"{name} IS NOT NULL"
    if how == "in":
        return f"{name} IN {right if right.startswith('(') else UNKNOWN}"
    if how in _PATTERNS and text_of(value):
        return f"{name} LIKE {_quoted(_PATTERNS[how].format(text_of(value)))}"
    return UNKNOWN
