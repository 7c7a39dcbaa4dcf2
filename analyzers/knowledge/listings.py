"""What libraries show of each row without a loop of the project: lists, columns, and what templates call by a name."""

from __future__ import annotations

from typing import Literal

import msgspec


class Listing(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Classes that declare rows, and what the library shows of each of them."""

    bases: tuple[str, ...] = ()
    part: bool = False  # only rows that belong to one row of another such class
    decorators: tuple[str, ...] = ()  # their arguments are the models whose rows the class lists
    registers: tuple[str, ...] = ()  # calls whose arguments are a model, or several, and such a class
    rows_method: str = ""
    model_attribute: str = ""
    names_attribute: str = ""  # names columns, relations, methods of the class or the row, and functions of a row
    names_method: str = ""
    names_default: tuple[str, ...] = ()
    names_always: tuple[str, ...] = ()  # what is shown whatever the class names
    joins_attribute: str = ""  # names references that come with the rows; true: all that cannot be empty
    joins_method: str = ""
    joins_shown: bool = False  # where it is not stated and a reference is shown, all that cannot be empty come along
    joins_code: str = ""  # code that names references, `{paths}`
    row_methods: dict[str, str] = {}  # methods of the class that get a row; what the library asks of it in their place
    given_rows: tuple[str, ...] = ()  # methods of the class that get the rows
    rows_code: str = ""  # code that gives the rows with more loaded, `{load}`
    separator: str = "__"
    page_attribute: str = ""
    page_default: int = 0
    order_attribute: str = ""  # names what the list is sorted by
    period_attribute: str = ""  # names the time by whose periods rows are picked
    pager_attribute: str = ""  # holds the rows page by page
    actions_attribute: str = ""  # names methods and functions that get the rows somebody picked, as their last argument
    action_marks: tuple[str, ...] = ()  # decorators of such methods
    parts_attribute: str = ""  # names classes that list the rows which belong to one of these
    class_code: str = ""  # a class for rows that were registered without one, `{model}` and `{paths}`


class Cells(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Objects that each show one thing of every row that a view lists."""

    bases: tuple[str, ...]
    views: tuple[str, ...]  # classes whose rows they show
    attribute: str  # of the view: the objects, or a method that makes them
    path: str = ""  # argument that says what is read of a row: names, or a function of it; else the first argument names it
    template: str = ""  # attribute that names the template of one cell
    row_name: str = ""  # what that template calls the row
    value_name: str = ""


class Tag(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A way to register a function that templates call by a name."""

    named: bool = False  # its first argument may be the name
    shows: bool = False  # its first argument is a template, shown with the names that the function returns
    content: bool = False  # the function gets what stands between the tag and its end first


class Tags(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where functions stand that templates call by a name, and how they are registered."""

    folder: str
    load: str  # the tag that names files of that folder
    kinds: dict[str, Tag]
    name: str = ""  # argument that gives the name
    contextual: str = ""  # argument that asks for the template's names, as first argument of the function


class Inputs(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a request or a file brings: how much that is, whoever sends it decides."""

    bases: tuple[str, ...]
    parts: tuple[str, ...] = ()  # methods that give what came under a name
    wholes: tuple[str, ...] = ()  # methods that give all of it, by names
    fields: bool = False  # an attribute that is not its `own` gives what came under that name
    own: tuple[str, ...] = ()
    methods: dict[str, Literal["list", "item"]] = {}  # methods of the project's class that get the rows, or one of them
    label: str = ""  # what to call one of these


class Grid(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Tables that a chain of calls describes: cells that name what they show, and functions that get each row by its name."""

    bases: tuple[str, ...]  # of the classes that describe one
    methods: tuple[str, ...]  # of such a class, that describe it
    cells: tuple[str, ...]  # classes of cells, whose dotted names are read of each row
    parts: tuple[str, ...]  # how the names begin of all classes of cells and of what else stands in a row
    make: str  # their method that makes one, by its name
    rows_methods: tuple[str, ...] = ()  # of such a class, that give its rows
    query: str = ""  # method of the table that states its rows
    changes: tuple[str, ...] = ()  # methods of the table whose function changes their query
    model_attribute: str = ""
    model_suffix: str = ""  # of the class's name, what comes before it is the model where none is stated
    model_method: str = ""
    relation_attribute: str = ""  # names the relation of the owner's model whose rows these are
    owner_space: str = ""  # last part of the namespace of such classes
    owner_suffix: str = ""  # the class that owns them, by the singular of its namespace
    pages_method: str = ""  # names the pages that show the table, which may change its query
    page_methods: tuple[str, ...] = ()  # by which they do
    values: tuple[str, ...] = ()  # methods of a cell whose function says what it shows, in the place of its name
    per_row: tuple[str, ...] = ()  # methods of a cell, an action or the table whose function is called with each row
    apart: tuple[str, ...] = ()  # methods whose arguments have nothing to do with each row
    hides: dict[str, str] = {}  # methods by which a cell is not shown: the keyword that says so, if not the call alone
    row_name: str = ""
    value_name: str = ""
    rows_code: str = ""  # code that gives the rows with more loaded, `{load}`
    page_default: int = 0


class Transformers(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Objects that turn each row into data by one method, and more of it by others."""

    bases: tuple[str, ...] = ()
    method: str = ""
    holders: tuple[str, ...] = ()  # how the names of objects begin whose `applied` these are, where others have such
    includes: str = ""  # attribute that names what is always put out with a row
    include: str = ""  # the method that gives such a thing, `{name}`
    calls: dict[str, tuple[int, int]] = {}  # functions and methods: positions of the rows and of the object
    with_rows: dict[str, int] = {}  # methods of a chain that are given the rows: their position
    applied: dict[str, int] = {}  # methods that end such a chain with the object: its position
