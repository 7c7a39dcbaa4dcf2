"""What a piece of SQL does when a migration sends it: changes of the schema, and rows that it writes."""

from __future__ import annotations

from analyzers.facts.sql import SchemaChange, SqlQuery, SqlText, WriteRows


def changes_of(text: SqlText) -> tuple[SchemaChange, ...]:
    """Its changes in order, and behind them the writes of rows that are there."""
    return (*text.changes, *(written for query in text.queries if (written := _write(query)) is not None))


def _write(query: SqlQuery) -> WriteRows | None:
    if query.does not in ("update", "delete") or not query.tables:
        return None
    narrowed = bool(query.equal or query.ranged or query.joined or query.folded or query.partial)
    return WriteRows(query.tables[0], query.does, narrowed)
