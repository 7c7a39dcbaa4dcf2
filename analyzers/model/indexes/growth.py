"""Which tables grow with what users do, and which stay as small as their makers keep them.

A table grows if its rows say so: they belong to a user, or to what grows, they say when they were made, or they are called what
happens over and over (events, logs). That rows keep the time they were made says nothing where nearly all tables of a project
do, and little elsewhere, so a list that the program's makers keep (countries, roles, settings) stays small unless its rows
belong to users.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from analyzers.model.project import ForeignKey, Table
from analyzers.words import listed, singular

# The last word of a table that holds a list which the program or its makers keep.
_KEPT = listed("""
    setting config configuration option preference country currency language locale region continent timezone role
    permission privilege status state type kind plan tier level site feature switch toggle unit tax
    vat template theme layout menu enum holiday module plugin department license badge trophy achievement
    widget workflow trigger rule policy webhook severity priority format transport visibility
""")
# The last word of a table whose rows somebody sets up, one by one.
_SET_UP = listed("calendar environment agent space partner location provider storage gateway connector integration")
# The last word of a table by whose rows others are told apart: few, but each of them with many rows.
_KINDS = listed("tag label category topic keyword genre model")
# The same, where rows that say when they were made are others: versions of a program, or of what users write.
_OFTEN_KEPT = listed("migration version flag choice sequence counter lock extension provider")
# A word of a table to which rows are added as things happen, and seldom changed.
_JOURNAL = listed("""
    log logs logging history histories audit journal telemetry snapshot snapshots metric metrics hit hits click clicks
    visit visits pageview pageviews
""")
# The last of several such words: a calendar has an event, and a user has user events.
_HAPPENINGS = listed("""
    event activity action entry record sample reading measurement usage request call message notification email delivery
    change transaction job task run trace session raw
""")
# The last word of a table whose rows are people, or what people do or make.
_PEOPLES = listed("""
    user account customer member person people profile subscriber contact guest patient student
    order invoice payment booking reservation ticket issue comment post reply article document file upload attachment image
    photo review rating vote subscription purchase charge refund shipment registration submission invitation invite token
    identity annotation wish favorite bookmark follower follow like reaction mention payload
    page chapter note discussion conversation question answer
""")
# The last word of a column that says when a row was made, or when something was done with it.
_DONE = listed("""
    created creation inserted added joined registered submitted posted sent received logged recorded published uploaded
    enqueued occurred started updated modified changed edited deleted timestamp date time
""")
# A word of a column that says when something is to be done with its row, so that few rows are due at a time.
_DUE = listed("due next scheduled live publish run retry alert remind reminder")

_SEVERAL, _NEARLY_ALL = 6, 0.7
"""Of how many tables, and in which part of them, that they all say when rows were made tells nothing of one."""


def stays_small(table: Table) -> bool:
    """Whether the table is one that the program's makers fill, as far as its name and columns tell."""
    last = {singular(_words(table.name)[-1]), singular(_words(table.label)[-1])}
    if last & _KEPT:
        return not owned(table)
    return bool(last & _OFTEN_KEPT) and not (owned(table) or any(is_dated(name) for name in table.columns))


def is_kept(table: Table) -> bool:
    """Whether the table is called what somebody keeps a few of, whoever that is."""
    return bool({singular(_words(table.name)[-1]), singular(_words(table.label)[-1])} & (_KEPT | _SET_UP))


def _classifies(table: Table) -> bool:
    """Whether it holds what rows of others are told apart by; one between two tables does not."""
    return singular(_words(table.label)[-1]) in _KINDS and len(table.foreign_keys) < 2 and not owned(table)


def kinds(table: Table, tables: Mapping[str, Table]) -> frozenset[str]:
    """The columns of a table that refer to one of a short list, so that many rows have the same."""
    found = ((key.columns, tables.get(key.target)) for key in table.foreign_keys if len(key.columns) == 1)
    return frozenset(columns[0] for columns, target in found if target is not None and stays_small(target))


