"""The table of contents: a revision becomes facts, facts become a project, a project is judged.

facts     what each file says          kept by blob id, so a second review reads only what changed
link      what the project means       facts of one revision and what we know of libraries
judge     what the rules say           each rule guarded: one that fails is a visible problem
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping
from functools import wraps
from typing import Concatenate, ParamSpec, TypeVar, cast

import msgspec

from analyzers.deployment.pictures import Picture, pictures
from analyzers.deployment.stated import with_server
from analyzers.engine import judging
from analyzers.facts.store import FactStore, FileFacts
from analyzers.findings import Finding, Measure, Problem
from analyzers.frontends import frontend_for, read_facts
from analyzers.globs import any_matches
from analyzers.knowledge.derived import known_besides
from analyzers.linting import Linter, has_statements, with_remarks
from analyzers.model.link import link
from analyzers.model.memory import Memory
from analyzers.model.naming.roles import is_load_test, is_test
from analyzers.model.project import Project
from analyzers.readiness.reading import readiness_of
from analyzers.readiness.values import Readiness
from analyzers.review.levels import is_on
from analyzers.rules import rules
from analyzers.settings import Settings
from analyzers.source import BlobReader, Revision

_ENCODE = msgspec.msgpack.Encoder()
_DECODE = msgspec.msgpack.Decoder(FileFacts)


Reader = Callable[[str, bytes], bytes]
"""Reads the file at a path: its facts, encoded. It may raise `UnreadableError`."""


class UnreadableError(Exception):
    """A file that was not read now; the message says why, to people."""


def read_encoded(path: str, source: bytes) -> bytes:
    """The `Reader` of a process that may be ended."""
    return _ENCODE.encode(read_facts(path, source))


Files = Mapping[str, tuple[str, FileFacts]]
"""Of each path, the key of its facts and the facts."""


class Judgement(msgspec.Struct, frozen=True):
    """What was found and measured in one revision, and what could not be analysed. `whole`: no rule failed."""

    findings: tuple[Finding, ...]
    problems: tuple[Problem, ...]
    whole: bool = True
    measures: tuple[Measure, ...] = ()
    readiness: Readiness = Readiness()
    pictures: tuple[Picture, ...] = ()


_DECODE_JUDGEMENT = msgspec.msgpack.Decoder(Judgement)


def readable(revision: Revision, settings: Settings) -> Iterator[tuple[str, str, str]]:
    """`(path, blob id, key of its facts)` of every file that a frontend reads. Tests are not product code: left
    out, but for those of load."""
    excluded = any_matches(settings.excluded())
    for path, blob in revision.files.items():
        frontend = frontend_for(path) if is_load_test(path) or not is_test(path) else None
        if frontend is not None and not excluded(path):
            yield path, blob, f"{blob}-{frontend.language}-{frontend.version}"


A = ParamSpec("A")
T = TypeVar("T")


def _informed(method: Callable[Concatenate[Analyst, A], T]) -> Callable[Concatenate[Analyst, A], T]:
    """What an analyst does, knowing what the settings say of the repository's own libraries."""

    @wraps(method)
    def informed(self: Analyst, /, *args: A.args, **kwargs: A.kwargs) -> T:
        with known_besides(self.settings.libraries):
            return method(self, *args, **kwargs)

    return informed


