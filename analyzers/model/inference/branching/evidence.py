"""Which relations a project loads eagerly anywhere: what may have come with rows whose query was not seen.

Rows reach a function as its arguments, or as a collection of an object that somebody else fetched. Whether a relation came with
them cannot be told where they are used. But where no eager loading of the whole project leads to the relation, it did not: from
the model that a query begins with, as far as that is written there, else from any model that has what is named first.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

import msgspec

from analyzers.facts.outline import Assign, Call, Class, Member, Name, Node, Other, Text, walk
from analyzers.facts.store import FileFacts
from analyzers.knowledge import libraries
from analyzers.knowledge.derived import derived, per_libraries
from analyzers.model.tables.models import Model, ModelIndex
from analyzers.source import Place

_PATH = re.compile(r"-?[A-Za-z_]\w*(?:[.:]\w+)*")
_SPLIT = re.compile(r"__|\W+")
_EAGER = re.compile(r"related|prefetch|eager", re.IGNORECASE)
_MANY = 40  # no list of relations to load is longer
_TELLERS, _SENDER = frozenset({"receiver", "connect"}), "sender"
_forms = derived(lambda: frozenset(library.forms.owner_form for library in libraries() if library.forms is not None))
_DISPLAYS = frozenset({"list", "tuple", "set", "dict"})


class Mentions(msgspec.Struct, frozen=True, array_like=True):
    """What one file says of eager loading.

    `loaded` are the paths in calls that load eagerly, each after the class its query begins with, where that is written there.
    `named` are names in lists that are called after it. `computed` is true where such a call gets something not literal; then
    any of the project's lists of relations may be meant. `listed` are its lists of paths. `forms` are the classes that others
    name as the form which they show, and `senders` those of which functions are told when their rows are written.
    """

    loaded: frozenset[tuple[str, tuple[str, ...]]] = frozenset()
    named: frozenset[str] = frozenset()
    listed: frozenset[tuple[str, ...]] = frozenset()
    computed: bool = False
    forms: frozenset[str] = frozenset()
    senders: frozenset[str] = frozenset()


class Evidence:
    """The mentions of a whole revision, which has these models."""

    def __init__(self, mentions: Iterable[Mentions], models: ModelIndex) -> None:
        self._models = models
        self._named: dict[str, list[Model]] = {}
        self._having: dict[str, list[Model]] = {}
        self._declared: dict[tuple[str, Place], list[Model]] = {}
        for model in models.by_name.values():
            self._named.setdefault(model.name, []).append(model)
            for name, relation in model.relations.items():
                self._having.setdefault(name, []).append(model)
                if relation.place is not None:
                    self._declared.setdefault((name, relation.place), []).append(model)
        names: set[str] = set()
        listed: set[tuple[str, ...]] = set()
        computed = False
        self._relations: set[tuple[str, str]] = set()
        self._forms: set[str] = set()
        self._senders: set[str] = set()
        for some in mentions:
            self._forms |= some.forms
            self._senders |= some.senders
            names |= some.named
            listed |= some.listed
            computed = computed or some.computed
            for root, path in some.loaded:
                self._lead(root, path)
        if computed:
            names.update(part for paths in listed if self._having.keys() >= set(paths) for part in paths)
        self._names = names

    def may_load(self, model: str, relation: str) -> bool:
        """Whether some query of the project may load this relation of the model with its rows."""
        return relation in self._names or (model, relation) in self._relations

    def tells(self, model: str) -> bool:
        """Whether some function is told when rows of a class of that name are written."""
        return model in self._senders

    def shows(self, form: str) -> bool:
        """Whether some class of the project names a class of that name as its form."""
        return form in self._forms

    def _lead(self, root: str, path: tuple[str, ...]) -> None:
        """Follows a path from where it begins; what leads on from a relation whose target is not known may be any model's."""
        begin = [model for model in self._named.get(root, ()) if path[0] in model.relations]
        for position, name in enumerate(path):
            here, begin = begin or self._having.get(name, []), []
            for model in here:
                relation = model.relations.get(name)
                if relation is None:
                    continue
                self._relations.update({(model.qualified, name), (relation.model, name)})
                for other in self._declared.get((name, relation.place), ()) if relation.place is not None else ():
                    self._relations.add((other.qualified, name))
                target = self._models.by_name.get(relation.target)
                if target is not None and position + 1 < len(path) and path[position + 1] in target.relations:
                    begin.append(target)


