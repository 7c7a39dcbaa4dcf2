"""How names of code are put into sentences."""

from __future__ import annotations

from analyzers.words import indefinite


def test_a_name_as_one_of_its_kind() -> None:
    assert [indefinite(name) for name in ("User", "Order", "item", "")] == ["a `User`", "an `Order`", "an `item`", "a ``"]
