"""Objects of Kubernetes as files state them: one `Manifest` for each document, its scalars by their keys."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

import msgspec

from analyzers.facts.store import FileFacts
from analyzers.source import Place

ACTION = "{{"
"""The end of the key of what a template does, below the key where it writes something."""


class Entry(NamedTuple):
    """A scalar of an object. Not `sure` where it depends on a condition that nothing here decides."""

    value: str
    place: Place
    sure: bool = True


Entries = dict[str, Entry]


class Manifest(msgspec.Struct, frozen=True):
    """One object."""

    kind: str
    name: str
    entries: Mapping[str, Entry]

    def told(self, key: str) -> str:
        """What a key says; nothing where it is not there."""
        entry = self.entries.get(key)
        return entry.value if entry is not None else ""

    def below(self, prefix: str) -> Iterator[tuple[str, Entry]]:
        """The scalars below a key, each with the rest of its own."""
        start = f"{prefix}."
        return ((key[len(start) :], entry) for key, entry in self.entries.items() if key.startswith(start))

    def items(self, prefix: str) -> list[str]:
        """The keys of the items of a list, in order."""
        return list(dict.fromkeys(f"{prefix}.{key.partition('.')[0]}" for key, _ in self.below(prefix)))

    @property
    def place(self) -> Place:
        """Where it says what it is."""
        return (self.entries.get("metadata.name") or next(iter(self.entries.values()))).place


_DOCUMENT = re.compile(r"(\d+)\.(.+)", re.DOTALL)


def split(entries: Iterable[tuple[str, Entry]]) -> list[Entries]:
    """The documents of a file, whose keys begin with their numbers where there are several."""
    told = list(entries)
    several = bool(told) and all(_DOCUMENT.fullmatch(key) for key, _ in told)
    documents: dict[str, Entries] = {}
    for key, entry in told:
        number, rest = (found[1], found[2]) if several and (found := _DOCUMENT.fullmatch(key)) else ("", key)
        documents.setdefault(number, {})[rest] = entry
    return list(documents.values())


def made(document: Entries) -> Iterator[Manifest]:
    """The objects that a document is: one, or those of a `List`; none where it is something else."""
    kind = document.get("kind")
    if kind is None or "apiVersion" not in document:
        return
    if kind.value == "List":
        items: dict[str, Entries] = {}
        for key, entry in document.items():
            first, _, rest = key.partition(".")
            number, _, inner = rest.partition(".")
            if first == "items" and inner:
                items.setdefault(number, {})[inner] = entry
        for item in items.values():
            yield from made(item)
        return
    name = document.get("metadata.name")
    yield Manifest(kind.value, name.value if name is not None else "", document)


def plain(path: str, facts: FileFacts) -> Iterator[Manifest]:
    """The objects of a file that no template makes."""
    said = (s for s in facts.settings if not s.key.endswith(ACTION))
    entries = ((s.key, Entry(s.value, Place(path, facts.span(s.start, s.end)))) for s in said)
    for document in split(entries):
        yield from made(document)


def is_kubernetes(facts: FileFacts) -> bool:
    """Whether a file states objects of Kubernetes."""
    keys = {setting.key.rpartition(".")[2] for setting in facts.settings if setting.key.count(".") <= 1}
    return facts.language == "yaml" and "kind" in keys and "apiVersion" in keys


def document(path: str, facts: FileFacts) -> Manifest:
    """A file of settings that is no object of Kubernetes, with its scalars by their keys; what occurs twice is told last."""
    said = (s for s in facts.settings if not s.key.endswith(ACTION))
    entries = {s.key: Entry(s.value, Place(path, facts.span(s.start, s.end))) for s in said}
    return Manifest("", path, entries)
