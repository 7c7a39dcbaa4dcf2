"""Conditions whose arguments name a column and what it is compared with: `where('status', 'open')`, `whereIn('id', $ids)`.

Where a library's models state no columns, a name that is none of the table's is a column that was not seen.
"""

from __future__ import annotations

import re
from collections.abc import Callable

import msgspec

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


Named = Callable[[str], tuple[str, str]]
"""What a text names: whose rows, and which of their columns; an empty one, where it is none of theirs."""


def of(model: Model) -> Named:
    """What texts name in queries of a model."""
    return lambda text: (model.qualified, column_named(model, text))


def conditions(named: Named, method: Method, args: list[Value]) -> list[Search]:
    """The conditions that the arguments are."""
    match args:
        case []:
            return []
        case [Mapped(items=items), *_]:
            return [_compared(named, name, "", value) for name, value in items]
        case [Tupled(items=items), *_]:
            return [s for item in items for s in _triple(named, method, item)]
        case [Literal(value=str() as name)] if method.compares:
            return _plain(named, name, method.compares, None)
        case [Literal(value=str() as name), value, *rest]:
            if method.compares:
                return _plain(named, name, method.compares, value)
            operator = value.value if rest and isinstance(value, Literal) and isinstance(value.value, str) else ""
            if rest and not operator:
                return [unknown(named)]
            if _OPERATORS.get(operator.lower(), operator) == "" and operator:
                return []
            return [_compared(named, name, operator.lower(), rest[0] if rest else value)]
    return [unknown(named)]


def in_name(words: RowsWords, call: Call) -> Literal | None:
    """The column that the name of a call ends with: `status` of `whereStatus('open')`."""
    name = call.callee.name if isinstance(call.callee, Member) else ""
    said = name.removeprefix(words.dynamic) if words.dynamic and name not in words.methods else name
    if said == name or not said[:1].isupper():
        return None
    return Literal(re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", said).lower())


def _triple(named: Named, method: Method, item: Value) -> list[Search]:
    """One of several conditions in a list: `['total', '>', 3]`."""
    return conditions(named, method, list(item.items)) if isinstance(item, Tupled) else [unknown(named)]


def _plain(named: Named, name: str, how: str, value: Value) -> list[Search]:
    if how == "nothing":
        return []
    rows, column = named(name)
    return [Search(how, rows, column, lookups.literal(value)) if column else unknown(named)]


def _compared(named: Named, name: str, operator: str, value: Value) -> Search:
    rows, column = named(name)
    if not column:
        return unknown(named)
    if operator in ("like", "ilike", "regexp", "rlike", "~", "like binary"):
        text = value.value if isinstance(value, Literal) and isinstance(value.value, str) else "%"
        beginning = not text.startswith(("%", "_")) and text.endswith("%")
        return Search("prefix" if beginning and operator == "like" else "pattern", rows, column)
    how = _OPERATORS.get(operator, "equal" if not operator else "other")
    if how == "equal" and value == Literal(None):
        how = "null"
    return Search(how, rows, column, lookups.literal(value)) if how != "other" else unknown(named)


def column_named(model: Model, name: str) -> str:
    """The column of the model's own table that a text names; empty where it is another table's, or no plain column."""
    found = _NAME.fullmatch(name.strip('`"'))
    if found is None or found["table"] not in (None, model.table):
        return ""
    return lookups.column_of(model, found["column"])


def order(named: Named, method: Method, args: list[Value]) -> Search:
    """What a call orders by: a named column, newest first where it says so."""
    first = args[0] if args else Literal(method.column)
    text = first.value if isinstance(first, Literal) and isinstance(first.value, str) else ""
    way = args[1].value if len(args) > 1 and isinstance(args[1], Literal) else ""
    descending = method.latest or (isinstance(way, str) and way.lower() == "desc")
    rows, column = named(text)
    return Search("ordered", rows, column if text else "", descending=descending)


def either(found: list[Search], added: list[Search], rows: str, *, begins: bool) -> list[Search]:
    """The conditions of `rows` after one more: it holds beside those that came last, or in their place if it `begins` an
    alternative."""
    rest = [s for s in found if s.how in _APART]
    before = [s for s in found if s.how not in _APART]
    last = before[-1] if len(before) == 1 and before[-1].how == "either" and before[-1].column == _OR else None
    if begins:
        sides = (*last.sides, tuple(added)) if last is not None else (tuple(before), tuple(added))
    elif last is not None and added:
        sides = (*last.sides[:-1], (*last.sides[-1], *added))
    else:
        return [*found, *added]
    return [*rest, Search("either", rows, _OR, sides=sides)] if before else [*rest, *added]


def closed(found: list[Search]) -> list[Search]:
    """The conditions in brackets: what follows is no alternative of theirs."""
    return [msgspec.structs.replace(s, column="") if s.how == "either" else s for s in found]


_APART = ("ordered", "grouped", "deleted")
_OR = "|"
"""Marks alternatives that are still open for what follows."""


def unknown(named: Named) -> Search:
    """A condition that was not understood."""
    return Search("other", named("")[0], "")
