"""What readers of declarations look at besides declarations: noted where they look."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from functools import cache

import msgspec

from analyzers.facts.store import Import
from analyzers.model.naming.definitions import PHP_SEPARATOR

_Search = Callable[[str], re.Match[str] | None]


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
        paths, names = _patterns(self)
        return any(map(paths, (i.path for i in imports))) or (names is not None and any(map(names, (i.name for i in imports))))


@cache
def _patterns(question: Importing) -> tuple[_Search, _Search | None]:
    """What finds an import that is meant, by its path and by its name."""
    means = [f"^{re.escape(module)}(?=$|[.{re.escape(PHP_SEPARATOR)}])" for module in question.modules]
    means += map(re.escape, question.words)
    endings = "|".join(map(re.escape, question.endings))
    names = re.compile(rf"(?:{endings})\Z", re.IGNORECASE).search if endings else None
    return re.compile("|".join(means) or "(?!)").search, names


class Looked:
    """`into` are the parts and files whose functions' bodies counted, `paths` patterns of the paths of files that count whole;
    `asked` the questions about imports, `inside` those about files that were then looked into."""

    def __init__(self) -> None:
        self.into: set[str] = set()
        self.paths: set[str] = set()
        self.asked: set[Importing] = set()
        self.inside: set[Importing] = set()
