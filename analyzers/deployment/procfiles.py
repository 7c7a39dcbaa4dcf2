"""Procfiles: one command line for each kind of process. How many of each run is said elsewhere."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from analyzers.deployment.commands import Setting, programs
from analyzers.deployment.values import Amount, Service, Stack
from analyzers.facts.store import FileFacts
from analyzers.source import Place


def stacks(files: Mapping[str, FileFacts]) -> Iterator[Stack]:
    """The processes of each Procfile."""
    for path, facts in files.items():
        if facts.language != "procfile" or "dev" in path.lower():
            continue
        folder = path.rpartition("/")[0]
        found = []
        for entry in facts.settings:
            place = Place(path, facts.span(entry.start, entry.end))
            runs = tuple(programs(entry.value, Setting({}, files, folder, place)))
            copies = Amount(None, f"a Procfile does not say how many `{entry.key}` run", place, f"{entry.key} dynos")
            if entry.key == "release":
                continue  # ends before the others start
            found.append(Service(entry.key, place, copies, runs, build=folder, command=entry.value, ephemeral=True))
        if found:
            yield Stack(path, tuple(found))
