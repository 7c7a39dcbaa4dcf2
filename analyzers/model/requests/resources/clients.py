"""Clients, pools and connections that are made anew for each request or job, and sessions that nobody gives back."""

from __future__ import annotations

import re
from collections.abc import Iterator

from analyzers.facts.outline import Call, Member, Node, Other, walk
from analyzers.knowledge import libraries
from analyzers.knowledge.clients import Client
from analyzers.knowledge.derived import derived
from analyzers.model.naming.code import Codebase
from analyzers.model.naming.roles import is_batch
from analyzers.model.requests.resources import lifetimes
from analyzers.model.requests.resources.lifetimes import Around
from analyzers.model.ways import CallSite, Made, Reach, Unreturned, Way

_clients = derived(lambda: {name: client for library in libraries() for name, client in library.clients.items()})
_languages = derived(lambda: {name: library.language for library in libraries() for name in library.clients})
_ASIDE = re.compile(
    r"health|ready|alive|ping\b|heartbeat|status|check|probe|diagnos|^test|_test|install|setup|upgrade|migrat|backup|restore",
    re.IGNORECASE,
)
_LOOKS_AFTER = re.compile(r"health|readiness|liveness|heartbeat|diagnos|(?:system|server|service)_?status", re.IGNORECASE)
"""Classes that answer whether everything works."""


def made(code: Codebase, reach: Reach) -> Iterator[Made]:
    """The clients that are made for each request or job, though they are made of the same each time, or are to be kept for each
    address."""
    for call in reach.of_library(_clients()):
        client = _clients()[call.library]
        if client.makes == "session" or is_batch(call.place.path) or _is_aside(call):
            continue
        site = lifetimes.around(code, call)
        if site is None:
            continue
        way = reach.way(call, ("request", "task"), lambda calls: _lasts_no_longer(code, calls))
        if way is None or any(map(_is_aside, way.calls)) or _is_taken_whole(code, way, client):
            continue
        closed, brought = _closes(site, client), _brought(code, way)
        if brought is None or (brought and (closed or not _lasts(client, site) or any(map(_tries, way.calls)))):
            continue
        if _languages()[call.library] != "php" or _repeats(code, way):
            handed_on = lifetimes.fate(code, site) == "handed on"
            yield Made(client, call.library, call.function.name, call.place, way, handed_on, closed, brought)


def _lasts(client: Client, site: Around) -> bool:
    """Whether what is made is meant to be kept, though there is one for each address."""
    return client.lasts and isinstance(site.node, Call) and all(k.name not in client.unless for k in site.node.keywords)


def _tries(call: CallSite) -> bool:
    """Whether a function only tries whether an address is right, or is run once for each."""
    return _TRIES.search(call.function.name.rpartition(".")[2]) is not None


_TRIES = re.compile(r"valid|verif|drop|delet|dump|creat\w*_(?:database|db|tenant|schema|user|role)s?\b", re.IGNORECASE)


def unreturned(code: Codebase, reach: Reach) -> Iterator[Unreturned]:
    """The sessions that requests and jobs open and do not give back: what a function hands on its callers may give back, except
    where a library calls it for a request and gives what it returns to the handler."""
    for call in reach.of_library(_clients()):
        client = _clients()[call.library]
        site = lifetimes.around(code, call) if client.makes == "session" and not is_batch(call.place.path) else None
        if site is None or any(
            isinstance(n, Other) and n.word == "with" and n.children[-1] is not _next(site, n) for n in site.above
        ):
            continue
        if (way := _kept_for_the_request(reach, site, call)) is not None:
            yield Unreturned(client, call.library, call.function.name, call.place, way, "of request")
            continue
        found, yields = lifetimes.fate(code, site), lifetimes.yields(site)
        if found == "kept" or lifetimes.caches(site.function):
            continue
        if found == "handed on" and not yields:
            given = [c for c in reach.callers.get(call.function, ()) if _injects(code, c)]
            if given and (way := reach.way(given[0], ("request",), lambda _: True)) is not None:
                whole = Way(way.entry, (*way.calls, call))
                yield Unreturned(client, call.library, call.function.name, call.place, whole, "never")
            continue
        if client.lost and not lifetimes.is_held(site, client.closes):
            continue
        when = lifetimes.returned(site, client.closes)
        if when != "always" and (way := reach.way(call, ("request", "task"), lambda _: True)) is not None:
            yield Unreturned(client, call.library, call.function.name, call.place, way, when)


