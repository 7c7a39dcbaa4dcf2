"""Objects that turn each row into data: which rows they are given, and what they read of each.

new Collection($orders, new OrderTransformer());  fractal()->collection($orders)->transformWith(OrderTransformer::class);
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from analyzers.facts.outline import Call, Member, Name, Node, Text, walk
from analyzers.knowledge import libraries
from analyzers.knowledge.derived import derived
from analyzers.knowledge.listings import Transformers
from analyzers.knowledge.naming import studly
from analyzers.model.inference import flow
from analyzers.model.inference.types import ClassValue, Closure, Instance, Listed, Row, Rows, Value, comes_back
from analyzers.model.tables.repositories import class_named

if TYPE_CHECKING:
    from analyzers.model.inference.frames import Frame
    from analyzers.model.inference.summaries import Inference

_kinds = derived(lambda: tuple(library.transformers for library in libraries() if library.transformers is not None))


def called(inference: Inference, name: str, node: Call, args: tuple[Value, ...], frame: Frame) -> bool:
    """Walks what such an object does with the rows that a call of a library gives it; whether it is such a call."""
    last = name.rpartition(".")[2]
    for words in _kinds():
        if name in words.calls:
            rows, at = words.calls[name]
            if at < len(args):
                _transform(inference, words, args[rows], args[at], node.args[at], node, frame)
            return at < len(args)
        if words.holders and not name.startswith(words.holders):
            continue
        if last in words.applied and words.applied[last] < len(args):
            at = words.applied[last]
            _transform(inference, words, _given(inference, words, node, frame), args[at], node.args[at], node, frame)
            return True
    return False


def _given(inference: Inference, words: Transformers, node: Call, frame: Frame) -> Value:
    """The rows that an earlier call of the chain was given."""
    held: Node = node
    while isinstance(held, Call):
        callee = held.callee
        name = callee.name if isinstance(callee, Member) else callee.id if isinstance(callee, Name) else ""
        at = words.with_rows.get(name, len(held.args))
        if at < len(held.args):
            return flow.evaluate(inference, held.args[at], frame)
        held = callee.of if isinstance(callee, Member) else callee
    return None


def _transform(
    inference: Inference, words: Transformers, rows: Value, by: Value, stated: Node, node: Call, frame: Frame
) -> None:
    item = flow.iterate(inference, rows, frame.site(node), node, frame) if isinstance(rows, Rows | Listed) else rows
    if not isinstance(item, Row) or comes_back(item):
        return
    if isinstance(by, Closure):
        inference.call_closure(by, (item,), {}, frame, node)
        return
    made = _object(inference, words, by, stated, frame)
    method = inference.code.method(made.definition, words.method) if made is not None else None
    if made is None or method is None:
        return
    inference.call(method, made, (item,), {}, frame, node)
    always = inference.code.attribute(made.definition, words.includes)
    for name in walk(always[1].value) if always is not None and always[1].value is not None else ():
        if isinstance(name, Text) and isinstance(name.value, str):
            include = inference.code.method(made.definition, words.include.format(name=studly(name.value)))
            if include is not None:
                inference.call(include, made, (item,), {}, frame, node)


def _object(inference: Inference, words: Transformers, by: Value, stated: Node, frame: Frame) -> Instance | None:
    """The object that transforms: given, or made by a call that names its class."""
    match by:
        case Instance():
            made = by
        case ClassValue(definition=definition):
            made = Instance(definition)
        case _ if isinstance(stated, Call) and stated.args:
            found = class_named(inference.code, frame.path, stated.args[0])
            if found is None:
                return None
            made = Instance(found)
        case _:
            return None
    externals = inference.code.externals(made.definition)
    return made if not externals.isdisjoint(words.bases) else None
