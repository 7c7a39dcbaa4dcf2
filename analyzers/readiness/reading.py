"""The table of a project: what looks after it once many users are there."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import msgspec

from analyzers.facts.store import FileFacts
from analyzers.model.project import Project
from analyzers.readiness.applications import applications
from analyzers.readiness.inventory import inventory
from analyzers.readiness.loads import Driven, load_tests
from analyzers.readiness.signals import Line, signals
from analyzers.readiness.timeouts import databases_of, timeouts
from analyzers.readiness.topics import rows
from analyzers.readiness.values import Paste, Readiness, Row
from analyzers.settings import Peak

_MARGIN = 2


def readiness_of(files: Mapping[str, FileFacts], project: Project, peak: Peak) -> Readiness:
    """The table; of no rows where the repository holds no application."""
    stated = inventory(files, project.deployment)
    found = applications(files, stated.packages)
    if not found:
        return Readiness()
    tests = list(load_tests(files, {one.text: one.place for one in stated.commands}))
    databases = databases_of(project)
    waiting = timeouts(files, databases, stated)
    return Readiness(
        (
            *rows(stated, found, project.routes, databases),
            *([_with(waiting, signals().timeouts, [*databases, *(f.framework for f in found)])] if waiting is not None else []),
            *_load_rows(tests, [f.framework for f in found], peak),
        )
    )


def _with(row: Row, lines: Mapping[str, Line], names: Sequence[str]) -> Row:
    """The row with the first of the lines that is called so, where something is missing."""
    line = next((lines[name] for name in names if name in lines), None)
    if line is None or row.state != "not found":
        return row
    return msgspec.structs.replace(row, paste=Paste(line.file, line.code))


def _load_rows(tests: Sequence[Driven], names: Sequence[str], peak: Peak) -> Iterator[Row]:
    """Whether there is a load test, and whether it drives twice the peak that the configuration expects."""
    topic = f"Load at {_MARGIN} x the expected peak"
    if not tests:
        none = Row("Load test", "not found", "no script of k6, Locust, Artillery, JMeter, Gatling or wrk")
        yield _with(none, signals().load_test, names)
        return
    most = max(tests, key=lambda test: (test.users or 0, test.rate or 0))
    yield Row("Load test", "found", most.tool, tuple(dict.fromkeys(test.place for test in tests))[:3])
    places = (most.at,) if most.at is not None else (most.place,)
    users, rate = max((t.users or 0 for t in tests), default=0), max((t.rate or 0 for t in tests), default=0)
    drives = " and ".join([f"{users:,} users"] * bool(users) + [f"{rate:,} requests a second"] * bool(rate))
    if not drives:
        yield Row(topic, "not known", "the script does not say how much it drives", places)
        return
    wanted = [(users, peak.users, "users"), (rate, peak.requests_per_second, "requests a second")]
    compared = [(has, _MARGIN * expected, what) for has, expected, what in wanted if has and expected]
    if not compared:
        what = "`expected_peak` of `.cliffguard.yml`" + (" says nothing of that" if peak != Peak() else " is not set")
        yield Row(topic, "not known", f"it drives {drives}; {what}", places)
    elif short := next(((has, needed, what) for has, needed, what in compared if has < needed), None):
        has, needed, what = short
        yield Row(topic, "not found", f"it drives {has:,} {what}, and {needed:,} are {_MARGIN} x the expected peak", places)
    else:
        has, needed, what = compared[0]
        yield Row(topic, "found", f"it drives {has:,} of {needed:,} {what}", places)
