"""What a file is for, told by its path: product code, a test, a migration, or data to fill a development database."""

from __future__ import annotations

import re

_TEST = re.compile(
    r"(^|/)(tests?|testing|Behat|spec|specs|__tests__|fixtures|factories|testutils?|test_\w+|benchmarks?|examples?|docs?)(/|$)"
    r"|(^|/)(test_[^/]*|[^/]*_tests?|tests|conftest|factories|[^/]*Test|[^/]*TestCase|[^/]*Fixtures?)\.\w+$"
)
_MIGRATION = re.compile(r"(^|/)(migrations?|alembic|versions|db/migrate)(/|$)", re.IGNORECASE)
_SEED = re.compile(r"(^|/)(seeds?|seeders?|DataFixtures|[^/]*(populate|seed)[^/]*\.\w+)(/|$)", re.IGNORECASE)
_BATCH = re.compile(r"(^|/)(management/commands|Command|Console/Commands|console|scripts?|bin|cron)(/|$)")


def is_test(path: str) -> bool:
    """Whether the path holds tests or what only tests use. N+1 there costs nobody anything."""
    return _TEST.search(path) is not None or _SEED.search(path) is not None


def is_migration(path: str) -> bool:
    """Whether the path holds schema migrations: they run once."""
    return _MIGRATION.search(path) is not None


def is_product(path: str) -> bool:
    """Whether the path holds code that runs for users."""
    return not is_test(path) and not is_migration(path)


def is_batch(path: str) -> bool:
    """Whether the path holds commands and scripts, which no user waits for."""
    return _BATCH.search(path) is not None
