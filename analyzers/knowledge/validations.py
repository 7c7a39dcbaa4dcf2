"""What libraries say of rules that ask the database whether a value is there, typed."""

from __future__ import annotations

import msgspec


class Validator(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An object that looks for rows: which of its arguments give the rows, name the columns, and say how they are compared. A
    validator without columns is of the field it stands in."""

    rows: str
    columns: str = ""
    lookup: str = ""


class Validations(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How a rule names a table and a column: as a text (`unique:users,email`), as a call (`Rule::unique('users', 'email')`),
    as a mark on the class of the rows (`UniqueEntity`), or as an object of a field (`UniqueValidator(queryset=…)`)."""

    imports: tuple[str, ...] = ()  # beginnings of names one of which a file imports that states rules
    rules: tuple[str, ...] = ()  # how the text of such a rule begins
    between: str = ""  # what stands between the rules of one text
    calls: tuple[str, ...] = ()  # functions that make one
    narrowing: tuple[str, ...] = ()  # methods of such a one by which it asks for more
    marks: dict[str, str] = {}  # decorators of a class: the keyword that names attributes, which is also their first argument
    validators: dict[str, Validator] = {}  # by full name
    lookups: dict[str, str] = {}  # how a validator compares: a condition of `analyzers.model.project`, where it is no equality
