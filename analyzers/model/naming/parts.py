"""The parts of a revision's files, by what stands in them; and what was said of a place, once its part has moved.

A walk that looks at a definition depends on the part of the file that holds it, not on the rest. So keys of `Codebase.touched`
name parts (`part:shop/views.py\tOrderList`), whose digest does not change where they move; only the places said then do.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from typing import TypeVar

import msgspec

from analyzers.facts.store import FileFacts
from analyzers.findings import Edit, Fix
from analyzers.model.project import Slot
from analyzers.source import Place, Span

_Value = TypeVar("_Value")

Start = tuple[int, int]
"""Where a part starts: its line, and its byte."""


class _Parts(msgspec.Struct, frozen=True, gc=False):
    ends: tuple[int, ...]
    names: tuple[str, ...]
    digests: dict[str, str]


class Parts:
    """The parts of each file of a revision. A file that has none changes as a whole."""

    def __init__(self, files: Mapping[str, FileFacts], ids: Mapping[str, str]) -> None:
        self._files, self._ids = files, ids
        self._known: dict[str, _Parts] = {}

    def key(self, path: str, offset: int) -> str:
        """The key of the part that holds the byte `offset` of a file: the path itself where the file has no parts."""
        parts = self._of(path)
        return f"part:{path}\t{_name_at(parts, offset)}" if parts.ends else path

    def digest(self, path: str, name: str) -> str:
        """What the part says, wherever it stands; empty where there is none."""
        return self._of(path).digests.get(name, "")

    def digest_of(self, key: str) -> str:
        """What the part of a key says."""
        path, _, name = key.removeprefix("part:").partition("\t")
        return self.digest(path, name)

    def digest_at(self, path: str, offset: int) -> str:
        """What the part says that holds the byte `offset`."""
        parts = self._of(path)
        return parts.digests[_name_at(parts, offset)] if parts.ends else self._ids.get(path, "")

    def start(self, key: str) -> Start | None:
        """Where the part of a key starts, if it is there."""
        path, _, name = key.removeprefix("part:").partition("\t")
        parts = self._of(path)
        if name not in parts.digests:
            return None
        before = parts.names.index(name)
        byte = parts.ends[before - 1] if before else 0
        return (bisect_right(self._lines(path), byte), byte)

    def starts(self, said: object) -> dict[str, Start]:
        """The parts in which the places lie that are said, and where they start."""
        found: dict[str, Start] = {}
        for place in _places(said):
            path = place.path
            if path not in self._files or not self._of(path).ends:
                continue
            for at in self._offsets(place):
                key = self.key(path, at)
                if key not in found and (start := self.start(key)) is not None:
                    found[key] = start
        return found

    def _offsets(self, place: Place | Fix | Slot) -> Sequence[int]:
        match place:
            case Fix(edits=edits):
                return [edit.start for edit in edits]
            case Slot(offset=offset):
                return [offset - 1]  # what is put behind something moves with it
            case Place(path=path, span=span):
                return [self._lines(path)[span.start_line - 1]]

    def within(self, said: _Value) -> tuple[tuple[str, ...], _Value]:
        """The same with every place counted from where its part starts, and the parts: equal wherever they stand."""
        starts = self.starts(said)
        return tuple(starts), Move(starts, dict.fromkeys(starts, (1, 0))).of(said)

    def _lines(self, path: str) -> memoryview:
        return memoryview(self._files[path].lines).cast("I")

    def _of(self, path: str) -> _Parts:
        known = self._known.get(path)
        if known is None:
            facts = self._files.get(path)
            parts = facts.parts if facts is not None else ()
            digests = {part.name: part.digest.hex() for part in parts}
            known = self._known[path] = _Parts(tuple(p.end for p in parts), tuple(p.name for p in parts), digests)
        return known


def _name_at(parts: _Parts, offset: int) -> str:
    return parts.names[min(bisect_right(parts.ends, offset), len(parts.names) - 1)]


def _places(said: object) -> Iterator[Place | Fix | Slot]:
    """Everything in what is said that stands somewhere."""
    match said:
        case Place() | Fix() | Slot():
            yield said
        case msgspec.Struct():
            for name in said.__struct_fields__:
                yield from _places(getattr(said, name))
        case tuple():
            for item in said:
                yield from _places(item)
        case dict():
            for item in said.values():
                yield from _places(item)


class Move:
    """How parts moved between two revisions: `before` and `after` say where each starts."""

    def __init__(self, before: Mapping[str, Start], after: Mapping[str, Start]) -> None:
        self._moves: dict[str, list[tuple[Start, Start]]] = {}
        for key, start in before.items():
            path = key.removeprefix("part:").partition("\t")[0]
            self._moves.setdefault(path, []).append((start, after[key]))
        for moves in self._moves.values():
            moves.sort()

    def of(self, said: _Value) -> _Value:
        """The same, with every place where it is now."""
        return self._moved(said)  # type: ignore[return-value]

    def _moved(self, said: object) -> object:
        match said:
            case Place(path=path, span=span) if path in self._moves:
                (line, _), (now, _) = self._move(path, 0, span.start_line)
                by = now - line
                return Place(path, Span(span.start_line + by, span.start_column, span.end_line + by, span.end_column))
            case Fix(path=path, edits=edits) if path in self._moves:
                return msgspec.structs.replace(said, edits=tuple(self._edit(path, edit) for edit in edits))
            case Slot(path=path, offset=offset) if path in self._moves:
                return msgspec.structs.replace(said, offset=offset + self._moved_by(path, offset - 1))
            case Place() | Fix() | Slot():
                return said
            case msgspec.Struct():
                return msgspec.structs.replace(said, **{n: self._moved(getattr(said, n)) for n in said.__struct_fields__})
            case tuple():
                return tuple(self._moved(item) for item in said)
            case dict():
                return {key: self._moved(item) for key, item in said.items()}
        return said

    def _edit(self, path: str, edit: Edit) -> Edit:
        by = self._moved_by(path, edit.start)
        return Edit(edit.start + by, edit.end + by, edit.text)

    def _moved_by(self, path: str, offset: int) -> int:
        (_, byte), (_, now) = self._move(path, 1, offset)
        return now - byte

    def _move(self, path: str, by: int, position: int) -> tuple[Start, Start]:
        moves = self._moves[path]
        return moves[max(0, bisect_right(moves, position, key=lambda move: move[0][by]) - 1)]
