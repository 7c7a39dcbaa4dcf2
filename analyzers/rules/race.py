"""Two requests or jobs that do the same at once, and undo or double each other's work.

A row is read, what was read decides what is written, and nothing keeps another from doing the same in between: no lock, no
statement that does both, no unique constraint. Which constraints there are, the folded schema says; whether two can be there
at once, the entries that reach the function.
"""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from analyzers.findings import Confidence, Finding, Related, Severity
from analyzers.model.indexes.growth import stays_small
from analyzers.model.indexes.uniqueness import constraint, covering, referring, sharing, stated
from analyzers.model.meetings import Meetings, reaching
from analyzers.model.project import Project
from analyzers.model.ways import Function, Race
from analyzers.model.worth import LIMITS, TRIES, VALUABLE, WORTH, orders, words_of
from analyzers.settings import Settings
from analyzers.words import indefinite, short

TITLE = "Race conditions"
CATEGORY = "race"

_TIMES = 50


def check(project: Project, settings: Settings) -> Iterator[Finding]:
    """One finding for each row and column that a function changes, and for each table to which it adds what may be there."""
    small = {t.lower() for t in settings.tables.small}
    known = Meetings(project)
    said: set[tuple[Function, str, str, tuple[str, ...]]] = set()
    for race in project.races:
        key = (race.function, race.kind, race.model, race.columns)
        if key in said or {race.model.lower(), race.table.lower()} & small or not known.meets(race.function):
            continue
        found = _finding(known, race)
        if found is not None:
            said.add(key)
            yield found


_ALONE = ("replaced", "locked", "crossed", "parted", "moved", "flagged")  # kinds that a word for a lock says nothing of


def _finding(known: Meetings, race: Race) -> Finding | None:
    if race.kind not in _ALONE and known.locks(race.function):
        return None
    match race.kind:
        case "changed":
            return _changed(known, race)
        case "ensured" | "created":
            return _doubled(known, race)
        case "numbered":
            return _numbered(known, race)
        case "drawn":
            return _drawn(known, race)
        case "drawing":
            return None  # whoever uses the number
        case "limited":
            return _limited(known, race)
        case "tested":
            return _tested(known, race)
        case "whole":
            return _whole(known, race)
        case "crossed":
            return _crossed(known, race)
        case "replaced" | "locked":
            return _alone(known, race)
        case "counted":
            return _counted(known, race)
        case "parted" | "moved":
            return _halved(known, race)
        case "flagged" | "founded":
            return _marked(known, race)


def _made(
    known: Meetings,
    race: Race,
    *,
    title: str,
    message: str,
    growth: str,
    remedy: str = "",
    code: str = "",
    evidence: tuple[str, ...] = (),
    severity: Severity = Severity.MEDIUM,
    listed: str = "",
    more: tuple[Related, ...] = (),
) -> Finding:
    entry = known.reached(race.function)
    if entry is None:
        listed = "Nothing shows that requests or jobs reach it."
    begins = [] if entry is None else [Related(entry.place, f"each {entry.unit} begins here: `{short(entry.function.name)}`")]
    also = tuple(Related(place, note) for place, note in race.also)
    what = f"{race.model} {race.row}".strip()
    return Finding(
        rule="race",
        subject=f"{race.function.name}: {race.kind} {what} {','.join(race.columns)}".strip(),
        title=title,
        message=message,
        growth=growth,
        remedy=remedy or race.sentence,
        code=code or race.code,
        code_language=race.language if code or race.code else "",
        place=race.place,
        related=tuple(dict.fromkeys(r for r in (*also, *begins, *more) if r.place != race.place)),
        evidence=(*evidence, *reaching(race, entry)),
        severity=Severity.LOW if listed else severity,
        listed=listed,
        confidence=Confidence.LIKELY if entry is not None else Confidence.POSSIBLE,
        fix=race.fix if race.language == "php" or not known.receives else None,
    )


# -- columns -----------------------------------------------------------------------------------------------------------


