"""What must hold of a proof. Each judge raises if it does not."""

from __future__ import annotations

import re

import analyzers
from tests.proofs import mariadb
from tests.proofs.measure import EXAMPLE, FIGURES, ORDERS
from tests.proofs.migration_safety import Effect
from tests.proofs.proof import Proof, law
from tests.test_cases import Blobs

_SAID = re.compile(r"queries: (\d+) for (\d+) orders")
# Their query loads something else with one more query, whatever the number of rows; the law counts what grows.
_ONE_MORE = {"half_loaded", "bypassed_prefetch", "bypassed"}
_CONSTANT = 3  # queries of a good twin, at most


def bad_twins_are_found_and_nothing_else(proof: Proof) -> None:
    found = [(f.place.path, f.place.span.start_line, f.rule) for f in proof.findings]
    assert sorted(found) == sorted(proof.case.expected)


def twins_give_the_same(proof: Proof) -> None:
    assert proof.twins
    assert [size for size, answers in proof.answers.items() if len(answers) != 1] == []


def bad_twins_grow_and_good_ones_do_not(proof: Proof) -> None:
    for twin in proof.twins:
        bad, good = (proof.queries(twin, kind) for kind in ("bad", "good"))
        assert all(bad[orders] > orders for orders in ORDERS), twin
        assert len(set(good.values())) == 1, twin
        assert max(good.values()) <= _CONSTANT, twin


def growth_laws_are_what_was_counted(proof: Proof) -> None:
    for twin in proof.twins:
        [finding] = proof.findings_in(twin)
        more = int(twin in _ONE_MORE)
        counted = proof.queries(twin, "bad")
        assert counted == {orders: law(finding, orders) + more for orders in counted}, twin
        said = _SAID.search(finding.growth)
        assert said, finding.growth
        assert (int(said[2]), int(said[1]) + more) == (EXAMPLE, counted[EXAMPLE]), twin


def the_figures_of_the_literature_hold(proof: Proof) -> None:
    for (users, orders), queries in FIGURES.items():
        assert proof.queries(proof.page, "bad", users)[orders] == queries
        assert proof.queries(proof.page, "good", users)[orders] == users


def mariadb_does_as_the_rules_say(own: str, read: dict[str, int], changed: dict[str, Effect]) -> None:
    assert own, "a foreign key brought no index"
    for condition, served in mariadb.SEARCHES.items():
        assert (read[condition] < mariadb.ROWS / 10) == served, condition
    for statement, (reads, writes) in mariadb.CHANGES.items():
        effect = changed[statement]
        assert (effect.reads, effect.writes) == (reads, writes), statement
        assert bool(effect.lock) == writes, statement
        assert bool(migration_titles(statement)) == (not writes), statement


def migration_titles(statement: str) -> list[str]:
    """What the rule says of a migration of a table of MariaDB that was there before."""
    blobs = Blobs()
    tables = re.sub(r"INSERT INTO .*?;", "", mariadb.TABLES, flags=re.DOTALL)
    old = {"compose.yml": b"services:\n  db:\n    image: mariadb:10.11\n", "migrations/001_tables.sql": tables.encode()}
    new = old | {"migrations/002_more.sql": f"{statement};".encode()}
    review = analyzers.compare(blobs.add(old), blobs.add(new), blobs).review
    return [finding.title for finding in review.new if finding.rule == "migration_safety"]
