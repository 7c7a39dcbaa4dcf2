"""State that is kept in one process or on one disk: sessions, caches and rate limits, by what settings say of them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import cache
from importlib import resources
from typing import Literal

import msgspec

from analyzers.deployment import defaults
from analyzers.deployment.kept import states as kept_by_calls
from analyzers.deployment.scalars import Stated, scalars
from analyzers.deployment.values import State
from analyzers.deployment.variables import resolved
from analyzers.model.naming.code import Codebase


class Local(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A setting that keeps state local, as `states.yml` states it."""

    key: str
    value: str
    kind: str
    kept: Literal["process", "disk", "request"]
    remedy: str
    certain: bool = False  # told only where a second process or disk is stated
    by_cache: bool = False  # it is kept where the cache is
    file: str = ""  # the end of the path of the files that may say it
    unless: str = ""  # a setting of the same file, `KEY=value`, with which another rule tells it


@cache
def _known() -> tuple[tuple[re.Pattern[str], re.Pattern[str], Local], ...]:
    found = msgspec.yaml.decode(resources.files(__package__).joinpath("states.yml").read_bytes(), type=tuple[Local, ...])
    return tuple((re.compile(x.key), re.compile(x.value, re.IGNORECASE), x) for x in found)


def states(code: Codebase, variables: Mapping[str, str], *, several_disks: bool) -> Iterator[State]:
    """The state that the product's settings keep local, but for what another setting of the product keeps elsewhere.
    `variables` are those that the deployment sets."""
    found: dict[tuple[str, str], list[tuple[Stated, Local | None]]] = {}
    for stated in (everything := tuple(scalars(code))):
        fitting = [(shape, x) for key, shape, x in _known() if key.fullmatch(stated.key) and stated.path.endswith(x.file)]
        if fitting:
            value = resolved(variables.get(stated.key, stated.value), variables)
            local = next((x for shape, x in fitting if shape.fullmatch(value)), None)
            if local is not None and local.unless and _is_told(everything, stated.path, local.unless):
                continue
            found.setdefault((fitting[0][1].kind, fitting[0][1].remedy), []).append((stated, local))
    caches = next((x for (kind, _), x in found.items() if kind == "cache"), [])
    local_cache = [local for _, local in caches if local is not None]
    in_cache = any(local is not None and local.by_cache for several in found.values() for _, local in several)
    for (kind, remedy), several in found.items():
        locals_ = [(s, local) for s, local in several if local is not None]
        if locals_ and len(locals_) == len(several):
            first = locals_[0][1]
            if kind == "cache" and in_cache:
                continue  # told of with the sessions that are kept there
            if first.by_cache and (not local_cache or len(local_cache) != len(caches)):
                continue
            kept = local_cache[0].kept if first.by_cache else first.kept
            also = tuple(s.place for s, _ in caches) if first.by_cache else ()
            places = (*(s.place for s, _ in locals_), *also)
            counted = tuple(defaults.limits(code))[:2] if remedy == "django-cache" else ()
            yield State(kind, kept, locals_[0][0].key, places, remedy, certain=first.certain, limits=counted)
    yield from kept_by_calls(code, frozenset(s.key.rpartition(".")[2] for some in found.values() for s, _ in some))
    yield from defaults.states(code, frozenset(remedy for _, remedy in found), several_disks=several_disks)


_QUOTES = "\"'"


def _is_told(everything: tuple[Stated, ...], path: str, setting: str) -> bool:
    """Whether a file states a setting, `KEY=value`."""
    return any(s.path == path and re.fullmatch(setting, f"{s.key}={s.value.strip(_QUOTES)}") for s in everything)
