"""What libraries say of filters: parameters of an address by which a list is narrowed or put in order, typed."""

from __future__ import annotations

import msgspec


class Filters(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A mark on the class of the rows, or on one of its properties, names a kind of filter and what it is for:
    `#[ApiFilter(SearchFilter::class, properties: ['email' => 'exact'])]`."""

    marks: tuple[str, ...]  # by full name
    kinds: dict[str, str]  # the filter's class, by its last name: how it compares, `ordered`, or `stated` by its strategy
    properties: str = "properties"  # keyword of the mark: names, or names with how each is compared
    strategy: str = "strategy"  # keyword of the mark on a property: how that is compared
    strategies: dict[str, str] = {}  # a condition of `analyzers.model.project` each; others ask for no index
