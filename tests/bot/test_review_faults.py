"""What fails in the midst of a review, and what the pull request shows in the end."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import msgspec
import pytest

from analyzers import Analysis, Problem
from bot.errors import Broken, Gone, Later
from bot.github import GitHub
from bot.local_github import Fault
from tests.bot.stage import Killed, Stage, bad, compare

# outages

PATHS = {
    "tokens": ("access_tokens", "POST"),
    "create check": ("check-runs$", "POST"),
    "compare": ("compare", "GET"),
    "git": ("upload-pack", "POST"),
    "pull": (r"pulls/\d+$", "GET"),
    "comments": ("comments", "GET"),
    "review": ("reviews", "POST"),
    "complete check": (r"check-runs/\d+$", "PATCH"),
}


@pytest.mark.parametrize(
    ("where", "how"),
    [
        *((where, how) for where in PATHS for how in ("before", "after", "dropped")),
        *(
            (where, how)
            for where in ("tokens", "comments", "review", "complete check")
            for how in ("limited", "limited quietly")
        ),
    ],
)
def test_whatever_fails_once_the_end_is_one_review_and_one_completed_check(stage: Stage, where: str, how: str) -> None:
    path, method = PATHS[where]
    faults = stage.hub.faults
    if where == "comments":  # they are read only where there are some
        pull = stage.open(bad("one"))
        stage.run(stage.job(pull))
        stage.push("feature", shop__py=bad("one", "two"))
    else:
        pull = stage.open(bad("one", "two"))
    match how:
        case "before":
            faults.outage(path, method=method)
        case "after":
            faults.outage_after_commit(path, method=method)
        case "dropped":
            faults.drop(path, method=method, after_commit=method != "GET")
        case "limited":
            faults.secondary_limit(path, method=method, retry_after=7)
        case _:
            faults.secondary_limit(path, method=method)
    waits = []
    for _ in range(3):
        try:
            stage.run(stage.job(pull))
            break
        except Later as later:
            waits.append(later.after)
    if how.startswith("limited"):
        assert waits == [7 if how == "limited" else 60]
    assert len(pull.reviews) == (2 if where == "comments" else 1)
    assert len(pull.review_comments) == 2
    assert stage.checks(pull.head_sha) == [("completed", "failure")]


def test_one_line_github_refuses_does_not_cost_the_review(stage: Stage) -> None:
    pull = stage.open(bad("one", "two"))
    line = {"message": "Unprocessable Entity", "errors": ["Line could not be resolved"]}
    stage.hub.faults.add(Fault("POST", "reviews", 422, message=line["message"]))
    stage.run(stage.job(pull))
    assert len(pull.review_comments) == 2


def test_commits_not_replicated_yet_come_later(stage: Stage) -> None:
    pull = stage.open(bad("one"))
    stage.hub.faults.add(Fault("POST", "check-runs", 422, message="No commit found for SHA: " + pull.head_sha))
    with pytest.raises(Later):
        stage.run(stage.job(pull))
    stage.run(stage.job(pull))
    assert stage.checks(pull.head_sha) == [("completed", "failure")]


def test_an_unknown_failure_is_said_and_tried_again_and_given_up(stage: Stage) -> None:
    pull = stage.open(bad("one"))

    def fail(*_: Any, **__: Any) -> Analysis:
        raise ZeroDivisionError

    working = stage.context
    stage.context = replace(working, compare=fail)
    with pytest.raises(ZeroDivisionError):
        stage.run(stage.job(pull))
    assert "ZeroDivisionError" in stage.check(pull.head_sha).output["title"]
    stage.give_up(stage.job(pull), "the review failed repeatedly")
    check = stage.check(pull.head_sha)
    assert (check.status, check.conclusion) == ("completed", "neutral")
    assert "The review failed repeatedly." in check.output["summary"]
    stage.context = working
    stage.run(stage.job(pull))  # asked for once more
    assert stage.checks(pull.head_sha) == [("completed", "failure")]
    stage.give_up(stage.job(pull), "too late to matter")
    assert stage.checks(pull.head_sha) == [("completed", "failure")]


def test_what_cannot_be_done_is_said_at_once(stage: Stage) -> None:
    pull = stage.open(bad("one"))
    stage.context.mirrors.max_files = 1
    with pytest.raises(Broken):
        stage.run(stage.job(pull))
    check = stage.check(pull.head_sha)
    assert check.conclusion == "neutral"
    assert "2 files; at most 1" in check.output["summary"]


@pytest.mark.parametrize("how", ["broken", "given up", "a rule failed"])
def test_a_failure_of_ours_fails_the_check_where_the_settings_ask_for_it(stage: Stage, how: str) -> None:
    pull = stage.open(bad("one low"))
    settings = stage.context.settings.model_copy(update={"on_error": "failure"})
    stage.context = replace(stage.context, settings=settings)
    if how == "broken":
        stage.context = replace(stage.context, mirrors=replace(stage.context.mirrors, max_files=1))
        with pytest.raises(Broken):
            stage.run(stage.job(pull))
    elif how == "given up":
        stage.give_up(stage.job(pull), "it had to wait for too long")
    else:

        def failing(*arguments: Any, **options: Any) -> Analysis:
            analysis = compare(*arguments, **options)
            problem = Problem("", 0, "The rule x failed and found nothing.")
            analysis.review = msgspec.structs.replace(analysis.review, problems=(problem,))
            return analysis

        stage.context = replace(stage.context, compare=failing)
        stage.run(stage.job(pull))
    check = stage.check(pull.head_sha)
    assert (check.status, check.conclusion) == ("completed", "failure")


def test_giving_up_a_job_that_never_had_a_check_makes_one(stage: Stage) -> None:
    pull = stage.open(bad("one"))
    stage.give_up(stage.job(pull), "nobody came")
    assert stage.checks(pull.head_sha) == [("completed", "neutral")]


def test_an_uninstalled_app_is_gone(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    pull = stage.open(bad("one"))
    job = stage.job(pull)
    monkeypatch.setattr(stage.hub.world, "installations", {})
    with pytest.raises(Gone):
        stage.run(job)


@pytest.mark.parametrize("write", ["create_check", "create_review", "update_check"])
@pytest.mark.parametrize("happened", [True, False])
def test_a_worker_killed_at_any_write_leaves_one_review_and_one_check(
    stage: Stage, monkeypatch: pytest.MonkeyPatch, write: str, happened: bool
) -> None:
    pull = stage.open(bad("one", "two"))
    original = getattr(GitHub, write)

    def killed(self: GitHub, *arguments: Any) -> None:
        if happened:
            original(self, *arguments)
        raise Killed

    monkeypatch.setattr(GitHub, write, killed)
    with pytest.raises(Killed):
        stage.run(stage.job(pull))
    monkeypatch.setattr(GitHub, write, original)
    stage.run(stage.job(pull))
    assert len(pull.reviews) == 1
    assert len(pull.review_comments) == 2
    assert stage.checks(pull.head_sha) == [("completed", "failure")]
