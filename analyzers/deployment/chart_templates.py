"""Templates of charts, followed as far as values decide them: conditions, `with`, `range`, variables, and named templates.

Nothing is executed: a template is what its settings say, and a named one (`define`) puts its own below the key where it is
included, each with the place where it is written. What only a cluster or a release knows stays as it is written, and what
depends on it is not sure.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence

import msgspec

from analyzers.deployment.go_templates import UNKNOWN, Scope, Value, evaluate, truth
from analyzers.deployment.manifests import ACTION, Entry, Manifest, made, split
from analyzers.facts.store import FileFacts, Setting
from analyzers.source import Place

_ACTION = re.compile(r"\{\{-?\s*((?:[^}]|\}(?!\}))*?)\s*-?\}\}")
_ASSIGNED = re.compile(r"(\$\w*)\s*:?=\s*(.+)", re.DOTALL)
_RANGED = re.compile(r"(?:(?P<key>\$\w+)\s*,\s*)?(?P<item>\$\w+)\s*:=\s*(?P<of>.+)", re.DOTALL)
_INCLUDED = re.compile(r"(?:include|template)\s+\"(?P<name>[^\"]+)\"\s*(?P<dot>[^|]*?)\s*(?:\|[\s\w\"$.|]*)?", re.DOTALL)
_NAME = re.compile(r"(?:define|block)\s+\"([^\"]+)\"")
_VARIABLES = re.compile(r"(.*\.(?:env|envFrom))(?:\.\d.*)?$")
INCLUDED = "included"
"""The key of what something that is not known puts among a container's variables."""

_MAX_ITEMS = 50
_MAX_DEPTH = 12
_MAX_STEPS = 40_000
"""Actions and settings that are followed of one chart: templates that include each other twice would never end."""

Told = tuple[str, str, Entry]
"""What a template says: the tag of the document, the key, the scalar."""


class _Block(msgspec.Struct):
    """What stands between an action and its `end`: branches with their heads (`if …`, `else`)."""

    word: str
    branches: list[tuple[str, list[Setting | _Block]]]


_Nodes = Sequence[Setting | _Block]


class _Source(msgspec.Struct, frozen=True):
    """The file in which settings stand, and the named templates of its chart; `depth` says how many of these lead here."""

    path: str
    facts: FileFacts
    named: Definitions
    depth: int = 0

    def place(self, setting: Setting) -> Place:
        return Place(self.path, self.facts.span(setting.start, setting.end))

    def scope(self, given: Value) -> Scope:
        """What names mean at the beginning of a template that is given this."""
        return Scope(given, given, named=lambda name, handed: self.named.value(name, handed, self.depth + 1))


class Definitions:
    """The named templates of a chart and of those within it."""

    def __init__(self, templates: Mapping[str, FileFacts]) -> None:
        self._bodies: dict[str, tuple[str, FileFacts, _Nodes]] = {}
        self._steps = 0
        for path, facts in templates.items():
            for node in _blocks(facts.settings) if facts.language in ("definitions", "yaml") else ():
                if (
                    isinstance(node, _Block)
                    and node.word == "define"
                    and (found := _NAME.match(f"define {node.branches[0][0]}"))
                ):
                    self._bodies[found[1]] = (path, facts, node.branches[0][1])

    def goes_on(self) -> bool:
        """Whether one more step is made."""
        self._steps += 1
        return self._steps < _MAX_STEPS

    def told(self, name: str, given: Value, depth: int) -> list[Told] | None:
        """What a named template says; `None` where there is none of that name."""
        if name not in self._bodies or depth > _MAX_DEPTH:
            return None
        path, facts, nodes = self._bodies[name]
        source = _Source(path, facts, self, depth)
        return list(_run(nodes, source.scope(given), source, "", "", sure=True))

    def value(self, name: str, given: Value, depth: int) -> Value:
        """What `include` gives: a text, or what the text says where it is YAML."""
        if name not in self._bodies or depth > _MAX_DEPTH:
            return UNKNOWN
        path, facts, nodes = self._bodies[name]
        source = _Source(path, facts, self, depth)
        text = _written(nodes, source.scope(given), self.goes_on)
        if text is not None:
            return text
        told = self.told(name, given, depth)
        if not told or not all(entry.sure for _, _, entry in told) or any("{{" in entry.value for _, _, entry in told):
            return UNKNOWN
        return tree({key: entry.value for _, key, entry in told})


