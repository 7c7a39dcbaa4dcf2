"""Makes GitHub look like a review: a completed check run, and each new finding commented once. Doing it twice changes nothing.

What is already there is recognised by hidden marks in comments our App wrote itself (others may copy a mark), never by
line or wording, so a rebase, a redelivery, a reply or a second run repeats nothing. A comment whose findings are gone says so
and is minimised; it takes that back when they return. A write whose outcome is unknown is looked for before it is done again.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import analyzers
from analyzers import Finding, Place, Severity
from bot.answers import Account, Check, Rejected, Unsure
from bot.conversation import Change, Conversation, changes, read_acceptances, read_told
from bot.github import GitHub
from bot.jobs import BUTTONS
from bot.policy import Conclusion, Gate
from bot.rewriting import Rewrite

MAX_REVIEWS = 8  # requests spent on finding out which comment GitHub rejects
ANNOTATIONS = 50  # GitHub's limit for one request
MAX_ANNOTATIONS = 200  # four requests; GitHub's limit for creating content is 80 a minute
TEXT_BYTES = 60_000  # GitHub's limit for check texts is 65,535
COMMENT_CHARACTERS = 65_000  # and 65,536 for comments
MESSAGE_BYTES = 16_000
TITLE_CHARACTERS = 250
_MARKERS = re.compile(r"(?:\s*<!--[^<>]*-->)+\s*$")
_HUNK = re.compile(r"^@@ -\d+(?:,\d+)? \+(\d+)(?:,(\d+))? @@", re.M)


@dataclass(frozen=True)
class Inline:
    """A comment on the lines `start_line`..`line` of the new version; where they are 0, on the file as a whole.

    `keys` are the fingerprints of what it tells: the finding's own first, then those of others that it tells too.
    """

    keys: tuple[str, ...]
    path: str
    start_line: int
    line: int
    body: str

    @property
    def key(self) -> str:
        return self.keys[0]

    def payload(self) -> dict[str, Any]:
        at: dict[str, Any] = {"path": self.path, "line": self.line, "side": "RIGHT"}
        if self.start_line < self.line:
            at |= {"start_line": self.start_line, "start_side": "RIGHT"}
        return {**at, "body": shortened(self.body, COMMENT_CHARACTERS)}


@dataclass(frozen=True)
class Annotation:
    """A note on lines of a file, in the diff or not. `level`: failure, warning or notice."""

    path: str
    start_line: int
    end_line: int
    level: str
    title: str
    message: str

    def payload(self) -> dict[str, Any]:
        return {
            "path": self.path,
            "start_line": max(1, self.start_line),
            "end_line": max(1, self.start_line, self.end_line),
            "annotation_level": self.level,
            "title": shortened(self.title, TITLE_CHARACTERS),
            "message": cut(self.message, MESSAGE_BYTES) or self.title,
        }


@dataclass(frozen=True)
class Publication:
    """What GitHub is to show.

    `inline`: worst first; what GitHub rejects is handed to `texts` and `annotation` by its key.
    `texts(refused)`: the check run's summary and text, which must also tell the findings with those keys in full.
    `present`: fingerprints of all that the head has, old or new; `unread`: paths of which nothing is known.
    """

    conclusion: Conclusion
    review_body: str
    inline: Sequence[Inline]
    annotations: Sequence[Annotation]
    texts: Callable[[Collection[str]], tuple[str, str]]
    annotation: Callable[[str], Annotation]
    present: frozenset[str] = frozenset()
    unread: frozenset[str] = frozenset()


def publication(
    analysis: analyzers.Analysis,
    diff: str,
    conclusion: Conclusion,
    *,
    gate: Gate,
    link: Callable[[Place], str],
    limits: analyzers.Limits,
    told: analyzers.Told,
    notes: Sequence[str] = (),
) -> Publication:
    """The review in the words of the reports, each new finding on a line of `diff` or elsewhere."""
    review = analysis.review
    placement = analysis.place(analyzers.parse_diff(diff), limits, told)
    findings = {comment.finding.fingerprint: comment.finding for comment in placement.inline}
    fatal = {id(finding) for finding in gate.blocking(review.new)}

    def texts(refused: Collection[str]) -> tuple[str, str]:
        told = placement.without(lambda finding: finding.fingerprint in refused)
        output = analyzers.check_output(review, told, link, notes=[conclusion.explanation, *notes])
        return output.summary, output.text

    def annotation(finding: Finding) -> Annotation:
        title, message = analyzers.annotation_text(finding)
        level = "failure" if id(finding) in fatal else "notice" if finding.severity is Severity.LOW else "warning"
        span = finding.place.span
        return Annotation(finding.place.path, span.start_line, span.end_line, level, title, message)

    return Publication(
        conclusion,
        analyzers.review_body(review, placement),
        [
            Inline(
                tuple(mark.fingerprint for mark in analyzers.marks(comment.finding)),
                comment.path,
                comment.start_line or comment.line or 0,
                comment.line or 0,
                analyzers.comment_body(comment, link),
            )
            for comment in placement.inline
        ],
        [*_mistakes(review), *(annotation(item.finding) for item in placement.elsewhere if not item.finding.listed)],
        texts,
        lambda key: annotation(findings[key]),
        _present(review),
        frozenset(problem.path for problem in review.problems),
    )


def _mistakes(review: analyzers.Review) -> list[Annotation]:
    """What is wrong in the configuration, at its line."""
    files = set(analyzers.settings_files(problem.path for problem in review.problems))
    wrong = [problem for problem in review.problems if problem.path in files and problem.line]
    return [Annotation(one.path, one.line, one.line, "warning", "Configuration", one.text) for one in wrong]


def _present(review: analyzers.Review) -> frozenset[str]:
    """Everything under which a comment may have told what the head has."""
    there = [*review.new, *review.kept, *(accepted.finding for accepted in review.accepted)]
    return frozenset().union(*(finding.known_as for finding in there))


@dataclass(frozen=True)
class Published:
    """What was done: comments now posted, comments that were there already, comments changed, findings told elsewhere."""

    posted: int = 0
    present: int = 0
    changed: int = 0
    elsewhere: int = 0


@dataclass
class Publisher:
    """Writes on one head of one pull request (`number` 0: a check run alone)."""

    github: GitHub
    number: int
    head: str
    job_id: str
    check: Check
    pause: float = 2.0  # seconds GitHub gets to show what it may have stored before failing
    resolving: bool = False  # threads of what is fixed, too
    _reviews: int = field(default=0, repr=False)

    def publish(self, publication: Publication, conversation: Conversation) -> Published:
        """Comments first: the check run, once completed, tells where every finding is."""
        candidates = publication.inline if self.number else ()
        elsewhere = {comment.key for comment in publication.inline[len(candidates) :]}
        told = frozenset[str]().union(*(comment.fingerprints for comment in conversation.told))
        missing = [comment for comment in candidates if told.isdisjoint(comment.keys)]
        grown = {frozenset(c.keys): c.body for c in candidates if not told.issuperset(c.keys) and not told.isdisjoint(c.keys)}
        changed = self._change(changes(conversation.told, publication.present, publication.unread, grown, self.head))
        if on_lines := [comment for comment in missing if comment.line]:
            elsewhere |= self._post(publication.review_body, on_lines)
        elsewhere |= {comment.key for comment in missing if not comment.line and not self._post_on_file(comment)}
        annotations = [
            *publication.annotations,
            *(publication.annotation(c.key) for c in publication.inline if c.key in elsewhere),
        ]
        complete(self.github, self.check, publication.conclusion, *publication.texts(elsewhere), annotations=annotations)
        rejected = sum(comment.key in elsewhere for comment in missing)
        return Published(len(missing) - rejected, len(candidates) - len(missing), changed, len(elsewhere))

    def is_ours(self, user: Account | None) -> bool:
        slug = self.check.app.slug if self.check.app else None
        return user is not None and (user.login == f"{slug}[bot]" if slug else user.type == "Bot")

    def conversation(self, *, comments: bool = True, talk: bool = True) -> Conversation:
        """What was said before; without a question to GitHub of what is known to be empty."""
        told = read_told(self.github.comments(self.number), self.is_ours) if comments else ()
        accepted = read_acceptances(self.github.talk(self.number), self.is_ours) if talk else ()
        return Conversation(told, accepted)

    def _change(self, wanted: Sequence[Change]) -> int:
        rewrites = [
            Rewrite(one.comment.id, one.comment.node, shortened(one.body, COMMENT_CHARACTERS), one.hidden) for one in wanted
        ]
        if rewrites:
            self.github.rewrite(rewrites)
        if self.resolving and any(one.hidden is not None for one in wanted):
            done, again = ([one.comment.id for one in wanted if one.hidden is way] for way in (True, False))
            self.github.resolve(self.number, done, again)
        return len(rewrites)

    def _present(self) -> set[str]:
        """Fingerprints of the findings that our comments already tell."""
        return {print for comment in self.conversation(talk=False).told for print in comment.fingerprints}

    def _post(self, body: str, comments: Sequence[Inline]) -> set[str]:
        """Posts the comments in one review and returns the keys of those GitHub does not accept."""
        try:
            self._review(body, comments)
            return set()
        except Unsure:
            return self._post_rest(body, comments)
        except Rejected:
            pass
        present, lines = self._present(), self._commentable()
        rest = [comment for comment in comments if comment.key not in present]
        sound = [c for c in rest if any(first <= c.start_line <= c.line <= last for first, last in lines.get(c.path, ()))]
        refused = {comment.key for comment in rest} - {comment.key for comment in sound}
        return refused | self._post_halves(body, sound)

    def _post_rest(self, body: str, comments: Sequence[Inline]) -> set[str]:
        """After an outage: what is there is there; the rest is posted once more, then the job comes back later."""
        time.sleep(self.pause)
        present = self._present()
        rest = [comment for comment in comments if comment.key not in present]
        if not rest:
            return set()
        try:
            self._review(body, rest)
        except Rejected:
            return self._post_halves(body, rest)
        return set()

    def _post_halves(self, body: str, comments: Sequence[Inline]) -> set[str]:
        """Posts what GitHub accepts of comments it may reject as a whole, in ever smaller reviews, a bounded number."""
        if not comments:
            return set()
        if self._reviews >= MAX_REVIEWS:
            return {comment.key for comment in comments}
        try:
            self._review(body, comments)
            return set()
        except Rejected:
            if len(comments) == 1:
                return {comments[0].key}
        middle = len(comments) // 2
        return self._post_halves(body, comments[:middle]) | self._post_halves(body, comments[middle:])

    def _post_on_file(self, comment: Inline) -> bool:
        """Posts a comment on a whole file, if it is not there; whether GitHub took it."""
        body = shortened(comment.body, COMMENT_CHARACTERS)
        try:
            self.github.comment_on_file(self.number, self.head, comment.path, body)
        except Rejected:
            return False
        except Unsure:
            time.sleep(self.pause)
            if comment.key not in self._present():
                self.github.comment_on_file(self.number, self.head, comment.path, body)
        return True

    def _review(self, body: str, comments: Sequence[Inline]) -> None:
        self._reviews += 1
        marked = f"{shortened(body, COMMENT_CHARACTERS)}\n\n<!-- cliffguard:review:{self.head}:{self.job_id} -->"
        self.github.create_review(self.number, self.head, marked, [comment.payload() for comment in comments])

    def _commentable(self) -> dict[str, list[tuple[int, int]]]:
        """For each file, the line ranges of the new version that GitHub's own diff shows."""
        ranges: dict[str, list[tuple[int, int]]] = {}
        for file in self.github.files(self.number):
            for start, count in _HUNK.findall(file.patch or ""):
                size = int(count) if count else 1
                ranges.setdefault(file.filename, []).append((int(start), int(start) + size - 1))
        return ranges


