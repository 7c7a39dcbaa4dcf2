"""What libraries say of the functions they call: for a request, for a job, with what is done to a row, by a command; typed."""

from __future__ import annotations

from typing import Literal

import msgspec

Kind = Literal["request", "task", "hook", "command"]
"""What calls a function: a request, a job, what is done with a row (it is saved, an event is told of), somebody's command."""


class Handlers(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Functions and methods that a library calls, by what tells it of them.

    `bases` are classes whose heirs it makes objects of: of these it calls the methods named, or any where none is. `marks` are
    decorators of a function or a method, or of a class whose methods `marked` it calls; the first argument of such a mark
    is, or holds, something called one of `first`, where that is stated. `objects` have methods that are such
    decorators, `methods`; whoever has a method of these that is given an address (`@app.get("/orders")`) has it for that where
    `addressed`. `registers` are calls that are handed the function, at a position; one that begins with a
    dot is a method of that name, of whatever nobody knows. In `spaces` (parts of a namespace) a class
    has no other purpose: `called` names the methods, or any. `settings` are lists of a settings file that name classes, of
    which it calls those methods; `keys` last parts of keys of its configurations that name a class, and a method after `::`.
    """

    kind: Kind
    bases: dict[str, tuple[str, ...]] = {}
    marks: tuple[str, ...] = ()
    marked: tuple[str, ...] = ()
    first: tuple[str, ...] = ()
    objects: tuple[str, ...] = ()
    methods: tuple[str, ...] = ()
    addressed: bool = False
    registers: dict[str, int] = {}
    spaces: tuple[str, ...] = ()
    called: tuple[str, ...] = ()
    settings: tuple[str, ...] = ()
    keys: tuple[str, ...] = ()
    files: dict[str, tuple[str, ...]] = {}  # scripts by their paths -> what they export to be called
    directives: tuple[str, ...] = ()  # texts that a script, or a function, begins with: what it exports is called
    queues: bool = False  # whoever calls such a function by its name has it queued


class Injection(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How a handler names, among its parameters, the functions that are called before it: `Depends(get_session)`."""

    marks: tuple[str, ...]
