"""The budget of connections: what the services of a stack may open at most, and what the server, or a pooler, accepts."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import msgspec

from analyzers.deployment.demand import Term, names_of, reaches, terms
from analyzers.deployment.values import Amount, Deployment, Pooler, Program, Server, Service, Stack


class Budget(msgspec.Struct, frozen=True):
    """Demand against capacity: of a server, or, with a `pooler`, of what that accepts from clients."""

    stack: Stack
    server: Server
    terms: tuple[Term, ...]
    pooler: Pooler | None = None

    @property
    def name(self) -> str:
        """What connections are opened to."""
        return self.pooler.service if self.pooler is not None else self.server.service

    @property
    def unknown(self) -> tuple[Amount, ...]:
        """The factors that the repository does not say."""
        factors = [*(f for t in self.terms for f in t.factors), *self.limits]
        return tuple(dict.fromkeys(f for f in factors if f.value is None))

    @property
    def demand(self) -> int | None:
        """How many connections all terms may open."""
        values = [t.value for t in self.terms]
        return None if any(v is None for v in values) else sum(v or 0 for v in values)

    @property
    def least(self) -> int:
        """How many those may open whose factors are all known."""
        return sum(t.value or 0 for t in self.terms)

    @property
    def at_once(self) -> int:
        """How many of those the threads that are stated can use at a time."""
        return sum(t.at_once or 0 for t in self.terms)

    @property
    def limits(self) -> tuple[Amount, ...]:
        """What capacity is made of."""
        if self.pooler is None:
            return (self.server.limit, self.server.reserved)
        return (self.pooler.opens, self.pooler.accepts) if self.holds else (self.pooler.accepts,)

    @property
    def holds(self) -> bool:
        """Whether each client of the pooler keeps a connection of the server for as long as it stays connected."""
        return self.pooler is not None and self.pooler.mode == "session"

    @property
    def capacity(self) -> int | None:
        """How many connections the application gets."""
        values = [limit.value for limit in self.limits]
        if any(v is None for v in values):
            return None
        known = [v or 0 for v in values]
        return min(known) if self.pooler is not None else known[0] - known[1]

    @property
    def largest(self) -> int | None:
        """The largest value of the only unknown factor with which demand stays within capacity."""
        unknown, capacity = self.unknown, self.capacity
        if len(unknown) != 1 or capacity is None:
            return None
        found = None
        for value in range(1, capacity + 1):
            total = sum(t.with_values({unknown[0]: value}) or 0 for t in self.terms)
            if total > capacity:
                break
            found = value
        return found


NO_SERVER = "no database server is stated beside the services"


def budgets(deployment: Deployment) -> Iterator[Budget]:
    """The budgets of each stack: of each server, and of each pooler before it."""
    for stack in deployment.stacks:
        found = tuple(terms(stack, deployment.pools))
        if found:
            yield from _of_stack(stack, found)


def _of_stack(stack: Stack, found: tuple[Term, ...]) -> Iterator[Budget]:
    if not stack.servers:
        place = found[0].service.place
        limit = Amount(None, NO_SERVER, place, "max_connections")
        server = Server("", "", limit, Amount(0, NO_SERVER, place), place)
        yield from _sided(stack, server, found, stack.poolers)
        return
    if len(stack.servers) == 1:
        yield from _sided(stack, stack.servers[0], found, stack.poolers)
        return
    poolers = {p.service for p in stack.poolers}
    for server in stack.servers:
        names = names_of(stack, server.service)
        before = [p for p in stack.poolers if any(reaches(s, n) for s in stack.services if s.name == p.service for n in names)]
        hosts = [*names, *(n for p in before for n in names_of(stack, p.service))]
        own = tuple(t for t in found if any(reaches(t.service, name) for name in hosts))
        one_each = all(_reached(stack, t.service, poolers) == 1 for t in own)
        if own and one_each:
            yield from _sided(stack, server, own, before)


def _reached(stack: Stack, service: Service, poolers: set[str]) -> int:
    """How many of the servers a service talks to by name."""
    return sum(any(reaches(service, name) for name in names_of(stack, s.service)) for s in stack.servers) or (
        1 if any(reaches(service, p) for p in poolers) else 0
    )


def _sided(stack: Stack, server: Server, found: Sequence[Term], poolers: Sequence[Pooler]) -> Iterator[Budget]:
    """The budget of a server; with a pooler, that of its clients and that of what it and the others open."""
    if len(poolers) != 1:
        yield Budget(stack, server, tuple(found))
        return
    [pooler] = poolers
    direct = [t for t in found if _is_direct(stack, t.service, server, pooler)]
    pooled = tuple(t for t in found if t not in direct)
    if pooled:
        yield Budget(stack, server, pooled, pooler)
    yield Budget(stack, server, (*direct, _opened(stack, pooler, pooled)))


def _is_direct(stack: Stack, service: Service, server: Server, pooler: Pooler) -> bool:
    """Whether a service goes past the pooler."""
    past = any(reaches(service, name) for name in names_of(stack, server.service) if server.service)
    return past and not any(reaches(service, name) for name in names_of(stack, pooler.service))


def _opened(stack: Stack, pooler: Pooler, clients: Sequence[Term]) -> Term:
    """What a pooler opens to the server: no more than its clients open to it, where that is known of all."""
    service = next(s for s in stack.services if s.name == pooler.service)
    opens, values = pooler.opens, [t.value for t in clients]
    if clients and service.replicas.value == 1 and all(v is not None for v in values):
        most = sum(v or 0 for v in values)
        if opens.value is not None and most < opens.value:
            opens = Amount(most, f"no more than its clients open, of {opens.value:,} that it may", pooler.place)
    one = Amount(1, f"{pooler.product} shares one pool for a database and a user", pooler.place)
    program = Program(pooler.product, "unknown", one, Amount(None, "", symbol="clients"), place=pooler.place)
    return Term(service, program, service.replicas, one, (opens,))
