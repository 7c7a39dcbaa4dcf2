"""A review as SARIF 2.1.0 (OASIS), for code scanning and other tools.

Every finding is a result: new ones are `new`, kept ones `unchanged`, fixed ones `absent`, accepted ones `new` with a
suppression. Columns count UTF-16 code units, as most consumers expect; our own are bytes, so a region has columns where
the file's text is at hand, and lines alone elsewhere. What was not analysed is a tool notification.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from importlib.metadata import PackageNotFoundError, version
from typing import Any, Protocol
from urllib.parse import quote

from analyzers.edits import Verify, fixed_source
from analyzers.findings import Finding, Problem, Review, Severity
from analyzers.report.readiness import as_data
from analyzers.report.text import plain, visible
from analyzers.review.place import ReadSource
from analyzers.source import Place, Span

SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
HELP = "https://github.com/cliffguard/cliffguard/blob/main/analyzers/rules/{rule}.md"
ROOT = "SRCROOT"

_LEVELS = {Severity.CRITICAL: "error", Severity.HIGH: "error", Severity.MEDIUM: "warning", Severity.LOW: "note"}

Json = dict[str, Any]


class RuleText(Protocol):
    """What a report needs to know of a rule. `page` is its help in Markdown."""

    @property
    def id(self) -> str: ...
    @property
    def title(self) -> str: ...
    @property
    def category(self) -> str: ...
    @property
    def page(self) -> str: ...


def no_source(_path: str) -> bytes | None:
    """A `ReadSource` that has nothing."""
    return None


def trusted(_finding: Finding, _new_source: bytes) -> bool:
    """A `Verify` that believes every fix that parses."""
    return True


def to_sarif(
    review: Review,
    rules: Mapping[str, RuleText],
    *,
    read: ReadSource = no_source,
    read_base: ReadSource = no_source,
    verify: Verify = trusted,
) -> str:
    """The SARIF log. `read` and `read_base` give the files of head and base; `verify` tries a fix (see
    `analyzers.edits`): one that fails is not shown."""
    names = sorted({*rules, *(finding.rule for finding in _all(review))})
    writer = _Writer({name: index for index, name in enumerate(names)}, verify)
    results = [
        *(writer.result(finding, "new", _Texts(read)) for finding in review.new),
        *(writer.accepted(one.finding, one.reason, one.configured, _Texts(read)) for one in review.accepted),
        *(writer.result(finding, "unchanged", _Texts(read)) for finding in review.kept),
        *(writer.result(finding, "absent", _Texts(read_base)) for finding in review.fixed),
    ]
    notifications = [_notification(problem) for problem in review.problems]
    run: Json = {
        "tool": {
            "driver": {
                "name": "cliffguard",
                "semanticVersion": _version(),
                "informationUri": "https://github.com/cliffguard/cliffguard",
                "rules": [_rule(name, rules.get(name)) for name in names],
            }
        },
        "columnKind": "utf16CodeUnits",
        "originalUriBaseIds": {ROOT: {"description": {"text": "The root of the repository."}}},
        "invocations": [{"executionSuccessful": True, "toolExecutionNotifications": notifications}],
        "results": results,
    }
    if review.readiness.rows:
        run["properties"] = {"readiness": as_data(review.readiness)}
    return json.dumps({"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}, indent=2, ensure_ascii=False) + "\n"


class _Texts:
    """The decoded lines of files, for counting columns."""

    def __init__(self, read: ReadSource) -> None:
        self.read = read
        self._lines: dict[str, list[bytes] | None] = {}

    def lines(self, path: str) -> list[bytes] | None:
        if path not in self._lines:
            source = self.read(path)
            self._lines[path] = None if source is None else source.split(b"\n")
        return self._lines[path]

    def column(self, path: str, line: int, column: int) -> int | None:
        """The column in UTF-16 code units of a byte column; nothing where the text is absent or not UTF-8."""
        lines = self.lines(path)
        if lines is None or line > len(lines) or column - 1 > len(lines[line - 1]) + 1:
            return None
        try:
            return len(lines[line - 1][: column - 1].decode().encode("utf-16-le")) // 2 + 1
        except UnicodeDecodeError:
            return None

    def region(self, path: str, span: Span) -> Json:
        region: Json = {"startLine": span.start_line, "endLine": span.end_line}
        start = self.column(path, span.start_line, span.start_column)
        end = self.column(path, span.end_line, span.end_column)
        if start is not None and end is not None:
            region |= {"startColumn": start, "endColumn": end}
        return region


class _Writer:
    """Findings to results; counts identities, so that equal ones get fingerprints of their own."""

    def __init__(self, rule_index: Mapping[str, int], verify: Verify) -> None:
        self.rule_index, self.verify = rule_index, verify
        self.seen: Counter[tuple[str, str]] = Counter()

    def result(self, finding: Finding, state: str, texts: _Texts) -> Json:
        side = "base" if state == "absent" else "head"
        self.seen[side, finding.fingerprint] += 1
        count = self.seen[side, finding.fingerprint]
        result: Json = {
            "ruleId": finding.rule,
            "ruleIndex": self.rule_index[finding.rule],
            "level": _LEVELS[finding.severity],
            "message": _message(finding),
            "locations": [_location(finding.place, texts)],
            "partialFingerprints": {"cliffguardFinding/v1": f"{finding.fingerprint}:{count}"},
            "baselineState": state,
            "properties": _properties(finding),
        }
        if finding.related:
            result["relatedLocations"] = [
                {"id": number, **_location(related.place, texts), "message": {"text": plain(related.note) or "related"}}
                for number, related in enumerate(finding.related, 1)
            ]
        if state == "new" and (fix := self.fix(finding, texts)):
            result["fixes"] = [fix]
        return result

    def accepted(self, finding: Finding, reason: str, configured: bool, texts: _Texts) -> Json:
        kind = "external" if configured else "inSource"
        suppression = {"kind": kind, "status": "accepted", "justification": visible(reason)}
        return {**self.result(finding, "new", texts), "suppressions": [suppression]}

    def fix(self, finding: Finding, texts: _Texts) -> Json | None:
        """The fix, if the text it changes is at hand and it may be shown."""
        if finding.fix is None or not finding.fix.edits:
            return None
        source = texts.read(finding.fix.path)
        if source is None or fixed_source(finding, source, self.verify) is None:
            return None
        try:
            replacements = [_replacement(source, edit.start, edit.end, edit.text) for edit in finding.fix.edits]
        except UnicodeError:
            return None
        change = {"artifactLocation": _artifact(finding.fix.path), "replacements": replacements}
        return {"description": {"text": plain(finding.fix.title)}, "artifactChanges": [change]}


def _replacement(source: bytes, start: int, end: int, text: str) -> Json:
    """Deleted region in lines and UTF-16 columns, and in UTF-16 offsets; both say the same."""
    first, second = (_position(source, offset) for offset in (start, end))
    before, deleted = (len(part.decode().encode("utf-16-le")) // 2 for part in (source[:start], source[start:end]))
    region = {"startLine": first[0], "startColumn": first[1], "endLine": second[0], "endColumn": second[1]}
    replacement: Json = {"deletedRegion": {**region, "charOffset": before, "charLength": deleted}}
    if text:
        replacement["insertedContent"] = {"text": text}
    return replacement


def _position(source: bytes, offset: int) -> tuple[int, int]:
    line = source.count(b"\n", 0, offset)
    start = source.rfind(b"\n", 0, offset) + 1
    return line + 1, len(source[start:offset].decode().encode("utf-16-le")) // 2 + 1


def _message(finding: Finding) -> Json:
    growth = f" {plain(finding.growth)}." if finding.growth else ""
    remedy = f" {plain(finding.remedy)}" if finding.remedy else ""
    return {"text": f"{plain(finding.title)}. {plain(finding.message)}{growth}{remedy}"}


def _properties(finding: Finding) -> Json:
    return {
        "severity": str(finding.severity),
        "confidence": str(finding.confidence),
        "subject": finding.subject,
        "growth": finding.growth,
        "remedy": finding.remedy,
        "code": finding.code,
        "evidence": list(finding.evidence),
    }


def _location(place: Place, texts: _Texts) -> Json:
    return {"physicalLocation": {"artifactLocation": _artifact(place.path), "region": texts.region(place.path, place.span)}}


def _artifact(path: str) -> Json:
    return {"uri": quote(path.encode(errors="surrogateescape"), safe="/"), "uriBaseId": ROOT}


def _rule(name: str, rule: RuleText | None) -> Json:
    if rule is None:
        return {"id": name, "helpUri": HELP.format(rule=quote(name))}
    return {
        "id": name,
        "name": "".join(word.capitalize() for word in name.split("_")),
        "shortDescription": {"text": plain(rule.title)},
        "helpUri": HELP.format(rule=quote(name)),
        "help": {"text": rule.page, "markdown": rule.page},
        "properties": {"category": rule.category, "tags": ["performance", rule.category]},
    }


def _notification(problem: Problem) -> Json:
    notification: Json = {"level": "warning", "message": {"text": plain(problem.text)}}
    if problem.path:
        physical: Json = {"artifactLocation": _artifact(problem.path)}
        if problem.line > 0:
            physical["region"] = {"startLine": problem.line}
        notification["locations"] = [{"physicalLocation": physical}]
    return notification


def _all(review: Review) -> Iterator[Finding]:
    groups: Sequence[Iterable[Finding]] = (review.new, review.fixed, review.kept, (one.finding for one in review.accepted))
    for group in groups:
        yield from group


def _version() -> str:
    try:
        return version("cliffguard")
    except PackageNotFoundError:
        return "0.0.0"
