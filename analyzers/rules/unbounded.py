"""Results that grow with the data, held or answered all at once.

A table that grows, rows of it that nothing bounds, and a place where all of them are at once: an answer, a list in memory, a
loop over what was loaded first. Tables that stay small, and rows found by a unique column, are silent.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from analyzers.findings import Confidence, Finding, Related, Severity
from analyzers.model.indexes.growth import growing, is_busy, is_happening, is_journal, is_one_row, stays_small, why
from analyzers.model.naming.roles import is_batch, is_of_staff, is_scheduled
from analyzers.model.project import Project, Table
from analyzers.model.ways import Entry, Heap
from analyzers.settings import Settings
from analyzers.words import noun, plural, short

TITLE = "Unbounded results"
CATEGORY = "unbounded"

_ROWS = 200_000
_ONE_OWNER = "They are those of one owner, who may never have many."
_HANDLER = re.compile(r"(Controller|Handler|View|Endpoint|Action|Resource)(::|\.)\w+$")
_EVENT = re.compile(r"(::|\.)(boot|booted|delete|deleting|deleted|on_delete|pre_delete|post_delete)$")


def check(project: Project, settings: Settings) -> Iterator[Finding]:
    """One finding for each query, class or file that gives all there is."""
    known = _Known(project, {t.lower() for t in settings.tables.small})
    said: set[str] = set()
    for heap in project.heaps:
        found = _finding(known, heap)
        if found is not None and found.subject not in said:
            said.add(found.subject)
            yield found


class _Known:
    """What the project says of tables."""

    def __init__(self, project: Project, small: set[str]) -> None:
        self.project, self.small = project, small
        self.grown = growing(project.tables)
        self.answered = {heap.place for heap in project.heaps if heap.kind == "answered"}
        self.told = {
            heap.function for heap in project.heaps if heap.kind not in ("loaded", "brought", "sized", "read", "opened")
        }
        self.met = {heap.function for heap in project.heaps if heap.kind in ("searched", "crossed", "named")}

    def table(self, heap: Heap) -> Table | None:
        table = self.project.tables.get(heap.table)
        if table is None or {table.name.lower(), table.label.lower(), heap.model.lower()} & self.small or stays_small(table):
            return None
        return table


def _finding(known: _Known, heap: Heap) -> Finding | None:
    match heap.kind:
        case "answered" | "listed":
            return _answered(known, heap)
        case "counted" | "summed" | "filtered" | "asked":
            return _computed(known, heap)
        case "walked":
            return _walked(known, heap)
        case "loaded" | "brought":
            return _loaded(known, heap)
        case "sized":
            return _sized(known, heap)
        case "read":
            return _read(known, heap)
        case "searched" | "crossed":
            return _quadratic(known, heap)
        case "named":
            return _named(known, heap)
        case "opened":
            return _opened(known, heap)
    return None


def _made(
    heap: Heap,
    entry: Entry | None,
    *,
    what: str,
    title: str,
    message: str,
    growth: str,
    remedy: str,
    code: str = "",
    severity: Severity = Severity.MEDIUM,
    listed: str = "",
    more: tuple[Related, ...] = (),
    evidence: tuple[str, ...] = (),
) -> Finding:
    begins = [] if entry is None else [Related(entry.place, f"each {entry.unit} begins here: `{short(entry.function.name)}`")]
    also = [Related(place, note) for place, note in heap.also]
    return Finding(
        rule="unbounded",
        subject=f"{heap.function.name}: {heap.kind} {what}",
        title=title,
        message=message,
        growth=growth,
        remedy=remedy,
        code=code or heap.code,
        code_language=heap.language if code or heap.code else "",
        place=heap.place,
        related=tuple(dict.fromkeys(r for r in (*also, *begins, *more) if r.place != heap.place)),
        evidence=evidence,
        severity=Severity.LOW if listed else severity,
        confidence=Confidence.LIKELY,
        listed=listed,
    )


# -- answers -----------------------------------------------------------------------------------------------------------


def _answered(known: _Known, heap: Heap) -> Finding | None:
    """All rows of a table, or all of one owner, in one answer."""
    table = known.table(heap)
    if table is None or heap.abstract or is_one_row(table, heap.columns) or heap.settings in known.project.settings:
        return None
    if table.name not in known.grown and _narrow(heap, table):
        return None  # some of what may be few
    entry = known.project.reach.entry_to(heap.function, "request")
    if heap.kind == "answered":
        if entry is None and not _HANDLER.search(heap.function.name):
            return None
        if heap.owned and not is_busy(table):
            return None
        called = known.project.reach.by_function.get(heap.function)
        if heap.returned and called is None and (entry is not None or not heap.handled):
            return None
        if heap.returned and not heap.handled and called is not None and called.kind != "request":
            return None
    elif is_batch(heap.place.path):
        return None
    unreached = "Nothing shows that requests reach it." if entry is None and heap.kind == "answered" else ""
    rows, function = plural(noun(heap.model)), short(heap.function.name)
    whole = not _narrow(heap, table)
    of = "all" if whole else "all of those that belong together"
    verb = "lists" if heap.kind == "listed" else "answers with"
    every = (
        f"every `{heap.model}`" if not heap.columns else f"all `{heap.model}` rows {'of one kind' if whole else 'of one owner'}"
    )
    return _made(
        heap,
        entry if heap.kind == "answered" else None,
        what=heap.model + (f" {heap.said}" if heap.said else ""),
        title=f"`{function}` {verb} {every}",
        message=(
            f"`{function}` {verb} {of} `{heap.model}` rows at once, and nothing bounds how many: each answer is as long as the "
            "data by then, in the memory of the process, in the time of the request and in the browser."
        ),
        growth=f"N rows per answer: {_ROWS:,} for {_ROWS:,} {rows}",
        remedy="Give a page of them at a time.",
        listed=_hardly(known, heap, table) or unreached,
        more=(Related(table.place, f"states `{table.label}`"),) if table.place is not None else (),
        evidence=(f"`{table.name}` grows: {why(table)}.",) if table.name in known.grown else (),
    )


def _hardly(known: _Known, heap: Heap, table: Table) -> str:
    """Why it is true, but hardly worth a comment."""
    if table.name not in known.grown:
        return f"Nothing shows that `{table.name}` grows."
    if is_of_staff(heap.place.path):
        return "Few look at the pages of those who look after the site."
    if _narrow(heap, table) and not is_journal(table):
        return _ONE_OWNER
    if heap.partly:
        return "It also asks for something that was not understood."
    if not is_busy(table):
        return f"Nothing shows how fast `{table.name}` grows."
    return ""


def _narrow(heap: Heap, table: Table) -> bool:
    """Whether rows are asked for by more than what kind they are of."""
    return any(c not in table.columns or table.columns[c].role not in ("status", "boolean", "type") for c in heap.columns)


# -- memory ------------------------------------------------------------------------------------------------------------

_INSTEAD = {"counted": "count them", "summed": "add them up", "filtered": "pick from them", "asked": "look for one"}


def _computed(known: _Known, heap: Heap) -> Finding | None:
    table = known.table(heap)
    entry = known.project.reach.entry_to(heap.function, "request", "task")
    if table is None or heap.abstract or table.name not in known.grown or is_one_row(table, heap.columns):
        return None
    if not set(heap.tested) <= table.columns.keys():
        return None  # the database does not know it
    function, do = short(heap.function.name), _INSTEAD[heap.kind]
    return _made(
        heap,
        entry,
        what=f"{heap.model} {heap.said}",
        title=f"`{function}` loads `{heap.model}` rows to {do} in memory",
        message=(
            f"`{function}` loads each `{heap.model}` row that the query finds, only to {do}. The database does that without "
            "sending a row."
        ),
        growth=f"N rows loaded for one answer: {_ROWS:,} for {_ROWS:,} {plural(noun(heap.model))}",
        remedy=_REMEDIES[heap.kind],
        listed=_hardly_computed(heap, table, entry),
        more=(Related(table.place, f"states `{table.label}`"),) if table.place is not None else (),
    )


def _hardly_computed(heap: Heap, table: Table, entry: Entry | None) -> str:
    if entry is None:
        return "Nothing shows that requests or jobs reach it."
    if (_narrow(heap, table) and not is_journal(table)) or heap.partly:
        return "They are some of the table, which may be few."
    return ""


_REMEDIES = {
    "counted": "Count them in the query.",
    "summed": "Add them up in the query.",
    "filtered": "Put the condition into the query.",
    "asked": "Ask the database whether there is one.",
}


def _walked(known: _Known, heap: Heap) -> Finding | None:
    """A job or a command that loads a table to walk it."""
    table = known.table(heap)
    path, function = heap.place.path, short(heap.function.name)
    entry = known.project.reach.entry_to(heap.function, "task", "command")
    batch = entry is not None or is_batch(path) or is_scheduled(path, heap.function.name)
    event = _EVENT.search(heap.function.name) is not None or known.project.reach.entry_to(heap.function, "hook") is not None
    own = event and not batch and is_busy(table) if table is not None else False
    if table is None or heap.abstract or table.name not in known.grown:
        return None
    if not (own or (batch and not heap.columns)):
        return _walked_for_answer(known, heap, table)
    return _made(
        heap,
        entry,
        what=heap.model,
        title=f"`{function}` loads {_all_of(heap, own=own)} before it walks them",
        message=(
            f"`{function}` walks the `{heap.model}` rows one by one, but all of them are in memory first, as objects: the "
            "process grows with the table, until it is killed."
        ),
        growth=f"N rows in memory: {_ROWS:,} for {_ROWS:,} {plural(noun(heap.model))}",
        remedy="Let the rows come a few at a time.",
        listed=_hardly_walked(heap, table, entry),
        more=(Related(table.place, f"states `{table.label}`"),) if table.place is not None else (),
    )


def _all_of(heap: Heap, *, own: bool) -> str:
    if own:
        return f"all `{heap.model}` rows of one owner"
    return f"all `{heap.model}` rows of its query" if heap.partly else f"every `{heap.model}`"


def _walked_for_answer(known: _Known, heap: Heap, table: Table) -> Finding | None:
    """A request that walks a table, whatever it gives of it."""
    entry = known.project.reach.entry_to(heap.function, "request")
    told = heap.place in known.answered or heap.function in known.met
    if entry is None or heap.columns or heap.partly or told or is_batch(heap.place.path):
        return None
    function = short(heap.function.name)
    return _made(
        heap,
        entry,
        what=heap.model,
        title=f"`{function}` walks every `{heap.model}` for one answer",
        message=(
            f"`{function}` loads all `{heap.model}` rows and walks them, and nothing bounds how many: each answer takes as "
            "long, and as much memory, as there are by then."
        ),
        growth=f"N rows per answer: {_ROWS:,} for {_ROWS:,} {plural(noun(heap.model))}",
        remedy="Give a page of them at a time, or have the database compute what is wanted of them.",
        listed=_hardly(known, heap, table),
        more=(Related(table.place, f"states `{table.label}`"),) if table.place is not None else (),
    )


def _hardly_walked(heap: Heap, table: Table, entry: Entry | None) -> str:
    if heap.columns:
        return _ONE_OWNER
    if entry is None or entry.kind == "command":
        return "It runs in a command or a script, for which nobody waits."
    if heap.partly:
        return "It asks for rows of a period, which may be few."
    return "" if is_busy(table) else f"Nothing shows how fast `{table.name}` grows."


def _loaded(known: _Known, heap: Heap) -> Finding | None:
    """A request that loads what grows, wherever it goes then."""
    table, entry = known.table(heap), known.project.reach.entry_to(heap.function, "request")
    if table is None or entry is None or heap.abstract or table.name not in known.grown or is_one_row(table, heap.columns):
        return None
    if heap.kind == "brought" and not is_happening(table):
        return None
    few = heap.partly or is_of_staff(heap.place.path) or is_batch(heap.place.path) or heap.function in known.told
    if few or not is_busy(table) or (_narrow(heap, table) and not heap.owned and not is_journal(table)):
        return None
    function = short(heap.function.name)
    brought, whole = heap.kind == "brought", not _narrow(heap, table)
    what = f"all `{heap.model}` rows of one owner" if not whole else f"every `{heap.model}`" if not heap.columns else ""
    return _made(
        heap,
        entry,
        what=f"{heap.model} {heap.said}",
        title=f"`{function}` loads {what or f'all `{heap.model}` rows of one kind'} at once",
        message=(
            f"`{function}` loads "
            + (f"one row, and with it all of its `{heap.said}`" if brought else f"the `{heap.model}` rows that the query finds")
            + ": nothing bounds how many, and each request holds them all in memory."
        ),
        growth=f"N rows per request: {_ROWS:,} for {_ROWS:,} {plural(noun(heap.model))}",
        remedy="Ask for a page of them, or for what is wanted of them, by a query of its own.",
        listed=_ONE_OWNER if brought or not whole else "What becomes of them was not followed.",
        more=(Related(table.place, f"states `{table.label}`"),) if table.place is not None else (),
    )


# -- sizes and files ---------------------------------------------------------------------------------------------------


def _sized(known: _Known, heap: Heap) -> Finding | None:
    entry = known.project.reach.entry_to(heap.function, "request")
    declared = "::" not in heap.function.name and heap.function.name.rpartition(".")[2][:1].isupper()  # by a class of pages
    function = short(heap.function.name)
    if heap.table and known.table(heap) is None:
        return None
    return _made(
        heap,
        entry,
        what=heap.said,
        title=f"`{heap.said}` of the request has no most",
        message=(
            f"`{function}` gives as many rows as the request wants. Whoever asks for a million gets them, and everyone "
            "else waits."
        ),
        growth="N rows for a request that says N",
        remedy="Say how many are the most.",
        listed=_hardly_sized(known, heap, reached=entry is not None or declared),
    )


def _hardly_sized(known: _Known, heap: Heap, *, reached: bool) -> str:
    if not reached:
        return "Nothing shows that requests reach it."
    if is_of_staff(heap.place.path):
        return "Few look at the pages of those who look after the site."
    return f"Nothing shows that `{heap.table}` grows." if heap.table and heap.table not in known.grown else ""


def _read(known: _Known, heap: Heap) -> Finding | None:
    entry = known.project.reach.entry_to(heap.function, "request", "task")
    function = short(heap.function.name)
    return _made(
        heap,
        entry,
        what=heap.said,
        title=f"`{function}` reads a whole file into memory",
        message=(
            f"`{function}` holds all of a file at once that somebody sent: its size is up to them, and several come together."
        ),
        growth="The size of the file in memory, for each request at once",
        remedy="Read it piece by piece, and say how large it may be.",
        listed="How large such files are, something before it may bound.",
    )


# -- rows that meet each other -----------------------------------------------------------------------------------------


def _quadratic(known: _Known, heap: Heap) -> Finding | None:
    """A list that is searched from its beginning for each row, or all rows of one query for each of another."""
    table, entry = known.table(heap), known.project.reach.entry_to(heap.function, "request", "task")
    if table is None or heap.abstract or table.name not in known.grown or is_one_row(table, heap.columns):
        return None
    function, rows = short(heap.function.name), plural(noun(heap.model))
    how = f"searches the list `{heap.said}`" if heap.kind == "searched" else f"walks all {rows}"
    instead = "Make it a set before the loop." if heap.kind == "searched" else "Put them into a dictionary by that value, once."
    reason = "" if entry is not None else "Nothing shows that requests or jobs reach it."
    return _made(
        heap,
        entry,
        what=f"{heap.model} {heap.said}",
        title=f"`{function}` {how} again for each row",
        message=f"For each row of its loop, `{function}` {how} from the beginning: both grow, and the work with their product.",
        growth="N x M comparisons: 1,000,000 for 1,000 of each",
        remedy=instead,
        code=f"{heap.said} = set({heap.said})" if heap.kind == "searched" and heap.language == "python" else "",
        listed=reason or _hardly_quadratic(heap, table),
    )


def _hardly_quadratic(heap: Heap, table: Table) -> str:
    if _narrow(heap, table) or heap.partly:
        return "They are some of the table, or meet some rows of another, which may be few."
    return "" if is_busy(table) else f"Nothing shows how fast `{table.name}` grows."


def _named(known: _Known, heap: Heap) -> Finding | None:
    """A query that names a value for each row of a table."""
    table, entry = known.table(heap), known.project.reach.entry_to(heap.function, "request", "task")
    if table is None or heap.abstract or table.name not in known.grown or is_one_row(table, heap.columns):
        return None
    function = short(heap.function.name)
    reason = "" if entry is not None else "Nothing shows that requests or jobs reach it."
    few = _ONE_OWNER if _narrow(heap, table) or heap.partly else ""
    if few and not is_busy(table):
        return None
    return _made(
        heap,
        entry,
        what=f"{heap.model} {heap.said}",
        title=f"`{function}` names {f'every `{heap.model}`' if not few else f'`{heap.model}` rows one by one'} in a query",
        message=(
            f"`{function}` loads a value of each `{heap.model}`{' that it finds' * bool(few)}, and sends them back in a query: "
            "the statement is as long as the table, and a database takes so many values and no more."
        ),
        growth=f"N values in a statement: {_ROWS:,} for {_ROWS:,} {plural(noun(heap.model))}",
        remedy="Let the query ask for them itself: by a subquery, or a join.",
        listed=reason or few or ("" if is_busy(table) else f"Nothing shows how fast `{table.name}` grows."),
    )


def _opened(known: _Known, heap: Heap) -> Finding | None:
    entry = known.project.reach.entry_to(heap.function, "request", "task")
    if entry is None:
        return None
    function = short(heap.function.name)
    return _made(
        heap,
        entry,
        what=heap.said,
        title=f"`{function}` opens `{heap.said}` and does not close it",
        message=(
            f"`{function}` opens `{heap.said}` for each call and leaves it to the garbage collector, which may come late: "
            "handles run out."
        ),
        growth="1 handle per request, until it is collected",
        remedy="Open it by `with`.",
        listed="The interpreter closes it when nothing refers to it any more.",
    )
