"""Limits of waiting for a database, where the driver and the server have none of their own."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

from analyzers.deployment.uses import OTHER_USE
from analyzers.facts.outline import Text, walk
from analyzers.facts.store import FileFacts
from analyzers.model.naming.roles import is_product
from analyzers.model.project import Project
from analyzers.readiness.inventory import Inventory
from analyzers.readiness.packages import called
from analyzers.readiness.values import Row
from analyzers.source import Place

# Of the server and of drivers: what waits without an end unless it is told. PostgreSQL's parameters default to 0, "disabled"
# (postgresql documentation, "Statement Behavior"); libpq's connect_timeout to "wait indefinitely", but psycopg 3 and PDO have
# a default of their own. Of MySQL, locks end after 50 seconds by themselves.
_ENDLESS: Mapping[str, tuple[str, ...]] = {
    "postgresql": ("statement_timeout", "lock_timeout", "idle_in_transaction_session_timeout"),
    "mysql": ("max_execution_time",),
}
_ALSO = {"max_execution_time": ("max_statement_time",)}
_OF_DRIVERS = {"psycopg2": "connect_timeout", "psycopg2-binary": "connect_timeout"}
_CLIENTS = re.compile(
    r"^(?:sqlalchemy|psycopg2?|asyncpg|databases|django\.db(?!\.(?:models|migrations)\b)|pymysql|MySQLdb|aiomysql|sqlmodel"
    r"|dj_database_url|environ)\b"
)
_CONFIGURES = re.compile(r"settings|config|conf\b")
_PHP = re.compile(r"(?:.*/)?config/[\w/]+\.php")
_FROM_OUTSIDE = re.compile(
    r"(?!TEST)\w*(?:DATABASE|DB|SQLALCHEMY|POSTGRES|PG|MYSQL)\w*_(?:URL|URI|DSN)|DATABASE_URL", re.IGNORECASE
)


def databases_of(project: Project) -> list[str]:
    """The dialects of servers that a project's deployment or its tables name, as far as they are known here."""
    found = {server.database for stack in project.deployment.stacks for server in stack.servers}
    found |= {table.database for table in project.tables.values()}
    return [name for name in _ENDLESS if name in found]


def timeouts(files: Mapping[str, FileFacts], known: Sequence[str], stated: Inventory) -> Row | None:
    """The row of a project whose database is known."""
    if not known:
        return None
    wanted = list(_ENDLESS[known[0]])
    wanted += {t for name, t in _OF_DRIVERS.items() if known[0] == "postgresql" and called(stated.packages["python"], name)}
    said = dict(_said(files, {*wanted, *(other for name in wanted for other in _ALSO.get(name, ()))}))
    have = [name for name in wanted if name in said or any(other in said for other in _ALSO.get(name, ()))]
    missing = [name for name in wanted if name not in have]
    places = tuple(dict.fromkeys(said.values()))[:3]
    title = "Database timeouts"
    if not missing:
        return Row(title, "found", _listed(have), places)
    outside = next((s for s in stated.variables if _FROM_OUTSIDE.fullmatch(s.text) and s.text not in stated.values), None)
    without = f"{_listed(missing)}: nothing sets {'it' if len(missing) == 1 else 'them'}, and the default waits without an end"
    if outside is not None:
        may = f"{_listed(missing)} may be set in `{outside.text}`, whose value is not in the repository"
        return Row(title, "not known", may, (outside.place,))
    return Row(title, "not found", without, places)


def _listed(names: list[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)


def _said(files: Mapping[str, FileFacts], wanted: set[str]) -> Iterator[tuple[str, Place]]:
    """Where each parameter is named first, in what can set it."""
    pattern = re.compile(rf"(?<![\w])(?:{'|'.join(sorted(wanted))})(?!\w)")
    seen: set[str] = set()
    for path, facts in files.items():
        if not is_product(path) or OTHER_USE.search(path):
            continue
        for text, start, end in _texts(path, facts, wanted):
            lowered = text.lower()
            if not any(name in lowered for name in wanted):
                continue  # almost all, and searching them takes much longer
            for found in pattern.finditer(lowered):
                name = found[0]
                if name not in seen:
                    seen.add(name)
                    yield name, Place(path, facts.span(start, end))


def _texts(path: str, facts: FileFacts, wanted: set[str]) -> Iterator[tuple[str, int, int]]:
    """The texts of settings, and of code that opens connections or sends statements."""
    for setting in facts.settings:
        yield f"{setting.key} {setting.value}", setting.start, setting.end
    opens = facts.language == "python" and any(_CLIENTS.search(i.path) for i in facts.imports)
    configures = facts.language == "python" and _CONFIGURES.search(path) is not None
    if not (opens or configures or (facts.language == "php" and _PHP.fullmatch(path))):
        return
    said = facts.words.lower()
    if said and not any(name in said for name in wanted):
        return
    for node in (n for top in facts.outline for n in walk(top)):
        match node:
            case Text(value=str() as text):
                yield text, node.start, node.end
            case _:
                for keyword in getattr(node, "keywords", ()):
                    yield keyword.name, node.start, node.end
