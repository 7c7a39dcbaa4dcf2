"""What a revision declares, before any of its functions is walked; and when that is what another revision declared.

    tables       of the code, and the database: which classes are tables, and what migrations and files of SQL make of these
    deployment   of the code: how it is run
    routes       of the code: the addresses that it answers

These are read from declarations: from configuration, and from source files without the bodies of their functions
(`naming.surfaces`), but for those that a reader looks into, which it notes (`naming.looked`). So each is read once for the
base, the head and all trials of fixes, as long as what it is read from is the same, and taken from an earlier review's memory.
The places that it states are then moved to where they are now.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import partial
from typing import Generic, TypeVar

import msgspec

from analyzers.deployment.reading import deployment_of
from analyzers.deployment.values import Deployment
from analyzers.engine import linking
from analyzers.facts.store import FactStore, FileFacts
from analyzers.findings import Problem
from analyzers.model.naming.basis import Basis, Change
from analyzers.model.naming.code import Codebase
from analyzers.model.naming.looked import Importing, Looked
from analyzers.model.naming.parts import Move, Parts
from analyzers.model.naming.surfaces import Surfaces
from analyzers.model.schema.schema import Schema, build_schema
from analyzers.model.tables.model_records import ModelRecords, bound, recorded
from analyzers.model.tables.models import Model, ModelIndex, build_models
from analyzers.routing.reading import routes_of
from analyzers.routing.values import Route

_HELD = 3  # revisions whose records are kept in memory: the base, the head, and one more

FactsOf = Callable[[str], FileFacts | None]
"""The facts that are known under a key."""

T = TypeVar("T")


class Foundation(msgspec.Struct, frozen=True, eq=False):
    """What a revision declares. `digests` are equal where models state the same, wherever that stands."""

    models: ModelIndex
    schema: Schema
    deployment: Deployment
    routes: tuple[Route, ...]
    problems: tuple[Problem, ...]
    digests: Mapping[str, str]


class Tables(msgspec.Struct, frozen=True, array_like=True):
    """What classes, migrations and SQL say of tables."""

    models: ModelRecords
    schema: Schema
    digests: dict[str, str]


class Run(msgspec.Struct, frozen=True, array_like=True):
    """How the project is run, and why that could not be read."""

    deployment: Deployment
    problems: tuple[Problem, ...] = ()


class Routed(msgspec.Struct, frozen=True, array_like=True):
    """What the project answers, and why that could not be read."""

    routes: tuple[Route, ...]
    problems: tuple[Problem, ...] = ()


def _tables(code: Codebase, database: str) -> Tables:
    models = build_models(code)
    digests = {name: _digest(code, model) for name, model in models.by_name.items()}
    return Tables(recorded(models), build_schema(code, models, database), digests)


def _run(code: Codebase) -> Run:
    try:
        return Run(deployment_of(code))
    except RecursionError:
        return Run(Deployment(), (Problem("", 0, "How the project is run was not analysed: a file is nested too deeply."),))


def _routes(code: Codebase) -> Routed:
    try:
        return Routed(routes_of(code))
    except RecursionError:
        return Routed((), (Problem("", 0, "The routes of the project were not read: a file is nested too deeply."),))


def _digest(code: Codebase, model: Model) -> str:
    """Equal where the model states the same, wherever that stands."""
    stated = (tuple(model.columns.items()), tuple(model.relations.items()))
    rest = (model.table, sorted(model.keys), model.ordering, model.latest, model.abstract)
    return hashlib.blake2b(_ENCODE.encode((code.parts.within(stated), rest)), digest_size=9).hexdigest()


# -- what is kept ------------------------------------------------------------------------------------------------------


class _Record(msgspec.Struct, frozen=True, array_like=True, eq=False):
    """What was read in one revision, and of what: files by path, with the keys of their facts, and what was looked at there."""

    files: dict[str, str]
    basis: Basis
    stated: msgspec.Raw


_ENCODE = msgspec.msgpack.Encoder()
_DECODE = msgspec.msgpack.Decoder(_Record)


class Foundations:
    """The foundations of one review's revisions, in memory and in a store. `facts_of` gives facts of any of them."""

    def __init__(self, store: FactStore, facts_of: FactsOf = lambda _: None) -> None:
        self._store, surfaces = store, Surfaces()
        self._tables = _Shelf("tables", Tables, facts_of, surfaces)
        self._run = _Shelf("run", Run, facts_of, surfaces)
        self._routes = _Shelf("routes", Routed, facts_of, surfaces)
        self._stored: set[str] = set()

    def recall(self, revision: str) -> None:
        """Fetches the foundation of a revision, for those that declare the same."""
        shelves = {f"{revision}-{shelf.name}-{linking()}": shelf for shelf in (self._tables, self._run, self._routes)}
        for key, encoded in self._store.get_many(shelves).items():
            with suppress(msgspec.MsgspecError):  # damaged: it is read again
                shelves[key].hold(_DECODE.decode(encoded))
                self._stored.add(key)

    def of(self, code: Codebase, files: Mapping[str, str], database: str) -> Foundation:
        """What the code declares: as another revision did, or read now. `files` maps paths to keys of facts."""
        tables = self._tables.of(partial(_tables, database=database), code, files)
        run, routed = self._run.of(_run, code, files), self._routes.of(_routes, code, files)
        problems = (*run.problems, *routed.problems)
        models = bound(tables.models, code)
        return Foundation(models, tables.schema, run.deployment, routed.routes, problems, tables.digests)

    def save(self, revision: str, files: Mapping[str, str]) -> None:
        """Writes the foundation of a revision to the store, as far as it was read now."""
        found = {f"{revision}-{s.name}-{linking()}": s.record(files) for s in (self._tables, self._run, self._routes)}
        fresh = {key: _ENCODE.encode(record) for key, record in found.items() if record is not None and key not in self._stored}
        if fresh:
            self._store.put_many(fresh)


