"""Conditions that the code adds to every query of a table, and that stand in none of them: of a tenant, mostly.

A class gives them to all its queries by a call, or its manager does. Whether an index serves a query is not known where they
are not read.
"""

from __future__ import annotations

from collections.abc import Iterator

from analyzers.facts.outline import Assign, Call, Keyword, Member, Name, Node, Text, walk
from analyzers.knowledge import Rows
from analyzers.model.naming.code import Codebase
from analyzers.model.naming.definitions import ClassDefinition, External
from analyzers.model.tables.models import Model


def is_scoped(code: Codebase, model: Model) -> bool:
    """Whether every query of the model meets more than it says."""
    words, rows = model.library.models, model.library.rows
    calls = words.scope_calls if words is not None else ()
    marks = words.scope_marks if words is not None else ()
    for base in code.lineage(model.definition):
        if isinstance(base, ClassDefinition) and (_calls(base, calls) or _marked(base, marks)):
            return True
    return rows is not None and any(_narrows(code, rows, *stated) for stated in _managers(code, model, rows))


def _calls(definition: ClassDefinition, names: tuple[str, ...]) -> bool:
    return bool(names) and any(
        isinstance(node, Call) and isinstance(node.callee, Member) and node.callee.name in names
        for method in definition.methods.values()
        for node in walk(method.node)
    )


def _marked(definition: ClassDefinition, names: tuple[str, ...]) -> bool:
    return any(
        isinstance(mark, Call) and isinstance(mark.callee, Name) and mark.callee.id in names
        for mark in definition.node.decorators
    )


def _managers(code: Codebase, model: Model, rows: Rows) -> Iterator[tuple[ClassDefinition, Assign]]:
    for name in rows.managers:
        stated = code.attribute(model.definition, name)
        if stated is not None:
            yield stated


def _narrows(code: Codebase, rows: Rows, owner: ClassDefinition, assign: Assign) -> bool:
    """Whether a manager gives fewer rows than the table holds: one of another package that is told how, or one of the
    project whose first query is narrowed."""
    if not isinstance(assign.value, Call):
        return False
    match code.resolve_node(owner.path, assign.value.callee):
        case External() as found:
            return bool(assign.value.keywords) and not _known(rows, found.name)
        case ClassDefinition() as definition:
            methods = [code.method(definition, name) for name in rows.query_factories]
            return any(_narrowed(rows, node) for m in methods if m is not None for node in walk(m.node))
    return False


def _known(rows: Rows, name: str) -> bool:
    return any(name == base or name.endswith(f".{base}") for base in rows.manager_bases)


def _narrowed(rows: Rows, node: Node) -> bool:
    match node:
        case Call(callee=Member(name=name), keywords=keywords, args=args):
            method = rows.methods.get(name)
            return method is not None and method.filters == "lookups" and (bool(args) or any(_tells(rows, k) for k in keywords))
    return False


def _tells(rows: Rows, keyword: Keyword) -> bool:
    """Whether a condition leaves few rows; that of a deleted row, or of one of two states, leaves most."""
    if rows.lookups.get(keyword.name.rpartition(rows.path_separator)[2]) == "null":
        return False
    return not (isinstance(keyword.value, Text) and (keyword.value.value is None or isinstance(keyword.value.value, bool)))
