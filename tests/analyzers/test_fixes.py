"""Fixes tried together, on findings made up for it: what a judgement says is decided by the text of the files."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

import pytest

from analyzers.facts.store import FileFacts
from analyzers.findings import Edit, Finding, Fix
from analyzers.fixes import Trial
from analyzers.pipeline import Judgement
from analyzers.source import Place, Span

SOURCES = {"a.py": b"bad1\nbad2\n", "b.py": b"bad3\n"}
BAD = re.compile(rb"bad\d|worse")


def finding(subject: str, path: str, start: int, text: str) -> Finding:
    fix = Fix("Mend", path, (Edit(start, start + 4, text),))
    return Finding("rule", subject, "", "", "", "", "", "", Place(path, Span(1, 1, 1, 5)), fix=fix)


class Bench:
    """Finds each `bad<n>` and `worse` of the files, and counts how often it was asked."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.asked = 0
        monkeypatch.setattr("analyzers.fixes.read_facts", lambda _, source: FileFacts(source.decode()))
        self.files = {path: (path, FileFacts(source.decode())) for path, source in SOURCES.items()}

    def judge_once(self, files: Mapping[str, tuple[str, FileFacts]]) -> Judgement:
        self.asked += 1
        texts = "".join(facts.language for _, facts in files.values()).encode()
        return Judgement(tuple(finding(m[0].decode(), "a.py", 0, "") for m in BAD.finditer(texts)), ())

    def removed(self, *new: Finding) -> list[bool]:
        found = self.judge_once(self.files).findings
        self.asked = 0
        trial = Trial(self.files, found, new, SOURCES.get, self)
        return [trial.removes(one, self.changed(one)) for one in new]

    @staticmethod
    def changed(one: Finding) -> bytes:
        assert one.fix
        (edit,) = one.fix.edits
        source = SOURCES[one.fix.path]
        return source[: edit.start] + edit.text.encode() + source[edit.end :]


@pytest.fixture
def bench(monkeypatch: pytest.MonkeyPatch) -> Bench:
    return Bench(monkeypatch)


GOOD = (finding("bad1", "a.py", 0, "good"), finding("bad2", "a.py", 5, "good"), finding("bad3", "b.py", 0, "good"))


def test_fixes_apart_take_one_analysis(bench: Bench) -> None:
    assert bench.removed(*GOOD) == [True, True, True]
    assert bench.asked == 1


def test_a_single_fix_is_tried_once(bench: Bench) -> None:
    assert bench.removed(GOOD[0]) == [True]
    assert bench.asked == 1


@pytest.mark.parametrize(
    ("text", "why"), [("bad2", "still there"), ("worse", "another appears"), ("bad3", "one more of another")]
)
def test_one_that_does_not_help_spoils_no_other(bench: Bench, text: str, why: str) -> None:
    assert bench.removed(GOOD[0], finding("bad2", "a.py", 5, text), GOOD[2]) == [True, False, True], why


def test_fixes_of_the_same_text_are_not_tried_together(bench: Bench) -> None:
    """Both would be credited with what one does."""
    useless = finding("bad2", "a.py", 2, "d1\nb")
    assert bench.removed(GOOD[0], useless) == [True, False]


def test_a_finding_that_is_there_twice_is_tried_alone(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two fixes together may remove what neither does alone."""
    monkeypatch.setitem(SOURCES, "b.py", b"bad1\n")
    bench.files["b.py"] = ("b.py", FileFacts("bad1\n"))
    twice: Sequence[Finding] = (GOOD[0], finding("bad1", "b.py", 0, "good"))
    assert bench.removed(*twice) == [False, False]
