"""What was said on a pull request before: the findings that our comments tell, and those that people accepted.

All of it is read from GitHub, where people see it and can delete it: a comment tells its findings by hidden marks, an
acceptance is our answer to the command that asked for it. Only what our own App wrote counts; others may copy a mark.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import msgspec

import analyzers
from analyzers import Accepted, Finding, Review
from bot.answers import Account, Comment

_ACCEPTED = re.compile(r"<!-- cliffguard:accepted:([A-Za-z0-9+/=]+) -->")


@dataclass(frozen=True)
class OwnComment:
    """One of our comments on the diff, with the fingerprints of the findings it tells."""

    id: int
    node: str
    path: str
    body: str
    answered: bool  # by a person, in its thread
    liked: int = 0
    disliked: int = 0

    @property
    def marks(self) -> tuple[analyzers.Mark, ...]:
        return analyzers.marks_in(self.body)

    @property
    def fingerprints(self) -> frozenset[str]:
        return frozenset(mark.fingerprint for mark in self.marks)

    @property
    def fixed(self) -> bool:
        """Whether it says that its findings are gone."""
        return bool(analyzers.fixed_in(self.body))


class Acceptance(msgspec.Struct, frozen=True):
    """Findings that somebody accepted by a command: the beginning of a fingerprint, who, and why."""

    finding: str
    by: str
    reason: str

    def covers(self, finding: Finding) -> bool:
        return finding.fingerprint.startswith(self.finding)

    @property
    def marker(self) -> str:
        """The hidden last line of the answer that records it."""
        return f"<!-- cliffguard:accepted:{base64.b64encode(msgspec.json.encode(self)).decode()} -->"


@dataclass(frozen=True)
class Conversation:
    """What a review has to respect."""

    told: tuple[OwnComment, ...] = ()
    acceptances: tuple[Acceptance, ...] = ()

    @property
    def summary(self) -> analyzers.Told:
        """What the placing of findings has to know of it."""
        return analyzers.Told(frozenset().union(*(comment.fingerprints for comment in self.told)), len(self.told))

    def applied(self, review: Review) -> Review:
        """The review, with what people accepted taken out of what is new."""
        covered = [(finding, self._acceptance(finding)) for finding in review.new]
        accepted = tuple(
            Accepted(finding, f"by @{acceptance.by}: {acceptance.reason}") for finding, acceptance in covered if acceptance
        )
        remaining = tuple(finding for finding, acceptance in covered if not acceptance)
        return msgspec.structs.replace(review, new=remaining, accepted=(*review.accepted, *accepted))

    def unused(self, review: Review) -> list[Acceptance]:
        """Acceptances that cover nothing a review of this pull request ever told."""
        told = self.summary.fingerprints
        known = [*review.new, *review.kept, *review.fixed, *(one.finding for one in review.accepted)]
        return [
            one
            for one in self.acceptances
            if not any(one.covers(finding) for finding in known) and not any(print.startswith(one.finding) for print in told)
        ]

    def _acceptance(self, finding: Finding) -> Acceptance | None:
        return next((one for one in self.acceptances if one.covers(finding)), None)


def read_told(comments: Iterable[Comment], is_ours: Callable[[Account | None], bool]) -> tuple[OwnComment, ...]:
    """Our comments on the diff that tell findings, oldest first."""
    everything = list(comments)
    replies = {c.in_reply_to_id for c in everything if c.in_reply_to_id and not is_ours(c.user)}
    return tuple(
        OwnComment(c.id, c.node_id, c.path, c.body, c.id in replies, *_reactions(c))
        for c in everything
        if not c.in_reply_to_id and is_ours(c.user) and analyzers.marks_in(c.body)
    )


def _reactions(comment: Comment) -> tuple[int, int]:
    reactions = comment.reactions
    return (reactions.likes, reactions.dislikes) if reactions else (0, 0)


def read_acceptances(comments: Iterable[Comment], is_ours: Callable[[Account | None], bool]) -> tuple[Acceptance, ...]:
    """What our answers in the conversation record; the first of a finding counts."""
    found: dict[str, Acceptance] = {}
    for comment in comments:
        for acceptance in _recorded(comment.body) if is_ours(comment.user) else ():
            found.setdefault(acceptance.finding, acceptance)
    return tuple(found.values())


def _recorded(body: str) -> Sequence[Acceptance]:
    """Of the hidden lines at the end of an answer; what stands above them quotes people."""
    found = []
    for line in reversed(body.rstrip().splitlines()):
        if not (line.startswith("<!--") and line.endswith("-->")):
            break
        if match := _ACCEPTED.fullmatch(line):
            found.append(msgspec.json.decode(base64.b64decode(match[1]), type=Acceptance))
    return found[::-1]


@dataclass(frozen=True)
class Change:
    """A comment of ours that is to read otherwise; `hidden`: to be minimised (true), shown again (false), or left as it is."""

    comment: OwnComment
    body: str
    hidden: bool | None = None


def changes(
    told: Sequence[OwnComment], present: frozenset[str], unread: frozenset[str], rewritten: dict[frozenset[str], str], head: str
) -> list[Change]:
    """What our earlier comments have to say now, each once.

    `present`: fingerprints of what the head still has. `unread`: paths that could not be analysed, of which nothing is known.
    `rewritten`: texts of findings that comments tell in part, by their fingerprints. A comment that somebody answered is never
    hidden.
    """
    found = []
    for comment in told:
        gone = not comment.fingerprints & present
        text = next((body for prints, body in rewritten.items() if comment.fingerprints & prints), None)
        if gone and not comment.fixed and comment.path not in unread:
            found.append(Change(comment, analyzers.as_fixed(comment.body, head), None if comment.answered else True))
        elif not gone and comment.fixed:
            found.append(Change(comment, text or analyzers.as_open(comment.body), False))
        elif text is not None and not comment.fixed:
            found.append(Change(comment, text))
    return found
