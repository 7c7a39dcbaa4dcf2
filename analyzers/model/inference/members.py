"""What `value.name` is, what a type annotation promises, and what calls of libraries hand on."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import msgspec

from analyzers.facts.outline import Call, Member, Name, Node, Other, Text
from analyzers.knowledge import Library, libraries, named
from analyzers.knowledge.derived import derived
from analyzers.model.inference import attributes, constructors, containers, flow, inherited
from analyzers.model.inference.finders import finder, getter
from analyzers.model.inference.readers import grids, listings, resources, serializers
from analyzers.model.inference.rows import inputs, loaders, managers, origins, queries, records, scarcity, statements
from analyzers.model.inference.templates import templates, views
from analyzers.model.inference.types import (
    Attribute,
    Bound,
    ClassValue,
    Given,
    Instance,
    Keyed,
    KnownMethod,
    LibraryValue,
    Listed,
    Literal,
    Loading,
    LoadingMethod,
    Mapped,
    ModelClass,
    ModuleValue,
    Row,
    RowMethod,
    Rows,
    Search,
    Site,
    Super,
    Taken,
    Tupled,
    Value,
    View,
    covers,
)
from analyzers.model.naming.code import Codebase
from analyzers.model.naming.definitions import ClassDefinition, External, FunctionDefinition
from analyzers.model.naming.names import module_parts
from analyzers.model.project import Relation
from analyzers.model.tables import typed
from analyzers.model.tables.models import Model

if TYPE_CHECKING:
    from analyzers.model.inference.frames import Frame
    from analyzers.model.inference.summaries import Inference


@derived
def _own() -> dict[str, list[tuple[Library, tuple[str, ...]]]]:
    """Methods of libraries' base classes -> the classes that have them."""
    found: dict[str, list[tuple[Library, tuple[str, ...]]]] = {}
    for library in libraries():
        owned: list[tuple[Iterable[str], tuple[str, ...]]] = [(library.render_methods, library.render_bases)]
        owned += [(library.votes.methods, library.votes.askers)] if library.votes is not None else []
        owned += [(library.selections.writers, library.selections.writer_bases)] if library.selections is not None else []
        for names, bases in owned:
            for name in names:
                found.setdefault(name, []).append((library, bases))
    return found


_constants = derived(lambda: {name: value for library in libraries() for name, value in library.constants.items()})
_PROPERTIES = frozenset({"property", "cached_property", "hybrid_property"})
_marks = derived(lambda: frozenset(mark.rpartition("\\")[2] for library in libraries() for mark in library.property_marks))
_COLLECTIONS = frozenset(
    {
        "list",
        "List",
        "Sequence",
        "Iterable",
        "Iterator",
        "Generator",
        "tuple",
        "Tuple",
        "set",
        "array",
        "iterable",
        "Collection",
    }
    | {"QuerySet", "BaseManager", "ArrayCollection", "PersistentCollection"}
)


def module_name(code: Codebase, path: str) -> str:
    """How findings name a file as a whole: `shop.views`, or a template's own path."""
    return ".".join(module_parts(path)) if code.files[path].language == "python" else path


def member(inference: Inference, holder: Value, name: str, node: Node, frame: Frame) -> Value:
    """What `holder.name` is; reading a relation of a row is noted where it happens."""
    match holder:
        case Row():
            return _row_member(inference, holder, name, node, frame)
        case Rows():
            return _rows_member(inference, holder, name, node, frame)
        case ModelClass(model=model):
            return _class_member(inference, model, name, node, frame)
        case Instance():
            return _object_member(inference, holder, name, node, frame)
        case ClassValue(definition=definition):
            return _static_member(inference, definition, name)
        case Super(receiver=receiver, after=after):
            return _super_member(inference, receiver, after, name)
        case ModuleValue(module=module):
            found = inference.code.member(module, name)
            return inference.meaning(found) if found is not None else None
        case LibraryValue(name=full, instance=instance):
            stated = _constants().get(f"{full}.{name}")
            if stated is not None:
                return Literal(stated)
            given = inputs.brought(f"{full}.{name}", frame.language) or origins.sender(inference, f"{full}.{name}")
            return given or LibraryValue(f"{full}.{name}", instance)
        case Mapped():
            known = holder.get(name)
            return known if known is not None else LibraryValue(f"dict.{name}")
        case Keyed():
            value = containers.keyed_member(holder, name)
            return value if frame.template else KnownMethod(value)
        case Taken() | Attribute():
            return holder
        case Given():
            return inputs.part(holder, name)
        case View():
            return msgspec.structs.replace(holder, method=name)
        case Loading():
            return LoadingMethod(holder, name)
        case Tupled(items=items, names=names) if name in names:
            return items[names.index(name)]
        case Listed() | Tupled() if frame.template and name in ("first", "last", "0"):
            return flow.iterate(inference, holder, frame.site(node), node, frame)
    return None


