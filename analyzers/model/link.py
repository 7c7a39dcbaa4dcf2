"""Facts of one revision, plus what we know of libraries, become a `Project`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

import msgspec

from analyzers.deployment.scalars import scalars
from analyzers.deployment.values import State
from analyzers.facts.store import FileFacts, NoStore
from analyzers.findings import Problem
from analyzers.model import remedies
from analyzers.model.errands import Errand
from analyzers.model.indexes import filters, query_sites, standing, table_queries, validations, validators
from analyzers.model.inference import edges, handlers, inherited
from analyzers.model.inference.branching import deeds, policies, procedures
from analyzers.model.inference.branching.evidence import Evidence
from analyzers.model.inference.frames import Lookup, Read, Trace
from analyzers.model.inference.readers import (
    endpoints,
    form_fields,
    grids,
    listings,
    resolvers,
    responses,
    selections,
    serializers,
    shapes,
)
from analyzers.model.inference.rows import addresses, loaders, records, scarcity
from analyzers.model.inference.scripts.reading import Script
from analyzers.model.inference.summaries import Inference
from analyzers.model.inference.templates import templates, views
from analyzers.model.inference.types import Site, covers
from analyzers.model.memory import Memory
from analyzers.model.naming.code import Codebase
from analyzers.model.naming.definitions import SCRIPTS, ClassDefinition, FunctionDefinition
from analyzers.model.naming.roles import is_batch, is_product, is_scheduled
from analyzers.model.project import Project, Relation, RelationRead, RowQuery
from analyzers.model.requests import bodies, routed
from analyzers.model.requests.races import changes
from analyzers.model.requests.resources import clients, guards, held, remembered, shared, streams, waiting
from analyzers.model.requests.results import heaps
from analyzers.model.requests.work import blocked, declared, enqueued, errands, jobs, postponing, queues, repeated, retries
from analyzers.model.tables.models import ModelIndex
from analyzers.model.traces import RootTrace, Traces, World
from analyzers.model.ways import Reach, Streamed
from analyzers.source import Place
from analyzers.words import singular


def link(
    files: Mapping[str, FileFacts], ids: Mapping[str, str] | None = None, memory: Memory | None = None, *, database: str = ""
) -> Project:
    """The project that these files, by path, are.

    With `ids` (path to blob id) and a `memory`, what is declared as it was is not read again, and definitions whose
    surroundings are unchanged are not walked again. `database` is what the configuration says it is.
    """
    ids, memory = ids or {}, memory or Memory(NoStore())
    traces = memory.traces
    code = Codebase(files, ids, traces.definitions)
    foundation = memory.foundations.of(code, ids, database)
    models, schema = foundation.models, foundation.schema
    roots = [path for path, facts in files.items() if facts.language in ("python", "php") and is_product(path)]
    blobs = {path: ids.get(path, "") for path in roots}
    traces.load(blobs.items())
    evidence = Evidence((traces.mentions(blobs[path], files[path]) for path in roots), models)
    inference = Inference(code, models, evidence)
    world = World(code, foundation, inference.repositories, ids, evidence, traces.seen)
    walked = {path: _traced(inference, path, world, traces) for path in roots}
    scripts = [path for path, facts in files.items() if facts.language in SCRIPTS and facts.outline and is_product(path)]
    traces.load((path, ids.get(path, "")) for path in scripts)
    walked |= {path: _read_script(code, path, world, traces) for path in scripts}
    traces.seen = world.seen()
    said = [root for of_file in walked.values() for root in of_file]
    reads = {_identity(read): read for root in said for read in root.reads}.values()
    stated, configured = bodies.settings(code), tuple(scalars(code))
    entered = tuple(e for root in said for e in root.entries)
    listed = routed.entries(code, foundation.routes, configured, {e.function for e in entered})
    reach = Reach((*entered, *listed), (c for root in said for c in root.calls))
    return Project(
        tables=schema.tables,
        reads=tuple(policies.decided(code, models, _seen_first(reads))),
        lookups=tuple({(q.query, q.loop): q for root in said for q in root.lookups}.values()),
        queries=(
            *standing.asked_always(code, models, schema.tables, query_sites.longest(q for root in said for q in root.queries)),
            *query_sites.written(code),
            *table_queries.of_tables(code),
            *validations.validated(code, models),
            *validators.checked(code, models),
            *filters.addressed(code, models),
        ),
        deployment=msgspec.structs.replace(
            foundation.deployment,
            states=(*foundation.deployment.states, *_left(code, reach), *remembered.states(code, reach)),
        ),
        problems=(
            *(Problem(path, p.line, p.text) for path, facts in files.items() for p in facts.problems),
            *dict.fromkeys(
                Problem(path, 0, root.problem) for path, of_file in walked.items() for root in of_file if root.problem
            ),
            *schema.problems,
            *foundation.problems,
        ),
        migrations=schema.migrations,
        routes=foundation.routes,
        reach=reach,
        made=tuple(clients.made(code, reach)),
        unreturned=(*clients.unreturned(code, reach), *held.held(code, reach)),
        streamed=(listeners := tuple(streams.streamed(code, reach))),
        guarded=tuple(g for root in said for g in root.guarded),
        races=tuple(r for root in said for r in root.races),
        errands=(waits := tuple(e for e in errands.errands(code, reach, configured) if not _is_between(e, listeners))),
        later=tuple(postponing.later(code)),
        flaws=(
            *queues.flaws(code, models, schema, configured, waits),
            *jobs.flaws(code, reach, waits),
            *retries.flaws(code, reach, waits),
            *declared.flaws(code, waits),
            *repeated.flaws(code, waits),
            *(f for root in said for f in root.flaws),
        ),
        heaps=tuple(h for root in said for h in root.heaps),
        transacts=bool(stated & bodies.always()),
        settings=stated,
    )


def _traced(inference: Inference, path: str, world: World, traces: Traces) -> Sequence[RootTrace]:
    """What each definition of a file says as a root, and the file's own statements: remembered, or walked now."""
    code, blob = inference.code, world.digest(path)
    known = traces.find(path, blob, world) if blob else {}
    own = code.definitions(path)
    roots: dict[str, ClassDefinition | FunctionDefinition | None] = {"": None}
    roots.update((name, d) for name, d in own.items() if isinstance(d, ClassDefinition | FunctionDefinition))
    found = [known[n] if n in known else _walked(inference, path, n, d) for n, d in roots.items()]
    if blob and any(n not in known for n in roots):
        traces.keep(path, blob, found, world)
    return [said for said, _ in found]


