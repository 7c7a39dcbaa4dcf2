"""Reads a Markdown page as executable cases.

A heading names a case. A backticked file name at the end of the paragraph before a fenced block names the file; a block whose
info string ends in `base` is that file in the older revision, and one that ends in `new` is a file that it has not; a case
without such blocks is judged as a whole.

A comment `finds: <rule>` at a line asserts a new finding there (it is taken out before the file is read), and `lists: <rule>`
one that is listed without a comment; no comment asserts silence.
A `suggestion` block states what the suggestion of the case's first finding puts in place of its line.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from markdown_it import MarkdownIt

_FILE = re.compile(r"`([^`\s]+)`:?\s*$")
_FINDS = re.compile(r"[ \t]*(?:#|//|--|\{#|<!--)[ \t]*(finds|lists): ([a-z_, ]*[a-z_])[ \t]*(?:#\}|-->)?[ \t]*$", re.MULTILINE)


@dataclass
class Case:
    """A small project in two revisions. `expected` holds `(path, line, rule)`, the rule in brackets where it is only listed."""

    page: str
    heading: str
    head: dict[str, bytes] = field(default_factory=dict)
    base: dict[str, bytes] = field(default_factory=dict)
    compared: bool = False
    born: set[str] = field(default_factory=set)
    suggestion: str | None = None
    expected: set[tuple[str, int, str]] = field(default_factory=set)
    about: str = ""  # the rule that the page is about

    def add(self, path: str, text: str, *, base: bool, born: bool = False) -> None:
        """Takes a block as a file of one revision, and its `finds` comments as what is expected there. One that is `born` is
        not there in the older revision."""
        if born:
            self.compared = True
            self.born.add(path)
        if base:
            self.base[path] = text.encode()
            self.compared = True
            return
        for number, line in enumerate(text.splitlines(), 1):
            hit = _FINDS.search(line)
            rules = [rule.strip() for rule in hit[2].split(",")] if hit else []
            listed = hit is not None and hit[1] == "lists"
            self.expected.update((path, number, f"({rule})" if listed else rule) for rule in rules)
        self.head[path] = _FINDS.sub("", text).encode()


def cases(page: Path) -> Iterator[Case]:
    """The cases of a page, in order; headings without files are prose."""
    about = page.stem if page.parent.name == "rules" else page.parent.name
    case = Case(page.stem, page.stem, about=about)
    name = ""
    for token in MarkdownIt().parse(page.read_text(encoding="utf-8")):
        if token.type == "heading_open":
            if case.head:
                yield case
            case, name = Case(page.stem, "", about=about), ""
        elif token.type == "inline" and not case.heading and not case.head:
            case.heading = token.content
        elif token.type == "inline":
            hit = _FILE.search(token.content)
            name = hit[1] if hit else ""
        elif token.type == "fence" and token.info.strip() == "suggestion":
            case.suggestion = token.content.rstrip("\n")
        elif token.type == "fence" and name:
            last = token.info.split()[-1:]
            case.add(name, token.content, base=last == ["base"], born=last == ["new"])
    if case.head:
        yield case