# -- rows and single rows ----------------------------------------------------------------------------------------------


def _row_member(inference: Inference, row: Row, name: str, node: Node, frame: Frame) -> Value:
    model = inference.model(row.model)
    if model is None:
        _settle(inference, row, name, None, node, frame)
        return taken(row)
    if records.words_of(model) is not None:
        return records.attribute(inference, row, model, name, node, frame)
    relation = model.relations.get(name)
    method = inference.code.method(model.definition, name)
    loaders.note_left_out(inference, row, model, name, node, frame)
    if row.pending is not None:
        row = _settle(inference, row, name, model, node, frame)
    if relation is not None and (method is None or typed.is_declaration(model, method)):
        return _relation(inference, row, relation, node, frame)
    if method is not None:
        if model.library.rows is not None and name in model.library.rows.writes:
            return None  # a write per row: its reads are the least of its queries, and no eager loading mends it
        if _is_property(method) or frame.template:
            return inference.call(method, row, (), {}, frame, node)
        return Bound(method, row)
    if frame.template:
        method = getter(inference, model.definition, name)
        if method is not None:
            return inference.call(method, row, (), {}, frame, node)
    if relation is not None:
        return _relation(inference, row, relation, node, frame)
    written = statements.row_write(inference, row, name)
    if written is not None:
        return written
    if (rows := statements.tree_rows(inference, row, name, node, frame)) is not None:
        return rows
    if statements.fetch_through(inference, row, name, node, frame):
        return None
    if name == "__class__":
        return ModelClass(row.model)
    return attributes.stated(inference, row, model, name, node, frame)


def taken(row: Row) -> Value:
    """What is read of a row and followed no further."""
    return Taken(row) if row.loop is not None else None


def _is_property(method: FunctionDefinition) -> bool:
    return any(_marks_property(d) for d in method.node.decorators)


def _marks_property(decorator: Node) -> bool:
    match decorator:
        case Name(id=name) | Member(name=name):
            return name in _PROPERTIES
        case Call(callee=Name(id=name)):
            return name.rpartition("\\")[2] in _marks()
    return False


def _settle(inference: Inference, row: Row, name: str, model: Model | None, node: Node, frame: Frame) -> Row:
    """A reference is asked for more than its key: now its query runs."""
    if row.pending is None:
        return row
    if model is not None and _is_key(inference, model, name):
        return row
    owner = msgspec.structs.replace(row, path=row.path[:-1], pending=None)
    inference.note_read(owner, row.pending, node, frame)
    return msgspec.structs.replace(row, pending=None)


def _is_key(inference: Inference, model: Model, name: str) -> bool:
    """Whether a member only tells the key: the key itself, or a getter that returns it and does nothing else."""
    if name in model.keys:
        return True
    method = inference.code.method(model.definition, name)
    if method is None or len(method.node.body) != 1:
        return method is None and name.lower() in ("id", "getid")
    value = getattr(method.node.body[0], "value", None)
    return isinstance(value, Member) and value.name in model.keys


