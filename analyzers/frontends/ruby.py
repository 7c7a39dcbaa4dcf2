"""Ruby as an outline: what schemas and migrations are made of; other syntax keeps its parts under its own name.

A symbol is a `Text`; a block is a `Function` without a name, the last argument of its call; a hash is a `dict`, and pairs among
arguments are keywords. A class inside a module is a class; `A::B` is a `Member`; a module is a `Class` decorated with `module`.
"""

from __future__ import annotations

from typing import ClassVar

import tree_sitter_ruby
from tree_sitter import Language
from tree_sitter import Node as Syntax

from analyzers.facts.outline import Assign, Call, Class, Function, Keyword, Member, Name, Node, Other, Parameter, Return, Text
from analyzers.frontends.literals import integer, real, unicode_scalars
from analyzers.frontends.tree import Lowering, TreeFrontend, kinds

GRAMMAR = Language(tree_sitter_ruby.language())
_BODIES = kinds(GRAMMAR, "body_statement", "block_body", "then", "else", "do", "begin")
_STRINGS = kinds(GRAMMAR, "string", "chained_string", "simple_symbol", "delimited_symbol")
_CONTENT = kinds(GRAMMAR, "string_content", "escape_sequence", "heredoc_content")
_PAIR, _KEY = kinds(GRAMMAR, "pair"), kinds(GRAMMAR, "hash_key_symbol", "simple_symbol")
_ESCAPES = {"\\n": "\n", "\\t": "\t", "\\s": " ", "\\0": "\0"}


