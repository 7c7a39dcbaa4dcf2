"""What requests, jobs and commands reach: the functions that libraries call, the calls each function makes, and ways between.

Walks note entries and calls where they stand (`handlers`, `edges`); here they are put together. A way goes from an entry to a
call, through functions of the project. What is decided on the way (a cache answers, another process does it) is the asker's to
say, as it knows what matters.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Mapping
from functools import cached_property
from typing import Literal

import msgspec

from analyzers.findings import Fix
from analyzers.knowledge.clients import Client
from analyzers.knowledge.handlers import Kind
from analyzers.source import Place


class Function(msgspec.Struct, frozen=True, array_like=True):
    """A function of the project: its file and its qualified name there. Of a file's own statements, the name of its module."""

    path: str
    name: str


class Entry(msgspec.Struct, frozen=True, array_like=True):
    """A function that a library calls, and where that is told of."""

    kind: Kind
    function: Function
    place: Place
    queues: bool = False  # whoever else calls the function has it queued

    @property
    def unit(self) -> str:
        """What it is called for, each time."""
        return _UNITS[self.kind]


_UNITS: Mapping[Kind, str] = {"request": "request", "task": "job", "command": "run", "hook": "call"}


class CallSite(msgspec.Struct, frozen=True, array_like=True):
    """A call that `function` makes: of a function of the project (`target`), or of a library's (`library`, its full name).

    `library` ends in `()` where an object that another call made is called: `sqlalchemy.orm.sessionmaker()`.
    """

    function: Function
    place: Place
    target: Function | None = None
    library: str = ""


class Way(msgspec.Struct, frozen=True):
    """From an entry to a call: the calls of the project's functions on the way, and the call itself last."""

    entry: Entry
    calls: tuple[CallSite, ...]


class Made(msgspec.Struct, frozen=True):
    """A client that each request or job makes. `way` are the calls to it from the entry on, itself last."""

    client: Client
    library: str
    function: str
    place: Place
    way: Way
    handed_on: bool  # the function that makes it gives it to its callers
    closed: bool
    addressed: bool = False  # of what the request brings


class Unreturned(msgspec.Struct, frozen=True):
    """A session that a request or job opens and that is not given back: never, not where something fails, not by the request
    that a library keeps it for (`of request`), or not by a module that opens it for all (`of module`)."""

    client: Client
    library: str
    function: str
    place: Place
    way: Way
    when: Literal["never", "unless it fails", "of request", "of module"]


class Guarded(msgspec.Struct, frozen=True, array_like=True):
    """A function whose text takes a lock, or opens a transaction."""

    function: Function
    locks: bool
    transacts: bool


class Race(msgspec.Struct, frozen=True, array_like=True):
    """What a function does with rows that goes wrong where it runs twice at once.

    `kind`: changed (a column gets what was read of it, and more), ensured (a row is found or made by one call), created (made
    where a query found none), numbered (made with the next number after the greatest or the count), limited (made where a
    query counted few enough), replaced (rows are deleted and made anew), locked (rows are locked outside of a transaction),
    counted (a cache's value is read and put back), flagged (a mark is put into a cache where none was found), founded (a
    folder is made where none was found), parted (a row is made, and those that belong to it), moved (one row loses what
    another gets), drawing (the function gives a number that nobody has yet, by `call`: next, last or free), drawn (a column
    gets what a call gives, which `also` names; `call` is last where one is added to it), tested (a column is changed
    in one statement, after a test of what was read of it; `call` is the operator), whole (columns are
    counted anew, and the row is saved with all the others), crossed (rows are locked one by one,
    in no order). `columns` are those that tell rows
    apart, or the one that is changed.
    """

    kind: Literal[
        "changed",
        "ensured",
        "created",
        "numbered",
        "limited",
        "replaced",
        "locked",
        "counted",
        "flagged",
        "founded",
        "parted",
        "moved",
        "drawing",
        "drawn",
        "tested",
        "whole",
        "crossed",
    ]
    function: Function
    place: Place
    model: str  # as the project calls it
    table: str
    columns: tuple[str, ...] = ()
    role: str = ""  # of the column, where the class says so
    row: str = ""  # what the code calls it, with the attribute: `voucher.uses`
    call: str = ""  # the method
    also: tuple[tuple[Place, str], ...] = ()
    refuses: bool = False  # it fails by itself where it finds a row, and does not go on with that
    handled: bool = False  # it goes on where the database refuses a second row
    sentence: str = ""  # what to do
    code: str = ""
    language: str = ""
    constraint: str = ""  # code that states a unique constraint on `{names}` of `{table}`
    fix: Fix | None = None
    abstract: bool = False


class Heap(msgspec.Struct, frozen=True, array_like=True):
    """A result that grows with the data, where a function holds all of it at once.

    `kind`: answered (rows put into an answer), listed (rows that a class lists), counted, summed, filtered (in memory, what the
    database could: by the columns `tested`, if any), asked (whether there are any, or one like that), walked (row by row, all
    loaded first), sized (as many as the request wants), read (a whole file), searched (a list is searched for each row),
    crossed (each row meets each row), named (keys of a table listed in a query), opened (and not closed), loaded (and handed
    on), brought (with one row). `columns` are those that one value each is asked for, empty where it is the key of another row.
    """

    kind: Literal[
        "answered",
        "listed",
        "counted",
        "summed",
        "filtered",
        "asked",
        "walked",
        "sized",
        "read",
        "searched",
        "crossed",
        "named",
        "opened",
        "loaded",
        "brought",
    ]
    function: Function
    place: Place
    model: str = ""
    table: str = ""
    columns: tuple[str, ...] = ()
    partly: bool = False  # it is also asked for by what was not understood, or by a period
    said: str = ""  # what the code calls it
    tested: tuple[str, ...] = ()
    also: tuple[tuple[Place, str], ...] = ()
    returned: bool = False  # it is in the answer only if a library calls the function for one
    handled: bool = False  # which the function's name says
    owned: bool = False  # the rows are the collection of one other row
    settings: str = ""  # one that gives it an end, where it is stated
    code: str = ""
    language: str = ""
    abstract: bool = False


