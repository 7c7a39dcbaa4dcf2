"""Which tables stay small, so that reading all of one costs nothing.

A table grows with what users do: its rows say when they were made, or whose they are. One that says neither, and is called what
lists of a program's own are called (countries, roles, settings), does not.
"""

from __future__ import annotations

from analyzers.model.project import Table
from analyzers.words import listed, singular

# The last word of a table that holds a list which the program or its makers keep.
_KEPT = listed("""
    setting config configuration option preference country currency language locale region continent timezone role
    permission privilege status state type kind plan tier level site migration version feature switch toggle flag unit tax
    vat template theme layout menu enum choice holiday sequence counter lock module plugin extension provider department
    license badge trophy achievement
""")
_BORN = frozenset({"created", "created_at", "created_on", "date_created", "creation_date", "inserted_at", "timestamp"})


def stays_small(table: Table) -> bool:
    """Whether the table is one that the program's makers fill, as far as its name and columns tell."""
    last = singular(table.name.rpartition(".")[2].rpartition("_")[2].lower())
    label = singular(_last_word(table.label))
    if last not in _KEPT and label not in _KEPT:
        return False
    owned = any(key.target and _is_user(key.target) for key in table.foreign_keys)
    return not (owned or any(name in _BORN for name in table.columns))


def _last_word(label: str) -> str:
    """`rate` of `TaxRate`."""
    start = max((i for i, letter in enumerate(label) if letter.isupper()), default=0)
    return label[start:].lower()


def _is_user(table: str) -> bool:
    return singular(table.rpartition(".")[2].rpartition("_")[2].lower()) in ("user", "account", "customer", "member", "person")
