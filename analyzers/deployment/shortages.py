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

    @property
    def greenlets(self) -> bool:
        """Whether what shares the pool is counted by the hundred."""
        return self.threads >= _EVENT_LOOP


_EVENT_LOOP = 200
"""Threads that a server counts by the hundred are greenlets: there a small pool that is stated is a decision, not a slip."""


def shortages(deployment: Deployment) -> Iterator[Shortage]:
    """The processes of all stacks whose pools are too small, as far as both numbers are stated."""
    for stack in deployment.stacks:
        for term in terms(stack, deployment.pools):
            threads, each = term.program.threads.value, [f.value for f in term.each]
            if threads is None or any(value is None for value in each):
                continue
            if threads >= _EVENT_LOOP and not all(f.default for f in term.each):
                continue
            connections = sum(value or 0 for value in each)
            if 0 < connections < threads:
                yield Shortage(stack, term, threads, connections)
