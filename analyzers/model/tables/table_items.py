"""The indexes of tables that are declared by typed attributes, and tables that no class declares."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import msgspec

from analyzers.facts.outline import Assign, Call, Member, Name, Node, Other, walk
from analyzers.facts.sql import (
    AddCheck,
    AddColumn,
    AddForeignKey,
    AddIndex,
    CreateTable,
    IndexPart,
    NotUnderstood,
    SchemaChange,
    SqlCheck,
    SqlForeignKey,
    SqlIndex,
)
from analyzers.knowledge import Library, libraries
from analyzers.model.naming.code import Codebase
from analyzers.model.naming.definitions import ClassDefinition, ValueDefinition, statements
from analyzers.model.naming.literals import last_name, text_of
from analyzers.model.naming.looked import Importing
from analyzers.model.naming.roles import is_test
from analyzers.model.project import Index, Migration, Operation
from analyzers.model.tables.column_slots import column_slot
from analyzers.model.tables.folding import Draft, Fold
from analyzers.model.tables.table_calls import TableCalls

if TYPE_CHECKING:
    from analyzers.model.tables.typed import Reader


def indexes_of(reader: Reader) -> Iterator[Index]:
    """Those that columns ask for, that the table's arguments state, and that stand behind the class."""
    draft, models = reader.draft, reader.models
    calls = TableCalls(models, column=lambda name: draft.columns[name].name if name in draft.columns else name)
    for name, (call, place) in draft.calls.items():
        column = draft.columns[name].name if name in draft.columns else ""
        inner = [c for c in walk(call) if isinstance(c, Call) and (c is call or calls.is_column(c))]
        for one in inner if column else ():
            index = calls.own_index(one, draft.table, column)
            if index is not None:
                yield Index.made(index, index.name, place)
            elif calls.column(one).unique:
                yield Index.of((column,), unique=True, place=place)
    keys = [draft.columns[name].name for name in draft.columns if name in draft.keys and not draft.columns[name].foreign]
    if keys:
        yield Index.of(keys, unique=True, primary=True)
    for base in reader.code.lineage(reader.owner):
        if isinstance(base, ClassDefinition) and not reader.is_above(base):
            stated = _arguments(reader.code, base, models.arguments_attribute)
            if stated is not None:
                yield from _stated(reader, calls, base.path, stated)
                break
    yield from _behind(reader, calls)


def _arguments(code: Codebase, base: ClassDefinition, name: str) -> Node | None:
    """What the class says of its table: as an attribute, or as what a method gives."""
    if name in base.attributes:
        return base.attributes[name].value
    method = base.methods.get(name)
    if method is not None:
        code.look_into(method.path, method.node)
    last = method.node.body[-1] if method is not None and method.node.body else None
    return getattr(last, "value", last)


def _stated(reader: Reader, calls: TableCalls, path: str, value: Node) -> Iterator[Index]:
    if not isinstance(value, Other) or value.word not in ("tuple", "list", "dict"):
        yield Index((), readable=False)
        return
    for node in value.children if value.word != "dict" else ():
        item = calls.item(node) if isinstance(node, Call) else None
        if isinstance(item, SqlIndex):
            yield Index.made(item, item.name, reader.code.place(path, node))
        elif item is None and not (isinstance(node, Other) and node.word == "dict"):
            known = isinstance(node, Call) and reader.models.items.get(last_name(node)) in ("foreign", "check")
            if not known:
                yield Index((), readable=False, place=reader.code.place(path, node))


def _behind(reader: Reader, calls: TableCalls) -> Iterator[Index]:
    """`Index("by_email", User.email)`, a statement of the module that has the class."""
    for node in statements(reader.code.files[reader.owner.path].outline):
        made = node.value if isinstance(node, Assign) else node
        if not isinstance(made, Call) or reader.models.items.get(last_name(made)) not in ("index", "unique"):
            continue
        roots = {
            inner.of.id for arg in made.args for inner in walk(arg) if isinstance(inner, Member) and isinstance(inner.of, Name)
        }
        item = calls.item(made) if reader.owner.name in roots else None
        if isinstance(item, SqlIndex):
            yield Index.made(item, item.name, reader.code.place(reader.owner.path, made))


# -- tables without a class --------------------------------------------------------------------------------------------


def stated_tables(code: Codebase, database: str) -> Iterator[Draft]:
    """The tables that calls state: `Table("order_tags", metadata, Column(…), …)`."""
    for library in libraries():
        makers = library.models.table_makers if library.models is not None else ()
        if not makers:
            continue
        for path, facts in code.files.items():
            if facts.language != library.language or is_test(path):
                continue
            if not code.imports(path, Importing.of(_roots(library))):
                continue
            for definition in code.definitions(path).values():
                value = definition.node.value if isinstance(definition, ValueDefinition) else None
                if isinstance(value, Call) and last_name(value) in makers and value.args and text_of(value.args[0]):
                    yield from _table(code, library, path, value, database)


def _roots(library: Library) -> frozenset[str]:
    return frozenset(name.partition(".")[0] for name in library.namespaces)


def _table(code: Codebase, library: Library, path: str, call: Call, database: str) -> Iterator[Draft]:
    assert library.models is not None
    calls, name = TableCalls(library.models), text_of(call.args[0])
    operations: list[Operation] = [Operation(CreateTable(name), code.place(path, call))]

    def add(change: SchemaChange, node: Node) -> None:
        operations.append(Operation(change, code.place(path, node)))

    columns = [c for c in call.args[1:] if isinstance(c, Call) and calls.is_column(c)]
    if not columns:  # an existing one, or one that is read from the database
        return
    keys = [c for c in columns if calls.column(c).primary]
    for node in call.args[2:]:
        if isinstance(node, Call) and calls.is_column(node):
            column = calls.column(node)
            alone = column.primary and len(keys) == 1
            add(AddColumn(name, msgspec.structs.replace(column, primary=alone)), node)
            if (index := calls.own_index(node, name, column.name)) is not None:
                add(AddIndex(name, index), node)
            continue
        match calls.item(node) if isinstance(node, Call) else None:
            case SqlIndex() as index:
                add(AddIndex(name, index), node)
            case SqlForeignKey() as key:
                add(AddForeignKey(name, key), node)
            case SqlCheck() as check:
                add(AddCheck(name, check), node)
            case None:
                add(NotUnderstood(f"a part of {name}", name), node)
    if len(keys) > 1:
        parts = tuple(IndexPart(calls.column(c).name) for c in keys)
        add(AddIndex(name, SqlIndex("", parts, unique=True, primary=True, constraint=True)), call)
    fold = Fold(database)
    fold.apply(Migration(path, library.library, name, tuple(operations), database=database))
    slots = [slot for c in columns if c.args for slot in column_slot(code, path, c, calls.column(c).name, library.models)]
    for draft in fold.tables.values():
        draft.index_code, draft.slots = library.library, tuple(slots)
        yield draft
