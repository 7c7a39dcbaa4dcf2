"""What PostgreSQL makes of queries and indexes, beside what the analysis says of them.

Each claim is a query with the conditions that it is to the analysis, an index that serves it, and often one that looks as if it
did. The table is filled, the query explained without an index and with each, and what was read is counted.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg import sql

from analyzers.frontends import read_facts
from analyzers.model.indexes.coverage import leading, serving
from analyzers.model.link import link
from analyzers.model.project import Condition, Table

TABLE = """
CREATE TABLE orders (
    id bigint PRIMARY KEY,
    customer_id bigint NOT NULL,
    number text COLLATE words NOT NULL,
    email text NOT NULL,
    status text NOT NULL,
    archived boolean NOT NULL,
    created_at timestamp NOT NULL,
    shipped_at timestamp,
    data jsonb NOT NULL
)
"""
FILL = """
INSERT INTO orders SELECT
    i, i % {customers}, 'N' || lpad(i::text, 9, '0'), 'User' || i || '@example.org',
    CASE WHEN i % 1000 = 0 THEN 'pending' ELSE 'done' END, i % 2 = 0, timestamp '2020-01-01' + i * interval '1 minute',
    CASE WHEN i % 500 = 0 THEN timestamp '2024-01-01' + i * interval '1 minute' END, jsonb_build_object('tag', i % {customers})
FROM generate_series(1, {rows}) i
"""
ROWS = 500_000
_FEW = 0.1
"""Part of the table that a query served by an index may read. What the planner makes of wholly useless indexes is all of it."""


@dataclass(frozen=True)
class Claim:
    """`serves` and `fails` are what stands behind `CREATE INDEX ON orders`; `order` is what it gives its rows in."""

    name: str
    query: str
    conditions: tuple[Condition, ...]
    serves: str
    fails: str = ""
    order: str = ""


CLAIMS = (
    Claim(
        "equality; the column is the second of another index",
        "customer_id = 7",
        (Condition("equal", "customer_id"),),
        "(customer_id)",
        "(number, customer_id)",
    ),
    Claim("membership", "customer_id IN (7, 8)", (Condition("member", "customer_id"),), "(customer_id)"),
    Claim("a rare status", "status = 'pending'", (Condition("equal", "status", "pending"),), "(status)"),
    Claim(
        "equality and a range, equality in front",
        "customer_id = 7 AND created_at < '2020-02-01'",
        (Condition("equal", "customer_id"), Condition("ranged", "created_at")),
        "(customer_id, created_at)",
    ),
    Claim(
        "a range",
        "created_at < '2020-01-01 01:00'",
        (Condition("ranged", "created_at"),),
        "(created_at)",
        "USING hash (created_at)",
    ),
    Claim(
        "the newest rows",
        "true ORDER BY created_at DESC LIMIT 10",
        (),
        "(created_at)",
        "(number, created_at)",
        order="created_at",
    ),
    Claim(
        "equality that ignores case",
        "lower(email) = 'user7@example.org'",
        (Condition("folded", "email"),),
        "(lower(email))",
        "(email)",
    ),
    Claim(
        "the beginning of a text, in the order of a language",
        "number LIKE 'N00000001%'",
        (Condition("prefix", "number"),),
        "(number text_pattern_ops)",
        "(number)",
    ),
    Claim(
        "a partial index whose predicate the query says",
        "status = 'pending' AND archived",
        (Condition("equal", "status", "pending"), Condition("equal", "archived", "true")),
        "(id) WHERE status = 'pending'",
        "(id) WHERE status = 'failed'",
    ),
    Claim(
        "a partial index on what is not null",
        "shipped_at < '2024-01-02'",
        (Condition("ranged", "shipped_at"),),
        "(shipped_at) WHERE shipped_at IS NOT NULL",
        "(shipped_at) WHERE shipped_at IS NULL",
    ),
    Claim(
        "a part of a document",
        "data @> '{\"tag\": 7}'",
        (Condition("contains", "data"),),
        "USING gin (data)",
        "(data)",
    ),
    Claim(
        "one of two conditions",
        "customer_id = 7 OR number = 'N000000007'",
        (
            Condition(
                "either",
                sides=((Condition("equal", "customer_id"),), (Condition("equal", "number"),)),
            ),
        ),
        "(customer_id); CREATE INDEX ON orders (number)",
        "(customer_id)",
    ),
)


@dataclass(frozen=True)
class Plan:
    """What a query read: rows of the table, and pages of 8 KiB of anything; `seconds` it took."""

    rows: int
    pages: int
    seconds: float


def table_with(index: str) -> Table:
    """The table as the analysis sees it, with an index."""
    text = f"{TABLE};\n" + (f"CREATE INDEX ON orders {index};" if index else "")
    facts = read_facts("schema.sql", text.encode())
    return link({"schema.sql": facts}, database="postgresql").tables["orders"]


def served(claim: Claim, index: str) -> bool:
    """Whether the analysis takes the claim's query for served."""
    table = table_with(index)
    if claim.order:
        return leading(table, claim.order)
    if claim.conditions[0].sides:
        return all(serving(table, side) for side in claim.conditions[0].sides)
    return serving(table, claim.conditions)