def _read_script(code: Codebase, path: str, world: World, traces: Traces) -> Sequence[RootTrace]:
    """What a script says of its functions as a whole: remembered, or read now."""
    blob = world.digest(path)
    known = traces.find(path, blob, world) if blob else {}
    if "" in known:
        return (known[""][0],)
    outer, code.touched = code.touched, {path}
    try:
        entries, calls = Script(code, path).read()
        depends = tuple(sorted(code.touched))
        said = RootTrace("", depends=tuple(range(len(depends))), entries=entries, calls=calls)
    except RecursionError:
        depends = (path,)
        said = RootTrace("", (0,), problem="The file is nested too deeply to follow.")
    finally:
        code.touched = outer
    if blob:
        traces.keep(path, blob, [(said, depends)], world)
    return (said,)


def _walked(
    inference: Inference, path: str, name: str, definition: ClassDefinition | FunctionDefinition | None
) -> tuple[RootTrace, Sequence[str]]:
    """What a definition says, walked as a root, and the keys of all that it depended on."""
    problem, code, models = "", inference.code, inference.models
    try:
        _, trace = inference.traced(lambda: _walk_root(inference, path, definition))
    except RecursionError:
        trace, problem = Trace(), "The file is nested too deeply to follow, so its queries were not analysed."
    own = path if definition is None else code.parts.key(path, definition.node.start)
    reads = (_read(code, models, trace, read) for read in trace.reads.values() if procedures.eased(trace, read))
    lookups = (_lookup(code, models, trace, x) for x in trace.lookups.values() if procedures.batched(trace, x))
    depends = (*trace.depends(), own)
    own_bodies = tuple(bodies.read(code, trace, definition))
    said = RootTrace(
        name,
        depends=tuple(range(len(depends))),
        reads=tuple(r for r in reads if r is not None),
        queries=tuple(query_sites.walked(code, models, trace)),
        lookups=tuple(x for x in lookups if x is not None),
        entries=tuple(edges.entries(code, trace)),
        calls=tuple(edges.calls(code, trace)),
        guarded=tuple(bodies.guarded(code, definition)),
        races=tuple(changes.read(own_bodies, models)),
        heaps=tuple(heaps.read(code, own_bodies, models, trace, definition)),
        flaws=tuple(f for body in own_bodies for f in (*enqueued.rows(body, models), *blocked.read(body, models))),
        problem=problem,
    )
    return said, depends