def rendered(path: str, facts: FileFacts, root: Mapping[str, Value], named: Definitions) -> Iterator[Manifest]:
    """The objects that a template makes."""
    told: dict[str, list[tuple[str, Entry]]] = {}
    source = _Source(path, facts, named)
    for tag, key, entry in _run(_blocks(facts.settings), source.scope(root), source, "", "", sure=True):
        told.setdefault(tag, []).append((key, entry))
    for entries in told.values():
        for document in split(entries):
            yield from made(document)


def tree(stated: Mapping[str, str]) -> Value:
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
    if value and all(key.partition("~")[0].isdigit() for key in value):
        return [_listed(item) for item in value.values()]
    return {key: _listed(item) for key, item in value.items()}


def _blocks(settings: Sequence[Setting]) -> list[Setting | _Block]:
    """The settings of a template within the blocks that its actions make."""
    root: list[Setting | _Block] = []
    stack: list[_Block] = []
    here = root
    for setting in settings:
        word = setting.value.split(maxsplit=1)[0] if setting.key == ACTION and setting.value else ""
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


def _run(nodes: _Nodes, scope: Scope, source: _Source, tag: str, item: str, *, sure: bool) -> Iterator[Told]:
    """What is left of a template: for each document's tag, its keys and scalars. `item` tells rounds of a list apart."""
    for node in nodes:
        if not source.named.goes_on():
            return
        match node:
            case Setting(key=key, value=value) if key == ACTION or key.endswith(f".{ACTION}"):
                if assigned := _ASSIGNED.fullmatch(value):
                    scope.variables[assigned[1]] = evaluate(assigned[2], scope)
                else:
                    yield from _put(node, value, key.removesuffix(ACTION), scope, source, tag, item, sure=sure)
            case Setting(key=key, value=value):
                text = _text(value, scope)
                if whole := _ACTION.fullmatch(text):  # not a text: what it says stands below the key
                    below = list(_put(node, whole[1], f"{key}.", scope, source, tag, item, sure=sure))
                    if below:
                        yield from below
                        continue
                yield tag, _numbered(key, item), Entry(text, source.place(node), sure)
            case _Block(word="define"):
                continue
            case _Block(word="range"):
                yield from _ranged(node, scope, source, tag, item, sure=sure)
            case _:
                yield from _chosen(node, scope, source, tag, item, sure=sure)


def _put(
    node: Setting, said: str, above: str, scope: Scope, source: _Source, tag: str, item: str, *, sure: bool
) -> Iterator[Told]:
    """What an action writes below a key: what a named template says, or a value that is no scalar."""
    found = _INCLUDED.fullmatch(said)
    given = evaluate(found["dot"] or "nil", scope) if found else None
    told = source.named.told(found["name"], given, source.depth + 1) if found else None
    if told is None:
        value = evaluate(said, scope)
        told = [("", key, Entry(text, source.place(node))) for key, text in _flat(value)]
        alone = node.key.endswith(ACTION)
        if alone and value is UNKNOWN and (variables := _VARIABLES.match(above.removesuffix("."))):
            yield tag, f"{variables[1]}.{INCLUDED}", Entry(said, source.place(node), sure)
    for inner, key, entry in told:
        first, _, rest = key.partition(".")
        if first.partition("~")[0].isdigit() and above:  # beside the items that stand there already
            key = ".".join(filter(None, (f"{first}~{node.start}", rest)))
        if key:
            yield f"{tag}{inner}", _numbered(f"{above}{key}", item), Entry(entry.value, entry.place, sure and entry.sure)


def _flat(value: Value) -> Iterator[tuple[str, str]]:
    """The scalars of a value that is none itself, by their keys."""
    pairs = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in pairs:
        if isinstance(inner, str):
            yield str(key), inner
        yield from ((f"{key}.{rest}", text) for rest, text in _flat(inner))


