"""Forms made by the dozen, one for each row: what code and templates read of each form's row is read once per row."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from analyzers.facts.outline import Node
from analyzers.knowledge import Library, libraries, named
from analyzers.knowledge.forms import Forms
from analyzers.model.inference.rows import managers, origins, queries
from analyzers.model.inference.types import Declared, LibraryValue, Listed, Mapped, ModelClass, Partial, Rows, Value

if TYPE_CHECKING:
    from analyzers.model.inference.frames import Frame
    from analyzers.model.inference.summaries import Inference

_FORMSET = "forms of rows"


def factory(library: Library, words: Forms, name: str, args: tuple[Value, ...], keywords: dict[str, Value]) -> Partial | None:
    """The class that `inlineformset_factory(Order, Line)` makes, as far as it has no code of its own."""
    found = named(library, name, words.factories)
    position = words.factories[found] if found is not None else len(args)
    if position >= len(args) or words.factory_class in keywords:
        return None
    model = args[position]
    return Partial(LibraryValue(_FORMSET), (model, args[0])) if isinstance(model, ModelClass) else None


def formset(
    inference: Inference, made: LibraryValue, args: tuple[Value, ...], keywords: dict[str, Value], node: Node, frame: Frame
) -> Value:
    """The forms of such a class, each with its row."""
    model = inference.model(args[0].model) if made.name == _FORMSET and args and isinstance(args[0], ModelClass) else None
    words = next((library.forms for library in libraries() if library is model.library), None) if model is not None else None
    if model is None or words is None:
        return None
    rows: Value = keywords.get(words.rows_argument)
    if words.rows_argument not in keywords:
        site = frame.site(node)
        advice = Declared(advice=words.factory_advice.replace("{model}", model.name))
        kind = origins.manager_kind(inference, model.qualified)
        rows = managers.begun(inference, Rows(model.qualified, site, root=site, kind=kind, declared=advice))
    if not isinstance(rows, Rows):
        return None
    of = args[1].model if isinstance(args[1], ModelClass) and args[1] != args[0] else ""
    owner = frozenset(f"{r.name}.*" for r in model.relations.values() if not r.many and r.target == of)
    rows = msgspec.structs.replace(rows, eager=rows.eager | owner)
    return Listed(Mapped(((words.row, queries.one_of(inference, rows, frame.site(node), node, frame)),)))
