"""A pull request of the local GitHub as a person reads it in a terminal: the check, and each comment at its line."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from rich.console import Console, Group, RenderableType
from rich.markdown import Markdown
from rich.padding import Padding
from rich.rule import Rule
from rich.text import Text

from bot.local_github import CheckRun, LocalGitHub, PullRequest, ReviewComment

HIDDEN = re.compile(r"<!--.*?-->", re.DOTALL)
TAGS = re.compile(r"</?(?:details|summary|sub|br|p)\b[^>]*>")
SUGGESTION = re.compile(r"^(`{3,})suggestion\s*$", re.MULTILINE)
COLOURS = {"success": "green", "failure": "red", "neutral": "yellow"}


@dataclass(frozen=True)
class Outcome:
    """The check run of the reviewed head, and what was commented."""

    check: CheckRun
    comments: tuple[ReviewComment, ...]

    @property
    def suggestions(self) -> int:
        return sum(bool(SUGGESTION.search(comment.body)) for comment in self.comments)

    def tells(self, rule: str, suffixes: Iterable[str]) -> bool:
        """Whether a comment of `rule` is about a file with one of `suffixes` (of any, if none is given): stands on it, or names
        it as what reads the rows."""
        mark = re.compile(rf"\brule `?{re.escape(rule)}`?")
        about = re.compile(rf"(?:{'|'.join(map(re.escape, suffixes))})\b")
        return any(mark.search(one.body) and about.search(f"{one.path} {one.body}") for one in self.comments)


def outcome_of(github: LocalGitHub, pull: PullRequest) -> Outcome | None:
    """What the review of the pull request's head came to; None while its check run is not completed."""
    with github.world.lock:
        runs = github.check_runs(pull.repository, pull.head_sha, "cliffguard")
        if not runs or runs[-1].status != "completed":
            return None
        return Outcome(runs[-1], tuple(comment for comment in pull.review_comments if comment.app is github.app))


def tell(console: Console, pull: PullRequest, outcome: Outcome) -> None:
    """Prints it."""
    console.print()
    console.print(Rule(f"[bold]{pull.repository.full_name}#{pull.number}[/] {_plain(pull.title)}", align="left"))
    for comment in sorted(outcome.comments, key=lambda one: (one.path, one.line or 0)):
        console.print()
        console.print(_comment(comment))
    console.print()
    console.print(_check(outcome))


def _comment(comment: ReviewComment) -> RenderableType:
    first, last = comment.start_line, comment.line or comment.original_line
    lines = f":{first}-{last}" if first and first != last else f":{last}" if last else ""
    place = Text(f"{comment.path}{lines}", style="bold cyan")
    code = [line for line in comment.diff_hunk.splitlines() if not line.startswith("@@")][-1:]
    quoted = Text(f"  {code[0]}" if code else "", style="dim")
    return Group(place, quoted, Padding(_markdown(comment.body), (0, 0, 0, 2)))


def _check(outcome: Outcome) -> RenderableType:
    check, conclusion = outcome.check, outcome.check.conclusion or ""
    count = f"{len(outcome.comments)} comments, {outcome.suggestions} with a suggestion"
    head = Text.assemble(
        ("check ", "bold"), (check.name, "bold"), ": ", (conclusion, f"bold {COLOURS.get(conclusion, 'white')}"), f" ({count})"
    )
    parts: list[RenderableType] = [head, Text(str(check.output.get("title") or ""), style="bold")]
    parts += [_markdown(str(check.output[name])) for name in ("summary", "text") if check.output.get(name)]
    for note in check.annotations:
        place = f"{note.get('path')}:{note.get('start_line')}"
        parts.append(Text.assemble((place, "cyan"), f" {note.get('title') or ''} {note.get('message') or ''}"))
    return Group(*parts)


def _markdown(body: str) -> Markdown:
    visible = TAGS.sub("", HIDDEN.sub("", body)).strip()
    return Markdown(SUGGESTION.sub(r"*Suggested change:*\n\n\1", visible), code_theme="ansi_dark")


def _plain(text: str) -> str:
    return text.replace("[", r"\[")
