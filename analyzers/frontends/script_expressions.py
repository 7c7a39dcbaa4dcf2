"""JavaScript's expressions and TypeScript's types as an outline."""

from __future__ import annotations

from typing import ClassVar

from tree_sitter import Node as Syntax

from analyzers.facts.outline import Assign, Call, Member, Name, Node, Other, Text
from analyzers.frontends.frontend import MAX_CHAIN
from analyzers.frontends.script_literals import ScriptLiterals

_SAME = {"&&": "and", "||": "or", "!": "not", "===": "==", "!==": "!="}
# fmt: off
_OPERATORS = frozenset((
    "+", "-", "*", "/", "%", "**", "&", "|", "^", "<<", ">>", ">>>", "&&", "||", "??",
    "==", "!=", "===", "!==", "<", ">", "<=", ">=", "instanceof", "in",
))
# fmt: on


class ScriptExpressions(ScriptLiterals):
    """The part of the lowering that answers with expressions: one method a kind of syntax node."""

    names: ClassVar[dict[str, tuple[str, ...]]] = {
        "calls": ("call_expression",),
        "members": ("member_expression",),
        "chain": ("call_expression", "member_expression", "subscript_expression", "non_null_expression"),
        "aside": ("optional_chain", "type_arguments"),
        "identifiers": ("identifier",),
        "wrapped": ("non_null_expression",),
    }

    def lower_chain(self, node: Syntax) -> Node:
        """A chain of calls, members and subscripts, from its base outwards. `a?.b` and `a!.b` are `a.b`."""
        start, groups = node.start_byte, self.groups
        chain, calls, members, aside, wrapped = (groups[name] for name in ("chain", "calls", "members", "aside", "wrapped"))
        links = []
        kind = node.kind_id
        while kind in chain:
            children = [child for child in self.parts(node) if child.kind_id not in aside]
            if kind not in wrapped:
                if len(children) != 2:
                    raise ValueError(node.type)
                links.append((kind, node, children[1]))
            node = children[0]
            kind = node.kind_id
        links.reverse()
        nested = links if len(links) <= MAX_CHAIN else links[:MAX_CHAIN]
        depth = self.depth
        self.depth += len(nested)
        result = self.lower_identifier(node) if kind in groups["identifiers"] else self.lower(node)
        for kind, link, part in nested:
            self.depth -= 1
            end = link.end_byte
            if kind in members:
                result = Member(start, part.end_byte, result, self.of(part))
            elif kind in calls:
                result = Call(start, end, result, self.arguments(part))
            else:
                result = self.item(start, end, result, part)
        if len(links) > MAX_CHAIN:
            result = self.long_chain(start, result, links[MAX_CHAIN:])
        self.depth = depth
        return result

    lower_call_expression = lower_member_expression = lower_subscript_expression = lower_non_null_expression = lower_chain

    def item(self, start: int, end: int, of: Node, index: Syntax) -> Node:
        return Other(start, end, "item", (of, self.lower(index)))

    def long_chain(self, start: int, inner: Node, links: list[tuple[int, Syntax, Syntax]]) -> Node:
        flat: list[Node] = [inner]
        for kind, link, part in links:
            if kind in self.groups["members"]:
                flat.append(Name(part.start_byte, part.end_byte, self.of(part)))
            elif kind in self.groups["calls"] and isinstance(flat[-1], Name):
                name = flat.pop()
                flat.append(Call(name.start, link.end_byte, name, self.arguments(part)))
            else:
                flat.append(self.lower(part))
        return Other(start, flat[-1].end, "chain", tuple(flat))

    def arguments(self, node: Syntax) -> tuple[Node, ...]:
        """What a call is given; a tagged template is given the template."""
        return self.all(self.parts(node)) if node.type == "arguments" else (self.lower(node),)

    def lower_new_expression(self, node: Syntax) -> Node:
        callee, *rest = [part for part in self.parts(node) if part.type != "type_arguments"]
        return Call(node.start_byte, node.end_byte, self.lower(callee), self.arguments(rest[0]) if rest else ())

    def lower_parenthesized_expression(self, node: Syntax) -> Node:
        return self.lower(self.parts(node)[0])

    lower_as_expression = lower_satisfies_expression = lower_instantiation_expression = lower_parenthesized_expression
    lower_parenthesized_type = lower_type_annotation = lower_readonly_type = lower_literal_type = lower_parenthesized_expression

    def lower_type_assertion(self, node: Syntax) -> Node:
        """`<Type>value`."""
        return self.lower(self.parts(node)[-1])

    # Operators

    def lower_binary_expression(self, node: Syntax) -> Node:
        return self.operation(node, _OPERATORS)

    def operator_word(self, word: str) -> str:
        return _SAME.get(word, word)

    def lower_unary_expression(self, node: Syntax) -> Node:
        operand = self.sole(node)
        first = node.child(0)
        word = first.type if first is not None else ""
        if word == "-" and isinstance(operand, Text) and isinstance(operand.value, int | float):
            return Text(node.start_byte, node.end_byte, -operand.value)
        return Other(node.start_byte, node.end_byte, self.operator_word(word), (operand,))

    def lower_update_expression(self, node: Syntax) -> Node:
        """`i++` is `i += 1`, wherever it stands."""
        start, end = node.start_byte, node.end_byte
        operator = "-" if "--" in (self.text[start : start + 2], self.text[end - 2 : end]) else "+"
        return Assign(start, end, self.sole(node), Text(start, end, 1), None, operator)

    def lower_ternary_expression(self, node: Syntax) -> Node:
        return Other(node.start_byte, node.end_byte, "?:", self.all(self.parts(node)))

    def lower_assignment_expression(self, node: Syntax) -> Node:
        target, value = self.pair(node)
        return Assign(node.start_byte, node.end_byte, self.lower(target), self.lower(value))

    def lower_augmented_assignment_expression(self, node: Syntax) -> Node:
        target, value = self.pair(node)
        operator = self.text[target.end_byte : value.start_byte].strip().removesuffix("=")
        word = operator if operator in ("&&", "||", "??") or operator in _OPERATORS else ""
        return Assign(node.start_byte, node.end_byte, self.lower(target), self.lower(value), None, self.operator_word(word))

    def lower_sequence_expression(self, node: Syntax) -> Node:
        return Other(node.start_byte, node.end_byte, "tuple", self.all(self.sequence(node)))

    def sequence(self, node: Syntax) -> list[Syntax]:
        """The expressions of `a, b, c`, which a grammar may nest on either side."""
        found: list[Syntax] = []
        ahead = [node]
        while ahead:
            top = ahead.pop()
            if top.type == "sequence_expression":
                ahead += reversed(self.parts(top))
            else:
                found.append(top)
        return found

    def lower_yield_expression(self, node: Syntax) -> Node:
        values = self.all(self.parts(node))
        if values and any(child.type == "*" for child in node.children):
            values = (Other(values[0].start, values[0].end, "spread", values),)
        return Other(node.start_byte, node.end_byte, "yield", values)

    # Types

    def lower_generic_type(self, node: Syntax) -> Node:
        name, *given = self.parts(node)
        args = self.all_below(self.parts(given[0])) if given else ()
        of = self.lower(name)
        if len(args) == 1:
            return Other(node.start_byte, node.end_byte, "item", (of, args[0]))
        inner = Other(args[0].start, args[-1].end, "tuple", args) if args else Text(node.end_byte, node.end_byte, None)
        return Other(node.start_byte, node.end_byte, "item", (of, inner))

    def lower_array_type(self, node: Syntax) -> Node:
        start, end = node.start_byte, node.end_byte
        return Other(start, end, "item", (Name(start, start, "array"), self.lower(self.parts(node)[0])))

    def lower_nested_type_identifier(self, node: Syntax) -> Node:
        of, name = self.pair(node)
        return Member(node.start_byte, node.end_byte, self.lower(of), self.of(name))

    lower_nested_identifier = lower_nested_type_identifier

    def lower_union_type(self, node: Syntax) -> Node:
        """`A | B | C`, which the grammar nests, is one choice of three."""
        found: list[Syntax] = []
        ahead = [node]
        while ahead:
            top = ahead.pop()
            if top.type == "union_type":
                ahead += reversed(self.parts(top))
            else:
                found.append(top)
        return Other(node.start_byte, node.end_byte, "|", self.all(found))

    def structure(self, node: Syntax) -> Node:
        """A type that says how something is made, and no name of it."""
        return Other(node.start_byte, node.end_byte, "type")

    lower_object_type = lower_function_type = lower_conditional_type = lower_lookup_type = lower_type_query = structure
    lower_index_type_query = lower_intersection_type = lower_tuple_type = lower_constructor_type = lower_infer_type = structure
    lower_type_predicate = lower_asserts = lower_template_type = structure