def _identity(read: RelationRead) -> tuple[object, ...]:
    """Reads that several roots reach are one."""
    return (read.query, read.rows, read.path, read.read, read.bypasses, read.via)


def _is_between(errand: Errand, listeners: Iterable[Streamed]) -> bool:
    """Whether an errand is the wait of a stream for what comes next: it is told with the stream."""
    return any(stream.waits.path == errand.place.path and stream.waits.span == errand.place.span for stream in listeners)


def _left(code: Codebase, reach: Reach) -> Iterator[State]:
    """What requests leave in their process: what guards and limits, and what else is kept there."""
    limits = tuple(guards.states(code, reach))
    told = {(state.of, state.setting) for state in limits}
    yield from limits
    yield from (state for state in shared.states(code, reach) if (state.of, state.setting) not in told)
    yield from waiting.states(code, reach)


def _seen_first(reads: Iterable[RelationRead]) -> tuple[RelationRead, ...]:
    """The reads without those of unseen queries that are also reached from a query that was seen."""
    found = list(reads)
    seen = {(r.relation.label, (r.read, *r.through)[-1]) for r in found if not r.unseen}
    return tuple(r for r in found if not r.unseen or (r.relation.label, (r.read, *r.through)[-1]) not in seen)


# What a class declares and a library then does with its rows; each looks at every class and walks those it knows.
_DECLARATIONS = (
    templates.walk_view,
    views.walk_component,
    listings.walk_listing,
    grids.walk_grid,
    endpoints.walk_endpoint,
    resolvers.walk_fields,
    inherited.walk_inherited,
    selections.walk_lists,
    form_fields.walk_form,
)


def _walk_root(inference: Inference, path: str, definition: ClassDefinition | FunctionDefinition | None) -> None:
    """A function as a root; every method of a class, and what else it declares; or the file's own statements."""
    if definition is not None:
        handlers.note(inference, definition)
    match definition:
        case None:
            inference.module(path)
        case FunctionDefinition():
            value = inference.root(definition)
            shapes.answer(inference, definition, value)
            serializers.answer(inference, definition, value)
            templates.walk_returned(inference, definition)
        case ClassDefinition():
            for method in definition.methods.values():
                value = inference.root(method)
                addresses.walk_action(inference, method)
                templates.walk_returned(inference, method)
                records.answer(inference, method, value)
                responses.answer(inference, method, value)
                shapes.answer(inference, method, value)
                resolvers.answer(inference, method, value)
                serializers.answer(inference, method, value)
            for walk in _DECLARATIONS:
                walk(inference, definition)


def _place(code: Codebase, site: Site) -> Place:
    return Place(site.path, code.files[site.path].span(site.start, site.end))


def _places(code: Codebase, sites: Iterable[Site]) -> tuple[Place, ...]:
    return tuple(_place(code, site) for site in sites)


