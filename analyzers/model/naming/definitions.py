"""What a revision defines: modules, classes, functions and values, and names of libraries."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import takewhile

import msgspec

from analyzers.facts.outline import Assign, Class, Function, Name, Node, Other

PHP_SEPARATOR = "\\"
TEMPLATE_LANGUAGES = frozenset({"django", "twig", "blade"})  # free names are the context
SCRIPTS = frozenset({"javascript", "typescript", "tsx"})
EXPRESSION_LANGUAGES = {"blade": "php"}  # whose expressions are those of a programming language; others call members unasked


class External(msgspec.Struct, frozen=True):
    """A name of a library: `django.db.models.ForeignKey`, `Doctrine\\ORM\\Mapping\\Entity`."""

    name: str


class Module(msgspec.Struct, frozen=True):
    """A file or package as a value. `path` is the file that defines its names."""

    path: str
    name: str


class FunctionDefinition(msgspec.Struct, frozen=True, eq=False):
    """A function or method of the project. `owner` is the class whose body holds it."""

    path: str
    qualified: str
    node: Function
    owner: ClassDefinition | None = None


class ValueDefinition(msgspec.Struct, frozen=True, eq=False):
    """A module-level or class-level assignment."""

    path: str
    qualified: str
    node: Assign


class ClassDefinition(msgspec.Struct, frozen=True, eq=False):
    """A class of the project, with the members its own body states (not those it inherits)."""

    path: str
    qualified: str
    node: Class
    methods: dict[str, FunctionDefinition]
    attributes: dict[str, Assign]
    classes: dict[str, Class]

    @property
    def name(self) -> str:
        return self.node.name

    @property
    def is_interface(self) -> bool:
        return self._says("interface")

    @property
    def is_abstract(self) -> bool:
        return self._says("abstract")

    def _says(self, word: str) -> bool:
        return any(isinstance(d, Name) and d.id == word for d in self.node.decorators)


Definition = ClassDefinition | FunctionDefinition | ValueDefinition | Module
Resolved = Definition | External


def statements(body: tuple[Node, ...]) -> Iterator[Node]:
    """The statements of a body, looking through `if`, `try`, `with` and plain blocks."""
    for node in body:
        if isinstance(node, Other) and node.word in _TRANSPARENT:
            yield from statements(node.children)
        else:
            yield node


_TRANSPARENT = frozenset({"if", "try", "except", "else", "finally", "with", "block"})


def shared(one: list[str], other: list[str]) -> int:
    """How many parts two paths begin with in common."""
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(one, other, strict=False)))
