"""PHP's names, literals and arrays as an outline, and the values of literals."""

from __future__ import annotations

import re
from typing import ClassVar

import tree_sitter_php
from tree_sitter import Language
from tree_sitter import Node as Syntax

from analyzers.facts.outline import Call, Name, Node, Other, Text
from analyzers.frontends.frontend import MAX_ELEMENTS, MAX_TEXT
from analyzers.frontends.literals import integer, real, unicode_scalars
from analyzers.frontends.tree import Lowering, is_constant, kinds

GRAMMAR = Language(tree_sitter_php.language_php())


def kinds_of(*names: str) -> frozenset[int]:
    """The numeric kinds of nodes called so."""
    return kinds(GRAMMAR, *names)


def kind_of(name: str) -> int:
    """The only numeric kind of nodes called `name`."""
    (kind,) = kinds_of(name)
    return kind


COMMENT, NAME, VARIABLE = kind_of("comment"), kind_of("name"), kind_of("variable_name")
_STRINGS = kinds_of("string", "encapsed_string", "heredoc", "nowdoc")
_PIECES = kinds_of("string_content", "escape_sequence", "nowdoc_string")
_CONTROL = {"n": "\n", "t": "\t", "r": "\r", "v": "\v", "e": "\x1b", "f": "\f"}
_ESCAPE = re.compile(r"\\(?:([ntrvef])|([\\$\"])|([0-7]{1,3})|x([0-9A-Fa-f]{1,2})|u\{([0-9A-Fa-f]{1,8})\})")


