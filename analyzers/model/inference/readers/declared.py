"""Attributes that a class names in text: a serializer's `source`, a column's `accessor`, a listing's `list_display`.

A library reads them of each row that it is given, calls what can be called, and shows what it gets. Whatever reads rows that
way walks `read_path` for each of its names, so that relations, properties and methods mean the same there as in code.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from analyzers.model.inference import flow, members
from analyzers.model.inference.types import Bound, Listed, Value

if TYPE_CHECKING:
    from analyzers.facts.outline import Node
    from analyzers.model.inference.frames import Frame
    from analyzers.model.inference.summaries import Inference


def read_path(inference: Inference, value: Value, names: Iterable[str], node: Node, frame: Frame) -> Value:
    """What `value.a.b` is for `names` a, b, with methods called; `node` is where the text stands that names them."""
    held, frame.template = frame.template, True  # as templates do: a method that is named is called
    try:
        for name in names:
            value = members.member(inference, value, name, node, frame)
            if isinstance(value, Bound):
                value = inference.call(value.definition, value.receiver, (), {}, frame, node)
            if value is None:
                return None
    finally:
        frame.template = held
    return value


def read_dotted(inference: Inference, value: Value, path: str, node: Node, frame: Frame) -> Value:
    """What `customer.name` is of `value`, or `lines.*.product.name`, where a star stands for each item."""
    names = path.split(".")
    if "*" not in names:
        return read_path(inference, value, names, node, frame)
    at = names.index("*")
    held = read_path(inference, value, names[:at], node, frame)
    item = flow.iterate(inference, held, frame.site(node), node, frame)
    return Listed(read_dotted(inference, item, ".".join(names[at + 1 :]), node, frame) if names[at + 1 :] else item)
