"""One finding for each cause: what one edit mends is told once, with everything it mends.

Findings are compared one by one, so that what a change adds to an old cause is new; they are told together.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import msgspec

from analyzers.findings import Edit, Finding, Fix, NewFile, Related, at_place
from analyzers.review.compare import order

_TOLD = 8  # titles listed in one message; the places of all are related ones

_LISTING = frozenset({"sql", "prisma"})
"""Languages in which statements follow each other."""


def merge(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """The findings, those of one rule and one cause as one, in the order of the worst of each."""
    groups: list[list[Finding]] = []
    by_cause: dict[tuple[str, str], list[Finding]] = {}
    for finding in sorted(findings, key=order):
        causes = [(finding.rule, cause) for cause in (finding.cause or finding.subject, finding.wider) if cause]
        group = next((by_cause[cause] for cause in causes if cause in by_cause), None)
        if group is None:
            group = []
            groups.append(group)
        group.append(finding)
        for cause in causes:
            by_cause.setdefault(cause, group)
    return tuple(_one(group) for group in groups)


def _one(group: Sequence[Finding]) -> Finding:
    mended = [finding for finding in group if finding.severity is group[0].severity and _is_there(finding)]
    first = (*mended, *group)[0]
    others = [finding for finding in group if finding is not first]
    if not others:
        return first
    if mended:  # what stands elsewhere and comes to the same place is mended with it
        group = [first, *(finding for finding in others if _is_there(finding))]
    titles = [other.title for other in others if other.title != first.title]
    more = f" Likewise: {'; '.join(titles[:_TOLD])}{'; …' if len(titles) > _TOLD else ''}." if titles else ""
    fix = _fix(group)
    remedies = dict.fromkeys(finding.remedy for finding in group)
    return msgspec.structs.replace(
        first,
        title=f"{first.title}, and {len(others)} more",
        message=first.message + more,
        remedy=" ".join(list(remedies)[:_TOLD]),
        code="" if fix is not None and not fix.young else _code(group),
        related=_related(first, others),
        fix=fix,
        files=_files(group),
        also=tuple(other.subject for other in others),
    )


def _code(group: Sequence[Finding]) -> str:
    """What is to be pasted: of the first, and of all where the language lets one piece follow another."""
    first = group[0]
    if first.code_language not in _LISTING:
        return first.code
    pieces = dict.fromkeys(f.code for f in group if f.code and f.code_language == first.code_language)
    return "\n".join(list(pieces)[:_TOLD])


def _files(group: Sequence[Finding]) -> tuple[NewFile, ...]:
    """The files of all of them; those that differ in their items alone are one."""
    found: dict[NewFile, dict[str, None]] = {}
    for file in (file for finding in group for file in finding.files):
        found.setdefault(msgspec.structs.replace(file, items=()), {}).update(dict.fromkeys(file.items))
    return tuple(msgspec.structs.replace(file, items=tuple(items)) for file, items in found.items())


def _is_there(finding: Finding) -> bool:
    """Whether a finding stands where its cause is mended."""
    return finding.cause == at_place(finding.place)


def _related(first: Finding, others: Sequence[Finding]) -> tuple[Related, ...]:
    """Each place once: those of the first, and where the others stand, and theirs."""
    found = {related.place: related for related in first.related}
    for other in others:
        if other.place != first.place:
            found.setdefault(other.place, Related(other.place, other.title))
        for related in other.related:
            found.setdefault(related.place, related)
    return tuple(found.values())


def _fix(group: Sequence[Finding]) -> Fix | None:
    """All edits at once, if every finding has one in the same file; insertions at one offset follow each other."""
    fixes = [finding.fix for finding in group]
    texts: dict[tuple[int, int], list[str]] = {}
    for fix in fixes:
        if fix is None or fixes[0] is None or fix.path != fixes[0].path:
            return None
        for edit in fix.edits:
            known = texts.setdefault((edit.start, edit.end), [])
            if edit.text not in known:
                known.append(edit.text)
    if fixes[0] is None or any(start != end and len(some) > 1 for (start, end), some in texts.items()):
        return None
    edits = tuple(Edit(start, end, "".join(some)) for (start, end), some in sorted(texts.items()))
    return msgspec.structs.replace(fixes[0], edits=edits)
