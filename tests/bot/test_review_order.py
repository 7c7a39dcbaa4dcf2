"""Reviews that overtake each other: jobs that are superseded, answers that lag behind, leases that are lost."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from analyzers import Analysis, Revision
from bot import answers, review
from bot.answers import Commit, Comparison
from bot.errors import Gone, Later
from bot.jobs import Job, Work
from bot.local_github import Fault
from tests.bot.stage import Stage, bad, compare

# superseded and stale


def test_a_superseded_job_stops_before_it_begins(stage: Stage) -> None:
    pull = stage.open(bad("one"))
    stage.queue.newest = "f" * 40
    with pytest.raises(Gone):
        stage.run(stage.job(pull))
    assert stage.calls == []


def test_a_superseded_check_run_that_cannot_be_completed_now_is_completed_later(stage: Stage) -> None:
    pull = stage.open(bad("one"))
    job = stage.job(pull)

    def newer(*arguments: Any, **more: Any) -> Any:
        stage.queue.newest = "f" * 40
        stage.hub.faults.outage(r"/check-runs/\d+$", method="PATCH", times=2)
        return compare(*arguments, **more)

    stage.context = replace(stage.context, compare=newer)
    with pytest.raises(Later):
        stage.run(job)
    assert stage.checks(pull.head_sha) == [("in_progress", None)]
    with pytest.raises(Gone):
        stage.run(job)
    assert stage.checks(pull.head_sha) == [("completed", "neutral")]


def test_a_retry_that_is_superseded_completes_what_it_had_begun(stage: Stage) -> None:
    pull = stage.open(bad("one"))
    stage.hub.faults.outage("compare", times=3)
    with pytest.raises(Later):
        stage.run(stage.job(pull))
    stage.queue.newest = "f" * 40
    with pytest.raises(Gone):
        stage.run(stage.job(pull))
    assert stage.checks(pull.head_sha) == [("completed", "neutral")]


def test_a_push_during_the_analysis_leaves_no_comment(stage: Stage) -> None:
    pull = stage.open(bad("one"))
    job = stage.job(pull)

    def push_meanwhile(*revisions: Revision, **options: Any) -> Analysis:
        stage.push("feature", shop__py=bad("two"))
        return compare(*revisions, **options)  # type: ignore[arg-type]

    stage.context = replace(stage.context, compare=push_meanwhile)
    with pytest.raises(Gone):
        stage.run(job)
    assert pull.reviews == []
    assert stage.checks(job.head) == [("completed", "neutral")]


def test_an_api_that_lags_behind_comes_later(stage: Stage) -> None:
    pull = stage.open(bad("one"))
    stage.push("feature", shop__py=bad("one", "two"))
    stage.hub.faults.stale()
    with pytest.raises(Later, match="does not show this push yet"):
        stage.run(stage.job(pull))
    check = stage.check(pull.head_sha)
    assert check.status == "in_progress"
    assert "Waiting" in check.output["title"]
    stage.run(stage.job(pull))
    assert len(pull.review_comments) == 2
    assert stage.checks(pull.head_sha) == [("completed", "failure")]


@pytest.mark.parametrize(
    ("event", "api", "status", "error"),
    [
        ("2026-01-01T10:00:00Z", "2026-01-01T10:00:01Z", "", Gone),
        ("2026-01-01T10:00:01Z", "2026-01-01T10:00:00Z", "", Later),
        ("2026-01-01T10:00:00Z", "2026-01-01T10:00:00Z", "ahead", Gone),
        ("2026-01-01T10:00:00Z", "2026-01-01T10:00:00Z", "behind", Later),
        ("2026-01-01T10:00:00Z", "2026-01-01T10:00:00Z", "diverged", Later),
        ("", "2026-01-01T10:00:00Z", "ahead", Gone),
        ("", "2026-01-01T10:00:00Z", "diverged", Gone),
        ("", "2026-01-01T10:00:00Z", "behind", Later),
    ],
)
def test_another_head_is_newer_or_older(event: str, api: str, status: str, error: type[Exception]) -> None:
    class Api:
        def compare(self, base: str, head: str) -> Comparison:
            assert status
            assert (base, head) == ("a" * 40, "b" * 40)
            return Comparison(status)

    job = Job(Work.REVIEW, 1, 2, "o", "r", 7, "a" * 40, updated=event)
    pull = answers.PullRequest(7, "open", Commit("b" * 40), Commit("c" * 40), updated_at=api)
    run = review._Run(job, None, None, None, Api(), retried=False)  # type: ignore[arg-type]
    with pytest.raises(error):
        run._current(pull)


def test_each_try_waits_longer(stage: Stage) -> None:
    pull = stage.open(bad("one"))
    stage.hub.faults.add(Fault("GET", "compare", 404, times=99, message="Not Found"))
    waits = []
    for _ in range(9):
        with pytest.raises(Later) as later:
            stage.run(stage.job(pull))
        waits.append(later.value.after)
    assert waits == [5, 10, 20, 40, 80, 160, 320, 600, 600]
    assert stage.checks(pull.head_sha) == [("in_progress", None)]


def test_a_lost_lease_publishes_nothing(stage: Stage) -> None:
    pull = stage.open(bad("one"))
    stage.queue.lost = True
    with pytest.raises(Later):
        stage.run(stage.job(pull))
    assert pull.reviews == []
