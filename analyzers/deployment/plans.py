"""Limits of managed databases, by their provider's plans (`plans.yml`)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from importlib import resources

import msgspec

from analyzers.deployment.values import Amount, Server
from analyzers.source import Place


class Provider(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a provider says of its plans. Where the limit is one of memory, `bytes` is what one connection is counted as;
    classes whose family begins with a letter of `larger` have so many times the memory."""

    database: str
    plans: dict[str, int] = {}
    default: str = ""
    reserved: int = 0
    bytes: dict[str, int] = {}
    most: dict[str, int] = {}
    classes: dict[str, int] = {}
    larger: dict[str, int] = {}


@cache
def providers() -> Mapping[str, Provider]:
    """All providers that are known."""
    return msgspec.yaml.decode(resources.files(__package__).joinpath("plans.yml").read_bytes(), type=dict[str, Provider])


def known_providers() -> tuple[str, ...]:
    return tuple(providers())


def is_known_plan(text: str) -> bool:
    """Whether a text is a provider and one of its plans, `heroku/standard-0`."""
    provider, _, plan = text.partition("/")
    return provider in providers() and bool(plan) and limit_of(provider, plan) is not None


_CLASS = re.compile(r"db\.(?P<family>[a-z])\w*\.(?P<size>\w+)")


def limit_of(provider: str, plan: str, database: str = "") -> int | None:
    """How many connections a plan has, if the provider says so."""
    known = providers()[provider]
    name = (plan or known.default).lower()
    if name in known.plans:
        return known.plans[name]
    found = _CLASS.fullmatch(name)
    memory = known.classes.get(found["size"]) if found else None
    one = known.bytes.get(database or known.database)
    if found is None or memory is None or one is None:
        return None
    many = memory * known.larger.get(found["family"], 1) * 2**30 // one
    return min(many, known.most[database or known.database])


def managed(name: str, provider: str, plan: str, place: Place, database: str = "") -> Server:
    """A managed database as a server."""
    limit = limit_of(provider, plan, database)
    known = providers()[provider]
    told = plan or known.default
    because = f"the plan `{told}` of {provider.title()}" if told else f"{provider.title()} is not told a plan here"
    reserved = Amount(known.reserved, f"what {provider.title()} keeps", place)
    return Server(
        name, database or known.database, Amount(limit, because, place, "" if limit else "max_connections"), reserved, place
    )
