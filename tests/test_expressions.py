"""Every regular expression of ours ends soon, whatever text it is given."""

from __future__ import annotations

import importlib
import pkgutil
import re
import signal
from collections.abc import Iterator
from types import FrameType
from typing import Any

import pytest

import analyzers
import bot

LONG = 500
SECONDS = 0.5
PIECES = (
    "a",
    " ",
    "\t",
    "\n",
    "0",
    "-",
    "_",
    ".",
    "/",
    "\\",
    "(",
    "[",
    "{",
    "<",
    '"',
    "'",
    "`",
    "*",
    "#",
    "=",
    ":",
    "@",
    "é",
    "\0",
    "{{",
    "${",
    "a.",
    "a ",
    "a,",
    "A_",
    "\n ",
    "<a ",
    "x=",
)
ENDS = ("", "\x01")


def expressions() -> Iterator[tuple[str, re.Pattern[Any]]]:
    """Those that modules of ours keep, by themselves or in collections, each once."""
    seen: set[re.Pattern[Any]] = set()
    for package in (analyzers, bot):
        for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            if module.name.endswith("__main__"):
                continue
            for name, value in vars(importlib.import_module(module.name)).items():
                for found in within(value):
                    if found not in seen:
                        seen.add(found)
                        yield f"{module.name}.{name}", found


def within(value: object, depth: int = 3) -> Iterator[re.Pattern[Any]]:
    owner = getattr(value, "__self__", None)  # `re.compile(…).search`
    if isinstance(value, re.Pattern):
        yield value
    elif isinstance(owner, re.Pattern):
        yield owner
    elif depth and isinstance(value, dict):
        for item in [*value, *value.values()]:
            yield from within(item, depth - 1)
    elif depth and isinstance(value, tuple | list | set | frozenset):
        for item in value:
            yield from within(item, depth - 1)


EXPRESSIONS = tuple(expressions())


def test_they_are_found() -> None:
    assert len(EXPRESSIONS) > 150


def late(_: int, __: FrameType | None) -> None:
    raise TimeoutError


@pytest.mark.parametrize(("name", "pattern"), EXPRESSIONS, ids=[f"{n}-{name}" for n, (name, _) in enumerate(EXPRESSIONS)])
def test_it_ends_soon(name: str, pattern: re.Pattern[Any]) -> None:
    words = set(re.findall(r"[A-Za-z_]{2,}|[^\w\s]", str(pattern.pattern)))
    before = signal.signal(signal.SIGPROF, late)
    try:
        for piece in (*PIECES, *sorted(words)[:6]):
            text = (piece * LONG)[:LONG]
            for end in ENDS:
                given = text + end
                signal.setitimer(signal.ITIMER_PROF, SECONDS)
                pattern.search(given.encode() if isinstance(pattern.pattern, bytes) else given)
                signal.setitimer(signal.ITIMER_PROF, 0)
    except TimeoutError:
        pytest.fail(f"{name} takes more than half a second for {piece!r} again and again, before {end!r}: {pattern.pattern}")
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)
