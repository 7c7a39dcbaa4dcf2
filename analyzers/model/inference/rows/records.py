"""Rows that ask for what they lack by themselves, and classes that are queries of their rows: active records.

Attributes and methods of such a row are apart: `$order->customer` gives the row the relation leads to, and asks for it if it
did not come along; `$order->customer()` is a query of its own, whatever came along. An attribute may be computed by a method of
another name. The class has the methods of a query; methods of the project may be methods of its queries (scopes).
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import msgspec

from analyzers.facts.outline import Call, Function, Member, Name, Node, Other, Return, Text, walk
from analyzers.knowledge import Rows as RowsWords
from analyzers.knowledge.naming import studly
from analyzers.model.inference import acts, collections, flow, members
from analyzers.model.inference.frames import Frame
from analyzers.model.inference.readers import entries, resources
from analyzers.model.inference.rows import eager, origins, queries, scarcity, statements
from analyzers.model.inference.types import (
    Bound,
    ClassValue,
    Closure,
    Instance,
    Listed,
    Mapped,
    ModelClass,
    Row,
    RowMethod,
    Rows,
    Search,
    Site,
    Tupled,
    Value,
    ValueMethod,
)
from analyzers.model.naming.definitions import ClassDefinition, FunctionDefinition
from analyzers.model.project import Relation
from analyzers.model.tables.models import Model

if TYPE_CHECKING:
    from analyzers.model.inference.summaries import Inference


def words_of(model: Model | None) -> RowsWords | None:
    """What is known of the rows of a model, if they are active records."""
    words = model.library.rows if model is not None else None
    return words if words is not None and words.apart else None


# -- attributes --------------------------------------------------------------------------------------------------------


def attribute(inference: Inference, row: Row, model: Model, name: str, node: Node, frame: Frame) -> Value:
    """What `row.name` is: what an accessor computes, a relation, a property of the class, or a column."""
    getter = _accessor(inference, model, name)
    if getter is not None:
        return _computed(inference, getter, row, model, node, frame)
    relation = model.relations.get(name)
    if relation is not None and not _is_cast(inference, model, name):
        return related(inference, row, relation, node, frame)
    stated = inference.code.attribute(model.definition, name)
    if stated is not None:
        return inference.constant(stated[0].path, stated[1], stated[0])
    if (relation := _kept_elsewhere(inference, model, name)) is not None:
        related(inference, row, relation, node, frame)
    return members.taken(row)


def _is_cast(inference: Inference, model: Model, name: str) -> bool:
    """Whether an attribute is a column, whatever method has its name: the class says how to convert it."""
    words = model.library.models
    stated = inference.code.attribute(model.definition, words.cast_attribute) if words and words.cast_attribute else None
    pairs = stated[1].value.children if stated is not None and isinstance(stated[1].value, Other) else ()
    return any(
        isinstance(p, Other) and p.children and isinstance(p.children[0], Text) and p.children[0].value == name for p in pairs
    )


def _kept_elsewhere(inference: Inference, model: Model, name: str) -> Relation | None:
    """The relation of whose rows a column is read that the class names as one of those: `$country->name`, translated."""
    words = words_of(model)
    for base in sorted(inference.code.externals(model.definition)) if words is not None and words.mixin_attributes else ():
        for attribute, relation in words.mixin_attributes.get(base, {}).items() if words is not None else ():
            stated = inference.code.attribute(model.definition, attribute)
            listed = stated[1].value.children if stated is not None and isinstance(stated[1].value, Other) else ()
            if any(isinstance(n, Text) and n.value == name for n in listed):
                return model.relations.get(relation)
    return None


def related(inference: Inference, row: Row, relation: Relation, node: Node, frame: Frame) -> Value:
    """What a relation holds that is read as an attribute: it is asked for now, if it did not come along."""
    brings, site = queries.back(relation) | frozenset(relation.brings), frame.site(node)
    kind = builder_class(inference, inference.model(relation.target))
    if row.rows is None:
        prefix = f"{relation.name}."
        rest = brings | {e.removeprefix(prefix) for e in row.eager if e.startswith(prefix)}
        known = row.known and relation.built
        if relation.many:
            few = scarcity.of_one(row, node, frame)
            rows = Rows(relation.target, site, eager=rest, known=known, kind=kind, root=site, stage="fetched", few=few)
            acts.related(inference, relation, rows, node, frame)
            return rows
        return Row(relation.target, eager=rest, known=known)
    path = (*row.path, relation.name)
    came_by = queries.relation_at(inference, row.rows, row.path)
    if came_by is not None and came_by.back == relation.name and not relation.many:
        return Row(came_by.model, row.rows, row.path[:-1], row.loop)  # back where the row came from
    if not relation.many:
        if not relation.eager and not queries.came_along(inference, row.rows, path):
            inference.note_read(row, relation, node, frame)
        return Row(relation.target, row.rows, path, row.loop)
    rows = Rows(
        relation.target, site, brings, row.rows.known, owner=row.rows, path=path, loop=row.loop, kind=kind, stage="fetched"
    )
    queries.touch(inference, rows, node, frame)
    return rows


def each_of(inference: Inference, rows: Rows, name: str, node: Node, frame: Frame) -> Value:
    """`$orders->map->total`: the attribute of each row stands for what the method does with them."""
    words = words_of(inference.model(rows.model))
    method = words.collection.get(name) if words is not None else None
    if rows.stage != "fetched" or method is None or method.calls != "row":
        return None
    return flow.iterate(inference, rows, frame.site(node), node, frame)


def laid_out(inference: Inference, value: Value, node: Node, frame: Frame) -> None:
    """Rows are turned into data: the attributes that their class appends to its columns are read of each."""
    if isinstance(value, Mapped):
        for _, item in value.items:
            laid_out(inference, item, node, frame)
        return
    if isinstance(value, Closure):  # made when it is asked for
        value = inference.call_closure(value, (), {}, frame, Call(node.start, node.end, node))
    row = flow.iterate(inference, value, frame.site(node), node, frame) if isinstance(value, Rows | Listed) else value
    model = inference.model(row.model) if isinstance(row, Row) else None
    if not isinstance(row, Row) or model is None or model.library.models is None:
        return
    stated = inference.code.attribute(model.definition, model.library.models.appended_attribute)
    for name in stated[1].value.children if stated is not None and isinstance(stated[1].value, Other) else ():
        if isinstance(name, Text) and isinstance(name.value, str):
            attribute(inference, row, model, name.value, node, frame)


def answer(inference: Inference, called: FunctionDefinition, value: Value) -> None:
    """A method that the library calls for a request returns rows: they are put out as data."""
    if isinstance(value, Row | Rows) and entries.is_entry(inference.code, called.owner, called.node):
        frame = inference.frame(called.path, None)
        frame.owner, frame.function = called.owner, called.qualified
        laid_out(inference, value, called.node, frame)


def _accessor(inference: Inference, model: Model, name: str) -> FunctionDefinition | None:
    words = model.library.models
    if words is None or not words.accessor:
        return None
    method = inference.code.method(model.definition, words.accessor.format(name=studly(name)))
    if method is not None:
        return method
    camel = studly(name)
    method = inference.code.method(model.definition, camel[:1].lower() + camel[1:])
    kind = method.node.returns if method is not None else None
    found = inference.code.resolve_node(method.path, kind) if method is not None and isinstance(kind, Name) else None
    full = getattr(found, "name", "")
    own = any(full == f"{space}\\{words.accessor_type}" for space in model.library.namespaces)
    return method if own else None


def _computed(inference: Inference, getter: FunctionDefinition, row: Row, model: Model, node: Node, frame: Frame) -> Value:
    """What an accessor gives: what the method returns, or the function that it hands to the library."""
    words = model.library.models
    assert words is not None
    if getter.node.name == words.accessor.format(name=studly(getter.node.name[3:-9])):
        result = inference.call(getter, row, (), {}, frame, node)
    else:
        key = ("accessor", id(getter.node), row, tuple(inference.once), inference.guarded > 0)
        result = inference.remembered(key, partial(_handed, inference, getter, row, words.accessor_argument, node, frame))
    return result if result is not None else members.taken(row)


def _handed(inference: Inference, getter: FunctionDefinition, row: Row, argument: str, node: Node, frame: Frame) -> Value:
    """What the function gives that an accessor hands over: `Attribute::make(get: fn () => …)`."""
    inference.code.touch(getter.path, getter.node)
    inner = Frame(getter.path, getter.qualified, frame.language, getter.owner, frame)
    inner.env[getter.node.receiver] = row
    for call in walk(getter.node):
        if not isinstance(call, Call):
            continue
        given = next((k.value for k in call.keywords if k.name == argument), call.args[0] if call.args else None)
        if isinstance(given, Function):
            held, frame.at = frame.at, node
            try:
                return inference.call_closure(Closure(getter.path, given, inner.env), (), {}, inner, call)
            finally:
                frame.at = held
    return None


# -- methods -----------------------------------------------------------------------------------------------------------


def method(inference: Inference, holder: Value, name: str, call: Call, frame: Frame) -> Value:
    """What `holder.name` is where it is called."""
    match holder:
        case Row(model=of):
            model = inference.model(of)
            words = words_of(model)
            if model is not None and words is not None:
                return _row_method(inference, holder, model, words, name, call, frame)
        case Rows(stage=stage) if stage:
            model = inference.model(holder.model)
            words = words_of(model)
            if model is not None and words is not None:
                return _rows_method(inference, holder, model, words, name)
            if not holder.model:
                return RowMethod(holder, name)  # of a table that has no class
        case ModelClass(model=of):
            model = inference.model(of)
            words = words_of(model)
            if model is not None and words is not None:
                return _class_method(inference, model, words, name, call, frame)
        case Listed() | Tupled() if collections.known(frame, name):
            return ValueMethod(holder, name)
        case Instance() | ClassValue() if resources.known(inference, holder, name):
            return ValueMethod(holder, name)
        case Instance():
            row = resources.row_of(inference, holder)
            if isinstance(row, Row) and inference.code.method(holder.definition, name) is None:
                found = _own_method(inference, row, name, call, frame)
                if found is not None:
                    return found
    return members.member(inference, holder, name, call.callee, frame)


def _own_method(inference: Inference, row: Row, name: str, call: Call, frame: Frame) -> Value:
    """A method that a row has and the object that stands for it has not."""
    model = inference.model(row.model)
    stated = inference.code.method(model.definition, name) if model is not None else None
    return method(inference, row, name, call, frame) if stated is not None else None


def _row_method(inference: Inference, row: Row, model: Model, words: RowsWords, name: str, call: Call, frame: Frame) -> Value:
    relation, stated = model.relations.get(name), inference.code.method(model.definition, name)
    if relation is not None and stated is not None:
        return _asked(inference, row, relation, call, frame)
    if stated is not None and not _is_scope(stated, words):
        return Bound(stated, row)
    if (written := statements.row_write(inference, row, name)) is not None:
        return written
    if name in words.row_methods:
        return ValueMethod(row, name)
    if (read := _read_by_mixin(inference, model, words, name)) is not None:
        related(inference, row, read, call, frame)
        return members.taken(row)
    if name in words.methods or _scope(inference, model, words, name) is not None:
        return _rows_method(inference, _opened(inference, model, frame.site(call.callee), ""), model, words, name)
    return members.taken(row)


def _read_by_mixin(inference: Inference, model: Model, words: RowsWords, name: str) -> Relation | None:
    """The relation that a method of another library's trait reads as an attribute: `$item->getMedia('picture')`."""
    for base in sorted(inference.code.externals(model.definition)):
        relation = model.relations.get(words.mixin_reads.get(base, {}).get(name, ""))
        if relation is not None:
            return relation
    return None


