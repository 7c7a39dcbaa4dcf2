"""Two processes lose what the rule says they lose, and keep it once it is where the rule says."""

from __future__ import annotations

import pytest

from tests.proofs import local_state
from tests.proofs.table import filled

pytestmark = pytest.mark.timeout(300)


def test_the_process_that_answers_does_not_know_what_another_keeps() -> None:
    found = list(local_state.measured())
    for one in found:
        assert one.lost == (local_state.ASKED // 2 if one.found else 0)
    assert {one.found for one in found} == {True, False}
    page = local_state.PAGE.read_text(encoding="utf-8")
    assert page == filled(page, {"lost": local_state.table(iter(found))}), "write it anew: .venv/bin/python -m tests.proofs"
