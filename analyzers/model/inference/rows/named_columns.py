"""Conditions whose arguments name a column and what it is compared with: `where('status', 'open')`, `whereIn('id', $ids)`.

Where a library's models state no columns, a name that is none of the table's is a column that was not seen.
"""

from __future__ import annotations

import re

from analyzers.facts.outline import Call, Member
from analyzers.knowledge import Method
from analyzers.knowledge import Rows as RowsWords
from analyzers.model.inference.rows import lookups
from analyzers.model.inference.types import Literal, Mapped, Search, Tupled, Value
from analyzers.model.tables.models import Model

_NAME = re.compile(r"(?:(?P<table>\w+)\.)?(?P<column>\w+)")

_OPERATORS = {
    "=": "equal",
    "==": "equal",
    "<=>": "equal",
    "is": "equal",
    "in": "member",
    "<": "below",
    ">": "ranged",
    "<=": "below",
    ">=": "ranged",
    "between": "ranged",
    "!=": "",
    "<>": "",
    "is not": "",
    "not like": "",
    "not ilike": "",
    "not in": "",
}
"""What an operator asks of an index; nothing for what only leaves rows out."""


def conditions(model: Model, method: Method, args: list[Value]) -> list[Search]:
    """The conditions that the arguments are."""
    match args:
        case []:
            return []
        case [Mapped(items=items), *_]:
            return [_compared(model, name, "", value) for name, value in items]
        case [Tupled(items=items), *_]:
            return [s for item in items for s in _triple(model, method, item)]
        case [Literal(value=str() as name)] if method.compares:
            return _plain(model, name, method.compares, None)
        case [Literal(value=str() as name), value, *rest]:
            if method.compares:
                return _plain(model, name, method.compares, value)
            operator = value.value if rest and isinstance(value, Literal) and isinstance(value.value, str) else ""
            if rest and not operator:
                return [_unknown(model)]
            if _OPERATORS.get(operator.lower(), operator) == "" and operator:
                return []
            return [_compared(model, name, operator.lower(), rest[0] if rest else value)]
    return [_unknown(model)]


def in_name(words: RowsWords, call: Call) -> Literal | None:
    """The column that the name of a call ends with: `status` of `whereStatus('open')`."""
    name = call.callee.name if isinstance(call.callee, Member) else ""
    said = name.removeprefix(words.dynamic) if words.dynamic and name not in words.methods else name
    if said == name or not said[:1].isupper():
        return None
    return Literal(re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", said).lower())


def _triple(model: Model, method: Method, item: Value) -> list[Search]:
    """One of several conditions in a list: `['total', '>', 3]`."""
    return conditions(model, method, list(item.items)) if isinstance(item, Tupled) else [_unknown(model)]


def _plain(model: Model, name: str, how: str, value: Value) -> list[Search]:
    if how == "nothing":
        return []
    column = column_named(model, name)
    return [Search(how, model.qualified, column, lookups.literal(value)) if column else _unknown(model)]


def _compared(model: Model, name: str, operator: str, value: Value) -> Search:
    column = column_named(model, name)
    if not column:
        return _unknown(model)
    if operator in ("like", "ilike", "regexp", "rlike", "~", "like binary"):
        text = value.value if isinstance(value, Literal) and isinstance(value.value, str) else "%"
        beginning = not text.startswith(("%", "_")) and text.endswith("%")
        return Search("prefix" if beginning and operator == "like" else "pattern", model.qualified, column)
    how = _OPERATORS.get(operator, "equal" if not operator else "other")
    if how == "equal" and value == Literal(None):
        how = "null"
    return Search(how, model.qualified, column, lookups.literal(value)) if how != "other" else _unknown(model)


def column_named(model: Model, name: str) -> str:
    """The column of the model's own table that a text names; empty where it is another table's, or no plain column."""
    found = _NAME.fullmatch(name.strip('`"'))
    if found is None or found["table"] not in (None, model.table):
        return ""
    return lookups.column_of(model, found["column"])


def order(model: Model, method: Method, args: list[Value]) -> Search:
    """What a call orders by: a named column, newest first where it says so."""
    named = args[0] if args else Literal(method.column)
    text = named.value if isinstance(named, Literal) and isinstance(named.value, str) else ""
    way = args[1].value if len(args) > 1 and isinstance(args[1], Literal) else ""
    descending = method.latest or (isinstance(way, str) and way.lower() == "desc")
    return Search("ordered", model.qualified, column_named(model, text) if text else "", descending=descending)


def either(found: list[Search], added: list[Search], model: Model, *, begins: bool) -> list[Search]:
    """The conditions after one more: it holds beside those that came last, or in their place if it `begins` an alternative."""
    rest = [s for s in found if s.how in _APART]
    before = [s for s in found if s.how not in _APART]
    last = before[-1] if len(before) == 1 and before[-1].how == "either" and before[-1].column == _OR else None
    if begins:
        sides = (*last.sides, tuple(added)) if last is not None else (tuple(before), tuple(added))
    elif last is not None and added:
        sides = (*last.sides[:-1], (*last.sides[-1], *added))
    else:
        return [*found, *added]
    return [*rest, Search("either", model.qualified, _OR, sides=sides)] if before else [*rest, *added]


_APART = ("ordered", "grouped", "deleted")
_OR = "|"
"""Marks alternatives that are still open for what follows."""


def _unknown(model: Model) -> Search:
    return Search("other", model.qualified, "")
