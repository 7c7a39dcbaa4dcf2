"""Shell scripts as the commands they hold, each under what it stands in.

The key of a setting is `command` after the way to it, joined by tabs: `server()` for the body of a function, `$1=web|server`
for a branch of a `case`. Assignments are settings too: `server()\\tset.WORKERS`. What is in `if` and loops counts as if it
always ran.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator

import tree_sitter_bash
from tree_sitter import Language
from tree_sitter import Node as Syntax

from analyzers.facts.store import FileFacts, FileProblem, Setting
from analyzers.frontends.frontend import Frontend
from analyzers.frontends.lines import find_ignores, first_problems, line_starts
from analyzers.frontends.tree import TooSlowError, parse, syntax_problems

GRAMMAR = Language(tree_sitter_bash.language())
MAX_BYTES = 100_000
"""Larger scripts are installers that carry their data with them."""

MAX_COMMANDS = 1_000
_MAX_NESTING = 60
_VALUE_CHARACTERS = 1_000


class ShellFrontend(Frontend):
    """Reads scripts that start programs."""

    language = "shell"
    version = "1"

    def read(self, source: bytes) -> FileFacts:
        lines = line_starts(source)
        problems: list[FileProblem] = []
        settings: list[Setting] = []
        if len(source) > MAX_BYTES:
            problems.append(FileProblem(0, f"The script is larger than {MAX_BYTES:,} bytes and was not read."))
        else:
            try:
                root = parse(GRAMMAR, source).root_node
                settings = [
                    setting for setting, _ in zip(_Script(source).settings(root, (), 0), range(MAX_COMMANDS), strict=False)
                ]
                found = syntax_problems(root) if root.has_error else ()
                problems.extend(FileProblem(bisect_right(lines, offset), text) for offset, text in found)
            except TooSlowError:
                problems.append(FileProblem(0, "The script could not be parsed in time."))
        ignores = find_ignores(source, lines)
        return FileFacts(
            self.language, lines.tobytes(), settings=tuple(settings), ignores=ignores, problems=first_problems(problems)
        )


class _Script:
    """The commands of a script. Texts are cut from the source: a tree that was read in pieces does not keep it."""

    def __init__(self, source: bytes) -> None:
        self._source = source

    def settings(self, node: Syntax, way: tuple[str, ...], depth: int) -> Iterator[Setting]:
        if depth > _MAX_NESTING:
            return
        match node.type:
            case "command":
                yield Setting("\t".join((*way, "command")), self._text(node), node.start_byte, node.end_byte)
            case "variable_assignment":
                name, value = node.child_by_field_name("name"), node.child_by_field_name("value")
                if name is not None and value is not None:
                    yield Setting(
                        "\t".join((*way, f"set.{self._text(name)}")), self._text(value), node.start_byte, node.end_byte
                    )
            case "function_definition":
                name, body = node.child_by_field_name("name"), node.child_by_field_name("body")
                if name is not None and body is not None:
                    yield from self.settings(body, (*way, f"{self._text(name)}()"), depth + 1)
            case "case_statement":
                value = node.child_by_field_name("value")
                asked = self._text(value).strip("\"'{}") if value is not None else ""
                for item in node.named_children:
                    if item.type == "case_item":
                        patterns = "|".join(self._text(p) for p in item.children_by_field_name("value"))
                        for child in item.named_children:
                            yield from self.settings(child, (*way, f"{asked}={patterns}"), depth + 1)
            case _:
                for child in node.named_children:
                    yield from self.settings(child, way, depth + 1)

    def _text(self, node: Syntax) -> str:
        text = self._source[node.start_byte : node.end_byte].decode("utf-8", "replace").replace("\\\n", " ")
        return " ".join(text.split())[:_VALUE_CHARACTERS]