def mentions(facts: FileFacts) -> Mentions:
    """What one file says of eager loading."""
    words = _words(facts.language)
    loaded: set[tuple[str, tuple[str, ...]]] = set()
    named: set[str] = set()
    listed: set[tuple[str, ...]] = set()
    computed = False
    forms: set[str] = set()
    senders: set[str] = set()
    for top in facts.outline:
        for node in walk(top):
            match node:
                case Class(body=body) if _forms():
                    forms.update(_named_as(body, _forms()))
                case Call(keywords=(_, *_) as keywords, callee=Member(name=name) | Name(id=name)) if name in _TELLERS:
                    senders.update(_last(k.value) for k in keywords if k.name == _SENDER)
                case Call(callee=Member(name=name) | Name(id=name)) if name in words:
                    root = _root(node.callee)
                    for argument in (*node.args, *(k.value for k in node.keywords)):
                        paths, literal = _stated(argument, root)
                        loaded |= paths
                        computed = computed or not literal
                case Assign(target=Name(id=name) | Member(name=name), value=Other() as value) if _EAGER.search(name):
                    named.update(part for _, path in _stated(value, "")[0] for part in path)
                case Other(word=word, children=children) if word in _DISPLAYS:
                    if len(children) <= _MANY and all(isinstance(c, Text | Call | Other | Member) for c in children):
                        names = {name for child in children for name in _names_in(child)}
                        if names:
                            listed.add(tuple(sorted(names)))
    return Mentions(frozenset(loaded), frozenset(named), frozenset(listed), computed, frozenset(forms), frozenset(senders))


def _last(node: Node) -> str:
    """The last part of a class's name: `Order` of `shop.models.Order` or of `"shop.Order"`."""
    match node:
        case Name(id=name) | Member(name=name):
            return name
        case Text(value=str() as text):
            return text.rpartition(".")[2]
    return ""


def _named_as(body: tuple[Node, ...], names: frozenset[str]) -> Iterator[str]:
    """The classes that a class names under one of these attributes."""
    for node in body:
        match node:
            case Assign(target=Name(id=name), value=Name(id=found) | Member(name=found)) if name in names:
                yield found


def _root(callee: Node) -> str:
    """The class that a query begins with: `Order` of `Order.objects.filter(…).select_related`."""
    inner = callee.of if isinstance(callee, Member) else None
    while isinstance(inner, Call | Member):
        inner = inner.callee if isinstance(inner, Call) else inner.of
    return inner.id if isinstance(inner, Name) and inner.id[:1].isupper() else ""


def _stated(node: Node, root: str) -> tuple[set[tuple[str, tuple[str, ...]]], bool]:
    """The paths in an argument of eager loading, and whether it says all it means."""
    paths: set[tuple[str, tuple[str, ...]]] = set()
    literal = True
    for inner in walk(node):
        match inner:
            case Text(value=str() as text) if _PATH.fullmatch(text):
                paths.add((root, tuple(part for part in _SPLIT.split(text) if part)))
            case Member(of=Name(id=of), name=name):
                paths.add((of, (name,)))
            case Member(name=name):
                paths.add(("", (name,)))
            case Other(word="spread") | Other(word="format"):
                literal = False
    return {(of, path) for of, path in paths if path}, literal and not isinstance(node, Name)


def _names_in(node: Node) -> set[str]:
    if isinstance(node, Other) and node.word == "pair":
        return {name for child in node.children for name in _names_in(child)}
    if isinstance(node, Member):
        return {node.name}
    if isinstance(node, Text) and isinstance(node.value, str) and _PATH.fullmatch(node.value):
        return {part for part in _SPLIT.split(node.value) if part}
    return set()


@per_libraries(None)
def _words(language: str) -> frozenset[str]:
    """The names of calls that load eagerly, in a language."""
    found = [x for x in libraries() if x.language == language]
    methods = (name for x in found if x.rows is not None for name, method in x.rows.methods.items() if method.eager)
    options = (name for x in found if x.rows is not None for name in x.rows.loader_options)
    return frozenset([*methods, *options, *(name for x in found for name in x.loaders)])
