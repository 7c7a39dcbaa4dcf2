"""A migration that stops those who use a table while it runs, or that fails because the table has rows.

Every change is judged by what it meets when it runs. It is told only where the change under review brings the migration, and
the table was there before: `Finding.passing` says so, and the comparison of two revisions decides.
"""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from analyzers.facts.sql import AddColumn, CreateTable, DropColumn, DropTable, RenameColumn, RenameTable
from analyzers.findings import Confidence, Finding, Passing, Related, Severity
from analyzers.model.indexes.growth import stays_small
from analyzers.model.indexes.live_changes import Moment, moments
from analyzers.model.indexes.locks import Harm, harms
from analyzers.model.indexes.safe_changes import safely
from analyzers.model.project import Condition, Project, Table
from analyzers.settings import Settings
from analyzers.source import Place

TITLE = "Migration that stops the product"
CATEGORY = "migration_safety"


class _Words(msgspec.Struct, frozen=True):
    """What is said of one kind of harm. `{table}`, `{what}` (columns, or a name) and `{code}` are filled in."""

    title: str
    message: str
    remedy: str
    severity: Severity


_READS = "It locks the table in mode `ACCESS EXCLUSIVE`, and nobody reads or writes `{table}`"
_SPEAKS: dict[str, _Words] = {
    "index": _Words(
        "The index on {what} is built while writes to `{table}` wait",
        "`CREATE INDEX` locks `{table}` in mode `SHARE`: every insert, update and delete waits until the whole table was read.",
        "Build it concurrently, in a migration outside of a transaction.",
        Severity.MEDIUM,
    ),
    "unique": _Words(
        "The unique constraint on {what} is built while nobody reads `{table}`",
        f"{_READS} until the index behind the constraint is built.",
        "Build a unique index concurrently, and make the constraint of it (`USING INDEX`).",
        Severity.HIGH,
    ),
    "exclusion": _Words(
        "The exclusion constraint on {what} is built while nobody reads `{table}`",
        f"{_READS} until the index behind the constraint is built; there is no way to build that one concurrently.",
        "Add it while the product is stopped, or to a new table that the rows are then moved to.",
        Severity.HIGH,
    ),
    "in transaction": _Words(
        "`CONCURRENTLY` on `{table}` fails inside a transaction",
        "PostgreSQL refuses to build or drop an index concurrently in a transaction, and this migration is run in one.",
        "Run this migration outside of a transaction, with nothing else in it.",
        Severity.HIGH,
    ),
    "foreign key": _Words(
        "The foreign key on {what} is checked while writes to `{table}` wait",
        "It locks `{table}` and the table that it refers to in mode `SHARE ROW EXCLUSIVE`: all writes to both wait until every "
        "row of `{table}` was looked up.",
        "Add it as `NOT VALID`, which looks at no row, and validate it in a later migration, beside the writes.",
        Severity.MEDIUM,
    ),
    "check": _Words(
        "The check {what} reads all of `{table}` while nobody else does",
        f"{_READS} until every row was checked.",
        "Add it as `NOT VALID`, which looks at no row, and validate it in a later migration, beside reads and writes.",
        Severity.HIGH,
    ),
    "validated": _Words(
        "The constraint {what} is validated in the transaction that adds it",
        "The lock that adding it takes lasts until the transaction ends, so `NOT VALID` spares nobody the wait on `{table}`.",
        "Validate it in a later migration, in a transaction of its own.",
        Severity.MEDIUM,
    ),
    "required": _Words(
        "`NOT NULL` on {what} reads all of `{table}` while nobody else does",
        f"{_READS} until every row was looked at for an empty value.",
        "Add a check that is not valid yet, validate it in a later migration, and set `NOT NULL` then: PostgreSQL believes the "
        "check and reads nothing.",
        Severity.HIGH,
    ),
    "type": _Words(
        "The new type of {what} rewrites `{table}` while nobody reads it",
        f"{_READS} until each row and each index was written anew.",
        "Add a column of the new type, write both, fill the old rows in batches, and read the new one once it is full.",
        Severity.HIGH,
    ),
    "rewritten": _Words(
        "The new column {what} rewrites `{table}` while nobody reads it",
        f"{_READS} until each row was written anew with a value of its own.",
        "Add the column without a value, set the default for new rows, and fill the old ones in batches.",
        Severity.HIGH,
    ),
    "no value": _Words(
        "The new column {what} has no value for the rows that `{table}` has",
        "PostgreSQL refuses a `NOT NULL` column without a default as soon as the table has one row: the migration fails.",
        "Give it a default, or allow `NULL` until the rows are filled.",
        Severity.HIGH,
    ),
    "backfill": _Words(
        "{what} runs while `{table}` is locked",
        f"The same transaction changes `{{table}}` before. {_READS} until all rows are written and it ends.",
        "Move it to a migration of its own, which writes the rows in batches.",
        Severity.MEDIUM,
    ),
    "renamed": _Words(
        "{what} is renamed while the version that runs still uses it",
        "Migrations run while the old version still answers requests: each of its queries with that name fails.",
        "Keep the old name in the database, or add the new one, write both, and drop the old one in a later release.",
        Severity.MEDIUM,
    ),
    "dropped": _Words(
        "{what} is dropped, and the code still uses it",
        "Each query with that name fails once the migration ran.",
        "Remove it from the code first, and drop it in a later release.",
        Severity.HIGH,
    ),
    "copied": _Words(
        "The new type of {what} copies `{table}` while writes wait",
        "MySQL changes a type with `ALGORITHM=COPY`: each insert, update and delete on `{table}` waits until the copy is made.",
        "Add a column of the new type and fill it in batches, or change the table by `gh-ost` or `pt-online-schema-change`.",
        Severity.MEDIUM,
    ),
    "full text": _Words(
        "The index on {what} is built while writes to `{table}` wait",
        "MySQL builds `FULLTEXT` and `SPATIAL` indexes with a lock that lets nobody write `{table}` until they are built.",
        "Build it when few write, or by `gh-ost` or `pt-online-schema-change`.",
        Severity.MEDIUM,
    ),
}
_WORST = {severity: rank for rank, severity in enumerate(Severity)}


