"""A server that the configuration states counts where no file states one, and is named as the origin of the number."""

from __future__ import annotations

import pytest

import analyzers
from analyzers import Finding, Revision, read_settings
from tests.analyzers.test_own_libraries import Blobs

POOL = 'import sqlalchemy as sa\n\nengine = sa.create_engine("postgresql://db/shop")\n'
SERVICES = """
services:
  web:
    build: .
    command: ["gunicorn", "--workers=3", "--threads=15", "shop:app"]
"""
BESIDE = SERVICES + "  db:\n    image: postgres:16\n"


def found(services: str, said: str) -> list[Finding]:
    settings, problems = read_settings({".cliffguard.yml": said.encode()}, known_rules=analyzers.RULES)
    assert not problems
    blobs = Blobs({"db.py": POOL, "compose.yml": services})
    review = analyzers.audit(Revision("", blobs.revision.files), blobs, settings=settings).review
    return [one for one in review.new if one.title.startswith("Up to")]


@pytest.mark.parametrize(
    ("services", "said", "title"),
    [
        (SERVICES, "", None),
        (SERVICES, "database_server: {plan: heroku/mini}", "Up to 45 connections to `database`, which accepts 20"),
        (SERVICES, "database_server: {plan: heroku/standard-0}", None),
        (SERVICES, "database_server: {max_connections: 40}", "Up to 45 connections to `database`, which accepts 37"),
        (
            SERVICES,
            "database_server: {max_connections: 60, reserved: 20}",
            "Up to 45 connections to `database`, which accepts 40",
        ),
        (SERVICES, "database_server: {plan: heroku/mini, max_connections: 90}", None),
        (
            SERVICES,
            "database: mysql\ndatabase_server: {max_connections: 40}",
            "Up to 45 connections to `database`, which accepts 40",
        ),
        (BESIDE, "", None),
        (BESIDE, "database_server: {plan: heroku/mini}", None),  # of another place: here is a server
        (BESIDE, "database_server: {max_connections: 40}", "Up to 45 connections to `db`, which accepts 37"),
    ],
)
def test_the_capacity_is_what_the_configuration_says(services: str, said: str, title: str | None) -> None:
    assert [one.title for one in found(services, said)] == ([title] if title else [])


def test_the_configuration_is_named_as_the_origin() -> None:
    [plan] = found(SERVICES, "database_server: {plan: heroku/mini}")
    assert "20, the plan `mini` of Heroku, which the configuration names." in plan.evidence
    [stated] = found(SERVICES, "database_server: {max_connections: 40}")
    assert "40, `database_server.max_connections` of the configuration." in stated.evidence


def test_a_plan_that_nobody_has_is_a_mistake() -> None:
    for text in ("heroku/huge", "heroku", "nobody/small", "heroku/"):
        settings, problems = read_settings({".cliffguard.yml": f"database_server: {{plan: {text}}}".encode()})
        assert settings.database_server.plan is None
        assert "must be PROVIDER/PLAN with one of heroku, render, digitalocean, rds" in problems[0].text
    _, problems = read_settings({".cliffguard.yml": b"database_server: {plan: rds/db.t3.micro, reserved: -1}"})
    assert [one.text.split(",")[0] for one in problems] == ["`database_server.reserved` must be a number"]
