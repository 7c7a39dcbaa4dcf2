"""Where two requests or jobs can be in a function at once, and what keeps them apart: locks, transactions, numbers' sources."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property

from analyzers.model.project import Project
from analyzers.model.ways import CallSite, Entry, Function, Race
from analyzers.words import short

_ORDER = {"request": 0, "task": 1, "hook": 2}
_DRAWN_BY = 3  # functions between the one that uses a number and the one that finds it


class Meetings:
    """What the project says of functions that two requests are in at once."""

    def __init__(self, project: Project) -> None:
        self.project, self.reach = project, project.reach
        self._locks = {g.function for g in project.guarded if g.locks}
        self._transacts = {g.function for g in project.guarded if g.transacts}

    def meets(self, function: Function) -> bool:
        """Whether two of it can be at work at once: not where commands alone reach it."""
        entries = self.reach.entering(function)
        return not entries or any(e.kind != "command" for e in entries)

    @cached_property
    def drawing(self) -> Mapping[Function, Race]:
        """The functions that give a number which nobody has yet."""
        return {r.function: r for r in self.project.races if r.kind == "drawing"}

    def drawn_from(self, race: Race) -> tuple[CallSite, Race] | None:
        """The function that a number comes from, and the call that leads to it; nothing where a lock is taken on the way."""
        places = {place for place, _ in race.also}
        for call in self.reach.calls_from(race.function):
            if call.place not in places or call.target is None:
                continue
            ahead, seen = [(call.target, 0)], {call.target}
            while ahead:
                function, depth = ahead.pop(0)
                if function in self._locks:
                    return None
                found = self.drawing.get(function)
                if found is not None and (found.call == "last") == (race.call == "last" and not depth):
                    return call, found
                for target in self.reach.calls_of.get(function, ()) if depth < _DRAWN_BY else ():
                    if target not in seen:
                        seen.add(target)
                        ahead.append((target, depth + 1))
        return None

    def reached(self, function: Function) -> Entry | None:
        """The request or job that reaches it, or what is called where rows are written or something happens."""
        entries = self.reach.entering(function)
        free = self._open(function, self._locks | self._transacts) or self._open(function, self._locks)
        ranked = sorted(entries, key=lambda e: (e.function not in free, _ORDER.get(e.kind, len(_ORDER))))
        return next((e for e in ranked if e.kind in _ORDER), None)

    @cached_property
    def receives(self) -> bool:
        """Whether functions are told of rows that are saved, and may read what is not there yet."""
        return any(e.kind == "hook" and "." not in e.function.name for e in self.reach.entries)

    def locks(self, function: Function) -> bool:
        """Whether it takes a lock, or all ways to it lead through a function that does."""
        return self._is_kept(function, self._locks)

    def transacts(self, function: Function) -> bool:
        """Whether it opens a transaction, or all ways to it lead through a function that does."""
        return self.project.transacts or self._is_kept(function, self._transacts)

    def _is_kept(self, function: Function, guards: set[Function]) -> bool:
        if not self.reach.with_callers(function) & guards:
            return False
        return not self._open(function, guards)

    def _open(self, function: Function, guards: set[Function]) -> frozenset[Function]:
        """The requests and jobs that come to a function and pass none of these on their way."""
        seen, ahead, found = {function}, [function], set()
        while ahead:
            one = ahead.pop()
            if one in guards:
                continue
            entry = self.reach.by_function.get(one)
            if entry is not None and entry.kind in ("request", "task"):
                found.add(one)
            ahead += [c.function for c in self.reach.callers.get(one, ()) if c.function not in seen]
            seen |= {c.function for c in self.reach.callers.get(one, ())}
        return frozenset(found)


def reaching(race: Race, entry: Entry | None) -> tuple[str, ...]:
    """What brings two to the function at once, in a sentence."""
    if entry is None:
        return ()
    first, function = short(entry.function.name), short(race.function.name)
    if first == function:
        return (f"`{function}` is called for each {entry.unit}, and two of them can be at work at once.",)
    return (f"`{first}` reaches it, for each {entry.unit}.",)
