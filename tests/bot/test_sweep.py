"""What got lost is found again: deliveries nobody took, heads without a check, check runs of jobs that are no more."""

from __future__ import annotations

import socket
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest
from rq.job import Job as RQJob

from bot import organisation
from bot.installations import Delivery, Installations
from bot.jobs import Job
from bot.local_github import Fault, PullRequest
from bot.queue import Queue
from bot.sweep import NEXT, Swept, lost, sweep
from tests.bot.stage import Stage, bad, waiting

NOW = datetime(2026, 1, 5, tzinfo=UTC)


@pytest.fixture(autouse=True)
def nothing_else_open(stage: Stage) -> None:
    """The GitHub is shared by the tests."""
    for repository in stage.hub.world.repositories.values():
        for pull in repository.pulls.values():
            pull.state = "closed"


def swept(stage: Stage, queue: Queue, minutes: int = 10) -> Swept:
    with Installations(stage.context.tokens, stage.hub.api_url) as github:
        return sweep(github, queue, stage.github, datetime.now(UTC) + timedelta(minutes=minutes))


def queued(queue: Queue) -> list[Job]:
    found = (RQJob.fetch(id, connection=queue.connection, serializer="json") for id in waiting(queue))
    return [msgspec.convert(job.args[0], Job) for job in found]


def opened(stage: Stage, **options: Any) -> PullRequest:
    return stage.open(bad("one"), **options)


def test_a_head_without_a_check_is_queued_once(stage: Stage, queue: Queue) -> None:
    pull = opened(stage)
    assert swept(stage, queue, minutes=0).queued == 0  # its delivery may be on its way
    assert swept(stage, queue).queued == 1
    (job,) = queued(queue)
    assert (job.number, job.head, job.base, job.reason) == (pull.number, pull.head_sha, pull.base_sha, "sweep")
    swept(stage, queue)
    assert len(queued(queue)) == 1
    stage.run(job)
    assert swept(stage, queue).queued == 0
    assert stage.checks(pull.head_sha) == [("completed", "failure")]


def test_the_default_of_an_organisation_is_read_and_forgotten(stage: Stage, queue: Queue) -> None:
    installation = stage.hub.installation(stage.repository).id
    (stage.work / ".github").mkdir()
    (stage.work / ".github" / "cliffguard.yml").write_text("fail_on: low\n")
    stage.commit("home")
    owner = stage.repository.owner.login
    home = stage.hub.create_repository(f"{owner}/.github", stage.work, branches={"main": "home"})
    swept(stage, queue)
    assert organisation.default(queue.connection, installation) == b"fail_on: low\n"
    del stage.hub.world.repositories[home.id]
    swept(stage, queue)
    assert organisation.default(queue.connection, installation) is None


def test_what_is_under_way_is_left_alone(stage: Stage, queue: Queue) -> None:
    pull = opened(stage)
    job = stage.job(pull)
    queue.submit(job)
    stage.github(job).create_check(pull.head_sha, job.id, {"status": "in_progress"})
    assert swept(stage, queue, minutes=60) == Swept(repositories=len(stage.hub.world.repositories))
    assert stage.checks(pull.head_sha) == [("in_progress", None)]


def test_a_check_run_of_a_job_that_is_no_more_is_concluded_and_the_head_reviewed(stage: Stage, queue: Queue) -> None:
    pull = opened(stage)
    stage.github(stage.job(pull)).create_check(pull.head_sha, stage.job(pull).id, {"status": "in_progress"})
    assert swept(stage, queue, minutes=10).concluded == 0  # not old enough
    assert swept(stage, queue, minutes=60).concluded == 1
    for job in queued(queue):
        stage.run(job)
    assert stage.checks(pull.head_sha) == [("completed", "neutral"), ("completed", "failure")]


def test_closed_and_long_untouched_pull_requests_are_not_asked_for(stage: Stage, queue: Queue) -> None:
    stage.hub.close(opened(stage))
    assert swept(stage, queue).queued == 0
    stage.push("other", other__py=bad("two"))
    stage.hub.open_pull(stage.repository, "other")
    assert swept(stage, queue, minutes=60 * 24 * 4).queued == 0


def test_a_draft_gets_its_check_too(stage: Stage, queue: Queue) -> None:
    opened(stage, draft=True)
    swept(stage, queue)
    assert [job.draft for job in queued(queue)] == [True]


