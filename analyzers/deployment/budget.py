"""The budget of connections: what the services of a stack may open at most, and what the server accepts."""

from __future__ import annotations

import math
from collections.abc import Iterator

import msgspec

from analyzers.deployment.values import Amount, Deployment, Pool, Pooler, Program, Server, Service, Stack


class Term(msgspec.Struct, frozen=True):
    """What one program of one service may open: `replicas` x `processes` x the sum of `each`."""

    service: Service
    program: Program
    replicas: Amount
    processes: Amount
    each: tuple[Amount, ...]

    @property
    def factors(self) -> tuple[Amount, ...]:
        return (self.replicas, self.processes, *self.each)

    @property
    def value(self) -> int | None:
        """How many connections, where every factor is known."""
        if any(f.value is None for f in self.factors):
            return None
        return math.prod((self.replicas.value or 0, self.processes.value or 0, sum(f.value or 0 for f in self.each)))


class Budget(msgspec.Struct, frozen=True):
    """Demand against capacity, for one server of one stack."""

    stack: Stack
    server: Server
    terms: tuple[Term, ...]
    pooler: Pooler | None = None

    @property
    def unknown(self) -> tuple[Amount, ...]:
        """The factors that the repository does not say."""
        stated = [*(f for t in self.terms for f in t.factors), self.server.limit, self.server.reserved]
        return tuple(dict.fromkeys(f for f in stated if f.value is None))

    @property
    def demand(self) -> int | None:
        values = [t.value for t in self.terms]
        return None if any(v is None for v in values) else sum(v or 0 for v in values)

    @property
    def capacity(self) -> int | None:
        """How many connections the application gets."""
        if self.pooler is not None:
            return self.pooler.accepts.value
        limit, reserved = self.server.limit.value, self.server.reserved.value
        return None if limit is None or reserved is None else limit - reserved

    @property
    def largest(self) -> int | None:
        """The largest value of the only unknown factor with which demand stays within capacity."""
        unknown = self.unknown
        if len(unknown) != 1 or self.capacity is None:
            return None
        known = sum(t.value or 0 for t in self.terms)
        share = 0
        for term in self.terms:
            if term.value is None:
                one = msgspec.structs.replace(
                    term, **{n: _as(getattr(term, n), unknown[0], 1) for n in ("replicas", "processes")}
                )
                one = msgspec.structs.replace(one, each=tuple(_as(f, unknown[0], 1) for f in one.each))
                if len(one.each) > 1 and unknown[0] in term.each:
                    return None
                share += one.value or 0
        return (self.capacity - known) // share if share and self.capacity > known else None


def _as(factor: Amount, unknown: Amount, value: int) -> Amount:
    return msgspec.structs.replace(factor, value=value) if factor == unknown else factor


def budgets(deployment: Deployment) -> Iterator[Budget]:
    """The budget of each stack with one database server, as far as its programs and pools are known."""
    for stack in deployment.stacks:
        if len(stack.servers) != 1:
            continue
        terms = tuple(_terms(stack, deployment.pools))
        if terms:
            yield Budget(stack, stack.servers[0], terms, stack.poolers[0] if len(stack.poolers) == 1 else None)


def _terms(stack: Stack, pools: tuple[Pool, ...]) -> Iterator[Term]:
    for service in stack.services:
        lasting = [p for p in service.programs if p.does in ("web", "worker", "scheduler") and not p.development]
        for program in lasting[-1:]:  # what an entry point starts before is over by then
            each = _each(program, service, pools)
            if each:
                yield Term(service, program, service.replicas, program.processes, each)


def _each(program: Program, service: Service, pools: tuple[Pool, ...]) -> tuple[Amount, ...]:
    """What one process opens: the pools of the code that it runs, or one connection for each thread."""
    if program.language == "php":
        return (program.threads,)  # each has a connection of its own
    if program.language != "python":
        return ()
    near = [p for p in pools if service.build and p.place.path.startswith(f"{service.build}/")]
    own = near or list(pools)
    if len({(p.per, p.name) for p in own}) != 1 or (len(own) > 1 and any(p.per == "process" for p in own)):
        return ()
    pool = own[0]
    if pool.per == "thread":
        if program.threads.symbol == "requests":
            return (Amount(None, "an event loop sets no bound to its threads", program.place, "threads"),)
        return (program.threads,)
    return tuple(a for a in (pool.size, pool.overflow) if a is not None)
