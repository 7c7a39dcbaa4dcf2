"""The migrations of a repository, in the order in which they are applied.

Each style of writing them is read by a function of its own (`_READERS`): it finds the migrations of one library and puts them
in the library's own order. Plain SQL files come first: what else there is builds on dumps and base schemas.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from analyzers.facts.sql import SqlText
from analyzers.knowledge import Library, libraries
from analyzers.knowledge.migrations import Migrations
from analyzers.model.naming.code import Codebase
from analyzers.model.project import Migration, Operation
from analyzers.model.schema import class_migrations, revisions
from analyzers.model.schema.blueprints import numbers, script_migrations
from analyzers.model.schema.databases import DIALECTS
from analyzers.model.schema.rails import rails_migrations
from analyzers.model.schema.sql_changes import changes_of
from analyzers.model.schema.sql_files import sql_migrations
from analyzers.model.tables.models import ModelIndex
from analyzers.source import Place


def migrations_of(code: Codebase, models: ModelIndex, database: str = "") -> Iterator[Migration]:
    """Every migration, in order. `database` is the dialect that they run on, where it is known."""
    yield from sql_migrations(code)
    yield from rails_migrations(code)
    for library in libraries():
        if library.migrations is not None:
            yield from _READERS[library.migrations.style](code, library, library.migrations, models, database)


def by_version(path: str) -> tuple[str, list[tuple[int, str]]]:
    """Orders files of one folder by the numbers in their names: `V2` before `V10`."""
    folder, _, name = path.rpartition("/")
    return folder, numbers(name)


def in_order(code: Codebase, texts: tuple[SqlText, ...], path: str) -> tuple[Operation, ...]:
    """The changes that these pieces of SQL make."""
    span = code.files[path].span
    return tuple(Operation(change, Place(path, span(text.start, text.end))) for text in texts for change in changes_of(text))


def dialect_of(texts: tuple[SqlText, ...]) -> str:
    """The database whose SQL this is, where the SQL tells."""
    return next((DIALECTS[text.dialect] for text in texts if text.dialect in DIALECTS), "")


_READERS: dict[str, Callable[[Codebase, Library, Migrations, ModelIndex, str], Iterator[Migration]]] = {
    "calls": script_migrations,
    "operations": class_migrations.migrations,
    "revisions": revisions.migrations,
}
