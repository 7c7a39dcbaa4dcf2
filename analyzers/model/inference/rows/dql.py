"""The shape of a DQL query: which entity, which joins, what is selected, what is searched by."""

from __future__ import annotations

import re

import msgspec

_CLAUSES = re.compile(
    r"^\s*SELECT\s+(?P<select>.+?)\s+FROM\s+(?P<entity>[\w\\:]+)\s+(?:AS\s+)?(?P<alias>\w+)(?P<rest>.*)$",
    re.IGNORECASE | re.DOTALL,
)
_JOIN = re.compile(r"\bJOIN\s+(\w+)\.(\w+)\s+(?:AS\s+)?(\w+)", re.IGNORECASE)
_WHERE = re.compile(r"\bWHERE\b(.+?)(?:\bGROUP\s+BY\b|\bORDER\s+BY\b|\bHAVING\b|$)", re.IGNORECASE | re.DOTALL)
_ORDER = re.compile(r"\bORDER\s+BY\s+(\w+)\.(\w+)", re.IGNORECASE)
_COMPARISON = re.compile(r"\b(\w+)\.(\w+)\s*(=|<=|>=|<|>|IN\b|BETWEEN\b|LIKE\b|IS\b)", re.IGNORECASE)
_LONGEST = 20_000


class Dql(msgspec.Struct, frozen=True):
    """`joins`: alias, parent alias, relation. `searches`: alias, attribute, how."""

    entity: str
    alias: str
    selected: tuple[str, ...]
    joins: tuple[tuple[str, str, str], ...]
    searches: tuple[tuple[str, str, str], ...]


def read_dql(text: str) -> Dql | None:
    """The query, or None where it is no plain SELECT of one entity."""
    if len(text) > _LONGEST:
        return None
    clauses = _CLAUSES.match(text)
    if clauses is None:
        return None
    rest = clauses["rest"]
    where = _WHERE.search(rest)
    searches = []
    if where and not re.search(r"\bOR\b", where[1], re.IGNORECASE):
        for alias, name, operator in _COMPARISON.findall(where[1]):
            how = "equal" if operator.upper() in ("=", "IN", "IS") else "other" if operator.upper() == "LIKE" else "ranged"
            searches.append((alias, name, how))
    order = _ORDER.search(rest)
    if order:
        searches.append((order[1], order[2], "ordered"))
    return Dql(
        clauses["entity"],
        clauses["alias"],
        tuple(part.strip() for part in clauses["select"].split(",")),
        tuple((alias, parent, relation) for parent, relation, alias in _JOIN.findall(rest)),
        tuple(searches),
    )
