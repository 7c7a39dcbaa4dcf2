"""Blade templates as outlines: the structure is Blade's own, the expressions are PHP's and read by the frontend of PHP.

`@include`, `@extends` and `@component` are calls of `include` and `extends` with what they give as keywords; a component tag
is a `Call` of the tag's name (`x-alert`, `livewire:orders`) with its attributes as keywords, in the words the component has
for them; `@props` is `Other("props")` of the `Assign`s of its defaults; a condition of Blade's own (`@auth`) and a directive
nobody here knows is an `Other` under its name with the `@`. Slots are printed where they stand.
"""

from __future__ import annotations

from array import array
from typing import ClassVar

from tree_sitter import Node as Syntax

from analyzers.facts.outline import Node
from analyzers.facts.store import FileFacts, FileProblem
from analyzers.frontends.blade_lowering import KNOWN, MAX_EXPRESSION, BladeLowering
from analyzers.frontends.blade_tokens import BladeSource
from analyzers.frontends.frontend import MAX_BYTES, MAX_DEPTH
from analyzers.frontends.lines import find_ignores, first_problems, line_at
from analyzers.frontends.php import PhpLowering
from analyzers.frontends.tree import TreeFrontend, parse, syntax_problems


class _CodeLowering(PhpLowering):
    """PHP in a template: a literal is a statement too, because it may be an argument."""

    def __init__(self, source: bytes) -> None:
        super().__init__(source)
        self.depth = MAX_DEPTH - MAX_EXPRESSION

    def lower_expression_statement(self, node: Syntax) -> Node | None:
        lowered = self.all(self.parts(node))
        return lowered[0] if lowered else None


class BladeFrontend(TreeFrontend):
    """Reads `.blade.php` files."""

    language = "blade"
    revision = 1
    lowering: ClassVar[type[PhpLowering]] = _CodeLowering

    def _read(self, source: bytes, lines: array[int]) -> FileFacts:
        if len(source) > MAX_BYTES:
            problem = FileProblem(0, f"The file is larger than {MAX_BYTES:,} bytes and was not read.")
            return FileFacts(self.language, lines.tobytes(), problems=(problem,))
        template = BladeSource(source, KNOWN)
        pieces = list(template.pieces())
        php = bytes(template.php)  # a byte longer than the template, for a `;`, where a directive ends it
        root = parse(self.lowering.grammar, php).root_node
        if root.has_error and len(php) > len(source):
            php = php[: len(source)]
            root = parse(self.lowering.grammar, php).root_node
        code = self.lowering(php)
        lowering = BladeLowering(template.text, code.module(root), template.ended)
        outline = lowering.run(pieces)
        mistakes = [found for found in syntax_problems(root) if found[0] < len(source)] if root.has_error else []
        problems = [*template.problems, *mistakes, *code.problems, *lowering.problems]
        return FileFacts(
            language=self.language,
            lines=lines.tobytes(),
            outline=outline,
            imports=(*code.imports, *lowering.imports),
            sql=tuple(code.sql),
            ignores=find_ignores(source, lines),
            problems=first_problems([FileProblem(line_at(lines, offset), text) for offset, text in problems]),
        )
