"""The tables of a repository: what its models state, folded with what its migrations and SQL files do.

Where a library creates tables from models (`schema_from: models`), the models are the truth and SQL adds to it. Where
migrations create them (`schema_from: migrations`), a table that some migration creates is what the migrations make of it,
and a table that none creates is what its mapping says, or unread where models state no columns (`migrations alone`). Files of
SQL and schema files beside them may speak of other databases (`analyzers.model.schema.histories`); each is folded by itself. A
definition that cannot be read counts as covering (`Table.unread`).
"""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from analyzers.facts.sql import NotUnderstood
from analyzers.findings import Problem
from analyzers.model.naming.code import Codebase
from analyzers.model.project import ForeignKey, Migration, Table
from analyzers.model.schema.databases import database_of
from analyzers.model.schema.histories import MAIN, databases
from analyzers.model.schema.migration_slots import MigrationSlots
from analyzers.model.schema.migrations import migrations_of
from analyzers.model.schema.named_keys import add_named_keys
from analyzers.model.schema.prisma import prisma_schemas
from analyzers.model.tables.class_slots import class_slots
from analyzers.model.tables.folding import Draft, Fold
from analyzers.model.tables.models import Model, ModelIndex
from analyzers.model.tables.relation_keys import add_relation_keys, note_asked
from analyzers.model.tables.scopes import scope_of
from analyzers.model.tables.table_items import stated_tables


class Schema(msgspec.Struct, frozen=True):
    """Every table by name, the migrations that made them, and what of these was not understood."""

    tables: dict[str, Table]
    migrations: tuple[Migration, ...]
    problems: tuple[Problem, ...]


def build_schema(code: Codebase, models: ModelIndex, database: str = "") -> Schema:
    """The schema. `database` is what the configuration says it is, empty where the code is to be asked."""
    database = database or database_of(code)
    migrations = tuple(migrations_of(code, models, database))
    stated = [m for m in models.by_name.values() if not m.abstract and m.place is not None]
    drafts: dict[str, Draft] = {}
    loose: list[Draft] = []
    slots = MigrationSlots(code, migrations)
    for one in databases(migrations, tuple(prisma_schemas(code)), [m.table for m in stated]):
        fold = Fold(one.declared.database if one.declared is not None else database)
        for migration in one.migrations:
            fold.apply(migration)
        if one.name == MAIN:
            for model in stated:
                _join(fold.tables, model, models, database)
                _scope(fold.tables[model.table], code, model)
                fold.tables[model.table].slots = fold.tables[model.table].slots or tuple(class_slots(code, model))
            for draft in stated_tables(code, database):
                _declare(fold.tables, draft)
            note_asked(fold.tables, models)
            add_relation_keys(fold.tables, code, models)
        elif one.declared is not None:
            for draft in one.declared.tables:
                _declare(fold.tables, draft)
        else:
            add_named_keys(fold.tables)
        for name, draft in fold.tables.items():
            draft.slots = draft.slots or slots.of(draft.place)
            if draft.created:
                drafts[name if name not in drafts else f"{one.name}:{name}"] = draft
            else:
                loose.append(draft)
    for draft in loose:
        # Which database is meant is not known, so what is added counts wherever there is such a table.
        for same in [d for d in drafts.values() if d.name == draft.name]:
            same.indexes.extend(draft.indexes)
        drafts.setdefault(draft.name, draft)
    return Schema({name: draft.finish() for name, draft in drafts.items()}, migrations, tuple(_problems(migrations)))


def _scope(draft: Draft, code: Codebase, model: Model) -> None:
    scope = scope_of(code, model, draft.columns)
    draft.scoped |= scope.unread
    draft.asked = scope.columns if draft.asked is None else draft.asked & scope.columns


