"""The readiness table: folded in Markdown, in lines for a terminal, as data for tools. It holds no findings."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

from rich.padding import Padding
from rich.text import Text

from analyzers.readiness.values import Readiness, Row
from analyzers.report.text import code_span, markdown, plain, visible
from analyzers.source import Place

_STYLES = {"found": "green", "not found": "yellow", "not known": "dim"}


def section(readiness: Readiness, place: Callable[[Place], str]) -> list[str]:
    """The table as a folded section. `place` tells one as Markdown."""
    if not readiness.rows:
        return []
    rows = [_line(row, place) for row in readiness.rows]
    lines = ["| | | Where, or what to do |", "| --- | --- | --- |", *rows]
    head = f"<details><summary>Readiness: {readiness.found} of {len(readiness.rows)} found</summary>"
    return ["\n\n".join([head, "\n".join(lines), "</details>"])]


def _line(row: Row, place: Callable[[Place], str]) -> str:
    state = row.state.replace(" ", "&nbsp;")
    return f"| {_cell(markdown(row.topic))} | {state} | {_cell(_told(row, place))} |"


def _told(row: Row, place: Callable[[Place], str]) -> str:
    said = markdown(row.said)
    if row.places:
        said += f" ({', '.join(map(place, row.places))})"
    if row.paste is not None:
        said += f"<br>{markdown(row.paste.file)}: {code_span(row.paste.code)}"
    return said


def _cell(text: str) -> str:
    """A pipe ends a cell wherever it stands, in code too."""
    return re.sub(r"(?<!\\)\|", r"\\|", text)


def lines(readiness: Readiness) -> Iterator[Text | Padding]:
    """The table for a terminal."""
    if not readiness.rows:
        return
    yield Text(f"Readiness: {readiness.found} of {len(readiness.rows)} found", style="bold")
    width = max(len(row.topic) for row in readiness.rows)
    for row in readiness.rows:
        told = Text.assemble(f"{visible(row.topic):{width}}  ", (f"{row.state:9}", _STYLES[row.state]), f"  {plain(row.said)}")
        where = ", ".join(f"{visible(place.path)}:{place.span.start_line}" for place in row.places)
        if where:
            told.append(f"  {where}", style="cyan")
        yield Padding(told, (0, 0, 0, 2))
        if row.paste is not None:
            paste = Text.assemble((f"{plain(row.paste.file)}: ", "dim"), visible(row.paste.code))
            yield Padding(paste, (0, 0, 0, width + 15))


def as_data(readiness: Readiness) -> list[dict[str, Any]]:
    """The table as it is, for scripts and for the properties of a log."""
    return [
        {
            "topic": row.topic,
            "state": row.state,
            "said": plain(row.said),
            "places": [{"path": place.path, "line": place.span.start_line} for place in row.places],
            "paste": {"file": row.paste.file, "code": row.paste.code} if row.paste is not None else None,
        }
        for row in readiness.rows
    ]