def _asked(inference: Inference, row: Row, relation: Relation, call: Call, frame: Frame) -> Rows:
    """The query of a relation, which asks anew whatever came with the row."""
    site = frame.site(call)
    return Rows(
        relation.target,
        site,
        eager=queries.back(relation) | frozenset(relation.brings),
        known=relation.built,
        owner=row.rows,
        path=(*row.path, relation.name) if row.rows is not None else (),
        loop=row.loop,
        kind=builder_class(inference, inference.model(relation.target)),
        bypass=row.rows is not None,
        chained=True,
        root=site,
        searches=(Search("key", relation.target, "", row.model),),
        stage="open",
        few=scarcity.of_one(row, call.callee, frame),
    )


def _opened(inference: Inference, model: Model, site: Site, recast: str) -> Rows:
    return Rows(model.qualified, site, kind=builder_class(inference, model), root=site, stage="open", recast=recast)


def started(inference: Inference, value: Value, node: Node, frame: Frame) -> Value:
    """A query of all rows of a model, or the query itself."""
    model = inference.model(value.model) if isinstance(value, ModelClass) else None
    if model is not None and words_of(model) is not None:
        return _opened(inference, model, frame.site(node), "")
    return value if isinstance(value, Rows) else None


def _rows_method(inference: Inference, rows: Rows, model: Model, words: RowsWords, name: str) -> Value:
    if rows.stage == "fetched":
        return RowMethod(rows, name)
    stated = inference.code.method(rows.kind, name) if rows.kind is not None else None
    if stated is not None:
        return Bound(stated, rows)
    scope = _scope(inference, model, words, name)
    if scope is not None:
        return Bound(scope, Row(model.qualified), rows)
    return RowMethod(rows, _meant(words, name))


