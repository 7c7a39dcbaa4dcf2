"""What the Python programs beside the projects share: which twins there are, how big the data are, what is printed.

A twin is a function or class that `bad` and `good` both define, and that says in `bad`, by its docstring, what happens. If it
takes a `user_id`, it is called once for each user, as a page is that each of them opens; anything else takes what the library
works with (a request, a session) and is called once.
"""

from __future__ import annotations

import hashlib
import inspect
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

LINES = 5  # of each order, as in the examples of the growth laws
SEED = Path(__file__).with_name("n_plus_one") / "seed.sql"


@dataclass(frozen=True)
class Size:
    """How many users there are, and how many orders each of them has. Written `5x10`."""

    users: int
    orders: int

    @staticmethod
    def parse(word: str) -> Size:
        users, _, orders = word.partition("x")
        return Size(int(users), int(orders))

    def seed(self) -> Iterator[str]:
        """The statements that fill the tables."""
        text = SEED.read_text(encoding="utf-8")
        for name, number in {"users": self.users, "orders": self.orders, "lines": LINES}.items():
            text = text.replace(f"{{{name}}}", str(number))
        return (statement for statement in text.split(";") if statement.strip())


@dataclass(frozen=True)
class Twin:
    """Two pieces of code that do the same. `calls` says with which users it is called, `None` for none."""

    name: str
    bad: Any
    good: Any

    def calls(self, size: Size) -> list[int | None]:
        if not inspect.isclass(self.bad) and "user_id" in inspect.signature(self.bad).parameters:
            return list(range(1, size.users + 1))
        return [None] if size.users == 1 else []


def twins(bad: ModuleType, good: ModuleType) -> list[Twin]:
    """In the order in which `bad` defines them."""
    own = {name: value for name, value in vars(bad).items() if getattr(value, "__module__", "") == bad.__name__}
    return [Twin(name, value, getattr(good, name)) for name, value in own.items() if value.__doc__]


def report(twin: Twin, kind: str, size: Size, queries: int, answer: object) -> None:
    """Prints one measurement, as `measure.py` reads it."""
    lines, first = inspect.getsourcelines(twin.bad)
    measurement = {
        "twin": twin.name,
        "title": inspect.getdoc(twin.bad),
        "lines": [first, first + len(lines) - 1],
        "kind": kind,
        "users": size.users,
        "orders": size.orders,
        "queries": queries,
        "answer": hashlib.sha256(repr(answer).encode()).hexdigest()[:16],
    }
    print(json.dumps(measurement))


def measure(
    modules: tuple[ModuleType, ModuleType],
    words: list[str],
    fill: Callable[[Size], None],
    run: Callable[[Any, list[int | None]], tuple[int, object]],
) -> None:
    """Runs every twin on every size. `run` makes the calls of one, gives queries and answer, and undoes them."""
    for size in map(Size.parse, words):
        fill(size)
        for twin in twins(*modules):
            if calls := twin.calls(size):
                for kind, code in (("bad", twin.bad), ("good", twin.good)):
                    report(twin, kind, size, *run(code, calls))
