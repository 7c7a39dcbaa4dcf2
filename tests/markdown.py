"""Reads a Markdown page as executable cases.

A heading names a case. A backticked file name at the end of the paragraph before a fenced block names the file; a block whose
info string ends in `base` is that file in the older revision (files without one are the same in both, unless the case has
any base block: then they are new). A comment `finds: <rule>` at a line asserts a new finding there; no comment asserts silence.
A `suggestion` block states what the suggestion of the case's first finding puts in place of its line.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from markdown_it import MarkdownIt

_FILE = re.compile(r"`([^`\s]+)`:?\s*$")
_FINDS = re.compile(r"finds: ([a-z_, ]+)")


@dataclass
class Case:
    """A small project in two revisions. `expected` holds `(path, line, rule)`."""

    page: str
    heading: str
    head: dict[str, bytes] = field(default_factory=dict)
    base: dict[str, bytes] = field(default_factory=dict)
    compared: bool = False
    suggestion: str | None = None

    @property
    def expected(self) -> set[tuple[str, int, str]]:
        found = set()
        for path, text in self.head.items():
            for number, line in enumerate(text.decode().splitlines(), 1):
                hit = _FINDS.search(line)
                for rule in hit[1].split(",") if hit else ():
                    found.add((path, number, rule.strip()))
        return found


def cases(page: Path) -> Iterator[Case]:
    """The cases of a page, in order; headings without files are prose."""
    case = Case(page.stem, page.stem)
    name = ""
    for token in MarkdownIt().parse(page.read_text(encoding="utf-8")):
        if token.type == "heading_open":
            if case.head:
                yield case
            case, name = Case(page.stem, ""), ""
        elif token.type == "inline" and not case.heading and not case.head:
            case.heading = token.content
        elif token.type == "inline":
            hit = _FILE.search(token.content)
            name = hit[1] if hit else ""
        elif token.type == "fence" and token.info.strip() == "suggestion":
            case.suggestion = token.content.rstrip("\n")
        elif token.type == "fence" and name:
            if token.info.split()[-1:] == ["base"]:
                case.base[name] = token.content.encode()
                case.compared = True
            else:
                case.head[name] = token.content.encode()
    if case.head:
        yield case
