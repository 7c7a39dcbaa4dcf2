"""An index that is to be made on a table in use: its name, and the statement.

On PostgreSQL an index is built beside the writes (`CONCURRENTLY`), which no transaction may surround; InnoDB does the same by
itself, and is only asked to refuse if it could not.
"""

from __future__ import annotations

import re

import msgspec

from analyzers.model.project import Table

_LONGEST = 30  # characters of a name. Source: Django, `Index.max_name_length`; databases take 63 and 64
_LIMIT = 63
_PREFIXED = frozenset({"sqlalchemy"})
"""What names the index of a column `ix_<table>_<column>`. Source: SQLAlchemy, `MetaData.naming_convention`."""


class NewIndex(msgspec.Struct, frozen=True):
    """An index that is to be made. `folded`: it ignores upper and lower case; `beginning`: it finds beginnings of texts."""

    table: Table
    columns: tuple[str, ...]
    folded: bool = False
    beginning: bool = False

    @property
    def name(self) -> str:
        """A name that no other index of the project is likely to have, short enough for all."""
        parts = "_".join((self.table.name.rpartition(".")[2], *self.columns))
        if self.table.index_code in _PREFIXED and not (self.folded or self.beginning):
            return re.sub(r"\W+", "_", f"ix_{parts}")[:_LIMIT]
        flat = re.sub(r"\W+", "_", parts).lower()
        return f"{flat[: _LONGEST - 4].rstrip('_')}_idx"

    @property
    def online(self) -> bool:
        """Whether the database must be told to let writes go on."""
        return self.table.database == "postgresql"


def sql(index: NewIndex, *, online: bool = True) -> str:
    """The statement that makes it, while the table is in use or not."""
    mark = "`" if index.table.database == "mysql" else '"'
    names = [quoted(column, mark) for column in index.columns]
    if index.folded:
        names[0] = f"lower({names[0]})"
    elif index.beginning and index.online:
        names[0] += f" {pattern_class(index.table, index.columns[0])}"
    place = ".".join(quoted(part, mark) for part in index.table.name.split("."))
    beside = " CONCURRENTLY" if online and index.online else ""
    options = " ALGORITHM=INPLACE LOCK=NONE" if online and index.table.database == "mysql" else ""
    return f"CREATE INDEX{beside} {index.name} ON {place} ({', '.join(names)}){options};"


def dropping(index: NewIndex) -> str:
    """The statement that drops it again, while the table is in use."""
    schema = index.table.name.rpartition(".")[0]
    if index.table.database == "mysql":
        return f"DROP INDEX {index.name} ON {quoted(index.table.name, '`')};"
    name = f"{quoted(schema, chr(34))}.{index.name}" if schema else index.name
    return f"DROP INDEX{' CONCURRENTLY' if index.online else ''} {name};"


def quoted(name: str, mark: str) -> str:
    """A name that a database would fold or refuse, between its own marks."""
    return name if re.fullmatch(r"[a-z_][a-z0-9_]*", name) else f"{mark}{name}{mark}"


def pattern_class(table: Table, column: str) -> str:
    """The operator class by which PostgreSQL compares the column byte by byte."""
    kind = table.columns[column].type if column in table.columns else ""
    return "text_pattern_ops" if kind == "text" else "varchar_pattern_ops"
