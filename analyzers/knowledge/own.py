"""What a repository may say of its own libraries, in the words of our files: additions to what is known of another library.

A package that nobody outside of a company knows is like one that everybody knows: its models are Django's, its client waits as
`requests` does, its tasks are Celery's. So an entry names that library, and what is to be known of it too. It may add to lists
and tables; flags, code to paste and whatever decides how the library is read stay those of the library. What it names stands in
comments and is searched for in code: names are names, texts are words, and none of them is a template.
"""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

from analyzers.knowledge import libraries
from analyzers.knowledge.handlers import Kind as Caller
from analyzers.knowledge.work import Kind as WorkKind
from analyzers.knowledge.work import known

Name = Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z_\\][A-Za-z0-9_.\\:]*$", max_length=200)]
Words = Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9][A-Za-z0-9 ,.'/-]*$", max_length=80)]
Position = Annotated[int, msgspec.Meta(ge=0, le=20)]
Names = tuple[Name, ...]
Positions = dict[Name, Position]


class OwnMethod(msgspec.Struct, frozen=True):
    """What a method does to rows: as `analyzers.knowledge.methods.Method` says."""

    returns: Literal["rows", "new", "row", "values", "value", "nothing"] = "rows"
    eager: Literal["", "paths"] = ""
    filters: Literal["", "lookups", "criteria", "key", "unknown"] = ""
    runs: bool = False
    by_key: bool = False
    fresh: bool = False
    counts: bool = False
    limits: bool = False
    limit_at: Position = 0
    effect: Literal["", "create", "update", "delete", "other"] = ""


class OwnColumn(msgspec.Struct, frozen=True):
    """A class of fields: what such a column holds, and whether the library itself makes an index of it."""

    role: Literal["lookup", "timestamp", "boolean", "text", "number", "key", "other"] = "other"
    indexed: bool = False
    unique: bool = False


class OwnRelation(msgspec.Struct, frozen=True):
    """A class of fields that are relations."""

    many: bool = False
    unique: bool = False
    indexed: bool = False


class OwnModels(msgspec.Struct, frozen=True):
    """Base classes whose heirs are tables, and classes of their fields."""

    bases: Names = ()
    columns: dict[Name, OwnColumn] = {}
    relations: dict[Name, OwnRelation] = {}


class OwnRows(msgspec.Struct, frozen=True):
    """Where rows come from, and what methods do to them."""

    manager_bases: Names = ()
    repository_bases: Names = ()
    session_bases: Names = ()
    methods: dict[Name, OwnMethod] = {}


class OwnHandlers(msgspec.Struct, frozen=True):
    """Functions that a library calls: as `analyzers.knowledge.handlers.Handlers` says."""

    kind: Caller
    bases: dict[Name, Names] = {}
    marks: Names = ()
    objects: Names = ()
    methods: Names = ()
    queues: bool = False


class OwnWork(msgspec.Struct, frozen=True):
    """Calls that wait for something outside of the process, or work for long: as `analyzers.knowledge.work.Work` says."""

    kind: WorkKind
    does: Words
    calls: Names = ()
    objects: Names = ()
    methods: Names = ()
    timeout: Names = ()
    endless: bool = False
    made_with: bool = False
    sends: Names = ()
    blocking: bool = True


class OwnPassing(msgspec.Struct, frozen=True):
    """Calls that have other code called later, by another process or when the answer is on its way."""

    later: Names = ()
    aside: Names = ()
    at_once: Names = ()
    transactions: Names = ()
    after: Names = ()


class OwnClient(msgspec.Struct, frozen=True):
    """What a call makes, and the methods that give it back."""

    title: Words
    makes: Literal["connection", "pool", "session"]
    closes: Names = ("close",)


class OwnLibrary(msgspec.Struct, frozen=True):
    """What is known of a library of one's own, as an addition to the known one that it is like (`library`)."""

    library: str
    models: OwnModels | None = None
    rows: OwnRows | None = None
    handlers: tuple[OwnHandlers, ...] = ()
    fetchers: Positions = {}
    loaders: Positions = {}
    transparent: Positions = {}
    transparent_methods: Names = ()
    pages: Positions = {}
    functions: dict[Name, Name] = {}
    tables: Positions = {}
    starts: Positions = {}
    outputs: Positions = {}
    makers: Positions = {}
    driver_calls: Names = ()
    driver_functions: Positions = {}
    caches: Names = ()
    keepers: Names = ()
    slicers: Names = ()
    property_marks: Names = ()
    row_writers: Names = ()
    outward: Names = ()
    clients: dict[Name, OwnClient] = {}
    work: tuple[OwnWork, ...] = ()
    passing: OwnPassing | None = None


def unheard(own: OwnLibrary) -> list[str]:
    """The words of an entry that the library it adds to has none of."""
    library = next(library for library in libraries() if library.library == own.library)
    lacking = [name for name in ("models", "rows") if getattr(library, name) is None]
    lacking += ["work", "passing"] if all(one.language != library.language for one in known()) else []
    return [name for name in lacking if getattr(own, name)]
