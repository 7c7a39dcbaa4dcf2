"""The vocabulary of readiness."""

from __future__ import annotations

from typing import Literal

import msgspec

from analyzers.source import Place

State = Literal["found", "not found", "not known"]


class Paste(msgspec.Struct, frozen=True):
    """A line to paste, and the file it belongs into."""

    file: str
    code: str


class Row(msgspec.Struct, frozen=True):
    """One topic. `said` is Markdown of a finding's kind: what was found, where was looked, or why it is not known."""

    topic: str
    state: State
    said: str
    places: tuple[Place, ...] = ()
    paste: Paste | None = None


class Readiness(msgspec.Struct, frozen=True):
    """The table of a project; of no rows where it is no application that answers requests."""

    rows: tuple[Row, ...] = ()

    @property
    def found(self) -> int:
        """How many topics are looked after."""
        return sum(row.state == "found" for row in self.rows)
