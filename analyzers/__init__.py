"""Bytes in, findings out: the analysis of a repository's revisions, without network, clock, environment or queue.

Everything outside this package uses these names and no others.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

import msgspec

from analyzers import pipeline
from analyzers.edits import mended_lines
from analyzers.facts.store import FactStore, NoStore
from analyzers.findings import (
    Accepted,
    Confidence,
    Edit,
    Finding,
    Fix,
    Problem,
    Related,
    Review,
    Severity,
)
from analyzers.fixes import Trial
from analyzers.knowledge.derived import known_besides as _known_besides
from analyzers.linting import Linter, LinterError, Remark
from analyzers.loadtest.writing import TOOLS as _TOOLS
from analyzers.loadtest.writing import LoadScript
from analyzers.loadtest.writing import load_script as _load_script
from analyzers.model.naming.code import Codebase
from analyzers.pipeline import Reader, UnreadableError, read_encoded
from analyzers.report.json import to_json
from analyzers.report.markdown import CheckOutput, annotation_text, check_output, comment_body, review_body, to_markdown
from analyzers.report.markers import SHORT, Mark, as_fixed, as_open, fixed_in, marks, marks_in
from analyzers.report.overview import overview
from analyzers.report.sarif import to_sarif
from analyzers.report.terminal import to_terminal
from analyzers.report.text import code_span, hypertext, plain, visible
from analyzers.review.compare import compare as _difference
from analyzers.review.compare import happening as _happening
from analyzers.review.compare import moved, remains
from analyzers.review.diff import Diff, parse_diff
from analyzers.review.difference import told_as_differences as _told_as_differences
from analyzers.review.ignore import accept as _accept
from analyzers.review.levels import demoted, fails, listed
from analyzers.review.merge import merge
from analyzers.review.new_files import together
from analyzers.review.place import Comment, Elsewhere, Placement, Told
from analyzers.review.place import place as _place
from analyzers.rules import Rule, rules
from analyzers.settings import Limits, Settings, json_schema, read_settings, settings_files, settings_of
from analyzers.source import BlobReader, Place, Revision, Span

__all__ = [
    "LOAD_TOOLS",
    "RULES",
    "SHORT",
    "Accepted",
    "Analysis",
    "BlobReader",
    "CheckOutput",
    "Comment",
    "Confidence",
    "Diff",
    "Edit",
    "Elsewhere",
    "FactStore",
    "Finding",
    "Fix",
    "Limits",
    "Linter",
    "LinterError",
    "LoadScript",
    "Mark",
    "NoStore",
    "Place",
    "Placement",
    "Problem",
    "Reader",
    "Related",
    "Remark",
    "Review",
    "Revision",
    "Rule",
    "Settings",
    "Severity",
    "Span",
    "Told",
    "UnreadableError",
    "annotation_text",
    "as_fixed",
    "as_open",
    "audit",
    "check_output",
    "code_span",
    "comment_body",
    "compare",
    "demoted",
    "fails",
    "fixed_in",
    "hypertext",
    "json_schema",
    "listed",
    "load_test",
    "marks",
    "marks_in",
    "moved",
    "needed",
    "overview",
    "parse_diff",
    "plain",
    "preload",
    "read_encoded",
    "read_settings",
    "remains",
    "review_body",
    "settings_files",
    "settings_of",
    "to_json",
    "to_markdown",
    "to_sarif",
    "to_terminal",
    "visible",
]

_DEFAULTS, _NO_STORE = Settings(), NoStore()
_LIMITS, _NOTHING_TOLD = Limits(), Told()

RULES: Mapping[str, Rule] = rules()
LOAD_TOOLS: tuple[str, ...] = tuple(_TOOLS)


class Analysis:
    """A finished comparison. `place` says which line of a diff carries each new finding."""

    def __init__(
        self,
        review: Review,
        head: Revision,
        files: pipeline.Files,
        blobs: BlobReader,
        analyst: pipeline.Analyst,
        found: Sequence[Finding] = (),
    ) -> None:
        self.review = review
        self._head, self._blobs = head, blobs
        self._sources: dict[str, bytes | None] = {}
        self._trial = Trial(files, found, review.new, self.source, analyst)

    def source(self, path: str) -> bytes | None:
        """The text of a file of the head, or nothing if there is none or it cannot be read."""
        if path not in self._sources:
            blob = self._head.files.get(path)
            self._sources[path] = dict(self._blobs.read([blob])).get(blob) if blob else None
        return self._sources[path]

    def place(self, diff: Diff, limits: Limits = _LIMITS, told: Told = _NOTHING_TOLD) -> Placement:
        """Where each new finding goes. A suggestion is offered if, with it, the finding vanishes and none appears."""
        return _place(self.review.new, diff, self.source, self.removes, limits=limits, told=told)

    def _illustrated(self) -> Analysis:
        """With the mended lines as code to paste, for findings whose fix is an edit."""
        new = tuple(self._with_code(finding) for finding in self.review.new)
        self.review = msgspec.structs.replace(self.review, new=new)
        return self

    def _with_code(self, finding: Finding) -> Finding:
        shown = finding.fix is not None and not finding.code and not finding.fix.young
        source = self.source(finding.fix.path) if finding.fix is not None and shown else None
        if finding.fix is None or source is None:
            return finding
        return msgspec.structs.replace(finding, code=mended_lines(source, finding.fix.edits))

    def removes(self, finding: Finding, changed: bytes) -> bool:
        """Whether the finding is gone, and none more is there, once the file of its fix reads `changed`."""
        return self._trial.removes(finding, changed)


def preload() -> None:
    """Loads what else the first analysis of a process loads: grammars, knowledge of libraries, rules. For those that fork."""
    audit(Revision("", {path: path for path in _SAMPLE}), _Sample())


_SAMPLE = {
    "shop/models.py": b"from django.db import models\n\n\nclass Book(models.Model):\n    name = models.TextField()\n",
    "shop/templates/books.html": b"{% for book in books %}{{ book.name }}{% endfor %}",
    "src/Entity/Book.php": b"<?php\nnamespace App\\Entity;\nclass Book {}\n",
    "templates/books.html.twig": b"{% for book in books %}{{ book.name }}{% endfor %}",
    "migrations/1.sql": b"CREATE TABLE book (id int PRIMARY KEY);",
    "compose.yml": b"services: {}\n",
}


class _Sample:
    def read(self, blob_ids: Iterable[str]) -> Iterator[tuple[str, bytes]]:
        return ((path, _SAMPLE[path]) for path in blob_ids)


def needed(revision: Revision, settings: Settings = _DEFAULTS) -> list[str]:
    """The blobs that an analysis of this revision reads, each once."""
    return list(dict.fromkeys(blob for _, blob, _ in pipeline.readable(revision, settings)))


def compare(
    base: Revision,
    head: Revision,
    blobs: BlobReader,
    *,
    store: FactStore = _NO_STORE,
    settings: Settings = _DEFAULTS,
    linter: Linter | None = None,
    reader: Reader | None = None,
) -> Analysis:
    """What `head` brings that `base` had not: two complete analyses, and their difference. A `linter` of SQL is asked about the
    migrations that it brings; without one they are judged by what is known here."""
    analyst = pipeline.Analyst(blobs, store, settings, linter, frozenset(head.files.keys() - base.files.keys()), reader)
    old, _ = analyst.facts(base)
    new, unread = analyst.facts(head)
    analyst.recall(old, new)
    after, before = analyst.judge(new), analyst.judge(old)
    analyst.save(old)
    found, fixed, kept = _difference(before.findings, after.findings)
    changed = {path for path, blob in head.files.items() if base.files.get(path) != blob}
    fresh, past = _happening(found, base.files)
    fresh = _told_as_differences(fresh, before.measures)
    known = (*kept, *past)
    review = _review(new, settings, fresh, fixed, known, (*after.problems, *unread), changed, after)
    return Analysis(review, head, new, blobs, analyst, after.findings)._illustrated()


def audit(
    head: Revision,
    blobs: BlobReader,
    *,
    store: FactStore = _NO_STORE,
    settings: Settings = _DEFAULTS,
    reader: Reader | None = None,
) -> Analysis:
    """Everything there is to say of one revision; all of it counts as new, and nothing happens while it is applied."""
    analyst = pipeline.Analyst(blobs, store, settings, reader=reader)
    files, unread = analyst.facts(head)
    judged = analyst.judge(files)
    analyst.save(files)
    found, _, _ = _difference((), judged.findings)
    lasting, past = _happening(found)
    review = _review(files, settings, lasting, (), past, (*judged.problems, *unread), set(files), judged)
    return Analysis(review, head, files, blobs, analyst, judged.findings)._illustrated()


def load_test(
    head: Revision,
    blobs: BlobReader,
    tool: str,
    *,
    name: str,
    store: FactStore = _NO_STORE,
    settings: Settings = _DEFAULTS,
) -> LoadScript:
    """A starter script of a load test (`LOAD_TOOLS`), made of the routes of a revision."""
    files, _ = pipeline.Analyst(blobs, store, settings).facts(head)
    code = Codebase({path: facts for path, (_, facts) in files.items()})
    with _known_besides(settings.libraries):
        return _load_script(code, tool, name, settings.expected_peak)


def _review(
    files: pipeline.Files,
    settings: Settings,
    found: tuple[Finding, ...],
    fixed: tuple[Finding, ...],
    kept: tuple[Finding, ...],
    problems: tuple[Problem, ...],
    changed: set[str],
    judged: pipeline.Judgement,
) -> Review:
    """The comparison, less what is accepted, with what concerns the changed files and could not be analysed."""
    ignores = {path: facts.ignores for path, (_, facts) in files.items() if facts.ignores}
    honoured = {path: ignored for path, ignored in ignores.items() if settings.at(path).honour_inline is not False}
    remaining, accepted, dead = _accept(found, honoured, settings.declared(), kept=kept, judged=changed)
    remaining = together(tuple(listed(finding, settings) for finding in merge(remaining)))
    told = tuple(p for p in problems if not p.path or p.path in changed)
    lasting = (_happening(fixed)[0], _happening(kept)[0])
    return Review(remaining, *lasting, accepted, (*told, *dead), judged.readiness, judged.pictures)
