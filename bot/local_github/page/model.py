"""What the page of a pull request shows, gathered from the world: plain values for the template."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from markupsafe import Markup

from bot.local_github import views
from bot.local_github.diff import FileDiff, Hunk, Line
from bot.local_github.git import GitError
from bot.local_github.page.code import lines_of
from bot.local_github.page.markdown import Replaced, first_line, render
from bot.local_github.state import Account, CheckRun, IssueComment, PullRequest, Review, ReviewComment, Side, World


@dataclass(frozen=True)
class Said:
    """A comment as shown."""

    id: str
    author: str
    bot: bool
    when: datetime
    html: Markup
    minimized: str | None = None


@dataclass(frozen=True)
class Discussion:
    """A thread at a line: its comments, oldest first."""

    id: int
    path: str
    where: str
    gist: Markup
    comments: tuple[Said, ...]
    resolved: bool
    outdated: bool
    hunk: tuple[Markup, ...] = ()


@dataclass(frozen=True)
class Row:
    """A line of the diff, or a hunk's header, and the threads below it."""

    kind: str
    old: int | None
    new: int | None
    html: Markup | str
    marked: bool = False
    threads: tuple[Discussion, ...] = ()


@dataclass(frozen=True)
class File:
    """A changed file."""

    anchor: str
    path: str
    previous: str | None
    status: str
    additions: int
    deletions: int
    rows: tuple[Row, ...]
    threads: tuple[Discussion, ...]  # those about the whole file

    @property
    def comments(self) -> int:
        return len(self.threads) + sum(len(row.threads) for row in self.rows)


@dataclass(frozen=True)
class Event:
    """An entry of the conversation: a commit pushed, a review, or a comment."""

    kind: str
    when: datetime
    said: Said | None = None
    title: str = ""
    sha: str = ""
    threads: tuple[Discussion, ...] = ()


@dataclass(frozen=True)
class Note:
    """An annotation of a check run."""

    level: str
    title: str
    path: str
    lines: str
    first: int
    html: Markup


@dataclass(frozen=True)
class Check:
    """A check run."""

    run: CheckRun
    state: str
    title: str
    summary: Markup
    text: Markup | None
    annotations: tuple[Note, ...]

    @property
    def took(self) -> str:
        start, end = self.run.started_at, self.run.completed_at
        if isinstance(start, datetime) and isinstance(end, datetime):
            return f"{max(0, (end - start).total_seconds()):.0f} s"
        return ""


