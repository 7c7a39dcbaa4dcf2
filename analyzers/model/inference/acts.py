"""What a function does to rows with its own hands: queries, writes, rows made, and attributes of rows assigned to.

Noted while the function is walked as a root, each at the node where it stands, for those who then read the text around it.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Literal

import msgspec

from analyzers.facts.outline import Assign, Call, Member, Name, Other
from analyzers.knowledge.derived import derived
from analyzers.knowledge.work import known
from analyzers.model.inference import edges, flow
from analyzers.model.inference.types import Bound, ModelClass, Row, Rows, RowWrite, Search, Value
from analyzers.model.naming.definitions import ClassDefinition, FunctionDefinition
from analyzers.model.project import Relation

if TYPE_CHECKING:
    from analyzers.facts.outline import Node
    from analyzers.knowledge.methods import Method
    from analyzers.model.inference.frames import Frame
    from analyzers.model.inference.summaries import Inference

_puts = derived(lambda: frozenset(name for one in known() if one.language == "python" for name in one.passing.puts))

Kind = Literal["assigned", "queried", "written", "made", "called", "collected", "listed", "handed", "queued", "related"]


class Act(msgspec.Struct, frozen=True, eq=False):
    """What one node does to rows of `model`.

    `name` is the attribute assigned to, or the method. Of a query, `searches` are its conditions, with those of the call
    itself, `gives` is what its result is (`Method.returns`), and `effect` what it writes.
    """

    kind: Kind
    model: str
    name: str
    searches: tuple[Search, ...] = ()
    gives: str = ""
    effect: str = ""
    ensures: bool = False
    limited: bool = False
    runs: bool = False
    rows: Rows | None = None
    by: FunctionDefinition | None = None  # of rows that are handed over: the function of the project that gives them


def note(inference: Inference, node: Node, act: Act, frame: Frame) -> None:
    """Notes an act of the function that is walked as a root."""
    if act.model and edges.is_roots_own(frame):
        inference.trace.acts.setdefault((frame.path, node.start, node.end, act.kind), act)


def assigned(inference: Inference, node: Assign, frame: Frame) -> None:
    """An attribute of a row is assigned to."""
    if isinstance(node.target, Member) and edges.is_roots_own(frame):
        holder = flow.evaluate(inference, node.target.of, frame)
        if isinstance(holder, Row):
            note(inference, node, Act("assigned", holder.model, node.target.name), frame)


def called(inference: Inference, callee: Value, node: Call, frame: Frame) -> None:
    """A row is written, or made, or asked to do something by a method of its class."""
    match callee:
        case RowWrite(row=row, effect=effect):
            name = node.callee.name if isinstance(node.callee, Member) else ""
            note(inference, node, Act("written", row.model, name, effect=effect), frame)
        case ModelClass(model=model):
            note(inference, node, Act("made", model, ""), frame)
        case Bound(receiver=Row(model=model), definition=definition):
            note(inference, node, Act("called", model, definition.node.name), frame)


def queued(inference: Inference, node: Call, frame: Frame) -> None:
    """A row is an argument of a call that puts a job into a queue, or rows are: `ship.delay(order)`."""
    if (
        frame.language == "python"
        and isinstance(node.callee, Member)
        and node.callee.name in _puts()
        and edges.is_roots_own(frame)
    ):
        for argument in arguments_of(node):
            value = flow.evaluate(inference, argument, frame) if isinstance(argument, Name) else None
            if isinstance(value, Row):
                note(inference, argument, Act("queued", value.model, ""), frame)
            elif (
                isinstance(value, Rows)
                and value.known
                and not (value.typed or value.guessed or value.narrowed or value.entities)
            ):
                note(inference, argument, Act("queued", value.model, "", gives="rows"), frame)


def arguments_of(node: Call) -> Iterator[Node]:
    """What a job is given, also by `args` and `kwargs`."""
    yield from node.args
    for keyword in node.keywords:
        match keyword.value:
            case Other(word="list" | "tuple", children=parts) if keyword.name == "args":
                yield from parts
            case Other(word="dict", children=pairs) if keyword.name == "kwargs":
                yield from (p.children[-1] for p in pairs if isinstance(p, Other) and p.word == "pair")
            case value:
                yield value


def collected(inference: Inference, rows: Rows, name: str, call: Call, frame: Frame) -> None:
    """A method of rows in memory is called."""
    if rows.owner is None:
        limited = rows.limited or rows.limit > 0
        note(inference, call, Act("collected", rows.model, name, rows.searches, limited=limited, rows=rows), frame)


def handed(inference: Inference, definition: FunctionDefinition, result: Value, node: Call, frame: Frame) -> None:
    """A function of the project gives rows."""
    if isinstance(result, Rows) and result.owner is None and not (result.typed or result.guessed):
        limited = result.limited or result.limit > 0
        name = definition.node.name
        act = Act("handed", result.model, name, result.searches, "rows", limited=limited, rows=result, by=definition)
        note(inference, node, act, frame)


def related(inference: Inference, relation: Relation, rows: Rows, node: Node, frame: Frame) -> None:
    """The collection of one row is read, and with that loaded."""
    if isinstance(node, Member) and not relation.lazy:
        note(inference, node, Act("related", rows.model, relation.name, rows=rows), frame)


def inherited(inference: Inference, name: str, result: Value, node: Call, frame: Frame) -> None:
    """A method that a class has of a library gives its rows."""
    if isinstance(result, Rows) and result.owner is None and result.known:
        limited = result.limited or result.limit > 0
        act = Act("handed", result.model, name, result.searches, "rows", limited=limited, rows=result)
        note(inference, node, act, frame)


def listed(inference: Inference, definition: ClassDefinition, rows: Rows, attribute: str, *, by_settings: bool) -> None:
    """A class lists rows, and does not say by its attribute how many at a time; the settings may, where it goes by them."""
    if not (rows.limited or rows.limit):
        act = Act("listed", rows.model, attribute, rows.searches, "by settings" if by_settings else "", rows=rows)
        inference.trace.acts.setdefault((definition.path, definition.node.start, definition.node.end, "listed"), act)


def queried(inference: Inference, rows: Rows, name: str, method: Method, call: Call, frame: Frame) -> None:
    """A method of a query is called; `rows` is the query with what the call adds to it."""
    if rows.model and edges.is_roots_own(frame):
        act = Act(
            "queried",
            rows.model,
            name,
            rows.searches,
            method.returns,
            method.effect,
            method.ensures,
            rows.limited,
            method.runs,
            rows,
        )
        note(inference, call, act, frame)
