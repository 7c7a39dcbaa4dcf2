"""Python as an outline: the grammar of Python 3.14, and as much of Python 2 as the parser still knows."""

from __future__ import annotations

from typing import ClassVar

from tree_sitter import Node as Syntax

from analyzers.facts.outline import Assign, Call, Class, Function, Keyword, Loop, Name, Node, Other, Parameter, Return, Text
from analyzers.facts.store import Import
from analyzers.frontends.frontend import MAX_CHAIN
from analyzers.frontends.python_expressions import ARGUMENTS, IDENTIFIER, TYPE, PythonExpressions
from analyzers.frontends.python_literals import GRAMMAR, kind_of
from analyzers.frontends.tree import Lowering, TreeFrontend, kinds

_PARAMETERS, _BLOCKS = kind_of("parameters"), kinds(GRAMMAR, "block")
_CONSTANTS = kinds(GRAMMAR, "string", "concatenated_string", "integer", "float", "true", "false", "none", "ellipsis")
_ELIF, _ELSE, _GUARD = kind_of("elif_clause"), kind_of("else_clause"), kind_of("if_clause")
_CHEVRON = kind_of("chevron")
_KEYWORD_PATTERN, _CLASS = kind_of("keyword_pattern"), kind_of("class_definition")
_LITERAL_STARTS = frozenset("\"'.0123456789TFN")