def _changed(known: Meetings, race: Race) -> Finding | None:
    table, name = known.project.tables.get(race.table), race.columns[0]
    column = None
    if table is not None:
        column = table.columns.get(name) or next((c for c in table.columns.values() if c.attribute == name), None)
    role = race.role or (column.role if column is not None else "")
    words = set(words_of(name))
    if role != "number" or orders(name):
        return None
    valuable = bool(words & VALUABLE)
    tries = "Who tries again is seldom there twice." if words & TRIES else ""
    place = column.place if column is not None else None
    return _made(
        known,
        race,
        title=f"`{race.row}` loses changes that come at once",
        message=(
            f"`{short(race.function.name)}` reads `{name}`, computes the new value and writes it. Two that read before either "
            "has written start from the same value, and what the first wrote is lost."
        ),
        growth=f"Up to N - 1 of N changes at once are lost: {_TIMES - 1} of {_TIMES}",
        evidence=(f"`{race.model}.{name}` is a number, and no lock or version guards the row here or in what calls it.",),
        severity=Severity.HIGH if valuable else Severity.MEDIUM,
        listed=tries,
        more=(Related(place, f"states `{race.model}.{name}`"),) if place is not None else (),
    )


def _whole(known: Meetings, race: Race) -> Finding | None:
    if known.reached(race.function) is None or race.abstract:
        return None
    joint = "->" if race.row.startswith("$") else "."
    names = ", ".join(f"`{c}`" for c in race.columns[:3]) + (" and others" if len(race.columns) > 3 else "")
    return _made(
        known,
        msgspec.structs.replace(race, columns=race.columns[:1]),
        title=f"`{race.row}{joint}save()` puts back every column of the `{race.model}`",
        message=(
            f"`{short(race.function.name)}` counts {names} anew and saves the row with all its columns: those that it does not "
            "count go back to what was read before. What others wrote to them while it counted is undone."
        ),
        growth="Each change of the row that falls into the counting is lost",
    )


# -- rows --------------------------------------------------------------------------------------------------------------


def _doubled(known: Meetings, race: Race) -> Finding | None:
    table = known.project.tables.get(race.table)
    if table is None or table.unread or race.abstract or stays_small(table):
        return None
    asked = tuple(referring(table, c[1:]) if c.startswith("@") else c for c in race.columns)
    columns = [c for c in asked if c]
    if not columns or any(c not in table.columns for c in columns):
        return None
    foreign = {key.columns[0] for key in table.foreign_keys if len(key.columns) == 1} if "" in asked else set()
    unique = covering(table, columns, foreign)
    names = ", ".join(f"`{c}`" for c in columns)
    if unique:
        if race.kind == "ensured" or race.refuses or race.handled:
            return None
        return _made(
            known,
            race,
            title=f"Two requests at once both try to make the same `{race.model}`",
            message=(
                f"`{short(race.function.name)}` asks for {indefinite(race.model)} by {names}, and makes one if there is none. "
                "Where another does the same in between, the unique index refuses the second, and the request fails."
            ),
            growth="1 of 2 that come at once fails",
            remedy="Insert first, and take what is there where that is refused: in one statement, or by a call that does both.",
            listed="The unique index keeps the rows single; two that come at once are seldom.",
        )
    if "" in asked:
        return None
    ensured = race.kind == "ensured"
    does = f"`{race.call}` asks first, and inserts where it finds none" if ensured else "it asks first, and inserts then"
    fails = ", and every later call fails because there are several" if ensured and race.language == "python" else ""
    return _made(
        known,
        race,
        title=f"Nothing keeps two requests from making the same `{race.model}` twice",
        message=(
            f"`{short(race.function.name)}` wants one `{race.model}` for {names}, but no unique index covers that: {does}. "
            f"Two that ask before either has inserted make two rows{fails}."
        ),
        growth=f"Up to N rows of N requests at once: {_TIMES} for {_TIMES}",
        code=constraint(race, table, columns) or race.code,
        evidence=(stated(table),),
        listed=f"The unique index over {', '.join(near)} may refuse the second." if (near := sharing(table, columns)) else "",
        more=(Related(table.place, f"states `{table.label}`"),) if table.place is not None else (),
    )


