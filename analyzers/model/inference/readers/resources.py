"""Classes that lay out a row as data: an object of one stands for its row, and the library lays it out when it is made.

`OrderResource::collection($orders)` lays out each of them, `new OrderResource($order)` one. What its method reads of the object
it reads of the row.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from analyzers.facts.outline import Call, Member, Name, Node, Text
from analyzers.knowledge import LINEAGES_KEPT, Library, Resources, libraries, named
from analyzers.knowledge.derived import per_libraries
from analyzers.model.inference import flow, members
from analyzers.model.inference.readers import serializers, shapes
from analyzers.model.inference.rows import queries, records
from analyzers.model.inference.types import ClassValue, Closure, Instance, Listed, Literal, Row, Rows, Value, comes_back
from analyzers.model.naming.definitions import ClassDefinition

if TYPE_CHECKING:
    from analyzers.model.inference.frames import Frame
    from analyzers.model.inference.summaries import Inference


def spec_of(inference: Inference, definition: ClassDefinition) -> tuple[Library, Resources] | None:
    """How the library lays out rows by this class, if it does."""
    return _spec_by(inference.code.externals(definition))


@per_libraries(LINEAGES_KEPT)
def _spec_by(externals: frozenset[str]) -> tuple[Library, Resources] | None:
    for library in libraries():
        for spec in library.resources:
            if any(named(library, e, spec.bases) for e in externals):
                return library, spec
    return None


def known(inference: Inference, holder: Instance | ClassValue, name: str) -> bool:
    """Whether the name is the library's own method of such a class or object."""
    if isinstance(holder, ClassValue) and shapes.makes(inference, holder.definition, name):
        return True
    if isinstance(holder, Instance) and serializers.puts_out(inference, holder, name):
        return True
    found = spec_of(inference, holder.definition)
    if found is None or inference.code.method(holder.definition, name) is not None:
        return False
    spec = found[1]
    return name in ((*spec.one, *spec.many) if isinstance(holder, ClassValue) else spec.if_loaded)


def row_of(inference: Inference, holder: Instance) -> Value:
    """The row, or the rows, that an object was made of."""
    given = (*holder.args, *(value for _, value in holder.keywords))
    if not given or spec_of(inference, holder.definition) is None:
        return None
    return next((v for v in given if isinstance(v, Row | Rows | Listed)), None)


def attribute(inference: Inference, holder: Instance, name: str, node: Node, frame: Frame) -> Value:
    """What an object that stands for a row, or was made around rows, has by that name."""
    if (wrapped := _wrapped(inference, holder, name)) is not None:
        return wrapped
    found = spec_of(inference, holder.definition)
    row = row_of(inference, holder) if found is not None else None
    if found is None or row is None:
        return None
    spec = found[1]
    if name == spec.row:
        return row
    if name == spec.items and isinstance(row, Rows | Listed):
        item = flow.iterate(inference, row, frame.site(node), node, frame)
        own = _item_class(inference, holder.definition, spec)
        return Listed(Instance(own, (item,)) if own is not None and isinstance(item, Row) else item)
    return members.member(inference, row, name, node, frame) if isinstance(row, Row) else None


def _wrapped(inference: Inference, holder: Instance, name: str) -> Value:
    """What a library's object was given for its attribute `name`: `OrderFilter(data, queryset=orders).qs`."""
    externals = inference.code.externals(holder.definition)
    for library in libraries():
        for base, attributes in library.wraps.items():
            if base in externals and name in attributes:
                position, keyword = attributes[name]
                given = dict(holder.keywords).get(keyword)
                return given if given is not None else holder.args[position] if position < len(holder.args) else None
    return None


def apply(inference: Inference, holder: Instance | ClassValue, name: str, call: Call, frame: Frame) -> Value:
    """What the library's own methods give."""
    found = spec_of(inference, holder.definition)
    args = tuple(flow.evaluate(inference, a, frame) for a in call.args)
    if isinstance(holder, ClassValue) and args and shapes.makes(inference, holder.definition, name):
        shapes.lay_out(inference, holder.definition, args[0], call, frame)
        return None
    if isinstance(holder, Instance) and args and serializers.puts_out(inference, holder, name):
        keywords = {k.name: flow.evaluate(inference, k.value, frame) for k in call.keywords}
        serializers.dumped(inference, holder, args[0], keywords, call, frame)
        return None
    if found is None or not args:
        return None
    spec = found[1]
    if isinstance(holder, Instance):
        return _if_loaded(inference, holder, call, args, frame)
    if name in spec.many:
        item = flow.iterate(inference, args[0], frame.site(call.args[0]), call.args[0], frame)
        return Listed(made(inference, Instance(holder.definition, (item, *args[1:])), call, frame))
    return made(inference, Instance(holder.definition, args), call, frame)


def made(inference: Inference, instance: Instance, node: Node, frame: Frame) -> Instance:
    """An object that was just made; one of these classes is laid out."""
    found = spec_of(inference, instance.definition)
    row = row_of(inference, instance) if found is not None else None
    if found is None or row is None or (isinstance(row, Row) and comes_back(row)):
        return instance
    spec = found[1]
    method = inference.code.method(instance.definition, spec.method)
    if method is not None:
        inference.call(method, instance, (), {}, frame, node)
    elif isinstance(row, Row):
        records.laid_out(inference, row, node, frame)
    if spec.items and isinstance(row, Rows | Listed):
        own = _item_class(inference, instance.definition, spec)
        item = flow.iterate(inference, row, frame.site(node), node, frame)
        if own is not None and isinstance(item, Row):
            made(inference, Instance(own, (item,)), node, frame)
    return instance


def _if_loaded(inference: Inference, holder: Instance, call: Call, args: tuple[Value, ...], frame: Frame) -> Value:
    """The relation of that name where it came with the row, or what is given in its place; else nothing."""
    row = row_of(inference, holder)
    name = args[0].value if isinstance(args[0], Literal) else None
    model = inference.model(row.model) if isinstance(row, Row) else None
    relation = model.relations.get(name) if model is not None and isinstance(name, str) else None
    if not isinstance(row, Row) or relation is None:
        return None
    way = (*row.path, relation.name) if row.rows is not None else (relation.name,)
    eager = row.rows if row.rows is not None else Rows(row.model, frame.site(call), eager=row.eager)
    if not relation.eager and not queries.came_along(inference, eager, way):
        return None
    if len(args) > 1:
        return inference.call_closure(args[1], (), {}, frame, call) if isinstance(args[1], Closure) else args[1]
    return records.related(inference, row, relation, call, frame)


def _item_class(inference: Inference, definition: ClassDefinition, spec: Resources) -> ClassDefinition | None:
    """The class that lays out each row of a list: the one stated, or the one its name tells."""
    stated = inference.code.attribute(definition, spec.item_class)
    if stated is not None and isinstance(stated[1].value, Member):
        found = inference.code.resolve_node(stated[0].path, stated[1].value.of)
        return found if isinstance(found, ClassDefinition) else None
    if stated is not None and isinstance(stated[1].value, Text):
        return inference.code.php_class(str(stated[1].value.value))
    for suffix, instead in spec.item_default.items():
        if definition.name.endswith(suffix):
            found = inference.code.resolve_node(definition.path, Name(0, 0, definition.name.removesuffix(suffix) + instead))
            if isinstance(found, ClassDefinition) and spec_of(inference, found) is not None:
                return found
    return None
