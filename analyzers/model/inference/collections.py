"""Rows in memory and lists made of them: methods that call a function, or read a named attribute, for each item."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from analyzers.facts.outline import Call, Node
from analyzers.knowledge import Method, libraries
from analyzers.knowledge import Rows as RowsWords
from analyzers.knowledge.derived import per_libraries
from analyzers.model.inference import containers, flow
from analyzers.model.inference.branching import deeds
from analyzers.model.inference.readers import declared
from analyzers.model.inference.rows import eager, queries, records
from analyzers.model.inference.types import Bound, Closure, Listed, Literal, Row, Rows, Tupled, Value, join

if TYPE_CHECKING:
    from analyzers.model.inference.frames import Frame
    from analyzers.model.inference.summaries import Inference


@per_libraries(None)
def _words(language: str) -> RowsWords | None:
    """The library whose collections the lists of a language's programs are, if there is one."""
    spoken = "php" if language not in ("python", "django", "twig") else language
    return next((x.rows for x in libraries() if x.language == spoken and x.rows is not None and x.rows.collection), None)


def known(frame: Frame, name: str) -> bool:
    """Whether lists may have the method."""
    words = _words(frame.language)
    return words is not None and name in words.collection


def each(frame: Frame, name: str) -> bool:
    """Whether a method of lists calls the function that it is given with each of the items."""
    words = _words(frame.language)
    method = words.collection.get(name) if words is not None else None
    return method is not None and method.calls == "row"


def apply(inference: Inference, held: Rows | Listed | Tupled, name: str, call: Call, frame: Frame) -> Value:
    """What `held.name(…)` gives."""
    words = _words(frame.language)
    method = words.collection.get(name) if words is not None else None
    args = [flow.evaluate(inference, a, frame) for a in call.args]
    if method is None:
        flow.hand_over(inference, tuple(args), frame, call)
        return None
    if method.eager and isinstance(held, Rows):
        return eager.loaded_with(inference, held, method, call, args, frame)
    if method.shows:
        records.laid_out(inference, held, call, frame)
        return held if isinstance(held, Rows) and held.entities else None  # values are data already
    return worked(inference, held, method, call, args, frame)


def worked(
    inference: Inference, held: Rows | Listed | Tupled, method: Method, call: Call, args: list[Value], frame: Frame
) -> Value:
    """What a method gives once its functions were called and its attributes were read."""
    given: Value = None
    for i, (node, value) in enumerate(zip(call.args, args, strict=True)):
        match value:
            case Closure() | Bound() if method.calls:
                given = _called(inference, held, method, value, node, frame)
            case Literal(value=str() as path) if method.reads and i == 0:
                given = _read(inference, held, path, node, frame)
            case Tupled(items=items) if method.reads and i == 0:
                for item in items:
                    if isinstance(item, Literal) and isinstance(item.value, str):
                        _read(inference, held, item.value, node, frame)
    return _result(inference, held, method, given, args, call, frame)


def _result(
    inference: Inference,
    held: Rows | Listed | Tupled,
    method: Method,
    given: Value,
    args: list[Value],
    call: Call,
    frame: Frame,
) -> Value:
    match method.returns:
        case "rows":
            first = args[0].value if args and isinstance(args[0], Literal) else 0
            if method.limits and isinstance(held, Rows) and isinstance(first, int) and first > 0:
                return msgspec.structs.replace(held, limit=first)
            return held
        case "row":
            if isinstance(held, Rows):
                return queries.single(held, known=held.known)
            return flow.only(flow.iterate(inference, held, frame.site(call), call, frame))
        case "mapped":
            return Listed(given)
        case "flat":
            return Listed(flow.iterate(inference, given, frame.site(call), call, frame))
        case "groups":
            return Listed(held)
        case "split":
            return Tupled((held, held))
        case "same":
            return given
    return None


def _called(
    inference: Inference, held: Rows | Listed | Tupled, method: Method, function: Closure | Bound, node: Node, frame: Frame
) -> Value:
    if method.calls == "rows":
        return containers.invoke(inference, function, (held,), node, frame)
    item, site = flow.iterate(inference, held, frame.site(node), node, frame), frame.site(node)
    with deeds.each(inference, site, deeds.body_of(function)):
        return containers.invoke(inference, function, (None, item) if method.calls == "carried" else (item,), node, frame)


def _read(inference: Inference, held: Rows | Listed | Tupled, path: str, node: Node, frame: Frame) -> Value:
    """`customer.name` of each item."""
    item = flow.iterate(inference, held, frame.site(node), node, frame)
    return declared.read_path(inference, item, path.split("."), node, frame) if isinstance(item, Row) else None


def on_query(inference: Inference, query: Rows, method: Method, node: Call, args: list[Value], frame: Frame) -> Value:
    """A query's method that calls a function: with the query, or with the rows once they are there."""
    if method.calls != "query":
        rows = msgspec.structs.replace(query, stage="fetched")
        held = msgspec.structs.replace(rows, owner=None, path=(), loop=None) if rows.bypass else rows
        return worked(inference, held, method, node, args, frame)
    out = query
    for argument, value in zip(node.args, args, strict=True):
        if isinstance(value, Closure):
            after = eager.given_to(inference, value, query, frame, argument)
            merged = join(out, after)
            out = merged if isinstance(merged, Rows) else out
    return out