class RubyLowering(Lowering):
    """One method a kind of syntax node."""

    grammar = GRAMMAR
    strings = _STRINGS
    words: ClassVar[dict[str, str]] = {"array": "list", "hash": "dict", "parenthesized_statements": "block"}

    def module(self, root: Syntax) -> tuple[Node, ...]:
        bodies, beginnings, stack = [], [], [root]
        while stack:
            node = stack.pop()
            if node.type == "heredoc_body":
                bodies.append(node)
            elif node.type == "heredoc_beginning":
                beginnings.append(node.start_byte)
            else:
                stack.extend(reversed(node.named_children))
        bodies.sort(key=lambda node: node.start_byte)
        self.heredocs = dict(zip(sorted(beginnings), bodies, strict=False))
        return super().module(root)

    # Literals

    def string_value(self, node: Syntax) -> str | None:
        if node.type == "simple_symbol":
            return self.of(node)[1:]
        parts = node.named_children
        if node.type == "chained_string":
            values = [self.string_value(part) for part in parts]
            return None if None in values else "".join(value or "" for value in values)
        if any(part.kind_id not in _CONTENT for part in parts):
            return None
        return unicode_scalars("".join(self._content(part) for part in parts))

    def _content(self, part: Syntax) -> str:
        text = self.of(part)
        return _ESCAPES.get(text, text[1:]) if part.type == "escape_sequence" else text

    def lower_string(self, node: Syntax) -> Node:
        value = self.string_value(node)
        start, end = node.byte_range
        return Other(start, end, "format", self.all(node.named_children)) if value is None else self.literal(start, end, value)

    lower_chained_string = lower_simple_symbol = lower_delimited_symbol = lower_bare_string = lower_bare_symbol = lower_string

    def lower_string_content(self, node: Syntax) -> Node:
        return self.literal(node.start_byte, node.end_byte, self.of(node))

    def lower_heredoc_beginning(self, node: Syntax) -> Node:
        body = self.heredocs.get(node.start_byte)
        if body is None:
            return Text(node.start_byte, node.end_byte, "")
        parts = [part for part in body.named_children if part.type != "heredoc_end"]
        if any(part.kind_id not in _CONTENT for part in parts):
            return Other(node.start_byte, body.end_byte, "format", self.all(parts))
        return self.literal(node.start_byte, body.end_byte, "".join(map(self._content, parts)))

    lower_heredoc_body = Lowering.nothing

    def lower_escape_sequence(self, node: Syntax) -> Node:
        return Text(node.start_byte, node.end_byte, self._content(node))

    def lower_interpolation(self, node: Syntax) -> Node:
        parts = self.parts(node)
        return self.sole(node) if len(parts) == 1 else Other(node.start_byte, node.end_byte, "block", self.all(parts))

    def lower_integer(self, node: Syntax) -> Node:
        return Text(node.start_byte, node.end_byte, integer(self.of(node), 0 if self.of(node).lower().startswith("0x") else 10))

    def lower_float(self, node: Syntax) -> Node:
        return Text(node.start_byte, node.end_byte, real(self.of(node)))

    def lower_true(self, node: Syntax) -> Node:
        return Text(node.start_byte, node.end_byte, True)

    def lower_false(self, node: Syntax) -> Node:
        return Text(node.start_byte, node.end_byte, False)

    def lower_nil(self, node: Syntax) -> Node:
        return Text(node.start_byte, node.end_byte, None)

    def lower_array(self, node: Syntax) -> Node:
        return self.collection(node, "list")

    lower_string_array = lower_symbol_array = lower_array

    def lower_hash(self, node: Syntax) -> Node:
        return self.collection(node, "dict")

    def lower_pair(self, node: Syntax) -> Node:
        return Other(node.start_byte, node.end_byte, "pair", self.all(self.parts(node)))

    def lower_hash_key_symbol(self, node: Syntax) -> Node:
        return Text(node.start_byte, node.end_byte, self.of(node))

    # Names

    def lower_identifier(self, node: Syntax) -> Node:
        return Name(node.start_byte, node.end_byte, self.of(node))

    lower_constant = lower_instance_variable = lower_class_variable = lower_global_variable = lower_identifier
    lower_self = lower_super = lower_identifier

    def lower_scope_resolution(self, node: Syntax) -> Node:
        name = node.child_by_field_name("name")
        scope = node.child_by_field_name("scope")
        assert name is not None
        if scope is None:
            return Name(node.start_byte, node.end_byte, self.of(name))
        return Member(node.start_byte, node.end_byte, self.lower(scope), self.of(name))

    def lower_element_reference(self, node: Syntax) -> Node:
        return Other(node.start_byte, node.end_byte, "item", self.all(self.parts(node)))

    # Calls

    def lower_call(self, node: Syntax) -> Node:
        method, receiver = node.child_by_field_name("method"), node.child_by_field_name("receiver")
        given, block = node.child_by_field_name("arguments"), node.child_by_field_name("block")
        name = self.of(method) if method is not None else "call"
        start, end = node.byte_range
        callee: Node
        if receiver is None:
            callee = Name(start, method.end_byte if method is not None else start, name)
        else:
            callee = Member(start, method.end_byte if method is not None else receiver.end_byte, self.lower(receiver), name)
        args, keywords = self._arguments(given) if given is not None else ((), ())
        if block is not None:
            args = (*args, self.lower(block))
        return Call(start, end, callee, args, keywords)

    def _arguments(self, node: Syntax) -> tuple[tuple[Node, ...], tuple[Keyword, ...]]:
        positional, keywords = [], []
        for part in self.parts(node):
            if part.kind_id in _PAIR:
                key, *value = self.parts(part)
                if key.kind_id in _KEY:
                    keywords.append(Keyword(self.of(key).strip(":"), self.lower(value[0] if value else key)))
                    continue
            positional.append(part)
        return self.all(positional), tuple(keywords)

    def lower_block(self, node: Syntax) -> Node:
        parameters = node.child_by_field_name("parameters")
        body = node.child_by_field_name("body")
        names = tuple(Parameter(self.of(p)) for p in self.parts(parameters)) if parameters is not None else ()
        return Function(node.start_byte, node.end_byte, "", names, self.all(body.named_children) if body is not None else ())

    lower_do_block = lower_block

    def lower_lambda(self, node: Syntax) -> Node:
        block = node.child_by_field_name("body")
        return self.lower(block) if block is not None else Function(node.start_byte, node.end_byte, "")

    # Statements

    def lower_assignment(self, node: Syntax) -> Node:
        left, right = self.pair(node)
        return Assign(node.start_byte, node.end_byte, self.lower(left), self.lower(right))

    def lower_return(self, node: Syntax) -> Node:
        parts = self.parts(node)
        return Return(node.start_byte, node.end_byte, self.sole(parts[0]) if parts and len(self.parts(parts[0])) == 1 else None)

    def _body(self, node: Syntax) -> Node:
        inner = self.all(node.named_children) if node.kind_id in _BODIES else (self.lower(node),)
        return Other(node.start_byte, node.end_byte, "block", inner)

    def lower_if(self, node: Syntax) -> Node:
        """`if`, `unless` and their forms behind a statement: the test, what is done if it holds, and what else."""
        test, body = node.child_by_field_name("condition"), node.child_by_field_name("consequence")
        body = body or node.child_by_field_name("body")
        other = node.child_by_field_name("alternative")
        start, end = node.byte_range
        condition = self.lower(test) if test is not None else Text(start, start, None)
        if node.type.startswith("unless"):
            condition = Other(condition.start, condition.end, "not", (condition,))
        parts = [condition, self._body(body) if body is not None else Other(end, end, "block")]
        if other is not None:
            parts.append(self._body(other))
        return Other(start, end, "if", tuple(parts))

    lower_unless = lower_if_modifier = lower_unless_modifier = lower_elsif = lower_if

    # Definitions

    def lower_method(self, node: Syntax) -> Node:
        name, body = node.child_by_field_name("name"), node.child_by_field_name("body")
        parameters = node.child_by_field_name("parameters")
        names = tuple(Parameter(self.of(p)) for p in self.parts(parameters)) if parameters is not None else ()
        inner: tuple[Node, ...] = ()
        if body is not None:
            inner = self.all(body.named_children) if body.kind_id in _BODIES else (self.lower(body),)
        return Function(
            node.start_byte, node.end_byte, self.of(name) if name is not None else "", names, inner, receiver="self"
        )

    lower_singleton_method = lower_method

    def lower_class(self, node: Syntax) -> Node:
        name, base = node.child_by_field_name("name"), node.child_by_field_name("superclass")
        body = node.child_by_field_name("body")
        bases = (self.sole(base),) if base is not None else ()
        inner = self.all(body.named_children) if body is not None else ()
        mark = (Name(node.start_byte, node.start_byte + 6, "module"),) if node.type == "module" else ()
        return Class(node.start_byte, node.end_byte, self.of(name) if name is not None else "", bases, (), inner, mark)

    lower_module = lower_class


class RubyFrontend(TreeFrontend):
    """Reads `.rb` files."""

    language = "ruby"
    revision = 2
    lowering: ClassVar[type[Lowering]] = RubyLowering
