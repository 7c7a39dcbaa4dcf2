"""Methods that a class inherits, walked as its own where what they use is another thing in it.

`for device in self.queryset` in a base class says nothing; in a subclass that states its `queryset`, it does. So does a method
that a base class calls and each subclass writes, and what a mixin takes from the class it is mixed into.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING

import msgspec

from analyzers.facts.outline import Assign, Call, Function, Loop, Member, Name, Node, Other, Return, walk
from analyzers.model.inference.types import ModelClass, Rows, Value
from analyzers.model.naming.definitions import ClassDefinition, FunctionDefinition

if TYPE_CHECKING:
    from analyzers.model.inference.frames import Frame
    from analyzers.model.inference.summaries import Inference


def walk_inherited(inference: Inference, definition: ClassDefinition) -> None:
    """Walks with an object of this class every method that it inherits and whose loops walk something else here than in any
    base."""
    bases = [b for b in inference.code.bases(definition) if isinstance(b, ClassDefinition)]
    for method in _inherited(inference, definition) if bases else ():
        walked, _ = _held(inference, method.node)
        names = _behind(inference, definition, walked) if walked else ()
        if names and all(_differs(inference, definition, base, method, names) for base in bases):
            inference.walks_templates = False  # templates are walked with what the method itself hands them, once
            try:
                inference.root(method, definition)
            finally:
                inference.walks_templates = True


def lent(inference: Inference, value: Value, owner: ClassDefinition, frame: Frame) -> Value:
    """Rows that a class states, as a method has them that it inherits and that knows nothing of them."""
    if isinstance(value, Rows) and frame.owner is not None and owner not in inference.code.lineage(frame.owner):
        return msgspec.structs.replace(value, lent=True)
    return value


def _inherited(inference: Inference, definition: ClassDefinition) -> Iterator[FunctionDefinition]:
    """The methods it has from its bases, as an object finds them."""
    seen = set(definition.methods)
    for base in inference.code.lineage(definition)[1:]:
        if isinstance(base, ClassDefinition):
            yield from (method for name, method in base.methods.items() if name not in seen)
            seen.update(base.methods)


def _held(inference: Inference, function: Function) -> tuple[frozenset[str], frozenset[str]]:
    """The members of its object that a method's loops walk, and those that it returns: directly or by the name of a local."""
    known = inference.held.get(id(function))
    if known is None:
        known = inference.held[id(function)] = _holds(function)
    return known


def _holds(function: Function) -> tuple[frozenset[str], frozenset[str]]:
    held: dict[str, frozenset[str]] = {}
    walked: frozenset[str] = frozenset()
    returned: frozenset[str] = frozenset()
    for node in (node for statement in function.body for node in walk(statement)):
        match node:
            case Assign(target=Name(id=name), value=value) if value is not None:
                held[name] = held.get(name, frozenset()) | _begins_with(value, function.receiver, held)
            case Loop(over=over) if over is not None:
                walked |= _begins_with(over, function.receiver, held)
            case Return(value=value) if value is not None:
                returned |= _begins_with(value, function.receiver, held)
    return walked, returned


def _begins_with(node: Node, receiver: str, held: Mapping[str, frozenset[str]]) -> frozenset[str]:
    """The members of the object that an expression is made from: `queryset` of `list(self.queryset.filter(pk__in=keys))`."""
    match node:
        case Member(of=Name(id=holder), name=name) if holder == receiver:
            return frozenset({name})
        case Member(of=inner) | Call(callee=Member() as inner):
            return _begins_with(inner, receiver, held)
        case Name(id=local):
            return held.get(local, frozenset())
        case Call(args=parts):
            return frozenset().union(*(_begins_with(part, receiver, held) for part in parts))
        case Other(word="item", children=(first, *_)):
            return _begins_with(first, receiver, held)
        case Other(children=parts):
            return frozenset().union(*(_begins_with(part, receiver, held) for part in parts))
    return frozenset()


def _behind(inference: Inference, definition: ClassDefinition, names: frozenset[str]) -> frozenset[str]:
    """The names, and what the methods among them return."""
    seen, open_ = set(names), list(names)
    while open_:
        method = inference.code.method(definition, open_.pop())
        more = _held(inference, method.node)[1] - seen if method is not None else frozenset()
        seen |= more
        open_.extend(more)
    return frozenset(seen)


def _differs(
    inference: Inference, definition: ClassDefinition, base: ClassDefinition, method: FunctionDefinition, names: Iterable[str]
) -> bool:
    """Whether the base lacks the method, or one of the names is another method or other rows in the base."""
    code = inference.code
    if code.method(base, method.node.name) is not method:
        return True
    if any(code.method(definition, name) is not code.method(base, name) for name in names):
        return True
    return any(_states_others(inference, definition, base, name) for name in names)


def _states_others(inference: Inference, definition: ClassDefinition, base: ClassDefinition, name: str) -> bool:
    """Whether the class states rows, or a model, under a name that means something else in the base."""
    stated = inference.code.attribute(definition, name)
    if stated is None or stated == inference.code.attribute(base, name):
        return False
    return isinstance(inference.constant(stated[0].path, stated[1], stated[0]), Rows | ModelClass)
