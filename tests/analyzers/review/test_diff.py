"""Diffs as git really writes them, and hostile ones."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analyzers.review.diff import FileDiff, Hunk, parse_diff

SIMPLE = """\
diff --git a/a.py b/a.py
index 1111111..2222222 100644
--- a/a.py
+++ b/a.py
@@ -1,4 +1,5 @@ def f():
 one
-two
+2
+2b
 three
 four
@@ -20,2 +21 @@
 x
-y
\\ No newline at end of file
"""


def git_diff(folder: Path, before: dict[str, bytes], after: dict[str, bytes]) -> str:
    """What git says of two states of a folder."""
    env = {**os.environ, "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"}

    def git(*arguments: str) -> str:
        command = ["git", "-c", "user.name=t", "-c", "user.email=t@t", "-C", str(folder), *arguments]
        return subprocess.run(command, env=env, check=True, capture_output=True).stdout.decode(errors="replace")

    git("init", "-q")
    for state in (before, after):
        git("rm", "-rq", "--cached", "--ignore-unmatch", ".")
        for path in folder.rglob("*"):
            if path.is_file() and ".git" not in path.parts:
                path.unlink()
        for name, content in state.items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_bytes(content)
        git("add", "-A")
        git("commit", "-qm", "state", "--allow-empty")
    return git("diff", "-M", "HEAD~1", "HEAD")


def test_hunks_of_the_right_side() -> None:
    diff = parse_diff(SIMPLE)
    assert diff.files == {"a.py": FileDiff("a.py", "a.py", (Hunk(1, 5, frozenset({2, 3})), Hunk(21, 21, frozenset())))}
    assert diff.changed_lines("a.py") == {2, 3}
    assert [diff.in_hunk("a.py", *lines) for lines in [(1, 5), (5, 6), (5, 21), (21, 21), (0, 1), (3, 2)]] == [
        True,
        False,
        False,
        True,
        False,
        False,
    ]
    assert diff.changed_lines("b.py") == frozenset()
    assert not diff.in_hunk("b.py", 1, 1)


NAMES = [
    "a b.py",
    "ä/ö.py",
    'qu"ote.py',
    "back\\slash.py",
    "tab\there.py",
    "new\nline.py",
    "-dash.py",
    "a/b/ b/a/b.py",
    "ends ",
]


@pytest.mark.parametrize("name", NAMES)
def test_names_as_git_writes_them(tmp_path: Path, name: str) -> None:
    diff = parse_diff(git_diff(tmp_path, {name: b"1\n2\n3\n"}, {name: b"1\nx\n3\n"}))
    assert diff.files == {name: FileDiff(name, name, (Hunk(1, 3, frozenset({2})),))}


def test_added_deleted_renamed_binary_empty_and_mode(tmp_path: Path) -> None:
    text = b"".join(b"%d\n" % n for n in range(30))
    before = {"gone.py": b"x\n", "old name.py": text, "moved.py": text.upper() + b"z\n", "b in.bin": b"\0a", "nl": b"a"}
    after = {
        "new.py": b"a\nb\n",
        "new name.py": text.replace(b"7\n", b"seven\n", 1),
        "far/moved.py": text.upper() + b"z\n",
        "b in.bin": b"\0b",
        "empty": b"",
        "nl": b"a\nb",
    }
    diff = parse_diff(git_diff(tmp_path, before, after))
    assert set(diff.files) == set(after)
    assert diff.files["new.py"] == FileDiff("new.py", "", (Hunk(1, 2, frozenset({1, 2})),))
    assert diff.files["new name.py"].previous == "old name.py"
    assert diff.changed_lines("new name.py") == {8}
    assert diff.files["far/moved.py"] == FileDiff("far/moved.py", "moved.py")
    assert diff.files["b in.bin"] == FileDiff("b in.bin", "b in.bin")
    assert diff.changed_lines("nl") == {1, 2}


def test_content_that_looks_like_headers_and_odd_line_ends(tmp_path: Path) -> None:
    hostile = b"-- a/x\n++ b/y\n@@ -1 +1 @@\ndiff --git a/q b/q\nfoo\rbar\x0cbaz\xe2\x80\xa8qux\x85\n\xff\xfe\n"
    diff = parse_diff(git_diff(tmp_path, {"a": b"one\n", "b": hostile}, {"a": hostile, "b": b"two\n"}))
    assert {path: diff.changed_lines(path) for path in diff.files} == {"a": frozenset(range(1, 7)), "b": {1}}


@pytest.mark.parametrize(
    "broken",
    [
        SIMPLE.replace("@@ -1,4 +1,5 @@", "@@ -1,4 +1,9 @@"),
        SIMPLE.replace("@@ -1,4 +1,5 @@", "@@ -1,1 +1,1 @@"),
        SIMPLE.replace("@@ -1,4 +1,5 @@", "@@ nonsense @@"),
        SIMPLE.replace(" three\n", "three\n"),
        SIMPLE[: SIMPLE.index(" three")],
    ],
)
def test_a_part_that_cannot_be_read_has_no_hunks_and_the_others_keep_theirs(broken: str) -> None:
    good = SIMPLE.replace("a.py", "b.py")
    diff = parse_diff(broken.rstrip("\n") + "\n" + good)
    assert diff.files["a.py"].hunks == ()
    assert len(diff.files["b.py"].hunks) == 2


@given(st.text(alphabet='diff-git ab/+@,1234\n\\"', max_size=200))
def test_no_text_raises(text: str) -> None:
    parse_diff(text)
    parse_diff(SIMPLE + text)
