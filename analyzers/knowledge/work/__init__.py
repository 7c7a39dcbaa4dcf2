"""What we know of calls that take long, or that nobody can say how long they take: `python.yml`, `php.yml`.

A name is a function's (`calls`), or a method's of what one of `objects` makes, also behind attributes and further calls:
`openai.OpenAI` with `create` is `openai.OpenAI.chat.completions.create`.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from importlib import resources
from typing import Literal

import msgspec

from analyzers.knowledge import libraries
from analyzers.knowledge.adding import added
from analyzers.knowledge.derived import additions, derived, per_libraries

Kind = Literal[
    "http", "mail", "message", "payment", "model", "storage", "document", "media", "archive", "process", "sleep", "job"
]
_NAMES_KEPT = 50_000


class Work(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Calls of one kind that wait for something outside of the process, or work for long in it.

    `does` says what, as of somebody (`makes an HTTP request`). `timeout` are the arguments, or keys of options, that bound
    how long it waits, `at` is the position of the first; where `made_with`, they may be stated when the object is made, too.
    `endless`: it waits without a limit where none is stated. `sends` are those methods that tell something to somebody, so that
    the answer may not matter. `blocking`: an event loop stands still meanwhile. `carries` are base classes of what is sent,
    which may say themselves that a queue sends it.
    """

    kind: Kind
    does: str
    calls: tuple[str, ...] = ()
    objects: tuple[str, ...] = ()
    methods: tuple[str, ...] = ()
    timeout: tuple[str, ...] = ()
    at: int = -1
    made_with: bool = False
    endless: bool = False
    sends: tuple[str, ...] = ()
    blocking: bool = True
    carries: tuple[str, ...] = ()
    default: str = ""  # how long it waits where nothing is stated, in words
    limiting: tuple[str, ...] = ()  # bases of classes by which a project gives all that it makes a limit of its own
    quick: bool = False  # done in a moment, unless what it is given is large
    moves: tuple[str, ...] = ()  # what moves money when it is made, with the argument that has to be true for it
    keyed: str = ""  # the argument by which the other side knows a second try
    addresses: bool = False  # only where the first argument is an address of the web
    errors: str = ""  # package of what its calls raise
    limit: str = ""  # code of the call with a limit
    awaits: str = ""  # code that does not stop an event loop
    instead: str = ""  # how a queue does just this, in words
    code: str = ""  # and in code: `{carrier}` is the class of what is sent
    code_language: str = ""


