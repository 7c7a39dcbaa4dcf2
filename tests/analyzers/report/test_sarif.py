"""SARIF against the schema of OASIS, and what the schema cannot say."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import jsonschema
import pytest

from analyzers.findings import Accepted, Edit, Fix, Problem, Related, Review, Severity
from analyzers.report.sarif import to_sarif
from analyzers.source import Place, Span
from tests.findings import at, finding

SCHEMA = json.loads((Path(__file__).parents[2] / "data" / "sarif-schema-2.1.0.json").read_text())
VALIDATOR = jsonschema.Draft4Validator(SCHEMA, format_checker=jsonschema.FormatChecker())
RULES = {
    "n_plus_one": SimpleNamespace(id="n_plus_one", title="1 + N `queries`", category="n_plus_one", page="# Page"),
    "missing_index": SimpleNamespace(id="missing_index", title="No index", category="missing_index", page="# Page"),
}
SOURCE = 'é = "😀"; x = orders()\ny = 2\n'.encode()
X = SOURCE.index(b"x =")


def log_of(review: Review, **options: Any) -> Any:
    log = json.loads(to_sarif(review, RULES, **options))
    VALIDATOR.validate(log)
    (run,) = log["runs"]
    return run


def span(start: int, end: int) -> Span:
    return Span(1, start + 1, 1, end + 1)


def test_an_empty_review() -> None:
    run = log_of(Review())
    assert run["results"] == []
    assert run["columnKind"] == "utf16CodeUnits"
    assert run["invocations"] == [{"executionSuccessful": True, "toolExecutionNotifications": []}]
    assert [rule["id"] for rule in run["tool"]["driver"]["rules"]] == ["missing_index", "n_plus_one"]


def test_rules_have_help_and_category() -> None:
    rule = log_of(Review())["tool"]["driver"]["rules"][1]
    assert rule["helpUri"].endswith("/rules/n_plus_one.md")
    assert rule["properties"]["category"] == "n_plus_one"
    assert rule["shortDescription"]["text"] == "1 + N queries"


def test_states_levels_and_fingerprints() -> None:
    new = (finding("n", severity=Severity.CRITICAL), finding("m", severity=Severity.MEDIUM, rule="missing_index"))
    kept, fixed = (finding("k", severity=Severity.LOW),), (finding("f"),)
    run = log_of(Review(new=new, kept=kept, fixed=fixed))
    told = [(result["ruleId"], result["baselineState"], result["level"]) for result in run["results"]]
    assert told == [
        ("n_plus_one", "new", "error"),
        ("missing_index", "new", "warning"),
        ("n_plus_one", "unchanged", "note"),
        ("n_plus_one", "absent", "error"),
    ]
    for result in run["results"]:
        assert run["tool"]["driver"]["rules"][result["ruleIndex"]]["id"] == result["ruleId"]
    prints = [result["partialFingerprints"]["cliffguardFinding/v1"] for result in run["results"]]
    assert len(set(prints)) == 4
    moved = log_of(Review(kept=(finding("n", place=at("other.py", 77), message="Other."),)))["results"][0]
    assert moved["partialFingerprints"]["cliffguardFinding/v1"] == prints[0]


def test_the_same_subject_twice_has_two_fingerprints() -> None:
    run = log_of(Review(new=(finding("n"), finding("n", place=at(start=20)))))
    first, second = (result["partialFingerprints"]["cliffguardFinding/v1"] for result in run["results"])
    assert (first.split(":")[0], first[-2:], second[-2:]) == (second.split(":")[0], ":1", ":2")


def test_columns_count_utf16_code_units_where_the_text_is_known() -> None:
    one = finding(place=Place("a b/é.py", span(X, X + 12)))
    known, unknown = (log_of(Review(new=(one,)), **options)["results"][0] for options in ({"read": lambda path: SOURCE}, {}))
    location = known["locations"][0]["physicalLocation"]
    line = SOURCE.decode().split("\n")[0]
    start = len(line[: line.index("x =")].encode("utf-16-le")) // 2 + 1
    assert location["region"] == {"startLine": 1, "endLine": 1, "startColumn": start, "endColumn": start + 12}
    assert location["artifactLocation"] == {"uri": "a%20b/%C3%A9.py", "uriBaseId": "SRCROOT"}
    assert unknown["locations"][0]["physicalLocation"]["region"] == {"startLine": 1, "endLine": 1}


@pytest.mark.parametrize("source", [b"", b"\xff\xfe\xff\xfe\xff\xfe\xff\xfe" * 9])
def test_text_that_does_not_fit_leaves_columns_out(source: bytes) -> None:
    run = log_of(Review(new=(finding(place=Place("a.py", span(5, 9))),)), read=lambda path: source)
    assert run["results"][0]["locations"][0]["physicalLocation"]["region"] == {"startLine": 1, "endLine": 1}


def test_fixed_findings_are_located_in_the_base() -> None:
    sources = {"read": lambda path: b"", "read_base": lambda path: SOURCE}
    run = log_of(Review(fixed=(finding(place=Place("a.py", span(X, X + 1))),)), **sources)
    assert "startColumn" in run["results"][0]["locations"][0]["physicalLocation"]["region"]


def test_related_locations() -> None:
    one = finding(related=(Related(at("models.py", 4), "`customer` is declared"), Related(at("b.py", 5), "")))
    related = log_of(Review(new=(one,)))["results"][0]["relatedLocations"]
    assert [(item["id"], item["message"]["text"]) for item in related] == [(1, "customer is declared"), (2, "related")]


def applied(source: str, replacement: Any) -> str:
    """What a consumer that counts UTF-16 code units makes of it, by lines and columns."""
    region = replacement["deletedRegion"]
    units = source.encode("utf-16-le")
    starts = [0]
    for line in source.split("\n"):
        starts.append(starts[-1] + len((line + "\n").encode("utf-16-le")))
    start = starts[region["startLine"] - 1] + 2 * (region["startColumn"] - 1)
    end = starts[region["endLine"] - 1] + 2 * (region["endColumn"] - 1)
    assert (start, end - start) == (2 * region["charOffset"], 2 * region["charLength"])
    return (units[:start] + replacement.get("insertedContent", {"text": ""})["text"].encode("utf-16-le") + units[end:]).decode(
        "utf-16-le"
    )


@pytest.mark.parametrize(
    ("edit", "result"),
    [
        (Edit(X + 4, X + 12, "few()"), 'é = "😀"; x = few()\ny = 2\n'),
        (Edit(X + 12, len(SOURCE), ""), 'é = "😀"; x = orders()'),
        (Edit(len(SOURCE), len(SOURCE), "z = 3\n"), 'é = "😀"; x = orders()\ny = 2\nz = 3\n'),
    ],
)
def test_fixes_delete_and_insert_the_right_characters(edit: Edit, result: str) -> None:
    one = finding(fix=Fix("Load `few`.", "a.py", (edit,)))
    (fix,) = log_of(Review(new=(one,)), read=lambda path: SOURCE)["results"][0]["fixes"]
    (change,) = fix["artifactChanges"]
    assert fix["description"]["text"] == "Load few."
    assert applied(SOURCE.decode(), change["replacements"][0]) == result


def test_fixes_that_may_not_be_shown_are_not() -> None:
    one = finding(fix=Fix("", "a.py", (Edit(X, X + 1, "few"),)))
    read = {"read": lambda path: SOURCE}
    assert "fixes" in log_of(Review(new=(one,)), **read)["results"][0]
    for review, options in [
        (Review(new=(one,)), {}),
        (Review(new=(one,)), {**read, "verify": lambda finding, source: False}),
        (Review(kept=(one,)), read),
        (Review(new=(finding(fix=Fix("", "a.py", (Edit(X, X + 1, "("),))),)), read),
        (Review(new=(finding(fix=Fix("", "a.py", (Edit(0, 9999, ""),))),)), read),
    ]:
        assert "fixes" not in log_of(review, **options)["results"][0]


def test_accepted_findings_are_suppressed() -> None:
    accepted = (
        Accepted(finding("a"), "comment at line 3: six rows"),
        Accepted(finding("b"), ".cliffguard.yml: at night", configured=True),
    )
    results = log_of(Review(accepted=accepted))["results"]
    assert [result["suppressions"] for result in results] == [
        [{"kind": "inSource", "status": "accepted", "justification": "comment at line 3: six rows"}],
        [{"kind": "external", "status": "accepted", "justification": ".cliffguard.yml: at night"}],
    ]


def test_problems_are_notifications() -> None:
    run = log_of(
        Review(problems=(Problem("a.py", 3, "Not `parsed`."), Problem("b.py", 0, "Large."), Problem("", 0, "A rule failed.")))
    )
    first, second, third = run["invocations"][0]["toolExecutionNotifications"]
    assert first["message"]["text"] == "Not parsed."
    assert first["locations"][0]["physicalLocation"]["region"] == {"startLine": 3}
    assert "region" not in second["locations"][0]["physicalLocation"]
    assert "locations" not in third


def test_hostile_text_stays_valid() -> None:
    log_of(
        Review(
            new=(finding("\x00\u202e</script>", place=at("../../a\\b%2f?#.py"), rule="not/a rule", message="\x1b[31m\ud800"),)
        )
    )
