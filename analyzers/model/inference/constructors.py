"""What an object's constructor does with what the object was made of: it runs, and what it assigns is held from then on.

What the class's own constructor does not assign may be assigned by the one it hands on to: `super().__init__(model)`.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from analyzers.facts.outline import Assign, Call, Member, Name, Node
from analyzers.model.inference import arguments, calls, flow
from analyzers.model.inference.readers import resources, shapes
from analyzers.model.inference.rows import origins
from analyzers.model.inference.types import Instance, Keyed, Listed, Mapped, Row, Rows, Tupled, Value
from analyzers.model.naming.code import Codebase
from analyzers.model.naming.definitions import ClassDefinition, FunctionDefinition

if TYPE_CHECKING:
    from analyzers.model.inference.frames import Frame
    from analyzers.model.inference.summaries import Inference

_CONSTRUCTORS = ("__init__", "__construct")
_MAX_HANDED_ON = 4  # constructors that hand on to one another


def made(inference: Inference, instance: Instance, node: Node, frame: Frame) -> Value:
    """An object that was just made, or the rows that it stands for. Its constructor runs with the rows it was given."""
    stands_for = origins.rows_of_class(inference, instance.definition)
    if stands_for is not None:
        return stands_for
    given = (*instance.args, *(value for _, value in instance.keywords))
    constructor = constructor_of(inference.code, instance.definition)
    if constructor is not None and any(map(_holds_rows, given)):
        inference.call(constructor, instance, instance.args, dict(instance.keywords), frame, node)
    handed_on = calls.handed_on_by_class(inference, instance)
    if handed_on is not None:
        return handed_on
    shapes.constructed(inference, instance, node, frame)
    return resources.made(inference, instance, node, frame)


def constructor_of(code: Codebase, definition: ClassDefinition) -> FunctionDefinition | None:
    """The constructor that objects of a class have."""
    return next(filter(None, (code.method(definition, name) for name in _CONSTRUCTORS)), None)


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
        way: tuple[Call, ...] = ()
        while method is not None and len(way) < _MAX_HANDED_ON:
            for statement in method.node.body:
                if isinstance(statement, Assign) and isinstance(statement.target, Member) and statement.target.name == name:
                    key = ("constructor", id(statement), holder, tuple(map(id, way)))
                    return inference.remembered(key, partial(_constructed, inference, holder, method, way, statement))
            call = _handed_on(method)
            if call is None or method.owner is None:
                break
            way = (*way, call)
            method = inference.code.method(holder.definition, constructor, after=method.owner)
    return _given(inference, holder, name)


def _given(inference: Inference, holder: Instance, name: str) -> Value:
    """What an object of a class without a constructor was given for one of the attributes that the class declares."""
    if any(inference.code.method(holder.definition, constructor) is not None for constructor in _CONSTRUCTORS):
        return None
    declared = [n for n, assign in holder.definition.attributes.items() if assign.annotation is not None]
    if name in declared[: len(holder.args)]:
        return holder.args[declared.index(name)]
    return dict(holder.keywords).get(name) if name in declared else None


def _handed_on(method: FunctionDefinition) -> Call | None:
    """The call by which a constructor hands on to the next: `super().__init__(…)`, `parent::__construct(…)`."""
    for statement in method.node.body:
        match statement:
            case Call(callee=Member(of=Call(callee=Name(id="super")) | Name(id="parent"), name=name)) if name in _CONSTRUCTORS:
                return statement
    return None


def _constructed(
    inference: Inference, holder: Instance, method: FunctionDefinition, calls: tuple[Call, ...], statement: Assign
) -> Value:
    frame = _bound(inference, holder, method, calls)
    return flow.evaluate(inference, statement.value, frame) if statement.value is not None else None


def _bound(inference: Inference, holder: Instance, method: FunctionDefinition, calls: tuple[Call, ...]) -> Frame:
    """The frame of a constructor, reached by these calls from the one that the object's class has."""
    frame = _frame(inference, method)
    if method.node.receiver:
        frame.env[method.node.receiver] = holder
    key = ("arguments", id(method.node), holder, tuple(map(id, calls)))
    given = inference.remembered(key, partial(_arguments, inference, holder, method, calls))
    if isinstance(given, Mapped):
        frame.env.update(given.items)
    return frame


def _arguments(inference: Inference, holder: Instance, method: FunctionDefinition, calls: tuple[Call, ...]) -> Value:
    """What the parameters of a constructor hold: bound once, as each of its assignments is looked at by itself."""
    args, keywords = holder.args, dict(holder.keywords)
    if calls:
        args, keywords = _handed(inference, holder, method, calls)
    frame = _frame(inference, method)
    inference.bind_arguments(method.node, args, keywords, frame)
    return Mapped(tuple(frame.env.items()))


def _handed(
    inference: Inference, holder: Instance, method: FunctionDefinition, calls: tuple[Call, ...]
) -> tuple[tuple[Value, ...], dict[str, Value]]:
    """What the last of these calls hands over, from the constructor in which it stands."""
    name = method.node.name
    caller = inference.code.method(holder.definition, name)
    for _ in calls[1:]:
        caller = inference.code.method(holder.definition, name, after=caller.owner) if caller is not None else None
    if caller is None:
        return (), {}
    return arguments.handed_over(inference, calls[-1], _bound(inference, holder, caller, calls[:-1]))


def _frame(inference: Inference, method: FunctionDefinition) -> Frame:
    frame = inference.frame(method.path, None)
    frame.owner, frame.function = method.owner, method.qualified
    return frame
