"""Queries under construction that their methods change, and rows in memory that get more loaded into them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from analyzers.facts.outline import Call, Member, Name, Node
from analyzers.model.inference.rows import eager, origins
from analyzers.model.inference.types import Rows, Value

if TYPE_CHECKING:
    from analyzers.model.inference.frames import Frame
    from analyzers.model.inference.summaries import Inference


def change(inference: Inference, node: Call, result: Value, frame: Frame) -> None:
    """`$builder->join(…);` changes the query that `$builder` holds, where the library's queries are changed in place."""
    base: Node = node
    while isinstance(base, Call) and isinstance(base.callee, Member):
        base = base.callee.of
    name = base.id if isinstance(base, Name) else ""
    if isinstance(base, Member) and isinstance(base.of, Name):
        name = f"{base.of.id}.{base.name}"
    before = frame.env.get(name)
    if before is not None and eager.changes(before, result):
        for other, value in frame.env.items():
            if value == before:
                frame.env[other] = result
        return
    held = frame.env.get(base.id) if isinstance(base, Name) else None
    if not (isinstance(base, Name) and isinstance(held, Rows) and isinstance(result, Rows) and held.joined):
        return
    library = origins.library_of(inference, result)
    if library is not None and library.rows is not None and library.rows.mutable and held.joined == result.joined:
        frame.env[base.id] = result


def give_away(inference: Inference, node: Call, frame: Frame) -> None:
    """A query under construction that a function got may have been changed by it: what it loads is not known any more."""
    for argument in node.args:
        held = frame.env.get(argument.id) if isinstance(argument, Name) else None
        if not (isinstance(argument, Name) and isinstance(held, Rows) and (held.joined or held.stage == "open")):
            continue
        library = origins.library_of(inference, held)
        if library is not None and library.rows is not None and library.rows.mutable:
            frame.env[argument.id] = msgspec.structs.replace(held, known=False)
