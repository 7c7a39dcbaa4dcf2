"""A relation read from each of many rows sends one query per row.

Needs both *many rows* (a loop over a query's rows) and *growth* (nothing bounds them to a few). Single rows, relations that
come with the rows, own key columns, and loops left after their first pass are silent, because the model never reports them.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator

from analyzers.findings import Confidence, Finding, Related, Severity, at_place, in_function
from analyzers.model.project import Project, Relation, RelationRead, RowQuery
from analyzers.model.ways import Function, Reach
from analyzers.settings import Peak, Settings
from analyzers.source import Place
from analyzers.words import noun, plural

TITLE = "N+1 queries"
CATEGORY = "n_plus_one"

_FEW = 5  # a page of five rows never hurts
_PAGE = 25  # a page of this many rows hurts, but does not grow
_ROWS = 100  # the example of every growth law
_MANY_PER_ROW = 5  # rows of a collection in that example
_DONE = {"": "queried", "create": "inserted", "update": "updated", "delete": "deleted", "statement": "written"}
_FIXED = re.compile(r"(?:Type|Kind|Role|Setting|Config|Configuration|Unit|Plan|Tier|Level|Weekday|Hour)s?$")
_LETTERS = "NMKLPQRSTUVWXYZ"


def check(project: Project, settings: Settings) -> Iterator[Finding]:
    """One finding for each relation path of each query, and for each model of a query that is written for many."""
    groups: dict[tuple[Place, str, tuple[str, ...], bool], list[RelationRead]] = defaultdict(list)
    for read in project.reads:
        if not settings.at(read.query.path).has_small(read.rows, read.table) and not _is_few(read):
            groups[read.query, read.rows, read.path, read.bypasses].append(read)
    worth = _Worth(project.reach)
    nearest = _Nearest(groups.values())
    for (*of, path, bypasses), reads in groups.items():
        deeper = any(q == of and len(p) > len(path) and p[: len(path)] == path for *q, p, b in groups if b == bypasses)
        if not deeper:
            yield _finding(reads, settings, nearest, worth)
    seen: set[tuple[Place, str]] = set()
    for lookup in project.lookups:
        small = settings.at(lookup.query.path).has_small(lookup.rows, lookup.rows_table)
        if not small and not 0 < lookup.limit <= _FEW:
            finding = _lookup(lookup, settings, worth)
            if (finding.place, finding.subject) not in seen:
                seen.add((finding.place, finding.subject))
                yield finding


class _Nearest:
    """Reads at the same place that rows of several queries come to: the query nearest to it mends it for all, if the others
    pass it on their way."""

    def __init__(self, groups: Iterable[list[RelationRead]]) -> None:
        self._nearest: dict[Place, RelationRead] = {}
        self._passed: dict[tuple[Place, tuple[str, ...]], set[Place]] = defaultdict(set)
        for read in (read for reads in groups for read in reads):
            self._passed[read.query, read.path].add(_touched(read))
            known = self._nearest.setdefault(_touched(read), read)
            if (len(read.path), read.query) < (len(known.path), known.query):
                self._nearest[_touched(read)] = read

    def query(self, read: RelationRead) -> Place:
        """Where what a read asks for is mended."""
        near = self._nearest[_touched(read)]
        ahead = read.path[: len(read.path) - len(near.path)]
        same = read.path[len(ahead) :] == near.path and near.bypasses == read.bypasses
        if (
            ahead
            and same
            and any(_meet(near.query, p) or _meet(near.loop, p) for p in self._passed.get((read.query, ahead), ()))
        ):
            return near.query
        return read.query


def _meet(one: Place, other: Place) -> bool:
    a, b = one.span, other.span
    return one.path == other.path and a.start_line <= b.end_line and b.start_line <= a.end_line


def _touched(read: RelationRead) -> Place:
    return (read.read, *read.through)[-1]


def _is_few(read: RelationRead) -> bool:
    """Whether so few rows are read that it never hurts. One row may have many of something."""
    return 0 < read.limit <= _FEW and not _is_alone(read)


def _is_alone(read: RelationRead) -> bool:
    """Whether the query gives one row, of whose collection each item is read."""
    return read.limit == 1 and any(hop.many for hop in read.hops[:-1])


def _finding(reads: list[RelationRead], settings: Settings, nearest: _Nearest, worth: _Worth) -> Finding:
    read = min(reads, key=lambda r: (_is_alone(r), r.read.path != r.query.path, r.read))
    label, rows = read.relation.label, plural(noun(read.rows))
    what = "again " if read.loaded else ""
    listed = worth.of_read(read)
    return Finding(
        rule="n_plus_one",
        subject=_subject(read, read.path),
        title=f"`{label}` is queried {what}once per {_per(read)}",
        message=_message(read, label, rows),
        growth=_growth(read, settings.at(read.query.path).expected_peak),
        remedy=read.remedy.sentence,
        code=read.remedy.code,
        code_language=read.remedy.language,
        place=read.query,
        related=tuple(_related(reads)),
        evidence=tuple(_evidence(read)),
        severity=Severity.LOW if listed else Severity.MEDIUM if read.guard or 0 < read.limit <= _PAGE else Severity.HIGH,
        confidence=Confidence.LIKELY if read.unseen else Confidence.CERTAIN,
        fix=read.remedy.fix,
        listed=listed,
        cause=at_place(_touched(read) if read.bypasses else nearest.query(read)),
        parts=tuple(_subject(read, read.path[:end]) for end in range(1, len(read.path))),
    )


class _Worth:
    """What is true, but hardly worth a comment: each with the reason; nothing, where it is worth one."""

    def __init__(self, reach: Reach) -> None:
        self._reach = reach

    def of_read(self, read: RelationRead) -> str:
        if _is_alone(read):
            things = " and ".join(_things(hop) for hop in read.hops[:-1] if hop.many)
            return f"They are the {things} of one {noun(read.rows)}, mostly few."
        if not any(hop.many for hop in read.hops[:-1]) and _FIXED.search(read.rows):
            return f"There are seldom many {plural(noun(read.rows))}."
        if read.beside.startswith("writes"):
            return "The loop also writes for each row, so its statements grow with the rows either way."
        return self._of_either(read)

    def of_lookup(self, query: RowQuery) -> str:
        if query.effect and query.beside != "writes alone":
            return "The loop does more for each row than this, so one statement for all would take little from it."
        if not query.effect and query.beside.startswith("writes"):
            return "The loop also writes for each row, so its statements grow with the rows either way."
        if query.given:
            return f"They are the {plural(noun(query.rows))} of one request, mostly few."
        if _FIXED.search(query.rows):
            return f"There are seldom many {plural(noun(query.rows))}."
        return self._of_either(query)

    def _of_either(self, found: RelationRead | RowQuery) -> str:
        if found.batch:
            return "It runs in a command or a script, for which nobody waits."
        if found.scheduled:
            return "It runs in the background or once in a while, so that nobody waits for it."
        if found.beside == "leaves":
            return "The loop also sends something out of the program for each row, which takes longer than the query."
        if found.beside == "ends":
            return "The loop ends where it has found what it looks for."
        entry = self._reach.by_function.get(Function(found.read.path, found.read_function))
        if found.pinned and not found.few and (entry is None or entry.kind != "request"):
            return f"They are the {plural(noun(found.rows))} of one other row, mostly few."
        return found.few


def _subject(read: RelationRead, path: tuple[str, ...]) -> str:
    return f"{read.query_function}: {read.rows}.{'.'.join(path)}{' anew' if read.bypasses else ''}"


def _message(read: RelationRead, label: str, rows: str) -> str:
    if read.unseen:
        return (
            f"`{read.read_function}` walks {rows} and reads `{label}` from each of them; "
            "no query of the project loads it with its rows."
        )
    why = "the read asks the database anew, whatever was loaded before" if read.bypasses else "the query does not load it"
    if _is_alone(read):
        things = " and ".join(_things(hop) for hop in read.hops[:-1] if hop.many)
        return (
            f"`{read.read_function}` walks the {things} of one {noun(read.rows)} and reads `{label}` from each of them; {why}."
        )
    return f"`{read.read_function}` walks the {rows} of this query and reads `{label}` from each of them; {why}."


def _lookup(query: RowQuery, settings: Settings, worth: _Worth) -> Finding:
    rows = plural(noun(query.rows))
    law = f"1 + N queries: {_ROWS + 1} for {_ROWS} {rows}" if not query.limit else f"1 + N queries: at most {query.limit + 1}"
    if query.given:
        law = f"N queries: {_ROWS} for {_ROWS} {rows}, and whoever sends the request says how many those are"
    elif not query.batch:
        law += _at_peak(settings.at(query.query.path).expected_peak, 1 + (query.limit or _ROWS))
    what = "statement" if query.effect else "query"
    small, listed = bool(query.given or query.effect or 0 < query.limit <= _PAGE), worth.of_lookup(query)
    places = {query.read: f"{'writes' if query.effect else 'asks for'} `{query.table}`", query.loop: f"walks the {rows}"}
    for place in query.through[:-1]:
        places.setdefault(place, "is called on the way")
    places.update(dict.fromkeys(query.through[-1:], "runs the query"))
    return Finding(
        rule="n_plus_one",
        subject=f"{query.query_function}: {query.table} {_DONE[query.effect]} per {query.rows} in {query.read_function}",
        title=f"`{query.table}` is {_DONE[query.effect]} once per {noun(query.rows)}",
        message=f"`{query.read_function}` walks {rows} and sends this {what} for each of them.",
        growth=law,
        remedy=query.remedy.sentence,
        code=query.remedy.code,
        code_language=query.remedy.language,
        place=query.query,
        related=tuple(Related(place, note) for place, note in places.items() if place != query.query),
        evidence=(f"It is made of a value of the {noun(query.rows)} that the loop in `{query.read_function}` holds.",),
        severity=Severity.LOW if listed else Severity.MEDIUM if small else Severity.HIGH,
        listed=listed,
        confidence=Confidence.CERTAIN,
        cause=_cause(query),
    )


def _cause(query: RowQuery) -> str:
    """A function that queries, whichever loops call it; else the loop, for all it asks, or all it writes in one way."""
    if query.through or query.query_function != query.read_function:
        return f"{in_function(query.query.path, query.query_function)} {query.effect}"
    return f"{at_place(query.loop)} {query.effect}"


def _per(read: RelationRead) -> str:
    """The row the relation is read from."""
    return noun(read.relation.label.partition(".")[0])


def _growth(read: RelationRead, peak: Peak) -> str:
    """The number of queries as a function of the number of rows, and what it comes to.

    A hop sends one query for each row it is read from: for each of the N rows, times M for each collection on the way to it.
    """
    rows = plural(noun(read.rows))
    collections = [hop for hop in read.hops[:-1] if hop.many]
    depths = Counter(sum(h.many for h in read.hops[:i]) for i, queried in enumerate(read.queried) if queried)
    if _is_alone(read):
        return _growth_of_one(read, collections, depths, peak)
    law = " + ".join(
        ["1", *(f"{count if count > 1 else ''}{'·'.join(_LETTERS[: depth + 1])}" for depth, count in depths.items())]
    )
    if read.limit and not collections:
        most = 1 + depths[0] * read.limit
        return f"{law} queries, at most {most} (the query stops at {read.limit} {rows}){_of(read, peak, most)}"
    total = 1 + sum(count * _ROWS * _MANY_PER_ROW**depth for depth, count in depths.items())
    with_each = f" with {_MANY_PER_ROW} {' and '.join(_things(hop) for hop in collections)} each" if collections else ""
    return f"{law} queries: {total} for {_ROWS} {rows}{with_each}{_of(read, peak, total)}"


def _growth_of_one(read: RelationRead, collections: list[Relation], depths: Counter[int], peak: Peak) -> str:
    """The same for the collections of one row."""
    alone = 1 + depths.pop(0, 0)
    law = " + ".join([str(alone), *(f"{n if n > 1 else ''}{'·'.join(_LETTERS[:depth])}" for depth, n in depths.items())])
    total = alone + sum(n * _ROWS * _MANY_PER_ROW ** (depth - 1) for depth, n in depths.items())
    first, *rest = collections
    each = f" with {_MANY_PER_ROW} {' and '.join(_things(hop) for hop in rest)} each" if rest else ""
    return f"{law} queries: {total} for one {noun(read.rows)} with {_ROWS} {_things(first)}{each}{_of(read, peak, total)}"


def _of(read: RelationRead, peak: Peak, queries: int) -> str:
    """What the expected peak makes of them; no user waits for a job."""
    return "" if read.batch else _at_peak(peak, queries)


def _at_peak(peak: Peak, queries: int) -> str:
    if peak.users is None or peak.users == 1:
        return ""
    return f"; {queries * peak.users:,} if each of the {peak.users:,} users expected at once asks once"


def _things(relation: Relation) -> str:
    """The rows of a collection: `Order.lines` are lines, `Order.line_set` are lines too."""
    name = noun(relation.name.removesuffix("_set"))
    return name if name.endswith("s") else plural(name)


def _related(reads: Iterable[RelationRead]) -> Iterator[Related]:
    seen: set[Place] = set()
    for read in sorted(reads, key=lambda r: r.read):
        if read.read not in seen:
            seen.add(read.read)
            yield Related(read.read, f"reads `{read.relation.label}`")
        if read.loop not in seen:
            seen.add(read.loop)
            yield Related(read.loop, f"walks the {plural(noun(read.rows))}")
        if read.shown is not None and read.shown not in seen:
            seen.add(read.shown)
            yield Related(read.shown, "shows the template")
        if read.via is not None and read.via not in seen:
            seen.add(read.via)
            rows = f"puts out one {noun(read.rows)}" if _is_alone(read) else f"gets the {plural(noun(read.rows))}"
            yield Related(read.via, rows)
        for place in read.through:
            if place not in seen:
                seen.add(place)
                last = place == read.through[-1]
                yield Related(place, f"touches `{read.relation.label}`" if last else "is called on the way")
    if read.relation.place is not None and read.relation.place not in seen:
        yield Related(read.relation.place, f"declares `{read.relation.label}`")


def _evidence(read: RelationRead) -> Iterator[str]:
    kind = "a collection" if read.relation.many else "a reference to one row"
    if read.relation.deferred:
        kind = "a column, which is loaded by itself where the query names others"
    yield f"`{read.relation.label}` is {kind}" + (f" of `{_target(read)}`." if _target(read) else ".")
    if read.guard:
        yield f"The project calls `{read.guard}`: outside production, such a read may raise where a test passes by it."
    if read.unseen:
        name, rows = read.relation.name, plural(noun(read.rows))
        yield f"No eager loading of the project names `{name}`, so it does not come with these {rows}."
        return
    yield f"The rows come from the query in `{read.query_function}` and are walked by a loop in `{read.read_function}`."


def _target(read: RelationRead) -> str:
    return read.relation.target.replace("\\", ".").rpartition(".")[2]
