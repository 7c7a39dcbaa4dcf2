"""What libraries say of the classes that turn rows into plain data."""

from __future__ import annotations

from typing import Literal

import msgspec


class Serializers(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Classes that turn rows into plain data, one declared field after the other.

    `fields` says what each kind of field asks of a row: its value, the words of what it names (`text`), an attribute of that
    (`attribute`, named by one of `attributes`), its key alone, the row itself, a method of the serializer, a serializer of
    its own (`nested`), what a field that it is given asks of each of many (`items`), or nothing.
    """

    bases: tuple[str, ...]
    model_bases: tuple[str, ...] = ()  # those that take the fields they do not declare from a model
    fields: dict[str, Literal["value", "text", "attribute", "key", "row", "method", "nested", "items", "nothing"]] = {}
    options: str = ""  # nested class of options
    option_model: str = ""
    option_fields: str = ""
    option_exclude: str = ""
    option_depth: str = ""
    option_arguments: str = ""  # further arguments of fields, by name
    option_hidden: str = ""  # names that are never put out
    option_list: str = ""  # a class of its own for many rows
    item: str = ""  # member of such a class: the serializer of one row
    all_fields: str = ""  # the value of `option_fields` that means every column and forward relation
    output: str = ""  # member that holds the data
    puts_out: tuple[str, ...] = ()  # methods that put out the rows they are given
    answers: dict[str, int] = {}  # decorators of a view whose n-th argument puts out what it returns
    nested: str = ""  # argument of a field that names the serializer of what it holds
    represent: str = ""  # method: one row -> its data
    rows_argument: str = ""
    many: str = ""
    source: str = ""
    whole_source: str = ""
    hidden: str = ""
    method: str = ""
    method_default: str = ""
    attributes: tuple[str, ...] = ()
    whole_rows: tuple[str, ...] = ()  # methods of a field's class by which it asks for the row, not its key alone
    own_reading: tuple[str, ...] = ()  # methods of a field's class by which it reads what cannot be told
    field_methods: tuple[str, ...] = ()  # methods of a serializer that say which fields there are
    constructors: tuple[str, ...] = ()  # methods of a serializer that may drop fields
    chosen: tuple[str, ...] = ()  # members that hold its fields
    arguments: tuple[str, ...] = ()  # of a serializer; another one may change what it does
