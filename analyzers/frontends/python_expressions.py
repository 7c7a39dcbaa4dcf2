"""Python's expressions as an outline, and the values of its literals."""

from __future__ import annotations

import re
import unicodedata
from typing import ClassVar

import tree_sitter_python
from tree_sitter import Language, Node as Syntax, Parser, Range

from analyzers.facts.outline import (
    Call,
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
from analyzers.frontends.tree import MAX_CHAIN, MAX_DEPTH, MAX_TEXT, Lowering, integer, kinds, real, unicode_scalars

GRAMMAR = Language(tree_sitter_python.language())


def kind_of(name: str) -> int:
    """The only numeric kind of nodes called `name`."""
    (kind,) = kinds(GRAMMAR, name)
    return kind


_ATTRIBUTE, _CALL, _SUBSCRIPT = kind_of("attribute"), kind_of("call"), kind_of("subscript")
_IDENTIFIER, _STRING, TYPE = kind_of("identifier"), kind_of("string"), kind_of("type")
_KEYWORD, _MAPPING, _GENERATOR = kind_of("keyword_argument"), kind_of("dictionary_splat"), kind_of("generator_expression")
_ARGUMENTS, _FOR = kind_of("argument_list"), kind_of("for_in_clause")
_CONTENT, _INTERPOLATION = kind_of("string_content"), kind_of("interpolation")
_GENERIC, _UNIONS = kind_of("generic_type"), kinds(GRAMMAR, "union_type", "binary_operator")
_CHAIN = frozenset((_ATTRIBUTE, _CALL, _SUBSCRIPT))
CONSTANTS = kinds(GRAMMAR, "string", "concatenated_string", "integer", "float", "true", "false", "none", "ellipsis")

_OPERATORS = frozenset("+ - * / // % ** @ & | ^ << >> and or".split())
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
    "pair": "pair",
    "parenthesized_list_splat": "spread",
    "raise_statement": "raise",
    "splat_pattern": "spread",
    "splat_type": "spread",
    "try_statement": "try",
    "union_pattern": "|",
    "union_type": "|",
}

