"""The migration that comes with a finding: it parses, makes the index, and does no harm to a table in use."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlglot

import analyzers
from analyzers.findings import NewFile
from analyzers.frontends import read_facts
from tests.markdown import Case, cases
from tests.test_cases import Blobs, analysis_of

_PAGE = Path(__file__).parent.parent / "cases" / "missing_index" / "places.md"
_CASES = {case.heading: case for case in cases(_PAGE)}
_WITH_FILES = {
    "Among the options of a model": "shop/migrations/0002_shop_order_indexes.py",
    "On the columns of a mapped class, one comment for all of its keys": "migrations/versions/{}_orders_indexes.py",
    "Behind the mark of an entity": "migrations/Version20240101000001.php",
    "On the columns of a table that a migration creates": "database/migrations/2024_01_01_000001_add_indexes_to_orders.php",
    "At the end of a table that a migration creates, for several columns": (
        "database/migrations/2024_01_01_000001_add_indexes_to_events.php"
    ),
    "Behind a table that a revision creates": "migrations/versions/{}_orders_indexes.py",
    "Behind the statement that creates a table": "migrations/000002_orders_customer_id_idx.up.sql",
}


def _files(case: Case) -> Iterator[NewFile]:
    for finding in analysis_of(case).review.new:
        yield from finding.files


@pytest.mark.parametrize("heading", _WITH_FILES)
def test_the_file_follows_the_last_one(heading: str) -> None:
    file = next(_files(_CASES[heading]))
    before, _, after = _WITH_FILES[heading].partition("{}")
    assert file.path.startswith(before)
    assert file.path.endswith(after)


@pytest.mark.parametrize("heading", _WITH_FILES)
def test_the_file_parses(heading: str) -> None:
    for file in _files(_CASES[heading]):
        match file.language:
            case "python":
                ast.parse(file.text)
            case "sql":
                assert sqlglot.parse(file.text, dialect="postgres")
        assert not read_facts(file.path, file.text.encode()).problems


@pytest.mark.parametrize("heading", _WITH_FILES)
def test_the_file_makes_the_index_and_harms_nobody(heading: str) -> None:
    """The table is in use by then, and migrations are judged for what they do to it."""
    case = _CASES[heading]
    blobs = Blobs()
    added = {file.path: file.text.encode() for file in _files(case)}
    review = analyzers.compare(blobs.add(case.head), blobs.add({**case.head, **added}), blobs).review
    assert not review.new
    told = [finding for finding in analysis_of(case).review.new if finding.files]
    assert {subject for finding in told for _, subject in finding.identities} == {finding.subject for finding in review.fixed}


def test_beside_the_writes() -> None:
    words = {"AddIndexConcurrently", "postgresql_concurrently=True", "CREATE INDEX CONCURRENTLY"}
    online = [heading for heading in _WITH_FILES if any(b"postgres" in text for text in _CASES[heading].head.values())]
    assert len(online) == 5
    for heading in online:
        assert all(any(word in file.text for word in words) for file in _files(_CASES[heading]))


_TWO_TABLES = {
    "shop/migrations/0001_initial.py": """
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = []
    operations = [
        migrations.CreateModel("Order", [("id", models.AutoField(primary_key=True)), ("token", models.CharField())]),
        migrations.CreateModel("Invoice", [("id", models.AutoField(primary_key=True)), ("email", models.EmailField())]),
    ]
""",
    "shop/migrations/__init__.py": "",
    "shop/models.py": """
from django.db import models


class Order(models.Model):
    token = models.CharField()


class Invoice(models.Model):
    email = models.EmailField()
""",
    "shop/views.py": """
from shop.models import Invoice, Order


def order(request, token):
    return Order.objects.get(token=token)


def invoices(request, email):
    return list(Invoice.objects.filter(email__iexact=email))
""",
    "shop/settings.py": 'DATABASES = {"default": {"ENGINE": "django.db.backends.postgresql"}}\nINSTALLED_APPS = ["shop"]\n',
}


def test_two_tables_of_one_application_have_one_migration() -> None:
    blobs = Blobs()
    found = analyzers.audit(blobs.add({path: text.encode() for path, text in _TWO_TABLES.items()}), blobs).review.new
    files = [file for finding in found for file in finding.files if not finding.listed]
    assert len(files) == 2
    assert files[0] == files[1]
    text = files[0].text
    ast.parse(text)
    assert text.count("AddIndexConcurrently(") == 2
    assert text.count('dependencies = [("shop", "0001_initial")]') == 1
    assert "import Upper" in text


_MARKS = {
    "goose": ("-- +goose Up", "-- +goose Down", "-- +goose NO TRANSACTION\n-- +goose Up\nCREATE INDEX CONCURRENTLY"),
    "dbmate": ("-- migrate:up", "-- migrate:down", "-- migrate:up transaction:false\nCREATE INDEX CONCURRENTLY"),
    "sql-migrate": ("-- +migrate Up", "-- +migrate Down", "-- +migrate Up notransaction\nCREATE INDEX CONCURRENTLY"),
}


@pytest.mark.parametrize("program", _MARKS)
def test_a_program_that_reads_marks_finds_them(program: str) -> None:
    up, down, begins = _MARKS[program]
    first = f"""{up}
CREATE TABLE users (id bigserial PRIMARY KEY);
CREATE TABLE orders (id bigserial PRIMARY KEY, user_id bigint REFERENCES users (id), placed_at timestamptz);
{down}
DROP TABLE orders;
"""
    blobs = Blobs()
    base = {"migrations/20240101000000_first.sql": first.encode()}
    (told,) = analyzers.audit(blobs.add(base), blobs).review.new
    (file,) = told.files
    assert file.path == "migrations/20240101000001_orders_user_id_idx.sql"
    assert file.text.startswith(begins)
    assert f"{down}" in file.text
    assert "DROP INDEX CONCURRENTLY orders_user_id_idx;" in file.text
    review = analyzers.compare(blobs.add(base), blobs.add({**base, file.path: file.text.encode()}), blobs).review
    assert not review.new
    assert {finding.subject for finding in review.fixed} == {told.subject}
