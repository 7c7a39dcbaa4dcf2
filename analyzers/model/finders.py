"""Methods that a library answers to without having them: `findByStatus`, `countByCustomer`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from analyzers.knowledge import Library
from analyzers.model.types import Literal, Mapped, Value

if TYPE_CHECKING:
    from analyzers.model.models import Model


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
