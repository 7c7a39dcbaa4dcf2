"""Bytes in, findings out: the analysis of a repository's revisions, without network, clock, environment or queue.

Everything outside this package uses these names and no others.
"""

from __future__ import annotations

from collections.abc import Mapping

from analyzers import pipeline
from analyzers.facts.store import FactStore, FileFacts, NoStore
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
from analyzers.frontends import read_facts
from analyzers.review.compare import compare as _difference
from analyzers.review.diff import Diff, parse_diff
from analyzers.review.ignore import accept as _accept
from analyzers.review.place import Comment, Elsewhere, Placement
from analyzers.review.place import place as _place
from analyzers.rules import Rule, rules
from analyzers.settings import PATH as SETTINGS_PATH
from analyzers.settings import Settings, settings_of
from analyzers.source import BlobReader, Place, Revision, Span

__all__ = [
    "RULES",
    "SETTINGS_PATH",
    "Accepted",
    "Analysis",
    "BlobReader",
    "Comment",
    "Confidence",
    "Diff",
    "Edit",
    "Elsewhere",
    "FactStore",
    "Finding",
    "Fix",
    "NoStore",
    "Place",
    "Placement",
    "Problem",
    "Related",
    "Review",
    "Revision",
    "Rule",
    "Settings",
    "Severity",
    "Span",
    "audit",
    "compare",
    "needed",
    "parse_diff",
    "settings_of",
]

_DEFAULTS, _NO_STORE = Settings(), NoStore()

RULES: Mapping[str, Rule] = rules()


class Analysis:
    """A finished comparison. `place` says which line of a diff carries each new finding."""

    def __init__(
        self, review: Review, head: Revision, files: Mapping[str, FileFacts], blobs: BlobReader, settings: Settings
    ) -> None:
        self.review = review
        self._head, self._files, self._blobs, self._settings = head, files, blobs, settings
        self._sources: dict[str, bytes | None] = {}

    def source(self, path: str) -> bytes | None:
        """The text of a file of the head."""
        if path not in self._sources:
            blob = self._head.files.get(path)
            self._sources[path] = dict(self._blobs.read([blob])).get(blob) if blob else None
        return self._sources[path]

    def place(self, diff: Diff) -> Placement:
        """Where each new finding goes. A suggestion is offered if, with it, the finding vanishes and none appears."""
        return _place(self.review.new, diff, self.source, self._removes)

    def _removes(self, finding: Finding, changed: bytes) -> bool:
        assert finding.fix is not None
        files = dict(self._files)
        files[finding.fix.path] = read_facts(finding.fix.path, changed)
        before = {f.identity for f in pipeline.judge(self._files, self._settings).findings}
        after = {f.identity for f in pipeline.judge(files, self._settings).findings}
        return finding.identity not in after and after <= before


def needed(revision: Revision, settings: Settings = _DEFAULTS) -> list[str]:
    """The blobs that an analysis of this revision reads, each once."""
    return list(dict.fromkeys(blob for _, blob, _ in pipeline.readable(revision, settings)))


def compare(
    base: Revision, head: Revision, blobs: BlobReader, *, store: FactStore = _NO_STORE, settings: Settings = _DEFAULTS
) -> Analysis:
    """What `head` brings that `base` had not: two complete analyses, and their difference."""
    facts = pipeline.Facts(blobs, store)
    old, _ = facts.load(base, settings)
    new, unread = facts.load(head, settings)
    before, after = pipeline.judge(old, settings), pipeline.judge(new, settings)
    found, fixed, kept = _difference(before.findings, after.findings)
    changed = {path for path, blob in head.files.items() if base.files.get(path) != blob}
    return _analysis(head, new, blobs, settings, found, fixed, kept, after, unread, changed)


def audit(head: Revision, blobs: BlobReader, *, store: FactStore = _NO_STORE, settings: Settings = _DEFAULTS) -> Analysis:
    """Everything there is to say of one revision; all of it counts as new."""
    facts = pipeline.Facts(blobs, store)
    files, unread = facts.load(head, settings)
    judged = pipeline.judge(files, settings)
    found, _, _ = _difference((), judged.findings)
    return _analysis(head, files, blobs, settings, found, (), (), judged, unread, set(files))


def _analysis(
    head: Revision,
    files: Mapping[str, FileFacts],
    blobs: BlobReader,
    settings: Settings,
    found: tuple[Finding, ...],
    fixed: tuple[Finding, ...],
    kept: tuple[Finding, ...],
    judged: pipeline.Judgement,
    unread: tuple[Problem, ...],
    changed: set[str],
) -> Analysis:
    ignores = {path: facts.ignores for path, facts in files.items() if facts.ignores}
    remaining, accepted, dead = _accept(found, ignores, settings.ignore, kept=kept, judged=changed)
    problems = tuple(p for p in (*judged.problems, *unread) if not p.path or p.path in changed)
    review = Review(remaining, fixed, kept, accepted, (*problems, *dead))
    return Analysis(review, head, files, blobs, settings)
