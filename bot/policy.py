"""What a review means for the check run: its conclusion, a title, and why."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import analyzers
from analyzers import Finding, Review

_UNSET = analyzers.Settings()

Outcome = Literal["success", "failure", "neutral"]


@dataclass(frozen=True)
class Conclusion:
    """`title` fits one line of GitHub's list of checks; `explanation` is one or two sentences of Markdown."""

    conclusion: Outcome
    title: str
    explanation: str


@dataclass(frozen=True)
class Gate:
    """What fails the check: by the repository's settings, and where they are silent by the service's `fail_on`.

    `own`: how it ends for a failure of ours.
    """

    fail_on: str
    settings: analyzers.Settings = _UNSET
    own: Outcome = "neutral"

    def blocking(self, findings: Sequence[Finding]) -> list[Finding]:
        return [finding for finding in findings if analyzers.fails(finding, self.settings, self.fail_on)]

    @property
    def words(self) -> str:
        """Which findings fail the check: of one severity and above, or as the configuration says of rules and folders."""
        rules = self.settings.rules
        varied = rules.blocks or rules.comments or rules.lists or self.settings.nested
        return "" if varied else self.settings.fail_on or self.fail_on


def conclude(review: Review, gate: Gate) -> Conclusion:
    """Failure for blocking findings; neutral, or as `gate.own` says, where the analysis as a whole is incomplete; else success.

    What was not analysed is always in the title.
    """
    blockers, new = gate.blocking(review.new), len(review.new)
    mistakes = analyzers.settings_files(problem.path for problem in review.problems)
    files = {problem.path for problem in review.problems if problem.path and problem.path not in mistakes}
    general = [problem for problem in review.problems if not problem.path]
    unread = f"; {_count(len(files), 'file')} not fully analysed" if files else ""
    unread += f"; {_count(len(mistakes), 'notice')} about the configuration" if mistakes else ""
    if blockers:
        which = f"of severity {gate.words} or above" if gate.words else f"that fail{'s' * (len(blockers) == 1)} the check here"
        title = f"{_count(len(blockers), 'new finding')} {which}" + _more(new - len(blockers)) + unread
        return Conclusion("failure", title, _because(blockers[0], len(blockers), gate))
    if general:
        reason = general[0].text
        title = f"{_count(new, 'new finding') if new else 'No new finding'}, but the analysis is incomplete"
        return Conclusion(gate.own, title, f"The analysis is incomplete, so this is not a pass: {reason}")
    if new:
        needed = f", which needs {gate.words}" if gate.words else ""
        threshold = "the check never fails here" if gate.words == "never" else f"none fails the check{needed}"
        return Conclusion(
            "success", f"{_count(new, 'new finding')}; {threshold}{unread}", f"New findings are reported; {threshold}."
        )
    explanation = "This change adds none of the problems looked for."
    if files:
        explanation = f"Nothing was found, but {_count(len(files), 'file')} could not be analysed completely: see below."
    return Conclusion("success", f"No new findings{unread}", explanation)


def incomplete(reason: str, own: Outcome = "neutral") -> Conclusion:
    """There is no review, and here is why; `own`: how the check ends where that is a failure of ours."""
    return Conclusion(own, "Not reviewed", reason)


def _because(finding: Finding, count: int, gate: Gate) -> str:
    others = f" and {_count(count - 1, 'other')}" if count > 1 else ""
    why = f"on new findings of severity {gate.words} or above" if gate.words else "by what the configuration says of rules"
    return f"The check fails {why}: {finding.title}{others}."


def _more(count: int) -> str:
    return f", {count} more" if count else ""


def _count(count: int, noun: str) -> str:
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"
