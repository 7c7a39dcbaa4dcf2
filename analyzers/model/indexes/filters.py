"""Queries that the address of a request asks: a list that a parameter narrows, and a row that a part of the path names.

Each parameter may come alone, so each is a query of its own.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from analyzers.facts.outline import Call, Member, Name, Node, Other, Text, walk
from analyzers.knowledge import Library, libraries, named
from analyzers.knowledge.filters import Filters
from analyzers.model.inference.rows import lookups
from analyzers.model.naming.code import Codebase
from analyzers.model.naming.definitions import External
from analyzers.model.naming.literals import arguments, text_of
from analyzers.model.naming.roles import is_product
from analyzers.model.project import Condition, QuerySite, Sort
from analyzers.model.tables.models import Model, ModelIndex

_BOUND = re.compile(r"\{(?P<name>\w+):(?P<column>\w+)\??\}")


def addressed(code: Codebase, models: ModelIndex) -> Iterator[QuerySite]:
    """The queries of filters, and of parts of paths that name a column."""
    for library in libraries():
        words = library.filters
        for model in models.by_name.values() if words is not None else ():
            facts = code.files.get(model.definition.path)
            known = facts is not None and facts.language == library.language and is_product(model.definition.path)
            if words is not None and known and not model.abstract:
                yield from _filtered(code, model, library, words)
        if library.addresses is not None and library.addresses.bound_in:
            yield from _bound(code, models, library, library.addresses.bound_in)


# -- filters -----------------------------------------------------------------------------------------------------------


def _filtered(code: Codebase, model: Model, library: Library, words: Filters) -> Iterator[QuerySite]:
    definition = model.definition
    stated = [(mark, "") for mark in definition.node.decorators]
    stated += [(mark, name) for name, assign in definition.attributes.items() for mark in assign.decorators]
    for mark, own in stated:
        meant = code.resolve_node(definition.path, mark.callee) if isinstance(mark, Call) else None
        if isinstance(mark, Call) and isinstance(meant, External) and named(library, meant.name, words.marks):
            given = arguments(mark)
            kind = words.kinds.get(_class(given.get("0") or given.get("filterClass")), "")
            for name, how in _properties(given, own, words, kind):
                column = lookups.column_of(model, name)
                if column and how:
                    yield _site(code, definition.path, mark, model, column, how)


def _class(node: Node | None) -> str:
    """`SearchFilter` of `SearchFilter::class`."""
    match node:
        case Member(of=Name(id=name), name="class"):
            return name.rpartition("\\")[2]
    return ""


def _properties(given: dict[str, Node], own: str, words: Filters, kind: str) -> Iterator[tuple[str, str]]:
    """What is filtered by, and how each is compared; nothing for a way that no index helps."""
    listed = given.get(words.properties)
    if own and listed is None:
        yield own, _how(given.get(words.strategy), words, kind)
    for item in listed.children if isinstance(listed, Other) else ():
        match item:
            case Text(value=str() as name):
                yield name, _how(None, words, kind)
            case Other(word="pair", children=(Text(value=str() as name), said)):
                yield name, _how(said, words, kind)


def _how(said: Node | None, words: Filters, kind: str) -> str:
    return words.strategies.get(text_of(said) or "exact", "") if kind == "stated" else kind


def _site(code: Codebase, path: str, node: Node, model: Model, column: str, how: str) -> QuerySite:
    ordered = how == "ordered"
    return QuerySite(
        model.table,
        model.qualified,
        code.place(path, node),
        () if ordered else (Condition(how, column),),
        (Sort(column),) if ordered else (),
        limited=ordered,
        offered=how in _OFFERED,
    )


_OFFERED = ("ordered", "ranged")


# -- parts of paths ----------------------------------------------------------------------------------------------------


def _bound(code: Codebase, models: ModelIndex, library: Library, imports: tuple[str, ...]) -> Iterator[QuerySite]:
    """`Route::get('/posts/{post:slug}', …)`: the post whose `slug` that is."""
    called = {m.name.lower(): m for m in models.by_name.values() if m.library.library == library.library}
    for path, facts in code.files.items():
        if facts.language != library.language or not is_product(path) or not any(i.path in imports for i in facts.imports):
            continue
        for text in (n for top in facts.outline for n in walk(top) if isinstance(n, Text) and isinstance(n.value, str)):
            for found in _BOUND.finditer(str(text.value)):
                model = called.get(found["name"].replace("_", "").lower())
                if model is not None:
                    yield QuerySite(
                        model.table, f"{found[0]} of {path}", code.place(path, text), (Condition("equal", found["column"]),)
                    )
