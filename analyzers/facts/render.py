"""An outline as text: s-expressions, for people and for tests.

    (loop for order (call (. (. Order objects) all))
      (call print (. order total)))

Names stand for themselves, literals are written as JSON, `.` is a `Member`. A word with a colon marks a part that its place
does not: `key:`, `type:`, `returns:`, `default:`, `@` for a decorator. A node that fits in a line takes one.
"""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from analyzers.facts.outline import (
    Assign,
    Call,
    Class,
    Function,
    Keyword,
    Loop,
    Member,
    Name,
    Node,
    Other,
    Parameter,
    Return,
    Text,
)

WIDTH = 100
"""Characters of a line, its indentation included."""


def render(node: Node, indent: int = 0) -> str:
    """A node, starting at the column `indent`."""
    head, tail = _parts(node)
    if not tail and len(head) == 1 and isinstance(node, Name | Text):
        return head[0]
    flat = "(" + " ".join([*head, *(_labelled(label, render(part, 0)) for label, part in tail)]) + ")"
    if len(flat) + indent <= WIDTH and "\n" not in flat and not isinstance(node, Class):
        return flat
    pad = "\n" + " " * (indent + 2)
    lines = [_labelled(label, render(part, indent + 2 + len(label))) for label, part in tail]
    return "(" + pad.join([" ".join(head), *lines]) + ")"


def render_all(nodes: tuple[Node, ...]) -> str:
    """The outline of a file, a statement a paragraph."""
    return "\n".join(map(render, nodes))


def _labelled(label: str, text: str) -> str:
    return label + text


def _parts(node: Node) -> tuple[list[str], list[tuple[str, Node]]]:
    """The words a node starts with, and the nodes below it, each with its label."""
    match node:
        case Name():
            return [node.id], []
        case Text():
            return [msgspec.json.encode(node.value).decode()], []
        case Member():
            return ["."], [("", node.of), ("", Name(node.end, node.end, node.name))]
        case Call():
            return ["call"], [("", node.callee), *(("", arg) for arg in node.args), *_keywords(node.keywords)]
        case Assign():
            tail = [*_decorators(node.decorators), ("", node.target)]
            if node.annotation is not None:
                tail.append(("type:", node.annotation))
            if node.value is not None:
                tail.append(("", node.value))
            return [f"{node.operator}="], tail
        case Loop():
            labelled = (("key:", node.key), ("target:", node.target), ("over:", node.over))
            return ["loop", node.kind], [
                *((label, part) for label, part in labelled if part),
                *(("", part) for part in node.body),
            ]
        case Function():
            words = (
                ["async"] * node.is_async
                + ["function", node.name or '""']
                + [f"receiver:{node.receiver}"] * bool(node.receiver)
            )
            tail = [*_decorators(node.decorators), *_parameters(node.parameters)]
            if node.returns is not None:
                tail.append(("returns:", node.returns))
            return words, [*tail, *(("", part) for part in node.body)]
        case Class():
            bases = [("base:", base) for base in node.bases]
            tail = [*_decorators(node.decorators), *bases, *_keywords(node.keywords)]
            return ["class", node.name or '""'], [*tail, *(("", part) for part in node.body)]
        case Return():
            return ["return"], [("", node.value)] if node.value is not None else []
        case Other():
            return [node.word], [("", child) for child in node.children]


def _keywords(keywords: tuple[Keyword, ...]) -> Iterator[tuple[str, Node]]:
    return ((f"{keyword.name}:", keyword.value) for keyword in keywords)


def _decorators(decorators: tuple[Node, ...]) -> Iterator[tuple[str, Node]]:
    return (("@", decorator) for decorator in decorators)


def _parameters(parameters: tuple[Parameter, ...]) -> Iterator[tuple[str, Node]]:
    for parameter in parameters:
        parts = []
        if parameter.annotation is not None:
            parts.append(parameter.annotation)
        if parameter.default is not None:
            parts.append(Other(0, 0, "default:", (parameter.default,)))
        name = Name(0, 0, parameter.name)
        yield ("parameter:", Other(0, 0, parameter.name, tuple(parts)) if parts else name)
