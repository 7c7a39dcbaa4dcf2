"""The stacks of a repository: everything that states services, with the servers and poolers among them."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from analyzers.deployment import (
    compose,
    kept_by_scripts,
    kubernetes,
    migrating,
    platforms,
    prepares,
    procfiles,
    sessions,
    tasks,
    units,
)
from analyzers.deployment.copies import disks
from analyzers.deployment.functions import unpooled
from analyzers.deployment.poolers import pooler_of
from analyzers.deployment.pools import pools
from analyzers.deployment.servers import servers
from analyzers.deployment.states import states
from analyzers.deployment.upstreams import turns
from analyzers.deployment.values import Deployment, Stack
from analyzers.facts.store import FileFacts
from analyzers.model.naming.code import Codebase

_PROGRAMS = r"(?:^|/)(?:ecosystem|process|pm2)[\w.-]*\.[cm]?[jt]s$|config/(?:puma|unicorn|initializers/good_job)\.rb$"
"""Configurations of programs that are programs themselves."""

_FORMATS = (compose.stacks, kubernetes.stacks, procfiles.stacks, platforms.stacks, tasks.stacks, units.stacks)


def deployment_of(code: Codebase) -> Deployment:
    """All that a revision says of how it is run."""
    code.look_for(_PROGRAMS)
    found = [_completed(code.files, stack) for read in _FORMATS for stack in read(code.files)]
    variables = {name: value for stack in found for service in stack.services for name, value in service.environment.items()}
    in_turns = tuple(turns(code.files, found))
    several_disks = disks(Deployment(tuple(found), turns=in_turns)).number == "several"
    kept = (*states(code, variables, several_disks=several_disks), *kept_by_scripts.states(code))
    conflicts = (
        *sessions.conflicts(code, found),
        *prepares.conflicts(code, found),
        *migrating.conflicts(code.files, found),
    )
    return Deployment(tuple(found), tuple(pools(code)), kept, tuple(conflicts), tuple(unpooled(code)), in_turns)


def _completed(files: Mapping[str, FileFacts], stack: Stack) -> Stack:
    """A stack with the servers and poolers among its services, beside those that its file states itself."""
    found = (pooler_of(files, service) for service in stack.services)
    return msgspec.structs.replace(
        stack,
        servers=(*stack.servers, *servers(files, stack.services)),
        poolers=(*stack.poolers, *(pooler for pooler in found if pooler is not None)),
    )