def _declare(tables: dict[str, Draft], draft: Draft) -> None:
    """Puts what a schema file declares of a table beside what migrations make of it: either may state an index."""
    plain = draft.database in ("mysql", "sqlite")
    found = next((name for name in tables if name == draft.name or (plain and name.lower() == draft.name.lower())), "")
    drawn = tables.pop(found, None)
    tables[draft.name] = draft
    if drawn is None:
        return
    own = {name.lower() if plain else name: name for name in draft.columns}
    draft.indexes.extend(
        msgspec.structs.replace(
            index, parts=tuple(msgspec.structs.replace(p, column=own.get(p.column, p.column)) for p in index.parts)
        )
        for index in drawn.indexes
    )
    places = {own.get(name, name): column.place for name, column in drawn.columns.items() if column.place is not None}
    draft.keys = [
        msgspec.structs.replace(key, also=(*key.also, places[key.columns[0]])) if key.columns[0] in places else key
        for key in draft.keys
    ]
    if drawn.misread:
        draft.doubt(drawn.unread, drawn.unread_at)


def _join(tables: dict[str, Draft], model: Model, models: ModelIndex, database: str) -> None:
    """Puts what a model says of its table beside what migrations make of it."""
    drawn = tables.get(model.table)
    if drawn is None and not model.library.schema_from.startswith("migrations"):
        drawn = tables.pop(_qualified(tables, model.table), None)
    if drawn is not None and model.library.schema_from.startswith("migrations"):
        drawn.label, drawn.modelled = model.name, True
        drawn.indexes.extend(i for i in model.indexes if i.stated)
        for column in model.columns.values():
            if column.name in drawn.columns:
                drawn.columns[column.name] = msgspec.structs.replace(drawn.columns[column.name], role=column.role)
        return
    draft = Draft(model.table, model.place, database)
    draft.label, draft.index_code = model.name, model.library.library
    draft.columns = {c.name: c for c in model.columns.values() if not c.foreign}
    draft.indexes = list(model.indexes)
    draft.keys = list(_keys(draft, model, models))
    if not model.managed:
        draft.doubt("its table is managed elsewhere", model.place)
    if model.library.schema_from in ("unread", "migrations alone"):
        draft.doubt("what creates its table is not read", model.place)
    draft.modelled = True
    if drawn is not None and drawn.modelled:
        draft = _shared(drawn, draft)
    elif drawn is not None:
        draft.indexes.extend(drawn.indexes)
        draft.checks.extend(drawn.checks)
        if drawn.misread and not draft.unread:
            draft.doubt(drawn.unread, drawn.unread_at)
    tables[model.table] = draft


def _qualified(tables: dict[str, Draft], name: str) -> str:
    """The one table of that name that stands in a schema which the model does not name, or only where it was not read."""
    found = [other for other, draft in tables.items() if other.endswith(f".{name}") and not draft.modelled]
    return found[0] if len(found) == 1 and "." not in name else ""


def _shared(first: Draft, other: Draft) -> Draft:
    """One table that several classes state: each may add columns and indexes."""
    first.columns = first.columns | other.columns
    first.indexes.extend(i for i in other.indexes if i not in first.indexes)
    first.keys.extend(k for k in other.keys if k.columns not in [known.columns for known in first.keys])
    if other.unread:
        first.doubt(other.unread, other.unread_at)
    return first


def _keys(draft: Draft, model: Model, models: ModelIndex) -> Iterator[ForeignKey]:
    """The foreign keys of a model's own table: of columns that state what they refer to, else of relations."""
    stated = {model.columns[a].name: (t, model.columns[a].place) for a, t in model.foreign.items() if a in model.columns}
    for name, (target, place) in stated.items():
        if name in draft.columns and place is not None:
            yield ForeignKey((name,), _table_of(models, target) or target, place)
    for relation in model.relations.values():
        if (
            relation.place is not None
            and relation.column
            and relation.column in draft.columns
            and relation.column not in stated
        ):
            yield ForeignKey((relation.column,), _table_of(models, relation.target), relation.place)


def _table_of(models: ModelIndex, name: str) -> str:
    model = models.by_name.get(name)
    return model.table if model is not None else ""


def _problems(migrations: tuple[Migration, ...]) -> Iterator[Problem]:
    """The changes that were not understood, in the words of a review."""
    for migration in migrations:
        for operation in migration.operations:
            match operation.change:
                case NotUnderstood(text=text, table=table):
                    about = f"the indexes of `{table}` are not known" if table else "what it changes is not known"
                    said = f"`{text}` was not understood, so {about}."
                    yield Problem(operation.place.path, operation.place.span.start_line, said)
