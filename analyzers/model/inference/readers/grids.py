"""Tables that a chain of calls describes: a library asks for the rows, shows what cells name, and calls functions with rows.

    return $table->columns([TextColumn::make('customer.name'), TextColumn::make('n')->state(fn (Order $record) => …)]);

The library loads by itself what dotted names of shown cells pass through; what a function reads of the row it does not.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import msgspec

from analyzers.facts.outline import Call, Function, Member, Name, Node, Text, children
from analyzers.knowledge import libraries
from analyzers.knowledge.derived import derived
from analyzers.knowledge.listings import Grid
from analyzers.model.inference import flow, members
from analyzers.model.inference.frames import Frame
from analyzers.model.inference.readers import declared
from analyzers.model.inference.rows import queries
from analyzers.model.inference.types import Closure, Declared, Instance, KnownMethod, ModelClass, Row, Rows, Value
from analyzers.model.naming.definitions import PHP_SEPARATOR, ClassDefinition, External, FunctionDefinition
from analyzers.words import singular

if TYPE_CHECKING:
    from analyzers.model.inference.summaries import Inference

_grids = derived(lambda: tuple(grid for library in libraries() for grid in library.grids))
_MAX_PARTS = 12  # functions that describe one table together


class _Chain(msgspec.Struct, frozen=True):
    """`A::make('x')->b()->c()`, or `$table->b()->c()`: where it begins, and its calls in order."""

    root: Node
    links: tuple[Call, ...]
    frame: Frame


def grid_of(inference: Inference, definition: ClassDefinition) -> Grid | None:
    """How a library makes a table of such a class."""
    externals = inference.code.externals(definition) if _grids() else frozenset()
    return next((grid for grid in _grids() if not externals.isdisjoint(grid.bases)), None)


def walk_grid(inference: Inference, definition: ClassDefinition) -> None:
    """Walks the table that a class describes."""
    grid = grid_of(inference, definition)
    if grid is None or definition.is_abstract:
        return
    inference.steps, inference.hydrated = 0, set()
    chains = [c for method in grid.methods for c in _described(inference, definition, method, grid)]
    tables = [c for c in chains if isinstance(c.root, Name)]
    rows = _rows(inference, definition, grid, tables)
    if not isinstance(rows, Rows) or not rows.model:
        return
    shown = [c for c in chains if not isinstance(c.root, Name) and not _hidden(grid, c)]
    eager = {path for c in shown if (path := _loaded(inference, grid, c, rows))}
    rows = msgspec.structs.replace(rows, eager=rows.eager | eager, limit=rows.limit or grid.page_default)
    for chain in tables:
        rows = _changed(inference, grid, chain, rows)
    for chain in (*shown, *tables):
        first = chain.links[0]
        row = queries.one_of(inference, rows, chain.frame.site(chain.links[-1]), first, chain.frame)
        if isinstance(row, Row):
            _show(inference, grid, chain, row)


def inherited(inference: Inference, definition: ClassDefinition | None, name: str) -> Value:
    """A method that a class has from the library: the rows of its model, or the model."""
    grid = grid_of(inference, definition) if definition is not None else None
    if grid is None or definition is None or name not in (*grid.rows_methods, grid.model_method):
        return None
    model = _model(inference, definition, grid)
    if name == grid.model_method or model is None:
        return KnownMethod(model) if model is not None else None
    return KnownMethod(_default(inference, definition, grid, model, ()))


# -- what a class says of its table ------------------------------------------------------------------------------------


def _described(inference: Inference, definition: ClassDefinition, name: str, grid: Grid) -> Iterator[_Chain]:
    """The chains in a method of the class, and in the functions of the project that it calls on the way."""
    first = inference.code.method(definition, name)
    waiting, seen = [first] if first is not None else [], 0
    while waiting and seen < _MAX_PARTS:
        method, seen = waiting.pop(0), seen + 1
        inference.trace.touched.add(method.path)
        frame = inference.frame(method.path, None)
        frame.owner, frame.function = method.owner, method.qualified
        if method.node.receiver:
            frame.env[method.node.receiver] = Instance(definition)
        parameters = {p.name for p in method.node.parameters}
        for chain in (c for node in method.node.body for c in _chains(node, frame, grid)):
            if isinstance(chain.root, Name) and chain.root.id not in parameters:
                called = _called(inference, definition, chain.links[0], frame)
                waiting += [called] if called is not None and called is not method else []
            else:
                yield chain


def _chains(node: Node, frame: Frame, grid: Grid) -> Iterator[_Chain]:
    links: list[Call] = []
    root: Node = node
    while isinstance(root, Call) and isinstance(root.callee, Member):
        links.append(root)
        root = root.callee.of
    if links and isinstance(root, Name):
        first = links[-1]
        made = isinstance(first.callee, Member) and first.callee.name == grid.make and not root.id.startswith("$")
        yield _Chain(first if made else root, tuple(reversed(links)), frame)
    elif not links or not isinstance(root, Name):
        below = children(node) if not links else (root,)
        for child in below if not isinstance(node, Function) else ():
            yield from _chains(child, frame, grid)
    for link in links:
        if isinstance(link.callee, Member) and link.callee.name not in grid.apart:
            for argument in (*link.args, *(k.value for k in link.keywords)):
                yield from _chains(argument, frame, grid)


def _called(inference: Inference, definition: ClassDefinition, call: Call, frame: Frame) -> FunctionDefinition | None:
    """The function of the project that describes a part of the table."""
    assert isinstance(call.callee, Member)
    match call.callee.of:
        case Name(id="$this" | "self" | "static"):
            return inference.code.method(definition, call.callee.name)
        case Name(id="parent") if frame.owner is not None:
            return inference.code.method(definition, call.callee.name, after=frame.owner)
        case Name(id=name):
            found = inference.code.resolve(frame.path, name)
            return inference.code.method(found, call.callee.name) if isinstance(found, ClassDefinition) else None
    return None


# -- the rows ----------------------------------------------------------------------------------------------------------


def _rows(inference: Inference, definition: ClassDefinition, grid: Grid, tables: list[_Chain]) -> Value:
    for chain in tables:
        for link in chain.links:
            if isinstance(link.callee, Member) and link.callee.name == grid.query and link.args:
                stated = flow.evaluate(inference, link.args[0], chain.frame)
                if isinstance(stated, Closure):
                    stated = inference.call_closure(stated, (), {}, chain.frame, link)
                return stated
    for name in grid.rows_methods:
        method = inference.code.method(definition, name)
        if method is not None:
            frame = inference.frame(definition.path, None)
            frame.owner, frame.function = definition, definition.qualified
            return _seen(inference, definition, grid, inference.call(method, Instance(definition), (), {}, frame, method.node))
    model = _model(inference, definition, grid) or _related(inference, definition, grid)
    found = _default(inference, definition, grid, model, tables) if model is not None else None
    return _seen(inference, definition, grid, found)


def _default(
    inference: Inference,
    definition: ClassDefinition,
    grid: Grid,
    model: ModelClass,
    tables: list[_Chain] | tuple[_Chain, ...],
) -> Rows:
    """All rows of a model, whose query nobody wrote."""
    stated = definition.attributes.get(grid.model_attribute) or definition.attributes.get(grid.relation_attribute)
    if tables:
        frame, node = tables[0].frame, tables[0].root
    else:
        frame, node = inference.frame(definition.path, None), stated or definition.node
        frame.function = definition.qualified
    site = frame.site(node)
    return Rows(model.model, site, root=site, declared=Declared(query=grid.rows_code))


def _model(inference: Inference, definition: ClassDefinition, grid: Grid) -> ModelClass | None:
    """The model that a class states, or is named after."""
    stated = inference.code.attribute(definition, grid.model_attribute) if grid.model_attribute else None
    if stated is not None and stated[1].value is not None:
        value = inference.constant(stated[0].path, stated[1], stated[0])
        return value if isinstance(value, ModelClass) else None
    stem = definition.name.removesuffix(grid.model_suffix)
    model = inference.model_called(stem) if stem and stem != definition.name else None
    return ModelClass(model.qualified) if model is not None else None


def _related(inference: Inference, definition: ClassDefinition, grid: Grid) -> ModelClass | None:
    """The model of the rows of a relation of the owner: a class named after the namespace that this one stands in."""
    stated = inference.code.attribute(definition, grid.relation_attribute) if grid.relation_attribute else None
    space, _, last = definition.qualified.rpartition(PHP_SEPARATOR)[0].rpartition(PHP_SEPARATOR)
    if stated is None or not isinstance(stated[1].value, Text) or last != grid.owner_space:
        return None
    beside = f"{space}{PHP_SEPARATOR}{singular(space.rpartition(PHP_SEPARATOR)[2])}{grid.owner_suffix}"
    owner = inference.code.php_class(space) or inference.code.php_class(beside)
    model = _model(inference, owner, grid) if owner is not None else None
    known = inference.model(model.model) if model is not None else None
    relation = known.relations.get(str(stated[1].value.value)) if known is not None else None
    return ModelClass(relation.target) if relation is not None and relation.many and inference.model(relation.target) else None


def _seen(inference: Inference, definition: ClassDefinition, grid: Grid, rows: Value) -> Value:
    """The rows, of which less is known where a page that shows the table says more of its query."""
    method = inference.code.method(definition, grid.pages_method) if grid.pages_method else None
    if method is None or not isinstance(rows, Rows):
        return rows
    for node in _below(method.node):
        page = inference.code.resolve_node(method.path, node.callee.of) if isinstance(node.callee, Member) else None
        if isinstance(page, ClassDefinition) and any(inference.code.method(page, name) for name in grid.page_methods):
            return msgspec.structs.replace(rows, known=False)
    return rows


def _below(node: Node) -> Iterator[Call]:
    for child in children(node):
        if isinstance(child, Call):
            yield child
        yield from _below(child)


def _changed(inference: Inference, grid: Grid, chain: _Chain, rows: Rows) -> Rows:
    """The rows with what the table's own functions do with their query."""
    for link in chain.links:
        if isinstance(link.callee, Member) and link.callee.name in grid.changes and link.args:
            function = flow.evaluate(inference, link.args[0], chain.frame)
            value, held = (
                inference.closure_on(function, rows, chain.frame, link) if isinstance(function, Closure) else (None, None)
            )
            after = value if isinstance(value, Rows) else held
            same = isinstance(after, Rows) and after.model == rows.model
            own = {"site": rows.site, "root": rows.root, "chained": rows.chained, "declared": rows.declared}
            rows = (
                msgspec.structs.replace(after, **own)
                if same and isinstance(after, Rows)
                else msgspec.structs.replace(rows, known=False)
            )
    return rows


