"""What tells of each topic, as typed data: `signals.yml`."""

from __future__ import annotations

from functools import cache
from importlib import resources
from typing import Literal

import msgspec

Ecosystem = Literal["python", "php", "ruby", "javascript"]


class Framework(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A framework whose applications are told. `applications` says how: see `analyzers.readiness.applications`."""

    framework: str
    title: str
    ecosystem: Ecosystem
    packages: tuple[str, ...]
    setting: str = ""  # of a module of an application
    makers: tuple[str, ...] = ()  # what makes an application
    files: tuple[str, ...] = ()  # that only an application has, as regular expressions of their paths
    project: bool = False  # its manifest says that it is a project, no library
    read: bool = True  # its code and its routes are read


class Signal(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One thing that looks after a topic. Patterns are regular expressions of the whole text, any case."""

    title: str
    packages: tuple[str, ...] = ()
    needs: tuple[str, ...] = ()  # packages without which its settings and variables say nothing, if they are others
    works: bool = False  # as soon as it is installed
    imports: tuple[str, ...] = ()  # beginnings of what code imports
    texts: tuple[str, ...] = ()  # beginnings of names in settings: applications, middleware, bundles, loggers
    settings: tuple[str, ...] = ()  # of keys, followed by `=` and a value
    variables: tuple[str, ...] = ()  # of names of environment variables
    commands: tuple[str, ...] = ()  # of parts of command lines
    images: tuple[str, ...] = ()  # of containers that run beside
    routes: tuple[str, ...] = ()  # of addresses


class Line(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What to paste, and where."""

    file: str
    code: str


class Topic(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One row of the table."""

    topic: str
    title: str
    looked: str  # where, as the end of a sentence
    signals: tuple[Signal, ...]
    paste: dict[str, Line] = {}  # by framework, or by the database where that decides
    queues: bool = False  # a row only where there is a queue
    probes: bool = False  # what an orchestrator asks containers counts
    routes: bool = False  # the addresses must be known, to say that there is none


class Queue(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A library of jobs."""

    title: str
    packages: tuple[str, ...]
    imports: tuple[str, ...] = ()


class Signals(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """All that is known."""

    frameworks: tuple[Framework, ...]
    queues: tuple[Queue, ...]
    topics: tuple[Topic, ...]
    load_test: dict[str, Line]
    timeouts: dict[str, Line]


@cache
def signals() -> Signals:
    """The file, read once."""
    return msgspec.yaml.decode(resources.files(__package__).joinpath("signals.yml").read_bytes(), type=Signals)
