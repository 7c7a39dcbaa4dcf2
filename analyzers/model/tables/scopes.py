"""Conditions that the code adds to every query of a table, and that stand in none of them: of a tenant, mostly.

A class gives them to all its queries by a call, or its manager does. Whether an index serves a query is not known where they
are not read.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator

import msgspec

from analyzers.facts.outline import Assign, Call, Function, Keyword, Member, Name, Node, Text, walk
from analyzers.knowledge import Models, Rows
from analyzers.model.naming.code import Codebase
from analyzers.model.naming.definitions import ClassDefinition, External
from analyzers.model.tables.models import Model


class Scope(msgspec.Struct, frozen=True):
    """What every query of a model meets beyond what it says: by `columns` that it names, or by what was not read."""

    columns: frozenset[str] = frozenset()
    unread: bool = False


def scope_of(code: Codebase, model: Model, columns: Collection[str]) -> Scope:
    """What the code adds to every query of the model, whose table has these columns."""
    words, rows = model.library.models, model.library.rows
    given = list(_given(code, model, words)) if words is not None else []
    named = [_named(code, words, *each) & set(columns) for each in given] if words is not None else []
    narrowed = rows is not None and any(_narrows(code, rows, *stated) for stated in _managers(code, model, rows))
    return Scope(frozenset().union(*named), unread=narrowed or not all(named))


def _given(code: Codebase, model: Model, words: Models) -> Iterator[tuple[ClassDefinition, Node]]:
    """The calls and marks that give a condition, each with the class it stands in."""
    for base in code.lineage(model.definition):
        if not isinstance(base, ClassDefinition):
            continue
        if words.scope_calls:
            code.look_into(base.path, base.node)
        for method in base.methods.values() if words.scope_calls else ():
            for node in walk(method.node):
                if isinstance(node, Call) and isinstance(node.callee, Member) and node.callee.name in words.scope_calls:
                    yield base, node
        for mark in base.node.decorators:
            if isinstance(mark, Call) and isinstance(mark.callee, Name) and mark.callee.id in words.scope_marks:
                yield base, mark


def _named(code: Codebase, words: Models, base: ClassDefinition, given: Node) -> frozenset[str]:
    """The words of the texts by which a condition is added: of a closure, or of the method of a class that does."""
    bodies: list[Node] = []
    for node in walk(given):
        match node:
            case Function():
                bodies.append(node)
            case Name() | Member():
                stated = code.resolve_node(base.path, node)
                if isinstance(stated, ClassDefinition):
                    bodies += _bodies(code, stated, words.scope_method)
    texts = (n.value for body in bodies for n in walk(body) if isinstance(n, Text) and isinstance(n.value, str))
    return frozenset(word for text in texts for word in re.findall(r"\w+", text))


def _bodies(code: Codebase, definition: ClassDefinition, name: str) -> list[Node]:
    """A method, and those of the same object that it calls."""
    method = code.method(definition, name)
    if method is None:
        return []
    calls = [n.callee.name for n in walk(method.node) if isinstance(n, Call) and isinstance(n.callee, Member)]
    called = [code.method(definition, other) for other in dict.fromkeys(calls) if other != name]
    read = [method, *(other for other in called if other is not None)]
    for one in read:
        code.look_into(one.path, one.node)
    return [one.node for one in read]


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
            methods = [m for name in rows.query_factories if (m := code.method(definition, name)) is not None]
            for method in methods:
                code.look_into(method.path, method.node)
            return any(_narrowed(rows, node) for method in methods for node in walk(method.node))
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
