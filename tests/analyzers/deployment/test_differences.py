"""What a change does to a budget, in the words of the finding, and the pooler that it offers."""

from __future__ import annotations

import pytest
import yaml

import analyzers
from tests.test_cases import Blobs

COMPOSE = """
services:
  web:
    build: .
    command: gunicorn -w {workers} --threads 15 shop.web:app
  db:
    image: postgres:17
    environment: {{POSTGRES_USER: shop}}
    command: postgres -c max_connections={limit}
"""
SOURCE = b'from sqlalchemy import create_engine\n\nengine = create_engine("postgresql://db/shop")\n'


def found(before: dict[str, int], after: dict[str, int]) -> list[analyzers.Finding]:
    blobs = Blobs()
    base, head = (
        blobs.add({"compose.yml": COMPOSE.format(**numbers).encode(), "shop/db.py": SOURCE}) for numbers in (before, after)
    )
    return [f for f in analyzers.compare(base, head, blobs).review.new if f.rule == "connections"]


def test_a_change_is_told_as_a_difference() -> None:
    [finding] = found({"workers": 4, "limit": 100}, {"workers": 8, "limit": 100})
    assert finding.message.startswith("This change takes the worst case from 60 to 120 of 97. The services of")
    assert "Pools are ceilings, not reservations" in finding.message
    assert finding.growth == "web 1 x 8 x (5 + 10) = 120 of 97"


def test_a_smaller_server_is_told_as_a_difference() -> None:
    [finding] = found({"workers": 4, "limit": 100}, {"workers": 4, "limit": 50})
    assert finding.message.startswith("This change takes the worst case from 60 of 97 to 60 of 47. ")


def test_what_was_too_many_before_is_no_finding_of_the_change() -> None:
    assert found({"workers": 8, "limit": 100}, {"workers": 9, "limit": 100}) == []


@pytest.mark.parametrize("workers", [8, 200])
def test_the_pooler_accepts_all_clients_and_opens_what_the_server_allows(workers: int) -> None:
    [finding] = found({"workers": 1, "limit": 100}, {"workers": workers, "limit": 100})
    service = yaml.safe_load(finding.code)["services"]["pgbouncer"]
    told = service["environment"]
    assert int(told["MAX_CLIENT_CONN"]) >= workers * 15
    assert int(told["DEFAULT_POOL_SIZE"]) < 97
    assert (told["DB_HOST"], told["DB_USER"], told["POOL_MODE"], service["depends_on"]) == ("db", "shop", "transaction", ["db"])
    head = Blobs()
    files = {"compose.yml": COMPOSE.format(workers=workers, limit=100).encode(), "shop/db.py": SOURCE}
    files["compose.override.yml"] = finding.code.encode()
    revision = head.add(files)
    assert [f for f in analyzers.audit(revision, head).review.new if f.rule == "connections"] == []
