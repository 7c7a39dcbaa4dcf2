"""Migrations that change tables by calls: on the schema, and on a table under construction.

`Schema::create('orders', function (Blueprint $table) { $table->foreignId('user_id')->index(); })` in the words of SQL. A call
that is not known leaves its table unread.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cached_property

import msgspec

from analyzers.facts.outline import Assign, Call, Class, Function, Member, Name, Node, Return, Text, walk
from analyzers.facts.sql import (
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
    RenameIndex,
    RenameTable,
    SchemaChange,
    SqlColumn,
    SqlForeignKey,
    SqlIndex,
    SqlText,
)
from analyzers.knowledge import Library, named
from analyzers.knowledge.blueprints import SchemaCall, TableCall
from analyzers.knowledge.migrations import Migrations
from analyzers.knowledge.naming import INDEX_NAMES, TABLES, underscore
from analyzers.model.naming.code import Codebase
from analyzers.model.naming.definitions import ClassDefinition, FunctionDefinition
from analyzers.model.naming.literals import sql_literal
from analyzers.model.naming.looked import Importing
from analyzers.model.naming.roles import is_migration, is_test
from analyzers.model.project import Migration, Operation
from analyzers.model.schema.scripts import UNKNOWN, ClassName, Closure, Scope, Script
from analyzers.model.schema.sql_changes import changes_of
from analyzers.model.tables.models import ModelIndex
from analyzers.source import Place


class _Schema(msgspec.Struct, frozen=True):
    """The schema, of the default connection or another one."""


class _Table(msgspec.Struct, frozen=True):
    """A table under construction; `name` is empty where it could not be told."""

    name: str


class _Draft(msgspec.Struct, eq=False):
    """What a chain of calls on a table states: columns with their indexes, or a key. `start`..`end` is the chain so far."""

    table: str
    start: int
    end: int
    columns: list[SqlColumn] = []
    indexes: list[SqlIndex] = []
    key: SqlForeignKey | None = None
    changes: bool = False  # the columns exist already
    nullable: bool | None = None  # the chain says so itself
    after: list[SchemaChange] = []

    def stated(self) -> Iterator[SchemaChange]:
        for column in self.columns:
            if self.changes:
                yield AlterColumn(self.table, column.name, column.type, column.size, nullable=self.nullable)
            else:
                yield AddColumn(self.table, column)
        for index in self.indexes:
            yield AddIndex(self.table, index)
        if self.key is not None and self.key.columns:
            yield AddForeignKey(self.table, self.key)
        yield from self.after


def script_migrations(
    code: Codebase, library: Library, words: Migrations, _models: ModelIndex, database: str
) -> Iterator[Migration]:
    """What the migrations of a library change when they run forwards, in order."""
    found = []
    for path, facts in code.files.items():
        if facts.language == library.language and not is_test(path) and _is_migration(code, path, library, words):
            code.look_over(path)
            run = _Run(code, path, words)
            for node in facts.outline:
                run.start(node, database)
            found.append(
                Migration(path, library.library, _name(path), tuple(run.operations()), transactional=run.transactional)
            )
    yield from sorted(found, key=_turn)


def _is_migration(code: Codebase, path: str, library: Library, words: Migrations) -> bool:
    """Whether the file holds a migration: it imports what one needs, defines its class, or returns a mapping."""
    facts, calls = code.files[path], words.blueprints
    if calls is None:
        return False
    if code.imports(path, Importing.of({*calls.schemas, *calls.tables, *words.bases}), inside=True):
        return True
    if calls.returned and is_migration(path) and any(isinstance(node, Return) for node in facts.outline):
        return True
    return any(
        isinstance(d, ClassDefinition) and d.node.bases and any(named(library, e, words.bases) for e in code.externals(d))
        for d in code.definitions(path).values()
    )


def _name(path: str) -> str:
    return path.rpartition("/")[2].partition(".")[0]


def _turn(migration: Migration) -> tuple[list[tuple[int, str]], bool, str]:
    """When a migration runs: by the number its name begins with, whatever its folder. Of several folders' migrations of one
    number, those that create tables are first."""
    number = re.match(r"\D{0,12}?\d[\d_]*", migration.name)
    creates = any(isinstance(operation.change, CreateTable) for operation in migration.operations)
    return numbers(number[0] if number else migration.name), not creates, migration.path


def numbers(name: str) -> list[tuple[int, str]]:
    """Orders names by the numbers in them: `V2` before `V10`."""
    return [(int(part), "") if part.isdigit() else (0, part) for part in re.split(r"(\d+)", name)]


class _Run:
    """The calls of one migration, and what they change: the `Actions` of its script."""

    def __init__(self, code: Codebase, path: str, migrations: Migrations) -> None:
        assert migrations.blueprints is not None
        self.code, self.path, self.words, self._sql_calls = code, path, migrations.blueprints, migrations.sql
        self.drafts: list[_Draft | SqlText] = []
        self.transactional = True
        self._texts = {text.start: text for text in code.files[path].sql}

    @cached_property
    def _by_value(self) -> dict[str, SqlText]:
        """The SQL of the file by what it says: it may be sent by a loop, or by a helper."""
        texts = (n for top in self.code.files[self.path].outline for n in walk(top) if isinstance(n, Text))
        return {n.value: self._texts[n.start] for n in texts if isinstance(n.value, str) and n.start in self._texts}

    def operations(self) -> Iterator[Operation]:
        """What was changed, in order."""
        span = self.code.files[self.path].span
        for draft in self.drafts:
            changes = draft.stated() if isinstance(draft, _Draft) else changes_of(draft)
            yield from (Operation(change, Place(self.path, span(draft.start, draft.end))) for change in changes)

    # -- where a migration begins --------------------------------------------------------------------------------------

    def start(self, node: Node, database: str) -> None:
        """A class with a method that runs forwards, or what the file returns: an object of such a class, or a mapping."""
        script = Script(self.code, self, database, self.path, node)
        match node:
            case Class(name=name):
                definition = self.code.definitions(self.path).get(name)
                self._run_class(script, node, definition if isinstance(definition, ClassDefinition) else None)
            case Return(value=Call(callee=Class() as anonymous)):
                self._run_class(script, anonymous, None)
            case Return(value=value) if value is not None:
                given = script.value(Scope(self.path, {}), value)
                forward = given.get(self.words.forward) if isinstance(given, dict) else None
                if isinstance(forward, Closure):
                    script.enter(forward, [_Schema()])

    def _run_class(self, script: Script, node: Class, known: ClassDefinition | None) -> None:
        definition = known or self._anonymous(node)
        outside = definition.attributes.get(self.words.outside)
        isolated = definition.methods.get(self.words.isolated)
        stated = outside.value if outside is not None else None
        if isolated is not None:
            stated = next((n.value for n in isolated.node.body if isinstance(n, Return)), None)
        if isinstance(stated, Text) and stated.value is False:
            self.transactional = False
        method = definition.methods.get(self.words.forward)
        if method is not None:
            script.enter(Closure(self.path, method.node, {}, definition), [_Schema()])

    def _anonymous(self, node: Class) -> ClassDefinition:
        methods = {m.name: FunctionDefinition(self.path, m.name, m) for m in node.body if isinstance(m, Function)}
        stated = {m.target.id: m for m in node.body if isinstance(m, Assign) and isinstance(m.target, Name)}
        return ClassDefinition(self.path, "", node, methods, stated, {})

    # -- calls ---------------------------------------------------------------------------------------------------------

    def called(self, script: Script, scope: Scope, call: Call, receiver: object, name: str, args: list[object]) -> object:
        site = script.site(scope, call)
        match receiver:
            case _Schema():
                return self._schema_call(script, site, name, args)
            case ClassName(name=full) if full in self.words.schemas:
                return self._schema_call(script, site, name, args)
            case _Table():
                return self._table_call(script, receiver, site, name, args)
            case _Draft():
                self._modify(receiver, site, name, args)
                return receiver
        position = self._sql_calls.get(name)
        if position is not None and position < len(call.args):
            return self._sql(site, call.args[position], args[position] if position < len(args) else UNKNOWN)
        return NotImplemented

    def passed(self, script: Script, scope: Scope, call: Call, args: list[object]) -> None:
        """A table that is given to something unknown is unread."""
        for given in args:
            if isinstance(given, _Table):
                self._add(script.site(scope, call), NotUnderstood(_words(call), given.name))
            elif isinstance(given, Closure) and call.callee:
                script.enter(given, [])

    def _sql(self, site: Node, node: Node, value: object) -> object:
        text = self._texts.get(node.start) or (self._by_value.get(value) if isinstance(value, str) else None)
        if text is not None:
            self.drafts.append(text)
        elif not isinstance(value, str):
            self._add(site, NotUnderstood("SQL made while it runs", ""))
        return UNKNOWN

    def _schema_call(self, script: Script, site: Node, name: str, args: list[object]) -> object:
        spec = self.words.calls.get(name)
        if spec is None:
            return UNKNOWN
        if spec.does == "schema":
            return _Schema()
        if spec.does == "inside":
            for given in args:
                if isinstance(given, Closure):
                    script.enter(given, [])
            return UNKNOWN
        table = _text(args, spec.table)
        if spec.does in ("create", "change"):
            return self._construct(script, site, spec, table, args)
        if table:
            then = args[spec.then] if spec.then < len(args) else UNKNOWN
            match spec.does:
                case "drop":
                    self._add(site, DropTable(table))
                case "rename":
                    self._add(site, RenameTable(table, then) if isinstance(then, str) else NotUnderstood(name, table))
                case "drop columns":
                    self._add(site, *(DropColumn(table, column) for column in _names(then)))
                case "rename column":
                    pairs = then.items() if isinstance(then, dict) else ((then, args[-1]),)
                    for old, new in pairs:
                        known = isinstance(old, str) and isinstance(new, str)
                        self._add(site, RenameColumn(table, str(old), str(new)) if known else NotUnderstood(name, table))
                case "add columns":
                    for column, stated in then.items() if isinstance(then, dict) else ():
                        kind = stated.get(0) if isinstance(stated, dict) else stated[0] if isinstance(stated, list) else ""
                        draft = _Draft(table, site.start, site.end)
                        self._column(draft, self.words.types.get(str(kind), ""), str(column), key=False)
                        self.drafts.append(draft)
        return UNKNOWN

    def _construct(self, script: Script, site: Node, spec: SchemaCall, table: str, args: list[object]) -> object:
        made = _Table(table)
        if spec.does == "create" and table:
            self._add(_head(site), CreateTable(table))
        definition = args[spec.definition] if 0 <= spec.definition < len(args) else UNKNOWN
        if spec.definition < 0:
            return made
        if isinstance(definition, Closure):
            script.enter(definition, [made])
        elif spec.definition < len(args) and table:
            self._add(site, NotUnderstood("a definition that could not be followed", table))
        return made

    # -- a table under construction ------------------------------------------------------------------------------------

    def _table_call(self, script: Script, table: _Table, site: Node, name: str, args: list[object]) -> object:
        words = self.words
        if not table.name:
            return UNKNOWN
        draft = _Draft(table.name, site.start, site.end)
        if name in words.types:
            self._column(draft, words.types[name], _text(args, 0) or words.names.get(name, ""), key=name in words.keys)
        elif name in words.groups:
            self._group(draft, name, args)
        elif name in words.named_types:
            kind, column = (_text(args, position) for position in words.named_types[name])
            self._column(draft, words.types.get(kind, ""), column, key=kind in words.keys)
        elif name in words.of_model:
            given = args[0] if args else UNKNOWN
            column = _text(args, 1) or (f"{_short(given)}_id" if isinstance(given, ClassName) else "")
            self._column(draft, words.of_model[name], column, key=False)
            draft.key = SqlForeignKey((), self._model_table(given))
        elif name in words.methods:
            self._method(script, table, draft, words.methods[name], args)
        else:
            draft.after.append(NotUnderstood(f"{name}()", table.name))
        self.drafts.append(draft)
        return draft

    @staticmethod
    def _column(draft: _Draft, kind: str, name: str, *, key: bool) -> None:
        if name:
            draft.columns.append(SqlColumn(name, kind, nullable=False, primary=key))
        else:
            draft.after.append(NotUnderstood("a column without a literal name", draft.table))

    def _group(self, draft: _Draft, name: str, args: list[object]) -> None:
        group, given = self.words.groups[name], _text(args, 0)
        columns = [(pattern.format(given), kind) for pattern, kind in group.columns.items()]
        draft.columns += [SqlColumn(column, kind, nullable=group.nullable) for column, kind in columns]
        if group.together:
            draft.indexes.append(
                self._index(draft.table, tuple(c for c, _ in columns), TableCall("index", kind=group.kind), "")
            )

    def _index(self, table: str, columns: tuple[str, ...], spec: TableCall, name: str) -> SqlIndex:
        parts = tuple(IndexPart("", expression=c) if spec.expression else IndexPart(c) for c in columns)
        name = name or self._index_name(table, columns, spec.kind)
        return SqlIndex(name, parts, unique=spec.unique, primary=spec.primary, method=spec.method)

    def _index_name(self, table: str, columns: tuple[str, ...], kind: str) -> str:
        return INDEX_NAMES[self.words.index_name](table, columns, kind)

    def _method(self, script: Script, table: _Table, draft: _Draft, spec: TableCall, args: list[object]) -> None:
        given = args[spec.columns] if spec.columns < len(args) else UNKNOWN
        columns = tuple(n for a in args for n in _names(a)) if spec.every else _names(given)
        then, after = _text(args, spec.then), draft.after
        match spec.does:
            case "index" if columns:
                draft.indexes.append(self._index(table.name, columns, spec, _text(args, spec.name)))
            case "foreign" if columns:
                name = _text(args, spec.name) or self._index_name(table.name, columns, spec.kind)
                draft.key = SqlForeignKey(columns, _text(args, spec.target) if spec.target >= 0 else "", name)
                if spec.indexed:
                    draft.indexes.append(self._index(table.name, columns, TableCall("index", kind=spec.indexed), ""))
            case "drop columns" if columns:
                after.extend(DropColumn(table.name, column) for column in columns)
            case "drop group":
                group = self.words.groups.get(spec.group)
                names = [p.format(_text(args, 0)) for p in group.columns] if group else [self.words.names[spec.group]]
                after.extend(DropColumn(table.name, n) for n in names)
            case "drop index":
                name = given if isinstance(given, str) else self._index_name(table.name, columns, spec.kind) if columns else ""
                after.append(DropIndex(name, table.name) if name else NotUnderstood("an index is dropped", table.name))
            case "drop primary":
                after.append(DropConstraint(table.name, "", "primary key"))
            case "drop foreign":
                name = given if isinstance(given, str) else self._index_name(table.name, columns, spec.kind) if columns else ""
                gone = DropConstraint(table.name, name, "foreign key", columns if not isinstance(given, str) else ())
                after.append(gone if name else NotUnderstood("a foreign key is dropped", table.name))
            case "rename column" if isinstance(given, str) and then:
                after.append(RenameColumn(table.name, given, then))
            case "rename" if isinstance(given, str):
                after.append(RenameTable(table.name, given))
            case "create":
                after.append(CreateTable(table.name))
            case "drop":
                after.append(DropTable(table.name))
            case "rename index" if isinstance(given, str) and then:
                after.append(RenameIndex(given, then, table.name))
            case "nothing":
                for closure in args:
                    if isinstance(closure, Closure):
                        script.enter(closure, [table])
            case _:
                after.append(NotUnderstood(spec.does, table.name))

    def _modify(self, draft: _Draft, site: Node, name: str, args: list[object]) -> None:
        """One more call of the chain that states a column or a key."""
        words = self.words.modifiers
        draft.start, draft.end = min(draft.start, site.start), max(draft.end, site.end)
        columns = tuple(c.name for c in draft.columns)
        if name in words.index and columns and not (args and args[0] is False):
            draft.indexes.append(self._index(draft.table, columns, words.index[name], _text(args, 0)))
        elif name in words.primary:
            draft.columns = [msgspec.structs.replace(c, primary=True) for c in draft.columns]
        elif name in words.nullable:
            draft.nullable = not (args and args[0] is False)
            draft.columns = [msgspec.structs.replace(c, nullable=draft.nullable) for c in draft.columns]
        elif name in words.default:
            default = words.default[name].format(sql_literal(args[0]) if args else "?")
            draft.columns = [msgspec.structs.replace(c, default=default) for c in draft.columns]
        elif name in words.change:
            draft.changes = True
        elif name in words.constrained and columns:
            target = _text(args, 0) or (draft.key.references if draft.key is not None else "") or _guessed(columns[0])
            draft.key = SqlForeignKey(columns, target, _text(args, 2) or self._index_name(draft.table, columns, "foreign"))
        elif name in words.target and args:
            key = draft.key or SqlForeignKey(columns, "")
            draft.key = msgspec.structs.replace(key, columns=key.columns or columns, references=_text(args, 0))

    def _model_table(self, given: object) -> str:
        """The table of a class of rows: what it says itself, or what it is named."""
        if not isinstance(given, ClassName):
            return ""
        stated = self.code.attribute(given.definition, "table") if given.definition is not None else None
        value = stated[1].value if stated is not None else None
        if isinstance(value, Text) and isinstance(value.value, str):
            return value.value
        return TABLES["eloquent"]("", given.name.rpartition("\\")[2])

    def _add(self, site: Node, *changes: SchemaChange) -> None:
        self.drafts.append(SqlText(site.start, site.end, changes))


def _text(args: list[object], position: int) -> str:
    found = args[position] if 0 <= position < len(args) else UNKNOWN
    return found.name if isinstance(found, _Table) else found if isinstance(found, str) else ""


def _names(value: object) -> tuple[str, ...]:
    """One name, or a list of names; nothing where one of them is not known."""
    match value:
        case str():
            return (value,)
        case ClassName():
            return (f"{_short(value)}_id",)
        case list() if all(isinstance(item, str) for item in value):
            return tuple(value)
    return ()


def _short(value: ClassName) -> str:
    return underscore(value.name.rpartition("\\")[2])


def _guessed(column: str) -> str:
    """`customer_id` refers to `customers`."""
    return TABLES["eloquent"]("", column.removesuffix("_id"))


def _words(call: Call) -> str:
    callee = call.callee
    return f"{callee.name if isinstance(callee, Member) else callee.id if isinstance(callee, Name) else 'a call'}()"


def _head(site: Node) -> Node:
    """The beginning of a call, with its first argument: all of it is the table's definition."""
    if isinstance(site, Call) and site.args:
        return Name(site.start, site.args[0].end, "")
    return site
