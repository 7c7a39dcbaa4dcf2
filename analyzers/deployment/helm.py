"""Helm charts as objects of Kubernetes, by the values that the chart itself states.

Templates are followed as far as the values decide them: conditions, `with`, `range`, variables, and expressions. What only a
cluster, a release or a named template knows stays as it is written, and what depends on it is not sure.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

import msgspec

from analyzers.deployment.go_templates import UNKNOWN, Scope, Value, evaluate, truth
from analyzers.deployment.manifests import Entry, Manifest, made, split
from analyzers.facts.store import FileFacts, Setting
from analyzers.source import Place

_CHART = re.compile(r"(?P<folder>(?:.*/)?)Chart\.ya?ml")
_VALUES = re.compile(r"values(?:[.-](?P<variant>[\w.-]+))?\.ya?ml")
_PRODUCTION = re.compile(r"prod|live", re.IGNORECASE)
_ACTION = re.compile(r"\{\{-?\s*((?:[^}]|\}(?!\}))*?)\s*-?\}\}")
_ASSIGNED = re.compile(r"(\$\w+)\s*:?=\s*(.+)", re.DOTALL)
_RANGED = re.compile(r"(?:(?P<key>\$\w+)\s*,\s*)?(?P<item>\$\w+)\s*:=\s*(?P<of>.+)", re.DOTALL)
_VARIABLES = re.compile(r"(.*\.(?:env|envFrom))(?:\.\d.*)?$")
INCLUDED = "included"
"""The key of what a named template puts among a container's variables."""

_MAX_ITEMS = 50


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


class _Block(msgspec.Struct):
    """What stands between an action and its `end`: branches with their heads (`if …`, `else`)."""

    word: str
    branches: list[tuple[str, list[Setting | _Block]]]


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
        "Values": _tree({key: entry.value for key, entry in stated.items()}) or {},
        "Chart": {"Name": about["name"].value if "name" in about else UNKNOWN},
        "Release": UNKNOWN,
        "Capabilities": UNKNOWN,
        "Template": UNKNOWN,
        "Files": UNKNOWN,
    }
    manifests = [
        manifest
        for file, facts in files.items()
        if file.startswith(f"{folder}templates/") and facts.language == "yaml" and "/tests/" not in file
        for manifest in rendered(file, facts, root)
    ]
    required = f"{folder}requirements.yaml"
    needs = {**about, **(_entries(required, files[required]) if required in files else {})}
    where = values[-1] if values else path
    return Chart(
        where, str(about["name"].value) if "name" in about else "", tuple(manifests), tuple(_needed(needs, stated, root))
    )


def _entries(path: str, facts: FileFacts) -> dict[str, Entry]:
    return {s.key: Entry(s.value, Place(path, facts.span(s.start, s.end))) for s in facts.settings}


def _tree(stated: Mapping[str, str]) -> Value:
    """Nested mappings and lists of what flat keys say."""
    root: dict[str, Value] = {}
    for key, value in stated.items():
        *steps, last = key.split(".")
        at = root
        for step in steps:
            inner = at.get(step)
            if not isinstance(inner, dict):
                inner = at[step] = {}
            at = inner
        at[last] = value if value not in ("null", "~") else None
    return _listed(root)


def _listed(value: Value) -> Value:
    if not isinstance(value, dict):
        return value
    if value and all(key.isdigit() for key in value):
        return [_listed(item) for item in value.values()]
    return {key: _listed(item) for key, item in value.items()}


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


def rendered(path: str, facts: FileFacts, root: Mapping[str, Value]) -> Iterator[Manifest]:
    """The objects that a template makes."""
    told: dict[str, list[tuple[str, Entry]]] = {}
    place = _Places(path, facts)
    for tag, key, entry in _run(_blocks(facts.settings), Scope(root, root), place, "", "", sure=True):
        told.setdefault(tag, []).append((key, entry))
    for entries in told.values():
        for document in split(entries):
            yield from made(document)


class _Places:
    """Where settings of one file stand."""

    def __init__(self, path: str, facts: FileFacts) -> None:
        self._path, self._facts = path, facts

    def of(self, setting: Setting) -> Place:
        return Place(self._path, self._facts.span(setting.start, setting.end))


