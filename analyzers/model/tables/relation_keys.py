"""The columns by which relations ask for the rows of other tables, where methods declare them.

`$this->hasMany(Reply::class)` asks for replies by `thread_id`; a relation through a table between asks that one. Such a column
is a key of the code's own: without a constraint, no database looks after it.
"""

from __future__ import annotations

import msgspec

from analyzers.facts.outline import Call, Text
from analyzers.knowledge import Relation as RelationWords
from analyzers.knowledge.naming import underscore
from analyzers.model.naming.code import Codebase
from analyzers.model.naming.definitions import ClassDefinition
from analyzers.model.project import ForeignKey
from analyzers.model.tables.folding import Draft
from analyzers.model.tables.models import Model, ModelIndex
from analyzers.model.tables.relation_methods import stated_call
from analyzers.source import Place
from analyzers.words import plural


class _Asked(msgspec.Struct, frozen=True):
    """Columns of a table that a relation asks by, the one that tells rows apart first."""

    table: str
    columns: tuple[str, ...]


def add_relation_keys(tables: dict[str, Draft], code: Codebase, models: ModelIndex) -> None:
    """Adds to each table the keys that relations ask it by, where no constraint states them."""
    for model in models.by_name.values():
        words = model.library.models
        if words is None or words.style != "method" or model.abstract:
            continue
        for base in (c for c in code.lineage(model.definition) if isinstance(c, ClassDefinition)):
            for name, method in base.methods.items():
                call, kind = stated_call(method.node, words.relations)
                target = models.by_name.get(model.relations[name].target) if name in model.relations else None
                asked = _asked(model, target, call, words.relations[kind]) if call is not None and target is not None else None
                if asked is not None and asked.table in tables:
                    _add(tables[asked.table], asked, model, code.place(base.path, method.node))


def note_asked(tables: dict[str, Draft], models: ModelIndex) -> None:
    """Says of the keys of tables that classes state whether a relation leads back to their rows."""
    backwards: set[tuple[str, str]] = set()
    for model in models.by_name.values():
        for relation in model.relations.values():
            target = models.by_name.get(relation.target)
            if target is not None and not relation.column:
                backwards.add((target.table, model.table))
    for draft in tables.values():
        if draft.modelled:
            draft.keys = [msgspec.structs.replace(k, asked=(draft.name, k.target) in backwards) for k in draft.keys]


def _add(draft: Draft, asked: _Asked, model: Model, place: Place) -> None:
    draft.keys = [msgspec.structs.replace(k, asked=True) if k.columns[:1] == asked.columns[:1] else k for k in draft.keys]
    known = {column for key in draft.keys for column in key.columns}
    column = draft.columns.get(asked.columns[0])
    if column is None or column.place is None or column.name in known or any(c not in draft.columns for c in asked.columns):
        return
    polymorphic = len(asked.columns) > 1
    target = "" if polymorphic else model.table
    draft.keys.append(ForeignKey(asked.columns, target, column.place, by="relation", also=(place,)))
    draft.columns[column.name] = msgspec.structs.replace(column, role="foreign key")


def _asked(model: Model, target: Model, call: Call, spec: RelationWords) -> _Asked | None:
    """What a declared relation asks by, with the names it states in the place of those the library derives."""
    own = f"{underscore(model.name)}_{_key(model)}"
    match spec.asks:
        case "far":
            column = _stated(call, 1, own)
            return _Asked(target.table, (column,)) if column else None
        case "far pair":
            name = _stated(call, 1, "")
            kind, column = _stated(call, 2, f"{name}_type"), _stated(call, 3, f"{name}_id")
            return _Asked(target.table, (column, kind)) if name and kind and column else None
        case "between":
            joined = "_".join(sorted((underscore(model.name), underscore(target.name))))
            table, column = _stated(call, 1, joined), _stated(call, 2, own)
            return _Asked(table, (column,)) if table and column else None
        case "between pair":
            name = _stated(call, 1, "")
            table, column = _stated(call, 2, plural(name)), _stated(call, 3, f"{name}_id")
            return _Asked(table, (column, f"{name}_type")) if name and table and column else None
    return None


def _key(model: Model) -> str:
    return next(iter(sorted(model.keys)), "id")


def _stated(call: Call, position: int, default: str) -> str:
    """The name at a position, `default` where there is none or null; empty where it is no literal."""
    if position >= len(call.args):
        return default if not call.keywords else ""
    match call.args[position]:
        case Text(value=str() as text):
            return text
        case Text(value=None):
            return default
    return ""
