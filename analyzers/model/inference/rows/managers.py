"""What the project's own managers load with every query that they begin: their `get_queryset`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from analyzers.facts.outline import Call, Member, walk
from analyzers.knowledge.methods import Method
from analyzers.model.inference.rows import origins
from analyzers.model.inference.types import Rows, Site
from analyzers.model.naming.definitions import ClassDefinition, FunctionDefinition
from analyzers.model.naming.literals import text_of

if TYPE_CHECKING:
    from analyzers.model.inference.summaries import Inference


def begun(inference: Inference, rows: Rows) -> Rows:
    """Rows of a manager, with what its own first query loads."""
    made = _first(inference, rows.kind, rows.model) if rows.kind is not None else None
    if made is None:
        return rows
    return msgspec.structs.replace(
        rows, eager=rows.eager | made.eager, known=rows.known and made.known, deferred=rows.deferred | made.deferred
    )


def loaded(inference: Inference, model: str) -> frozenset[str]:
    """What comes with the rows of a collection, as the default manager of their model loads it."""
    kind = origins.manager_kind(inference, model)
    made = _first(inference, kind, model) if kind is not None else None
    return made.eager if made is not None else frozenset()


def _first(inference: Inference, kind: ClassDefinition, model: str) -> Rows | None:
    """The query that the manager's own method begins with, if it has one: as it is walked, else as it reads."""
    found = inference.model(model)
    words = found.library.rows if found is not None else None
    names = words.query_factories if words is not None else ()
    method = next((m for m in (inference.code.method(kind, name) for name in names) if m is not None), None)
    if words is None or method is None:
        return None
    own = Rows(model, Site(kind.path, kind.node.start, kind.node.end, kind.qualified), kind=kind)
    made = inference.call(method, own, (), {}, None, None)
    if isinstance(made, Rows) and made.model == model:
        return made
    return _as_read(method, own, words.methods, words.path_separator)


def _as_read(method: FunctionDefinition, rows: Rows, methods: dict[str, Method], separator: str) -> Rows:
    """The rows with all that calls in the method load, whether they happen or not."""
    for node in (node for statement in method.node.body for node in walk(statement)):
        if not isinstance(node, Call) or not isinstance(node.callee, Member):
            continue
        called = methods.get(node.callee.name)
        if called is not None and called.eager:
            texts = [text_of(n) for n in node.args]
            paths = frozenset(text.replace(separator, ".") for text in texts if text)
            rows = msgspec.structs.replace(rows, eager=rows.eager | paths, known=rows.known and bool(texts) and all(texts))
    return rows
