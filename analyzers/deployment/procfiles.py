"""Procfiles: one command line for each kind of process; how many of each run, and beside which database, is in `app.json`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from analyzers.deployment.commands import programs
from analyzers.deployment.images import joined
from analyzers.deployment.known_programs import Where
from analyzers.deployment.manifests import Manifest, document
from analyzers.deployment.plans import managed
from analyzers.deployment.uses import NOT_RUN
from analyzers.deployment.values import Amount, Server, Service, Stack
from analyzers.deployment.variables import amount
from analyzers.facts.store import FileFacts
from analyzers.source import Place

_OF_PLATFORM = {"WEB_CONCURRENCY": "${WEB_CONCURRENCY}"}
"""Variables that buildpacks set by the size of the dyno."""


def stacks(files: Mapping[str, FileFacts]) -> Iterator[Stack]:
    """The processes of each Procfile."""
    for path, facts in files.items():
        if facts.language != "procfile" or "dev" in path.lower() or NOT_RUN.search(path):
            continue
        folder = path.rpartition("/")[0]
        about = joined(folder, "app.json")
        told = document(about, files[about]) if about in files else Manifest("", "", {})
        environment = {**_OF_PLATFORM, **_variables(told)}
        lasts = "docker" in path.lower()  # run by a supervisor in a container, and by no platform
        found = []
        for entry in facts.settings:
            if entry.key in ("release", "postdeploy"):
                continue  # ends before the others start
            place = Place(path, facts.span(entry.start, entry.end))
            runs = tuple(programs(entry.value, Where(environment, files, folder, place)))
            copies = _dynos(told, entry.key, place)
            found.append(Service(entry.key, place, copies, runs, "", folder, entry.value, environment, ephemeral=not lasts))
        if found:
            yield Stack(path, tuple(found), tuple(_servers(told)))


def _dynos(told: Manifest, name: str, place: Place) -> Amount:
    entry = told.entries.get(f"formation.{name}.quantity")
    if entry is not None:
        return amount(entry.value, {}, entry.place, f"the formation of `{name}`")
    return Amount(None, f"a Procfile does not say how many `{name}` run", place, f"{name} dynos")


def _variables(told: Manifest) -> dict[str, str]:
    """The variables whose values `app.json` states: as they are, or as what is suggested."""
    found = {}
    for key, entry in told.below("env"):
        name, _, rest = key.partition(".")
        if rest in ("", "value") and entry.value:
            found[name] = entry.value
    return found


def _servers(told: Manifest) -> Iterator[Server]:
    for key, entry in told.below("addons"):
        if key.isdigit() or key.endswith(".plan"):
            product, _, plan = entry.value.partition(":")
            if product == "heroku-postgresql":
                yield managed("heroku-postgresql", "heroku", plan, entry.place)