class PythonLowering(PythonExpressions):
    """Statements and definitions on top of the expressions: one method a kind of syntax node."""

    def __init__(self, source: bytes) -> None:
        super().__init__(source)
        self.in_class = False

    # Simple statements

    def lower_expression_statement(self, node: Syntax) -> Node | None:
        children = node.named_children
        if len(children) != 1:
            children = self.parts(node)
            if len(children) != 1:
                return Other(node.start_byte, node.end_byte, "tuple", self.all(children))
        first = children[0]
        kind = first.kind_id
        if kind in _CONSTANTS and self.text[first.start_byte] in _LITERAL_STARTS:
            return None
        lowered = self.table[kind](self, first)
        return None if isinstance(lowered, Text) else lowered

    lower_pass_statement = Lowering.nothing

    def lower_assignment(self, node: Syntax) -> Node:
        children = node.named_children
        if len(children) != 2:
            children = self.parts(node)
        target, annotation, value = self.lower(children[0]), None, None
        for part in children[1:]:
            if part.kind_id == TYPE:
                annotation = self.annotation(part)
            else:
                value = self.lower(part)
        start, end = node.byte_range
        return Assign(start, end, target, value, annotation)

    def lower_augmented_assignment(self, node: Syntax) -> Node:
        left, right = self.pair(node)
        (operator,) = [child.type for child in node.children if not child.is_named]
        return Assign(node.start_byte, node.end_byte, self.lower(left), self.lower(right), None, operator.removesuffix("="))

    def lower_named_expression(self, node: Syntax) -> Node:
        target, value = self.pair(node)
        return Assign(node.start_byte, node.end_byte, self.lower(target), self.lower(value))

    def lower_type_alias_statement(self, node: Syntax) -> Node:
        left, right = self.pair(node)
        target = self.annotation(left)
        if isinstance(target, Other) and target.word == "item":
            target = target.children[0]
        return Assign(node.start_byte, node.end_byte, target, self.annotation(right))

    def lower_return_statement(self, node: Syntax) -> Node:
        values = self.parts(node)
        return Return(node.start_byte, node.end_byte, self.lower(values[0]) if values else None)

    def lower_delete_statement(self, node: Syntax) -> Node:
        targets = [self.lower(part) for part in self.parts(node)]
        if len(targets) == 1 and isinstance(first := targets[0], Other) and first.word == "tuple":
            return Other(node.start_byte, node.end_byte, "delete", first.children)
        return Other(node.start_byte, node.end_byte, "delete", tuple(targets))

    def lower_print_statement(self, node: Syntax) -> Node:
        start = node.start_byte
        parts = self.parts(node)
        files = tuple(Keyword("file", self.sole(part)) for part in parts if part.kind_id == _CHEVRON)
        values = self.all(part for part in parts if part.kind_id != _CHEVRON)
        return Call(start, node.end_byte, Name(start, start + 5, "print"), values, files)

    def lower_exec_statement(self, node: Syntax) -> Node:
        start = node.start_byte
        return Call(start, node.end_byte, Name(start, start + 4, "exec"), self.all(self.parts(node)))

    # Imports

    def lower_import_statement(self, node: Syntax) -> None:
        for part in self.parts(node):
            if part.type == "aliased_import":
                path, alias = self.pair(part)
                self.imports.append(Import(self.of(alias), self.path(path), part.start_byte))
            else:
                name = self.path(part).partition(".")[0]
                self.imports.append(Import(name, name, part.start_byte))

    def lower_import_from_statement(self, node: Syntax) -> None:
        module, *names = self.parts(node)
        prefix = self.path(module)
        if not prefix.endswith("."):
            prefix += "."
        for part in names:
            start = part.start_byte
            if part.type == "wildcard_import":
                self.imports.append(Import("*", prefix if not prefix.strip(".") else prefix[:-1], start))
            elif part.type == "aliased_import":
                path, alias = self.pair(part)
                self.imports.append(Import(self.of(alias), prefix + self.path(path), start))
            else:
                name = self.path(part)
                self.imports.append(Import(name, prefix + name, start))

    lower_future_import_statement = Lowering.nothing

    def path(self, node: Syntax) -> str:
        """A dotted name without the spaces that it may be written with."""
        return "".join(self.of(node).split())

    # Compound statements

    def lower_block(self, node: Syntax) -> Node:
        return Other(node.start_byte, node.end_byte, "block", self.all(node.named_children))

    def block_of(self, clause: Syntax) -> Node:
        """The block that ends a clause."""
        return self.lower(self.parts(clause)[-1])

    lower_else_clause = block_of

    def lower_if_statement(self, node: Syntax) -> Node:
        """An `elif` is an `if` in the `else` of the one before."""
        end = node.end_byte
        parts = self.parts(node)
        branches = [(node.start_byte, parts[:2])]
        result: Node | None = None
        for part in parts[2:]:
            if part.kind_id == _ELIF:
                branches.append((part.start_byte, self.parts(part)))
            elif part.kind_id == _ELSE:
                result = self.block_of(part)
        if len(branches) > MAX_CHAIN:
            flat = [Other(start, branch[-1].end_byte, "if", self.all(branch)) for start, branch in branches[MAX_CHAIN:]]
            flat += [result] if result is not None else []  # type: ignore[list-item]
            result = Other(flat[0].start, end, "block", tuple(flat))
            del branches[MAX_CHAIN:]
        self.depth += len(branches)
        for start, branch in reversed(branches):
            self.depth -= 1
            children = self.all(branch)
            result = Other(start, end, "if", children if result is None else (*children, result))
        return result  # type: ignore[return-value]

    def lower_for_statement(self, node: Syntax) -> Node:
        target, over, *rest = self.parts(node)
        return self.loop(node, self.lower(target), self.lower(over), rest, "for")

    def lower_while_statement(self, node: Syntax) -> Node:
        test, *rest = self.parts(node)
        return self.loop(node, None, self.lower(test), rest, "while")

    def loop(self, node: Syntax, target: Node | None, over: Node, rest: list[Syntax], kind: str) -> Node:
        """What stands in a loop's `else` runs after it."""
        start, body = node.start_byte, rest[0]
        loop = Loop(start, body.end_byte, target, over, self.all(body.named_children), kind)
        if len(rest) == 1:
            return loop
        after = self.parts(rest[1])[-1]
        return Other(start, node.end_byte, "block", (loop, *self.all(after.named_children)))

    def lower_except_clause(self, node: Syntax) -> Node:
        *caught, block = self.parts(node)
        if not caught:
            what: Node = Text(node.start_byte, node.start_byte, None)
        elif len(caught) == 1:
            what = self.lower(caught[0])
        else:  # Python 2: `except E, e`
            what = Assign(caught[0].start_byte, caught[1].end_byte, self.lower(caught[1]), self.lower(caught[0]))
        return Other(node.start_byte, node.end_byte, "except", (what, self.lower(block)))

    def lower_as_pattern(self, node: Syntax) -> Node:
        value, target = self.pair(node)
        return Assign(node.start_byte, node.end_byte, self.lower(target), self.lower(value))

    def lower_with_statement(self, node: Syntax) -> Node:
        clause, body = self.pair(node)
        return Other(node.start_byte, node.end_byte, "with", (*self.all(clause.named_children), self.lower(body)))

    def lower_match_statement(self, node: Syntax) -> Node:
        *subjects, body = self.parts(node)
        return Other(node.start_byte, node.end_byte, "match", (self.index(subjects), *self.all(body.named_children)))

    def lower_case_clause(self, node: Syntax) -> Node:
        *patterns, body = self.parts(node)
        guard = patterns.pop() if patterns[-1].kind_id == _GUARD else None
        pattern = self.index(patterns)
        if guard is not None:
            pattern = Other(pattern.start, guard.end_byte, "and", (pattern, self.sole(guard)))
        return Other(node.start_byte, node.end_byte, "case", (pattern, self.lower(body)))

    def lower_case_pattern(self, node: Syntax) -> Node:
        parts = self.parts(node)
        if not parts:
            return Name(node.start_byte, node.end_byte, self.of(node))
        return self.lower_unary_operator(node) if self.text[node.start_byte] == "-" else self.lower(parts[0])

    def lower_union_pattern(self, node: Syntax) -> Node:
        found: list[Node] = []
        for child in node.children:
            if not child.is_named or child.kind_id in self.noise:
                continue
            pattern = self.lower(child)
            before = child.prev_sibling
            if (
                before is not None
                and before.type == "-"
                and isinstance(pattern, Text)
                and isinstance(pattern.value, int | float)
            ):
                pattern = Text(before.start_byte, pattern.end, -pattern.value)
            found.append(pattern)
        return Other(node.start_byte, node.end_byte, "|", tuple(found))

    def lower_dict_pattern(self, node: Syntax) -> Node:
        children: list[Node] = []
        for part in self.all(self.parts(node)):
            last = children[-1] if children else None
            if part.start != node.start_byte and last is not None and not isinstance(last, Other):
                children[-1] = Other(last.start, part.end, "pair", (last, part))
            else:
                children.append(part)
        return Other(node.start_byte, node.end_byte, "dict", tuple(children))

    def lower_class_pattern(self, node: Syntax) -> Node:
        callee, *patterns = self.parts(node)
        positional, keywords = [], []
        for pattern in patterns:
            inner = self.parts(pattern)
            if inner and inner[0].kind_id == _KEYWORD_PATTERN:
                name, value = self.pair(inner[0])
                keywords.append(Keyword(self.of(name), self.lower(value)))
            else:
                positional.append(pattern)
        return Call(node.start_byte, node.end_byte, self.lower(callee), self.all(positional), tuple(keywords))

    # Definitions

    def lower_decorated_definition(self, node: Syntax) -> Node:
        *decorators, definition = self.parts(node)
        lowered = tuple(self.sole(decorator) for decorator in decorators)
        if definition.kind_id == _CLASS:
            return self.lower_class_definition(definition, lowered)
        return self.lower_function_definition(definition, lowered)

    def lower_function_definition(self, node: Syntax, decorators: tuple[Node, ...] = ()) -> Node:
        is_method = self.in_class
        self.in_class = False
        name, returns, receiver = "", None, ""
        parameters: tuple[Parameter, ...] = ()
        body: tuple[Node, ...] = ()
        for part in node.named_children:
            kind = part.kind_id
            if kind == IDENTIFIER:
                name = self.of(part)
            elif kind == _PARAMETERS:
                parameters = self.parameters([part])
            elif kind == TYPE:
                returns = self.annotation(part)
            elif kind in _BLOCKS:
                body = self.all(part.named_children)
        if is_method and parameters and not parameters[0].name.startswith("*") and not _is_static(decorators):
            receiver = parameters[0].name
            parameters = parameters[1:]
        self.in_class = is_method
        start = node.start_byte
        is_async = self.text.startswith("async", start)
        return Function(start, node.end_byte, name, parameters, body, returns, decorators, receiver, is_async)

    def lower_class_definition(self, node: Syntax, decorators: tuple[Node, ...] = ()) -> Node:
        outer = self.in_class
        name = ""
        bases: tuple[Node, ...] = ()
        keywords: tuple[Keyword, ...] = ()
        body: tuple[Node, ...] = ()
        for part in node.named_children:
            kind = part.kind_id
            if kind == IDENTIFIER:
                name = self.of(part)
            elif kind == ARGUMENTS:
                bases, keywords = self.arguments(part)
            elif kind in _BLOCKS:
                self.in_class = True
                body = self.all(part.named_children)
        self.in_class = outer
        return Class(node.start_byte, node.end_byte, name, bases, keywords, body, decorators)


def _is_static(decorators: tuple[Node, ...]) -> bool:
    return any(isinstance(decorator, Name) and decorator.id == "staticmethod" for decorator in decorators)


class PythonFrontend(TreeFrontend):
    """Reads `.py` and `.pyi` files."""

    language = "python"
    revision = 4
    lowering: ClassVar[type[Lowering]] = PythonLowering
