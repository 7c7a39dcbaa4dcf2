"""The proof of the rule `missing_index`: the example of its page, made on PostgreSQL, filled and searched.

What is counted are the rows that the plan reads to find five: those it returns, and those its filter drops.
"""

from __future__ import annotations

from typing import Any

import psycopg
from psycopg import sql

from tests.markdown import cases
from tests.reference import ROOT

PAGE = ROOT / "analyzers" / "rules" / "missing_index.md"
ROWS = (500, 500_000)  # of development, and of production
FOUND = 5  # orders of each customer
_HEADINGS = {"without": "Example", "with": "Instead"}


def scans(server: str) -> dict[str, dict[int, int]]:
    """The rows read without the index and with it, by the rows the table holds."""
    schemas = {case.heading: case.head["migrations/001_init.sql"].decode() for case in cases(PAGE) if case.head}
    with psycopg.connect(server, autocommit=True) as connection:
        return {kind: {rows: _read(connection, schemas[h], rows) for rows in ROWS} for kind, h in _HEADINGS.items()}


def _read(connection: psycopg.Connection[Any], schema: str, rows: int) -> int:
    with connection.transaction(force_rollback=True):
        connection.execute("SET LOCAL session_replication_role = replica")  # fills without asking for each row's parent
        connection.execute("SET LOCAL max_parallel_workers_per_gather = 0")
        connection.execute(schema.encode())
        fill = "INSERT INTO orders SELECT i, i % {} FROM generate_series(1, {}) i"
        connection.execute(sql.SQL(fill).format(rows // FOUND, rows))
        connection.execute("ANALYZE orders")
        query = "EXPLAIN (ANALYZE, TIMING OFF, FORMAT JSON) SELECT id FROM orders WHERE customer_id = 1"
        [(plans,)] = connection.execute(query.encode()).fetchall()
        plan: dict[str, Any] = plans[0]["Plan"]
        return int(plan["Actual Rows"] + plan.get("Rows Removed by Filter", 0))


def table(found: dict[str, dict[int, int]]) -> str:
    head = "| orders | rows read without the index | rows read with it |\n|---:|---:|---:|\n"
    return head + "".join(f"| {rows:,} | {found['without'][rows]:,} | {found['with'][rows]:,} |\n" for rows in ROWS)