_DOTTED = re.compile(r"[^\W\d]\w*(?:\.[^\W\d]\w*){0,9}")
_ESCAPE = re.compile(
    r"\\(?:\r?\n|([\\'\"abfnrtv])|([0-7]{1,3})|x([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|N\{([^}]{1,100})\})"
)
_CONTROL = {"a": "\a", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v"}


class PythonExpressions(Lowering):
    """The part of the lowering that answers with expressions: one method a kind of syntax node."""

    grammar: ClassVar[Language] = GRAMMAR
    words = _WORDS
    strings = frozenset((_STRING, kind_of("concatenated_string")))
    joins = frozenset("+")

    # Names and literals

    def lower_identifier(self, node: Syntax) -> Node:
        start, end = node.start_byte, node.end_byte
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
        start, end = node.start_byte, node.end_byte
        raw = self.text[start:end] if self.ascii else self.slice(start, end)
        if raw[0] in "\"'":
            return self.literal(start, end, unquote(raw))
        value = self.string_value(node)
        return self.formatted(node, [node]) if value is None else self.literal(start, end, value)

    def lower_concatenated_string(self, node: Syntax) -> Node:
        value = self.string_value(node)
        if value is None:
            return self.formatted(node, self.parts(node))
        return self.literal(node.start_byte, node.end_byte, value)

    def string_value(self, node: Syntax) -> str | None:
        if node.kind_id != _STRING:
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

    def lower_dictionary(self, node: Syntax) -> Node:
        return self.collection(node, "dict")

    # Expressions

    def lower_parenthesized_expression(self, node: Syntax) -> Node:
        return self.sole(node)

    lower_as_pattern_target = lower_with_item = lower_format_expression = lower_chevron = lower_parenthesized_expression

    def lower_call(self, node: Syntax) -> Node:
        """A chain of calls, attributes and subscripts, from its base outwards."""
        start = node.start_byte
        links = []
        kind = node.kind_id
        while kind in _CHAIN:
            children = node.named_children
            if len(children) != 2:
                children = self.parts(node)
                if len(children) < 2:
                    raise ValueError(node.type)
            links.append((kind, node, children))
            node = children[0]
            kind = node.kind_id
        links.reverse()
        nested = links if len(links) <= MAX_CHAIN else links[:MAX_CHAIN]
        depth = self.depth
        self.depth = depth + len(nested)
        result = self.lower_identifier(node) if kind == _IDENTIFIER else self.lower(node)
        for kind, link, children in nested:
            self.depth -= 1
            part = children[1]
            if kind == _ATTRIBUTE:
                end = part.end_byte
                name = self.text[part.start_byte : end] if self.ascii else self.slice(part.start_byte, end)
                result = Member(start, end, result, name)
            elif kind == _CALL:
                args, keywords = self.arguments(part)
                result = Call(start, link.end_byte, result, args, keywords)
            else:
                result = Other(start, link.end_byte, "item", (result, self.index(children[1:])))
        if len(links) > MAX_CHAIN:
            result = self.long_chain(start, result, links[MAX_CHAIN:])
        self.depth = depth
        return result

    lower_attribute = lower_subscript = lower_call

    def long_chain(self, start: int, inner: Node, links: list[tuple[int, Syntax, list[Syntax]]]) -> Node:
        flat: list[Node] = [inner]
        for kind, node, children in links:
            if kind == _ATTRIBUTE:
                flat.append(self.lower(children[1]))
            elif kind == _CALL and isinstance(flat[-1], Name):
                name = flat.pop()
                flat.append(Call(name.start, node.end_byte, name, *self.arguments(children[1])))
            else:
                flat.extend(self.all(children[1:]))
        return Other(start, flat[-1].end, "chain", tuple(flat))

    def index(self, parts: list[Syntax]) -> Node:
        if len(parts) == 1:
            return self.lower(parts[0])
        return Other(parts[0].start_byte, parts[-1].end_byte, "tuple", self.all(parts))

    def lower_slice(self, node: Syntax) -> Node:
        bounds: list[Node] = []
        last = node.start_byte
        for child in (*node.children, None):
            if child is not None and child.is_named:
                if child.kind_id not in self.noise:
                    bounds.append(self.lower(child))
                    last = -1
                continue
            if last >= 0:
                bounds.append(Text(last, last, None))
            last = child.end_byte if child is not None else node.end_byte
        bounds += [Text(node.end_byte, node.end_byte, None)] * (3 - len(bounds))
        return Other(node.start_byte, node.end_byte, "slice", tuple(bounds))

    def arguments(self, node: Syntax) -> tuple[tuple[Node, ...], tuple[Keyword, ...]]:
        if node.kind_id != _ARGUMENTS:
            return (self.lower(node),), ()
        positional = []
        keywords = []
        for child in node.named_children:
            kind = child.kind_id
            if kind == _KEYWORD:
                name, value = self.pair(child)
                keywords.append(Keyword(self.of(name), self.lower(value)))
            elif kind == _MAPPING:
                keywords.append(Keyword("**", self.sole(child)))
            else:
                positional.append(child)
        return self.all(positional) if positional else (), tuple(keywords)

    def lower_argument_list(self, node: Syntax) -> Node:
        args, keywords = self.arguments(node)
        return Other(node.start_byte, node.end_byte, "tuple", args + tuple(keyword.value for keyword in keywords))

    def lower_binary_operator(self, node: Syntax) -> Node:
        return self.operation(node, _OPERATORS)

    lower_boolean_operator = lower_binary_operator

    def lower_not_operator(self, node: Syntax) -> Node:
        return Other(node.start_byte, node.end_byte, "not", (self.sole(node),))

    def lower_unary_operator(self, node: Syntax) -> Node:
        operand = self.sole(node)
        word = self.text[node.start_byte]
        if word == "-" and isinstance(operand, Text) and isinstance(operand.value, int | float):
            return Text(node.start_byte, node.end_byte, -operand.value)
        return Other(node.start_byte, node.end_byte, word, (operand,))

    def lower_comparison_operator(self, node: Syntax) -> Node:
        """`a < b < c` is `a < b and b < c`, as far as repeating `b` costs nothing."""
        operands = self.all(node.named_children)
        words = [child.type for child in node.children if not child.is_named]
        start, end = node.start_byte, node.end_byte
        if len(operands) != len(words) + 1 or not words:
            raise ValueError(node.type)
        if len(words) == 1 or not all(isinstance(operand, Name | Text) for operand in operands[1:-1]):
            return Other(start, end, words[0], operands)
        pairs = zip(operands, words, operands[1:], strict=False)
        return Other(start, end, "and", tuple(Other(a.start, b.end, word, (a, b)) for a, word, b in pairs))

    def lower_conditional_expression(self, node: Syntax) -> Node:
        yes, test, no = self.parts(node)
        children = (self.lower(test), self.lower(yes), self.lower(no))
        return Other(node.start_byte, node.end_byte, "?:", children)

    def lower_lambda(self, node: Syntax) -> Node:
        *parameters, body = self.parts(node)
        value = self.lower(body)
        returned = Return(value.start, value.end, value)
        return Function(node.start_byte, node.end_byte, "", self.parameters(parameters), (returned,))

    def lower_yield(self, node: Syntax) -> Node:
        values = self.all(node.named_children)
        if node.child_count > 1 and node.child(1).type == "from":
            values = (Other(values[0].start, values[0].end, "spread", values),)
        return Other(node.start_byte, node.end_byte, "yield", values)

    def parameters(self, nodes: list[Syntax]) -> tuple[Parameter, ...]:
        """Of a function or a lambda; a bare `*` is one, `/` is not."""
        found = []
        for outer in nodes:
            for node in self.parts(outer):
                annotation = default = None
                name = node
                match node.type:
                    case "default_parameter":
                        name, value = self.pair(node)
                        default = self.lower(value)
                    case "typed_parameter":
                        name, hint = self.pair(node)
                        annotation = self.annotation(hint)
                    case "typed_default_parameter":
                        name, hint, value = self.parts(node)
                        annotation, default = self.annotation(hint), self.lower(value)
                    case "positional_separator":
                        continue
                found.append(Parameter(self.of(name), annotation, default))
        return tuple(found)

    # Annotations

    def annotation(self, node: Syntax) -> Node:
        """A type, with forward references in quotes read."""
        while node.kind_id == TYPE:
            (node,) = self.parts(node)
        kind = node.kind_id
        if kind == _IDENTIFIER:
            return self.lower_identifier(node)
        if kind == _STRING:
            return self.forward_reference(node)
        if kind == _GENERIC:
            base, arguments = self.pair(node)
            return self.generic(node, base, self.parts(arguments))
        if kind == _SUBSCRIPT:
            base, *parts = self.parts(node)
            return self.generic(node, base, parts)
        if kind in _UNIONS and "|" in self.of(node):
            return self.union(node)
        return self.lower(node)

    def generic(self, node: Syntax, base: Syntax, parts: list[Syntax]) -> Node:
        of = self.lower(base)
        name = of.id if isinstance(of, Name) else of.name if isinstance(of, Member) else ""
        depth = self.depth
        self.depth += 1
        if self.depth > MAX_DEPTH:
            arguments: list[Node] = [self.too_deep(node)]
        elif name == "Literal":
            arguments = [self.lower(part) for part in parts]
        else:
            arguments = [self.annotation(part) for part in parts]
        self.depth = depth
        first, last = arguments[0], arguments[-1]
        index = first if first is last else Other(first.start, last.end, "tuple", tuple(arguments))
        return Other(node.start_byte, node.end_byte, "item", (of, index))

    def union(self, node: Syntax) -> Node:
        """`A | B | C`, flat."""
        members: list[Syntax] = []
        stack = [node]
        while stack:
            top = stack.pop()
            if top.kind_id in _UNIONS or (top.kind_id == TYPE and top.named_child_count == 1):
                stack.extend(reversed(self.parts(top)))
            else:
                members.append(top)
        if self.depth > MAX_DEPTH:
            return self.too_deep(node)
        return Other(node.start_byte, node.end_byte, "|", tuple(self.annotation(member) for member in members))

    lower_type = annotation

    def forward_reference(self, node: Syntax) -> Node:
        start, raw = node.start_byte, self.of(node)
        quote = 3 if raw[:3] in ('"""', "'''") else 1
        name = raw[quote:-quote]
        if _DOTTED.fullmatch(name):
            return self.dotted(start + quote, name)
        if raw[0] not in "\"'" or "\\" in raw or not name.strip():
            return self.lower(node)
        parser = Parser(self.grammar)
        inner = Range((0, 0), (0, 0), start + quote, node.end_byte - quote)
        parser.included_ranges = [inner]
        root = parser.parse(self.source).root_node
        statements = self.parts(root)
        if root.has_error or len(statements) != 1 or statements[0].named_child_count != 1:
            return self.lower(node)
        return self.annotation(statements[0].named_children[0])

    # Comprehensions

    def comprehension(self, node: Syntax, kind: str) -> Node:
        element, *clauses = self.parts(node)
        loops: list[tuple[int, Node, Node, list[Node]]] = []
        depth = self.depth
        for clause in clauses:
            if clause.kind_id == _FOR and len(loops) < MAX_CHAIN:
                self.depth += 1
                target, *over = self.parts(clause)
                loops.append((clause.start_byte, self.lower(target), self.index(over), []))
            else:
                loops[-1][3].extend(self.all(clause.named_children))
        end = node.end_byte
        body = self.lower(element)
        self.depth = depth
        for start, lowered, source, conditions in reversed(loops[1:]):
            body = Loop(start, end, lowered, source, (*conditions, body), kind)
        _, lowered, source, conditions = loops[0]
        return Loop(node.start_byte, end, lowered, source, (*conditions, body), kind)

    def lower_list_comprehension(self, node: Syntax) -> Node:
        return self.comprehension(node, "list")

    def lower_set_comprehension(self, node: Syntax) -> Node:
        return self.comprehension(node, "set")

    def lower_dictionary_comprehension(self, node: Syntax) -> Node:
        return self.comprehension(node, "dict")

    def lower_generator_expression(self, node: Syntax) -> Node:
        return self.comprehension(node, "generator")


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
