"""The report of the default branch: once for a repository, after its first review, and at nobody's cost."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import msgspec
import pytest
from redis.exceptions import ConnectionError as Unreachable

import analyzers
from analyzers import Analysis, BlobReader, Finding, Place, Review, Revision, Severity, Span
from bot.errors import Broken, Gone, Later
from bot.jobs import READINESS, Job, Work
from bot.local_github import Fault, Moment, views
from bot.queue import Outcome, Queue
from bot.webhook import job_for
from tests.bot.stage import Stage, bad, findings


def audit(head: Revision, blobs: BlobReader, **_: Any) -> Analysis:
    return Analysis(Review(new=tuple(findings(head, blobs).values())), head, {}, blobs, analyzers.Settings())


@pytest.fixture
def told(stage: Stage) -> Stage:
    stage.context = replace(stage.context, audit=audit)
    return stage


def reports(stage: Stage, sha: str = "") -> list[Any]:
    """The reports of a commit, else of all."""
    runs = [run for run in stage.hub.world.runs.values() if run.suite.repository is stage.repository]
    return [run for run in runs if run.name == READINESS and sha in ("", run.suite.head_sha)]


def first(stage: Stage) -> Job:
    """The job that the first review asks for."""
    stage.run(stage.job(stage.open(bad("one"))))
    [job] = stage.queue.reports
    return job


def test_the_first_review_is_followed_by_a_report_of_the_default_branch(told: Stage) -> None:
    main = told.git("rev-parse", "main")
    pull = told.open(bad("one"))
    told.run(told.job(pull))
    assert [run.name for run in told.hub.check_runs(told.repository, pull.head_sha)] == ["cliffguard"]  # not before
    [job] = told.queue.reports
    assert (job.work, job.number, job.head) == (Work.READINESS, 0, "")
    told.run(job)
    [run] = reports(told)
    assert (run.suite.head_sha, run.status, run.conclusion) == (main, "completed", "neutral")
    assert run.annotations == []
    assert run.output["title"] == "2 findings of 1 rule"
    assert "It is told once" in run.output["summary"]
    assert "`n_plus_one` | 2 | 2 high |" in run.output["summary"]
    assert f"/{told.repository.full_name}/blob/{main}/other.py#L1-L1" in run.output["text"]
    assert "Title old" in run.output["text"]
    assert "Title one" not in run.output["text"]  # that is the pull request's
    assert (len(pull.review_comments), pull.comments) == (1, [])


def test_it_is_made_once_whatever_happens(told: Stage) -> None:
    job = first(told)
    told.run(job)
    with pytest.raises(Gone):  # a redelivery, a restart
        told.run(job)
    told.push("second", shop__py=bad("two"))
    told.run(told.job(told.hub.open_pull(told.repository, "second")))
    assert told.queue.reports == [job]
    told.queue.connection.clear()  # Valkey was lost, and the branch has gone on
    told.git("checkout", "-q", "main")
    told.push("main", shop__py="changed\n")
    told.run(told.job(told.hub.open_pull(told.repository, "second")))
    told.run(told.queue.reports[-1])
    assert len(reports(told)) == 1


def test_it_is_made_once_where_github_does_not_confirm_it(told: Stage) -> None:
    job = first(told)
    told.hub.faults.add(Fault("POST", "/check-runs$", moment=Moment.AFTER))
    told.run(job)
    assert len(reports(told)) == 1


def test_what_fails_is_tried_again_and_costs_no_review_anything(told: Stage) -> None:
    job = first(told)
    told.hub.faults.add(Fault("POST", "/check-runs$"))
    with pytest.raises(Later):
        told.run(job)
    told.run(job)
    assert len(reports(told)) == 1
    told.give_up(job, "no reason")  # there is no check run to conclude
    assert len(reports(told)) == 1


def test_a_repository_that_cannot_be_analysed_is_left_alone_for_a_while(told: Stage) -> None:
    job = first(told)
    fits = told.context.mirrors
    told.context = replace(told.context, mirrors=replace(fits, max_files=1))
    with pytest.raises(Broken):
        told.run(job)
    told.context = replace(told.context, mirrors=fits)
    told.run(told.job(told.hub.open_pull(told.repository, "feature"), attempt="again"))
    assert told.queue.reports == [job]
    assert reports(told) == []


def test_a_queue_that_does_not_answer_leaves_the_review_as_it_is(told: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    def away(job: Job) -> None:
        raise Unreachable("away")

    monkeypatch.setattr(told.queue, "submit", away)
    pull = told.open(bad("one"))
    assert told.run(told.job(pull)).conclusion == "failure"
    assert told.checks(pull.head_sha) == [("completed", "failure")]


def test_what_is_no_review_asks_for_nothing(told: Stage) -> None:
    pull = told.open(bad("one"))
    told.hub.close(pull)
    told.run(told.job(pull, work=Work.CANCEL))
    group = told.job(pull, work=Work.MERGE_GROUP, number=0, base=pull.base_sha)
    told.run(group)
    assert told.queue.reports == []


def test_a_person_may_have_it_made_again(told: Stage) -> None:
    told.run(first(told))
    [run] = reports(told)
    told.git("checkout", "-q", "main")
    now = told.push("main", shop__py="start\n")
    payload = {
        "action": "rerequested",
        "check_run": views.check_run(told.hub.world, run),
        "repository": views.repository(told.hub.world, told.repository),
        "installation": {"id": told.hub.installation(told.repository).id},
    }
    job = job_for("check_run", json.dumps(payload, default=str).encode(), delivery="d1", app=told.hub.app.id)
    assert isinstance(job, Job)
    assert (job.work, job.number, job.head) == (Work.READINESS, 0, "")
    told.run(job)
    told.run(job)
    assert len(reports(told, now)) == 1
    assert reports(told, now)[0].output["title"] == "1 finding of 1 rule"


def test_the_queue_holds_one_of_it_at_a_time(queue: Queue, make_job: Any) -> None:
    job = make_job(work=Work.READINESS, number=0, head="")
    assert queue.submit(job).outcome is Outcome.QUEUED
    assert queue.submit(job).outcome is Outcome.DUPLICATE
    assert queue.submit(make_job()).outcome is Outcome.QUEUED  # a review is not superseded by it
    assert queue.current(job)


def test_it_costs_two_requests_beside_tokens_and_asks_for_no_more_than_reviews_do(told: Stage) -> None:
    job = first(told)
    before = len(told.calls)
    told.run(job)
    spent = told.calls[before:]
    assert [call for call in spent if not call.endswith("access_tokens")] == ["POST graphql", "POST check-runs"]
    asked = [entry["json"]["permissions"] for entry in told.log if entry["path"].endswith("access_tokens")]
    assert max(map(len, asked)) == 3
    assert all("write" not in one.get("contents", "") for one in asked)


# What it says


def finding(rule: str, number: int, severity: str) -> Finding:
    place = Place(f"shop/{rule}_{number:03}.py", Span(1, 1, 1, 2))
    return Finding(rule, f"{rule}{number}", f"Title {number}", "M.", "", "", "", "", place, severity=Severity(severity))


def test_much_is_counted_and_the_worst_named() -> None:
    many = [finding("missing_index", n, "medium") for n in range(3000)]
    some = [finding("n_plus_one", n, "high") for n in range(2)]
    told = analyzers.overview(Review(new=(*many, *some)), analyzers.RULES)
    assert told.title == "3,002 findings of 2 rules"
    assert told.summary.index("n_plus_one") < told.summary.index("missing_index")
    assert "`missing_index` | 3,000 | 3,000 medium |" in told.summary
    assert told.text.count("Title") == 22
    assert "and 2,980 more" in told.text
    assert len(told.text.encode()) < 60_000


def test_nothing_is_said_to_be_nothing() -> None:
    told = analyzers.overview(Review(), analyzers.RULES)
    assert (told.title, told.summary, told.text) == ("No findings", "No findings.", "")


def test_names_of_the_repository_are_text() -> None:
    hostile = msgspec.structs.replace(finding("n_plus_one", 1, "high"), title="@all | <img src=x> `a|b`")
    told = analyzers.overview(Review(new=(hostile,)), analyzers.RULES)
    assert "<img" not in told.text
    assert "@all" not in told.text


def test_the_real_analysis_reports_a_sample(stage: Stage) -> None:
    stage.git("checkout", "-q", "main")
    model = "from django.db import models\n\n\nclass Book(models.Model):\n    by = models.ForeignKey('Author', 1)\n"
    view = "from models import Book\n\n\ndef all_books():\n    return [book.by.name for book in Book.objects.all()]\n"
    author = "\n\nclass Author(models.Model):\n    name = models.TextField()\n"
    stage.push("main", models__py=model + author, views__py=view)
    stage.run(first(stage))
    [run] = reports(stage)
    assert "n_plus_one" in run.output["summary"]
    assert "views.py:5" in run.output["text"]
