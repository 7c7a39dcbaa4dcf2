"""Loader options: calls beside a query that say which relations and columns come with its rows.

An option is a value like any other: it can stand in a list, be returned by a function and be spread into the query.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, TypeVar

import msgspec

from analyzers.facts.outline import Call, Node
from analyzers.knowledge import Library, named
from analyzers.model.inference.types import (
    Attribute,
    Entity,
    LibraryValue,
    Listed,
    Literal,
    Loading,
    LoadingMethod,
    ModelClass,
    Row,
    Rows,
    Tupled,
    Value,
)
from analyzers.model.project import Relation
from analyzers.model.tables.models import Model

if TYPE_CHECKING:
    from analyzers.model.inference.frames import Frame
    from analyzers.model.inference.summaries import Inference


_Loadable = TypeVar("_Loadable", Rows, Entity)


def option(
    inference: Inference, library: Library, name: str, node: Call, args: tuple[Value, ...], frame: Frame
) -> Loading | None:
    """What a call such as `joinedload(Order.customer)` says, if it is a loader option of the library."""
    words = library.rows
    kind = words.loader_options.get(named(library, name, words.loader_options) or "") if words is not None else None
    return _extended(inference, Loading(), kind, node, args, frame) if kind else None


def chained(
    inference: Inference, library: Library, called: LoadingMethod, node: Call, args: tuple[Value, ...], frame: Frame
) -> Value:
    """What `option.joinedload(…)` and `option.options(…)` say."""
    words, loading = library.rows, called.loading
    kind = words.loader_options.get(called.name) if words is not None else None
    if kind is not None:
        return _extended(inference, loading, kind, node, args, frame)
    if called.name != "options":
        return msgspec.structs.replace(loading, known=False)
    for inner in _options(args):
        loading = _below(loading, inner)
    return loading


def apply(inference: Inference, rows: Rows, args: Iterable[Value]) -> Rows:
    """The rows of a query with these options."""
    for loading in _options(args):
        if rows.entities:
            entities = tuple(
                _loaded(e, loading) if e.whole and _concerns(inference, loading, e.model) else e for e in rows.entities
            )
            rows = msgspec.structs.replace(rows, entities=entities)
        elif _concerns(inference, loading, rows.model):
            rows = _loaded(rows, loading)
        rows = msgspec.structs.replace(rows, known=rows.known and loading.known, named=loading.named or rows.named)
    return rows


def left_out(model: Model, name: str) -> Relation | None:
    """A column that a query left out, as what its read comes to: a query for each row."""
    column = model.columns.get(name)
    if column is None or column.place is None:
        return None
    return Relation(model.qualified, name, "", many=False, place=column.place, label=f"{model.name}.{name}", deferred=True)


def note_left_out(inference: Inference, row: Row, model: Model, name: str, node: Node, frame: Frame) -> None:
    """Notes that a column is read of each row whose query left it out."""
    if row.rows is None or ".".join((*row.path, name)) not in row.rows.deferred:
        return
    column = left_out(model, name)
    if column is not None:
        inference.note_read(row, column, node, frame)


def _loaded(target: _Loadable, loading: Loading) -> _Loadable:
    deferred = (target.deferred | loading.deferred) - loading.restored
    return msgspec.structs.replace(target, eager=target.eager | loading.eager, deferred=deferred)


def _concerns(inference: Inference, loading: Loading, name: str) -> bool:
    """Whether an option that begins at one class is meant for rows of another: the same, or one it shares rows with."""
    if loading.model in ("", name):
        return True
    one, other = inference.model(loading.model), inference.model(name)
    if one is None or other is None:
        return False
    lineage = inference.code.lineage
    return one.definition in lineage(other.definition) or other.definition in lineage(one.definition)


def _options(values: Iterable[Value]) -> Iterator[Loading]:
    """The options among the arguments, lists opened; what is not understood may load anything."""
    for value in values:
        match value:
            case Loading():
                yield value
            case Tupled(items=items):
                yield from _options(items)
            case Listed(item=item):
                yield from _options((item,))
            case LibraryValue() if "." in value.name:
                continue  # an option of a library that loads no relation
            case _:
                yield Loading(known=False)


def _extended(inference: Inference, loading: Loading, kind: str, node: Call, args: tuple[Value, ...], frame: Frame) -> Loading:
    """The option after one more call."""
    match kind:
        case "entity":
            model = args[0].model if args and isinstance(args[0], ModelClass) else ""
            return msgspec.structs.replace(loading, model=model, known=loading.known and bool(model))
        case "only" | "leaves" | "restores":
            return _columns(inference, loading, kind, node, args, frame)
    for value in args:
        match value:
            case Attribute(model=model, name=name):
                loading = _step(loading, kind, model, (name,))
            case Literal(value=str() as text) if "*" not in text:
                for name in text.split("."):
                    loading = _step(loading, kind, "", (name,))
            case ModelClass() | Tupled() if kind == "passes":
                continue
            case _:
                loading = msgspec.structs.replace(loading, known=False)
    return loading


def _step(loading: Loading, kind: str, model: str, names: tuple[str, ...]) -> Loading:
    path = (*loading.path, *names)
    eager = loading.eager | {".".join(path)} if kind == "loads" else loading.eager
    first = loading.model or (model if not loading.path else "")
    return msgspec.structs.replace(loading, model=first, path=path, eager=eager)


def _columns(inference: Inference, loading: Loading, kind: str, node: Call, args: tuple[Value, ...], frame: Frame) -> Loading:
    """`load_only(Order.number)` leaves out all other columns but the key."""
    if any(k.name == "raiseload" for k in node.keywords):
        return loading
    owner = next((a.model for a in args if isinstance(a, Attribute)), "" if loading.path else loading.model)
    model = inference.model(owner)
    names = {a.name for a in args if isinstance(a, Attribute)}
    names |= {a.value for a in args if isinstance(a, Literal) and isinstance(a.value, str)}
    if model is None or len(names) < len(args):
        return loading if kind == "restores" else msgspec.structs.replace(loading, known=False)
    if kind == "only":
        names = set(model.columns) - names - model.keys
    paths = {".".join((*loading.path, name)) for name in names}
    first = loading.model or ("" if loading.path else owner)
    if kind == "restores":
        return msgspec.structs.replace(loading, model=first, restored=loading.restored | paths)
    named = frame.site(node.args[-1]) if kind == "only" and node.args else loading.named
    return msgspec.structs.replace(loading, model=first, deferred=loading.deferred | paths, named=named)


def _below(loading: Loading, inner: Loading) -> Loading:
    """The option with another one's paths below its own."""

    def moved(paths: frozenset[str]) -> frozenset[str]:
        return frozenset(".".join((*loading.path, p)) for p in paths)

    return msgspec.structs.replace(
        loading,
        eager=loading.eager | moved(inner.eager),
        deferred=loading.deferred | moved(inner.deferred),
        restored=loading.restored | moved(inner.restored),
        named=inner.named or loading.named,
        known=loading.known and inner.known,
    )
