"""Budgets as equations that a person can check."""

from __future__ import annotations

from collections.abc import Iterator

from analyzers.deployment.budget import Budget
from analyzers.deployment.demand import Term
from analyzers.deployment.values import Amount


def equation(budget: Budget) -> str:
    """`web 2 x 4 x (5 + 10) + worker 1 x 8 x 1`; a factor that is not known stands under its name, and copies that run more
    while a new version is rolled out beside the others: `web (4 + 1) x 2`."""
    return " + ".join(f"{term.service.name} {_product(term)}" for term in budget.terms)


def _product(term: Term) -> str:
    each = " + ".join(map(number, term.each))
    surge = term.surge.of(term.replicas.value) if term.replicas.value is not None else 0
    replicas = f"({number(term.replicas)} + {surge})" if surge else number(term.replicas)
    return " x ".join([replicas, number(term.processes), f"({each})" if len(term.each) > 1 else each])


def number(amount: Amount) -> str:
    """A factor, or the name under which it is not known."""
    return str(amount.value) if amount.value is not None else amount.symbol


def said(amount: Amount, term: Term | None) -> str:
    """A factor, whose it is, and why it is that."""
    of = f"{term.service.name}: " if term is not None else ""
    return f"{of}{number(amount)}, {amount.because}"


def statement(budget: Budget) -> Iterator[str]:
    """A budget in lines: demand, capacity, what is not known, and the largest value of that with which it is enough."""
    demand, capacity = budget.demand, budget.capacity
    known = "unknown" if demand is None else f"{demand:,}"
    if demand is None and budget.least:
        known = f"at least {budget.least:,}"
    limits = " and ".join(number(limit) for limit in budget.limits) if budget.pooler else " - ".join(map(number, budget.limits))
    accepts = f"{capacity:,} ({limits})" if capacity is not None else f"unknown ({limits})"
    yield f"{budget.stack.path}: {budget.name or 'a server elsewhere'}"
    yield f"  demand    {equation(budget)} = {known}"
    yield f"  capacity  {accepts}"
    for factor in budget.unknown:
        yield f"  unknown   {factor.symbol}: {factor.because}"
    if budget.largest is not None:
        yield f"  at most   {budget.largest:,}"
