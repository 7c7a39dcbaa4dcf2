"""The vocabulary of rules: what a project means, whatever it is written in.

A rule sees a `Project` and nothing else: tables, relations, queries and reads of relations, with the places that state
them. In: what several frameworks share and a database feels. Out: syntax, framework names, anything about how it was found
out. Where code to paste or an edit is needed, it was prepared here (`Remedy`), because only the model knows the dialect.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Literal

import msgspec

from analyzers.deployment.values import Deployment
from analyzers.facts.sql import IndexPart, SchemaChange, SqlIndex
from analyzers.findings import Fix, Problem
from analyzers.model.errands import Errand, Flaw, Later
from analyzers.model.ways import Guarded, Heap, Made, Race, Reach, Streamed, Unreturned
from analyzers.routing.values import Route
from analyzers.source import Place


class Column(msgspec.Struct, frozen=True):
    """A column. `role`: key, foreign key, type (of the row that a key beside it refers to),
    status, lookup, timestamp, number, boolean, text, other (see `columns`)."""

    name: str
    role: str = "other"
    place: Place | None = None
    attribute: str = ""  # what the code calls it
    foreign: bool = False  # it stands in the table of a base class
    type: str = ""  # as `SqlColumn.type`, where known
    nullable: bool | None = None


class Index(msgspec.Struct, frozen=True):
    """Anything a database can look rows up by: index, unique or exclusion constraint, primary key.

    `parts` in order. `readable` is false where the definition could not be read: such an index counts as covering.
    """

    parts: tuple[IndexPart, ...]
    unique: bool = False
    where: str = ""
    method: str = ""
    name: str = ""
    place: Place | None = None
    readable: bool = True
    stated: bool = False  # by the class itself, not made for a relation or a key
    primary: bool = False
    include: tuple[str, ...] = ()
    nulls_not_distinct: bool = False
    constraint: bool = False
    exclusion: bool = False

    @classmethod
    def of(
        cls,
        columns: Iterable[str],
        *,
        unique: bool = False,
        primary: bool = False,
        stated: bool = False,
        name: str = "",
        place: Place | None = None,
    ) -> Index:
        """A plain index on columns, all ascending; an empty name stands for an expression that was not read."""
        parts = tuple(map(IndexPart, columns))
        return cls(parts, unique=unique, primary=primary, stated=stated, name=name, place=place)

    @classmethod
    def made(cls, index: SqlIndex, name: str, place: Place) -> Index:
        """What a definition makes."""
        return cls(
            index.parts,
            unique=index.unique or index.primary,
            where=index.where,
            method=index.method,
            name=name,
            place=place,
            primary=index.primary,
            include=index.include,
            nulls_not_distinct=index.nulls_not_distinct,
            constraint=index.constraint or index.primary,
            exclusion=index.exclusion,
        )

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns in order, an empty name for an expression."""
        return tuple(part.column for part in self.parts)


class ForeignKey(msgspec.Struct, frozen=True):
    """`columns` refer to a row of `target` (a table name, or empty where unknown)."""

    columns: tuple[str, ...]
    target: str
    place: Place
    name: str = ""
    referred: tuple[str, ...] = ()  # columns of the target, its key where empty
    valid: bool = True  # rows that were there before were looked at
    by: Literal["constraint", "relation", "name"] = "constraint"  # what says so: the database, the code alone, a column's name
    also: tuple[Place, ...] = ()  # where its first column is stated once more: in the migration of what a schema file declares
    asked: bool = True  # the code may go from a row of the target to these; false where nothing declares that


class Check(msgspec.Struct, frozen=True):
    """A condition that the database holds of every row."""

    name: str
    condition: str
    place: Place
    valid: bool = True  # rows that were there before were looked at


class Slot(msgspec.Struct, frozen=True):
    """Where the code that states a table takes one more index: at a byte offset, between `before` and `after`, in the words of
    a `form` (named form of `analyzers.model.indexes.statements`). `word` is what the file calls that which makes an index, and
    `columns` are those that it may be of: all, where none are named."""

    path: str
    offset: int
    before: str
    after: str
    form: str
    word: str = ""
    columns: tuple[str, ...] = ()
    young: bool = False  # the file is applied once: as of `Fix`


