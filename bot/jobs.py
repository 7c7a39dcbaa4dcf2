"""What the receiver asks of a worker: one `Job`, small enough for a queue and complete without any call to GitHub."""

from __future__ import annotations

import hashlib
from enum import StrEnum

import msgspec

READINESS = "cliffguard readiness"
"""The name of the check run that tells what the default branch has. Nobody requires it."""


class Work(StrEnum):
    """What is to be done."""

    REVIEW = "review"  # analyse and publish on a pull request
    MERGE_GROUP = "merge_group"  # analyse the combined tree of a merge queue entry; a check run, no comments
    CANCEL = "cancel"  # the pull request was closed: conclude what is under way
    READINESS = "readiness"  # report once what the default branch has; a check run of its own
    COMMAND = "command"  # somebody asked for something: `/cliffguard …`, or a button of the check run


class Command(msgspec.Struct, frozen=True):
    """What somebody asked for. `comment` is the comment that says it (0: a button), `thread` the one it answers on the diff."""

    text: str  # what follows `/cliffguard`
    by: str
    comment: int = 0
    thread: int = 0


class Button(msgspec.Struct, frozen=True):
    """A button of a completed check run. `command` is what pressing it says; without one it asks for another review."""

    identifier: str
    label: str
    description: str
    command: str = ""


BUTTONS = (
    Button("recheck", "Recheck", "Review this commit once more."),
    Button("ignore", "Accept all findings", "They no longer fail the check.", "ignore all accepted in the check run"),
)
"""At most three, of 20, 20 and 40 characters."""


class Job(msgspec.Struct, frozen=True):
    """One piece of work. `head` and `base` are commit ids; `base` is empty where the event does not say it.

    `number` is 0 for a merge group and for a re-run whose pull request the event does not name (forks): the worker then
    finds it by `head`, which in turn is empty where a comment asks for something. `attempt` tells a re-run of the same head,
    asked for by a person, from a duplicate. `updated` is when the pull request last changed (ISO 8601, UTC), as the event says
    it: it orders events that arrive out of order. `trace` is where its delivery is in a trace (W3C's `traceparent`).
    """

    work: Work
    installation: int
    repository_id: int
    owner: str
    repository: str
    number: int
    head: str
    base: str = ""
    draft: bool = False
    reason: str = ""  # "pull_request.opened"
    delivery: str = ""
    attempt: str = ""
    updated: str = ""
    command: Command | None = None
    trace: str = ""

    @property
    def subject(self) -> str:
        """What a newer job supersedes and a lease protects: `123-42` (repository id, pull request), or `123-g-<head>`.

        A command is done beside all others: `123-c-<digest>`; so is the report of the default branch: `123-r`.
        """
        if self.work is Work.READINESS:
            return f"{self.repository_id}-r"
        if self.command is not None:
            return f"{self.repository_id}-c-{_digest(f'{self.number} {self.head} {self.command.comment} {self.attempt}')}"
        return f"{self.repository_id}-{self.number}" if self.number else f"{self.repository_id}-g-{self.head[:12]}"

    @property
    def id(self) -> str:
        """Unique per subject, head, work and attempt; of the characters a queue allows."""
        attempt = _digest(self.attempt) if self.attempt else "0"
        return f"{self.work}-{self.subject}-{self.head[:12]}-{attempt}"


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:8]
