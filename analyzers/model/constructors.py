"""What an object's constructor does with what the object was made of: it runs, and what it assigns is held from then on."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from analyzers.facts.outline import Assign, Member, Node
from analyzers.model import flow, origins, resources, shapes
from analyzers.model.definitions import FunctionDefinition
from analyzers.model.types import Instance, Keyed, Listed, Mapped, Row, Rows, Tupled, Value

if TYPE_CHECKING:
    from analyzers.model.frames import Frame
    from analyzers.model.summaries import Inference


_CONSTRUCTORS = ("__init__", "__construct")


def made(inference: Inference, instance: Instance, node: Node, frame: Frame) -> Value:
    """An object that was just made, or the rows that it stands for. Its constructor runs with the rows it was given."""
    stands_for = origins.rows_of_class(inference, instance.definition)
    if stands_for is not None:
        return stands_for
    given = (*instance.args, *(value for _, value in instance.keywords))
    constructor = next(filter(None, (inference.code.method(instance.definition, name) for name in _CONSTRUCTORS)), None)
    if constructor is not None and any(map(_holds_rows, given)):
        inference.call(constructor, instance, instance.args, dict(instance.keywords), frame, node)
    shapes.constructed(inference, instance, node, frame)
    return resources.made(inference, instance, node, frame)


def _holds_rows(value: Value) -> bool:
    match value:
        case Row(loop=loop):
            return loop is not None
        case Rows():
            return True
        case Listed(item=item) | Keyed(item=item):
            return _holds_rows(item)
        case Tupled(items=items):
            return any(map(_holds_rows, items))
        case Instance(args=args, keywords=keywords):
            return any(map(_holds_rows, (*args, *(item for _, item in keywords))))
    return False


def assigned(inference: Inference, holder: Instance, name: str) -> Value:
    """`self.orders = OrderRepository()` in the constructor, with what this object was made of."""
    for constructor in _CONSTRUCTORS:
        method = inference.code.method(holder.definition, constructor)
        if method is None:
            continue
        for statement in method.node.body:
            if isinstance(statement, Assign) and isinstance(statement.target, Member) and statement.target.name == name:
                key = ("constructor", id(statement), holder)
                return inference.remembered(key, partial(_constructed, inference, holder, method, statement))
    return _given(inference, holder, name)


def _given(inference: Inference, holder: Instance, name: str) -> Value:
    """What an object of a class without a constructor was given for one of the attributes that the class declares."""
    if any(inference.code.method(holder.definition, constructor) is not None for constructor in _CONSTRUCTORS):
        return None
    declared = [n for n, assign in holder.definition.attributes.items() if assign.annotation is not None]
    if name in declared[: len(holder.args)]:
        return holder.args[declared.index(name)]
    return dict(holder.keywords).get(name) if name in declared else None


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
