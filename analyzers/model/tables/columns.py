"""What a column is for, told by its type and its name: its role.

A role says how well an index on the column narrows rows down: key, foreign key, status, lookup, timestamp, number, boolean,
text, other.
"""

from __future__ import annotations

_STATES = frozenset({"status", "state", "stage", "phase"})

# By how the name of an SQL type begins.
_TYPES = (
    (("bool",), "boolean"),
    (("timestamp", "date", "datetime"), "timestamp"),
    (("varchar", "char", "uuid", "citext", "nvarchar", "nchar", "bpchar", "inet"), "lookup"),
    (("enum", "set"), "status"),
    (("text", "json", "blob", "bytea", "tinytext", "mediumtext", "longtext", "xml"), "text"),
    (
        ("int", "bigint", "smallint", "tinyint", "mediumint", "serial", "bigserial", "decimal", "numeric", "float", "double"),
        "number",
    ),
    (("real", "year", "money", "interval"), "number"),
)


def role_of(type_: str, size: tuple[int, ...], name: str) -> str:
    """The role of a column by its SQL type."""
    kind = type_.lower()
    if kind == "bit" or (kind.startswith("tinyint") and (size == (1,) or kind == "tinyint(1)")):
        return "boolean"
    role = next((role for starts, role in _TYPES if kind.startswith(starts)), "other")
    return named_role(name, role) if role in ("lookup", "number") else role


def named_role(name: str, role: str, *, chosen: bool = False) -> str:
    """What a column of this role is for, by its name, or because it is `chosen` among a few values."""
    return "status" if role in ("lookup", "number") and (chosen or name in _STATES) else role
