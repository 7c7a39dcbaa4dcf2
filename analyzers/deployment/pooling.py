"""A pooler as a service of the file that lacks one, and what the application's settings need with it."""

from __future__ import annotations

import math

from analyzers.deployment.budget import Budget
from analyzers.deployment.values import Service

_POSTGRESQL_PORT, _MYSQL_PORT = 5432, 3306
_ROOM = 1.25
"""Clients that the pooler accepts for each that the application may be."""

_SETTINGS = {
    "thread": (
        'Django: the host is the pooler; `DISABLE_SERVER_SIDE_CURSORS = True` in `DATABASES["default"]`, and migrations go to '
        "the server itself."
    ),
    "python": (
        "SQLAlchemy: the host is the pooler; `connect_args={'prepare_threshold': None}` for psycopg 3, "
        "`{'statement_cache_size': 0}` for asyncpg; migrations go to the server itself."
    ),
    "php": "The host is the pooler; `PDO::ATTR_EMULATE_PREPARES => true`; migrations go to the server itself.",
    "ruby": "`host` is the pooler, `prepared_statements: false`, `advisory_locks: false`; migrations go to the server itself.",
    "javascript": "The host is the pooler; with Prisma `?pgbouncer=true` in the URL, and `directUrl` for migrations.",
}


def settings_of(budget: Budget) -> str:
    """What the application must be told once a pooler shares connections between transactions."""
    languages = dict.fromkeys(term.program.language for term in budget.terms)
    found = [_SETTINGS[name] for name in languages if name in _SETTINGS]
    return " ".join(found)


def pooler_for(budget: Budget) -> str:
    """The pooler as a service, in the format of the stack's file: as many clients as the application may be, and few
    connections to the server."""
    capacity = budget.capacity or 0
    clients = math.ceil((budget.demand or budget.least) * _ROOM / 50) * 50
    opens = max(1, min(20, capacity // 2))
    server = next((s for s in budget.stack.services if s.name == budget.server.service), None)
    if server is None:
        return ""
    if _is_compose(budget):
        return _compose(budget, server, clients, opens)
    return _kubernetes(server, clients, opens) if budget.server.database == "postgresql" else ""


def _is_compose(budget: Budget) -> bool:
    return "compose" in budget.stack.path.rpartition("/")[2]


def _compose(budget: Budget, server: Service, clients: int, opens: int) -> str:
    if budget.server.database == "mysql":
        return (
            "services:\n"
            "  proxysql:\n"
            "    image: proxysql/proxysql:2.7.3\n"
            "    volumes: [./proxysql.cnf:/etc/proxysql.cnf:ro]\n"
            f"    depends_on: [{server.name}]\n"
            "# proxysql.cnf; the application connects to proxysql, port 6033\n"
            f"# mysql_variables = {{ max_connections={clients} }}\n"
            f'# mysql_servers = ( {{ address="{server.name}", port={_MYSQL_PORT}, max_connections={opens} }} )\n'
            '# mysql_users = ( { username="…", password="…", default_hostgroup=0 } )\n'
        )
    user = server.environment.get("POSTGRES_USER", "postgres")
    base = server.environment.get("POSTGRES_DB", user)
    return (
        "services:\n"
        "  pgbouncer:\n"
        "    image: edoburu/pgbouncer:v1.24.1-p1\n"
        "    environment:\n"
        f"      DB_HOST: {server.name}\n"
        f"      DB_NAME: {base}\n"
        f"      DB_USER: {user}\n"
        "      DB_PASSWORD: ${POSTGRES_PASSWORD}\n"
        "      AUTH_TYPE: scram-sha-256\n"
        "      POOL_MODE: transaction\n"
        f'      MAX_CLIENT_CONN: "{clients}"\n'
        f'      DEFAULT_POOL_SIZE: "{opens}"\n'
        f"    depends_on: [{server.name}]\n"
    )


def _kubernetes(server: Service, clients: int, opens: int) -> str:
    host = server.hosts[0] if server.hosts else server.name
    return (
        "apiVersion: apps/v1\n"
        "kind: Deployment\n"
        "metadata:\n"
        "  name: pgbouncer\n"
        "spec:\n"
        "  replicas: 1\n"
        "  selector: {matchLabels: {app: pgbouncer}}\n"
        "  template:\n"
        "    metadata: {labels: {app: pgbouncer}}\n"
        "    spec:\n"
        "      containers:\n"
        "        - name: pgbouncer\n"
        "          image: edoburu/pgbouncer:v1.24.1-p1\n"
        "          ports: [{containerPort: 5432}]\n"
        "          env:\n"
        f"            - {{name: DB_HOST, value: {host}}}\n"
        "            - {name: AUTH_TYPE, value: scram-sha-256}\n"
        "            - {name: POOL_MODE, value: transaction}\n"
        f'            - {{name: MAX_CLIENT_CONN, value: "{clients}"}}\n'
        f'            - {{name: DEFAULT_POOL_SIZE, value: "{opens}"}}\n'
        "          envFrom: [{secretRef: {name: pgbouncer}}] # DB_USER, DB_PASSWORD, DB_NAME\n"
        "---\n"
        "apiVersion: v1\n"
        "kind: Service\n"
        "metadata:\n"
        "  name: pgbouncer\n"
        "spec:\n"
        "  selector: {app: pgbouncer}\n"
        f"  ports: [{{port: {_POSTGRESQL_PORT}}}]\n"
    )
