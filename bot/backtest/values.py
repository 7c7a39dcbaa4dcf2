"""The vocabulary of a backtest."""

from __future__ import annotations

from enum import StrEnum

import msgspec

from analyzers import Finding


class Change(msgspec.Struct, frozen=True):
    """A commit of the default branch: `number` is that of its pull request, 0 where it names none."""

    commit: str
    title: str
    at: str  # ISO 8601
    number: int = 0


class Pull(msgspec.Struct, frozen=True):
    """A merged pull request: what it brought is `base`..`head`; `change` is where the default branch has it."""

    change: Change
    base: str
    head: str


class Told(msgspec.Struct, frozen=True):
    """A finding as the App would have told it: as a comment or, with the reason, in the check run alone."""

    finding: Finding
    elsewhere: str = ""
    suggested: bool = False
    blocking: bool = False


class Reviewed(msgspec.Struct, frozen=True):
    """What the App would have said of a pull request; `error`: why there is no review."""

    pull: Pull
    conclusion: str = ""  # of the check run
    title: str = ""
    told: tuple[Told, ...] = ()
    accepted: int = 0
    mended: int = 0  # findings of the base that the pull request removes
    unread: int = 0
    seconds: float = 0.0
    error: str = ""

    @property
    def comments(self) -> int:
        return sum(not one.elsewhere for one in self.told)

    @property
    def failed(self) -> bool:
        return self.conclusion == "failure"


class State(StrEnum):
    """What became of a finding up to today."""

    FIXED = "fixed"
    REMOVED = "removed"  # its file is gone
    ACCEPTED = "accepted"  # by a comment or the configuration
    PRESENT = "still there"
    PAST = "past"  # it was one only while a migration ran
    UNKNOWN = "not known"


class Fate(msgspec.Struct, frozen=True):
    """The state, and where it is known the change with which it came."""

    state: State
    by: Change | None = None


def key_of(reviewed: Reviewed, told: Told) -> str:
    """The name of a finding of one pull request."""
    return f"{reviewed.pull.change.commit[:12]}:{told.finding.fingerprint}"


class Backtest(msgspec.Struct, frozen=True):
    """A whole run. `fates`: of what was told, by `key_of`; empty where nobody looked."""

    name: str
    branch: str
    head: Change
    reviews: tuple[Reviewed, ...]
    fates: dict[str, Fate]
    page: str = ""  # where the repository is seen, for links
    seconds: float = 0.0

    @property
    def done(self) -> list[Reviewed]:
        return [one for one in self.reviews if not one.error]

    @property
    def told(self) -> list[Told]:
        return [told for one in self.reviews for told in one.told]

    def fate(self, reviewed: Reviewed, told: Told) -> Fate:
        return self.fates.get(key_of(reviewed, told), Fate(State.UNKNOWN))

    def counted(self, state: State) -> int:
        """How many of those that were told are in a state."""
        return sum(fate.state is state for fate in self.fates.values())
