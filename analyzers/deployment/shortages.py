"""Pools that are smaller than the threads of the process that share them: some always wait for a connection."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from analyzers.deployment.demand import Term, terms
from analyzers.deployment.values import Deployment, Stack


class Shortage(msgspec.Struct, frozen=True):
    """A process with more threads than connections."""

    stack: Stack
    term: Term
    threads: int
    connections: int


_EVENT_LOOP = 200
"""Threads that a server counts by the hundred are greenlets: there a small pool is a decision, not a slip."""


def shortages(deployment: Deployment) -> Iterator[Shortage]:
    """The processes of all stacks whose pools are too small, as far as both numbers are stated."""
    for stack in deployment.stacks:
        for term in terms(stack, deployment.pools):
            threads, each = term.program.threads.value, [f.value for f in term.each]
            if threads is None or threads >= _EVENT_LOOP or any(value is None for value in each):
                continue
            connections = sum(value or 0 for value in each)
            if 0 < connections < threads:
                yield Shortage(stack, term, threads, connections)
