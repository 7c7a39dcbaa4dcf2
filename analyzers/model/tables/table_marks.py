"""What decorators of classes say of a table: its name, its indexes, and whether a class shares it with its ancestors."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

import msgspec

from analyzers.facts.outline import Call, Member, Name, Node, Other, Text, walk
from analyzers.facts.sql import IndexPart
from analyzers.knowledge import Library, Models
from analyzers.knowledge.naming import TABLES
from analyzers.model.naming.definitions import ClassDefinition
from analyzers.model.project import Column, Index
from analyzers.source import Place

if TYPE_CHECKING:
    from analyzers.model.tables.fields import Declarations


class TableMarks(msgspec.Struct, frozen=True):
    """What the decorators of one class say. `shares` is how its heirs have their tables: one, joined, or empty."""

    table: str = ""
    indexes: tuple[Index, ...] = ()
    abstract: bool = False
    entity: bool = False
    shares: str = ""


def table_of(declarations: Declarations, definition: ClassDefinition, library: Library) -> tuple[str, bool, tuple[Index, ...]]:
    """A class's table, whether it is none of its own, and the indexes that it and those it has them from state. A superclass
    that names a table is one: something makes an entity of it."""
    models = library.models
    assert models is not None
    lineage = [c for c in declarations.code.lineage(definition) if isinstance(c, ClassDefinition)]
    said = {id(base): read(declarations, base, library) for base in lineage}
    own = said[id(definition)]
    holder = next((base for base in lineage if said[id(base)].shares == "one"), definition)
    inherited = [said[id(b)].indexes for b in lineage if b in (definition, holder) or said[id(b)].abstract]
    table = said[id(holder)].table or TABLES[models.table](holder.path, holder.name)
    return table, own.abstract and not own.table, tuple(index for some in reversed(inherited) for index in some)


def has_rows_of(declarations: Declarations, definition: ClassDefinition, base: ClassDefinition, library: Library) -> bool:
    """Whether the columns of a base class are in another table, which the class's own rows are joined with."""
    lineage = [c for c in declarations.code.lineage(definition) if isinstance(c, ClassDefinition)]
    joined = any(read(declarations, c, library).shares == "joined" for c in lineage)
    return joined and base is not definition and read(declarations, base, library).entity


def read(declarations: Declarations, definition: ClassDefinition, library: Library) -> TableMarks:
    """What the decorators of the class itself say, and those a mapping file has for it."""
    known = declarations.table_marks.get(definition.qualified)
    if known is None:
        known = declarations.table_marks[definition.qualified] = _read(declarations, definition, library)
    return known


def _read(declarations: Declarations, definition: ClassDefinition, library: Library) -> TableMarks:
    models = library.models
    assert models is not None
    table = shares = ""
    indexes: list[Index] = []
    marks: set[str] = set()
    for path, mark, given in _marks(declarations, definition, library, models):
        marks.add(mark)
        if mark == models.table_mark:
            table = unquoted(_text(given.get("name"))) or table
        elif mark == models.inheritance_mark:
            shares = models.inheritance.get(_text(given.get("0") or given.get("value")), shares)
        elif mark in models.index_marks or mark in models.unique_marks:
            indexes += _indexes(given, unique=mark in models.unique_marks, place=declarations.code.place(path, given["place"]))
    abstract = models.abstract_mark in marks
    return TableMarks(table, tuple(indexes), abstract, not abstract and bool(marks & set(models.marks)), shares)


def _marks(
    declarations: Declarations, definition: ClassDefinition, library: Library, models: Models
) -> Iterator[tuple[str, str, dict[str, Node]]]:
    """The library's decorators, also those that stand in another's arguments, with the file they stand in."""
    known = (*models.marks, models.table_mark, models.inheritance_mark, *models.index_marks, *models.unique_marks)
    mapped = declarations.mapped(definition.qualified)
    stated = [(definition.path, d) for d in definition.node.decorators]
    stated += [(mapped.path, d) for d in mapped.decorators] if mapped is not None else []
    for path, node in ((path, inner) for path, decorator in stated for inner in walk(decorator)):
        mark = declarations.mark(path, node, library, known) if isinstance(node, Call | Name | Member) else None
        if mark:
            given = {str(i): arg for i, arg in enumerate(node.args)} if isinstance(node, Call) else {}
            given |= {k.name: k.value for k in node.keywords} if isinstance(node, Call) else {}
            yield path, mark, given | {"place": node}


def _indexes(given: Mapping[str, Node], *, unique: bool, place: Place) -> Iterator[Index]:
    columns = given.get("columns") or given.get("fields") or given.get("0")
    if not isinstance(columns, Other):
        return
    options = given.get("options")
    pairs = [p.children for p in options.children if isinstance(p, Other)] if isinstance(options, Other) else []
    where = next((_text(pair[1]) for pair in pairs if len(pair) == 2 and _text(pair[0]) == "where"), "")
    flags = given.get("flags")
    said = {_text(f).lower() for f in flags.children} if isinstance(flags, Other) else set()
    method = next((name for name in ("fulltext", "spatial") if name in said), "")
    parts = tuple(IndexPart(unquoted(_text(c))) for c in columns.children)
    yield Index(parts, unique=unique, where=where, method=method, name=_text(given.get("name")), place=place, stated=True)


def by_columns(indexes: tuple[Index, ...], columns: Mapping[str, Column]) -> Iterator[Index]:
    """An index names a field or a column; both mean the column."""
    for index in indexes:
        parts = [columns[p.column].name if p.column in columns else p.column for p in index.parts]
        yield msgspec.structs.replace(index, parts=tuple(map(IndexPart, parts)))


def unquoted(name: str) -> str:
    """A name of a table or column without the quotes that keep it from being a word of SQL."""
    return name.strip('`"')


def _text(node: Node | None) -> str:
    return node.value if isinstance(node, Text) and isinstance(node.value, str) else ""
