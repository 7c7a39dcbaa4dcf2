"""PHP as an outline: the grammar of PHP 8.5, docblocks with Doctrine annotations, and PHP inside HTML."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

import msgspec
from tree_sitter import Node as Syntax

from analyzers.facts.outline import (
    Assign,
    Call,
    Class,
    Function,
    Loop,
    Member,
    Name,
    Node,
    Other,
    Parameter,
    Return,
    Text,
)
from analyzers.facts.store import Import
from analyzers.frontends.php_docblock import Docblock, read_docblock
from analyzers.frontends.php_expressions import COMMENT, PhpExpressions, kind_of, kinds_of
from analyzers.frontends.tree import MAX_CHAIN, MAX_DEPTH, Lowering, TreeFrontend

_EXPRESSION, _FOREACH, _NAMESPACE = kind_of("expression_statement"), kind_of("foreach_statement"), kind_of("namespace_definition")
_PROPERTY, _METHOD, _CONSTANT, _USE = (
    kind_of("property_declaration"),
    kind_of("method_declaration"),
    kinds_of("const_declaration"),
    kind_of("use_declaration"),
)
_ELIF, _ELSE, _IF = kinds_of("else_if_clause"), kinds_of("else_clause"), kind_of("if_statement")
_NAME, _ATTRIBUTES, _PROMOTION = kind_of("name"), kind_of("attribute_list"), kind_of("property_promotion_parameter")
_BASES = kinds_of("base_clause", "class_interface_clause")
_BODIES = kinds_of("declaration_list", "enum_declaration_list")
_BLOCKS = kinds_of("compound_statement", "colon_block")
_TYPES = kinds_of(
    "named_type",
    "optional_type",
    "union_type",
    "intersection_type",
    "disjunctive_normal_form_type",
    "primitive_type",
    "bottom_type",
)
_DOCUMENTED = kinds_of(
    "class_declaration",
    "interface_declaration",
    "trait_declaration",
    "enum_declaration",
    "function_definition",
)
_MODIFIERS = {"static_modifier": "static", "abstract_modifier": "abstract"}
_NO_DOCBLOCK = Docblock()


class PhpLowering(PhpExpressions):
    """Statements and definitions on top of the expressions: one method a kind of syntax node."""

    words: ClassVar[dict[str, str]] = {
        "break_statement": "break",
        "continue_statement": "continue",
        "dynamic_variable_name": "variable",
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
        self.docblock = _NO_DOCBLOCK

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
        if node.kind_id in _DOCUMENTED:
            self.docblock = docblock
            result = list(self.all((node,)))
            self.docblock = _NO_DOCBLOCK
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
        if parts and parts[-1].kind_id in _BLOCKS:
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
        if node.kind_id in _BLOCKS:
            return self.lower(node)
        return Other(node.start_byte, node.end_byte, "block", self.all((node,)))

    def body(self, node: Syntax) -> tuple[Node, ...]:
        return self.statements(node.named_children) if node.kind_id in _BLOCKS else self.all((node,))

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
        body = [statement for part in self.parts(node) if part.id not in outside for statement in self.body(part)]
        start, end = node.start_byte, node.end_byte
        over = self.lower(test[-1]) if test else None
        loop = Loop(start, end, None, over, (*self.all(test[:-1]), *body, *self.all(step)), "while")
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

    # Definitions

    def take_docblock(self) -> Docblock:
        docblock, self.docblock = self.docblock, _NO_DOCBLOCK
        return docblock

    def decorators(self, parts: list[Syntax], docblock: Docblock) -> tuple[Node, ...]:
        """Docblock annotations, attributes and the modifiers that matter, in that order."""
        found = list(docblock.annotations)
        for part in parts:
            if part.kind_id == _ATTRIBUTES:
                for group in self.parts(part):
                    found += self.all(self.parts(group))
            elif (word := _MODIFIERS.get(part.type)) is not None:
                found.append(Name(part.start_byte, part.end_byte, word))
        return tuple(found)

    def lower_class_declaration(self, node: Syntax) -> Node:
        docblock = self.take_docblock()
        parts = self.parts(node)
        name, bases = "", list[Node]()
        body: list[Syntax] = []
        for part in parts:
            kind = part.kind_id
            if kind == _NAME:
                name = self.of(part)
            elif kind in _BASES:
                bases += self.all(self.parts(part))
            elif kind in _BODIES:
                body = part.named_children
        for member in body:
            if member.kind_id == _USE:
                bases += self.all(part for part in self.parts(member) if part.type != "use_list")
        bases = [_with_arguments(base, docblock.parents) for base in bases]
        decorators = self.decorators(parts, docblock)
        members = self.members(body)
        return Class(node.start_byte, node.end_byte, name, tuple(bases), (), members, decorators)

    lower_interface_declaration = lower_trait_declaration = lower_enum_declaration = lower_class_declaration

    def lower_anonymous_class(self, node: Syntax) -> Node:
        self.docblock = _NO_DOCBLOCK
        return self.lower_class_declaration(node)

    def lower_object_creation_expression(self, node: Syntax) -> Node:
        """`new A(x)`; the arguments of an anonymous class stand inside of it."""
        callee, *rest = self.parts(node)
        if callee.type == "anonymous_class":
            rest = [part for part in self.parts(callee) if part.type == "arguments"]
        args, keywords = self.arguments(rest[0]) if rest else ((), ())
        return Call(node.start_byte, node.end_byte, self.lower(callee), args, keywords)

    def members(self, nodes: list[Syntax]) -> tuple[Node, ...]:
        """What a class declares, promoted properties at the constructor that promotes them."""
        depth = self.depth
        if depth >= MAX_DEPTH:
            return tuple(self.too_deep(node) for node in nodes[:1])
        self.depth += 1
        result: list[Node] = []
        docblock = _NO_DOCBLOCK
        for node in nodes:
            kind = node.kind_id
            if kind == COMMENT:
                if self.text.startswith("/**", node.start_byte):
                    docblock = read_docblock(self.text, node.start_byte, node.end_byte, self.slice)
                continue
            try:
                result += self.declared(node, kind, docblock)
            except (IndexError, ValueError):
                self.depth = depth + 1
                result.append(self.surprise(node))
            docblock = _NO_DOCBLOCK
        self.depth = depth
        return tuple(result)

    def declared(self, node: Syntax, kind: int, docblock: Docblock) -> Iterable[Node]:
        if kind == _PROPERTY:
            return self.properties(node, docblock)
        if kind == _METHOD:
            return self.method(node, docblock)
        if kind in _CONSTANT:
            return self.constants(node, docblock)
        if kind == _USE:
            return ()
        self.docblock = docblock
        result = self.all((node,))
        self.docblock = _NO_DOCBLOCK
        return result

    def properties(self, node: Syntax, docblock: Docblock) -> list[Node]:
        parts = self.parts(node)
        decorators = self.decorators(parts, docblock)
        annotation = self.native_type(parts)
        if docblock.variables:
            annotation = _finer(annotation, docblock.variables[0][1])
        found: list[Node] = []
        for part in parts:
            if part.type == "property_element":
                name, *value = self.parts(part)
                default = self.lower(value[0]) if value else None
                found.append(Assign(part.start_byte, part.end_byte, self.property_name(name), default, annotation, "", decorators))
            elif part.type == "property_hook_list":
                found += self.all(self.parts(part))
        return found

    def property_name(self, variable: Syntax) -> Name:
        return Name(variable.start_byte + 1, variable.end_byte, self.slice(variable.start_byte + 1, variable.end_byte))

    def constants(self, node: Syntax, docblock: Docblock) -> list[Node]:
        parts = self.parts(node)
        annotation = self.native_type(parts)
        decorators = self.decorators(parts, docblock)
        elements = [self.assigned(part) for part in parts if part.type == "const_element"]
        return [msgspec.structs.replace(element, annotation=annotation, decorators=decorators) for element in elements]

    def lower_enum_case(self, node: Syntax) -> Node:
        docblock = self.take_docblock()
        parts = self.parts(node)
        name, *value = [part for part in parts if part.kind_id != _ATTRIBUTES]
        default = self.lower(value[0]) if value else None
        decorators = self.decorators(parts, docblock)
        return Assign(node.start_byte, node.end_byte, self.lower(name), default, None, "", decorators)

    def native_type(self, parts: list[Syntax]) -> Node | None:
        return next((self.type(part) for part in parts if part.kind_id in _TYPES), None)

    def lower_function_definition(self, node: Syntax) -> Node:
        return self.function(node, self.take_docblock())

    def function(self, node: Syntax, docblock: Docblock, *, is_method: bool = False) -> Function:
        parts = self.parts(node)
        decorators = self.decorators(parts, docblock)
        name, returns = "", None
        parameters: tuple[Parameter, ...] = ()
        body: tuple[Node, ...] = ()
        for part in parts:
            kind = part.kind_id
            if kind == _NAME:
                name = self.of(part)
            elif kind in _TYPES:
                returns = self.type(part)
            elif kind in _BLOCKS:
                body = self.statements(part.named_children)
            elif part.type == "formal_parameters":
                parameters = tuple(self.parameter(child, docblock) for child in self.parts(part))
        is_static = any(isinstance(decorator, Name) and decorator.id == "static" for decorator in decorators)
        return Function(
            node.start_byte,
            node.end_byte,
            name,
            parameters,
            body,
            _finer(returns, docblock.returns),
            decorators,
            "$this" if is_method and not is_static else "",
        )

    def parameter(self, node: Syntax, docblock: Docblock) -> Parameter:
        name, default = "", None
        annotation = None
        parts = self.parts(node)
        for part in parts:
            if part.kind_id in _TYPES:
                annotation = self.type(part)
            elif part.type in ("variable_name", "by_ref") and not name:
                name = self.of(part).lstrip("& ")
            elif name and part.type != "property_hook_list":
                default = self.lower(part)
        annotation = _finer(annotation, docblock.parameters.get(name))
        return Parameter("*" + name if node.type == "variadic_parameter" else name, annotation, default)

    def method(self, node: Syntax, docblock: Docblock) -> list[Node]:
        """A method; a constructor after the properties that it promotes."""
        function = self.function(node, docblock, is_method=True)
        formal = next((part for part in self.parts(node) if part.type == "formal_parameters"), None)
        promoted = [part for part in self.parts(formal) if part.kind_id == _PROMOTION] if formal is not None else []
        if not promoted:
            return [function]
        declared: list[Node] = []
        assigned: list[Node] = []
        for part in promoted:
            variable = next(child for child in self.parts(part) if child.type in ("variable_name", "by_ref"))
            if variable.type == "by_ref":
                variable = self.parts(variable)[0]
            parameter = next(found for found in function.parameters if found.name == self.of(variable))
            name = self.property_name(variable)
            start, end = part.start_byte, part.end_byte
            decorators = self.decorators(self.parts(part), self.docblock_before(part))
            declared.append(Assign(start, end, name, None, parameter.annotation, "", decorators))
            this = Member(start, end, Name(start, end, "$this"), name.id)
            assigned.append(Assign(start, end, this, Name(variable.start_byte, variable.end_byte, parameter.name)))
        return [*declared, msgspec.structs.replace(function, body=(*assigned, *function.body))]

    def docblock_before(self, node: Syntax) -> Docblock:
        before = node.prev_sibling
        if before is None or before.kind_id != COMMENT or not self.text.startswith("/**", before.start_byte):
            return _NO_DOCBLOCK
        return read_docblock(self.text, before.start_byte, before.end_byte, self.slice)

    def lower_property_hook(self, node: Syntax) -> Node:
        """`get => …` and `set(…) { … }` of a property are methods called `get` and `set`."""
        *head, body = self.parts(node)
        name, *rest = [part for part in head if part.type in ("name", "formal_parameters")]
        parameters = tuple(self.parameter(child, _NO_DOCBLOCK) for part in rest for child in self.parts(part))
        return Function(
            node.start_byte, node.end_byte, self.of(name), parameters, self.returned(body), receiver="$this"
        )

    def returned(self, body: Syntax) -> tuple[Node, ...]:
        if body.kind_id in _BLOCKS:
            return self.statements(body.named_children)
        value = self.lower(body)
        return (Return(value.start, value.end, value),)

    def lower_anonymous_function(self, node: Syntax) -> Node:
        return msgspec.structs.replace(self.function(node, _NO_DOCBLOCK), decorators=())

    def lower_arrow_function(self, node: Syntax) -> Node:
        body = self.parts(node)[-1]
        return msgspec.structs.replace(self.function(node, _NO_DOCBLOCK), decorators=(), body=self.returned(body), name="")


def _finer(native: Node | None, documented: Node | None) -> Node | None:
    """The docblock's type where there is no other, or where it alone says what a container holds."""
    return documented if native is None or (documented is not None and _has_arguments(documented)) else native


def _has_arguments(node: Node) -> bool:
    return isinstance(node, Other) and (node.word == "item" or any(map(_has_arguments, node.children)))


def _with_arguments(base: Node, parents: list[Node]) -> Node:
    """A parent as `@extends Parent<Type>` repeats it."""
    for parent in parents:
        match base, parent:
            case Name(id=name), Other(word="item", children=(Name(id=same), _)) if _last(name) == _last(same):
                return parent
    return base


def _last(name: str) -> str:
    return name.rpartition("\\")[2]


class PhpFrontend(TreeFrontend):
    """Reads `.php` files, templates among them."""

    language = "php"
    revision = 1
    lowering: ClassVar[type[Lowering]] = PhpLowering
