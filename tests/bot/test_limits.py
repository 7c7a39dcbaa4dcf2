"""A limit of GitHub holds for an installation, and for nobody else."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import replace

import pytest

from bot import limits, review
from bot.answers import Budget, RateLimited
from bot.errors import Later
from bot.jobs import Job
from bot.limits import Writing
from bot.queue import Queue
from tests.bot.stage import Stage, bad


def run(stage: Stage, queue: Queue, **fields: object) -> review.Result:
    [pull] = stage.repository.pulls.values()
    return review.run(stage.job(pull, **fields), stage.context.settings, queue, stage.context)


def test_all_jobs_of_an_installation_wait_without_a_request(stage: Stage, queue: Queue) -> None:
    stage.open(bad("one"))
    stage.hub.faults.secondary_limit("compare", retry_after=70)
    with pytest.raises(RateLimited) as first:
        run(stage, queue)
    assert 70 <= first.value.after < 72
    before = len(stage.calls)
    with pytest.raises(RateLimited, match="this installation") as second:
        run(stage, queue, attempt="another")
    assert 65 < second.value.after <= 70 + limits.SPREAD
    assert len(stage.calls) == before
    queue.connection.delete(f"cliffguard:limited:{stage.hub.installation(stage.repository).id}")
    assert run(stage, queue).conclusion == "failure"


def test_others_do_not_wait(stage: Stage, queue: Queue) -> None:
    stage.open(bad("one"))
    limits.pause(queue.connection, stage.hub.installation(stage.repository).id + 1, RateLimited("no", 60))
    assert run(stage, queue).conclusion == "failure"


def test_the_longest_wait_counts_and_ends(stage: Stage, queue: Queue) -> None:
    pull = stage.open(bad("one"))
    job = stage.job(pull, installation=7)
    limits.pause(queue.connection, 7, RateLimited("no", 60))
    limits.pause(queue.connection, 7, RateLimited("no", 1))
    with pytest.raises(RateLimited) as limited:
        limits.check(queue.connection, job)
    assert limited.value.after > 55
    queue.connection.delete("cliffguard:limited:7")
    limits.pause(queue.connection, 7, RateLimited("no", 0.05))
    time.sleep(0.1)
    limits.check(queue.connection, job)


def test_without_a_time_the_wait_doubles_and_with_one_it_is_obeyed(queue: Queue) -> None:
    def left() -> int:
        seconds = round(queue.connection.pttl("cliffguard:limited:7") / 1000)
        queue.connection.delete("cliffguard:limited:7")
        return seconds

    waits = []
    for _ in range(8):
        limits.pause(queue.connection, 7, RateLimited("no", 60, told=False))
        waits.append(left())
    assert waits == [60, 120, 240, 480, 960, 1920, 3600, 3600]
    limits.pause(queue.connection, 7, RateLimited("no", 5))
    assert left() == 5


def test_a_limit_without_headers_is_known_as_such(stage: Stage, queue: Queue) -> None:
    stage.open(bad("one"))
    stage.hub.faults.secondary_limit("compare")
    with pytest.raises(RateLimited) as limited:
        run(stage, queue)
    assert (limited.value.after, limited.value.told) == (60, False)
    stage.hub.faults.rate_limit("compare", reset=int(time.time()) + 300)
    queue.connection.flushall()
    with pytest.raises(RateLimited) as limited:
        run(stage, queue)
    assert 295 < limited.value.after < 305
    assert limited.value.told


def test_the_last_requests_of_an_hour_are_not_spent(stage: Stage, queue: Queue, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bot.local_github.api.HOURLY_LIMIT", limits.RESERVE + 4)
    stage.open(bad("one"))
    assert run(stage, queue).conclusion == "failure"
    with pytest.raises(RateLimited):
        run(stage, queue, attempt="another")
    now = time.time()
    for budget in (None, Budget(limits.RESERVE + 1, now + 60), Budget(0, now - 1)):
        limits.spare(queue.connection, 9, budget, now)
        assert queue.connection.pttl("cliffguard:limited:9") < 0


def writing(queue: Queue, installation: int = 7, spacing: float = 0.2) -> Writing:
    return Writing(queue.connection, installation, spacing)


def test_a_few_writes_go_at_once_and_then_one_after_the_other(queue: Queue) -> None:
    turn, start = writing(queue), time.monotonic()
    for _ in range(limits.BURST):
        with turn(False):
            pass
    assert time.monotonic() - start < 0.2
    for _ in range(4):
        with turn(False):
            pass
    assert 0.6 < time.monotonic() - start < 1.6
    other = time.monotonic()
    with writing(queue, 8)(False):
        assert time.monotonic() - other < 0.15, "another installation has turns of its own"


def test_of_many_processes_one_writes(queue: Queue) -> None:
    inside, most, done = set[int](), [0], list[int]()

    def write(number: int) -> None:
        for _ in range(3):
            with writing(queue, spacing=0.02)(False):
                inside.add(number)
                most[0] = max(most[0], len(inside))
                time.sleep(0.01)
                inside.discard(number)
        done.append(number)

    threads = [threading.Thread(target=write, args=(number,)) for number in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert (most[0], len(done)) == (1, 5)


def test_who_would_wait_too_long_goes_back_to_the_queue(queue: Queue, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "TURN", 0.1)
    start = time.monotonic()
    with writing(queue)(False), pytest.raises(Later), writing(queue)(False):
        pass
    assert time.monotonic() - start < 1
    with writing(queue)(False):
        pass


def test_people_are_notified_no_more_often_than_github_takes(queue: Queue, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "A_MINUTE", 3)
    turn = writing(queue, spacing=0.001)
    for _ in range(3):
        with turn(True):
            pass
    with pytest.raises(Later) as minute, turn(True):
        pass
    assert 55 < minute.value.after <= 60
    with turn(False):
        pass
    monkeypatch.setattr(limits, "A_MINUTE", 100)
    monkeypatch.setattr(limits, "AN_HOUR", 3)
    with pytest.raises(Later) as hour, turn(True):
        pass
    assert 3500 < hour.value.after <= 3600


def test_a_writer_that_died_is_waited_out_or_known_to_be_dead(queue: Queue, make_job: Callable[..., Job]) -> None:
    job = make_job(installation=7)
    queue.submit(job)
    queue.connection.set("cliffguard:writer:7", f"{job.id}:x", px=60_000)
    queue._release_of(job.id)
    with writing(queue)(False):
        assert 0 < queue.connection.pttl("cliffguard:writer:7") <= limits.WRITING * 1000


def test_each_write_of_a_review_takes_its_turn(stage: Stage, queue: Queue) -> None:
    """The check run twice and one review, which alone notifies."""
    pull = stage.open(bad("one"))
    settings = stage.context.settings.model_copy(update={"write_spacing": 1.0})
    stage.context = replace(stage.context, connect=None, settings=settings)
    review.run(stage.job(pull), stage.context.settings, queue, stage.context)
    installation = stage.hub.installation(stage.repository).id
    assert queue.connection.zcard(f"cliffguard:notices:{installation}") == 1
    due = float(queue.connection.get(f"cliffguard:writes:{installation}")) / 1000
    assert 1.5 < due - time.time() < 3.1
    assert not queue.connection.exists(f"cliffguard:writer:{installation}")
