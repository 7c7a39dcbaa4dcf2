"""A limit of GitHub holds for an installation, and for nobody else."""

from __future__ import annotations

import time

import pytest

from bot import limits, review
from bot.answers import RateLimited
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
    limits.pause(queue.connection, stage.hub.installation(stage.repository).id + 1, 60)
    assert run(stage, queue).conclusion == "failure"


def test_the_longest_wait_counts_and_ends(stage: Stage, queue: Queue) -> None:
    pull = stage.open(bad("one"))
    job = stage.job(pull, installation=7)
    limits.pause(queue.connection, 7, 60)
    limits.pause(queue.connection, 7, 1)
    with pytest.raises(RateLimited) as limited:
        limits.check(queue.connection, job)
    assert limited.value.after > 55
    queue.connection.delete("cliffguard:limited:7")
    limits.pause(queue.connection, 7, 0.05)
    time.sleep(0.1)
    limits.check(queue.connection, job)
