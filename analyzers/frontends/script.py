"""JavaScript and TypeScript as an outline: definitions on top of statements and expressions, and which files are read.

Three grammars share one lowering: JavaScript with JSX, TypeScript, and TypeScript with JSX. Most of the JavaScript of a
project runs in browsers, where nothing is shared by requests: a file that is bundled, or that says by its own bytes that it is
no module, or a component of a page without a word of a server, is told of by its lines alone.
"""

from __future__ import annotations

import re
from typing import ClassVar

import tree_sitter_javascript
import tree_sitter_typescript
from tree_sitter import Language
from tree_sitter import Node as Syntax

from analyzers.facts.outline import Assign, Class, Function, Member, Name, Node, Other, Parameter, Return
from analyzers.facts.store import FileFacts
from analyzers.frontends.frontend import MAX_DEPTH
from analyzers.frontends.lines import line_starts
from analyzers.frontends.script_literals import named
from analyzers.frontends.script_statements import ScriptStatements
from analyzers.frontends.tree import Lowering, TreeFrontend

MAX_SCRIPT = 400_000
"""Larger scripts are generated, or bundled; the largest that people write have a quarter of this."""
_LONG_LINES = 250  # bytes on average: no person writes so

_MODULE = re.compile(rb"\b(?:import|export|require|exports)\b")
_BUNDLED = re.compile(
    rb"__webpack_require__|webpackBootstrap|parcelRequire|System\.register\(|@generated\b|/\*! ?For license information"
    rb"|typeof define ?===? ?[\"']function[\"'] ?&& ?define\.amd"
)
_PAGE = re.compile(
    rb"</[A-Za-z>]|/>|[\"']use client[\"']|\b(?:document|window|localStorage)\.|\baddEventListener\("
    rb"|(?:from|require\()\s*[\"'](?:react|react-dom|preact|vue|svelte|solid-js|jquery|@angular|@tanstack/react)\b"
)
_SERVER = re.compile(
    rb"[\"']use server[\"']|\bexport\s+(?:async\s+)?(?:function|const)\s+(?:GET|POST|PUT|PATCH|DELETE|loader|action)\b"
    rb"|\bexport\s+default\s+(?:async\s+)?function\s+handler\b|\bNext(?:Api)?(?:Request|Response)\b|\bnew\s+PrismaClient\b"
    rb"|(?:from|require\()\s*[\"'](?:node:|(?:express|fastify|koa|hono|@nestjs/|ioredis|redis|pg|mysql2?|mongodb|mongoose|knex"
    rb"|sequelize|typeorm|@prisma/client|ws|socket\.io|bullmq?|node-cron|multer|http|https|net|fs|cluster|worker_threads)\b)"
)


