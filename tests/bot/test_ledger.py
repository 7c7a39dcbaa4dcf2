"""What becomes of comments, and what that makes of the rules that made them."""

from __future__ import annotations

import time
from dataclasses import replace

import pytest

import analyzers
from bot.conversation import OwnComment
from bot.jobs import Command, Work
from bot.ledger import ENOUGH, KEPT, LATEST, Fate, Ledger, Standing, fates
from bot.local_github import PullRequest
from bot.observe import measuring
from bot.queue import Queue
from tests.bot.stage import Stage, bad


def comment(id: int, *, fixed: bool = False, liked: int = 0, disliked: int = 0) -> OwnComment:
    body = f"Told.\n\n<!-- cliffguard:finding:n_plus_one:{id:020x} -->"
    return OwnComment(id, "", "a.py", analyzers.as_fixed(body, "a" * 40) if fixed else body, False, liked, disliked)


@pytest.mark.parametrize(
    ("one", "accepted", "resolved", "merged", "fate"),
    [
        (comment(1, fixed=True), (), (), True, Fate.FIXED),
        (comment(1, fixed=True), (), (), False, Fate.FIXED),
        (comment(1), (f"{1:020x}",), (1,), True, Fate.ACCEPTED),
        (comment(1), (), (), True, Fate.IGNORED),
        (comment(1), (), (1,), True, Fate.DISMISSED),
        (comment(1, disliked=1), (), (), True, Fate.DISMISSED),
        (comment(1, liked=1), (), (), True, None),
        (comment(1), (), (), False, None),
    ],
)
def test_each_finding_that_was_told_has_a_fate(
    one: OwnComment, accepted: tuple[str, ...], resolved: tuple[int, ...], merged: bool, fate: Fate | None
) -> None:
    found = list(fates([one], accepted, resolved, merged=merged))
    assert found == ([("n_plus_one", f"{1:020x}", fate)] if fate else [])


def test_a_rule_is_under_the_floor_once_there_is_enough_to_say() -> None:
    assert not Standing(ignored=ENOUGH - 1).is_under(20)
    assert Standing(ignored=ENOUGH).is_under(20)
    assert not Standing(fixed=2, ignored=8).is_under(20)
    assert Standing(fixed=1, accepted=4, dismissed=5).is_under(20)


def outcomes(count: int, fate: Fate, first: int = 0) -> list[tuple[str, str, Fate]]:
    return [("n_plus_one", f"{number:020x}", fate) for number in range(first, first + count)]


def test_only_the_latest_fates_of_the_last_months_count(queue: Queue) -> None:
    ledger, now = Ledger(queue.connection, 7), time.time()
    ledger.close(1, outcomes(5, Fate.IGNORED), now - KEPT - 200)
    ledger.close(2, outcomes(3, Fate.IGNORED), now - 100)
    assert ledger.standings() == {"n_plus_one": Standing(ignored=3)}
    ledger.close(3, outcomes(LATEST - 1, Fate.FIXED), now)
    assert ledger.standings() == {"n_plus_one": Standing(fixed=LATEST - 1, ignored=1)}
    assert Ledger(queue.connection, 8).standings() == {}


def test_a_pull_request_that_is_closed_twice_counts_once(queue: Queue) -> None:
    ledger = Ledger(queue.connection, 7)
    ledger.close(1, outcomes(2, Fate.IGNORED))
    ledger.close(1, outcomes(2, Fate.FIXED))
    assert ledger.standings() == {"n_plus_one": Standing(fixed=2)}


def closed(stage: Stage, pull: PullRequest, *, merged: bool = True) -> None:
    stage.hub.close(pull, merged=merged)
    stage.run(stage.job(pull, work=Work.CANCEL))


def standing(stage: Stage) -> Standing:
    return Ledger(stage.queue.connection, stage.repository.id).standings().get("n_plus_one", Standing())


