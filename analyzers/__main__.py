"""A window into every stage of the analysis, for those who work on it.

    python -m analyzers facts FILE     what a file says: its outline, imports, SQL, settings, and what could not be read
    python -m analyzers model DIR      what a folder means: tables, reads of relations, queries, routes, budgets
    python -m analyzers explain RULE   the page of a rule

The only module of this package that reads files, and only those named on the command line. Exit status 2: it could not.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from analyzers import pipeline
from analyzers.deployment.budget import budgets
from analyzers.deployment.equations import statement
from analyzers.facts.render import render_all
from analyzers.facts.sql import SqlText
from analyzers.facts.store import FileFacts, NoStore
from analyzers.findings import Problem
from analyzers.frontends import MAX_BYTES, frontend_for, read_facts
from analyzers.model.link import link
from analyzers.model.project import Condition, Index, Project, QuerySite, RelationRead, Table
from analyzers.routing.values import Route
from analyzers.rules import rules
from analyzers.settings import read_settings, settings_files
from analyzers.source import Place, Revision


def facts_text(path: str, source: bytes) -> str:
    """What the file says, as text."""
    facts = read_facts(path, source)
    sections = [
        ("", [render_all(facts.outline)] if facts.outline else []),
        ("imports", [f"{imported.name} = {imported.path}" for imported in facts.imports]),
        ("sql", [line for text in facts.sql for line in _sql(facts, text)]),
        ("settings", [f"{setting.key} = {setting.value}" for setting in facts.settings]),
        ("ignores", [f"line {i.line}: {', '.join(i.rules) or 'every rule'} {i.reason}".rstrip() for i in facts.ignores]),
        ("problems", [f"line {problem.line}: {problem.text}" for problem in facts.problems]),
    ]
    return _text([("language", [facts.language or "none"]), *sections])


def model_text(folder: Path) -> str:
    """What the folder means, as text: the vocabulary of the rules, before any rule has judged it."""
    settings, problems = read_settings(_settings(folder))
    analyst = pipeline.Analyst(_Files(folder), NoStore(), settings)
    files, unread = analyst.facts(Revision("", {path: path for path in _paths(folder)}))
    project = link({path: facts for path, (_, facts) in files.items()})
    return _text(list(_sections(project, [*problems, *unread])))


class _Files:
    """A `BlobReader` of a folder. The id of a blob is its path: nothing is kept from one run to the next."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def read(self, blob_ids: Iterable[str]) -> Iterator[tuple[str, bytes]]:
        for path in blob_ids:
            file = self._folder / path
            if file.stat().st_size <= MAX_BYTES:
                yield path, file.read_bytes()


def _paths(folder: Path) -> Iterator[str]:
    """The regular files below `folder` that some frontend reads, in order; no links, nothing of git."""
    for where, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if name != ".git")
        for name in sorted(names):
            file = Path(where, name)
            path = file.relative_to(folder).as_posix()
            if frontend_for(path) is not None and file.is_file() and not file.is_symlink():
                yield path


def _settings(folder: Path) -> dict[str, bytes]:
    files = (path.relative_to(folder).as_posix() for path in folder.rglob("*cliffguard.yml") if path.is_file())
    return {path: (folder / path).read_bytes() for path in settings_files(files)}


def _sections(project: Project, problems: Sequence[Problem]) -> Iterator[tuple[str, list[str]]]:
    yield "tables", [line for name in sorted(project.tables) for line in _table(project.tables[name])]
    yield "relations read once per row", [line for read in project.reads for line in _read(read)]
    yield "queries", [_query(query) for query in sorted(project.queries, key=lambda query: query.place)]
    yield "routes", [_route(route) for route in project.routes]
    yield "budgets", [line for budget in budgets(project.deployment) for line in statement(budget)]
    yield "problems", [f"{problem.path}:{problem.line}  {problem.text}" for problem in (*problems, *project.problems)]


def _table(table: Table) -> Iterator[str]:
    about = [f"called {table.label}"] * (table.label != table.name) + [table.database] * bool(table.database)
    yield " ".join([table.name, *([f"({', '.join(about)})"] if about else []), _at(table.place)]).rstrip()
    for column in table.columns.values():
        yield f"  {column.name}: {column.role}"
    for key in table.foreign_keys:
        yield f"  foreign key {', '.join(key.columns)} -> {key.target or 'unknown'}"
    for index in table.indexes:
        yield f"  {_index(index)}"
    if table.unread:
        yield f"  indexes not known: {table.unread}"


