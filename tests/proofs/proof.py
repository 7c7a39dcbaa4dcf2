"""A proof: one project, judged by the analysis and measured where it runs."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import analyzers
from tests.markdown import Case
from tests.proofs.measure import PROJECTS, Measurement
from tests.test_cases import analysis_of

_RULE = PROJECTS.name
_TERM = re.compile(r"(\d*)([A-Z·]*)")
_LINES = 5  # of each order


@dataclass(frozen=True)
class Proof:
    """What is known of one library's twins. Without measurements, what the analysis says of them."""

    library: str
    measurements: list[Measurement]

    @cached_property
    def case(self) -> Case:
        """The project, as a case: its files without the `finds` comments, and what these expect."""
        folder, case = PROJECTS / self.library, Case(self.library, _RULE)
        for file in sorted(folder.glob("*/**/*")):
            if file.is_file() and "__pycache__" not in file.parts:
                case.add(file.relative_to(folder).as_posix(), file.read_text(encoding="utf-8"), base=False)
        return case

    @cached_property
    def findings(self) -> list[analyzers.Finding]:
        return [finding for finding in analysis_of(self.case).review.new if finding.rule == _RULE]

    @cached_property
    def twins(self) -> dict[str, str]:
        """What happens in each twin, by name."""
        return {m.twin: m.title for m in self.measurements}

    @cached_property
    def page(self) -> str:
        """The twin that many users open; empty if none was measured for more than one."""
        return next((m.twin for m in self.measurements if m.users > 1), "")

    @cached_property
    def answers(self) -> dict[tuple[str, int, int], set[str]]:
        """Digests of what the bad and the good twin gave, for each size."""
        found: dict[tuple[str, int, int], set[str]] = {}
        for m in self.measurements:
            found.setdefault((m.twin, m.users, m.orders), set()).add(m.answer)
        return found

    def queries(self, twin: str, kind: str, users: int = 1) -> dict[int, int]:
        """The queries counted, by the number of orders of each user."""
        wanted = (twin, kind, users)
        return {m.orders: m.queries for m in self.measurements if (m.twin, m.kind, m.users) == wanted}

    def findings_in(self, twin: str) -> list[analyzers.Finding]:
        """Those that have the bad twin's lines among their places."""
        first, last = next(m.lines for m in self.measurements if m.twin == twin)
        return [f for f in self.findings if any(_is_bad(p) and first <= p.span.start_line <= last for p in _places(f))]


def _places(finding: analyzers.Finding) -> list[analyzers.Place]:
    return [finding.place, *(related.place for related in finding.related)]


def _is_bad(place: analyzers.Place) -> bool:
    return place.path.rpartition("/")[2].lower().startswith("bad.")


def law(finding: analyzers.Finding, rows: int) -> int:
    """What the finding's growth law comes to: `1 + N + N·M` for so many rows, with five in each collection."""
    text = finding.growth.partition(" queries")[0]
    return sum(_values(text, rows))


def _values(text: str, rows: int) -> Iterator[int]:
    for term in text.split(" + "):
        parts = _TERM.fullmatch(term)
        assert parts, text
        letters = parts[2].replace("·", "")
        yield int(parts[1] or 1) * (rows if letters else 1) * _LINES ** max(len(letters) - 1, 0)
