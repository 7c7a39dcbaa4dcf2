"""Units of systemd as services of one machine."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from analyzers.deployment.commands import programs
from analyzers.deployment.known_programs import Where
from analyzers.deployment.manifests import document
from analyzers.deployment.uses import NOT_RUN
from analyzers.deployment.values import Amount, Service, Stack
from analyzers.facts.store import FileFacts

_UNIT = re.compile(r"\.service$|(?:^|/)debian/service$")
_MARKS = re.compile(r"^[-@:+!]+")
"""What systemd writes before a command to say how it is run."""


def stacks(files: Mapping[str, FileFacts]) -> Iterator[Stack]:
    """The units of each folder that start something which is known."""
    folders: dict[str, list[Service]] = {}
    for path, facts in files.items():
        if not _UNIT.search(path) or NOT_RUN.search(path):
            continue
        told = document(path, facts)
        entry = told.entries.get("Service.ExecStart")
        if entry is None or told.told("Service.Type") == "oneshot":
            continue
        name = path.rpartition("/")[2].removesuffix(".service")
        variables = {n: v for k, e in told.entries.items() if k == "Service.Environment" for n, v in _set(e.value)}
        runs = tuple(programs(_MARKS.sub("", entry.value), Where(variables, files, "", entry.place)))
        copies = Amount(1, "one unit", entry.place)
        if name.endswith("@"):
            copies = Amount(
                None, f"how many instances of `{name}` are enabled is not stated", entry.place, f"instances of {name}"
            )
        if runs:
            folders.setdefault(path.rpartition("/")[0], []).append(
                Service(
                    name,
                    entry.place,
                    copies,
                    runs,
                    build="",
                    command=entry.value,
                    environment=variables,
                    volumes=("/",),
                    installed=True,
                )
            )
    for folder, services in folders.items():
        yield Stack(folder or ".", tuple(services))


def _set(text: str) -> Iterator[tuple[str, str]]:
    for word in re.findall(r'"[^"]*"|\S+', text):
        name, stands, value = word.strip('"').partition("=")
        if stands:
            yield name, value
