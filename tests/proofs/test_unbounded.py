"""A process grows with the table where the rule says so, and nowhere else. With fewer rows than the page, whose megabytes are
those of one machine."""

from __future__ import annotations

import pytest

from tests.proofs import unbounded

pytestmark = pytest.mark.timeout(300)

_ROWS = 30_000
_FEW = 4_000  # kilobytes that a page takes, with what is loaded for the first one
_EACH = 0.2  # kilobytes that a row takes at least


def test_a_process_grows_with_the_table_where_the_rule_says_so(server: str) -> None:
    for one in unbounded.measured(server, _ROWS):
        assert one.found == (one.kilobytes > _FEW + _ROWS * _EACH / 2), one
