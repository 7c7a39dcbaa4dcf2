"""Which missing indexes are true and hardly worth a comment, and why: tables that stay small, keys that nobody asks by, queries
that nobody waits for."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping

from analyzers.model.indexes.growth import is_busy, is_due, is_journal, is_kept, owned
from analyzers.model.indexes.wanted import NAMED, Want, worth
from analyzers.model.naming.roles import is_of_figures, is_of_staff
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
    few = f"Nothing shows that `{table.name}` grows." if key.by == "relation" and table.name not in grown else ""
    if is_kept(table):
        return f"Of `{table.name}` each has a few."
    if any((table.name, c) in asked for c in key.columns):
        return few
    if target is not None and is_kept(target) and any(name == table.name for name, _ in asked):
        return f"Rows of `{target.name}` are set up one by one, and nothing compares `{column}`."
    led = _led(table, target, column)
    if led:
        return f"An index begins with `{led}`, which the rows of both tables have, and goes on with `{column}`."
    if not key.asked and target is not None and key.target not in grown:
        return f"Nothing of the project goes from `{key.target}` to these rows: only the delete of one reads them all."
    if _is_beside(table, key):
        return f"Few rows have a `{column}`, and seldom is anything looked up by it."
    return few


def _led(table: Table, target: Table | None, column: str) -> str:
    """The column of a tenant, by which an index begins that goes on with this one."""
    keys = {k.columns[0] for k in table.foreign_keys if len(k.columns) == 1}
    for index in table.indexes:
        first, *rest = (*index.columns, "")
        if target is not None and first in target.columns and first in keys and column in rest[:1]:
            return first
    return ""


def _is_beside(table: Table, key: ForeignKey) -> bool:
    """Whether a column that may be empty says for what its row has one of the other table (`avatar_file_id`), or shows it."""
    column = table.columns.get(key.columns[0])
    if column is None or column.nullable is False or not key.target:
        return False
    target = [singular(w.lower()) for w in _WORDS.findall(key.target.rpartition(".")[2])]
    stem = [w for w in (singular(word.lower()) for word in _WORDS.findall(column.name)) if w not in _KEY]
    return (len(stem) > len(target) and stem[-len(target) :] == target) or target[-1] in _SHOWN


_KEY = ("id", "uuid", "fk")
_SHOWN = frozenset({"image", "avatar", "photo", "picture", "icon", "logo", "cover", "thumbnail", "banner"})
_WORDS = re.compile(r"[A-Z]?[a-z0-9]+|[A-Z]+(?![a-z])")


def hardly_of_query(want: Want, query: QuerySite, table: Table) -> str:
    """Why the index that a query lacks is hardly worth it; nothing, where it is."""
    path, first = query.place.path, table.columns[want.columns[0]]
    timed = first.role == "timestamp"
    if is_of_staff(path) or query.staff:
        return "Only those who look after the product see the page."
    if is_kept(table) and not owned(table):
        return f"Rows of `{table.name}` are set up one by one."
    if query.offered:
        return "Clients may ask for it, and nothing says that one does."
    if query.kept:
        return "A cache keeps what it gives."
    if query.batch and not is_journal(table) and not any(map(is_due, want.columns)):
        return "It runs in a command or a script, for which nobody waits."
    if timed and not is_journal(table) and is_of_figures(path, query.function):
        return "It counts for a report or a statistic, once in a while."
    if not want.sorts and worth(first) == NAMED and not is_busy(table):
        return f"Nothing shows that `{table.name}` has many rows for `{first.name}` to tell apart."
    return ""
