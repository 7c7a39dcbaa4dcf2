"""Migrations that name those they build on, put in an order in which each comes after them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TypeVar

T = TypeVar("T", bound=str | tuple[str, str])


def in_order(parents: Mapping[T, Iterable[T]]) -> list[T]:
    """The keys, parents first, else by name. A circle is cut where it is entered; unknown parents are left out."""
    out: dict[T, None] = {}
    open_: set[T] = set()
    for root in sorted(parents):
        stack = [(root, False)]
        while stack:
            key, done = stack.pop()
            if done:
                out.setdefault(key)
            elif key not in out and key not in open_:
                open_.add(key)
                stack.append((key, True))
                stack += [(p, False) for p in sorted(set(parents[key]), reverse=True) if p in parents and p not in open_]
    return list(out)
