"""What we know of libraries, as data: one YAML file a library, read once, validated by the types below.

Three grades of saying a thing, in this order: a flag, a table entry, a named function of `analyzers.knowledge.naming`.
A name of a library is written in the library's own spelling; `namespaces` lists the modules it can be imported from, so
`relations: {ForeignKey: …}` means `<any of namespaces>.ForeignKey`. Names with a separator are full names.
"""

from __future__ import annotations

from collections.abc import Container
from functools import cache
from importlib import resources
from typing import Literal

import msgspec

from analyzers.knowledge.access import Votes
from analyzers.knowledge.adding import added
from analyzers.knowledge.addresses import Addresses
from analyzers.knowledge.bounds import Bounds
from analyzers.knowledge.clients import Client
from analyzers.knowledge.concurrency import Concurrency
from analyzers.knowledge.declarations import Arguments as Arguments
from analyzers.knowledge.declarations import Column as Column
from analyzers.knowledge.declarations import Relation as Relation
from analyzers.knowledge.derived import additions, derived
from analyzers.knowledge.endpoints import Endpoints as Endpoints
from analyzers.knowledge.filters import Filters
from analyzers.knowledge.forms import Choices, Forms
from analyzers.knowledge.handlers import Handlers, Injection
from analyzers.knowledge.listings import Cells, Grid, Inputs, Listing, Tags, Transformers
from analyzers.knowledge.methods import Hooks
from analyzers.knowledge.methods import Method as Method
from analyzers.knowledge.migrations import Migrations
from analyzers.knowledge.resolvers import Resolvers as Resolvers
from analyzers.knowledge.selections import Selections
from analyzers.knowledge.serializers import Serializers as Serializers
from analyzers.knowledge.validations import Validations
from analyzers.knowledge.views import Callables, Templates

LINEAGES_KEPT = 10_000
"""Sets of library classes that classes inherit from, with what a library knows of them."""


