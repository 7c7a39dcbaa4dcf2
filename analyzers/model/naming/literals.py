"""What calls and literals state, read as they stand."""

from __future__ import annotations

from analyzers.facts.outline import Call, Member, Name, Node, Other, Text

_LISTS = ("list", "tuple", "set")


def arguments(call: Call) -> dict[str, Node]:
    """Keyword arguments by name, positional ones by their number as text."""
    out = {str(i): node for i, node in enumerate(call.args)}
    out.update((k.name, k.value) for k in call.keywords)
    return out


def text_of(node: Node | None) -> str:
    """The value of a literal string, else empty."""
    return node.value if isinstance(node, Text) and isinstance(node.value, str) else ""


def is_true(node: Node | None) -> bool:
    return isinstance(node, Text) and node.value is True


def is_false(node: Node | None) -> bool:
    return isinstance(node, Text) and node.value is False


def last_name(node: Node) -> str:
    """`Index` of `models.Index`."""
    match node:
        case Name(id=name) | Member(name=name):
            return name
        case Call(callee=callee):
            return last_name(callee)
    return ""


def texts_of(node: Node | None) -> tuple[str, ...] | None:
    """The texts of a literal list, or nothing where one of them is no literal."""
    if not isinstance(node, Other) or node.word not in _LISTS:
        return None
    texts = tuple(text_of(child) for child in node.children)
    return texts if all(texts) else None


def sql_literal(value: object) -> str:
    """A value in the words of SQL: empty for null, `?` where it is not known."""
    match value:
        case None:
            return ""
        case bool() | int() | float():
            return str(value).lower()
        case str():
            return "'" + value.replace("'", "''") + "'"
    return "?"


def items_of(node: Node | None) -> list[tuple[str, Node]]:
    """The items of a mapping whose keys are texts."""
    found = []
    for pair in node.children if isinstance(node, Other) and node.word == "dict" else ():
        match pair:
            case Other(word="pair", children=(Text(value=str() as key), value)):
                found.append((key, value))
    return found
