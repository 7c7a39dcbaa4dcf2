"""One finding for each cause: what one edit mends is told once, with everything it mends.

Findings are compared one by one, so that what a change adds to an old cause is new; they are told together.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import msgspec

from analyzers.findings import Edit, Finding, Fix, Related
from analyzers.review.compare import order

_TOLD = 8  # titles listed in one message; the places of all are related ones


def merge(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """The findings, those of one rule and one cause as one, in the order of the worst of each."""
    groups: dict[tuple[str, str], list[Finding]] = {}
    for finding in sorted(findings, key=order):
        groups.setdefault((finding.rule, finding.cause or finding.subject), []).append(finding)
    return tuple(_one(group) for group in groups.values())


def _one(group: Sequence[Finding]) -> Finding:
    first, *others = group
    if not others:
        return first
    titles = [other.title for other in others if other.title != first.title]
    more = f" Likewise: {'; '.join(titles[:_TOLD])}{'; …' if len(titles) > _TOLD else ''}." if titles else ""
    fix = _fix(group)
    remedies = dict.fromkeys(finding.remedy for finding in group)
    return msgspec.structs.replace(
        first,
        title=f"{first.title}, and {len(others)} more",
        message=first.message + more,
        remedy=" ".join(list(remedies)[:_TOLD]),
        code="" if fix is not None else first.code,
        related=_related(first, others),
        fix=fix,
        also=tuple(other.subject for other in others),
    )


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
    return Fix(fixes[0].title, fixes[0].path, edits)
