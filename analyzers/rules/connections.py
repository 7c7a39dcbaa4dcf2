"""More connections than the database server accepts, once every process of every copy opens what it may; and connections, pools
and clients that each request makes for itself.

Demand is the sum over the services of copies x processes x (pool + overflow, or threads); capacity what the server, or the
pooler before it, accepts. Pools are ceilings: the sum is the worst case, and it comes under load. Where a factor is not stated
in the repository nothing is claimed but what the others make alone.
"""

from __future__ import annotations

from collections.abc import Iterator

from analyzers.deployment.budget import Budget, budgets
from analyzers.deployment.equations import equation, said
from analyzers.deployment.pooling import pooler_for, settings_of
from analyzers.deployment.shortages import Shortage, shortages
from analyzers.deployment.values import Conflict, Pool, Unpooled
from analyzers.findings import Confidence, Finding, Measure, Related, Severity
from analyzers.model.project import Project
from analyzers.model.ways import Made, Streamed, Unreturned
from analyzers.settings import Settings
from analyzers.words import short

TITLE = "Connections"
CATEGORY = "connections"

_SERVERS = {"postgresql": "PostgreSQL", "mysql": "MySQL"}


def check(project: Project, settings: Settings) -> Iterator[Finding]:
    """One finding for each stack whose worst case is more than its server accepts, for each pool that its threads outnumber,
    for settings that keep no connection, and for each client that requests or jobs make anew."""
    for budget in budgets(project.deployment):
        capacity = budget.capacity
        if capacity is not None and budget.least > capacity:
            yield _over(budget, capacity)
    for shortage in {(s.term.each, s.threads): s for s in shortages(project.deployment)}.values():
        yield _short(shortage)
    if not any(stack.poolers for stack in project.deployment.stacks):
        fresh = {pool.place.path: pool for pool in reversed(project.deployment.pools) if pool.fresh}
        yield from (_fresh(pool, settings) for pool in fresh.values())
    for conflict in project.deployment.conflicts:
        yield _shared(conflict)
    for address in project.deployment.unpooled:
        yield _one_address(address)
    for made in project.made:
        yield _anew(made, settings)
    for session in project.unreturned:
        yield _unreturned(session)
    yield from (_streamed(answer) if answer.session else _listened(answer) for answer in project.streamed)


def measures(project: Project) -> Iterator[Measure]:
    """The worst case of each budget that is known: what a change does to it is a difference."""
    for budget in budgets(project.deployment):
        if budget.demand is not None and budget.capacity is not None:
            yield _measure(budget, budget.demand, budget.capacity)


def _measure(budget: Budget, demand: int, capacity: int) -> Measure:
    return Measure(f"{budget.stack.path}: {budget.name}", "the worst case", demand, capacity)


def _fresh(pool: Pool, settings: Settings) -> Finding:
    return Finding(
        rule="connections",
        subject=f"{pool.place.path}: {pool.name} for each request",
        title=f"`{pool.name}` opens a connection for each request",
        message=(
            "`CONN_MAX_AGE` is not set, and its default closes the connection after each request: every request waits until "
            "the database has started a process for it and checked the password."
        ),
        growth=f"1 new connection per request{_at_peak(settings, pool.place.path)}",
        remedy="Keep connections for a while, and check them before they are used again; or put a pooler before the server.",
        code='"CONN_MAX_AGE": 60,\n"CONN_HEALTH_CHECKS": True,',
        code_language="python",
        place=pool.place,
        severity=Severity.LOW,
        confidence=Confidence.LIKELY,
    )


def _at_peak(settings: Settings, path: str) -> str:
    """What comes of one for each request. How many requests come here, of all that are expected, nobody says."""
    rate = settings.at(path).expected_peak.requests_per_second
    return f": up to {rate:,} a second at the expected peak" if rate else ""


