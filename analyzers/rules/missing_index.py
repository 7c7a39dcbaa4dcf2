"""An index that queries need, or that a foreign key needs, and that the table has not.

Two questions. Of each foreign key: does the database have an index for it? (InnoDB makes one by itself, PostgreSQL and
SQLite do not.) Of each query: does any index narrow its rows, or give them in its order? Queries that one index would serve
have one cause, and are told together. What could not be read counts as covered.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import msgspec

from analyzers.findings import Confidence, Finding, Related, Severity
from analyzers.model.indexes.coverage import leading, reaching
from analyzers.model.indexes.dropped import drops
from analyzers.model.indexes.growth import growing, is_authored, stays_small
from analyzers.model.indexes.live_indexes import NewIndex
from analyzers.model.indexes.wanted import Want, merged, wanted
from analyzers.model.project import ForeignKey, Project, QuerySite, Table
from analyzers.model.remedies import index_edit, index_on
from analyzers.settings import Settings
from analyzers.source import Place

TITLE = "Missing index"
CATEGORY = "missing_index"

_WITHOUT_OWN_INDEX = ("postgresql", "sqlite")
_JUDGED = ("postgresql", "mysql", "sqlite")


def check(project: Project, settings: Settings) -> Iterator[Finding]:
    """One finding for each foreign key without an index, and for each function and index that it asks for in vain."""
    named = {t.lower() for t in settings.tables.small}
    tables = {
        name: table
        for name, table in project.tables.items()
        if not table.unread and not {name.lower(), table.label.lower()} & named and not stays_small(table)
    }
    keys = [(Want(n, k.columns), k) for n, t in tables.items() for k in _unindexed(t, project.tables, named)]
    queries = sorted(project.queries, key=lambda query: query.place)
    asked = [(want, query) for query in queries if (want := wanted(query, project.tables)) is not None]
    indexes = merged([want for want, _ in (*keys, *asked)])
    known = _Known(project, drops(project.migrations))
    for want, key in keys:
        yield _of_key(known, tables[want.table], key, _new(tables[want.table], want, indexes))
    seen: set[str] = set()
    grown = growing(project.tables)
    for want, query in asked:
        if want.table in tables and want.table in grown:
            finding = _of_query(known, want, query, _new(tables[want.table], want, indexes))
            if finding.subject not in seen:
                seen.add(finding.subject)
                yield finding


class _Known(msgspec.Struct, frozen=True):
    """What findings are told with."""

    project: Project
    dropped: Mapping[tuple[str, str], Place]


def _new(table: Table, want: Want, indexes: Mapping[Want, tuple[str, ...]]) -> NewIndex:
    return NewIndex(table, indexes[want], folded=want.folded, beginning=want.beginning)


def _unindexed(table: Table, tables: Mapping[str, Table], small: set[str]) -> Iterator[ForeignKey]:
    """The foreign keys that the database looks up by reading the whole table."""
    for key in table.foreign_keys:
        target = tables.get(key.target)
        few = key.target.lower() in small or (target is not None and stays_small(target))
        judged = table.database in (_WITHOUT_OWN_INDEX if key.by == "constraint" else _JUDGED)
        judged = (judged or (key.by == "relation" and not table.database)) and not (table.scoped and key.by != "constraint")
        served = any(leading(table, c) or _led_where_filled(table, c) for c in key.columns)
        served = served or (key.by != "constraint" and any(reaching(table, c) for c in key.columns))
        if judged and not few and not served and not is_authored(key):
            yield key


def _led_where_filled(table: Table, column: str) -> bool:
    """Whether an index holds all rows that have a value, or that are not deleted, in the order of the column."""
    index = table.led_by(column)
    return index is not None and "null" in index.where.lower()


def _of_key(known: _Known, table: Table, key: ForeignKey, index: NewIndex) -> Finding:
    column = key.columns[0]
    code, language = index_on(index, known.project.migrations)
    target = f"`{key.target}`" if key.target else "the other table"
    return Finding(
        rule="missing_index",
        subject=f"{table.name}.{','.join(key.columns)}: foreign key",
        title=f"`{table.name}.{column}` refers to {target} and has no index",
        message=(
            f"{_why_none(table, key)} Every join from {target} and every delete of one of its rows reads all of `{table.name}`."
        ),
        growth=_growth(table),
        remedy=f"Add an index that begins with the column{_carefully(index)}.",
        code=code,
        code_language=language,
        place=key.place,
        related=(*_stated(known, table, key.columns[:1], key.place), *(Related(p, f"states `{column}`") for p in key.also)),
        evidence=(f"No index, unique constraint or primary key of `{table.name}` begins with `{column}`.",),
        severity=Severity.MEDIUM,
        confidence=Confidence.LIKELY if key.by == "name" else Confidence.CERTAIN,
        cause=_cause(index),
        fix=index_edit(index),
    )


def _why_none(table: Table, key: ForeignKey) -> str:
    """Why the database has made no index for a foreign key by itself."""
    match key.by:
        case "constraint":
            engine = "PostgreSQL" if table.database == "postgresql" else "SQLite"
            return f"{engine} makes no index for a foreign key."
        case "relation":
            return "The relation stands in the code alone: the database has no foreign key, and made no index for one."
    return "The column is named after that table's rows, and no constraint makes the database look after it."


def _of_query(known: _Known, want: Want, query: QuerySite, index: NewIndex) -> Finding:
    table = index.table
    code, language = index_on(index, known.project.migrations)
    names = _names(want.columns)
    verb = "sorts" if want.sorts else "searches"
    by = f"{names}, whatever its case," if want.folded else f"the beginning of {names}" if want.beginning else names
    return Finding(
        rule="missing_index",
        subject=f"{table.label}.{','.join(want.columns)}: {query.function}",
        title=f"`{query.function}` {verb} `{table.label}` by {by} without an index",
        message=f"{_why(want, table)}, so the database reads every row each time.",
        growth=_growth(table),
        remedy=f"Add an index on {_names(index.columns)}{_carefully(index)}.",
        code=code,
        code_language=language,
        place=query.place,
        related=_stated(known, table, index.columns, query.place),
        evidence=(_indexes(table),),
        severity=Severity.LOW if query.batch else Severity.MEDIUM,
        confidence=Confidence.LIKELY,
        cause=_cause(index),
        fix=index_edit(index),
    )


def _why(want: Want, table: Table) -> str:
    if want.folded:
        return f"A plain index of `{table.name}` finds one spelling, and none ignores case"
    if want.beginning:
        return f"An index of `{table.name}` in the order of a language finds no beginnings, and there is no other"
    return f"No index of `{table.name}` begins with a column it {'sorts' if want.sorts else 'searches'} by"


def _carefully(index: NewIndex) -> str:
    """How it is built while the table is in use."""
    return ", concurrently, so that writes go on while it is built" if index.online else ""


def _stated(known: _Known, table: Table, columns: tuple[str, ...], place: Place) -> tuple[Related, ...]:
    """Where an index was dropped, where the columns are stated, and the table."""
    found = [(known.dropped.get((table.name, columns[0])), f"drops the index on `{columns[0]}`")]
    found += [(table.columns[c].place, f"states `{table.label}.{c}`") for c in columns if c in table.columns]
    found.append((table.place, f"states `{table.label}`"))
    unique = {where: note for where, note in reversed(found) if where is not None and where != place}
    return tuple(Related(where, note) for where, note in reversed(unique.items()))


def _names(columns: tuple[str, ...]) -> str:
    return ", ".join(f"`{column}`" for column in columns)


def _cause(index: NewIndex) -> str:
    return f"{index.table.name}({', '.join(index.columns)}{' folded' * index.folded}{' beginning' * index.beginning})"


def _growth(table: Table) -> str:
    return f"Rows read per query grow with `{table.name}`: 500,000 for 500,000 rows"


def _indexes(table: Table) -> str:
    stated = [f"({', '.join(column or '…' for column in i.columns)})" for i in table.indexes if i.columns]
    return f"Indexes of `{table.name}`: {', '.join(sorted(set(stated))) or 'none'}."