# -- what is shown of each row -----------------------------------------------------------------------------------------


def _kind(inference: Inference, chain: _Chain) -> frozenset[str]:
    """The names of the library's classes that the made object is of."""
    call = chain.links[0]
    found = inference.code.resolve_node(chain.frame.path, call.callee.of) if isinstance(call.callee, Member) else None
    match found:
        case External(name=name):
            return frozenset({name})
        case ClassDefinition():
            return inference.code.externals(found)
    return frozenset()


def _name(chain: _Chain) -> tuple[str, ...]:
    stated = chain.links[0].args[0] if chain.links[0].args else None
    return tuple(stated.value.split(".")) if isinstance(stated, Text) and isinstance(stated.value, str) else ()


def _hidden(grid: Grid, chain: _Chain) -> bool:
    """Whether the library does not show the cell, unless it is asked to."""
    for link in chain.links:
        name = link.callee.name if isinstance(link.callee, Member) else ""
        keyword = grid.hides.get(name)
        if keyword == "" and not link.args and not link.keywords:
            return True
        if keyword and any(k.name == keyword and isinstance(k.value, Text) and k.value.value for k in link.keywords):
            return True
    return False


def _loaded(inference: Inference, grid: Grid, chain: _Chain, rows: Rows) -> str:
    """The path of relations that the library loads for a cell: all that its name passes through."""
    path = _name(chain)[:-1]
    model = inference.model(rows.model)
    for step in path:
        relation = model.relations.get(step) if model is not None else None
        if relation is None:
            return ""
        model = inference.model(relation.target)
    return ".".join(path) if _kind(inference, chain) & set(grid.cells) else ""


