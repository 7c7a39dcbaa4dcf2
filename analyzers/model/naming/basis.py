"""What declarations were read from, and whether that is as it was once some files have changed.

Readers of declarations see configuration, and source files without the bodies of their functions (`surfaces`). Whatever else
they look at is noted: names (`Names.touched`), bodies, and what files import (`Names.looked`).
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence

import msgspec

from analyzers.facts.store import FileFacts
from analyzers.model.naming.definitions import PHP_SEPARATOR, SCRIPTS, TEMPLATE_LANGUAGES
from analyzers.model.naming.looked import Importing, Looked
from analyzers.model.naming.names import module_parts
from analyzers.model.naming.surfaces import Surface, Surfaces, differing

_SOURCE = frozenset({"python", "php"})


class Change(msgspec.Struct, frozen=True):
    """A file that is not what it was. One that was not there, or is no longer, had or has nothing in it."""

    path: str
    before: FileFacts | None
    after: FileFacts | None
    surfaces: Surfaces

    @property
    def language(self) -> str:
        return next(facts.language for facts in (self.before, self.after) if facts is not None)

    def shown(self) -> tuple[Surface, Surface]:
        """What the file showed, and what it shows."""
        nothing = FileFacts(self.language)
        return self.surfaces.of(self.before or nothing), self.surfaces.of(self.after or nothing)


class Basis(msgspec.Struct, frozen=True, array_like=True):
    """`names` are those that were looked up, by the path in which they stood; `modules` and `functions` those that were
    looked for by name; `into`, `paths`, `asked` and `inside` as in `Looked`."""

    names: dict[str, tuple[str, ...]]
    modules: frozenset[str]
    functions: frozenset[str]
    into: frozenset[str]
    paths: tuple[str, ...]
    asked: tuple[Importing, ...]
    inside: tuple[Importing, ...]

    @classmethod
    def of(cls, touched: Iterable[str], looked: Looked) -> Basis:
        """The basis that was noted."""
        names: defaultdict[str, list[str]] = defaultdict(list)
        others: defaultdict[str, set[str]] = defaultdict(set)
        for key in touched:
            kind, _, rest = key.partition(":")
            if kind == "name":
                path, _, name = rest.partition("\t")
                names[path].append(name.partition(PHP_SEPARATOR)[0])
            else:
                others[kind].add(rest)
        return cls(
            {path: tuple(sorted(set(some))) for path, some in sorted(names.items())},
            frozenset(others["module"]),
            frozenset(name.rpartition(PHP_SEPARATOR)[2] for name in others["function"]),
            frozenset(looked.into),
            tuple(sorted(looked.paths)),
            tuple(looked.asked),
            tuple(looked.inside),
        )

    def holds(self, changes: Sequence[Change], imported: Callable[[Importing], bool]) -> bool:
        """Whether declarations are as they were. `imported` says of a question whether it is answered by a file that did not
        change."""
        return all(self._as_it_was(change, imported) for change in changes)

    def _as_it_was(self, change: Change, imported: Callable[[Importing], bool]) -> bool:
        if change.language in TEMPLATE_LANGUAGES:
            return True
        if change.language in SCRIPTS:
            return self._is_as_it_was(change)
        if change.language not in _SOURCE or change.path in self.into:
            return False
        if any(re.search(pattern, change.path) for pattern in self.paths):
            return False
        before, after = change.shown()
        names = differing(before, after)
        if names is None or not names.isdisjoint(self.names.get(change.path, ())) or not names.isdisjoint(self.functions):
            return False
        if _answers(before, self.inside) != _answers(after, self.inside):
            return False
        asked = _answers(before, self.asked), _answers(after, self.asked)
        if change.before is None or change.after is None:
            # Where it declares nothing, it matters only what the project imports.
            if any(before.stated[2:] + after.stated[2:]) or _module(change) in self.modules:
                return False
            return before.stated[1] == () == after.stated[1] and all(map(imported, {*asked[0], *asked[1]}))
        return asked[0] == asked[1] and self._bodies(change.path, change.before) == self._bodies(change.path, change.after)

    def _is_as_it_was(self, change: Change) -> bool:
        """Whether nobody looked at a script: it declares nothing to those who do not say so."""
        if change.path in self.into or any(re.search(pattern, change.path) for pattern in self.paths):
            return False
        before, after = (facts.imports if facts is not None else () for facts in (change.before, change.after))
        return not any(question.answer(before) or question.answer(after) for question in self.inside)

    def _bodies(self, path: str, facts: FileFacts) -> dict[str, bytes]:
        """The parts of a file that were looked into."""
        return {part.name: part.digest for part in facts.parts if f"part:{path}\t{part.name}" in self.into}


def _answers(surface: Surface, questions: tuple[Importing, ...]) -> list[Importing]:
    return [question for question in questions if question.answer(surface.imports)]


def _module(change: Change) -> str:
    parts = module_parts(change.path)
    return parts[-1] if change.language == "python" and parts else ""
