"""A load test for one revision of a project, written by the tool that is asked for."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import msgspec

from analyzers.loadtest import k6, locust
from analyzers.loadtest.plan import Plan, plan_of
from analyzers.model.naming.code import Codebase
from analyzers.routing.reading import routes_of
from analyzers.settings import Peak

TOOLS: Mapping[str, Callable[[Plan, str], str]] = {"locust": locust.script, "k6": k6.script}
"""What writes the script of each tool."""


class LoadScript(msgspec.Struct, frozen=True):
    """A script, with how many of the project's routes it asks for; none where it found none to ask for."""

    text: str
    asked: int
    routes: int


def load_script(code: Codebase, tool: str, name: str, peak: Peak) -> LoadScript:
    """The script of `tool` for the project called `name`."""
    routes = routes_of(code)
    plan = plan_of(routes, peak)
    return LoadScript(TOOLS[tool](plan, name) if plan.requests else "", len(plan.requests), len(routes))
