"""What libraries say of forms that offer rows to choose from, by calls or by classes."""

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


class Forms(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Classes that declare the fields of a form, and views that make such a class of a model."""

    bases: tuple[str, ...]
    model_bases: tuple[str, ...]  # those that take fields they do not declare from a model
    options: str  # nested class of options
    model: str  # options and attributes of a view: the model,
    fields: str  # the names of its fields,
    widgets: str  # what shows them,
    classes: str  # and what they are
    view_bases: tuple[str, ...] = ()
    form_attribute: str = ""  # of a view that has a form of its own
    choices: tuple[str, ...] = ()  # fields that offer rows
    rows_argument: str = ""  # of these, or the first
    widget_argument: str = ""
    plain_widgets: tuple[str, ...] = ()  # those that show every row
    rows_attribute: str = ""  # of a field, set in code
    label: str = ""  # method of a field that says how a row is shown
    set: tuple[str, ...] = ()  # further attributes of a field which decide what it shows
    holder: str = ""  # member that holds the fields
    owner_form: str = ""  # attribute of a class which decides what shows the fields of a form: the form,
    owner_fields: tuple[str, ...] = ()  # the names of fields that do not show all rows,
    owner_methods: tuple[str, ...] = ()  # and methods that make fields
    factories: dict[str, int] = {}  # functions that make a class of several forms, one for each row: position of their model
    factory_class: str = ""  # argument of these that names a class with code of its own
    factory_advice: str = ""  # how such forms get rows with more loaded, `{model}`, `{name}` and `{call}`
    row: str = ""  # attribute of a form that holds its row
    code: str = ""  # a field with its rows, `{field}`, `{model}` and `{load}`
    code_many: str = ""
