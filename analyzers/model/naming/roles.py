"""What a file is for, told by its path: product code, a test, a migration, or data to fill a development database."""

from __future__ import annotations

import re
from functools import lru_cache

_TEST = re.compile(
    r"(^|/)(tests?|testing|unit_?tests?|integration_?tests?|Behat|spec|specs|__tests__|fixtures|factories|testutils?|test_\w+"
    r"|benchmarks?|examples?|docs?)(/|$)"
    r"|\.(test|spec|test-d|e2e|e2e-spec|int-spec|mock)\.[mc]?[jt]sx?$|(^|/)(__tests?__|__mocks__|e2e|cypress|playwright)(/|$)"
    r"|(^|/)(test_[^/]*|[^/]*_tests?|tests|conftest|factories|[^/]*Test|[^/]*TestCase|[^/]*Fixtures?)\.\w+$"
)
_PATHS = 1 << 16  # of the projects that a process reviews, kept: many readers ask of each
_MIGRATION = re.compile(r"(^|/)((?:\w+_)?migrations?|(?-i:[A-Z]\w*Migrations)|alembic|versions|db/migrate)(/|$)", re.IGNORECASE)
_SEED = re.compile(r"(^|/)(seeds?|seeders?|DataFixtures|[^/]*(populate|seed)[^/]*\.\w+)(/|$)", re.IGNORECASE)
_BATCH = re.compile(r"(^|/)(management/commands|Command|Console/Commands|console|scripts?|bin|cron)(/|$)")
_SCHEDULED = re.compile(
    r"(^|/)(tasks?|\w+_tasks?|bgtasks|tasking|jobs?|\w*workers?|cron\w*|periodic\w*|maintenance\w*|cleanup\w*|Listeners/Update|Install\w*)(/|\.\w+$)"
)
_ASKED = re.compile(
    r"(^|/)(views?|api|controllers?|handlers?|routes|routers|endpoints|resolvers|Http|graphql)(/|\.\w+$)", re.IGNORECASE
)
_STAFF = re.compile(
    r"Controllers?/(?:\w+/)*Admin(?:/|\w*Controller\.)|(?:^|/)(?:app|src)/(?:\w+/)*(?:Admin|Filament)/|(?:^|/)admin(?:_\w+)?\.py$"
)
_FIGURES = re.compile(r"(?:^|[/._\\:]|(?<=[a-z]))(?:[Aa]nalytics|[Ss]tats?|[Ss]tatistics?|[Tt]elemetry|[Rr]eporting)(?![a-z])")
_TIDIES = re.compile(
    r"(^|[._:])(clean|cleanup|prune|prunable|purge|expire|garbage|sweep|vacuum|periodic|cron|getStale|getExpired)"
    r"|(delete|remove|get|mark|update|find|clear)_?(old|stale|expired|exceeded|outdated)",
    re.IGNORECASE,
)


_LOAD_TEST = re.compile(
    r"(^|/)(load[-_]?test(s|ing)?|k6|locust|gatling|jmeter|artillery|stress([-_]?tests?)?|perf(ormance)?([-_]?tests?)?)/"
    r"(.*/)?[\w.-]+\.(js|mjs|ts|py|ya?ml|scala|java|kt|lua|conf|jmx)$"
    r"|(^|/)[\w.-]*(locust|load[-_]?test|artillery|(?<![a-z0-9])k6(?![a-z0-9]))[\w.-]*\.(py|js|mjs|ts|ya?ml|conf|lua)$"
    r"|(^|/)\w*Simulation\.(scala|java|kt)$|\.jmx$",
    re.IGNORECASE,
)


def is_load_test(path: str) -> bool:
    """Whether the path may hold a load test: it is what a project runs, though users do not."""
    return _LOAD_TEST.search(path) is not None


@lru_cache(_PATHS)
def is_test(path: str) -> bool:
    """Whether the path holds tests or what only tests use. N+1 there costs nobody anything."""
    return _TEST.search(path) is not None or _SEED.search(path) is not None


@lru_cache(_PATHS)
def is_migration(path: str) -> bool:
    """Whether the path holds schema migrations: they run once."""
    return _MIGRATION.search(path) is not None


def is_product(path: str) -> bool:
    """Whether the path holds code that runs for users."""
    return not is_test(path) and not is_migration(path)


def is_batch(path: str) -> bool:
    """Whether the path holds commands and scripts, which no user waits for."""
    return _BATCH.search(path) is not None


def is_of_staff(path: str) -> bool:
    """Whether the path holds pages of the few who look after the product."""
    return _STAFF.search(path) is not None


def is_of_figures(path: str, function: str) -> bool:
    """Whether the code counts for reports and statistics, as far as the names of its file and its function tell."""
    return _FIGURES.search(f"{path} {function}") is not None


def is_scheduled(path: str, function: str) -> bool:
    """Whether the code runs once in a while, as far as the names of its file and its function tell."""
    name = re.split(r"[.\\]", function)[-1]
    tidies = _TIDIES.search(name.rpartition("::")[2]) is not None and _ASKED.search(path) is None
    return tidies or _SCHEDULED.search(path) is not None
