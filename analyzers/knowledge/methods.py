"""What a method of a library does to rows."""

from __future__ import annotations

from typing import Literal

import msgspec


class Hooks(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How a class says what else happens when one of its rows is written, which a statement for many rows passes by."""

    setups: tuple[str, ...] = ()  # how the names of its methods begin that say so
    events: tuple[str, ...] = ()  # by which calls
    attributes: tuple[str, ...] = ()  # of the class, that say so
    marks: tuple[str, ...] = ()  # decorators that do
    observer: str = ""  # the class `{name}` that is told of it, by its name alone
    mixins: tuple[str, ...] = ()  # classes and traits of other libraries that do


class Method(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a method does to rows, a manager, a repository or a query under construction.

    `returns`: rows (the same, changed), new (rows of the repository's table), row (one of them), values (of each row,
    something in memory), value (no rows any more), nothing (no row at all), self; of a function it is given: mapped (what
    that gives for each row), flat (the items of that), same (what that gives); groups (rows by some key), split (two parts
    of the rows). `eager`: how arguments name what is loaded with the rows. `filters`, `orders`: how they name columns.
    `fresh`: it runs its own query although the relation was loaded. `calls`: what a function it is given is called with:
    each row, each row after what the function gave for the one before, all rows fetched, or the query under construction.
    """

    returns: Literal["rows", "new", "row", "values", "value", "nothing", "mapped", "flat", "groups", "split", "same"] = "rows"
    eager: Literal["", "paths", "selected", "joined", "nested", "options"] = ""
    selects: Literal["", "set", "add"] = ""  # its arguments are what the query gives for each row
    unpacks: bool = False  # of several things given for each row, the first is left
    whole: bool = False  # without arguments it loads more than can be told
    starts: bool = False  # it makes a query under construction; its first argument is the alias of the rows
    names_rows: bool = False  # its first argument is the class of the rows, its second their alias
    filters: Literal[
        "", "lookups", "criteria", "expression", "conditions", "columns", "related", "key", "function", "unknown"
    ] = ""
    orders: Literal["", "names", "criteria", "expression", "attributes", "column"] = ""
    then: bool = False  # it orders what was not told apart by the order before
    compares: str = ""  # of `columns`: how the column is compared that the first argument names; as its operator says if empty
    alternative: bool = False  # its condition holds in the place of those before
    column: str = ""  # that it orders by if it names none
    latest: bool = False  # it gives the last of what it orders by
    unsearched: tuple[str, ...] = ()  # keywords that are no conditions
    deletes: bool = False  # rows are deleted, all that it asks for
    groups: bool = False  # rows are counted or summed up, so none can be left unread
    fresh: bool = False
    joins: int | None = None  # its first argument names a table that it joins, on columns from this argument on
    limits: bool = False
    limit_at: int = 0  # position of the argument that is the bound
    runs: bool = False  # calling it sends the query
    by_key: bool = False  # it asks for one row by its key, and takes it from the session where it is there
    ends: bool = False  # nothing can be chained after it: what is added to the query goes before it
    narrows: bool = False  # it names the columns to load, and so would have to name those of a relation
    counts: bool = False
    effect: Literal["", "create", "update", "delete", "other"] = ""  # it writes rows; other: many at once, or what links them
    unless_there: bool = False  # what is there already is not inserted
    ensures: bool = False  # it finds the row that its conditions name, or makes one
    locks: bool = False  # rows that it gives are about to be changed, one by one
    binds: bool = False  # the query depends on its arguments, as it does on those of `filters`
    resets: bool = False  # it forgets what was selected before
    fetches: bool = False  # what it gives is in memory: a collection, whose own methods send no query
    calls: Literal["", "row", "carried", "rows", "query"] = ""
    reads: bool = False  # texts among its arguments are attributes read of each row, with dots between
    asks: bool = False  # whether the relation that it names was loaded, or it says what that is
    shows: bool = False  # it lays the rows out as data
    page: int = 0  # how many rows it gives if not told
    instead: str = ""  # what it is called where it cannot be chained
