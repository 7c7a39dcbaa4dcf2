"""Where code stands: spans, places, and a revision as a map from path to blob."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Protocol

import msgspec


class Span(msgspec.Struct, frozen=True, order=True):
    """A range of text. Lines and columns count from 1; `end_column` is one past the last byte; `end_line` is inclusive."""

    start_line: int
    start_column: int
    end_line: int
    end_column: int


class Place(msgspec.Struct, frozen=True, order=True):
    """A span in a file of a revision."""

    path: str
    span: Span


class Revision(msgspec.Struct, frozen=True):
    """One tree of a repository: every regular file's path and the id of its blob; no symbolic links, no submodules."""

    sha: str
    files: Mapping[str, str]


class BlobReader(Protocol):
    """Reads blobs by id. Blobs that are missing, or larger than the reader's bound, are left out of the answer."""

    def read(self, blob_ids: Iterable[str]) -> Iterator[tuple[str, bytes]]: ...
