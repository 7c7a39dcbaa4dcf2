"""Classes that state the shape of an answer: each of their fields is read of the row that the answer is made of.

`OrderOut.model_validate(order)` reads them, and so does a route whose `response_model` is `list[OrderOut]`, of what it returns.
A field whose type is such a class is read on, down to its own fields.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from analyzers.facts.outline import Assign, Call, Member, Name, Node, walk
from analyzers.knowledge import LINEAGES_KEPT, Shapes, libraries, named
from analyzers.knowledge.derived import per_libraries
from analyzers.model.inference import flow, members
from analyzers.model.inference.types import Instance, Keyed, Listed, Mapped, Row, Rows, Taken, Value, comes_back
from analyzers.model.naming.definitions import ClassDefinition, FunctionDefinition

if TYPE_CHECKING:
    from analyzers.model.inference.frames import Frame
    from analyzers.model.inference.summaries import Inference


def spec_of(inference: Inference, definition: ClassDefinition) -> Shapes | None:
    """How the library reads rows by this class, if it does."""
    spec = _spec_by(inference.code.externals(definition))
    return spec if spec is not None and not inference.is_model(definition) else None


@per_libraries(LINEAGES_KEPT)
def _spec_by(externals: frozenset[str]) -> Shapes | None:
    for library in libraries():
        spec = library.shapes
        if spec is not None and any(named(library, e, spec.bases) for e in externals):
            return spec
    return None


def makes(inference: Inference, definition: ClassDefinition, name: str) -> bool:
    """Whether the method of that name makes an answer of a row."""
    spec = spec_of(inference, definition)
    return spec is not None and name in spec.one


def answer(inference: Inference, called: FunctionDefinition, value: Value) -> None:
    """What a route returns is read by the shape that it states."""
    stated = next((shape for shape in map(_response, called.node.decorators) if shape is not None), None)
    if stated is None or value is None:
        return
    node = stated if not isinstance(stated, Call) else called.node.returns
    shape = _shape_in(inference, called.path, node) if node is not None else None
    if shape is not None:
        frame = inference.frame(called.path, None)
        frame.owner, frame.function = called.owner, called.qualified
        lay_out(inference, shape, value, called.node, frame)


def _response(decorator: Node) -> Node | None:
    """What a decorator says of the answer: the shape it states, or itself where it makes a route and leaves that open."""
    match decorator:
        case Call(callee=Member(name=name), keywords=keywords):
            for library in libraries():
                if library.shapes is not None and name in library.shapes.routes:
                    return next((k.value for k in keywords if k.name == library.shapes.response), decorator)
    return None


def constructed(inference: Inference, instance: Instance, node: Node, frame: Frame) -> None:
    """`Page(items=orders)`: fields whose types are shapes themselves read the rows that they are given."""
    if spec_of(inference, instance.definition) is not None:
        lay_out(inference, instance.definition, Mapped(instance.keywords), node, frame)


def lay_out(inference: Inference, shape: ClassDefinition, value: Value, node: Node, frame: Frame) -> None:
    """Reads the fields of `shape` of a row, of each of many, or of what a mapping holds for them."""
    match value:
        case Rows() | Listed() | Keyed():
            item = flow.iterate(inference, value, frame.site(node), node, frame)
            if isinstance(item, Row):
                lay_out(inference, shape, item, node, frame)
        case Mapped():
            for name, assign, owner in _fields(inference, shape):
                inner = _shape_in(inference, owner.path, assign.annotation)
                if inner is not None:
                    lay_out(inference, inner, value.get(name), node, frame)
        case Row() if not comes_back(value):
            _read(inference, shape, value, node, frame)


def _read(inference: Inference, shape: ClassDefinition, row: Row, node: Node, frame: Frame) -> None:
    held, frame.at = frame.at, node
    for name, assign, owner in _fields(inference, shape):
        inner = inference.frame(owner.path, frame)
        inner.owner, inner.function = owner, owner.qualified
        value = members.member(inference, row, name, assign, inner)
        below = _shape_in(inference, owner.path, assign.annotation)
        if below is not None and value is not None and not isinstance(value, Taken):
            lay_out(inference, below, value, assign, inner)
    frame.at = held


def _fields(inference: Inference, shape: ClassDefinition) -> Iterator[tuple[str, Assign, ClassDefinition]]:
    """The fields with a type, each as the nearest class states it."""
    seen: set[str] = set()
    for base in inference.code.lineage(shape):
        if not isinstance(base, ClassDefinition):
            continue
        for name, assign in base.attributes.items():
            if assign.annotation is not None and name not in seen:
                seen.add(name)
                yield name, assign, base


def _shape_in(inference: Inference, path: str, annotation: Node | None) -> ClassDefinition | None:
    """The shape that a type names: `OrderOut`, `list[OrderOut]`, `OrderOut | None`."""
    for node in walk(annotation) if annotation is not None else ():
        if isinstance(node, Name | Member):
            found = inference.code.resolve_node(path, node)
            if isinstance(found, ClassDefinition) and spec_of(inference, found) is not None:
                return found
    return None
