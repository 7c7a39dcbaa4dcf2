"""Turns: who waits is served before anyone is served twice, whatever a storm puts into the queue. Against a real Valkey."""

from __future__ import annotations

import random
from collections.abc import Callable
from itertools import pairwise

import msgspec
from rq.job import Job as RQJob
from rq.job import JobStatus

from bot import limits
from bot.answers import RateLimited
from bot.jobs import Job, Work
from bot.queue import NAME, Queue
from bot.vitals import vitals
from tests.bot.stage import waiting

MakeJob = Callable[..., Job]


def take(queue: Queue) -> Job | None:
    """As a worker does: the job that stands ready, and then the next one is put there."""
    id = queue.connection.lpop(f"rq:queue:{NAME}")
    queue._feed()
    return _job(queue, id.decode()) if id else None


def _job(queue: Queue, id: str) -> Job:
    return msgspec.convert(RQJob.fetch(id, connection=queue.connection, serializer="json").args[0], Job)


def drain(queue: Queue) -> list[Job]:
    taken = []
    while (job := take(queue)) is not None:
        taken.append(job)
    return taken


def storm(queue: Queue, make_job: MakeJob, installation: int, repository: int, pulls: int) -> None:
    for number in range(1, pulls + 1):
        queue.submit(make_job(installation=installation, repository_id=repository, number=number))


def left_behind(queue: Queue) -> list[str]:
    """What the lanes keep of jobs that are no more."""
    return sorted(key.decode() for key in [*queue.connection.keys("cliffguard:turns*"), *queue.connection.keys("rq:queue:*")])


def test_a_storm_delays_another_installation_by_what_stood_ready(queue: Queue, make_job: MakeJob) -> None:
    storm(queue, make_job, 1, 100, 50)
    storm(queue, make_job, 2, 200, 1)
    assert [job.installation for job in drain(queue)][:4] == [1, 1, 2, 1]


def test_a_storm_delays_another_repository_of_its_installation_as_little(queue: Queue, make_job: MakeJob) -> None:
    storm(queue, make_job, 1, 100, 50)
    storm(queue, make_job, 1, 101, 2)
    served = [job.repository_id for job in drain(queue)]
    assert served[:6] == [100, 100, 101, 100, 101, 100]
    assert len(served) == 52


def test_many_repositories_give_an_installation_no_more_turns(queue: Queue, make_job: MakeJob) -> None:
    for repository in range(100, 120):
        storm(queue, make_job, 1, repository, 3)
    storm(queue, make_job, 2, 200, 10)
    served = [job.installation for job in drain(queue)]
    assert served[:20].count(2) == 9


def test_between_two_turns_of_one_every_other_that_waits_has_one(queue: Queue, make_job: MakeJob) -> None:
    """And none has two, while the one waits. The law of the ring, for submissions and turns in any order."""
    chance, numbers = random.Random(7), iter(range(1, 10_000))
    picks: list[tuple[int, set[int], set[int]]] = []  # who is next, who else waited before, who waits after
    ready = None
    for _ in range(400):
        before = ring(queue)
        if chance.random() < 0.55:
            queue.submit(make_job(installation=chance.choice((1, 1, 1, 1, 2, 3, 4)), number=next(numbers)))
        else:
            take(queue)
        now = queue.connection.lindex(f"rq:queue:{NAME}", 0)
        if now and now != ready:
            picks.append((_job(queue, now.decode()).installation, before, ring(queue)))
        ready = now
    owed = 0
    for one in range(1, 5):
        turns = [at for at, (who, _, _) in enumerate(picks) if who == one]
        assert len(turns) > 10
        for first, second in pairwise(turns):
            between = [who for who, _, _ in picks[first + 1 : second]]
            _, before, after = picks[first]
            owed += len(before - {one})
            assert before - {one} <= set(between)
            assert one not in after or len(set(between)) == len(between)
    assert owed > 50


def ring(queue: Queue) -> set[int]:
    return {int(one) for one in queue.connection.lrange("cliffguard:turns", 0, -1)}


def test_jobs_of_one_repository_keep_their_order(queue: Queue, make_job: MakeJob) -> None:
    storm(queue, make_job, 1, 100, 9)
    assert [job.number for job in drain(queue)] == list(range(1, 10))


