"""The configuration of a repository and of its organisation, in a review."""

from __future__ import annotations

from bot import organisation
from tests.bot.stage import Stage, bad


def test_settings_come_from_the_base(stage: Stage) -> None:
    stage.git("checkout", "-q", "main")
    (stage.work / ".cliffguard.yml").write_text("fail_on: never\n")
    stage.push("main")
    (stage.work / ".cliffguard.yml").write_text("fail_on: low\n")
    pull = stage.open(bad("one"))
    stage.run(stage.job(pull))
    check = stage.check(pull.head_sha)
    assert check.conclusion == "success"
    assert "used the version of the base" in check.output["text"]
    assert len(pull.review_comments) == 1


def test_a_mistake_in_the_configuration_is_shown_at_its_line_where_it_is_made(stage: Stage) -> None:
    (stage.work / ".github").mkdir()
    (stage.work / ".github" / "cliffguard.yml").write_text("fail_on: low\nrules:\n  lists: [no_such]\n")
    pull = stage.open(bad("one"))
    stage.run(stage.job(pull))
    check = stage.check(pull.head_sha)
    assert check.conclusion == "failure"  # by the defaults: the review goes on
    assert "2 notices about the configuration" in check.output["title"]
    [wrong] = [one for one in check.annotations if one["path"] == ".github/cliffguard.yml"]
    assert (wrong["start_line"], wrong["annotation_level"]) == (3, "warning")
    assert "`rules.lists[0]` must be one of" in wrong["message"]
    assert "n_plus_one" in wrong["message"]


def test_a_rule_that_is_only_listed_where_it_is(stage: Stage) -> None:
    stage.git("checkout", "-q", "main")
    (stage.work / "api").mkdir()
    (stage.work / "api" / ".cliffguard.yml").write_text("rules: {lists: [n_plus_one]}\n")
    (stage.work / "api" / "a.py").write_text("start\n")
    stage.push("main")
    (stage.work / "api" / "a.py").write_text("start\nBAD listed\n")
    pull = stage.open(bad("told"))
    stage.run(stage.job(pull))
    assert [comment.body.split("**")[1] for comment in pull.review_comments] == ["Title told"]
    check = stage.check(pull.head_sha)
    counts = "1 comment on the diff, 1 listed in the check run (1 only listed)"
    assert counts in check.output["summary"]
    assert check.output["title"] == "1 new finding that fails the check here, 1 more"


def test_the_default_of_the_organisation_counts(stage: Stage) -> None:
    pull = stage.open(bad("one"))
    organisation.keep(stage.queue.connection, stage.job(pull).installation, b"fail_on: never\n")
    before = len(stage.calls)
    stage.run(stage.job(pull))
    assert stage.check(pull.head_sha).conclusion == "success"
    assert not [call for call in stage.calls[before:] if "contents" in call]
