"""Which values a table keeps single, and code that states so."""

from __future__ import annotations

from analyzers.model.project import Table
from analyzers.model.ways import Race
from analyzers.words import noun


def referring(table: Table, target: str) -> str:
    """The one column by which a table refers to rows of another; empty where there is none, or several."""
    found = {key.columns[0] for key in table.foreign_keys if key.target == target and len(key.columns) == 1}
    return found.pop() if len(found) == 1 else ""


def covering(table: Table, columns: list[str], foreign: set[str]) -> bool:
    """Whether the database refuses a second row with these values: some unique index has no other columns, or was not read."""
    for index in table.indexes:
        if not index.readable:
            return True
        if index.unique or index.primary or index.exclusion:
            rest = [c for c in index.columns if c and c not in columns]
            if not rest or (len(rest) == 1 and rest[0] in foreign):
                return True
    return False


def sharing(table: Table, columns: list[str]) -> tuple[str, ...]:
    """The columns of a unique index that has some of these and one more: what that gets may follow from these, and then the
    database refuses a second row with them after all."""
    for index in table.indexes:
        rest = [c for c in index.columns if c not in columns]
        if (index.unique or index.exclusion) and not index.primary and len(rest) == 1 and len(index.columns) > 1:
            return index.columns
    return ()


def constraint(race: Race, table: Table, columns: list[str]) -> str:
    """Code for a unique constraint, in the words of the code that states the table."""
    quote = "'" if race.language == "php" else '"'
    attributes = [table.columns[c].attribute or c for c in columns]
    names = ", ".join(f"{quote}{a}{quote}" for a in (columns if race.language == "php" else attributes))
    short = "_".join([noun(table.label).replace(" ", "_"), *columns])[:55]
    return race.constraint.replace("{names}", names).replace("{table}", short)


def stated(table: Table) -> str:
    """The unique indexes of a table, in a sentence."""
    found = [f"({', '.join(column or '…' for column in i.columns)})" for i in table.indexes if i.unique and i.columns]
    return f"Unique indexes of `{table.name}`: {', '.join(sorted(set(found))) or 'none'}."
