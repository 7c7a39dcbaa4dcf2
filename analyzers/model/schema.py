"""The tables of a repository: what its models state, folded with what its migrations and SQL files do.

Where a library creates tables from models (`schema_from: models`), the models are the truth and SQL adds to it. Where
migrations create them (`schema_from: migrations`), a table that some migration creates is what the migrations make of it,
and a table that none creates is what its mapping says. A definition that cannot be read counts as covering (`Table.unread`).
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator

import msgspec

from analyzers.facts.outline import Call, Name, Text, walk
from analyzers.facts.sql import (
    AddColumn,
    AddForeignKey,
    AddIndex,
    CreateTable,
    DropColumn,
    DropIndex,
    DropTable,
    NotUnderstood,
    RenameColumn,
    RenameTable,
    SchemaChange,
    SqlColumn,
    SqlIndex,
    SqlText,
)
from analyzers.knowledge import Library, libraries, named
from analyzers.model.code import Codebase
from analyzers.model.definitions import ClassDefinition, External
from analyzers.model.models import ModelIndex
from analyzers.model.project import Column, ForeignKey, Index, Table
from analyzers.model.roles import is_test
from analyzers.source import Place

_DATABASES = (
    ("postgresql", re.compile(r"postgres|postgis|pgsql|psycopg|timescale|\bpgvector", re.IGNORECASE)),
    ("mysql", re.compile(r"mysql|mariadb", re.IGNORECASE)),
    ("sqlite", re.compile(r"sqlite", re.IGNORECASE)),
)
_DATABASE_SETTING = re.compile(
    r"\.image$|^image$|database_url$|(^|\.)(url|dsn|driver|engine|connection)$|^FROM$|server_version$", re.IGNORECASE
)
_DIALECTS = {"postgres": "postgresql", "mysql": "mysql", "sqlite": "sqlite"}


class _Draft:
    """A table while changes are folded into it."""

    def __init__(self, name: str, place: Place | None, database: str) -> None:
        self.name, self.place, self.database = name, place, database
        self.label = name
        self.columns: dict[str, Column] = {}
        self.indexes: list[Index] = []
        self.keys: list[ForeignKey] = []
        self.unread = ""
        self.index_code = "sql"

    def finish(self) -> Table:
        return Table(
            self.name,
            self.label,
            self.columns,
            tuple(self.indexes),
            tuple(self.keys),
            self.place,
            self.database,
            self.unread,
            self.index_code,
        )


def database_of(code: Codebase) -> str:
    """The database the repository's own configuration names, if it names one alone; a server wins over SQLite, which
    projects name beside it for development."""
    votes: Counter[str] = Counter()
    for path, facts in code.files.items():
        if is_test(path):
            continue
        for setting in facts.settings:
            if _DATABASE_SETTING.search(setting.key):
                votes.update(name for name, shape in _DATABASES if shape.search(setting.value))
        if facts.language == "python" and "settings" in path:
            for node in (n for top in facts.outline for n in walk(top)):
                if isinstance(node, Text) and isinstance(node.value, str) and ".backends." in node.value:
                    votes.update(name for name, shape in _DATABASES if shape.search(node.value))
    servers = [name for name in ("postgresql", "mysql") if votes[name]]
    if len(servers) == 1:
        return servers[0]
    return "sqlite" if not servers and votes["sqlite"] else ""


def build_schema(code: Codebase, models: ModelIndex, database: str = "") -> dict[str, Table]:
    """Every table, by name. `database` is what the configuration says it is, empty where the code is to be asked."""
    database = database or database_of(code)
    folded: dict[str, _Draft] = {}
    for path, text in _sql_in_order(code):
        place = Place(path, code.files[path].span(text.start, text.end))
        for change in text.changes:
            _fold(folded, change, place, _DIALECTS.get(text.dialect, "") or database)
    for model in models.by_name.values():
        if model.abstract or model.place is None:
            continue
        drawn = folded.get(model.table)
        if drawn is not None and model.library.schema_from == "migrations":
            drawn.label = model.name
            drawn.indexes.extend(i for i in model.indexes if i.stated)
            for column in model.columns.values():
                if column.name in drawn.columns:
                    drawn.columns[column.name] = msgspec.structs.replace(drawn.columns[column.name], role=column.role)
            continue
        draft = _Draft(model.table, model.place, database)
        draft.label, draft.index_code = model.name, model.library.library
        draft.columns = {c.name: c for c in model.columns.values() if not c.foreign}
        draft.indexes = list(model.indexes)
        draft.keys = [
            ForeignKey((relation.column,), _table_of(models, relation.target), relation.place)
            for relation in model.relations.values()
            if relation.place is not None and relation.column and relation.column in draft.columns
        ]
        if not model.managed:
            draft.unread = "its table is managed elsewhere"
        if model.library.schema_from == "unread":
            draft.unread = "what creates its table is not read"
        if drawn is not None:
            draft.indexes.extend(drawn.indexes)
            draft.unread = draft.unread or drawn.unread
        folded[model.table] = draft
    return {name: draft.finish() for name, draft in folded.items()}


def _table_of(models: ModelIndex, name: str) -> str:
    model = models.by_name.get(name)
    return model.table if model is not None else ""


# -- which SQL runs on the schema, in which order ----------------------------------------------------------------------


def _sql_in_order(code: Codebase) -> Iterator[tuple[str, SqlText]]:
    for path in sorted(code.files, key=_version):
        facts = code.files[path]
        if not facts.sql or is_test(path):
            continue
        if facts.language == "sql":
            yield from ((path, text) for text in facts.sql)
        else:
            yield from ((path, text) for text in _migration_sql(code, path))


def _version(path: str) -> tuple[str, list[tuple[int, str]]]:
    """Orders files of one folder by the numbers in their names: `V2` before `V10`."""
    folder, _, name = path.rpartition("/")
    return folder, [(int(part), "") if part.isdigit() else (0, part) for part in re.split(r"(\d+)", name)]


def _migration_sql(code: Codebase, path: str) -> Iterator[SqlText]:
    """The SQL that a migration class runs forwards."""
    texts = {text.start: text for text in code.files[path].sql}
    for definition in code.definitions(path).values():
        if not isinstance(definition, ClassDefinition):
            continue
        library = _migration_library(code, definition)
        if library is None:
            continue
        skipped = [definition.methods[name].node for name in library.migration_reverse if name in definition.methods]
        for node in walk(definition.node):
            if not isinstance(node, Call) or any(s.start <= node.start < s.end for s in skipped):
                continue
            name = getattr(node.callee, "name", None) or (node.callee.id if isinstance(node.callee, Name) else "")
            position = library.migration_sql.get(name)
            if name in library.migration_tables and node.args and isinstance(node.args[0], Text):
                change = NotUnderstood(f"{name}()", str(node.args[0].value))
                yield SqlText(node.start, node.end, (change,))
            if position is None or position >= len(node.args):
                continue
            for inner in walk(node.args[position]):
                if isinstance(inner, Text) and inner.start in texts:
                    yield texts[inner.start]


def _migration_library(code: Codebase, definition: ClassDefinition) -> Library | None:
    externals = [b.name for b in code.lineage(definition) if isinstance(b, External)]
    return next((x for x in libraries() if any(named(x, e, x.migration_marks) for e in externals)), None)


# -- folding -----------------------------------------------------------------------------------------------------------


def _fold(tables: dict[str, _Draft], change: SchemaChange, place: Place, database: str) -> None:
    match change:
        case CreateTable(table=name):
            draft = tables.setdefault(name, _Draft(name, place, database))
            for column in change.columns:
                _add_column(draft, column, place)
            draft.indexes.extend(_index(i, place) for i in change.indexes)
            draft.keys.extend(ForeignKey(k.columns, k.references, place) for k in change.foreign_keys)
        case DropTable(table=name):
            tables.pop(name, None)
        case RenameTable(table=name, to=to):
            draft_or_none = tables.pop(name, None)
            if draft_or_none is not None:
                draft_or_none.name = draft_or_none.label = to
                tables[to] = draft_or_none
        case AddColumn(table=name, column=column):
            _add_column(_draft(tables, name, place, database), column, place)
        case DropColumn(table=name, column=gone):
            draft = _draft(tables, name, place, database)
            draft.columns.pop(gone, None)
            draft.indexes = [i for i in draft.indexes if gone not in i.columns]
            draft.keys = [k for k in draft.keys if gone not in k.columns]
        case RenameColumn(table=name, column=old, to=new):
            _rename(_draft(tables, name, place, database), old, new)
        case AddIndex(table=name, index=index):
            _draft(tables, name, place, database).indexes.append(_index(index, place))
        case DropIndex(name=index_name, table=name):
            for draft in [tables[name]] if name in tables else tables.values():
                kept = [i for i in draft.indexes if i.name != index_name]
                if name and len(kept) == len(draft.indexes):
                    draft.keys = []  # a constraint that is no index, so a foreign key: which one is not said
                draft.indexes = kept
        case AddForeignKey(table=name, key=key):
            draft = _draft(tables, name, place, database)
            draft.keys = [k for k in draft.keys if k.columns != key.columns]
            draft.keys.append(ForeignKey(key.columns, key.references, place))
        case NotUnderstood(table=name, text=text) if name:
            _draft(tables, name, place, database).unread = f"`{text[:60]}` was not understood"


def _draft(tables: dict[str, _Draft], name: str, place: Place, database: str) -> _Draft:
    """The table; one that is changed without having been created is only partly known."""
    if name not in tables:
        tables[name] = _Draft(name, place, database)
        tables[name].unread = "its creation was not found"
    return tables[name]


def _add_column(draft: _Draft, column: SqlColumn, place: Place) -> None:
    role = "foreign key" if column.references else _sql_role(column)
    draft.columns[column.name] = Column(column.name, role, place)
    if column.primary or column.unique:
        draft.indexes.append(Index((column.name,), unique=True, place=place))
    if column.references:
        draft.keys.append(ForeignKey((column.name,), column.references, place))


def _sql_role(column: SqlColumn) -> str:
    kind = column.type.lower()
    if kind.startswith(("bool", "bit")) or kind == "tinyint(1)":
        return "boolean"
    if kind.startswith(("timestamp", "date", "datetime")):
        return "timestamp"
    if column.name in ("status", "state"):
        return "status"
    if kind.startswith(("varchar", "char", "uuid", "citext")):
        return "lookup"
    if kind.startswith(("text", "json", "blob", "bytea")):
        return "text"
    if kind.startswith(("int", "bigint", "smallint", "serial", "decimal", "numeric", "float", "double", "real")):
        return "number"
    return "other"


def _index(index: SqlIndex, place: Place) -> Index:
    columns = tuple("" if part.expression else part.column for part in index.parts)
    return Index(columns, index.unique or index.primary, index.where, index.method, index.name, place)


def _rename(draft: _Draft, old: str, new: str) -> None:
    if old in draft.columns:
        draft.columns[new] = msgspec.structs.replace(draft.columns.pop(old), name=new)
    draft.indexes = [
        msgspec.structs.replace(i, columns=tuple(new if c == old else c for c in i.columns)) for i in draft.indexes
    ]
    draft.keys = [msgspec.structs.replace(k, columns=tuple(new if c == old else c for c in k.columns)) for k in draft.keys]
