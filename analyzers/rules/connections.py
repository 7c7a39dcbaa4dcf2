"""More connections than the database server accepts, once every process of every copy opens what it may.

Demand is the sum over the services of copies x processes x (pool + overflow, or threads); capacity what the server, or the
pooler before it, accepts. Pools are ceilings: the sum is the worst case, and it comes under load. Where a factor is not stated
in the repository nothing is claimed.
"""

from __future__ import annotations

from collections.abc import Iterator

from analyzers.deployment.budget import Budget, Term, budgets
from analyzers.deployment.values import Amount, Pool
from analyzers.findings import Confidence, Finding, Related, Severity
from analyzers.model.project import Project
from analyzers.settings import Settings

TITLE = "Connections"
CATEGORY = "connections"

_SERVERS = {"postgresql": "PostgreSQL", "mysql": "MySQL"}


def check(project: Project, settings: Settings) -> Iterator[Finding]:  # noqa: ARG001
    """One finding for each stack whose worst case is more than its server accepts, and for settings that keep no connection."""
    for budget in budgets(project.deployment):
        demand, capacity = budget.demand, budget.capacity
        if demand is not None and capacity is not None and demand > capacity:
            yield _over(budget, demand, capacity)
    if not any(stack.poolers for stack in project.deployment.stacks):
        fresh = {pool.place.path: pool for pool in reversed(project.deployment.pools) if pool.fresh}
        yield from (_fresh(pool) for pool in fresh.values())


def _fresh(pool: Pool) -> Finding:
    return Finding(
        rule="connections",
        subject=f"{pool.place.path}: {pool.name} for each request",
        title=f"`{pool.name}` opens a connection for each request",
        message=(
            "`CONN_MAX_AGE` is not set, and its default closes the connection after each request: every request waits until "
            "the database has started a process for it and checked the password."
        ),
        growth="1 new connection per request",
        remedy="Keep connections for a while, and check them before they are used again; or put a pooler before the server.",
        code='"CONN_MAX_AGE": 60,\n"CONN_HEALTH_CHECKS": True,',
        code_language="python",
        place=pool.place,
        severity=Severity.LOW,
        confidence=Confidence.LIKELY,
    )


def _over(budget: Budget, demand: int, capacity: int) -> Finding:
    server = f"{_SERVERS[budget.server.database]} (`{budget.server.service}`)"
    largest = max(budget.terms, key=lambda term: term.value or 0)
    place = next((f.place for f in largest.each if f.place is not None), None) or largest.service.place
    limit = budget.pooler.accepts if budget.pooler is not None else budget.server.limit
    stated = [*((f, t) for t in budget.terms for f in t.factors), (limit, None), (budget.server.reserved, None)]
    related = [Related(f.place, _said(f, t)) for f, t in stated if f.place is not None]
    return Finding(
        rule="connections",
        subject=f"{budget.stack.path}: {budget.server.service}",
        title=f"Up to {demand:,} connections to `{budget.server.service}`, which accepts {capacity:,}",
        message=(
            f"In `{budget.stack.path}`, the services may together open {demand:,} connections; {server} accepts {capacity:,} "
            "from an application. Pools are ceilings, not reservations: the rest is refused once enough requests come together."
        ),
        growth=f"{equation(budget)} = {demand:,} of {capacity:,}",
        remedy=_remedy(budget, capacity),
        code="",
        code_language="",
        place=place,
        related=tuple(dict.fromkeys(r for r in related if r.place != place)),
        evidence=tuple(dict.fromkeys(_said(f, t) + "." for f, t in stated)),
        severity=Severity.HIGH,
        confidence=Confidence.CERTAIN,
        cause=f"{budget.stack.path}: {budget.server.service}",
    )


def equation(budget: Budget) -> str:
    """`web 2 x 4 x (5 + 10) + worker 1 x 8 x 1`; a factor that is not known stands under its name."""
    return " + ".join(f"{term.service.name} {_product(term)}" for term in budget.terms)


def _product(term: Term) -> str:
    each = " + ".join(map(_number, term.each))
    return " x ".join([_number(term.replicas), _number(term.processes), f"({each})" if len(term.each) > 1 else each])


def _number(amount: Amount) -> str:
    return str(amount.value) if amount.value is not None else amount.symbol


def _said(amount: Amount, term: Term | None) -> str:
    of = f"{term.service.name}: " if term is not None else ""
    return f"{of}{_number(amount)}, {amount.because}"


def _remedy(budget: Budget, capacity: int) -> str:
    processes = sum((t.replicas.value or 0) * (t.processes.value or 0) for t in budget.terms)
    if budget.pooler is not None:
        return f"Let `{budget.pooler.service}` accept more clients, or make the pools smaller."
    if processes and capacity // processes >= 1:
        share = capacity // processes
        return (
            f"Let each of the {processes} processes open at most {share} (pool and overflow together), or put a pooler between."
        )
    return "Put a pooler such as PgBouncer between the services and the server: there are more processes than connections."
