"""What requests wait for: calls that leave the process, or work for long in it, and the ways on which requests come to them."""

from __future__ import annotations

from typing import Literal

import msgspec

from analyzers.knowledge.work import Kind
from analyzers.model.ways import Way
from analyzers.source import Place

Reached = Literal["request", "task", "command", "unknown"]


class Wait(msgspec.Struct, frozen=True):
    """A way on which a request waits: `loop` is where it is done for each of several, `transaction` what is open meanwhile, and
    `hook` tells that it runs with what is done to a row, whoever does that."""

    way: Way
    loop: Place | None = None
    transaction: Place | None = None


class Errand(msgspec.Struct, frozen=True):
    """A call of a library's function that leaves the process or works for long, in a `function` of the project.

    `endless`: it waits for as long as the other side likes. `told`: nobody reads the answer, or there is none to read.
    `blocking`: its thread waits. `quick`: it is done in a moment, unless what it is given is large.
    `stops`: the asynchronous function whose event loop stands still meanwhile. `carrier`: the class of what is sent, where that
    says whether a queue sends it. `reached`: what comes to it, nearest the user first. `seconds`: how long it pauses,
    `bounded`: how long it waits at most, as the call says. `limit`, `awaits` and `code` are remedies.
    """

    kind: Kind
    does: str
    library: str
    function: str
    place: Place
    reached: Reached
    quick: bool = False
    endless: bool = False
    default: str = ""
    told: bool = False
    blocking: bool = True
    limit: str = ""
    awaits: str = ""
    instead: str = ""
    code: str = ""
    code_language: str = ""
    timeout: str = ""
    waits: tuple[Wait, ...] = ()
    stops: str = ""
    stops_by: tuple[Place, ...] = ()
    carrier: str = ""
    carrier_place: Place | None = None
    seconds: float | None = None
    bounded: float | None = None


class Later(msgspec.Struct, frozen=True):
    """How a project has work done after the answer: by its own queue, or by the one that is usual for its framework. `code`
    names the task `{task}`, and the function that queues it `{entry}`."""

    title: str
    remedy: str
    code: str
    language: str
    own: bool


class Flaw(msgspec.Struct, frozen=True):
    """How a queue loses a job, does it twice, or does it while the user waits. `subject` is its identity, and `weight` how much
    that costs. `listed` says why it is not worth a comment, `parts` are subjects that it would have if it said less."""

    subject: str
    title: str
    message: str
    remedy: str
    place: Place
    code: str = ""
    language: str = ""
    related: tuple[tuple[Place, str], ...] = ()
    weight: Literal["low", "medium", "high"] = "medium"
    cause: str = ""
    listed: str = ""
    parts: tuple[str, ...] = ()
