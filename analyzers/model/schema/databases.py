"""Which database a repository runs on, by what its configuration says."""

from __future__ import annotations

import re
from collections import Counter

from analyzers.facts.outline import Text, walk
from analyzers.model.naming.code import Codebase
from analyzers.model.naming.looked import Importing
from analyzers.model.naming.roles import is_test

_DATABASES = (
    ("postgresql", re.compile(r"postgres|postgis|pgsql|psycopg|timescale|\bpgvector", re.IGNORECASE)),
    ("mysql", re.compile(r"mysql|mariadb", re.IGNORECASE)),
    ("sqlite", re.compile(r"sqlite", re.IGNORECASE)),
)
_DATABASE_SETTING = re.compile(
    r"\.image$|^image$|database_url$|(^|[._])(url|dsn|driver|engine|connection|adapter|dialect|provider)$|^FROM$|server_version$",
    re.IGNORECASE,
)
_DEPENDENCY = re.compile(r"(?:^|\.)(?:dependencies|require)\.(?:\d+$|(?P<name>[^.]+)$)")

DIALECTS = {
    "postgres": "postgresql",
    "mysql": "mysql",
    "sqlite": "sqlite",
    "clickhouse": "clickhouse",
    "tsql": "sqlserver",
    "oracle": "oracle",
}
"""Dialects of SQL, as facts name them, and the databases that speak them."""

DRIVERS = {
    "postgresql": "postgresql",
    "postgres": "postgresql",
    "pgsql": "postgresql",
    "pg": "postgresql",
    "mysql": "mysql",
    "mariadb": "mysql",
    "sqlite": "sqlite",
    "sqlite3": "sqlite",
}
"""What folders and settings call a database."""


def database_of(code: Codebase) -> str:
    """The database the repository's own configuration names, if it names one alone; where it names none, the one whose driver
    it depends on. A server wins over SQLite, which projects name beside it for development."""
    code.look_for("settings")
    votes: Counter[str] = Counter()
    drivers: Counter[str] = Counter()
    for path, facts in code.files.items():
        if is_test(path):
            continue
        for setting in facts.settings:
            if _DATABASE_SETTING.search(setting.key):
                votes.update(name for name, shape in _DATABASES if shape.search(setting.value))
            elif needed := _DEPENDENCY.search(setting.key):
                wanted = needed["name"] or re.split(r"[^\w-]", setting.value, maxsplit=1)[0]
                drivers.update(_CLIENTS[wanted.lower()] for _ in range(wanted.lower() in _CLIENTS))
        if facts.language == "python":
            drivers.update(database for database, modules in _MODULES.items() if code.imports(path, modules))
        if facts.language == "python" and "settings" in path:
            for node in (n for top in facts.outline for n in walk(top)):
                if isinstance(node, Text) and isinstance(node.value, str) and ".backends." in node.value:
                    votes.update(name for name, shape in _DATABASES if shape.search(node.value))
    return _elected(votes) if votes else _elected(drivers)


def _elected(votes: Counter[str]) -> str:
    servers = [name for name in ("postgresql", "mysql") if votes[name]]
    if len(servers) == 1:
        return servers[0]
    return "sqlite" if not servers and votes["sqlite"] else ""


# Packages that talk to one database only.
_CLIENTS = {
    **dict.fromkeys(
        ("psycopg", "psycopg2", "psycopg2-binary", "asyncpg", "pg8000", "ext-pgsql", "ext-pdo_pgsql"), "postgresql"
    ),
    **dict.fromkeys(("pg", "postgres", "pg-promise", "@neondatabase/serverless", "@prisma/adapter-pg"), "postgresql"),
    **dict.fromkeys(("mysqlclient", "pymysql", "aiomysql", "mysql-connector-python", "ext-mysqli", "ext-pdo_mysql"), "mysql"),
    **dict.fromkeys(("mysql", "mysql2", "mariadb", "@planetscale/database"), "mysql"),
    **dict.fromkeys(("ext-sqlite3", "ext-pdo_sqlite", "better-sqlite3", "sqlite3", "aiosqlite"), "sqlite"),
}

_DIALECT_MODULES = {
    "sqlalchemy.dialects.postgresql": "postgresql",
    "sqlalchemy.dialects.mysql": "mysql",
    "django.contrib.postgres": "postgresql",
}

# Modules of Python that talk to one database only, or speak its dialect.
_MODULES = {
    database: Importing.of(module for module, of in {**_CLIENTS, **_DIALECT_MODULES}.items() if of == database)
    for database in ("postgresql", "mysql", "sqlite")
}
