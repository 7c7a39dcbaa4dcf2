"""Each page states small projects and their readiness tables: `topic | state | what is said | where | where to paste`."""

from __future__ import annotations

from pathlib import Path

import pytest

import analyzers
from analyzers.readiness.signals import signals
from analyzers.readiness.values import Row
from tests.markdown import Case, cases
from tests.test_cases import Blobs

_CASES = [
    pytest.param(case, id=f"{case.page}: {case.heading}")
    for page in sorted(Path(__file__).parent.glob("*.md"))
    for case in cases(page)
]


def told(row: Row) -> str:
    where = " ".join(f"{place.path}:{place.span.start_line}" for place in row.places)
    parts = [row.topic, row.state, row.said, where, row.paste.file if row.paste else ""]
    return " | ".join(parts).rstrip(" |")


@pytest.mark.parametrize("case", _CASES)
def test_the_table_of_a_page_is_read(case: Case) -> None:
    files = {path: text for path, text in case.head.items() if path != "table"}
    settings, problems = analyzers.read_settings({p: t for p, t in files.items() if p == ".cliffguard.yml"})
    blobs = Blobs()
    review = analyzers.audit(blobs.add(files), blobs, settings=settings).review
    assert not problems
    assert not [problem for problem in review.problems if "readiness" in problem.text]
    expected = case.head["table"].decode().splitlines()
    found = [told(row) for row in review.readiness.rows]
    assert [line for line in found if line.split(" | ")[0] in {e.split(" | ")[0] for e in expected}] == expected
    if not expected:
        assert not found


def test_there_are_pages() -> None:
    assert {case.values[0].page for case in _CASES} >= {"python", "php", "loads", "others"}  # type: ignore[union-attr]


def test_every_topic_has_a_line_for_every_framework_that_is_read() -> None:
    for topic in signals().topics:
        assert {f.framework for f in signals().frameworks} <= topic.paste.keys(), topic.topic
    assert {f.framework for f in signals().frameworks if f.read} <= signals().load_test.keys()
