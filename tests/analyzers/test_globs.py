"""Path patterns."""

from __future__ import annotations

import pytest

from analyzers.globs import any_matches, matches


@pytest.mark.parametrize(
    ("pattern", "path", "expected"),
    [
        ("vendor", "vendor/a.py", True),
        ("vendor", "src/vendor/a.py", True),
        ("vendor/", "vendor/a.py", True),
        ("vendor/", "src/vendor", False),
        ("/vendor", "src/vendor/a.py", False),
        ("vendor/**", "vendor/a/b.py", True),
        ("*.py", "a/b.py", True),
        ("a/*.py", "a/b.py", True),
        ("a/*.py", "a/b/c.py", False),
        ("a/*.py", "x/a/b.py", False),
        ("a/**/c.py", "a/c.py", True),
        ("a/**/c.py", "a/b/b/c.py", True),
        ("**/c.py", "c.py", True),
        ("a/**/b/**/c", "a/b/x/b/c", True),
        ("a/?.py", "a/bb.py", False),
        ("A/b.py", "a/b.py", False),
        ("", "a", False),
        ("/", "a", False),
        ("**", "a/b", True),
    ],
)
def test_patterns(pattern: str, path: str, expected: bool) -> None:
    assert matches(pattern, path) is expected


def test_any_of_several() -> None:
    ignored = any_matches(["a/", "*.min.js"])
    assert [ignored(path) for path in ("a/b", "b/c.min.js", "b/c.js")] == [True, True, False]


@pytest.mark.timeout(60)
def test_a_hostile_pattern_ends() -> None:
    """A matcher that tries every way would not end before the sun does."""
    assert not matches("**/a" * 50 + "/b", "/".join(["a"] * 300))
    assert not matches("*a" * 50 + "b", "a" * 250)
