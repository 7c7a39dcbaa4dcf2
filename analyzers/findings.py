"""What a rule says (`Finding`), and what a review concludes from two sets of findings (`Review`)."""

from __future__ import annotations

import hashlib
from enum import StrEnum

import msgspec

from analyzers.deployment.pictures import Picture
from analyzers.readiness.values import Readiness
from analyzers.source import Place


class Severity(StrEnum):
    """How bad it is when it is true. Declared worst first."""

    CRITICAL = "critical"
    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"

    def at_least(self, threshold: Severity) -> bool:
        """`Severity.HIGH.at_least(Severity.MEDIUM)` is true."""
        order = list(Severity)
        return order.index(self) <= order.index(threshold)


class Confidence(StrEnum):
    """How sure we are that it is true. Never mixed with severity."""

    CERTAIN = "certain"
    LIKELY = "likely"
    POSSIBLE = "possible"


class Related(msgspec.Struct, frozen=True):
    """Another place one must see to understand, and what stands there (`Order.customer is a foreign key`)."""

    place: Place
    note: str


class Edit(msgspec.Struct, frozen=True, order=True):
    """Replace the bytes `start`..`end` of the file by `text`."""

    start: int
    end: int
    text: str


class Fix(msgspec.Struct, frozen=True):
    """A change that removes the finding: edits of one file, in order, not overlapping. `young`: the file is applied once, so
    only the change that brings it may still edit it; then it needs no new one."""

    title: str
    path: str
    edits: tuple[Edit, ...]
    young: bool = False


class NewFile(msgspec.Struct, frozen=True):
    """A file to add along with what a finding asks for: the migration that makes an index.

    Files that differ in their `items` alone are one file with all of them. `follows` names what only one file can come right
    after: of those of several findings that do, there is one with the `imports` and items of all, or, where each must stand
    alone (`turn`, the part of its path that counts), one after the other.
    """

    path: str
    language: str
    before: str
    items: tuple[str, ...]
    after: str
    opening: str = ""
    imports: tuple[str, ...] = ()
    follows: str = ""
    turn: str = ""

    @property
    def text(self) -> str:
        """All of it."""
        return "".join((self.opening, *(f"{line}\n" for line in self.imports), self.before, *self.items, self.after))


class Passing(msgspec.Struct, frozen=True):
    """Says of a problem that it lasts as long as a file is applied, once: it is one only of the change that brings the file.

    `after` are files that must have been there before the change; where one of them is new too, there is no problem.
    """

    after: tuple[str, ...] = ()


class Measure(msgspec.Struct, frozen=True):
    """A quantity that both revisions of a comparison may have, by its name: what a change does to it is told as a difference.

    `what` is it in words (`the worst case`), `limit` how much of it there may be.
    """

    name: str
    what: str
    value: int
    limit: int


class Finding(msgspec.Struct, frozen=True):
    """One problem at one place.

    Its identity is `(rule, subject)`. The subject is symbolic (`shop.views.order_list: Order.customer`), never a line
    number, so it survives reformatting and moving.
    """

    rule: str
    subject: str
    title: str  # "1 + N queries: `Order.customer` is loaded once per order"
    message: str  # what happens, in the project's own names; Markdown, one or two sentences
    growth: str  # "1 + N queries: 101 for 100 orders"; empty where the problem has no law
    remedy: str  # what to do, one sentence
    code: str  # code to paste, or ""
    code_language: str  # python, php, sql, …: the fence of `code`
    place: Place
    related: tuple[Related, ...] = ()
    evidence: tuple[str, ...] = ()  # why we know: one fact a line
    severity: Severity = Severity.MEDIUM
    confidence: Confidence = Confidence.LIKELY
    fix: Fix | None = None
    cause: str = ""  # what one edit would mend; findings of one cause are told together
    wider: str = ""  # the same of several causes: a statement that lacks more than one thing
    parts: tuple[str, ...] = ()  # subjects that it would have if it said less: the first of several hops
    also: tuple[str, ...] = ()  # subjects of the findings that this one tells too
    passing: Passing | None = None  # it is one only while its file is applied
    listed: str = ""  # why it is listed, and has no comment of its own: it is true, but hardly worth one
    withheld: str = ""  # why it is not told, though as far as the code was read it is true
    files: tuple[NewFile, ...] = ()  # to be added with the code
    measure: Measure | None = None  # what has grown too large, if the base had it too

    @property
    def identities(self) -> frozenset[tuple[str, str]]:
        """Its own, and those of the findings it tells too."""
        return frozenset((self.rule, subject) for subject in (self.subject, *self.also))

    @property
    def identity(self) -> tuple[str, str]:
        return (self.rule, self.subject)

    @property
    def fingerprint(self) -> str:
        """Twenty hexadecimal digits of the identity."""
        return digest(*self.identity)

    @property
    def known_as(self) -> frozenset[str]:
        """Every fingerprint under which it may have been told: alone, as one of several, or as part of more."""
        return frozenset(digest(self.rule, subject) for subject in (self.subject, *self.also, *self.parts))


_AT = "at "


def at_place(place: Place) -> str:
    """The name of a cause that is mended at a place."""
    return f"{_AT}{place.path}:{place.span.start_line}:{place.span.start_column}"


def in_function(path: str, function: str) -> str:
    """The name of a cause that is mended in a function."""
    return f"{_AT}{path}:{function}"


def says_where(cause: str) -> bool:
    """Whether a cause is named by where it is mended, and not by what is missing: other things may be mended there."""
    return cause.startswith(_AT)


def digest(rule: str, subject: str) -> str:
    """The fingerprint of an identity."""
    return hashlib.sha256(f"{rule}\0{subject}".encode(errors="surrogatepass")).hexdigest()[:20]


class Problem(msgspec.Struct, frozen=True):
    """Something that was not analysed, and why: never a pass in disguise. `path` is empty for the whole revision."""

    path: str
    line: int
    text: str


class Accepted(msgspec.Struct, frozen=True):
    """A new finding that an ignore comment or the configuration accepts."""

    finding: Finding
    reason: str
    configured: bool = False  # by the configuration


class Review(msgspec.Struct, frozen=True):
    """The comparison of two revisions, each finding in the words of the revision it stands in (`fixed`: the base)."""

    new: tuple[Finding, ...] = ()
    fixed: tuple[Finding, ...] = ()
    kept: tuple[Finding, ...] = ()
    accepted: tuple[Accepted, ...] = ()
    problems: tuple[Problem, ...] = ()
    readiness: Readiness = Readiness()
    pictures: tuple[Picture, ...] = ()
