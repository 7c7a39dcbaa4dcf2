"""What libraries put out of a row by what its members say of themselves."""

from __future__ import annotations

import msgspec


class Listed(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Classes whose rows a library lists for requests by itself, and what it loads along."""

    marks: tuple[str, ...]  # decorators of such a class
    listing: tuple[str, ...]  # objects among their arguments, or decorators themselves, that make a list of all rows
    operations: str  # argument that holds these; without it there is such a list
    old_operations: str = ""  # the same by name, in a mapping
    old_listing: str = ""  # its key
    context: str = ""  # argument that says which members are put out
    old_context: str = ""
    others: tuple[str, ...] = ()  # arguments by which something else answers
    page: str = ""
    page_default: int = 0
    member: str = ""  # decorator of a member, by the end of its name
    hidden: tuple[str, ...] = ()  # those of members that are never put out
    unread: tuple[str, ...] = ()  # its arguments that are false where the member is not loaded along, or not put out
    shallow: str = ""  # its argument that is false where nothing below is
    setting: str = ""  # that is false where nothing is loaded along
    argument: str = ""  # the same, of one list
    advice: str = ""


class Selections(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Decorators that say in which selections of its class a member is put out, and who puts out which of them."""

    marks: tuple[str, ...]
    word: str  # under which a context names the selections
    bounds: tuple[str, ...] = ()  # decorators of members below which less may be put out
    writers: dict[str, tuple[int, int]] = {}  # methods: positions of what is put out, and of the context
    writer_bases: tuple[str, ...] = ()
    by_themselves: str = ""  # interface of classes that lay out their objects themselves
    lays_out: str = ""  # its method
    layouts: tuple[str, ...] = ()  # interfaces of classes that lay out objects of others
    supports: str = ""
    lays_out_other: str = ""
    lists: Listed | None = None
