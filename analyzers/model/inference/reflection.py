"""Classes that code names at run time: by a text, by the class of an object, or not at all."""

from __future__ import annotations

from typing import TYPE_CHECKING

from analyzers.facts.outline import Call, Class, Name, Node
from analyzers.knowledge import Library, libraries
from analyzers.knowledge.derived import derived
from analyzers.model.inference import flow
from analyzers.model.inference.types import ClassValue, Instance, Literal, ModelClass, Row, Value
from analyzers.model.naming.definitions import PHP_SEPARATOR

if TYPE_CHECKING:
    from analyzers.model.inference.frames import Frame
    from analyzers.model.inference.summaries import Inference

_existence = derived(lambda: frozenset(name for x in libraries() for name, asks in x.reflection.items() if asks == "exists"))


def anonymous(inference: Inference, node: Class, frame: Frame) -> Value:
    """A class that is made where it is used, of which nothing else has the name."""
    if node.name or frame.owner is None:
        return None
    return inference.of_class(inference.code.local_class(frame.owner, node))


def called(inference: Inference, callee: Value, frame: Frame) -> Value:
    """What is called: `new $class()` makes an object of the class that a text names."""
    if frame.language != "php" or not isinstance(callee, Literal) or not isinstance(callee.value, str):
        return callee
    found = inference.code.php_class(callee.value)
    return inference.of_class(found) if found is not None else None


def given(inference: Inference, library: Library, name: str, args: tuple[Value, ...]) -> Value:
    """What a function says of a class, as far as that is known."""
    match library.reflection[name], args:
        case "class", (Instance(definition=definition), *_):
            return Literal(definition.qualified)
        case "class", (Row(model=model), *_):
            return Literal(model)
        case "replace", (Literal(value=str() as old), Literal(value=str() as new), subject):
            text = _name(subject)
            return Literal(text.replace(old, new)) if text else None
        case "last", (subject, *_):
            text = _name(subject)
            return Literal(text.rpartition(PHP_SEPARATOR)[2]) if text else None
        case "exists", (subject, *_):
            text = _name(subject)
            return Literal(True) if text and inference.code.php_class(text) is not None else None
    return None


def _name(value: Value) -> str:
    match value:
        case Literal(value=str() as text):
            return text
        case ModelClass(model=name):
            return name
        case ClassValue(definition=definition):
            return definition.qualified
    return ""


def exists(inference: Inference, test: Node, frame: Frame) -> bool | None:
    """Whether a test finds a class by its name: one of the project's own space that is not there does not exist."""
    match test:
        case Call(callee=Name(id=asked), args=(subject, *_)) if asked in _existence():
            text = _name(flow.evaluate(inference, subject, frame))
            if inference.code.php_class(text) is not None:
                return True
            return False if text and frame.owner is not None and _is_near(text, frame.owner.qualified) else None
    return None


def _is_near(name: str, other: str) -> bool:
    """Whether two full names begin with the same space."""
    space, separator, _ = name.partition(PHP_SEPARATOR)
    return bool(separator) and other.startswith(space + separator)
