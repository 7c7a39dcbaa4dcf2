"""How far something long is, for people who wait: on standard error, and only where that is a terminal."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn
from rich.progress import Progress as Bars

from analyzers import BlobReader

MANY = 50  # blobs; fewer are read before anybody looks


@dataclass(frozen=True)
class Progress:
    """Bars, one below the other; they are gone when it ends. Without a terminal it shows nothing."""

    bars: Bars

    def bar(self, what: str, total: int | None) -> Callable[[], None]:
        """A new bar; what is returned moves it on by one. Without a total it counts."""
        task = self.bars.add_task(what, total=total)

        def move() -> None:
            self.bars.advance(task)
            self.bars.refresh()

        self.bars.refresh()
        return move


@contextlib.contextmanager
def progress(console: Console | None = None) -> Iterator[Progress]:
    """Shows bars while the block runs. There is no thread of its own, so that processes may be forked in it."""
    console = console or Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    bars = Bars(*columns, console=console, transient=True, auto_refresh=False, disable=not console.is_terminal)
    with bars:
        yield Progress(bars)


@dataclass(frozen=True)
class Watched:
    """A `BlobReader` that shows how much of a long reading is done."""

    blobs: BlobReader
    shown: Progress

    def read(self, blob_ids: Iterable[str]) -> Iterator[tuple[str, bytes]]:
        ids = list(blob_ids)
        done = self.shown.bar("Reading files", len(ids)) if len(ids) >= MANY else None
        for pair in self.blobs.read(ids):
            yield pair
            if done is not None:
                done()
