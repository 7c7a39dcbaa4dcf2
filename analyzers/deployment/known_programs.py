"""The programs that are known here (`programs.yml`), how each is told how many, and where a command of theirs runs."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib import resources

import msgspec

from analyzers.deployment.values import Work
from analyzers.facts.store import FileFacts
from analyzers.source import Place


class Count(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How a program is told a number."""

    flags: tuple[str, ...] = ()
    variables: tuple[str, ...] = ()
    settings: str = ""  # a key of a configuration file, wherever that stands
    default: int | str = 1  # a number, or what decides it
    upper: bool = False  # `5:10`, of which the second counts
    all: tuple[str, ...] = ()  # words that mean as many as there are processors


class Config(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A file of a program's own that may state the numbers, by these names; each group of `several` is a process or more."""

    flags: tuple[str, ...]
    files: tuple[str, ...]
    processes: str
    threads: str
    processes_also: str = ""
    daemons: str = ""  # the key of commands that it starts beside itself
    several: str = ""  # keys under which there is a group for each kind of process
    kind: str = ""


class Kind(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What is different in one of a program's ways to work. `swapped`: the number of processes is that of threads in one."""

    processes: Count | None = None
    threads: Count | None = None
    swapped: bool = False


class Known(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A program, as `programs.yml` states it."""

    names: tuple[str, ...]
    does: Work
    language: str
    processes: Count
    threads: Count
    when: tuple[str, ...] = ()  # all of these words follow
    when_any: tuple[str, ...] = ()  # one of these words follows, or is its name
    directive: str = ""  # of a configuration, which makes it this program, and has its flags
    options_in: str = ""  # a variable with further options
    config: Config | None = None
    kind_flags: tuple[str, ...] = ()
    kinds: dict[str, Kind] = {}
    development: bool = False
    development_flags: tuple[str, ...] = ()


class Where(msgspec.Struct, frozen=True):
    """Where a command runs: its variables, the revision's files, the folder it starts in, and where it is stated."""

    variables: Mapping[str, str]
    files: Mapping[str, FileFacts]
    folder: str
    place: Place


@cache
def known_programs() -> Mapping[str, Known]:
    """All programs, by what we call them, in the order in which they are tried."""
    source = resources.files(__package__).joinpath("programs.yml").read_bytes()
    return msgspec.yaml.decode(source, type=dict[str, Known])
