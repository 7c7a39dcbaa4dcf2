"""Conditions that a query is given as a function: of rows in brackets, or of the rows of a relation.

`where(function ($query) { $query->where(…)->orWhere(…); })` puts what the function asks for in brackets, and
`whereHas('comments', …)` asks it of a relation's rows. What the function does is read as it stands: calls after one another on
what it is given. Where it does anything else, it may ask for more.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from analyzers.facts.outline import Call, Function, Member, Name, Node, Return, Text
from analyzers.knowledge import Rows as RowsWords
from analyzers.model.inference.rows import named_columns
from analyzers.model.inference.types import Literal, Search, Value
from analyzers.model.tables.models import Model

if TYPE_CHECKING:
    from analyzers.model.inference.frames import Frame
    from analyzers.model.inference.summaries import Inference


def bracketed(inference: Inference, model: Model, words: RowsWords, function: Function, frame: Frame) -> list[Search]:
    """What the function that a condition is asks of the rows."""
    given = function.parameters[0].name if function.parameters else ""
    found: list[Search] = []
    for statement in function.body:
        chain = list(chain_of(statement.value if isinstance(statement, Return) and statement.value else statement, given))
        if not chain:
            found.append(Search("other", model.qualified, ""))
        for call in chain:
            found = _after(inference, model, words, call, found, frame)
    return named_columns.closed(found)


def related(inference: Inference, model: Model, words: RowsWords, call: Call, args: list[Value], frame: Frame) -> list[Search]:
    """What a call asks of the rows of the relation that it names: by a function, or by a column and its value."""
    match args:
        case [Literal(value=str() as path), *_]:
            target = _reached(inference, model, path)
        case _:
            target = None
    if target is None:
        return [Search("other", model.qualified, "")]
    match call.args[1:]:
        case [Function() as function, *_]:
            return bracketed(inference, target, words, function, frame)
        case [Text(), *_] as named:
            method = words.methods.get(words.dynamic)
            if method is not None and len(named) > 1:
                return named_columns.conditions(named_columns.of(target), method, args[1:])
    return [Search("other", model.qualified, "")]


def _reached(inference: Inference, model: Model, path: str) -> Model | None:
    """The model at the end of the relations that a path names."""
    current: Model | None = model
    for name in path.partition(":")[0].split("."):
        relation = current.relations.get(name) if current is not None else None
        current = inference.model(relation.target) if relation is not None and relation.target else None
    return current


def chain_of(node: Node, given: str) -> Iterator[Call]:
    """The calls of `$given->one()->other()`, first to last; nothing if it is anything else."""
    calls: list[Call] = []
    while isinstance(node, Call) and isinstance(node.callee, Member):
        calls.append(node)
        node = node.callee.of
    if isinstance(node, Name) and node.id.lstrip("$") == given.lstrip("$"):
        yield from reversed(calls)


def _after(inference: Inference, model: Model, words: RowsWords, call: Call, found: list[Search], frame: Frame) -> list[Search]:
    """The conditions after one more call."""
    from analyzers.model.inference.rows.searches import filtered

    assert isinstance(call.callee, Member)
    name = call.callee.name
    method = words.methods.get(name)
    if method is None:
        return [*found, Search("other", model.qualified, "")]
    if not method.filters:
        return found
    added = filtered(inference, model, method, words, call, list(_stated(call.args)), {}, frame)
    return named_columns.either(found, added, model.qualified, begins=method.alternative)


def _stated(args: Iterable[Node]) -> Iterator[Value]:
    for node in args:
        yield Literal(node.value) if isinstance(node, Text) else None
