"""Where rows come from: managers, repositories, sessions, and the classes of the project that stand for them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

import msgspec

from analyzers.facts.outline import Assign, Call, Member, Name, Node, Other, walk
from analyzers.knowledge import Library, libraries, named
from analyzers.knowledge.derived import derived
from analyzers.model.inference.rows.dql import read_dql
from analyzers.model.inference.rows.searches import attribute_search
from analyzers.model.inference.types import (
    Bound,
    Instance,
    LibraryValue,
    Literal,
    ModelClass,
    Row,
    Rows,
    Site,
    Tupled,
    Value,
    row_among,
)
from analyzers.model.naming.definitions import ClassDefinition, External, ValueDefinition
from analyzers.model.tables.repositories import class_named

if TYPE_CHECKING:
    from analyzers.model.inference.frames import Frame
    from analyzers.model.inference.summaries import Inference


_MAX_HOPS = 4  # names of managers followed into one another


def rows_of_class(inference: Inference, definition: ClassDefinition) -> Rows | None:
    """What an object of a repository, manager or queryset class stands for: rows that nothing is known of yet."""
    inference.trace.touched.add(f"repository:{definition.qualified}")
    served = inference.repositories.models.get(definition.qualified)
    if served is not None:
        site = Site(definition.path, definition.node.start, definition.node.end, definition.qualified)
        return Rows(served, site, kind=definition)
    return None


def named_after(inference: Inference, name: str, value: Value) -> Value:
    """A repository of no model in particular, as the one of the model that it is called after: `$orderRepository`."""
    stem = name.removesuffix("Repository")
    match value:
        case LibraryValue(name=full, instance=True):
            names: Iterable[str] = (full,)
        case Instance(definition=definition):
            names = inference.code.externals(definition)
        case _:
            return value
    if stem == name or not any(named(x, n, x.rows.repository_bases) for x in libraries() if x.rows is not None for n in names):
        return value
    model = inference.model_called(stem[:1].upper() + stem[1:])
    if model is None:
        return value
    site = Site(model.definition.path, model.definition.node.start, model.definition.node.end, model.qualified)
    return Rows(model.qualified, site, kind=inference.repository_of(model.qualified))


def repository_for(inference: Inference, path: str, node: Other, inner: Node) -> Rows | None:
    """`RepositoryInterface<Order>`: a library's repository, as that of the model that its type names."""
    held = inference.code.resolve_node(path, node.children[0])
    found = inference.code.resolve_node(path, inner)
    if not isinstance(held, External) or not isinstance(found, ClassDefinition) or not inference.is_model(found):
        return None
    if not any(named(x, held.name, x.rows.repository_bases) for x in libraries() if x.rows is not None):
        return None
    site = Site(path, node.start, node.end, found.qualified)
    return Rows(found.qualified, site, kind=inference.repository_of(found.qualified))


def manager_class(inference: Inference, stated: tuple[ClassDefinition, Assign]) -> ClassDefinition | None:
    """The project's manager or queryset class behind `objects = OrderManager()`, `OrderQuerySet.as_manager()` and
    `models.Manager.from_queryset(OrderQuerySet)()`."""
    owner, assign = stated
    found = tuple(dict.fromkeys(_managers_in(inference, owner.path, assign.value, _MAX_HOPS)))
    return inference.code.combined(found) if found else None


def _managers_in(inference: Inference, path: str, value: Node | None, hops: int) -> Iterator[ClassDefinition]:
    """The manager and queryset classes that a call names, directly or by the names of other such calls."""
    made = {id(part) for node in walk(value) if isinstance(value, Call) for part in _made_of(node)} if value is not None else ()
    for node in walk(value) if isinstance(value, Call) and hops else ():
        if isinstance(node, Name):
            match inference.code.resolve(path, node.id):
                case ClassDefinition() as found if id(node) in made or _is_manager(inference, found):
                    yield found
                case ValueDefinition(path=at, node=Assign(value=Call() as inner)) if inner is not value:
                    yield from _managers_in(inference, at, inner, hops - 1)


_makers = derived(
    lambda: frozenset(name for library in libraries() if library.rows is not None for name in library.rows.manager_makers)
)