def check(project: Project, settings: Settings) -> Iterator[Finding]:
    """One finding for each operation, of the worst that it does."""
    used = _Used(project)
    worst: dict[Place, tuple[Harm, Moment]] = {}
    for moment in moments(project):
        if _is_small(moment.waiting or moment, settings):
            continue
        for harm in harms(moment):
            if harm.kind in ("renamed", "dropped") and not used.has(moment, harm):
                continue
            known = worst.get(moment.operation.place)
            if known is None or _rank(harm) < _rank(known[0]):
                worst[moment.operation.place] = (harm, moment)
    for harm, moment in worst.values():
        yield _finding(harm, moment)


def _rank(harm: Harm) -> int:
    return _WORST[_SPEAKS[harm.kind].severity]


def _is_small(moment: Moment, settings: Settings) -> bool:
    table = moment.stated or moment.table
    named = settings.at(moment.operation.place.path).has_small(moment.name, table.label if table else moment.name)
    return named or (table is not None and stays_small(table))


class _Used:
    """What code of this revision speaks of. `gone` is where each column and table was dropped for good."""

    def __init__(self, project: Project) -> None:
        self._tables = project.tables
        self._applied = {migration.path for migration in project.migrations}
        self._asked = {(q.table, column) for q in project.queries for column in ("", *_searched(q.conditions))}
        self._gone: dict[tuple[str, str], Place] = {}
        for operation in (o for migration in project.migrations for o in migration.operations):
            match operation.change:
                case DropColumn(table=table, column=name):
                    self._gone[table, name] = operation.place
                case DropTable(table=table):
                    self._gone[table, ""] = operation.place
                case AddColumn(table=table, column=column):
                    self._gone.pop((table, column.name), None)
                case RenameColumn(table=table, to=name):
                    self._gone.pop((table, name), None)
                case CreateTable(table=table) | RenameTable(to=table):
                    self._gone = {key: place for key, place in self._gone.items() if key[0] != table}

    def has(self, moment: Moment, harm: Harm) -> bool:
        """Whether a query names what is renamed or dropped, or a model states it."""
        column = harm.columns[0] if harm.columns else ""
        if harm.kind == "renamed":
            names = {moment.name, harm.name} - {""}
            stated = any(name in self._tables and self._tables[name].modelled for name in names)
            return stated or any((name, column) in self._asked for name in names)
        if self._gone.get((moment.name, column)) != moment.operation.place:
            return False
        table = self._tables.get(moment.name)
        return (moment.name, column) in self._asked or (table is not None and table.modelled and self._states(table, column))

    def _states(self, table: Table, column: str) -> bool:
        """Whether code says so that is no migration: those have classes of their own, as the tables once were."""
        if column and column not in table.columns:
            return False
        place = table.columns[column].place if column else table.place
        return place is None or place.path not in self._applied


def _searched(conditions: tuple[Condition, ...]) -> Iterator[str]:
    for condition in conditions:
        yield condition.column
        for side in condition.sides:
            yield from _searched(side)


def _finding(harm: Harm, moment: Moment) -> Finding:
    words, of = _SPEAKS[harm.kind], moment.waiting if harm.kind == "backfill" and moment.waiting is not None else moment
    table = of.name
    what = ", ".join(f"`{column}`" for column in harm.columns if column) or (f"`{harm.name}`" if harm.name else "an expression")
    if harm.kind in ("renamed", "dropped"):
        what = f"`{table}.{harm.columns[0]}`" if harm.columns else f"`{table}`"
    elif harm.kind == "backfill" and not harm.name:
        what = f"A write of all rows of `{moment.name}`" if moment.name else "Code"
    code, language = safely(harm, moment)
    related = [Related(of.operation.place, f"locks `{table}`")] if of is not moment else []
    return Finding(
        rule="migration_safety",
        subject=f"{table}.{','.join(harm.columns) or harm.name}: {harm.kind}",
        title=words.title.format(table=table, what=what),
        message=words.message.format(table=table, what=what),
        growth="",
        remedy=words.remedy,
        code=code,
        code_language=language,
        place=moment.operation.place,
        related=tuple(related),
        evidence=(_runs(moment), *_linted(harm, moment)),
        severity=words.severity,
        confidence=Confidence.LIKELY,
        cause=f"{moment.migration.path}: {harm.kind}",
        passing=Passing(tuple(dict.fromkeys(path for path in (of.created, _stated(harm, moment)) if path))),
    )


def _stated(harm: Harm, moment: Moment) -> str:
    """The file that made the column, where it matters that a version with it runs."""
    column = moment.column(harm.columns[0]) if harm.kind in ("renamed", "dropped") and harm.columns else None
    return column.place.path if column is not None and column.place is not None else ""


def _linted(harm: Harm, moment: Moment) -> Iterator[str]:
    """The rules by which a linter of SQL says so."""
    rules = [f"`{rule}`" for kind, rule in moment.operation.linted or () if kind == harm.kind]
    if rules:
        yield f"squawk says so of the statement ({', '.join(dict.fromkeys(rules))})."


def _runs(moment: Moment) -> str:
    """How the migration runs, and since when the table is there."""
    around = "inside a transaction" if moment.transaction else "outside of a transaction"
    since = f"; `{moment.name}` was created by `{moment.created}`" if moment.name and moment.created else ""
    return f"`{moment.migration.name}` runs {around}{since}."
