"""Methods that templates call by a name which a class gives them: functions and filters of the project."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import msgspec

from analyzers.facts.outline import Call, Function, Member, Name, Node, Other, Text, walk
from analyzers.knowledge import libraries
from analyzers.knowledge.derived import derived
from analyzers.knowledge.views import Callables
from analyzers.model.naming.definitions import PHP_SEPARATOR, ClassDefinition, External
from analyzers.model.naming.roles import is_product

if TYPE_CHECKING:
    from analyzers.model.naming.code import Codebase

_words = derived(lambda: tuple(x.callables for x in libraries() if x.callables is not None))
_bases = derived(lambda: frozenset(name for words in _words() for name in words.extensions))


class Callable(msgspec.Struct, frozen=True, eq=False):
    """What a template calls: a method of `owner`, or a function written down there; `skips` arguments come first."""

    owner: ClassDefinition
    method: str
    function: Function | None = None
    path: str = ""
    skips: int = 0

    @property
    def label(self) -> str:
        at = f"{self.path}:{self.function.start}" if self.function is not None else self.method
        return f"{self.owner.qualified} {at} {self.skips}"


def callables(code: Codebase) -> dict[str, Callable]:
    """By the name that templates know, where one name means one thing."""
    found: dict[str, Callable] = {}
    several: set[str] = set()
    for name, one in _registered(code):
        if found.setdefault(name, one).label != one.label:
            several.add(name)
    return {name: one for name, one in found.items() if name not in several}


def _registered(code: Codebase) -> Iterator[tuple[str, Callable]]:
    for definition in code.php_classes():
        if not is_product(definition.path):
            continue
        imported = {i.path for i in code.files[definition.path].imports}
        for words in _words():
            if not imported.isdisjoint(words.marks):
                yield from _marked(code, definition, words)
            if any(_last(base) in _bases() for base in definition.node.bases) or not imported.isdisjoint(words.makers):
                yield from _made(code, definition, words)


def _last(base: Node) -> str:
    return base.id.rpartition(PHP_SEPARATOR)[2] if isinstance(base, Name) else ""


def _is(code: Codebase, path: str, callee: Node, names: tuple[str, ...]) -> bool:
    found = code.resolve_node(path, callee)
    return isinstance(found, External) and found.name in names


def _marked(code: Codebase, definition: ClassDefinition, words: Callables) -> Iterator[tuple[str, Callable]]:
    """`#[AsTwigFilter('price')]` at a method."""
    for method in definition.methods.values():
        for decorator in method.node.decorators:
            if isinstance(decorator, Call) and _is(code, definition.path, decorator.callee, words.marks):
                given = {k.name: k.value for k in decorator.keywords}
                name = _text(given.get("name", decorator.args[0] if decorator.args else None))
                skips = sum(_is_true(given.get(_camel(option))) for option in words.around)
                yield name, Callable(definition, method.node.name, skips=skips)


def _text(node: Node | None) -> str:
    return node.value if isinstance(node, Text) and isinstance(node.value, str) else ""


def _is_true(node: Node | None) -> bool:
    return isinstance(node, Text) and node.value is True


def _camel(option: str) -> str:
    first, *rest = option.split("_")
    return first + "".join(word[:1].upper() + word[1:] for word in rest)


def _made(code: Codebase, definition: ClassDefinition, words: Callables) -> Iterator[tuple[str, Callable]]:
    """`new TwigFilter('price', [$this, 'price'])` anywhere in the class."""
    for method in definition.methods.values():
        for node in (inner for statement in method.node.body for inner in walk(statement)):
            if not (isinstance(node, Call) and len(node.args) > 1 and _is(code, definition.path, node.callee, words.makers)):
                continue
            name, options = _text(node.args[0]), node.args[2] if len(node.args) > 2 else None
            one = _meant(code, definition, node.args[1], _skips(options, words))
            if name and one is not None:
                yield name, one


def _skips(options: Node | None, words: Callables) -> int:
    pairs = options.children if isinstance(options, Other) and options.word == "dict" else ()
    return sum(
        _text(pair.children[0]) in words.around and _is_true(pair.children[1])
        for pair in pairs
        if isinstance(pair, Other) and len(pair.children) == 2
    )


def _meant(code: Codebase, definition: ClassDefinition, node: Node, skips: int) -> Callable | None:
    """What `[$this, 'price']`, `[Prices::class, 'price']`, `$this->price(...)` and a closure stand for."""
    match node:
        case (
            Other(word="list", children=(Name(id="$this"), Text(value=str() as method)))
            | Member(of=Name(id="$this"), name=method)
        ):
            return Callable(definition, method, skips=skips)
        case Other(word="list", children=(Member(of=of, name="class"), Text(value=str() as method))):
            found = code.resolve_node(definition.path, of)
            return Callable(found, method, skips=skips) if isinstance(found, ClassDefinition) else None
        case Function():
            return Callable(definition, "", node, definition.path, skips)
    return None
