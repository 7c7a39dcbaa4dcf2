"""PHP's statements as an outline, with the docblocks before them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

import msgspec
from tree_sitter import Node as Syntax

from analyzers.facts.outline import Assign, Loop, Name, Node, Other, Return, Text
from analyzers.facts.store import Import
from analyzers.frontends.frontend import MAX_CHAIN
from analyzers.frontends.php_docblock import Docblock, read_docblock
from analyzers.frontends.php_expressions import PhpExpressions
from analyzers.frontends.php_literals import COMMENT, kind_of, kinds_of
from analyzers.frontends.tree import Lowering

_FOREACH, _NAMESPACE, _IF = kind_of("foreach_statement"), kind_of("namespace_definition"), kind_of("if_statement")
_ELIF, _ELSE = kinds_of("else_if_clause"), kinds_of("else_clause")
_DEFINITIONS = kinds_of(
    "class_declaration", "interface_declaration", "trait_declaration", "enum_declaration", "function_definition"
)
BLOCKS = kinds_of("compound_statement", "colon_block")
NO_DOCBLOCK = Docblock()


class PhpStatements(PhpExpressions):
    """The part of the lowering that answers with statements: one method a kind of syntax node."""

    words: ClassVar[dict[str, str]] = {
        "break_statement": "break",
        "continue_statement": "continue",
        "echo_statement": "echo",
        "finally_clause": "finally",
        "global_declaration": "global",
        "goto_statement": "goto",
        "print_intrinsic": "echo",
        "throw_expression": "raise",
        "try_statement": "try",
        "unset_statement": "delete",
        "variadic_unpacking": "spread",
    }

    def __init__(self, source: bytes) -> None:
        super().__init__(source)
        self.docblock = NO_DOCBLOCK

    def module(self, root: Syntax) -> tuple[Node, ...]:
        return self.statements(root.named_children)

    # Statements and the docblocks before them

    def statements(self, nodes: Iterable[Syntax]) -> tuple[Node, ...]:
        """Statements in order, each with what the docblock before it declares."""
        result: list[Node] = []
        docblock: Docblock | None = None
        run: list[Syntax] = []
        for node in nodes:
            kind = node.kind_id
            if kind == COMMENT:
                if self.text.startswith("/**", node.start_byte):
                    docblock = read_docblock(self.text, node.start_byte, node.end_byte, self.slice)
            elif kind == _NAMESPACE:
                result += self.all(run)
                run.clear()
                result += self.in_namespace(node)
                docblock = None
            elif docblock is None:
                run.append(node)
            else:
                result += self.all(run)
                run.clear()
                result += self.documented(node, docblock)
                docblock = None
        return (*result, *self.all(run)) if result else self.all(run)

    def documented(self, node: Syntax, docblock: Docblock) -> list[Node]:
        """A statement, with the types of the variables that its docblock names."""
        if node.kind_id in _DEFINITIONS:
            self.docblock = docblock
            result = list(self.all((node,)))
            self.docblock = NO_DOCBLOCK
            return result
        result = list(self.all((node,)))
        if not docblock.variables or not result:
            return result
        statement = result[-1]
        for name, kind in docblock.variables:
            declaration = Assign(kind.start, kind.end, Name(kind.start, kind.end, name), None, kind)
            match statement:
                case Assign(target=Name() as target, annotation=None) if name in ("", target.id):
                    statement = msgspec.structs.replace(statement, annotation=kind)
                case Loop() if name and node.kind_id == _FOREACH:
                    statement = msgspec.structs.replace(statement, body=(declaration, *statement.body))
                case _ if name:
                    result.insert(-1, declaration)
        result[-1] = statement
        return result

    def in_namespace(self, node: Syntax) -> tuple[Node, ...]:
        parts = self.parts(node)
        if parts and parts[0].type == "namespace_name":
            self.namespace = self.namespace or "".join(self.of(parts[0]).split())
        if parts and parts[-1].kind_id in BLOCKS:
            return self.statements(parts[-1].named_children)
        return ()

    def lower_namespace_definition(self, node: Syntax) -> Node:
        return Other(node.start_byte, node.end_byte, "block", self.in_namespace(node))

    def lower_expression_statement(self, node: Syntax) -> Node | None:
        lowered = self.all(self.parts(node))
        return lowered[0] if lowered and not isinstance(lowered[0], Text) else None

    lower_text = lower_php_tag = lower_php_end_tag = lower_text_interpolation = Lowering.nothing
    lower_empty_statement = lower_named_label_statement = Lowering.nothing

    def lower_compound_statement(self, node: Syntax) -> Node:
        return Other(node.start_byte, node.end_byte, "block", self.statements(node.named_children))

    lower_colon_block = lower_compound_statement

    def block(self, node: Syntax) -> Node:
        """A block, also where it is a single statement without braces."""
        if node.kind_id in BLOCKS:
            return self.lower(node)
        return Other(node.start_byte, node.end_byte, "block", self.all_below((node,)))

    def body(self, node: Syntax) -> tuple[Node, ...]:
        return self.statements(node.named_children) if node.kind_id in BLOCKS else self.all((node,))

    def lower_echo_statement(self, node: Syntax) -> Node:
        parts = self.parts(node)
        values = [value for part in parts for value in self.sequence(part)]
        return Other(node.start_byte, node.end_byte, "echo", self.all(values))

    def lower_return_statement(self, node: Syntax) -> Node:
        values = self.parts(node)
        return Return(node.start_byte, node.end_byte, self.lower(values[0]) if values else None)

    def lower_declare_statement(self, node: Syntax) -> Node | None:
        inside = [part for part in self.parts(node) if part.type != "declare_directive"]
        return Other(node.start_byte, node.end_byte, "block", self.statements(inside)) if inside else None

    def lower_static_variable_declaration(self, node: Syntax) -> Node:
        return self.assigned(node)

    def lower_function_static_declaration(self, node: Syntax) -> Node:
        return self.one_or_block(node, self.all(self.parts(node)))

    def lower_const_declaration(self, node: Syntax) -> Node:
        elements = [part for part in self.parts(node) if part.type == "const_element"]
        return self.one_or_block(node, [self.assigned(element) for element in elements])

    def one_or_block(self, node: Syntax, nodes: Iterable[Node]) -> Node:
        found = tuple(nodes)
        return found[0] if len(found) == 1 else Other(node.start_byte, node.end_byte, "block", found)

    def assigned(self, node: Syntax) -> Assign:
        """`name = value` or `name` in a declaration."""
        name, *value = self.parts(node)
        return Assign(node.start_byte, node.end_byte, self.lower(name), self.lower(value[0]) if value else None)

    # Control flow

    def lower_if_statement(self, node: Syntax) -> Node:
        """`elseif` and `else if` are an `if` in the `else` of the one before."""
        end = node.end_byte
        branches: list[tuple[int, list[Syntax]]] = []
        last: Syntax | None = None
        following: Syntax | None = node
        while following is not None:
            parts = self.parts(following)
            branches.append((following.start_byte, parts[:2]))
            following = None
            for part in parts[2:]:
                if part.kind_id in _ELIF:
                    branches.append((part.start_byte, self.parts(part)))
                elif part.kind_id in _ELSE:
                    (last,) = self.parts(part)
                    if last.kind_id == _IF:
                        following, last = last, None
        result = self.block(last) if last is not None else None
        if len(branches) > MAX_CHAIN:
            flat: list[Node] = [self.branch(start, branch, None, branch[-1].end_byte) for start, branch in branches[MAX_CHAIN:]]
            flat += [result] if result is not None else []
            result = Other(flat[0].start, end, "block", tuple(flat))
            del branches[MAX_CHAIN:]
        self.depth += len(branches)
        for start, branch in reversed(branches):
            self.depth -= 1
            result = self.branch(start, branch, result, end)
        assert result is not None
        return result

    def branch(self, start: int, parts: list[Syntax], otherwise: Node | None, end: int) -> Node:
        test = self.lower(parts[0])
        block = self.block(parts[1]) if len(parts) > 1 else Other(end, end, "block")
        return Other(start, end, "if", (test, block) if otherwise is None else (test, block, otherwise))

    def lower_foreach_statement(self, node: Syntax) -> Node:
        over, target, *rest = self.parts(node)
        key = None
        if target.type == "pair":
            first, target = self.pair(target)
            key = self.lower(first)
        body = tuple(statement for part in rest for statement in self.body(part))
        return Loop(node.start_byte, node.end_byte, self.lower(target), self.lower(over), body, "for", key)

    def lower_while_statement(self, node: Syntax) -> Node:
        test, *rest = self.parts(node)
        body = tuple(statement for part in rest for statement in self.body(part))
        return Loop(node.start_byte, node.end_byte, None, self.lower(test), body, "while")

    def lower_do_statement(self, node: Syntax) -> Node:
        body, test = self.pair(node)
        return Loop(node.start_byte, node.end_byte, None, self.lower(test), self.body(body), "while")

    def lower_for_statement(self, node: Syntax) -> Node:
        """`for (a; test; step)` is `a`, then a `while` with the step at the end of its body."""
        fields = {name: node.child_by_field_name(name) for name in ("initialize", "condition", "update")}
        before, test, step = (self.sequence(part) if part is not None else [] for part in fields.values())
        outside = {part.id for part in fields.values() if part is not None}
        start, end = node.start_byte, node.end_byte
        self.depth += 1
        body = [statement for part in self.parts(node) if part.id not in outside for statement in self.body(part)]
        self.depth -= 1
        over = self.below(test[-1]) if test else None
        loop = Loop(start, end, None, over, (*self.all_below(test[:-1]), *body, *self.all_below(step)), "while")
        return Other(start, end, "block", (*self.all(before), loop)) if before else loop

    def lower_switch_statement(self, node: Syntax) -> Node:
        subject, block = self.pair(node)
        return Other(node.start_byte, node.end_byte, "match", (self.lower(subject), *self.all(block.named_children)))

    def lower_case_statement(self, node: Syntax) -> Node:
        value, *body = self.parts(node)
        return self.case(node, self.lower(value), body)

    def lower_default_statement(self, node: Syntax) -> Node:
        start = node.start_byte
        return self.case(node, Name(start, start + 7, "default"), self.parts(node))

    def case(self, node: Syntax, pattern: Node, body: list[Syntax]) -> Node:
        start = body[0].start_byte if body else node.end_byte
        block = Other(start, node.end_byte, "block", self.statements(body))
        return Other(node.start_byte, node.end_byte, "case", (pattern, block))

    def lower_catch_clause(self, node: Syntax) -> Node:
        kind, *name, body = self.parts(node)
        caught = self.type(kind)
        if name:
            caught = Assign(kind.start_byte, name[0].end_byte, self.lower(name[0]), caught)
        return Other(node.start_byte, node.end_byte, "except", (caught, self.lower(body)))

    # Imports

    def lower_namespace_use_declaration(self, node: Syntax) -> None:
        prefix = ""
        clauses = self.parts(node)
        if clauses and clauses[0].type == "namespace_name":
            prefix = "".join(self.of(clauses[0]).split()) + "\\"
            clauses = self.parts(clauses[-1])
        for clause in clauses:
            if clause.type != "namespace_use_clause":
                continue
            parts = self.parts(clause)
            path = prefix + "".join(self.of(parts[0]).split())
            alias = self.of(parts[1]) if len(parts) > 1 else path.rpartition("\\")[2]
            self.imports.append(Import(alias, path.removeprefix("\\"), clause.start_byte))
