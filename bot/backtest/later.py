"""What became of each finding: whether the default branch still has it, and if not, with which commit it went.

Nothing is guessed from the text of a diff: a commit is asked what it has, by an analysis. Those that touched a file of the
finding are asked first, by halves, so that few analyses answer for all; they are shared by all findings.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field

import analyzers
from analyzers import Finding
from bot.backtest.history import Commit
from bot.backtest.reviewing import Reader, audited
from bot.backtest.values import Change, Fate, Reviewed, State, key_of

ANALYSES = 40  # of commits between a pull request and today


@dataclass(frozen=True)
class _Commit:
    """What a commit has: findings, those that are accepted among them, and paths."""

    findings: Sequence[Finding]
    accepted: Sequence[Finding]
    paths: Collection[str]

    def has(self, finding: Finding) -> bool:
        return analyzers.remains(finding, (*self.findings, *self.accepted), self.paths)


@dataclass
class Later:
    """The history of the default branch, newest first, and what its commits have, as far as they were asked."""

    reader: Reader
    commits: Sequence[Commit]
    asked: Callable[[], None] = lambda: None
    _known: dict[str, _Commit | None] = field(default_factory=dict)

    def fates(self, reviews: Sequence[Reviewed]) -> dict[str, Fate]:
        """Of all that was told, by `key_of`. Raises what the analysis of today's head raises."""
        today = self._known[self.commits[0].commit] = self._audited(self.commits[0].commit)
        return {key_of(one, told): self._fate(today, one, told.finding) for one in reviews for told in one.told}

    def _fate(self, today: _Commit, one: Reviewed, finding: Finding) -> Fate:
        if finding.passing is not None:
            return Fate(State.PAST)
        if analyzers.remains(finding, today.findings, today.paths):
            return Fate(State.PRESENT)
        if analyzers.remains(finding, today.accepted, today.paths):
            return Fate(State.ACCEPTED)
        state = State.FIXED if finding.place.path in today.paths else State.REMOVED
        since, between = self._since(one.pull.change.commit)
        found = self._gone(finding, since, between) if since else None
        if found is None:
            return Fate(state)
        before = self._known[between[found - 1].commit if found else since]
        after = self._known[between[found].commit]
        if before and after and analyzers.moved(finding, before.findings, after.findings):
            return Fate(State.PRESENT)  # under another name
        commit = between[found]
        return Fate(state, Change(commit.commit, commit.title, commit.at, commit.number))

    def _since(self, commit: str) -> tuple[str, Sequence[Commit]]:
        """The commit, if it is in the history, and those after it, oldest first; the last one is today's head."""
        shas = [one.commit for one in self.commits]
        return (commit, self.commits[: shas.index(commit)][::-1]) if commit in shas else ("", ())

    def _gone(self, finding: Finding, since: str, between: Sequence[Commit]) -> int | None:
        """Which of the commits is the first without it; None where that is not known."""
        if not between or not self._has(since, finding) or self._has(between[-1].commit, finding) is not False:
            return None
        touching = self._touching({finding.place.path, *(related.place.path for related in finding.related)}, since)
        likely = [at for at, one in enumerate(between) if one.commit in touching or at == len(between) - 1]
        found = self._first_without(between, likely, finding)
        if found and not self._has(between[found - 1].commit, finding):
            found = self._first_without(between, range(found), finding)  # it went elsewhere, before
        return found

    def _first_without(self, between: Sequence[Commit], candidates: Sequence[int], finding: Finding) -> int | None:
        """By halves, of some of the commits; the last of these is without it, or not known."""
        low, high = 0, len(candidates) - 1
        while low < high:
            middle = (low + high) // 2
            has = self._has(between[candidates[middle]].commit, finding)
            if has is None:
                return None
            low, high = (middle + 1, high) if has else (low, middle)
        return candidates[high] if self._has(between[candidates[high]].commit, finding) is False else None

    def _has(self, commit: str, finding: Finding) -> bool | None:
        """Whether a commit has the finding; None where it is not asked any more, or cannot be analysed."""
        if commit not in self._known:
            if len(self._known) >= ANALYSES:
                return None
            try:
                self._known[commit] = self._audited(commit)
            except Exception:
                self._known[commit] = None
            self.asked()
        known = self._known[commit]
        return None if known is None else known.has(finding)

    def _audited(self, commit: str) -> _Commit:
        findings, accepted, revision = audited(self.reader, commit)
        return _Commit(findings, accepted, revision.files.keys())

    def _touching(self, paths: set[str], since: str) -> set[str]:
        with self.reader.open() as (repository, _):
            between = f"{since}..{self.commits[0].commit}"
            return set(repository.log("--first-parent", "--format=%H", between, "--", *sorted(paths)).split())
