"""The index that a query wants: which of its columns, in which order.

First what is compared for equality, the column that tells rows apart best in front, then one range or what the rows are
ordered by. A column with few values is no use alone: an index on it would be read together with most of the table.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence

import msgspec

from analyzers.model.indexes import coverage
from analyzers.model.indexes.growth import is_busy, is_due, is_journal, kinds
from analyzers.model.naming.roles import is_of_staff, is_scheduled
from analyzers.model.project import Column, Condition, QuerySite, Sort, Table
from analyzers.words import listed

_RANGES = ("ranged", "below")
MOST = 3
"""Columns of an index that is proposed."""


# The last word of a name that says: each row has its own.
_NAMES = listed("""
    email mail slug token key hash sha sha1 sha256 md5 digest checksum uuid guid uid id code number username login url uri
    reference ref serial phone iban handle nickname fingerprint isbn sku barcode domain hostname path filename
""")
# The last word of a name that says: one of a few.
_FEW = listed("""
    type kind category level language lang locale country currency gender sex method provider source mode format visibility
    role action scope class size color colour unit timezone tz theme version priority order position rank sort weight
    privacy policy channel platform engine backend flag direction severity grade field algorithm mime extension encoding
    day month year quarter
""")


# What a short list is called whose rows others name by their key.
_LISTS = listed("type kind level gender mode visibility role severity")
# A column of these names says how far a row has come: of the few values one is rare, that of the rows to be worked on.
_STATES = listed("status state stage phase")
# What rows are called that something is still to be done with.
_RARE = listed("""
    pending queued enqueued waiting new open opened draft scheduled processing running started in_progress retry retrying
    failed failure error due unpaid overdue unread unsent unprocessed todo ready requested submitted created trial locked
    stuck stale