def test_a_repository_that_cannot_be_read_costs_only_itself(stage: Stage, queue: Queue) -> None:
    opened(stage)
    stage.hub.faults.add(Fault("GET", "pulls", 403, message="Resource not accessible by integration"))
    assert swept(stage, queue).repositories == len(stage.hub.world.repositories)


def test_the_next_sweep_goes_on_where_this_one_ended(stage: Stage, queue: Queue, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bot.sweep.REPOSITORIES", 1)
    everywhere = sorted(repository.id for repository in stage.hub.world.repositories.values())
    asked = []
    for _ in everywhere:
        assert swept(stage, queue).repositories == 1
        asked.append(int(queue.connection.get(NEXT)))
    assert sorted(asked) == everywhere


def delivery(number: int, guid: str, status: int, minutes: int = 30, event: str = "pull_request") -> Delivery:
    return Delivery(number, guid, (NOW - timedelta(minutes=minutes)).isoformat(), status, event)


class Seen(set[str]):
    def has_seen(self, delivery: str) -> bool:
        return delivery in self


@pytest.mark.parametrize(
    ("deliveries", "expected"),
    [
        ([delivery(1, "a", 200)], []),
        ([delivery(2, "a", 0), delivery(1, "b", 503)], [2, 1]),
        ([delivery(2, "a", 200), delivery(1, "a", 503)], []),  # redelivered before
        ([delivery(2, "a", 502), delivery(1, "a", 503)], [2]),  # in vain
        ([delivery(1, "a", 503, minutes=1)], []),  # too young
        ([delivery(1, "a", 503, minutes=60 * 24 * 3 + 1)], []),  # GitHub has it no more
        ([delivery(1, "late", 504)], []),  # it had arrived
        ([delivery(1, "a", 503, event="star")], []),
    ],
)
def test_lost_is_what_no_attempt_delivered(deliveries: list[Delivery], expected: list[int]) -> None:
    found = lost(deliveries, Seen({"late"}), NOW)  # type: ignore[arg-type]
    assert [one.id for one in found] == expected


def test_a_delivery_nobody_took_is_delivered_again(stage: Stage, queue: Queue) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        stage.hub.webhook_url = f"http://127.0.0.1:{closed.getsockname()[1]}/webhook"
        try:
            opened(stage)
            assert stage.hub.wait_for_deliveries()
            assert swept(stage, queue).redelivered == 1
            assert stage.hub.wait_for_deliveries()
        finally:
            stage.hub.webhook_url = None
    last = stage.hub.deliveries[-1]
    assert last.redelivery
    assert last.guid == stage.hub.deliveries[-2].guid


def test_a_sweep_is_queued_now_and_then(queue: Queue) -> None:
    for _ in range(3):
        queue.sweep(900)
    assert queue.depth().queued == 1
    queue.sweep(900, at_once=True)  # another process has just started
    assert queue.depth().queued == 1
    queue.connection.expire("cliffguard:sweep:last", 600)
    queue.sweep(900, at_once=True)
    assert queue.depth().queued == 1, "the first one waits still: there is one at a time"
    assert waiting(queue) == ["sweep"]
    assert RQJob.fetch("sweep", connection=queue.connection, serializer="json").retries_left == 4, "it may be killed"
    for status, more in (("started", 0), ("finished", 1), ("failed", 1)):
        queue.connection.delete("rq:queue:cliffguard", "cliffguard:sweep:last")
        queue.connection.hset("rq:job:sweep", "status", status)
        queue.sweep(900)
        assert queue.depth().queued == more


def test_a_sweep_takes_its_turn(queue: Queue, make_job: Any) -> None:
    for number in range(1, 5):
        queue.submit(make_job(number=number))
    queue.sweep(900)
    for _ in range(2):
        queue.connection.lpop("rq:queue:cliffguard")
        queue._feed()
    assert waiting(queue)[0] == "sweep"


def test_a_job_is_alive_until_it_is_done(queue: Queue, make_job: Any) -> None:
    job = make_job()
    assert not queue.is_alive(job.id)
    queue.submit(job)
    assert queue.is_alive(job.id)
    queue.connection.hset(f"rq:job:{job.id}", "status", "failed")
    assert not queue.is_alive(job.id)
