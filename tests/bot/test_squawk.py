"""The program itself, where it is installed, and programs that do not do as it does."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

import analyzers
from analyzers import LinterError
from bot import squawk
from bot.squawk import Squawk
from tests import test_cases
from tests.markdown import cases

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "analyzers/rules/migration_safety.md", *sorted((ROOT / "tests/cases/migration_safety").glob("*.md"))]


def program(folder: Path, text: str) -> Path:
    path = folder / "squawk"
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return path


def test_it_says_where_and_by_which_rule() -> None:
    sql = 'ALTER TABLE "bücher" ADD COLUMN a int;\nCREATE INDEX i ON "bücher" (a);\n'.encode()
    (found,) = [r for r in Squawk().remarks(sql) if r.rule == "require-concurrent-index-creation"]
    assert sql[found.start : found.end] == 'CREATE INDEX i ON "bücher" (a);'.encode()
    assert Squawk().remarks(b"") == []
    assert Squawk().version.startswith("squawk")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_the_cases_hold_with_it(page: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    compare = analyzers.compare
    monkeypatch.setattr(test_cases.analyzers, "compare", lambda *revisions: compare(*revisions, linter=Squawk()))
    for case in cases(page):
        test_cases.test_case(case)


def test_a_program_that_is_not_there(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    with pytest.raises(LinterError, match=r"cannot be run \(FileNotFoundError\)"):
        Squawk(tmp_path / "none").remarks(b"SELECT 1")
    monkeypatch.setattr(squawk, "installed_program", lambda: None)
    with pytest.raises(LinterError, match="not installed"):
        Squawk().remarks(b"SELECT 1")


def test_a_program_that_hangs(tmp_path: Path) -> None:
    with pytest.raises(LinterError, match=r"more than 0\.2 seconds"):
        Squawk(program(tmp_path, "exec sleep 30"), timeout=0.2).remarks(b"SELECT 1")


@pytest.mark.parametrize("said", ["exec cat", "echo '[{}]'", "kill -9 $$", "echo '{'"])
def test_a_program_that_says_nothing_of_use(tmp_path: Path, said: str) -> None:
    with pytest.raises(LinterError, match="said nothing of use"):
        Squawk(program(tmp_path, said)).remarks(b"SELECT 1")


def test_places_beyond_the_text_are_its_end(tmp_path: Path) -> None:
    said = '[{"rule_name": "x", "line": 7, "column": 3, "line_end": 9, "column_end": 1}]'
    (remark,) = Squawk(program(tmp_path, f"echo '{said}'")).remarks(b"SELECT 1")
    assert (remark.start, remark.end) == (8, 8)


def test_a_text_that_is_too_large(tmp_path: Path) -> None:
    with pytest.raises(LinterError, match="larger than 1,000,000 bytes"):
        Squawk(program(tmp_path, "echo '[]'")).remarks(b" " * 1_000_001)
