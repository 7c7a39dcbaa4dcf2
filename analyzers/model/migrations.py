"""The migrations of a repository, in the order in which they are applied.

Each style of writing them is read by a function of its own (`_READERS`): it finds the migrations of one library and puts them
in the library's own order. Plain SQL files come first: what else there is builds on dumps and base schemas.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from analyzers.facts.outline import Call, Name, Text, walk
from analyzers.facts.sql import NotUnderstood, SqlText
from analyzers.knowledge import Library, libraries, named
from analyzers.knowledge.migrations import Migrations
from analyzers.model.blueprints import numbers, script_migrations
from analyzers.model.code import Codebase
from analyzers.model.databases import DIALECTS
from analyzers.model.definitions import ClassDefinition
from analyzers.model.project import Migration, Operation
from analyzers.model.roles import is_test
from analyzers.model.sql_files import sql_migrations
from analyzers.source import Place


def migrations_of(code: Codebase, database: str = "") -> Iterator[Migration]:
    """Every migration, in order. `database` is the dialect that they run on, where it is known."""
    yield from sql_migrations(code)
    for library in libraries():
        if library.migrations is not None and library.migrations.blueprints is not None:
            yield from script_migrations(code, library, library.migrations, database)
        elif library.migrations is not None:
            yield from _READERS[library.migrations.style](code, library, library.migrations)


def by_version(path: str) -> tuple[str, list[tuple[int, str]]]:
    """Orders files of one folder by the numbers in their names: `V2` before `V10`."""
    folder, _, name = path.rpartition("/")
    return folder, numbers(name)


def in_order(code: Codebase, texts: tuple[SqlText, ...], path: str) -> tuple[Operation, ...]:
    """The changes that these pieces of SQL make."""
    span = code.files[path].span
    return tuple(Operation(change, Place(path, span(text.start, text.end))) for text in texts for change in text.changes)


def dialect_of(texts: tuple[SqlText, ...]) -> str:
    """The database whose SQL this is, where the SQL tells."""
    return next((DIALECTS[text.dialect] for text in texts if text.dialect in DIALECTS), "")


# -- classes whose methods send SQL ------------------------------------------------------------------------------------


def _statements(code: Codebase, library: Library, words: Migrations) -> Iterator[Migration]:
    for path in sorted(code.files, key=by_version):
        if code.files[path].language != library.language or is_test(path):
            continue
        for definition in code.definitions(path).values():
            if isinstance(definition, ClassDefinition) and definition.node.bases:
                externals = code.externals(definition)
                if any(named(library, e, words.bases) for e in externals):
                    texts = tuple(_sent(code, path, definition, words))
                    operations = in_order(code, texts, path)
                    yield Migration(path, library.library, definition.qualified, operations, database=dialect_of(texts))


def _sent(code: Codebase, path: str, definition: ClassDefinition, words: Migrations) -> Iterator[SqlText]:
    """The SQL that a migration class runs forwards."""
    texts = {text.start: text for text in code.files[path].sql}
    skipped = [definition.methods[name].node for name in words.reverse if name in definition.methods]
    for node in walk(definition.node):
        if not isinstance(node, Call) or any(s.start <= node.start < s.end for s in skipped):
            continue
        name = getattr(node.callee, "name", None) or (node.callee.id if isinstance(node.callee, Name) else "")
        position = words.sql.get(name)
        if name in words.tables and node.args and isinstance(node.args[0], Text):
            yield SqlText(node.start, node.end, (NotUnderstood(f"{name}()", str(node.args[0].value)),))
        if position is not None and position < len(node.args):
            yield from (texts[n.start] for n in walk(node.args[position]) if isinstance(n, Text) and n.start in texts)


_READERS: dict[str, Callable[[Codebase, Library, Migrations], Iterator[Migration]]] = {"statements": _statements}
