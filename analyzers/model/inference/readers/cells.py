"""Columns that a view declares as objects: each shows one thing of every row that the view lists."""

from __future__ import annotations

from typing import TYPE_CHECKING

from analyzers.facts.outline import Call, Node, Other, Text, walk
from analyzers.knowledge import libraries
from analyzers.knowledge.listings import Cells
from analyzers.model.inference import flow, members
from analyzers.model.inference.readers import declared
from analyzers.model.inference.rows import queries
from analyzers.model.inference.templates import templates
from analyzers.model.inference.types import Bound, Closure, Instance, Mapped, Row, Rows, Value
from analyzers.model.naming.definitions import ClassDefinition, External
from analyzers.model.naming.literals import arguments, text_of

if TYPE_CHECKING:
    from analyzers.model.inference.frames import Frame
    from analyzers.model.inference.summaries import Inference


def walk_cells(inference: Inference, definition: ClassDefinition, receiver: Instance, rows: Rows) -> None:
    """Walks the columns of a view with its rows."""
    for library in libraries():
        words = library.cells
        if words is None or not _names(inference, definition) & set(words.views):
            continue
        stated = inference.code.attribute(definition, words.attribute)
        method = inference.code.method(definition, words.attribute)
        if method is not None and (stated is None or _nearer(inference, definition, method.owner, stated[0])):
            path, body = method.path, Other(method.node.start, method.node.end, "block", method.node.body)
        elif stated is not None and stated[1].value is not None:
            path, body = stated[0].path, Other(stated[1].start, stated[1].end, "block", (stated[1].value,))
        else:
            return
        frame = inference.frame(path, None)
        frame.owner, frame.function = definition, definition.qualified
        if method is not None and method.node.receiver:
            frame.env[method.node.receiver] = receiver
        row = queries.one_of(inference, rows, frame.site(body), body, frame)
        for node in walk(body):
            if isinstance(node, Call) and isinstance(row, Row):
                _cell(inference, words, node, row, frame)


def _nearer(inference: Inference, definition: ClassDefinition, one: ClassDefinition | None, other: ClassDefinition) -> bool:
    """Whether a class finds the members of `one` before those of `other`."""
    lineage = inference.code.lineage(definition)
    return one in lineage and lineage.index(one) <= lineage.index(other)


def _names(inference: Inference, definition: ClassDefinition) -> frozenset[str]:
    """The names of a class and of all it inherits from, the project's as the library's."""
    own = {base.qualified for base in inference.code.lineage(definition) if isinstance(base, ClassDefinition)}
    return inference.code.externals(definition) | own


def _cell(inference: Inference, words: Cells, node: Call, row: Row, frame: Frame) -> None:
    """One column: the value it names, and the template that shows it."""
    found = inference.code.resolve_node(frame.path, node.callee)
    match found:
        case ClassDefinition():
            names = _names(inference, found)
        case External(name=name):
            names = frozenset({name})
        case _:
            return
    if not names & set(words.bases):
        return
    given = arguments(node)
    stated = given.get(words.path) or given.get("0")
    held, frame.at = frame.at, node
    value = _value(inference, stated, node, row, frame)
    members.shown(inference, value, node, frame)
    template = inference.code.attribute(found, words.template) if isinstance(found, ClassDefinition) else None
    if template is not None and text_of(template[1].value):
        context = Mapped(((words.row_name, row), (words.value_name, value)))
        templates.show(inference, text_of(template[1].value), context, frame, node)
    frame.at = held


def _value(inference: Inference, stated: Node | None, node: Call, row: Row, frame: Frame) -> Value:
    """What a column reads of a row, by a path of names or by a function."""
    if isinstance(stated, Text):
        if stated.value == "__str__":
            return row
        names = stated.value.split(".") if isinstance(stated.value, str) else []
        return declared.read_path(inference, row, names, node, frame) if names else None
    match flow.evaluate(inference, stated, frame) if stated is not None else None:
        case Closure() as closure:
            return inference.call_closure(closure, (row,), {}, frame, node)
        case Bound(definition=function, receiver=receiver):
            return inference.call(function, receiver, (row,), {}, frame, node)
    return None