class Streamed(msgspec.Struct, frozen=True):
    """A streamed answer of `function`, at `place`, that keeps `session` while it waits for something else; or, without one, the
    connection of the thread or process that answers (`keeper`). `code` gives that back."""

    function: str
    session: str
    place: Place
    waits: Place
    keeper: str = ""
    code: str = ""
    language: str = "python"


class Reach:
    """The entries and calls of one revision."""

    def __init__(self, entries: Iterable[Entry] = (), calls: Iterable[CallSite] = ()) -> None:
        self.entries = tuple(dict.fromkeys(entries))
        self.calls = tuple(dict.fromkeys(calls))
        self._entering: dict[Function, tuple[Entry, ...]] = {}

    @cached_property
    def by_function(self) -> Mapping[Function, Entry]:
        """What calls each entry; where several do, a request before a job before a command."""
        order: dict[Kind, int] = {"request": 0, "task": 1, "hook": 2, "command": 3}
        found: dict[Function, Entry] = {}
        for entry in sorted(self.entries, key=lambda e: order[e.kind]):
            found.setdefault(entry.function, entry)
        return found

    @cached_property
    def callers(self) -> Mapping[Function, tuple[CallSite, ...]]:
        """The calls of each of the project's functions."""
        found: dict[Function, list[CallSite]] = {}
        for call in self.calls:
            if call.target is not None:
                found.setdefault(call.target, []).append(call)
        return {function: tuple(calls) for function, calls in found.items()}

    @cached_property
    def by_requests(self) -> frozenset[Function]:
        """The functions of the project that requests reach, their entries among them."""
        found = {e.function for e in self.entries if e.kind == "request"}
        queue = deque(found)
        while queue:
            for target in self.calls_of.get(queue.popleft(), ()):
                if target not in found:
                    found.add(target)
                    queue.append(target)
        return frozenset(found)

    def entries_to(self, function: Function) -> frozenset[Function]:
        """The entries that reach a function, itself among them if it is one."""
        return self.with_callers(function) & self.by_function.keys()

    def entering(self, function: Function) -> tuple[Entry, ...]:
        """The same as entries, of each the one that comes first, in the order of their kinds and places."""
        if function not in self._entering:
            found = (self.by_function[f] for f in self.entries_to(function))
            self._entering[function] = tuple(sorted(found, key=lambda e: (e.kind, e.place)))
        return self._entering[function]

    def entry_to(self, function: Function, *kinds: Kind) -> Entry | None:
        """The first that reaches a function, of these kinds, the first of which is asked first."""
        return next((e for kind in kinds for e in self.entering(function) if e.kind == kind), None)

    def with_callers(self, function: Function) -> frozenset[Function]:
        """A function, and all that come to it."""
        seen, ahead = {function}, [function]
        while ahead:
            for call in self.callers.get(ahead.pop(), ()):
                if call.function not in seen:
                    seen.add(call.function)
                    ahead.append(call.function)
        return frozenset(seen)

    def calls_from(self, function: Function) -> tuple[CallSite, ...]:
        """The calls that a function makes."""
        return self._calls_from.get(function, ())

    @cached_property
    def _calls_from(self) -> Mapping[Function, tuple[CallSite, ...]]:
        found: dict[Function, list[CallSite]] = {}
        for call in self.calls:
            found.setdefault(call.function, []).append(call)
        return {function: tuple(calls) for function, calls in found.items()}

    @cached_property
    def calls_of(self) -> Mapping[Function, tuple[Function, ...]]:
        """The functions of the project that each of them calls."""
        found: dict[Function, list[Function]] = {}
        for call in self.calls:
            if call.target is not None:
                found.setdefault(call.function, []).append(call.target)
        return {function: tuple(targets) for function, targets in found.items()}

    def of_library(self, names: Mapping[str, object]) -> tuple[CallSite, ...]:
        """The calls of these functions of libraries."""
        return tuple(call for call in self.calls if call.library in names)

    def way(self, call: CallSite, kinds: tuple[Kind, ...], passes: Callable[[tuple[CallSite, ...]], bool]) -> Way | None:
        """The shortest way to a call from an entry of one of these kinds. Each end of it `passes`: the calls from one of the
        project's functions on, asked before that function's callers are looked at."""
        queue: deque[tuple[CallSite, ...]] = deque([(call,)])
        seen = {call.function}
        while queue:
            calls = queue.popleft()
            if not passes(calls):
                continue
            entry = self.by_function.get(calls[0].function)
            if entry is not None and entry.kind in kinds:
                return Way(entry, calls)
            for before in self.callers.get(calls[0].function, ()):
                if before.function not in seen and len(calls) < _LONGEST:
                    seen.add(before.function)
                    queue.append((before, *calls))
        return None


_LONGEST = 10  # calls of a way; real ones have two or three
