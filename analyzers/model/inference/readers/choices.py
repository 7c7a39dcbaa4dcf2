"""Which class a method picks for one action: `get_serializer_class` read for the list.

The method is read, not walked: its tests of the action, of the request's method and of the row's key are decided, other tests
leave both ways open. A test that asks for the action in a way that cannot be decided closes both.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import msgspec

from analyzers.facts.outline import Assign, Call, Member, Name, Node, Other, Return, Text, walk
from analyzers.knowledge import Endpoints
from analyzers.model.inference.branching import conditions
from analyzers.model.inference.types import Literal, Tupled
from analyzers.model.naming.definitions import ClassDefinition, External, FunctionDefinition, ValueDefinition

if TYPE_CHECKING:
    from analyzers.model.inference.summaries import Inference

_MAX_HOPS = 6


class Choice(msgspec.Struct, frozen=True, eq=False):
    """A class that is picked, and where it is named."""

    definition: ClassDefinition
    path: str
    node: Node


def chosen(inference: Inference, definition: ClassDefinition, words: Endpoints, action: str) -> tuple[Choice, ...]:
    """The serializers that the endpoint may pick for the action, each once; none where that cannot be told."""
    reader = _Reader(inference, definition, words, action)
    method = inference.code.method(definition, words.serializer_method)
    found = reader.of_method(method, _MAX_HOPS) if method is not None else reader.of_attribute(words.serializer_attribute)
    return tuple({id(choice.definition): choice for choice in found}.values())


class _Reader:
    def __init__(self, inference: Inference, definition: ClassDefinition, words: Endpoints, action: str) -> None:
        self.inference, self.definition, self.words, self.action = inference, definition, words, action
        self.reading = (words.list_method, words.one_method)

    def of_attribute(self, name: str) -> Iterator[Choice]:
        stated = self.inference.code.attribute(self.definition, name)
        if stated is not None and stated[1].value is not None:
            yield from self._classes(stated[1].value, stated[0].path, None, {}, _MAX_HOPS)

    def of_method(self, method: FunctionDefinition, hops: int) -> list[Choice]:
        if not hops:
            return []
        found: list[Choice] = []
        names: dict[str, list[Choice]] = {}
        self._block(method.node.body, method, names, found, hops)
        return found

    # -- statements ----------------------------------------------------------------------------------------------------

    def _block(
        self,
        nodes: tuple[Node, ...],
        method: FunctionDefinition,
        names: dict[str, list[Choice]],
        found: list[Choice],
        hops: int,
    ) -> bool:
        """Reads a block; whether it may run to its end."""
        for node in nodes:
            match node:
                case Return(value=value):
                    if value is not None:
                        found.extend(self._classes(value, method.path, method, names, hops))
                    return False
                case Other(word="raise"):
                    return False
                case Assign(target=Name(id=name), value=value) if value is not None:
                    names[name] = list(self._classes(value, method.path, method, names, hops))
                case Other(word="if"):
                    if not self._branch(node, method, names, found, hops):
                        return False
                case Other(word="block" | "try" | "with" | "else", children=parts):
                    if not self._block(parts, method, names, found, hops):
                        return False
        return True

    def _branch(
        self, node: Other, method: FunctionDefinition, names: dict[str, list[Choice]], found: list[Choice], hops: int
    ) -> bool:
        test, *blocks = node.children
        held = self._decide(test)
        if held is None and self._asks_action(test):
            return True  # neither way is known to be the action's; what follows both may be
        ways = [] if len(blocks) > 1 or held is True else [True]
        for position, block in enumerate(blocks):
            if held is None or held is (position == 0):
                parts = block.children if isinstance(block, Other) and block.word in ("block", "else") else (block,)
                own = dict(names) if held is None else names
                ways.append(self._block(parts, method, own, found, hops))
                for name in own if held is None else ():
                    names[name] = [*names.get(name, ()), *own[name]]
            elif len(blocks) == 1:
                ways.append(True)
        return any(ways) if ways else True

    # -- expressions ---------------------------------------------------------------------------------------------------

    def _classes(
        self, node: Node, path: str, method: FunctionDefinition | None, names: dict[str, list[Choice]], hops: int
    ) -> Iterator[Choice]:
        """The classes that an expression may be."""
        match node:
            case Name(id=name) if name in names:
                yield from names[name]
            case Member(of=Name(id="self"), name=name):
                yield from self.of_attribute(name)
            case Name() | Member():
                found = self.inference.code.resolve_node(path, node)
                if isinstance(found, ClassDefinition):
                    yield Choice(found, path, node)
            case Other(word="?:", children=(test, yes, no)):
                held = self._decide(test)
                if held is None and self._asks_action(test):
                    return
                for way, part in ((True, yes), (False, no)):
                    if held is None or held is way:
                        yield from self._classes(part, path, method, names, hops)
            case Other(word="or", children=parts):
                for part in parts:
                    some = list(self._classes(part, path, method, names, hops))
                    yield from some
                    if some:
                        return
            case Other(word="item", children=(mapping, key)):
                yield from self._picked(mapping, key, None, path, method, names, hops)
            case Call(callee=Member(of=mapping, name="get"), args=(key, *rest)):
                yield from self._picked(mapping, key, rest[0] if rest else None, path, method, names, hops)
            case Call(callee=Member(of=Call(callee=Name(id="super")), name=name)) if name == self.words.serializer_method:
                yield from self._above(method, hops)
            case Call(callee=Member(of=Name(id="self"), name=name)):
                own = self.inference.code.method(self.definition, name)
                if own is not None and own is not method:
                    yield from self.of_method(own, hops - 1)

    def _above(self, method: FunctionDefinition | None, hops: int) -> Iterator[Choice]:
        code = self.inference.code
        above = None
        if method is not None and method.owner is not None:
            above = code.method(self.definition, self.words.serializer_method, after=method.owner)
        if above is not None:
            yield from self.of_method(above, hops - 1)
        else:
            yield from self.of_attribute(self.words.serializer_attribute)

    def _picked(
        self,
        mapping: Node,
        key: Node,
        otherwise: Node | None,
        path: str,
        method: FunctionDefinition | None,
        names: dict[str, list[Choice]],
        hops: int,
    ) -> Iterator[Choice]:
        """`{"list": OrderSerializer}.get(self.action, …)`."""
        wanted = self._told(key)
        stated = self._stated(mapping, path)
        if not isinstance(wanted, Literal) or stated is None:
            return
        where, pairs = stated
        if any(not (isinstance(p, Other) and p.word == "pair" and isinstance(p.children[0], Text)) for p in pairs.children):
            return
        for pair in pairs.children:
            if isinstance(pair, Other) and isinstance(pair.children[0], Text) and pair.children[0].value == wanted.value:
                yield from self._classes(pair.children[1], where, method, names, hops)
                return
        if otherwise is not None:
            yield from self._classes(otherwise, path, method, names, hops)

    def _stated(self, node: Node, path: str) -> tuple[str, Other] | None:
        """The literal mapping or list that an expression is, and the file it stands in."""
        match node:
            case Other():
                return path, node
            case Member(of=Name(id="self"), name=name):
                stated = self.inference.code.attribute(self.definition, name)
                if stated is not None and isinstance(stated[1].value, Other):
                    return stated[0].path, stated[1].value
            case Name() | Member():
                found = self.inference.code.resolve_node(path, node)
                if isinstance(found, ValueDefinition) and isinstance(found.node.value, Other):
                    return found.path, found.node.value
        return None

    # -- tests ---------------------------------------------------------------------------------------------------------

    def _decide(self, test: Node) -> bool | None:
        """Whether the test holds in this action."""
        return conditions.decide(test, self._told)

    def _told(self, node: Node) -> Literal | Tupled | None:
        """What an expression is in this action: a text, or a list of texts."""
        match node:
            case Text(value=str() as text):
                return Literal(text)
            case Member(of=Name(id="self"), name=name) if name == self.words.action:
                return Literal(self.action)
            case Member(of=Name(id="self"), name=name) if name in self.words.alone and self.action in self.reading:
                return Literal(self.action == self.words.one_method)
            case Call(callee=Name(id="getattr"), args=(_, Text(value=str() as name), *_)):
                return (
                    Literal(self.action) if name == self.words.action else Literal(False) if name in self.words.never else None
                )
            case Member(of=Member(name="request"), name="method") if self.action in self.reading:
                return Literal(self.words.list_verb.upper())
        return self._values(node)

    def _values(self, node: Node) -> Tupled | None:
        found = self.inference.code.resolve_node(self.definition.path, node) if isinstance(node, Name | Member) else None
        if isinstance(found, External) and found.name in self.words.constants:
            return Tupled(tuple(Literal(text) for text in self.words.constants[found.name]))
        stated = self._stated(node, self.definition.path)
        if stated is None or stated[1].word not in ("list", "tuple", "set"):
            return None
        return Tupled(tuple(Literal(part.value) if isinstance(part, Text) else None for part in stated[1].children))

    def _asks_action(self, test: Node) -> bool:
        """Whether the test asks which action, which request or which row this is."""
        return any(isinstance(node, Member) and node.name in (self.words.action, *self.words.request) for node in walk(test))
