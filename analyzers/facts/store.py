"""What one file says (`FileFacts`), and where such answers are kept (`FactStore`)."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Mapping
from typing import Protocol

import msgspec

from analyzers.facts.outline import Node
from analyzers.facts.parts import Part
from analyzers.facts.sql import SqlText
from analyzers.source import Span


class Import(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """`name` in this file means `path` elsewhere.

    Python: `from ..shop.models import Order as O` is `Import("O", "..shop.models.Order")`; `import a.b` is
    `Import("a", "a")`; `from m import *` is `Import("*", "m")`. PHP: `use App\\Entity\\Order` is
    `Import("Order", "App\\Entity\\Order")`.
    JavaScript: `import { Order as O } from "./models"` is `Import("O", "./models#Order")`.
    """

    name: str
    path: str
    start: int


class Setting(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """One scalar of a configuration file: `("services.db.image", "postgres:16", start, end)`. List items are numbered."""

    key: str
    value: str
    start: int
    end: int


class Ignore(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """A comment `cliffguard: ignore[rule, …] reason` at `line` (1-based); `rules` is empty for all rules. A comment on a
    line of its own speaks of the next line with code."""

    line: int
    rules: tuple[str, ...]
    reason: str = ""


class FileProblem(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """Something in the file that could not be read, in one sentence. `line` is 0 for the whole file."""

    line: int
    text: str


class FileFacts(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """What a file says: a function of its bytes and its frontend alone. No path, no framework.

    `lines` holds the byte offset at which each line starts, as native-order 32-bit unsigned integers little endian.
    `words` holds every word of a source file once, each between two line ends: readers of bodies ask it before they look for
    what hardly any file has.
    """

    language: str  # python, php, javascript, typescript, tsx, django (template), twig, blade, sql, yaml, env, …
    lines: bytes = b""
    outline: tuple[Node, ...] = ()
    imports: tuple[Import, ...] = ()
    namespace: str = ""
    sql: tuple[SqlText, ...] = ()
    settings: tuple[Setting, ...] = ()
    ignores: tuple[Ignore, ...] = ()
    problems: tuple[FileProblem, ...] = ()
    parts: tuple[Part, ...] = ()  # of a source file, in order; where a language has none, it changes as a whole
    words: str = ""  # of a source file; where it is empty, nothing is known of its words

    def may_say(self, words: Iterable[str]) -> bool:
        """Whether one of these words may stand in the file, in its code or in its texts."""
        return not self.words or any(f"\n{word}\n" in self.words for word in words)

    def span(self, start: int, end: int) -> Span:
        """Lines and columns (both 1-based, columns in bytes) of the byte range `start`..`end`."""
        starts = memoryview(self.lines).cast("I")
        last = max(start, end - 1)
        first_line, last_line = bisect_right(starts, start), bisect_right(starts, last)
        return Span(
            start_line=first_line,
            start_column=start - starts[first_line - 1] + 1,
            end_line=last_line,
            end_column=last - starts[last_line - 1] + 2,
        )


class FactStore(Protocol):
    """Keeps encoded facts by key (`<blob id>-<frontend>-<version>`). A store may forget anything at any time."""

    def get_many(self, keys: Iterable[str]) -> Mapping[str, bytes]: ...

    def put_many(self, items: Mapping[str, bytes]) -> None: ...


class NoStore:
    """A `FactStore` that remembers nothing."""

    def get_many(self, keys: Iterable[str]) -> Mapping[str, bytes]:  # noqa: ARG002
        return {}

    def put_many(self, items: Mapping[str, bytes]) -> None:  # noqa: ARG002
        return None