""")


class Want(msgspec.Struct, frozen=True):
    """An index of `table` on `columns` that would let a query read fewer rows. `sorts`: it only gives them in order."""

    table: str
    columns: tuple[str, ...]
    sorts: bool = False
    folded: bool = False  # it must ignore upper and lower case
    beginning: bool = False  # it must find the beginnings of texts


def wanted(query: QuerySite, tables: Mapping[str, Table]) -> Want | None:
    """The index a query lacks, by what was read of it; `None` where it has one, and where none would help."""
    own = tables.get(query.table)
    if own is None or coverage.narrowed(query, tables):
        return None
    found = _best(query.conditions, query, tables)
    if found is None and query.ordered and query.limited and not _scans(query.conditions) and not _names_row(query, own):
        return _sorted(query.table, own, query.ordered) if _waited(query) or is_journal(own) else None
    if found is not None and not _pays(found, query, tables):
        return None
    if found is not None and query.limited and query.ordered and coverage.leading(own, query.ordered[0].column):
        return found if _tells_apart(found, tables) else None
    return found


def _pays(want: Want, query: QuerySite, tables: Mapping[str, Table]) -> bool:
    """Whether an index is worth its keep. What a person starts now and then can as well read a table."""
    table = tables[want.table]
    match _role(table, want.columns[0]):
        case "status":
            return _pays_by_state(want, query, table)
        case "timestamp":
            return _pays_by_time(want.columns[0], query, table)
    return not query.batch


def _pays_by_state(want: Want, query: QuerySite, table: Table) -> bool:
    """An index on how far rows have come is of use where few rows are on the way, as those are that a task looks for; most have
    arrived. A task reads a table through, where it is not one that fills as things happen, or says what is due."""
    if not _waited(query) and not is_busy(table) and not any(map(is_due, want.columns)):
        return False
    given = next((c.value for c in query.conditions if c.column == want.columns[0] and c.value), "")
    if given.lower() in _RARE or (given and _waited(query)):
        return given.lower() in _RARE
    return len(want.columns) > 1 or (not given and not _waited(query))


def _pays_by_time(column: str, query: QuerySite, table: Table) -> bool:
    """An index on a time alone is of use where it says what is due, where somebody waits for the rows since then, or where rows
    are only ever added. Nearly all rows are older than some time, unless those that are get deleted."""
    if is_due(column):
        return True
    older = all(c.how == "below" for c in query.conditions if c.column == column and c.how in _RANGES)
    if _waited(query):
        return query.deletes or not older
    return is_journal(table)


def _waited(query: QuerySite) -> bool:
    """Whether users wait for it, each time."""
    path = query.place.path
    return not (query.batch or query.kept or is_of_staff(path) or is_scheduled(path, query.function))


def _best(conditions: Sequence[Condition], query: QuerySite, tables: Mapping[str, Table]) -> Want | None:
    wants: list[tuple[int, Want]] = []
    for number, name in enumerate(dict.fromkeys(c.table or query.table for c in conditions)):
        table = tables.get(name)
        mine = [c for c in conditions if not c.sides and (c.table or query.table) == name]
        ordered = query.ordered if name == query.table and query.limited else ()
        want = _of_table(name, table, mine, ordered, kinds(table, tables)) if table is not None else None
        if want is not None and table is not None:
            wants.append((worth(table.columns[want.columns[0]]) * 10 + number, want))
    for condition in conditions:
        rest = coverage.unserved(condition.sides, query.table, tables)
        if condition.sides and len(rest) == 1 and len(condition.sides) > 1:
            want = _best(rest[0], query, tables)
            wants += [(99, want)] if want is not None else []
    return min(wants, key=lambda pair: pair[0])[1] if wants else None


def _of_table(
    name: str, table: Table, conditions: Sequence[Condition], ordered: Sequence[Sort], few: Collection[str]
) -> Want | None:
    by: dict[str, list[str]] = {}
    for condition in conditions:
        # Of rows that the code itself names there is one, and few others: a program's own list.
        if not (condition.value and worth(table.columns[condition.column]) == NAMED):
            by.setdefault(condition.how, []).append(condition.column)
    special = [c for c in conditions if not c.value and c.how in ("folded", "prefix") and worth(table.columns[c.column]) <= 2]
    equal = sorted(
        dict.fromkeys(
            c for c in (*by.get("equal", ()), *by.get("member", ())) if worth(table.columns[c]) < _NONE and c not in few
        ),
        key=lambda c: worth(table.columns[c]),
    )
    types = [c for c in by.get("equal", ()) if _role(table, c) == "type"]
    if equal and worth(table.columns[equal[0]]) == 0:
        return Want(name, (*types[:1], equal[0]))
    if special and (not equal or worth(table.columns[equal[0]]) > worth(table.columns[special[0].column])):
        one = special[0]
        return Want(name, (one.column,), folded=one.how == "folded", beginning=one.how == "prefix")
    ranges = [
        c
        for how in _RANGES
        for c in by.get(how, ())
        if _role(table, c) == "timestamp" or (equal and _role(table, c) == "number")
    ]
    tail = [c for c in ranges if c not in equal]
    if not tail and not by.get("member"):
        tail = [s.column for s in ordered[:1] if _sorts(table, s.column) and s.column not in equal]
    columns = (*equal[: MOST - 1], *tail[:1])
    if not columns or (not equal and not ranges):
        return None
    return Want(name, columns)


def _sorted(name: str, table: Table, ordered: Sequence[Sort]) -> Want | None:
    first = ordered[0]
    if coverage.leading(table, first.column) or not _sorts(table, first.column):
        return None
    more = [s.column for s in ordered[1:2] if s.descending == first.descending and s.column in table.columns]
    few = _few(table.columns[first.column]) or _role(table, first.column) == "number"
    return Want(name, (first.column, *(more if few else ())), sorts=True)


def _scans(conditions: Iterable[Condition]) -> bool:
    """Whether rows are told apart by what no order helps with: far too many may have to be read to find the first ones."""
    return any(c.how in ("pattern", "contains", "computed", "folded", "prefix", "either") for c in conditions)


def _names_row(query: QuerySite, table: Table) -> bool:
    """Whether the code itself states the text that tells rows apart: those are few, of a list of its own."""
    mine = [c for c in query.conditions if c.how == "equal" and not c.table and c.value and c.column in table.columns]
    return any(worth(table.columns[c.column]) == NAMED for c in mine)


def _tells_apart(want: Want, tables: Mapping[str, Table]) -> bool:
    """Whether the first column finds so few rows that to walk all in order until some match is worse."""
    return worth(tables[want.table].columns[want.columns[0]]) <= 2


# -- what a column is worth --------------------------------------------------------------------------------------------

_NONE = 9
NAMED = 2
"""Of a text whose name does not say that each row has its own."""


def worth(column: Column) -> int:
    """How well equality with the column tells rows apart: 0 best, `_NONE` not at all."""
    few = _few(column)
    match column.role:
        case "lookup" if not few:
            return 0 if _own(column) else NAMED
        case "text" if _own(column):
            return 0  # other texts may be too long for an index
        case "foreign key":
            return 1
        case "number" if _own(column) and not _of_kinds(column):
            return 0
        case "timestamp":
            return 3
        case "status" if _last(column) in _STATES:
            return 4
    return _NONE


def _own(column: Column) -> bool:
    return _last(column) in _NAMES


def _few(column: Column) -> bool:
    return column.role in ("boolean", "status") or _last(column) in _FEW or _of_kinds(column)


def _of_kinds(column: Column) -> bool:
    """Whether it names one of a list by its key: `status_id`, `invoice_type_id`."""
    *_, before, last = ("", *_split(column))
    return last == "id" and before in _LISTS | _STATES


def _last(column: Column) -> str:
    """The last word of its name: `token` of `reset_token` and of `resetToken`."""
    return _split(column)[-1]


def _split(column: Column) -> list[str]:
    return [word.lower() for word in re.split(r"_|(?<=[a-z])(?=[A-Z])", column.name)]


def _role(table: Table, column: str) -> str:
    return table.columns[column].role if column in table.columns else ""


def _sorts(table: Table, column: str) -> bool:
    return _role(table, column) in ("timestamp", "number", "lookup")


# -- one index for several ---------------------------------------------------------------------------------------------


def merged(wants: Iterable[Want], tables: Mapping[str, Table]) -> dict[Want, tuple[str, ...]]:
    """For each want the columns of the index that serves it: of those that begin as it does, the one that most others begin
    with, then the longest. Where the first column tells rows apart, what follows it matters little."""
    asked = Counter(wants)
    served = {o: sum(times for want, times in asked.items() if _extends(o, want)) for o in asked}
    found = {}
    for want in asked:
        first = tables[want.table].columns.get(want.columns[0])
        apart = first is not None and worth(first) <= 2
        others = [o for o in asked if _extends(o, want) or (apart and _plain(o, want) and o.columns[0] == want.columns[0])]
        found[want] = max(others, key=lambda o: (served[o], len(o.columns), o.columns)).columns
    return found


def _extends(longer: Want, want: Want) -> bool:
    return longer == want or (_plain(longer, want) and longer.columns[: len(want.columns)] == want.columns)


def _plain(one: Want, other: Want) -> bool:
    return one.table == other.table and not (one.folded or one.beginning or other.folded or other.beginning)
