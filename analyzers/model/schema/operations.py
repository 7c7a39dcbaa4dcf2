"""Migrations that are lists of operations on models, as the framework applies them: each changes the models it knows, and the
database by what differs.

Source: `django.db.migrations.operations`, and `BaseDatabaseSchemaEditor` for what each does to tables and indexes.
"""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from analyzers.facts.outline import Call, Node, Other, Text, walk
from analyzers.facts.sql import (
    AddCheck,
    AddColumn,
    AddIndex,
    DropColumn,
    DropConstraint,
    DropIndex,
    DropTable,
    NotUnderstood,
    RenameColumn,
    RenameIndex,
    RenameTable,
    RunCode,
    SchemaChange,
    SqlText,
    ValidateConstraint,
)
from analyzers.knowledge import Library
from analyzers.knowledge.migrations import Migrations
from analyzers.model.naming.code import Codebase
from analyzers.model.naming.definitions import ClassDefinition, ValueDefinition
from analyzers.model.naming.literals import arguments, is_false, is_true, last_name, text_of, texts_of
from analyzers.model.project import Operation
from analyzers.model.schema.field_operations import Emit, add_field, alter_field, rename_field
from analyzers.model.schema.sql_changes import changes_of
from analyzers.model.schema.state_fields import Fields
from analyzers.model.schema.states import Label, State, StateField, StateModel
from analyzers.model.tables.constraints import check_of, exclusion_of, index_of
from analyzers.model.tables.fields import kind_of
from analyzers.source import Place

# The names of an operation's arguments, in order.
_PARAMETERS = {
    "create_model": ("name", "fields", "options", "bases"),
    "delete_model": ("name",),
    "rename_model": ("old_name", "new_name"),
    "alter_table": ("name", "table"),
    "alter_unique": ("name", "unique_together"),
    "alter_together": ("name", "index_together"),
    "alter_order": ("name", "order_with_respect_to"),
    "add_field": ("model_name", "name", "field"),
    "remove_field": ("model_name", "name"),
    "alter_field": ("model_name", "name", "field"),
    "rename_field": ("model_name", "old_name", "new_name"),
    "add_index": ("model_name", "index"),
    "remove_index": ("model_name", "name"),
    "add_index_concurrently": ("model_name", "index"),
    "remove_index_concurrently": ("model_name", "name"),
    "rename_index": ("model_name", "new_name", "old_name", "old_fields"),
    "add_constraint": ("model_name", "constraint"),
    "add_constraint_not_valid": ("model_name", "constraint"),
    "remove_constraint": ("model_name", "name"),
    "validate_constraint": ("model_name", "name"),
    "sql": ("sql", "reverse_sql", "state_operations"),
    "code": ("code",),
    "separate": ("database_operations", "state_operations"),
    "nothing": (),
}


