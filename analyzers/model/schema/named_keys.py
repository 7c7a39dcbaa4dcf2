"""Foreign keys that no constraint states: columns named after a table whose rows have a key of one column (`user_id`).

Projects leave constraints out for speed or by habit, and ask by such columns all the same.
"""

from __future__ import annotations

import msgspec

from analyzers.model.project import ForeignKey
from analyzers.model.tables.folding import Draft
from analyzers.words import plural

_SUFFIX = "_id"
_COUNTED = frozenset({"number", "lookup", "text", "other"})


def add_named_keys(tables: dict[str, Draft]) -> None:
    """Adds to each table the keys that the names of its columns tell, where the schema states no constraints at all: where it
    states some, a column without one is likely to be none."""
    if any(draft.keys for draft in tables.values()):
        return
    for draft in tables.values():
        for column in list(draft.columns.values()):
            stem = column.name.removesuffix(_SUFFIX)
            if stem == column.name or column.role not in _COUNTED or column.place is None:
                continue
            schema = draft.name.rpartition(".")[0]
            names = [f"{schema}.{name}" if schema else name for name in (plural(stem), stem)]
            target = next((tables[name] for name in names if name in tables and _has_key(tables[name], stem)), None)
            if target is not None:
                draft.keys.append(ForeignKey((column.name,), target.name, column.place, by="name"))
                draft.columns[column.name] = msgspec.structs.replace(column, role="foreign key")


def _has_key(target: Draft, stem: str) -> bool:
    """Whether rows of the table are told apart by one column, that is called `id` or after the table."""
    return any(index.primary and index.columns in (("id",), (f"{stem}{_SUFFIX}",)) for index in target.indexes)
