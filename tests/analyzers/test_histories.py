"""The files of SQL that build schemas: in which order they run, and which of them speak of one database."""

from __future__ import annotations

import pytest

from analyzers.frontends import read_facts
from analyzers.model.naming.code import Codebase
from analyzers.model.schema.databases import database_of
from analyzers.model.schema.histories import databases
from analyzers.model.schema.prisma import prisma_schemas
from analyzers.model.schema.sql_files import sql_migrations


def code_of(files: dict[str, str]) -> Codebase:
    return Codebase({path: read_facts(path, text.encode()) for path, text in files.items()})


def tables(*names: str) -> str:
    return "".join(f"CREATE TABLE {name} (id int PRIMARY KEY);\n" for name in names)


ORDERS = {
    "numbers count": ["db/2_b.sql", "db/10_c.sql"],
    "flyway": ["db/V1__a.sql", "db/V1.2__b.sql", "db/V1.10__c.sql", "db/R__views.sql"],
    "golang-migrate": ["m/000001_a.up.sql", "m/000002_b.up.sql", "m/000010_c.up.sql"],
    "diesel": ["m/20141007131147_a/up.sql", "m/2021-04-24-115720_b/up.sql", "m/2021-04-24-115721_c/up.sql"],
    "prisma": ["p/migrations/20230101000000_a/migration.sql", "p/migrations/20240101000000_b/migration.sql"],
    "supabase": ["supabase/migrations/20230101000000_a.sql", "supabase/migrations/20230101000001_b.sql"],
    "a base, then changes": ["db/schema.sql", "db/001_a.sql", "db/002_b.sql"],
}


@pytest.mark.parametrize("paths", ORDERS.values(), ids=ORDERS)
def test_order(paths: list[str]) -> None:
    files = {path: tables(f"t{number}") for number, path in reversed(list(enumerate(paths)))}
    assert [migration.path for migration in sql_migrations(code_of(files))] == paths


@pytest.mark.parametrize(
    "path", ["m/1_a.down.sql", "m/2020_a/down.sql", "sqls/2015-a-down.sql", "db/U1__a.sql", "db/rollback/1.sql"]
)
def test_what_goes_back_is_not_read(path: str) -> None:
    assert read_facts(path, tables("t").encode()).sql == ()


def test_a_baseline_stands_for_what_is_gone() -> None:
    old = {
        "db/B2__base.sql": tables("a", "b"),
        "db/V1__a.sql": tables("a"),
        "db/V2__b.sql": tables("b"),
        "db/V3__c.sql": tables("c"),
    }
    assert [m.path for m in sql_migrations(code_of(old))] == ["db/V1__a.sql", "db/V2__b.sql", "db/V3__c.sql"]
    squashed = {path: text for path, text in old.items() if path not in ("db/V1__a.sql", "db/V2__b.sql")}
    assert [m.path for m in sql_migrations(code_of(squashed))] == ["db/B2__base.sql", "db/V3__c.sql"]


def bound(files: dict[str, str], modelled: tuple[str, ...] = ()) -> dict[str, list[str]]:
    code = code_of(files)
    found = databases(tuple(sql_migrations(code)), tuple(prisma_schemas(code)), modelled)
    return {one.name: [m.path for m in one.migrations] for one in found if one.migrations or one.declared}


def test_two_trees_are_two_databases_and_a_dump_belongs_to_the_one_it_sums_up() -> None:
    files = {
        "a/migrations/1.sql": tables("users", "posts"),
        "b/migrations/1.sql": tables("users", "visits"),
        "db/schema.sql": tables("users", "visits", "pages"),
    }
    assert bound(files) == {"a/migrations": ["a/migrations/1.sql"], "b/migrations": ["db/schema.sql", "b/migrations/1.sql"]}


def test_dumps_of_one_schema_for_two_systems_are_kept_apart() -> None:
    files = {
        "sql/mysql.sql": "CREATE TABLE `a` (`id` int AUTO_INCREMENT PRIMARY KEY) ENGINE=InnoDB;",
        "sql/postgres.sql": "CREATE TABLE a (id bigserial PRIMARY KEY);",
    }
    assert sorted(bound(files).values()) == [["sql/mysql.sql"], ["sql/postgres.sql"]]


def test_what_shares_its_tables_with_models_is_the_main_database() -> None:
    assert bound({"sql/1.sql": tables("shop_order", "shop_line")}, ("shop_order", "shop_line")) == {"": ["sql/1.sql"]}
    assert bound({"sql/1.sql": tables("other", "more")}, ("shop_order",)) == {"sql": ["sql/1.sql"]}


EVIDENCE = {
    "compose": ({"compose.yaml": "services: {db: {image: 'mariadb:11'}}"}, "mysql"),
    "dsn": ({".env.example": "DATABASE_URL=postgres://shop@db/shop"}, "postgresql"),
    "laravel": ({".env.example": "DB_CONNECTION=pgsql"}, "postgresql"),
    "rails": ({"config/database.yml": "production: {adapter: postgresql}"}, "postgresql"),
    "driver": ({"package.json": '{"dependencies": {"mysql2": "^3"}}'}, "mysql"),
    "python driver": ({"pyproject.toml": '[project]\ndependencies = ["psycopg[binary]>=3"]'}, "postgresql"),
    "prisma lock": ({"prisma/migrations/migration_lock.toml": 'provider = "sqlite"'}, "sqlite"),
    "a server before SQLite": ({"package.json": '{"dependencies": {"pg": "8", "better-sqlite3": "9"}}'}, "postgresql"),
    "two servers": ({"package.json": '{"dependencies": {"pg": "8", "mysql2": "3"}}'}, ""),
    "what is set counts more than what is needed": (
        {"package.json": '{"dependencies": {"pg": "8", "mysql2": "3"}}', "compose.yaml": "services: {db: {image: postgres}}"},
        "postgresql",
    ),
}


@pytest.mark.parametrize(("files", "database"), EVIDENCE.values(), ids=EVIDENCE)
def test_database(files: dict[str, str], database: str) -> None:
    assert database_of(code_of(files)) == database
