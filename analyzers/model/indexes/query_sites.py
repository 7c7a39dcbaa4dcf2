"""Queries in the words of the project: of which table, by which of its columns, and how they are ordered."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

from analyzers.facts.outline import Assign, Call, Class, Function, Member, Name, Node, Other, Text, children, walk
from analyzers.facts.sql import SqlQuery
from analyzers.knowledge import libraries
from analyzers.knowledge.derived import derived
from analyzers.model.inference.frames import Query, Trace
from analyzers.model.inference.members import module_name
from analyzers.model.inference.rows.lookups import named_order
from analyzers.model.inference.types import Search
from analyzers.model.naming.code import Codebase
from analyzers.model.naming.definitions import ClassDefinition, FunctionDefinition
from analyzers.model.naming.literals import last_name
from analyzers.model.naming.roles import is_batch, is_product
from analyzers.model.project import Condition, QuerySite, Sort
from analyzers.model.tables.models import Model, ModelIndex
from analyzers.source import Place


def walked(code: Codebase, models: ModelIndex, trace: Trace) -> Iterator[QuerySite]:
    """The queries that a walk noted."""
    for query in trace.searches.values():
        model = models.by_name.get(query.rows.model)
        if model is not None and not model.abstract and is_product(query.at.path):
            yield _site(code, models, model, query)


def longest(queries: Iterable[QuerySite]) -> tuple[QuerySite, ...]:
    """Of the queries that begin at one place, the one that searches by most."""
    best: dict[tuple[str, int, int], QuerySite] = {}
    for query in queries:
        span = query.place.span
        key = (query.place.path, span.start_line, span.start_column)
        known = best.get(key)
        if known is None or _said(known) <= _said(query):
            best[key] = query
    return tuple(best.values())


def _said(query: QuerySite) -> int:
    return len(query.conditions) + len(query.ordered) + query.limited


def _site(code: Codebase, models: ModelIndex, model: Model, query: Query) -> QuerySite:
    rows, at = query.rows, query.at
    limited = rows.limited or rows.limit > 0
    conditions, partial = _conditions(models, model, rows.searches)
    ordered = _ordered(model, rows.searches) if limited else ()
    if rows.limit == 1 and not rows.searches:
        ordered = ()  # whichever row comes first: there is one
    return QuerySite(
        table=model.table,
        function=at.function,
        place=Place(at.path, code.files[at.path].span(at.start, at.end)),
        conditions=conditions,
        ordered=ordered,
        limited=limited,
        partial=partial,
        batch=query.aside or is_batch(at.path),
        kept=_kept(code, at.path, at.start),
        staff=_is_guarded(code, at.path, at.start),
        deletes=any(s.how == "deleted" for s in rows.searches),
    )


_keepers = derived(lambda: frozenset(name for library in libraries() for name in library.keepers))


def _kept(code: Codebase, path: str, offset: int) -> bool:
    """Whether what stands there runs once in a while, as a cache keeps what it gave."""
    nodes: Sequence[Node] = code.files[path].outline
    while node := next((n for n in nodes if n.start <= offset < n.end), None):
        match node:
            case Call(callee=Member(name=name), args=args) if name in _keepers():
                if any(isinstance(arg, Function) and arg.start <= offset < arg.end for arg in args):
                    return True
        nodes = children(node)
    return False


_GUARD = re.compile(r"staff|superuser|is_?admin|admin_required", re.IGNORECASE)


def _is_guarded(code: Codebase, path: str, offset: int) -> bool:
    """Whether a decorator of the function or class around lets only the staff in, or a permission that the class names."""
    for top in code.files[path].outline:
        if isinstance(top, Class | Function) and top.start <= offset < top.end:
            marks: list[Node] = list(top.decorators)
            for node in top.body if isinstance(top, Class) else ():
                match node:
                    case Assign(target=Name(id="permission_classes"), value=value) if value is not None:
                        marks.append(value)
                    case Function(decorators=own) if node.start <= offset < node.end:
                        marks.extend(own)
            names = (last_name(n) for mark in marks for n in walk(mark) if isinstance(n, Name | Member))
            return any(_GUARD.search(name) for name in names)
    return False


def _ordered(model: Model, searches: tuple[Search, ...]) -> tuple[Sort, ...]:
    """The columns that the rows are ordered by, as far as an index of their table could serve them."""
    if any(s.how == "grouped" for s in searches):
        return ()
    stated = [s for s in searches if s.how == "ordered"] or [named_order(model, name) for name in model.ordering]
    known = []
    for search in stated:
        if not search.column:
            break
        known.append(Sort(search.column, search.descending))
    return tuple(known)


_NO_CONDITION = ("ordered", "grouped", "deleted")


def _conditions(models: ModelIndex, model: Model, searches: tuple[Search, ...]) -> tuple[tuple[Condition, ...], bool]:
    """What the rows meet, and whether they also meet something that was not understood."""
    found: dict[Condition, None] = {}
    partial = False
    for search in searches:
        if search.how in _NO_CONDITION:
            continue
        holder = models.by_name.get(search.model)
        sides = tuple(_conditions(models, model, side) for side in search.sides)
        if search.how == "other" or holder is None or any(unknown and not known for known, unknown in sides):
            partial = True
            continue
        table = holder.table if holder is not model else ""
        alternatives = tuple(known for known, _ in sides)
        value = search.value if search.how != "key" else ""
        found[Condition(search.how, search.column, value, table, alternatives)] = None
    return tuple(found), partial


# -- queries written out in SQL ----------------------------------------------------------------------------------------


def written(code: Codebase) -> Iterator[QuerySite]:
    """The queries of the SQL texts in code that runs for users."""
    for path, facts in code.files.items():
        if facts.language in _LANGUAGES and is_product(path) and any(text.queries for text in facts.sql):
            parts = _unfinished(facts.outline)
            for text in facts.sql:
                for query in text.queries:
                    place = Place(path, facts.span(text.start, text.end))
                    yield _of_sql(query, place, around(code, path, text.start), open_ended=text.start in parts)


_LANGUAGES = ("python", "php")
_JOINED = frozenset({"+", ".", "format", "%"})


def _of_sql(query: SqlQuery, place: Place, function: str, *, open_ended: bool) -> QuerySite:
    own = query.tables[0]
    found = [("equal", column) for column in query.equal]
    found += [("folded", column) for column in query.folded] + [("ranged", column) for column in query.ranged]
    return QuerySite(
        table=own,
        function=function,
        place=place,
        conditions=tuple(Condition(how, column, table="" if table == own else table) for how, (table, column) in found),
        ordered=tuple(Sort(column) for table, column in query.ordered[:1] if table == own),
        limited=query.limited,
        partial=query.partial or open_ended,
        batch=is_batch(place.path),
        deletes=query.does == "delete",
    )


def around(code: Codebase, path: str, offset: int) -> str:
    """The innermost function around a place, or the module."""
    functions: list[FunctionDefinition] = []
    for definition in code.definitions(path).values():
        match definition:
            case FunctionDefinition():
                functions.append(definition)
            case ClassDefinition(methods=methods):
                functions.extend(methods.values())
    held = [f for f in functions if f.node.start <= offset < f.node.end]
    return min(held, key=lambda f: f.node.end - f.node.start).qualified if held else module_name(code, path)


def _unfinished(outline: tuple[Node, ...]) -> frozenset[int]:
    """Where texts begin that are put together with others, or changed, before they are sent."""
    starts: set[int] = set()
    assigned: dict[str, set[int]] = {}
    changed: set[str] = set()
    for node in (inner for top in outline for inner in walk(top)):
        match node:
            case Other(word=word, children=parts) if word in _JOINED:
                starts.update(part.start for part in parts if isinstance(part, Text))
                changed.update(part.id for part in parts if isinstance(part, Name))
            case Member(of=Text(start=start)):
                starts.add(start)
            case Assign(target=Name(id=name), operator=operator) if operator:
                changed.add(name)
            case Assign(target=Name(id=name), value=Text(start=start)):
                assigned.setdefault(name, set()).add(start)
            case Member(of=Name(id=name)):
                changed.add(name)
    return frozenset(starts.union(*(assigned[name] for name in changed & assigned.keys())))
