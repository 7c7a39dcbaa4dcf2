"""Keywords that name columns by paths, with a lookup at their end: `customer__email__iexact="…"`; and names to order by.

Conditions in objects (`Q(status="open") | Q(…)`) are read with their operators. What is denied narrows nothing an index could
serve. A path that ends in the table of a relation is a condition on that table.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from analyzers.facts.outline import Call, Node, Other
from analyzers.knowledge import Rows as RowsWords
from analyzers.knowledge import named
from analyzers.model.inference import flow
from analyzers.model.inference.types import LibraryValue, Listed, Literal, Mapped, Search, Tupled, Value
from analyzers.model.tables.models import Model

if TYPE_CHECKING:
    from analyzers.model.inference.frames import Frame
    from analyzers.model.inference.summaries import Inference


def conditions(
    inference: Inference, model: Model, words: RowsWords, call: Call, unsearched: tuple[str, ...], frame: Frame
) -> list[Search]:
    """The conditions that the arguments of a call are, all of which hold."""
    found = [s for node in call.args for s in _condition(inference, model, words, node, frame)]
    for keyword in call.keywords:
        if keyword.name in unsearched:
            continue
        value = flow.evaluate(inference, keyword.value, frame)
        if keyword.name == "**":
            pairs = value.items if isinstance(value, Mapped) else None
            found += [lookup(inference, model, words, n, v) for n, v in pairs] if pairs is not None else [_unknown(model)]
        else:
            found.append(lookup(inference, model, words, keyword.name, value))
    return found


def _condition(inference: Inference, model: Model, words: RowsWords, node: Node, frame: Frame) -> list[Search]:
    match node:
        case Other(word="&", children=parts):
            return [s for part in parts for s in _condition(inference, model, words, part, frame)]
        case Other(word="|", children=parts):
            sides = tuple(tuple(_condition(inference, model, words, part, frame)) for part in parts)
            return [Search("either", model.qualified, "", sides=sides)]
        case Other(word="~"):
            return []
        case Call(callee=callee):
            made = flow.evaluate(inference, callee, frame)
            if isinstance(made, LibraryValue) and named(model.library, made.name, words.condition_makers):
                return conditions(inference, model, words, node, (), frame)
    return [_unknown(model)]


def lookup(inference: Inference, model: Model, words: RowsWords, keyword: str, value: Value) -> Search:
    """The column at the end of the path, and what the lookup asks of an index."""
    found = _followed(inference, model, words, keyword)
    if found is None:
        return _unknown(model)
    holder, column, rest = found
    how = _how(words, rest, value)
    if column == "" and how in ("equal", "member", "null"):
        return Search("key", holder.qualified, "")
    if not column or how == "other":
        return _unknown(model)
    return Search(how, holder.qualified, column, literal(value))


def _how(words: RowsWords, rest: list[str], value: Value) -> str:
    """What the lookups at the end of a path ask for. A transform before the last one makes a column something else."""
    if not rest:
        return "null" if value == Literal(None) else "equal"
    how = words.lookups.get(rest[-1], "other")
    before = [words.lookups.get(name, "other") for name in rest[:-1]]
    if how == "null" and isinstance(value, Literal) and value.value is False:
        how = "filled"
    if not before:
        return how
    if before != ["ranged"]:
        return "computed"
    return {"equal": "ranged", "ranged": "ranged", "below": "below"}.get(how, "computed")


def _followed(inference: Inference, model: Model, words: RowsWords, keyword: str) -> tuple[Model, str, list[str]] | None:
    """The table at the end of a path, its column (empty where it is found by key), and the lookups behind it."""
    parts = keyword.split(words.path_separator)
    current: Model | None = model
    while parts and current is not None:
        name = parts.pop(0)
        if name in current.keys:
            return current, "", parts
        relation = current.relations.get(name)
        if relation is None:
            column = column_of(current, name)
            return (current, column, parts) if column else None
        target = inference.model(relation.target)
        ended = not parts or (parts[0] in words.lookups and not _has(target, parts[0]))
        by_key = target is not None and len(parts) > 0 and parts[0] in target.keys
        if ended or by_key:
            return current, relation.column, parts[1:] if by_key else parts
        current = target
    return None


def _has(model: Model | None, name: str) -> bool:
    return model is not None and (name in model.columns or name in model.relations)


def column_of(model: Model, name: str) -> str:
    """The column of the model's own table that the code calls `name`; empty where there is none."""
    words = model.library.models
    if name in model.keys:
        return next((index.columns[0] for index in model.indexes if index.primary), "")
    column = model.columns.get(name)
    if words is not None and words.style == "method":
        return name  # which columns there are, the table says
    if column is None and words is not None and words.key_suffix and name.endswith(words.key_suffix):
        column = model.columns.get(name.removesuffix(words.key_suffix))
    return column.name if column is not None and not column.foreign else ""


def literal(value: Value) -> str:
    match value:
        case Literal(value=bool() as truth):
            return str(truth).lower()
        case Literal(value=str() | int() | float() as given):
            return str(given)
    return ""


def _unknown(model: Model) -> Search:
    return Search("other", model.qualified, "")


# -- order -------------------------------------------------------------------------------------------------------------


def order(model: Model, value: Value, *, latest: bool = False) -> list[Search]:
    """What one argument orders by: a name, or several. Nothing known ends what an index could serve."""
    match value:
        case Literal(value=str() as text):
            return [named_order(model, text, latest=latest)]
        case Tupled(items=items):
            return [s for item in items for s in order(model, item, latest=latest)]
        case Listed(item=item):
            return order(model, item, latest=latest)
    return [Search("ordered", model.qualified, "")]


def named_order(model: Model, text: str, *, latest: bool = False) -> Search:
    """`-created_at`, newest first."""
    column = column_of(model, text.lstrip("-+"))
    return Search("ordered", model.qualified, column, descending=text.startswith("-") != latest)
