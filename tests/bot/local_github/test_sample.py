"""The sample repository: the same everywhere, and whole."""

from __future__ import annotations

import ast
from pathlib import Path

from bot.local_github import LocalGitHub, sample
from bot.local_github.diff import diff
from bot.local_github.git import Git


def test_the_same_commits_everywhere(tmp_path: Path) -> None:
    first, second = (sample.create(tmp_path / name) for name in ("one", "two"))
    assert first[1:] == second[1:]
    assert Git(first.path).merge_base(first.base, first.head) == first.base
    assert Git(first.path).count(f"{first.base}..{first.head}") == 2


def test_every_file_arrived(tmp_path: Path) -> None:
    made = sample.create(tmp_path / "shop")
    git = Git(made.path)
    expected = set(sample.base().files).union(*(change.files for change in sample.story().changes))
    assert set(git.text("ls-tree", "-r", "--name-only", made.head).split()) == expected
    for path in expected:
        text = git.run("cat-file", "blob", f"{made.head}:{path}").decode()
        assert "\r" not in text
        if path.endswith(".py"):
            ast.parse(text)
        if path.endswith(".php"):
            assert text.startswith("<?php\n")
            assert text.count("{") == text.count("}")


def test_the_pull_request_only_adds_what_it_says(tmp_path: Path) -> None:
    made = sample.create(tmp_path / "shop")
    changed = diff(Git(made.path), made.base, made.head)
    assert changed.deletions <= 5
    assert {file.status for file in changed.files} == {"added", "modified"}
    for path in ("shop/exports.py", "templates/shop/order_overview.html", "invoicing/src/Controller/StatementController.php"):
        assert changed.file(path)


def test_it_is_published_with_the_app_installed(tmp_path: Path) -> None:
    with LocalGitHub(tmp_path / "github") as github:
        pull = sample.publish(github)
        assert (pull.title, pull.state, pull.fork) == ("Add order overview and export", "open", False)
        assert github.installation(pull.repository).account.login == "lantern"
        assert pull.merge_commit
