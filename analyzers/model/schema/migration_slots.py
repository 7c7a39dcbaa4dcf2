"""Where a migration that creates a table takes one more index: on the column, or behind the statement.

Only the migration that creates the table has a slot: an index that a later one needs is built while the table is in use.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

from analyzers.facts.outline import Call, Function, Member, Name, Node, walk
from analyzers.facts.sql import AddColumn, CreateTable
from analyzers.knowledge import libraries
from analyzers.knowledge.blueprints import Blueprints
from analyzers.model.naming.code import Codebase
from analyzers.model.project import Migration, Operation, Slot
from analyzers.source import Place


class MigrationSlots:
    """The slots of the tables that migrations create, by the place of their creation."""

    def __init__(self, code: Codebase, migrations: Sequence[Migration]) -> None:
        self._code = code
        self._creations = {
            o.place: (migration, o.change)
            for migration in migrations
            for o in migration.operations
            if isinstance(o.change, CreateTable)
        }

    def of(self, place: Place | None) -> tuple[Slot, ...]:
        """The slots of the table that was created there."""
        found = self._creations.get(place) if place is not None else None
        if found is None:
            return ()
        migration, creation = found
        write = _RUNNERS.get(migration.runner)
        return tuple(write(self._code, migration, creation, place)) if write is not None and place is not None else ()


def _columns(migration: Migration, table: str) -> Mapping[str, Place]:
    """The columns that a migration gives a table, and where."""
    found: dict[str, Place] = {}
    for operation in migration.operations:
        match operation:
            case Operation(change=CreateTable(table=name, columns=columns), place=place) if name == table:
                found.update((column.name, place) for column in columns)
            case Operation(change=AddColumn(table=name, column=column), place=place) if name == table:
                found[column.name] = place
    return found


def _call_at(code: Codebase, place: Place) -> Call | None:
    """The outermost call that begins at a place."""
    span = code.files[place.path].span
    for top in code.files[place.path].outline:
        for node in walk(top):
            if isinstance(node, Call):
                at = span(node.start, node.end)
                if (at.start_line, at.start_column) == (place.span.start_line, place.span.start_column):
                    return node
    return None


def _behind_sql(code: Codebase, migration: Migration, creation: CreateTable, place: Place) -> Iterator[Slot]:
    """`CREATE INDEX …` after the statement."""
    facts = code.files[place.path]
    text = next((t for t in facts.sql if facts.span(t.start, t.end) == place.span), None)
    if text is not None and facts.language == "sql":
        yield Slot(place.path, text.end, ";\n\n", "", "statement", "", tuple(_columns(migration, creation.table)), young=True)


def _behind_call(code: Codebase, migration: Migration, creation: CreateTable, place: Place) -> Iterator[Slot]:
    """`op.create_index(…)` after `op.create_table(…)`."""
    call = _call_at(code, place)
    if call is not None and isinstance(call.callee, Member) and isinstance(call.callee.of, Name):
        indent = " " * (place.span.start_column - 1)
        columns = tuple(_columns(migration, creation.table))
        yield Slot(place.path, call.end, f"\n{indent}", "", "alembic", call.callee.of.id, columns, young=True)


def _in_definition(code: Codebase, migration: Migration, creation: CreateTable, place: Place) -> Iterator[Slot]:
    """`->index()` on the column, and `$table->index([…])` at the end of the definition."""
    words = _blueprints(migration.runner)
    call = _call_at(code, place)
    definition = next((a for a in call.args if isinstance(a, Function)), None) if call is not None else None
    if words is None or definition is None or not definition.parameters or not definition.body:
        return
    table = definition.parameters[0].name
    places = _columns(migration, creation.table)
    span = code.files[place.path].span
    modifier = next((n for n, c in words.modifiers.index.items() if not (c.unique or c.primary or c.method)), "")
    for statement in definition.body:
        made = [c for c, at in places.items() if at.span == span(statement.start, statement.end)]
        base = _base(statement, table)
        if len(made) == 1 and base is not None and modifier:
            yield Slot(place.path, base.end, f"->{modifier}()", "", "flag", "", (made[0],), young=True)
    last = definition.body[-1]
    if _base(last, table) is not None:
        indent = " " * (span(last.start, last.end).start_column - 1)
        yield Slot(place.path, last.end, f";\n{indent}", "", "blueprint", table, tuple(places), young=True)


def _base(statement: Node, table: str) -> Call | None:
    """The call on the table itself that a chain of calls begins with."""
    node = statement
    while isinstance(node, Call) and isinstance(node.callee, Member):
        if isinstance(node.callee.of, Name) and node.callee.of.id == table:
            return node
        node = node.callee.of
    return None


def _blueprints(runner: str) -> Blueprints | None:
    found = (x.migrations.blueprints for x in libraries() if x.library == runner and x.migrations is not None)
    return next(found, None)


_Find = Callable[[Codebase, Migration, CreateTable, Place], Iterator[Slot]]
_RUNNERS: dict[str, _Find] = {"sql": _behind_sql, "alembic": _behind_call, "laravel": _in_definition}
