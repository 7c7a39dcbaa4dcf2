"""What is told of the project as a whole: the readiness table and the picture of the budget, in every form, harmless."""

from __future__ import annotations

import json
import re

import jsonschema
from markdown_it import MarkdownIt

import analyzers
from analyzers.deployment.pictures import Flow, Picture, Target
from analyzers.findings import Review
from analyzers.readiness.values import Paste, Readiness, Row
from analyzers.report.picture import mermaid
from analyzers.review.place import Placement
from tests.bot.test_cli import SCHEMA
from tests.findings import at

HOSTILE = 'x"]; click n0 "javascript:alert(1)"\n```\n</details><script>|@octo #1 `'
WEB = Flow("web", "2", "4", "5 + 10", 120)
SERVER = Target("db", "postgresql", "100 - 3", 97, 120, 120, (WEB,))
TABLE = Readiness(
    (
        Row("Error tracking", "found", "Sentry: `sentry_sdk`", (at("shop/settings.py", 12),)),
        Row("Health endpoint", "not found", "nothing in routes", paste=Paste("urls.py", 'path("healthz", a | b)')),
        Row("Request timing", "not known", f"`{HOSTILE.replace('`', '')}` is required"),
    )
)


def review(*targets: Target, table: Readiness = TABLE) -> Review:
    return Review(readiness=table, pictures=(Picture("compose.yml", targets),) if targets else ())


def summary(of: Review) -> str:
    return analyzers.check_output(of, Placement((), ()), lambda place: f"https://example.org/{place.path}").summary


def test_the_summary_folds_the_table_and_the_picture() -> None:
    text = summary(review(SERVER))
    assert text.index("No new findings.") < text.index("<details><summary>Readiness: 1 of 3 found</summary>")
    assert "<summary>Database connections: 1 over what is accepted</summary>" in text
    assert text.count("\n<details>") == text.count("\n</details>") == 2
    assert "[`shop/settings.py:12`](https://example.org/shop/settings.py)" in text
    assert summary(review(SERVER)) == text
    assert summary(Review()) == "No new findings."


def test_every_row_is_one_row_of_three_cells() -> None:
    html = MarkdownIt("gfm-like", {"html": True, "linkify": False}).render(summary(review()))
    rows = re.findall(r"<tr>(.*?)</tr>", html, re.DOTALL)
    assert len(rows) == 1 + 3
    assert all(len(re.findall(r"<t[dh]", row)) == 3 for row in rows)
    assert "<script>" not in html
    assert "a | b" in html


def test_the_drawing_is_of_nodes_with_names_of_ours() -> None:
    drawn = mermaid(Picture("compose.yml", (Target(HOSTILE, HOSTILE, HOSTILE, None, None, 7, (Flow(*[HOSTILE] * 4, None),)),)))
    assert drawn.splitlines()[0] == "flowchart LR"
    for line in drawn.splitlines()[1:-1]:
        assert re.fullmatch(
            r'  n\d(\[\(?"[^"`<>|@\[\]]*(<br>[^"`<>|@\[\]]*)*"\)?\](:::over)?| -->\|"[^"`<>|]*"\| n\d)', line
        ), line
    assert "click n0" not in drawn.replace("click n0 #34;", "")


def test_the_drawing_tells_who_opens_how_much_and_what_is_too_much() -> None:
    pooler = Target("pool", "PgBouncer", "500", 500, 120, 120, (WEB,))
    server = Target("db", "postgresql", "100", 97, 120, 120, (Flow("pool", "1", "1", "120", 120),))
    drawn = mermaid(Picture("compose.yml", (pooler, server)))
    assert drawn.splitlines()[1:-1] == [
        '  n0["pool (PgBouncer)<br>accepts 500<br>120 may be opened"]',
        '  n1[("db (PostgreSQL)<br>accepts 97<br>120 may be opened")]:::over',
        '  n2["web<br>2 x 4 processes"]',
        '  n2 -->|"5 + 10 each: 120"| n0',
        '  n0 -->|"120 each: 120"| n1',
    ]


def test_a_terminal_gets_lines_and_a_table() -> None:
    text = analyzers.to_terminal(review(SERVER), width=120)
    assert "Readiness: 1 of 3 found" in text
    assert re.search(r"Error tracking +found +Sentry: sentry_sdk +shop/settings.py:12", text)
    assert re.search(r"web +2 +4 +5 \+ 10 +120 +db +97", text)
    assert 'urls.py: path("healthz", a | b)' in text
    assert text.endswith("No new findings\n")


def test_tools_get_the_table_as_data_and_no_results_of_it() -> None:
    log = json.loads(analyzers.to_sarif(review(SERVER), analyzers.RULES))
    jsonschema.Draft4Validator(SCHEMA).validate(log)
    assert log["runs"][0]["results"] == []
    assert [row["state"] for row in log["runs"][0]["properties"]["readiness"]] == ["found", "not found", "not known"]
    document = json.loads(analyzers.to_json(review(SERVER)))
    assert document["readiness"][0]["places"] == [{"path": "shop/settings.py", "line": 12}]
    assert document["connections"][0]["targets"][0]["capacity"] == 97


def test_the_table_is_in_the_whole_document() -> None:
    text = analyzers.to_markdown(review(SERVER))
    assert "Readiness: 1 of 3 found" in text
    assert "```mermaid\nflowchart LR" in text
