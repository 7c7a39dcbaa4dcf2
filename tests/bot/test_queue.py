"""The queue, against a real Valkey: what counts as the same job, what supersedes what, and who may publish."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import msgspec
import pytest
import redis
from rq import Queue as RQQueue
from rq.job import Job as RQJob
from rq.job import JobStatus
from rq.job_lifecycle import record_job_failure

from bot.errors import Later
from bot.jobs import Job, Work
from bot.queue import FAILURE_TTL, NAME, PERFORM, RESULT_TTL, RETRIES, Depth, Outcome, Queue, Receiver
from bot.valkey import connect_async
from tests.bot.stage import waiting

A, B = "a" * 40, "b" * 40
EARLIER, LATER = "2026-01-01T10:00:00Z", "2026-01-01T10:00:05Z"

MakeJob = Callable[..., Job]


def fetch(queue: Queue, id: str) -> RQJob:
    return RQJob.fetch(id, connection=queue.connection, serializer="json")


def set_status(queue: Queue, id: str, status: JobStatus) -> None:
    """As a worker leaves a job of this status behind."""
    found = fetch(queue, id)
    if status is JobStatus.QUEUED:
        return
    (key,) = [key for key in queue.connection.scan_iter("rq:queue:*") if id.encode() in queue.connection.lrange(key, 0, -1)]
    queue.connection.lrem(key, 0, id)
    found.set_status(status)
    if status is JobStatus.FAILED:
        found.ended_at = datetime.now(UTC)
        with queue.connection.pipeline() as pipeline:
            record_job_failure(found, "Traceback\n  ...\nValueError: no\n", pipeline)
            pipeline.execute()


def test_a_submitted_job_is_what_rq_itself_would_have_stored(queue: Queue, make_job: MakeJob) -> None:
    submitted = make_job(delivery="d-1", base=B)
    ours = fetch(queue, queue.submit(submitted).id)
    plain = RQQueue("other", connection=queue.connection, serializer="json").enqueue(
        PERFORM, msgspec.to_builtins(submitted), job_timeout=60, result_ttl=RESULT_TTL, failure_ttl=FAILURE_TTL
    )
    theirs = fetch(queue, plain.id)
    for name in ("func_name", "args", "kwargs", "instance", "timeout", "result_ttl", "failure_ttl", "meta", "worker_name"):
        assert getattr(ours, name) == getattr(theirs, name), name
    assert ours.origin == NAME
    assert ours.get_status() == theirs.get_status() == JobStatus.QUEUED
    assert (ours.retries_left, ours.retry_intervals) == (len(RETRIES), RETRIES)
    assert ours.created_at
    assert abs(ours.created_at - datetime.now(UTC)) < timedelta(seconds=10)
    assert ours.enqueued_at == ours.created_at
    assert msgspec.convert(ours.args[0], Job) == submitted
    assert waiting(queue) == [ours.id]


def test_the_receiver_submits_the_same(queue: Queue, valkey_url: str, make_job: MakeJob) -> None:
    import asyncio

    async def submit() -> str:
        connection = connect_async(valkey_url)
        try:
            return (await Receiver(connection, job_timeout=60).submit(make_job())).id
        finally:
            await connection.aclose()

    received = fetch(queue, asyncio.run(submit())).to_dict()
    queue.connection.flushall()
    submitted = fetch(queue, queue.submit(make_job()).id).to_dict()
    for moving in ("created_at", "enqueued_at"):
        received.pop(moving), submitted.pop(moving)
    assert received == submitted


def test_one_job_for_one_head(queue: Queue, make_job: MakeJob) -> None:
    assert queue.submit(make_job(delivery="d-1")).outcome is Outcome.QUEUED
    assert queue.submit(make_job(delivery="d-2")).outcome is Outcome.DUPLICATE
    assert queue.depth() == Depth(queued=1, started=0, scheduled=0, failed=0)


def test_a_delivery_is_done_once(queue: Queue, make_job: MakeJob) -> None:
    first = make_job(delivery="d-1")
    id = queue.submit(first).id
    assert queue.submit(first).outcome is Outcome.SEEN
    set_status(queue, id, JobStatus.FINISHED)
    assert queue.submit(first).outcome is Outcome.SEEN
    assert 0 < queue.connection.ttl("cliffguard:delivery:d-1") <= 4 * 86400
    queue.submit(make_job(head=B, delivery="d-2", updated=LATER))
    assert queue.submit(first).outcome is Outcome.SEEN


def test_a_redelivery_of_what_failed_for_good_is_tried_again(queue: Queue, make_job: MakeJob) -> None:
    first = make_job(delivery="d-1")
    id = queue.submit(first).id
    set_status(queue, id, JobStatus.FAILED)
    assert queue.depth() == Depth(0, 0, 0, failed=1)
    assert queue.submit(first).outcome is Outcome.QUEUED
    assert queue.depth() == Depth(queued=1, started=0, scheduled=0, failed=0)
    assert fetch(queue, id).retries_left == len(RETRIES)


def test_a_job_without_delivery_id_leaves_no_trace_of_one(queue: Queue, make_job: MakeJob) -> None:
    queue.submit(make_job())
    assert not list(queue.connection.scan_iter("cliffguard:delivery:*"))


def test_a_newer_head_supersedes(queue: Queue, make_job: MakeJob) -> None:
    old, new = make_job(head=A, updated=EARLIER), make_job(head=B, updated=LATER)
    assert queue.current(old), "nothing is known yet"
    queue.submit(old)
    assert queue.current(old)
    assert queue.submit(new).outcome is Outcome.QUEUED
    assert not queue.current(old)
    assert queue.current(new)


def test_another_pull_request_supersedes_nothing(queue: Queue, make_job: MakeJob) -> None:
    one, other = make_job(number=7), make_job(number=8, head=B)
    queue.submit(one)
    queue.submit(other)
    assert queue.current(one)
    assert queue.current(other)


def test_without_times_the_last_to_arrive_is_the_newest(queue: Queue, make_job: MakeJob) -> None:
    queue.submit(make_job(head=A))
    assert queue.submit(make_job(head=B)).outcome is Outcome.QUEUED
    assert not queue.current(make_job(head=A))


def test_events_that_arrive_out_of_order_do_not_bring_an_old_head_back(queue: Queue, make_job: MakeJob) -> None:
    old, new = make_job(head=A, updated=EARLIER), make_job(head=B, updated=LATER)
    queue.submit(new)
    assert queue.submit(old).outcome is Outcome.STALE
    assert queue.current(new)
    assert queue.depth().queued == 1


def test_closing_ends_what_is_under_way_and_reopening_starts_again(queue: Queue, make_job: MakeJob) -> None:
    review = make_job(updated=EARLIER)
    closed = make_job(work=Work.CANCEL, updated=LATER)
    reopened = make_job(attempt="reopened x", updated="2026-01-01T10:00:09Z")
    queue.submit(review)
    assert queue.submit(closed).outcome is Outcome.QUEUED
    assert not queue.current(review)
    assert queue.submit(reopened).outcome is Outcome.QUEUED
    assert queue.current(reopened)
    assert not queue.current(closed)


@pytest.mark.parametrize(
    ("status", "outcome"),
    [
        (JobStatus.QUEUED, Outcome.QUEUED),  # it was cancelled before it began
        (JobStatus.SCHEDULED, Outcome.DUPLICATE),  # it waits still, and finds itself the newest again
        (JobStatus.STARTED, Outcome.QUEUED),  # it stops, as superseded: another run is needed
        (JobStatus.FINISHED, Outcome.QUEUED),
        (JobStatus.FAILED, Outcome.QUEUED),
    ],
)
def test_a_head_that_comes_back_is_reviewed_again(queue: Queue, make_job: MakeJob, status: JobStatus, outcome: Outcome) -> None:
    first = make_job(head=A, updated=EARLIER, delivery="d-1")
    id = queue.submit(first).id
    set_status(queue, id, status)
    queue.submit(make_job(head=B, updated=LATER, delivery="d-2"))
    back = make_job(head=A, updated="2026-01-01T10:00:09Z", delivery="d-3")
    again = queue.submit(back)
    assert again.outcome is outcome
    assert queue.current(back)
    assert (again.id == id) is (status is not JobStatus.STARTED)
    if status is JobStatus.SCHEDULED:
        return
    assert fetch(queue, again.id).get_status() == JobStatus.QUEUED
    assert waiting(queue).count(again.id) == 1


@pytest.mark.parametrize("status", [JobStatus.STARTED, JobStatus.FINISHED])
def test_another_delivery_for_what_runs_or_is_done_adds_nothing(queue: Queue, make_job: MakeJob, status: JobStatus) -> None:
    set_status(queue, queue.submit(make_job(delivery="d-1")).id, status)
    assert queue.submit(make_job(delivery="d-2")).outcome is Outcome.DUPLICATE
    assert queue.depth().queued == 0


def test_a_rerun_of_the_newest_head_runs_and_of_an_older_one_does_not(queue: Queue, make_job: MakeJob) -> None:
    set_status(queue, queue.submit(make_job(head=A, updated=EARLIER)).id, JobStatus.FINISHED)
    rerun = make_job(head=A, attempt="rerequested d-9", delivery="d-9", reason="check_run.rerequested")
    assert queue.submit(rerun).outcome is Outcome.QUEUED
    assert queue.current(rerun)
    queue.submit(make_job(head=B, updated=LATER))
    assert queue.submit(msgspec.structs.replace(rerun, attempt="rerequested d-10", delivery="d-10")).outcome is Outcome.STALE
    assert queue.submit(make_job(head=A, updated=EARLIER)).outcome is Outcome.STALE, "the re-run did not forget the time"


def test_ids_are_of_characters_rq_allows(queue: Queue, make_job: MakeJob) -> None:
    for work in Work:
        for attempt in ("", "rerequested 72d3162e-cc78-11e3-81ab-4c9367dc0958"):
            for number in (0, 7):
                RQJob.fetch(
                    queue.submit(make_job(work=work, attempt=attempt, number=number, delivery=f"{work}/{attempt}{number}")).id,
                    connection=queue.connection,
                    serializer="json",
                ).save()


def test_a_lease_excludes_others_until_released(queue: Queue) -> None:
    with queue.lease("123-7") as lease:
        lease.check()
        with pytest.raises(Later), queue.lease("123-7"):
            pass
        with queue.lease("123-8"):
            pass
    with queue.lease("123-7"):
        pass
    assert not list(queue.connection.scan_iter("cliffguard:lease:*"))


def test_a_lease_is_renewed_while_it_is_held(queue: Queue) -> None:
    with queue.lease("123-7", seconds=1.0) as lease:
        time.sleep(1.6)
        lease.check()
        with pytest.raises(Later), queue.lease("123-7"):
            pass


def test_a_lost_lease_says_so_and_leaves_the_new_holder_alone(queue: Queue) -> None:
    with queue.lease("123-7", seconds=0.6) as lease:
        queue.connection.set("cliffguard:lease:123-7", "somebody else")
        deadline = time.monotonic() + 10
        while lease.held and time.monotonic() < deadline:
            time.sleep(0.02)
        with pytest.raises(Later):
            lease.check()
    assert queue.connection.get("cliffguard:lease:123-7") == b"somebody else"


def test_of_many_who_want_a_lease_one_gets_it(queue: Queue) -> None:
    got, barrier, done = [], threading.Barrier(8), threading.Event()

    def take(number: int) -> None:
        barrier.wait(10)
        try:
            with queue.lease("123-7"):
                got.append(number)
                done.wait(10)
        except Later:
            got.append(None)
            if len(got) == 8:
                done.set()

    threads = [threading.Thread(target=take, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert sorted(got, key=str)[-7:] == [None] * 7


def test_dead_letters_can_be_looked_into_and_given_another_try(queue: Queue, make_job: MakeJob) -> None:
    submitted = make_job(delivery="d-1")
    id = queue.submit(submitted).id
    set_status(queue, id, JobStatus.FAILED)
    (letter,) = queue.dead_letters()
    assert (letter.id, letter.job, letter.reason) == (id, submitted, "ValueError: no")
    assert letter.traceback.startswith("Traceback")
    assert letter.failed is not None
    assert not queue.requeue("no such job")
    assert queue.requeue(id)
    assert queue.dead_letters() == []
    assert queue.depth().queued == 1
    assert fetch(queue, id).retries_left == len(RETRIES)


def test_a_tick_moves_due_retries_and_only_those(queue: Queue, make_job: MakeJob) -> None:
    due, early = queue.submit(make_job(number=1)).id, queue.submit(make_job(number=2)).id
    queue.connection.delete(f"rq:queue:{NAME}", f"rq:queue:{NAME}:5:123", "cliffguard:turns", "cliffguard:turns:5")
    now = time.time()
    queue.connection.zadd(f"rq:scheduled:{NAME}", {due: now - 1, early: now + 60, "gone": now - 1})
    for id in (due, early):
        fetch(queue, id).set_status(JobStatus.SCHEDULED)
    queue.tick()
    assert waiting(queue) == [due]
    assert fetch(queue, due).get_status() == JobStatus.QUEUED
    assert fetch(queue, early).get_status() == JobStatus.SCHEDULED
    assert queue.depth() == Depth(queued=1, started=0, scheduled=1, failed=0)


def test_a_tick_has_each_dead_letter_concluded_once(queue: Queue, make_job: MakeJob) -> None:
    id = queue.submit(make_job()).id
    set_status(queue, id, JobStatus.FAILED)
    queue.tick()
    queue.tick()
    (only,) = waiting(queue)
    conclusion = fetch(queue, only)
    assert conclusion.func_name == "bot.worker.abandon"
    assert msgspec.convert(conclusion.args[0], Job) == make_job()
    assert conclusion.args[1] == "ValueError: no"
    set_status(queue, conclusion.id, JobStatus.FAILED)
    queue.tick()
    assert queue.depth() == Depth(0, 0, 0, failed=2), "a failed conclusion is not concluded again"
    queue.requeue(id)
    set_status(queue, id, JobStatus.FAILED)
    queue.tick()
    assert queue.depth().queued == 1, "a second failure is a new one"


def test_an_outage_is_an_error_within_seconds(make_job: MakeJob) -> None:
    away = Queue(redis.Redis(port=1, socket_connect_timeout=1, socket_timeout=2))
    start = time.monotonic()
    with pytest.raises(redis.ConnectionError):
        away.submit(make_job())
    assert time.monotonic() - start < 5
