"""Classes that decide what the user may do with an object: asked for each row of a list, they read of each row."""

from __future__ import annotations

from typing import TYPE_CHECKING

from analyzers.facts.outline import Call, Name, Node, Other, Return, walk
from analyzers.knowledge import Library, libraries, named
from analyzers.knowledge.access import Votes
from analyzers.model import conditions
from analyzers.model.definitions import ClassDefinition, FunctionDefinition
from analyzers.model.frames import Frame
from analyzers.model.types import Instance, Row, Value

if TYPE_CHECKING:
    from analyzers.model.summaries import Inference

_WORDS = tuple(x.votes for x in libraries() if x.votes is not None)


def asked_by_template(inference: Inference, name: str, values: list[Value], node: Node, frame: Frame) -> bool:
    """`is_granted('EDIT', order)`: whether it is such a question. Whoever votes on it is walked with the row."""
    words = next((w for w in _WORDS if name in w.functions), None)
    if words is None or frame.language != "twig":
        return False
    _ask(inference, words, tuple(values), node, frame)
    return True


def asked(inference: Inference, library: Library, name: str, args: tuple[Value, ...], node: Node, frame: Frame) -> bool:
    """`$this->isGranted('EDIT', $order)`, the same in code."""
    holder, _, method = name.rpartition(".")
    words = library.votes
    if words is None or method not in words.methods or named(library, holder, words.askers) is None:
        return False
    _ask(inference, words, args, node, frame)
    return True


def _ask(inference: Inference, words: Votes, args: tuple[Value, ...], node: Node, frame: Frame) -> None:
    if len(args) < 2 or not isinstance(args[1], Row) or args[1].loop is None:
        return
    for voter in dict.fromkeys(voter for base in words.bases for voter in inference.code.wiring.heirs(base)):
        method = inference.code.method(voter, words.decides)
        known = inference.code.method(voter, words.supports)
        if method is not None and known is not None and _knows(inference, voter, known, args, frame):
            inference.call(method, Instance(voter), (args[0], args[1], None), {}, frame, node)


def _knows(
    inference: Inference, voter: ClassDefinition, supports: FunctionDefinition, args: tuple[Value, ...], frame: Frame
) -> bool:
    """Whether a class votes on such an object: it says so, or it asks for its class and nothing speaks against it."""
    inference.code.touch(supports.path, supports.node)
    inner = Frame(supports.path, supports.qualified, frame.language, supports.owner, frame)
    inner.language = "php"
    inner.env[supports.node.receiver] = Instance(voter)
    inference.bind_arguments(supports.node, args[:2], {}, inner)
    _, said = _says(inference, supports.node.body, inner)
    if said is not None:
        return said
    tests = (test for statement in supports.node.body for test in walk(statement))
    return any(conditions.holds(inference, test, inner) for test in tests if _asks_for_class(test))


def _asks_for_class(node: Node) -> bool:
    match node:
        case Other(word="instanceof"):
            return True
        case Call(callee=Name(id=name)):
            return name.lstrip("\\") == "is_a"
    return False


def _says(inference: Inference, body: tuple[Node, ...], frame: Frame) -> tuple[bool, bool | None]:
    """Whether the statements return, and what, as far as the tests on the way can be told."""
    for statement in body:
        match statement:
            case Return(value=value):
                return True, conditions.holds(inference, value, frame) if value is not None else None
            case Other(word="if", children=(test, *branches)):
                held = conditions.holds(inference, test, frame)
                if held is None:
                    return True, None
                for part in branches[:1] if held else branches[1:]:
                    returns, said = _says(inference, part.children if isinstance(part, Other) else (part,), frame)
                    if returns:
                        return True, said
    return False, None