def _short(shortage: Shortage) -> Finding:
    term = shortage.term
    place = next((f.place for f in term.each if f.place is not None), None) or term.service.place
    there = term.program.threads.place or term.service.place
    kind = "greenlets" if shortage.greenlets else "threads"
    unset = " that nothing sets" if shortage.greenlets else ""
    threads = f"`{term.service.name}` runs {'up to ' if shortage.greenlets else ''}{shortage.threads:,} {kind} in each process"

    return Finding(
        rule="connections",
        subject=f"{shortage.stack.path}: {term.service.name}: pool",
        title=f"{shortage.threads:,} {kind} share a pool of {shortage.connections}{unset}",
        message=(
            f"{threads}, and its pool opens at most {shortage.connections} connections: once more of them ask the database at "
            "a time, the others wait for one, and fail when the wait is over."
            if shortage.greenlets
            else f"{threads}, and its pool opens at most {shortage.connections} connections: once all threads work, "
            f"{shortage.threads - shortage.connections} wait for one, and fail when the wait is over."
        ),
        growth=f"{shortage.threads:,} {kind}, {shortage.connections} connections",
        remedy="Let the pool be as large as the threads that share it, or run fewer threads.",
        code="",
        code_language="",
        place=place,
        related=(Related(there, threads),) if there != place else (),
        evidence=(*(f"{said(f, term)}." for f in term.each), f"{said(term.program.threads, term)}."),
        severity=Severity.MEDIUM,
        confidence=Confidence.LIKELY,
        cause=f"{shortage.stack.path}: {term.service.name}: pool",
    )


def _over(budget: Budget, capacity: int) -> Finding:
    known = [t for t in budget.terms if t.value is not None]
    largest = max(known, key=lambda term: term.value or 0)
    place = next((f.place for f in largest.each if f.place is not None), None) or largest.service.place
    stated = [*((f, t) for t in known for f in t.factors), *((limit, None) for limit in budget.limits)]
    related = [Related(f.place, said(f, t)) for f, t in stated if f.place is not None]
    surges = [t for t in known if t.surge.of(t.replicas.value or 0)]
    certain = budget.at_once > capacity
    at_least = "" if budget.demand is not None else "at least "
    name = f"{budget.stack.path}: {budget.name}"
    evidence = (*(said(f, t) + "." for f, t in stated), *(f"{t.service.name}: {t.surge.because}." for t in surges))
    return Finding(
        rule="connections",
        subject=name,
        title=f"Up to {budget.least:,} connections to `{budget.name}`, which {_gives(budget)} {capacity:,}",
        message=_message(budget, capacity, surged=bool(surges), certain=certain),
        growth=f"{equation(budget)} = {at_least}{budget.least:,} of {capacity:,}",
        remedy=_remedy(budget, capacity),
        code=_code(budget),
        code_language="yaml" if _code(budget) else "",
        place=place,
        related=tuple(dict.fromkeys(r for r in related if r.place != place)),
        evidence=tuple(dict.fromkeys(evidence)),
        severity=Severity.HIGH if certain else Severity.MEDIUM,
        confidence=Confidence.CERTAIN if certain else Confidence.LIKELY,
        cause=name,
        measure=_measure(budget, budget.least, capacity) if budget.demand is not None else None,
    )


def _gives(budget: Budget) -> str:
    return "shares" if budget.holds else "accepts"


def _message(budget: Budget, capacity: int, *, surged: bool, certain: bool) -> str:
    many = f"{'' if budget.demand is not None else 'at least '}{budget.least:,} connections"
    pooler = budget.pooler
    if pooler is not None and budget.holds:
        server = f"{pooler.product} (`{pooler.service}`) pools by session, and shares {capacity:,} between them"
        rest = "a client keeps its connection for as long as its pool does, and the rest wait"
    elif pooler is not None:
        server, rest = f"{pooler.product} (`{pooler.service}`) accepts {capacity:,} clients", "the rest is refused"
    else:
        server = f"{_SERVERS[budget.server.database]} (`{budget.server.service}`) accepts {capacity:,} from an application"
        rest = "the rest is refused"
    when = "While a new version is rolled out, the" if surged else "The"
    text = (
        f"{when} services of `{budget.stack.path}` may together open {many}; {server}. Pools are ceilings, not reservations: "
        f"{rest} once enough requests come together."
    )
    if not certain:
        text += (
            f" The threads that are stated use at most {budget.at_once:,} at a time: it takes code that holds several at once."
        )
    return text


