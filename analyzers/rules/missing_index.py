"""A column that queries search by, or that refers to another table, and that no index begins with.

Two questions. Of each foreign key: does the database have an index for it? (InnoDB makes one by itself, PostgreSQL and
SQLite do not.) Of each query: does any column it searches by lead an index? One that does is enough: the database narrows the
rows by it. What could not be read counts as covered.
"""

from __future__ import annotations

from collections.abc import Iterator

from analyzers.findings import Confidence, Finding, Related, Severity
from analyzers.model.project import ForeignKey, Project, QuerySite, Table
from analyzers.model.remedies import index_edit, index_on
from analyzers.settings import Settings

TITLE = "Missing index"
CATEGORY = "missing_index"

_WITHOUT_OWN_INDEX = ("postgresql", "sqlite")
_JUDGED = ("postgresql", "mysql", "sqlite")
_SEARCHED = ("foreign key", "status", "lookup", "timestamp", "number")
_SORTED = ("timestamp", "number", "lookup")


def check(project: Project, settings: Settings) -> Iterator[Finding]:
    """One finding for each foreign key without an index, and for each set of columns of a table that a query searches by."""
    small = {t.lower() for t in settings.tables.small}
    tables = {n: t for n, t in project.tables.items() if not {n.lower(), t.label.lower()} & small and not t.unread}
    for table in tables.values():
        yield from _foreign_keys(table)
    seen: set[str] = set()
    for query in sorted(project.queries, key=lambda q: q.place):
        searched = tables.get(query.table)
        for finding in _searched(searched, query) if searched is not None else ():
            if finding.subject not in seen:
                seen.add(finding.subject)
                yield finding


def _foreign_keys(table: Table) -> Iterator[Finding]:
    for key in table.foreign_keys:
        column = key.columns[0]
        if table.database not in (_WITHOUT_OWN_INDEX if key.by == "constraint" else _JUDGED):
            continue
        if any(table.led_by(c) is not None for c in key.columns):
            continue
        code, language = index_on(table, key.columns)
        target = f"`{key.target}`" if key.target else "the other table"
        yield Finding(
            rule="missing_index",
            subject=f"{table.name}.{','.join(key.columns)}: foreign key",
            title=f"`{table.name}.{column}` refers to {target} and has no index",
            message=(
                f"{_why_none(table, key)} Every join from {target} and every delete of one of its rows "
                f"reads all of `{table.name}`."
            ),
            growth=f"Rows read per lookup grow with `{table.name}`: 500,000 for 500,000 rows",
            remedy="Add an index that begins with the column.",
            code=code,
            code_language=language,
            place=key.place,
            related=tuple(Related(place, f"adds `{column}`") for place in key.also),
            evidence=(f"No index, unique constraint or primary key of `{table.name}` begins with `{column}`.",),
            severity=Severity.MEDIUM,
            confidence=Confidence.LIKELY if key.by == "name" else Confidence.CERTAIN,
            cause=f"{table.name}({', '.join(key.columns)})",
            fix=index_edit(table, code),
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


def _searched(table: Table, query: QuerySite) -> Iterator[Finding]:
    narrowing = (*query.equal, *query.ranged)
    if query.partial or any(_covered(table, c) for c in narrowing):
        return
    if narrowing:
        columns = _index_columns(table, query)
    elif (
        query.limited and query.ordered and _role(table, query.ordered[0]) in _SORTED and not _covered(table, query.ordered[0])
    ):
        columns = query.ordered[:1]
    else:
        return
    if not columns:
        return
    code, language = index_on(table, columns)
    names = ", ".join(f"`{c}`" for c in columns)
    verb = "searches" if narrowing else "sorts"
    yield Finding(
        rule="missing_index",
        subject=f"{table.label}.{','.join(columns)}: {query.function}",
        title=f"`{query.function}` {verb} `{table.label}` by {names} without an index",
        message=f"No index of `{table.name}` begins with a column it {verb} by, so the database reads every row each time.",
        growth=f"Rows read per query grow with `{table.name}`: 500,000 for 500,000 rows",
        remedy=f"Add an index on {names}.",
        code=code,
        code_language=language,
        place=query.place,
        related=(Related(table.place, f"states `{table.label}`"),) if table.place is not None else (),
        evidence=(_indexes(table),),
        severity=Severity.LOW if query.batch else Severity.MEDIUM,
        confidence=Confidence.LIKELY,
        cause=f"{table.name}({', '.join(columns)})",
    )


def _covered(table: Table, column: str) -> bool:
    """Whether an index begins with it, stated or made by the database itself, or it is not a column we know."""
    if column not in table.columns or table.led_by(column) is not None:
        return True
    return table.database == "mysql" and any(k.columns[0] == column for k in table.foreign_keys)


def _role(table: Table, column: str) -> str:
    return table.columns[column].role if column in table.columns else ""


def _index_columns(table: Table, query: QuerySite) -> tuple[str, ...]:
    """Equality first, then one range or order; nothing where the best column would tell too few rows apart."""
    equal = [c for c in query.equal if _role(table, c) in _SEARCHED]
    tail = [c for c in (*query.ranged, *query.ordered) if _role(table, c) in _SORTED and c not in equal]
    if not equal and not [c for c in query.ranged if c in tail]:
        return ()
    return (*equal[:2], *tail[:1])


def _indexes(table: Table) -> str:
    stated = [f"({', '.join(i.columns)})" for i in table.indexes if i.columns]
    return f"Indexes of `{table.name}`: {', '.join(sorted(set(stated))) or 'none'}."
