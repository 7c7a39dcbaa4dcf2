"""What a load test asks for: the project's addresses that change nothing, how often each, and how much load in all."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

import msgspec

from analyzers.routing.values import Kind, Parameter, Route
from analyzers.settings import Peak

MARGIN = 2
"""How many times the expected peak a load test drives."""

ASSUMED = Peak(users=100)
"""What is taken for the peak where the configuration does not say."""

P95_MILLISECONDS = 500
MAX_ERRORS = 0.01
MOST = 60  # requests of one script; more of them say no more of a server

_SAMPLES: dict[Kind, str | int] = {
    "integer": 1,
    "slug": "sample",
    "uuid": "00000000-0000-0000-0000-000000000001",
    "path": "sample/path",
    "text": "sample",
}
_LANGUAGE = {"language": "en", "_locale": "en", "locale": "en", "lang": "en"}

# What a GET of these does is not what a visitor does all day: it ends sessions, changes something, or asks another service.
_ASIDE = re.compile(
    r"(?:^|[/_.-])(?:log-?out|sign-?out|delete|remove|destroy|purge|unsubscribe|exports?|download|import|refresh|webhooks?|callback|oauth2?"
    r"|oidc|saml|sso|cron|debug|_profiler|_wdt|reset|impersonate|switch|cancel|disconnect|clear|flush|invite|confirm|verify"
    r"|admin|static|media|metrics|health\w*|livez|readyz|ping|test|schema|docs|swagger|redoc|openapi\w*)(?:$|[/_.-])",
    re.IGNORECASE,
)
_LOGIN = re.compile(
    r"(?:^|/)(?:log-?in|sign-?in|auth(?:enticate)?/(?:login|token)|token|login_check|sessions?)/?$", re.IGNORECASE
)


class Slot(msgspec.Struct, frozen=True):
    """A place for sample data: the part of an address that ends in the parameter, and a value that stands in for one."""

    key: str
    sample: str | int


class Request(msgspec.Struct, frozen=True):
    """One address that is asked for. `pieces` are its texts, with a slot between each two."""

    route: Route
    weight: int
    pieces: tuple[str, ...]
    slots: tuple[Slot, ...]


class Plan(msgspec.Struct, frozen=True):
    """A load test, whatever tool runs it. `users` or `rate` (requests each second) is what it drives at most."""

    requests: tuple[Request, ...]
    writes: tuple[Route, ...]  # addresses that change something: not asked for
    aside: tuple[Route, ...]  # addresses that are safe to ask for, but are not what a visitor does
    login: Route | None
    users: int | None
    rate: int | None
    assumed: bool  # the peak is not configured

    @property
    def complete(self) -> bool:
        """Whether nothing stands before any of the addresses that is not known."""
        return all(request.route.complete for request in self.requests)

    @property
    def slots(self) -> tuple[Slot, ...]:
        """The places for sample data, each once."""
        return tuple({slot.key: slot for request in self.requests for slot in request.slots}.values())


def plan_of(routes: Sequence[Route], peak: Peak) -> Plan:
    """The test of a project. What reads is asked for, lists before rows; the same handler once."""
    expected = peak if peak.users or peak.requests_per_second else ASSUMED
    reading = [route for route in routes if "GET" in route.methods or not route.methods]
    aside = [route for route in reading if _ASIDE.search(route.path) or _LOGIN.search(route.path)]
    asked = sorted(_distinct(route for route in reading if route not in aside), key=_order)
    return Plan(
        tuple(_request(route) for route in asked[:MOST]),
        tuple(route for route in routes if route not in reading and not _LOGIN.search(route.path)),
        (*aside, *asked[MOST:]),
        next(
            (r for r in routes if _LOGIN.search(r.path) and ("POST" in r.methods or not r.methods) and not r.parameters), None
        ),
        None if expected.requests_per_second else MARGIN * (expected.users or 0),
        MARGIN * expected.requests_per_second if expected.requests_per_second else None,
        expected is ASSUMED,
    )


def _logs_in(route: Route) -> bool:
    return _LOGIN.search(route.path) is not None and not route.parameters and ("POST" in route.methods or not route.methods)


def _distinct(routes: Iterable[Route]) -> list[Route]:
    """One route of each handler and shape: `/v1/books` and `/v2/books` are the same work."""
    found: dict[tuple[str, str, int], Route] = {}
    for route in routes:
        key = (route.handler or route.path, route.action, len(route.parameters))
        found.setdefault(key, route)
    return list(found.values())


def _order(route: Route) -> tuple[bool, int, int]:
    """What surely reads before what may write, short addresses before long ones."""
    return (not route.methods, len(route.parameters), route.path.count("/"))


def _request(route: Route) -> Request:
    pieces = re.split(r"\{(\w+)\}", route.path)
    given = {parameter.name: parameter for parameter in route.parameters}
    slots = []
    for at, name in enumerate(pieces[1::2]):
        before = "".join(part if i % 2 == 0 else f"{{{part}}}" for i, part in enumerate(pieces[: 2 * at + 2]))
        slots.append(Slot(before, _LANGUAGE.get(name, _SAMPLES[given.get(name, Parameter(name)).kind])))
    weight = max(1, 5 - 2 * len(route.parameters)) if route.methods else 1
    return Request(route, weight, tuple(pieces[::2]), tuple(slots))
