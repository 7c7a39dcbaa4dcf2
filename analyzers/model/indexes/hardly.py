"""Which missing indexes are true and hardly worth a comment, and why: tables that stay small, keys that nobody asks by, queries
that nobody waits for."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping

from analyzers.model.indexes.growth import is_busy, is_due
from analyzers.model.indexes.wanted import Want
from analyzers.model.naming.roles import is_of_staff, is_scheduled
from analyzers.model.project import Condition, ForeignKey, QuerySite, Table
from analyzers.words import singular

Asked = Collection[tuple[str, str]]
"""Tables with columns that some query compares."""


def asked_by(queries: Iterable[QuerySite]) -> Asked:
    """The columns that queries compare with something."""
    return {(c.table or query.table, c.column) for query in queries for c in _conditions(query.conditions)}


def _conditions(conditions: Iterable[Condition]) -> Iterable[Condition]:
    for condition in conditions:
        yield condition
        for side in condition.sides:
            yield from _conditions(side)


def hardly_of_key(table: Table, key: ForeignKey, tables: Mapping[str, Table], grown: Collection[str], asked: Asked) -> str:
    """Why the index of a key is hardly worth it; nothing, where it is."""
    column, target = key.columns[0], tables.get(key.target)
    if any((table.name, c) in asked for c in key.columns):
        return "" if table.name in grown else f"Nothing shows that `{table.name}` grows."
    led = _led(table, target, column)
    if led:
        return f"An index begins with `{led}`, which the rows of both tables have, and goes on with `{column}`."
    if not key.asked:
        return f"Nothing of the project goes from `{key.target}` to these rows: only the delete of one reads them all."
    if table.name not in grown:
        return f"Nothing shows that `{table.name}` grows."
    if _plays_a_part(table, key):
        return f"Few rows have a `{column}`, and seldom is anything looked up by it."
    return ""


def _led(table: Table, target: Table | None, column: str) -> str:
    """The column of a tenant, by which an index begins that goes on with this one."""
    keys = {k.columns[0] for k in table.foreign_keys if len(k.columns) == 1}
    for index in table.indexes:
        first, *rest = (*index.columns, "")
        if target is not None and first in target.columns and first in keys and column in rest[:1]:
            return first
    return ""


def _plays_a_part(table: Table, key: ForeignKey) -> bool:
    """Whether a column that may be empty is named after what its row is there for (`acceptor_id`), and not after the table."""
    column = table.columns.get(key.columns[0])
    if column is None or not column.nullable or not key.target:
        return False
    words = [w.lower() for w in _WORDS.findall(column.name)]
    target = [singular(w.lower()) for w in _WORDS.findall(key.target.rpartition(".")[2])]
    stem = [singular(w) for w in words if w not in ("id", "uuid", "fk")]
    return stem != target[-len(stem) :]


_WORDS = re.compile(r"[A-Z]?[a-z0-9]+|[A-Z]+(?![a-z])")


def hardly_of_query(want: Want, query: QuerySite, table: Table) -> str:
    """Why the index that a query lacks is hardly worth it; nothing, where it is."""
    path = query.place.path
    if is_of_staff(path):
        return "Only those who look after the product see the page."
    if query.kept:
        return "A cache keeps what it gives."
    first = table.columns.get(want.columns[0])
    due = any(map(is_due, want.columns))
    if first is not None and first.role == "timestamp" and not due and (query.batch or is_scheduled(path, query.function)):
        return "It runs once in a while, and nobody waits for it."
    if want.sorts and not is_busy(table):
        return f"Nothing shows that `{table.name}` has more rows than are soon put in order."
    return ""
