"""What people ask for on a pull request: `/cliffguard recheck`, `explain`, `ignore`, `trust`, `help`, and the buttons.

Only those who can push are heard. Each command is answered once, in the conversation; an acceptance lives in that answer, so
that deleting it takes it back, and the next review of any commit respects it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any, Protocol

import analyzers
from bot.answers import Account, Check, Unsure
from bot.conversation import Acceptance, read_told
from bot.errors import Gone
from bot.github import GitHub
from bot.jobs import Command, Job, Work
from bot.ledger import Ledger

HELP = """\
`/cliffguard` does what it is asked by those who can push:

- `/cliffguard recheck` reviews the head once more.
- `/cliffguard explain NAME` says what a rule finds and what to do; `NAME` is that of a finding (`ab12cd34`) or of a rule
  (`n_plus_one`).
- `/cliffguard ignore NAME REASON` accepts a finding on this pull request; `all` accepts everything that is reported now.
  In answer to one of our comments, the name may be left out.
- `/cliffguard trust RULE` brings back the comments of a rule that is listed only, because few of them were acted on here.
- `/cliffguard help` shows this.

To accept a finding for good, say so in the code (`cliffguard: ignore[rule] reason`) or in the configuration."""

_NAME = re.compile(rf"[0-9a-f]{{{analyzers.SHORT},20}}")
_SHOWN = re.compile(rf"rule `([a-z_]+)`, `([0-9a-f]{{{analyzers.SHORT}}})`")


class Reviews(Protocol):
    """Where reviews are asked for. `bot.queue.Queue` is it."""

    @property
    def connection(self) -> Any: ...

    def submit(self, job: Job) -> object: ...


def perform(job: Job, github: GitHub, reviews: Reviews, *, retried: bool) -> None:
    """Does what the command of `job` says. Raises `Gone` where it is not to be done."""
    command = job.command
    assert command is not None
    if not github.may_write(command.by):
        raise Gone("who asked cannot push to the repository")
    pull = github.pull(job.number) if job.number else github.find_pull(job.head)
    if pull is None or pull.state != "open":
        raise Gone("the pull request is closed")
    ledger = Ledger(reviews.connection, job.repository_id)
    desk = _Desk(job, github, pull.number, command, github.checks(pull.head.sha), ledger)
    again, text = desk.answer()
    if text:
        desk.say(text, retried=retried)
    if again:
        reviews.submit(
            Job(
                Work.REVIEW,
                job.installation,
                job.repository_id,
                job.owner,
                job.repository,
                pull.number,
                pull.head.sha,
                pull.base.sha,
                pull.draft,
                reason="command.rerequested",
                attempt=f"command {job.id}",
                updated=pull.updated_at,
            )
        )


class _Desk:
    """One command at one pull request."""

    def __init__(
        self, job: Job, github: GitHub, number: int, command: Command, checks: Iterable[Check], ledger: Ledger
    ) -> None:
        self._github, self._number, self._command, self._ledger = github, number, command, ledger
        self._marker = f"<!-- cliffguard:answer:{job.id} -->"
        self._checks = sorted(checks, key=lambda check: check.id)
        self._slug = next((check.app.slug for check in self._checks if check.app and check.app.slug), None)

    def answer(self) -> tuple[bool, str]:
        """Whether to review again, and what to say."""
        word, _, rest = self._command.text.partition(" ")
        match word.lower():
            case "recheck":
                return True, ""
            case "explain":
                return False, self._explain(rest.strip())
            case "ignore":
                return self._ignore(rest.strip())
            case "trust":
                return self._trust(rest.strip())
            case "help" | "":
                return False, HELP
        return False, f"There is no command {analyzers.code_span(word)}.\n\n{HELP}"

    def say(self, text: str, *, retried: bool) -> None:
        """Once, whatever happened before."""
        body = f"{text}\n\n{self._marker}" if not text.endswith("-->") else f"{text}\n{self._marker}"
        if retried and self._said():
            return
        try:
            self._github.say(self._number, body)
        except Unsure:
            if not self._said():
                raise

    def _said(self) -> bool:
        return any(self._ours(comment.user) and self._marker in comment.body for comment in self._github.talk(self._number))

    def _ours(self, user: Account | None) -> bool:
        return user is not None and (user.login == f"{self._slug}[bot]" if self._slug else user.type == "Bot")

    def _explain(self, name: str) -> str:
        rule = name if name in analyzers.RULES else next((rule for rule, print in self._told() if print.startswith(name)), "")
        if not name or rule not in analyzers.RULES:
            known = _rules(analyzers.RULES)
            return f"`/cliffguard explain` needs the name of a finding of this pull request, or of a rule: {known}."
        return analyzers.RULES[rule].page

    def _trust(self, rule: str) -> tuple[bool, str]:
        standings = self._ledger.standings()
        if rule not in standings:
            return False, f"`/cliffguard trust` needs the name of a rule that commented here before: {_rules(standings)}."
        self._ledger.forget(rule)
        return (
            True,
            f"`{rule}` comments again in this repository. What became of its findings is forgotten: {standings[rule].words}.",
        )

    def _ignore(self, text: str) -> tuple[bool, str]:
        """Accepts what is named; in answer to a comment of ours, what that one tells."""
        name, _, reason = text.partition(" ")
        if name == "all":
            names = [print for _, print in self._told()]
        elif _NAME.fullmatch(name):
            names = [name]
        else:
            names, reason = [print for _, print in self._answered()], text
        reason = reason.strip()
        if not names:
            return (
                False,
                "There is no finding of that name here. It is `/cliffguard ignore NAME REASON`, as in `ignore ab12cd34 …`.",
            )
        if not reason:
            return (
                False,
                "Please say why: `/cliffguard ignore NAME REASON`. The check run lists what is accepted with its reason.",
            )
        by = self._command.by
        accepted = [Acceptance(name, by, reason) for name in dict.fromkeys(name[: analyzers.SHORT] for name in names)]
        listed = ", ".join(f"`{one.finding}`" for one in accepted)
        why = analyzers.code_span(reason)
        said = f"Accepted on this pull request by {by}: {listed}, because {why}. Delete this comment to take it back."
        return True, "\n".join([f"{said}\n", *(one.marker for one in accepted)])

    def _told(self) -> Iterator[tuple[str, str]]:
        """Rule and name of every finding that the newest check run or one of our comments tells, and that is not fixed."""
        for check in self._checks[-1:]:
            yield from _SHOWN.findall(check.output.text or "" if check.output else "")
        for comment in read_told(self._github.comments(self._number), self._ours):
            if not comment.fixed:
                yield from ((mark.rule, mark.fingerprint) for mark in comment.marks)

    def _answered(self) -> Iterator[tuple[str, str]]:
        for comment in read_told(self._github.comments(self._number), self._ours) if self._command.thread else ():
            if comment.id == self._command.thread:
                yield from ((mark.rule, mark.fingerprint) for mark in comment.marks)


def _rules(names: Iterable[str]) -> str:
    return ", ".join(f"`{name}`" for name in names) or "none did"
