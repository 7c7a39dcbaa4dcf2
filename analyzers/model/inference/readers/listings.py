"""Classes that declare rows and what is shown of each of them: an administration's list, a table, a feed.

Nobody writes their loop: a library walks the rows and reads of each what the class names. So the walk is made here, from the
library's words for it (`knowledge.Listing`): where the rows come from, what comes with them, and what is read of each.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import msgspec

from analyzers.facts.outline import Call, Function, Member, Name, Node, Other, Text, walk
from analyzers.knowledge import Library, libraries, named
from analyzers.knowledge.derived import derived
from analyzers.knowledge.listings import Listing
from analyzers.model.inference import flow, members
from analyzers.model.inference.readers import declared, pages, picked
from analyzers.model.inference.rows import managers, origins, queries, scarcity
from analyzers.model.inference.types import (
    Bound,
    ClassValue,
    Closure,
    Declared,
    Instance,
    Literal,
    ModelClass,
    Row,
    Rows,
    Tupled,
    Value,
)
from analyzers.model.naming.definitions import ClassDefinition, External

if TYPE_CHECKING:
    from analyzers.model.inference.frames import Frame
    from analyzers.model.inference.summaries import Inference

_MAX_JOINS = 5  # how deep a library follows required references by itself. Source: Django, `SQLCompiler.get_related_selections`
_MAX_PATHS = 200
_MAX_NAMES = 100  # columns followed for one list
_registers = derived(
    lambda: frozenset(name for library in libraries() for listing in library.listings for name in listing.registers)
)

_pagers = derived(lambda: frozenset(listing.pager_attribute for library in libraries() for listing in library.listings) - {""})


def walk_listing(inference: Inference, definition: ClassDefinition) -> None:
    """Walks what a class lists, for each model that its decorators or its own attribute name."""
    found = listing_of(inference, definition)
    if found is None:
        return
    library, listing = found
    if listing.row_methods or listing.given_rows:
        _walk_methods(inference, definition, listing)
        return
    if listing.part:
        return  # walked with the class whose rows its own belong to
    models = [*_decorated(inference, definition, library, listing)]
    stated = inference.code.attribute(definition, listing.model_attribute) if listing.model_attribute else None
    if stated is not None:
        models.append(inference.constant(stated[0].path, stated[1], stated[0]))
    for model in models:
        if isinstance(model, ModelClass):
            show(inference, definition, listing, model)


def registered(inference: Inference, name: str, args: tuple[Value, ...], node: Call, frame: Frame) -> bool:
    """Walks the class that a call such as `site.register(Order, OrderAdmin)` gives to a model; whether it is such a call."""
    if name not in _registers():
        return False
    for library in libraries():
        for listing in library.listings:
            if name not in listing.registers:
                continue
            models = args[0].items if args and isinstance(args[0], Tupled) else args[:1]
            for model in models:
                if isinstance(model, ModelClass) and len(node.args) == 1 and not node.keywords:
                    _show_plainly(inference, listing, model, node, frame)
                elif isinstance(model, ModelClass) and len(args) > 1 and isinstance(args[1], ClassValue):
                    show(inference, args[1].definition, listing, model)
            return True
    return False


def _show_plainly(inference: Inference, listing: Listing, model: ModelClass, node: Call, frame: Frame) -> None:
    """Walks the rows of a model for which the library's own class shows what it always shows."""
    found = inference.model(model.model)
    if found is None or listing.names_default != ("__str__",):
        return
    site = frame.site(node)
    words = Declared(listing.class_code.replace("{model}", found.name), listing.rows_code)
    kind = origins.manager_kind(inference, model.model)
    rows = Rows(model.model, site, kind=kind, declared=words, limit=listing.page_default, limited=True)
    rows = managers.begun(inference, rows)
    members.shown(inference, queries.one_of(inference, rows, site, node, frame), node, frame)


def listing_of(inference: Inference, definition: ClassDefinition) -> tuple[Library, Listing] | None:
    """What a library does with the rows of such a class."""
    externals = inference.code.externals(definition)
    for library in libraries():
        for listing in library.listings:
            if any(named(library, e, listing.bases) for e in externals):
                return library, listing
            if any(_marks(inference, definition, d, library, listing) for d in definition.node.decorators):
                return library, listing
    return None


def _marks(inference: Inference, definition: ClassDefinition, node: Node, library: Library, listing: Listing) -> bool:
    """Whether a decorator gives the class to models."""
    if not isinstance(node, Call) or not listing.decorators:
        return False
    found = inference.code.resolve_node(definition.path, node.callee)
    return isinstance(found, External) and named(library, found.name, listing.decorators) is not None


