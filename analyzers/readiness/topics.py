"""One row for each topic of `signals.yml`: what looks after it, where that is stated, or that nothing does."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Sequence
from functools import cache
from typing import NamedTuple

import msgspec

from analyzers.readiness.inventory import Inventory, Stated, first_part
from analyzers.readiness.packages import called
from analyzers.readiness.signals import Ecosystem, Framework, Signal, Topic, signals
from analyzers.readiness.values import Paste, Row
from analyzers.routing.values import Route
from analyzers.source import Place

_SHOWN = 60


class _Evidence(NamedTuple):
    """What shows that something is used, in the repository's own words."""

    title: str
    text: str
    place: Place


def rows(
    inventory: Inventory, applications: Sequence[Framework], routes: Sequence[Route], databases: Collection[str]
) -> Iterator[Row]:
    """The rows of a project's applications; `databases` are the dialects that it speaks."""
    queue = _queue(inventory)
    for topic in signals().topics:
        if not topic.queues or queue:
            row = _row(topic, inventory, applications, routes, queue)
            by_framework = next((topic.paste[f.framework] for f in applications if f.framework in topic.paste), None)
            line = next((topic.paste[d] for d in databases if d in topic.paste), by_framework)
            paste = Paste(line.file, line.code) if line is not None and row.state == "not found" else None
            yield msgspec.structs.replace(row, paste=paste)


def _row(topic: Topic, inventory: Inventory, applications: Sequence[Framework], routes: Sequence[Route], queue: str) -> Row:
    title = f"{topic.title} ({queue})" if topic.queues else topic.title
    used = next((e for signal in topic.signals for e in _used(signal, inventory, routes)), None)
    if used is None and topic.probes and inventory.probes:
        used = _Evidence("A probe", inventory.probes[0].text, inventory.probes[0].place)
    if used is not None:
        return Row(title, "found", f"{used.title}: {_quoted(used.text)}", (used.place,))
    listed = next((e for signal in topic.signals for e in _listed(signal, inventory, applications)), None)
    if listed is not None:
        signal, name, place = listed
        if signal.works or not any(f.read for f in applications):
            return Row(title, "found", f"{signal.title}: {_quoted(name)} is required", (place,))
        return Row(title, "not known", f"{_quoted(name)} is required, but nothing that is read here uses it", (place,))
    blind = _blind(topic, inventory, applications, routes)
    if blind:
        return Row(title, "not known", blind)
    return Row(title, "not found", f"nothing in {topic.looked}")


def _quoted(text: str) -> str:
    """A text of the repository as code, short."""
    plain = " ".join(text.split()).replace("`", "'")
    return f"`{plain if len(plain) <= _SHOWN else plain[: _SHOWN - 1] + '…'}`"


def _used(signal: Signal, inventory: Inventory, routes: Sequence[Route]) -> Iterator[_Evidence]:
    """Evidence of use, the strongest first: settings, code, what runs, what is set from outside. Settings of what no list of
    dependencies has are left over from another time."""
    needed = signal.needs or signal.packages
    installed = not needed or any(called(p, name) for p in inventory.packages.values() for name in needed)
    for name in signal.texts if installed else ():
        yield from (_Evidence(signal.title, one.text, one.place) for one in inventory.texts if _begins(one.text, name))
    for beginning in signal.imports:
        for one in inventory.imports.get(first_part(beginning), ()):
            if _begins(one.text, beginning):
                yield _Evidence(signal.title, one.text, one.place)
    for patterns, stated in (
        (signal.settings if installed else (), inventory.settings),
        (signal.commands, inventory.commands),
        (signal.images, inventory.images),
        (signal.variables if installed else (), inventory.variables),
    ):
        yield from (_Evidence(signal.title, one.text, one.place) for one in _matching(patterns, stated))
    for pattern in signal.routes:
        yield from (_Evidence(signal.title, r.path, r.place) for r in routes if _compiled(pattern).fullmatch(r.path))


def _begins(path: str, beginning: str) -> bool:
    """Whether a dotted name is another, or below it."""
    plain = beginning.rstrip("\\")
    return path == plain or path.startswith((f"{plain}.", f"{plain}\\"))


def _matching(patterns: Sequence[str], stated: Sequence[Stated]) -> Iterator[Stated]:
    for pattern in patterns:
        yield from (one for one in stated if _compiled(pattern).fullmatch(one.text))


@cache
def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern, re.IGNORECASE | re.DOTALL)


def _listed(signal: Signal, inventory: Inventory, applications: Sequence[Framework]) -> Iterator[tuple[Signal, str, Place]]:
    """Packages of the applications' ecosystems that a signal names."""
    kinds: list[Ecosystem] = list(dict.fromkeys(f.ecosystem for f in applications))
    for kind in kinds:
        for name in signal.packages:
            place = called(inventory.packages[kind], name)
            if place is not None:
                yield signal, name, place


def _queue(inventory: Inventory) -> str:
    """The library of jobs that a project uses."""
    for queue in signals().queues:
        for beginning in queue.imports:
            if any(one.text.startswith(beginning) for one in inventory.imports.get(first_part(beginning), ())):
                return queue.title
        if not queue.imports and any(called(p, name) for p in inventory.packages.values() for name in queue.packages):
            return queue.title
    return ""


def _blind(topic: Topic, inventory: Inventory, applications: Sequence[Framework], routes: Sequence[Route]) -> str:
    """Why it cannot be said that there is nothing; empty where everything was looked at."""
    lists = [inventory.packages[f.ecosystem] for f in applications]
    if not any(listed.files for listed in lists):
        return "no list of dependencies was found that is read here"
    unread = next((path for listed in lists for path in listed.unread), "")
    if unread:
        return f"{_quoted(unread)} could not be read"
    if topic.routes and not routes:
        return f"the routes of {applications[0].title} are not read" if not applications[0].read else "no route was read"
    return ""