class Pull:
    """Everything the page of one pull request shows."""

    def __init__(self, world: World, pull: PullRequest) -> None:
        self.pull, self._world = pull, world
        self._git, self._start = pull.repository.git, views.merge_base(pull)
        self._threads = [self._discussion(c) for c in pull.review_comments if not c.in_reply_to and c.review.state != "PENDING"]
        self._placed = {t.id: c for t, c in zip(self._threads, self._openers(), strict=True)}
        self.commits = list(reversed(self._git.commits(f"{self._start}..{pull.head_sha}")))
        self.files = [self._file(number, file) for number, file in enumerate(views.pull_diff(pull).files)]
        self.additions = sum(file.additions for file in self.files)
        self.deletions = sum(file.deletions for file in self.files)
        self.body = render(pull.body) if pull.body else None
        self.checks = [self._check(run) for run in self._runs()]
        self.events = sorted(self._events(), key=lambda event: event.when)

    @property
    def under_way(self) -> bool:
        """Whether something is still to come, so that the page should look again."""
        return self.pull.state == "open" and (not self.checks or any(c.state in ("queued", "in_progress") for c in self.checks))

    @property
    def conclusion(self) -> str:
        """All checks in one word: `running`, `failed`, `passed`, or `none`."""
        states = {check.state for check in self.checks}
        if not states:
            return "none"
        if states & {"queued", "in_progress"}:
            return "running"
        return "failed" if states & {"failure", "timed_out", "action_required", "cancelled"} else "passed"

    @property
    def comment_count(self) -> int:
        return len(self.pull.comments) + len(self._threads)

    def _openers(self) -> list[ReviewComment]:
        return [c for c in self.pull.review_comments if not c.in_reply_to and c.review.state != "PENDING"]

    def _runs(self) -> list[CheckRun]:
        suites = [s for s in self._world.suites.values() if s.repository is self.pull.repository]
        latest = {(s.app.id, r.name): r for s in suites if s.head_sha == self.pull.head_sha for r in s.runs}
        return list(latest.values())

    def _check(self, run: CheckRun) -> Check:
        state = run.conclusion or run.status
        output = run.output
        title = output.get("title") or {"queued": "Queued", "in_progress": "In progress"}.get(state, state)
        text = render(output["text"]) if output.get("text") else None
        notes = tuple(_note(annotation) for annotation in run.annotations)
        return Check(run, state, title, render(output.get("summary") or ""), text, notes)

    # The conversation

    def _events(self) -> list[Event]:
        pushed = [Event("commit", datetime.fromisoformat(c.author[2]), title=c.message, sha=c.sha) for c in self.commits]
        reviews = [self._reviewed(r) for r in self.pull.reviews if r.submitted_at and self._worth_showing(r)]
        return pushed + reviews + [Event("comment", c.created_at, self._said(c)) for c in self.pull.comments]

    def _worth_showing(self, review: Review) -> bool:
        """Replies live in reviews of their own, which nobody wants to see apart from their thread."""
        return bool(review.body) or any(c.review is review for c in self._placed.values())

    def _reviewed(self, review: Review) -> Event:
        assert review.submitted_at is not None
        said = Said(f"r{review.id}", *_who(review.user), review.submitted_at, render(review.body))
        threads = tuple(t for t in self._threads if self._placed[t.id].review is review)
        return Event("review", review.submitted_at, said, review.state.lower().replace("_", " "), review.commit, threads)

    def _said(self, comment: IssueComment | ReviewComment) -> Said:
        replaced = self._replaced(comment) if isinstance(comment, ReviewComment) else None
        html = render(comment.body, replaced)
        return Said(str(comment.id), *_who(comment.user), comment.created_at, html, comment.minimized)

    def _discussion(self, first: ReviewComment) -> Discussion:
        comments = tuple(self._said(c) for c in self.pull.review_comments if c.thread is first.thread)
        start, line = first.original_start_line, first.original_line
        lines = "" if line is None else f"line {line}" if start is None else f"lines {start} to {line}"
        outdated = first.line is None and first.subject_type == "line"
        hunk = lines_of("\n".join(first.diff_hunk.split("\n")[-4:]), "diff") if outdated else ()
        gist = first_line(first.body)
        return Discussion(first.id, first.path, lines, gist, comments, first.thread.resolved_by is not None, outdated, hunk)

    def _replaced(self, comment: ReviewComment) -> Replaced:
        line, start = comment.original_line, comment.original_start_line
        if line is None or comment.side == "LEFT":
            return Replaced(comment.path, (), 1, applicable=False)
        first = start or line
        source = self._text(comment.original_commit, comment.path).split("\n")
        return Replaced(comment.path, tuple(source[first - 1 : line]), first, comment.line is not None)

    # The diff

    def _text(self, commit: str, path: str) -> str:
        try:
            return self._git.run("cat-file", "blob", f"{commit}:{path}").decode("utf-8", "replace")
        except GitError:
            return ""

    def _file(self, number: int, file: FileDiff) -> File:
        old = lines_of(self._text(self._start, file.previous or file.path), file.path) if file.status != "added" else ()
        new = lines_of(self._text(self.pull.head_sha, file.path), file.path) if file.status != "removed" else ()
        openers = [(t, self._placed[t.id]) for t in self._threads if t.path == file.path]
        rows = tuple(row for hunk in file.hunks for row in self._rows(hunk, old, new, openers))
        whole = tuple(t for t, c in openers if c.subject_type == "file")
        return File(f"f{number}", file.path, file.previous, file.status, file.additions, file.deletions, rows, whole)

    def _rows(
        self, hunk: Hunk, old: tuple[Markup, ...], new: tuple[Markup, ...], openers: list[tuple[Discussion, ReviewComment]]
    ) -> list[Row]:
        rows = [Row("hunk", None, None, hunk.header)]
        for line in hunk.lines:
            here = tuple(t for t, c in openers if _stands(c, line))
            marked = any(_covers(c, line) for _, c in openers)
            kind = {"+": "add", "-": "del", " ": "same"}[line.kind]
            rows.append(Row(kind, line.old, line.new, _coloured(line, old, new), marked, here))
        return rows


def _note(annotation: dict[str, Any]) -> Note:
    first, last, level = annotation["start_line"], annotation["end_line"], annotation["annotation_level"]
    title, lines = annotation.get("title") or level.capitalize(), f"{first}" if first == last else f"{first}–{last}"
    return Note(level, title, annotation["path"], lines, first, render(annotation["message"]))


def _who(account: Account) -> tuple[str, bool]:
    return account.login, account.type == "Bot"


def _coloured(line: Line, old: tuple[Markup, ...], new: tuple[Markup, ...]) -> Markup | str:
    number, lines = (line.old, old) if line.kind == "-" else (line.new, new)
    return lines[number - 1] if number is not None and number <= len(lines) else line.text


def _stands(comment: ReviewComment, line: Line) -> bool:
    return comment.line is not None and comment.subject_type == "line" and _number(line, comment.side) == comment.line


def _covers(comment: ReviewComment, line: Line) -> bool:
    """Whether the line lies in the range a comment speaks about."""
    number = _number(line, comment.side)
    return comment.line is not None and number is not None and (comment.start_line or comment.line) <= number <= comment.line


def _number(line: Line, side: Side) -> int | None:
    """The line's number on a side, where it is one of that side: context counts as the right one."""
    if side == "RIGHT":
        return line.new
    return line.old if line.kind == "-" else None
