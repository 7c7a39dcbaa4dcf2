"""What the test of a branch says of how often its block happens."""

from __future__ import annotations

from typing import TYPE_CHECKING

from analyzers.facts.outline import Member, Name, Node, Other, walk
from analyzers.knowledge import libraries
from analyzers.model.types import LibraryValue, Literal, Row, Site

if TYPE_CHECKING:
    from analyzers.model.frames import Frame
    from analyzers.model.summaries import Inference


def dead_part(test: Node, frame: Frame) -> int | None:
    """Which of `then` (0) and `else` (1) a call cannot take, because it left a switch at its literal default."""
    negated = isinstance(test, Other) and test.word == "not" and len(test.children) == 1
    name = test.children[0] if negated and isinstance(test, Other) else test
    if not isinstance(name, Name) or name.id not in frame.defaults or name.id not in frame.env:
        return None
    value = frame.env[name.id]
    if not isinstance(value, Literal):
        return None
    return 1 if bool(value.value) != negated else 0


def picked_by(inference: Inference, test: Node, frame: Frame) -> list[Site]:
    """The loops of whose rows the test picks one, by its key: `if order.pk == wanted`."""
    out = []
    for node in walk(test):
        if not (isinstance(node, Other) and node.word in ("==", "===", "is") and len(node.children) == 2):
            continue
        for side in node.children:
            row = frame.env.get(side.of.id) if isinstance(side, Member) and isinstance(side.of, Name) else None
            model = inference.model(row.model) if isinstance(row, Row) else None
            if isinstance(row, Row) and row.loop is not None and model is not None and side.name in model.keys:  # type: ignore[union-attr]
                out.append(row.loop)
    return out


_CACHES = frozenset(name for library in libraries() for name in library.caches)


def is_cache(name: str) -> bool:
    """Whether a library's function answers from a cache."""
    return name in _CACHES


def asks_cache(test: Node, frame: Frame) -> bool:
    """Whether a test looks at what a cache answered: what follows happens once for each key, not for each row."""
    held = (frame.env.get(node.id) for node in walk(test) if isinstance(node, Name))
    return any(isinstance(value, LibraryValue) and value.name in _CACHES for value in held)


def asks_what_is_known(test: Node) -> bool:
    """`if key not in cache:` — what follows happens once for each key, not for each row."""
    return any(isinstance(n, Other) and n.word in ("in", "not in", "isset", "??") for n in walk(test))