def _kept_for_the_request(reach: Reach, site: Around, call: CallSite) -> Way | None:
    """The way of a session that a function returns which a library calls itself, to keep it for the request, and that nothing
    closes when the request is done."""
    entry = reach.by_function.get(call.function)
    if entry is None or entry.kind != "request" or not lifetimes.returns(site) or lifetimes.does_later(site):
        return None
    return Way(entry, (call,))


def _next(site: Around, outer: Node) -> Node:
    """What stands below a node on the way to the call."""
    below = site.above.index(outer) + 1
    return site.above[below] if below < len(site.above) else site.node


def _injects(code: Codebase, call: CallSite) -> bool:
    """Whether a function is called by a library for the parameter of another."""
    site = lifetimes.around(code, call)
    return (
        site is not None
        and site.function is not None
        and site.node.end <= min((n.start for n in site.function.body), default=0)
    )


def _is_aside(call: CallSite) -> bool:
    """Whether names say that the call only tries whether something works, or is made when the product is set up."""
    *above, name = re.split(r"::|[.:\\]", call.function.name)
    owner = next((part for part in reversed(above) if part[:1].isupper()), "")
    file = call.place.path.rpartition("/")[2]
    return _ASIDE.search(file) is not None or _ASIDE.search(name) is not None or _LOOKS_AFTER.search(owner) is not None


def _lasts_no_longer(code: Codebase, calls: tuple[CallSite, ...]) -> bool:
    """Whether what the last of these calls makes is gone when the function that makes the first of them is done, or is handed
    to whoever calls that."""
    for i, call in enumerate(reversed(calls)):
        site = lifetimes.around(code, call)
        if site is None or site.function is None or lifetimes.caches(site.function):
            return False
        holder = _clients()[call.library].held_by if call.library else -1
        found = lifetimes.fate(code, site, holder)
        if found == "kept":
            return False
        if found == "let go":
            rest = (lifetimes.around(code, c) for c in calls[: len(calls) - 1 - i])
            return not any(r is None or lifetimes.caches(r.function) for r in rest)
    return True


def _is_taken_whole(code: Codebase, way: Way, client: Client) -> bool:
    """Whether something on the way asks of it what nobody else can ask meanwhile."""
    sites = (lifetimes.around(code, call) for call in way.calls) if client.takes_all else ()
    bodies = (site.function.body for site in sites if site is not None and site.function is not None)
    nodes = (n for body in bodies for statement in body for n in walk(statement))
    return any(isinstance(n, Member) and n.name in client.takes_all for n in nodes)


def _brought(code: Codebase, way: Way) -> bool | None:
    """Whether what it is made of comes with the request; nothing where that cannot be told."""
    names: frozenset[str] | None = None
    below: Around | None = None
    for call in reversed(way.calls):
        site = lifetimes.around(code, call)
        if site is None:
            return None
        parts: Iterator[Node]
        if not isinstance(site.node, Call):
            parts = iter(())  # an attribute that is a call
        elif names is None:
            parts = iter([*site.node.args, *(k.value for k in site.node.keywords)])
        else:
            parts = lifetimes.given(site.node, below.function, names) if below is not None and below.function else iter(())
        names = lifetimes.depends(code, site, parts)
        if lifetimes.UNKNOWN in names:
            return None
        if not names:
            return False
        below = site
    return bool(names)


def _repeats(code: Codebase, way: Way) -> bool:
    """Whether one request makes it several times: some call on the way stands in a loop."""
    return any((site := lifetimes.around(code, call)) is not None and lifetimes.looped(site) for call in way.calls)


def _closes(site: Around, client: Client) -> bool:
    """Whether the function that makes it gives back what it holds."""
    return lifetimes.closes(site, client.closes)
