"""What libraries say of results that have no end of their own: typed."""

from __future__ import annotations

import msgspec


class Bounds(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How rows get into an answer, and what keeps them few.

    `answers` are calls, by the last part of their names, whose arguments are put out. `passes` are words in the names of calls
    that give what they were given in another form. `bounds` are words in names which say that a function, or a call, gives so
    many rows and no more, and `bound_texts` what such a function reads of a request; `purposes` are words in names of functions
    and files that are there to give all; `streams` are methods that give rows a few at a time. `sizes` are names of what
    a request brings that say how many rows are wanted, and `size_calls` the calls that get such a number, at a position.
    `page_bases` are classes of pages, with the attribute by which a request says how many rows it wants (empty where it always
    may) and its cap.
    `default_page` is a setting that gives all endpoints a page.
    """

    answers: tuple[str, ...] = ()
    returns: tuple[str, ...] = ()  # methods of a class that answers, whose result is put out
    passes: tuple[str, ...] = ()
    bounds: tuple[str, ...] = ()
    bound_texts: tuple[str, ...] = ()
    purposes: tuple[str, ...] = ()
    streams: tuple[str, ...] = ()
    sizes: tuple[str, ...] = ()
    size_calls: dict[str, int] = {}
    queries: tuple[str, ...] = ()  # attributes whose rows can be cut like a list
    page_bases: dict[str, tuple[str, str]] = {}
    default_page: str = ""
    inputs: tuple[str, ...] = ()  # what the values of a request are read from: `request.GET`
    counts: tuple[str, ...] = ()  # functions and methods that give how many there are
    sums: tuple[str, ...] = ()  # that add them up, or give the greatest or smallest
    picks: tuple[str, ...] = ()  # methods of rows in memory that take some of them
    takes: tuple[str, ...] = ()  # that do as a function says
    asks: tuple[str, ...] = ()  # functions and methods that say whether there are any, or one like that
    sent_when_tested: bool = False  # a query is sent where it is tested, or something is looked for in it
    set: tuple[str, ...] = ()  # methods by which a query asks for rows that have a value at all
    each: tuple[str, ...] = ()  # methods of rows in memory that call a function with each
    related_by_call: bool = False  # a relation that is called as a method is a query
    wholes: tuple[str, ...] = ()  # methods of an uploaded file that give all of it
    lists: tuple[str, ...] = ()  # functions that hold all they are given
    parsers: tuple[str, ...] = ()  # calls that read a file row by row
    loaders: tuple[str, ...] = ()  # calls that read a file whole
    handles: tuple[str, ...] = ()  # calls that open what is to be closed
    uploads: tuple[str, ...] = ()  # types of a parameter that is a file somebody sent
    sent_files: tuple[str, ...] = ()  # where a request has its files
    file_fields: tuple[str, ...] = ()  # fields of a model that are files
    page_code: str = ""  # of a class that lists rows: so many at a time
