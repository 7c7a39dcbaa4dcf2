"""Sessions, caches and rate limits kept in one process or on one disk, where requests are answered by more than one.

Evidence decides: a second process, copy or disk that the same repository states makes it a finding; where nothing is stated it
is advice; where one process is stated it is fine.
"""

from __future__ import annotations

from collections.abc import Iterator

from analyzers.deployment.copies import Copies, disks, processes
from analyzers.deployment.remedies import remedy_of
from analyzers.deployment.values import State
from analyzers.findings import Confidence, Finding, Related, Severity
from analyzers.model.project import Project
from analyzers.settings import Settings

TITLE = "Local state"
CATEGORY = "local_state"

_HARM = {
    "session": "A user whose next request another {other} answers is signed out",
    "cache": "Each {other} has a cache of its own: what one deletes, the others still answer with",
    "rate limit": "Each {other} counts for itself, so the limit is as many times higher",
}


def check(project: Project, settings: Settings) -> Iterator[Finding]:  # noqa: ARG001
    """One finding for each kind of state that is local, unless one process or disk is all there is."""
    for state in project.deployment.states:
        copies = (
            disks(project.deployment) if state.kept == "disk" else processes(project.deployment, workers=state.kind == "cache")
        )
        if copies.number != "one":
            yield _finding(state, copies)


def _finding(state: State, copies: Copies) -> Finding:
    certain = copies.number == "several"
    where = "in one process" if state.kept == "process" else "on one disk"
    other = "process" if state.kept == "process" else "copy"
    harm = _HARM[state.kind].format(other=other)
    how = "is not set, and its default keeps" if state.absent else "keeps"
    kinds = {"session": "sessions", "cache": "the cache", "rate limit": "rate limits"}[state.kind]
    unknown = "How many run is not stated here; with more than one:"
    reason = f"{copies.because[:1].upper()}{copies.because[1:]}." if certain else unknown
    remedy, code, language = remedy_of(state)
    place, *more = state.places
    related = [Related(p, f"`{state.setting}` here too" if not state.absent else "what uses the cache") for p in more]
    if copies.place is not None:
        related.insert(0, Related(copies.place, copies.because))
    return Finding(
        rule="local_state",
        subject=f"{state.kind}: {state.setting}",
        title=f"`{state.setting}` {how} {kinds} {where}",
        message=f"{reason} {harm}.",
        growth="",
        remedy=remedy,
        code=code,
        code_language=language,
        place=place,
        related=tuple(related),
        evidence=(f"{copies.because}.",) if certain else (),
        severity=Severity.MEDIUM if certain else Severity.LOW,
        confidence=Confidence.CERTAIN if certain else Confidence.POSSIBLE,
        cause=f"{state.kind}: {state.setting}",
    )
