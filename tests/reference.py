"""The generated tables of the README. `python -m tests.reference` writes them; `tests/test_docs.py` tells when they are old."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from pydantic_core import PydanticUndefined

import analyzers
from analyzers.knowledge import libraries
from analyzers.settings import json_schema
from bot.settings import Settings

ROOT = Path(__file__).parent.parent
README = ROOT / "README.md"
SCHEMA = ROOT / "docs" / "cliffguard.schema.json"

_LANGUAGES = {"javascript": "JavaScript", "php": "PHP", "python": "Python"}


def rules_table() -> str:
    """Every rule: a link to its page, its title with the first paragraph of the page, and its category."""
    rows = [
        (f"[`{name}`](analyzers/rules/{name}.md)", f"**{rule.title}.** {_first_paragraph(rule.page)}", f"`{rule.category}`")
        for name, rule in analyzers.RULES.items()
    ]
    return _table(("Rule", "Finds", "Category"), rows)


def libraries_table() -> str:
    """Every library that is known."""
    languages = ((library.title, _LANGUAGES.get(library.language, library.language)) for library in libraries())
    rows = (row for row in languages if row[0] != row[1])  # what is known of a language itself goes without saying
    return _table(("Library", "Language"), rows)


def settings_table() -> str:
    """Every setting of the service: its variable, its default and its meaning."""
    rows = [
        (f"`CLIFFGUARD_{name.upper()}`", _default(field.get_default()), field.description or "")
        for name, field in Settings.model_fields.items()
    ]
    return _table(("Variable", "Default", "Meaning"), rows)


GENERATED: Mapping[str, Callable[[], str]] = {
    "rules": rules_table,
    "libraries": libraries_table,
    "settings": settings_table,
}


def fresh(text: str) -> str:
    """The page with its generated blocks as they should be."""
    for name, table in GENERATED.items():
        start = f"<!-- generated: {name} -->\n"
        assert text.count(start) == 1, f"the README has no block {name}"
        text = re.sub(f"{re.escape(start)}.*?<!-- end -->", lambda _: f"{start}{table()}<!-- end -->", text, flags=re.DOTALL)  # noqa: B023
    return text


def _first_paragraph(page: str) -> str:
    return " ".join(page.split("\n\n")[1].split())


def _default(value: object) -> str:
    if value is None or value is PydanticUndefined or value == ():
        return ""
    return f"`{value}`"


def _table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    head = tuple(head)
    lines = [head, ("---",) * len(head), *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


if __name__ == "__main__":
    SCHEMA.write_bytes(json_schema(analyzers.RULES))
    README.write_text(fresh(README.read_text(encoding="utf-8")), encoding="utf-8")