def _made_of(node: Node) -> tuple[Node, ...]:
    """The query classes in `Manager.from_queryset(Orders)` and `Orders.as_manager()`, whatever they inherit from."""
    match node:
        case Call(callee=Member(name=name, of=of), args=args) if name in _makers():
            return args or (of,)
    return ()


def is_manager(inference: Inference, owner: ClassDefinition, assign: Assign) -> bool:
    """Whether a class-level name is a manager of the library itself: `published = models.Manager()`."""
    found = inference.code.resolve_node(owner.path, assign.value.callee) if isinstance(assign.value, Call) else None
    return isinstance(found, External) and any(
        named(library, found.name, library.rows.manager_bases) for library in libraries() if library.rows is not None
    )


def _is_manager(inference: Inference, definition: ClassDefinition) -> bool:
    language = inference.code.files[definition.path].language
    known = [library for library in libraries() if library.rows is not None and library.language == language]
    return any(
        named(library, e, library.rows.manager_bases) or e.endswith(library.rows.manager_suffixes or ("\0",))
        for library in known
        if library.rows is not None
        for e in inference.code.externals(definition)
    )


def manager_kind(inference: Inference, model: str) -> ClassDefinition | None:
    """The class whose methods a collection of the model's rows has: its default manager's."""
    found = inference.model(model)
    if found is None or found.library.rows is None:
        return None
    for name in found.library.rows.managers:
        stated = inference.code.attribute(found.definition, name)
        if stated is not None:
            return manager_class(inference, stated)
    return None


def library_of(inference: Inference, rows: Rows) -> Library | None:
    """The library whose methods these rows have."""
    model = inference.model(rows.model)
    if model is not None:
        return model.library
    if rows.stage:
        return next((x for x in libraries() if x.rows is not None and x.rows.apart), None)
    language = inference.code.files[rows.site.path].language
    wanted = "php" if language in ("php", "twig", "blade") else "python"
    return next((x for x in libraries() if x.language == wanted and x.rows is not None), None)


def sender(inference: Inference, name: str) -> Row | None:
    """Whoever sent the request, if that is what an attribute of a library's object is."""
    if name.rpartition(".")[2] in senders() and f".{name}".endswith(_user_members()):
        user = inference.user()
        return Row(user.qualified, known=True) if user is not None else None
    return None


senders = derived(
    lambda: frozenset(p.rpartition(".")[2] for x in libraries() if x.models is not None for p in x.models.user_members)
)
_user_members = derived(
    lambda: tuple(f".{path}" for x in libraries() if x.models is not None for path in x.models.user_members)
)


def rows_from(value: Value, frame: Frame, node: Node) -> Rows | None:
    """A model class or rows, as rows."""
    match value:
        case Rows():
            return value
        case ModelClass(model=model):
            return Rows(model, frame.site(node), root=frame.site(node))
    return None


def session_call(
    inference: Inference, library: Library, callee: LibraryValue, node: Call, args: tuple[Value, ...], frame: Frame
) -> Value:
    """What a session's own methods give: a repository, one row, a query in the ORM's language, a query builder."""
    words = library.rows
    holder, _, method = callee.name.rpartition(".")
    if words is None or not words.session_bases or not callee.instance or named(library, holder, words.session_bases) is None:
        return None
    site = frame.site(node)
    if method == words.repository_of and node.args:
        found = class_named(inference.code, frame.path, node.args[0])
        if found is None or not inference.is_model(found):
            return None
        return Rows(found.qualified, site, kind=inference.repository_of(found.qualified))
    if method == words.fetch_one and node.args:
        found = class_named(inference.code, frame.path, node.args[0])
        if found is None or not inference.is_model(found):
            return None
        asked = Rows(found.qualified, site, root=site, per=row_among(args[1:]))
        if asked.per is not None:
            inference.note_lookup(asked, node, frame)
        return Row(found.qualified, known=True)
    if method == words.reference and node.args:
        found = class_named(inference.code, frame.path, node.args[0])
        return Row(found.qualified, known=True) if found is not None and inference.is_model(found) else None
    if method == words.from_text and args and isinstance(args[0], Literal) and isinstance(args[0].value, str):
        return _from_dql(inference, args[0].value, site, frame)
    if method == words.builder:
        return Rows("", site, root=site, joined=site)
    if method in words.sessions:
        return LibraryValue(holder, instance=True)
    return None


