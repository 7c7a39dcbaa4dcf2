"""The keys below which something stands in YAML that cannot be parsed where it stands, by the columns of the lines above."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

import msgspec

_KEY = re.compile(r"(?P<key>\"[^\"]*\"|'[^']*'|[^\s:#\"'{\[&*!|>][^:#]*?)\s*:(?P<value>\s.*)?$")


class _Step(msgspec.Struct, frozen=True):
    """A key, or an item of a list, with the column at which it begins. `open`: nothing follows on its line."""

    column: int
    name: str
    item: bool = False
    open: bool = False


def keys_above(text: str, wanted: Sequence[tuple[int, int]], *, several: bool) -> list[str]:
    """For each place and its column, in order, the dotted keys above it; of `several` documents, with the number before."""
    found: list[str] = []
    steps: list[_Step] = []
    document, content, at = 0, False, 0
    places = iter(wanted)
    place = next(places, None)
    for line in text.split("\n"):
        while place is not None and place[0] <= at + len(line):
            number = [str(document)] if several else []
            found.append(".".join([*number, *(step.name for step in _below(steps, place[1]))]))
            place = next(places, None)
        at += len(line) + 1
        if line.startswith("---"):
            document += content
            content, steps = True, []
        elif line.strip() and not line.lstrip().startswith("#"):
            content = True
            _read(line, steps)
    return found


def _read(line: str, steps: list[_Step]) -> None:
    """One line: what it ends, and what it begins."""
    column = len(line) - len(line.lstrip())
    rest = line[column:]
    while rest == "-" or rest.startswith("- "):
        number = 0
        while steps and (steps[-1].column > column or (steps[-1].column == column and steps[-1].item)):
            last = steps.pop()
            if last.column == column:
                number = int(last.name) + 1
                break
        steps.append(_Step(column, str(number), item=True))
        inner = rest[1:].lstrip()
        column += len(rest) - len(inner)
        rest = inner
    while steps and steps[-1].column >= column:
        steps.pop()
    if key := _KEY.match(rest):
        steps.append(_Step(column, key["key"].strip("\"'"), open=not (key["value"] or "").strip()))


def _below(steps: list[_Step], column: int) -> Iterable[_Step]:
    """The steps above what begins at a column: a key at the same column only where a list may follow it."""
    above = list(steps)
    while above and (above[-1].column > column or (above[-1].column == column and not above[-1].open)):
        above.pop()
    return above
