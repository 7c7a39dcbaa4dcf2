"""What loops do for each row besides asking for something: rows that are written, mails and calls of other services.

Where a loop does such work for each row, the queries beside it are not what makes it long: the work grows with the rows,
whatever is loaded with them.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from analyzers.facts.outline import (
    Assign,
    Call,
    Class,
    Function,
    Loop,
    Member,
    Name,
    Node,
    Other,
    Return,
    Text,
    children,
    walk,
)
from analyzers.knowledge import libraries
from analyzers.knowledge.derived import derived
from analyzers.model.inference.branching import procedures
from analyzers.model.inference.branching.handing import HARMLESS
from analyzers.model.inference.frames import Deed, Frame, Trace
from analyzers.model.inference.types import Bound, Closure, LibraryValue, Site, Taken, Value
from analyzers.model.naming.definitions import FunctionDefinition

if TYPE_CHECKING:
    from analyzers.model.inference.summaries import Inference

_outward = derived(
    lambda: {
        language: tuple(prefix for x in libraries() if x.language == language for prefix in x.outward)
        for language in ("python", "php")
    }
)
_writers = derived(
    lambda: {
        language: frozenset(name for x in libraries() if x.language == language for name in x.row_writers)
        for language in ("python", "php")
    }
)
_senders = derived(
    lambda: {
        language: frozenset(name for x in libraries() if x.language == language for name in x.outward_methods)
        for language in ("python", "php")
    }
)


@contextmanager
def each(inference: Inference, loop: Site, body: tuple[Node, ...], *, walked: Node | None = None) -> Iterator[None]:
    """What is done in here is done for each row that the loop walks: one of the code, if it is given."""
    held, inference.trace.done = inference.trace.done, set()
    yield
    done = inference.trace.done
    if isinstance(walked, Loop):
        done.add((loop, "walks"))
        if _ends(walked):
            done.add((loop, "ends"))
    done |= {(loop, deed) for of, deed in done if of is None}
    if ((loop, "writes") in done) and _only_writes(body):
        done.add((loop, "writes alone"))
    inference.trace.done = held | done


def body_of(function: Value) -> tuple[Node, ...]:
    """What a function does that is called with each row."""
    match function:
        case Closure(node=node) | Bound(definition=FunctionDefinition(node=node)):
            return node.body
    return ()


def write(inference: Inference) -> None:
    """A row is written, or several by one statement."""
    inference.trace.done.add((None, "writes"))


def ends(inference: Inference, loop: Site) -> None:
    """A loop may end before its last row."""
    inference.trace.done.add((loop, "ends"))


def call(inference: Inference, callee: Value, node: Call, frame: Frame) -> None:
    """A call may leave the program: it sends a mail, asks another service, or has a task done elsewhere."""
    method = node.callee.name if isinstance(node.callee, Member) else node.callee.id if isinstance(node.callee, Name) else ""
    known = isinstance(callee, LibraryValue) and callee.name.startswith(_outward().get(frame.language, ()) or "\0")
    if known:
        procedures.kept_apart(inference.trace, frame)
    if isinstance(callee, LibraryValue | Taken | None) and method in _writers().get(frame.language, ()):
        write(inference)
    if known or method in _senders().get(frame.language, ()):
        inference.trace.done.add((None, "leaves"))


def beside(trace: Trace, loop: Site | None) -> str:
    """The most costly that a loop does for each row besides asking; nothing, where it only asks."""
    deeds: tuple[Deed, ...] = ("leaves", "writes alone", "writes", "ends")
    return next((deed for deed in deeds if loop is not None and (loop, deed) in trace.done), "")


def walked(trace: Trace, loop: Site | None) -> Site | None:
    """The loop, if it stands in the code: neither in a template nor in what a library does with rows."""
    return loop if (loop, "walks") in trace.done else None


def _ends(loop: Loop) -> bool:
    """Whether a loop may end before its last row: it looks for one."""
    targets = {n.id for n in walk(loop.target) if isinstance(n, Name)} if loop.target is not None else set()
    return any(_leaves(node, targets) for node in loop.body)


def _leaves(node: Node, targets: set[str], *, switched: bool = False) -> bool:
    """Whether something in here leaves the loop: a `break`, unless it ends a case, or a row that is returned."""
    match node:
        case Other(word="break"):
            return not switched
        case Return(value=value):
            found = value is not None and any(isinstance(n, Name) and n.id in targets for n in walk(value))
            return found or (isinstance(value, Text) and value.value is True)
        case Function() | Loop() | Class():
            return False
        case Other(word="match"):
            switched = True
    return any(_leaves(part, targets, switched=switched) for part in children(node))


def _only_writes(body: tuple[Node, ...]) -> bool:
    """Whether a loop makes one call, after it set the same values in each row: what it does for each, one statement does for
    all."""
    calls = 0
    for node in body:
        match node:
            case Assign(target=Member(of=Name(id=of)), value=value) if value is not None and not _names(value, of):
                continue
            case Assign(target=Name(), value=Call(callee=Name(id=made))) if made[:1].isupper():
                continue  # a row to be written
            case Call(callee=Member(name=name) | Name(id=name)) if name in HARMLESS or name == "print":
                continue
            case Call() | Assign(target=Name(), value=Call()) | Return(value=Call()) | Other(word="await", children=(Call(),)):
                calls += 1
                if _gets_own(node):
                    return False
            case _:
                return False
    return calls == 1


def _gets_own(node: Node) -> bool:
    """Whether a row is given values that are made of its own: each gets another."""
    call = next((part for part in walk(node) if isinstance(part, Call)), None)
    of = call.callee.of if call is not None and isinstance(call.callee, Member) else None
    given = (*call.args, *(keyword.value for keyword in call.keywords)) if call is not None else ()
    return isinstance(of, Name) and any(_names(argument, of.id) for argument in given)


def _names(node: Node, name: str) -> bool:
    return any(isinstance(part, Name) and part.id == name for part in walk(node))
