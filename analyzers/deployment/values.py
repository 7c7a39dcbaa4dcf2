"""The vocabulary of deployments: amounts that know where they come from, and what is counted by them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import msgspec

from analyzers.source import Place

Work = Literal["web", "worker", "scheduler", "job", "unknown"]


class Amount(msgspec.Struct, frozen=True):
    """A number and why it is that.

    `value` is `None` where the repository does not say; `symbol` then names what decides it (`WEB_CONCURRENCY`, `processors`).
    `assumed` is what it is where nothing else is set, if that is known.
    """

    value: int | None
    because: str
    place: Place | None = None
    symbol: str = ""
    text: str = ""  # what names variables, where it is a service's to set them
    default: bool = False  # nothing states it: it is what a library takes by itself


class Program(msgspec.Struct, frozen=True):
    """One program that a service starts.

    `processes` is how many processes of it run, `threads` how many requests or jobs each works on at a time; `threads.value` is
    `None` with the symbol `requests` for an event loop, which sets no bound.
    """

    name: str
    does: Work
    processes: Amount
    threads: Amount
    language: str = ""
    place: Place | None = None
    development: bool = False  # a server that its makers say is for development
    beside: bool = False  # it runs beside the others of its service, as a supervisor starts them
    instances: bool = False  # a platform makes and ends as many of it as there are requests


class Surge(msgspec.Struct, frozen=True):
    """How many copies more run while a new version is rolled out: `count`, or a share of the replicas, rounded up."""

    because: str
    count: int = 0
    percent: int = 0
    place: Place | None = None

    def of(self, replicas: int) -> int:
        """How many that are of so many copies."""
        return self.count or -(-replicas * self.percent // 100)


class Service(msgspec.Struct, frozen=True):
    """What a file of a deployment states under one name. `replicas` are copies of it, at most; `hosts` the names under which
    others reach it, `needs` those that it says it waits for."""

    name: str
    place: Place
    replicas: Amount
    programs: tuple[Program, ...] = ()
    image: str = ""
    build: str | None = None  # folder whose code it runs
    command: str = ""
    environment: Mapping[str, str] = {}
    volumes: tuple[str, ...] = ()  # paths inside that outlive it
    surge: Surge = Surge("no rolling update is stated")
    ephemeral: bool = False  # its disk is gone with it
    hosts: tuple[str, ...] = ()
    needs: tuple[str, ...] = ()
    once: bool = False  # it runs to its end, and now and then
    unseen: bool = False  # it has variables that are made elsewhere
    installed: bool = False  # on machines of which nobody says how many there are


class Server(msgspec.Struct, frozen=True):
    """A database server. `limit` is how many connections it accepts, `reserved` how many of those are kept for its owner."""

    service: str
    database: str
    limit: Amount
    reserved: Amount
    place: Place


class Pooler(msgspec.Struct, frozen=True):
    """A program that many clients share connections of a server through."""

    service: str
    product: str
    mode: str
    opens: Amount  # connections to the server, for each pool
    accepts: Amount
    place: Place
    prepares: bool | None = None  # whether it keeps what clients prepare, if that is known


class Pool(msgspec.Struct, frozen=True):
    """What one process of the code may open: `size` and `overflow` connections, or one for each thread."""

    name: str
    place: Place
    size: Amount | None = None
    overflow: Amount | None = None
    per: Literal["process", "thread"] = "process"
    fresh: bool = False  # opened for each request, and closed after it
    language: str = "python"
    parameter: str = ""  # of the address that a service is told, which sets the size


class State(msgspec.Struct, frozen=True):
    """What is kept in one process or on one disk, or done in the request instead of by a worker. `setting` says so at `places`,
    or does not say otherwise (`absent`)."""

    kind: str  # session, cache, rate limit, values, websocket, scheduler, memo, remembered, upload, lock, queue, jobs
    kept: Literal["process", "disk", "request"]
    setting: str
    places: tuple[Place, ...]
    remedy: str = ""
    absent: bool = False
    of: str = ""  # the function or the value that it belongs to, where a file has several
    certain: bool = False  # told only where a second process or disk is stated
    limits: tuple[Place, ...] = ()  # limits on requests that count in a cache


class Conflict(msgspec.Struct, frozen=True):
    """What code at `place` keeps in a session of the server (`what`), which `pooler` shares; `harm` says what then happens."""

    what: str
    harm: str
    remedy: str
    code: str
    place: Place
    also: tuple[Place, ...]
    pooler: Pooler


class Unpooled(msgspec.Struct, frozen=True):
    """An address of a database at `place` that functions of a platform (`runs`) and migrations share."""

    place: Place
    runs: Place


class Stack(msgspec.Struct, frozen=True):
    """Services that run together, as one file (or one with its overrides) states them."""

    path: str
    services: tuple[Service, ...]
    servers: tuple[Server, ...] = ()
    poolers: tuple[Pooler, ...] = ()


class Turns(msgspec.Struct, frozen=True):
    """Services of a stack (by its path) among which a proxy takes turns, as is stated at `place`."""

    stack: str
    services: tuple[str, ...]
    place: Place


class Deployment(msgspec.Struct, frozen=True):
    """All the ways in which a repository says it is run."""

    stacks: tuple[Stack, ...] = ()
    pools: tuple[Pool, ...] = ()
    states: tuple[State, ...] = ()
    conflicts: tuple[Conflict, ...] = ()
    unpooled: tuple[Unpooled, ...] = ()
    turns: tuple[Turns, ...] = ()
