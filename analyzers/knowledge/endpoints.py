"""What libraries say of the classes that answer requests with rows."""

from __future__ import annotations

import msgspec


class Endpoints(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Classes that answer requests with rows, put out by a serializer."""

    bases: tuple[str, ...]
    listing: tuple[str, ...] = ()  # those that answer with many rows
    loading: tuple[str, ...] = ()  # those that load by themselves what the serializer reads
    methods_allowed: str = ""
    list_method: str = ""
    list_verb: str = ""
    action: str = ""
    request: tuple[str, ...] = ()  # members that tell requests apart
    alone: tuple[str, ...] = ()  # members that are true where one row is answered with
    never: tuple[str, ...] = ()  # members that are only true where no request is answered
    constants: dict[str, tuple[str, ...]] = {}
    showing: tuple[str, ...] = ()  # those that answer with one row
    one_method: str = ""
    rows_method: str = ""
    rows_attribute: str = ""
    serializer_attribute: str = ""
    serializer_method: str = ""
    make_method: str = ""
    row_method: str = ""
    handed_on: dict[str, int] = {}  # methods that hand on the rows of their n-th argument
    page_method: str = ""
    page_attribute: str = ""
    order_attribute: str = ""  # names what the rows of a page are ordered by, in the class or in its pagination
    ordering_pages: tuple[str, ...] = ()  # paginations that need an order
    order_default: str = ""  # what those order by that name nothing
    filters_attribute: str = ""  # names classes that filter the rows
    page_sizes: tuple[str, ...] = ()  # attributes of a pagination that bound a page, the widest first