class Analyst:
    """The analyses of one review. What two revisions share is read, and walked, once."""

    def __init__(
        self,
        blobs: BlobReader,
        store: FactStore,
        settings: Settings,
        linter: Linter | None = None,
        born: frozenset[str] = frozenset(),
        reader: Reader | None = None,
    ) -> None:
        self._blobs, self._store, self.settings = blobs, store, settings
        self._linter, self._born, self._reader = linter, born, reader
        self._refused: dict[str, str] = {}
        self._known: dict[str, FileFacts] = {}
        self._memory = Memory(store, self._known.get)
        self._judged: dict[str, bytes] = {}
        self._said: dict[str, Verdict] = {}
        self._database = settings.database or ""

    def facts(self, revision: Revision) -> tuple[Files, tuple[Problem, ...]]:
        """The facts of each readable file, and the files that could not be had."""
        wanted = list(readable(revision, self.settings))
        self._recall({key for _, _, key in wanted if key not in self._known})
        self._read({key: (path, blob) for path, blob, key in wanted if key not in self._known and key not in self._refused})
        text = "The file could not be read: it is too large, or missing."
        missing = tuple(Problem(path, 0, self._refused.get(key, text)) for path, _, key in wanted if key not in self._known)
        return {path: (key, self._known[key]) for path, _, key in wanted if key in self._known}, missing

    @_informed
    def recall(self, base: Files, head: Files) -> None:
        """Recalls what the base declared, and what its contents of changed files said: most of a change is as it was."""
        self._memory.recall(_ids(base), self._database)
        self._memory.traces.load((path, key) for path, (key, _) in base.items() if path in head and head[path][0] != key)

    @_informed
    def judge(self, files: Files) -> Judgement:
        """What every rule that is on says of these files: remembered, or found now. The base of a review was often judged."""
        key = self._key(files)
        if (encoded := self._store.get_many([key]).get(key)) is not None:
            try:
                return _DECODE_JUDGEMENT.decode(encoded)
            except msgspec.MsgspecError:
                pass  # damaged: judge again
        judged = self._judged_whole(files)
        if judged.whole:
            self._judged[key] = _ENCODE.encode(judged)
        return judged

    @_informed
    def judge_once(self, files: Files) -> Judgement:
        """What the rules say of files that nobody will ask for again; of the project as a whole nothing is told."""
        return self._ruled(self._linked(files), files)

    def _judged_whole(self, files: Files) -> Judgement:
        project = self._linked(files)
        judged = self._ruled(project, files)
        readiness, drawn, unread = _looked_after(_facts(files), project, self.settings)
        return msgspec.structs.replace(
            judged,
            problems=(*judged.problems, *unread),
            whole=judged.whole and not unread,
            readiness=readiness,
            pictures=drawn,
        )

    def _linked(self, files: Files) -> Project:
        project = link(_facts(files), _ids(files), self._memory, database=self._database)
        deployment = with_server(project.deployment, self.settings.database_server, self._database)
        return msgspec.structs.replace(project, deployment=deployment)

    def _ruled(self, project: Project, files: Files) -> Judgement:
        linted = self._linted(files)
        problems = list(project.problems)
        if linted and self._linter is not None:
            facts = {path: files[path][1] for path in linted}
            project, unjudged = with_remarks(project, facts, lambda path: self._source(files[path][0]), self._linter)
            problems.extend(unjudged)
        findings: list[Finding] = []
        measures: list[Measure] = []
        whole = len(problems) == len(project.problems)
        for rule in rules().values():
            if not self.settings.runs(rule.id):
                continue
            said = self._said[rule.id] = self._said_again(rule.id, project) or _guarded(rule.id, project, self.settings)
            findings.extend(f for f in said.findings if is_on(f, self.settings))
            measures.extend(said.measures)
            problems.extend(said.problems)
            whole = whole and not said.problems
        return Judgement(tuple(findings), tuple(problems), whole, tuple(measures))

    def _said_again(self, rule: str, project: Project) -> Verdict | None:
        """What a rule said of the project before, if all that it asked is as it was."""
        said = self._said.get(rule)
        same = said is not None and all(getattr(project, name) == value for name, value in said.asked.items())
        return said if same else None

    @_informed
    def save(self, base: Files) -> None:
        """Keeps what was learned for the next review, which may be of the same base."""
        self._memory.save(_ids(base), self._database)
        if self._judged:
            self._store.put_many(self._judged)
            self._judged = {}

    def _linted(self, files: Files) -> list[str]:
        """The files of the change whose statements a linter is asked about."""
        return [path for path in sorted(self._born & files.keys()) if self._linter and has_statements(files[path][1])]

    def _source(self, key: str) -> bytes | None:
        blob = key.partition("-")[0]
        return dict(self._blobs.read([blob])).get(blob)

    def _key(self, files: Files) -> str:
        """Equal where the same code judges the same facts under the same paths by the same settings, and the same linter the
        same files of the change."""
        out = hashlib.sha256(_ENCODE.encode(self.settings))
        if self._linter is not None and (linted := self._linted(files)):
            out.update(repr((self._linter.version, linted)).encode(errors="surrogatepass"))
        for path, (key, _) in sorted(files.items()):
            out.update(f"\0{path}\0{key}".encode(errors="surrogatepass"))
        return f"{out.hexdigest()}-judged-{judging()}"

    def _recall(self, keys: set[str]) -> None:
        for key, encoded in self._store.get_many(keys).items():
            try:
                self._known[key] = _DECODE.decode(encoded)
            except msgspec.MsgspecError:
                continue  # written by another version, or damaged: read it again

    def _facts_of(self, path: str, source: bytes) -> tuple[FileFacts, bytes]:
        """The facts, and as they are kept."""
        if self._reader is not None:
            encoded = self._reader(path, source)
            return _DECODE.decode(encoded), encoded
        facts = read_facts(path, source)
        return facts, _ENCODE.encode(facts)

    def _read(self, wanted: Mapping[str, tuple[str, str]]) -> None:
        by_blob: dict[str, list[tuple[str, str]]] = {}
        for key, (path, blob) in wanted.items():
            by_blob.setdefault(blob, []).append((key, path))
        fresh: dict[str, bytes] = {}
        for blob, source in self._blobs.read(list(by_blob)):
            for key, path in by_blob[blob]:
                try:
                    self._known[key], fresh[key] = self._facts_of(path, source)
                except UnreadableError as error:  # of this try, and not of the file: nothing is kept
                    self._refused[key] = str(error)
        if fresh:
            self._store.put_many(fresh)


