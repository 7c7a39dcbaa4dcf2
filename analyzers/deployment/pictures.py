"""Budgets to look at: who opens how many connections to what, and how many that accepts. Numbers and names alone."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from analyzers.deployment.budget import Budget, budgets
from analyzers.deployment.demand import Term
from analyzers.deployment.equations import number
from analyzers.deployment.values import Deployment


class Flow(msgspec.Struct, frozen=True):
    """What one service opens at most. Factors that are not known stand under their names."""

    service: str
    replicas: str
    processes: str
    each: str  # connections of one process; nothing where not even what decides them is known
    opens: int | None


class Target(msgspec.Struct, frozen=True):
    """What connections are opened to: a server, or a pooler before it."""

    name: str
    product: str
    limit: str  # what it accepts, as far as that is stated
    capacity: int | None
    demand: int | None
    least: int  # what those open whose factors are all known
    flows: tuple[Flow, ...]

    @property
    def over(self) -> bool:
        """Whether more may be opened than it accepts, whatever is not known."""
        return self.capacity is not None and self.least > self.capacity


class Picture(msgspec.Struct, frozen=True):
    """The budget of one stack: its servers and poolers, each with what is opened to it."""

    path: str
    targets: tuple[Target, ...]


def pictures(deployment: Deployment) -> tuple[Picture, ...]:
    """A picture of each stack in which something is known of connections."""
    found: dict[str, list[Target]] = {}
    for budget in budgets(deployment):
        if budget.least:
            found.setdefault(budget.stack.path, []).append(_target(budget))
    return tuple(Picture(path, tuple(targets)) for path, targets in found.items())


def _target(budget: Budget) -> Target:
    product = budget.pooler.product if budget.pooler is not None else budget.server.database
    limits = [number(limit) for limit in budget.limits if limit.value != 0]
    limit = (" and " if budget.pooler is not None else " - ").join(limits)
    flows = tuple(_flows(budget.terms))
    return Target(budget.name, product, limit, budget.capacity, budget.demand, budget.least, flows)


def _flows(terms: tuple[Term, ...]) -> Iterator[Flow]:
    for term in terms:
        surge = term.surge.of(term.replicas.value) if term.replicas.value is not None else 0
        replicas = f"{number(term.replicas)} + {surge}" if surge else number(term.replicas)
        nobody = [f"connections of {term.service.name}"] == [factor.symbol for factor in term.each]
        each = "" if nobody else " + ".join(map(number, term.each))
        yield Flow(term.service.name, replicas, number(term.processes), each, term.value)
