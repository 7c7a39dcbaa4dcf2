"""A review as a person reads it in a terminal: worst first, each with its place, its law, and what to do."""

from __future__ import annotations

import io
import textwrap
from collections.abc import Iterator

from rich.console import Console, RenderableType
from rich.padding import Padding
from rich.syntax import Syntax
from rich.text import Text

from analyzers.edits import EditError, replacement
from analyzers.findings import Finding, Problem, Review, Severity
from analyzers.report import picture, readiness
from analyzers.report.markdown import title
from analyzers.report.text import SPAN, visible
from analyzers.review.place import ReadSource
from analyzers.source import Span

_STYLES = {Severity.CRITICAL: "bold red", Severity.HIGH: "red", Severity.MEDIUM: "yellow", Severity.LOW: "blue"}
_LANGUAGES = {"py": "python", "php": "php", "html": "html+django", "twig": "html+twig", "sql": "sql", "yml": "yaml"}
_SHOWN_LINES = 5


def to_terminal(review: Review, *, read: ReadSource | None = None, width: int = 100, color: bool = False) -> str:
    """The report as text of at most `width` columns, with ANSI colours if `color`. `read` gives the head's files, to quote."""
    file = io.StringIO()
    console = Console(
        file=file,
        width=max(40, width),
        force_terminal=color,
        color_system="standard" if color else None,
        no_color=not color,
        highlight=False,
        legacy_windows=False,
    )
    for part in _report(review, read):
        console.print(part)
    return "\n".join(line.rstrip() for line in file.getvalue().split("\n"))


def _report(review: Review, read: ReadSource | None) -> Iterator[RenderableType]:
    for finding in review.new:
        yield from _finding(finding, read)
        yield ""
    for heading, lines in _lists(review):
        yield Text(heading, style="bold")
        for line in lines:
            yield Padding(line, (0, 0, 0, 2))
        yield ""
    yield from readiness.lines(review.readiness)
    if review.readiness.rows:
        yield ""
    yield from picture.tables(review.pictures)
    yield Text(title(review), style="bold red" if review.new else "bold green")


def _finding(finding: Finding, read: ReadSource | None) -> Iterator[RenderableType]:
    style = _STYLES[finding.severity]
    yield Text.assemble((f"{finding.severity.upper()} ", style), _text(finding.title, "bold"))
    yield Text(
        f"{visible(finding.place.path)}:{finding.place.span.start_line}  {finding.rule}, {finding.confidence}", style="cyan"
    )
    source = read(finding.place.path) if read else None
    if source is not None:
        yield Padding(_quoted(finding.place.path, source, finding.place.span), (0, 0, 0, 2))
    yield Padding(_text(finding.message), (0, 0, 0, 2))
    if finding.growth:
        yield Padding(_text(finding.growth, "bold"), (0, 0, 0, 2))
    for fact in finding.evidence:
        yield Padding(Text.assemble("· ", _text(fact), style="dim"), (0, 0, 0, 2))
    for related in finding.related:
        where = f"· {visible(related.place.path)}:{related.place.span.start_line}: "
        yield Padding(Text.assemble(where, _text(related.note), style="dim"), (0, 0, 0, 2))
    if finding.remedy:
        yield Padding(Text.assemble(("Instead: ", "green"), _text(finding.remedy)), (0, 0, 0, 2))
    if code := finding.code or _fixed_lines(finding, read):
        yield Padding(_code(visible(textwrap.dedent(code), lines=True), finding.code_language), (0, 0, 0, 4))
    for file in finding.files:
        yield Padding(Text(f"New file {visible(file.path)}:", style="green"), (0, 0, 0, 2))
        yield Padding(_code(visible(file.text, lines=True), file.language), (0, 0, 0, 4))


def _fixed_lines(finding: Finding, read: ReadSource | None) -> str:
    """What the fix makes of its lines."""
    source = read(finding.fix.path) if finding.fix and read and not finding.fix.young else None
    if source is None or finding.fix is None or not finding.fix.edits:
        return ""
    try:
        block = replacement(source, finding.fix.edits)
    except (EditError, UnicodeError):
        return ""
    return block.text.replace("\r\n", "\n") if block else ""


def _lists(review: Review) -> Iterator[tuple[str, list[Text]]]:
    """What is told in one line each."""
    if review.accepted:
        yield "Accepted", [Text.assemble(_short(one.finding), f" ({visible(one.reason)})") for one in review.accepted]
    if review.fixed:
        yield "Fixed by this change", [_short(finding) for finding in review.fixed]
    if review.problems:
        yield "Not analysed, and other notices", [_problem(problem) for problem in review.problems]
    if review.kept:
        count = len(review.kept)
        yield f"{count:,} finding{'s' if count > 1 else ''} of the base unchanged", []


def _short(finding: Finding) -> Text:
    return Text.assemble((f"{visible(finding.place.path)}:{finding.place.span.start_line} ", "cyan"), _text(finding.title))


def _problem(problem: Problem) -> Text:
    where = f"{visible(problem.path)}:{problem.line} " if problem.line else f"{visible(problem.path)} "
    return Text.assemble((where if problem.path else "", "cyan"), _text(problem.text))


def _text(markdown: str, style: str = "") -> Text:
    """A finding's Markdown: code spans stand out."""
    text = Text(style=style)
    markdown = visible(markdown)
    position = 0
    for span in SPAN.finditer(markdown):
        text.append(markdown[position : span.start()])
        text.append(span[2], style="magenta")
        position = span.end()
    text.append(markdown[position:])
    return text


def _quoted(path: str, source: bytes, span: Span) -> Syntax:
    """The first lines of the place, with their numbers."""
    lines = source.split(b"\n")[span.start_line - 1 : min(span.end_line, span.start_line + _SHOWN_LINES - 1)]
    code = "\n".join(visible(line.decode(errors="replace").rstrip(), lines=True) for line in lines)
    language = _LANGUAGES.get(path.rpartition(".")[2], "text")
    return Syntax(code, language, theme="ansi_dark", line_numbers=True, start_line=span.start_line, background_color="default")


def _code(code: str, language: str) -> Syntax:
    return Syntax(code, language or "text", theme="ansi_dark", background_color="default", word_wrap=True)