def _looked_after(
    files: Mapping[str, FileFacts], project: Project, settings: Settings
) -> tuple[Readiness, tuple[Picture, ...], list[Problem]]:
    """What is told of the project as a whole; where that fails, why there is nothing of it."""
    try:
        return readiness_of(files, project, settings.expected_peak), pictures(project.deployment), []
    except Exception as error:
        return Readiness(), (), [Problem("", 0, f"The readiness of the project was not read: {type(error).__name__}.")]


def _facts(files: Files) -> dict[str, FileFacts]:
    return {path: facts for path, (_, facts) in files.items()}


def _ids(files: Files) -> dict[str, str]:
    return {path: key for path, (key, _) in files.items()}


class Verdict(msgspec.Struct, frozen=True):
    """What a rule said of a project, and what of the project it asked for."""

    findings: tuple[Finding, ...]
    measures: tuple[Measure, ...]
    problems: tuple[Problem, ...]
    asked: Mapping[str, object]


class _Witness:
    """A project that notes what it is asked for."""

    def __init__(self, project: Project) -> None:
        self._project = project
        self.asked: dict[str, object] = {}

    def __getattr__(self, name: str) -> object:
        value = self.asked[name] = getattr(self._project, name)
        return value


def _guarded(rule: str, project: Project, settings: Settings) -> Verdict:
    witness = _Witness(project)
    seen = cast("Project", witness)
    try:
        findings, measures = tuple(rules()[rule].check(seen, settings)), tuple(rules()[rule].measures(seen))
        return Verdict(findings, measures, (), witness.asked)
    except Exception as error:
        text = f"The rule {rule} failed and found nothing: {type(error).__name__}."
        return Verdict((), (), (Problem("", 0, text),), witness.asked)