def _read(code: Codebase, models: ModelIndex, trace: Trace, read: Read) -> RelationRead | None:
    """A read in the words of the project, if every hop on its way is known and its rows are product code's."""
    hops = _relations(models, read.rows.model, read.hops)
    if len(hops) < len(read.hops) or not is_product(read.rows.site.path) or not is_product(read.at.path):
        return None
    begin = models.by_name.get(read.rows.model)
    if scarcity.is_one(read.rows, begin) and not any(hop.many for hop in hops[:-1]):
        return None
    return RelationRead(
        relation=hops[-1],
        hops=tuple(hops),
        queried=(*(not _loaded(read, hops, i) for i in range(1, len(hops))), True),
        rows=models.by_name[read.rows.model].name,
        table=models.by_name[read.rows.model].table,
        query=_place(code, read.rows.site),
        query_function=read.rows.site.function,
        loop=_place(code, read.loop),
        read=_place(code, read.at),
        read_function=read.at.function,
        remedy=remedies.load_with_rows(models, read.rows, tuple(hops), bypass=read.bypass, counted=read.counted),
        bypasses=read.bypass,
        loaded=covers(read.rows.eager, read.hops),
        limit=read.rows.limit,
        batch=any(is_batch(site.path) for site in (read.at, read.rows.site, read.loop)),
        through=_places(code, read.through),
        path=read.hops,
        shown=_place(code, read.shown) if read.shown is not None else None,
        via=_place(code, read.rows.via) if read.rows.via is not None else None,
        unseen=read.unseen,
        beside=deeds.beside(trace, read.loop) or deeds.beside(trace, read.within),
        few=scarcity.why_few(read.rows, begin, hops, deeds.walked(trace, read.loop)),
        pinned=scarcity.is_pinned(read.rows, begin, hops, deeds.walked(trace, read.loop)),
        scheduled=any(is_scheduled(site.path, site.function) for site in (read.loop, read.at, read.rows.site)),
    )


def _relations(models: ModelIndex, begin: str, path: tuple[str, ...]) -> list[Relation]:
    """The relations along a path, as far as they are known."""
    hops: list[Relation] = []
    model = models.by_name.get(begin)
    for name in path:
        relation = (model.relations.get(name) or loaders.left_out(model, name)) if model is not None else None
        if relation is None:
            break
        hops.append(relation)
        model = models.by_name.get(relation.target)
    return hops


def _loaded(read: Read, hops: list[Relation], count: int) -> bool:
    """Whether the first `count` hops come with the rows."""
    return hops[count - 1].eager or covers(read.rows.eager, read.hops[:count])


def _lookup(code: Codebase, models: ModelIndex, trace: Trace, lookup: Lookup) -> RowQuery | None:
    """A query per row in the words of the project, if both its model and that of the rows are known."""
    asked, rows = models.by_name.get(lookup.rows.model), lookup.row.rows
    walked = models.by_name.get(rows.model) if rows is not None else None
    table = asked.name if asked is not None else lookup.rows.label
    walks = walked.name if walked is not None else singular(rows.label) if rows is not None else ""
    if rows is None or lookup.row.loop is None or not table or not walks:
        return None
    if not is_product(lookup.rows.site.path) or not is_product(lookup.at.path):
        return None
    if lookup.rows.few == scarcity.LOCKED:
        return None
    way = _relations(models, rows.model, lookup.row.path)
    batch = any(is_batch(site.path) for site in (lookup.at, lookup.rows.site, lookup.row.loop))
    if batch and (lookup.effect or lookup.through):
        return None  # what a command writes, or has done by code that serves others too, it may well do one by one
    return RowQuery(
        table=table,
        rows=walks,
        rows_table=walked.table if walked is not None else "",
        query=_place(code, lookup.rows.site),
        query_function=lookup.rows.site.function,
        loop=_place(code, lookup.row.loop),
        read=_place(code, lookup.at),
        read_function=lookup.at.function,
        remedy=remedies.at_once(asked, table, walks, lookup.effect, lookup.changed),
        limit=rows.limit,
        batch=batch,
        through=_places(code, lookup.through),
        effect=lookup.effect,
        given=rows.given,
        beside=deeds.beside(trace, lookup.row.loop),
        few=scarcity.why_few(rows, walked, (*way, *way[-1:]), deeds.walked(trace, lookup.row.loop)),
        pinned=scarcity.is_pinned(rows, walked, (*way, *way[-1:]), deeds.walked(trace, lookup.row.loop)),
        scheduled=any(is_scheduled(site.path, site.function) for site in (lookup.row.loop, lookup.at)),
    )