def test_nothing_is_left_of_who_was_served(queue: Queue, make_job: MakeJob) -> None:
    for installation in (1, 2):
        storm(queue, make_job, installation, installation * 100, 4)
    drain(queue)
    assert left_behind(queue) == []
    assert queue.connection.smembers("rq:queues") == set()


def test_what_is_superseded_before_it_began_is_taken_out(queue: Queue, make_job: MakeJob) -> None:
    for number in (1, 2, 3):
        queue.submit(make_job(number=number, head="a" * 40))
    for number in (1, 2, 3):
        queue.submit(make_job(number=number, head="b" * 40))
    assert [job.head[0] for job in (_job(queue, id) for id in waiting(queue))] == ["b", "b", "b"]
    assert len([*queue.connection.scan_iter("rq:job:*")]) == 3
    assert sorted(job.number for job in drain(queue)) == [1, 2, 3]
    assert left_behind(queue) == []


def test_a_new_push_keeps_the_turn_of_its_repository(queue: Queue, make_job: MakeJob) -> None:
    """Else who pushes often would never come."""
    storm(queue, make_job, 1, 100, 3)
    queue.submit(make_job(installation=2, head="a" * 40))
    storm(queue, make_job, 3, 300, 3)
    queue.submit(make_job(installation=2, head="b" * 40))
    served = drain(queue)
    assert [job.installation for job in served] == [1, 1, 2, 3, 1, 3, 3]
    assert served[2].head == "b" * 40


def test_what_has_begun_stays_to_conclude_its_check(queue: Queue, make_job: MakeJob) -> None:
    old = make_job(head="a" * 40)
    queue.submit(old)
    queue.connection.incr(f"cliffguard:tries:{old.id}")
    queue.submit(make_job(head="b" * 40))
    assert [job.head[0] for job in drain(queue)] == ["a", "b"]


def test_the_end_of_a_pull_request_stays_though_it_is_opened_again(queue: Queue, make_job: MakeJob) -> None:
    queue.submit(make_job(work=Work.CANCEL))
    queue.submit(make_job(attempt="reopened"))
    assert [job.work for job in drain(queue)] == [Work.CANCEL, Work.REVIEW]


def test_an_installation_that_has_to_wait_is_passed_over_and_keeps_its_jobs(queue: Queue, make_job: MakeJob) -> None:
    limits.pause(queue.connection, 1, RateLimited("no", 60))
    storm(queue, make_job, 1, 100, 3)
    storm(queue, make_job, 2, 200, 2)
    assert [job.installation for job in drain(queue)] == [2, 2]
    assert queue.depth().queued == 3
    queue.connection.delete("cliffguard:limited:1")
    queue.tick()
    assert [job.installation for job in drain(queue)] == [1, 1, 1]


def test_due_retries_wait_for_their_turn(queue: Queue, make_job: MakeJob) -> None:
    storm(queue, make_job, 1, 100, 20)
    jobs = drain(queue)
    for job in jobs:
        RQJob.fetch(job.id, connection=queue.connection, serializer="json").set_status(JobStatus.SCHEDULED)
    queue.connection.zadd("rq:scheduled:cliffguard", {job.id: 1 for job in jobs})
    storm(queue, make_job, 2, 200, 1)
    queue.tick()
    assert [job.installation for job in drain(queue)][:3] == [2, 1, 1]
    assert queue.depth().scheduled == 0


def test_a_lane_that_was_emptied_by_hand_does_no_harm(queue: Queue, make_job: MakeJob) -> None:
    storm(queue, make_job, 1, 100, 5)
    storm(queue, make_job, 2, 200, 2)
    queue.connection.delete(f"rq:queue:{NAME}:1:100")
    storm(queue, make_job, 1, 101, 1)
    assert [job.repository_id for job in drain(queue)] == [100, 101, 200, 200]
    assert left_behind(queue) == []


def test_the_age_is_that_of_the_job_that_waits_longest(queue: Queue, make_job: MakeJob) -> None:
    assert vitals(queue.connection).age == 0
    storm(queue, make_job, 1, 100, 2)
    storm(queue, make_job, 2, 200, 2)
    old = make_job(installation=2, repository_id=200, number=1)
    queue.connection.hset(f"rq:job:{old.id}", "enqueued_at", "2026-01-01T10:00:00.000000Z")
    assert vitals(queue.connection).age > 60 * 86400
    assert queue.depth().queued == 4