class PhpLiterals(Lowering):
    """The part of the lowering that answers with names, texts and arrays."""

    grammar: ClassVar[Language] = GRAMMAR
    strings = _STRINGS
    joins = frozenset(".")

    def lower_name(self, node: Syntax) -> Node:
        start, end = node.start_byte, node.end_byte
        return Name(start, end, self.text[start:end] if self.ascii else self.slice(start, end))

    lower_variable_name = lower_relative_scope = lower_primitive_type = lower_bottom_type = lower_name

    def lower_qualified_name(self, node: Syntax) -> Node:
        return Name(node.start_byte, node.end_byte, "".join(self.of(node).split()))

    lower_relative_name = lower_namespace_name = lower_qualified_name

    def lower_dynamic_variable_name(self, node: Syntax) -> Node:
        """`${name}` is `$name`; `$$name` is a `variable` of what computes its name."""
        start, end = node.start_byte, node.end_byte
        inner = self.lower(self.parts(node)[0])
        if isinstance(inner, Name) and not inner.id.startswith("$"):
            return Name(start, end, "$" + inner.id)
        return Other(start, end, "variable", (inner,))

    def lower_integer(self, node: Syntax) -> Node:
        digits = self.of(node).replace("_", "")
        base = 8 if digits.startswith("0") and digits.isdigit() else 0
        return Text(node.start_byte, node.end_byte, integer(digits, base))

    def lower_float(self, node: Syntax) -> Node:
        return Text(node.start_byte, node.end_byte, real(self.of(node)))

    def lower_boolean(self, node: Syntax) -> Node:
        return Text(node.start_byte, node.end_byte, self.of(node).lower() == "true")

    def lower_null(self, node: Syntax) -> Node:
        return Text(node.start_byte, node.end_byte, None)

    def lower_string(self, node: Syntax) -> Node:
        value = self.string_value(node)
        if value is None:
            return self.formatted(node)
        return self.literal(node.start_byte, node.end_byte, value)

    lower_encapsed_string = lower_heredoc = lower_nowdoc = lower_string

    def string_value(self, node: Syntax) -> str | None:
        kind = node.type
        if kind in ("heredoc", "nowdoc"):
            body = [part for part in node.named_children if part.type in ("heredoc_body", "nowdoc_body")]
            if not body:
                return ""
            if any(child.kind_id not in _PIECES for child in body[0].named_children):
                return None
            text = self.here_text(node, body[0])
            return text if kind == "nowdoc" else unescape(text)
        raw = self.of(node)
        if raw[:1] in "bB":
            raw = raw[1:]
        if kind == "string":
            value = raw[1:].removesuffix("'")
            return value if "\\" not in value else value.replace("\\\\", "\0").replace("\\'", "'").replace("\0", "\\")
        if "$" in raw and any(child.kind_id not in _PIECES for child in node.named_children):
            return None
        return unescape(raw[1:].removesuffix('"'))

    def here_text(self, node: Syntax, body: Syntax) -> str:
        """The lines of a heredoc without the indentation of its end."""
        end = node.named_children[-1].start_byte
        start = self.text.rfind("\n", 0, self.here_start(body)) + 1
        lines = self.slice(start, end).split("\n")
        indent = len(lines.pop()) if len(lines) > 1 else 0
        return "\n".join(line[indent:].removesuffix("\r") for line in lines)

    def here_start(self, body: Syntax) -> int:
        """Where the first line of a heredoc starts."""
        start = body.start_byte
        return start + 1 if self.text[start : start + 1] == "\n" else start

    def formatted(self, node: Syntax) -> Node:
        """A string with variables in it: its texts and expressions, in order."""
        start, end = node.start_byte + 1, node.end_byte - 1
        children = node.named_children
        if node.type == "heredoc":
            body = next(child for child in children if child.type == "heredoc_body")
            start, end, children = self.here_start(body), body.end_byte, body.named_children
        pieces: list[Node] = []
        position = start
        text = self.text
        for child in children:
            if child.kind_id in _PIECES or child.kind_id in self.noise:
                continue
            before = child.start_byte
            after = child.end_byte
            if text[before - 1] == "{":
                before -= 1
                after += text[after : after + 1] == "}"
            pieces += self.piece(position, before)
            pieces.append(self.lower(child))
            position = after
        return Other(node.start_byte, node.end_byte, "format", (*pieces, *self.piece(position, end)))

    def piece(self, start: int, end: int) -> list[Node]:
        return [Text(start, end, unescape(self.slice(start, end))[:MAX_TEXT])] if start < end else []

    def lower_shell_command_expression(self, node: Syntax) -> Node:
        start = node.start_byte
        self.depth += 1
        command = self.formatted(node)
        self.depth -= 1
        return Call(start, node.end_byte, Name(start, start + 1, "shell_exec"), (command,))

    # Arrays

    def lower_array_creation_expression(self, node: Syntax) -> Node:
        children = self.all(node.named_children)
        if len(children) > MAX_ELEMENTS and all(map(is_constant, children)):
            children = children[:MAX_ELEMENTS]
        keyed = any(isinstance(child, Other) and child.word == "pair" for child in children)
        return Other(node.start_byte, node.end_byte, "dict" if keyed else "list", children)

    def lower_array_element_initializer(self, node: Syntax) -> Node:
        parts = self.parts(node)
        if len(parts) == 1:
            return self.lower(parts[0])
        key, value = parts
        return Other(node.start_byte, node.end_byte, "pair", (self.lower(key), self.lower(value)))

    lower_pair = lower_array_element_initializer

    def lower_list_literal(self, node: Syntax) -> Node:
        """A destructuring target; what it skips (`[, $b]`) is `Text(None)`."""
        children: list[Node] = []
        key: Node | None = None
        empty = True
        for child in node.children:
            if child.is_named:
                if child.kind_id in self.noise:
                    continue
                item = self.lower(child)
                if key is not None:
                    item = Other(key.start, item.end, "pair", (key, item))
                    key = None
                children.append(item)
                empty = False
            elif child.type == "=>":
                key = children.pop()
            elif child.type == ",":
                if empty:
                    children.append(Text(child.start_byte, child.start_byte, None))
                empty = True
        return Other(node.start_byte, node.end_byte, "tuple", tuple(children))


def unescape(text: str) -> str:
    """What a double-quoted literal's escapes stand for; unknown ones stand for themselves."""
    return unicode_scalars(_ESCAPE.sub(_unescaped, text)) if "\\" in text else text


def _unescaped(match: re.Match[str]) -> str:
    control, itself, octal, short, long = match.groups()
    if control:
        return _CONTROL[control]
    if itself:
        return itself
    code = int(octal, 8) & 0xFF if octal else int(short or long, 16)
    return chr(code) if code < 0x110000 else match.group()
