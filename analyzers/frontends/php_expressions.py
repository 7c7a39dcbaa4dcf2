"""PHP's expressions and types as an outline."""

from __future__ import annotations

from tree_sitter import Node as Syntax

from analyzers.facts.outline import Assign, Call, Keyword, Member, Name, Node, Other, Text
from analyzers.frontends.frontend import MAX_CHAIN
from analyzers.frontends.php_literals import NAME, VARIABLE, PhpLiterals, kind_of, kinds_of

_ARGUMENT, _FUNCTION_CALL = kind_of("argument"), kind_of("function_call_expression")
_NAMES = frozenset((NAME, VARIABLE))
_CALLS = kinds_of("member_call_expression", "nullsafe_member_call_expression", "scoped_call_expression")
_MEMBERS = kinds_of(
    "member_access_expression",
    "nullsafe_member_access_expression",
    "scoped_property_access_expression",
    "class_constant_access_expression",
)
_CHAIN = _CALLS | _MEMBERS | kinds_of("subscript_expression") | {_FUNCTION_CALL}

_SAME = {"&&": "and", "||": "or", "!": "not"}
# fmt: off
_OPERATORS = frozenset((
    "+", "-", "*", "/", "%", "**", ".", "&", "|", "^", "<<", ">>", "&&", "||", "and", "or", "xor", "??",
    "==", "!=", "<>", "===", "!==", "<", ">", "<=", ">=", "<=>", "instanceof", "|>",
))
# fmt: on


class PhpExpressions(PhpLiterals):
    """The part of the lowering that answers with expressions: one method a kind of syntax node."""

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
        result = self.lower_name(node) if kind in _NAMES else self.lower(node)
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
        if kind in _NAMES:
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
                if len(inner) == 2 and inner[0].kind_id == NAME:
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
        return _SAME.get(word, word.lower())

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
        return Assign(node.start_byte, node.end_byte, self.lower(target), self.lower(value), None, operator.removesuffix("="))

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
        if node.child(0).type == "yield from":
            inner = self.all_below(node.named_children)
            values: tuple[Node, ...] = (Other(inner[0].start, inner[0].end, "spread", inner),)
        else:
            values = self.all(node.named_children)
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
