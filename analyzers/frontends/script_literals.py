"""JavaScript's and TypeScript's names, literals, arrays and objects as an outline."""

from __future__ import annotations

import re
from typing import Any, ClassVar

import tree_sitter_typescript
from tree_sitter import Language
from tree_sitter import Node as Syntax

from analyzers.facts.outline import Call, Function, Member, Name, Node, Other, Text
from analyzers.frontends.frontend import MAX_TEXT
from analyzers.frontends.literals import integer, real, unicode_scalars
from analyzers.frontends.tree import Lowering, kinds

GRAMMAR = Language(tree_sitter_typescript.language_tsx())
_CONTROL = {"n": "\n", "t": "\t", "r": "\r", "v": "\v", "b": "\b", "f": "\f", "0": "\0"}
_ESCAPE = re.compile(r"\\(?:\r?\n|u\{([0-9A-Fa-f]{1,8})\}|u([0-9A-Fa-f]{4})|x([0-9A-Fa-f]{2})|(.))", re.DOTALL)


class ScriptLiterals(Lowering):
    """The part of the lowering that answers with names, texts and collections. `groups` are the numeric kinds that a class
    of the grammar at hand goes by, as the grammars of a language and its dialects number them differently."""

    grammar: ClassVar[Language] = GRAMMAR
    names: ClassVar[dict[str, tuple[str, ...]]] = {}
    groups: ClassVar[dict[str, frozenset[int]]] = {}
    joins = frozenset("+")

    def __init_subclass__(cls, **given: Any) -> None:
        super().__init_subclass__(**given)
        cls.noise |= kinds(cls.grammar, "html_comment", "hash_bang_line", "empty_statement")
        cls.strings = kinds(cls.grammar, "string", "template_string")
        cls.groups = {name: kinds(cls.grammar, *members) for name, members in cls.names.items()}

    lower_hash_bang_line = lower_html_comment = lower_empty_statement = Lowering.nothing

    def literal(self, start: int, end: int, value: str) -> Text:
        return Text(start, end, value[:MAX_TEXT])

    # Names

    def lower_identifier(self, node: Syntax) -> Node:
        start, end = node.byte_range
        return Name(start, end, self.text[start:end] if self.ascii else self.slice(start, end))

    lower_this = lower_super = lower_import = lower_type_identifier = lower_predefined_type = lower_this_type = lower_identifier
    lower_private_property_identifier = lower_statement_identifier = lower_identifier

    def lower_undefined(self, node: Syntax) -> Node:
        return Text(node.start_byte, node.end_byte, None)

    lower_null = lower_undefined

    def lower_true(self, node: Syntax) -> Node:
        return Text(node.start_byte, node.end_byte, True)

    def lower_false(self, node: Syntax) -> Node:
        return Text(node.start_byte, node.end_byte, False)

    def lower_property_identifier(self, node: Syntax) -> Node:
        return Text(node.start_byte, node.end_byte, self.of(node))

    def lower_computed_property_name(self, node: Syntax) -> Node:
        return self.sole(node)

    def lower_meta_property(self, node: Syntax) -> Node:
        first, _, last = "".join(self.of(node).split()).partition(".")
        return Member(node.start_byte, node.end_byte, Name(node.start_byte, node.start_byte + len(first), first), last)

    # Texts and numbers

    def lower_number(self, node: Syntax) -> Node:
        digits = self.of(node).replace("_", "").lower().removesuffix("n")
        value: int | float | str
        if digits.isdigit():
            value = integer(digits, 8 if digits.startswith("0") and digits.strip("01234567") == "" else 10)
        else:
            value = integer(digits, 0) if digits[:2] in ("0x", "0b", "0o") else real(digits)
        return Text(node.start_byte, node.end_byte, value)

    def lower_string(self, node: Syntax) -> Node:
        value = self.string_value(node)
        return self.formatted(node) if value is None else self.literal(node.start_byte, node.end_byte, value)

    lower_template_string = lower_template_literal_type = lower_string

    def string_value(self, node: Syntax) -> str | None:
        raw = self.of(node)
        if raw[:1] == "`" and any(child.type == "template_substitution" for child in node.named_children):
            return None
        return unescape(raw[1:-1] if len(raw) > 1 and raw[-1] == raw[0] else raw[1:])

    def formatted(self, node: Syntax) -> Node:
        """A template string with expressions in it: its texts and expressions, in order."""
        pieces: list[Node] = []
        position = node.start_byte + 1
        for child in node.named_children:
            if child.type == "template_substitution":
                pieces += self.piece(position, child.start_byte)
                pieces += self.all(self.parts(child))
                position = child.end_byte
        return Other(node.start_byte, node.end_byte, "format", (*pieces, *self.piece(position, node.end_byte - 1)))

    def piece(self, start: int, end: int) -> list[Node]:
        return [Text(start, end, unescape(self.slice(start, end))[:MAX_TEXT])] if start < end else []

    def lower_string_fragment(self, node: Syntax) -> Node:
        return self.literal(node.start_byte, node.end_byte, self.of(node))

    lower_jsx_text = lower_html_character_reference = lower_escape_sequence = lower_string_fragment

    def lower_regex(self, node: Syntax) -> Node:
        text = Text(node.start_byte, node.end_byte, self.of(node)[:MAX_TEXT])
        return Other(node.start_byte, node.end_byte, "regex", (text,))

    # Collections

    def lower_array(self, node: Syntax) -> Node:
        return self.collection(node, "list")

    def lower_object(self, node: Syntax) -> Node:
        return self.collection(node, "dict")

    def lower_pair(self, node: Syntax) -> Node:
        key, value = self.pair(node)
        return Other(node.start_byte, node.end_byte, "pair", (self.key(key), self.lower(value)))

    def key(self, node: Syntax) -> Node:
        return self.lower(node)

    def lower_shorthand_property_identifier(self, node: Syntax) -> Node:
        """`{a}` is `{a: a}`."""
        start, end = node.byte_range
        word = self.of(node)
        return Other(start, end, "pair", (Text(start, end, word), Name(start, end, word)))

    lower_shorthand_property_identifier_pattern = lower_shorthand_property_identifier

    # Patterns

    def lower_array_pattern(self, node: Syntax) -> Node:
        """What is skipped (`[, b]`) is `Text(None)`."""
        children: list[Node] = []
        empty = True
        for child in node.children:
            if child.is_named:
                if child.kind_id not in self.noise:
                    children.append(self.lower(child))
                    empty = False
            elif child.type == ",":
                if empty:
                    children.append(Text(child.start_byte, child.start_byte, None))
                empty = True
        return Other(node.start_byte, node.end_byte, "tuple", tuple(children))

    def lower_object_pattern(self, node: Syntax) -> Node:
        return self.collection(node, "tuple")

    lower_pair_pattern = lower_pair

    def lower_object_assignment_pattern(self, node: Syntax) -> Node:
        """`{a = 1}` takes `a`, or 1."""
        left, right = self.pair(node)
        start, end = node.byte_range
        word = self.of(left)
        self.depth += 1
        value = Other(start, end, "??", (Name(start, left.end_byte, word), self.lower(right)))
        self.depth -= 1
        return Other(start, end, "pair", (Text(start, left.end_byte, word), value))

    def lower_assignment_pattern(self, node: Syntax) -> Node:
        left, right = self.pair(node)
        return Other(node.start_byte, node.end_byte, "??", (self.lower(left), self.lower(right)))

    # JSX

    def lower_jsx_element(self, node: Syntax) -> Node:
        """A component is called; an element of HTML only holds what stands in it."""
        opening, *inner = self.parts(node)
        closing = inner.pop() if inner and inner[-1].type == "jsx_closing_element" else None
        end = closing.end_byte if closing is not None else node.end_byte
        return self.element(node.start_byte, end, self.parts(opening), inner)

    def lower_jsx_self_closing_element(self, node: Syntax) -> Node:
        return self.element(node.start_byte, node.end_byte, self.parts(node), [])

    def element(self, start: int, end: int, opening: list[Syntax], inner: list[Syntax]) -> Node:
        inner = [part for part in inner if part.type not in ("jsx_text", "html_character_reference")]
        if opening and opening[0].type in ("identifier", "member_expression", "nested_identifier"):
            name, *given = opening
            callee = self.lower(name)
            if not isinstance(callee, Name) or callee.id[:1].isupper():
                return Call(start, end, callee, self.all((*given, *inner)))
            return Other(start, end, "element", self.all((*given, *inner)))
        return Other(start, end, "element", self.all((*opening, *inner)))

    def lower_jsx_attribute(self, node: Syntax) -> Node:
        name, *value = self.parts(node)
        inner = self.lower(value[0]) if value else Text(node.start_byte, node.end_byte, True)
        return Other(node.start_byte, node.end_byte, "pair", (Text(name.start_byte, name.end_byte, self.of(name)), inner))

    def lower_jsx_expression(self, node: Syntax) -> Node | None:
        parts = self.parts(node)
        return self.lower(parts[0]) if parts else None


def named(function: Node, name: str) -> Node:
    """A closure under the name that it is assigned to."""
    if not isinstance(function, Function):
        return function
    f = function
    return Function(f.start, f.end, name, f.parameters, f.body, f.returns, f.decorators, f.receiver, f.is_async)


def unescape(text: str) -> str:
    """What a literal's escapes stand for."""
    return unicode_scalars(_ESCAPE.sub(_unescaped, text)) if "\\" in text else unicode_scalars(text)


def _unescaped(match: re.Match[str]) -> str:
    *codes, letter = match.groups()
    if letter:
        return _CONTROL.get(letter, letter)
    code = next((int(code, 16) for code in codes if code), -1)
    if code < 0:
        return ""
    return chr(code) if code < 0x110000 else match.group()