def test_the_fates_are_read_from_github_when_the_pull_request_is_closed(stage: Stage) -> None:
    pull = stage.open(bad("one", "two", "three", "four", "five"))
    stage.run(stage.job(pull))
    one, two, three, four, _ = pull.review_comments
    name = analyzers.marks_in(two.body)[0].fingerprint[: analyzers.SHORT]
    stage.run(stage.job(pull, work=Work.COMMAND, head="", command=Command(f"ignore {name} few rows", "acme", 1), attempt="c"))
    stage.hub.react(three, "-1", "ann")
    stage.hub.resolve(four, "ann")
    stage.push("feature", shop__py=bad("two", "three", "four", "five"))
    stage.run(stage.job(pull))
    assert one.body.startswith("**Fixed in")
    with measuring() as measures:
        closed(stage, pull)
    assert standing(stage) == Standing(fixed=1, accepted=1, ignored=1, dismissed=2)
    assert measures.fates == {
        ("n_plus_one", "fixed"): 1,
        ("n_plus_one", "accepted"): 1,
        ("n_plus_one", "dismissed"): 2,
        ("n_plus_one", "ignored"): 1,
    }


def test_a_change_that_was_given_up_says_nothing_of_what_was_not_fixed(stage: Stage) -> None:
    pull = stage.open(bad("one"))
    stage.run(stage.job(pull))
    closed(stage, pull, merged=False)
    assert standing(stage) == Standing()


def demote(stage: Stage) -> None:
    Ledger(stage.queue.connection, stage.repository.id).close(99, outcomes(ENOUGH, Fate.IGNORED))


def test_a_rule_that_nobody_heeds_is_listed_and_comes_back(stage: Stage) -> None:
    demote(stage)
    pull = stage.open(bad("one"))
    stage.run(stage.job(pull))
    check = stage.check(pull.head_sha)
    assert pull.review_comments == []
    assert check.conclusion == "failure"  # where it is told is another question than what fails
    assert "1 listed in the check run (1 only listed)" in check.output["summary"]
    assert "of the last 10 comments, 10 ignored" in check.output["text"]
    assert "`/cliffguard trust n_plus_one` brings its comments back" in check.output["text"]
    stage.run(stage.job(pull, work=Work.COMMAND, head="", command=Command("trust n_plus_one", "acme", 1), attempt="trust"))
    assert "`n_plus_one` comments again" in pull.comments[-1].body
    stage.run(stage.queue.submitted[-1])
    assert len(pull.review_comments) == 1


def test_what_is_told_already_keeps_its_comment(stage: Stage) -> None:
    pull = stage.open(bad("one"))
    stage.run(stage.job(pull))
    demote(stage)
    stage.push("feature", shop__py=bad("one", "two"))
    stage.run(stage.job(pull))
    assert "1 comment on the diff, 1 listed" in stage.check(pull.head_sha).output["summary"]
    assert len(pull.review_comments) == 1


def test_the_configuration_and_the_operator_overrule_the_ledger(stage: Stage) -> None:
    demote(stage)
    stage.git("checkout", "-q", "main")
    (stage.work / ".cliffguard.yml").write_text("rules: {comments: [n_plus_one]}\n")
    stage.push("main")
    pull = stage.open(bad("one"))
    stage.run(stage.job(pull))
    assert len(pull.review_comments) == 1


def test_without_a_floor_nothing_is_demoted(stage: Stage) -> None:
    demote(stage)
    stage.context = replace(stage.context, settings=stage.context.settings.model_copy(update={"trust_floor": 0}))
    pull = stage.open(bad("one"))
    stage.run(stage.job(pull))
    assert len(pull.review_comments) == 1


def test_only_a_rule_that_commented_here_can_be_trusted(stage: Stage) -> None:
    pull = stage.open(bad("one"))
    stage.run(stage.job(pull, work=Work.COMMAND, head="", command=Command("trust @everyone", "acme", 1), attempt="t"))
    assert "needs the name of a rule that commented here before: none did" in pull.comments[-1].body
    assert stage.queue.submitted == []
