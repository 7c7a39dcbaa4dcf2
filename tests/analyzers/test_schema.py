"""The page `schema.md`: migrations, and the tables they fold to."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from markdown_it import MarkdownIt

from analyzers.frontends import read_facts
from analyzers.model.link import link
from analyzers.model.project import Index, Table

PAGE = Path(__file__).with_name("schema.md")


def sections() -> Iterator[tuple[str, dict[str, str], str]]:
    """Heading, files, and what the last block says of their tables."""
    heading, path, files, expected = "", "", {}, ""
    for token in MarkdownIt().parse(PAGE.read_text(encoding="utf-8")):
        if token.type == "heading_open":
            if files:
                yield heading, files, expected
            heading, files, expected = "", {}, ""
        elif token.type == "inline":
            heading = heading or token.content
            path = token.content.strip("`:")
        elif token.type == "fence" and token.info == "tables":
            expected = token.content
        elif token.type == "fence":
            files[path] = token.content
    yield heading, files, expected


SECTIONS = [pytest.param(files, expected, id=heading) for heading, files, expected in sections()]


def index(of: Index) -> str:
    parts = ", ".join(
        " ".join(
            filter(None, [p.column or f"({p.expression})", p.opclass, "desc" * p.descending, f"[{p.prefix}]" * bool(p.prefix)])
        )
        for p in of.parts
    )
    kind = "primary key" if of.primary else "exclusion" if of.exclusion else "unique" if of.unique else "index"
    words = [kind, of.name, of.method, f"({parts})" if of.readable else "unreadable"]
    words += [f"include ({', '.join(of.include)})"] * bool(of.include) + [f"where {of.where}"] * bool(of.where)
    return " ".join(filter(None, words))


def table(of: Table) -> Iterator[str]:
    yield of.name
    for column in of.columns.values():
        yield f"  {column.name}: {column.role}" + " null" * bool(column.nullable)
    yield from sorted(f"  {index(i)}" for i in of.indexes)
    yield from sorted(f"  {', '.join(k.columns)} -> {k.target}" + " not valid" * (not k.valid) for k in of.foreign_keys)
    yield from sorted(f"  check {c.condition}" + " not valid" * (not c.valid) for c in of.checks)
    if of.unread:
        yield f"  not known: {of.unread}"


def tables_of(files: dict[str, str]) -> str:
    project = link({path: read_facts(path, text.encode()) for path, text in files.items()})
    lines = [line for name in sorted(project.tables) for line in table(project.tables[name])]
    lines += [f"! {p.path}:{p.line} {p.text}" for p in project.problems]
    return "".join(f"{line}\n" for line in lines)


@pytest.mark.parametrize(("files", "expected"), SECTIONS)
def test_schema(files: dict[str, str], expected: str) -> None:
    assert tables_of(files) == expected


def test_every_heading_is_a_section() -> None:
    assert len(SECTIONS) == PAGE.read_text("utf-8").count("\n## ") >= 4