def _written(nodes: _Nodes, scope: Scope, goes_on: Callable[[], bool]) -> Value:
    """The text that nodes write, as far as it is known; `None` where it is more than a text."""
    parts: list[str] = []
    for node in nodes:
        if not goes_on():
            return UNKNOWN
        found: Value = ""
        match node:
            case Setting(key=key, value=value) if key == ACTION:
                if assigned := _ASSIGNED.fullmatch(value):
                    scope.variables[assigned[1]] = evaluate(assigned[2], scope)
                else:
                    found = evaluate(value, scope)
                    found = "" if found is None else found if isinstance(found, str) or found is UNKNOWN else None
            case Setting(key="", value=value):
                text = _text(value, scope)
                found = UNKNOWN if "{{" in text else text
            case Setting():
                return None
            case _Block(word="define"):
                continue
            case _Block(word="range"):
                rounds = list(_rounds(node, scope))
                inner = [_written(node.branches[0][1], one, goes_on) for one in rounds]
                found = next((i for i in inner if not isinstance(i, str)), "".join(str(i) for i in inner))
                found = UNKNOWN if found is not None and not _is_known(node, scope) else found
            case _:
                found = _branch(node, scope, goes_on)
        if not isinstance(found, str):
            return found
        parts.append(found)
    return "".join(parts).strip()


def _branch(block: _Block, scope: Scope, goes_on: Callable[[], bool]) -> Value:
    """The text of the branch that is taken."""
    found: Value = ""
    for head, nodes in block.branches:
        value = _head(head, scope)
        holds = truth(value)
        if holds is None:
            kinds = [_written(n, scope.at(UNKNOWN), goes_on) for _, n in block.branches]
            return None if None in kinds else UNKNOWN
        if holds:
            found = _written(nodes, scope.at(value) if block.word == "with" and head else scope, goes_on)
            break
    return found


def _head(head: str, scope: Scope) -> Value:
    """What a branch asks for, and names."""
    assigned = _ASSIGNED.fullmatch(head)
    value = evaluate(assigned[2] if assigned else head, scope) if head else "true"
    if assigned:
        scope.variables[assigned[1]] = value
    return value


def _chosen(block: _Block, scope: Scope, source: _Source, tag: str, item: str, *, sure: bool) -> Iterator[Told]:
    for head, nodes in block.branches:
        value = _head(head, scope)
        holds = truth(value)
        if holds is False:
            continue
        inner = scope.at(value) if block.word == "with" and head else scope
        yield from _run(nodes, inner, source, tag, item, sure=sure and holds is True)
        return  # where it is not known whether it holds, it is taken, and what it says is not sure


def _ranged(block: _Block, scope: Scope, source: _Source, tag: str, item: str, *, sure: bool) -> Iterator[Told]:
    nodes = block.branches[0][1]
    whole = any(isinstance(n, Setting) and n.key.rpartition(".")[2] == "kind" and n.key.count(".") <= 1 for n in nodes)
    known = sure and _is_known(block, scope)
    for number, inner in enumerate(_rounds(block, scope)):
        yield from _run(
            nodes, inner, source, f"{tag}/{number}" if whole else tag, item if whole else f"{item}~{number}", sure=known
        )


def _several(block: _Block, scope: Scope) -> Value:
    head = block.branches[0][0]
    named = _RANGED.fullmatch(head)
    return evaluate(named["of"] if named else head, scope)


def _is_known(block: _Block, scope: Scope) -> bool:
    return _several(block, scope) is not UNKNOWN


def _rounds(block: _Block, scope: Scope) -> Iterator[Scope]:
    """What names mean in each round; in one, with nothing known, where it is not known of what they are."""
    named = _RANGED.fullmatch(block.branches[0][0])
    several = _several(block, scope)
    rounds: Sequence[tuple[Value, Value]]
    match several:
        case list():
            rounds = [(str(number), value) for number, value in enumerate(several[:_MAX_ITEMS])]
        case dict():
            rounds = list(several.items())[:_MAX_ITEMS]
        case _:
            rounds = [(UNKNOWN, UNKNOWN)] if several is UNKNOWN else []
    for key, value in rounds:
        inner = scope.at(value)
        if named:
            inner.variables[named["item"]] = value
            if named["key"]:
                inner.variables[named["key"]] = key
        yield inner


def _numbered(key: str, item: str) -> str:
    """The key in one round of a list: `env.3.name` is `env.3~1.name` in the second."""
    if not item:
        return key
    parts = key.split(".")
    last = max((at for at, part in enumerate(parts) if at and part.partition("~")[0].isdigit()), default=0)
    return ".".join([*parts[:last], parts[last] + item, *parts[last + 1 :]]) if last else key


def _text(text: str, scope: Scope) -> str:
    def put(found: re.Match[str]) -> str:
        value = evaluate(found[1], scope)
        if value is None:
            return ""
        return value if isinstance(value, str) else "{{ " + " ".join(found[1].split()) + " }}"

    return _ACTION.sub(put, text) if "{{" in text else text
