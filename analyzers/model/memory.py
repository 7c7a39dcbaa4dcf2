"""What is remembered while the revisions of a review are linked, and from one review to the next."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

from analyzers.facts.store import FactStore
from analyzers.model.foundations import FactsOf, Foundations
from analyzers.model.traces import Traces


class Memory:
    """Foundations (what is declared) and traces (what walks said), in memory and in a store. `facts_of` gives the facts of any
    revision by their key."""

    def __init__(self, store: FactStore, facts_of: FactsOf = lambda _: None) -> None:
        self.foundations = Foundations(store, facts_of)
        self.traces = Traces(store)

    def recall(self, files: Mapping[str, str], database: str) -> None:
        """Fetches what is known of a revision, for those that are like it. `files` maps paths to keys of facts."""
        revision = _digest(files, database)
        self.foundations.recall(revision)
        self.traces.recall(revision)

    def save(self, files: Mapping[str, str], database: str) -> None:
        """Writes what is new to the store, and what is known of this revision."""
        revision = _digest(files, database)
        self.foundations.save(revision, files)
        self.traces.save(revision, files)


def _digest(files: Mapping[str, str], database: str) -> str:
    out = hashlib.sha256(database.encode())
    for path, key in sorted(files.items()):
        out.update(f"\0{path}\0{key}".encode(errors="surrogatepass"))
    return out.hexdigest()
