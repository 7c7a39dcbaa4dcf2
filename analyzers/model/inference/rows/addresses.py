"""Rows that a library fetches by parts of a request's address, before it calls an action that wants them.

`#[Route('/share/{token}')] function show(Invoice $invoice)` is a query for each request: of the invoice whose `token` that is.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from analyzers.facts.outline import Call, Node, Parameter, Return, Text, walk
from analyzers.knowledge import Library, libraries, named
from analyzers.knowledge.addresses import Addresses
from analyzers.knowledge.derived import derived
from analyzers.model.inference import members
from analyzers.model.inference.frames import Query
from analyzers.model.inference.rows import lookups
from analyzers.model.inference.types import Row, Rows, Search, Site
from analyzers.model.naming.definitions import External, FunctionDefinition
from analyzers.model.naming.literals import text_of
from analyzers.model.tables.models import Model

if TYPE_CHECKING:
    from analyzers.model.inference.summaries import Inference

_PART = re.compile(r"\{!?(?P<name>\w+)(?::(?P<to>\w+)(?:\.(?P<column>\w+))?)?")
_addressing = derived(lambda: tuple((x, x.addresses) for x in libraries() if x.addresses is not None))


def walk_action(inference: Inference, definition: FunctionDefinition) -> None:
    """Notes the queries for the rows that a method is given, and that a model is found by."""
    for library, words in _addressing():
        if library.language != inference.code.files[definition.path].language:
            continue
        if words.key_method and definition.node.name == words.key_method:
            _found_by(inference, definition)
        routes = _calls(inference, definition.path, definition.node.decorators, library, words.routes)
        if routes:
            _fetched(inference, definition, routes, library, words)


def _found_by(inference: Inference, definition: FunctionDefinition) -> None:
    """A model that says by which column an address names its rows."""
    model = inference.model(definition.owner.qualified) if definition.owner is not None else None
    returned = [n for s in definition.node.body for n in walk(s) if isinstance(n, Return)]
    text = text_of(returned[0].value) if len(returned) == 1 and returned[0].value is not None else ""
    if model is not None and text:
        _note(inference, model, [text], definition, returned[0])


def _fetched(
    inference: Inference, definition: FunctionDefinition, routes: list[Call], library: Library, words: Addresses
) -> None:
    parts = list(_parts(inference, definition, routes, library, words))
    said = _calls(inference, definition.path, definition.node.decorators, library, words.converters)
    by_names = inference.code.wiring.setting(words.by_names) != "false" if words.by_names else True
    for parameter in definition.node.parameters:
        row = (
            members.annotated(inference, definition.path, parameter.annotation, definition.qualified)
            if parameter.annotation
            else None
        )
        model = inference.model(row.model) if isinstance(row, Row) else None
        if model is None or parameter.annotation is None:
            continue
        marks = _calls(inference, definition.path, parameter.decorators, library, words.marks)
        name = parameter.name.lstrip("$&")
        marks += [c for c in said if c.args and text_of(c.args[0]) == name]
        columns = _stated(marks, words) if marks else _by_names(parts, name, model, words, all_names=by_names)
        if columns:
            _note(inference, model, columns, definition, _declared(parameter, parameter.annotation))


def _declared(parameter: Parameter, annotation: Node) -> Node:
    return Text(annotation.start, annotation.end + 1 + len(parameter.name), parameter.name)


def _parts(
    inference: Inference, definition: FunctionDefinition, routes: list[Call], library: Library, words: Addresses
) -> Iterator[tuple[str, str, str]]:
    """The parts of the action's addresses: name, and the parameter and column that one says it is for."""
    owner = definition.owner
    around = _calls(inference, owner.path, owner.node.decorators, library, words.routes) if owner is not None else []
    for route in (*around, *routes):
        stated = [*route.args[:1], *(k.value for k in route.keywords if k.name == words.path)]
        for node in (inner for value in stated for inner in walk(value)):
            for found in _PART.finditer(text_of(node) or ""):
                yield found["name"], found["to"] or "", found["column"] or found["name"]


def _by_names(parts: list[tuple[str, str, str]], name: str, model: Model, words: Addresses, *, all_names: bool) -> list[str]:
    """The columns that parts of the address are called after; none where one of them is the row's key."""
    mine = [column for _, to, column in parts if to == name]
    if mine:
        return mine
    plain = [part for part, to, _ in parts if not to]
    if not all_names or words.key in plain or name in plain or any(part in model.relations for part in plain):
        return []
    return [part for part in dict.fromkeys(plain) if part in model.columns]


def _stated(marks: list[Call], words: Addresses) -> list[str]:
    """The columns of a mapping, where that is all that is said."""
    if len(marks) != 1:
        return []
    stated = {k.name: k.value for k in marks[0].keywords}
    pairs = _pairs(stated[words.options]) if words.options in stated else list(stated.items())
    given = dict(pairs)
    return [text for _, node in _pairs(given[words.mapping]) if (text := text_of(node))] if words.mapping in given else []


def _pairs(node: Node) -> list[tuple[str, Node]]:
    """The items of a mapping with literal keys."""
    found = []
    for pair in getattr(node, "children", ()):
        match getattr(pair, "children", ()):
            case (Text(value=str() as key), value):
                found.append((key, value))
    return found


def _calls(
    inference: Inference, path: str, decorators: tuple[Node, ...], library: Library, names: tuple[str, ...]
) -> list[Call]:
    """The decorators that have one of the library's names."""
    found = []
    for node in decorators:
        meant = inference.code.resolve_node(path, node.callee) if isinstance(node, Call) and names else None
        if isinstance(node, Call) and isinstance(meant, External) and named(library, meant.name, names):
            found.append(node)
    return found


def _note(inference: Inference, model: Model, names: list[str], definition: FunctionDefinition, node: Node) -> None:
    columns = [lookups.column_of(model, name) for name in names]
    if not all(columns):
        return
    site = Site(definition.path, node.start, node.end, definition.qualified)
    searches = tuple(Search("equal", model.qualified, column) for column in columns)
    inference.trace.note((site.path, site.start), Query(Rows(model.qualified, site, root=site, searches=searches), site))
