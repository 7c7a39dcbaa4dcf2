"""Queries made of model classes, and what a session does with them: `select(Order)`, `session.query(Order, Customer)`.

What has these methods is seldom known (an attribute of a request, an argument without a type), but what they are given is: a
model class, one of its attributes, or a query made of them. So a call is recognised by its arguments.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from analyzers.facts.outline import Call, Member, Name, Node, Other, Text, walk
from analyzers.knowledge import Library, libraries, named
from analyzers.knowledge.derived import derived
from analyzers.model.inference import acts, flow
from analyzers.model.inference.rows import loaders, queries
from analyzers.model.inference.rows.origins import library_of
from analyzers.model.inference.types import (
    Attribute,
    Entity,
    LibraryValue,
    LoadingMethod,
    ModelClass,
    Row,
    Rows,
    Site,
    Taken,
    Tupled,
    Value,
    row_among,
    row_in,
)

if TYPE_CHECKING:
    from analyzers.model.inference.frames import Frame
    from analyzers.model.inference.summaries import Inference


_asking = derived(lambda: tuple((x, x.rows) for x in libraries() if x.rows is not None and x.rows.class_attributes))


def called(inference: Inference, callee: Value, node: Call, args: tuple[Value, ...], frame: Frame) -> Value:
    """What a call makes of model classes, queries or loader options; None where it is no such call."""
    if not isinstance(callee, LibraryValue | LoadingMethod | None):
        return None
    for library, words in _asking():
        if library.language != frame.language:
            continue
        if isinstance(callee, LoadingMethod):
            return loaders.chained(inference, library, callee, node, args, frame)
        if isinstance(callee, LibraryValue):
            if named(library, callee.name, words.selects):
                return selected(inference, node.args, args, frame.site(node), frame)
            loading = loaders.option(inference, library, callee.name, node, args, frame)
            if loading is not None:
                return loading
        if isinstance(node.callee, Member) and args and node.callee.name in words.asks:
            answer = _asked(inference, library, words.asks[node.callee.name], node, args, frame)
            if answer is not None:
                return answer
    return None


def selected(inference: Inference, nodes: tuple[Node, ...], args: tuple[Value, ...], site: Site, frame: Frame) -> Rows | None:
    """A query for what the arguments name: whole rows, or values of them."""
    entities = tuple(_entities(inference, nodes, args, frame))
    model = next((e.model for e in entities if e.model), "")
    if not model:
        return None
    rows = Rows(model, site, root=site, chained=True)
    return rows if len(entities) == 1 and entities[0].whole else msgspec.structs.replace(rows, entities=entities)


def _entities(inference: Inference, nodes: tuple[Node, ...], args: tuple[Value, ...], frame: Frame) -> list[Entity]:
    out: list[Entity] = []
    for node, value in zip(nodes, args, strict=False):
        match value:
            case Tupled(items=items) if isinstance(node, Other):
                out.extend(_entities(inference, node.children, items, frame))
            case ModelClass(model=model) if _selects(inference, model):
                out.append(Entity(model, model.rpartition(".")[2]))
            case _:
                out.append(Entity(_model_in(inference, node, frame), _label(node), whole=False))
    return out


def _selects(inference: Inference, model: str) -> bool:
    found = inference.model(model)
    return found is not None and found.library.rows is not None and found.library.rows.class_attributes


def _model_in(inference: Inference, node: Node, frame: Frame) -> str:
    """The model whose attribute or class an expression such as `func.count(Order.id)` names."""
    for inner in walk(node):
        if isinstance(inner, Name | Member):
            match flow.evaluate(inference, inner, frame):
                case Attribute(model=model) | ModelClass(model=model) if _selects(inference, model):
                    return model
    return ""


def _label(node: Node) -> str:
    match node:
        case Call(callee=Member(name="label"), args=(Text(value=str() as text), *_)):
            return text
        case Member(name=name):
            return name
    return ""


def _asked(inference: Inference, library: Library, kind: str, node: Call, args: tuple[Value, ...], frame: Frame) -> Value:
    """What a session's method gives."""
    first = args[0]
    match kind, first:
        case "query", _:
            return selected(inference, node.args, args, frame.site(node), frame)
        case "key", ModelClass(model=model) if _selects(inference, model) and len(args) > 1:
            per = row_among(args[1:]) or row_named(node.args[1:], frame)
            if (model, "") not in inference.hydrated:
                queries.touch(inference, Rows(model, frame.site(node), per=per), node, frame)
            return Row(model, known=not node.keywords)
        case "rows" | "tuples" | "row", Rows(owner=None) if library_of(inference, first) is library:
            queries.touch(inference, first, node, frame)
            if kind == "row":
                name = node.callee.name if isinstance(node.callee, Member) else ""
                asked = acts.Act("queried", first.model, name, first.searches, "row", limited=True, rows=first)
                acts.note(inference, node, asked, frame)
                return queries.single(unpacked(first), known=first.known)
            brought(inference, first)
            if kind == "tuples" and not first.entities:
                whole = Entity(first.model, first.model.rpartition(".")[2], first.eager, first.deferred)
                return msgspec.structs.replace(first, entities=(whole,))
            plain = kind == "rows" and isinstance(node.callee, Member) and node.callee.name.endswith("scalars")
            return unpacked(first) if plain else first
    return None


