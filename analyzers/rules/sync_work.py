"""Slow work on the way of a request: mail, messages, calls of other services, other programs and pauses that a visitor waits
for, calls that wait without a limit, and queues that lose what they are given.

A call that the answer needs, once and with a limit, is what the request is for. Told is what the answer does not need, what is
done for each of several, with every change of a row, before every request, while a transaction is open, or on an event loop;
and whoever waits without a limit.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from analyzers.findings import Confidence, Finding, Related, Severity
from analyzers.model.errands import Errand, Flaw, Wait
from analyzers.model.project import Project
from analyzers.model.ways import CallSite
from analyzers.settings import Settings
from analyzers.words import short

TITLE = "Slow work in a request"
CATEGORY = "sync_work"

_TELLS = ("mail", "message")
_STOPPING = ("http", "mail", "message", "payment", "model", "storage", "process", "sleep")
_LIMITED = ("http", "mail")
_BEFORE_EVERY = re.compile(r"middleware", re.IGNORECASE)
_ASIDE = re.compile(
    r"(?i:health|readiness|liveness|lifespan|startup|shutdown|wait_?for_|heartbeat|diagnos|install|upgrade|backup|restore|debug)"
    r"|(?i:preview)|(?:^|[_.])test(?:_|$)|test[A-Z]|Test(?:$|[A-Z])"
)
_LISTED = {
    "document": "How long that takes, what it is given decides.",
    "archive": "How long that takes, what it is given decides.",
    "sleep": "It is a pause between tries.",
}
_LONG = 0.5  # seconds that a request may pause


def check(project: Project, settings: Settings) -> Iterator[Finding]:  # noqa: ARG001
    """One finding for each call that waits without a limit or stops an event loop, for each request that does what can be done
    after its answer, and for each flaw of a queue."""
    found: dict[tuple[str, str], Finding] = {}
    for errand in project.errands:
        for finding in _told(errand, project):
            found.setdefault(finding.identity, finding)
    yield from found.values()
    yield from map(_flawed, project.flaws)


def _told(errand: Errand, project: Project) -> Iterator[Finding]:
    if _ASIDE.search(short(errand.function)) or _ASIDE.search(short(errand.stops)):
        return
    if errand.stops and errand.kind in _STOPPING and (errand.seconds is None or errand.seconds > 0):
        yield _stops(errand)
        return
    if errand.endless and _is_limited(errand):
        yield _endless(errand)
    for wait in errand.waits:
        if any(_ASIDE.search(short(c.function.name)) for c in wait.way.calls):
            continue
        if _is_needless(errand, wait):
            yield _waits(errand, wait, project)
        elif errand.kind in _LISTED and (errand.kind != "sleep" or errand.quick):
            yield _waits(errand, wait, project, listed=_LISTED[errand.kind])


def _is_limited(errand: Errand) -> bool:
    """Whether the call is one that should say how long it waits."""
    if errand.kind == "process":
        return errand.reached in ("request", "task")
    return errand.kind in _LIMITED and errand.reached != "command"


def _is_needless(errand: Errand, wait: Wait) -> bool:
    """Whether the request need not wait, or waits more often or holds more meanwhile than it should."""
    often = (wait.loop is not None and errand.blocking) or wait.transaction is not None
    hook = wait.way.entry.kind == "hook" or _is_before_every(wait)
    match errand.kind:
        case "mail" | "message":
            return True
        case "http":
            return often or hook or errand.told
        case "payment" | "model" | "storage":
            return often
        case "media":
            return True
        case "process" | "document" | "archive":
            return (hook or wait.loop is not None) and not errand.quick
        case "sleep":
            return errand.blocking and not errand.quick and (errand.seconds is None or errand.seconds >= _LONG)
    return False


def _is_before_every(wait: Wait) -> bool:
    return _BEFORE_EVERY.search(wait.way.entry.function.path) is not None


# -- what is said ------------------------------------------------------------------------------------------------------


def _waits(errand: Errand, wait: Wait, project: Project, listed: str = "") -> Finding:
    entry, calls = wait.way.entry, wait.way.calls
    first = short(entry.function.name)
    how, why, severity = _reason(errand, wait)
    remedy, code, language = _postponed(errand, wait, project)
    steps = [Related(c.place, _step(c)) for c in calls[1:-1]]
    steps += [Related(errand.place, f"`{errand.library}`")] if len(calls) > 1 else []
    steps += [Related(errand.carrier_place, f"`{errand.carrier}` is not queued")] if errand.carrier_place is not None else []
    steps += [Related(wait.loop, "for each of these")] if wait.loop is not None else []
    steps += [Related(wait.transaction, "the transaction begins here")] if wait.transaction is not None else []
    steps += [Related(entry.place, f"`{first}` is called from here")] if entry.place.path != calls[0].place.path else []
    return Finding(
        rule="sync_work",
        subject=f"{entry.function.name}: {errand.function}: {errand.does if listed else errand.carrier or errand.library}",
        title=f"`{first}` {errand.does} {how}",
        message=f"{_path(wait)} {errand.does}{_by(errand)} {how}. {why}",
        growth=f"1 {_UNITS.get(errand.kind, 'call')} for each" if wait.loop is not None else "",
        remedy=remedy,
        code=code,
        code_language=language,
        place=calls[0].place,
        related=tuple(dict.fromkeys(steps)),
        severity=Severity.LOW if listed else severity,
        confidence=Confidence.LIKELY,
        cause=_cause(errand),
        listed=listed,
    )


_UNITS = {"http": "request", "mail": "mail", "message": "message", "process": "process", "sleep": "pause", "storage": "request"}


def _reason(errand: Errand, wait: Wait) -> tuple[str, str, Severity]:
    """When it is done, in words, what that means, and how bad it is."""
    slow = "while it is slow, every request that comes here holds a worker, until none is left for the others"
    if wait.transaction is not None:
        harm = "Its rows stay locked, and its connection taken, for as long as the other side takes to answer"
        also = "; a rollback takes none of it back." if errand.kind in _TELLS else "."
        return "inside a transaction", harm + also, Severity.HIGH
    if wait.loop is not None:
        return (
            "for each of several",
            "The request takes as many times as long as there are, and nothing bounds that.",
            Severity.HIGH,
        )
    if errand.kind == "sleep":
        return "while the user waits", "A worker that sleeps answers nobody.", Severity.MEDIUM
    if wait.way.entry.kind == "hook":
        return "whenever it is called", f"Whoever makes the change waits for the other side: {slow}.", Severity.MEDIUM
    if _is_before_every(wait):
        return "before every request", f"All of the product waits for the other side: {slow}.", Severity.HIGH
    return "while the user waits", f"The answer does not need it, and waits for the other side: {slow}.", Severity.MEDIUM


def _path(wait: Wait) -> str:
    """Who does it, by what: `checkout`, by `notify`,"""
    first, last = short(wait.way.entry.function.name), short(wait.way.calls[-1].function.name)
    return f"`{first}`" if first == last else f"`{first}`, by `{last}`,"


def _by(errand: Errand) -> str:
    return f" (`{errand.carrier or _bare(errand.library)}`)"


def _step(call: CallSite) -> str:
    return f"calls `{short(call.target.name)}`" if call.target is not None else "on the way"


def _postponed(errand: Errand, wait: Wait, project: Project) -> tuple[str, str, str]:
    """What to do instead, and code for both halves."""
    if errand.kind == "sleep":
        return "Answer at once, and have whatever is waited for looked at by a job.", "", ""
    if errand.instead:
        return errand.instead, errand.code, errand.code_language
    language = "php" if errand.place.path.endswith(".php") else "python"
    later = next((x for x in project.later if x.language == language), None)
    if later is None:
        return "Have another process do it after the answer.", "", ""
    entry = wait.way.entry.function.name
    task = _task(errand, entry)
    named = {"{task}": task, "{Task}": task[:1].upper() + task[1:], "{entry}": short(entry)}
    code = later.code
    for mark, name in named.items():
        code = code.replace(mark, name)
    return later.remedy, code, later.language


def _task(errand: Errand, entry: str) -> str:
    """The name of a job that does what is done at hand: as the function that does it, unless that is the handler itself."""
    last = re.split(r"::|[.\\]", errand.function)[-1].strip("_")
    if errand.function != entry and last:
        return last
    verb = {"mail": "send_mail", "message": "send_message", "http": "call_service"}.get(errand.kind, "work")
    php = errand.place.path.endswith(".php")
    return "".join(p.title() for p in f"{verb}_later".split("_")) if php else f"{verb}_of_{last}"


def _endless(errand: Errand) -> Finding:
    name, function = _bare(errand.library), short(errand.function)
    entry = short(errand.waits[0].way.entry.function.name) if errand.waits else ""
    who = {"request": "request", "task": "worker"}.get(errand.reached, "caller")
    reached = f", which `{entry}` comes to," if entry and entry != function else ""
    steps = [Related(c.place, _step(c)) for c in errand.waits[0].way.calls[:-1]] if errand.waits else []
    other = "the program" if errand.kind == "process" else "the other side"
    return Finding(
        rule="sync_work",
        subject=f"{errand.function}: {errand.library} without a limit",
        title=f"`{name}` waits without a limit",
        message=(
            f"`{function}`{reached} {errand.does} and says nowhere how long that may take; by default, `{name}` waits for as "
            f"long as {other} does nothing. Each {who} that meets a server which hangs is held until somebody ends it."
            if errand.kind != "process"
            else f"`{function}`{reached} {errand.does} and says nowhere how long that may take: each {who} waits until it ends."
        ),
        growth="",
        remedy="Say how long it may take, and what to do then.",
        code=errand.limit,
        code_language="php" if errand.place.path.endswith(".php") else "python",
        place=errand.place,
        related=tuple(steps),
        severity={"request": Severity.HIGH, "task": Severity.MEDIUM}.get(errand.reached, Severity.LOW)
        if errand.kind != "process"
        else Severity.LOW,
        confidence=Confidence.CERTAIN,
        cause=_cause(errand),
    )


def _stops(errand: Errand) -> Finding:
    name, function = _bare(errand.library), short(errand.stops)
    by = f", by `{short(errand.function)}`," if errand.function != errand.stops else ""
    limit = ", without a limit," if errand.endless and errand.kind in _LIMITED else ""
    return Finding(
        rule="sync_work",
        subject=f"{errand.stops}: {errand.function}: {errand.library} stops the event loop",
        title=f"`{name}` stops the event loop of `{function}`",
        message=(
            f"`{function}` is asynchronous, and{by} {errand.does} with `{name}`, which waits{limit} without giving the loop "
            "back: meanwhile its process does nothing for any other request."
        ),
        growth="",
        remedy="Await it, or have a thread do it: `await asyncio.to_thread(…)`.",
        code=errand.awaits,
        code_language="python" if errand.awaits else "",
        place=errand.stops_by[0],
        related=tuple(Related(p, f"`{name}`") for p in errand.stops_by[1:]),
        severity=Severity.HIGH,
        confidence=Confidence.LIKELY,
        cause=_cause(errand),
    )


_WEIGHTS = {"low": Severity.LOW, "medium": Severity.MEDIUM, "high": Severity.HIGH}


def _flawed(flaw: Flaw) -> Finding:
    return Finding(
        rule="sync_work",
        subject=flaw.subject,
        title=flaw.title,
        message=flaw.message,
        growth="",
        remedy=flaw.remedy,
        code=flaw.code,
        code_language=flaw.language,
        place=flaw.place,
        related=tuple(Related(place, note) for place, note in flaw.related),
        severity=_WEIGHTS[flaw.weight],
        confidence=Confidence.LIKELY,
        cause=flaw.cause,
        listed=flaw.listed,
        parts=flaw.parts,
    )


def _cause(errand: Errand) -> str:
    return errand.carrier or f"{errand.function}: {errand.library}"


def _bare(library: str) -> str:
    """A library's name as code has it: `Mail.send` of a whole namespace."""
    return library.rpartition("\\")[2]
