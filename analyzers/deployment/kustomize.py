"""Kustomizations: the objects of their resources, with the replicas, patches and variables that they state put in."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import msgspec

from analyzers.deployment.images import joined
from analyzers.deployment.manifests import Entry, Manifest
from analyzers.facts.store import FileFacts
from analyzers.source import Place

_NAMES = ("kustomization.yaml", "kustomization.yml", "Kustomization")
_MAX_DEPTH = 8
_MAX_NESTING = 40


class Stated:
    """The objects of each file, and which files and folders kustomizations take."""

    def __init__(self, files: Mapping[str, FileFacts], of_files: Mapping[str, list[Manifest]]) -> None:
        self.files, self.of_files = files, of_files
        self.used: set[str] = set()
        """Files that some kustomization takes, and kustomizations that others take."""

    def kustomization(self, folder: str) -> str | None:
        """The kustomization of a folder."""
        return next((path for name in _NAMES if (path := joined(folder, name)) in self.files), None)

    def told(self, path: str) -> Manifest:
        """What a kustomization says, under its keys."""
        facts = self.files[path]
        entries = {s.key: Entry(s.value, Place(path, facts.span(s.start, s.end))) for s in facts.settings}
        return Manifest("Kustomization", path, entries)


def built(stated: Stated) -> Iterator[tuple[str, list[Manifest]]]:
    """What each kustomization that no other takes makes, by its path."""
    made = {}
    for path, facts in stated.files.items():
        if path.rpartition("/")[2] in _NAMES and facts.language == "yaml" and facts.settings:
            made[path] = _objects(stated, path, 0)
    yield from ((path, objects) for path, objects in made.items() if path not in stated.used and objects)


def _objects(stated: Stated, path: str, depth: int) -> list[Manifest]:
    if depth > _MAX_DEPTH:
        return []
    told, folder = stated.told(path), path.rpartition("/")[0]
    objects: list[Manifest] = []
    for key in ("resources", "bases", "components"):
        for _, entry in told.below(key):
            objects.extend(_taken(stated, joined(folder, entry.value), depth))
    objects.extend(_generated(stated, told, folder))
    for patch in _patches(stated, told, folder):
        objects = [_patched(o, patch) if (o.kind, o.name) == (patch.kind, patch.name) else o for o in objects]
    for item in told.items("replicas"):
        name, count = told.told(f"{item}.name"), told.entries.get(f"{item}.count")
        if count is not None:
            objects = [
                _with(o, {"spec.replicas": count}) if o.name == name and "spec.replicas" in o.entries else o for o in objects
            ]
    return objects


def _taken(stated: Stated, path: str, depth: int) -> list[Manifest]:
    inner = stated.kustomization(path)
    if inner is not None:
        stated.used.add(inner)
        return _objects(stated, inner, depth + 1)
    if path in stated.of_files:
        stated.used.add(path)
    return stated.of_files.get(path, [])


def _patches(stated: Stated, told: Manifest, folder: str) -> Iterator[Manifest]:
    """Objects that say only what changes: files of their own, named by `patches` and `patchesStrategicMerge`."""
    named = [entry.value for _, entry in told.below("patchesStrategicMerge")]
    named += [entry.value for key, entry in told.below("patches") if key.endswith(".path")]
    for item in told.items("patches"):
        yield from _inline(told, item)
    for name in named:
        path = joined(folder, name)
        stated.used.add(path)
        yield from stated.of_files.get(path, [])


def _inline(told: Manifest, item: str) -> Iterator[Manifest]:
    """A patch that stands in the kustomization itself: an object, or operations on the target's replicas."""
    entry = told.entries.get(f"{item}.patch")
    try:
        patch = msgspec.yaml.decode(entry.value) if entry is not None else None
    except (msgspec.DecodeError, RecursionError):
        return
    if entry is None:
        return
    kind, name = told.told(f"{item}.target.kind"), told.told(f"{item}.target.name")
    entries: dict[str, Entry] = {}
    if isinstance(patch, dict):
        entries = {key: Entry(value, entry.place) for key, value in _flat(patch, "", 0)}
        kind = kind or str(patch.get("kind", ""))
        name = name or (entries["metadata.name"].value if "metadata.name" in entries else "")
    elif isinstance(patch, list):
        for step in patch:
            if isinstance(step, dict) and step.get("path") == "/spec/replicas" and step.get("op") in ("replace", "add"):
                entries["spec.replicas"] = Entry(str(step.get("value", "")), entry.place)
    if entries and kind and name:
        yield Manifest(kind, name, entries)


def _flat(value: object, key: str, depth: int) -> Iterator[tuple[str, str]]:
    if depth > _MAX_NESTING:
        return
    match value:
        case dict():
            for name, inner in value.items():
                yield from _flat(inner, f"{key}.{name}" if key else str(name), depth + 1)
        case list():
            for number, inner in enumerate(value):
                yield from _flat(inner, f"{key}.{number}", depth + 1)
        case None:
            yield key, ""
        case _:
            yield key, str(value).lower() if isinstance(value, bool) else str(value)


def _generated(stated: Stated, told: Manifest, folder: str) -> Iterator[Manifest]:
    for item in told.items("configMapGenerator"):
        entries: dict[str, Entry] = {}
        for _, entry in told.below(f"{item}.literals"):
            name, stands, value = entry.value.partition("=")
            if stands:
                entries[f"data.{name}"] = Entry(value, entry.place)
        for _, entry in told.below(f"{item}.envs"):
            path = joined(folder, entry.value)
            facts = stated.files.get(path)
            for s in facts.settings if facts is not None else ():
                entries[f"data.{s.key}"] = Entry(s.value, Place(path, facts.span(s.start, s.end)) if facts else entry.place)
        if entries:
            yield Manifest("ConfigMap", told.told(f"{item}.name"), entries)


def _patched(under: Manifest, over: Manifest) -> Manifest:
    """An object with what a patch changes; containers and variables are told by their names, not by their positions."""
    positions = {_named(under, key): key for key in _lists(under)}
    changed: dict[str, Entry] = {}
    for key, entry in over.entries.items():
        for item in _lists(over):
            if key.startswith(f"{item}."):
                there = positions.get(_named(over, item))
                key = f"{there}{key[len(item) :]}" if there is not None else f"{key[: len(item)]}+{key[len(item) :]}"
                break
        changed[key] = entry
    replaced = [key.rpartition(".")[0] for key in changed if key.rpartition(".")[0].rpartition(".")[2] in ("command", "args")]
    kept = {k: e for k, e in under.entries.items() if k.rpartition(".")[0] not in replaced}
    return msgspec.structs.replace(under, entries={**kept, **changed})


def _lists(manifest: Manifest) -> list[str]:
    """The items that have names, the innermost first."""
    found = {key.removesuffix(".name") for key in manifest.entries if key.endswith(".name") and key.split(".")[-2].isdigit()}
    return sorted(found, key=lambda key: -key.count("."))


def _named(manifest: Manifest, item: str) -> tuple[str, ...]:
    """An item of a list by the names on the way to it: the container, then the variable."""
    parts = item.split(".")
    way = []
    for at, part in enumerate(parts):
        way.append(manifest.told(".".join([*parts[: at + 1], "name"])) if part.isdigit() else part)
    return tuple(way)


def _with(manifest: Manifest, entries: Mapping[str, Entry]) -> Manifest:
    return msgspec.structs.replace(manifest, entries={**manifest.entries, **entries})
