"""What the class of a row states of an attribute that is neither column nor relation nor method: a constant, or a proxy that
names a relation and an attribute of its rows."""

from __future__ import annotations

from typing import TYPE_CHECKING

from analyzers.facts.outline import Assign, Call, Node, Text
from analyzers.knowledge import named
from analyzers.model.inference import members
from analyzers.model.inference.readers import declared
from analyzers.model.inference.types import Row, Value
from analyzers.model.naming.code import Codebase
from analyzers.model.naming.definitions import External
from analyzers.model.tables.models import Model

if TYPE_CHECKING:
    from analyzers.model.inference.frames import Frame
    from analyzers.model.inference.summaries import Inference


def stated(inference: Inference, row: Row, model: Model, name: str, node: Node, frame: Frame) -> Value:
    """The value of such an attribute of a row."""
    found = inference.code.attribute(model.definition, name)
    if found is None or name in model.columns:
        return members.taken(row)
    owner, assign = found
    path = _proxied(inference.code, owner.path, assign, model)
    if path:
        return declared.read_dotted(inference, row, path, node, frame)
    if model.library.rows is not None and model.library.rows.class_attributes and isinstance(assign.value, Call):
        return members.taken(row)
    return inference.constant(owner.path, assign, owner)


def _proxied(code: Codebase, path: str, assign: Assign, model: Model) -> str:
    """The path that a proxy reads of each row: `customer.name`, or `lines.*.product` through a collection."""
    call, words = assign.value, model.library.models
    if not isinstance(call, Call) or words is None or not words.proxies:
        return ""
    found = code.resolve_node(path, call.callee)
    at = next(
        (n for x, n in words.proxies.items() if isinstance(found, External) and named(model.library, found.name, (x,))), None
    )
    if at is None:
        return ""
    texts = [a.value for a in call.args[at : at + 2] if isinstance(a, Text) and isinstance(a.value, str)]
    relation = model.relations.get(texts[0]) if len(texts) == 2 else None
    if relation is None:
        return ""
    return f"{texts[0]}.*.{texts[1]}" if relation.many else f"{texts[0]}.{texts[1]}"
