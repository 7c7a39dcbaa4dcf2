"""Migrations that are scripts which name the revisions they follow (`down_revision`) and change tables by calls of a module
(`op.create_table`), run in thought.

Source: Alembic, `alembic.operations.ops`. Of several branches each comes after what it follows, and a merge after all of them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import msgspec

from analyzers.facts.outline import Assign, Call, Function, Name, Node, Other, Text, walk
from analyzers.facts.sql import (
    AddCheck,
    AddColumn,
    AddForeignKey,
    AddIndex,
    AlterColumn,
    CreateTable,
    DropColumn,
    DropConstraint,
    DropIndex,
    DropTable,
    IndexPart,
    NotUnderstood,
    RenameColumn,
    RenameTable,
    RunCode,
    SchemaChange,
    SqlCheck,
    SqlForeignKey,
    SqlIndex,
)
from analyzers.facts.store import FileFacts
from analyzers.knowledge import Library
from analyzers.knowledge.migrations import Migrations
from analyzers.model.naming.code import Codebase
from analyzers.model.naming.definitions import FunctionDefinition, statements
from analyzers.model.naming.literals import arguments, is_false, is_true, last_name, text_of
from analyzers.model.naming.looked import Importing
from analyzers.model.naming.roles import is_test
from analyzers.model.project import Migration, Operation
from analyzers.model.schema.graphs import in_order
from analyzers.model.schema.scripts import ClassName, Scope, Script
from analyzers.model.schema.sql_changes import changes_of
from analyzers.model.tables.models import ModelIndex
from analyzers.model.tables.table_calls import TableCalls, Texts

_DEFINES = re.compile(r"\b(?:create|alter|drop)\b[^;]{0,80}\b(?:table|index)\b", re.IGNORECASE)


class _Batch(msgspec.Struct, frozen=True):
    """`op` for one table: `with op.batch_alter_table("orders") as batch:`."""

    table: str


def migrations(code: Codebase, library: Library, words: Migrations, _models: ModelIndex, database: str) -> Iterator[Migration]:
    """The revisions, each after those it follows."""
    found: dict[str, tuple[str, tuple[str, ...]]] = {}
    modules = Importing.of(words.modules)
    for path, facts in code.files.items():
        if facts.language != library.language or is_test(path) or not code.imports(path, modules, inside=True):
            continue
        code.look_over(path)
        if "upgrade" in code.definitions(path):
            revision, after = _links(facts)
            if revision:
                found[revision] = (path, after)
    for revision in in_order({name: after for name, (_, after) in found.items()}):
        path = found[revision][0]
        upgrade = code.definitions(path).get("upgrade")
        if isinstance(upgrade, FunctionDefinition):
            operations = _Run(code, library, words, path, upgrade.node, database).operations
            yield Migration(path, words.runner or library.library, revision, tuple(operations), database=database)


def _links(facts: FileFacts) -> tuple[str, tuple[str, ...]]:
    """Its revision, and those it follows."""
    stated: dict[str, Node] = {}
    for node in statements(facts.outline):
        if isinstance(node, Assign) and isinstance(node.target, Name) and node.value is not None:
            stated[node.target.id] = node.value
    after: list[str] = []
    for name in ("down_revision", "depends_on"):
        node = stated.get(name, Text(0, 0, None))
        after += [text for n in (node.children if isinstance(node, Other) else (node,)) if (text := text_of(n))]
    return text_of(stated.get("revision")), tuple(after)


class _Run:
    """The `upgrade` of one revision while it runs: what calls mean to it."""

    def __init__(
        self, code: Codebase, library: Library, words: Migrations, path: str, upgrade: Function, database: str
    ) -> None:
        assert library.models is not None
        self.code, self.words, self.models = code, words, library.models
        self.operations: list[Operation] = []
        self._path = path
        self._outside = [
            (node.start, node.end)
            for node in walk(upgrade)
            if isinstance(node, Other)
            and node.word == "with"
            and any(last_name(c) == words.outside for c in node.children[:-1])
        ]
        self.script = Script(code, self, database, path, upgrade)
        self._globals = {
            n.target.id: n.value
            for n in statements(code.files[path].outline)
            if isinstance(n, Assign) and isinstance(n.target, Name) and n.value is not None
        }
        scope = Scope(path, {})
        for name, value in self._globals.items():
            scope.names[name] = self.script.value(scope, value)
        self.script.run(scope, upgrade.body)

    def called(self, _: Script, scope: Scope, call: Call, receiver: object, name: str, args: list[object]) -> object:
        """A call of the module or of one table, or SQL sent to a connection."""
        match receiver:
            case ClassName(name=module) if module in self.words.modules:
                return self._operation(scope, call, "", name, args)
            case _Batch(table=table):
                return self._operation(scope, call, table, name, args)
        if name in self.words.sql:
            self._sql(scope, call)
        return NotImplemented

    def passed(self, _: Script, scope: Scope, call: Call, args: list[object]) -> None:
        """Other functions leave the schema as it is."""

    # -- one call ------------------------------------------------------------------------------------------------------

    def _emit(self, scope: Scope, call: Node, change: SchemaChange) -> None:
        site = self.script.site(scope, call)
        outside = any(start <= site.start < end for start, end in self._outside)
        self.operations.append(Operation(change, self.code.place(self._path, site), outside=outside))

    def _operation(self, scope: Scope, call: Call, table: str, name: str, args: list[object]) -> object:
        if name == self.words.named and args:
            return args[0]
        if name in self.words.sql:
            self._sql(scope, call)
            return None
        verb = self.words.operations.get(name, "")

        def text(node: Node | None) -> str:
            value = self.script.value(scope, node) if node is not None else ""
            return value if isinstance(value, str) else ""

        positional = [*call.args]
        given = arguments(call)
        made = _Changes(TableCalls(self.models, text), text, table, positional, given)
        if verb == "batch":
            made.take_table("table_name")
            return _Batch(made.table)
        changes = list(made.of(verb))
        for change in changes or [NotUnderstood(f"{name}(…)", table or made.table)] * (verb != "nothing"):
            self._emit(scope, call, change)
        return None

    def _sql(self, scope: Scope, call: Call) -> None:
        """SQL as a text, or inside `text("…")`; what is none writes rows, or is not known."""
        texts = {text.start: text for text in self.code.files[scope.path].sql}
        nodes = [node for arg in call.args[:1] for node in walk(self._stated(arg))]
        found = [texts[n.start] for n in nodes if isinstance(n, Text) and n.start in texts]
        for text in found:
            for change in changes_of(text):
                self._emit(scope, call, change)
        if found:
            return
        value = self.script.value(scope, call.args[0]) if call.args else ""
        said = " ".join(n.value for n in nodes if isinstance(n, Text) and isinstance(n.value, str))
        said = value if isinstance(value, str) and value else said
        if _DEFINES.search(said):
            self._emit(scope, call, NotUnderstood(" ".join(said.split())[:80]))
        elif said:
            self._emit(scope, call, RunCode(" ".join(said.split())[:80]))

    def _stated(self, node: Node) -> Node:
        return self._globals.get(node.id, node) if isinstance(node, Name) else node


class _Changes:
    """What one call changes. Its arguments are positional or named; a batch's calls leave out the table."""

    def __init__(self, calls: TableCalls, text: Texts, table: str, positional: list[Node], given: dict[str, Node]) -> None:
        self._calls, self._batch, self._positional, self._given = calls, table, positional, given
        self._text = text
        self.table = table

    def _take(self, *names: str) -> Node | None:
        """The next positional argument, or the one of these names."""
        found = next((self._given[n] for n in names if n in self._given), None)
        return found if found is not None else self._positional.pop(0) if self._positional else None

    def _say(self, *names: str) -> str:
        node = self._take(*names)
        return self._text(node) if node is not None else ""

    def take_table(self, *names: str) -> None:
        """Reads the table's name, with its schema before it."""
        if not self._batch:
            table = self._say(*names)
            schema = self._text(self._given.get("schema")) or self._text(self._given.get("source_schema"))
            self.table = f"{schema}.{table}" if schema and table else table

    def of(self, verb: str) -> Iterator[SchemaChange]:
        """The changes; none where the arguments cannot be read."""
        match verb:
            case "create table" | "drop table" | "rename table" | "add column" | "drop column" | "alter column":
                yield from self._tables(verb)
            case "create index" | "drop index" | "unique" | "primary" | "foreign" | "check" | "drop constraint":
                yield from self._constraints(verb)

    def _tables(self, verb: str) -> Iterator[SchemaChange]:
        self.take_table("table_name", "old_table_name")
        if not self.table:
            return
        match verb:
            case "create table":
                yield from created(self._calls, self.table, tuple(self._positional))
            case "drop table":
                yield DropTable(self.table, if_present=is_true(self._given.get("if_exists")))
            case "rename table":
                new = self._say("new_table_name")
                schema = self.table.rpartition(".")[0]
                yield RenameTable(self.table, f"{schema}.{new}" if schema else new)
            case "add column":
                node = self._take("column")
                if isinstance(node, Call):
                    column = self._calls.column(node)
                    yield AddColumn(self.table, column, if_missing=is_true(self._given.get("if_not_exists")))
                    index = self._calls.own_index(node, self.table, column.name)
                    if index is not None:
                        yield AddIndex(self.table, index)
            case "drop column":
                name = self._say("column_name")
                if name:
                    yield DropColumn(self.table, name)
            case "alter column":
                yield from self._altered(self._say("column_name"))

    def _altered(self, column: str) -> Iterator[SchemaChange]:
        if not column:
            return
        new = text_of(self._given.get("new_column_name"))
        if new and new != column:
            yield RenameColumn(self.table, column, new)
        kind = self._given.get("type_")
        name, size = self._calls.type_of(Call(0, 0, Name(0, 0, ""), (kind,))) if kind is not None else ("", ())
        name = name or (last_name(kind).lower() if kind is not None else "")
        nullable = self._given.get("nullable")
        default = self._given.get("server_default")
        cleared = isinstance(default, Text) and default.value in (None, False)
        stated = None if default is None else "" if cleared else "?"
        flag = False if is_false(nullable) else True if is_true(nullable) else None
        yield AlterColumn(self.table, new or column, name, size, flag, stated, using="postgresql_using" in self._given)

    def _constraints(self, verb: str) -> Iterator[SchemaChange]:
        name = self._say("index_name", "constraint_name", "name")
        self.take_table("table_name", "source_table", "source")
        concurrently = is_true(self._given.get("postgresql_concurrently"))
        if verb == "drop index":
            lenient = is_true(self._given.get("if_exists"))
            if name:
                yield DropIndex(name, self.table, concurrently=concurrently, if_present=lenient)
            return
        if not self.table:
            return
        match verb:
            case "drop constraint":
                kind = {"foreignkey": "foreign key", "primary": "primary key"}.get(self._say("type_", "type"), "")
                yield DropConstraint(self.table, name, kind=kind)
            case "create index":
                columns = self._take("columns")
                index = self._calls.index(name, (columns,), self._given) if columns is not None else None
                if index is not None:
                    yield AddIndex(self.table, index)
            case "unique" | "primary":
                columns = self._take("columns")
                if isinstance(columns, Other):
                    parts = tuple(map(self._calls.part, columns.children))
                    made = SqlIndex(name, parts, unique=True, primary=verb == "primary", constraint=True)
                    yield AddIndex(self.table, made)
            case "foreign":
                yield from self._foreign(name)
            case "check":
                stated = self._take("condition")
                yield AddCheck(self.table, SqlCheck(name, self._calls.condition(stated) if stated is not None else "?"))

    def _foreign(self, name: str) -> Iterator[SchemaChange]:
        target = self._say("referent_table", "referent")
        own, other = self._take("local_cols"), self._take("remote_cols")
        if target and isinstance(own, Other) and isinstance(other, Other):
            columns, far = (tuple(self._calls.part(c).column for c in side.children) for side in (own, other))
            late = is_true(self._given.get("postgresql_not_valid"))
            yield AddForeignKey(self.table, SqlForeignKey(columns, target, name, far, not_valid=late))


def created(calls: TableCalls, table: str, nodes: tuple[Node, ...]) -> Iterator[SchemaChange]:
    """A table of these columns and constraints."""
    columns, indexes, keys, checks, unread = [], [], [], [], False
    for node in nodes:
        if isinstance(node, Call) and calls.is_column(node):
            column = calls.column(node)
            columns.append(column)
            index = calls.own_index(node, table, column.name)
            indexes += [index] if index is not None else []
            continue
        match calls.item(node) if isinstance(node, Call) else None:
            case SqlIndex() as index:
                indexes.append(index)
            case SqlForeignKey() as key:
                keys.append(key)
            case SqlCheck() as check:
                checks.append(check)
            case None:
                unread = True
    primary = [c.name for c in columns if c.primary]
    if len(primary) > 1:  # one key of several columns
        columns = [msgspec.structs.replace(c, primary=False) for c in columns]
        indexes.append(SqlIndex("", tuple(map(IndexPart, primary)), unique=True, primary=True, constraint=True))
    yield CreateTable(table, tuple(columns), tuple(indexes), tuple(keys), tuple(checks))
    if unread:
        yield NotUnderstood(f"a part of {table}", table)
