"""What libraries say of rules that ask the database whether a value is there, typed."""

from __future__ import annotations

import msgspec


class Validations(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How a rule names a table and a column: as a text (`unique:users,email`), as a call (`Rule::unique('users', 'email')`), or
    as a mark on the class of the rows (`UniqueEntity`)."""

    imports: tuple[str, ...] = ()  # beginnings of names one of which a file imports that states rules
    rules: tuple[str, ...] = ()  # how the text of such a rule begins
    between: str = ""  # what stands between the rules of one text
    calls: tuple[str, ...] = ()  # functions that make one
    narrowing: tuple[str, ...] = ()  # methods of such a one by which it asks for more
    marks: dict[str, str] = {}  # decorators of a class: the keyword that names attributes, which is also their first argument
