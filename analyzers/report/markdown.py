"""A review as Markdown: the body of each comment, the texts of a check run, and the whole as one document.

Every count is spelled out so that it adds up: new findings = comments on the diff + those listed elsewhere. Sizes are cut
by bytes to what GitHub takes, visibly.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence

import msgspec

from analyzers.findings import Accepted, Finding, Problem, Review, Severity
from analyzers.report import picture, readiness
from analyzers.report.markers import SHORT, marker
from analyzers.report.text import code_block, code_span, cut, cut_line, escaped, markdown, plain
from analyzers.review.place import Comment, Elsewhere, Placement, Reason
from analyzers.source import Place

COMMENT_BYTES = 60_000  # GitHub takes 65,536 characters
CHECK_BYTES = 60_000  # and 65,535 in each text of a check run
TITLE_LENGTH = 250  # of 255

Link = Callable[[Place], str]
"""The address at which a reader sees a place; an empty one makes no link."""

_WHY_ELSEWHERE = {
    Reason.OUTSIDE: "outside the diff",
    Reason.LISTED: "only listed",
    Reason.LIMIT: "beyond the number of comments",
    Reason.REPEATED: "said by another comment",
    Reason.REFUSED: "where GitHub takes no comment",
}
_COMMENT_STYLE = {
    "php": ("// ", ""),
    "js": ("// ", ""),
    "ts": ("// ", ""),
    "sql": ("-- ", ""),
    "html": ("{# ", " #}"),
    "htm": ("{# ", " #}"),
    "twig": ("{# ", " #}"),
    "jinja": ("{# ", " #}"),
}


class CheckOutput(msgspec.Struct, frozen=True):
    """The texts of a check run: one line, the counts, and everything in full. Each within GitHub's limits."""

    title: str
    summary: str
    text: str


def comment_body(comment: Comment, link: Link | None = None) -> str:
    """The body of an inline comment, with its hidden marker as last line."""
    finding = comment.finding
    span = finding.place.span
    last, start = comment.line or 0, comment.start_line or comment.line or 0
    away = comment.path != finding.place.path or span.start_line > last or span.end_line < start
    block = None if comment.suggestion is None else code_block(comment.suggestion, "suggestion")
    body = _told(finding, link, block=block, show_place=away, hint=True)
    return f"{cut(body, COMMENT_BYTES)}\n\n{marker(finding)}"


def review_body(review: Review, placement: Placement) -> str:
    """What stands above the inline comments: how many there are, and where the rest is."""
    return f"{_counts(review, placement)} The check run lists everything."


def check_output(review: Review, placement: Placement, link: Link | None = None, *, notes: Sequence[str] = ()) -> CheckOutput:
    """Title, summary and text of the check run. `notes` are sentences of the caller's, in Markdown, put first."""
    counts = [*notes, _counts(review, placement), *_fixed_and_kept(review)]
    summary = "\n\n".join([*counts, *whole(review, link)])
    sections = [
        *_elsewhere(placement.elsewhere, link),
        *_inline(placement.inline, link),
        *not_analysed(review.problems),
        *_accepted(review.accepted, link),
        *_fixed(review.fixed),
    ]
    text = "\n\n".join(sections)
    return CheckOutput(title=title(review), summary=cut(summary, CHECK_BYTES), text=cut(text, CHECK_BYTES))


def title(review: Review) -> str:
    """`2 new findings (1 high, 1 medium)`."""
    unread = f"; {counted(len(review.problems), 'notice')}" if review.problems else ""
    if not review.new:
        return cut_line(f"No new findings{unread}", TITLE_LENGTH)
    return cut_line(f"{counted(len(review.new), 'new finding')} ({by_severity(review.new)}){unread}", TITLE_LENGTH)


def to_markdown(review: Review, link: Link | None = None) -> str:
    """The whole review as one document, without limits."""
    parts = [f"# {title(review)}"]
    for finding in review.new:
        parts += [f"## {markdown(finding.title)}", _told(finding, link, show_title=False, show_place=True)]
    sections = [
        *not_analysed(review.problems),
        *_accepted(review.accepted, link),
        *_fixed(review.fixed),
        *_fixed_and_kept(review),
        *whole(review, link),
    ]
    return "\n\n".join([*parts, *sections]) + "\n"


def whole(review: Review, link: Link | None) -> list[str]:
    """What is told of the project as a whole, folded: the same at every push, until it changes."""
    return [*readiness.section(review.readiness, lambda place: placed(place, link)), *picture.drawings(review.pictures)]


def _told(
    finding: Finding,
    link: Link | None,
    *,
    block: str | None = None,
    show_title: bool = True,
    show_place: bool = False,
    hint: bool = False,
) -> str:
    """One finding in full."""
    grade = f"Severity {finding.severity}, {finding.confidence}"
    growth = f" **{markdown(finding.growth)}.**" if finding.growth else ""
    parts = [f"**{markdown(finding.title)}**"] if show_title else []
    parts.append(markdown(finding.message) + growth)
    if show_place:
        parts.append(f"At {placed(finding.place, link)}.")
    if finding.remedy:
        parts.append(markdown(finding.remedy))
    if block is not None:
        parts.append(block)
    elif finding.code:
        parts.append(code_block(finding.code, finding.code_language))
    mended = block is not None and finding.fix is not None and finding.fix.young
    for file in () if mended else finding.files:
        parts += [f"New file {code_span(file.path)}:", code_block(file.text, file.language)]
    if finding.evidence or finding.related:
        known = [f"- {markdown(fact)}" for fact in finding.evidence]
        known += [f"- {placed(related.place, link)}: {markdown(related.note)}" for related in finding.related]
        parts.append("<details><summary>Why we know</summary>\n\n" + "\n".join(known) + "\n\n</details>")
    name = finding.fingerprint[:SHORT]
    alarm = (
        f" False alarm? Say why at {_line(finding.place)}: {code_span(_ignore(finding))}, "
        f"or here: {code_span(f'/cliffguard ignore {name} reason')}"
    )
    parts.append(f"<sub>{grade}, rule {code_span(finding.rule)}, {code_span(name)}.{alarm if hint else ''}</sub>")
    return "\n\n".join(parts)