def _code(budget: Budget) -> str:
    return "" if budget.pooler is not None or budget.stack.poolers else pooler_for(budget)


def _remedy(budget: Budget, capacity: int) -> str:
    processes = sum((t.replicas.value or 0) * (t.processes.value or 0) for t in budget.terms)
    pooler = budget.pooler
    if pooler is not None and budget.holds:
        return f"Let `{pooler.service}` pool by transaction, and keep pools in the processes as small as their threads."
    if pooler is not None:
        return f"Let `{pooler.service}` accept more clients, or make the pools smaller."
    settings = settings_of(budget)
    between = f"put a pooler between. {settings}".strip() if _code(budget) else "put a pooler between."
    if processes and capacity // processes >= 1:
        share = capacity // processes
        return f"Let each of the {processes} processes open at most {share} (pool and overflow together), or {between}"
    return f"There are more processes than connections: {between}"


def _shared(conflict: Conflict) -> Finding:
    pooler = conflict.pooler
    pins = pooler.mode == "pinning"
    why = f"`{pooler.service}` shares connections between transactions" if pins else f"`{pooler.service}` pools by transaction"
    how = "unless one keeps something in its session" if pins else "each transaction may get another connection to the server"
    return Finding(
        rule="connections",
        subject=f"{pooler.service}: {conflict.what}: {conflict.place.path}",
        title=f"{conflict.what[:1].upper()}{conflict.what[1:]} behind a pooler that shares sessions",
        message=f"{why}{',' if pins else ':'} {how}. Here, {conflict.harm}.",
        growth="",
        remedy=conflict.remedy,
        code=conflict.code,
        code_language="python" if conflict.code else "",
        place=conflict.place,
        related=(Related(pooler.place, why), *(Related(p, "here too") for p in conflict.also)),
        severity=Severity.MEDIUM,
        confidence=Confidence.LIKELY,
    )


def _one_address(address: Unpooled) -> Finding:
    return Finding(
        rule="connections",
        subject=f"{address.place.path}: directUrl",
        title="Functions and migrations connect to the database by one address",
        message=(
            "Each instance of a function opens a pool of its own, and there are as many as requests come: only a pooler keeps "
            "them below what PostgreSQL accepts. Migrations cannot go through a pooler that shares sessions, and no "
            "`directUrl` leads them past it."
        ),
        growth="",
        remedy="Let `url` be the pooler's (with `?pgbouncer=true&connection_limit=1`), and `directUrl` the server's own.",
        code='directUrl = env("DIRECT_URL")',
        code_language="prisma",
        place=address.place,
        related=(Related(address.runs, "it runs as functions"),),
        severity=Severity.LOW,
        confidence=Confidence.POSSIBLE,
    )


# -- clients made anew -------------------------------------------------------------------------------------------------


