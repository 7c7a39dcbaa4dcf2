"""An index that queries need, or that a foreign key needs, and that the table has not.

Two questions. Of each foreign key: does the database have an index for it? (InnoDB makes one by itself, PostgreSQL and
SQLite do not.) Of each query: does any index narrow its rows, or give them in its order? Queries that one index would serve
have one cause, and are told together. What could not be read counts as covered.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from analyzers.findings import Confidence, Finding, Related, Severity
from analyzers.model.coverage import leading
from analyzers.model.growth import stays_small
from analyzers.model.project import ForeignKey, Project, QuerySite, Table
from analyzers.model.remedies import index_on
from analyzers.model.wanted import Want, merged, wanted
from analyzers.settings import Settings

TITLE = "Missing index"
CATEGORY = "missing_index"

_WITHOUT_OWN_INDEX = ("postgresql", "sqlite")


def check(project: Project, settings: Settings) -> Iterator[Finding]:
    """One finding for each foreign key without an index, and for each function and index that it asks for in vain."""
    named = {t.lower() for t in settings.tables.small}
    tables = {
        name: table
        for name, table in project.tables.items()
        if not table.unread and not {name.lower(), table.label.lower()} & named and not stays_small(table)
    }
    keys = [(Want(t.name, k.columns), k) for t in tables.values() for k in _unindexed(t, project.tables, named)]
    queries = sorted(project.queries, key=lambda query: query.place)
    asked = [(want, query) for query in queries if (want := wanted(query, project.tables)) is not None]
    indexes = merged([want for want, _ in (*keys, *asked)])
    for want, key in keys:
        yield _of_key(tables[want.table], key, indexes[want])
    seen: set[str] = set()
    for want, query in asked:
        finding = _of_query(tables[want.table], want, query, indexes[want]) if want.table in tables else None
        if finding is not None and finding.subject not in seen:
            seen.add(finding.subject)
            yield finding


def _unindexed(table: Table, tables: Mapping[str, Table], small: set[str]) -> Iterator[ForeignKey]:
    """The foreign keys that the database looks up by reading the whole table."""
    if table.database in _WITHOUT_OWN_INDEX:
        for key in table.foreign_keys:
            target = tables.get(key.target)
            few = key.target.lower() in small or (target is not None and stays_small(target))
            if not few and not leading(table, key.columns[0]):
                yield key


def _of_key(table: Table, key: ForeignKey, columns: tuple[str, ...]) -> Finding:
    column = key.columns[0]
    code, language = index_on(table, columns)
    target = f"`{key.target}`" if key.target else "the other table"
    engine = "PostgreSQL" if table.database == "postgresql" else "SQLite"
    return Finding(
        rule="missing_index",
        subject=f"{table.name}.{','.join(key.columns)}: foreign key",
        title=f"`{table.name}.{column}` refers to {target} and has no index",
        message=(
            f"{engine} makes no index for a foreign key. Every join from {target} and every delete of one of its rows "
            f"reads all of `{table.name}`."
        ),
        growth=_growth(table),
        remedy="Add an index that begins with the column.",
        code=code,
        code_language=language,
        place=key.place,
        evidence=(f"No index, unique constraint or primary key of `{table.name}` begins with `{column}`.",),
        severity=Severity.MEDIUM,
        confidence=Confidence.CERTAIN,
        cause=_cause(table, columns),
    )


def _of_query(table: Table, want: Want, query: QuerySite, columns: tuple[str, ...]) -> Finding:
    code, language = index_on(table, columns)
    names = ", ".join(f"`{c}`" for c in want.columns)
    verb = "sorts" if want.sorts else "searches"
    stated = [(table.columns[c].place, f"states `{table.label}.{c}`") for c in columns if c in table.columns]
    return Finding(
        rule="missing_index",
        subject=f"{table.label}.{','.join(want.columns)}: {query.function}",
        title=f"`{query.function}` {verb} `{table.label}` by {names} without an index",
        message=f"No index of `{table.name}` begins with a column it {verb} by, so the database reads every row each time.",
        growth=_growth(table),
        remedy=f"Add an index on {', '.join(f'`{c}`' for c in columns)}.",
        code=code,
        code_language=language,
        place=query.place,
        related=tuple(Related(place, note) for place, note in (*stated, (table.place, f"states `{table.label}`")) if place),
        evidence=(_indexes(table),),
        severity=Severity.LOW if query.batch else Severity.MEDIUM,
        confidence=Confidence.LIKELY,
        cause=_cause(table, columns),
    )


def _cause(table: Table, columns: tuple[str, ...]) -> str:
    return f"{table.name}({', '.join(columns)})"


def _growth(table: Table) -> str:
    return f"Rows read per query grow with `{table.name}`: 500,000 for 500,000 rows"


def _indexes(table: Table) -> str:
    stated = [f"({', '.join(column or '…' for column in i.columns)})" for i in table.indexes if i.columns]
    return f"Indexes of `{table.name}`: {', '.join(sorted(set(stated))) or 'none'}."
