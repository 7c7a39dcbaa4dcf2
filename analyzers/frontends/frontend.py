"""What a frontend is, and the bounds that make hostile files harmless to every one of them."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import ClassVar

from analyzers.facts.store import FileFacts

MAX_BYTES = 1_000_000
"""Larger files are not read; hand-written sources of large projects stay below a third of this."""

MAX_DEPTH = 150
"""How deep an outline may be. What reads, encodes or decodes an outline recursively needs up to three of the interpreter's
1,000 frames a level."""

MAX_CHAIN = 40
"""Operators, calls or `elif`s in one chain that keep their nesting; `outline` says what becomes of longer ones."""

MAX_SECONDS = 3.0
"""CPU time for parsing one file. A real file of `MAX_BYTES` takes 0.2 s, but some patterns cost the parser quadratic time."""

SMALL = 30_000
"""Bytes up to which parsing needs no watching: the slowest pattern known takes 3 s there."""

MAX_PROBLEMS = 5
"""Problems told of one file: as many as a person reads."""

MAX_TEXT = 200
"""Characters kept of a literal that is not SQL."""

MAX_ELEMENTS = 256
"""Elements kept of a collection of nothing but literals."""


class Frontend(ABC):
    """Reads the bytes of one file. `version` changes whenever the facts of any file may change."""

    language: ClassVar[str]
    version: str

    @abstractmethod
    def read(self, source: bytes) -> FileFacts:
        """What the file says. Never raises: what cannot be read becomes a `FileProblem`."""
