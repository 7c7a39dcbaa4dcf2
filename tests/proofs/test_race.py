"""What fifty do at once is lost and doubled where the rule says so, and nowhere else."""

from __future__ import annotations

import pytest

from tests.proofs import race
from tests.proofs.table import filled

pytestmark = pytest.mark.timeout(300)


def test_changes_are_lost_where_the_rule_says_so(server: str) -> None:
    found = list(race.lost(server))
    assert [(one.count, one.found) for one in found] == [(race.TOGETHER - 1, True), (0, False), (0, False)]
    page = race.PAGE.read_text(encoding="utf-8")
    assert page == filled(page, {"lost": race.table_of_lost(found)}), "write it anew: .venv/bin/python -m tests.proofs"


def test_rows_and_numbers_are_doubled_where_the_rule_says_so(server: str) -> None:
    rows, numbers = list(race.doubled(server)), list(race.numbered(server))
    assert [(one.count, one.found) for one in rows] == [(race.TOGETHER, True), (1, False)]
    assert [(one.count, one.found) for one in numbers] == [(race.TOGETHER - 1, True), (0, False)]
    page = race.PAGE.read_text(encoding="utf-8")
    assert page == filled(page, {"doubled": race.table_of_doubled(rows, numbers)}), (
        "write it anew: .venv/bin/python -m tests.proofs"
    )


def test_tests_pass_and_locks_fail_where_the_rule_says_so(server: str) -> None:
    found = list(race.tested(server))
    assert [(one.count, one.found) for one in found] == [
        (race.TOGETHER - 1, True),
        (0, False),
        (race.TOGETHER - 5, True),
        (0, False),
        (race.TOGETHER, True),
        (0, False),
    ]
    page = race.PAGE.read_text(encoding="utf-8")
    assert page == filled(page, {"tested": race.table_of_tested(found)}), "write it anew: .venv/bin/python -m tests.proofs"
