"""How libraries declare columns and relations: the smallest parts of `analyzers.knowledge.Models`."""

from __future__ import annotations

from typing import Literal

import msgspec


class Relation(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A way to declare a relation."""

    many: bool = False
    owning: bool = True  # this side holds the column
    unique: bool = False
    indexed: bool = False  # the library itself creates an index for the column
    polymorphic: bool = False  # the target is any model: it cannot be joined
    type_argument: str = ""  # of a polymorphic one: names the attribute that says which table its key is of
    type_default: str = ""
    exclusive: bool = False  # a row of the collection belongs to one owner, to whom `mapped_by` points back
    points_back: bool = True  # the target gets a relation of its own to this model
    asks: Literal["", "far", "far pair", "between", "between pair"] = ""  # whose columns it asks by: see `relation_keys`


class Column(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A way to declare a column. `role`: lookup, timestamp, boolean, text, number, key, other."""

    role: str = "other"
    indexed: bool = False
    unique: bool = False
    type: str = ""  # in SQL
    generated: bool = False  # the database counts it up


class Arguments(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The names of a declaration's arguments; `target` may also be given by position 0."""

    target: str = ""
    inverse: str = ""
    mapped_by: str = ""
    inversed_by: str = ""
    column: str = ""
    indexed: str = ""
    unique: str = ""
    primary: str = ""
    choices: str = ""
    optional: str = ""
    fetch: str = ""
    eager_value: str = "EAGER"
    eager_values: tuple[str | bool, ...] = ()  # ways to fetch that never send a query per row
    lazy_values: tuple[str, ...] = ()  # ways to fetch that other libraries leave alone
    fresh_values: tuple[str, ...] = ()  # ways to fetch that send a query at every read
    type: str = ""
    secondary: str = ""  # the table between two collections
    single: str = ""  # false where a relation holds one row at most
    foreign: str = ""  # names the own or other columns that hold the relation
    remote: str = ""  # names the far side's columns, where both sides are one table
    nested: str = ""  # a mapping that holds more arguments
    collection: str = ""  # says what holds the rows of a collection
    foreign_text: str = ""  # of a column: what it refers to
    through: str = ""  # the model between two collections
    constrained: str = ""  # false where the database is not to know of a foreign key
    referred: str = ""  # the target's attribute that a foreign key refers to
    length: str = ""
    default: str = ""
    stored_default: str = ""  # a default that the database keeps
    table: str = ""  # of the table between two collections
