"""What a source file shows to those who look at declarations: all but the bodies of its functions, wherever it stands.

Two contents of a file with the same surface declare the same. Where only names differ that nobody looked up (a function that
was added, an import), they do so too: `differing` says which names these are.
"""

from __future__ import annotations

from collections import defaultdict

import msgspec

from analyzers.facts.outline import Class, Function, Name
from analyzers.facts.store import FileFacts, Import


class Surface(msgspec.Struct, frozen=True):
    """`stated` are classes without the bodies of their methods, and all other statements, in order. `names` is what the file
    says of the names that it imports or gives to functions; `uses` are the names in what is stated."""

    stated: tuple[object, ...]
    names: dict[str, tuple[object, ...]]
    uses: frozenset[str]
    imports: tuple[Import, ...]


def surface_of(facts: FileFacts) -> Surface:
    """The surface of one content of a file."""
    uses: set[str] = set()
    names: defaultdict[str, tuple[object, ...]] = defaultdict(tuple)
    stars = tuple(i.path for i in facts.imports if i.name == "*")
    stated: list[object] = [facts.namespace, stars]
    for i in facts.imports:
        names[i.name] += (i.path,)
    for node in facts.outline:
        match node:
            case Function(name=name) if name:
                names[name] += (_signature(node, set()),)
            case Class():
                members = (_signature(m, uses) if isinstance(m, Function) and m.name else _said(m, uses) for m in node.body)
                stated.append((_said(msgspec.structs.replace(node, body=()), uses), *members))
            case _:
                stated.append(_said(node, uses))
    return Surface(tuple(stated), dict(names), frozenset(uses), facts.imports)


class Surfaces:
    """The surfaces of contents, each read once."""

    def __init__(self) -> None:
        self._known: dict[int, tuple[FileFacts, Surface]] = {}

    def of(self, facts: FileFacts) -> Surface:
        """The surface of these facts, which are kept."""
        known = self._known.get(id(facts))
        if known is None:
            known = self._known[id(facts)] = facts, surface_of(facts)
        return known[1]


def differing(one: Surface, other: Surface) -> frozenset[str] | None:
    """The names of which two surfaces do not say the same; nothing, if they state something else, or by such a name."""
    names = frozenset(name for name in one.names.keys() | other.names.keys() if one.names.get(name) != other.names.get(name))
    return None if one.stated != other.stated or names & (one.uses | other.uses) else names


def _signature(function: Function, uses: set[str]) -> object:
    return _said(msgspec.structs.replace(function, body=()), uses)


def _said(value: object, uses: set[str]) -> object:
    """What a node says, wherever it stands. Adds the names in it to `uses`."""
    match value:
        case Name(id=name):
            uses.add(name.partition("\\")[0])
            return (Name, name)
        case msgspec.Struct():
            fields = (name for name in value.__struct_fields__ if name not in ("start", "end"))
            return (type(value), *[_said(getattr(value, name), uses) for name in fields])
        case tuple():
            return tuple(_said(item, uses) for item in value)
        case bool() | int() | float():
            return (type(value), value)
    return value
