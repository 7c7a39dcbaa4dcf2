"""What readers of declarations look at besides declarations: noted where they look."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from analyzers.facts.store import Import
from analyzers.model.naming.definitions import PHP_SEPARATOR


class Importing(msgspec.Struct, frozen=True, array_like=True):
    """A question about a file: whether it imports one of these modules or anything in them, anything with one of these words in
    its path, or anything under a name with one of these endings."""

    modules: tuple[str, ...]
    words: tuple[str, ...] = ()
    endings: tuple[str, ...] = ()

    @classmethod
    def of(cls, modules: Iterable[str], words: tuple[str, ...] = (), endings: tuple[str, ...] = ()) -> Importing:
        """The question for these modules, in whatever order."""
        return cls(tuple(sorted(modules)), words, endings)

    def answer(self, imports: Iterable[Import]) -> bool:
        """Whether one of the imports is meant."""
        return any(self._means(i) for i in imports)

    def _means(self, i: Import) -> bool:
        if i.path.startswith(self.modules) and any(_within(i.path, module) for module in self.modules):
            return True
        return any(word in i.path for word in self.words) or i.name.lower().endswith(self.endings)


def _within(dotted: str, module: str) -> bool:
    return dotted.startswith(module) and dotted[len(module) : len(module) + 1] in ("", ".", PHP_SEPARATOR)


class Looked:
    """`into` are the parts and files whose functions' bodies counted, `paths` patterns of the paths of files that count whole;
    `asked` the questions about imports, `inside` those about files that were then looked into."""

    def __init__(self) -> None:
        self.into: set[str] = set()
        self.paths: set[str] = set()
        self.asked: set[Importing] = set()
        self.inside: set[Importing] = set()
