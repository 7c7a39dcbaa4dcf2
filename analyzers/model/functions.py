"""Functions of a library that stand for what a request brings."""

from __future__ import annotations

from typing import TYPE_CHECKING

from analyzers.knowledge import Library
from analyzers.model.types import LibraryValue, Row, Value

if TYPE_CHECKING:
    from analyzers.model.summaries import Inference


def given(inference: Inference, library: Library, name: str, args: tuple[Value, ...]) -> tuple[bool, Value]:
    """Whether the library's data knows the function, and then what it gives."""
    if name in library.helpers:
        return True, LibraryValue(library.helpers[name], instance=True) if not args else None
    return (True, user(inference)) if name in library.users else (False, None)


def user(inference: Inference) -> Value:
    """The user of the request: one row, by the project's one class of users."""
    inference.trace.touched.add("users:")
    users = inference.models.users
    return Row(users[0], known=True) if len(users) == 1 else None
