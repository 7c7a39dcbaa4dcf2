"""The configuration as values: what one file says, and what all of a revision's say together."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Literal

import msgspec

from analyzers.knowledge.own import OwnLibrary

PATH = ".cliffguard.yml"
PATHS = (PATH, ".github/cliffguard.yml")
"""Where the configuration of a whole repository may be; the first that is there counts."""

FailOn = Literal["critical", "high", "medium", "low", "never"]
Database = Literal["postgresql", "mysql", "sqlite"]
Count = Annotated[int, msgspec.Meta(ge=0, le=100)]
Many = Annotated[int, msgspec.Meta(ge=1)]


class Acceptance(msgspec.Struct, frozen=True):
    """Findings that are known and accepted. `path` is a pattern as in `.gitignore`; `rule` may be `*`."""

    rule: str
    path: str
    reason: str


class Declared(msgspec.Struct, frozen=True):
    """An acceptance as a review applies it, and the file that declares it; without one, it is that of an organisation."""

    acceptance: Acceptance
    pattern: str  # seen from the root
    source: str = PATH


class Tables(msgspec.Struct, frozen=True):
    """What the code cannot say of tables. `small` ones never grow (countries, roles), so reading them all is fine."""

    small: tuple[str, ...] = ()


class Level(StrEnum):
    """What a configuration has findings of a rule do."""

    BLOCKS = "blocks"
    COMMENTS = "comments"
    LISTS = "lists"
    DISABLED = "disabled"


class Rules(msgspec.Struct, frozen=True):
    """Rules with a level of their own: they fail the check, only comment, are only listed, or do not run. All others comment,
    and fail the check by their severity."""

    blocks: tuple[str, ...] = ()
    comments: tuple[str, ...] = ()
    lists: tuple[str, ...] = ()
    disabled: tuple[str, ...] = ()

    def level(self, rule: str) -> Level | None:
        """The strictest silence wins where a rule is named twice."""
        return next((level for level in reversed(Level) if rule in getattr(self, level)), None)


class Limits(msgspec.Struct, frozen=True):
    """How many comments there may be: new ones in one push, and all of a pull request, of one rule in it, on one file.

    GitHub answered reviews of 30 and more comments with 502 though it had created them, or with secondary limits.
    """

    push: Count = 25
    pull_request: Count = 60
    rule: Count = 20
    file: Count = 15


class Peak(msgspec.Struct, frozen=True):
    """The most that is expected to happen at once: users who are there together, requests in a second."""

    users: Many | None = None
    requests_per_second: Many | None = None


class DatabaseServer(msgspec.Struct, frozen=True):
    """The server that no file of the repository states: a provider's plan (`heroku/standard-0`), or how many connections it
    accepts (`max_connections`), and how many of these are not for the application (`reserved`)."""

    plan: str | None = None
    max_connections: Many | None = None
    reserved: Annotated[int, msgspec.Meta(ge=0)] | None = None


class Configuration(msgspec.Struct, frozen=True):
    """What one file says. An unset `fail_on` or `database` leaves the choice to the service or the code."""

    fail_on: FailOn | None = None
    database: Database | None = None
    database_server: DatabaseServer = DatabaseServer()
    exclude: tuple[str, ...] = ()
    ignore: tuple[Acceptance, ...] = ()
    honour_inline: bool | None = None
    tables: Tables = Tables()
    rules: Rules = Rules()
    comments: Limits = Limits()
    expected_peak: Peak = Peak()
    libraries: tuple[OwnLibrary, ...] = ()

    def has_small(self, *names: str) -> bool:
        """Whether a table that goes by these names never grows."""
        return not {name.lower() for name in names}.isdisjoint(name.lower() for name in self.tables.small)


class Nested(msgspec.Struct, frozen=True):
    """The configuration of a folder: what its own file says, and what counts in it, with what it inherits."""

    folder: str
    own: Configuration
    whole: Configuration


class Settings(Configuration, frozen=True):
    """The configuration of a revision. `source` is its file; `nested` those of folders, the deepest first."""

    source: str = PATH
    nested: tuple[Nested, ...] = ()
    inherited: tuple[Acceptance, ...] = ()  # of the organisation

    def at(self, path: str) -> Configuration:
        """What counts for a file: the nearest configuration, with what it inherits."""
        return next((one.whole for one in self.nested if path.startswith(f"{one.folder}/")), self)

    def excluded(self) -> tuple[str, ...]:
        """Patterns of the files that are not analysed, seen from the root."""
        return (*self.exclude, *(under(one.folder, pattern) for one in self.nested for pattern in one.own.exclude))

    def declared(self) -> tuple[Declared, ...]:
        """All acceptances, the repository's own first."""
        here = [Declared(entry, entry.path, self.source) for entry in self.ignore]
        below = [
            Declared(entry, under(one.folder, entry.path), f"{one.folder}/{PATH}")
            for one in self.nested
            for entry in one.own.ignore
        ]
        return (*here, *below, *(Declared(entry, entry.path, "") for entry in self.inherited))

    def runs(self, rule: str) -> bool:
        """Whether the rule is on anywhere."""
        return any(one.rules.level(rule) is not Level.DISABLED for one in (self, *(nested.whole for nested in self.nested)))


def under(folder: str, pattern: str) -> str:
    """A pattern of a folder's configuration, as one of the root's."""
    literal = "".join(f"[{char}]" if char in "*?[" else char for char in folder)
    deep = "" if "/" in pattern.rstrip("/") else "**/"
    return f"{literal}/{deep}{pattern.lstrip('/')}"


def joined(outer: Configuration, inner: Configuration) -> Configuration:
    """What counts where `inner` is nearer: what it says, else what `outer` says. Tables add up; of each rule, the nearest
    file that names it decides. Patterns are not inherited: they are seen from the folder that they stand in."""
    named = {rule for level in Level for rule in getattr(inner.rules, level)}
    levels = {
        level: (*getattr(inner.rules, level), *(rule for rule in getattr(outer.rules, level) if rule not in named))
        for level in Level
    }
    peak, near = outer.expected_peak, inner.expected_peak
    return Configuration(
        fail_on=inner.fail_on or outer.fail_on,
        database=inner.database or outer.database,
        database_server=outer.database_server if inner.database_server == DatabaseServer() else inner.database_server,
        exclude=inner.exclude,
        ignore=inner.ignore,
        honour_inline=outer.honour_inline if inner.honour_inline is None else inner.honour_inline,
        tables=Tables(tuple(dict.fromkeys((*outer.tables.small, *inner.tables.small)))),
        rules=Rules(**{level.value: rules for level, rules in levels.items()}),
        comments=outer.comments if inner.comments == Limits() else inner.comments,
        expected_peak=Peak(near.users or peak.users, near.requests_per_second or peak.requests_per_second),
        libraries=(*outer.libraries, *inner.libraries),
    )