class Table(msgspec.Struct, frozen=True):
    """A table as the whole repository states it. `unread` says why its indexes are not known, where they are not, and
    `unread_at` where that stands."""

    name: str
    label: str  # as the project calls it: `Order`, or the table's own name
    columns: Mapping[str, Column]
    indexes: tuple[Index, ...]
    foreign_keys: tuple[ForeignKey, ...]
    place: Place | None
    database: str = ""  # the dialect: postgresql, mysql, sqlite; empty where the repository does not say
    unread: str = ""
    index_code: str = "sql"  # how this project states an index: named form of `analyzers.model.indexes.statements`
    checks: tuple[Check, ...] = ()
    unread_at: Place | None = None
    slots: tuple[Slot, ...] = ()  # the best first
    modelled: bool = False  # a class of the project states it
    scoped: bool = False  # the code adds a condition to every query of it, that stands in none of them and was not read
    asked: tuple[str, ...] = ()  # columns of such conditions that were read

    def led_by(self, column: str) -> Index | None:
        """An index whose first column is `column`. A partial one counts: whether a query implies its predicate is not read."""
        for index in self.indexes:
            if not index.readable or (index.columns and index.columns[0] == column and index.method in _ORDERED):
                return index
        return None


_ORDERED = ("", "btree", "hash")


class Operation(msgspec.Struct, frozen=True):
    """One change that a migration makes, where it is stated. `outside`: of the migration's own transaction. `columns`: where
    each column of a new table is stated, if that is known more closely. `linted`: the harms that a linter of SQL tells of the
    statement, each with its rule; nothing where none was asked."""

    change: SchemaChange
    place: Place
    outside: bool = False
    columns: tuple[Place, ...] = ()
    linted: tuple[tuple[str, str], ...] | None = None


class Migration(msgspec.Struct, frozen=True):
    """A file of changes that a `runner` applies once, in the order of `Project.migrations`."""

    path: str
    runner: str  # django, alembic, doctrine, laravel, flyway, …; sql for files that no known program runs
    name: str  # as the runner calls it: `shop.0002_status`, a revision
    operations: tuple[Operation, ...] = ()
    transactional: bool = True  # one transaction around all its operations, on a database that can have that
    database: str = ""  # the dialect, as of a table
    baseline: bool = False  # it states what is there already (a dump, a squash), and is no step
    tree: str = ""  # of files of SQL: the folder of the history it belongs to
    marks: str = (
        ""  # of files of SQL: the program whose marks it has (goose, sql-migrate, dbmate), which puts a transaction around
    )


class Relation(msgspec.Struct, frozen=True):
    """A relation as a model class declares or inherits it. `target` is a model's qualified name, empty where unknown."""

    model: str
    name: str
    target: str
    many: bool
    place: Place | None
    label: str  # `Order.customer`
    column: str = ""  # own column that holds it
    optional: bool = False  # the column may be empty
    polymorphic: bool = False
    eager: bool = False  # the mapping itself loads it with every query, or refuses to load it at all
    fresh: bool = False  # every read sends a query of its own
    lazy: bool = False  # its declaration asks libraries not to load it with rows by themselves
    deferred: bool = False  # it is a column, which the query left out
    inverse: bool = False
    back: str = ""  # the target's relation that points back: rows reached this way have it
    brings: tuple[str, ...] = ()  # paths from the target that the declaration itself loads along
    built: bool = True  # the declaration's own query was understood


class Remedy(msgspec.Struct, frozen=True):
    """What to do about a finding: a sentence, code to paste, and an edit where one is safe."""

    sentence: str
    code: str = ""
    language: str = ""
    fix: Fix | None = None


class Condition(msgspec.Struct, frozen=True):
    """What all rows meet that a query finds.

    `how`: equal, member (one of several), ranged, below (ranged, up to a value alone), prefix (a text that begins so), folded
    (equal but for upper and lower case), pattern (a text with something in it), null, filled (not null), contains (a part of a
    document or of a list), computed (a function of the column), key (no other search is needed), either (what one of the
    `sides` says). `table` is empty for the query's own, and `value` for what is no literal.
    """

    how: str
    column: str = ""
    value: str = ""
    table: str = ""
    sides: tuple[tuple[Condition, ...], ...] = ()


class Sort(msgspec.Struct, frozen=True):
    """A column of the query's own table that its rows are ordered by."""

    column: str
    descending: bool = False


