"""Schemas and migrations of Rails as changes of tables: what the methods of Active Record's schema statements do.

`db/schema.rb` states the whole, the migrations beside it how it came about; both are one history. What a method does is in
`_STATEMENTS` (on the schema) and `_COLUMNS` (on a table under construction); a method that is in neither and takes names is a
column's type. Calls of other things with a block (`safety_assured`, `reversible`'s `up`) are entered.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping

import msgspec

from analyzers.facts.outline import Call, Class, Function, Member, Name, Node, Other, Text, walk
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
    RenameColumn,
    RenameIndex,
    RenameTable,
    SchemaChange,
    SqlColumn,
    SqlForeignKey,
    SqlIndex,
)
from analyzers.model.naming.code import Codebase
from analyzers.model.naming.roles import is_test
from analyzers.model.project import Migration, Operation
from analyzers.words import plural, singular

_PATH = re.compile(r"(?P<tree>(?:.*/)?db)/(?:(?P<schema>(?:\w+_)?schema\.rb)|(?:\w*migrate)/(?:.*/)?(?P<version>\d+)_\w+\.rb)")

# Types of columns that go by another name in SQL; the others by their own.
_TYPES = {"string": "varchar", "datetime": "timestamp", "timestamptz": "timestamp", "integer": "int", "boolean": "bool"}
_NO_COLUMNS = ("check_constraint", "exclusion_constraint", "unique_constraint", "comment", "set_default")


def rails_migrations(code: Codebase) -> Iterator[Migration]:
    """The schema files and migrations, each tree's in order."""
    found = []
    for path, facts in code.files.items():
        place = _PATH.fullmatch(path) if facts.language == "ruby" and not is_test(path) else None
        if place is not None:
            found.append((place["tree"], int(place["version"] or 0), path))
    dialects: dict[str, str] = {}
    files = [(tree, not version, _File(code, path)) for tree, version, path in sorted(found)]
    for tree, _, file in files:
        dialects[tree] = dialects.get(tree) or file.dialect
    for tree, baseline, file in files:
        yield file.migration(tree, dialects[tree], baseline=baseline)


class _File:
    """One schema file or migration while it is read."""

    def __init__(self, code: Codebase, path: str) -> None:
        self.code, self.path, self.facts = code, path, code.files[path]
        self.operations: list[Operation] = []
        self.texts = {text.start: text for text in self.facts.sql}
        self.indexed = True  # `references` makes an index by itself (from Rails 5 on)

    def migration(self, tree: str, database: str, *, baseline: bool) -> Migration:
        for node in self.facts.outline:
            self._entered(node)
        return Migration(
            self.path,
            "rails",
            self.path.rpartition("/")[2].removesuffix(".rb"),
            tuple(self.operations),
            transactional="disable_ddl_transaction!" not in self._called,
            database=database,
            baseline=baseline,
            tree=tree,
        )

    @property
    def _called(self) -> set[str]:
        """The methods that are called on nothing."""
        nodes = (node for top in self.facts.outline for node in walk(top))
        return {n.callee.id for n in nodes if isinstance(n, Call) and isinstance(n.callee, Name)}

    @property
    def dialect(self) -> str:
        """The database, where the file itself tells."""
        if "enable_extension" in self._called or any(text.dialect == "postgres" for text in self.facts.sql):
            return "postgresql"
        words = {str(t.value) for n in self.facts.outline for t in walk(n) if isinstance(t, Text)}
        return "mysql" if any("InnoDB" in word or word.startswith("utf8mb4") for word in words) else ""

    # -- statements ----------------------------------------------------------------------------------------------------

    def _entered(self, node: Node) -> None:
        match node:
            case Class(body=body, bases=bases):
                self.indexed = not any(_before_five(base) for base in bases)
                for part in body:
                    self._entered(part)
            case Function(name=name, body=body) if name not in ("down", "self.down"):
                for part in body:
                    self._entered(part)
            case Other(children=parts) if node.word in ("if", "block", "begin", "begin_block", "rescue", "ensure"):
                for part in parts:
                    self._entered(part)
            case Call(callee=Name(id=name)) if name in _STATEMENTS:
                self._stated(node, name)
            case Call(callee=Name(id="execute"), args=(sql, *_)):
                for text in (self.texts[n.start] for n in walk(sql) if isinstance(n, Text) and n.start in self.texts):
                    for change in text.changes:
                        self._note(change, node)
            case Call(callee=Member(name="down" | "down_only")):
                pass
            case Call(args=args):
                for block in args[-1:]:
                    if isinstance(block, Function):
                        self._entered(block)

    def _stated(self, call: Call, name: str) -> None:
        words = [text for text in map(_text, call.args) if text is not None]
        if words:
            for change in _STATEMENTS[name](_Given(call, words, self.indexed)):
                self._note(change, call)
            block = call.args[-1]
            if name in ("create_table", "change_table") and isinstance(block, Function):
                self._columns(words[0], block)

    def _columns(self, table: str, block: Function) -> None:
        for node in block.body:
            if isinstance(node, Call) and isinstance(node.callee, Member):
                name = node.callee.name
                words = [text for text in map(_text, node.args) if text is not None]
                for change in _COLUMNS.get(name, _typed)(_Given(node, [table, *words], self.indexed, name)):
                    self._note(change, node)

    def _note(self, change: SchemaChange, node: Node) -> None:
        self.operations.append(Operation(change, self.code.place(self.path, node)))