def _decorated(inference: Inference, definition: ClassDefinition, library: Library, listing: Listing) -> Iterator[Value]:
    frame = inference.frame(definition.path, None)
    for node in definition.node.decorators:
        if isinstance(node, Call) and _marks(inference, definition, node, library, listing):
            yield from (flow.evaluate(inference, argument, frame) for argument in node.args)


def _walk_methods(inference: Inference, definition: ClassDefinition, listing: Listing) -> None:
    """Walks a class that gives its rows by one method, and says by others what is shown of each."""
    method = inference.code.method(definition, listing.rows_method)
    if method is None:
        return
    inference.steps, inference.hydrated = 0, set()
    receiver = Instance(definition)
    frame = inference.frame(definition.path, None)
    frame.owner, frame.function = definition, definition.qualified
    rows = inference.call(method, receiver, (), {}, frame, definition.node)
    for name in listing.given_rows if isinstance(rows, Rows) else ():
        own = inference.code.method(definition, name)
        if own is not None:
            inference.call(own, receiver, (rows,), {}, frame, own.node)
    row = flow.iterate(inference, rows, frame.site(definition.node), definition.node, frame)
    if not isinstance(row, Row):
        return
    for name, otherwise in listing.row_methods.items():
        own = inference.code.method(definition, name)
        stated = inference.code.attribute(definition, name)
        node: Node = own.node if own is not None else definition.node
        text: Value = None
        if own is not None:
            text = inference.call(own, receiver, (row,), {}, frame, node)
        elif stated is None and otherwise:
            text = _named(inference, node, otherwise, receiver, row, frame)
        members.shown(inference, text, node, frame)


def paged(inference: Inference, holder: Instance, name: str, node: Node, frame: Frame) -> Value:
    """The rows of such a class, by the attribute in which the library holds them page by page."""
    found = listing_of(inference, holder.definition) if name in _pagers() else None
    method = inference.code.method(holder.definition, found[1].rows_method) if found is not None else None
    if found is None or method is None or found[1].pager_attribute != name:
        return None
    rows = inference.call(method, holder, (), {}, frame, node)
    return rows if isinstance(rows, Rows) else None


# -- the rows ----------------------------------------------------------------------------------------------------------


def show(inference: Inference, definition: ClassDefinition, listing: Listing, model: ModelClass, of: str = "") -> None:
    """Walks the rows of a model as the class lists them; with `of`, those that belong to one row of that model."""
    inference.steps, inference.hydrated = 0, set()
    receiver = Instance(definition, given=((listing.model_attribute or "model", model),))
    stated = inference.code.attribute(definition, listing.names_attribute) if listing.names_attribute else None
    path, node = (stated[0].path, stated[1]) if stated is not None else (definition.path, definition.node)
    frame = inference.frame(path, None)
    frame.owner, frame.function = definition, definition.qualified
    names = list(_names(inference, definition, listing, frame))
    rows = _rows(inference, definition, listing, receiver, model)
    if rows is None:
        return
    pages.of_listing(inference, definition, listing, rows)
    rows = _joined(inference, definition, listing, receiver, rows, names, frame)
    picked.walk_picked(inference, receiver, listing, rows, frame)
    _show_parts(inference, definition, listing, model)
    if of:
        rows = msgspec.structs.replace(rows, eager=rows.eager | _owner_paths(inference, model.model, of), few=scarcity.PART)
    rows = msgspec.structs.replace(rows, limit=rows.limit or _page(inference, definition, listing))
    row = queries.one_of(inference, rows, frame.site(node), node, frame)
    if not isinstance(row, Row):
        return
    for entry, value in names:
        _shown(inference, entry, value, receiver, row, frame)


def _show_parts(inference: Inference, definition: ClassDefinition, listing: Listing, model: ModelClass) -> None:
    """Walks the rows that belong to one of these, as the classes list them that the class names."""
    stated = inference.code.attribute(definition, listing.parts_attribute) if listing.parts_attribute else None
    for node in walk(stated[1].value) if stated is not None and stated[1].value is not None else ():
        part = inference.code.resolve_node(stated[0].path, node) if stated and isinstance(node, Name | Member) else None
        found = listing_of(inference, part) if isinstance(part, ClassDefinition) else None
        if not isinstance(part, ClassDefinition) or found is None or not found[1].part:
            continue
        of = inference.code.attribute(part, found[1].model_attribute)
        rows = inference.constant(of[0].path, of[1], of[0]) if of is not None else None
        if isinstance(rows, ModelClass):
            show(inference, part, found[1], rows, model.model)


def _owner_paths(inference: Inference, model: str, owner: str) -> frozenset[str]:
    """The ways from a row to the one it belongs to, which is the same for all of them."""
    found = inference.model(model)
    relations = found.relations.values() if found is not None else ()
    return frozenset(f"{r.name}.*" for r in relations if not r.many and r.target == owner)


