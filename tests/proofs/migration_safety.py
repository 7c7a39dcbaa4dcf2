"""The proof of the rule `migration_safety`: which lock each statement takes, and what others can do meanwhile.

A statement is run in a transaction that is held open, as a migration is while it reads the table. A second session reads
`pg_locks`, and tries to read and to write the table, giving up rather than waiting. Each bad statement has a good twin.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import psycopg

from tests.reference import ROOT

PAGE = ROOT / "analyzers" / "rules" / "migration_safety.md"
ROWS = 1_000
TABLES = f"""
CREATE TABLE customers (id bigint PRIMARY KEY);
CREATE TABLE orders (id bigint PRIMARY KEY, customer_id bigint, status text, total integer);
INSERT INTO customers SELECT generate_series(1, 10);
INSERT INTO orders SELECT i, 1 + i % 10, i::text, i FROM generate_series(1, {ROWS}) i;
"""
_MODES = (
    "AccessShareLock",
    "RowShareLock",
    "RowExclusiveLock",
    "ShareUpdateExclusiveLock",
    "ShareLock",
    "ShareRowExclusiveLock",
    "ExclusiveLock",
    "AccessExclusiveLock",
)
"""Weakest first."""


@dataclass(frozen=True)
class Twin:
    """A statement that hurts, and what reaches the same without. `before` made the table ready for the good one."""

    name: str
    bad: str
    good: str
    before: str = ""
    concurrent: bool = False  # the good one runs outside of a transaction


_REQUIRED = "ALTER TABLE orders ADD CONSTRAINT filled CHECK (status IS NOT NULL)"
TWINS = (
    Twin(
        "index",
        "CREATE INDEX orders_status ON orders (status)",
        "CREATE INDEX CONCURRENTLY orders_status ON orders (status)",
        concurrent=True,
    ),
    Twin(
        "unique constraint",
        "ALTER TABLE orders ADD CONSTRAINT one_status UNIQUE (status)",
        "CREATE UNIQUE INDEX CONCURRENTLY one_status ON orders (status)",
        concurrent=True,
    ),
    Twin(
        "foreign key",
        "ALTER TABLE orders ADD CONSTRAINT customer FOREIGN KEY (customer_id) REFERENCES customers (id)",
        "ALTER TABLE orders VALIDATE CONSTRAINT customer",
        "ALTER TABLE orders ADD CONSTRAINT customer FOREIGN KEY (customer_id) REFERENCES customers (id) NOT VALID",
    ),
    Twin("check", _REQUIRED, "ALTER TABLE orders VALIDATE CONSTRAINT filled", f"{_REQUIRED} NOT VALID"),
)
REWRITES = {
    "ALTER TABLE orders ALTER COLUMN total TYPE bigint": True,
    "ALTER TABLE orders ALTER COLUMN status TYPE varchar": False,
    "ALTER TABLE orders ADD COLUMN token uuid DEFAULT gen_random_uuid()": True,
    "ALTER TABLE orders ADD COLUMN seen_at timestamptz DEFAULT now()": False,
    "ALTER TABLE orders ADD COLUMN number bigserial": True,
    "ALTER TABLE orders ADD COLUMN paid boolean NOT NULL DEFAULT false": False,
}
"""Statements, and whether they write the table into a new file."""


@dataclass(frozen=True)
class Effect:
    """The strongest lock on the table, and whether another session can use it meanwhile."""

    lock: str
    reads: bool
    writes: bool


def effects(server: str) -> dict[Twin, tuple[Effect, Effect]]:
    """What each twin does, bad and good."""
    found = {}
    for twin in TWINS:
        bad = _measured(server, twin.bad)
        good = _concurrent(server, twin.good) if twin.concurrent else _measured(server, twin.good, twin.before)
        found[twin] = bad, good
    return found


def _measured(server: str, statement: str, before: str = "") -> Effect:
    """While the transaction that ran the statement is open."""
    with _tables(server) as one, psycopg.connect(server, autocommit=True) as other:
        if before:
            one.execute(before.encode())
        with one.transaction(force_rollback=True):
            one.execute(statement.encode())
            return _effect(other, one.info.backend_pid)


def _concurrent(server: str, statement: str) -> Effect:
    """While the statement waits for a transaction that wrote the table before, which is what it does between its passes."""
    with _tables(server) as one, psycopg.connect(server) as writer, psycopg.connect(server, autocommit=True) as other:
        writer.execute("UPDATE orders SET total = 0 WHERE id = 1")
        pid = one.info.backend_pid
        one.pgconn.send_query(statement.encode())
        while not other.execute("SELECT wait_event_type = 'Lock' FROM pg_stat_activity WHERE pid = %s", [pid]).fetchall()[0][0]:
            other.execute("SELECT pg_stat_clear_snapshot()")
        try:
            return _effect(other, pid)
        finally:
            writer.rollback()
            while (result := one.pgconn.get_result()) is not None:
                assert result.status == psycopg.pq.ExecStatus.COMMAND_OK, result.error_message


class _tables:
    """A connection to tables with rows, which are gone afterwards."""

    def __init__(self, server: str) -> None:
        self._connection: psycopg.Connection[Any] = psycopg.connect(server, autocommit=True)

    def __enter__(self) -> psycopg.Connection[Any]:
        self._connection.execute(TABLES.encode())
        return self._connection

    def __exit__(self, *_: object) -> None:
        self._connection.execute("DROP TABLE orders, customers")
        self._connection.close()


def _effect(other: psycopg.Connection[Any], pid: int) -> Effect:
    query = "SELECT mode FROM pg_locks WHERE pid = %s AND relation = 'orders'::regclass AND granted"
    modes = [mode for (mode,) in other.execute(query, [pid]).fetchall()]
    other.execute("SET lock_timeout = '100ms'")
    return Effect(
        max(modes, key=_MODES.index),
        _goes(other, "SELECT count(*) FROM orders"),
        _goes(other, "INSERT INTO orders VALUES (0, 1, 'x', 0)"),
    )


def _goes(connection: psycopg.Connection[Any], statement: str) -> bool:
    try:
        with connection.transaction(force_rollback=True):
            connection.execute(statement.encode())
    except psycopg.errors.LockNotAvailable:
        return False
    return True


def rewritten(server: str) -> dict[str, bool]:
    """Whether each of `REWRITES` gave the table a new file."""
    return {statement: _rewrites(server, statement) for statement in REWRITES}


def _rewrites(server: str, statement: str) -> bool:
    query = "SELECT pg_relation_filenode('orders')"
    with _tables(server) as one:
        before = one.execute(query).fetchall()
        one.execute(statement.encode())
        return one.execute(query).fetchall() != before


def refused(server: str) -> Iterator[type[Exception]]:
    """What fails: an index built concurrently in a transaction, and a required column that has no value."""
    for statement in ("CREATE INDEX CONCURRENTLY i ON orders (status)", "ALTER TABLE orders ADD COLUMN c integer NOT NULL"):
        with _tables(server) as one:
            try:
                with one.transaction():
                    one.execute(statement.encode())
            except psycopg.Error as error:
                yield type(error)


def believed(server: str) -> tuple[int, int]:
    """The rows that `SET NOT NULL` reads without a validated check, and with one."""
    without, with_check = (_read_by_not_null(server, before) for before in ("", _REQUIRED))
    return without, with_check


def _read_by_not_null(server: str, before: str) -> int:
    with _tables(server) as one:
        if before:
            one.execute(before.encode())
        old = _rows_read(one)
        one.execute("ALTER TABLE orders ALTER COLUMN status SET NOT NULL")
        return _rows_read(one) - old


def _rows_read(connection: psycopg.Connection[Any]) -> int:
    connection.execute("SELECT pg_stat_force_next_flush()")
    [(rows,)] = connection.execute("SELECT seq_tup_read FROM pg_stat_user_tables WHERE relname = 'orders'").fetchall()
    return int(rows)


def table(found: dict[Twin, tuple[Effect, Effect]]) -> str:
    """The proof, in Markdown."""
    lines = ["| statement | lock | others read | others write |", "|---|---|---|---|"]
    for twin, (bad, good) in found.items():
        for statement, effect in ((twin.bad, bad), (twin.good, good)):
            lock = "".join(f" {c}" if c.isupper() else c for c in effect.lock.removesuffix("Lock")).strip().upper()
            lines.append(f"| `{statement}` | `{lock}` | {_said(effect.reads)} | {_said(effect.writes)} |")
    return "\n".join(lines) + "\n"


def _said(goes: bool) -> str:
    return "yes" if goes else "wait"
