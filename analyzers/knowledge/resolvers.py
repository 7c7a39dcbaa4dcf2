"""How libraries of GraphQL declare types, and the functions that answer their fields."""

from __future__ import annotations

import msgspec


class Resolvers(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Types whose fields are answered one by one, by a function of their own or by the attribute of their name."""

    bases: tuple[str, ...] = ()
    model_bases: tuple[str, ...] = ()  # those to which the relations of their model are fields by themselves
    marks: tuple[str, ...] = ()  # decorators that make a class such a type
    loading: tuple[str, ...] = ()  # what loads with the rows whatever a request asks for, if the project imports it
    loading_bases: tuple[str, ...] = ()  # base classes that do so
    method: str = ""  # beginning of the name of a method that answers a field
    field_marks: tuple[str, ...] = ()  # decorators of methods that answer the field of their name
    parents: tuple[str, ...] = ()  # names of a parameter of theirs, or of its type, that is the object itself
    annotated: bool = False  # an attribute's annotation is its type; else the call that it is assigned names it
    resolver: str = ""  # argument of that call: the function that answers
    sources: tuple[str, ...] = ()  # arguments of it that name the attribute to read
    options: str = ""  # nested class of options
    option_model: str = ""  # whose relations are fields
    option_fields: tuple[str, ...] = ()
    option_exclude: tuple[str, ...] = ()
    all_fields: str = ""
