"""Blocks of templates: how a block tag, its branches and its body become nodes, and what the heads of blocks say."""

from __future__ import annotations

from collections.abc import Callable

from analyzers.facts.outline import Assign, Call, Function, Member, Name, Node, Other, Parameter, Text, children
from analyzers.frontends.frontend import MAX_CHAIN
from analyzers.frontends.template_expressions import CONSTANTS, Parser
from analyzers.frontends.template_tokens import Dialect, Tag

MAX_TARGETS = 5
"""Tuples within each other among the targets of a loop."""

LoopHead = tuple[Node | None, Node | None, Node | None, Node | None]


class Block:
    """A block tag that is open: its branches so far, and how to make a node of them."""

    def __init__(self, word: str, start: int, close: Callable[[Block, int], list[Node]], body: list[Node]) -> None:
        self.word = word
        self.start = start
        self.close = close
        self.body = body
        self.branches: list[tuple[int, Node | None, list[Node]]] = [(start, None, body)]

    def branch(self, start: int, test: Node | None) -> None:
        """Begins an `elif` or `else`."""
        self.body = []
        self.branches.append((start, test, self.body))


def opens_values(parser: Parser) -> bool:
    """Steps over the words of `blocktrans` before its values, which are also fit to be names of values."""
    if parser.next_is("=", 1):
        return False
    return parser.take("with") or parser.take("count") or parser.take("and")


def path_node(text: str, tag: Tag) -> Node:
    """`a.b|c`, the most frequent of all expressions."""
    path, *filters = text[tag.start : tag.end].split("|")
    name, *members = path.split(".")
    at = tag.start + len(name)
    node: Node = Text(tag.start, at, CONSTANTS[name]) if name in CONSTANTS else Name(tag.start, at, name)
    for member in members:
        at += 1 + len(member)
        node = Member(tag.start, at, node, member)
    for word in filters:
        callee = Name(at + 1, at + 1 + len(word), word)
        at = callee.end
        node = Call(tag.start, at, callee, (node,))
    return node


def flattened(block: Block, _: int) -> list[Node]:
    """What a block nested too deeply adds to the one around it, whose body its first branch shares."""
    return [node for _, _, body in block.branches[1:] for node in body]


def cached(block: Block, end: int) -> list[Node]:
    """`{% cache 600 name key %}…{% endcache %}`: what is made where the cache has no answer, after the tag's own call."""
    return [Other(block.start, end, "cache", (Other(block.start, end, "block", tuple(block.body)),))]


def is_deeper(node: Node, limit: int) -> bool:
    """Whether `node` is more than `limit` levels deep."""
    stack = [(node, 1)]
    while stack:
        top, depth = stack.pop()
        if depth > limit:
            return True
        stack += [(child, depth + 1) for child in children(top)]
    return False


def loop_head(parser: Parser, dialect: Dialect) -> LoopHead:
    """Target, key, iterated expression and condition of a `for`. Raises `MalformedError`."""
    key: Node | None = None
    target = _targets(parser, 0)
    if dialect == "twig" and isinstance(target, Other) and len(target.children) == 2:
        key, target = target.children
    parser.expect("in")
    over = parser.expression(1)
    if parser.next_is("?") or parser.next_is("?:"):
        over = parser.conditional(over)
    only_if = None
    if parser.take("if"):
        only_if = parser.expression(1)
    while parser.take("reversed") or parser.take("recursive"):
        pass
    if not parser.done():
        raise parser.trouble("an operator is missing")
    return target, key, over, only_if


def _targets(parser: Parser, depth: int) -> Node:
    """`a`, `a, b` or `a, (b, c)`. Raises `MalformedError`."""
    start = parser.position()
    found: list[Node] = []
    while not found or parser.take(","):
        if depth < MAX_TARGETS and parser.take("("):
            found.append(_targets(parser, depth + 1))
            parser.expect(")")
        else:
            found.append(parser.name())
    return Other(start, parser.last_end(), "tuple", tuple(found)) if len(found) > 1 else found[0]


def parameter_list(parser: Parser) -> tuple[Parameter, ...]:
    """`(a, b = 1)`. Raises `MalformedError`."""
    parser.expect("(")
    found: list[Parameter] = []
    while not parser.take(")"):
        stars = "*" if parser.take("*") else "**" if parser.take("**") else ""
        name = parser.name()
        default = parser.expression() if parser.take("=") or parser.take(":") else None
        found.append(Parameter(stars + name.id, default=default))
        if not parser.take(",") and not parser.next_is(")"):
            raise parser.trouble("`)` is missing")
    return tuple(found)


def assigned(context: Other) -> list[Node]:
    """The keys of a literal as names that get its values."""
    found: list[Node] = []
    for pair in context.children:
        match pair:
            case Other(word="pair", children=(Text(value=str(name)) as key, value)):
                found.append(Assign(pair.start, pair.end, Name(key.start, key.end, name), value))
            case _:
                found.append(pair)
    return found


def if_node(start: int, end: int, test: Node, yes: tuple[Node, ...], no: tuple[Node, ...]) -> Other:
    return Other(start, end, "if", (test, Other(start, end, "block", yes), *no))


def _branch(start: int, end: int, test: Node | None, body: list[Node], no: tuple[Node, ...]) -> Other:
    return if_node(start, end, test or Text(start, start, None), tuple(body), no)


def close_if(block: Block, end: int) -> list[Node]:
    """`if`, `elif`, `else`; branches beyond a bound stand beside each other in the last `else`."""
    *branches, last = block.branches
    otherwise: tuple[Node, ...]
    if last[1] is None and branches:
        otherwise = (Other(last[0], end, "block", tuple(last[2])),)
    else:
        branches, otherwise = block.branches, ()
    beyond = [_branch(start, end, test, body, ()) for start, test, body in branches[MAX_CHAIN // 2 :]]
    if beyond:
        start = beyond[0].start
        otherwise = (Other(start, end, "block", (*beyond, *otherwise)),)
    for start, test, body in reversed(branches[: MAX_CHAIN // 2]):
        otherwise = (_branch(start, end, test, body, otherwise),)
    return list(otherwise)


def closes_as(name: str, parameters: tuple[Parameter, ...], kind: str) -> Callable[[Block, int], list[Node]]:
    def close(block: Block, end: int) -> list[Node]:
        decorator = Name(block.start, block.start, kind)
        return [Function(block.start, end, name, parameters, tuple(block.body), decorators=(decorator,))]

    return close
