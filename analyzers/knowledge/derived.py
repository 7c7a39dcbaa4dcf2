"""What follows from the libraries that are known, computed once for each set of them.

Everybody's libraries are known in every review. What a repository says of its own is known while it is reviewed, and in that
context alone (`additions`): so whatever is made of the libraries is no constant of a module but a function of the set that
counts, kept as long as the set is of use.

    _SESSIONS = frozenset(… for x in libraries() …)             of the libraries that were known at the import: never again
    _sessions = derived(lambda: frozenset(… libraries() …))     `_sessions()`: of those that are known now
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import lru_cache, wraps
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar

import msgspec

if TYPE_CHECKING:
    from analyzers.knowledge.own import OwnLibrary

T = TypeVar("T")
P = ParamSpec("P")

SETS_KEPT = 4
"""A process of a worker does one review; others rarely have more than two repositories at hand."""


_additions: ContextVar[tuple[OwnLibrary, ...]] = ContextVar("additions", default=())
_digest: ContextVar[str] = ContextVar("digest", default="")
_known = _digest.get  # asked some hundred thousand times a review


def additions() -> tuple[OwnLibrary, ...]:
    """What is known now besides everybody's libraries."""
    return _additions.get()


def digest() -> str:
    """Of what is known now besides everybody's libraries; empty where that is nothing."""
    return _digest.get()


@contextmanager
def known_besides(said: tuple[OwnLibrary, ...]) -> Iterator[None]:
    """Within, this is known too, and nothing else besides everybody's libraries."""
    digest = hashlib.sha256(msgspec.msgpack.encode(said)).hexdigest()[:16] if said else ""
    before, token = _additions.set(said), _digest.set(digest)
    try:
        yield
    finally:
        _digest.reset(token)
        _additions.reset(before)


def derived(make: Callable[[], T]) -> Callable[[], T]:
    """A function that gives what `make` makes of the libraries that are known, made once for each set of them."""
    made: dict[str, T] = {}

    @wraps(make)
    def now() -> T:
        try:
            return made[_known()]
        except KeyError:
            while len(made) >= SETS_KEPT:
                made.pop(next(iter(made)), None)
            return made.setdefault(_known(), make())

    return now


def per_libraries(maxsize: int | None) -> Callable[[Callable[P, T]], Callable[P, T]]:
    """`lru_cache` for functions whose answers depend on the libraries that are known."""

    def decorate(function: Callable[P, T]) -> Callable[P, T]:
        of: Callable[[str], Any] = lru_cache(SETS_KEPT)(lambda _: lru_cache(maxsize)(function))

        @wraps(function)
        def call(*args: P.args, **kwargs: P.kwargs) -> T:
            answer: T = of(_known())(*args, **kwargs)
            return answer

        return call

    return decorate