def filled(connection: psycopg.Connection[Any], rows: int) -> None:
    """Makes and fills the table."""
    connection.execute("SET max_parallel_workers_per_gather = 0")
    # Any order that PostgreSQL does not know to be that of bytes: the only one that every machine has.
    connection.execute("CREATE COLLATION IF NOT EXISTS words (provider = libc, locale = 'C.UTF-8')")
    connection.execute(TABLE.encode())
    connection.execute(sql.SQL(FILL).format(rows=rows, customers=rows // 5))
    connection.execute("VACUUM ANALYZE orders")


def plan(connection: psycopg.Connection[Any], claim: Claim, index: str, *, runs: int = 1) -> Plan:
    """How the claim's query runs with an index, or with none but the key."""
    with connection.transaction(force_rollback=True):
        if index:
            connection.execute(f"CREATE INDEX ON orders {index}".encode())
            connection.execute("ANALYZE orders")
        query = f"EXPLAIN (ANALYZE, BUFFERS, TIMING OFF, FORMAT JSON) SELECT * FROM orders WHERE {claim.query}"
        found = [connection.execute(query.encode()).fetchall() for _ in range(runs)]
        tops = [rows[0][0][0] for rows in found]
        last = tops[-1]["Plan"]
        pages = last["Shared Hit Blocks"] + last["Shared Read Blocks"]
        return Plan(_read(last), pages, min(top["Execution Time"] for top in tops) / 1000)


def _read(node: dict[str, Any]) -> int:
    """The rows that the scans below a node took from the table."""
    below = sum(map(_read, node.get("Plans", ())))
    if "Relation Name" not in node:
        return below
    dropped = sum(node.get(key, 0) for key in ("Rows Removed by Filter", "Rows Removed by Index Recheck"))
    return int((node["Actual Rows"] + dropped) * node["Actual Loops"])


def reads_few(found: Plan, without: Plan) -> bool:
    """Whether an index spared most of what is read without one."""
    return found.rows <= without.rows * _FEW and found.pages <= without.pages * _FEW


def proved(server: str, rows: int, *, runs: int = 1) -> dict[Claim, tuple[Plan, Plan | None, Plan]]:
    """For each claim the plans without an index, with the one that fails, and with the one that serves."""
    with psycopg.connect(server, autocommit=True) as connection:
        try:
            filled(connection, rows)
            return {
                claim: (
                    plan(connection, claim, "", runs=runs),
                    plan(connection, claim, claim.fails, runs=runs) if claim.fails else None,
                    plan(connection, claim, claim.serves, runs=runs),
                )
                for claim in CLAIMS
            }
        finally:
            connection.execute("DROP TABLE IF EXISTS orders")


def table(found: dict[Claim, tuple[Plan, Plan | None, Plan]]) -> str:
    """The proof, in Markdown."""
    lines = [
        "| query | index that does not serve | index that does | rows read | pages read | time |",
        "|---|---|---|---:|---:|---:|",
    ]
    for claim, (without, failing, serving_) in found.items():
        worst = failing or without
        ratio = worst.seconds / serving_.seconds
        shown = f"{ratio:,.0f} : 1" if ratio < 20 else f"{round(ratio, -1):,.0f} : 1"
        lines.append(
            f"| {claim.name} | {f'`{claim.fails}`' if claim.fails else ''} | `{claim.serves}` "
            f"| {worst.rows:,} → {serving_.rows:,} | {worst.pages:,} → {serving_.pages:,} | {shown} |"
        )
    return "\n".join(lines) + "\n"
