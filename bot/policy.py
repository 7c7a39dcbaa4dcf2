"""What a review means for the check run: its conclusion, a title, and why."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from analyzers import Confidence, Finding, Review, Severity

Outcome = Literal["success", "failure", "neutral"]


@dataclass(frozen=True)
class Conclusion:
    """`title` fits one line of GitHub's list of checks; `explanation` is one or two sentences of Markdown."""

    conclusion: Outcome
    title: str
    explanation: str


def blocking(findings: Sequence[Finding], fail_on: str) -> list[Finding]:
    """Those that fail the check: as bad as `fail_on` or worse, and more than a possibility."""
    if fail_on == "never":
        return []
    threshold = Severity(fail_on)
    return [f for f in findings if f.severity.at_least(threshold) and f.confidence is not Confidence.POSSIBLE]


def conclude(review: Review, fail_on: str) -> Conclusion:
    """Failure for blocking findings; neutral where the analysis as a whole is incomplete; else success. What was not
    analysed is always in the title."""
    blockers, new = blocking(review.new, fail_on), len(review.new)
    files = {problem.path for problem in review.problems if problem.path}
    general = [problem for problem in review.problems if not problem.path]
    unread = f"; {_count(len(files), 'file')} not fully analysed" if files else ""
    if blockers:
        title = f"{_count(len(blockers), 'new finding')} of severity {fail_on} or above" + _more(new - len(blockers)) + unread
        return Conclusion("failure", title, _because(blockers[0], len(blockers), fail_on))
    if general:
        reason = general[0].text
        title = f"{_count(new, 'new finding') if new else 'No new finding'}, but the analysis is incomplete"
        return Conclusion("neutral", title, f"The analysis is incomplete, so this is not a pass: {reason}")
    if new:
        threshold = "the check never fails here" if fail_on == "never" else f"none fails the check, which needs {fail_on}"
        return Conclusion(
            "success", f"{_count(new, 'new finding')}; {threshold}{unread}", f"New findings are reported; {threshold}."
        )
    explanation = "This change adds none of the problems looked for."
    if files:
        explanation = f"Nothing was found, but {_count(len(files), 'file')} could not be analysed completely: see below."
    return Conclusion("success", f"No new findings{unread}", explanation)


def incomplete(reason: str) -> Conclusion:
    """There is no review, and here is why."""
    return Conclusion("neutral", "Not reviewed", reason)


def _because(finding: Finding, count: int, fail_on: str) -> str:
    others = f" and {_count(count - 1, 'other')}" if count > 1 else ""
    return f"The check fails on new findings of severity {fail_on} or above: {finding.title}{others}."


def _more(count: int) -> str:
    return f", {count} more" if count else ""


def _count(count: int, noun: str) -> str:
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"
