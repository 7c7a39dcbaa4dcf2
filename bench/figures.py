"""Figures with their targets, and the table they end in."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Figure:
    """One measured value. `most` or `least` is its target, if it has one. Without a `value`, `note` says why."""

    name: str
    value: float | None
    unit: str = ""
    most: float | None = None
    least: float | None = None
    note: str = ""

    @property
    def target(self) -> str:
        if self.most is not None:
            return f"<= {self.most:g}"
        return f">= {self.least:g}" if self.least is not None else ""

    @property
    def verdict(self) -> str:
        if self.value is None:
            return "skipped"
        if not self.target:
            return ""
        met = self.value <= self.most if self.most is not None else self.value >= (self.least or 0.0)
        return "met" if met else "MISSED"


def table(figures: Sequence[Figure]) -> str:
    """Lines for a terminal; a Markdown table as well."""
    rows = [("figure", "value", "unit", "target", "verdict", "note"), ("-", "-:", "-", "-", "-", "-")]
    rows += [(f.name, _number(f.value), f.unit, f.target, f.verdict, f.note) for f in figures]
    widths = [max(len(row[at]) for row in rows) for at in range(6)]
    lines = []
    for row in rows:
        filled = (
            cell.replace("-", "-" * (width - cell.count(":")))
            if row is rows[1]
            else cell.rjust(width)
            if at == 1
            else cell.ljust(width)
            for at, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        lines.append(f"| {' | '.join(filled)} |")
    return "\n".join(lines)


def _number(value: float | None) -> str:
    if value is None:
        return "-"
    return f"{value:,.0f}" if value >= 100 or value == int(value) else f"{value:.2f}"
