"""State kept in one process or on one disk, where requests are answered by more than one: sessions, caches, limits, uploads,
and what requests leave for each other.

Evidence decides: a second process, copy or disk that the same repository states makes it a finding; where nothing is stated it
is advice; where one process is stated it is fine.
"""

from __future__ import annotations

from collections.abc import Iterator

from analyzers.deployment.copies import Copies, disks, processes, queue_workers
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
    "values": "What one request leaves there, the next does not find when another {other} answers it",
    "websocket": "A message reaches only those who are connected to the same {other}",
    "scheduler": "Each {other} runs every job: it is done as many times as there are processes",
    "memo": "Each {other} fetches and keeps its own: as many times the work, and answers that differ until they expire",
    "upload": "A file that one {other} was sent, the others do not have",
    "lock": "What one {other} has locked, the others lock too: two do at once what only one should",
    "queue": "Who makes a job waits until it is done, and a job that fails is not tried again",
    "jobs": "What waits there is gone when that {other} ends (a new version, a crash): no other takes it, or tries again",
    "remembered": "What changes is forgotten in one {other} only: the others answer with what they remember until they end",
}
_WHAT = {
    "session": "sessions",
    "cache": "the cache",
    "rate limit": "rate limits",
    "values": "what requests leave for each other",
    "websocket": "who is connected",
    "scheduler": "its jobs",
    "memo": "what was fetched",
    "upload": "uploads",
    "lock": "locks",
    "queue": "queued jobs",
    "jobs": "jobs that wait",
    "remembered": "what it answered once",
}
_NOTES = {
    "values": ("it is put there here", "it is looked for here"),
    "upload": ("a field that keeps files",),
    "lock": ("what is written under it, other processes write too",),
    "jobs": ("a request puts one there", "a thread of the process takes it"),
    "remembered": ("it is forgotten here, by one process",),
}
_LOCKS_FILES = frozenset({"symfony-session", "php-session"})
"""Sessions whose file PHP locks for as long as a request has it open."""


def check(project: Project, settings: Settings) -> Iterator[Finding]:  # noqa: ARG001
    """One finding for each kind of state that is local, unless one process or disk is all there is."""
    for state in project.deployment.states:
        if state.kept == "disk":
            copies = disks(project.deployment, state.places[0].path)
        elif state.kept == "request":
            copies = queue_workers(project.deployment)
        else:
            path = state.places[0].path if state.of else ""
            copies = processes(project.deployment, workers=state.kind == "cache", path=path, of=state.places[0].path)
        if copies.number == "several" or (copies.number == "unknown" and not state.certain):
            yield _finding(state, copies)


def _finding(state: State, copies: Copies) -> Finding:
    certain = copies.number == "several"
    where = {"process": "in one process", "disk": "on one disk", "request": "in the request"}[state.kept]
    harm = _harm(state)
    how = "is not set, and its default keeps" if state.absent else "does" if state.kept == "request" else "keeps"
    kinds = _WHAT[state.kind]
    unknown = "" if state.kept == "request" else "How many run is not stated here; with more than one: "
    reason = f"{copies.because[:1].upper()}{copies.because[1:]}. " if certain else unknown
    remedy, code, language = remedy_of(state)
    place, *more = state.places
    subject = f"{state.kind}: {state.setting}"
    notes = _NOTES.get(state.kind, ())
    other_place = "what counts there" if state.kind == "rate limit" else "what uses the cache"
    other_place = other_place if state.absent else f"`{state.setting}` here too"
    related = [Related(p, notes[i] if i < len(notes) else other_place) for i, p in enumerate(more)]
    related += [Related(p, "limits on requests count there") for p in state.limits if p not in state.places]
    if copies.place is not None:
        related.insert(0, Related(copies.place, copies.because))
    return Finding(
        rule="local_state",
        subject=f"{state.of}: {subject}" if state.of else subject,
        title=f"`{state.setting}` {how} {kinds} {where}",
        message=f"{reason}{harm}.",
        growth="",
        remedy=remedy,
        code=code,
        code_language=language,
        place=place,
        related=tuple(related),
        evidence=(f"{copies.because}.",) if certain else (),
        severity=Severity.MEDIUM if certain and state.kind not in ("memo", "remembered", "jobs") else Severity.LOW,
        confidence=Confidence.CERTAIN if certain else Confidence.POSSIBLE,
        cause=subject,
    )


def _harm(state: State) -> str:
    """What happens, for one sentence or two."""
    text = _HARM[state.kind].format(other="process" if state.kept == "process" else "copy")
    if state.limits and state.kind == "cache":
        text += ", and what limits requests counts in each for itself"
    if state.remedy in _LOCKS_FILES:
        text += ". Its file is locked until the request ends: requests of one visitor wait for each other"
    return text