def _before_five(base: Node) -> bool:
    """Whether the base class of a migration is of a version in which `references` made no index: none is said, or 4."""
    if isinstance(base, Other) and base.word == "item":
        version = base.children[-1]
        return isinstance(version, Text) and isinstance(version.value, int | float) and version.value < 5
    return isinstance(base, Member)


# -- what a call is given ----------------------------------------------------------------------------------------------


class _Given(msgspec.Struct, frozen=True):
    """A call of a schema statement: `words` are its names, the table first; `kind` is the method on a table."""

    call: Call
    words: list[str]
    indexed: bool = True
    kind: str = ""

    @property
    def table(self) -> str:
        return self.words[0]

    def option(self, name: str) -> Node | None:
        return next((k.value for k in self.call.keywords if k.name == name), None)

    def text(self, name: str) -> str:
        return _text(self.option(name)) or ""

    def is_true(self, name: str) -> bool:
        option = self.option(name)
        return isinstance(option, Text) and option.value is True

    def columns(self, position: int) -> tuple[IndexPart, ...]:
        """The columns that an argument names, one or several; text that is no name is an expression."""
        node = self.option("column") or (self.call.args[position] if position < len(self.call.args) else None)
        listed = node.children if isinstance(node, Other) and node.word == "list" else (node,)
        names = [text for text in map(_text, listed) if text]
        return tuple(IndexPart(name) if re.fullmatch(r"\w+", name) else IndexPart("", name) for name in names)


def _text(node: Node | None) -> str | None:
    return node.value if isinstance(node, Text) and isinstance(node.value, str) else None


def _options(node: Node | None) -> Mapping[str, Node]:
    """What a hash holds, by its keys."""
    if not isinstance(node, Other) or node.word != "dict":
        return {}
    pairs = [part.children for part in node.children if isinstance(part, Other) and len(part.children) == 2]
    return {key: value for name, value in pairs if (key := _text(name))}


def _index_name(table: str, parts: tuple[IndexPart, ...]) -> str:
    return f"index_{table}_on_{'_and_'.join(part.column or part.expression for part in parts)}"


# -- columns -----------------------------------------------------------------------------------------------------------