def _show(inference: Inference, grid: Grid, chain: _Chain, row: Row) -> None:
    """One thing that is shown of a row: what a cell names, and what functions say of it."""
    of_table = isinstance(chain.root, Name)
    kind = _kind(inference, chain)
    if not of_table and not any(name.startswith(grid.parts) for name in kind):
        return
    given = {link.callee.name for link in chain.links if isinstance(link.callee, Member)}
    frame, value = chain.frame, None
    if not of_table and kind & set(grid.cells) and given.isdisjoint(grid.values):
        frame.at = chain.links[0]
        value = declared.read_path(inference, row, _name(chain), chain.links[0], frame) if _name(chain) else None
        members.shown(inference, value, chain.links[0], frame)
    for link in chain.links:
        if isinstance(link.callee, Member) and link.callee.name in grid.per_row:
            for argument in (*link.args, *(k.value for k in link.keywords)):
                if isinstance(argument, Function):
                    said = _say(inference, grid, argument, row, value, link, frame)
                    value = said if link.callee.name in grid.values else value


def _say(inference: Inference, grid: Grid, node: Function, row: Row, value: Value, link: Call, frame: Frame) -> Value:
    """What a function says that gets the row and the value by the names of its parameters, or the row by its type."""
    args: list[Value] = []
    for parameter in node.parameters:
        name = parameter.name.lstrip("&$*")
        typed = members.annotated(inference, frame.path, parameter.annotation, "") if parameter.annotation is not None else None
        own = name == grid.row_name or (isinstance(typed, Row) and typed.model == row.model)
        args.append(row if own else value if name == grid.value_name else None)
    closure = flow.evaluate(inference, node, frame)
    return inference.call_closure(closure, tuple(args), {}, frame, link) if isinstance(closure, Closure) else None
