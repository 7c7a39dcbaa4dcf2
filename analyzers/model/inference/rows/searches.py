"""The columns a query searches by: what each method of a query adds to them.

How arguments name columns differs by library: keywords with paths and lookups (`lookups`), comparisons of attributes
(`comparisons`), mappings of names (`criteria`), or texts of a query language (`expression`).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

import msgspec

from analyzers.facts.outline import Call, Function, Member, Node, Text
from analyzers.knowledge import Method
from analyzers.knowledge import Rows as RowsWords
from analyzers.model.inference.frames import Query
from analyzers.model.inference.rows import closures, comparisons, lookups, named_columns
from analyzers.model.inference.types import (
    Listed,
    Literal,
    Mapped,
    Rows,
    Search,
    Tupled,
    Value,
)
from analyzers.model.naming.literals import text_of
from analyzers.model.tables.models import Model

if TYPE_CHECKING:
    from analyzers.model.inference.frames import Frame
    from analyzers.model.inference.summaries import Inference

_COMPARISON = re.compile(
    r"\b([a-zA-Z_]\w*)\.([a-zA-Z_]\w*)\s*(=|<>|!=|<=|>=|<|>|IN\b|NOT\s+IN\b|BETWEEN\b|LIKE\b|NOT\s+LIKE\b|IS\s+NULL\b|IS\s+NOT\s+NULL\b)",
    re.IGNORECASE,
)
_DOTTED = re.compile(r"\s*([a-zA-Z_]\w*)\.([a-zA-Z_]\w*)")


def searched(
    inference: Inference,
    rows: Rows,
    model: Model,
    method: Method,
    words: RowsWords,
    call: Call,
    args: list[Value],
    frame: Frame,
) -> Rows:
    """The rows after a call: by what they are searched, and how they are ordered."""
    found = list(rows.searches)
    added = filtered(inference, model, method, words, call, args, dict(rows.aliases), frame)
    found = named_columns.either(found, added, model.qualified, begins=method.alternative)
    ordered = _ordered(inference, model, method, call, args, dict(rows.aliases), frame)
    if ordered is not None:
        kept = found if method.orders == "column" or method.then else [s for s in found if s.how != "ordered"]
        found = kept + ordered
    for how, so in (("grouped", method.groups), ("deleted", method.deletes)):
        if so:
            found.append(Search(how, model.qualified, ""))
    return msgspec.structs.replace(rows, searches=tuple(found)) if found != list(rows.searches) else rows


def fetched(inference: Inference, rows: Rows, call: Call, frame: Frame) -> Rows:
    """The one row that a call asks for, which names the rows first and then what that row meets."""
    model = inference.model(rows.model)
    words = model.library.rows if model is not None else None
    if model is None or words is None:
        return rows
    rest = msgspec.structs.replace(call, args=call.args[1:])
    found = lookups.conditions(inference, model, words, rest, (), frame)
    return msgspec.structs.replace(rows, searches=(*rows.searches, *found), root=rows.root or frame.site(call))


def taken_apart(inference: Inference, given: Iterable[Value]) -> None:
    """Notes of queries that only the rows are asked for that belong to others: those are found by the column that says so."""
    for rows in given:
        if isinstance(rows, Rows) and rows.root is not None:
            part = msgspec.structs.replace(rows, searches=(*rows.searches, Search("key", rows.model, "")))
            inference.trace.note((rows.root.path, rows.root.start), Query(part, rows.root))


def filtered(
    inference: Inference,
    model: Model,
    method: Method,
    words: RowsWords,
    call: Call,
    args: list[Value],
    aliases: dict[str, str],
    frame: Frame,
) -> list[Search]:
    """What the rows must meet that the call gives."""
    match method.filters:
        case "lookups":
            return lookups.conditions(inference, model, words, call, method.unsearched, frame)
        case "conditions":
            return comparisons.conditions(inference, model, words, call, frame)
        case "columns" if call.args and isinstance(call.args[0], Function):
            return closures.bracketed(inference, model, words, call.args[0], frame)
        case "columns":
            name = named_columns.in_name(words, call)
            given = [name, *args] if name is not None and args else args
            return named_columns.conditions(named_columns.of(model), method, given)
        case "related":
            return closures.related(inference, model, words, call, args, frame)
        case "key":
            return [Search("key", model.qualified, "")]
        case "function" if sum(isinstance(node, Function) for node in call.args) == 1:
            return []  # what it adds to the query, which it is given, is read where it is walked
        case "unknown" | "function":
            return [Search("other", model.qualified, "")]
        case "criteria" if args:
            return [s for s in _criteria(model, args[0], "equal") if s is not None]
        case "expression":
            said = (text for node, value in zip(call.args, args, strict=False) for text in _made(node, words, value))
            return [s for text in said for s in _expression(inference, model, aliases, text)]
    return []


def _ordered(
    inference: Inference, model: Model, method: Method, call: Call, args: list[Value], aliases: dict[str, str], frame: Frame
) -> list[Search] | None:
    """How the call orders the rows, in the place of how they were; `None` where it does not."""
    match method.orders:
        case "names":
            stated = [s for value in args for s in lookups.order(model, value, latest=method.latest)]
            if not args and method.returns == "row":
                stated = [lookups.named_order(model, name, latest=method.latest) for name in model.latest]
            return stated or [Search("ordered", model.qualified, "")]
        case "attributes":
            return [comparisons.order(inference, model, node, frame) for node in call.args]
        case "column":
            return [named_columns.order(named_columns.of(model), method, args)]
        case "criteria" if len(args) > 1:
            return [s for s in _criteria(model, args[1], "ordered") if s is not None]
        case "expression" if args and isinstance(args[0], Literal) and isinstance(args[0].value, str):
            hit = _DOTTED.match(args[0].value)
            found = attribute_search(model, aliases, hit[1], hit[2], "ordered") if hit else None
            if found is None or found.how == "other":
                return [Search("ordered", model.qualified, "")]
            way = args[1].value if len(args) > 1 and isinstance(args[1], Literal) else ""
            return [msgspec.structs.replace(found, descending=str(way).upper() == "DESC")]
    return None


# -- criteria, and texts of a query language ---------------------------------------------------------------------------


def _expression(inference: Inference, model: Model, aliases: dict[str, str], value: Value) -> list[Search]:
    text = value.value if isinstance(value, Literal) and isinstance(value.value, str) else ""
    hits = list(_COMPARISON.finditer(text))
    if not hits or " or " in f" {text.lower()} ":
        return [Search("other", model.qualified, "")]
    asked = [(m[1], m[2], _how(m[3])) for m in hits]
    return [joined_search(inference, model, aliases, alias, name, how) for alias, name, how in asked if how]


def _made(node: Node, words: RowsWords, value: Value) -> Iterator[Value]:
    """What an argument says in the words of the query language: `$qb->expr()->eq('o.number', ':number')` as its text."""
    match node:
        case Call(callee=Member(of=Call(callee=Member(name=_)), name=name), args=args) if name in words.expression_makers:
            operator = words.expression_makers[name]
            if operator == "all":
                for part in args:
                    yield from _made(part, words, None)
                return
            texts = [text_of(part) for part in args]
            compared = len(texts) > 1 and _DOTTED.match(texts[1]) is not None
            yield Literal(f"{texts[0]} {operator}") if texts and texts[0] and not compared else None
        case Text(value=str() as text):
            yield Literal(text)
        case _:
            yield value


def _how(operator: str) -> str:
    match " ".join(operator.upper().split()):
        case "=":
            return "equal"
        case "IN":
            return "member"
        case "<" | "<=":
            return "below"
        case ">" | ">=" | "BETWEEN":
            return "ranged"
        case "LIKE":
            return "pattern"
        case "IS NULL":
            return "null"
        case "IS NOT NULL":
            return "filled"
    return ""


def _criteria(model: Model, value: Value, how: str) -> list[Search | None]:
    if isinstance(value, Mapped):
        return [column_search(model, key, how) or Search("other", model.qualified, "") for key, _ in value.items]
    if isinstance(value, Listed | Tupled) or value is None:
        return [Search("other", model.qualified, "")] if how == "equal" and value is None else []
    return []


def joined_search(inference: Inference, model: Model, aliases: dict[str, str], alias: str, name: str, how: str) -> Search:
    """A search by an attribute of the rows, or of what an alias joins with them."""
    holder: Model | None = model
    for hop in aliases[alias].split(".") if aliases.get(alias) else ():
        relation = holder.relations.get(hop) if holder is not None else None
        holder = inference.model(relation.target) if relation is not None else None
    unknown = Search("other", model.qualified, "")
    return (column_search(holder, name, how) or unknown) if holder is not None and alias in aliases else unknown


def attribute_search(model: Model, aliases: dict[str, str], alias: str, name: str, how: str) -> Search | None:
    if aliases.get(alias) == "":
        return column_search(model, name, how) or Search("other", model.qualified, "")
    return Search("other", model.qualified, "")


def column_search(model: Model, name: str, how: str) -> Search | None:
    """A search by the column, or the key, that the code calls `name`."""
    column = lookups.column_of(model, name)
    return Search(how, model.qualified, column) if column else None
