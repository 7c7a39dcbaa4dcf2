"""Macros: parts of templates that are called by a name, in the template that states them and in those that import them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from analyzers.facts.outline import Call, Function, Name, Node
from analyzers.model.inference import flow
from analyzers.model.inference.types import Closure, Literal, Mapped, Value

if TYPE_CHECKING:
    from analyzers.model.inference.frames import Frame
    from analyzers.model.inference.summaries import Inference


def is_macro(node: Node) -> bool:
    return isinstance(node, Function) and any(isinstance(d, Name) and d.id == "macro" for d in node.decorators)


def define(node: Function, frame: Frame) -> None:
    """A macro is a value of its template, walked where it is called."""
    frame.env[node.name] = Closure(frame.path, node, frame.env)


def own(inference: Inference, frame: Frame) -> Value:
    """`_self`: the macros of the template itself."""
    return _macros_of(inference, frame.path, frame)


def imported(inference: Inference, node: Call, frame: Frame) -> Value:
    """The macros of the template that `import` names: of this one, for `_self`."""
    if any(isinstance(a, Name) and a.id == "_self" for a in node.args):
        return _macros_of(inference, frame.path, frame)
    name = flow.evaluate(inference, node.args[0], frame) if node.args else None
    if not (isinstance(name, Literal) and isinstance(name.value, str)):
        return None
    path = inference.code.template(asset(name.value), frame.path)
    return _macros_of(inference, path, frame) if path is not None else None


def _macros_of(inference: Inference, path: str, frame: Frame) -> Value:
    inference.trace.touched.add(path)
    inner = inference.frame(path, frame)
    for statement in inference.code.files[path].outline:
        if isinstance(statement, Function) and is_macro(statement):
            define(statement, inner)
    return Mapped(tuple(inner.env.items()))


def asset(name: str) -> str:
    """`shop:templates/orders.html` is `orders.html`, of whichever package."""
    package, found, path = name.partition(":")
    return path.removeprefix("templates/") if found and package and path.startswith("templates/") else name
