"""The locks that the rule speaks of are those that PostgreSQL takes, and the safe way takes weaker ones."""

from __future__ import annotations

import psycopg
import pytest

import analyzers
from tests.proofs import migration_safety
from tests.proofs.table import filled
from tests.test_cases import Blobs

pytestmark = pytest.mark.timeout(300)


def test_bad_twins_make_others_wait_and_good_ones_do_not(server: str) -> None:
    found = migration_safety.effects(server)
    for twin, (bad, good) in found.items():
        assert not bad.writes, twin.name
        assert good.reads, twin.name
        assert good.writes, twin.name
    reads = {twin.name: bad.reads for twin, (bad, _) in found.items()}
    assert reads == {"index": True, "unique constraint": False, "foreign key": True, "check": False}
    page = migration_safety.PAGE.read_text(encoding="utf-8")
    assert page == filled(page, {"locks": migration_safety.table(found)}), "write it anew: .venv/bin/python -m tests.proofs"


def test_the_table_is_rewritten_where_the_rule_says_so(server: str) -> None:
    assert migration_safety.rewritten(server) == migration_safety.REWRITES
    for statement, rewrites in migration_safety.REWRITES.items():
        assert bool(_titles(statement)) == rewrites, statement


def test_what_fails_fails(server: str) -> None:
    wanted = [psycopg.errors.ActiveSqlTransaction, psycopg.errors.NotNullViolation]
    assert list(migration_safety.refused(server)) == wanted


def test_a_validated_check_is_believed(server: str) -> None:
    assert migration_safety.believed(server) == (migration_safety.ROWS, 0)


def test_the_rule_finds_bad_twins_and_nothing_else() -> None:
    for twin in migration_safety.TWINS:
        assert _titles(twin.bad), twin.name
        assert not _titles(f"{twin.before};\n{twin.good}" if twin.before else twin.good), twin.name


def _titles(migration: str) -> list[str]:
    """What the rule says of a migration of tables that were there before."""
    blobs = Blobs()
    old = {
        "compose.yml": b"services:\n  db:\n    image: postgres:18\n",
        "migrations/001_tables.sql": migration_safety.TABLES.encode(),
    }
    new = old | {"migrations/002_more.sql": migration.encode()}
    review = analyzers.compare(blobs.add(old), blobs.add(new), blobs).review
    return [finding.title for finding in review.new if finding.rule == "migration_safety"]