def _numbered(known: Meetings, race: Race) -> Finding | None:
    table = known.project.tables.get(race.table)
    name = race.columns[0]
    if orders(name) or race.handled or race.abstract or table is None:
        return None
    alone = [c for c in race.columns if c in table.columns]
    unique = bool(alone) and covering(table, alone, {key.columns[0] for key in table.foreign_keys if len(key.columns) == 1})
    how = "the number of rows" if "count" in race.call else "the greatest number"
    outcome = "the unique index refuses the second, and that request fails" if unique else "both get the same number"
    return _made(
        known,
        race,
        title=f"Two at once get the same `{race.model}.{name}`",
        message=(
            f"`{short(race.function.name)}` takes {how} and adds one. Two that ask before either has inserted get the same "
            f"answer: {outcome}."
        ),
        growth=f"Up to N of N at once {'fail but one' if unique else 'share a number'}: {_TIMES} of {_TIMES}",
        code="" if unique or not alone else constraint(race, table, alone),
        evidence=(stated(table),),
        severity=Severity.MEDIUM,
    )


def _drawn(known: Meetings, race: Race) -> Finding | None:
    table, name = known.project.tables.get(race.table), race.columns[0]
    if orders(name) or race.handled or race.abstract or table is None or name not in table.columns:
        return None
    source = known.drawn_from(race)
    if source is None:
        return None
    call, drawing = source
    assert call.target is not None
    foreign = {key.columns[0] for key in table.foreign_keys if len(key.columns) == 1}
    unique = covering(table, [name], foreign) or bool(sharing(table, [name]))
    outcome = "the unique index refuses the second, and that request fails" if unique else "both get the same number"
    found = short(drawing.function.name)
    does = {
        "free": "looks for one that no row has yet",
        "next": "takes the last one and adds one",
        "last": "gives the last one",
    }
    return _made(
        known,
        msgspec.structs.replace(race, also=()),
        title=f"Two at once get the same `{race.model}.{name}`",
        message=(
            f"`{short(race.function.name)}` takes the number from `{short(call.target.name)}`"
            + (f", by `{found}`, which" if found != short(call.target.name) else ", which")
            + f" {does[drawing.call]}, and keeps none for who asked. Two that ask before either is saved get the same answer: "
            f"{outcome}."
        ),
        growth=f"Up to N of N at once {'fail but one' if unique else 'share a number'}: {_TIMES} of {_TIMES}",
        code="" if unique else constraint(race, table, [name]),
        evidence=(stated(table),),
        more=(Related(call.place, "asks for the number"), Related(drawing.place, f"`{found}` finds it")),
    )


def _limited(known: Meetings, race: Race) -> Finding | None:
    entry = known.reached(race.function)
    if entry is None or race.abstract:
        return None
    bound = set(words_of(race.row))
    return _made(
        known,
        msgspec.structs.replace(race, row=""),
        title=f"A limit on `{race.model}` rows that several requests at once pass",
        message=(
            f"`{short(race.function.name)}` counts the `{race.model}` rows, and adds one where they are "
            + (f"fewer than `{race.row}`. " if race.row else "few enough. ")
            + "All that count before any has added see the same number."
        ),
        growth=f"Up to N rows above the limit: {_TIMES - 1} of {_TIMES} requests at once",
        listed="" if bound & (LIMITS | VALUABLE) else "A limit that is passed now and then seldom hurts.",
        severity=Severity.MEDIUM if bound & VALUABLE else Severity.LOW,
    )


def _tested(known: Meetings, race: Race) -> Finding | None:
    table, name = known.project.tables.get(race.table), race.columns[0]
    column = None
    if table is not None:
        column = table.columns.get(name) or next((c for c in table.columns.values() if c.attribute == name), None)
    if (race.role or (column.role if column is not None else "")) != "number" or race.abstract:
        return None
    held = race.handled or (table is not None and any(name in check.condition for check in table.checks))
    return _made(
        known,
        race,
        title=f"Several at once pass the test of `{race.row}`",
        message=(
            f"`{short(race.function.name)}` has the database {'take from' if race.call == '-' else 'add to'} `{name}` after a "
            "test of what was read before. No change is lost, but all that read before any has written pass the test: more is "
            f"{'taken than there is' if race.call == '-' else 'added than it allows'}."
        ),
        growth=f"Up to N of N at once pass where one may: {_TIMES} of {_TIMES}",
        severity=Severity.HIGH if set(words_of(name)) & VALUABLE else Severity.MEDIUM,
        listed="The database refuses a value below zero: the request fails instead." if held else "",
    )


# -- transactions ------------------------------------------------------------------------------------------------------