def _meant(words: RowsWords, name: str) -> str:
    """The library's method that a name stands for: `whereStatus` is `where`."""
    said = name.removeprefix(words.dynamic)
    return words.dynamic if words.dynamic and name not in words.methods and said != name and said[:1].isupper() else name


def _class_method(inference: Inference, model: Model, words: RowsWords, name: str, call: Call, frame: Frame) -> Value:
    stated = inference.code.method(model.definition, name)
    if stated is not None and not _is_scope(stated, words):
        return Bound(stated, ModelClass(model.qualified))
    of = call.callee.of if isinstance(call.callee, Member) else call.callee
    site = Site(frame.path, of.start, call.callee.end - len(name), frame.function)
    rows = _opened(inference, model, site, f"{of.id}::{{call}}->" if isinstance(of, Name) else "")
    known = _meant(words, name) in words.methods or _scope(inference, model, words, name) is not None
    known = known or (rows.kind is not None and inference.code.method(rows.kind, name) is not None)
    return _rows_method(inference, rows, model, words, name) if known else None


# -- scopes and the project's own query classes ------------------------------------------------------------------------


def builder_class(inference: Inference, model: Model | None) -> ClassDefinition | None:
    """The project's own class of a model's queries."""
    words = words_of(model)
    made = inference.code.method(model.definition, words.builder_method) if model is not None and words is not None else None
    if made is None:
        return None
    for node in made.node.body:
        if isinstance(node, Return) and isinstance(node.value, Call):
            found = inference.code.resolve_node(made.path, node.value.callee)
            return found if isinstance(found, ClassDefinition) else None
    return None


