"""What we know of how frameworks are told their routes, as typed data: `frameworks.yml`."""

from __future__ import annotations

from functools import cache
from importlib import resources
from typing import Literal

import msgspec


class Views(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which methods a view answers."""

    bases: dict[str, tuple[str, ...]] = {}  # library class -> what its heirs answer
    only: dict[str, tuple[str, ...]] = {}  # decorator -> the methods that it lets through
    stated: tuple[str, ...] = ()  # decorators whose first argument is a list of them
    made_by: str = ""  # method of a class that makes a view of it


class Patterns(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Lists of patterns that include one another."""

    variable: str  # name of a module's list
    root: str  # setting that names the first module
    calls: dict[str, Literal["angled", "regular"]]
    includes: tuple[str, ...]
    localized: tuple[str, ...] = ()  # calls around patterns that put a language before them
    transparent: tuple[str, ...] = ()  # calls that give the patterns they are given


class Action(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a router makes of a method of that name."""

    methods: tuple[str, ...]
    item: bool = False  # of one row


class Viewsets(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Routers that make routes of a class's actions."""

    routers: tuple[str, ...]
    nested: tuple[str, ...]  # routers below a prefix of another one: (router, prefix, lookup=…)
    actions: dict[str, Action]
    bases: dict[str, tuple[str, ...]]  # library class -> actions that its heirs have
    marks: tuple[str, ...]  # decorators of further actions


class Maker(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A call that makes an application, or a part of one with a prefix of its own."""

    prefix: str = ""
    part: bool = True
    into: bool = False  # its first argument is what it is mounted in


class Mount(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A method that mounts a part: positions of the part and its prefix (-1: by keyword alone)."""

    part: int = 0
    prefix: int = -1
    keyword: str = ""
    replaces: bool = False  # the prefix stands in the place of the part's own


class Decorated(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Decorators of an application."""

    packages: tuple[str, ...]
    makers: dict[str, Maker]
    decorators: dict[str, tuple[str, ...]]  # name -> methods
    adders: dict[str, tuple[int, int, str]] = {}  # method -> positions of the address and the view, keyword of the view
    classes: tuple[str, ...] = ()  # methods that take a class, and its addresses behind it
    mounts: dict[str, Mount] = {}
    default: tuple[str, ...] = ()  # methods where none are said
    notation: Literal["angled", "braced"] = "braced"


class Attributes(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Attributes of actions."""

    marks: dict[str, tuple[str, ...]]  # attribute -> methods


class Chains(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Calls of a facade, each of which adds to the one before: `Route::prefix('api')->get(…)`."""

    facades: tuple[str, ...]
    verbs: dict[str, tuple[str, ...]]
    resources: dict[str, tuple[str, ...]]  # method -> actions
    actions: dict[str, tuple[tuple[str, ...], str]]  # action -> methods, and what follows the resource's own address
    prefixes: dict[str, str]  # file of routes -> prefix that the framework gives it
    loaders: dict[str, str]  # keyword of a call that names a file of routes -> keyword of its prefix


class Framework(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How one framework is told its routes."""

    framework: str
    views: Views = Views()
    patterns: Patterns | None = None
    viewsets: Viewsets | None = None
    decorated: Decorated | None = None
    attributes: Attributes | None = None
    chains: Chains | None = None


@cache
def frameworks() -> tuple[Framework, ...]:
    """All frameworks that are known."""
    source = resources.files(__package__).joinpath("frameworks.yml").read_bytes()
    return msgspec.yaml.decode(source, type=tuple[Framework, ...])
