"""Database servers among the services, and how many connections each allows."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from analyzers.deployment.poolers import is_pooler
from analyzers.deployment.values import Amount, Server, Service
from analyzers.deployment.variables import amount
from analyzers.facts.store import FileFacts
from analyzers.source import Place

_IMAGES = (
    (
        "postgresql",
        re.compile(
            r"(?:^|/)(?:[a-z]+-)?(?:postgres(?:ql)?|postgis|timescaledb\w*|pgvector|spilo|alloydb\w*)(?:[-\w]*)?(?::|@|$)", re.I
        ),
    ),
    ("mysql", re.compile(r"(?:^|/)(?:mysql|mariadb|percona)(?:[-\w]*)?(?::|@|$)", re.I)),
)
_LIMITS = {
    "postgresql": (100, "PostgreSQL's default of `max_connections`"),
    "mysql": (151, "MySQL's default of `max_connections`"),
}
_RESERVED = {
    "postgresql": (3, "PostgreSQL's default of `superuser_reserved_connections`"),
    "mysql": (0, "MySQL keeps one more for an administrator"),
}
DATABASES = tuple(_LIMITS)
_FLAG = re.compile(
    r"(?:-c\s*|--)['\"]?(?P<name>max[_-]connections|superuser[_-]reserved[_-]connections)[\s=]+(?P<value>[^\s\"']+)", re.I
)
_CONFIG = re.compile(r"(?:^|/)(?:postgresql|my|mysqld?|custom|server)[\w.-]*\.(?:conf|cnf)$")


def servers(files: Mapping[str, FileFacts], services: tuple[Service, ...]) -> Iterator[Server]:
    """The services that are database servers."""
    for service in services:
        images = (service.image, _base(files, service))
        database = next((name for name, shape in _IMAGES if any(shape.search(image) for image in images)), "")
        if database and not is_pooler(service) and not service.programs and _is_served(service.command):
            limit, reserved = _limit(files, service, database), _reserved(service, database)
            yield Server(service.name, database, limit, reserved, service.place)


def reserved_by_default(database: str) -> tuple[int, str]:
    """How many connections such a server keeps for its owner, and by what."""
    return _RESERVED[database]


def _is_served(command: str) -> bool:
    """Whether the command is that of a server; an image of one may also run backups."""
    first = command.split(maxsplit=1)[0].rpartition("/")[2] if command.split() else ""
    return (
        not first or first.startswith("-") or first in ("postgres", "mysqld", "mariadbd", "docker-entrypoint.sh", "mysqld_safe")
    )


def _base(files: Mapping[str, FileFacts], service: Service) -> str:
    """The image that a service's own image starts from."""
    for path in (f"{service.build}/Dockerfile", "Dockerfile") if service.build else ():
        facts = files.get(path.removeprefix("/"))
        if facts is not None:
            return next((s.value.split()[0] for s in facts.settings if s.key == "FROM" and s.value), "")
    return ""


def _limit(files: Mapping[str, FileFacts], service: Service, database: str) -> Amount:
    for found in _FLAG.finditer(service.command):
        if found["name"].lower().startswith("max"):
            return amount(found["value"], service.environment, service.place, f"`max_connections` of `{service.name}`")
    for variable in (
        "POSTGRESQL_MAX_CONNECTIONS",
        "POSTGRES_MAX_CONNECTIONS",
        "MYSQL_MAX_CONNECTIONS",
        "MARIADB_MAX_CONNECTIONS",
    ):
        if variable in service.environment:
            return amount(
                service.environment[variable], service.environment, service.place, f"`{variable}` of `{service.name}`"
            )
    for mounted in service.volumes:
        source = mounted.partition(":")[0].removeprefix("./")
        for path, facts in files.items():
            if source and path.endswith(source) and _CONFIG.search(path):
                for entry in facts.settings:
                    if entry.key.rpartition(".")[2] == "max_connections":
                        place = Place(path, facts.span(entry.start, entry.end))
                        return amount(entry.value, {}, place, f"`max_connections` in `{path}`")
                return Amount(None, f"`{path}` replaces the server's configuration", service.place, "max_connections")
    value, because = _LIMITS[database]
    return Amount(value, because, service.place)


def _reserved(service: Service, database: str) -> Amount:
    for found in _FLAG.finditer(service.command):
        if not found["name"].lower().startswith("max"):
            return amount(found["value"], service.environment, service.place, "`superuser_reserved_connections`")
    value, because = _RESERVED[database]
    return Amount(value, because, service.place)