def _column(given: _Given, name: str, kind: str) -> Iterator[SchemaChange]:
    nullable = given.option("null")
    required = isinstance(nullable, Text) and nullable.value is False
    kind = _TYPES.get(kind, kind)
    primary = kind == "primary_key" or given.is_true("primary_key")
    yield AddColumn(given.table, SqlColumn(name, "bigint" if kind == "primary_key" else kind, not required, primary))
    index = given.option("index")
    if index is not None and not (isinstance(index, Text) and index.value is False):
        yield _own_index(given.table, (IndexPart(name),), index)


def _own_index(table: str, parts: tuple[IndexPart, ...], option: Node | None) -> AddIndex:
    """The index that a column or reference asks for with an option: `true`, or a hash of an index's own options."""
    options = _options(option)
    unique = options.get("unique")
    return AddIndex(
        table,
        SqlIndex(
            _text(options.get("name")) or _index_name(table, parts),
            parts,
            unique=isinstance(unique, Text) and unique.value is True,
            where=_text(options.get("where")) or "",
            method=_text(options.get("using")) or "",
        ),
    )


def _typed(given: _Given) -> Iterator[SchemaChange]:
    """`t.string :a, :b`."""
    if given.kind not in _NO_COLUMNS:
        for name in given.words[1:]:
            yield from _column(given, name, given.kind)


def _named_type(given: _Given) -> Iterator[SchemaChange]:
    """`add_column :table, :name, :type`, `t.column :name, :type`."""
    if len(given.words) > 2:
        yield from _column(given, given.words[1], given.words[2])


def _timestamps(given: _Given) -> Iterator[SchemaChange]:
    for name in ("created_at", "updated_at"):
        yield AddColumn(given.table, SqlColumn(name, "timestamp", nullable=False))


def _references(given: _Given) -> Iterator[SchemaChange]:
    for name in given.words[1:]:
        column, kind = f"{name}_id", given.text("type") or "bigint"
        polymorphic = given.option("polymorphic")
        pair = polymorphic is not None and not (isinstance(polymorphic, Text) and polymorphic.value is False)
        if pair:
            yield AddColumn(given.table, SqlColumn(f"{name}_type", "varchar"))
        yield AddColumn(given.table, SqlColumn(column, kind))
        index = given.option("index")
        if not (isinstance(index, Text) and index.value is False) if index is not None else given.indexed:
            parts = (IndexPart(f"{name}_type"), IndexPart(column)) if pair else (IndexPart(column),)
            yield _own_index(given.table, parts, index)
        key = given.option("foreign_key")
        if isinstance(key, Text) and key.value is True:
            yield AddForeignKey(given.table, SqlForeignKey((column,), plural(name)))
        elif options := _options(key):
            yield AddForeignKey(given.table, SqlForeignKey((column,), _text(options.get("to_table")) or plural(name)))


# -- indexes and keys --------------------------------------------------------------------------------------------------


def _index(given: _Given, position: int) -> Iterator[SchemaChange]:
    parts = given.columns(position)
    if parts:
        opclasses = {name: _text(value) or "" for name, value in _options(given.option("opclass")).items()}
        parts = tuple(msgspec.structs.replace(p, opclass=opclasses.get(p.column, given.text("opclass"))) for p in parts)
        yield AddIndex(
            given.table,
            SqlIndex(
                given.text("name") or _index_name(given.table, parts),
                parts,
                given.is_true("unique"),
                where=given.text("where"),
                method=given.text("using"),
                concurrently=given.text("algorithm") == "concurrently",
                if_missing=given.is_true("if_not_exists"),
            ),
        )


def _no_index(given: _Given, position: int) -> Iterator[SchemaChange]:
    name = given.text("name") or _index_name(given.table, given.columns(position))
    yield DropIndex(name, given.table, given.text("algorithm") == "concurrently", given.is_true("if_exists"))


def _foreign_key(given: _Given) -> Iterator[SchemaChange]:
    if len(given.words) > 1:
        target = given.words[1]
        column = given.text("column") or f"{singular(target)}_id"
        yield AddForeignKey(given.table, SqlForeignKey((column,), target, given.text("name")))


