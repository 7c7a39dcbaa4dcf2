"""Servers among which nginx takes turns: what runs the same code more than once, though each is stated as one."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

from analyzers.deployment.demand import names_of
from analyzers.deployment.uses import NOT_RUN
from analyzers.deployment.values import Stack, Turns
from analyzers.facts.store import FileFacts
from analyzers.model.naming.roles import is_product
from analyzers.source import Place

_CONFIGURATION = re.compile(r"nginx|(?:^|/)(?:conf\.d|sites-(?:available|enabled))/", re.IGNORECASE)
_STICKY = frozenset({"ip_hash", "sticky", "hash"})
_SERVER = re.compile(r"(?P<host>[\w.-]+)(?::\d+)?(?P<rest>[^;]*);?")
_IDLE = re.compile(r"\b(?:backup|down)\b")


def turns(files: Mapping[str, FileFacts], stacks: Sequence[Stack]) -> Iterator[Turns]:
    """The services of stacks that stand together in an upstream, unless the same visitor always meets the same one."""
    for path, facts in files.items():
        if facts.language != "ini" or not _CONFIGURATION.search(path) or NOT_RUN.search(path) or not is_product(path):
            continue
        for hosts, place in _upstreams(path, facts):
            for stack in stacks:
                services = [s.name for s in stack.services if any(name in hosts for name in names_of(stack, s.name))]
                if len(services) > 1:
                    yield Turns(stack.path, tuple(services), place)


def _upstreams(path: str, facts: FileFacts) -> Iterator[tuple[frozenset[str], Place]]:
    """The hosts of each `upstream`, with its place."""
    hosts: set[str] = set()
    place: Place | None = None
    sticky = False
    for setting in facts.settings:
        ends = setting.value.endswith("{")
        if ends and place is not None and not sticky:
            yield frozenset(hosts), place
        if ends:
            begins = setting.key == "upstream"
            place = Place(path, facts.span(setting.start, setting.end)) if begins else None
            hosts, sticky = set(), False
        elif place is not None and setting.key in _STICKY:
            sticky = True
        elif place is not None and setting.key == "server":
            found = _SERVER.match(setting.value)
            hosts |= {found["host"]} if found is not None and not _IDLE.search(found["rest"]) else set()
    if place is not None and not sticky:
        yield frozenset(hosts), place
