"""What a linter of SQL is asked, and what becomes of its answers."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

import analyzers
from analyzers import LinterError, Remark, Review
from tests.analyzers.test_pipeline import Memory
from tests.test_cases import Blobs

COMPOSE = b"services:\n  db:\n    image: postgres:18\n"
TABLES = b"CREATE TABLE orders (id bigint PRIMARY KEY, status text, total int, paid int);"
OLD = {"compose.yml": COMPOSE, "migrations/001_orders.sql": TABLES}
INDEX = "CREATE INDEX orders_status ON orders (status)"
REQUIRED = (
    "ALTER TABLE orders ALTER COLUMN total DROP NOT NULL, ALTER COLUMN status SET NOT NULL, ALTER COLUMN paid SET NOT NULL"
)


class Scripted:
    """A linter that says of each text it knows what it is told to, and remembers what it was asked."""

    version = "scripted 1"

    def __init__(self, **rules: str) -> None:
        self.rules = rules
        self.asked: list[str] = []

    def remarks(self, sql: bytes) -> Sequence[Remark]:
        self.asked.append(sql.decode())
        return [
            Remark(rule.replace("_", "-"), sql.index(of.encode()), sql.index(of.encode()) + len(of))
            for rule, of in self.rules.items()
        ]


class Broken(Scripted):
    def remarks(self, sql: bytes) -> Sequence[Remark]:
        raise LinterError("it took too long.")


def review(new: dict[str, bytes], linter: analyzers.Linter | None, old: dict[str, bytes] = OLD) -> Review:
    blobs = Blobs()
    return analyzers.compare(blobs.add(old), blobs.add(old | new), blobs, linter=linter).review


def migration(text: str) -> dict[str, bytes]:
    return {"migrations/002_more.sql": text.encode()}


def test_what_it_says_is_told_and_why() -> None:
    linter = Scripted(require_concurrent_index_creation=INDEX)
    (finding,) = review(migration(f"{INDEX};"), linter).new
    assert finding.subject == "orders.status: index"
    assert "squawk says so of the statement (`require-concurrent-index-creation`)." in finding.evidence
    assert linter.asked == [f"{INDEX};"]


def test_what_it_does_not_say_is_not_told() -> None:
    assert review(migration(f"{INDEX};"), None).new
    assert not review(migration(f"{INDEX};"), Scripted()).new


def test_a_remark_is_of_the_action_it_stands_at() -> None:
    (finding,) = review(migration(f"{REQUIRED};"), Scripted(adding_not_nullable_field="SET NOT NULL, ALTER COLUMN paid")).new
    assert finding.subject == "orders.status: required"


def test_what_it_has_no_rule_for_is_told_all_the_same() -> None:
    (finding,) = review(migration("ALTER TABLE orders ADD COLUMN number bigserial;"), Scripted()).new
    assert finding.subject == "orders.number: rewritten"


def test_a_default_that_is_the_same_for_all_rows_rewrites_nothing_whatever_it_says() -> None:
    steady = "ALTER TABLE orders ADD COLUMN height int NOT NULL DEFAULT -1"
    assert not review(migration(f"{steady};"), Scripted(adding_field_with_default="ADD COLUMN height")).new
    called = "ALTER TABLE orders ADD COLUMN token text NOT NULL DEFAULT random_string(26)"
    assert not review(migration(f"{called};"), None).new
    (finding,) = review(migration(f"{called};"), Scripted(adding_field_with_default="ADD COLUMN token")).new
    assert finding.subject == "orders.token: rewritten"


def test_a_statement_that_it_cannot_read_is_judged_by_what_is_known_here() -> None:
    (finding,) = review(migration(f"{INDEX};"), Scripted(syntax_error=INDEX)).new
    assert finding.subject == "orders.status: index"
    assert not any("squawk" in line for line in finding.evidence)


def test_it_is_asked_only_of_new_files_that_meet_a_table_of_another() -> None:
    linter = Scripted()
    both = {"migrations/002_more.sql": b"CREATE TABLE carts (id bigint, status text);\nCREATE INDEX ON carts (status);"}
    assert not review(both, linter).new
    mysql = {"compose.yml": b"services:\n  db:\n    image: mysql:9\n", "migrations/001_orders.sql": TABLES}
    assert review(migration("CREATE FULLTEXT INDEX x ON orders (status);"), linter, mysql).new
    old = OLD | migration(f"{INDEX};")
    assert not review({"migrations/003_none.sql": b"SELECT 1;"}, linter, old).new
    assert linter.asked == []


def test_strings_of_code_are_asked_about_in_their_transaction() -> None:
    linter = Scripted(ban_concurrent_index_creation_in_transaction="CONCURRENTLY")
    new = {
        "composer.json": b'{"require": {"doctrine/doctrine-migrations-bundle": "^3"}}',
        "migrations/Version20240201.php": b"""<?php
namespace DoctrineMigrations;

use Doctrine\\DBAL\\Schema\\Schema;
use Doctrine\\Migrations\\AbstractMigration;

final class Version20240201 extends AbstractMigration
{
    public function up(Schema $schema): void
    {
        $this->addSql('CREATE INDEX CONCURRENTLY orders_status ON orders (status)');
    }

    public function down(Schema $schema): void
    {
        $this->addSql('DROP INDEX orders_status');
    }
}
""",
    }
    (finding,) = review(new, linter).new
    assert finding.subject == "orders.status: in transaction"
    assert linter.asked == ["BEGIN;\nCREATE INDEX CONCURRENTLY orders_status ON orders (status)\n;\n"]


def test_the_way_back_is_not_asked_about() -> None:
    linter = Scripted()
    review(migration(f"-- +goose Up\n{INDEX};\n-- +goose Down\nDROP INDEX orders_status;\n"), linter)
    (asked,) = linter.asked
    assert "DROP" not in asked
    assert INDEX in asked


def test_a_linter_that_fails_is_a_visible_problem() -> None:
    judged = review(migration(f"{INDEX};"), Broken())
    assert [finding.subject for finding in judged.new] == ["orders.status: index"]
    (problem,) = judged.problems
    assert (problem.path, problem.text) == (
        "migrations/002_more.sql",
        "Its SQL was not judged by scripted 1: it took too long.",
    )


@pytest.mark.parametrize(("first", "second"), [(Scripted(), None), (None, Scripted()), (Broken(), Scripted())])
def test_what_is_kept_without_its_answer_is_not_taken_for_it(
    first: analyzers.Linter | None, second: analyzers.Linter | None
) -> None:
    blobs, store, texts = Blobs(), Memory(), OLD | migration(f"{INDEX};")
    old, new = blobs.add(OLD), blobs.add(texts)
    analyzers.compare(old, new, blobs, store=store, linter=first)
    warm = analyzers.compare(old, new, blobs, store=store, linter=second).review
    assert warm == analyzers.compare(old, new, blobs, linter=second).review
