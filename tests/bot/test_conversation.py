"""What was said on a pull request before, and what later pushes make of it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

import analyzers
from analyzers import Analysis, Problem, Review, Revision
from bot.answers import RateLimited
from bot.conversation import Acceptance
from bot.github import GitHub
from bot.local_github import Fault
from bot.local_github.faults import FIELD
from bot.tokens import Tokens
from tests.bot.stage import Killed, Stage, bad, compare


def test_what_is_fixed_is_said_and_hidden_and_comes_back(stage: Stage) -> None:
    pull = stage.open(bad("one", "two"))
    stage.run(stage.job(pull))
    one, two = pull.review_comments
    told = one.body
    fixed = stage.push("feature", shop__py=bad("two"))
    stage.run(stage.job(pull))
    assert one.body.startswith(f"**Fixed in {fixed}.**")
    assert (one.minimized, two.minimized) == ("resolved", None)
    assert len(pull.reviews) == 1
    stage.push("feature", shop__py="start\nagain\n" + bad("one", "two")[6:])
    stage.run(stage.job(pull))
    assert one.body == told
    assert (one.minimized, len(pull.review_comments)) == (None, 2)


@pytest.mark.parametrize(("granted", "wanted"), [(True, True), (False, True), (True, False)])
def test_threads_are_resolved_only_where_the_owner_granted_it(stage: Stage, granted: bool, wanted: bool) -> None:
    settings = stage.context.settings.model_copy(update={"resolve_threads": wanted})
    stage.context = replace(stage.context, settings=settings)
    installation = stage.hub.installation(stage.repository)
    if granted:
        installation.permissions["contents"] = "write"
    pull = stage.open(bad("one"))
    stage.run(stage.job(pull))
    [comment] = pull.review_comments
    stage.push("feature", shop__py=bad())
    stage.run(stage.job(pull))
    assert (comment.minimized, comment.thread.resolved_by is not None) == ("resolved", granted and wanted)
    stage.push("feature", shop__py=bad("one"))
    stage.run(stage.job(pull))
    assert (comment.minimized, comment.thread.resolved_by) == (None, None)
    stage.hub.resolve(comment, "ann")
    stage.push("feature", shop__py=bad())
    stage.run(stage.job(pull))
    stage.push("feature", shop__py=bad("one"))
    stage.run(stage.job(pull))
    assert comment.thread.resolved_by is not None  # what a person resolved stays so
    assert comment.thread.resolved_by.login == "ann"
    asked = [entry["json"]["permissions"] for entry in stage.log if entry["path"].endswith("access_tokens")]
    assert ({"contents": "write", "pull_requests": "write"} in asked) is wanted
    installation.permissions["contents"] = "read"


def test_a_push_without_news_writes_nothing_but_its_check(stage: Stage) -> None:
    pull = stage.open(bad("one"))
    stage.run(stage.job(pull))
    stage.push("feature", shop__py=bad(), more__py="x\n")
    stage.run(stage.job(pull))
    stage.push("feature", more__py="y\n")
    before = len(stage.calls)
    stage.run(stage.job(pull))
    writes = [call for call in stage.calls[before:] if call.split()[0] in ("POST", "PATCH")]
    assert [call for call in writes if "access_tokens" not in call and "upload-pack" not in call] == [
        "POST check-runs",
        f"PATCH {stage.check(pull.head_sha).id}",
    ]
    asked = [call for call in stage.calls[before:] if "access_tokens" not in call]
    assert len(asked) == 5  # and two tokens, in a process of its own


def test_a_thread_that_people_answered_is_not_hidden(stage: Stage) -> None:
    pull = stage.open(bad("one"))
    stage.run(stage.job(pull))
    stage.hub.reply_to_comment(pull.review_comments[0], "Really?", "ann")
    stage.push("feature", shop__py=bad())
    stage.run(stage.job(pull))
    assert pull.review_comments[0].body.startswith("**Fixed in")
    assert pull.review_comments[0].minimized is None


def test_what_could_not_be_analysed_is_not_called_fixed(stage: Stage) -> None:
    pull = stage.open(bad("one"))
    stage.run(stage.job(pull))

    def unreadable(*revisions: Revision, **options: Any) -> Analysis:
        analysis = compare(*revisions, **options)  # type: ignore[arg-type]
        analysis.review = Review(problems=(Problem("shop.py", 1, "Not parsed."),))
        return analysis

    stage.context = replace(stage.context, compare=unreadable)
    stage.push("feature", shop__py="?")
    stage.run(stage.job(pull))
    assert "Fixed in" not in pull.review_comments[0].body


def test_a_minimising_that_github_refuses_costs_nothing_else(stage: Stage) -> None:
    pull = stage.open(bad("one"))
    stage.run(stage.job(pull))
    stage.push("feature", shop__py=bad())
    stage.hub.faults.add(Fault("POST", "graphql", 200, message="forbidden"))
    stage.run(stage.job(pull))
    assert pull.review_comments[0].body.startswith("**Fixed in")
    assert stage.checks(pull.head_sha) == [("completed", "success")]


def test_a_worker_killed_while_it_tells_what_is_fixed_tells_it_again(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    pull = stage.open(bad("one"))
    stage.run(stage.job(pull))
    stage.push("feature", shop__py=bad())
    original = GitHub.rewrite

    def killed(self: GitHub, rewrites: Any) -> None:
        original(self, rewrites)
        raise Killed

    monkeypatch.setattr(GitHub, "rewrite", killed)
    with pytest.raises(Killed):
        stage.run(stage.job(pull))
    monkeypatch.setattr(GitHub, "rewrite", original)
    stage.run(stage.job(pull))
    assert pull.review_comments[0].minimized == "resolved"
    assert pull.review_comments[0].body.count("Fixed in") == 1


MANY = [f"n{number}" for number in range(15)]


def requests(stage: Stage, before: int) -> list[str]:
    """What was asked of GitHub's API since, without what git fetched."""
    return [call for call in stage.calls[before:] if "upload-pack" not in call and "info" not in call]


