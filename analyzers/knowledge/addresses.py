"""What libraries say of rows that they fetch by parts of a request's address, typed."""

from __future__ import annotations

import msgspec


class Addresses(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How an action comes by a row: a parameter of a model's type is fetched by the parts of the address that bear the names
    of the model's columns, unless something says otherwise."""

    routes: tuple[str, ...] = ()  # decorators of an action, or of its class, with an address
    path: str = ""  # keyword of that address, where it is not the first argument
    key: str = ""  # part of an address that is the row's key
    marks: tuple[str, ...] = ()  # decorators of a parameter that say how it is fetched
    converters: tuple[str, ...] = ()  # decorators of an action that say so of the parameter they name first
    options: str = ""  # keyword of such a decorator that holds the others
    mapping: str = ""  # keyword: part of an address -> column
    by_names: str = ""  # key of a configuration that is false where only what is said counts
    bound_in: tuple[str, ...] = ()  # imports of files whose addresses name a column of a row: `{post:slug}`
    key_method: str = ""  # method of a model that names the column by which its rows are fetched
