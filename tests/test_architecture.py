"""The contracts of the architecture: layers, pages of rules, knowledge, sizes, and what no file may hold."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import pytest
from importlinter.api import read_configuration
from importlinter.cli import lint_imports
from markdown_it import MarkdownIt

import analyzers
from analyzers.knowledge import libraries, naming
from tests.markdown import cases
from tests.reference import ROOT

RULES = ROOT / "analyzers" / "rules"
KNOWLEDGE = ROOT / "analyzers" / "knowledge"
LONGEST = 450
"""Lines of a module."""

EXCEPTIONS = {
    # The walk that every grammar shares, with its bounds and tables: one hot loop, read together.
    "analyzers/frontends/tree.py": 480,
}
"""Modules that may be longer, with the reason, and how long."""

CATEGORIES = {
    "n_plus_one",
    "missing_index",
    "connections",
    "sync_work",
    "local_state",
    "race",
    "unbounded",
    "migration_safety",
    "instrumentation",
    "load_test",
}
SECTIONS = (
    "What it finds",
    "Why it breaks at 100 users",
    "Example",
    "Instead",
    "When it is fine",
    "Fix safety",
    "Proof",
)


def tracked() -> list[Path]:
    """The text files under version control, or of the checkout where there is none."""
    command = ["git", "ls-files", "-z"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, check=False)
    names = done.stdout.decode().split("\0")[:-1] if done.returncode == 0 else []
    if not names:
        pytest.skip("not a git checkout: the tracked files are not known")
    files = [ROOT / name for name in names]
    return [file for file in files if file.is_file() and file.suffix not in {".png", ".xz"}]


# Layers


def test_the_import_contracts_are_kept(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.chdir(ROOT)
    assert lint_imports() == 0, capsys.readouterr().out
    assert len(read_configuration()["contracts_options"]) >= 8


def test_importing_the_analysis_loads_nothing_of_the_world() -> None:
    script = "import sys, analyzers; print(*sorted({'bot', 'rq', 'redis', 'githubkit', 'fastapi', 'httpx'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.split() == []


# Rules and knowledge


def test_every_module_of_the_rules_has_a_page_and_every_page_a_module() -> None:
    modules = {file.stem for file in RULES.glob("*.py")} - {"__init__"}
    assert modules == {file.stem for file in RULES.glob("*.md")} == set(analyzers.RULES)


@pytest.mark.parametrize("rule", analyzers.RULES.values(), ids=lambda rule: rule.id)
def test_a_rule_is_documented(rule: analyzers.Rule) -> None:
    tokens = MarkdownIt().parse(rule.page)
    headings = [(opening.tag, inline.content) for opening, inline in pairwise(tokens) if opening.type == "heading_open"]
    assert headings[0] == ("h1", rule.title)
    assert tuple(text for tag, text in headings if tag == "h2") == SECTIONS
    assert rule.category in CATEGORIES
    module = __import__(f"analyzers.rules.{rule.id}", fromlist=["check"])
    assert (module.__doc__ or "").strip()


@pytest.mark.parametrize("rule", analyzers.RULES)
def test_a_rule_has_an_example_that_is_found_and_one_that_is_not(rule: str) -> None:
    by_heading = {case.heading: case for case in cases(RULES / f"{rule}.md")}
    assert rule in {found for _, _, found in by_heading["Example"].expected}
    for heading in ("Instead", "When it is fine"):
        assert by_heading[heading].head
        assert not by_heading[heading].expected


def test_the_knowledge_is_valid() -> None:
    known = libraries()  # raises for an unknown key or a wrong type
    assert len(known) == len(list(KNOWLEDGE.glob("*.yml")))
    assert len({library.library for library in known}) == len(known)
    for file, library in zip(sorted(KNOWLEDGE.glob("*.yml")), known, strict=True):
        assert file.stem == library.library
        assert not (library.models and library.models.table) or library.models.table in vars(naming)["TABLES"]


def test_every_library_has_cases() -> None:
    pages = {file.stem for file in (ROOT / "tests" / "cases").rglob("*.md")}
    assert {library.library for library in libraries()} <= pages


# Files


def test_modules_are_short() -> None:
    lengths = {
        file.relative_to(ROOT).as_posix(): len(file.read_text(encoding="utf-8").splitlines())
        for package in ("analyzers", "bot")
        for file in sorted((ROOT / package).rglob("*.py"))
    }
    assert EXCEPTIONS.keys() <= lengths.keys()
    long = {path: length for path, length in lengths.items() if length > EXCEPTIONS.get(path, LONGEST)}
    assert not long, f"longer than {LONGEST} lines: {long}"


def test_no_file_names_a_machine_or_a_registry() -> None:
    registries = r"pypi[.]org|pythonhosted[.]org|registry[.]npmjs|proxy[.]golang[.]org"
    folders = "|".join(("work", "farm", "root", "home/[a-z]+", "Users/[A-Za-z]+"))
    pattern = re.compile(rf"{registries}|(?<![\w.*:$)}}\]-])/(?:{folders})/")
    found = [
        f"{file.relative_to(ROOT)}:{number}: {line.strip()[:100]}"
        for file in tracked()
        for number, line in enumerate(file.read_text(encoding="utf-8", errors="replace").splitlines(), 1)
        if pattern.search(line)
    ]
    assert not found, "\n".join(found)


MODEL = ROOT / "analyzers" / "model"


@pytest.mark.parametrize("plan", sorted(MODEL.rglob("__init__.py")), ids=lambda plan: str(plan.parent.relative_to(MODEL)))
def test_the_plan_of_a_package_names_what_is_in_it(plan: Path) -> None:
    named = set(re.findall(r"`(\w+)`", ast.get_docstring(ast.parse(plan.read_text(encoding="utf-8"))) or ""))
    modules = {file.stem for file in plan.parent.glob("*.py")} - {"__init__"}
    packages = {file.parent.name for file in plan.parent.glob("*/__init__.py")}
    assert named == modules | packages


_IMPORT_ALL = """
import contextvars, importlib, pkgutil

class Unread:
    def __init__(self, *_, **__):
        pass

    def get(self):
        raise AssertionError("what is known of libraries is asked for while a module is imported")

contextvars.ContextVar = Unread
import analyzers
for module in pkgutil.walk_packages(analyzers.__path__, "analyzers."):
    if not module.name.endswith("__main__"):
        importlib.import_module(module.name)
"""


def test_no_constant_follows_from_libraries() -> None:
    """It would keep what one repository says of its own, and tell it of others: see `analyzers.knowledge.derived`."""
    done = subprocess.run([sys.executable, "-c", _IMPORT_ALL], cwd=ROOT, capture_output=True, text=True, check=False)
    assert not done.returncode, done.stderr[-2000:]


def test_no_cache_mixes_what_is_known_of_libraries() -> None:
    mixed = []
    for path in sorted((ROOT / "analyzers").rglob("*.py")):
        functions = [node for node in ast.parse(path.read_text()).body if isinstance(node, ast.FunctionDef)]
        for function in functions:
            marks = " ".join(map(ast.unparse, function.decorator_list))
            if re.search(r"\bcache\b|lru_cache", marks) and re.search(r"\b(?:libraries|known)\(\)", ast.unparse(function)):
                mixed.append(f"{path.relative_to(ROOT)}:{function.lineno}")
    assert not mixed, "`per_libraries` is for these"