def default_rows(inference: Inference, receiver: Instance) -> Rows | None:
    """What the library's own method gives: the rows of the model that the class was given."""
    found = listing_of(inference, receiver.definition)
    model = dict(receiver.given).get(found[1].model_attribute or "model") if found is not None else None
    if found is None or not isinstance(model, ModelClass):
        return None
    _, listing = found
    definition = receiver.definition
    own = definition.attributes.get(listing.names_attribute) or definition.attributes.get(listing.joins_attribute)
    frame = inference.frame(definition.path, None)
    frame.function = definition.qualified
    site = frame.site(own or definition.node)
    words = Declared(listing.joins_code, listing.rows_code)
    kind = origins.manager_kind(inference, model.model)
    return managers.begun(inference, Rows(model.model, site, root=site, kind=kind, declared=words))


def inherited(inference: Inference, receiver: Instance, name: str) -> Value:
    """What a library's own method gives that the class, or a mixin of it, calls by `super()`."""
    found = listing_of(inference, receiver.definition)
    if found is None:
        return None
    _, listing = found
    attribute = {listing.names_method: listing.names_attribute, listing.joins_method: listing.joins_attribute}.get(name)
    if name == listing.rows_method:
        return default_rows(inference, receiver)
    stated = inference.code.attribute(receiver.definition, attribute) if attribute else None
    return inference.constant(stated[0].path, stated[1], stated[0]) if stated is not None else None


def _rows(
    inference: Inference, definition: ClassDefinition, listing: Listing, receiver: Instance, model: ModelClass
) -> Rows | None:
    method = inference.code.method(definition, listing.rows_method)
    default = default_rows(inference, receiver)
    if method is None or default is None:
        return default
    frame = inference.frame(definition.path, None)
    frame.owner, frame.function = definition, definition.qualified
    rows = inference.call(method, receiver, (), {}, frame, definition.node)
    if not isinstance(rows, Rows) or rows.model != model.model:
        return None
    if method.owner is definition:
        return rows
    return msgspec.structs.replace(rows, site=default.site, root=default.site, declared=default.declared, chained=False)


def _joined(
    inference: Inference,
    definition: ClassDefinition,
    listing: Listing,
    receiver: Instance,
    rows: Rows,
    names: list[tuple[Node, Value]],
    frame: Frame,
) -> Rows:
    """The rows with what the library joins: the references that the class names, or all required ones."""
    model = inference.model(rows.model)
    if model is None or not listing.joins_attribute:
        return rows
    for path in rows.eager if _joins(inference, definition, listing, model.library) else ():
        first = model.relations.get(path.split(".", 1)[0])
        if first is not None and not first.many:
            return rows  # the query names its own
    stated = _stated(inference, definition, listing.joins_attribute, listing.joins_method, receiver, frame)
    match stated:
        case Literal(value=True):
            return msgspec.structs.replace(rows, eager=rows.eager | required_paths(inference, rows.model))
        case Tupled(items=items):
            named_paths = [i.value for i in items if isinstance(i, Literal) and isinstance(i.value, str)]
            paths = {p.replace(listing.separator, ".") for p in named_paths}
            known = rows.known and len(named_paths) == len(items)
            return msgspec.structs.replace(rows, eager=rows.eager | paths, known=known)
        case Literal(value=False) | None if stated is not None or not _is_stated(inference, definition, listing):
            relations = (model.relations.get(str(v.value)) for _, v in names if isinstance(v, Literal))
            if listing.joins_shown and any(r is not None and r.column for r in relations):
                return msgspec.structs.replace(rows, eager=rows.eager | required_paths(inference, rows.model))
            return rows
    return msgspec.structs.replace(rows, known=False)


def _joins(inference: Inference, definition: ClassDefinition, listing: Listing, library: Library) -> bool:
    """Whether the query itself names references to join, as far as the class states it; what is loaded apart is no join."""
    method = inference.code.method(definition, listing.rows_method)
    words = library.rows.methods if library.rows is not None else {}
    if method is None:
        return True
    inference.code.touch(method.path, method.node)
    names = {n.callee.name for n in walk(method.node) if isinstance(n, Call) and isinstance(n.callee, Member)}
    return any(name in words and words[name].whole for name in names)


def _is_stated(inference: Inference, definition: ClassDefinition, listing: Listing) -> bool:
    code = inference.code
    return (
        code.attribute(definition, listing.joins_attribute) is not None
        or code.method(definition, listing.joins_method) is not None
    )


