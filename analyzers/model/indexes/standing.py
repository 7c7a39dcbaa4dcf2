"""What every query of a table asks for, by what the project states elsewhere: rows that are not deleted, those of one tenant.

A library adds it to the SQL, so no query says it; an index that begins with such a column serves them all the same.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping

import msgspec

from analyzers.facts.outline import Text, walk
from analyzers.knowledge import Library, libraries, named
from analyzers.model.naming.code import Codebase
from analyzers.model.naming.roles import is_product
from analyzers.model.project import Condition, QuerySite, Table
from analyzers.model.tables.models import Model, ModelIndex


def asked_always(
    code: Codebase, models: ModelIndex, tables: Mapping[str, Table], queries: Iterable[QuerySite]
) -> Iterator[QuerySite]:
    """The queries with what is asked for whenever their table is."""
    standing = _standing(code, models)
    for query in queries:
        table = tables.get(query.table)
        always = (*standing.get(query.table, ()), *(_scoped(table) if table is not None else ()))
        added = [c for c in dict.fromkeys(always) if c not in query.conditions]
        yield msgspec.structs.replace(query, conditions=(*query.conditions, *added)) if added else query


def _scoped(table: Table) -> Iterator[Condition]:
    """What a scope asks for: rows of somebody, whose key it compares, or rows in some state, as most are."""
    for name in table.asked:
        yield Condition("equal" if table.columns[name].role == "foreign key" or name.endswith("_id") else "null", name)


def _standing(code: Codebase, models: ModelIndex) -> Mapping[str, tuple[Condition, ...]]:
    filters = {x.library: frozenset(_filtered(code, x)) for x in libraries() if x.models is not None and x.models.filter_bases}
    found = {}
    for model in models.by_name.values():
        if not model.abstract and (said := tuple(_of_model(code, model, filters.get(model.library.library, frozenset())))):
            found[model.table] = said
    return found


def _of_model(code: Codebase, model: Model, filters: frozenset[str]) -> Iterator[Condition]:
    words = model.library.models
    hiding = words.hidden_by if words is not None else {}
    for external in code.externals(model.definition) if hiding else ():
        name = named(model.library, external, hiding)
        if name is not None:
            yield Condition("null", hiding[name])
    for relation in model.relations.values() if filters else ():
        if relation.column and filters & {relation.name, relation.column}:
            yield Condition("equal", relation.column)
    for column in model.columns.values() if filters else ():
        if column.name in filters and not column.foreign:
            yield Condition("null", column.name)


def _filtered(code: Codebase, library: Library) -> Iterator[str]:
    """The words of the texts by which filters of the project change queries."""
    words = library.models
    assert words is not None
    for definition in code.classes():
        if code.files[definition.path].language != library.language or not definition.node.bases:
            continue
        method = definition.methods.get(words.filter_method)
        if method is None or not is_product(definition.path):
            continue
        if any(named(library, external, words.filter_bases) for external in code.externals(definition)):
            for node in walk(method.node):
                if isinstance(node, Text) and isinstance(node.value, str):
                    yield from re.findall(r"\w+", node.value)
