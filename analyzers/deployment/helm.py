"""Helm charts as objects of Kubernetes, by the values that the chart itself states.

Values are read here, and the charts that one depends on; `chart_templates` follows the templates by them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

import msgspec

from analyzers.deployment.chart_templates import Definitions, rendered, tree
from analyzers.deployment.go_templates import UNKNOWN, Scope, Value, evaluate, truth
from analyzers.deployment.manifests import Entry, Manifest
from analyzers.facts.store import FileFacts
from analyzers.source import Place

_CHART = re.compile(r"(?P<folder>(?:.*/)?)Chart\.ya?ml")
_VALUES = re.compile(r"values(?:[.-](?P<variant>[\w.-]+))?\.ya?ml")
_ABOUT = ("Name", "Version", "AppVersion")
_OF_RELEASE = ("Namespace", "Revision", "IsInstall", "IsUpgrade")
RELEASE = "release-name"
"""The name of the release, which `helm template` gives one too where nobody says another."""

_PRODUCTION = re.compile(r"prod|live", re.IGNORECASE)


class Chart(msgspec.Struct, frozen=True):
    """A chart with values: its objects, and the databases that it depends on with what the values tell them."""

    path: str
    name: str
    manifests: tuple[Manifest, ...]
    dependencies: tuple[Dependency, ...]


class Dependency(msgspec.Struct, frozen=True):
    """Another chart that is installed with one. `settings` are what the values tell it, by their keys."""

    name: str
    alias: str
    place: Place
    settings: Mapping[str, Entry]


def charts(files: Mapping[str, FileFacts]) -> Iterator[Chart]:
    """The charts of a repository, each with its own values, or with those that are for production."""
    folders = [found["folder"] for path in files if (found := _CHART.fullmatch(path)) and files[path].language == "yaml"]
    for folder in folders:
        if any(f != folder and folder.startswith(f"{f}charts/") for f in folders):
            continue  # part of the chart above it
        variants = {}
        for path in files:
            found = _VALUES.fullmatch(path[len(folder) :]) if path.startswith(folder) else None
            if found:
                variants[found["variant"] or ""] = path
        production = [variants[v] for v in sorted(variants) if _PRODUCTION.search(v)]
        plain = [variants[""]] if "" in variants else []
        for chosen in [[*plain, path] for path in production] or [plain]:
            yield _chart(files, folder, chosen)


def _chart(files: Mapping[str, FileFacts], folder: str, values: Sequence[str]) -> Chart:
    path = next(p for p in (f"{folder}Chart.yaml", f"{folder}Chart.yml") if p in files)
    stated: dict[str, Entry] = {}
    for file in values:
        stated.update(_entries(file, files[file]))
    about = _entries(path, files[path])
    root: dict[str, Value] = {
        "Values": tree({key: entry.value for key, entry in stated.items()}) or {},
        "Chart": {name: about[key].value if (key := name[0].lower() + name[1:]) in about else UNKNOWN for name in _ABOUT},
        "Release": {"Name": RELEASE, "Service": "Helm", **dict.fromkeys(_OF_RELEASE, UNKNOWN)},
        "Capabilities": UNKNOWN,
        "Template": UNKNOWN,
        "Files": UNKNOWN,
    }
    templates = {f: facts for f, facts in files.items() if f.startswith((f"{folder}templates/", f"{folder}charts/"))}
    named = Definitions(templates)
    manifests = [
        manifest
        for file, facts in templates.items()
        if file.startswith(f"{folder}templates/") and facts.language == "yaml" and "/tests/" not in file
        for manifest in rendered(file, facts, root, named)
    ]
    required = f"{folder}requirements.yaml"
    needs = {**about, **(_entries(required, files[required]) if required in files else {})}
    where = values[-1] if values else path
    return Chart(
        where, str(about["name"].value) if "name" in about else "", tuple(manifests), tuple(_needed(needs, stated, root))
    )


def _entries(path: str, facts: FileFacts) -> dict[str, Entry]:
    return {s.key: Entry(s.value, Place(path, facts.span(s.start, s.end))) for s in facts.settings}


def _needed(needs: Mapping[str, Entry], stated: Mapping[str, Entry], root: Mapping[str, Value]) -> Iterator[Dependency]:
    for number in dict.fromkeys(key.split(".")[1] for key in needs if key.startswith("dependencies.")):
        told = {key.split(".", 2)[2]: e for key, e in needs.items() if key.startswith(f"dependencies.{number}.")}
        name = told.get("name")
        conditions = told["condition"].value.split(",") if "condition" in told else []
        decided = [evaluate(f".Values.{condition.strip()}", Scope(root, root)) for condition in conditions]
        on = next((truth(value) for value in decided if value is not None), True)
        if name is None or on is not True:
            continue
        alias = told["alias"].value if "alias" in told else name.value
        settings = {key[len(alias) + 1 :]: entry for key, entry in stated.items() if key.startswith(f"{alias}.")}
        yield Dependency(name.value, alias, name.place, settings)
