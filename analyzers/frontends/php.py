"""PHP as an outline: the grammar of PHP 8.5, docblocks with Doctrine annotations, and PHP inside HTML."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

import msgspec
from tree_sitter import Node as Syntax

from analyzers.facts.outline import Assign, Call, Class, Function, Member, Name, Node, Other, Parameter, Return
from analyzers.frontends.frontend import MAX_DEPTH
from analyzers.frontends.php_docblock import Docblock, read_docblock
from analyzers.frontends.php_literals import COMMENT, NAME, kind_of, kinds_of
from analyzers.frontends.php_statements import BLOCKS, NO_DOCBLOCK, PhpStatements
from analyzers.frontends.tree import Lowering, TreeFrontend

_PROPERTY, _METHOD, _USE = kind_of("property_declaration"), kind_of("method_declaration"), kind_of("use_declaration")
_CONSTANTS, _ATTRIBUTES = kinds_of("const_declaration"), kind_of("attribute_list")
_PROMOTION = kind_of("property_promotion_parameter")
_BASES = kinds_of("base_clause", "class_interface_clause")
_BODIES = kinds_of("declaration_list", "enum_declaration_list")
_TYPES = kinds_of(
    "named_type",
    "optional_type",
    "union_type",
    "intersection_type",
    "disjunctive_normal_form_type",
    "primitive_type",
    "bottom_type",
)
_MODIFIERS = {"static_modifier": "static", "abstract_modifier": "abstract"}


class PhpLowering(PhpStatements):
    """Definitions on top of statements and expressions: one method a kind of syntax node."""

    def take_docblock(self) -> Docblock:
        docblock, self.docblock = self.docblock, NO_DOCBLOCK
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

    def lower_class_declaration(self, node: Syntax) -> Class:
        docblock = self.take_docblock()
        parts = self.parts(node)
        name, bases = "", list[Node]()
        body: list[Syntax] = []
        for part in parts:
            kind = part.kind_id
            if kind == NAME:
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

    lower_trait_declaration = lower_enum_declaration = lower_class_declaration

    def lower_interface_declaration(self, node: Syntax) -> Node:
        """A class that says of itself that it is none: its first word is a decorator."""
        lowered = self.lower_class_declaration(node)
        word = Name(node.start_byte, node.start_byte + len("interface"), "interface")
        return msgspec.structs.replace(lowered, decorators=(*lowered.decorators, word))

    def lower_anonymous_class(self, node: Syntax) -> Node:
        self.docblock = NO_DOCBLOCK
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
        docblock = NO_DOCBLOCK
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
            docblock = NO_DOCBLOCK
        self.depth = depth
        return tuple(result)

    def declared(self, node: Syntax, kind: int, docblock: Docblock) -> Iterable[Node]:
        if kind == _PROPERTY:
            return self.properties(node, docblock)
        if kind == _METHOD:
            return self.method(node, docblock)
        if kind in _CONSTANTS:
            return self.constants(node, docblock)
        if kind == _USE:
            return ()
        self.docblock = docblock
        result = self.all((node,))
        self.docblock = NO_DOCBLOCK
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
                found.append(
                    Assign(part.start_byte, part.end_byte, self.property_name(name), default, annotation, "", decorators)
                )
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
            if kind == NAME:
                name = self.of(part)
            elif kind in _TYPES:
                returns = self.type(part)
            elif kind in BLOCKS:
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
        said = self.decorators([part for part in parts if part.kind_id == _ATTRIBUTES], NO_DOCBLOCK)
        return Parameter("*" + name if node.type == "variadic_parameter" else name, annotation, default, said)

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
            return NO_DOCBLOCK
        return read_docblock(self.text, before.start_byte, before.end_byte, self.slice)

    def lower_property_hook(self, node: Syntax) -> Node:
        """`get => …` and `set(…) { … }` of a property are methods called `get` and `set`."""
        *head, body = self.parts(node)
        name, *rest = [part for part in head if part.type in ("name", "formal_parameters")]
        parameters = tuple(self.parameter(child, NO_DOCBLOCK) for part in rest for child in self.parts(part))
        return Function(node.start_byte, node.end_byte, self.of(name), parameters, self.returned(body), receiver="$this")

    def returned(self, body: Syntax) -> tuple[Node, ...]:
        if body.kind_id in BLOCKS:
            return self.statements(body.named_children)
        value = self.below(body)
        return (Return(value.start, value.end, value),)

    def lower_anonymous_function(self, node: Syntax) -> Node:
        return msgspec.structs.replace(self.function(node, NO_DOCBLOCK), decorators=())

    def lower_arrow_function(self, node: Syntax) -> Node:
        body = self.parts(node)[-1]
        return msgspec.structs.replace(self.function(node, NO_DOCBLOCK), decorators=(), body=self.returned(body), name="")


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
    revision = 6
    lowering: ClassVar[type[Lowering]] = PhpLowering
