"""PHP's expressions as an outline, and the values of its literals."""

from __future__ import annotations

import re
from typing import ClassVar

import tree_sitter_php
from tree_sitter import Language, Node as Syntax

from analyzers.facts.outline import Assign, Call, Function, Keyword, Member, Name, Node, Other, Parameter, Return, Text
from analyzers.frontends.tree import MAX_CHAIN, MAX_ELEMENTS, MAX_TEXT, Lowering, integer, is_constant, kinds, real, unicode_scalars

GRAMMAR = Language(tree_sitter_php.language_php())


def kinds_of(*names: str) -> frozenset[int]:
    """The numeric kinds of nodes called so."""
    return kinds(GRAMMAR, *names)


def kind_of(name: str) -> int:
    """The only numeric kind of nodes called `name`."""
    (kind,) = kinds_of(name)
    return kind


COMMENT = kind_of("comment")
_NAME, _VARIABLE, _ARGUMENT, _ARGUMENTS = kind_of("name"), kind_of("variable_name"), kind_of("argument"), kind_of("arguments")
_CALLS = kinds_of("member_call_expression", "nullsafe_member_call_expression", "scoped_call_expression")
_FUNCTION_CALL, _SUBSCRIPT = kind_of("function_call_expression"), kinds_of("subscript_expression")
_MEMBERS = kinds_of(
    "member_access_expression",
    "nullsafe_member_access_expression",
    "scoped_property_access_expression",
    "class_constant_access_expression",
)
_CHAIN = _CALLS | _MEMBERS | _SUBSCRIPT | {_FUNCTION_CALL}
_PLACEHOLDER, _ELEMENT = kind_of("variadic_placeholder"), kind_of("array_element_initializer")
_STRINGS = kinds_of("string", "encapsed_string", "heredoc", "nowdoc")
_PIECES = kinds_of("string_content", "escape_sequence", "nowdoc_string")

_WORDS_OF_OPERATORS = {"&&": "and", "||": "or", "!": "not"}
_OPERATORS = frozenset("+ - * / % ** . & | ^ << >> && || and or xor ?? == != <> === !== < > <= >= <=> instanceof |>".split())
_CONTROL = {"n": "\n", "t": "\t", "r": "\r", "v": "\v", "e": "\x1b", "f": "\f"}
_ESCAPE = re.compile(r"\\(?:([ntrvef])|([\\$\"])|([0-7]{1,3})|x([0-9A-Fa-f]{1,2})|u\{([0-9A-Fa-f]{1,8})\})")
_CLOSING_INDENT = re.compile(r"[ \t]*\Z")


