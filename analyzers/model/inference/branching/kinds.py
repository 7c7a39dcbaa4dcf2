"""What a test of a value's class is sure to say: `$content instanceof Entry`, `isinstance(content, Entry)`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from analyzers.facts.outline import Call, Member, Name, Node, Other
from analyzers.model.inference import flow, reflection
from analyzers.model.inference.types import ClassValue, ModelClass, Row
from analyzers.model.naming.definitions import ClassDefinition

if TYPE_CHECKING:
    from analyzers.model.inference.frames import Frame
    from analyzers.model.inference.summaries import Inference


def is_kind(inference: Inference, test: Node, frame: Frame) -> bool | None:
    """Whether a test of a row's class holds; None where that cannot be told, or it is another test."""
    match test:
        case Other(word="instanceof", children=(Name(id=name), kind)):
            return _is_a(inference, frame, name, (kind,))
        case Call(callee=Name(id="is_a" | "\\is_a"), args=(Name(id=name), Member(of=kind, name="class"), *_)):
            return _is_a(inference, frame, name, (kind,))
        case Call(callee=Name(id="isinstance"), args=(Name(id=name), Other(word="tuple", children=several))):
            return _is_a(inference, frame, name, several)
        case Call(callee=Name(id="isinstance"), args=(Name(id=name), kind)):
            return _is_a(inference, frame, name, (kind,))
    return reflection.exists(inference, test, frame)


def narrow(inference: Inference, test: Node, frame: Frame) -> None:
    """Where a test of its class holds, a name of which nothing was known is an object of that class."""
    match test:
        case Other(word="and", children=parts):
            for part in parts:
                narrow(inference, part, frame)
        case (
            Other(word="instanceof", children=(Name(id=name), kind))
            | Call(callee=Name(id="isinstance"), args=(Name(id=name), kind))
            | Other(word="is" | "==", children=(Call(callee=Name(id="type"), args=(Name(id=name),)), kind))
        ) if name in frame.env and frame.env[name] is None:
            found = flow.evaluate(inference, kind, frame)
            match found:
                case ModelClass(model=model):
                    frame.env[name] = Row(model)
                case ClassValue(definition=definition):
                    frame.env[name] = inference.receiver_of(definition)


def _is_a(inference: Inference, frame: Frame, name: str, kinds: tuple[Node, ...]) -> bool | None:
    """Whether the row of that name is of one of the classes. Only a row of a loop is sure to be there."""
    row = frame.env.get(name)
    model = inference.model(row.model) if isinstance(row, Row) else None
    if model is None or not isinstance(row, Row):
        return None
    said = [_inherits(inference, model.definition, inference.code.resolve_node(frame.path, kind)) for kind in kinds]
    if True in said:
        return True if row.loop is not None else None
    return None if None in said else False


def _inherits(inference: Inference, own: ClassDefinition, other: object) -> bool | None:
    """Whether an object of `own`, or of a class that inherits from it, is an `other`."""
    if not isinstance(other, ClassDefinition):
        return None
    if other in inference.code.lineage(own):
        return True
    unrelated = inference.is_model(other) and own not in inference.code.lineage(other)
    return False if unrelated else None
