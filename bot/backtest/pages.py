"""The report of a backtest: a page that needs nothing else, the same for a terminal, and JSON."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from datetime import datetime
from importlib import resources
from typing import Any
from urllib.parse import quote

import jinja2
import msgspec
from markupsafe import Markup
from rich import box
from rich.console import Console, Group
from rich.table import Table
from rich.text import Text

import analyzers
from analyzers import Place, Severity
from bot.backtest.values import Backtest, Change, Fate, Reviewed, State, Told

VERSION = 1
GONE = (State.FIXED, State.REMOVED)
_STYLES = {"critical": "bold red", "high": "red", "medium": "yellow", "low": "blue"}
_FATES = {State.FIXED: "green", State.REMOVED: "green", State.ACCEPTED: "cyan", State.PRESENT: "yellow", State.PAST: "dim"}


class Line(msgspec.Struct, frozen=True):
    """What became of the findings of a rule."""

    rule: str
    title: str
    told: int
    states: dict[State, int]


def lines(found: Backtest) -> list[Line]:
    """The rules that told something, those that told most first."""
    counts: defaultdict[str, Counter[State]] = defaultdict(Counter)
    for one in found.done:
        for told in one.told:
            counts[told.finding.rule][found.fate(one, told).state] += 1
    ordered = sorted(counts.items(), key=lambda item: (-item[1].total(), item[0]))
    return [
        Line(rule, analyzers.RULES[rule].title if rule in analyzers.RULES else rule, states.total(), dict(states))
        for rule, states in ordered
    ]


def summary(found: Backtest) -> dict[str, Any]:
    """The figures of a run."""
    done = found.done
    return {
        "reviewed": len(done),
        "not_reviewed": len(found.reviews) - len(done),
        "quiet": sum(not one.told for one in done),
        "failed": sum(one.failed for one in done),
        "comments": sum(one.comments for one in done),
        "listed": sum(len(one.told) - one.comments for one in done),
        "suggestions": sum(told.suggested for told in found.told),
        "states": {state.value: found.counted(state) for state in State if found.counted(state)},
        "seconds": round(found.seconds, 1),
    }


# JSON


def to_json(found: Backtest) -> str:
    """One object; `version` grows when a field changes its meaning."""
    document = {
        "version": VERSION,
        "repository": found.name,
        "branch": found.branch,
        "head": found.head,
        "summary": summary(found),
        "pull_requests": [_entry(found, one) for one in found.reviews],
    }
    return msgspec.json.format(msgspec.json.encode(document), indent=2).decode() + "\n"


def _entry(found: Backtest, one: Reviewed) -> dict[str, Any]:
    plain = msgspec.structs.asdict(one)
    plain["told"] = [
        {
            "fingerprint": told.finding.fingerprint,
            "elsewhere": told.elsewhere,
            "suggested": told.suggested,
            "blocking": told.blocking,
            "fate": found.fate(one, told),
            "finding": told.finding,
        }
        for told in one.told
    ]
    return plain


# Terminal


def to_terminal(found: Backtest, console: Console) -> None:
    """The pull requests of which something would have been said, then the figures."""
    for one in found.reviews:
        if one.error:
            console.print(Text.assemble(("not reviewed ", "bold yellow"), _heading(one), f": {one.error}"))
        elif one.told:
            console.print(_pull(found, one))
    console.print(_rules(found))
    for line in words(found):
        console.print(line, style="bold", markup=False)


def words(found: Backtest) -> Iterator[str]:
    """The figures as sentences."""
    figures = summary(found)
    yield (
        f"{_count(figures['reviewed'], 'merged pull request')} of {found.name} up to {found.head.commit[:10]}: "
        f"{figures['quiet']} without a word, {figures['failed']} with a failed check, "
        f"{_count(figures['comments'], 'comment')}, {_count(figures['listed'], 'finding')} listed."
    )
    if figures["not_reviewed"]:
        yield f"{figures['not_reviewed']} could not be reviewed."
    if found.fates:
        states = ", ".join(f"{count} {state}" for state, count in figures["states"].items())
        yield f"What became of the findings up to today: {states}."


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def _heading(one: Reviewed) -> str:
    number = f"#{one.pull.change.number} " if one.pull.change.number else ""
    return f"{number}{analyzers.visible(one.pull.change.title)}"


def _pull(found: Backtest, one: Reviewed) -> Group:
    verdict = ("failure", "bold red") if one.failed else (one.conclusion, "green")
    head = Text.assemble((f"{_heading(one)}  ", "bold"), verdict)
    return Group(head, *(_told(found, one, told) for told in one.told), "")


def _told(found: Backtest, one: Reviewed, told: Told) -> Text:
    finding, fate = told.finding, found.fate(one, told)
    where = f"{analyzers.visible(finding.place.path)}:{finding.place.span.start_line}"
    text = Text.assemble(
        "  ", (f"{finding.severity:8} ", _STYLES[finding.severity]), (where, "cyan"), f"  {analyzers.plain(finding.title)}"
    )
    if told.elsewhere:
        text.append("  (listed)", style="dim")
    if fate.state is not State.UNKNOWN:
        text.append(f"  {_fate_words(fate)}", style=_FATES[fate.state])
    return text


def _fate_words(fate: Fate) -> str:
    if fate.by is None:
        return fate.state.value
    number = f" (#{fate.by.number})" if fate.by.number else ""
    return f"{fate.state.value} by {fate.by.commit[:10]}{number}, {fate.by.at[:10]}"


def _rules(found: Backtest) -> Table | str:
    rows = lines(found)
    if not rows:
        return ""
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    shown = [state for state in State if any(state in row.states for row in rows)]
    for heading in ("Rule", "Told", *(state.value.capitalize() for state in shown)):
        table.add_column(heading, justify="left" if heading == "Rule" else "right")
    for row in rows:
        table.add_row(row.rule, str(row.told), *(str(row.states.get(state, 0) or "") for state in shown))
    return table


# HTML


def to_html(found: Backtest) -> str:
    """One file without script, style or picture of elsewhere; it prints, and it fits a telephone."""
    loader = jinja2.FunctionLoader(lambda name: resources.files(__package__).joinpath(name).read_text("utf-8"))
    environment = jinja2.Environment(
        loader=loader, autoescape=True, trim_blocks=True, lstrip_blocks=True, undefined=jinja2.StrictUndefined
    )
    environment.filters |= {
        "prose": lambda text: Markup(analyzers.hypertext(text)),  # noqa: S704 - escaped there
        "date": _date,
        "count": _count,
    }
    return environment.get_template("report.html").render(
        found=found,
        figures=summary(found),
        rules=lines(found),
        states=State,
        severities=[severity.value for severity in Severity],
        told=[one for one in found.reviews if one.told],
        quiet=[one for one in found.done if not one.told],
        broken=[one for one in found.reviews if one.error],
        most=max((row.told for row in lines(found)), default=1),
        gone=sum(found.counted(state) for state in GONE),
        pull_page=lambda one: _page(found, "pull", str(one.pull.change.number)) if one.pull.change.number else "",
        commit_page=lambda change: _page(found, "commit", change.commit),
        place_page=lambda one, place: _place_page(found, one, place),
        days=_days,
        shade=_shade,
    )


def _page(found: Backtest, *parts: str) -> str:
    return "/".join((found.page, *parts)) if found.page else ""


def _place_page(found: Backtest, one: Reviewed, place: Place) -> str:
    lines = f"#L{place.span.start_line}-L{place.span.end_line}"
    return _page(found, "blob", one.pull.head, quote(place.path)) + lines if found.page else ""


def _date(text: str) -> str:
    try:
        return f"{datetime.fromisoformat(text):%-d %b %Y}"
    except ValueError:
        return text


def _days(since: Change, until: Change) -> str:
    """How long it took, in words."""
    try:
        passed = datetime.fromisoformat(until.at) - datetime.fromisoformat(since.at)
    except (ValueError, TypeError):
        return ""
    days = passed.days
    return "the same day" if days < 1 else f"{days} day{'s' * (days != 1)} later"


def _shade(one: Reviewed) -> str:
    """The class of a pull request's square."""
    if one.error:
        return "broken"
    worst: Sequence[Told] = [told for told in one.told if not told.elsewhere]
    return "failed" if one.failed else "said" if worst else "listed" if one.told else "quiet"
