"""Python's names and literals as an outline, and the values of literals."""

from __future__ import annotations

import re
import unicodedata
from typing import ClassVar

import tree_sitter_python
from tree_sitter import Language
from tree_sitter import Node as Syntax

from analyzers.facts.outline import Member, Name, Node, Other, Text
from analyzers.frontends.frontend import MAX_TEXT
from analyzers.frontends.literals import integer, real, unicode_scalars
from analyzers.frontends.tree import Lowering, kinds

GRAMMAR = Language(tree_sitter_python.language())


def kind_of(name: str) -> int:
    """The only numeric kind of nodes called `name`."""
    (kind,) = kinds(GRAMMAR, name)
    return kind


STRING, _CONTENT, _INTERPOLATION = kind_of("string"), kind_of("string_content"), kind_of("interpolation")
_WORDS = {
    "assert_statement": "assert",
    "await": "await",
    "break_statement": "break",
    "continue_statement": "continue",
    "dictionary_splat": "spread",
    "dictionary_splat_pattern": "spread",
    "finally_clause": "finally",
    "global_statement": "global",
    "list_splat": "spread",
    "list_splat_pattern": "spread",
    "nonlocal_statement": "nonlocal",
    "parenthesized_list_splat": "spread",
    "raise_statement": "raise",
    "splat_pattern": "spread",
    "splat_type": "spread",
    "try_statement": "try",
    "union_type": "|",
}

_ESCAPE = re.compile(
    r"\\(?:\r?\n|([\\'\"abfnrtv])|([0-7]{1,3})|x([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|N\{([^}]{1,100})\})"
)
_CONTROL = {"a": "\a", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v"}


class PythonLiterals(Lowering):
    """The part of the lowering that answers with names, texts and collections."""

    grammar: ClassVar[Language] = GRAMMAR
    words = _WORDS
    strings = frozenset((STRING, kind_of("concatenated_string")))
    joins = frozenset("+")

    def lower_identifier(self, node: Syntax) -> Node:
        start, end = node.byte_range
        return Name(start, end, self.text[start:end] if self.ascii else self.slice(start, end))

    def lower_ellipsis(self, node: Syntax) -> Node:
        return Name(node.start_byte, node.end_byte, "...")

    def lower_dotted_name(self, node: Syntax) -> Node:
        return self.dotted(node.start_byte, self.of(node))

    def dotted(self, start: int, text: str) -> Node:
        """`a.b.c`, written without spaces or not."""
        first, *rest = text.split(".", 10)
        position = start + len(first.encode())
        result: Node = Name(start, position, first.strip())
        for name in rest:
            position += 1 + len(name.encode())
            result = Member(start, position, result, name.strip())
        return result

    def lower_integer(self, node: Syntax) -> Node:
        return Text(node.start_byte, node.end_byte, integer(self.of(node), 0))

    def lower_float(self, node: Syntax) -> Node:
        return Text(node.start_byte, node.end_byte, real(self.of(node)))

    def lower_true(self, node: Syntax) -> Node:
        return Text(node.start_byte, node.end_byte, True)

    def lower_false(self, node: Syntax) -> Node:
        return Text(node.start_byte, node.end_byte, False)

    def lower_none(self, node: Syntax) -> Node:
        return Text(node.start_byte, node.end_byte, None)

    def lower_string(self, node: Syntax) -> Node:
        start, end = node.byte_range
        raw = self.text[start:end] if self.ascii else self.slice(start, end)
        if raw[0] in "\"'":
            is_plain = raw[1:2] != raw[0] == raw[-1] and "\\" not in raw
            value = raw[1:-1] if is_plain else unquote(raw)
            return Text(start, end, value) if len(value) <= 10 else self.literal(start, end, value)
        constant = self.string_value(node)
        return self.formatted(node, [node]) if constant is None else self.literal(start, end, constant)

    def lower_concatenated_string(self, node: Syntax) -> Node:
        value = self.string_value(node)
        if value is None:
            return self.formatted(node, self.parts(node))
        return self.literal(node.start_byte, node.end_byte, value)

    def string_value(self, node: Syntax) -> str | None:
        if node.kind_id != STRING:
            values = [self.string_value(part) for part in self.parts(node)]
            pieces = [value for value in values if value is not None]
            return "".join(pieces) if len(pieces) == len(values) else None
        raw = self.of(node)
        prefix = raw[: min((i for i in (raw.find("'"), raw.find('"')) if i >= 0), default=0)].lower()
        if "f" not in prefix and "t" not in prefix:
            return unquote(raw[len(prefix) :], is_raw="r" in prefix)
        if any(child.kind_id == _INTERPOLATION for child in node.named_children):
            return None
        return unquote(raw[len(prefix) :], is_raw="r" in prefix).replace("{{", "{").replace("}}", "}")

    def formatted(self, node: Syntax, strings: list[Syntax]) -> Node:
        """An f-string, or several literals side by side of which one is."""
        pieces: list[Node] = []
        for string in strings:
            value = self.string_value(string)
            if value is not None:
                pieces.append(Text(string.start_byte, string.end_byte, value[:MAX_TEXT]))
                continue
            is_raw = "r" in self.of(string.named_children[0]).lower()
            for child in string.named_children:
                if child.kind_id == _INTERPOLATION:
                    pieces.extend(self.all(self.parts(child)))
                elif child.kind_id == _CONTENT:
                    text = self.of(child) if is_raw else unescape(self.of(child))
                    text = text.replace("{{", "{").replace("}}", "}")[:MAX_TEXT]
                    pieces.append(Text(child.start_byte, child.end_byte, text))
        return Other(node.start_byte, node.end_byte, "format", tuple(pieces))

    lower_type_conversion = Lowering.nothing

    def lower_format_specifier(self, node: Syntax) -> Node | None:
        inner = self.parts(node)
        return Other(node.start_byte, node.end_byte, "format", self.all(inner)) if inner else None

    def lower_tuple(self, node: Syntax) -> Node:
        return self.collection(node, "tuple")

    lower_expression_list = lower_pattern_list = lower_tuple_pattern = lower_list_pattern = lower_tuple

    def lower_list(self, node: Syntax) -> Node:
        return self.collection(node, "list")

    def lower_set(self, node: Syntax) -> Node:
        return self.collection(node, "set")

    def lower_pair(self, node: Syntax) -> Node:
        key, value = self.pair(node)
        start, end = node.byte_range
        return Other(start, end, "pair", (self.lower(key), self.lower(value)))

    def lower_dictionary(self, node: Syntax) -> Node:
        return self.collection(node, "dict")


def unquote(raw: str, *, is_raw: bool = False) -> str:
    """The value of a string literal without its prefix."""
    quote = raw[:3] if raw[:3] in ('"""', "'''") and len(raw) >= 6 else raw[:1]
    value = raw[len(quote) :].removesuffix(quote)
    return value if is_raw or "\\" not in value else unescape(value)


def unescape(text: str) -> str:
    """What a literal's escapes stand for; unknown ones stand for themselves."""
    return unicode_scalars(_ESCAPE.sub(_unescaped, text))


def _unescaped(match: re.Match[str]) -> str:
    control, octal, *codes, name = match.groups()
    if control:
        return _CONTROL.get(control, control)
    if octal:
        return chr(int(octal, 8))
    if name:
        try:
            return unicodedata.lookup(name)
        except KeyError:
            return match.group()
    code = next((int(code, 16) for code in codes if code), 0)
    if not match.group().strip("\\\r\n"):
        return ""
    return chr(code) if code < 0x110000 else match.group()