def growing(tables: Mapping[str, Table]) -> frozenset[str]:
    """The tables of which something shows that they grow."""
    small = {name for name, table in tables.items() if stays_small(table) or _classifies(table)}
    dated = frozenset(name for name, table in tables.items() if any(is_dated(column) for column in table.columns))
    if len(tables) >= _SEVERAL and len(dated) > len(tables) * _NEARLY_ALL:
        dated = frozenset()  # a habit of the project
    found = {name for name, table in tables.items() if name not in small and (name in dated or _grows(table))}
    keys = {name: {_bare(key.target) for key in t.foreign_keys if not is_authored(key)} - {""} for name, t in tables.items()}
    before = -1
    while len(found) > before:
        before, known = len(found), {_bare(name) for name in found}
        found |= {name for name, targets in keys.items() if name not in small and targets & known}
    return frozenset(found)


def _bare(name: str) -> str:
    return name.rpartition(".")[2]


def is_journal(table: Table) -> bool:
    """Whether rows are added to the table as things happen, so that old ones are by far the most. One that has at most a row
    for each of another has as many rows as that."""
    if _extends(table):
        return False
    for words in (_words(table.name.partition("_")[2] or table.name), _words(table.label)):
        if _JOURNAL & {*words[-2:], "".join(words[-2:])} or (len(words) > 1 and singular(words[-1]) in _HAPPENINGS):
            return True
    return False


def _extends(table: Table) -> bool:
    keys = [i.columns for i in table.indexes if i.primary]
    return any(key.columns in keys for key in table.foreign_keys if key.columns)


def is_busy(table: Table) -> bool:
    """Whether rows are added to the table with what people do, or as things happen."""
    last = {singular(_words(table.name)[-1]), singular(_words(table.label)[-1])}
    return bool((_PEOPLES | _HAPPENINGS) & last) or is_journal(table)


def is_happening(table: Table) -> bool:
    """Whether a row is added to the table each time that something happens."""
    return bool(_HAPPENINGS & {singular(_words(table.name)[-1]), singular(_words(table.label)[-1])}) or is_journal(table)


def is_one_row(table: Table, columns: tuple[str, ...]) -> bool:
    """Whether a unique index lets one row have these values."""
    return any(
        i.unique and i.columns and not i.where and all(c and c in columns for c in i.columns)
        for i in table.indexes
        if i.readable
    )


def why(table: Table) -> str:
    """Why a table is said to grow, in words."""
    if is_journal(table):
        return "rows are added to it as things happen"
    return "rows are added with what users do" if is_busy(table) else "its rows belong to users, or say when they were made"


def is_dated(column: str) -> bool:
    """Whether a column of the name says when its row was made, or when something was done with it."""
    words = _words(column)
    return words[-1] in _DONE or (
        len(words) > 1 and words[-1] in ("at", "on", "date", "time", "dt", "ts") and words[-2] in _DONE
    )


def is_due(column: str) -> bool:
    """Whether a column of the name says when something is to be done with its row."""
    return bool(_DUE & {*_words(column)})


def _grows(table: Table) -> bool:
    return is_busy(table) or owned(table)


def owned(table: Table) -> bool:
    """Whether its rows belong to users. Who changed a row last says nothing about how many there are."""
    return any(key.target and _is_user(key.target) and not is_authored(key) for key in table.foreign_keys)


def is_authored(key: ForeignKey) -> bool:
    """Whether a key says by whom something was done with a row, and not whose the row is."""
    words = _words(key.columns[0]) if key.columns else [""]
    return ("by" in words[1:] and "owned" not in words) or words[0] == "creator"


def _is_user(table: str) -> bool:
    return singular(_words(table)[-1]) in ("user", "account", "customer", "member", "person")


def _words(name: str) -> list[str]:
    """`tax`, `rate` of `shop.TaxRate` and of `tax_rates`, as they stand."""
    parts = re.split(r"_|(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", name.rpartition(".")[2])
    return [part.lower() for part in parts if part] or [""]