def _from_dql(inference: Inference, text: str, site: Site, frame: Frame) -> Value:
    """Rows of a query written in the ORM's own language."""
    dql = read_dql(text)
    if dql is None:
        return None
    code = inference.code
    found = code.php_class(dql.entity) or code.wiring.aliased(dql.entity) or code.resolve(frame.path, dql.entity)
    if not isinstance(found, ClassDefinition) or not inference.is_model(found):
        return None
    model = inference.models.by_class[id(found)]
    aliases: dict[str, str] = {dql.alias: ""}
    for alias, parent, relation in dql.joins:
        if parent in aliases:
            aliases[alias] = ".".join(p for p in (aliases[parent], relation) if p)
    eager = frozenset(aliases[a] for a in dql.selected if aliases.get(a))
    searches = tuple(s for s in (attribute_search(model, aliases, a, n, how) for a, n, how in dql.searches) if s is not None)
    known = dql.alias in dql.selected
    return Rows(model.qualified, site, eager=eager, known=known, aliases=tuple(aliases.items()), root=site, searches=searches)


def extended(inference: Inference, called: Bound, result: Value, args: tuple[Value, ...], node: Call, frame: Frame) -> Value:
    """Rows that a function of the project hands on, as the caller's query where that is the place to add eager loading.

    So it is for a method of the project's own queryset (`Order.objects.paid()`), for a helper that got the caller's query and
    changed it, for a method that a model inherits, and for one of an object that was given the model: what such a function
    does must fit its other callers too. A function that makes a query of its own is that query's place.
    """
    if isinstance(result, Tupled):
        items = tuple(_handed_back(item, args, frame.site(node)) for item in result.items)
        return msgspec.structs.replace(result, items=items)
    if not isinstance(result, Rows) or result.site.function == frame.function:
        return result
    if result.via is None and result.owner is None:
        result = msgspec.structs.replace(result, via=frame.site(node))
    library = library_of(inference, result)
    if library is None or library.rows is None or not library.rows.eager_chain:
        return result
    receiver, owner = called.receiver, called.definition.owner
    if result.stage == "fetched":  # nothing can follow it: what loads more goes before the call, if the query was there then
        return after(receiver, result, frame.site(node)) if isinstance(receiver, Rows) else result
    given = isinstance(receiver, Rows) or (result.root is not None and result.root.function == frame.function)
    inherited = isinstance(receiver, ModelClass | Row) and owner is not None and owner.qualified != result.model
    told = isinstance(receiver, Instance) and ModelClass(result.model) in (*receiver.args, *dict(receiver.keywords).values())
    if not given and not inherited and not told:
        return result
    root = receiver.root if isinstance(receiver, Rows) else result.root if given else None
    return msgspec.structs.replace(result, site=frame.site(node), chained=True, root=root or frame.site(node), via=None)


def handed_over(inference: Inference, rows: Rows, frame: Frame) -> bool:
    """Whether a function that was called began the query, and changing it changes no other. What a caller gave is the
    caller's, and may not be complete yet."""
    library = library_of(inference, rows) if frame.outer is None and rows.owner is None else None
    return library is not None and library.rows is not None


def _handed_back(item: Value, args: tuple[Value, ...], site: Site) -> Value:
    """Rows that come back among other things, as the query that was handed in: to that the caller can still add."""
    if not isinstance(item, Rows) or item.root is None:
        return item
    query = next((given for given in args if isinstance(given, Rows) and given.root == item.root), None)
    return after(query, item, site) if query is not None and query.site.function != item.site.function else item


def after(query: Rows, out: Rows, site: Site) -> Rows:
    """What a function of the project made of a query, placed where the caller can add to it."""
    if out.model != query.model:
        return out
    if out.stage == "open":
        return msgspec.structs.replace(out, site=site, chained=True, recast="", root=query.root or site)
    return msgspec.structs.replace(out, site=query.site, chained=query.chained, recast=query.recast, root=query.root)
