"""Where the call that states a column takes the argument that asks for an index."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from analyzers.facts.outline import Call, Class, Function, Node
from analyzers.knowledge import Models
from analyzers.model.naming.code import Codebase
from analyzers.model.naming.literals import last_name
from analyzers.model.project import Slot

STEP = 4
"""Columns by which a body is indented."""


def column_slot(code: Codebase, path: str, call: Call, column: str, words: Models) -> Iterator[Slot]:
    """The slot of one column, if its call has none of the arguments that make an index."""
    inner = next((a for a in (*call.args, *(k.value for k in call.keywords)) if _states_column(a, words)), call)
    given = [keyword.name for keyword in inner.keywords] if isinstance(inner, Call) else []
    asked = words.arguments.indexed
    if not isinstance(inner, Call) or not asked or {asked, words.arguments.unique, words.arguments.primary, "**"} & {*given}:
        return
    last = _last_argument(inner)
    if last is None:
        yield Slot(path, inner.end - 1, f"{asked}=True", "", "flag", columns=(column,))
    elif not isinstance(last, Function):
        yield Slot(
            path, last.end, _between(code, path, inner, inner.callee, last) + f"{asked}=True", "", "flag", columns=(column,)
        )


def _states_column(node: Node, words: Models) -> bool:
    return isinstance(node, Call) and last_name(node) in words.columns


def _last_argument(call: Call) -> Node | None:
    """The argument that ends last: named ones may stand before others."""
    return max((*call.args, *(k.value for k in call.keywords)), key=lambda node: node.end, default=None)


def _between(code: Codebase, path: str, around: Node, opening: Node, last: Node) -> str:
    """What comes between an item and the next, as its list is written: beside each other, or below."""
    span = code.files[path].span
    first, end = span(around.start, opening.end), span(last.start, last.end)
    if end.start_line == first.end_line:
        return ", "
    return ",\n" + " " * (_indentation(code, path, around) + STEP)


def _indentation(code: Codebase, path: str, node: Node) -> int:
    """By how many columns the statement is indented that begins the node's line, as far as the node tells."""
    holder = next((n for n in _statements(code.files[path].outline) if n.start <= node.start < n.end), node)
    return code.files[path].span(holder.start, holder.end).start_column - 1


def _statements(nodes: Sequence[Node]) -> Iterator[Node]:
    """The statements of classes and modules, the inner ones first."""
    for node in nodes:
        if isinstance(node, Class):
            yield from _statements(node.body)
        yield node
