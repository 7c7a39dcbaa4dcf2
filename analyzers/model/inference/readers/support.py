"""Whether a class of the project that a library asks is one for an object: its own method says so."""

from __future__ import annotations

from typing import TYPE_CHECKING

from analyzers.facts.outline import Call, Name, Node, Other, Return, walk
from analyzers.model.inference.branching import conditions
from analyzers.model.inference.frames import Frame
from analyzers.model.inference.types import Instance, Value
from analyzers.model.naming.definitions import ClassDefinition, FunctionDefinition

if TYPE_CHECKING:
    from analyzers.model.inference.summaries import Inference


def knows(
    inference: Inference, asked: ClassDefinition, supports: FunctionDefinition, args: tuple[Value, ...], frame: Frame
) -> bool:
    """Whether the class is one for such an object: it says so, or it asks for its class and nothing speaks against it."""
    inference.code.touch(supports.path, supports.node)
    inner = Frame(supports.path, supports.qualified, frame.language, supports.owner, frame)
    inner.language = "php"
    inner.env[supports.node.receiver] = Instance(asked)
    inference.bind_arguments(supports.node, args, {}, inner)
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
