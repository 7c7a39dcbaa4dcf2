"""What libraries say of clients, pools and connections: the calls that make one, and how it is given back; typed."""

from __future__ import annotations

from typing import Literal

import msgspec


class Client(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a call makes. `makes`: one `connection`, a `pool` of them, or a `session` that takes one from a pool when it is
    used. A name that begins with a dot is a call of that name, of whatever library or generated module.

    `closes` are its methods that give back what it holds. `held_by` is the position of the argument that keeps what is made.
    `lasts`: there should be one for each address, so that one for the address that a request brings is one too many, unless it
    is closed; but for calls with the keywords of `unless`, which make something else.
    """

    title: str  # with its article: "a Redis client"
    makes: Literal["connection", "pool", "session"]
    closes: tuple[str, ...] = ("close",)
    held_by: int = -1
    lasts: bool = False
    unless: tuple[str, ...] = ()
    instead: str = ""  # what to use in its place, in words
    code: str = ""  # that makes one for all, once
    code_language: str = ""
    takes_all: tuple[str, ...] = ()  # its methods for which one has to be made that nobody else uses
    lost: bool = False  # what is not given back stays open until the process ends, and is not closed when it is collected
