"""An index that queries need, or that a foreign key needs, and that the table has not.

Two questions. Of each foreign key: does the database have an index for it? (InnoDB makes one by itself, PostgreSQL and
SQLite do not.) Of each query: does any index narrow its rows, or give them in its order? Queries that one index would serve
have one cause, and are told together. What could not be read counts as covered.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import msgspec

from analyzers.findings import Confidence, Finding, NewFile, Related, Severity
from analyzers.model.indexes.coverage import leading, reaching
from analyzers.model.indexes.dropped import drops
from analyzers.model.indexes.growth import growing, is_authored, stays_small
from analyzers.model.indexes.hardly import Asked, asked_by, hardly_of_key, hardly_of_query
from analyzers.model.indexes.index_files import index_file
from analyzers.model.indexes.live_indexes import NewIndex
from analyzers.model.indexes.statements import edit, stated
from analyzers.model.indexes.wanted import Want, merged, wanted
from analyzers.model.project import ForeignKey, Project, QuerySite, Table
from analyzers.settings import Settings
from analyzers.source import Place

TITLE = "Missing index"
CATEGORY = "missing_index"

_WITHOUT_OWN_INDEX = ("postgresql", "sqlite")
_JUDGED = ("postgresql", "mysql", "sqlite")


def check(project: Project, settings: Settings) -> Iterator[Finding]:
    """One finding for each foreign key without an index, and for each function and index that it asks for in vain.

    What is so as far as the code was understood is withheld: once it is understood, it was so before.
    """
    named = {name.lower() for name, table in project.tables.items() if _is_named(table, settings)}
    named |= {name.lower() for name in settings.tables.small}
    tables = {name: t for name, t in project.tables.items() if name.lower() not in named}
    asked: list[_Asked] = [(Want(n, k.columns), k) for n, t in tables.items() for k in _unindexed(t, project.tables, named)]
    as_read = {name: msgspec.structs.replace(t, unread="") if t.unread else t for name, t in project.tables.items()}
    for query in sorted(project.queries, key=lambda query: query.place):
        want = wanted(query, as_read)
        if want is not None and want.table in tables:
            asked.append((want, query))
    known = _Known(project, drops(project.migrations), growing(project.tables), asked_by(project.queries))
    doubts = [known.doubt(want, of) for want, of in asked]
    indexes = merged([want for (want, _), doubt in zip(asked, doubts, strict=True) if not doubt], project.tables)
    found: dict[str, Finding] = {}
    for (want, of), doubt in zip(asked, doubts, strict=True):
        table, known_as = tables[want.table], _subject(tables[want.table], want, of)
        if doubt:
            found.setdefault(known_as, _withheld(table, want, of, doubt))
        elif known_as not in found or found[known_as].withheld:
            found[known_as] = _told(known, want, of, indexes)
    yield from found.values()


_Asked = tuple[Want, ForeignKey | QuerySite]


class _Known(msgspec.Struct, frozen=True):
    """What findings are told with."""

    project: Project
    dropped: Mapping[tuple[str, str], Place]
    grown: frozenset[str]
    compared: Asked

    def doubt(self, want: Want, of: ForeignKey | QuerySite) -> str:
        """Why an index that seems to be wanted may not be: nothing where it is."""
        table = self.project.tables[want.table]
        if stays_small(table):
            return f"`{table.name}` is a list that stays small."
        if isinstance(of, ForeignKey):
            return table.unread
        if of.partial:
            return "The query asks for more, which was not understood."
        if table.scoped or self.project.tables[of.table].scoped:
            return f"The code adds a condition to every query of `{of.table}`."
        if want.table not in self.grown:
            return f"Nothing shows that `{table.name}` grows."
        return next((t.unread for t in of.tables(self.project.tables) if t.unread), "")


def _subject(table: Table, want: Want, of: ForeignKey | QuerySite) -> str:
    if isinstance(of, ForeignKey):
        return f"{table.name}.{','.join(of.columns)}: foreign key"
    return f"{table.label}.{','.join(want.columns)}: {of.function}"


def _withheld(table: Table, want: Want, of: ForeignKey | QuerySite, doubt: str) -> Finding:
    """What is not told, in as few words as comparing it takes."""
    title = f"`{table.name}` may lack an index on {_names(want.columns)}"
    subject = _subject(table, want, of)
    return Finding("missing_index", subject, title, "", "", "", "", "", of.place, withheld=doubt)


def _told(known: _Known, want: Want, of: ForeignKey | QuerySite, indexes: Mapping[Want, tuple[str, ...]]) -> Finding:
    table = known.project.tables[want.table]
    index = NewIndex(table, indexes[want], folded=want.folded, beginning=want.beginning)
    return _of_key(known, table, of, index) if isinstance(of, ForeignKey) else _of_query(known, want, of, index)


def _written(index: NewIndex, known: _Known) -> tuple[str, str, tuple[NewFile, ...]]:
    """Code that states it, its language, and the migration. What only migrations state is in that."""
    code, language = stated(index)
    files = index_file(index, known.project.migrations)
    return ("" if files and language == "sql" else code), language, files


def _is_named(table: Table, settings: Settings) -> bool:
    """Whether the configuration says that it never grows."""
    return settings.at(table.place.path if table.place else "").has_small(table.name, table.label)


def _unindexed(table: Table, tables: Mapping[str, Table], small: set[str]) -> Iterator[ForeignKey]:
    """The foreign keys that the database looks up by reading the whole table."""
    for key in table.foreign_keys:
        target = tables.get(key.target)
        few = key.target.lower() in small or (target is not None and stays_small(target))
        judged = table.database in (_WITHOUT_OWN_INDEX if key.by == "constraint" else _JUDGED)
        judged = judged or (key.by == "relation" and not table.database)
        narrowed = key.by != "constraint" and key.columns[0] not in table.asked and _narrowed(table)
        served = any(leading(table, c) or _led_where_filled(table, c) for c in key.columns)
        served = served or (key.by != "constraint" and any(reaching(table, c) for c in key.columns))
        if judged and not few and not narrowed and not served and not is_authored(key):
            yield key


def _narrowed(table: Table) -> bool:
    """Whether what the code adds to every query of the table has an index, or may have."""
    return table.scoped or any(leading(table, column) for column in table.asked)


def _led_where_filled(table: Table, column: str) -> bool:
    """Whether an index holds all rows that have a value, or that are not deleted, in the order of the column."""
    index = table.led_by(column)
    return index is not None and "null" in index.where.lower()


def _of_key(known: _Known, table: Table, key: ForeignKey, index: NewIndex) -> Finding:
    column = key.columns[0]
    code, language, files = _written(index, known)
    target = f"`{key.target}`" if key.target else "the other table"
    listed = hardly_of_key(table, key, known.project.tables, known.grown, known.compared)
    return Finding(
        rule="missing_index",
        subject=_subject(table, Want(table.name, key.columns), key),
        title=f"`{table.name}.{column}` refers to {target} and has no index",
        message=(
            f"{_why_none(table, key)} Every join from {target} and every delete of one of its rows reads all of `{table.name}`."
        ),
        growth=_growth(table),
        remedy=f"Add an index that begins with the column{_carefully(index)}.",
        code=code,
        code_language=language,
        place=key.place,
        related=(*_stated(known, table, key.columns[:1], key.place), *(Related(p, f"states `{column}`") for p in key.also)),
        evidence=(f"No index, unique constraint or primary key of `{table.name}` begins with `{column}`.",),
        severity=Severity.LOW if listed else Severity.MEDIUM,
        listed=listed,
        confidence=Confidence.LIKELY if key.by == "name" else Confidence.CERTAIN,
        cause=_cause(index),
        wider=f"{table.name}: keys{', listed' * bool(listed)}",
        fix=edit(index),
        files=files,
    )


def _why_none(table: Table, key: ForeignKey) -> str:
    """Why the database has made no index for a foreign key by itself."""
    match key.by:
        case "constraint":
            engine = "PostgreSQL" if table.database == "postgresql" else "SQLite"
            return f"{engine} makes no index for a foreign key."
        case "relation":
            return "The relation stands in the code alone: the database has no foreign key, and made no index for one."
    return "The column is named after that table's rows, and no constraint makes the database look after it."


def _of_query(known: _Known, want: Want, query: QuerySite, index: NewIndex) -> Finding:
    table = index.table
    code, language, files = _written(index, known)
    names = _names(want.columns)
    listed = hardly_of_query(want, query, table)
    verb = "sorts" if want.sorts else "searches"
    by = f"{names}, whatever its case," if want.folded else f"the beginning of {names}" if want.beginning else names
    return Finding(
        rule="missing_index",
        subject=_subject(table, want, query),
        title=f"`{query.function}` {verb} `{table.label}` by {by} without an index",
        message=f"{_why(want, table)}, so the database reads every row each time.",
        growth=_growth(table),
        remedy=f"Add an index on {_names(index.columns)}{_carefully(index)}.",
        code=code,
        code_language=language,
        place=query.place,
        related=_stated(known, table, index.columns, query.place),
        evidence=(_indexes(table),),
        severity=Severity.LOW if query.batch or listed else Severity.MEDIUM,
        listed=listed,
        confidence=Confidence.LIKELY,
        cause=_cause(index),
        fix=edit(index),
        files=files,
    )


def _why(want: Want, table: Table) -> str:
    if want.folded:
        return f"A plain index of `{table.name}` finds one spelling, and none ignores case"
    if want.beginning:
        return f"An index of `{table.name}` in the order of a language finds no beginnings, and there is no other"
    return f"No index of `{table.name}` begins with a column it {'sorts' if want.sorts else 'searches'} by"


def _carefully(index: NewIndex) -> str:
    """How it is built while the table is in use."""
    return "; where the table is in use, concurrently, so that writes go on meanwhile" if index.online else ""


def _stated(known: _Known, table: Table, columns: tuple[str, ...], place: Place) -> tuple[Related, ...]:
    """Where an index was dropped, where the columns are stated, and the table."""
    found = [(known.dropped.get((table.name, columns[0])), f"drops the index on `{columns[0]}`")]
    found += [(table.columns[c].place, f"states `{table.label}.{c}`") for c in columns if c in table.columns]
    found.append((table.place, f"states `{table.label}`"))
    unique = {where: note for where, note in reversed(found) if where is not None and where != place}
    return tuple(Related(where, note) for where, note in reversed(unique.items()))


def _names(columns: tuple[str, ...]) -> str:
    return ", ".join(f"`{column}`" for column in columns)


def _cause(index: NewIndex) -> str:
    return f"{index.table.name}({', '.join(index.columns)}{' folded' * index.folded}{' beginning' * index.beginning})"


def _growth(table: Table) -> str:
    return f"Rows read per query grow with `{table.name}`: 500,000 for 500,000 rows"


def _indexes(table: Table) -> str:
    stated = [f"({', '.join(column or '…' for column in i.columns)})" for i in table.indexes if i.columns]
    return f"Indexes of `{table.name}`: {', '.join(sorted(set(stated))) or 'none'}."
