"""Functions and filters that the project gives its templates, called by them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from analyzers.facts.outline import Call
from analyzers.model.inference.types import Closure, Value

if TYPE_CHECKING:
    from analyzers.model.inference.frames import Frame
    from analyzers.model.inference.summaries import Inference


def called(
    inference: Inference, node: Call, name: str, values: list[Value], keywords: dict[str, Value], frame: Frame
) -> tuple[bool, Value]:
    """What the project's own function or filter gives a template, and whether there is one of that name."""
    if frame.language != "twig" or isinstance(frame.env.get(name), Closure):
        return False, None
    found = inference.code.wiring.callable(name)
    if found is None:
        return False, None
    receiver = inference.receiver_of(found.owner)
    given = (*(None,) * found.skips, *values)
    if found.function is not None:
        inference.code.touch(found.path, found.function)
        return True, inference.call_closure(Closure(found.path, found.function, {"$this": receiver}), given, {}, frame, node)
    method = inference.code.method(found.owner, found.method)
    return True, inference.call(method, receiver, given, keywords, frame, node) if method is not None else None
