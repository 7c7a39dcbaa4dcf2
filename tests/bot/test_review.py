"""One job, from the queue to what the (local) GitHub shows. Everything is real but GitHub itself and, here, the analysis."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bot.context import Context, context_of
from bot.errors import Broken, Gone, Later
from bot.jobs import Work
from bot.observe import measuring
from bot.queue import Queue
from bot.settings import Settings
from tests.bot.contract import AT_HAND, BESIDE
from tests.bot.stage import FILLER, Stage, bad, compare


@pytest.mark.skipif(not AT_HAND, reason=f"the contract check is not at {BESIDE}")
def test_the_contract_check_sees_what_is_wrong(violations: Callable[[list[dict[str, Any]]], list[str]]) -> None:
    """It looks at every request of every test below."""
    assert violations([{"method": "POST", "path": "/repos/o/r/check-runs", "json": {"name": "x", "head_sh": "y"}}])


def test_new_findings_become_comments_on_their_lines_and_a_failed_check(stage: Stage) -> None:
    pull = stage.open(bad("one", "two"))
    with measuring() as measures:
        result = stage.run(stage.job(pull))
    assert [(comment.path, comment.line) for comment in pull.review_comments] == [("shop.py", 2), ("shop.py", 3)]
    assert [review.state for review in pull.reviews] == ["COMMENTED"]
    assert "Title one" in pull.review_comments[0].body
    check = stage.check(pull.head_sha)
    assert (check.status, check.conclusion) == ("completed", "failure")
    assert check.external_id == stage.job(pull).id
    assert "2 new findings" in check.output["title"]
    assert (result.conclusion, result.posted) == ("failure", 2)
    assert stage.queue.leased == [stage.job(pull).subject]
    assert {"check", "compare", "fetch", "analyse", "place", "confirm", "publish"} <= set(measures.seconds)
    assert measures.findings == {"n_plus_one": 2}


@pytest.mark.parametrize("count", [0, 1, 20])
def test_a_review_costs_at_most_seven_requests(stage: Stage, count: int) -> None:
    names = [f"n{n:02}" for n in range(count)]
    stage.push("feature", shop__py=bad(*names[:10]), more__py="".join(f"BAD {name}\n" for name in names[10:]))
    pull = stage.hub.open_pull(stage.repository, "feature")
    before = len(stage.calls)
    result = stage.run(stage.job(pull))
    spent = stage.calls[before:]
    assert len(pull.review_comments) == count
    assert result.calls == len(spent)
    assert len(spent) <= 7 if count else len(spent) <= 6, spent


def test_a_clean_pull_request_gets_a_check_alone(stage: Stage) -> None:
    pull = stage.open(bad())
    stage.run(stage.job(pull))
    assert pull.reviews == []
    assert stage.checks(pull.head_sha) == [("completed", "success")]


def test_a_second_run_a_redelivery_and_a_rebase_repeat_nothing(stage: Stage) -> None:
    pull = stage.open(bad("one", "two"))
    stage.run(stage.job(pull))
    stage.run(stage.job(pull))  # the same job again: the same check
    assert stage.checks(pull.head_sha) == [("completed", "failure")]
    stage.hub.reply_to_comment(pull.review_comments[0], "> quoted\n" + pull.review_comments[0].body, "ann")
    stage.run(stage.job(pull, attempt="again"))  # asked for by a person: a check of its own
    assert len(stage.checks(pull.head_sha)) == 2
    stage.push("feature", shop__py="start\nmoved\n" + bad("one", "two", "three")[6:])
    stage.run(stage.job(pull))
    ours = [comment.body for comment in pull.review_comments if comment.user.type == "Bot"]
    assert len(ours) == 3
    assert "Title three" in ours[-1]
    assert len(pull.reviews) - 1 == 2  # the reply is a review of its own


def test_what_does_not_fit_is_in_the_check(stage: Stage) -> None:
    stage.push("feature", other__py="changed\n", shop__py=bad(*(f"n{n:02}" for n in range(17))))
    pull = stage.hub.open_pull(stage.repository, "feature")
    stage.run(stage.job(pull))
    assert len(pull.review_comments) == 15
    check = stage.check(pull.head_sha)
    assert "17 new findings" in check.output["title"]
    assert "15 comments on the diff, 2 listed in the check run (2 beyond the number of comments)" in check.output["summary"]
    assert "Title n16" in check.output["text"]
    assert [a["title"] for a in check.annotations] == ["Title n15", "Title n16"]
    assert {a["annotation_level"] for a in check.annotations} == {"failure"}


def test_the_diff_is_that_from_the_merge_base(stage: Stage) -> None:
    pull = stage.open(bad("mine"))
    stage.git("checkout", "-q", "main")
    stage.push("main", theirs__py="BAD theirs\n")
    pull.base_sha = stage.git("rev-parse", "main")
    stage.run(stage.job(pull))
    assert [comment.body.split("**")[1] for comment in pull.review_comments] == ["Title mine"]


def test_a_base_that_moved_to_another_merge_base_is_analysed_anew(stage: Stage) -> None:
    stage.git("checkout", "-q", "main")
    stage.push("main", shop__py=bad("theirs"))
    pull = stage.open(bad("theirs", "mine"))
    old = stage.git("rev-parse", "main~1")
    stage.run(stage.job(pull, base=old))
    assert [comment.body.split("**")[1] for comment in pull.review_comments] == ["Title mine"]


def test_a_draft_gets_a_check_that_says_so(stage: Stage) -> None:
    pull = stage.open(bad("one"), draft=True)
    before = len(stage.calls)
    stage.run(stage.job(pull))
    check = stage.check(pull.head_sha)
    assert (check.conclusion, check.output["title"]) == ("neutral", "Draft: not reviewed yet")
    assert pull.reviews == []
    assert len(stage.calls) - before == 3
    stage.hub.mark_ready(pull)
    stage.run(stage.job(pull, attempt="ready"))
    assert len(pull.review_comments) == 1


def test_what_has_no_line_in_the_diff_is_a_comment_on_its_file_once(stage: Stage) -> None:
    stage.push("main", shop__py=f"{FILLER}LATER far\n", other__py="LATER away\n")
    stage.push("feature", shop__py=f"changed\n{FILLER}LATER far\n", cause__py="BAD near\n")
    pull = stage.hub.open_pull(stage.repository, "feature")
    result = stage.run(stage.job(pull))
    near, far = sorted(pull.review_comments, key=lambda one: one.path)
    assert (near.path, near.line, near.subject_type) == ("cause.py", 1, "line")
    assert (far.path, far.line, far.subject_type) == ("shop.py", None, "file")
    assert "shop.py:22" in far.body
    check = stage.check(pull.head_sha)
    assert "2 comments on the diff, 1 listed in the check run (1 outside the diff)" in check.output["summary"]
    assert [one["path"] for one in check.annotations] == ["other.py"]
    assert result.posted == 2
    stage.push("feature", more__py="fine\n")
    assert stage.run(stage.job(pull)).posted == 0
    assert len(pull.review_comments) == 2
    stage.git("rm", "-q", "cause.py")
    stage.push("feature", more__py="better\n")
    stage.run(stage.job(pull))
    assert all("Fixed" in one.body for one in pull.review_comments)


def test_a_fork_is_reviewed_and_found_by_its_head(stage: Stage) -> None:
    fork = stage.hub.fork(stage.repository, "mallory")
    stage.commit("evil", shop__py=bad("forked"))
    stage.hub.push(fork, "evil", "evil", source=stage.work)
    pull = stage.hub.open_pull(stage.repository, "evil", fork=fork)
    stage.run(stage.job(pull))
    assert len(pull.review_comments) == 1
    stage.run(stage.job(pull, number=0, base="", attempt="again"))
    assert len(pull.review_comments) == 1
    assert stage.checks(pull.head_sha) == [("completed", "failure")] * 2


def test_a_rerun_of_a_commit_without_pull_request_is_concluded(stage: Stage) -> None:
    pull = stage.open(bad("one"))
    stage.hub.close(pull)
    with pytest.raises(Gone):
        stage.run(stage.job(pull, number=0, base=""))
    check = stage.check(pull.head_sha)
    assert check.conclusion == "neutral"
    assert "No open pull request" in check.output["summary"]


def test_a_merge_group_is_analysed_as_a_whole_and_gets_no_comments(stage: Stage) -> None:
    pull = stage.open(bad("one"))
    head = stage.hub.add_to_merge_queue(pull)
    base = stage.git("rev-parse", "main")
    stage.run(stage.job(pull, work=Work.MERGE_GROUP, number=0, head=head, base=base))
    check = stage.check(head)
    assert check.conclusion == "failure"
    assert "Title one" in check.output["text"]
    assert [annotation["title"] for annotation in check.annotations] == ["Title one"]
    assert pull.reviews == []


def test_a_closed_pull_request_leaves_no_open_check(stage: Stage) -> None:
    pull = stage.open(bad("one"))
    stage.hub.faults.rate_limit("compare", reset=0)
    with pytest.raises(Later):
        stage.run(stage.job(pull))
    assert stage.checks(pull.head_sha) == [("in_progress", None)]
    stage.hub.close(pull)
    stage.run(stage.job(pull, work=Work.CANCEL))
    assert stage.checks(pull.head_sha) == [("completed", "neutral")]
    with pytest.raises(Gone, match="closed"):
        stage.run(stage.job(pull, attempt="late"))
    assert pull.reviews == []


def test_a_service_without_an_app_says_so(tmp_path: Path) -> None:
    with pytest.raises(Broken, match="CLIFFGUARD_APP_ID"):
        Context.of(Settings(data_dir=tmp_path, _env_file=None))  # type: ignore[call-arg]


def test_the_context_is_made_from_the_settings(stage: Stage, queue: Queue) -> None:
    stage.queue = queue  # type: ignore[assignment]
    pull = stage.open(bad("one"))
    made = Context.of(stage.context.settings)
    assert context_of(stage.context.settings) is context_of(stage.context.settings)
    stage.context = replace(made, compare=compare)
    stage.run(stage.job(pull))
    assert stage.checks(pull.head_sha) == [("completed", "failure")]


def test_git_reads_with_a_token_that_can_only_read(stage: Stage) -> None:
    pull = stage.open(bad("one"))
    stage.run(stage.job(pull))
    bodies = [entry["json"] for entry in stage.log if entry["path"].endswith("access_tokens")]
    assert {"repository_ids": [stage.repository.id], "permissions": {"contents": "read"}} in bodies
    assert all(body["repository_ids"] == [stage.repository.id] for body in bodies)
