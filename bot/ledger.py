"""The trust ledger: what became of each rule's comments in a repository, and what follows from it.

When a pull request is closed, each finding that a comment of ours told there has a fate. A rule whose comments are seldom acted
on is demoted: its findings are listed in the check run and have no comment of their own, till the configuration says otherwise,
or somebody who can push, or until what is known of it is too old. No model judges anything: these are counts, kept in Valkey.
"""

from __future__ import annotations

import time
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from enum import StrEnum
from typing import Any

import msgspec

import analyzers
from analyzers import Review
from bot.conversation import OwnComment

ENOUGH = 10  # fates of a rule from which on they say something
LATEST = 50  # fates of a rule that count
KEPT = 90 * 86400  # seconds
MOST = 2000  # fates of a repository that are kept
OPEN = 30 * 86400  # seconds for which a pull request's acceptances are remembered


class Fate(StrEnum):
    """What became of a finding that was told in a comment."""

    FIXED = "fixed"
    ACCEPTED = "accepted"
    IGNORED = "ignored"  # merged as it was
    DISMISSED = "dismissed"  # the same, and somebody resolved the thread or did not like the comment


class Standing(msgspec.Struct, frozen=True):
    """How often each fate came to the latest comments of a rule."""

    fixed: int = 0
    accepted: int = 0
    ignored: int = 0
    dismissed: int = 0

    @property
    def comments(self) -> int:
        return self.fixed + self.accepted + self.ignored + self.dismissed

    def is_under(self, percent: int) -> bool:
        """Whether fewer than so many of a hundred were fixed, as far as there are enough to say."""
        return self.comments >= ENOUGH and 100 * self.fixed < percent * self.comments

    @property
    def words(self) -> str:
        parts = ", ".join(f"{getattr(self, fate)} {fate}" for fate in Fate if getattr(self, fate))
        return f"of the last {self.comments} comments, {parts}"


class _Entry(msgspec.Struct, frozen=True, array_like=True):
    fate: Fate
    at: int  # seconds since the epoch


_decode = msgspec.json.Decoder(_Entry).decode
_decode_standings = msgspec.json.Decoder(dict[str, Standing]).decode


def fates(
    told: Iterable[OwnComment], accepted: Collection[str], resolved: Collection[int], *, merged: bool
) -> Iterator[tuple[str, str, Fate]]:
    """Rule, fingerprint and fate of what comments told, once the pull request is closed.

    What was neither fixed nor accepted says nothing where nothing was merged, nor where somebody liked the comment.
    """
    for comment in told:
        for mark in comment.marks:
            if comment.fixed:
                yield mark.rule, mark.fingerprint, Fate.FIXED
            elif mark.fingerprint in accepted:
                yield mark.rule, mark.fingerprint, Fate.ACCEPTED
            elif merged and (comment.id in resolved or comment.disliked > comment.liked):
                yield mark.rule, mark.fingerprint, Fate.DISMISSED
            elif merged and not comment.liked:
                yield mark.rule, mark.fingerprint, Fate.IGNORED


class Ledger:
    """That of one repository."""

    def __init__(self, connection: Any, repository: int) -> None:
        self._connection = connection
        self._fates = f"cliffguard:ledger:{repository}"
        self._standings = f"cliffguard:standings:{repository}"
        self._accepted = f"cliffguard:accepted:{repository}"

    def accept(self, number: int, review: Review, told: frozenset[str]) -> None:
        """What is accepted on an open pull request now, of what was told there."""
        if not told:
            return
        fingerprints = {print for one in review.accepted for print in one.finding.known_as} & told
        if fingerprints:
            self._connection.set(f"{self._accepted}-{number}", msgspec.json.encode(sorted(fingerprints)), ex=OPEN)
        else:
            self._connection.delete(f"{self._accepted}-{number}")

    def accepted(self, number: int) -> frozenset[str]:
        found = self._connection.get(f"{self._accepted}-{number}")
        return frozenset(msgspec.json.decode(found, type=list[str])) if found else frozenset()

    def close(self, number: int, outcomes: Sequence[tuple[str, str, Fate]], now: float | None = None) -> None:
        """Enters the fates of a pull request's findings. Twice is once; after reopening they are judged again."""
        at = int(time.time() if now is None else now)
        entries = {f"{rule}|{number}|{print}": msgspec.json.encode(_Entry(fate, at)) for rule, print, fate in outcomes}
        if entries:
            self._connection.hset(self._fates, mapping=entries)
        self._connection.delete(f"{self._accepted}-{number}")
        self._reckon(at)

    def standings(self) -> Mapping[str, Standing]:
        """How each rule stands; nothing of a rule without fates."""
        found = self._connection.get(self._standings)
        return _decode_standings(found) if found else {}

    def demoted(self, percent: int) -> dict[str, Standing]:
        """The rules under the floor."""
        return {rule: standing for rule, standing in self.standings().items() if standing.is_under(percent)} if percent else {}

    def forget(self, rule: str) -> None:
        """Gives a rule a new beginning."""
        fields = [key for key in self._connection.hkeys(self._fates) if _text(key).startswith(f"{rule}|")]
        if fields:
            self._connection.hdel(self._fates, *fields)
        self._reckon(int(time.time()))

    def _reckon(self, now: int) -> None:
        """Lets go of what is too old or too much, and sums up the rest for the reviews."""
        everything = {_text(key): _decode(value) for key, value in self._connection.hgetall(self._fates).items()}
        latest = sorted(everything, key=lambda key: -everything[key].at)
        gone = [key for at, key in enumerate(latest) if at >= MOST or everything[key].at < now - KEPT]
        if gone:
            self._connection.hdel(self._fates, *gone)
        counts: dict[str, Counter[Fate]] = defaultdict(Counter)
        for key in latest[: len(latest) - len(gone)]:
            rule = key.partition("|")[0]
            if counts[rule].total() < LATEST:
                counts[rule][everything[key].fate] += 1
        standings = {rule: Standing(**{fate.value: count for fate, count in found.items()}) for rule, found in counts.items()}
        self._connection.set(self._standings, msgspec.json.encode(standings), ex=KEPT)
        self._connection.expire(self._fates, KEPT)


def demoted(review: Review, settings: analyzers.Settings, told: frozenset[str], standings: Mapping[str, Standing]) -> Review:
    """The review, with what demoted rules found only listed. What was told before keeps its comment."""
    new = tuple(
        finding
        if finding.rule not in standings or finding.fingerprint in told
        else analyzers.demoted(finding, settings, _reason(finding.rule, standings[finding.rule]))
        for finding in review.new
    )
    return msgspec.structs.replace(review, new=new)


def _reason(rule: str, standing: Standing) -> str:
    """Why a finding of a demoted rule has no comment, and how that ends."""
    return (
        f"Findings of this rule are listed only: {standing.words}. `/cliffguard trust {rule}` brings its comments back, and so "
        f"does `rules: {{comments: [{rule}]}}` in the configuration."
    )


def _text(value: bytes | str) -> str:
    return value.decode() if isinstance(value, bytes) else value
