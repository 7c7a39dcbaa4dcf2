"""The vocabulary of routes."""

from __future__ import annotations

from typing import Literal

import msgspec

from analyzers.source import Place

Kind = Literal["integer", "slug", "uuid", "path", "text"]


class Parameter(msgspec.Struct, frozen=True):
    """A part of an address that differs from request to request."""

    name: str
    kind: Kind = "text"


class Route(msgspec.Struct, frozen=True):
    """An address that the application answers.

    `path` has its parameters in braces, whatever the framework writes: `/books/{id}/`. `methods` are upper case; none where
    all are answered, or nothing says which. `handler` is the qualified name of the function or class that answers, and `action`
    the method of the class, where that is one.
    """

    path: str
    methods: tuple[str, ...]
    place: Place
    handler: str = ""
    action: str = ""
    parameters: tuple[Parameter, ...] = ()
    complete: bool = True  # nothing stands before the path that is not known
    framework: str = ""

    @property
    def safe(self) -> bool:
        """Whether it is asked with a method that changes nothing."""
        return "GET" in self.methods