def _index(index: Index) -> str:
    columns = ", ".join(column or "an expression" for column in index.columns)
    words = ["unique"] * index.unique + ["index", f"({columns})" if index.readable else "not understood"]
    words += [f"using {index.method}"] * bool(index.method) + [f"where {index.where}"] * bool(index.where)
    return " ".join(words)


def _read(read: RelationRead) -> Iterator[str]:
    state = "asked for again, though loaded" if read.bypasses and read.loaded else "loaded with them" if read.loaded else ""
    limit = f"at most {read.limit} rows" if read.limit else ""
    path = ".".join(hop.name for hop in read.hops)
    yield "; ".join(filter(None, [f"{read.rows}.{path} of many {read.rows}", state, limit]))
    yield f"  query {_at(read.query)} in {read.query_function or 'the module'}"
    yield f"  loop  {_at(read.loop)}"
    yield f"  read  {_at(read.read)} in {read.read_function or 'the module'}"


def _query(query: QuerySite) -> str:
    by = [_condition(condition) for condition in query.conditions]
    by += [f"order by {', '.join(s.column + ' desc' * s.descending for s in query.ordered)}"] * bool(query.ordered)
    rest = ["something not understood"] * query.partial + ["limited"] * query.limited
    return f"{_at(query.place)}  {query.table}: {'; '.join([*by, *rest]) or 'every row'}"


def _route(route: Route) -> str:
    """`GET /books/{id} shop.views.Books.show`; a question mark where something before the path is not known."""
    handler = ".".join(filter(None, [route.handler, route.action]))
    return f"{','.join(route.methods) or 'any'} {route.path}{'' if route.complete else ' ?'}  {handler}  {_at(route.place)}"


def _condition(condition: Condition) -> str:
    if condition.sides:
        return " or ".join("(" + "; ".join(map(_condition, side)) + ")" for side in condition.sides)
    return f"{condition.how} {condition.table + '.' * bool(condition.table)}{condition.column} {condition.value}".rstrip()


def _sql(facts: FileFacts, text: SqlText) -> Iterator[str]:
    line = facts.span(text.start, text.end).start_line
    yield from (f"line {line}: {said}" for said in (*text.changes, *text.queries))


def _at(place: Place | None) -> str:
    return f"{place.path}:{place.span.start_line}" if place is not None else ""


def _text(sections: Sequence[tuple[str, Sequence[str]]]) -> str:
    """Sections with something in them, each under its heading."""
    blocks = []
    for heading, lines in sections:
        if lines:
            body = "\n".join(lines).split("\n")
            blocks.append("\n".join([heading, *(f"  {line}" for line in body)] if heading else body))
    return "\n\n".join(blocks) + "\n"


def _run(arguments: argparse.Namespace) -> str:
    match arguments.command:
        case "facts":
            path: Path = arguments.file
            if path.stat().st_size > MAX_BYTES:
                raise ValueError(f"{path} is larger than {MAX_BYTES:,} bytes.")
            return facts_text(path.as_posix(), path.read_bytes())
        case "model":
            if not arguments.folder.is_dir():
                raise ValueError(f"{arguments.folder} is not a folder.")
            return model_text(arguments.folder)
        case _:
            known = rules()
            if arguments.rule not in known:
                raise ValueError(f"Unknown rule {arguments.rule!r}; the rules are {', '.join(known)}.")
            return known[arguments.rule].page


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one command. Returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m analyzers", description="A window into every stage of the analysis.")
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("facts", help="what a file says").add_argument("file", type=Path, metavar="FILE")
    commands.add_parser("model", help="what a folder means").add_argument("folder", type=Path, metavar="DIR")
    commands.add_parser("explain", help="the page of a rule").add_argument("rule", metavar="RULE")
    try:
        sys.stdout.write(_run(parser.parse_args(arguments)))
        sys.stdout.flush()
    except BrokenPipeError:  # the reader has gone; nobody waits for the rest
        sys.stdout = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115 - replaces the stream for the last flush
        return 141
    except (OSError, ValueError) as error:
        print(f"python -m analyzers: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