def start(github: GitHub, head: str, job_id: str, *, retried: bool, details: str = "") -> Check:
    """The check run of this job, in progress. A job that may have run before looks for the run it may have created."""
    found = github.find_check(head, job_id) if retried else None
    if found is not None:
        return found
    try:
        return github.create_check(head, job_id, {"status": "in_progress", "output": _output("Reviewing", details)})
    except Unsure:
        found = github.find_check(head, job_id)
        if found is None:
            raise
        return found


def wait(github: GitHub, check: Check, reason: str) -> None:
    """The check run stays in progress and says what it waits for."""
    if check.status != "completed":
        github.update_check(
            check.id, {"status": "in_progress", "output": _output(f"Waiting: {reason}", "The review is tried again.")}
        )


def complete(
    github: GitHub,
    check: Check,
    conclusion: Conclusion,
    summary: str,
    text: str = "",
    *,
    annotations: Sequence[Annotation] = (),
) -> None:
    """Completes the check run. Annotations are appended by GitHub, so those an earlier try left there are not sent again."""
    output = _output(conclusion.title, summary, text)
    sent = check.output.annotations_count if check.output else 0
    rest = [annotation.payload() for annotation in annotations[sent:MAX_ANNOTATIONS]]
    batches = [rest[at : at + ANNOTATIONS] for at in range(0, len(rest), ANNOTATIONS)] or [[]]
    for batch in batches[:-1]:
        sent += len(batch)
        _update(github, check, {"output": {**output, "annotations": batch}}, sent)
    last = {"annotations": batches[-1]} if batches[-1] else {}
    done = {
        "status": "completed",
        "conclusion": conclusion.conclusion,
        "output": {**output, **last},
        "actions": [
            {"label": button.label, "description": button.description, "identifier": button.identifier}
            for button in BUTTONS
            if conclusion.conclusion == "failure" or not button.command
        ],
    }
    _update(github, check, done, sent + len(batches[-1]))