def _alone(known: Meetings, race: Race) -> Finding | None:
    entry = known.reached(race.function)
    if entry is None or known.transacts(race.function):
        return None
    function = short(race.function.name)
    if race.kind == "locked" and race.role and race.language == "php" and entry.kind == "task":
        return None  # what hands the message over may open one
    if race.kind == "locked":
        rows = f" on `{race.model}` rows" if race.model else ""
        return _made(
            known,
            race,
            title=f"`{race.call}` outside of a transaction {'fails' if race.role else 'locks nothing'}",
            message=(
                f"`{function}` asks for `{race.call}`{rows}, and nothing here or in what calls it opens a transaction. "
                + (
                    f"The library refuses such a query where it is sent: `{race.role}`."
                    if race.role
                    else "Each statement is its own then: the lock is gone before the next line."
                )
            ),
            growth="",
        )
    return _made(
        known,
        race,
        title=f"`{race.model}` rows are deleted and written anew in two steps",
        message=(
            f"`{function}` deletes the `{race.model}` rows and then writes others, and nothing puts both into one transaction. "
            "What fails in between loses the rows, who reads in between sees none, and two at once write them twice."
        ),
        growth="Rows are doubled by each request at once: 2 x N",
    )


def _crossed(known: Meetings, race: Race) -> Finding | None:
    if known.reached(race.function) is None or not known.transacts(race.function):
        return None
    items = f"`{race.row}`" if race.row else "several"
    return _made(
        known,
        race,
        title=f"`{race.model}` rows are locked one after another, in no order",
        message=(
            f"`{short(race.function.name)}` locks a `{race.model}` row for each of {items}, and keeps all locks until the "
            "transaction ends. Two that lock the same rows in another order wait for each other: the database ends one of them "
            "(a deadlock), and that request fails."
        ),
        growth="Grows with how many rows two requests have in common",
        severity=Severity.LOW,
    )


def _halved(known: Meetings, race: Race) -> Finding | None:
    entry = known.reached(race.function)
    if entry is None or known.transacts(race.function):
        return None
    function, name = short(race.function.name), race.columns[0] if race.columns else ""
    if race.kind == "moved":
        if not set(words_of(name)) & VALUABLE:
            return None
        return _made(
            known,
            race,
            title=f"`{name}` is taken in one place and given in another, each by itself",
            message=(
                f"`{function}` changes `{name}` of two rows by two statements, and nothing puts both into one transaction. "
                "What fails in between (a lost connection, a killed worker) leaves the first done and the second not: what "
                "was taken is gone."
            ),
            growth="",
            severity=Severity.HIGH,
        )
    worth = set(words_of(race.row)) & WORTH and race.columns
    return _made(
        known,
        race,
        title=f"A{indefinite(race.row)[1:]} may stay without its `{race.model}` rows",
        message=(
            f"`{function}` makes {indefinite(race.row)} and then what belongs to it, and no transaction holds both. "
            f"What fails in between leaves the `{race.row}` with a part of its `{race.model}` rows, or none, and whoever tries "
            "again makes another."
        ),
        growth="",
        listed="" if worth else "What is left then is seldom harmful.",
    )


def _counted(known: Meetings, race: Race) -> Finding | None:
    if known.reached(race.function) is None:
        return None
    return _made(
        known,
        race,
        title=f"A count in `{race.row}` loses what comes at once",
        message=(
            f"`{short(race.function.name)}` reads a number from `{race.row}` and puts back a larger one. Two that read before "
            "either has written put back the same number."
        ),
        growth=f"Up to N - 1 of N counts at once are lost: {_TIMES - 1} of {_TIMES}",
    )


def _marked(known: Meetings, race: Race) -> Finding | None:
    if known.reached(race.function) is None:
        return None
    function = short(race.function.name)
    if race.kind == "founded" or race.role:
        title = f"Two at once both make `{race.row}`"
        looks, ends = f"`{race.row}`", "and the second fails" if race.kind == "founded" else "the file keeps nobody out"
    else:
        title, looks, ends = (
            f"Two at once both see no mark in `{race.row}`",
            f"marks in `{race.row}`",
            "the mark keeps nobody out",
        )
    return _made(
        known,
        race,
        title=title,
        message=(
            f"`{function}` looks for {looks}, and makes what it does not find. Two that look before either has made it go on: "
            f"{ends}."
        ),
        growth="1 of 2 that come at once fails" if race.kind == "founded" else "Up to N of N at once go on",
        listed="It is made once, and seldom by two at once." if race.kind == "founded" else "",
    )
