"""The configuration of a reviewed repository: typed, tolerant, every mistake reported."""

from __future__ import annotations

import json
from collections.abc import Collection

import jsonschema
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from analyzers.findings import Problem
from analyzers.globs import any_matches
from analyzers.settings import (
    Acceptance,
    Configuration,
    Limits,
    Peak,
    Rules,
    Settings,
    Tables,
    json_schema,
    read_file,
    read_settings,
    settings_files,
    settings_of,
)

RULES = {"n_plus_one", "missing_index"}


def parse(text: bytes | None, known_rules: Collection[str] = ()) -> tuple[Configuration, tuple[Problem, ...]]:
    return read_file(text or b"", known_rules=known_rules)


def root(text: bytes | None) -> dict[str, bytes]:
    return {} if text is None else {".cliffguard.yml": text}


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
    settings, problems = parse(FULL, known_rules=RULES)
    assert problems == ()
    assert settings == Configuration(
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
    assert parse(text) == (Configuration(), ())


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
        (b"rules:\n  blocks: [nope]\n", 2, ["`rules.blocks[0]`", "missing_index"]),
        (b"honour_inline: maybe\n", 1, ["`honour_inline`", "true or false", "`maybe`"]),
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
    _, problems = parse(text, known_rules=RULES)
    assert [(problem.path, problem.line) for problem in problems] == [(".cliffguard.yml", line)]
    assert [word for word in words if word not in problems[0].text] == []


def test_the_rest_of_a_file_with_mistakes_counts() -> None:
    text = b"fail_on: severe\ndatabase: sqlite\nignore:\n  - 3\n  - {rule: '*', path: a, reason: b}\n"
    settings, problems = parse(text, known_rules=RULES)
    assert settings == Configuration(database="sqlite", ignore=(Acceptance("*", "a", "b"),))
    assert len(problems) == 2


@given(st.binary(max_size=200) | st.text(alphabet="abc:-[]{}*&!|>'\"\n #?,~<").map(str.encode))
def test_no_bytes_raise(text: bytes) -> None:
    settings, _ = parse(text, known_rules=RULES)
    assert isinstance(settings, Configuration)


def test_a_change_cannot_silence_its_own_review() -> None:
    settings, problems = settings_of({}, root(b"rules: {disabled: [n_plus_one]}\nfoo: 1\n"), known_rules=RULES)
    assert settings == Settings()
    assert ["`foo`" in problems[0].text, "once it is merged" in problems[1].text, len(problems)] == [True, True, 2]


def test_old_mistakes_stay_visible_and_repaired_ones_do_not() -> None:
    assert len(settings_of(root(b"foo: 1\n"), root(b"foo: 1\n"))[1]) == 1
    assert settings_of(root(b"foo: 1\n"), root(b"# repaired\n"))[1] == ()


# Several files


def test_the_configuration_may_be_with_those_of_github() -> None:
    settings, problems = read_settings({".github/cliffguard.yml": b"fail_on: low\nfoo: 1\n"})
    assert (settings.fail_on, settings.source) == ("low", ".github/cliffguard.yml")
    assert [(problem.path, problem.line) for problem in problems] == [(".github/cliffguard.yml", 2)]
    both = {".github/cliffguard.yml": b"fail_on: low\n", **root(b"fail_on: high\n")}
    settings, problems = read_settings(both)
    assert settings.fail_on == "high"
    assert [problem.path for problem in problems] == [".github/cliffguard.yml"]


MONOREPO = {
    ".cliffguard.yml": b"fail_on: low\nexpected_peak: {users: 100}\ntables: {small: [Country]}\nrules: {lists: [n_plus_one]}\n",
    "services/.cliffguard.yml": b"fail_on: high\nhonour_inline: false\n",
    "services/shop/.cliffguard.yml": (
        b"exclude: [legacy/, /old/*.py, '*.gen.py']\nignore: [{rule: '*', path: reports, reason: nightly}]\n"
        b"expected_peak: {requests_per_second: 50}\ntables: {small: [Role]}\n"
        b"rules: {blocks: [n_plus_one], disabled: [missing_index]}\n"
    ),
}


def test_the_nearest_configuration_wins_and_inherits() -> None:
    settings, problems = read_settings(MONOREPO, known_rules=RULES)
    assert problems == ()
    outside, services = settings.at("web/a.py"), settings.at("services/mail/a.py")
    shop = settings.at("services/shop/deep/a.py")
    assert [one.fail_on for one in (outside, services, shop)] == ["low", "high", "high"]
    assert [one.honour_inline for one in (outside, services, shop)] == [None, False, False]
    assert [one.expected_peak for one in (outside, shop)] == [Peak(100), Peak(100, 50)]
    assert [one.has_small("role", "x") for one in (outside, services, shop)] == [False, False, True]
    assert shop.has_small("country")
    assert [one.rules.level("n_plus_one") for one in (outside, services, shop)] == ["lists", "lists", "blocks"]
    assert settings.at("services/shopping/a.py").fail_on == "high"
    assert settings.runs("missing_index")
    assert shop.rules.level("missing_index") == "disabled"


@pytest.mark.parametrize(
    ("path", "is_excluded"),
    [
        ("services/shop/legacy/a.py", True),
        ("services/shop/deep/legacy/a.py", True),
        ("services/shop/old/a.py", True),
        ("services/shop/deep/old/a.py", False),
        ("services/shop/x/y.gen.py", True),
        ("legacy/a.py", False),
        ("x.gen.py", False),
    ],
)
def test_patterns_of_a_folder_are_seen_from_it(path: str, is_excluded: bool) -> None:
    settings, _ = read_settings(MONOREPO)
    assert any_matches(settings.excluded())(path) is is_excluded


def test_a_folder_named_like_a_pattern_is_that_folder() -> None:
    settings, _ = read_settings({"a[b]*/.cliffguard.yml": b"exclude: [c.py]\n"})
    excluded = any_matches(settings.excluded())
    assert [excluded(path) for path in ("a[b]*/c.py", "ab/c.py", "abx/c.py")] == [True, False, False]


def test_what_is_of_the_whole_repository_is_not_said_by_a_folder() -> None:
    settings, problems = read_settings({"a/.cliffguard.yml": b"database: mysql\ncomments: {push: 1}\n"})
    assert [problem.text.split("`")[1] for problem in problems] == ["database", "comments"]
    assert settings.at("a/b.py") == Configuration()


def test_an_organisation_has_a_default() -> None:
    default = b"fail_on: low\ncomments: {push: 3}\nexclude: [gen/]\nignore: [{rule: '*', path: vendor, reason: theirs}]\n"
    settings, problems = read_settings(root(b"fail_on: high\nexclude: [legacy/]\n"), defaults=[default])
    assert problems == ()
    assert (settings.fail_on, settings.comments.push, settings.exclude) == ("high", 3, ("gen/", "legacy/"))
    assert [(one.pattern, one.source) for one in settings.declared()] == [("vendor", "")]


def test_an_operator_has_one_for_all_organisations() -> None:
    operator = (
        b"fail_on: critical\nhonour_inline: false\nexclude: [third_party/]\nignore: [{rule: '*', path: dist, reason: made}]\n"
    )
    organisation = b"fail_on: low\nexclude: [gen/]\n"
    settings, _ = read_settings(root(b"comments: {push: 3}\n"), defaults=[operator, organisation])
    assert (settings.fail_on, settings.honour_inline, settings.comments.push) == ("low", False, 3)
    assert settings.exclude == ("third_party/", "gen/")
    assert [(one.pattern, one.source) for one in settings.declared()] == [("dist", "")]


def test_a_bounded_number_of_folders_has_a_configuration() -> None:
    many = {f"a{number}/.cliffguard.yml": b"fail_on: low\n" for number in range(205)}
    assert len(settings_files(many)) == 201
    settings, problems = read_settings(many)
    assert (len(settings.nested), len(problems)) == (200, 1)


def test_a_rule_with_two_levels_is_a_mistake() -> None:
    settings, problems = parse(b"rules: {blocks: [n_plus_one], lists: [n_plus_one]}\n", known_rules=RULES)
    assert settings.rules.level("n_plus_one") == "lists"
    assert "`lists` counts" in problems[0].text