class ScriptLowering(ScriptStatements):
    """Functions and classes: one method a kind of syntax node."""

    # Functions

    def lower_function_declaration(self, node: Syntax) -> Function:
        return self.function(node)

    lower_generator_function_declaration = lower_generator_function = lower_function_declaration
    lower_function_expression = lower_arrow_function = lower_function_declaration

    def function(self, node: Syntax, decorators: tuple[Node, ...] = (), receiver: str = "") -> Function:
        start, end = node.byte_range
        name, given, single, returns, body = (
            node.child_by_field_name(field) for field in ("name", "parameters", "parameter", "return_type", "body")
        )
        parameters: list[Parameter] = []
        taken: list[Node] = []
        for part in self.parts(given) if given is not None else [single] if single is not None else []:
            parameter, pattern = self.parameter(part, len(parameters))
            parameters.append(parameter)
            taken += pattern
        statements: tuple[Node, ...] = ()
        if body is not None and body.type != "statement_block":
            value = self.below(body)
            statements = (Return(value.start, value.end, value),)
        elif body is not None:
            statements = self.all(body.named_children)
        return Function(
            start,
            end,
            self.of(name) if name is not None else "",
            tuple(parameters),
            (*taken, *statements),
            self.lower(returns) if returns is not None else None,
            decorators,
            receiver,
            any(child.type == "async" for child in node.children[:4]),
        )

    def parameter(self, node: Syntax, number: int) -> tuple[Parameter, list[Node]]:
        """A parameter; where it is taken apart at once, also the assignment that does."""
        pattern, annotation, default = node, None, None
        decorators: tuple[Node, ...] = ()
        if node.type in ("required_parameter", "optional_parameter"):
            kind, value = node.child_by_field_name("type"), node.child_by_field_name("value")
            decorators = self.all(part for part in self.parts(node) if part.type == "decorator")
            annotation = self.lower(kind) if kind is not None else None
            default = self.lower(value) if value is not None else None
            found = node.child_by_field_name("pattern")
            pattern = found if found is not None else self.parts(node)[-1]
        if pattern.type == "assignment_pattern":
            pattern, value = self.pair(pattern)
            default = self.lower(value)
        rest = pattern.type == "rest_pattern"
        if rest:
            (pattern,) = self.parts(pattern)
        star = "*" if rest else ""
        if pattern.type in ("object_pattern", "array_pattern"):
            start, end = pattern.byte_range
            name = f"#{number}"
            taken = Assign(start, end, self.lower(pattern), Name(start, end, name))
            return Parameter(star + name, annotation, default, decorators), [taken]
        return Parameter(star + self.of(pattern), annotation, default, decorators), []

    def lower_method_definition(self, node: Syntax) -> Node:
        """A method of an object is what it holds under that name."""
        key = node.child_by_field_name("name")
        if key is None:
            raise ValueError(node.type)
        self.depth += 1
        function = named(self.function(node, (), "this"), "")
        self.depth -= 1
        return Other(node.start_byte, node.end_byte, "pair", (self.key(key), function))

    # Classes

    def lower_class_declaration(self, node: Syntax) -> Node:
        name, body = node.child_by_field_name("name"), node.child_by_field_name("body")
        bases: list[Node] = []
        marks: list[Syntax] = []
        for part in self.parts(node):
            if part.type == "decorator":
                marks.append(part)
            elif part.type == "class_heritage":
                bases += self.heritage(part)
        decorators = self.all(marks)
        if node.type == "abstract_class_declaration":
            decorators = (*decorators, Name(node.start_byte, node.start_byte + len("abstract"), "abstract"))
        members = self.members(body.named_children) if body is not None else ()
        return Class(
            node.start_byte, node.end_byte, self.of(name) if name is not None else "", tuple(bases), (), members, decorators
        )

    lower_class = lower_abstract_class_declaration = lower_class_declaration

    def heritage(self, node: Syntax) -> tuple[Node, ...]:
        """Parents and interfaces, without what they are made of."""
        parts = self.parts(node)
        clauses = [part for part in parts if part.type in ("extends_clause", "implements_clause")]
        named_there = [part for clause in clauses for part in self.parts(clause)] if clauses else parts
        return self.all(part for part in named_there if part.type != "type_arguments")

    def members(self, nodes: list[Syntax]) -> tuple[Node, ...]:
        """What a class declares, each with the decorators before it."""
        depth = self.depth
        if depth >= MAX_DEPTH:
            return tuple(self.too_deep(node) for node in nodes[:1])
        self.depth += 1
        result: list[Node] = []
        marks: list[Syntax] = []
        for node in nodes:
            if node.kind_id in self.noise:
                continue
            if node.type == "decorator":
                marks.append(node)
                continue
            try:
                result += self.member_of(node, (*marks, *(part for part in self.parts(node) if part.type == "decorator")))
            except (IndexError, ValueError):
                self.depth = depth + 1
                result.append(self.surprise(node))
            marks = []
        self.depth = depth
        return tuple(result)

    def member_of(self, node: Syntax, marks: tuple[Syntax, ...]) -> list[Node]:
        if node.type not in ("method_definition", "public_field_definition", "field_definition"):
            return list(self.all((node,)))
        decorators = self.all(marks)
        words = [child for child in node.children if child.type in ("static", "get", "set")]
        decorators = (*decorators, *(Name(word.start_byte, word.end_byte, word.type) for word in words))
        is_static = any(word.type == "static" for word in words)
        receiver = "" if is_static else "this"
        key = node.child_by_field_name("name") or node.child_by_field_name("property")
        if key is None:
            raise ValueError(node.type)
        name = self.string_value(key) if key.type == "string" else self.of(key)
        if node.type == "method_definition":
            function = named(self.function(node, decorators, receiver), name or "")
            return self.promoted(node, function) if name == "constructor" and isinstance(function, Function) else [function]
        kind, value = node.child_by_field_name("type"), node.child_by_field_name("value")
        start, end = node.byte_range
        if value is not None and value.type in ("arrow_function", "function_expression"):
            return [named(self.function(value, decorators, receiver), name or "")]
        return [
            Assign(
                start,
                end,
                Name(key.start_byte, key.end_byte, name or ""),
                self.lower(value) if value is not None else None,
                self.lower(kind) if kind is not None else None,
                "",
                decorators,
            )
        ]

    def promoted(self, node: Syntax, function: Function) -> list[Node]:
        """A constructor after the properties that its parameters declare (`private prisma: Prisma`)."""
        given = node.child_by_field_name("parameters")
        declared: list[Node] = []
        assigned: list[Node] = []
        for part, parameter in zip(self.parts(given) if given is not None else (), function.parameters, strict=False):
            if not any(child.type in ("accessibility_modifier", "readonly", "override_modifier") for child in part.children):
                continue
            start, end = part.byte_range
            name = parameter.name
            declared.append(Assign(start, end, Name(start, end, name), None, parameter.annotation, "", parameter.decorators))
            assigned.append(Assign(start, end, Member(start, end, Name(start, end, "this"), name), Name(start, end, name)))
        body = (*assigned, *function.body)
        f = function
        whole = Function(f.start, f.end, f.name, f.parameters, body, f.returns, f.decorators, f.receiver, f.is_async)
        return [*declared, whole]

    def lower_decorator(self, node: Syntax) -> Node:
        return self.sole(node)

    def lower_enum_declaration(self, node: Syntax) -> Node:
        """A class of constants that says what it is."""
        name, body = node.child_by_field_name("name"), node.child_by_field_name("body")
        start = node.start_byte
        constants: list[Node] = []
        for part in self.parts(body) if body is not None else ():
            key, *value = self.parts(part) if part.type == "enum_assignment" else [part]
            word = (self.string_value(key) if key.type == "string" else self.of(key)) or ""
            default = self.below(value[0]) if value else None
            constants.append(Assign(part.start_byte, part.end_byte, Name(key.start_byte, key.end_byte, word), default))
        mark = (Name(start, start, "enum"),)
        return Class(start, node.end_byte, self.of(name) if name is not None else "", (), (), tuple(constants), mark)


