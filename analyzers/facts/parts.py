"""The stretches of a source file that can change, or move, each by itself."""

from __future__ import annotations

from array import array
from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Iterator
from hashlib import blake2b

import msgspec

from analyzers.facts.outline import Class, Function, Node


class Part(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """Whole lines of a file, from where the part before ends to the byte `end`.

    One called `Order` is the definition of that name, with the decorators and comments right above it; a second of the same
    name is called `Order#2`. One called `^Order` is what stands between it and the definition before, one called `^` what
    stands after the last. `digest` is that of the bytes.
    """

    name: str
    end: int
    digest: bytes


def parts_of(source: bytes, outline: tuple[Node, ...], lines: array[int]) -> Iterator[Part]:
    """The parts of a file, in order. `lines` holds the byte offsets at which its lines start."""
    done, seen = 0, Counter[str]()
    for node in outline:
        if not isinstance(node, Class | Function) or not node.name:
            continue
        start = _first_line(source, lines, min([node.start, *(d.start for d in node.decorators)]), done)
        following = bisect_left(lines, node.end)
        end = lines[following] if following < len(lines) else len(source)
        if start is None or end <= start:
            continue  # it shares a line with the definition before: both are in one part
        seen[node.name] += 1
        name = node.name if seen[node.name] == 1 else f"{node.name}#{seen[node.name]}"
        if start > done:
            yield Part(f"^{name}", start, _digest(source[done:start]))
        yield Part(name, end, _digest(source[start:end]))
        done = end
    if done < len(source) or not done:
        yield Part("^", len(source), _digest(source[done:]))


def _first_line(source: bytes, lines: array[int], begins: int, done: int) -> int | None:
    """Where the first of the lines starts that belong to what begins at a byte: those above it, up to an empty one."""
    at = bisect_right(lines, begins) - 1
    if lines[at] < done:
        return None
    while at and lines[at - 1] >= done and source[lines[at - 1] : lines[at]].strip():
        at -= 1
    return lines[at]


def _digest(text: bytes) -> bytes:
    return blake2b(text, digest_size=9).digest()