def _no_foreign_key(given: _Given) -> Iterator[SchemaChange]:
    target = given.words[1] if len(given.words) > 1 else given.text("to_table")
    column = given.text("column") or f"{singular(target)}_id"
    yield DropConstraint(given.table, given.text("name"), "foreign key", (column,))


# -- tables ------------------------------------------------------------------------------------------------------------


def _table(given: _Given) -> Iterator[SchemaChange]:
    key, kind = given.option("primary_key"), given.option("id")
    columns: tuple[SqlColumn, ...] = ()
    indexes: tuple[SqlIndex, ...] = ()
    if isinstance(key, Other) and key.word == "list":
        parts = tuple(IndexPart(name) for name in map(_text, key.children) if name)
        indexes = (SqlIndex("", parts, unique=True, primary=True, constraint=True),)
    elif not (isinstance(kind, Text) and kind.value is False):
        type_ = _text(kind) or _text(_options(kind).get("type")) or "bigint"
        columns = (SqlColumn(_text(key) or "id", _TYPES.get(type_, type_), nullable=False, primary=True),)
    yield CreateTable(given.table, columns, indexes, if_missing=given.is_true("if_not_exists"))


def _gone(given: _Given) -> Iterator[SchemaChange]:
    """`remove_column :table, :name, :type`; on a table all are names."""
    for name in given.words[1:] if given.kind else given.words[1:2]:
        yield DropColumn(given.table, name)


def _no_reference(given: _Given) -> Iterator[SchemaChange]:
    for name in given.words[1:]:
        yield DropColumn(given.table, f"{name}_id")
        if given.is_true("polymorphic"):
            yield DropColumn(given.table, f"{name}_type")


def _renamed(make: Callable[[str, str, str], SchemaChange]) -> Callable[[_Given], Iterator[SchemaChange]]:
    def changes(given: _Given) -> Iterator[SchemaChange]:
        if len(given.words) > 2:
            yield make(*given.words[:3])

    return changes


def _altered(given: _Given) -> Iterator[SchemaChange]:
    if len(given.words) > 2:
        yield AlterColumn(given.table, given.words[1], _TYPES.get(given.words[2], given.words[2]))


_COLUMNS: Mapping[str, Callable[[_Given], Iterator[SchemaChange]]] = {
    "column": _named_type,
    "timestamps": _timestamps,
    "references": _references,
    "belongs_to": _references,
    "index": lambda given: _index(given, 0),
    "foreign_key": _foreign_key,
    "remove": _gone,
    "remove_index": lambda given: _no_index(given, 0),
    "remove_references": _no_reference,
    "remove_belongs_to": _no_reference,
    "remove_foreign_key": _no_foreign_key,
    "rename": _renamed(RenameColumn),
    "rename_index": _renamed(lambda table, old, new: RenameIndex(old, new, table)),
    "change": _altered,
}

_STATEMENTS: Mapping[str, Callable[[_Given], Iterator[SchemaChange]]] = {
    "create_table": _table,
    "change_table": lambda _: iter(()),
    "drop_table": lambda given: iter([DropTable(name) for name in given.words]),
    "rename_table": lambda given: iter([RenameTable(*given.words[:2])] if len(given.words) > 1 else []),
    "add_column": _named_type,
    "add_timestamps": _timestamps,
    "add_reference": _references,
    "add_belongs_to": _references,
    "add_index": lambda given: _index(given, 1),
    "add_foreign_key": _foreign_key,
    "remove_column": _gone,
    "remove_columns": lambda given: iter([DropColumn(given.table, name) for name in given.words[1:]]),
    "remove_index": lambda given: _no_index(given, 1),
    "remove_reference": _no_reference,
    "remove_belongs_to": _no_reference,
    "remove_foreign_key": _no_foreign_key,
    "rename_column": _renamed(RenameColumn),
    "rename_index": _renamed(lambda table, old, new: RenameIndex(old, new, table)),
    "change_column": _altered,
}