class QuerySite(msgspec.Struct, frozen=True):
    """An expression that reads or writes rows of a table, and what it searches them by: all of `conditions` hold."""

    table: str
    function: str
    place: Place
    conditions: tuple[Condition, ...] = ()
    ordered: tuple[Sort, ...] = ()
    limited: bool = False  # it takes so many of the ordered rows
    partial: bool = False  # it also searches by something that was not understood
    batch: bool = False  # in a command or script that a schedule or a person starts, or of a page of those who look after it
    kept: bool = False  # a cache keeps what it gave, and asks again once in a while
    deletes: bool = False  # all the rows that it finds
    staff: bool = False  # the code asks who is there, and lets only those in who look after the product
    offered: bool = False  # clients may ask for it, and nothing says that any does

    def tables(self, known: Mapping[str, Table]) -> Iterator[Table]:
        """Its own table, and those that its conditions name."""
        for name in dict.fromkeys((self.table, *_tables(self.conditions))):
            if name in known:
                yield known[name]


def _tables(conditions: Iterable[Condition]) -> Iterator[str]:
    for condition in conditions:
        if condition.table:
            yield condition.table
        for side in condition.sides:
            yield from _tables(side)


class RelationRead(msgspec.Struct, frozen=True):
    """A relation read from one of many rows, which sends a query for each of them.

    `hops` is the way from the rows to the relation (`("customer", "country")`); `queried` says of each whether it sends queries
    or came with the rows. `query` is where the rows are asked for, `loop` where they are walked. A read that `bypasses` sends a
    query of its own, whatever was loaded.
    """

    relation: Relation
    hops: tuple[Relation, ...]
    queried: tuple[bool, ...]
    rows: str  # the model the rows are of, as the project calls it
    table: str  # their table
    query: Place
    query_function: str
    loop: Place
    read: Place
    read_function: str
    remedy: Remedy
    bypasses: bool = False
    loaded: bool = False  # it came with the rows, and is asked for again
    limit: int = 0  # a literal bound of the rows, 0 for none
    batch: bool = False  # in a command or script that a schedule or a person starts
    guard: str = ""  # the project's own call that makes such a read fail outside production
    through: tuple[Place, ...] = ()  # calls on the way from the loop, and last where the relation is touched, if not there
    path: tuple[str, ...] = ()
    shown: Place | None = None  # the call that shows the template in which the rows are asked for
    via: Place | None = None  # the call that gets the rows from the function that asks for them
    unseen: bool = False  # the query was not seen, but no query of the project loads the relation
    beside: str = ""  # what the loop does for each row besides: writes, leaves (a mail, another service, a task)
    few: str = ""  # why there are few rows, though nothing bounds them
    pinned: bool = False  # they are those of one other row, walked by a loop of the code
    scheduled: bool = False  # in what runs once in a while, or in the background


class RowQuery(msgspec.Struct, frozen=True):
    """A statement sent for each of many rows, because it is made of that row's values.

    `table` is what is asked for or written and `rows` what is walked, as the project calls them; `rows_table` is the latter's
    table. `effect` is what it writes (create, update, delete, statement), empty where it reads.
    """

    table: str
    rows: str
    rows_table: str
    query: Place
    query_function: str
    loop: Place
    read: Place
    read_function: str
    remedy: Remedy
    limit: int = 0
    batch: bool = False
    through: tuple[Place, ...] = ()  # calls on the way from the loop, and last where the query runs, if not there
    effect: str = ""
    given: bool = False  # no rows are walked, but items that a request brings
    beside: str = ""  # as of a read; `writes alone` where the loop does nothing but write each row
    few: str = ""
    pinned: bool = False
    scheduled: bool = False


class Project(msgspec.Struct, frozen=True):
    """What one revision means."""

    tables: Mapping[str, Table]
    reads: tuple[RelationRead, ...]
    lookups: tuple[RowQuery, ...]
    queries: tuple[QuerySite, ...]
    problems: tuple[Problem, ...] = ()
    deployment: Deployment = Deployment()
    migrations: tuple[Migration, ...] = ()  # in the order they are applied, as far as one is stated
    routes: tuple[Route, ...] = ()
    reach: Reach = Reach()
    made: tuple[Made, ...] = ()  # clients that each request or job makes
    unreturned: tuple[Unreturned, ...] = ()  # sessions that they do not give back
    streamed: tuple[Streamed, ...] = ()  # answers that keep a session while they wait
    guarded: tuple[Guarded, ...] = ()
    races: tuple[Race, ...] = ()
    errands: tuple[Errand, ...] = ()  # calls that leave the process or work for long
    flaws: tuple[Flaw, ...] = ()  # of its queues
    later: tuple[Later, ...] = ()  # how it has work done after the answer, for each of its languages
    heaps: tuple[Heap, ...] = ()
    transacts: bool = False  # a setting puts a transaction around each request
    settings: frozenset[str] = frozenset()  # those that are stated, of those that give all lists an end