def _anew(made: Made, settings: Settings) -> Finding:
    entry, one = made.way.entry, "job" if made.way.entry.kind == "task" else "request"
    function = short(made.function)
    until = "process ends" if made.client.lost else "object is collected"
    after = "closes them again" if made.closed else f"nothing closes them: they stay open until the {until}"
    harm = {
        "pool": f"Each {one} opens connections of its own and {after}; no other {one} can use them.",
        "connection": f"Each {one} waits until the server has accepted a connection, and the server has to hold one more.",
    }.get(made.client.makes, "")
    first = short(entry.function.name)
    reached = f"`{first}` reaches `{function}`, which is called" if first != function else f"`{function}` is called"
    steps = made.way.calls[:-1]
    related = [Related(entry.place, f"each {one} begins here: `{short(entry.function.name)}`")]
    related += [Related(c.place, f"calls `{short(c.target.name)}`" if c.target is not None else "calls it") for c in steps]
    remedy, code = _once(made, function)
    often = "" if one == "job" else _at_peak(settings, made.place.path)
    return Finding(
        rule="connections",
        subject=f"{made.function}: {made.library} for each {one}",
        title=f"`{function}` makes {made.client.title} for each {one}",
        message=f"{reached} for each {one} and makes {made.client.title}. {harm}",
        growth=f"1 new {'pool' if made.client.makes == 'pool' else 'connection'} per {one}{often}",
        remedy=remedy,
        code=code,
        code_language=(made.client.code_language or "python") if code else "",
        place=made.place,
        related=tuple(dict.fromkeys(r for r in related if r.place != made.place)),
        severity=Severity.HIGH if made.client.makes == "pool" and not made.closed else Severity.MEDIUM,
        confidence=Confidence.LIKELY,
        cause=f"{made.function}: {made.client.title} for each {one}",
    )


def _unreturned(session: Unreturned) -> Finding:
    entry, function = session.way.entry, short(session.function)
    one = "job" if entry.kind == "task" else "request"
    asynchronous = "async" in session.library.lower()
    if session.when == "of request":
        return _kept_by_request(session, function)
    if session.when == "of module":
        return _kept_by_module(session, function)
    if session.client.lost:
        return _lost(session, function, one)
    when = "never closes it" if session.when == "never" else "closes it only where nothing fails"
    late = (
        "An asynchronous session that is only collected cannot give its connection back: the connection is dropped."
        if asynchronous
        else "Its connection is back in the pool when the object is collected: after an exception, as late as its traceback."
    )
    related = [Related(entry.place, f"each {one} begins here: `{short(entry.function.name)}`")]
    related += [Related(c.place, "on the way") for c in session.way.calls[:-1]]
    return Finding(
        rule="connections",
        subject=f"{session.function}: {session.library} not closed",
        title=f"`{function}` opens a session and {when}",
        message=f"`{function}` opens a session for each {one} and {when}. {late}",
        growth="",
        remedy="Open it by `with`, or close it in a `finally`.",
        code=_CLOSED_ASYNC if asynchronous else _CLOSED,
        code_language="python",
        place=session.place,
        related=tuple(dict.fromkeys(r for r in related if r.place != session.place)),
        severity=Severity.MEDIUM if asynchronous else Severity.LOW,
        confidence=Confidence.LIKELY,
    )


def _lost(session: Unreturned, function: str, one: str) -> Finding:
    never = session.when == "never"
    entry = session.way.entry
    related = [Related(entry.place, f"each {one} begins here: `{short(entry.function.name)}`")]
    related += [Related(c.place, "on the way") for c in session.way.calls[:-1]]
    when = "and never gives it back" if never else "and gives it back only where nothing fails"
    each = f"each {one}" if never else f"each {one} that fails"
    return Finding(
        rule="connections",
        subject=f"{session.function}: {session.library} not given back",
        title=f"`{function}` takes a connection of the pool {when}",
        message=(
            f"`{function}` takes a connection of the pool for each {one} {when}. Nothing else returns it: {each} leaves the "
            "pool one smaller, and when none is left every further request waits until it times out, or for ever."
        ),
        growth=f"1 connection lost per {one}" if never else f"1 connection lost per failed {one}",
        remedy="Give it back in a `finally`.",
        code=session.client.code.rstrip(),
        code_language=session.client.code_language,
        place=session.place,
        related=tuple(dict.fromkeys(r for r in related if r.place != session.place)),
        severity=Severity.HIGH if never else Severity.MEDIUM,
        confidence=Confidence.LIKELY,
    )


