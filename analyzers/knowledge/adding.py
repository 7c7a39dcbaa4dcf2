"""What is known of a library, and what is said of others that are like it, as one."""

from __future__ import annotations

from typing import Any, TypeVar

import msgspec

S = TypeVar("S", bound=msgspec.Struct)


def added(known: S, own: msgspec.Struct) -> S:
    """What is known, and what is said besides, by the fields that both have: lists and tables add up, all else stays as it is,
    and so does what a table has already."""
    types = {field.name: field.type for field in msgspec.structs.fields(known)}
    said = {name: getattr(own, name) for name in own.__struct_fields__ if name in types}
    return msgspec.structs.replace(
        known, **{name: _both(getattr(known, name), value, types[name]) for name, value in said.items()}
    )


def _both(known: Any, own: Any, wanted: Any) -> Any:
    match known, own:
        case tuple(), tuple():
            return (*known, *_converted(own, wanted))
        case dict(), dict():
            return {**_converted(own, wanted), **known}
        case msgspec.Struct(), msgspec.Struct():
            return added(known, own)
    return known


def _converted(own: Any, wanted: Any) -> Any:
    """A value of the types that a repository writes, as one of our own."""
    return msgspec.convert(msgspec.to_builtins(own), wanted)