class Provided(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A table that the library's own packages bring. `label` is what strings call it; `one` and `many` are its relations."""

    table: str
    label: str = ""
    one: dict[str, str] = {}
    many: dict[str, str] = {}


class Mapping(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Files beside the code that say of classes what decorators would: elements and attributes, and what they stand for."""

    suffixes: tuple[str, ...]
    root: str = ""  # element around all others, in XML
    classes: dict[str, str] = {}
    fields: dict[str, tuple[str, ...]] = {}
    parts: dict[str, str] = {}  # of a class or a field: its indexes, its columns
    attributes: dict[str, str] = {}
    targets_setting: str = ""  # key of a configuration: interface -> class that relations with it mean


class Models(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How classes become tables.

    `style`: fields are assigned calls that name their columns and relations one by one (`call`), decorators of properties
    (`decorator`), methods that return what a method of the class gives (`return $this->hasMany(Line::class)`, `method`), or
    attributes whose types and foreign keys say together what they are (`typed`).
    """

    style: Literal["call", "decorator", "method", "typed"]
    arguments: Arguments = Arguments()
    bases: tuple[str, ...] = ()
    marks: tuple[str, ...] = ()  # decorators that make a class a table
    abstract_mark: str = ""  # decorator of a class whose fields its heirs have, and which is no table itself
    table_mark: str = ""  # decorator that names the table and its indexes
    inheritance_mark: str = ""  # decorator that says how its heirs have their tables: `inheritance`
    inheritance: dict[str, Literal["one", "joined"]] = {}
    index_marks: tuple[str, ...] = ()
    unique_marks: tuple[str, ...] = ()
    join_column_marks: tuple[str, ...] = ()
    id_marks: tuple[str, ...] = ()
    columns: dict[str, Column] = {}
    brought: dict[str, dict[str, Column]] = {}  # base classes of packages -> the columns that they bring
    column_types: dict[str, Column] = {}  # by the value of `arguments.type`
    untyped: str = ""  # role of a column of which nothing says its type
    annotation_types: dict[str, str] = {}  # role by the property's own type, where no column type is named
    relations: dict[str, Relation] = {}
    containers: tuple[str, ...] = ()  # types around an attribute's own, `Mapped`
    fresh_containers: tuple[str, ...] = ()  # types of collections that are asked for at every read
    references: tuple[str, ...] = ()  # calls among a column's arguments that name the column it refers to
    computed: tuple[str, ...] = ()  # decorators of methods that give an attribute's declaration
    proxies: dict[str, int] = {}  # calls that name a relation and an attribute of its rows, from the n-th argument on
    marked_bases: dict[str, str] = {}  # bases whose heirs are tables where this keyword of the class says so
    table_attribute: str = ""  # class attribute that names the table
    arguments_attribute: str = ""  # class attribute that holds the table's constraints
    abstract_attribute: str = ""  # class attribute that makes a class no table
    options: str = ""  # nested class of options, `Meta`
    option_table: str = ""
    option_indexes: tuple[str, ...] = ()
    option_unique: tuple[str, ...] = ()
    option_constraints: str = ""
    option_abstract: str = ""
    option_ordering: str = ""
    option_latest: str = ""
    option_unmanaged: str = ""
    items: dict[str, str] = {}  # arguments of a table besides columns -> primary, unique, index, foreign, check, exclusion
    table_makers: tuple[str, ...] = ()  # calls that state a table without a class
    option_application: str = ""  # names the application that a class belongs to
    table: str = ""  # named function: class -> table name
    column_suffix: str = "_id"
    beginnings: tuple[str, ...] = ()  # roles of columns whose own index comes with one that finds beginnings of texts
    index_methods: dict[str, str] = {}  # class of an index -> its method, where that is no B-tree
    user_names: tuple[str, ...] = ()  # what stands for the model that the settings name as the user
    user_setting: str = ""
    user_members: tuple[str, ...] = ()  # attribute paths that end with whoever sent the request
    user_classes: tuple[str, ...] = ()  # how that model is called where nothing says which it is
    user_default: str = ""  # the model that stands for the user where the settings do not say
    provided: dict[str, Provided] = {}  # by full name
    inverse_default: str = ""  # `{model}_set`
    parent_link: str = ""  # `{model}_ptr`: the row of a class that is a table in the table of the class it inherits from
    key_suffix: str = ""  # reading `<relation><suffix>` reads this row's own column
    primary_key: str = "id"
    mapping: Mapping | None = None
    mixin_relations: dict[str, dict[str, str]] = {}  # class or trait of another library -> name -> entry of `relations`
    relation_types: dict[str, str] = {}  # type that a method returns -> the entry of `relations` it stands for
    picks_one: tuple[str, ...] = ()  # methods of a relation under construction that make it one of its rows
    points_back_by: dict[str, int] = {}  # such methods that give its rows their owner -> position of the name they give it
    key_attribute: str = ""
    eager_attribute: str = ""  # names the relations that every query loads
    scope_methods: tuple[str, ...] = ()  # what they add to a query, every query has
    hidden_by: dict[str, str] = {}  # what a model inherits from -> column that has no value in the rows its queries find
    filter_bases: tuple[str, ...] = ()  # classes that change every query
    filter_method: str = ""  # which of their methods does
    scope_calls: tuple[str, ...] = ()  # calls of a class that give such conditions to all its queries
    scope_marks: tuple[str, ...] = ()  # marks on a class that do
    scope_method: str = ""  # of a class that such a call or mark names: the one that adds the condition
    cast_attribute: str = ""  # names columns with what they are converted to
    appended_attribute: str = ""  # names the attributes that are read when a row is laid out as data
    accessor: str = ""  # method that is read as the attribute `{name}`
    accessor_type: str = ""  # type of a method whose function `accessor_argument` is read as the attribute of its name
    accessor_argument: str = ""
    user_bases: tuple[str, ...] = ()  # base classes of the model that stands for the user of a request


class Rows(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where rows come from and what their methods do.

    `asks` are methods that are recognised by what they are given, a model class or a query, whoever has them: `query` makes a
    query of its arguments; `rows`, `tuples` and `row` run the query they are given; `key` fetches one row by its key; `page` is
    rows of a page. `loader_options` are calls that say what is loaded with the rows: `loads` a relation, `passes` one without
    loading it, `entity` begins at a class, `only` names the columns to load, `leaves` and `restores` name columns.
    """

    managers: tuple[str, ...] = ()  # attributes of a model class that give its rows
    manager_bases: tuple[str, ...] = ()
    manager_suffixes: tuple[str, ...] = ()  # how the classes of other packages that are managers are called
    manager_makers: tuple[str, ...] = ()  # methods that make a manager of a query class
    repository_bases: tuple[str, ...] = ()
    session_bases: tuple[str, ...] = ()  # classes whose methods give a repository or rows of a named class
    session_of: dict[str, str] = {}  # member of a repository that is the session -> the session's class
    repository_of: str = ""  # method of a session: class -> repository
    fetch_one: str = ""  # method of a session: class and key -> row
    reference: str = ""  # method of a session that gives a row by its key without asking for it
    finders: dict[str, str] = {}  # beginning of a method's name, before an attribute -> the method it means
    from_text: str = ""  # method of a session: a query in the library's own language
    builder: str = ""  # method of a session: a query under construction
    sessions: tuple[str, ...] = ()  # methods of a session that give a session
    methods: dict[str, Method] = {}
    query_factories: tuple[str, ...] = ()  # `super().get_queryset()` of a library's manager
    path_separator: str = "."
    lookups: dict[str, str] = {}  # suffix of a lookup -> equal, ranged, pattern, other
    expression_makers: dict[str, str] = {}  # methods that make a comparison -> its operator in a text; `all`: of several
    mutable: bool = False  # a query under construction is changed in place by its methods
    identity_map: bool = False  # a row is loaded once, whichever query brought it
    lazy_reference: bool = False  # a to-one relation gives a reference; the query runs when more than its key is read
    truth_runs: bool = True
    eager_to_one: str = ""  # code that loads a relation with the rows, `{path}`
    eager_to_many: str = ""
    eager_chain: bool = False  # the code above can be appended to the query
    join_chain: str = ""  # for queries under construction: `{alias}`, `{name}`, `{path}`
    bypass_advice: str = ""
    count_advice: str = ""
    bulk: str = ""  # code that asks for `{model}` once for all `{rows}`
    parts_of: tuple[str, ...] = ()  # calls that take of the rows of a query those that belong to rows at hand
    condition_makers: tuple[str, ...] = ()  # calls whose arguments are conditions, as those of a method
    combiners: dict[str, Literal["all", "any", "none"]] = {}  # calls that join the conditions they are given
    comparisons: dict[str, str] = {}  # methods of a column, and functions of one, that compare it -> how
    class_attributes: bool = False  # an attribute of a model class stands for its column or relation in a query
    loads_when_read: bool = False  # reading a collection queries for it, whatever is done with it
    selects: tuple[str, ...] = ()  # functions that make a query of their arguments
    asks: dict[str, Literal["query", "rows", "tuples", "row", "key"]] = {}
    loader_options: dict[str, Literal["loads", "passes", "entity", "only", "leaves", "restores"]] = {}
    option_chain: str = ""  # code that adds loader options to a query, `{options}`
    option_to_one: str = ""  # a loader option, `{model}` and `{name}`
    option_to_many: str = ""
    writes: tuple[str, ...] = ()  # methods of a row that write it, or check it before a write
    row_writes: dict[str, Literal["create", "update", "delete"]] = {}  # methods of a row that send a statement
    row_trees: dict[str, tuple[str, ...]] = {}  # methods that give other rows of the same table -> base classes that have them
    row_fetchers: dict[str, str] = {}  # methods of a row that fetch another one, and what to call that
    bulk_create: str = ""  # code that does for all rows at once what such a statement does for one, `{model}` and `{rows}`
    bulk_update: str = ""
    bulk_silent: bool = False  # these run no code that belongs to single rows
    hooks: Hooks = Hooks()
    bulk_delete: str = ""
    plain_bases: str = ""  # how the names of base classes begin that add nothing to writing a row; unknown of all others
    loaded_names: str = ""  # attribute of a row that holds the collections that came with it, by name
    apart: bool = False  # attributes and methods of a row have names of their own, and its class has the methods of a query
    collection: dict[str, Method] = {}  # methods of rows in memory
    row_methods: dict[str, Method] = {}  # methods of one row
    mixin_reads: dict[str, dict[str, str]] = {}  # class or trait of another library -> its method -> the relation that it reads
    mixin_attributes: dict[
        str, dict[str, str]
    ] = {}  # the same -> class attribute that names columns -> relation they are read of
    dynamic: str = ""  # how methods of a query begin that end with a column's name, and are that method
    scope: str = ""  # method of a model that is a method `{name}` of its queries
    scope_mark: str = ""  # decorator of such a method that has the name itself
    builder_method: str = ""  # method of a model that makes the project's own query class
    eager_later: str = ""  # code that loads a relation into rows in memory, `{path}`
    aggregates: tuple[str, ...] = ()  # what a query calls what it computes of a relation, `{relation}`
    guards: tuple[str, ...] = ()  # calls on a model class after which reading a relation late raises in development
    rescues: tuple[str, ...] = ()  # calls on a model class after which a relation read late is loaded for all rows at once


class Views(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Classes that bind rows to a template by declaration."""

    bases: tuple[str, ...]
    many: bool = True
    rows_method: str = ""
    rows_attribute: str = ""
    model_attribute: str = ""
    template_attribute: str = ""
    template_default: str = ""
    names: tuple[str, ...] = ()
    name_attribute: str = ""
    context_method: str = ""
    page_attribute: str = ""
    order_attribute: str = ""  # names what the library's own method orders the rows by
    rows_name: str = ""  # attribute of the view that holds its rows
    row_name: str = ""  # attribute of the view that holds its one row
    row_method: str = ""  # gives that row


class Applies(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A function that applies another to each item of a list.

    `function` and `rows` are positions of arguments, -1 for none; `keyword` names the function where that is how it is given.
    `skips` counts what the function gets before the item. `gives`: the results in a list, the same rows, one row, groups of
    them under what the function said, or nothing.
    """

    rows: int
    function: int = -1
    keyword: str = ""
    skips: int = 0
    gives: Literal["results", "rows", "row", "groups", ""] = ""
    ends: bool = False  # at the first item that holds


class Resources(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Classes that lay out a row as data: an object of one has the attributes of the row it was made of."""

    bases: tuple[str, ...]
    method: str  # lays out the row
    row: str  # attribute that is the row itself
    one: tuple[str, ...] = ()  # methods of the class that make one of a row, as its constructor does
    many: tuple[str, ...] = ()  # methods of the class that make one of each row
    items: str = ""  # for classes that lay out rows: attribute that holds an object for each
    item_class: str = ""  # attribute that names the class of these
    item_default: dict[str, str] = {}  # suffix of the class's name -> what their class has in its place
    if_loaded: tuple[str, ...] = ()  # methods that give a relation where it came with the row


class Shapes(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Classes that state the shape of an answer by typed fields, which are read of the row it is made of."""

    bases: tuple[str, ...]
    one: tuple[str, ...] = ()  # methods of the class that make an answer of a row
    routes: tuple[str, ...] = ()  # methods of a router that decorate the function of a route
    response: str = ""  # their keyword that names the shape, in the place of the function's own annotation


class TemplateComponents(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A function of templates that shows another template, with the object of a class that is made for it."""

    function: str
    folder: str  # of their templates, which are named after them
    suffix: str
    marks: tuple[str, ...] = ()  # decorators of such a class: its name for the function, and its template


class Library(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What we know of one library."""

    library: str
    language: Literal["python", "php", "javascript"]
    title: str
    namespaces: tuple[str, ...] = ()
    models: Models | None = None
    rows: Rows | None = None
    views: tuple[Views, ...] = ()
    tags: Tags | None = None
    registry: tuple[str, ...] = ()  # functions that give a model by its label, or by its application and its name
    cells: Cells | None = None
    listings: tuple[Listing, ...] = ()
    grids: tuple[Grid, ...] = ()
    inputs: tuple[Inputs, ...] = ()
    transformers: Transformers | None = None
    serializers: Serializers | None = None
    endpoints: Endpoints | None = None
    resources: tuple[Resources, ...] = ()
    shapes: Shapes | None = None
    resolvers: Resolvers | None = None
    renderers: dict[str, tuple[int, int]] = {}  # function: positions of template and context
    render_methods: dict[str, tuple[int, int]] = {}
    render_bases: tuple[str, ...] = ()
    templates: Templates | None = None
    wraps: dict[str, dict[str, tuple[int, str]]] = {}  # class: its attribute -> position and name of the argument that it is
    captures: tuple[str, ...] = ()  # functions that make a mapping of the names given to them and what those hold
    functions: dict[str, str] = {}  # function that gives an object when called without arguments -> its class
    property_marks: tuple[str, ...] = ()  # decorators of methods that are read like attributes
    context_renderers: dict[str, int] = {}  # functions whose keywords are the context: position of the template
    view_contexts: dict[str, str] = {}  # decorators of views: the keyword that names the class of the view's first argument
    template_marks: dict[str, str] = {}  # the same, where the first argument may be that template: its keyword
    view_marks: dict[str, str] = {}  # decorators of views: the keyword that names the template of what the view returns
    outward: tuple[str, ...] = ()  # how the names of calls begin that do something no database can take back
    outward_methods: tuple[str, ...] = ()  # methods and functions that do so, whoever has them
    row_writers: tuple[str, ...] = ()  # methods that write rows, whoever has them
    fetchers: dict[str, int] = {}  # calls that fetch one row of their n-th argument
    path_readers: tuple[str, ...] = ()  # calls that read the dotted path of their first argument that the second names
    memberships: tuple[str, ...] = ()  # functions that tell whether their first argument is among the second
    readers: tuple[str, ...] = ()  # calls that read the attribute of their first argument that the second names
    loaders: dict[str, int] = {}  # calls that load the relations named after it into the rows of their n-th argument
    validations: Validations | None = None
    filters: Filters | None = None
    keepers: tuple[str, ...] = ()  # methods that call a function once in a while, and give what they kept of it else
    transparent: dict[str, int] = {}  # calls that hand on the rows of their n-th argument
    applies: dict[str, Applies] = {}
    containers: dict[str, Literal["list", "mapping"]] = {}  # what makes an empty one
    driver_calls: tuple[str, ...] = ()  # methods that run SQL, whoever has them
    sql_makers: tuple[str, ...] = ()  # functions that make a statement of the text they are given
    driver_functions: dict[str, int] = {}  # functions that run the SQL of their n-th argument
    driver_prefixes: tuple[str, ...] = ()  # how the names of functions begin that fetch from what their first argument holds
    lines: tuple[str, ...] = ()  # functions that read a file line by line
    driver_binds: tuple[str, ...] = ()  # methods that run a prepared statement with the values they are given
    driver_rows: dict[str, Literal["rows", "row"]] = {}  # methods that give what such a statement selects
    getters: tuple[str, ...] = ()  # functions that make a function that reads the path they are given
    partials: tuple[str, ...] = ()  # functions that give their first argument with the others given to it already
    sent: tuple[str, ...] = ()  # attribute paths that end with data that a request brings, and methods that give it
    sent_methods: tuple[str, ...] = ()  # methods of such data that give a part of it
    slicers: tuple[str, ...] = ()  # functions that bound their first argument to the number that follows
    caches: tuple[str, ...] = ()  # calls that answer from a cache, if they can
    transparent_methods: tuple[str, ...] = ()
    hands_on: dict[str, int] = {}  # methods, of whatever object, that hand on the rows of their n-th argument
    page_keyword: str = ""  # names that argument
    components: TemplateComponents | None = None
    callables: Callables | None = None
    votes: Votes | None = None
    selections: Selections | None = None
    choices: Choices | None = None
    forms: Forms | None = None
    constants: dict[str, str] = {}  # of its classes, by full name
    pages: dict[str, int] = {}  # calls of `transparent` whose n-th argument bounds the rows
    container_bases: tuple[str, ...] = ()  # classes whose methods give an object by its name in the configuration
    container_methods: tuple[str, ...] = ()
    services: dict[str, str] = {}  # such a name -> class
    injected: dict[str, str] = {}  # type of a parameter -> what it is: session
    policy_bases: tuple[str, ...] = ()  # classes that run when a program starts, and decide for all its rows
    tables: dict[str, int] = {}  # calls that start a query of the table that their n-th argument names
    starts: dict[str, int] = {}  # calls that start a query of the model, or go on with the query, that their n-th argument is
    outputs: dict[str, int] = {}  # calls that put out their n-th argument as data
    addresses: Addresses | None = None
    bound_in: tuple[str, ...] = ()  # namespaces in whose classes a parameter of a model's type is a row fetched for the call
    helpers: dict[str, str] = {}  # function -> class of what it gives
    makers: dict[str, int] = {}  # calls that give an object of the class that their n-th argument names
    users: tuple[str, ...] = ()  # calls that give the user of a request
    migrations: Migrations | None = None
    application_bases: tuple[str, ...] = ()  # how the names of classes end that configure an application
    schema_from: Literal["models", "migrations", "migrations alone", "unread"] = "models"
    responses: dict[str, str] = {}  # class of what an action may return -> its method that makes the answer
    handlers: tuple[Handlers, ...] = ()
    injection: Injection | None = None
    concurrency: Concurrency | None = None
    bounds: Bounds | None = None
    clients: dict[str, Client] = {}  # by the full name of the call; `x.Maker()` calls what `x.Maker` made
    reflection: dict[str, Literal["class", "last", "replace", "exists"]] = {}  # functions of classes by their names


@cache
def _files() -> tuple[Library, ...]:
    files = sorted(
        (f for f in resources.files(__name__).iterdir() if f.name.endswith(".yml")),
        key=lambda f: f.name,
    )
    return tuple(msgspec.yaml.decode(f.read_bytes(), type=Library) for f in files)


@derived
def libraries() -> tuple[Library, ...]:
    """All libraries, by file name, with what is said of others that are like them."""
    found = {library.library: library for library in _files()}
    for own in additions():
        found[own.library] = added(found[own.library], own)
    return tuple(found.values())


def named(library: Library, name: str, table: Container[str]) -> str | None:
    """The key of `table` that the full library name `name` stands for, if any."""
    if not table:
        return None
    if name in table:
        return name
    for separator in (".", "\\"):
        space, found, last = name.rpartition(separator)
        if found and last in table and space in library.namespaces:
            return last
    return None
