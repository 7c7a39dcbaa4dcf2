"""What the scripts say alike: literals, comments of one line, how much load there is. Nothing of a repository ends a line."""

from __future__ import annotations

import json
from collections.abc import Iterator

from analyzers.loadtest.plan import MARGIN, Plan
from analyzers.report.text import visible
from analyzers.routing.values import Route

_LISTED = 40
_WIDTH = 118


def text(value: str | int) -> str:
    """A literal that Python and JavaScript read alike."""
    return json.dumps(value)


def said(route: Route) -> str:
    """Where a route is stated, in one line of a comment."""
    handler = ".".join(filter(None, [route.handler, route.action]))
    methods = ", ".join(route.methods) or "any method"
    place = f"{route.place.path}:{route.place.span.start_line}"
    return visible(f"{methods} {route.path}, {place} {handler}".rstrip())[:_WIDTH]


def load(plan: Plan) -> str:
    """How much the test drives, and why that much."""
    much = f"{plan.rate:,} requests a second" if plan.rate is not None else f"{plan.users:,} users"
    peak = (plan.rate or plan.users or 0) // MARGIN
    if plan.assumed:
        return f"{much}, {MARGIN} x a peak of {peak:,} that is assumed: say `expected_peak` in .cliffguard.yml"
    return f"{much}, {MARGIN} x the expected peak of {peak:,}"


def left(plan: Plan, mark: str) -> Iterator[str]:
    """What the test does not ask for, as comments."""
    for routes, why in ((plan.writes, "They change something, so they are not asked for"), (plan.aside, "Left out")):
        if routes:
            yield ""
            yield ""
            yield f"{mark} {why}; add those that matter, with data of your own:"
            yield from (f"{mark}   {said(route)}" for route in routes[:_LISTED])
            if len(routes) > _LISTED:
                yield f"{mark}   and {len(routes) - _LISTED:,} more"
