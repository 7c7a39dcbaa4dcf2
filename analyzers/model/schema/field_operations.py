"""What operations on one field of a model do to the database."""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from analyzers.facts.sql import (
    AddColumn,
    AddForeignKey,
    AddIndex,
    AlterColumn,
    DropConstraint,
    DropIndex,
    IndexPart,
    RenameColumn,
    RenameTable,
    SchemaChange,
    SqlIndex,
)
from analyzers.model.schema.states import State, StateField, StateModel

Emit = Callable[[SchemaChange], None]


def add_field(state: State, model: StateModel, field: StateField, emit: Emit) -> None:
    """A column with its indexes and its foreign key, or a table between two models."""
    if field.many:
        for change in state.linking(model, field):
            emit(change)
        return
    emit(AddColumn(model.table, state.column(field)))
    if field.default and not field.stored_default:
        emit(AlterColumn(model.table, field.column, default=""))
    for index in state.indexes(model, field):
        emit(AddIndex(model.table, index))
    key = state.foreign_key(model, field)
    if key is not None:
        emit(AddForeignKey(model.table, key))


def rename_field(state: State, model: StateModel, old: StateField, name: str, suffix: str, emit: Emit) -> None:
    """`suffix` ends the column of a relation."""
    stated = old.column not in (old.name, f"{old.name}{suffix}")
    suffix = suffix if old.target is not None else ""
    column = old.column if stated or old.many else f"{name}{suffix}"
    new = msgspec.structs.replace(old, name=name, column=column)
    model.fields = {(name if n == old.name else n): (new if n == old.name else f) for n, f in model.fields.items()}
    model.unique = {tuple(name if f == old.name else f for f in fields) for fields in model.unique}
    model.together = {tuple(name if f == old.name else f for f in fields) for fields in model.together}
    if old.many and old.through is None and state.between(model, old) != state.between(model, new):
        emit(RenameTable(state.between(model, old), state.between(model, new)))
    elif not old.many and old.column != new.column:
        emit(RenameColumn(model.table, old.column, new.column))


def alter_field(state: State, model: StateModel, old: StateField, new: StateField, emit: Emit) -> None:
    """What `_alter_field` of the schema editor does, in its order."""
    if old.many or new.many:
        _repoint(state, model, old, new, emit)
        return
    table, was, becomes = model.table, old.unique or old.primary, new.unique or new.primary
    if old.target is not None and old.constrained and (new.target != old.target or not new.constrained):
        emit(DropConstraint(table, "", kind="foreign key", columns=(old.column,)))
    if old.unique and not old.primary and (not becomes or new.primary):
        spared = tuple(sorted(model.constraints))
        emit(DropConstraint(table, "", kind="unique", columns=(old.column,), spared=spared))
    if old.indexed and not was and (not new.indexed or becomes):
        emit(DropIndex("", table, columns=(old.column,), spared=tuple(sorted(model.indexes))))
    if old.column != new.column:
        emit(RenameColumn(table, old.column, new.column))
    retyped = _retype(state, model, old, new, emit)
    if old.primary and not new.primary:
        emit(DropConstraint(table, "", kind="primary key"))
    part = (IndexPart(new.column),)
    if new.primary and not old.primary:
        emit(AddIndex(table, SqlIndex("", part, unique=True, primary=True, constraint=True)))
    elif becomes and (not was or (old.primary and not new.primary)):
        name = state.name(table, (new.column,), "_uniq")
        emit(AddIndex(table, SqlIndex(name, part, unique=True, constraint=True)))
    if (not old.indexed or was) and new.indexed and not becomes:
        emit(AddIndex(table, SqlIndex(state.name(table, (new.column,)), part)))
    key = state.foreign_key(model, new)
    if key is not None and (old.target != new.target or not old.constrained):
        emit(AddForeignKey(table, key))
    if (not (old.indexed or was) and new.indexed) or (not was and becomes) or retyped:
        for index in state.patterns(model, new):
            emit(AddIndex(table, index))
    if was and not (new.indexed or becomes) and state.database == "postgresql":
        emit(DropIndex(state.like(model, old), table, if_present=True))


def _retype(state: State, model: StateModel, old: StateField, new: StateField, emit: Emit) -> bool:
    """Changes type and nullability; gives whether an index for `LIKE` went with the type."""
    (before, size), (after, room) = state.type_of(old), state.type_of(new)
    nullable = new.nullable if new.nullable != old.nullable else None
    default = new.default if new.stored_default else "" if old.stored_default else None
    gone = before != after and before in ("varchar", "text", "citext") and (old.indexed or old.unique or old.primary)
    if gone and state.database == "postgresql":
        emit(DropIndex(state.like(model, old), model.table, if_present=True))
    if before != after or size != room or nullable is not None or default is not None:
        kind = after if (before, size) != (after, room) else ""
        using = before != after
        emit(AlterColumn(model.table, new.column, kind, room if kind else (), nullable, default, using=using))
    return gone


def _repoint(state: State, model: StateModel, old: StateField, new: StateField, emit: Emit) -> None:
    """A relation of many to many that is stated anew."""
    if old.through is not None or new.through is not None or not (old.many and new.many):
        return
    if state.between(model, old) != state.between(model, new):
        emit(RenameTable(state.between(model, old), state.between(model, new)))
    for before, after in zip(State.ends(model, old), State.ends(model, new), strict=True):
        if before != after:
            emit(RenameColumn(state.between(model, new), f"{before}_id", f"{after}_id"))