def _blocks(settings: Sequence[Setting]) -> list[Setting | _Block]:
    """The settings of a template within the blocks that its actions make."""
    root: list[Setting | _Block] = []
    stack: list[_Block] = []
    here = root
    for setting in settings:
        word = setting.value.split(maxsplit=1)[0] if setting.key == "{{" and setting.value else ""
        if word in ("if", "with", "range", "define", "block"):
            block = _Block(word, [(setting.value[len(word) :].strip(), [])])
            here.append(block)
            stack.append(block)
        elif word == "else" and stack:
            rest = setting.value[4:].strip()
            stack[-1].branches.append((rest.removeprefix("if").strip() if rest else "", []))
        elif word == "end" and stack:
            stack.pop()
        else:
            here.append(setting)
        here = stack[-1].branches[-1][1] if stack else root
    return root


def _run(
    nodes: Sequence[Setting | _Block], scope: Scope, place: _Places, tag: str, item: str, *, sure: bool
) -> Iterator[tuple[str, str, Entry]]:
    """What is left of a template: for each document's tag, its keys and scalars. `item` tells rounds of a list apart."""
    last = ""
    for node in nodes:
        match node:
            case Setting(key="{{", value=value):
                if assigned := _ASSIGNED.fullmatch(value):
                    scope.variables[assigned[1]] = evaluate(assigned[2], scope)
                elif found := _VARIABLES.match(last):
                    yield tag, f"{found[1]}.{INCLUDED}", Entry(value, place.of(node), sure)
            case Setting(key=key, value=value):
                last = key
                yield tag, _numbered(key, item), Entry(_text(value, scope), place.of(node), sure)
            case _Block(word="define" | "block"):
                continue
            case _Block(word="range"):
                yield from _ranged(node, scope, place, tag, item, sure=sure)
            case _:
                yield from _chosen(node, scope, place, tag, item, sure=sure)


def _chosen(
    block: _Block, scope: Scope, place: _Places, tag: str, item: str, *, sure: bool
) -> Iterator[tuple[str, str, Entry]]:
    for head, nodes in block.branches:
        assigned = _ASSIGNED.fullmatch(head)
        value = evaluate(assigned[2] if assigned else head, scope) if head else "true"
        if assigned:
            scope.variables[assigned[1]] = value
        holds = truth(value)
        if holds is False:
            continue
        inner = scope.at(value) if block.word == "with" and head else scope
        yield from _run(nodes, inner, place, tag, item, sure=sure and holds is True)
        return  # where it is not known whether it holds, it is taken, and what it says is not sure


def _ranged(
    block: _Block, scope: Scope, place: _Places, tag: str, item: str, *, sure: bool
) -> Iterator[tuple[str, str, Entry]]:
    head, nodes = block.branches[0]
    named = _RANGED.fullmatch(head)
    several = evaluate(named["of"] if named else head, scope)
    rounds: list[tuple[Value, Value]]
    match several:
        case list():
            rounds = [(str(number), value) for number, value in enumerate(several[:_MAX_ITEMS])]
        case dict():
            rounds = list(several.items())[:_MAX_ITEMS]
        case _ if several is UNKNOWN:
            rounds = [(UNKNOWN, UNKNOWN)]
        case _:
            rounds = []
    whole = any(isinstance(n, Setting) and n.key.rpartition(".")[2] == "kind" and n.key.count(".") <= 1 for n in nodes)
    for number, (key, value) in enumerate(rounds):
        inner = scope.at(value)
        if named:
            inner.variables[named["item"]] = value
            if named["key"]:
                inner.variables[named["key"]] = key
        known = sure and several is not UNKNOWN
        yield from _run(
            nodes, inner, place, f"{tag}/{number}" if whole else tag, item if whole else f"{item}~{number}", sure=known
        )


def _numbered(key: str, item: str) -> str:
    """The key in one round of a list: `env.3.name` is `env.3~1.name` in the second."""
    if not item:
        return key
    parts = key.split(".")
    last = max((at for at, part in enumerate(parts) if at and part.isdigit()), default=0)
    return ".".join([*parts[:last], parts[last] + item, *parts[last + 1 :]]) if last else key


def _text(text: str, scope: Scope) -> str:
    def put(found: re.Match[str]) -> str:
        value = evaluate(found[1], scope)
        if value is None:
            return ""
        return value if isinstance(value, str) else "{{ " + " ".join(found[1].split()) + " }}"

    return _ACTION.sub(put, text) if "{{" in text else text
