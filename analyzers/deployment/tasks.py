"""Task definitions of ECS: containers with their commands and variables; how many run is a service's to say."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Mapping

from analyzers.deployment.commands import programs
from analyzers.deployment.images import image_at, own_dockerfile
from analyzers.deployment.known_programs import Where
from analyzers.deployment.manifests import Manifest, document
from analyzers.deployment.uses import NOT_RUN
from analyzers.deployment.values import Amount, Service, Stack, Surge
from analyzers.deployment.variables import amount
from analyzers.facts.store import FileFacts

_ROLLED = 200
"""Percent of the desired count that may run while a service is deployed, where it does not say."""


def stacks(files: Mapping[str, FileFacts]) -> Iterator[Stack]:
    """The containers of each folder of task definitions."""
    documents = {path: document(path, f) for path, f in files.items() if f.language == "json" and not NOT_RUN.search(path)}
    counts = {
        told.told("taskDefinition") or told.told("serviceName"): told
        for told in documents.values()
        if "desiredCount" in told.entries
    }
    folders: dict[str, list[Service]] = {}
    for path, told in documents.items():
        prefix = "taskDefinition." if any(told.below("taskDefinition.containerDefinitions")) else ""
        containers = told.items(f"{prefix}containerDefinitions")
        family = told.told(f"{prefix}family") or path.rpartition("/")[2].removesuffix(".json")
        stated = next((t for name, t in counts.items() if name and name.rpartition("/")[2].partition(":")[0] == family), None)
        for container in containers:
            folders.setdefault(path.rpartition("/")[0], []).append(_service(files, told, container, family, stated))
    for folder, services in folders.items():
        if services:
            yield Stack(folder or ".", tuple(services))


def _service(files: Mapping[str, FileFacts], told: Manifest, container: str, family: str, stated: Manifest | None) -> Service:
    place = (told.entries.get(f"{container}.name") or next(e for _, e in told.below(container))).place
    name = told.told(f"{container}.name")
    dockerfile = own_dockerfile(files, re.sub(r"<[^>]*>|\{\{.*?\}\}", "", told.told(f"{container}.image")))
    image = image_at(files, dockerfile) if dockerfile is not None else None
    environment = {**(image.environment if image is not None else {}), **_variables(told, container)}
    entry, command = (shlex.join([e.value for _, e in told.below(f"{container}.{key}")]) for key in ("entryPoint", "command"))
    if image is not None and not entry:
        entry, command = image.entrypoint, command or image.command
    text = f"{entry} {command}".strip()
    folder = dockerfile.rpartition("/")[0] if dockerfile is not None else None
    runs = tuple(programs(text, Where(environment, files, folder or "", place))) if text else ()
    return Service(
        f"{family}/{name}" if name and name != family else family,
        place,
        _count(stated, family, told, container),
        runs,
        told.told(f"{container}.image"),
        folder,
        text,
        environment,
        surge=_surge(stated),
        ephemeral=True,
        hosts=(name,),
    )


def _variables(told: Manifest, container: str) -> dict[str, str]:
    items = told.items(f"{container}.environment")
    return {told.told(f"{item}.name"): told.told(f"{item}.value") for item in items if told.told(f"{item}.name")}


def _count(stated: Manifest | None, family: str, told: Manifest, container: str) -> Amount:
    if stated is not None:
        entry = stated.entries["desiredCount"]
        return amount(entry.value, {}, entry.place, f"`desiredCount` of `{family}`")
    place = next(e for _, e in told.below(container)).place
    return Amount(None, f"no service says how many tasks of `{family}` run", place, f"desiredCount of {family}")


def _surge(stated: Manifest | None) -> Surge:
    entry = stated.entries.get("deploymentConfiguration.maximumPercent") if stated is not None else None
    if entry is not None and entry.value.isdigit():
        return Surge("`maximumPercent`", percent=max(0, int(entry.value) - 100), place=entry.place)
    return Surge("the default `maximumPercent` of a service of ECS, 200", percent=_ROLLED - 100)
