"""Trying fixes: with its edits applied, is a finding gone, and is there no other one more?

An analysis of a large project takes half a second, a review may offer 25 suggestions. So fixes that have nothing to do with
each other are tried together: if they do not all work, in halves, and in the end alone.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cached_property
from itertools import chain

from analyzers.edits import EditError, apply
from analyzers.findings import Edit, Finding, Fix
from analyzers.frontends import read_facts
from analyzers.pipeline import Analyst, Files

Identity = tuple[str, str]


class Trial:
    """The fixes of `new` in a revision that `files` are, in which `found` was found. `read` gives the text of a file of it."""

    def __init__(
        self,
        files: Files,
        found: Sequence[Finding],
        new: Sequence[Finding],
        read: Callable[[str], bytes | None],
        analyst: Analyst,
    ) -> None:
        self._files, self._new, self._read, self._analyst = files, new, read, analyst
        self._before = Counter(finding.identity for finding in found)
        self._told = {finding.identity: finding.identities for finding in new}

    def removes(self, finding: Finding, changed: bytes) -> bool:
        """Whether `changed`, what the fix makes of its file, no longer has the finding and has no other one more."""
        assert finding.fix is not None
        if finding.identity in self._apart:
            return finding.identity in self._settled
        return finding.identities <= self._removed({finding.fix.path: changed})

    def _removed(self, changed: Mapping[str, bytes]) -> frozenset[Identity]:
        """The findings that are gone once these files read so; none if another one appears."""
        replaced = {
            path: (f"{hashlib.sha256(text).hexdigest()}-changed", read_facts(path, text)) for path, text in changed.items()
        }
        after = Counter(finding.identity for finding in self._analyst.judge_once({**self._files, **replaced}).findings)
        return frozenset(self._before.keys() - after.keys()) if after <= self._before else frozenset()

    @cached_property
    def _settled(self) -> frozenset[Identity]:
        """Of the findings whose fixes are tried together, those whose fix works."""
        return frozenset(self._working(list(self._apart)))

    def _working(self, tried: Sequence[Identity]) -> Iterator[Identity]:
        """All of them if together they remove each of theirs; else what is left of either half."""
        if not tried:
            return
        changed = self._changed(tried)
        if changed is not None and self._removed(changed).issuperset(
            chain.from_iterable(self._told[identity] for identity in tried)
        ):
            yield from tried
        elif len(tried) > 1:
            middle = len(tried) // 2
            yield from self._working(tried[:middle])
            yield from self._working(tried[middle:])

    def _changed(self, tried: Sequence[Identity]) -> Mapping[str, bytes] | None:
        """The files with these fixes applied, or None where that cannot be."""
        edits: dict[str, list[Edit]] = {}
        for fix in (self._apart[identity] for identity in tried):
            edits.setdefault(fix.path, []).extend(fix.edits)
        try:
            return {path: apply(self._read(path) or b"", sorted(some)) for path, some in edits.items()}
        except (EditError, UnicodeEncodeError):
            return None

    @cached_property
    def _apart(self) -> Mapping[Identity, Fix]:
        """The fixes that cannot help each other: of findings that are the only one of their identity, on text of their own."""
        chosen: dict[Identity, Fix] = {}
        for finding in self._new:
            fix = finding.fix
            if fix is None or not fix.edits or any(self._before[identity] != 1 for identity in finding.identities):
                continue
            if all(_are_apart(fix, other) for other in chosen.values()):
                chosen[finding.identity] = fix
        return chosen


def _are_apart(one: Fix, other: Fix) -> bool:
    """Whether all of the one lies before or after all of the other, or in another file."""
    return one.path != other.path or one.edits[-1].end < other.edits[0].start or other.edits[-1].end < one.edits[0].start
