"""The table of contents: a revision becomes facts, facts become a project, a project is judged.

facts     what each file says          kept by blob id, so a second review reads only what changed
link      what the project means       facts of one revision and what we know of libraries
judge     what the rules say           each rule guarded: one that fails is a visible problem
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import msgspec

from analyzers.facts.store import FactStore, FileFacts
from analyzers.findings import Finding, Problem
from analyzers.frontends import frontend_for, read_facts
from analyzers.globs import matches
from analyzers.model.link import link
from analyzers.model.project import Project
from analyzers.rules import rules
from analyzers.settings import Settings
from analyzers.source import BlobReader, Revision

_ENCODE = msgspec.msgpack.Encoder()
_DECODE = msgspec.msgpack.Decoder(FileFacts)


class Judgement(msgspec.Struct, frozen=True):
    """What was found in one revision, and what could not be analysed."""

    findings: tuple[Finding, ...]
    problems: tuple[Problem, ...]


def readable(revision: Revision, settings: Settings) -> Iterator[tuple[str, str, str]]:
    """`(path, blob id, key of its facts)` of every file that a frontend reads."""
    for path, blob in revision.files.items():
        frontend = frontend_for(path)
        if frontend is not None and not any(matches(pattern, path) for pattern in settings.exclude):
            yield path, blob, f"{blob}-{frontend.language}-{frontend.version}"


class Facts:
    """The facts of the revisions of one analysis; each blob is decoded or read once."""

    def __init__(self, blobs: BlobReader, store: FactStore) -> None:
        self._blobs, self._store = blobs, store
        self._known: dict[str, FileFacts] = {}

    def load(self, revision: Revision, settings: Settings) -> tuple[dict[str, FileFacts], tuple[Problem, ...]]:
        """The facts of each readable file, and the files that could not be had."""
        wanted = list(readable(revision, settings))
        self._recall({key for _, _, key in wanted if key not in self._known})
        self._read({key: (path, blob) for path, blob, key in wanted if key not in self._known})
        missing = tuple(
            Problem(path, 0, "The file could not be read: it is too large, or missing.")
            for path, _, key in wanted
            if key not in self._known
        )
        return {path: self._known[key] for path, _, key in wanted if key in self._known}, missing

    def _recall(self, keys: set[str]) -> None:
        for key, encoded in self._store.get_many(keys).items():
            try:
                self._known[key] = _DECODE.decode(encoded)
            except msgspec.MsgspecError:
                continue  # written by another version, or damaged: read it again

    def _read(self, wanted: Mapping[str, tuple[str, str]]) -> None:
        by_blob: dict[str, list[tuple[str, str]]] = {}
        for key, (path, blob) in wanted.items():
            by_blob.setdefault(blob, []).append((key, path))
        fresh: dict[str, bytes] = {}
        for blob, source in self._blobs.read(list(by_blob)):
            for key, path in by_blob[blob]:
                self._known[key] = facts = read_facts(path, source)
                fresh[key] = _ENCODE.encode(facts)
        if fresh:
            self._store.put_many(fresh)


def judge(files: Mapping[str, FileFacts], settings: Settings) -> Judgement:
    """What every rule that is on says of these files."""
    project = link(files)
    problems = list(project.problems)
    findings: list[Finding] = []
    for rule in rules().values():
        if rule.id in settings.rules.off:
            continue
        found, problem = _guarded(rule.id, project, settings)
        findings.extend(found)
        problems.extend(problem)
    return Judgement(tuple(findings), tuple(problems))


def _guarded(rule: str, project: Project, settings: Settings) -> tuple[list[Finding], list[Problem]]:
    try:
        return list(rules()[rule].check(project, settings)), []
    except Exception as error:
        return [], [Problem("", 0, f"The rule {rule} failed and found nothing: {type(error).__name__}.")]
