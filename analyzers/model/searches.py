"""The columns a query searches by: lookups, criteria, and expressions of a query language."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from analyzers.facts.outline import Call
from analyzers.knowledge import Method
from analyzers.model.models import Model
from analyzers.model.types import (
    Listed,
    Literal,
    Mapped,
    Search,
    Tupled,
    Value,
)

if TYPE_CHECKING:
    from analyzers.model.summaries import Inference

_COMPARISON = re.compile(r"\b([a-zA-Z_]\w*)\.([a-zA-Z_]\w*)\s*(=|<>|!=|<=|>=|<|>|IN\b|BETWEEN\b|LIKE\b|IS\b)", re.IGNORECASE)
_DOTTED = re.compile(r"\s*([a-zA-Z_]\w*)\.([a-zA-Z_]\w*)")


def searches_of(
    inference: Inference,
    model: Model,
    method: Method,
    call: Call,
    args: list[Value],
    aliases: dict[str, str],
    separator: str,
    lookups: dict[str, str],
) -> list[Search]:
    found: list[Search | None] = []
    match method.filters:
        case "lookups":
            found.extend(_lookup(inference, model, k.name, separator, lookups) for k in call.keywords)
            found.extend(Search("other", model.qualified, "") for _ in call.args)
        case "unknown":
            found.append(Search("other", model.qualified, ""))
        case "criteria" if args:
            found.extend(_criteria(model, args[0], "equal"))
        case "expression":
            for value in args:
                text = value.value if isinstance(value, Literal) and isinstance(value.value, str) else ""
                if " or " in f" {text.lower()} ":
                    found.append(Search("other", model.qualified, ""))
                    continue
                hits = list(_COMPARISON.finditer(text))
                found.extend(attribute_search(model, aliases, m[1], m[2], _how(m[3])) for m in hits)
                if not hits:
                    found.append(Search("other", model.qualified, ""))
    match method.orders:
        case "names":
            names = [a.value for a in args if isinstance(a, Literal) and isinstance(a.value, str)]
            found.extend(_column_search(model, name.lstrip("-+"), "ordered") for name in names)
        case "criteria" if len(args) > 1:
            found.extend(_criteria(model, args[1], "ordered"))
        case "expression" if args and isinstance(args[0], Literal) and isinstance(args[0].value, str):
            hit = _DOTTED.match(args[0].value)
            if hit:
                found.append(attribute_search(model, aliases, hit[1], hit[2], "ordered"))
    return [s for s in found if s is not None]


def _how(operator: str) -> str:
    match operator.upper():
        case "=" | "IN" | "IS":
            return "equal"
        case "<" | ">" | "<=" | ">=" | "BETWEEN":
            return "ranged"
    return "other"


def _lookup(inference: Inference, model: Model, keyword: str, separator: str, lookups: dict[str, str]) -> Search:
    """`customer__email__iexact="…"`: the column at the end of the path, and what the lookup asks of an index."""
    parts = keyword.split(separator)
    how = "equal"
    if len(parts) > 1 and (parts[-1] in lookups):
        how = lookups[parts.pop()]
    current: Model | None = model
    for hop in parts[:-1]:
        relation = current.relations.get(hop) if current is not None else None
        current = inference.model(relation.target) if relation is not None else None
    if current is None or current is not model:
        return Search("other", model.qualified, "")
    return _column_search(model, parts[-1], how) or Search("other", model.qualified, "")


def _column_search(model: Model, name: str, how: str) -> Search | None:
    words = model.library.models
    if name in model.keys:
        key = next((i.columns[0] for i in model.indexes if i.primary), "")
        return Search(how, model.qualified, key) if key else None
    column = model.columns.get(name)
    if column is None and words is not None and words.key_suffix and name.endswith(words.key_suffix):
        column = model.columns.get(name.removesuffix(words.key_suffix))
    return Search(how, model.qualified, column.name) if column is not None else None


def _criteria(model: Model, value: Value, how: str) -> list[Search | None]:
    if isinstance(value, Mapped):
        return [_column_search(model, key, how) or Search("other", model.qualified, "") for key, _ in value.items]
    if isinstance(value, Listed | Tupled) or value is None:
        return [Search("other", model.qualified, "")] if how == "equal" and value is None else []
    return []


def attribute_search(model: Model, aliases: dict[str, str], alias: str, name: str, how: str) -> Search | None:
    if aliases.get(alias) == "":
        return _column_search(model, name, how) or Search("other", model.qualified, "")
    return Search("other", model.qualified, "")