class Passing(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Calls that have other code called elsewhere. `later`: when the answer is on its way, or by another process. `aside`:
    while the caller waits, but not on its event loop. `at_once`: there and then.
    `queued`: bases of what a queue takes. `backends`: how settings name mail that a queue takes. `transactions`: calls that
    open one, by their last names; `after`: calls that wait for its end; `opened_by`: what code imports to open one; `outside`:
    decorators of handlers that none is opened around. `puts`: methods of a job, or functions given one, that put it into a
    queue, of which those of the classes `committed` wait for the end of a transaction by themselves."""

    later: tuple[str, ...] = ()
    aside: tuple[str, ...] = ()
    at_once: tuple[str, ...] = ()
    queued: tuple[str, ...] = ()
    backends: tuple[str, ...] = ()
    transactions: tuple[str, ...] = ()
    after: tuple[str, ...] = ()
    opened_by: tuple[str, ...] = ()
    outside: tuple[str, ...] = ()
    puts: tuple[str, ...] = ()
    committed: tuple[str, ...] = ()


class Queue(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What has other processes do work: a project that imports all of `imports` has it. `own`: a queue, not a framework whose
    usual one is meant. `code` has both halves: what does the work (`{task}`), and the call in the place of the one at hand, in
    `{entry}`."""

    title: str
    imports: tuple[str, ...]
    remedy: str
    code: str
    own: bool = True


class Sessions(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Sessions of a database whose `methods` hold their thread until it has answered; `makers` make what makes them."""

    classes: tuple[str, ...] = ()
    makers: tuple[str, ...] = ()
    methods: tuple[str, ...] = ()
    code: str = ""


class Refused(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Methods of the models of a library that it refuses on an event loop, as it would stand still, and what it raises then.
    `awaited` begins the names of those that are awaited instead, `switch` is the variable that has it do it all the same."""

    library: str
    methods: tuple[str, ...]
    raises: str
    awaited: str
    switch: str


class Put(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Calls that put a job into a queue of one of `packages`, and the arguments that have it tried again."""

    packages: tuple[str, ...]
    methods: tuple[str, ...]
    again: tuple[str, ...]
    code: str


class Declared(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What jobs say of themselves, by the arguments of their `marks`, and of the calls that `put` them into a queue of one of
    `packages`.

    One that has one of `tried`, or any where none is named, is tried again: for ever where one of `endless` is nothing and
    none of `ends` is given; each time after `pause`, `times` of them, where none of `paced` says otherwise. It may take as long
    as one of `limit` says (of which `unit` are a second), or `usual` seconds, unless one of `general` says otherwise. `thrown`
    and `kept` are arguments, with the values by which what failed is thrown away, and results are kept for ever.
    """

    title: str
    packages: tuple[str, ...]
    marks: tuple[str, ...] = ()
    put: tuple[str, ...] = ()
    tried: tuple[str, ...] = ()
    endless: tuple[str, ...] = ()
    ends: tuple[str, ...] = ()
    paced: tuple[str, ...] = ()
    pause: float = 0
    times: int = 0
    paces: str = ""
    limit: tuple[str, ...] = ()
    unit: float = 1
    usual: float = 0
    general: tuple[str, ...] = ()
    limits: str = ""
    thrown: dict[str, int] = {}
    kept: dict[str, int] = {}


class Retrying(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Calls, and decorators, that have something done again where it fails: `calls` by their full names, `methods` of what
    begins with one of `objects`. `times` are the arguments that say how often, or the first one where none is named; `waits`
    those that say how long it waits in between, `at` the position of the first of them. Nothing said, it does not wait."""

    calls: tuple[str, ...] = ()
    objects: tuple[str, ...] = ()
    methods: tuple[str, ...] = ()
    times: tuple[str, ...] = ()
    waits: tuple[str, ...] = ()
    at: int = -1
    code: str = ""


class Known(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What one file says."""

    language: Literal["python", "php"]
    work: tuple[Work, ...]
    passing: Passing = Passing()
    queues: tuple[Queue, ...] = ()
    puts: tuple[Put, ...] = ()
    retries: tuple[Retrying, ...] = ()
    declared: tuple[Declared, ...] = ()
    sessions: Sessions = Sessions()
    refused: tuple[Refused, ...] = ()
    retried: dict[str, tuple[str, ...]] = {}  # marks of jobs that are tried again -> if one of these is given; none: always
    never: dict[str, int | bool | None] = {}  # what such a mark is given where a job is not tried again
    once: tuple[str, ...] = ()  # marks of jobs that are not tried again unless they say so


@cache
def _files() -> tuple[Known, ...]:
    files = sorted((f for f in resources.files(__name__).iterdir() if f.name.endswith(".yml")), key=lambda f: f.name)
    return tuple(msgspec.yaml.decode(f.read_bytes(), type=Known) for f in files)


@derived
def known() -> tuple[Known, ...]:
    """All that is known, by file name, with what is said besides."""
    found = {one.language: one for one in _files()}
    languages = {library.library: library.language for library in libraries()}
    for own in additions():
        language = languages[own.library]
        if language in found:
            found[language] = added(found[language], own)
    return tuple(found.values())


@derived
def _calls() -> dict[tuple[str, str], Work]:
    return {(one.language, name): work for one in known() for work in one.work for name in work.calls}


@derived
def _methods() -> dict[tuple[str, str], dict[str, Work]]:
    found: dict[tuple[str, str], dict[str, Work]] = {}
    for one in known():
        for work in one.work:
            for name in work.objects:
                found.setdefault((one.language, name), {}).update(dict.fromkeys(work.methods, work))
    return found


@per_libraries(_NAMES_KEPT)
def work_of(name: str, language: str) -> Work | None:
    """What a function or method of a library does, if it is known to take long."""
    known_as = _calls().get((language, name))
    last = name.rpartition(".")[2]
    methods = ((outer, _methods().get((language, outer), {})) for outer in _outer(name)) if known_as is None else ()
    return known_as or next((m[last] for outer, m in methods if last in m and not _is_of_answer(name, outer, m)), None)


def _is_of_answer(name: str, outer: str, methods: dict[str, Work]) -> bool:
    """Whether a method is called on the answer of a request, not on the client: `session.post(url).json().get("key")`."""
    between = name[len(outer) + 1 :].split(".")[:-1]
    return any(part in methods and methods[part].kind == "http" for part in between)


@derived
def carried() -> frozenset[str]:
    """The base classes of what is sent."""
    return frozenset(name for one in known() for work in one.work for name in work.carries)


def _outer(name: str) -> Iterator[str]:
    """What a dotted name is below, nearest first."""
    while name := name.rpartition(".")[0]:
        yield name
