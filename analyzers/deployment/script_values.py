"""What expressions of JavaScript and TypeScript say of numbers and variables, as a command line would.

`Number(process.env.N) || 4` is `${N:-4}`.
"""

from __future__ import annotations

from collections.abc import Iterator

from analyzers.facts.outline import Assign, Call, Function, Member, Name, Node, Other, Return, Text, dotted, walk
from analyzers.facts.store import FileFacts

LANGUAGES = ("javascript", "typescript")

_NUMBERS = frozenset({"Number", "parseInt", "parseFloat", "String", "Math.floor", "Number.parseInt", "Number.parseFloat"})
_ENVIRONMENTS = frozenset({"process.env", "Bun.env", "import.meta.env"})
_PROCESSORS = ("cpus", "availableParallelism")


def said(facts: FileFacts, node: Node) -> str:
    """What an expression says; nothing where that cannot be told."""
    match node:
        case Text(value=value):
            return "" if value is None else str(value)
        case Member(of=of, name=name) if dotted(of) in _ENVIRONMENTS:
            return f"${{{name}}}"
        case Other(word="item", children=(of, Text(value=str() as name))) if dotted(of) in _ENVIRONMENTS:
            return f"${{{name}}}"
        case Call(callee=callee, args=(inner, *_)) if dotted(callee) in _NUMBERS:
            return said(facts, inner)
        case Other(word="+", children=(inner,)):
            return said(facts, inner)
        case Other(word="or" | "??", children=(first, other)):
            return _otherwise(said(facts, first), said(facts, other))
        case Other(word="?:", children=(test, first, other)):
            asked = said(facts, first)
            tested = {said(facts, n) for n in walk(test)}
            return _otherwise(asked, said(facts, other)) if asked.startswith("${") and asked in tested else ""
        case Name(id=name):
            stated = _stated(facts, name)
            return said(facts, stated) if stated is not None and not isinstance(stated, Name) else ""
    return "processors" if any(isinstance(n, Member) and n.name in _PROCESSORS for n in walk(node)) else ""


def _otherwise(first: str, other: str) -> str:
    """What comes where a variable says nothing."""
    if first.startswith("${") and first.endswith("}") and ":-" not in first and other:
        return f"{first[:-1]}:-{other}}}"
    return first


def _stated(facts: FileFacts, name: str) -> Node | None:
    """What a name of the file's own stands for, where it is stated once."""
    found = [n.value for n in facts.outline if isinstance(n, Assign) and isinstance(n.target, Name) and n.target.id == name]
    return found[0] if len(found) == 1 else None


def object_of(facts: FileFacts, node: Node) -> Other | None:
    """The object that an expression is: itself, or what the name of the file's own stands for."""
    value = _stated(facts, node.id) if isinstance(node, Name) else node
    return value if isinstance(value, Other) and value.word == "dict" else None


def value_at(node: Node, key: str) -> Node | None:
    """What an object has under a key; inner ones by dots."""
    first, _, rest = key.partition(".")
    for pair in node.children if isinstance(node, Other) else ():
        match pair:
            case Other(word="pair", children=(Text(value=str() as name), value)) if name == first:
                return value_at(value, rest) if rest else value
    return None


def exported(facts: FileFacts) -> Iterator[Node]:
    """What a file gives as a whole: `module.exports = {…}`, `export default {…}`, and what a function gives that it exports."""
    for node in facts.outline:
        match node:
            case Assign(target=target, value=value) if value is not None and dotted(target) in ("module.exports", "default"):
                yield from _given(facts, value)


def _given(facts: FileFacts, value: Node) -> Iterator[Node]:
    match value:
        case Function(body=(*_, Return(value=inner))) if inner is not None:
            yield from _given(facts, inner)
        case Call(args=(inner, *_)):
            yield from _given(facts, inner)
        case _ if (found := object_of(facts, value)) is not None:
            yield found
