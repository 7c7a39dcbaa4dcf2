"""Classes of the project that stand for the rows of a model, and which model each serves."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

import msgspec

from analyzers.facts.outline import Call, Member, Node, Other, Text, walk
from analyzers.knowledge import libraries, named
from analyzers.model.naming.code import Codebase
from analyzers.model.naming.definitions import ClassDefinition
from analyzers.model.naming.roles import is_product
from analyzers.model.tables.models import Model, ModelIndex


class Repositories(msgspec.Struct, frozen=True):
    """`models`: what an object of a class serves, by the class's qualified name, where that is one model. `classes`: the class
    that serves a model, by the model's."""

    models: dict[str, str]
    classes: dict[str, ClassDefinition]


def repositories(code: Codebase, models: ModelIndex) -> Repositories:
    """All repository classes of the project."""
    classes: dict[str, ClassDefinition] = {}
    serving: dict[str, set[str]] = defaultdict(set)
    for model, definition in _stated(code, models):
        classes.setdefault(model, definition)
        serving[definition.qualified].add(model)
    for library in libraries():
        words = library.rows
        if words is None or not words.repository_bases:
            continue
        for definition in code.classes():
            if code.files[definition.path].language != library.language or not definition.node.bases:
                continue
            if any(named(library, e, words.repository_bases) for e in code.externals(definition)):
                served = _served(code, models, definition)
                if not served and definition.qualified not in serving:
                    served = _served_by_name(code, models, definition)
                if served:
                    classes.setdefault(served, definition)
                    serving[definition.qualified].add(served)
    return Repositories({name: min(served) for name, served in serving.items() if len(served) == 1}, classes)


def _stated(code: Codebase, models: ModelIndex) -> Iterator[tuple[str, ClassDefinition]]:
    """What the models say of the classes that serve them."""
    for model in models.by_name.values():
        if model.library.rows is None or not model.library.rows.repository_bases:
            continue
        for decorator in (*model.definition.node.decorators, *(model.mapped.decorators if model.mapped is not None else ())):
            for keyword in decorator.keywords if isinstance(decorator, Call) else ():
                found = class_named(code, model.definition.path, keyword.value) if keyword.name == "repositoryClass" else None
                if found is not None:
                    yield model.qualified, found


def class_named(code: Codebase, path: str, node: Node) -> ClassDefinition | None:
    match node:
        case Member(of=of, name="class"):
            found = code.resolve_node(path, of)
        case Text(value=str() as text):
            found = code.php_class(text) or code.wiring.aliased(text) or code.resolve(path, text)
        case _:
            return None
    return found if isinstance(found, ClassDefinition) else None


def _served(code: Codebase, models: ModelIndex, definition: ClassDefinition) -> str:
    """The model named by `parent::__construct($registry, Order::class)` or `@extends ServiceEntityRepository<Order>`."""
    for node in (*definition.node.bases, *definition.node.decorators, *definition.node.body):
        for inner in walk(node):
            candidate: Node | None = None
            if isinstance(inner, Call) and isinstance(inner.callee, Member) and inner.callee.name == "__construct":
                candidate = next((a for a in inner.args if isinstance(a, Member) and a.name == "class"), None)
            elif isinstance(inner, Other) and inner.word == "item" and inner in definition.node.bases:
                candidate = Member(0, 0, inner.children[-1], "class")
            found = class_named(code, definition.path, candidate) if candidate is not None else None
            if found is not None and id(found) in models.by_class:
                return found.qualified
    return ""


def _served_by_name(code: Codebase, models: ModelIndex, definition: ClassDefinition) -> str:
    """The model that a repository is named after, where one model alone has that name, or is the heir of all that have it."""
    stem = definition.name.removesuffix("Repository")
    found = called(code, models, stem) if stem != definition.name else None
    return found.qualified if found is not None else ""


def called(code: Codebase, models: ModelIndex, name: str) -> Model | None:
    """The one model of that name, or the heir of all that have it; the project's own before those that libraries bring."""
    named = [m for m in models.by_name.values() if m.name == name and is_product(m.definition.path)]
    found = [m for m in named if m.place is not None] or named
    heirs = [m for m in found if all(other.definition in code.lineage(m.definition) for other in found)]
    return heirs[0] if len(heirs) == 1 else None
