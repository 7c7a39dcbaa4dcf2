"""What the receiver asks of a worker: one `Job`, small enough for a queue and complete without any call to GitHub."""

from __future__ import annotations

import hashlib
from enum import StrEnum

import msgspec


class Work(StrEnum):
    """What is to be done."""

    REVIEW = "review"  # analyse and publish on a pull request
    MERGE_GROUP = "merge_group"  # analyse the combined tree of a merge queue entry; a check run, no comments
    CANCEL = "cancel"  # the pull request was closed: conclude what is under way


class Job(msgspec.Struct, frozen=True):
    """One piece of work. `head` and `base` are commit ids; `base` is empty where the event does not say it.

    `number` is 0 for a merge group and for a re-run whose pull request the event does not name (forks): the worker then
    finds it by `head`. `attempt` tells a re-run of the same head, asked for by a person, from a duplicate. `updated` is when
    the pull request last changed (ISO 8601, UTC), as the event says it: it orders events that arrive out of order.
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

    @property
    def subject(self) -> str:
        """What a newer job supersedes and a lease protects: `123-42` (repository id, pull request), or `123-g-<head>`."""
        return f"{self.repository_id}-{self.number}" if self.number else f"{self.repository_id}-g-{self.head[:12]}"

    @property
    def id(self) -> str:
        """Unique per subject, head, work and attempt; of the characters a queue allows."""
        attempt = hashlib.sha256(self.attempt.encode()).hexdigest()[:8] if self.attempt else "0"
        return f"{self.work}-{self.subject}-{self.head[:12]}-{attempt}"
