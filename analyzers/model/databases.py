"""Which database a repository runs on, by what its configuration says."""

from __future__ import annotations

import re
from collections import Counter

from analyzers.facts.outline import Text, walk
from analyzers.model.code import Codebase
from analyzers.model.roles import is_test

_DATABASES = (
    ("postgresql", re.compile(r"postgres|postgis|pgsql|psycopg|timescale|\bpgvector", re.IGNORECASE)),
    ("mysql", re.compile(r"mysql|mariadb", re.IGNORECASE)),
    ("sqlite", re.compile(r"sqlite", re.IGNORECASE)),
)
_DATABASE_SETTING = re.compile(
    r"\.image$|^image$|database_url$|(^|\.)(url|dsn|driver|engine|connection)$|^FROM$|server_version$", re.IGNORECASE
)

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
    """The database the repository's own configuration names, if it names one alone; a server wins over SQLite, which
    projects name beside it for development."""
    votes: Counter[str] = Counter()
    for path, facts in code.files.items():
        if is_test(path):
            continue
        for setting in facts.settings:
            if _DATABASE_SETTING.search(setting.key):
                votes.update(name for name, shape in _DATABASES if shape.search(setting.value))
        if facts.language == "python" and "settings" in path:
            for node in (n for top in facts.outline for n in walk(top)):
                if isinstance(node, Text) and isinstance(node.value, str) and ".backends." in node.value:
                    votes.update(name for name, shape in _DATABASES if shape.search(node.value))
    servers = [name for name in ("postgresql", "mysql") if votes[name]]
    if len(servers) == 1:
        return servers[0]
    return "sqlite" if not servers and votes["sqlite"] else ""
