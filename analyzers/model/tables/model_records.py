"""Models as they are kept between revisions: what they say, without the code that says it."""

from __future__ import annotations

from typing import Any

import msgspec

from analyzers.facts.outline import Class
from analyzers.knowledge import libraries
from analyzers.model.naming.code import Codebase
from analyzers.model.naming.definitions import ClassDefinition
from analyzers.model.project import Column, Index, Relation
from analyzers.model.tables.mappings import Mappings
from analyzers.model.tables.models import Model, ModelIndex
from analyzers.source import Place


class ModelRecord(msgspec.Struct, frozen=True, array_like=True):
    """A `Model`: `path` and `name` say which class it is, and are empty for one that a library brings."""

    path: str
    name: str
    qualified: str
    library: str
    table: str
    place: Place | None
    abstract: bool
    managed: bool
    columns: dict[str, Column]
    relations: dict[str, Relation]
    indexes: tuple[Index, ...]
    keys: frozenset[str]
    ordering: tuple[str, ...]
    latest: tuple[str, ...]
    foreign: dict[str, str]
    mapped: bool  # a file beside the code says more of it


class ModelRecords(msgspec.Struct, frozen=True, array_like=True):
    """All models of a revision."""

    models: tuple[ModelRecord, ...]
    user: str
    labels: dict[str, str]
    users: tuple[str, ...]


def recorded(index: ModelIndex) -> ModelRecords:
    """The models, to be kept."""
    return ModelRecords(tuple(map(_recorded, index.by_name.values())), index.user, dict(index.labels), index.users)


_SAME = [name for name in Model.__struct_fields__ if name not in ("definition", "library", "mapped")]


def _recorded(model: Model) -> ModelRecord:
    same: dict[str, Any] = {name: getattr(model, name) for name in _SAME}
    return ModelRecord(path=model.definition.path, library=model.library.library, mapped=model.mapped is not None, **same)


def bound(records: ModelRecords, code: Codebase) -> ModelIndex:
    """The models in a revision that declares the same."""
    mappings = Mappings(code)
    found = {record.qualified: _bound(record, code, mappings) for record in records.models}
    return ModelIndex.of(found, records.user, records.labels, records.users)


def _bound(record: ModelRecord, code: Codebase, mappings: Mappings) -> Model:
    definition = code.definitions(record.path).get(record.name) if record.path else None
    if not isinstance(definition, ClassDefinition):
        definition = ClassDefinition("", record.qualified, Class(0, 0, record.name), {}, {}, {})
    same: dict[str, Any] = {name: getattr(record, name) for name in _SAME}
    library = next(library for library in libraries() if library.library == record.library)
    return Model(
        definition=definition, library=library, mapped=mappings.of(record.qualified) if record.mapped else None, **same
    )
