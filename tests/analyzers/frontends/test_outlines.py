"""The pages of languages: each block of source with the outline it is lowered to."""

import re
from pathlib import Path

import msgspec
import pytest

from analyzers.facts.render import render_all
from analyzers.facts.store import FileFacts
from analyzers.frontends.frontend import Frontend
from analyzers.frontends.php import PhpFrontend
from analyzers.frontends.prisma import PrismaFrontend
from analyzers.frontends.python import PythonFrontend
from analyzers.frontends.script import JavaScriptFrontend, TsxFrontend, TypeScriptFrontend

FRONTENDS: dict[str, Frontend] = {
    "python": PythonFrontend(),
    "php": PhpFrontend(),
    "html": PhpFrontend(),
    "prisma": PrismaFrontend(),
    "js": JavaScriptFrontend(),
    "ts": TypeScriptFrontend(),
    "tsx": TsxFrontend(),
}
SECTION = re.compile(
    r"^## (?P<title>[^\n]+)\n```(?P<language>\w+)\n(?P<source>.*?)```\n```outline\n(?P<outline>.*?)\n```"
    r"(?:\n```imports\n(?P<imports>.*?)\n```)?",
    re.MULTILINE | re.DOTALL,
)
PAGES = [Path(__file__).with_name(name) for name in ("python.md", "php.md", "prisma.md", "script.md")]
SECTIONS = [
    pytest.param(section, id=f"{page.stem}: {section['title']}")
    for page in PAGES
    for section in SECTION.finditer(page.read_text("utf-8"))
]


def test_every_heading_is_a_section() -> None:
    assert len(SECTIONS) == sum(page.read_text("utf-8").count("\n## ") for page in PAGES) > 40


@pytest.mark.parametrize("section", SECTIONS)
def test_outline(section: re.Match[str]) -> None:
    source = section["source"] if section["language"] != "php" else "<?php\n" + section["source"]
    facts = FRONTENDS[section["language"]].read(source.encode())
    problems = [f"! {problem.line} {problem.text}" for problem in facts.problems]
    assert "\n".join(filter(None, [render_all(facts.outline), *problems])) == section["outline"]
    if section["imports"] is not None:
        assert [f"{found.name} {found.path}" for found in facts.imports] == section["imports"].splitlines()
    assert msgspec.msgpack.decode(msgspec.msgpack.encode(facts), type=FileFacts) == facts
