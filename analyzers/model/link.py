"""Facts of one revision, plus what we know of libraries, become a `Project`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from analyzers.facts.store import FileFacts
from analyzers.findings import Problem
from analyzers.model import remedies, templates
from analyzers.model.code import ClassDefinition, Codebase, FunctionDefinition
from analyzers.model.models import ModelIndex, build_models
from analyzers.model.project import Project, QuerySite, Relation, RelationRead
from analyzers.model.roles import is_product
from analyzers.model.schema import build_schema
from analyzers.model.summaries import Inference, Query, Read
from analyzers.model.types import Site, covers
from analyzers.source import Place


def link(files: Mapping[str, FileFacts]) -> Project:
    """The project that these files, by path, are."""
    code = Codebase(files)
    models = build_models(code)
    inference = Inference(code, models)
    for path in files:
        if is_product(path) and files[path].language in ("python", "php"):
            _walk_file(inference, path)
    return Project(
        tables=build_schema(code, models),
        reads=tuple(r for r in (_read(code, models, read) for read in inference.reads.values()) if r is not None),
        queries=tuple(_queries(code, models, inference)),
        problems=tuple(Problem(path, p.line, p.text) for path, facts in files.items() for p in facts.problems),
    )


def _walk_file(inference: Inference, path: str) -> None:
    """Every function of a file as a root, every declarative view, and the file's own statements."""
    inference.module(path)
    for definition in inference.code.definitions(path).values():
        match definition:
            case FunctionDefinition():
                inference.root(definition)
            case ClassDefinition():
                for method in definition.methods.values():
                    inference.root(method)
                templates.walk_view(inference, definition)


def _place(code: Codebase, site: Site) -> Place:
    return Place(site.path, code.files[site.path].span(site.start, site.end))


def _read(code: Codebase, models: ModelIndex, read: Read) -> RelationRead | None:
    """A read in the words of the project, if every hop on its way is known and its rows are product code's."""
    hops: list[Relation] = []
    model = models.by_name.get(read.rows.model)
    for name in read.hops:
        relation = model.relations.get(name) if model is not None else None
        if relation is None:
            return None
        hops.append(relation)
        model = models.by_name.get(relation.target)
    if not is_product(read.rows.site.path) or not is_product(read.at.path):
        return None
    through = () if read.through == read.at else (_place(code, read.through),)
    return RelationRead(
        relation=hops[-1],
        hops=tuple(hops),
        rows=models.by_name[read.rows.model].name,
        query=_place(code, read.rows.site),
        query_function=read.rows.site.function,
        loop=_place(code, read.loop),
        read=_place(code, read.at),
        read_function=read.at.function,
        remedy=remedies.load_with_rows(models, read.rows, tuple(hops), bypass=read.bypass),
        bypasses=read.bypass,
        loaded=covers(read.rows.eager, read.hops),
        limit=read.rows.limit,
        through=through,
        path=read.hops,
    )


def _queries(code: Codebase, models: ModelIndex, inference: Inference) -> Iterator[QuerySite]:
    for query in inference.searches.values():
        model = models.by_name.get(query.rows.model)
        if model is None or model.abstract or not is_product(query.at.path):
            continue
        yield _query(code, model.table, query)


def _query(code: Codebase, table: str, query: Query) -> QuerySite:
    by: dict[str, list[str]] = {"equal": [], "ranged": [], "ordered": [], "other": []}
    for search in query.rows.searches:
        if search.column not in by[search.how]:
            by[search.how].append(search.column)
    return QuerySite(
        table=table,
        function=query.at.function,
        place=_place(code, query.at),
        equal=tuple(by["equal"]),
        ranged=tuple(by["ranged"]),
        ordered=tuple(by["ordered"]),
        limited=query.rows.limited,
        partial=bool(by["other"]),
    )