class Editor:
    """Applies operations, one migration's after the other's, to the models that all of them know."""

    def __init__(self, code: Codebase, library: Library, words: Migrations, state: State, user: Label | None) -> None:
        assert library.models is not None
        self.code, self.library, self.words, self.state = code, library, words, state
        self.models = library.models
        self.fields = Fields(code, library, words, user)
        self.user = user
        self.path, self.application = "", ""
        self.called = ""  # the operation that is applied

    def run(self, path: str, application: str, operations: Node | None) -> tuple[Operation, ...]:
        """The changes of one migration, in order."""
        self.path, self.application = path, application
        out: list[Operation] = []
        for node in _items(operations):
            place = self.code.place(path, node)

            def emit(change: SchemaChange, place: Place = place) -> None:
                out.append(Operation(change, place))

            self._apply(self.state, node, emit)
        return tuple(out)

    # -- one operation -------------------------------------------------------------------------------------------------

    def _apply(self, state: State, node: Node, emit: Emit) -> None:
        verb = self._verb(node)
        if not isinstance(node, Call) or not verb:
            emit(NotUnderstood(f"{last_name(node) or 'a computed operation'}(…)"))
            return
        given, self.called = arguments(node), last_name(node)
        given = {**{name: given[str(i)] for i, name in enumerate(_PARAMETERS[verb]) if str(i) in given}, **given}
        match verb:
            case "nothing":
                return
            case "code":
                emit(RunCode(last_name(given["code"]) if "code" in given else ""))
            case "sql":
                self._sql(given.get("sql"), emit)
                self._apply_all(state, given.get("state_operations"), _silent)
            case "separate":
                self._apply_all(state.copy(), given.get("database_operations"), emit)
                self._apply_all(state, given.get("state_operations"), _silent)
            case "create_model":
                self._create_model(state, given, emit)
            case _:
                self._on_model(state, verb, given, emit)

    def _verb(self, node: Node) -> str:
        """What an operation does; nothing is known of one whose own constructor takes other arguments."""
        kind = kind_of(self.code, self.path, node, self.library, self.words.operations)
        verb = self.words.operations[kind] if kind is not None else ""
        own = self.code.resolve_node(self.path, node.callee) if isinstance(node, Call) else None
        remade = isinstance(own, ClassDefinition) and self.code.method(own, "__init__") is not None
        return "" if remade and verb not in ("code", "nothing") else verb

    def _apply_all(self, state: State, operations: Node | None, emit: Emit) -> None:
        for node in _items(operations):
            self._apply(state, node, emit)

    def _on_model(self, state: State, verb: str, given: dict[str, Node], emit: Emit) -> None:
        name = text_of(given.get(_PARAMETERS[verb][0])).lower()
        model = state.models.get((self.application, name))
        if model is None:
            emit(NotUnderstood(f"{self.called}({name})", state.table((self.application, name)) if name else ""))
            return
        if not model.stored:
            emit = _silent
        match verb:
            case "delete_model":
                self._delete_model(state, model, emit)
            case "rename_model":
                self._rename_model(state, model, text_of(given.get("new_name")).lower(), emit)
            case "alter_table":
                model.named = bool(text_of(given.get("table")))
                self._move(state, model, text_of(given.get("table")) or "_".join(model.label), emit)
            case "alter_unique" | "alter_together":
                self._alter_sets(state, model, verb, given, emit)
            case "alter_order":
                self._alter_order(state, model, given.get("order_with_respect_to"), emit)
            case "add_field" | "remove_field" | "alter_field" | "rename_field":
                self._on_field(state, model, verb, given, emit)
            case _:
                self._on_index(state, model, verb, given, emit)

    def _sql(self, node: Node | None, emit: Emit) -> None:
        """SQL as a text, a list of them or of pairs of one and its parameters, or a name for one of these."""
        texts = {text.start: text for text in self.code.files[self.path].sql}
        for inner in walk(node) if node is not None else ():
            match inner:
                case Text(value=str() as said):
                    self._text(texts.get(inner.start), said, emit)
                case Call() | Other(word="format"):
                    emit(NotUnderstood("computed SQL"))
                    return
                case _ if (stated := self._stated(inner)) is not None:
                    path, value = stated
                    own = {text.start: text for text in self.code.files[path].sql}
                    for part in walk(value):
                        if isinstance(part, Text) and isinstance(part.value, str):
                            self._text(own.get(part.start), part.value, emit)

    @staticmethod
    def _text(text: SqlText | None, said: str, emit: Emit) -> None:
        for change in changes_of(text) if text is not None else ():
            emit(change)
        if text is None and len(said.split()) > 1:
            emit(RunCode(" ".join(said.split())[:80]))

    def _stated(self, node: Node) -> tuple[str, Node] | None:
        match self.code.resolve_node(self.path, node):
            case ValueDefinition(path=path, node=assign) if assign.value is not None:
                return path, assign.value
        return None

    # -- models --------------------------------------------------------------------------------------------------------

    def _create_model(self, state: State, given: dict[str, Node], emit: Emit) -> None:
        label = (self.application, text_of(given.get("name")).lower())
        options = _pairs(given.get("options"))
        swap = text_of(options.get("swappable"))
        swapped = swap == self.models.user_setting and bool(swap) and self.user not in (None, label)
        stored = not (is_true(options.get("proxy")) or is_false(options.get(self.models.option_unmanaged)) or swapped)
        model = StateModel(label, text_of(options.get(self.models.option_table)) or "_".join(label), stored=stored)
        model.named = self.models.option_table in options
        for item in _items(given.get("fields")):
            match item:
                case Other(children=(Text(value=str() as name), node)):
                    field = self.fields.read(self.path, self.application, label[1], name, node)
                    if field is not None:
                        model.fields[name] = field
                case _ if stored:
                    emit(NotUnderstood(f"{self.called}({label[1]})", model.table))
        model.unique = _sets(options.get("unique_together"))
        model.together = _sets(options.get("index_together"))
        state.models[label] = model
        if text_of(options.get("order_with_respect_to")):
            model.fields["_order"] = StateField("_order", "_order", "integer")
        if not stored:
            return
        for change in state.created(model):
            emit(change)
        for node in _items(options.get("indexes")):
            self._add_index(model, node, emit)
        for node in _items(options.get(self.models.option_constraints)):
            self._add_constraint(model, node, emit)

    def _delete_model(self, state: State, model: StateModel, emit: Emit) -> None:
        for field in model.fields.values():
            if field.many and field.through is None:
                emit(DropTable(state.between(model, field)))
        emit(DropTable(model.table))
        del state.models[model.label]

    def _move(self, state: State, model: StateModel, table: str, emit: Emit) -> None:
        """Renames the table of a model, and the tables between it and others that are named after it."""
        auto = [f for f in model.fields.values() if f.many and f.through is None]
        before = [state.between(model, f) for f in auto]
        if table != model.table:
            emit(RenameTable(model.table, table))
        model.table = table
        for old, field in zip(before, auto, strict=True):
            if old != state.between(model, field):
                emit(RenameTable(old, state.between(model, field)))

    def _rename_model(self, state: State, model: StateModel, name: str, emit: Emit) -> None:
        old, new = model.label, (model.label[0], name)
        links = [
            (m, f, State.ends(m, f))
            for m in state.models.values()
            for f in m.fields.values()
            if f.many and f.through is None and (f.target == old or m is model)
        ]
        del state.models[old]
        model.label = new
        state.models[new] = model
        for other in state.models.values():
            for field in list(other.fields.values()):
                if old in (field.target, field.through):
                    target = new if field.target == old else field.target
                    through = new if field.through == old else field.through
                    other.fields[field.name] = msgspec.structs.replace(field, target=target, through=through)
        if not model.named:
            self._move(state, model, "_".join(new), emit)
        for holder, field, ends in links:
            changed = holder.fields[field.name]
            for before, after in zip(ends, State.ends(holder, changed), strict=True):
                if before != after and holder.stored:
                    emit(RenameColumn(state.between(holder, changed), f"{before}_id", f"{after}_id"))

    def _alter_sets(self, state: State, model: StateModel, verb: str, given: dict[str, Node], emit: Emit) -> None:
        new = _sets(given.get(_PARAMETERS[verb][1]))
        old = model.unique if verb == "alter_unique" else model.together
        for fields in sorted(old - new):
            columns = tuple(map(model.column, fields))
            if verb == "alter_unique":
                spared = tuple(sorted(model.constraints))
                emit(DropConstraint(model.table, "", kind="unique", columns=columns, spared=spared))
            else:
                emit(DropIndex("", model.table, columns=columns, spared=tuple(sorted(model.indexes))))
        for fields in sorted(new - old):
            made = state.unique(model, fields) if verb == "alter_unique" else state.together(model, fields)
            emit(AddIndex(model.table, made))
        if verb == "alter_unique":
            model.unique = new
        else:
            model.together = new

    @staticmethod
    def _alter_order(state: State, model: StateModel, node: Node | None, emit: Emit) -> None:
        ordered = "_order" in model.fields
        if text_of(node) and not ordered:
            model.fields["_order"] = StateField("_order", "_order", "integer", default="0")
            emit(AddColumn(model.table, state.column(model.fields["_order"])))
        elif not text_of(node) and ordered:
            del model.fields["_order"]
            emit(DropColumn(model.table, "_order"))

    # -- fields --------------------------------------------------------------------------------------------------------

    def _on_field(self, state: State, model: StateModel, verb: str, given: dict[str, Node], emit: Emit) -> None:
        name = text_of(given.get("name")) or text_of(given.get("old_name"))
        old = model.fields.get(name)
        match verb:
            case "remove_field":
                model.fields.pop(name, None)
                if old is not None and old.many:
                    if old.through is None:
                        emit(DropTable(state.between(model, old)))
                elif old is not None:
                    emit(DropColumn(model.table, old.column))
            case "rename_field" if old is not None:
                rename_field(state, model, old, text_of(given.get("new_name")), self.models.column_suffix, emit)
            case "add_field" | "alter_field":
                node = given.get("field")
                field = self.fields.read(self.path, self.application, model.label[1], name, node) if node else None
                if field is None:
                    return
                model.fields[name] = field
                if verb == "alter_field" and old is not None:
                    alter_field(state, model, old, field, emit)
                elif verb == "add_field":
                    add_field(state, model, field, emit)

    # -- indexes and constraints ---------------------------------------------------------------------------------------

    def _on_index(self, state: State, model: StateModel, verb: str, given: dict[str, Node], emit: Emit) -> None:
        name = text_of(given.get("name"))
        match verb:
            case "add_index" | "add_index_concurrently" if "index" in given:
                self._add_index(model, given["index"], emit, concurrently=verb.endswith("concurrently"))
            case "remove_index" | "remove_index_concurrently":
                model.indexes.discard(name)
                emit(DropIndex(name, model.table, concurrently=verb.endswith("concurrently")))
            case "rename_index":
                self._rename_index(state, model, given, emit)
            case "add_constraint" | "add_constraint_not_valid" if "constraint" in given:
                self._add_constraint(model, given["constraint"], emit, not_valid=verb.endswith("not_valid"))
            case "remove_constraint":
                constraint = model.constraints.pop(name, True)
                emit(DropConstraint(model.table, name) if constraint else DropIndex(name, model.table))
            case "validate_constraint":
                emit(ValidateConstraint(model.table, name))

    def _rename_index(self, state: State, model: StateModel, given: dict[str, Node], emit: Emit) -> None:
        new, old = text_of(given.get("new_name")), text_of(given.get("old_name"))
        fields = texts_of(given.get("old_fields"))
        if fields:
            old = state.together(model, fields).name
            model.together.discard(fields)
        model.indexes.discard(old)
        model.indexes.add(new)
        emit(RenameIndex(old, new, model.table))

    def _add_index(self, model: StateModel, node: Node, emit: Emit, *, concurrently: bool = False) -> None:
        method = self.models.index_methods.get(last_name(node), "")
        index = index_of(node, model.column, method=method, concurrently=concurrently) if isinstance(node, Call) else None
        if index is None:
            emit(NotUnderstood(f"{self.called}({model.label[1]})", model.table))
            return
        model.indexes.add(index.name)
        emit(AddIndex(model.table, index))

    def _add_constraint(self, model: StateModel, node: Node, emit: Emit, *, not_valid: bool = False) -> None:
        kind = self.words.constraints.get(last_name(node)) if isinstance(node, Call) else None
        match kind, node:
            case "unique", Call():
                index = index_of(node, model.column, unique=True)
            case "exclusion", Call():
                index = exclusion_of(node, model.column)
            case "check", Call():
                check = msgspec.structs.replace(check_of(node, model.column), not_valid=not_valid)
                model.constraints[check.name] = True
                emit(AddCheck(model.table, check))
                return
            case _:
                index = None
        if index is None:
            emit(NotUnderstood(f"{self.called}({model.label[1]})", model.table))
            return
        model.constraints[index.name] = index.constraint
        emit(AddIndex(model.table, index))


def _silent(_: SchemaChange) -> None:
    """What changes models alone leaves the database as it is."""


def _items(node: Node | None) -> Iterator[Node]:
    """The items of a literal list, also of several joined by `+`."""
    match node:
        case Other(word="list" | "tuple", children=items):
            yield from items
        case Other(word="+", children=parts):
            for part in parts:
                yield from _items(part)
        case None:
            return
        case _:
            yield node


def _pairs(node: Node | None) -> dict[str, Node]:
    """A literal dictionary with texts as keys."""
    if not isinstance(node, Other) or node.word != "dict":
        return {}
    return {text_of(p.children[0]): p.children[1] for p in node.children if isinstance(p, Other) and len(p.children) == 2}


def _sets(node: Node | None) -> set[tuple[str, ...]]:
    """`{("a", "b")}`, `[["a", "b"]]` or `("a", "b")`."""
    if isinstance(node, Call) and node.args:  # `set([("a", "b")])`
        return _sets(node.args[0])
    if not isinstance(node, Other):
        return set()
    if (flat := texts_of(node)) and node.children:
        return {flat}
    return {fields for child in node.children if (fields := texts_of(child))}
