"""What an expression may hold: the values of the inference.

`None` everywhere means unknown. An unknown stays unknown: no rule speaks of it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import zip_longest

import msgspec

from analyzers.facts.outline import Function
from analyzers.model.naming.definitions import ClassDefinition, FunctionDefinition, Module
from analyzers.model.project import Relation


class Site(msgspec.Struct, frozen=True):
    """A stretch of source: bytes `start`..`end` of `path`, in `function` (its qualified name)."""

    path: str
    start: int
    end: int
    function: str = ""


class Search(msgspec.Struct, frozen=True):
    """How a query searches one column: `how` is that of a `Condition`, or key (the row's own key, or the rows of one other
    row), ordered (by nothing known, where `column` is empty), grouped, other (something that was not understood).

    `value` is what it is compared with, where literal; of `key`, that other row's model. Of `either`, one of the `sides` holds.
    """

    how: str
    model: str
    column: str
    value: str = ""
    descending: bool = False
    sides: tuple[tuple[Search, ...], ...] = ()


class Declared(msgspec.Struct, frozen=True):
    """How a class that declares rows says what comes with them: code for references (`{paths}`), and for anything else
    (`{load}`, what is appended to the query)."""

    references: str = ""
    query: str = ""
    advice: str = ""  # in words, `{name}`


class Entity(msgspec.Struct, frozen=True):
    """One of the things a query gives for each row: rows of a model, or a value computed from them."""

    model: str
    name: str = ""
    eager: frozenset[str] = frozenset()
    deferred: frozenset[str] = frozenset()
    whole: bool = True  # the row itself, no value of it


class Rows(msgspec.Struct, frozen=True):
    """Rows of a model, asked for or about to be: a manager, a query under construction, a collection, a list of rows.
    `site` is the expression to which eager loading would be added, `root` where that expression begins. `eager` holds the
    dotted paths of relations that come with the rows. `known` is false where part of the query lies outside what was seen:
    then nothing is said about its rows. `deferred` holds the dotted paths of columns that the query left out, and `entities`
    what it gives for each row, where that is not the row itself. `owner` is set for rows reached through a row of a loop:
    they belong to that row's query, at `path` from it.
    """

    model: str
    site: Site
    eager: frozenset[str] = frozenset()
    known: bool = True
    limit: int = 0
    owner: Rows | None = None
    path: tuple[str, ...] = ()
    loop: Site | None = None
    aliases: tuple[tuple[str, str], ...] = ()  # query builder: alias -> dotted path, the root's is empty
    selected: frozenset[str] = frozenset()  # query builder: aliases whose rows come along, in whatever order they are stated
    kind: ClassDefinition | None = None  # the project's own manager, queryset or repository class
    bypass: bool = False  # a query of its own for every row of `owner`
    chained: bool = False  # `site` ends with a call that eager loading can follow
    listed: bool = False  # what comes along was named by a `select`, which forgets what was added before it
    narrowed: bool = False  # the query names the columns it loads
    joined: Site | None = None  # the call that started a query builder: joins can follow it
    root: Site | None = None
    searches: tuple[Search, ...] = ()
    limited: bool = False
    typed: bool = False  # all that is known of them is a type annotation, at `site`
    guessed: bool = False  # a name and its uses alone say whose rows they are
    related: Relation | None = None  # the relation whose rows these still are, as far as they may have been loaded before
    via: Site | None = None  # the call that got them from the function that makes their query
    label: str = ""  # what the code calls a model that it picks at run time
    given: bool = False  # no rows, but items that a request brings
    lent: bool = False  # a subclass states them for a method of its base: eager loading goes where they are stated
    declared: Declared | None = None  # a class declares these rows, and nobody wrote their query
    entities: tuple[Entity, ...] = ()
    bare: bool = False  # of `entities`, the only one is given as such
    deferred: frozenset[str] = frozenset()
    named: Site | None = None  # the last of the columns that the query names
    per: Row | None = None  # the row of a loop whose values the query searches by: a query for each of them
    stage: str = ""  # `open`: a query that its methods change in place; `fetched`: rows in memory
    few: str = ""  # what says that there are few, though nothing bounds them: a word of `scarcity`
    recast: str = ""  # what takes the place of `site` with eager loading, `{call}`, where nothing can follow it


class Row(msgspec.Struct, frozen=True):
    """One row. `rows` and `loop` are set where it is one of many: the rows it came from and the loop that walks them."""

    model: str
    rows: Rows | None = None
    path: tuple[str, ...] = ()
    loop: Site | None = None
    pending: Relation | None = None  # a reference whose query has not run yet, and the relation it was read from
    eager: frozenset[str] = frozenset()  # for a single row: what came with it
    known: bool = False  # for a single row: its query was seen
    per: Row | None = None  # for a new row: the row of a loop from whose values it was made


class ModelClass(msgspec.Struct, frozen=True):
    """A model class itself."""

    model: str


class Attribute(msgspec.Struct, frozen=True):
    """A column or relation of a model class, as queries name it."""

    model: str
    name: str


class Loading(msgspec.Struct, frozen=True):
    """A loader option: what it says is loaded with rows of `model` (of any, where empty), and where the next call goes on.

    `known` is false where part of it was not understood.
    """

    model: str = ""
    path: tuple[str, ...] = ()
    eager: frozenset[str] = frozenset()
    deferred: frozenset[str] = frozenset()
    restored: frozenset[str] = frozenset()
    named: Site | None = None
    known: bool = True


class LoadingMethod(msgspec.Struct, frozen=True):
    """A method of a loader option, not yet called."""

    loading: Loading
    name: str


class Instance(msgspec.Struct, frozen=True):
    """An object of a project class that is no model, with what its constructor was given, and `given` attributes that
    whoever makes such objects sets on them."""

    definition: ClassDefinition
    args: tuple[Value, ...] = ()
    keywords: tuple[tuple[str, Value], ...] = ()
    given: tuple[tuple[str, Value], ...] = ()


class ClassValue(msgspec.Struct, frozen=True):
    """A project class that is no model, as a value."""

    definition: ClassDefinition


class Bound(msgspec.Struct, frozen=True):
    """A function of the project, with the value it is bound to; `env` where it is a closure."""

    definition: FunctionDefinition
    receiver: Value = None
    query: Rows | None = None  # the query it is given first, and changes: a scope


class Closure(msgspec.Struct, frozen=True, eq=False):
    """A nested function or lambda, and the names around it."""

    path: str
    node: Function
    env: dict[str, Value]


class ModuleValue(msgspec.Struct, frozen=True):
    """A module of the project."""

    module: Module


class LibraryValue(msgspec.Struct, frozen=True):
    """Something of a library, by its full name; `instance` when it was called or injected."""

    name: str
    instance: bool = False


class RowMethod(msgspec.Struct, frozen=True):
    """A library's method of rows, not yet called."""

    rows: Rows
    name: str


