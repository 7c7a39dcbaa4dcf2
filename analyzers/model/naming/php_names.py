"""How PHP finds what a name stands for: the full name of a class, and functions that any file may call."""

from __future__ import annotations

from collections.abc import Mapping

from analyzers.model.naming.definitions import PHP_SEPARATOR, FunctionDefinition
from analyzers.model.naming.roles import is_product


def full_name(name: str, namespace: str, imports: Mapping[str, str]) -> str:
    """What `name` is called in full in a file of that namespace with these imports."""
    if name.startswith(PHP_SEPARATOR):
        return name.lstrip(PHP_SEPARATOR)
    first, _, rest = name.partition(PHP_SEPARATOR)
    target = imports.get(first)
    if target is not None:
        return (f"{target}{PHP_SEPARATOR}{rest}" if rest else target).lstrip(PHP_SEPARATOR)
    return f"{namespace}{PHP_SEPARATOR}{name}" if namespace else name


def may_be_function(name: str) -> bool:
    """Whether a name is written as functions are; `Order` is a class, here or in a library."""
    last = name.rpartition(PHP_SEPARATOR)[2]
    return last[:1].islower() or last[:1] == "_"


class Functions:
    """The functions of a revision's PHP files by full name. One that several files define is none of them."""

    def __init__(self) -> None:
        self._by_name: dict[str, list[FunctionDefinition]] = {}

    def add(self, function: FunctionDefinition) -> None:
        if is_product(function.path):
            self._by_name.setdefault(function.qualified, []).append(function)

    def get(self, name: str) -> FunctionDefinition | None:
        found = self._by_name.get(name, ())
        return found[0] if len(found) == 1 else None

    def all(self, name: str) -> tuple[FunctionDefinition, ...]:
        """Those that decide what the name means."""
        return tuple(self._by_name.get(name, ()))
