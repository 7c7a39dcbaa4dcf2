"""Accepted findings: those that a comment in the code or the repository's configuration declares known.

A comment counts at any line of the finding's own place (a statement over several lines is one place). An acceptance that
matches nothing is reported: silently dead ones would otherwise wait for the next finding and hide it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence

from analyzers.facts.store import Ignore
from analyzers.findings import Accepted, Finding, Problem
from analyzers.globs import matches
from analyzers.settings import Declared

_NO_REASON = "no reason given"


def accept(
    new: Sequence[Finding],
    ignores: Mapping[str, Sequence[Ignore]],
    acceptances: Sequence[Declared] = (),
    *,
    kept: Sequence[Finding] = (),
    judged: Collection[str] | None = None,
) -> tuple[tuple[Finding, ...], tuple[Accepted, ...], tuple[Problem, ...]]:
    """`(new findings that remain, accepted ones, acceptances that match nothing)`.

    `ignores` holds the comments of the head by path. `kept` findings use up comments and acceptances too: one that
    covers an old finding is not dead. `judged` names the paths whose dead comments are reported (those that changed, say);
    without it, all.
    """
    remaining: list[Finding] = []
    accepted: list[Accepted] = []
    used: set[tuple[str, Ignore]] = set()
    used_acceptances: set[Declared] = set()
    for finding in kept:
        used.update((finding.place.path, ignore) for ignore in _comments(finding, ignores))
        used_acceptances.update(_entries(finding, acceptances))
    for finding in new:
        comments, entries = _comments(finding, ignores), _entries(finding, acceptances)
        used.update((finding.place.path, ignore) for ignore in comments)
        used_acceptances.update(entries)
        if comments:
            accepted.append(Accepted(finding, f"comment at line {comments[0].line}: {comments[0].reason or _NO_REASON}"))
        elif entries:
            where = entries[0].source or "the organisation's configuration"
            accepted.append(Accepted(finding, f"{where}: {entries[0].acceptance.reason}", configured=True))
        else:
            remaining.append(finding)
    speaking = {path: comments for path, comments in ignores.items() if judged is None or path in judged}
    dead = [*_dead_comments(speaking, used), *_dead_entries(acceptances, used_acceptances)]
    return tuple(remaining), tuple(accepted), tuple(dead)


def _comments(finding: Finding, ignores: Mapping[str, Sequence[Ignore]]) -> list[Ignore]:
    span = finding.place.span
    return [
        ignore
        for ignore in ignores.get(finding.place.path, ())
        if span.start_line <= ignore.line <= span.end_line and (not ignore.rules or finding.rule in ignore.rules)
    ]


def _entries(finding: Finding, acceptances: Iterable[Declared]) -> list[Declared]:
    path = finding.place.path
    return [entry for entry in acceptances if entry.acceptance.rule in {"*", finding.rule} and matches(entry.pattern, path)]


def _dead_comments(ignores: Mapping[str, Sequence[Ignore]], used: set[tuple[str, Ignore]]) -> Iterable[Problem]:
    for path, comments in sorted(ignores.items()):
        for ignore in comments:
            if (path, ignore) not in used:
                rules = f"[{', '.join(ignore.rules)}]" if ignore.rules else ""
                text = f"`cliffguard: ignore{rules}` matches no finding here; remove it, or check the rule's name."
                yield Problem(path=path, line=ignore.line, text=text)


def _dead_entries(acceptances: Sequence[Declared], used: set[Declared]) -> Iterable[Problem]:
    """Those of an organisation speak for repositories that have no such finding, too."""
    for entry in acceptances:
        if entry not in used and entry.source:
            rule, path = entry.acceptance.rule, entry.acceptance.path
            text = f"`ignore` of {rule} at {path} matches no finding; remove it, or check its rule and path."
            yield Problem(path=entry.source, line=0, text=text)
