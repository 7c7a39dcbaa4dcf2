"""What a walk carries with it: the frame of each function, and what is noted on the way."""

from __future__ import annotations

import typing

import msgspec

from analyzers.facts.outline import Function, Node, Parameter, Text
from analyzers.model.inference.types import Literal, Row, Rows, Site, Value, join
from analyzers.model.naming.definitions import EXPRESSION_LANGUAGES, TEMPLATE_LANGUAGES, ClassDefinition, FunctionDefinition
from analyzers.model.project import Relation

if typing.TYPE_CHECKING:
    from analyzers.model.inference.acts import Act
    from analyzers.model.inference.handlers import Called


Deed = typing.Literal["writes", "leaves", "writes alone", "walks", "ends"]
"""What is done: a row is written, something leaves the program. A loop does nothing but write each row, stands in the code, or
may end before its last row."""


class Read(msgspec.Struct, frozen=True, eq=False):
    """A relation read per row: a query each time."""

    rows: Rows
    hops: tuple[str, ...]
    relation: Relation
    loop: Site
    at: Site  # in the function that holds the loop
    through: tuple[Site, ...]  # the calls on the way, and where the relation itself is touched, if that is elsewhere
    bypass: bool
    counted: bool  # only the number of rows is asked for
    unseen: bool = False  # the query was not seen, but no query of the project loads the relation
    shown: Site | None = None  # the call that shows the template in which the rows are asked for
    within: Site | None = None  # the loop in which the read stands, if its rows came through another


class Query(msgspec.Struct, frozen=True, eq=False):
    """A query and the columns it searches by."""

    rows: Rows
    at: Site
    aside: bool = False  # of a page for those who look after the site


class Lookup(msgspec.Struct, frozen=True, eq=False):
    """A query sent for each row of a loop, because it searches by that row's values."""

    rows: Rows
    row: Row
    at: Site  # in the function that holds the loop
    through: tuple[Site, ...]  # the calls on the way, and where the query runs, if that is elsewhere
    effect: str = ""  # what it writes: create, update, delete, or any statement; nothing where it reads
    changed: tuple[str, ...] = ()  # what the loop has assigned to the row


class Noted:
    """What a walk noted that is over. There are many of these at a time, and most noted little: what is empty is shared, and
    what the walks below depended on is in theirs."""

    __slots__ = ("acts", "below", "calls", "done", "entries", "hydrated", "lookups", "reads", "searches", "touched", "written")

    def __init__(self, trace: Trace) -> None:
        self.reads = trace.reads or _NO_READS
        self.searches = trace.searches or _NO_SEARCHES
        self.lookups = trace.lookups or _NO_LOOKUPS
        self.calls = trace.calls or _NO_CALLS
        self.entries = trace.entries or _NO_ENTRIES
        self.acts = trace.acts or _NO_ACTS
        self.hydrated = frozenset(trace.hydrated)
        self.written = frozenset(trace.written)
        self.done = frozenset(trace.done)
        self.touched = tuple(trace.touched)
        self.below = tuple(trace.below)


_NO_READS: dict[tuple[object, ...], Read] = {}
_NO_SEARCHES: dict[tuple[str, int], Query] = {}
_NO_LOOKUPS: dict[tuple[Site, Site], Lookup] = {}
_NO_CALLS: dict[tuple[object, ...], tuple[Site, FunctionDefinition | None, str]] = {}
_NO_ENTRIES: dict[tuple[object, ...], Called] = {}
_NO_ACTS: dict[tuple[str, int, int, str], Act] = {}


