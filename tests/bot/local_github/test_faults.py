"""Faults strike when and as often as told, and are visible in the record."""

from __future__ import annotations

import time

import httpx
import pytest

from bot.local_github import Fault

from .conftest import Stage


def test_an_outage_before_a_write_leaves_nothing(stage: Stage) -> None:
    stage.github.faults.outage("/reviews", method="POST", times=2)
    assert [stage.review().status_code for _ in range(3)] == [502, 502, 200]
    assert len(stage.pull.reviews) == 1
    assert stage.github.faults.armed == ()


def test_an_outage_after_a_write_leaves_it_done(stage: Stage) -> None:
    stage.github.faults.outage_after_commit("/reviews")
    assert stage.review().status_code == 502
    assert len(stage.pull.reviews) == 1
    entry = stage.github.log[-1]
    assert (entry["status"], entry["fault"]["moment"]) == (502, "after")


@pytest.mark.parametrize("retry_after", [None, 7])
def test_the_secondary_limit(shared: Stage, retry_after: int | None) -> None:
    shared.github.faults.secondary_limit(retry_after=retry_after)
    answer = shared.bot.get(shared.path)
    assert answer.status_code == 403
    assert "secondary rate limit" in answer.json()["message"]
    assert answer.headers.get("retry-after") == (None if retry_after is None else "7")
    assert int(answer.headers["x-ratelimit-remaining"]) > 0


def test_the_primary_limit(shared: Stage) -> None:
    shared.github.faults.rate_limit(reset=1_800_000_000)
    answer = shared.bot.get(shared.path)
    assert answer.status_code == 429
    assert (answer.headers["x-ratelimit-remaining"], answer.headers["x-ratelimit-reset"]) == ("0", "1800000000")


def test_slow_answers_are_right_answers(shared: Stage) -> None:
    shared.github.faults.slow(0.2)
    started = time.monotonic()
    assert shared.bot.get(shared.path).status_code == 200
    assert time.monotonic() - started >= 0.2


def test_a_stale_read_shows_the_earlier_head(stage: Stage) -> None:
    before = stage.pull.head_sha
    stage.source.write({"b.py": "1\n"}, "More")
    after = stage.github.push(stage.repository, "feature", "feature", source=stage.source.path)
    stage.github.faults.stale()
    heads = [stage.bot.get(f"{stage.path}/pulls/1").json()["head"]["sha"] for _ in range(2)]
    assert heads == [before, after]


@pytest.mark.parametrize("after_commit", [False, True])
def test_a_cut_connection(stage: Stage, after_commit: bool) -> None:
    stage.github.faults.drop("/reviews", method="POST", after_commit=after_commit)
    with pytest.raises(httpx.RemoteProtocolError):
        stage.review()
    assert len(stage.pull.reviews) == (1 if after_commit else 0)
    assert "status" not in stage.github.log[-1]
    assert stage.bot.get(stage.path).status_code == 200


def test_only_matching_requests_are_struck(shared: Stage) -> None:
    shared.github.faults.add(Fault("PATCH", r"/check-runs/\d+$", 500))
    assert shared.bot.get(shared.path).status_code == 200
    assert len(shared.github.faults.armed) == 1
    shared.github.faults.clear()
    assert shared.github.faults.armed == ()
