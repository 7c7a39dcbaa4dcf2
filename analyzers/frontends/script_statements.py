"""JavaScript's statements and imports as an outline."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

import msgspec
from tree_sitter import Node as Syntax

from analyzers.facts.outline import Assign, Function, Loop, Name, Node, Other, Return, Text
from analyzers.facts.store import Import
from analyzers.frontends.frontend import MAX_CHAIN
from analyzers.frontends.script_expressions import ScriptExpressions
from analyzers.frontends.script_literals import named
from analyzers.frontends.tree import Lowering

WHOLE, EVERY = "=", "*"
"""What an import takes that takes no name: all that `require` gives, and the names of a module under one."""


class ScriptStatements(ScriptExpressions):
    """The part of the lowering that answers with statements: one method a kind of syntax node."""

    words: ClassVar[dict[str, str]] = {
        "await_expression": "await",
        "break_statement": "break",
        "class_static_block": "block",
        "continue_statement": "continue",
        "finally_clause": "finally",
        "rest_pattern": "spread",
        "rest_type": "spread",
        "spread_element": "spread",
        "statement_block": "block",
        "throw_statement": "raise",
    }

    def lower_expression_statement(self, node: Syntax) -> Node | None:
        """An expression; a literal alone is a directive (`"use server"`)."""
        parts = self.parts(node)
        if not parts:
            return None
        first = parts[0]
        if first.type == "sequence_expression":
            return self.one_or_block(node, self.all(self.sequence(first)))
        lowered = self.table[first.kind_id](self, first)
        if isinstance(lowered, Text):
            said = isinstance(lowered.value, str) and lowered.value.startswith("use ")
            return Other(node.start_byte, node.end_byte, "directive", (lowered,)) if said else None
        return lowered

    def one_or_block(self, node: Syntax, nodes: Iterable[Node]) -> Node | None:
        found = tuple(nodes)
        if len(found) == 1:
            return found[0]
        return Other(node.start_byte, node.end_byte, "block", found) if found else None

    def lower_labeled_statement(self, node: Syntax) -> Node:
        return self.lower(self.parts(node)[-1])

    def block(self, node: Syntax) -> Node:
        """A branch, with braces or without."""
        if node.type == "statement_block":
            return self.lower(node)
        return Other(node.start_byte, node.end_byte, "block", self.all_below((node,)))

    def body(self, node: Syntax | None) -> tuple[Node, ...]:
        """The statements of a loop or function, with braces or without."""
        if node is None:
            return ()
        return self.all(node.named_children) if node.type == "statement_block" else self.all((node,))

    def lower_return_statement(self, node: Syntax) -> Node:
        values = self.parts(node)
        return Return(node.start_byte, node.end_byte, self.lower(values[0]) if values else None)

    # Declarations

    def lower_lexical_declaration(self, node: Syntax) -> Node | None:
        return self.one_or_block(node, self.all(self.parts(node)))

    lower_variable_declaration = lower_using_declaration = lower_lexical_declaration

    def lower_variable_declarator(self, node: Syntax) -> Node | None:
        """`name = value`; a function under its name; what `require` gives is an import."""
        name, kind, value = (node.child_by_field_name(field) for field in ("name", "type", "value"))
        if name is None:
            raise ValueError(node.type)
        if value is not None and self.required(node, name, value):
            return None
        start, end = node.byte_range
        lowered = self.lower(value) if value is not None else None
        if name.type == "identifier" and isinstance(lowered, Function):
            return named(msgspec.structs.replace(lowered, start=start), self.of(name))
        annotation = self.lower(kind) if kind is not None else None
        return Assign(start, end, self.lower(name), lowered, annotation)

    def required(self, node: Syntax, name: Syntax, value: Syntax) -> bool:
        """Whether a declaration takes what another module gives: `require("x")`, `require("x").y`, `await import("x")`."""
        export = WHOLE
        if value.type == "await_expression" and len(parts := self.parts(value)) == 1:
            value, export = parts[0], EVERY
        if value.type == "member_expression" and len(parts := self.parts(value)) == 2:
            value, export = parts[0], self.of(parts[1])
        callee, given = value.child_by_field_name("function"), value.child_by_field_name("arguments")
        if callee is None or given is None or self.of(callee) not in ("require", "import") or given.type != "arguments":
            return False
        source = self.parts(given)
        module = self.string_value(source[0]) if len(source) == 1 and source[0].type == "string" else None
        if not module:
            return False
        if name.type == "identifier":
            self.imports.append(Import(self.of(name), f"{module}#{export}", node.start_byte))
            return True
        if name.type != "object_pattern" or export not in (WHOLE, EVERY):
            return False
        taken = [self.taken(part) for part in self.parts(name)]
        for start, found in (t for t in taken if t is not None and None not in taken):
            self.imports.append(Import(found[1], f"{module}#{found[0]}", start))
        return None not in taken

    def taken(self, part: Syntax) -> tuple[int, tuple[str, str]] | None:
        """The name that a pattern takes, and what it calls it: `{ b }`, `{ c: d }`."""
        words = self.parts(part) or [part]
        if part.type not in ("shorthand_property_identifier_pattern", "pair_pattern") or words[-1].type.startswith("object"):
            return None
        return part.start_byte, (self.of(words[0]), self.of(words[-1]))

    # Control flow

    def lower_if_statement(self, node: Syntax) -> Node:
        """`else if` is an `if` in the `else` of the one before."""
        end = node.end_byte
        branches: list[tuple[Syntax, Syntax, Syntax | None]] = []
        last: Syntax | None = node
        while last is not None and last.type == "if_statement":
            test, yes, other = (last.child_by_field_name(name) for name in ("condition", "consequence", "alternative"))
            if test is None:
                raise ValueError(last.type)
            branches.append((last, test, yes))
            last = self.parts(other)[-1] if other is not None and self.parts(other) else None
        result = self.block(last) if last is not None else None
        if len(branches) > MAX_CHAIN:
            flat: list[Node] = [self.branch(branch, None, branch[0].end_byte) for branch in branches[MAX_CHAIN:]]
            flat += [result] if result is not None else []
            result = Other(flat[0].start, end, "block", tuple(flat))
            del branches[MAX_CHAIN:]
        self.depth += len(branches)
        for branch in reversed(branches):
            self.depth -= 1
            result = self.branch(branch, result, end)
        assert result is not None
        return result

    def branch(self, parts: tuple[Syntax, Syntax, Syntax | None], otherwise: Node | None, end: int) -> Node:
        node, test, yes = parts
        children = (self.lower(test), self.block(yes) if yes is not None else Other(end, end, "block"))
        return Other(node.start_byte, end, "if", children if otherwise is None else (*children, otherwise))

    def lower_for_in_statement(self, node: Syntax) -> Node:
        """`for (x of xs)`, awaited or not; `for (k in o)` walks the keys."""
        left, over, body = (node.child_by_field_name(name) for name in ("left", "right", "body"))
        if left is None or over is None:
            raise ValueError(node.type)
        target = self.lower(left)
        start, end = node.byte_range
        operator = node.child_by_field_name("operator")
        if operator is not None and operator.type == "in":
            return Loop(start, end, None, self.lower(over), self.body(body), "for", target)
        return Loop(start, end, target, self.lower(over), self.body(body))

    def lower_while_statement(self, node: Syntax) -> Node:
        test, body = (node.child_by_field_name(name) for name in ("condition", "body"))
        return Loop(
            node.start_byte, node.end_byte, None, self.lower(test) if test is not None else None, self.body(body), "while"
        )

    lower_do_statement = lower_while_statement

    def lower_for_statement(self, node: Syntax) -> Node:
        """`for (a; test; step)` is `a`, then a `while` with the step at the end of its body."""
        first, test, step, body = (node.child_by_field_name(n) for n in ("initializer", "condition", "increment", "body"))
        start, end = node.start_byte, node.end_byte
        before = self.all((first,)) if first is not None and first.type != "empty_statement" else ()
        before = tuple(inner for n in before for inner in (n.children if isinstance(n, Other) and n.word == "block" else (n,)))
        over = self.lower(test) if test is not None and test.type != "empty_statement" else None
        self.depth += 1
        if test is not None and test.type == "expression_statement":
            over = self.sole(test)
        steps = self.all(self.sequence(step)) if step is not None else ()
        loop = Loop(start, end, None, over, (*self.body(body), *steps), "while")
        self.depth -= 1
        return Other(start, end, "block", (*before, loop)) if before else loop

    def lower_switch_statement(self, node: Syntax) -> Node:
        subject, block = self.pair(node)
        return Other(node.start_byte, node.end_byte, "match", (self.lower(subject), *self.all(self.parts(block))))

    def lower_switch_case(self, node: Syntax) -> Node:
        value, *body = self.parts(node)
        return self.case(node, self.lower(value), body)

    def lower_switch_default(self, node: Syntax) -> Node:
        start = node.start_byte
        return self.case(node, Name(start, start + 7, "default"), self.parts(node))

    def case(self, node: Syntax, pattern: Node, body: list[Syntax]) -> Node:
        start = body[0].start_byte if body else node.end_byte
        block = Other(start, node.end_byte, "block", self.all_below(body))
        return Other(node.start_byte, node.end_byte, "case", (pattern, block))

    def lower_try_statement(self, node: Syntax) -> Node:
        return Other(node.start_byte, node.end_byte, "try", self.all(self.parts(node)))

    def lower_catch_clause(self, node: Syntax) -> Node:
        name, body = (node.child_by_field_name(field) for field in ("parameter", "body"))
        start = node.start_byte
        nothing = Text(start, start, None)
        caught = Assign(name.start_byte, name.end_byte, self.lower(name), nothing) if name is not None else nothing
        block = self.lower(body) if body is not None else Other(node.end_byte, node.end_byte, "block")
        return Other(start, node.end_byte, "except", (caught, block))

    def lower_with_statement(self, node: Syntax) -> Node:
        over, body = self.pair(node)
        return Other(node.start_byte, node.end_byte, "with", (self.lower(over), self.block(body)))

    # Imports and exports

    def lower_import_statement(self, node: Syntax) -> None:
        source = node.child_by_field_name("source")
        clauses = [part for part in self.parts(node) if part.type in ("import_clause", "import_require_clause")]
        module = self.string_value(source) if source is not None else ""
        for clause in clauses:
            if clause.type == "import_require_clause":
                name, path = self.pair(clause)
                self.imports.append(Import(self.of(name), f"{self.string_value(path)}#{WHOLE}", node.start_byte))
                continue
            for part in self.parts(clause):
                if part.type == "identifier":
                    self.imports.append(Import(self.of(part), f"{module}#default", part.start_byte))
                elif part.type == "namespace_import":
                    self.imports.append(Import(self.of(self.parts(part)[0]), f"{module}#{EVERY}", part.start_byte))
                else:
                    self.specified(part, module or "")
        if not clauses and module:
            self.imports.append(Import("", module + "#", node.start_byte))

    def specified(self, clause: Syntax, module: str) -> None:
        """`{a, b as c} from "module"`."""
        for part in self.parts(clause):
            words = [self.string_value(word) if word.type == "string" else self.of(word) for word in self.parts(part)]
            if words:
                self.imports.append(Import(words[-1] or "", f"{module}#{words[0]}", part.start_byte))

    def lower_export_statement(self, node: Syntax) -> Node | None:
        """What a module declares for others, marked with `export`, and `default` where that is its name."""
        start, end = node.byte_range
        source = node.child_by_field_name("source")
        if source is not None:
            self.passed_on(node, self.string_value(source) or "")
            return None
        mark: tuple[Node, ...] = (Name(start, start + len("export"), "export"),)
        is_default = any(child.type == "default" for child in node.children)
        if is_default:
            mark = (*mark, Name(start, start + len("export"), "default"))
        decorators = self.all(part for part in self.parts(node) if part.type == "decorator")
        value = node.child_by_field_name("value")
        declared = node.child_by_field_name("declaration")
        if declared is None and value is None:
            return self.one_or_block(node, (n for part in self.parts(node) for n in self.listed(part, mark)))
        inner = self.lower(declared if declared is not None else value)  # type: ignore[arg-type]
        if is_default and isinstance(inner, Function) and not inner.name:
            inner = named(inner, "default")
        elif is_default and value is not None and not isinstance(inner, Function):
            return Assign(start, end, Name(start, start, "default"), inner, None, "", mark)
        return _marked(inner, (*decorators, *mark))

    def listed(self, clause: Syntax, mark: tuple[Node, ...]) -> Iterable[Node]:
        """`export {a, b as c}`: the first is exported as it is called, the second is given a name."""
        for part in self.parts(clause) if clause.type == "export_clause" else ():
            first, *alias = [self.lower_identifier(word) for word in self.parts(part)]
            if alias:
                yield Assign(part.start_byte, part.end_byte, alias[0], first, None, "", mark)
            else:
                yield Other(part.start_byte, part.end_byte, "export", (first,))

    def passed_on(self, node: Syntax, module: str) -> None:
        """`export … from "module"` is an import: the name means what it means there."""
        clauses = [part for part in self.parts(node) if part.type in ("export_clause", "namespace_export")]
        for clause in clauses:
            if clause.type == "export_clause":
                self.specified(clause, module)
            else:
                self.imports.append(Import(self.of(self.parts(clause)[0]), f"{module}#{EVERY}", clause.start_byte))
        if not clauses:
            self.imports.append(Import("*", module + "#*", node.start_byte))

    # What is declared for the compiler alone

    lower_interface_declaration = lower_type_alias_declaration = lower_ambient_declaration = Lowering.nothing
    lower_function_signature = lower_method_signature = lower_abstract_method_signature = Lowering.nothing
    lower_index_signature = lower_import_alias = lower_debugger_statement = lower_type_parameters = Lowering.nothing

    def lower_internal_module(self, node: Syntax) -> Node:
        """`namespace N { … }`, whose names are read as the file's."""
        return self.lower(self.parts(node)[-1])

    lower_module = lower_internal_module


def _marked(node: Node, marks: tuple[Node, ...]) -> Node:
    match node:
        case Function() | Assign():
            return msgspec.structs.replace(node, decorators=(*node.decorators, *marks))
        case Other(word="block", children=children):
            return msgspec.structs.replace(node, children=tuple(_marked(child, marks) for child in children))
    if hasattr(node, "decorators"):
        return msgspec.structs.replace(node, decorators=(*node.decorators, *marks))
    return node