class RowWrite(msgspec.Struct, frozen=True):
    """A library's method that writes one row, not yet called. `effect`: create, update or delete."""

    row: Row
    effect: str


class ValueMethod(msgspec.Struct, frozen=True):
    """A library's method of one row, of a list, or of an object that stands for a row, not yet called."""

    of: Row | Listed | Tupled | Instance | ClassValue
    name: str


class Super(msgspec.Struct, frozen=True):
    """`super()` in a method of `after`, bound to `receiver`."""

    receiver: Value
    after: ClassDefinition


class View(msgspec.Struct, frozen=True):
    """A template and what it knows so far; `method` is a method of it that is not yet called."""

    template: str
    context: Mapped
    method: str = ""


class Listed(msgspec.Struct, frozen=True):
    """A list, tuple or mapping whose values are all like `item`."""

    item: Value


class Keyed(msgspec.Struct, frozen=True):
    """A mapping whose keys and values are all like these."""

    key: Value
    item: Value


class KnownMethod(msgspec.Struct, frozen=True):
    """A method, not yet called, whose call gives `value`."""

    value: Value


class Getter(msgspec.Struct, frozen=True):
    """A function that reads this path of what it is given: `attrgetter("customer.name")`."""

    path: tuple[str, ...]


class Partial(msgspec.Struct, frozen=True):
    """A function with the first of its arguments, and some by name, given already."""

    function: Value
    args: tuple[Value, ...] = ()
    keywords: tuple[tuple[str, Value], ...] = ()


class Tupled(msgspec.Struct, frozen=True):
    """A tuple of known length; its items may have names."""

    items: tuple[Value, ...]
    names: tuple[str, ...] = ()


class Mapped(msgspec.Struct, frozen=True):
    """A mapping with literal keys."""

    items: tuple[tuple[str, Value], ...]

    def get(self, key: str) -> Value:
        for name, value in self.items:
            if name == key:
                return value
        return None


class Taken(msgspec.Struct, frozen=True):
    """A value taken from one of many rows: a column, or what cannot be followed further."""

    row: Row


class Given(msgspec.Struct, frozen=True):
    """Data that a request brings, and what to call one item of it."""

    label: str


class Literal(msgspec.Struct, frozen=True):
    """A literal string or number."""

    value: str | int | float | bool | None


MIXED = LibraryValue("mixed", instance=True)  # an item of a list that holds things of several kinds
NOTHING = Literal(None)  # also rows that are none: whatever else there may be is what there is

Value = (
    Rows
    | Row
    | ModelClass
    | Attribute
    | Loading
    | LoadingMethod
    | Instance
    | ClassValue
    | Bound
    | Closure
    | LibraryValue
    | ModuleValue
    | RowMethod
    | RowWrite
    | ValueMethod
    | Super
    | View
    | Listed
    | Keyed
    | KnownMethod
    | Getter
    | Partial
    | Tupled
    | Mapped
    | Taken
    | Given
    | Literal
    | None
)