def _scope(inference: Inference, model: Model, words: RowsWords, name: str) -> FunctionDefinition | None:
    if not words.scope:
        return None
    stated = inference.code.method(model.definition, words.scope.format(name=f"{name[:1].upper()}{name[1:]}"))
    if stated is not None:
        return stated
    stated = inference.code.method(model.definition, name)
    return stated if stated is not None and _is_scope(stated, words) else None


def _is_scope(stated: FunctionDefinition, words: RowsWords) -> bool:
    marks = (d.callee if isinstance(d, Call) else d for d in stated.node.decorators)
    return any(isinstance(m, Name) and m.id.rpartition("\\")[2] == words.scope_mark for m in marks)


def scoped(
    inference: Inference, scope: Bound, call: Call, args: tuple[Value, ...], keywords: dict[str, Value], frame: Frame
) -> Value:
    """The query after a scope: what that returns, or the query that it changed."""
    query = scope.query
    assert query is not None
    result, left = inference.call_on(scope.definition, scope.receiver, (query, *args), keywords, frame, call)
    returns = any(isinstance(n, Return) and n.value is not None for n in walk(scope.definition.node))
    out = result if returns else left
    if returns and result is None:  # a scope gives its query, here with something added that was not seen
        out = msgspec.structs.replace(query, known=False)
    return origins.after(query, out, frame.site(call)) if isinstance(out, Rows) else None


# -- methods of the library --------------------------------------------------------------------------------------------


def apply(inference: Inference, called: ValueMethod, call: Call, frame: Frame) -> Value:
    """What a library's method of one row, a list, or an object made of a row gives."""
    of = called.of
    match of:
        case Row():
            return _of_row(inference, of, called.name, call, frame)
        case Listed() | Tupled():
            return collections.apply(inference, of, called.name, call, frame)
        case Instance() | ClassValue():
            return resources.apply(inference, of, called.name, call, frame)
    return None


def _of_row(inference: Inference, row: Row, name: str, call: Call, frame: Frame) -> Value:
    words = words_of(inference.model(row.model))
    known = words.row_methods.get(name) if words is not None else None
    args = tuple(flow.evaluate(inference, a, frame) for a in call.args)
    if known is None:
        flow.hand_over(inference, args, frame, call)
        return None
    if known.asks and args:
        eager.asked(inference, row, args[0])
        if known.returns == "rows":
            return msgspec.structs.replace(row, known=False)  # what it was given may have come with more
    if known.eager:
        return eager.loaded_with_row(inference, row, known, call, args, frame)
    if known.shows:
        laid_out(inference, row, call, frame)
        return None
    return row if known.returns == "rows" else None
