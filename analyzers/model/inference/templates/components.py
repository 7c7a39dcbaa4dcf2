"""What templates call by name beside the project's functions and macros: components, and filters that apply a function."""

from __future__ import annotations

from typing import TYPE_CHECKING

from analyzers.facts.outline import Call, Node
from analyzers.knowledge import libraries
from analyzers.model.inference import containers, flow
from analyzers.model.inference.templates import templates
from analyzers.model.inference.types import Closure, Instance, Listed, Literal, Mapped, Rows, Value

if TYPE_CHECKING:
    from analyzers.model.inference.frames import Frame
    from analyzers.model.inference.summaries import Inference


# -- filters that apply a function -------------------------------------------------------------------------------------


def applied(inference: Inference, node: Call, name: str, values: list[Value], frame: Frame) -> Value:
    """`posts|map(p => p.author.name)`: the function is called with each item."""
    function = next((v for v in values[1:] if isinstance(v, Closure)), None)
    over = values[0] if values else None
    if function is None or over is None:
        return None
    item = flow.iterate(inference, over, frame.site(node), node, frame)
    result = containers.invoke(inference, function, (None, item) if name == "reduce" else (item,), node, frame)
    match name:
        case "map":
            return Listed(result)
        case "find":
            return flow.only(item)
        case "reduce" | "has some" | "has every":
            return result
    return over if isinstance(over, Rows | Listed) else None


# -- components --------------------------------------------------------------------------------------------------------


def component(inference: Inference, name: str, values: list[Value], node: Node, frame: Frame) -> bool:
    """`component('price', {order: order})`: the template of that component, with what its object is given."""
    words = next((x.components for x in libraries() if x.components is not None and x.components.function == name), None)
    if words is None or not values or not isinstance(values[0], Literal) or not isinstance(values[0].value, str):
        return False
    called = values[0].value
    given = values[1].items if len(values) > 1 and isinstance(values[1], Mapped) else ()
    template = f"{words.folder}/{called.replace(':', '/')}{words.suffix}"
    known = tuple(given)
    found = inference.code.wiring.component(called)
    if found is not None:
        definition, stated = found
        template = stated or template
        known = (*given, ("this", Instance(definition, given=given)))
    templates.show(inference, template, Mapped(known), frame, node)
    return True