def test_a_push_that_fixes_many_findings_costs_eight_requests(stage: Stage) -> None:
    pull = stage.open(bad(*MANY))
    stage.run(stage.job(pull))
    assert len(pull.review_comments) == 15
    stage.push("feature", shop__py=bad())
    before = len(stage.calls)
    stage.context = replace(stage.context, tokens=Tokens(stage.hub.app.id, stage.hub.app.private_key))  # as a new worker's
    result = stage.run(stage.job(pull))
    assert all(comment.body.startswith("**Fixed in") for comment in pull.review_comments)
    assert {comment.minimized for comment in pull.review_comments} == {"resolved"}
    assert (result.calls, requests(stage, before).count("POST graphql")) == (8, 1)


def test_what_graphql_does_not_write_rest_writes(stage: Stage) -> None:
    pull = stage.open(bad("one", "two", "three"))
    stage.run(stage.job(pull))
    one, two, _ = pull.review_comments
    stage.push("feature", shop__py=bad())
    before = len(stage.calls)
    stage.hub.faults.add(Fault(FIELD, "updatePullRequestReviewComment", times=2))
    stage.run(stage.job(pull))
    assert all(comment.body.startswith("**Fixed in") for comment in pull.review_comments)
    assert all(comment.minimized for comment in pull.review_comments)
    patched = [call for call in requests(stage, before) if call.startswith("PATCH")]
    assert patched == [f"PATCH {one.id}", f"PATCH {two.id}", f"PATCH {stage.check(pull.head_sha).id}"]


@pytest.mark.parametrize(("status", "message"), [(502, "Server Error"), (403, "Resource not accessible"), (404, "Not Found")])
def test_without_graphql_rest_writes_all(stage: Stage, status: int, message: str) -> None:
    pull = stage.open(bad("one", "two"))
    stage.run(stage.job(pull))
    stage.push("feature", shop__py=bad())
    stage.hub.faults.add(Fault("POST", "graphql", status, message=message, times=5))
    stage.run(stage.job(pull))
    assert all(comment.body.startswith("**Fixed in") for comment in pull.review_comments)
    assert stage.checks(pull.head_sha) == [("completed", "success")]


def test_a_limit_of_graphql_is_waited_for(stage: Stage) -> None:
    pull = stage.open(bad("one"))
    stage.run(stage.job(pull))
    stage.push("feature", shop__py=bad())
    stage.hub.faults.secondary_limit("graphql", retry_after=70)
    with pytest.raises(RateLimited) as limited:
        stage.run(stage.job(pull))
    assert limited.value.after >= 70
    stage.run(stage.job(pull))
    assert pull.review_comments[0].minimized == "resolved"


def test_a_comment_that_somebody_deleted_meanwhile_holds_nothing_up(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    pull = stage.open(bad("one", "two"))
    stage.run(stage.job(pull))
    stage.push("feature", shop__py=bad())
    original = GitHub.rewrite

    def deleted(self: GitHub, rewrites: Any) -> None:
        del pull.review_comments[0]
        original(self, rewrites)

    monkeypatch.setattr(GitHub, "rewrite", deleted)
    stage.run(stage.job(pull))
    [two] = pull.review_comments
    assert two.body.startswith("**Fixed in")
    assert stage.checks(pull.head_sha) == [("completed", "success")]


def test_an_acceptance_that_somebody_copied_counts_for_nothing(stage: Stage) -> None:
    pull = stage.open(bad("one", "two"))
    stage.run(stage.job(pull))
    one = analyzers.marks_in(pull.review_comments[0].body)[0].fingerprint
    accepted = Acceptance(one[:8], "ann", "three rows, forever")
    stage.hub.comment(pull, f"Accepted.\n\n{accepted.marker}", "mallory")  # a person may copy a mark
    stage.run(stage.job(pull, attempt="first"))
    assert stage.checks(pull.head_sha)[-1] == ("completed", "failure")
    assert "2 new findings" in stage.hub.check_runs(stage.repository, pull.head_sha)[-1].output["title"]
