"""The picture of a budget: as Mermaid, which GitHub draws, and as a table for terminals.

Names come from the reviewed repository. In the drawing they stand in quoted labels, in which every character that could mean
something is an entity; nodes have names of ours.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from rich import box
from rich.table import Table
from rich.text import Text

from analyzers.deployment.pictures import Flow, Picture, Target
from analyzers.report.text import code_block, code_span, visible

_PLAIN = re.compile(r"[^A-Za-z0-9 _./:,=+()-]")
_MOST = 40  # flows drawn in one picture
_LONGEST = 60
_PRODUCTS = {"postgresql": "PostgreSQL", "mysql": "MySQL"}
ELSEWHERE = "a server elsewhere"


def drawings(pictures: Sequence[Picture]) -> list[str]:
    """The pictures as one folded section of Markdown; none where there is nothing to draw."""
    if not pictures:
        return []
    parts = [f"{code_span(picture.path)}\n\n{code_block(mermaid(picture), 'mermaid')}" for picture in pictures]
    return [f"<details><summary>{_summary(pictures)}</summary>\n\n" + "\n\n".join(parts) + "\n\n</details>"]


def _summary(pictures: Sequence[Picture]) -> str:
    over = sum(target.over for picture in pictures for target in picture.targets)
    return "Database connections" + (f": {over} over what is accepted" if over else "")


def mermaid(picture: Picture) -> str:
    """A flowchart: services, then poolers, then servers."""
    nodes: dict[str, str] = {}
    lines: list[str] = []
    for target in picture.targets:
        nodes.setdefault(target.name, f"n{len(nodes)}")
        shape = f"[({_quoted(_told(target))})]" if target.product in _PRODUCTS else f"[{_quoted(_told(target))}]"
        lines.append(f"  {nodes[target.name]}{shape}{':::over' if target.over else ''}")
    for target in picture.targets:
        for flow in target.flows[:_MOST]:
            if flow.service not in nodes:
                nodes[flow.service] = f"n{len(nodes)}"
                lines.append(f"  {nodes[flow.service]}[{_quoted((flow.service, _copies(flow)))}]")
            lines.append(f"  {nodes[flow.service]} -->|{_quoted((_opens(flow),))}| {nodes[target.name]}")
    return "\n".join(["flowchart LR", *lines, "  classDef over stroke:#d1242f,stroke-width:3px"])


def _told(target: Target) -> tuple[str, ...]:
    name = target.name or ELSEWHERE
    product = _PRODUCTS.get(target.product, target.product)
    accepts = f"{target.capacity:,}" if target.capacity is not None else target.limit or "an unknown number"
    least = "at least " if target.demand is None else ""
    return (f"{name} ({product})" if product else name, f"accepts {accepts}", f"{least}{target.least:,} may be opened")


def _copies(flow: Flow) -> str:
    return f"{flow.replicas} x {flow.processes} processes"


def _opens(flow: Flow) -> str:
    if not flow.each:
        return "an unknown number"
    return f"{flow.each} each" + (f": {flow.opens:,}" if flow.opens is not None else "")


def _quoted(lines: Sequence[str]) -> str:
    """A label of several lines."""
    return '"' + "<br>".join(_PLAIN.sub(lambda c: f"#{ord(c[0])};", visible(line)[:_LONGEST]) for line in lines) + '"'


def tables(pictures: Sequence[Picture]) -> Iterator[Table | Text]:
    """The pictures for a terminal."""
    for picture in pictures:
        yield Text(f"Database connections in {visible(picture.path)}", style="bold")
        table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
        for heading in ("Service", "Copies", "Processes", "Each", "Opens", "To", "Accepts"):
            table.add_column(heading, justify="right" if heading in ("Opens", "Accepts") else "left")
        for target in picture.targets:
            accepts = f"{target.capacity:,}" if target.capacity is not None else target.limit or "?"
            for flow in target.flows:
                opens = f"{flow.opens:,}" if flow.opens is not None else "?"
                cells = (
                    flow.service,
                    flow.replicas,
                    flow.processes,
                    flow.each or "?",
                    opens,
                    target.name or ELSEWHERE,
                    accepts,
                )
                table.add_row(*(Text(visible(cell)) for cell in cells), style="red" if target.over else "")
        yield table