def join(one: Value, other: Value) -> Value:
    """What holds whichever of two ways was taken. Rows loaded eagerly on one way count as loaded: silence over a guess."""
    if one == other:
        return one
    match one, other:
        case (Literal(value=None), Rows() | Row() | Listed() as x) | (Rows() | Row() | Listed() as x, Literal(value=None)):
            return x
        case Rows(), Rows() if one.model == other.model:
            first = other if _continued(other, one) else one
            return msgspec.structs.replace(first, eager=one.eager | other.eager, known=one.known and other.known)
        case Row(), Row() if one.model == other.model:
            return one if one.rows is not None else other
        case Listed(), Listed():
            return Listed(either(one.item, other.item))
        case (Keyed(item=None), Keyed() as x) | (Keyed() as x, Keyed(item=None)):
            return x  # empty before
        case Keyed(), Keyed():
            return Keyed(join(one.key, other.key), either(one.item, other.item))
        case (Tupled(items=()) | Mapped(items=()), Listed() | Keyed() | Mapped() as x) | (
            Listed() | Keyed() | Mapped() as x,
            Tupled(items=()) | Mapped(items=()),
        ):
            return x  # before and after something was added
        case Mapped(items=items), Mapped(items=others):
            return Mapped(tuple(joined((dict(items), dict(others))).items()))
        case (Rows() | Listed() as x, Listed(item=None)) | (Listed(item=None), Rows() | Listed() as x):
            return x
        case (Rows() | Given() as x, Tupled(items=())) | (Tupled(items=()), Rows() | Given() as x):
            return x  # a list that is empty where there is nothing to ask for
        case Instance(), Instance() if one.definition is other.definition:
            return Instance(one.definition, *_same(one, other))
    return None


def _same(one: Instance, other: Instance) -> tuple[tuple[Value, ...], tuple[tuple[str, Value], ...]]:
    """What two objects of one class were both made of, each argument as far as they agree."""
    names, others = dict(one.keywords), dict(other.keywords)
    args = tuple(join(a, b) for a, b in zip_longest(one.args, other.args))
    return args, tuple((name, join(names.get(name), others.get(name))) for name in {**names, **others})


def either(one: Value, other: Value) -> Value:
    """What any item of a list is like that holds both. Items of several kinds are none of them, whatever is added later."""
    merged = join(one, other)
    return MIXED if merged is None and one is not None and other is not None else merged


def _continued(rows: Rows, later: Rows) -> bool:
    """Whether `later` is the same query with more added to it on one way: what both ways need is added before."""
    here, there = rows.site, later.site
    same = rows.root is not None and rows.root == later.root and (here.path, here.function) == (there.path, there.function)
    return same and here.start < there.start


def concatenated(values: Sequence[Value]) -> Value:
    """Texts and names of classes put together, where all of them are known."""
    texts = []
    for value in values:
        match value:
            case Literal(value=str() as text):
                texts.append(text)
            case ModelClass(model=name):
                texts.append(name)
            case _:
                row = row_among(values)
                return Taken(row) if row is not None else None
    return Literal("".join(texts))


def joined(ways: Sequence[dict[str, Value]]) -> dict[str, Value]:
    """What names hold whichever of several ways was taken. A name that only one way gives has what that gives."""
    merged = ways[0]
    for way in ways[1:]:
        merged = {
            name: join(merged[name], way[name]) if name in merged and name in way else merged.get(name, way.get(name))
            for name in {**merged, **way}
        }
    return merged


def comes_back(row: Row) -> bool:
    """Whether the way to the row passes a relation twice: what is read over and over is a tree, and ends somewhere."""
    return len(set(row.path)) < len(row.path)


def row_among(values: Iterable[Value]) -> Row | None:
    """The first row of a loop that one of these values is, or was taken from."""
    return next((row for row in map(row_in, values) if row is not None), None)


def row_in(value: Value) -> Row | None:
    """The row of a loop that `value` is, or was taken from."""
    match value:
        case Row(loop=Site()):
            return value
        case Taken(row=row):
            return row
        case Tupled(items=items):
            return row_among(items)
        case Mapped(items=pairs):
            return row_among(item for _, item in pairs)
    return None


def covers(eager: frozenset[str], path: tuple[str, ...]) -> bool:
    """Whether a relation path comes with the rows: itself, or as the way to a deeper one."""
    dotted = ".".join(path)
    if any(e.endswith(".*") and f"{dotted}.".startswith(e[:-1]) for e in eager):
        return True  # the query asks for the rows of one such row alone
    return dotted in eager or any(e.startswith(f"{dotted}.") for e in eager)
