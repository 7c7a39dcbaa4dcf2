"""What a call hands over: its arguments by position and by name, with what is spread among them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from analyzers.facts.outline import Call, Member, Name, Node, Other, Text
from analyzers.model.inference import flow
from analyzers.model.inference.types import Literal, Mapped, Tupled, Value
from analyzers.model.naming.definitions import ClassDefinition

if TYPE_CHECKING:
    from analyzers.model.inference.frames import Frame
    from analyzers.model.inference.summaries import Inference


def handed_over(inference: Inference, node: Call, frame: Frame) -> tuple[tuple[Value, ...], dict[str, Value]]:
    """The arguments as the function that is called gets them."""
    args = tuple(flow.evaluate(inference, a, frame) for a in node.args)
    return spread(node, args), by_name(inference, node, frame)


def left_out(inference: Inference, default: Node, name: str, frame: Frame) -> Value:
    """What a parameter holds that a call gives nothing: a literal, or a class of the project."""
    match default:
        case Text(value=value):
            frame.defaults.add(name)
            return Literal(value)
        case Name() | Member():
            found = inference.code.resolve_node(frame.path, default)
            return inference.of_class(found) if isinstance(found, ClassDefinition) else None
    return None


def by_name(inference: Inference, node: Call, frame: Frame) -> dict[str, Value]:
    """The arguments that are named, also those that a mapping names: `**options`."""
    keywords = {k.name: flow.evaluate(inference, k.value, frame) for k in node.keywords}
    more = keywords.get("**")
    return dict(more.items) | keywords if isinstance(more, Mapped) else keywords


def spread(node: Call, args: tuple[Value, ...]) -> tuple[Value, ...]:
    """The arguments by position, with the items of a tuple that is spread among them."""
    out: list[Value] = []
    for part, value in zip(node.args, args, strict=True):
        out.extend(value.items if isinstance(part, Other) and part.word == "spread" and isinstance(value, Tupled) else (value,))
    return tuple(out)
