"""Python's expressions and annotations as an outline."""

from __future__ import annotations

import re

from tree_sitter import Node as Syntax
from tree_sitter import Parser, Range

from analyzers.facts.outline import Call, Function, Keyword, Loop, Member, Name, Node, Other, Parameter, Return, Text
from analyzers.frontends.frontend import MAX_CHAIN, MAX_DEPTH, MAX_TEXT
from analyzers.frontends.python_literals import GRAMMAR, STRING, PythonLiterals, kind_of
from analyzers.frontends.tree import kinds

_ATTRIBUTE, _CALL, _SUBSCRIPT = kind_of("attribute"), kind_of("call"), kind_of("subscript")
IDENTIFIER, TYPE, ARGUMENTS = kind_of("identifier"), kind_of("type"), kind_of("argument_list")
_KEYWORD, _MAPPING, _FOR = kind_of("keyword_argument"), kind_of("dictionary_splat"), kind_of("for_in_clause")
_GENERIC, _UNIONS = kind_of("generic_type"), kinds(GRAMMAR, "union_type", "binary_operator")
_CHAIN = frozenset((_ATTRIBUTE, _CALL, _SUBSCRIPT))

_OPERATORS = frozenset(["+", "-", "*", "/", "//", "%", "**", "@", "&", "|", "^", "<<", ">>", "and", "or"])
_DOTTED = re.compile(r"[^\W\d]\w*(?:\.[^\W\d]\w*){0,9}")


class PythonExpressions(PythonLiterals):
    """The part of the lowering that answers with expressions: one method a kind of syntax node."""

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
        result = self.lower_identifier(node) if kind == IDENTIFIER else self.lower(node)
        for kind, link, children in nested:
            self.depth -= 1
            part = children[1]
            if kind == _ATTRIBUTE:
                name, end = part.byte_range
                result = Member(start, end, result, self.text[name:end] if self.ascii else self.slice(name, end))
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
        return Other(parts[0].start_byte, parts[-1].end_byte, "tuple", self.all_below(parts))

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
        if node.kind_id != ARGUMENTS:
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
        value = self.below(body)
        returned = Return(value.start, value.end, value)
        return Function(node.start_byte, node.end_byte, "", self.parameters(parameters), (returned,))

    def lower_yield(self, node: Syntax) -> Node:
        if node.child_count > 1 and node.child(1).type == "from":
            inner = self.all_below(node.named_children)
            values: tuple[Node, ...] = (Other(inner[0].start, inner[0].end, "spread", inner),)
        else:
            values = self.all(node.named_children)
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
        if kind == IDENTIFIER:
            return self.lower_identifier(node)
        if kind == STRING:
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
            arguments = [self.plain(part) for part in parts]
        elif name == "Annotated":
            arguments = [self.annotation(parts[0]), *map(self.plain, parts[1:])]
        else:
            arguments = [self.annotation(part) for part in parts]
        self.depth = depth
        first, last = arguments[0], arguments[-1]
        index = first if first is last else Other(first.start, last.end, "tuple", tuple(arguments))
        return Other(node.start_byte, node.end_byte, "item", (of, index))

    def plain(self, node: Syntax) -> Node:
        """What stands between brackets of a type without being one."""
        while node.kind_id == TYPE:
            (node,) = self.parts(node)
        return self.lower(node)

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
        if raw[0] not in "\"'" or "\\" in raw or not name.strip() or len(name) > MAX_TEXT:
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
