"""Prisma schemas as tables.

A schema is the file with a `datasource`, or that file and those beside and below it that have none. Columns and tables are
named as the database names them (`@map`, `@@map`). Prisma makes an index for `@id`, `@unique` and what is stated, and none
for a relation; with `relationMode = "prisma"` the database does not even know of the relation.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from posixpath import dirname

import msgspec

from analyzers.facts.outline import Assign, Call, Class, Member, Name, Node, Other, Text
from analyzers.facts.sql import IndexPart
from analyzers.model.naming.code import Codebase
from analyzers.model.naming.roles import is_test
from analyzers.model.project import Column, ForeignKey, Index, Slot
from analyzers.model.tables.columns import named_role, role_of
from analyzers.model.tables.folding import Draft

_LANGUAGE = "prisma"
_USUAL = re.compile(r"(^|/)(prisma/|[^/]*schema[^/]*\.prisma$)")

# Source: Prisma's list of data source providers. Others (mongodb, sqlserver) have no tables, or none whose habits we know.
_PROVIDERS = {"postgresql": "postgresql", "postgres": "postgresql", "mysql": "mysql", "sqlite": "sqlite"}

# Scalars, and the SQL types whose role they share. A `String` may be as long as a text, but is what keys and names are made of.
_SCALARS = {
    "String": "varchar",
    "Boolean": "bool",
    "Int": "int",
    "BigInt": "bigint",
    "Float": "double",
    "Decimal": "decimal",
    "DateTime": "timestamp",
    "Json": "json",
    "Bytes": "bytea",
    "Unsupported": "unsupported",
}


class PrismaSchema(msgspec.Struct, frozen=True):
    """One schema: where it stands, its database, and its tables."""

    folder: str
    database: str
    tables: tuple[Draft, ...]


class _Block(msgspec.Struct, frozen=True):
    """A block of a file, with its own attributes by name."""

    path: str
    node: Class
    marks: Mapping[str, tuple[Call, ...]]

    @property
    def keyword(self) -> str:
        base = self.node.bases[0]
        return base.id if isinstance(base, Name) else ""


def prisma_schemas(code: Codebase) -> Iterator[PrismaSchema]:
    """The schemas of a repository, by their place."""
    files = {path: facts.outline for path, facts in code.files.items() if facts.language == _LANGUAGE and _is_now(path)}
    if not files:
        return
    configured = {
        setting.value.removeprefix("./").rstrip("/")
        for facts in code.files.values()
        if facts.language == "json"
        for setting in facts.settings
        if setting.key == "prisma.schema"
    }
    blocks = {path: [_block(path, node) for node in outline if isinstance(node, Class)] for path, outline in files.items()}
    heads = sorted(path for path, found in blocks.items() if any(b.keyword == "datasource" for b in found))
    for head in heads:
        if not _USUAL.search(head) and not any(f"/{c}/" in f"/{head}/" for c in configured):
            continue
        parts = [head, *(p for p in sorted(blocks) if p not in heads and _head_of(p, heads) == head)]
        yield _Reader(code, [b for p in parts for b in blocks[p]]).schema(dirname(head))


def _is_now(path: str) -> bool:
    """Whether a file states what is, and neither what a test needs nor what a migration left (as the first Prisma did)."""
    return not is_test(path) and "/migrations/" not in f"/{path}"


def _head_of(path: str, heads: Iterable[str]) -> str:
    """The file with the data source that a file without one belongs to: the nearest at its side or above."""
    above = [h for h in heads if not dirname(h) or path.startswith(dirname(h) + "/")]
    return max(above, key=lambda h: len(dirname(h)), default="")


def _block(path: str, node: Class) -> _Block:
    marks: dict[str, tuple[Call, ...]] = {}
    for mark in node.decorators:
        call = mark if isinstance(mark, Call) else Call(mark.start, mark.end, mark)
        name = call.callee.id if isinstance(call.callee, Name) else ""
        marks[name] = (*marks.get(name, ()), call)
    return _Block(path, node, marks)


class _Field(msgspec.Struct, frozen=True):
    """A field of a model: its type, and its attributes by name (`db.VarChar` as such)."""

    node: Assign
    name: str
    type: str
    many: bool
    optional: bool
    marks: Mapping[str, Call]


class _Reader:
    """Reads the blocks of one schema."""

    def __init__(self, code: Codebase, blocks: list[_Block]) -> None:
        self.code = code
        self.blocks = blocks
        self.models = {b.node.name: b for b in blocks if b.keyword == "model"}
        self.enums = {b.node.name for b in blocks if b.keyword == "enum"}
        self.tables = {name: _table_name(block) for name, block in self.models.items()}
        settings = _settings(blocks)
        self.database = _PROVIDERS.get(settings.get("provider", ""), "")
        self.enforced = "prisma" not in (settings.get("relationMode"), settings.get("referentialIntegrity"))
        self.fields = {name: {f.name: f for f in _fields(block)} for name, block in self.models.items()}
        self.columns = {
            name: {f.name: _mapped(f.marks.get("map"), f.name) for f in fields.values() if self._is_column(f)}
            for name, fields in self.fields.items()
        }

    def schema(self, folder: str) -> PrismaSchema:
        return PrismaSchema(folder, self.database, tuple(map(self._table, self.models)))

    def _is_column(self, field: _Field) -> bool:
        return field.type in _SCALARS or field.type in self.enums

    def _table(self, name: str) -> Draft:
        block = self.models[name]
        head = block.node.bases[0]
        draft = Draft(self.tables[name], self.code.place(block.path, Name(head.start, head.end, name)), self.database)
        draft.label, draft.index_code = name, "prisma"
        columns = self.columns[name]
        for field in self.fields[name].values():
            if field.name in columns:
                self._column(draft, block.path, field, columns[field.name])
        for mark, unique, primary in (("id", True, True), ("unique", True, False), ("index", False, False)):
            for call in block.marks.get(mark, ()):
                draft.indexes.append(self._index(name, block.path, call, unique=unique, primary=primary))
        for call in block.marks.get("fulltext", ()):
            draft.indexes.append(msgspec.structs.replace(self._index(name, block.path, call), method="fulltext"))
        draft.keys = list(self._keys(name, block.path))
        for column in (c for key in draft.keys for c in key.columns):
            if draft.columns[column].role != "key":
                draft.columns[column] = msgspec.structs.replace(draft.columns[column], role="foreign key")
        draft.slots = tuple(self._slots(block))
        return draft

    def _column(self, draft: Draft, path: str, field: _Field, column: str) -> None:
        place = self.code.place(path, field.node)
        native = next((m.partition(".")[2].lower() for m in field.marks if m.startswith("db.")), "")
        kind = "enum" if field.type in self.enums else native or _SCALARS[field.type]
        role = named_role(field.name, role_of(kind, (), field.name), chosen=kind == "enum")
        role = "key" if "id" in field.marks else "other" if field.many else role
        draft.columns[column] = Column(column, role, place, field.name, type=kind, nullable=field.optional)
        for mark in ("id", "unique"):
            if mark in field.marks:
                name = _text(_given(field.marks[mark], "map"))
                index = Index.of((column,), unique=True, primary=mark == "id", name=name, place=place, stated=True)
                draft.indexes.append(index)

    def _index(self, model: str, path: str, call: Call, *, unique: bool = False, primary: bool = False) -> Index:
        """What `@@index`, `@@unique` or `@@id` states; one whose columns are not those of the model is not readable."""
        listed = _given(call, "fields") or (call.args[0] if call.args else None)
        parts = tuple(self._part(model, node) for node in _each(listed))
        where = _given(call, "where")
        method = _given(call, "type")
        return Index(
            tuple(part for part in parts if part is not None),
            unique=unique,
            where="…" if where is not None else "",
            method=method.id.lower() if isinstance(method, Name) else "",
            name=_text(_given(call, "map")),
            place=self.code.place(path, call),
            readable=bool(parts) and None not in parts,
            stated=True,
            primary=primary,
        )

    def _part(self, model: str, node: Node) -> IndexPart | None:
        call = node if isinstance(node, Call) else Call(node.start, node.end, node)
        if not isinstance(call.callee, Name) or call.callee.id not in self.columns[model]:
            return None
        sort, length, ops = (_given(call, word) for word in ("sort", "length", "ops"))
        opclass = _text(ops.args[0]) if isinstance(ops, Call) and ops.args else ops.id.lower() if isinstance(ops, Name) else ""
        return IndexPart(
            self.columns[model][call.callee.id],
            descending=isinstance(sort, Name) and sort.id == "Desc",
            opclass=opclass,
            prefix=length.value if isinstance(length, Text) and isinstance(length.value, int) else 0,
        )

    def _keys(self, model: str, path: str) -> Iterator[ForeignKey]:
        for field in self.fields[model].values():
            relation = field.marks.get("relation")
            own = _names(_given(relation, "fields")) if relation is not None else ()
            if relation is None or not own or field.type not in self.tables or not set(own) <= set(self.columns[model]):
                continue
            target = self.columns[field.type]
            yield ForeignKey(
                tuple(self.columns[model][name] for name in own),
                self.tables[field.type],
                self.code.place(path, field.node),
                _text(_given(relation, "map")),
                tuple(target.get(name, name) for name in _names(_given(relation, "references"))),
                by="constraint" if self.enforced else "relation",
            )

    def _slots(self, block: _Block) -> Iterator[Slot]:
        """Where one more attribute of the model goes: before the bracket that closes it."""
        close = self.code.files[block.path].span(block.node.end - 1, block.node.end)
        if close.start_column == 1:
            yield Slot(block.path, block.node.end - 1, "  " if block.node.decorators else "\n  ", "\n", "prisma")


def _fields(block: _Block) -> Iterator[_Field]:
    for node in block.node.body:
        if not isinstance(node, Assign) or not isinstance(node.target, Name) or node.annotation is None:
            continue
        kind, many, optional = node.annotation, False, False
        if isinstance(kind, Other) and kind.word == "|":
            kind, optional = kind.children[0], True
        if isinstance(kind, Other) and kind.word == "item":
            kind, many = kind.children[1], True
        kind = kind.callee if isinstance(kind, Call) else kind
        marks: dict[str, Call] = {}
        for mark in node.decorators:
            call = mark if isinstance(mark, Call) else Call(mark.start, mark.end, mark)
            match call.callee:
                case Name(id=name):
                    marks[name] = call
                case Member(of=Name(id=of), name=name):
                    marks[f"{of}.{name}"] = call
        if isinstance(kind, Name) and "ignore" not in marks:
            yield _Field(node, node.target.id, kind.id, many, optional, marks)


def _settings(blocks: list[_Block]) -> dict[str, str]:
    """What the data source sets."""
    return {
        node.target.id: _text(node.value)
        for block in blocks
        if block.keyword == "datasource"
        for node in block.node.body
        if isinstance(node, Assign) and isinstance(node.target, Name)
    }


def _table_name(block: _Block) -> str:
    name = next((_mapped(call, block.node.name) for call in block.marks.get("map", ())), block.node.name)
    schema = next((_text(call.args[0]) for call in block.marks.get("schema", ()) if call.args), "")
    return f"{schema}.{name}" if schema not in ("", "public") else name


def _mapped(call: Call | None, name: str) -> str:
    """The name that `@map` gives, else the field's own."""
    if call is None:
        return name
    return _text(call.args[0] if call.args else _given(call, "name")) or name


def _given(call: Call, name: str) -> Node | None:
    return next((keyword.value for keyword in call.keywords if keyword.name == name), None)


def _names(node: Node | None) -> tuple[str, ...]:
    return tuple(n.id for n in _each(node) if isinstance(n, Name))


def _each(node: Node | None) -> tuple[Node, ...]:
    """What a list holds. Of one thing alone the brackets may be left out: `@@index(userId)`."""
    match node:
        case None:
            return ()
        case Other(children=children):
            return children
    return (node,)


def _text(node: Node | None) -> str:
    return node.value if isinstance(node, Text) and isinstance(node.value, str) else ""
