"""Queries that start from a table's name, and go on in one expression: `DB::table('orders')->where('number', $n)->first()`.

No class stands for such rows, so no walk follows them. What is read is a chain that begins with the table and ends where the
query runs: one that goes on elsewhere may ask for more.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

from analyzers.facts.outline import Call, Function, Member, Node, Other, Return, Text, walk
from analyzers.knowledge import Library, Method, Rows, libraries
from analyzers.knowledge.derived import derived
from analyzers.model.indexes.query_sites import around
from analyzers.model.inference.rows import named_columns
from analyzers.model.inference.rows.closures import chain_of
from analyzers.model.inference.types import Literal, Mapped, Search, Tupled, Value
from analyzers.model.naming.code import Codebase
from analyzers.model.naming.definitions import External
from analyzers.model.naming.literals import text_of
from analyzers.model.naming.roles import is_batch, is_product
from analyzers.model.project import Condition, QuerySite, Sort

_starting = derived(lambda: tuple(x for x in libraries() if x.tables and x.rows is not None))
_TABLE = re.compile(r"(?P<table>[\w.]+)(?:\s+as\s+(?P<alias>\w+))?", re.IGNORECASE)
_COLUMN = re.compile(r"(?:(?P<of>\w+)\.)?(?P<column>\w+)")


def of_tables(code: Codebase) -> Iterator[QuerySite]:
    """The queries of tables that code names which runs for users."""
    for library in _starting():
        names = frozenset(name.rpartition(".")[2] for name in library.tables)
        for path, facts in code.files.items():
            if facts.language == library.language and is_product(path) and facts.may_say(names):
                for top in facts.outline:
                    yield from _stated(code, library, names, path, top)


def _stated(code: Codebase, library: Library, names: frozenset[str], path: str, top: Node) -> Iterator[QuerySite]:
    inner: set[int] = set()
    for node in walk(top):
        if not isinstance(node, Call) or id(node) in inner:
            continue
        chain = list(_chain(node))
        inner.update(map(id, chain))
        first = next((n for n, c in enumerate(chain) if isinstance(c.callee, Member) and c.callee.name in names), -1)
        meant = code.resolve_node(path, chain[first].callee) if first >= 0 else None
        if isinstance(meant, External) and meant.name in library.tables:
            query = _Query(library, chain[first], chain[first + 1 :]).read()
            if query is not None:
                yield _site(code, path, node, query)


def _chain(node: Node) -> Iterator[Call]:
    """The calls that a call goes on from, first to last."""
    calls: list[Call] = []
    while isinstance(node, Call) and isinstance(node.callee, Member):
        calls.append(node)
        node = node.callee.of
    yield from reversed(calls)


class _Query:
    """A query as it is put together, call after call."""

    def __init__(self, library: Library, start: Call, calls: Sequence[Call]) -> None:
        assert library.rows is not None
        self.words: Rows = library.rows
        self.calls = calls
        self.table, self.known = "", dict[str, str]()  # by the name that columns are written with
        self.limited = self.deletes = self.runs = False
        if start.args:
            self.table = self._names(start.args[0])
        self.searches: list[Search] = []

    def read(self) -> _Query | None:
        """Itself, once all is read; nothing where it does not run, or its table is not known."""
        if not self.table:
            return None
        self.searches = self._after(self.calls, [])
        return self if self.runs else None

    def _names(self, node: Node) -> str:
        found = _TABLE.fullmatch(text_of(node).strip())
        if found is None:
            return ""
        self.known[found["alias"] or found["table"]] = found["table"]
        return found["table"]

    def named(self, text: str) -> tuple[str, str]:
        """Whose column a text names: where several tables are joined, only one that says so."""
        found = _COLUMN.fullmatch(text.strip('`"'))
        if found is None or (found["of"] is None and len(self.known) > 1):
            return self.table, ""
        table = self.known.get(found["of"], "") if found["of"] else self.table
        return (table, found["column"]) if table else (self.table, "")

    def _after(self, calls: Iterable[Call], found: list[Search]) -> list[Search]:
        """The conditions and the order after some more calls."""
        for call in calls:
            assert isinstance(call.callee, Member)
            method = self.words.methods.get(call.callee.name)
            if method is None:
                found = [*found, named_columns.unknown(self.named)]
                continue
            self.limited |= method.limits
            self.deletes |= method.deletes
            self.runs |= method.runs or bool(method.effect)
            added = self._conditions(method, call)
            found = named_columns.either(found, added, self.table, begins=method.alternative)
            if method.orders:
                found.append(named_columns.order(self.named, method, list(map(_value, call.args))))
            if method.groups:
                found.append(Search("grouped", self.table, ""))
        return found

    def _conditions(self, method: Method, call: Call) -> list[Search]:
        unknown = [named_columns.unknown(self.named)]
        if method.joins is not None and call.args:
            columns = [text_of(node) for node in call.args[method.joins :]]
            return [] if self._names(call.args[0]) and all(columns) else unknown
        match method.filters, call.args:
            case "", _:
                return []
            case "columns", (Function() as function, *_):
                return self._bracketed(function)
            case "columns", args:
                return named_columns.conditions(self.named, method, list(map(_value, args)))
            case "key", _:
                return [Search("equal", self.table, "id")]
        return unknown

    def _bracketed(self, function: Function) -> list[Search]:
        given = function.parameters[0].name if function.parameters else ""
        found: list[Search] = []
        for statement in function.body:
            chain = list(chain_of(statement.value if isinstance(statement, Return) and statement.value else statement, given))
            found = self._after(chain, found) if chain else [*found, named_columns.unknown(self.named)]
        return named_columns.closed(found)


def _value(node: Node) -> Value:
    """What an argument states, as far as it is literal."""
    match node:
        case Text(value=value):
            return Literal(value)
        case Other(word="list", children=children):
            return Tupled(tuple(map(_value, children)))
        case Other(word="dict", children=children):
            pairs = [
                (text_of(p.children[0]), _value(p.children[1])) for p in children if isinstance(p, Other) and p.word == "pair"
            ]
            return Mapped(tuple(pairs)) if len(pairs) == len(children) else None
    return None


def _site(code: Codebase, path: str, node: Node, query: _Query) -> QuerySite:
    conditions, partial = _stated_by(query.searches, query.table)
    return QuerySite(
        table=query.table,
        function=around(code, path, node.start),
        place=code.place(path, node),
        conditions=conditions,
        ordered=tuple(_ordered(query)),
        limited=query.limited,
        partial=partial,
        batch=is_batch(path),
        deletes=query.deletes,
    )


def _ordered(query: _Query) -> Iterator[Sort]:
    if any(s.how == "grouped" for s in query.searches):
        return
    for search in query.searches:
        if search.how == "ordered":
            if not search.column or search.model != query.table:
                return
            yield Sort(search.column, search.descending)


def _stated_by(searches: Iterable[Search], own: str) -> tuple[tuple[Condition, ...], bool]:
    """What the rows meet, and whether also something that was not understood."""
    found: dict[Condition, None] = {}
    partial = False
    for search in searches:
        if search.how in ("ordered", "grouped"):
            continue
        sides = tuple(_stated_by(side, own) for side in search.sides)
        if search.how == "other" or any(unknown and not known for known, unknown in sides):
            partial = True
            continue
        table = search.model if search.model != own else ""
        found[Condition(search.how, search.column, search.value, table, tuple(known for known, _ in sides))] = None
    return tuple(found), partial
