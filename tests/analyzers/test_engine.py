"""What is remembered is forgotten when any module that made it changes, however deep it lies."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from analyzers.engine import engine


@pytest.mark.parametrize("changed", ["linked/rules.yml", "linked/model.py", "linked/rows/queries.py"])
def test_every_module_and_all_knowledge_counts(changed: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "linked", raising=False)
    for name in (
        "linked/__init__.py",
        "linked/model.py",
        "linked/rules.yml",
        "linked/rows/__init__.py",
        "linked/rows/queries.py",
    ):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("A = 1\n")
    before = engine.__wrapped__("linked")
    assert before == engine.__wrapped__("linked")
    (tmp_path / changed).write_text("A = 2\n")
    assert engine.__wrapped__("linked") != before
