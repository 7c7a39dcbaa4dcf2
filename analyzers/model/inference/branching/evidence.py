"""Which relations a project loads eagerly anywhere: what may have come with rows whose query was not seen.

Rows reach a function as its arguments, or as a collection of an object that somebody else fetched. Whether a relation came with
them cannot be told where they are used. But where no eager loading of the whole project names the relation, it did not.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cache

import msgspec

from analyzers.facts.outline import Assign, Call, Member, Name, Node, Other, Text, walk
from analyzers.facts.store import FileFacts
from analyzers.knowledge import libraries

_PATH = re.compile(r"-?[A-Za-z_]\w*(?:[.:]\w+)*")
_SPLIT = re.compile(r"__|\W+")
_EAGER = re.compile(r"related|prefetch|eager", re.IGNORECASE)
_MANY = 40  # no list of relations to load is longer
_DISPLAYS = frozenset({"list", "tuple", "set", "dict"})


class Mentions(msgspec.Struct, frozen=True, array_like=True):
    """What one file says of eager loading.

    `loaded` are the names in calls that load eagerly. `computed` is true where such a call gets something that is not literal;
    then any of the project's lists of relations may be meant. `listed` are its lists of paths.
    """

    loaded: frozenset[str] = frozenset()
    listed: frozenset[tuple[str, ...]] = frozenset()
    computed: bool = False


class Evidence:
    """The mentions of a whole revision, whose relations have these names."""

    def __init__(self, mentions: Iterable[Mentions], relations: frozenset[str]) -> None:
        names: set[str] = set()
        listed: set[tuple[str, ...]] = set()
        computed = False
        for some in mentions:
            names |= some.loaded
            listed |= some.listed
            computed = computed or some.computed
        if computed:
            names.update(part for paths in listed if relations.issuperset(paths) for part in paths)
        self._names = names

    def may_load(self, relation: str) -> bool:
        """Whether some query of the project may load a relation of that name with its rows."""
        return relation in self._names


def mentions(facts: FileFacts) -> Mentions:
    """What one file says of eager loading."""
    words = _words(facts.language)
    loaded: set[str] = set()
    listed: set[tuple[str, ...]] = set()
    computed = False
    for top in facts.outline:
        for node in walk(top):
            match node:
                case Call(callee=Member(name=name) | Name(id=name)) if name in words:
                    for argument in (*node.args, *(k.value for k in node.keywords)):
                        names, literal = _named(argument)
                        loaded |= names
                        computed = computed or not literal
                case Assign(target=Name(id=name) | Member(name=name), value=Other() as value) if _EAGER.search(name):
                    loaded |= _named(value)[0]
                case Other(word=word, children=children) if word in _DISPLAYS:
                    if len(children) <= _MANY and all(isinstance(c, Text | Call | Other | Member) for c in children):
                        names = {name for child in children for name in _names_in(child)}
                        if names:
                            listed.add(tuple(sorted(names)))
    return Mentions(frozenset(loaded), frozenset(listed), computed)


def _named(node: Node) -> tuple[set[str], bool]:
    """The names in an argument of eager loading, and whether it says all it means."""
    names: set[str] = set()
    literal = True
    for inner in walk(node):
        match inner:
            case Text():
                names |= _names_in(inner)
            case Member(name=name):
                names.add(name)
            case Other(word="spread") | Other(word="format"):
                literal = False
    return names, literal and not isinstance(node, Name)


def _names_in(node: Node) -> set[str]:
    if isinstance(node, Other) and node.word == "pair":
        return {name for child in node.children for name in _names_in(child)}
    if isinstance(node, Member):
        return {node.name}
    if isinstance(node, Text) and isinstance(node.value, str) and _PATH.fullmatch(node.value):
        return {part for part in _SPLIT.split(node.value) if part}
    return set()


@cache
def _words(language: str) -> frozenset[str]:
    """The names of calls that load eagerly, in a language."""
    found = [x for x in libraries() if x.language == language]
    methods = (name for x in found if x.rows is not None for name, method in x.rows.methods.items() if method.eager)
    options = (name for x in found if x.rows is not None for name in x.rows.loader_options)
    return frozenset([*methods, *options, *(name for x in found for name in x.loaders)])
