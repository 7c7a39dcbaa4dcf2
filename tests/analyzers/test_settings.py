"""The configuration of a reviewed repository: typed, tolerant, every mistake reported."""

from __future__ import annotations

import json

import jsonschema
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from analyzers.settings import Acceptance, Limits, Peak, Rules, Settings, Tables, json_schema, settings_of

RULES = {"n_plus_one", "missing_index"}
FULL = b"""\
fail_on: medium
database: mysql
exclude:
  - vendor/**
ignore:
  - rule: n_plus_one
    path: shop/reports/
    reason: Runs at night, over a dozen rows.
tables:
  small: [country, role]
rules:
  disabled: [missing_index]
comments:
  push: 5
expected_peak:
  users: 100
  requests_per_second: 50
"""


def test_a_full_file() -> None:
    settings, problems = Settings.parse(FULL, known_rules=RULES)
    assert problems == ()
    assert settings == Settings(
        fail_on="medium",
        database="mysql",
        exclude=("vendor/**",),
        ignore=(Acceptance("n_plus_one", "shop/reports/", "Runs at night, over a dozen rows."),),
        tables=Tables(small=("country", "role")),
        rules=Rules(disabled=("missing_index",)),
        comments=Limits(push=5),
        expected_peak=Peak(users=100, requests_per_second=50),
    )
    jsonschema.validate(yaml.safe_load(FULL) | {"rules": {"disabled": ["missing_index"]}}, json.loads(json_schema()))


@pytest.mark.parametrize("text", [None, b"", b"# nothing\n", b"~\n", b"fail_on:\nexclude: ~\n", b"\xef\xbb\xbf{}"])
def test_nothing_said_means_defaults(text: bytes | None) -> None:
    assert Settings.parse(text) == (Settings(), ())


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        (b"fail_on: high\nfial_on: low\n", 2, ["`fial_on`", "fail_on", "database", "ignore"]),
        (b"\nfail_on: severe\n", 2, ["`fail_on`", "critical", "medium", "never", "`severe`"]),
        (b"database: oracle\n", 1, ["`database`", "postgresql", "`oracle`"]),
        (b"exclude: vendor\n", 1, ["`exclude`", "a list"]),
        (b"exclude: [[a]]\n", 1, ["`exclude[0]`", "a text", "a list"]),
        (b"tables: [a]\n", 1, ["`tables`", "a mapping"]),
        (b"ignore:\n  - rule: n_plus_one\n    path: a\n", 2, ["`ignore[0]`", "`reason`", "not used"]),
        (b"ignore:\n  - rule: n_plus_one\n    path: a\n    reason: ' '\n", 4, ["`ignore[0].reason`", "a text"]),
        (b"ignore:\n  - {rule: n_plus_1, path: a, reason: b}\n", 2, ["`ignore[0].rule`", "missing_index", "n_plus_one"]),
        (b"rules:\n  disabled: [nope]\n", 2, ["`rules.disabled[0]`", "missing_index"]),
        (b"fail_on: low\nfail_on: high\n", 2, ["`fail_on`", "twice"]),
        (b"comments: {file: 101}\n", 1, ["`comments.file`", "a number from 0 to 100", "`101`"]),
        (b"comments: {file: -1}\n", 1, ["`comments.file`", "a number from 0 to 100", "`-1`"]),
        (b"comments: {file: [1]}\n", 1, ["`comments.file`", "a number from 0 to 100", "a list"]),
        (b"expected_peak:\n  users: many\n", 2, ["`expected_peak.users`", "a number, at least 1", "`many`"]),
        (b"expected_peak:\n  users: 0\n", 2, ["`expected_peak.users`", "at least 1", "`0`"]),
        (b"expected_peak: {requests_per_second: 1.5}\n", 1, ["`expected_peak.requests_per_second`", "`1.5`"]),
        (b"expected_peak: 100\n", 1, ["`expected_peak`", "a mapping"]),
        (b"- a\n", 1, ["a mapping"]),
        (b"a: [\n", 2, ["not valid YAML"]),
        (b"a: *b\n", 1, ["not valid YAML"]),
        (b"[" * 5000, 0, ["not valid YAML"]),
        (b"\xff\xfe", 0, ["UTF-8"]),
        (b"#" * 200_000, 0, ["larger than"]),
        (b"a: \x00", 0, ["not valid YAML"]),
    ],
)
def test_a_mistake_is_named_with_its_line_and_what_is_allowed(text: bytes, line: int, words: list[str]) -> None:
    _, problems = Settings.parse(text, known_rules=RULES)
    assert [(problem.path, problem.line) for problem in problems] == [(".cliffguard.yml", line)]
    assert [word for word in words if word not in problems[0].text] == []


def test_the_rest_of_a_file_with_mistakes_counts() -> None:
    text = b"fail_on: severe\ndatabase: sqlite\nignore:\n  - 3\n  - {rule: '*', path: a, reason: b}\n"
    settings, problems = Settings.parse(text, known_rules=RULES)
    assert settings == Settings(database="sqlite", ignore=(Acceptance("*", "a", "b"),))
    assert len(problems) == 2


@given(st.binary(max_size=200) | st.text(alphabet="abc:-[]{}*&!|>'\"\n #?,~<").map(str.encode))
def test_no_bytes_raise(text: bytes) -> None:
    settings, _ = Settings.parse(text, known_rules=RULES)
    assert isinstance(settings, Settings)


def test_a_change_cannot_silence_its_own_review() -> None:
    settings, problems = settings_of(None, b"rules: {disabled: [n_plus_one]}\nfoo: 1\n", known_rules=RULES)
    assert settings == Settings()
    assert ["`foo`" in problems[0].text, "once it is merged" in problems[1].text, len(problems)] == [True, True, 2]


def test_old_mistakes_stay_visible_and_repaired_ones_do_not() -> None:
    assert len(settings_of(b"foo: 1\n", b"foo: 1\n")[1]) == 1
    assert settings_of(b"foo: 1\n", b"# repaired\n")[1] == ()
