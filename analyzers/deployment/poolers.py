"""Poolers among the services: what each opens to the server, and what it accepts from clients, by `poolers.yml`."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import cache
from importlib import resources

import msgspec

from analyzers.deployment.values import Amount, Pooler, Service
from analyzers.deployment.variables import amount, resolved
from analyzers.facts.store import FileFacts, Setting
from analyzers.source import Place


class Told(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where a pooler is told something, and what it takes where nothing is said. With `sum` all that are told add up."""

    default: int | str | None
    variables: tuple[str, ...] = ()
    keys: tuple[str, ...] = ()
    sum: bool = False


class Prepares(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How many prepared statements a pooler keeps for its clients: what it is told, and from which versions on it can, and does
    by itself; without the latter, none unless it is told."""

    told: Told
    can: tuple[int, ...] = ()
    does: tuple[int, ...] | None = None


class Product(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A pooler, as `poolers.yml` states it."""

    images: str
    files: str
    mode: Told
    opens: Told
    accepts: Told
    prepares: Prepares | None = None


@cache
def products() -> Mapping[str, Product]:
    """All poolers that are known, by their names."""
    return msgspec.yaml.decode(resources.files(__package__).joinpath("poolers.yml").read_bytes(), type=dict[str, Product])


def is_pooler(service: Service) -> bool:
    """Whether pooling is what a service is for."""
    return _product(service) is not None


def pooler_of(files: Mapping[str, FileFacts], service: Service) -> Pooler | None:
    """What a service pools connections with, if that is what it is for."""
    name = _product(service)
    if name is None:
        return None
    product = products()[name]
    stated = list(_stated(files, service, product)) if product.files else []
    mode = next((value for value, _ in _said(product.mode, service, stated)), str(product.mode.default))
    opens = _amount(product.opens, service, stated, name, "connections it opens")
    accepts = _amount(product.accepts, service, stated, name, "clients")
    mode = resolved(mode, service.environment).lower()
    seen = bool(stated) or not product.files
    prepares = _prepares(product.prepares, service, stated, seen=seen) if product.prepares is not None else None
    return Pooler(service.name, name, mode, opens, accepts, service.place, prepares)


_VERSION = re.compile(r":v?(\d+(?:\.\d+)+)")


def _prepares(known: Prepares, service: Service, stated: list[tuple[str, Setting, Place]], *, seen: bool) -> bool | None:
    """Whether a pooler keeps the statements that its clients prepare; nothing where neither it nor its version says. `seen`:
    whether all that it is told is in sight."""
    found = _VERSION.search(service.image)
    version = tuple(map(int, found[1].split("."))) if found is not None else None
    if version is not None and version < known.can:
        return False
    told = next((resolved(value, service.environment) for value, _ in _said(known.told, service, stated)), "")
    told = told.strip().strip("\"'").lower()
    if told.isdigit() or told in _SWITCHED:
        return int(told) > 0 if told.isdigit() else _SWITCHED[told]
    if told:
        return None
    if known.does is None:
        return False if seen else None
    return version >= known.does if version is not None else None


_SWITCHED = {"true": True, "false": False}


def _product(service: Service) -> str | None:
    for name, product in products().items():
        shape = re.compile(product.images, re.IGNORECASE)
        if any(shape.search(text) for text in (service.image, service.name.rpartition("/")[2], service.build or "")):
            return name
    return None


def _stated(files: Mapping[str, FileFacts], service: Service, product: Product) -> Iterator[tuple[str, Setting, Place]]:
    """The settings of the pooler's own file: one that the service mounts or builds, or the only one of the repository."""
    fitting = [path for path in files if re.search(product.files, path)]
    sources = [volume.partition(":")[0].removeprefix("./") for volume in service.volumes]
    near = [p for p in fitting if any(s and (p.endswith(s) or f"{s}/" in p) for s in sources)]
    near = near or [p for p in fitting if service.build and p.startswith(f"{service.build}/")] or fitting
    if len(near) != 1:
        return
    facts, group = files[near[0]], ""
    for setting in facts.settings:
        if (not setting.value and "." not in setting.key) or setting.value in ("{", "("):
            group = f"{setting.key}."  # `mysql_servers =` before what is in its braces
        place = Place(near[0], facts.span(setting.start, setting.end))
        for one in _pairs(setting):
            yield (f"{group}{one.key}" if group and "." not in one.key else one.key), one, place


_PAIR = re.compile(r"(\w+)\s*=\s*\"?([^\s\",{}]+)")


def _pairs(setting: Setting) -> Iterator[Setting]:
    """The settings of a group on one line, `{ address="db", max_connections=200 }`; else the setting itself."""
    if not setting.key.startswith("{"):
        yield setting
        return
    for key, value in _PAIR.findall(f"{setting.key}={setting.value}"):
        yield Setting(key, value, setting.start, setting.end)


def _said(told: Told, service: Service, stated: list[tuple[str, Setting, Place]]) -> list[tuple[str, Place]]:
    for variable in told.variables:
        if variable in service.environment:
            return [(service.environment[variable], service.place)]
    for key in told.keys:
        found = [(setting.value, place) for at, setting, place in stated if re.fullmatch(key, at)]
        if found:
            return found if told.sum else found[:1]
    return []


def _amount(told: Told, service: Service, stated: list[tuple[str, Setting, Place]], product: str, symbol: str) -> Amount:
    found = [
        amount(text, service.environment, place, f"what {product} is told") for text, place in _said(told, service, stated)
    ]
    if found and all(a.value is not None for a in found):
        return Amount(sum(a.value or 0 for a in found), f"what `{service.name}` is told", found[0].place)
    if found:
        return next(a for a in found if a.value is None)
    if isinstance(told.default, int):
        return Amount(told.default, f"the default of {product}", service.place)
    return Amount(None, f"{product} has no limit of its own, or is not told one here", service.place, symbol)