def _update(github: GitHub, check: Check, fields: Mapping[str, Any], annotations: int) -> None:
    """Updates, and after an outage again: the same text twice is the same text, only annotations would double."""
    try:
        github.update_check(check.id, fields)
    except Unsure:
        now = github.check(check.id)
        if fields["output"].get("annotations") and now.output and now.output.annotations_count >= annotations:
            fields = {**fields, "output": {key: value for key, value in fields["output"].items() if key != "annotations"}}
        github.update_check(check.id, fields)


def _output(title: str, summary: str, text: str = "") -> dict[str, str]:
    output = {"title": shortened(title, TITLE_CHARACTERS), "summary": cut(summary, TEXT_BYTES) or title}
    return {**output, "text": cut(text, TEXT_BYTES)} if text else output


def shortened(text: str, characters: int) -> str:
    """At most so many characters. Hidden comments at the end survive."""
    if len(text) <= characters:
        return text
    hidden = match.group(0) if (match := _MARKERS.search(text)) else ""
    return text[: max(0, characters - len(hidden) - 1)] + "…" + hidden


def cut(text: str, size: int) -> str:
    """At most `size` bytes of UTF-8, cut at a line, and saying so."""
    if len(encoded := text.encode()) <= size:
        return text
    note = "\n\n… shortened: GitHub takes no more."
    kept = encoded[: size - len(note.encode())].decode(errors="ignore")
    return kept[: kept.rfind("\n")] + note if "\n" in kept[len(kept) // 2 :] else kept + note
