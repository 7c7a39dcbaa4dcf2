"""Functions that get the rows which somebody picked in a list: the actions of an administration."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import msgspec

from analyzers.facts.outline import Call, Name, Node, Text, walk
from analyzers.knowledge import libraries, named
from analyzers.knowledge.listings import Listing
from analyzers.model.inference import flow
from analyzers.model.inference.rows import scarcity
from analyzers.model.inference.types import Bound, Instance, Rows
from analyzers.model.naming.definitions import ClassDefinition, External, FunctionDefinition

if TYPE_CHECKING:
    from analyzers.model.inference.frames import Frame
    from analyzers.model.inference.summaries import Inference


def walk_picked(inference: Inference, receiver: Instance, listing: Listing, rows: Rows, frame: Frame) -> None:
    """Walks what can be done with rows of the list, as far as its class says so."""
    picked = msgspec.structs.replace(
        rows,
        typed=True,
        chained=True,
        limit=0,
        limited=False,
        declared=None,
        root=None,
        searches=(),
        named=None,
        few=scarcity.PICKED,
    )
    inference.guarded += 1  # what is done for each of a few rows that somebody picked may well be asked for one by one
    for function, own in _functions(inference, receiver.definition, listing, frame):
        given = (None, picked) if own else (receiver, None, picked)
        inference.call(function, receiver if own else None, given, {}, frame, function.node)
    inference.guarded -= 1


def _functions(
    inference: Inference, definition: ClassDefinition, listing: Listing, frame: Frame
) -> Iterator[tuple[FunctionDefinition, bool]]:
    """The functions that its class names or marks, and whether they are methods of it."""
    seen: set[int] = set()
    for base in inference.code.lineage(definition):
        if not isinstance(base, ClassDefinition):
            continue
        for method in base.methods.values():
            if any(_marks(inference, base, d, listing) for d in method.node.decorators) and id(method) not in seen:
                seen.add(id(method))
                yield method, True
    stated = inference.code.attribute(definition, listing.actions_attribute) if listing.actions_attribute else None
    for node in walk(stated[1].value) if stated is not None and stated[1].value is not None else ():
        found = _stated(inference, definition, node, frame)
        if found is not None and id(found[0]) not in seen:
            seen.add(id(found[0]))
            yield found


def _marks(inference: Inference, owner: ClassDefinition, decorator: Node, listing: Listing) -> bool:
    """Whether a decorator says that a method is such a function."""
    found = inference.code.resolve_node(owner.path, decorator.callee if isinstance(decorator, Call) else decorator)
    return isinstance(found, External) and any(named(library, found.name, listing.action_marks) for library in libraries())


def _stated(
    inference: Inference, definition: ClassDefinition, node: Node, frame: Frame
) -> tuple[FunctionDefinition, bool] | None:
    """A method by its name, or a function."""
    match node:
        case Text(value=str() as name) | Name(id=name) if (own := inference.code.method(definition, name)) is not None:
            return own, True
        case Name():
            held = flow.evaluate(inference, node, frame)
            if isinstance(held, Bound) and held.receiver is None:
                return held.definition, False
    return None