def _stated(
    inference: Inference, definition: ClassDefinition, attribute: str, method: str, receiver: Value, frame: Frame
) -> Value:
    """The value of a method, else of the attribute that it stands for."""
    own = inference.code.method(definition, method) if method else None
    if own is not None:
        return inference.call(own, receiver, (), {}, frame, definition.node)
    stated = inference.code.attribute(definition, attribute) if attribute else None
    return inference.constant(stated[0].path, stated[1], stated[0]) if stated is not None else None


def required_paths(inference: Inference, model: str, prefix: str = "", depth: int = 1) -> frozenset[str]:
    """The paths of references that cannot be empty: what a library joins that is told to join without being told what."""
    found = inference.model(model)
    out: set[str] = set()
    for relation in found.relations.values() if found is not None and depth <= _MAX_JOINS else ():
        if not relation.column or relation.many or relation.optional or relation.polymorphic:
            continue
        out.add(f"{prefix}{relation.name}")
        if len(out) < _MAX_PATHS:
            out |= required_paths(inference, relation.target, f"{prefix}{relation.name}.", depth + 1)
    return frozenset(out)


def _page(inference: Inference, definition: ClassDefinition, listing: Listing) -> int:
    stated = inference.code.attribute(definition, listing.page_attribute) if listing.page_attribute else None
    value = inference.constant(stated[0].path, stated[1], stated[0]) if stated is not None else None
    if isinstance(value, Literal) and isinstance(value.value, int):
        return value.value
    return listing.page_default if stated is None else 0


# -- what is shown of each row -----------------------------------------------------------------------------------------


def _names(inference: Inference, definition: ClassDefinition, listing: Listing, frame: Frame) -> Iterator[tuple[Node, Value]]:
    """What the class names, with where it names it; a library's default where it names nothing."""
    stated = inference.code.attribute(definition, listing.names_attribute) if listing.names_attribute else None
    if stated is not None and stated[1].value is not None:
        yield from _entries(inference, stated[1].value, stated[0], frame, 0)
    elif stated is None and not inference.code.method(definition, listing.names_method):
        externals = inference.code.externals(definition)
        if all(any(named(library, e, listing.bases) for library in libraries()) for e in externals):
            yield from ((definition.node, Literal(name)) for name in listing.names_default)
    yield from ((definition.node, Literal(name)) for name in listing.names_always)


def _entries(
    inference: Inference, node: Node, owner: ClassDefinition, frame: Frame, depth: int
) -> Iterator[tuple[Node, Value]]:
    """The items of `("a", "b") + ANCESTOR.list_display`: those that stand there, and those of what is named there."""
    match node:
        case Other(word="list" | "tuple" | "+" | "set", children=parts):
            for part in parts:
                yield from _entries(inference, part, owner, frame, depth)
        case Other(word="spread", children=(inner,)):
            yield from _entries(inference, inner, owner, frame, depth)
        case Call(callee=Name(id="list" | "tuple"), args=(inner,)):
            yield from _entries(inference, inner, owner, frame, depth)
        case Text():
            yield node, Literal(node.value)
        case Name(id=name) if name in owner.attributes and depth < 3 and owner.attributes[name].value is not node:
            above = owner.attributes[name].value
            if above is not None:
                yield from _entries(inference, above, owner, frame, depth + 1)
        case Name(id=name) if name in owner.methods:
            yield node, Literal(name)
        case Name() | Member() | Function():
            value = flow.evaluate(inference, node, frame)
            match value:
                case Tupled(items=items):
                    yield from ((node, item) for item in items[:_MAX_NAMES])
                case _ if value is not None:
                    yield node, value


def _shown(inference: Inference, node: Node, value: Value, receiver: Instance, row: Row, frame: Frame) -> None:
    """One thing shown of a row: a column, a method of the class that lists it, of the row, or a function of the row."""
    held, frame.at = frame.at, node
    text: Value = None
    match value:
        case Literal(value=str() as name):
            text = _named(inference, node, name, receiver, row, frame)
        case Closure():
            text = inference.call_closure(value, (row,), {}, frame, _call(node))
        case Bound(definition=function, receiver=None):
            text = inference.call(function, None, (row,), {}, frame, node)
    members.shown(inference, text, node, frame)
    frame.at = held


def _call(node: Node) -> Call:
    """The call that the library makes of the function named at `node`."""
    return Call(node.start, node.end, node)


def _named(inference: Inference, node: Node, name: str, receiver: Instance, row: Row, frame: Frame) -> Value:
    model = inference.model(row.model)
    if name == "__str__":
        return row
    if model is None or (name in model.columns and name not in model.relations):
        return None
    if name not in model.relations:
        method = inference.code.method(receiver.definition, name)
        if method is not None:
            return inference.call(method, receiver, (row,), {}, frame, node)
    return declared.read_path(inference, row, name.split("__") if "__" in name.strip("_") else (name,), node, frame)
