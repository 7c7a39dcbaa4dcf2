"""The server refuses exactly what the equation says, and the rule speaks exactly then."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.proofs import connections, shared_session
from tests.proofs.table import filled

pytestmark = pytest.mark.timeout(300)


def test_the_refused_connections_are_those_that_the_equation_says() -> None:
    found = list(connections.measured())
    for one in found:
        assert one.budget.demand is not None
        assert one.budget.capacity == connections.LIMIT - 3
        assert one.refused == max(0, one.budget.demand - one.budget.capacity)
        assert one.found == (one.refused > 0)
    assert {one.found for one in found} == {True, False}
    page = connections.PAGE.read_text(encoding="utf-8")
    assert page == filled(page, {"refused": connections.table(iter(found))}), "write it anew: .venv/bin/python -m tests.proofs"


def test_requests_that_open_their_own_are_refused_and_those_of_a_pool_wait() -> None:
    found = list(connections.answered())
    assert [(one.refused, one.found) for one in found] == [(connections.TOGETHER - (connections.LIMIT - 3), True), (0, False)]
    page = connections.PAGE.read_text(encoding="utf-8")
    assert page == filled(page, {"anew": connections.table_of_routes(iter(found))}), (
        "write it anew: .venv/bin/python -m tests.proofs"
    )


def test_a_session_of_the_module_fails_those_that_come_later_and_keeps_its_connection(tmp_path: Path) -> None:
    kept, opened = shared_session.shared(tmp_path)
    assert (kept.answered, kept.open, kept.found) == (("yes", "no", "no"), 1, True)
    assert (opened.answered, opened.open, opened.found) == (("yes", "no", "yes"), 0, False)
