"""A whole revision as the texts of one check run: what it has, counted by rule, the worst first, and how it is looked after.

It is for a branch that nobody changes now: nothing in it is a reproach, and it has a fixed size however much there is.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence

from analyzers.findings import Finding, Review, Severity
from analyzers.report.markdown import (
    CHECK_BYTES,
    TITLE_LENGTH,
    CheckOutput,
    Link,
    by_severity,
    counted,
    not_analysed,
    placed,
    whole,
)
from analyzers.report.text import code_span, cut, cut_line, markdown
from analyzers.review.compare import order
from analyzers.rules import Rule

SHOWN = 20  # findings of one rule that are named
NOTICES = 20


def overview(review: Review, rules: Mapping[str, Rule], link: Link | None = None, *, notes: Sequence[str] = ()) -> CheckOutput:
    """The texts for an audit, each within GitHub's limits. `notes` are sentences of the caller's, in Markdown, put first."""
    groups = _groups(review.new)
    summary = "\n\n".join([*notes, _counts(review), *_table(groups, rules), *whole(review, link)])
    sections = [_section(rules[name].title if name in rules else name, group, link) for name, group in groups]
    text = "\n\n".join([*sections, *_notices(review)])
    return CheckOutput(_title(review, len(groups)), cut(summary, CHECK_BYTES), cut(text, CHECK_BYTES))


def _title(review: Review, rules: int) -> str:
    rows = review.readiness.rows
    ready = f"; readiness {review.readiness.found} of {len(rows)}" if rows else ""
    found = f"{counted(len(review.new), 'finding')} of {counted(rules, 'rule')}" if review.new else "No findings"
    return cut_line(found + ready, TITLE_LENGTH)


def _groups(findings: Sequence[Finding]) -> list[tuple[str, list[Finding]]]:
    """The findings of each rule, worst first; the rule with the worst first, then that with the most."""
    groups: defaultdict[str, list[Finding]] = defaultdict(list)
    for finding in sorted(findings, key=order):
        groups[finding.rule].append(finding)
    severities = list(Severity)
    return sorted(groups.items(), key=lambda one: (severities.index(one[1][0].severity), -len(one[1]), one[0]))


def _counts(review: Review) -> str:
    said = [f"**{counted(len(review.new), 'finding')}** ({by_severity(review.new)})." if review.new else "No findings."]
    if review.accepted:
        said.append(f"{counted(len(review.accepted), 'other')} accepted by comment or configuration.")
    if review.problems:
        said.append(f"{counted(len(review.problems), 'notice')} about what was not read as it stands.")
    return " ".join(said)


def _table(groups: Sequence[tuple[str, Sequence[Finding]]], rules: Mapping[str, Rule]) -> list[str]:
    if not groups:
        return []
    rows = [
        f"| {markdown(rules[name].title) if name in rules else ''} {code_span(name)} | {len(group):,} | {by_severity(group)} |"
        for name, group in groups
    ]
    return ["\n".join(["| Rule | Findings | |", "| --- | ---: | --- |", *rows])]


def _section(title: str, group: Sequence[Finding], link: Link | None) -> str:
    lines = [f"- {placed(one.place, link)}: {markdown(one.title)} ({one.severity})" for one in group[:SHOWN]]
    if len(group) > SHOWN:
        lines.append(f"- … and {len(group) - SHOWN:,} more; `cliffguard audit` shows all of them.")
    return f"### {markdown(title)}: {len(group):,}\n\n" + "\n".join(lines)


def _notices(review: Review) -> list[str]:
    shown = not_analysed(review.problems[:NOTICES])
    more = len(review.problems) - NOTICES
    return [*shown, f"… and {more:,} more."] if more > 0 else shown
