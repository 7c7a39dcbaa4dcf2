"""The stacks of a repository: everything that states services, with the servers and poolers among them."""

from __future__ import annotations

from analyzers.deployment import compose, procfiles
from analyzers.deployment.pools import pools
from analyzers.deployment.servers import pooler_of, servers
from analyzers.deployment.states import states
from analyzers.deployment.values import Deployment, Stack
from analyzers.model.naming.code import Codebase

_FORMATS = (compose.stacks, procfiles.stacks)


def deployment_of(code: Codebase) -> Deployment:
    """All that a revision says of how it is run."""
    files = code.files
    found = [
        Stack(
            path,
            services,
            tuple(servers(files, services)),
            tuple(p for service in services if (p := pooler_of(service)) is not None),
        )
        for read in _FORMATS
        for path, services in read(files)
    ]
    variables = {name: value for stack in found for service in stack.services for name, value in service.environment.items()}
    return Deployment(tuple(found), tuple(pools(code)), tuple(states(code, variables)))