class JavaScriptLowering(ScriptLowering):
    grammar: ClassVar[Language] = Language(tree_sitter_javascript.language())


class TypeScriptLowering(ScriptLowering):
    grammar: ClassVar[Language] = Language(tree_sitter_typescript.language_typescript())


class _ScriptFrontend(TreeFrontend):
    supplied = frozenset("!")  # after the types of a tagged template: sql<Row>`…`

    def read(self, source: bytes) -> FileFacts:
        if not may_serve(source):
            return FileFacts(self.language, line_starts(source).tobytes(), words="\n")
        return super().read(source)


class JavaScriptFrontend(_ScriptFrontend):
    """Reads `.js`, `.jsx`, `.mjs` and `.cjs` files."""

    language = "javascript"
    revision = 1
    lowering: ClassVar[type[Lowering]] = JavaScriptLowering


class TypeScriptFrontend(_ScriptFrontend):
    """Reads `.ts`, `.mts` and `.cts` files."""

    language = "typescript"
    revision = 1
    lowering: ClassVar[type[Lowering]] = TypeScriptLowering


class TsxFrontend(_ScriptFrontend):
    """Reads `.tsx` files."""

    language = "tsx"
    revision = 1
    lowering: ClassVar[type[Lowering]] = ScriptLowering


def may_serve(source: bytes) -> bool:
    """Whether a script may run in a server: it is a module that people wrote, and not only a part of a page."""
    long_lines = len(source) > 5_000 and len(source) > _LONG_LINES * source.count(b"\n")
    if len(source) > MAX_SCRIPT or long_lines or _MODULE.search(source) is None or _BUNDLED.search(source) is not None:
        return False
    return _PAGE.search(source) is None or _SERVER.search(source) is not None
