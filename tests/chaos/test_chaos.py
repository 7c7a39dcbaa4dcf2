"""A small storm: two blows of the worst kinds and one of others, over ten reviews. `make chaos` is the large one."""

from __future__ import annotations

import random
import sys
from pathlib import Path

import pytest

from tests.bot.contract import violations as contract_violations
from tests.chaos.blows import BLOWS
from tests.chaos.storm import Storm, plan, run
from tests.chaos.verdict import table, violations
from tests.chaos.world import Push, pushes

QUICK = (
    "SIGKILL of a job's process",
    "SIGKILL of a worker",
    "SIGKILL of the webhook service",
    "restart of Valkey",
    "502 after a review was stored",
    "answer cut off after a check run was made",
    "502 before a check run is completed",
    "403 with retry-after",
    "401 on a fresh token",
    "a pull request as it was before the push",
)


@pytest.mark.timeout(280)
@pytest.mark.skipif(sys.platform != "linux", reason="looks for processes in /proc")
def test_a_small_storm_loses_nothing_and_repeats_nothing(tmp_path: Path) -> None:
    chance = random.Random(2)
    blows = [blow for blow in BLOWS if blow.name in QUICK]
    assert len(blows) == len(QUICK)
    storm = run(tmp_path, plan(10, chance, blows), chance, 240, settings={"SWEEP": "6"})
    broken = violations(storm)
    entries = storm.world.github.log
    assert broken == [], f"{table(storm, broken, len(entries), [])}\n{storm.log[-6000:]}"
    assert contract_violations(entries) == []
    # A blow that met nothing is not counted: no job was under way, or no request came any more.
    assert sum(struck.times for struck in storm.struck.values()) >= len(blows) - 3
    assert len(storm.world.heads) == 10
    _spoiled(storm)


def _spoiled(storm: Storm) -> None:
    """The verdict sees what it is there to see."""
    head = next(head for head in storm.world.heads if head.pull.review_comments and head.sha == head.pull.head_sha)
    pull, github = head.pull, storm.world.github
    pull.review_comments.append(pull.review_comments[0])
    assert any("told more than once" in text for text in violations(storm))
    del pull.review_comments[-1]
    [kept], pull.review_comments[:] = pull.review_comments[:1], []
    assert any("never told" in text for text in violations(storm))
    pull.review_comments.append(kept)
    pull.reviews.append(pull.reviews[0])
    assert any("reviews" in text for text in violations(storm))
    del pull.reviews[-1]
    [run] = github.check_runs(pull.repository, head.sha, "cliffguard")
    run.status = "in_progress"
    assert any("left open" in text for text in violations(storm))
    run.status, run.conclusion = "completed", "neutral"
    assert any("ended as" in text for text in violations(storm))


def test_the_same_seed_plans_the_same_storm() -> None:
    assert plan(50, random.Random(4)) == plan(50, random.Random(4)) != plan(50, random.Random(5))
    planned = plan(50, random.Random(4))
    assert [step for step in planned if isinstance(step, Push)] == pushes(50, random.Random(4))
    assert {step.name for step in planned if not isinstance(step, Push)} == {blow.name for blow in BLOWS}
