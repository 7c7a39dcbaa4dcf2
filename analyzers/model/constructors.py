"""What an object's constructor assigns to it, each assignment by itself, with what this object was made of."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from analyzers.facts.outline import Assign, Member
from analyzers.model import flow
from analyzers.model.definitions import FunctionDefinition
from analyzers.model.types import Instance, Mapped, Value

if TYPE_CHECKING:
    from analyzers.model.frames import Frame
    from analyzers.model.summaries import Inference


def assigned(inference: Inference, holder: Instance, name: str) -> Value:
    """`self.orders = OrderRepository()` in the constructor, with what this object was made of."""
    for constructor in ("__init__", "__construct"):
        method = inference.code.method(holder.definition, constructor)
        if method is None:
            continue
        for statement in method.node.body:
            if isinstance(statement, Assign) and isinstance(statement.target, Member) and statement.target.name == name:
                key = ("constructor", id(statement), holder)
                return inference.remembered(key, partial(_constructed, inference, holder, method, statement))
    return None


def _constructed(inference: Inference, holder: Instance, method: FunctionDefinition, statement: Assign) -> Value:
    frame = _frame(inference, method)
    if method.node.receiver:
        frame.env[method.node.receiver] = holder
    given = inference.remembered(("arguments", id(method.node), holder), partial(_arguments, inference, holder, method))
    if isinstance(given, Mapped):
        frame.env.update(given.items)
    return flow.evaluate(inference, statement.value, frame) if statement.value is not None else None


def _arguments(inference: Inference, holder: Instance, method: FunctionDefinition) -> Value:
    """What the parameters of a constructor hold: bound once, as each of its assignments is looked at by itself."""
    frame = _frame(inference, method)
    inference.bind_arguments(method.node, holder.args, dict(holder.keywords), frame)
    return Mapped(tuple(frame.env.items()))


def _frame(inference: Inference, method: FunctionDefinition) -> Frame:
    frame = inference.frame(method.path, None)
    frame.owner, frame.function = method.owner, method.qualified
    return frame
