"""What libraries say of the classes that decide what a user may do."""

from __future__ import annotations

import msgspec


class Votes(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Classes that say whether the user may do something with an object, whichever of them knows of it."""

    bases: tuple[str, ...]
    supports: str  # method: what is to be done, and with which object -> whether the class knows of it
    decides: str  # method that gets the same, and says so
    functions: tuple[str, ...] = ()  # of templates, that ask for it
    askers: tuple[str, ...] = ()  # classes whose methods do
    methods: tuple[str, ...] = ()
