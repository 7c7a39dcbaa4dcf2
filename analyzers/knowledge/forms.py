"""What libraries say of forms that offer rows to choose from."""

from __future__ import annotations

import msgspec


class Choices(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Types of fields that offer rows, and the options that say which, and what is read of each."""

    rows: tuple[str, ...]  # types that offer all rows of a class, if nothing else is said
    listed: tuple[str, ...]  # types that offer what they are given
    adders: dict[str, tuple[int, int]]  # methods that add a field: positions of its type and its options
    adder_bases: tuple[str, ...]
    setters: tuple[str, ...]  # methods that state the options of a type of the project's own
    setter: str  # the same for one option
    setter_bases: tuple[str, ...]
    lazy: str  # type of the parameter of a function that gives an option's value
    parent: str  # method of such a type that names what it is built on
    model: str  # options: the class,
    query: str  # a function that makes the query,
    given: str  # the rows,
    reads: tuple[str, ...]  # what is read of each, a path or a function of it,
    shown: str  # which of these takes the place of its words
    later: tuple[str, ...] = ()  # options by which rows are asked for as someone types
    advice: str = ""
