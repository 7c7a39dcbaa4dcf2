"""Methods by another name: `findByStatus`, which no class has, and `getName`, which a template calls `name`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from analyzers.knowledge import Library
from analyzers.model.inference.types import Literal, Mapped, Value
from analyzers.model.naming.definitions import ClassDefinition, FunctionDefinition

if TYPE_CHECKING:
    from analyzers.model.inference.summaries import Inference
    from analyzers.model.tables.models import Model


def finder(library: Library, model: Model | None, name: str) -> tuple[str, str] | None:
    """The method that `name` means, and the attribute that it searches by."""
    if library.rows is None or model is None:
        return None
    for prefix, method in library.rows.finders.items():
        rest = name.removeprefix(prefix)
        attribute = rest[:1].lower() + rest[1:]
        if rest != name and rest[:1].isupper() and (attribute in model.columns or attribute in model.relations):
            return method, attribute
    return None


def criteria(attribute: str, args: list[Value]) -> list[Value]:
    """The arguments of the method that is meant: what is searched for, by name."""
    return [Mapped(((attribute, args[0] if args else Literal(None)),)), *args[1:]]


def getter(inference: Inference, definition: ClassDefinition, name: str) -> FunctionDefinition | None:
    """The method that a template means by the name of an attribute."""
    found = (inference.code.method(definition, f"{prefix}{name[:1].upper()}{name[1:]}") for prefix in ("get", "is", "has"))
    return next((method for method in found if method is not None), None)