def _ignore(finding: Finding) -> str:
    before, after = _COMMENT_STYLE.get(finding.place.path.rpartition(".")[2].lower(), ("# ", ""))
    return f"{before}cliffguard: ignore[{finding.rule}] reason{after}"


def _line(place: Place) -> str:
    return f"line {place.span.start_line}"


def placed(place: Place, link: Link | None) -> str:
    """`path:line`, as a link if there is one."""
    text = code_span(f"{place.path}:{place.span.start_line}")
    address = link(place) if link else ""
    for char in " \n\r\t<>()`":
        address = address.replace(char, f"%{ord(char):02X}")
    return f"[{text}]({address})" if address else text


def _counts(review: Review, placement: Placement) -> str:
    if not review.new:
        return "No new findings."
    total = f"**{counted(len(review.new), 'new finding')}** ({by_severity(review.new)}): "
    inline, elsewhere = len(placement.inline), len(placement.elsewhere)
    commented = f"{counted(inline, 'comment')} on the diff"
    if not elsewhere:
        return f"{total}{commented}."
    reasons = Counter(one.reason for one in placement.elsewhere)
    split = ", ".join(f"{reasons[reason]} {why}" for reason, why in _WHY_ELSEWHERE.items() if reasons[reason])
    return f"{total}{commented}, {elsewhere} listed in the check run ({split})."


def _fixed_and_kept(review: Review) -> list[str]:
    """What is neither new nor a reproach."""
    said = []
    if review.fixed:
        said.append(f"{counted(len(review.fixed), 'finding')} fixed by this change.")
    if review.kept:
        said.append(f"{counted(len(review.kept), 'finding')} of the base {_are(len(review.kept))} unchanged and not shown.")
    if review.accepted:
        said.append(f"{counted(len(review.accepted), 'new finding')} accepted by comment or configuration.")
    if review.problems:
        said.append(f"{counted(len(review.problems), 'notice')} about what was not read as it stands.")
    return [" ".join(said)] if said else []


def _elsewhere(items: Sequence[Elsewhere], link: Link | None) -> list[str]:
    if not items:
        return []
    told = (f"{_told(item.finding, link, show_place=True)}\n\n_{_why(item)}_" for item in items)
    return [f"### {counted(len(items), 'new finding')} without a comment", *told]


def _why(item: Elsewhere) -> str:
    """Why a finding has no comment, as a sentence."""
    return markdown(item.finding.listed) if item.reason is Reason.LISTED else f"{_WHY_ELSEWHERE[item.reason].capitalize()}."


def _inline(comments: Sequence[Comment], link: Link | None) -> list[str]:
    lines = [f"- {placed(one.finding.place, link)}: {markdown(one.finding.title)} ({one.finding.severity})" for one in comments]
    return _list(f"### {counted(len(comments), 'comment')} on the diff", lines)


def not_analysed(problems: Sequence[Problem]) -> list[str]:
    """What was not read as it stands, as a section."""
    lines = []
    for problem in problems:
        where = code_span(f"{problem.path}:{problem.line}" if problem.line else problem.path) + ": " if problem.path else ""
        lines.append(f"- {where}{markdown(problem.text)}")
    return _list("### Not analysed, and other notices", lines)


def _accepted(accepted: Sequence[Accepted], link: Link | None) -> list[str]:
    lines = [
        f"- {placed(one.finding.place, link)}: {markdown(one.finding.title)}. Accepted: {escaped(one.reason)}"
        for one in accepted
    ]
    return _list("### Accepted", lines)


def _fixed(findings: Sequence[Finding]) -> list[str]:
    lines = [f"- {placed(finding.place, None)} (in the base): {markdown(finding.title)}" for finding in findings]
    return _list("### Fixed", lines)


def _list(heading: str, lines: Sequence[str]) -> list[str]:
    return [heading, "\n".join(lines)] if lines else []


def by_severity(findings: Iterable[Finding]) -> str:
    """`1 high, 2 medium`."""
    counts = Counter(finding.severity for finding in findings)
    return ", ".join(f"{counts[severity]:,} {severity}" for severity in Severity if counts[severity])


def counted(count: int, noun: str) -> str:
    """`1 finding`, `1,200 findings`."""
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def _are(count: int) -> str:
    return "is" if count == 1 else "are"


def annotation_text(finding: Finding) -> tuple[str, str]:
    """Title and message of a check-run annotation, which shows plain text."""
    said = [plain(finding.message), finding.growth and f"{plain(finding.growth)}.", plain(finding.remedy)]
    message = "\n".join(part for part in said if part)
    if finding.code:
        message += f"\n\n{finding.code}"
    for file in finding.files:
        message += f"\n\n{plain(file.path)}:\n{file.text}"
    return cut_line(plain(finding.title), TITLE_LENGTH), cut(message, 16_000)