class Trace:
    """What a walk noted, and what it depended on: keys of `Codebase.touched`, and `model:…` and `repository:…` by name; and
    what the walks depended on that it took over."""

    __slots__ = ("acts", "below", "calls", "done", "entries", "hydrated", "lookups", "reads", "searches", "touched", "written")

    def __init__(self) -> None:
        self.reads: dict[tuple[object, ...], Read] = {}
        self.searches: dict[tuple[str, int], Query] = {}
        self.lookups: dict[tuple[Site, Site], Lookup] = {}
        self.touched: set[str] = set()
        self.below: set[Noted] = set()
        self.hydrated: set[tuple[str, str]] = set()
        self.written: set[tuple[Site, typing.Literal["here", "alone", "beyond"]]] = set()  # by loops, and how
        self.done: set[tuple[Site | None, Deed]] = set()  # what loops do for each row, and what was done outside of them
        self.calls: dict[tuple[object, ...], tuple[Site, FunctionDefinition | None, str]] = {}
        self.entries: dict[tuple[object, ...], Called] = {}
        self.acts: dict[tuple[str, int, int, str], Act] = {}

    def add(self, other: Noted) -> None:
        """Takes over what a part of the walk noted; a longer chain of a query replaces a shorter."""
        if other.touched or other.below:
            self.below.add(other)
        self.hydrated |= other.hydrated
        self.written |= other.written
        self.done |= other.done
        for key, read in other.reads.items():
            self.reads.setdefault(key, read)
        for where, lookup in other.lookups.items():
            self.lookups.setdefault(where, lookup)
        for place, query in other.searches.items():
            self.note(place, query)
        for key, call in other.calls.items():
            self.calls.setdefault(key, call)
        for key, called in other.entries.items():
            self.entries.setdefault(key, called)
        for stands, act in other.acts.items():
            self.acts.setdefault(stands, act)

    def depends(self) -> set[str]:
        """All that the walk depended on, with what it took over."""
        found, seen, ahead = set(self.touched), set[Noted](), list(self.below)
        while ahead:
            noted = ahead.pop()
            if noted not in seen:
                seen.add(noted)
                found.update(noted.touched)
                ahead.extend(noted.below)
        return found

    def note(self, place: tuple[str, int], query: Query) -> None:
        known = self.searches.get(place)
        if known is None or len(known.rows.searches) <= len(query.rows.searches):
            self.searches[place] = query

    def note_more(self, place: tuple[str, int], query: Query) -> None:
        """Notes a query where something was last added to it."""
        known = self.searches.get(place)
        at = known.at if known is not None and known.rows.searches == query.rows.searches else query.at
        self.note(place, Query(query.rows, at))


class Frame:
    """One walk of one function: its names and where it stands."""

    __slots__ = (
        "at",
        "blocks",
        "defaults",
        "env",
        "filled",
        "function",
        "handed",
        "language",
        "left",
        "outer",
        "owner",
        "path",
        "returned",
        "template",
        "view",
        "yielded",
    )

    def __init__(
        self, path: str, function: str, language: str, owner: ClassDefinition | None = None, outer: Frame | None = None
    ) -> None:
        self.path, self.function, self.owner = path, function, owner
        self.language = EXPRESSION_LANGUAGES.get(language, language)  # of the expressions
        self.outer = outer  # the frame that called this one
        self.view = language in EXPRESSION_LANGUAGES
        self.template = language in TEMPLATE_LANGUAGES and not self.view  # members are called where they can be
        self.env: dict[str, Value] = {}
        self.defaults: set[str] = set()  # parameters that this call gave a literal, or left at a literal default
        self.handed: set[str] = set()  # optional parameters that this call gave something
        self.left = False  # what follows does not happen: a test that holds returned before
        self.returned: list[Value] = []
        self.yielded: list[Value] = []
        self.at: Node | None = None  # the call being followed from here
        self.blocks: dict[str, tuple[str, Function]] = {}  # template blocks that stand in for this template's own
        self.filled: frozenset[str] = frozenset()  # sections that templates extending this one have said

    def given(self, parameter: Parameter, name: str, value: Value) -> None:
        """A parameter that the call gives a value. Whoever fills one that need not be filled has something to fill it with."""
        if self.outer is not None and isinstance(value, Literal):
            self.defaults.add(name)
        elif self.outer is not None and isinstance(parameter.default, Text) and parameter.default.value is None:
            self.handed.add(name)

    def holds(self, site: Site) -> bool:
        """Whether a place stands in the function walked."""
        return site.path == self.path and site.function == self.function

    def first_of(self, function: Function) -> Value:
        """What the first parameter of the function walked holds by now."""
        return self.env.get(function.parameters[0].name.lstrip("*.&")) if function.parameters else None

    def site(self, node: Node) -> Site:
        return Site(self.path, node.start, node.end, self.function)


def merged(values: list[Value]) -> Value:
    """What a function gives that returns one of these."""
    found: Value = values[0] if values else None
    for value in values[1:]:
        found = join(found, value)
    return found


def way(loop: Site, frame: Frame, node: Node) -> list[Site]:
    """From the call, in the function that holds the loop, to the place itself: each call on the way, or the place alone."""
    way, here = [frame.site(node)], frame.outer
    if frame.path == loop.path and loop.start <= node.start < loop.end:
        return way
    while here is not None:
        if here.at is not None:
            way.append(here.site(here.at))
            if here.path == loop.path and loop.start <= here.at.start < loop.end:
                return way[::-1]
        here = here.outer
    return way[:1]
