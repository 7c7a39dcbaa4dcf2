"""All the ways in which a project states its routes, read one after the other."""

from __future__ import annotations

from analyzers.model.naming.code import Codebase
from analyzers.routing import attributes, chains, decorated, urlconf
from analyzers.routing.frameworks import frameworks
from analyzers.routing.values import Route

_READERS = (urlconf.routes, decorated.routes, attributes.routes, chains.routes)
_MOST = 20_000  # routes of one project; more are made, not written


def routes_of(code: Codebase) -> tuple[Route, ...]:
    """The routes of a project, in the order in which its files state them, each once."""
    found: dict[tuple[str, tuple[str, ...]], Route] = {}
    for framework in frameworks():
        for read in _READERS:
            for route in read(code, framework):
                found.setdefault((route.path, route.methods), route)
                if len(found) == _MOST:
                    return tuple(found.values())
    return tuple(found.values())