def _kept_by_request(session: Unreturned, function: str) -> Finding:
    return Finding(
        rule="connections",
        subject=f"{session.function}: {session.library} not closed",
        title=f"Nothing closes the session of `{function}` when the request is done",
        message=(
            f"`{function}` opens a session that the request keeps. A transaction manager closes it with its transaction, but "
            "what reads afterwards (a view of exceptions, a callback) begins another, and that connection is back in the pool "
            "only when the object is collected."
        ),
        growth="",
        remedy="Close it when the request is done.",
        code="request.add_finished_callback(lambda request: session.close())",
        code_language="python",
        place=session.place,
        related=(Related(session.way.entry.place, "the request keeps it"),),
        severity=Severity.LOW,
        confidence=Confidence.LIKELY,
    )


def _kept_by_module(session: Unreturned, function: str) -> Finding:
    asynchronous = "async" in session.library.lower()
    return Finding(
        rule="connections",
        subject=f"{session.place.path}: {session.library} of the module",
        title="All requests share one session, which the module opens",
        message=(
            "The session is opened when the module is loaded, and never closed. It keeps a connection for as long as it is in "
            "a transaction; requests that use it at once see and commit what others have begun; and once one of its statements "
            "has failed, all of them fail until somebody rolls it back."
        ),
        growth="1 session for all requests",
        remedy="Open one for each request.",
        code=_CLOSED_ASYNC if asynchronous else _CLOSED,
        code_language="python",
        place=session.place,
        related=(Related(session.way.entry.place, f"a request begins here, and reaches `{function}`, which uses it"),),
        severity=Severity.MEDIUM,
        confidence=Confidence.LIKELY,
    )


def _streamed(answer: Streamed) -> Finding:
    function = short(answer.function)
    return Finding(
        rule="connections",
        subject=f"{answer.function}: {answer.session} streamed",
        title=f"The stream of `{function}` keeps a connection for as long as somebody listens",
        message=(
            f"What `{function}` streams asks the database through `{answer.session}`, and then waits. The session keeps its "
            "connection meanwhile: as many listeners as the pool has connections, and every other request waits for one."
        ),
        growth="1 connection per listener",
        remedy="Open a session for what is asked, and close it before waiting.",
        code="async with SessionLocal() as session:\n    rows = (await session.execute(…)).all()\nyield …",
        code_language="python",
        place=answer.place,
        related=(Related(answer.waits, "it waits here"),),
        severity=Severity.MEDIUM,
        confidence=Confidence.LIKELY,
    )


def _listened(answer: Streamed) -> Finding:
    function = short(answer.function)
    keeper = answer.keeper
    return Finding(
        rule="connections",
        subject=f"{answer.function}: {keeper} streamed",
        title=f"The stream of `{function}` keeps a connection for as long as somebody listens",
        message=(
            f"What `{function}` streams asks the database again and again, and waits in between. The {keeper} that answers "
            f"keeps its connection until the stream ends, and serves nobody else: as many listeners as there are "
            f"{_several(keeper)}, and every other request waits."
        ),
        growth=f"1 connection and 1 {keeper} per listener",
        remedy="Give the connection back before waiting; where many listen, let one process ask and tell the others by Redis.",
        code=answer.code,
        code_language=answer.language,
        place=answer.place,
        related=(Related(answer.waits, "it waits here"),),
        severity=Severity.MEDIUM,
        confidence=Confidence.LIKELY,
    )


def _several(word: str) -> str:
    return f"{word}es" if word.endswith("s") else f"{word}s"


_CLOSED = "with SessionLocal() as session:\n    yield session"
_CLOSED_ASYNC = f"async {_CLOSED}"


def _once(made: Made, function: str) -> tuple[str, str]:
    """What to do instead, and code."""
    if made.client.code:
        return "Make it once for each process, in a module of its own that the others import.", made.client.code.rstrip()
    if made.client.instead:
        return f"Use {made.client.instead}.", ""
    name = function.rpartition(".")[2]
    if made.addressed:
        return "Make one for each address, and let the process remember it.", "@functools.cache\ndef engine_of(address): …"
    if made.handed_on and not name.startswith("__") and not made.place.path.endswith(".php"):
        return f"Make it once for each process: let `{function}` remember what it made.", f"@functools.cache\ndef {name}(…):"
    return "Make it once for each process, where the module is loaded, and use that one.", ""