def _relation(inference: Inference, row: Row, relation: Relation, node: Node, frame: Frame) -> Value:
    path = (*row.path, relation.name)
    model = inference.model(row.model)
    many_rows = row.rows is not None
    eager = row.rows.eager if row.rows is not None else row.eager
    came_by = queries.relation_at(inference, row.rows, row.path) if row.rows is not None else None
    if came_by is relation:
        return None if relation.many else Row(relation.target)  # up or down a tree: what its first level costs is said
    if came_by is not None and came_by.back == relation.name and not relation.many:
        return Row(came_by.model, row.rows, row.path[:-1], row.loop)  # back where the row came from
    came = queries.came_along(inference, row.rows, path) if row.rows is not None else covers(eager, (relation.name,))
    loaded = came or relation.eager
    loaded = loaded or (row.model, relation.name) in inference.hydrated
    loaded = loaded or (not relation.many and (relation.target, "") in inference.hydrated)
    assigned = (row.loop, path) in inference.assigned
    library = model.library if model is not None else None
    if relation.many:
        prefix = relation.name + "."
        rows = Rows(
            relation.target,
            frame.site(node),
            eager=queries.back(relation)
            if many_rows
            else queries.back(relation, alone=True)
            | managers.loaded(inference, relation.target)
            | {e.removeprefix(prefix) for e in eager if e.startswith(prefix)},
            known=row.rows.known if row.rows is not None else row.known or inference.asked_here(row, relation),
            owner=row.rows,
            path=path,
            loop=row.loop,
            kind=origins.manager_kind(inference, relation.target),
            root=frame.site(node) if row.rows is None else None,
            searches=(Search("other", relation.target, ""),),  # by the column that points back
            related=relation,
            few=scarcity.of_one(row, node, frame),
            bypass=relation.fresh and many_rows,
        )
        words = library.rows if library is not None else None
        if words is not None and words.loads_when_read and not relation.fresh and not assigned:
            queries.touch(inference, rows, node, frame)
        return rows
    if row.rows is None:
        prefix = relation.name + "."
        rest = frozenset(e.removeprefix(prefix) for e in eager if e.startswith(prefix))
        return Row(relation.target, eager=rest, known=row.known)
    if loaded or assigned:
        return Row(relation.target, row.rows, path, row.loop)
    if library is not None and library.rows is not None and library.rows.lazy_reference:
        return Row(relation.target, row.rows, path, row.loop, pending=relation)
    inference.note_read(row, relation, node, frame)
    return Row(relation.target, row.rows, path, row.loop)


def _rows_member(inference: Inference, rows: Rows, name: str, node: Node, frame: Frame) -> Value:
    if not rows.model and (found := statements.raw_member(rows, name, frame)) is not None:
        return found
    if rows.stage:
        return records.each_of(inference, rows, name, node, frame)
    if rows.kind is not None:
        method = inference.code.method(rows.kind, name)
        if method is not None:
            if frame.template:
                return inference.call(method, rows, (), {}, frame, node)
            return Bound(method, rows)
    library = origins.library_of(inference, rows)
    if library is None or library.rows is None:
        return None
    if name in library.rows.methods:
        if frame.template:
            return queries.apply(inference, rows, name, Call(node.start, node.end, node), frame)
        return RowMethod(rows, name)
    if name in library.transparent_methods:
        return rows
    if finder(library, inference.model(rows.model), name) is not None:
        return RowMethod(rows, name)
    if name in library.rows.session_of:
        return LibraryValue(library.rows.session_of[name], instance=True)
    if rows.kind is not None:
        stated = inference.code.attribute(rows.kind, name)
        if stated is not None:
            return inference.constant(stated[0].path, stated[1], stated[0])
    return None


def _class_member(inference: Inference, name: str, attribute: str, node: Node, frame: Frame) -> Value:
    model = inference.model(name)
    if model is None:
        return None
    if attribute == "class":
        return ModelClass(name)
    words = model.library.rows
    if words is not None and words.class_attributes and (attribute in model.relations or attribute in model.columns):
        return Attribute(name, attribute)
    stated = inference.code.attribute(model.definition, attribute)
    if words is not None:
        kind = origins.manager_class(inference, stated) if stated is not None else None
        if kind is not None or attribute in words.managers or (stated is not None and origins.is_manager(inference, *stated)):
            return managers.begun(inference, Rows(name, frame.site(node), kind=kind, root=frame.site(node)))
    method = inference.code.method(model.definition, attribute)
    if method is not None:
        return Bound(method, ModelClass(name))
    if stated is not None:
        return inference.constant(stated[0].path, stated[1], stated[0])
    return None


# -- objects and classes that are no models ----------------------------------------------------------------------------


