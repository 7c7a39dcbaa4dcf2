"""Hidden marks in comments, by which a later run recognises what it said: rule and subject, never a line or a wording.

A comment's last lines carry a mark for each finding that it tells. One more says in which commit they were gone, once they are;
the comment then begins with that sentence, and gives it back if they return.
"""

from __future__ import annotations

import re

import msgspec

from analyzers.findings import Finding, digest

SHORT = 8
"""Digits of a fingerprint that people see and type."""

_TOLD = 40  # findings that one comment carries marks of
_FINDING = re.compile(r"<!-- cliffguard:finding:([a-z_]+):([0-9a-f]{20}) -->")
_FIXED = re.compile(r"<!-- cliffguard:fixed:([0-9a-f]{40,64}) -->")
_HIDDEN = re.compile(r"<!--[^<>]*-->")


class Mark(msgspec.Struct, frozen=True):
    """A finding that a comment tells: its rule, and the fingerprint of its identity."""

    rule: str
    fingerprint: str


def marks(finding: Finding) -> tuple[Mark, ...]:
    """Of the finding, and then of those that it tells too."""
    return tuple(Mark(finding.rule, digest(finding.rule, subject)) for subject in (finding.subject, *finding.also)[:_TOLD])


def marker(finding: Finding) -> str:
    """The last lines of a comment that tells `finding`."""
    return "\n".join(f"<!-- cliffguard:finding:{mark.rule}:{mark.fingerprint} -->" for mark in marks(finding))


def marks_in(body: str) -> tuple[Mark, ...]:
    """The findings that a comment tells."""
    return tuple(Mark(match[1], match[2]) for line in _hidden_lines(body) if (match := _FINDING.fullmatch(line)))


def fixed_in(body: str) -> str:
    """The commit in which the comment says its findings are gone; nothing where it does not."""
    return next((match[1] for line in _hidden_lines(body) if (match := _FIXED.fullmatch(line))), "")


def as_fixed(body: str, commit: str) -> str:
    """The comment once its findings are gone."""
    return f"**Fixed in {commit}.**\n\n{as_open(body).rstrip()}\n<!-- cliffguard:fixed:{commit} -->"


def as_open(body: str) -> str:
    """The comment as it was before it said that its findings are gone."""
    commit = fixed_in(body)
    if not commit:
        return body
    lines = [line for line in body.splitlines() if line.strip() != f"<!-- cliffguard:fixed:{commit} -->"]
    return "\n".join(lines).removeprefix(f"**Fixed in {commit}.**").lstrip("\n")


def _hidden_lines(body: str) -> list[str]:
    """Only the hidden lines at a comment's end count: what stands in the text, in a suggestion or a quotation is the text of
    others. In the order in which they stand."""
    found: list[str] = []
    for line in reversed(body.splitlines()):
        if line.strip() and not _HIDDEN.fullmatch(line.strip()):
            break
        if line.strip():
            found.append(line.strip())
    return found[::-1]
