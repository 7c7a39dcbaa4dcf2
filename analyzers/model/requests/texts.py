"""Where a call stands in the text of its file."""

from __future__ import annotations

from analyzers.facts.outline import Call, Member, Node, children
from analyzers.model.naming.code import Codebase
from analyzers.model.ways import CallSite


def nodes_to(code: Codebase, call: CallSite) -> tuple[Node, ...]:
    """The nodes that hold a call, outermost first, and last the call itself; none where it is not found."""
    facts = code.files[call.place.path]
    starts = memoryview(facts.lines).cast("I")
    span = call.place.span
    start = starts[span.start_line - 1] + span.start_column - 1
    end = starts[span.end_line - 1] + span.end_column - 1
    found: list[Node] = []
    level: tuple[Node, ...] = facts.outline
    while (inner := next((n for n in level if n.start <= start and end <= n.end and n.start != n.end), None)) is not None:
        found.append(inner)
        if (inner.start, inner.end) == (start, end) and isinstance(inner, Call | Member):
            return tuple(found)
        level = tuple(children(inner))
    return ()