def _object_member(inference: Inference, holder: Instance, name: str, node: Node, frame: Frame) -> Value:
    definition = holder.definition
    method = inference.code.method(definition, name)
    if method is not None:
        if _is_property(method) or frame.template:
            return inference.call(method, holder, (), {}, frame, node)
        return Bound(method, holder)
    given = dict(holder.given).get(name)
    if given is not None:
        return given
    if (computed := views.computed(inference, definition, name)) is not None:
        return inference.call(computed, holder, (), {}, frame, node)
    read = getter(inference, definition, name) if frame.template else None
    if read is not None:
        return inference.call(read, holder, (), {}, frame, node)
    stated = inference.code.attribute(definition, name)
    if stated is not None and stated[1].value is None:
        held = constructors.assigned(inference, holder, name)
        if held is not None:
            return held
    if stated is not None:
        held = origins.named_after(inference, name, inference.constant(stated[0].path, stated[1], stated[0]))
        return inherited.lent(inference, held, stated[0], frame)
    if serializers.output(inference, holder, name, node, frame):
        return None
    stands_for = resources.attribute(inference, holder, name, node, frame)
    if stands_for is not None:
        return stands_for
    held = constructors.assigned(inference, holder, name)
    if held is not None:
        return held
    held = templates.held(inference, holder, name) or listings.paged(inference, holder, name, node, frame)
    if held is not None:
        return held
    externals = inference.code.externals(definition)
    known = (b for b in sorted(externals) for library, bases in _own().get(name, ()) if named(library, b, bases))
    base = next(known, min(externals, default=""))
    return inputs.brought(f"{base}.{name}", frame.language) or LibraryValue(f"{base}.{name}", instance=True) if base else None


def _static_member(inference: Inference, definition: ClassDefinition, name: str) -> Value:
    method = inference.code.method(definition, name)
    if method is not None:
        return Bound(method, ClassValue(definition))
    stated = inference.code.attribute(definition, name.lstrip("$"))
    if stated is not None:
        return inference.constant(stated[0].path, stated[1], stated[0])
    return grids.inherited(inference, definition, name)


def _super_member(inference: Inference, receiver: Value, after: ClassDefinition, name: str) -> Value:
    lineage = receiver.definition if isinstance(receiver, Instance) else after
    method = inference.code.method(lineage, name, after=after)
    if method is not None:
        return Bound(method, receiver)
    if isinstance(receiver, Rows):
        return RowMethod(receiver, name)
    if (given := grids.inherited(inference, lineage, name)) is not None:
        return given
    return LibraryValue(f"super.{name}", instance=True) if isinstance(receiver, Instance) else None


# -- types -------------------------------------------------------------------------------------------------------------


def annotated(inference: Inference, path: str, node: Node, function: str) -> Value:
    """What a value of the annotated type is, in `function`. Rows that only a type promises are not `known`."""
    match node:
        case Text(value=str() as text) if text.isidentifier():
            return annotated(inference, path, Name(node.start, node.end, text), function)
        case Other(word="|", children=parts):
            real = [
                p for p in parts if not isinstance(p, Text) and not (isinstance(p, Name) and p.id.lower() in ("none", "null"))
            ]
            return annotated(inference, path, real[0], function) if len(real) == 1 else None
        case Other(word="item", children=(Name(id=outer) | Member(name=outer), inner)):
            last = outer.rpartition("\\")[2]
            if isinstance(inner, Other) and inner.word == "tuple" and inner.children:
                inner = inner.children[-1] if last not in ("Generator", "tuple", "Tuple") else inner.children[0]
            if last == "Optional":
                return annotated(inference, path, inner, function)
            if last in _COLLECTIONS:
                item = annotated(inference, path, inner, function)
                if isinstance(item, Row):
                    return Rows(item.model, Site(path, node.start, node.end, function), known=False, typed=True)
                return Listed(item)
            return origins.repository_for(inference, path, node, inner)
        case Name() | Member():
            found = inference.code.resolve_node(path, node)
            if isinstance(found, ClassDefinition):
                return inference.receiver_of(found)
            if isinstance(found, External):
                return LibraryValue(found.name, instance=True)
    return None


def shown(inference: Inference, value: Value, node: Node, frame: Frame) -> None:
    """A row put into a text is asked for its words: `__str__` is read."""
    if not isinstance(value, Row):
        return
    model = inference.model(value.model)
    if model is None:
        _settle(inference, value, "", None, node, frame)
        return
    for name in ("__str__", "__toString"):
        method = inference.code.method(model.definition, name)
        if method is not None:
            if value.pending is not None:
                value = _settle(inference, value, name, model, node, frame)
            inference.call(method, value, (), {}, frame, node)
            return