def brought(inference: Inference, rows: Rows) -> None:
    """Many rows were loaded: a reference to one of them, read later on, is served from the session."""
    for model in {rows.model} if not rows.entities else {e.model for e in rows.entities if e.whole}:
        inference.trace.hydrated.add((model, ""))
        inference.hydrated.add((model, ""))


def unpacked(rows: Rows) -> Rows:
    """Of what the query gives for each row, the first thing alone."""
    if not rows.entities:
        return rows
    first = rows.entities[0]
    if not first.whole:
        return msgspec.structs.replace(rows, entities=(first,), bare=True)
    return msgspec.structs.replace(rows, model=first.model, eager=first.eager, deferred=first.deferred, entities=())


def values_of(rows: Rows) -> Rows:
    """What a query gives where it is asked for values instead of rows: one of each row, in memory."""
    value = Entity(rows.model, whole=False)
    return msgspec.structs.replace(
        rows, entities=(value,), bare=True, stage="fetched", owner=None, path=(), loop=None, bypass=False, per=None
    )


def each(rows: Rows, loop: Site | None) -> Value:
    """What a query of several things gives for one row, walked by `loop` or fetched alone."""
    items = tuple(_item(rows, entity, loop) for entity in rows.entities)
    return items[0] if rows.bare else Tupled(items, tuple(e.name for e in rows.entities))


def _item(rows: Rows, entity: Entity, loop: Site | None) -> Value:
    model = entity.model or rows.model
    own = msgspec.structs.replace(rows, model=model, eager=entity.eager, deferred=entity.deferred, entities=(), bare=False)
    if loop is None:
        return Row(model, eager=entity.eager, known=rows.known) if entity.whole else None
    row = Row(model, own, (), loop)
    return row if entity.whole else Taken(row)


def reselected(inference: Inference, rows: Rows, how: str, call: Call, args: tuple[Value, ...], frame: Frame) -> Rows:
    """The query with its results replaced (`set`) or with more of them (`add`)."""
    entities = tuple(_entities(inference, call.args, args, frame))
    if how == "set":
        model = next((e.model for e in entities if e.model), rows.model)
        whole = len(entities) == 1 and entities[0].whole
        return msgspec.structs.replace(rows, model=model, entities=() if whole else entities)
    before = rows.entities or (Entity(rows.model, rows.model.rpartition(".")[2], rows.eager, rows.deferred),)
    return msgspec.structs.replace(rows, entities=(*before, *entities))


def row_named(nodes: tuple[Node, ...], frame: Frame) -> Row | None:
    """The row of a loop that an expression names somewhere: a condition made of it differs from row to row."""
    for node in nodes:
        for inner in walk(node):
            row = row_in(frame.env.get(inner.id)) if isinstance(inner, Name) else None
            if row is not None:
                return row
    return None
