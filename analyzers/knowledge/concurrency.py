"""What libraries say of rows that two requests change at once: typed."""

from __future__ import annotations

import msgspec


class Concurrency(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which words of code keep two requests from changing the same rows, and code that does.

    `locks` and `transactions` are parts of names: a function in which one stands is not alone with what it reads. In code,
    `{row}` and `{model}` are the project's own names, `{column}` is an attribute, `{operator}` and `{amount}` what changes it.
    """

    locks: tuple[str, ...] = ()
    transactions: tuple[str, ...] = ()
    always: tuple[str, ...] = ()  # settings that put a transaction around each request
    versions: tuple[str, ...] = ()  # what a class names that counts the versions of its rows, so that a late write is refused
    writes_later: bool = False  # a row that is changed is written with all others, without a call of its own
    saved_by: tuple[str, ...] = ()  # methods that are given a new row, to be written
    saves_all: bool = False  # a row is saved with all its columns, whichever were changed
    prepares: tuple[str, ...] = ()  # queries that give the row they ask for, or a new one, not written yet
    conflicts: tuple[str, ...] = ()  # exceptions of a row that is there already
    add: str = ""  # code that adds an amount in one statement
    subtract: str = ""
    take: str = ""  # code that subtracts where there is enough, and tells whether there was
    give: str = ""  # code that adds up to a limit, and tells whether that was reached
    together: str = ""  # the two statements in one, where nothing else was changed: `{row}`, `{column}`, `{amount}`
    expressions: tuple[str, ...] = ()  # classes that stand for a column in a statement: `F("{column}")`
    expressions_of: str = ""  # module whose attribute the first of them is
    locked: str = ""  # code that locks the row
    locking: tuple[str, ...] = ()  # methods of a query that lock its rows for as long as the transaction lasts
    modes: tuple[str, ...] = ()  # arguments that have them locked
    ordered: str = ""  # code that locks several rows in one order
    refuses: str = ""  # what is raised where there is no transaction, if anything is
    commits: tuple[str, ...] = ()  # calls that write what was done so far, for good
    unique: str = ""  # code that states a unique constraint on `{names}`
    ensure: str = ""  # code that finds a row or makes it, and stands a second one that does the same
    both: str = ""  # code that writes rows together, where the library writes later
    around: str = ""  # code that makes one transaction
    greatest: tuple[str, ...] = ()  # functions that ask for the greatest value of a column
    stream: str = ""  # what is added to a query so that its rows come a few at a time
    page: str = ""  # code that gives a page of `{rows}`
