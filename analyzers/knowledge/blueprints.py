"""How a library's migrations change tables by calls: on the schema, and on a table under construction."""

from __future__ import annotations

from typing import Literal

import msgspec


class SchemaCall(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a method of a schema does. Numbers are positions of arguments: of the table's name, of what is called with the table
    under construction (-1 where the method gives it back), of the new name or the columns. `inside` runs what it is given,
    `schema` gives another schema."""

    does: Literal["create", "change", "drop", "rename", "add columns", "rename column", "drop columns", "inside", "schema"]
    table: int = 0
    definition: int = 1
    then: int = 1


class TableCall(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a method of a table under construction does, apart from adding columns. `columns`, `name`, `then` and `target` are
    positions of arguments; `kind` is the last part of the name that an index gets if none is stated. `every`: all arguments
    are names of columns."""

    does: Literal[
        "index",
        "foreign",
        "drop columns",
        "drop group",
        "drop index",
        "drop primary",
        "drop foreign",
        "rename column",
        "rename index",
        "rename",
        "create",
        "drop",
        "nothing",
    ]
    columns: int = 0
    name: int = 1
    then: int = 1
    target: int = -1
    unique: bool = False
    primary: bool = False
    method: str = ""
    expression: bool = False  # what stands in the place of the columns is an expression
    kind: str = ""
    indexed: str = ""  # of a foreign key: the kind of the index that the library adds for it
    every: bool = False
    group: str = ""  # the group whose columns are dropped
    with_key: bool = False  # a dropped column's foreign key goes first


class Group(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Columns that one call adds: their names, `{0}` for what the call is given, and their types."""

    columns: dict[str, str]
    together: bool = False  # one index over all of them, in this order
    kind: str = "index"
    nullable: bool = False


class Modifiers(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Calls on a column or key under construction; whatever is not named here changes nothing that a query feels."""

    index: dict[str, TableCall] = {}
    change: tuple[str, ...] = ()  # the column exists, and gets this definition
    primary: tuple[str, ...] = ()
    nullable: tuple[str, ...] = ()
    target: tuple[str, ...] = ()  # names the table that a key refers to
    constrained: tuple[str, ...] = ()  # the column is a foreign key, of the table it is named after
    default: dict[str, str] = {}  # sets a default: the text of it, or `{0}`
    volatile: tuple[str, ...] = ()


class Blueprints(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """All such calls of a library.

    `types` are methods that add one column, with its type; the name is their first argument, or what `names` says. `keys` of
    them are primary keys. `named_types` are methods whose arguments give type and name (positions). `of_model` are methods
    whose first argument is a class of rows that the column refers to, the second its name.
    """

    schemas: tuple[str, ...]  # classes whose methods change tables, on the class itself or an object of it
    tables: tuple[str, ...] = ()  # classes of tables under construction
    calls: dict[str, SchemaCall] = {}
    types: dict[str, str] = {}
    names: dict[str, str] = {}
    keys: tuple[str, ...] = ()
    groups: dict[str, Group] = {}
    named_types: dict[str, tuple[int, int]] = {}
    of_model: dict[str, str] = {}
    methods: dict[str, TableCall] = {}
    modifiers: Modifiers = Modifiers()
    forward: str = "up"
    returned: bool = False  # a file in a folder of migrations may return a mapping with a function that runs forwards
    index_name: str = ""  # named function: table, columns, kind -> name of an index that has none
    outside: str = ""  # attribute of a migration that is false where no transaction is around it
    isolated: str = ""  # method of a migration that says the same