class PhpExpressions(Lowering):
    """The part of the lowering that answers with expressions: one method a kind of syntax node."""

    grammar: ClassVar[Language] = GRAMMAR
    strings = _STRINGS
    joins = frozenset(".")

    # Names and literals

    def lower_name(self, node: Syntax) -> Node:
        start, end = node.start_byte, node.end_byte
        return Name(start, end, self.text[start:end] if self.ascii else self.slice(start, end))

    lower_variable_name = lower_relative_scope = lower_primitive_type = lower_bottom_type = lower_name

    def lower_qualified_name(self, node: Syntax) -> Node:
        return Name(node.start_byte, node.end_byte, "".join(self.of(node).split()))

    lower_relative_name = lower_namespace_name = lower_qualified_name

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
        lines = self.slice(body.start_byte, end).split("\n")
        indent = len(lines.pop()) if len(lines) > 1 else 0
        first = body.start_byte - self.text.rfind("\n", 0, body.start_byte) - 1
        lines[0] = " " * first + lines[0]
        return "\n".join(line[indent:].removesuffix("\r") for line in lines)

    def formatted(self, node: Syntax) -> Node:
        """A string with variables in it: its texts and expressions, in order."""
        start, end = node.start_byte + 1, node.end_byte - 1
        children = node.named_children
        if node.type == "heredoc":
            body = next(child for child in children if child.type == "heredoc_body")
            start, end, children = body.start_byte, body.end_byte, body.named_children
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
        return Call(start, node.end_byte, Name(start, start + 1, "shell_exec"), (self.formatted(node),))

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

    # Calls and members

    def lower_chain(self, node: Syntax) -> Node:
        """A chain of calls, members and subscripts, from its base outwards."""
        start = node.start_byte
        links = []
        kind = node.kind_id
        while kind in _CHAIN:
            children = self.parts(node)
            links.append((kind, node, children))
            node = children[0]
            kind = node.kind_id
        links.reverse()
        nested = links if len(links) <= MAX_CHAIN else links[:MAX_CHAIN]
        depth = self.depth
        self.depth += 2 * len(nested)
        result = self.lower_name(node) if kind == _VARIABLE or kind == _NAME else self.lower(node)
        for kind, link, children in nested:
            self.depth -= 2
            end = link.end_byte
            if kind in _CALLS:
                result = self.call(start, end, self.member(start, result, children[1]), children[2])
            elif kind in _MEMBERS:
                result = self.member(start, result, children[1])
            elif kind == _FUNCTION_CALL:
                result = self.call(start, end, result, children[1])
            else:
                index = self.lower(children[1]) if len(children) > 1 else Text(end - 1, end - 1, None)
                result = Other(start, end, "item", (result, index))
        if len(links) > MAX_CHAIN:
            result = self.long_chain(start, result, links[MAX_CHAIN:])
        self.depth = depth
        return result

    lower_member_call_expression = lower_nullsafe_member_call_expression = lower_scoped_call_expression = lower_chain
    lower_member_access_expression = lower_nullsafe_member_access_expression = lower_chain
    lower_scoped_property_access_expression = lower_class_constant_access_expression = lower_chain
    lower_function_call_expression = lower_subscript_expression = lower_chain

    def member(self, start: int, of: Node, name: Syntax) -> Node:
        kind, end = name.kind_id, name.end_byte
        if kind == _NAME or kind == _VARIABLE:
            return Member(start, end, of, self.text[name.start_byte : end] if self.ascii else self.of(name))
        dynamic = self.lower(name)
        if isinstance(dynamic, Text) and isinstance(dynamic.value, str):
            return Member(start, end, of, dynamic.value)
        return Other(start, end, "item", (of, dynamic))

    def call(self, start: int, end: int, callee: Node, arguments: Syntax) -> Node:
        """A call; `f(...)`, a first-class callable, is `f`."""
        args, keywords = self.arguments(arguments)
        if len(args) == 1 and not keywords and isinstance(args[0], Name) and args[0].id == "...":
            return callee
        return Call(start, end, callee, args, keywords)

    def long_chain(self, start: int, inner: Node, links: list[tuple[int, Syntax, list[Syntax]]]) -> Node:
        flat: list[Node] = [inner]
        for kind, link, children in links:
            if kind in _CALLS:
                flat.append(self.call(children[1].start_byte, link.end_byte, self.lower(children[1]), children[2]))
            else:
                flat.extend(self.all(children[1:]))
        return Other(start, flat[-1].end, "chain", tuple(flat))

    def arguments(self, node: Syntax) -> tuple[tuple[Node, ...], tuple[Keyword, ...]]:
        positional = []
        keywords = []
        for child in node.named_children:
            if child.kind_id != _ARGUMENT:
                positional.append(child)
                continue
            inner = child.named_children
            if len(inner) != 1:
                inner = self.parts(child)
                if len(inner) == 2 and inner[0].kind_id == _NAME:
                    keywords.append(Keyword(self.of(inner[0]), self.lower(inner[1])))
                    continue
            positional.append(inner[-1])
        return self.all(positional) if positional else (), tuple(keywords)

    def lower_arguments(self, node: Syntax) -> Node:
        args, keywords = self.arguments(node)
        return Other(node.start_byte, node.end_byte, "tuple", args + tuple(keyword.value for keyword in keywords))

    def lower_variadic_placeholder(self, node: Syntax) -> Node:
        return Name(node.start_byte, node.end_byte, "...")

    def lower_attribute(self, node: Syntax) -> Node:
        name, *arguments = self.parts(node)
        args, keywords = self.arguments(arguments[0]) if arguments else ((), ())
        return Call(node.start_byte, node.end_byte, self.lower(name), args, keywords)

    def intrinsic(self, node: Syntax) -> Node:
        """`include 'x'`, `clone $x`, `exit(1)`: calls without being functions."""
        start = node.start_byte
        parts = self.parts(node)
        word = node.child(0).type.lower()
        return Call(start, node.end_byte, Name(start, start + len(word), word), self.all(parts))

    lower_include_expression = lower_include_once_expression = intrinsic
    lower_require_expression = lower_require_once_expression = intrinsic
    lower_clone_expression = lower_exit_statement = intrinsic

    # Operators

    def wrapped(self, node: Syntax) -> Node:
        """What a wrapper without meaning for an outline wraps."""
        return self.lower(self.parts(node)[-1])

    lower_parenthesized_expression = lower_error_suppression_expression = lower_by_ref = lower_argument = wrapped

    def lower_binary_expression(self, node: Syntax) -> Node:
        return self.operation(node, _OPERATORS)

    def operator_word(self, word: str) -> str:
        return _WORDS_OF_OPERATORS.get(word, word.lower())

    def lower_unary_op_expression(self, node: Syntax) -> Node:
        operand = self.wrapped(node)
        word = self.text[node.start_byte]
        if word == "-" and isinstance(operand, Text) and isinstance(operand.value, int | float):
            return Text(node.start_byte, node.end_byte, -operand.value)
        return Other(node.start_byte, node.end_byte, self.operator_word(word), (operand,))

    def lower_update_expression(self, node: Syntax) -> Node:
        """`$i++` is `$i += 1`, wherever it stands."""
        start, end = node.start_byte, node.end_byte
        operator = "-" if "--" in (self.text[start : start + 2], self.text[end - 2 : end]) else "+"
        return Assign(start, end, self.wrapped(node), Text(start, end, 1), None, operator)

    def lower_cast_expression(self, node: Syntax) -> Node:
        kind, value = self.pair(node)
        name = Name(kind.start_byte, kind.end_byte, self.of(kind).strip().lower())
        return Other(node.start_byte, node.end_byte, "cast", (name, self.lower(value)))

    def lower_conditional_expression(self, node: Syntax) -> Node:
        """`a ?: b` is `a or b`."""
        children = tuple(self.lower(part) for part in self.parts(node))
        if len(children) == 2:
            return Other(node.start_byte, node.end_byte, "or", children)
        return Other(node.start_byte, node.end_byte, "?:", children)

    def lower_assignment_expression(self, node: Syntax) -> Node:
        target, value = self.pair(node)
        return Assign(node.start_byte, node.end_byte, self.lower(target), self.lower(value))

    def lower_reference_assignment_expression(self, node: Syntax) -> Node:
        parts = self.parts(node)
        return Assign(node.start_byte, node.end_byte, self.lower(parts[0]), self.lower(parts[-1]))

    def lower_augmented_assignment_expression(self, node: Syntax) -> Node:
        target, value = self.pair(node)
        (operator,) = [child.type for child in node.children if not child.is_named]
        return Assign(
            node.start_byte, node.end_byte, self.lower(target), self.lower(value), None, operator.removesuffix("=")
        )

    def lower_sequence_expression(self, node: Syntax) -> Node:
        start, end = node.start_byte, node.end_byte
        return Other(start, end, "tuple", self.all(self.sequence(node)))

    def sequence(self, node: Syntax) -> list[Syntax]:
        """The expressions of `a, b, c`, which the grammar nests."""
        found: list[Syntax] = []
        kind = node.kind_id
        while node.type == "sequence_expression" and node.kind_id == kind:
            first, *rest = self.parts(node)
            found.append(first)
            if len(rest) != 1:
                return found + rest
            node = rest[0]
        return [*found, node]

    def lower_yield_expression(self, node: Syntax) -> Node:
        values = self.all(node.named_children)
        if node.child(0).type == "yield from":
            values = (Other(values[0].start, values[0].end, "spread", values),)
        return Other(node.start_byte, node.end_byte, "yield", values)

    def lower_match_condition_list(self, node: Syntax) -> Node:
        parts = self.parts(node)
        if len(parts) == 1:
            return self.lower(parts[0])
        return Other(node.start_byte, node.end_byte, "tuple", self.all(parts))

    def lower_match_expression(self, node: Syntax) -> Node:
        subject, block = self.pair(node)
        return Other(node.start_byte, node.end_byte, "match", (self.lower(subject), *self.all(block.named_children)))

    def lower_match_conditional_expression(self, node: Syntax) -> Node:
        pattern, value = self.pair(node)
        return Other(node.start_byte, node.end_byte, "case", (self.lower(pattern), self.lower(value)))

    def lower_match_default_expression(self, node: Syntax) -> Node:
        start = node.start_byte
        return Other(start, node.end_byte, "case", (Name(start, start + 7, "default"), self.wrapped(node)))

    # Types

    def lower_named_type(self, node: Syntax) -> Node:
        return self.sole(node)

    lower_disjunctive_normal_form_type = lower_type_list = lower_named_type

    def type(self, node: Syntax) -> Node:
        """A native type."""
        kind = node.type
        start, end = node.start_byte, node.end_byte
        if kind == "optional_type":
            return Other(start, end, "|", (self.type(self.parts(node)[0]), Text(start, start + 1, None)))
        if kind in ("union_type", "intersection_type", "disjunctive_normal_form_type", "type_list"):
            parts = self.parts(node)
            if len(parts) == 1:
                return self.type(parts[0])
            return Other(start, end, "&" if kind == "intersection_type" else "|", tuple(self.type(part) for part in parts))
        if kind == "named_type":
            return self.sole(node)
        word = self.of(node)
        constant = {"null": None, "false": False, "true": True}
        return Text(start, end, constant[word.lower()]) if word.lower() in constant else Name(start, end, word)


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
