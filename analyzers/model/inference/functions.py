"""Functions of a library that stand for what a request brings, start a query of a table, or put out rows as data."""

from __future__ import annotations

from typing import TYPE_CHECKING

from analyzers.facts.outline import Call
from analyzers.knowledge import Library, named
from analyzers.model.inference import reflection
from analyzers.model.inference.rows import records, sent
from analyzers.model.inference.types import LibraryValue, Literal, ModelClass, Row, Rows, Value
from analyzers.model.tables.repositories import class_named

if TYPE_CHECKING:
    from analyzers.model.inference.frames import Frame
    from analyzers.model.inference.summaries import Inference


def given(
    inference: Inference, library: Library, name: str, node: Call, args: tuple[Value, ...], frame: Frame
) -> tuple[bool, Value]:
    """Whether the library's data knows the function, and then what it gives."""
    position = library.tables.get(name, library.outputs.get(name, len(args)))
    if position < len(args) and name in library.outputs:
        records.laid_out(inference, args[position], node, frame)
        return True, None
    if position < len(args):
        table, site = args[position], frame.site(node)
        label = str(table.value) if isinstance(table, Literal) else ""
        return True, Rows("", site, root=site, stage="open", label=label) if label else None
    position = library.starts.get(named(library, name, library.starts) or "", len(args))
    if position < len(args):
        return True, records.started(inference, args[position], node, frame)
    position = library.makers.get(name, len(args))
    if position < len(node.args):
        found = class_named(inference.code, frame.path, node.args[position])
        return True, inference.receiver_of(found) if found is not None else None
    if name in library.helpers:
        kind = library.helpers[name]
        return True, LibraryValue(kind, instance=True) if not args else sent.helped(kind)
    if name in library.reflection:
        return True, reflection.given(inference, library, name, args)
    if name in library.registry:
        return True, _registered(inference, args)
    return (True, user(inference)) if name in library.users else (False, None)


def _registered(inference: Inference, args: tuple[Value, ...]) -> Value:
    """The model that a registry gives for `"app.Model"`, or for `"app"` and `"Model"`."""
    words = [a.value for a in args if isinstance(a, Literal) and isinstance(a.value, str)]
    label = ".".join(words[:2]).lower()
    inference.trace.touched.add(f"label:{label}")
    model = inference.model(inference.models.labels.get(label, ""))
    if model is None and words:  # an application may have a label that is not its folder
        model = inference.model_called(words[-1].rpartition(".")[2])
    return ModelClass(model.qualified) if model is not None else None


def user(inference: Inference) -> Value:
    """The user of the request: one row, by the project's one class of users."""
    inference.trace.touched.add("users:")
    users = inference.models.users
    return Row(users[0], known=True) if len(users) == 1 else None
