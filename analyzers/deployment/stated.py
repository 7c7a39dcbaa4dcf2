"""The database server as the configuration states it: what no file of a repository says of one that is managed elsewhere."""

from __future__ import annotations

import msgspec

from analyzers.deployment.plans import managed, providers
from analyzers.deployment.servers import DATABASES, reserved_by_default
from analyzers.deployment.values import Amount, Deployment, Server, Stack
from analyzers.settings.values import DatabaseServer

NAME = "database"
"""What the server is called where no service is one."""


def with_server(deployment: Deployment, said: DatabaseServer, database: str) -> Deployment:
    """The deployment, with the server that is stated: a plan where a stack states none, a limit for the only one, too."""
    if said == DatabaseServer():
        return deployment
    return msgspec.structs.replace(deployment, stacks=tuple(_served(stack, said, database) for stack in deployment.stacks))


def _served(stack: Stack, said: DatabaseServer, database: str) -> Stack:
    if len(stack.servers) > 1 or (stack.servers and said.max_connections is None) or not stack.services:
        return stack
    own = stack.servers[0] if stack.servers else None
    server = _stated(stack, said, own.database if own is not None else database)
    if own is not None:
        server = msgspec.structs.replace(
            own, limit=server.limit, reserved=server.reserved if said.reserved is not None else own.reserved
        )
    return msgspec.structs.replace(stack, servers=(server,))


def _stated(stack: Stack, said: DatabaseServer, database: str) -> Server:
    place = stack.services[0].place
    provider, _, plan = (said.plan or "").partition("/")
    if said.max_connections is None and provider:
        found = managed(NAME, provider, plan, place, database if database in DATABASES else "")
        limit = msgspec.structs.replace(
            found.limit, because=f"{found.limit.because}, which the configuration names", place=None
        )
        server = msgspec.structs.replace(found, limit=limit, reserved=msgspec.structs.replace(found.reserved, place=None))
    else:
        engine = database if database in DATABASES else providers()[provider].database if provider else "postgresql"
        limit = Amount(said.max_connections, "`database_server.max_connections` of the configuration")
        many, because = reserved_by_default(engine)
        server = Server(NAME, engine, limit, Amount(many, because), place)
    if said.reserved is not None:
        server = msgspec.structs.replace(
            server, reserved=Amount(said.reserved, "`database_server.reserved` of the configuration")
        )
    return server