class _Shelf(Generic[T]):
    """What one reader of declarations said of a few revisions."""

    def __init__(self, name: str, kind: type[T], facts_of: FactsOf, surfaces: Surfaces) -> None:
        self.name, self._decoder = name, msgspec.msgpack.Decoder(kind)
        self._facts_of, self._surfaces = facts_of, surfaces
        self._held: list[_Record] = []
        self._decoded: tuple[msgspec.Raw, T] | None = None

    def of(self, read: Callable[[Codebase], T], code: Codebase, files: Mapping[str, str]) -> T:
        """What the reader says of a revision."""
        for record in reversed(self._held):
            if (stated := self._as_in(record, code, files)) is not None:
                return stated
        code.touched, code.looked = set(), Looked()
        stated = read(code)
        if files:
            self.hold(_Record(dict(files), Basis.of(code.touched, code.looked), msgspec.Raw(_ENCODE.encode(stated))))
        return stated

    def record(self, files: Mapping[str, str]) -> _Record | None:
        """What was said of a revision, if that is known."""
        return next((record for record in self._held if record.files == files), None)

    def hold(self, *records: _Record) -> None:
        """Keeps these in memory, the last the longest."""
        self._held = [*(held for held in self._held if held not in records), *records][-_HELD:]

    def _as_in(self, record: _Record, code: Codebase, files: Mapping[str, str]) -> T | None:
        """What was said of another revision, if this one declares the same, with its places where they are now."""
        changes = self._changes(record, code, files)
        changed = frozenset(change.path for change in changes or ())
        if changes is None or not record.basis.holds(changes, lambda question: _imported(code, question, changed)):
            return None
        stated = self._stated_by(record)
        named = [change for change in changes if change.path.encode() in bytes(record.stated)]
        moved = _moved(stated, named, code.parts) if named else stated
        if moved is not None:
            raw = record.stated if moved is stated else msgspec.Raw(_ENCODE.encode(moved))
            self.hold(msgspec.structs.replace(record, files=dict(files), stated=raw), record)
        return moved

    def _stated_by(self, record: _Record) -> T:
        """What a record says: the same object for revisions that declare the same, so that it compares quickly."""
        if self._decoded is None or self._decoded[0] is not record.stated:
            self._decoded = record.stated, self._decoder.decode(record.stated)
        return self._decoded[1]

    def _changes(self, record: _Record, code: Codebase, files: Mapping[str, str]) -> list[Change] | None:
        """The files that are not as they were; nothing, if it is not known how one was."""
        changes = []
        for path in record.files.keys() | files.keys():
            key = record.files.get(path)
            if key != files.get(path):
                before = self._facts_of(key) if key is not None else None
                if key is not None and before is None:
                    return None
                changes.append(Change(path, before, code.files.get(path), self._surfaces))
        return changes


def _imported(code: Codebase, question: Importing, changed: frozenset[str]) -> bool:
    """Whether any file that did not change imports that."""
    sources = (facts for path, facts in code.files.items() if path not in changed and facts.language in ("python", "php"))
    return any(question.answer(facts.imports) for facts in sources)


def _moved(stated: T, changes: list[Change], parts: Parts) -> T | None:
    """The same with its places where they are now; nothing, if what stands there is not the same."""
    before = Parts({change.path: change.before for change in changes if change.before is not None}, {})
    starts = before.starts(stated)
    here = {key: start for key in starts if (start := parts.start(key)) is not None}
    whole = all(change.before is not None and change.before.parts for change in changes)
    if not whole or any(key not in here or before.digest_of(key) != parts.digest_of(key) for key in starts):
        return None
    return stated if here == starts else Move(starts, here).of(stated)
