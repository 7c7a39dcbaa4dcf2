"""One job, from the queue to what the (local) GitHub shows. Everything is real but GitHub itself and, here, the analysis."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
import pytest

from analyzers import Analysis, Problem, Revision
from bot import answers, organisation, review
from bot.answers import Commit, Comparison
from bot.context import Context, context_of
from bot.errors import Broken, Gone, Later
from bot.github import GitHub
from bot.jobs import Job, Work
from bot.local_github import Fault
from bot.observe import measuring
from bot.queue import Queue
from bot.settings import Settings
from tests.bot.contract import AT_HAND, BESIDE
from tests.bot.stage import FILLER, Killed, Stage, bad, compare


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


def test_settings_come_from_the_base(stage: Stage) -> None:
    stage.git("checkout", "-q", "main")
    (stage.work / ".cliffguard.yml").write_text("fail_on: never\n")
    stage.push("main")
    (stage.work / ".cliffguard.yml").write_text("fail_on: low\n")
    pull = stage.open(bad("one"))
    stage.run(stage.job(pull))
    check = stage.check(pull.head_sha)
    assert check.conclusion == "success"
    assert "used the version of the base" in check.output["text"]
    assert len(pull.review_comments) == 1


def test_a_mistake_in_the_configuration_is_shown_at_its_line_where_it_is_made(stage: Stage) -> None:
    (stage.work / ".github").mkdir()
    (stage.work / ".github" / "cliffguard.yml").write_text("fail_on: low\nrules:\n  lists: [no_such]\n")
    pull = stage.open(bad("one"))
    stage.run(stage.job(pull))
    check = stage.check(pull.head_sha)
    assert check.conclusion == "failure"  # by the defaults: the review goes on
    assert "2 notices about the configuration" in check.output["title"]
    [wrong] = [one for one in check.annotations if one["path"] == ".github/cliffguard.yml"]
    assert (wrong["start_line"], wrong["annotation_level"]) == (3, "warning")
    assert "`rules.lists[0]` must be one of" in wrong["message"]
    assert "n_plus_one" in wrong["message"]


def test_a_rule_that_is_only_listed_where_it_is(stage: Stage) -> None:
    stage.git("checkout", "-q", "main")
    (stage.work / "api").mkdir()
    (stage.work / "api" / ".cliffguard.yml").write_text("rules: {lists: [n_plus_one]}\n")
    (stage.work / "api" / "a.py").write_text("start\n")
    stage.push("main")
    (stage.work / "api" / "a.py").write_text("start\nBAD listed\n")
    pull = stage.open(bad("told"))
    stage.run(stage.job(pull))
    assert [comment.body.split("**")[1] for comment in pull.review_comments] == ["Title told"]
    check = stage.check(pull.head_sha)
    counts = "1 comment on the diff, 1 listed in the check run (1 only listed)"
    assert counts in check.output["summary"]
    assert check.output["title"] == "1 new finding that fails the check here, 1 more"


def test_the_default_of_the_organisation_counts(stage: Stage) -> None:
    pull = stage.open(bad("one"))
    organisation.keep(stage.queue.connection, stage.job(pull).installation, b"fail_on: never\n")
    before = len(stage.calls)
    stage.run(stage.job(pull))
    assert stage.check(pull.head_sha).conclusion == "success"
    assert not [call for call in stage.calls[before:] if "contents" in call]


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


# superseded and stale


def test_a_superseded_job_stops_before_it_begins(stage: Stage) -> None:
    pull = stage.open(bad("one"))
    stage.queue.newest = "f" * 40
    with pytest.raises(Gone):
        stage.run(stage.job(pull))
    assert stage.calls == []


def test_a_superseded_check_run_that_cannot_be_completed_now_is_completed_later(stage: Stage) -> None:
    pull = stage.open(bad("one"))
    job = stage.job(pull)

    def newer(*arguments: Any, **more: Any) -> Any:
        stage.queue.newest = "f" * 40
        stage.hub.faults.outage(r"/check-runs/\d+$", method="PATCH", times=2)
        return compare(*arguments, **more)

    stage.context = replace(stage.context, compare=newer)
    with pytest.raises(Later):
        stage.run(job)
    assert stage.checks(pull.head_sha) == [("in_progress", None)]
    with pytest.raises(Gone):
        stage.run(job)
    assert stage.checks(pull.head_sha) == [("completed", "neutral")]


def test_a_retry_that_is_superseded_completes_what_it_had_begun(stage: Stage) -> None:
    pull = stage.open(bad("one"))
    stage.hub.faults.outage("compare", times=3)
    with pytest.raises(Later):
        stage.run(stage.job(pull))
    stage.queue.newest = "f" * 40
    with pytest.raises(Gone):
        stage.run(stage.job(pull))
    assert stage.checks(pull.head_sha) == [("completed", "neutral")]


def test_a_push_during_the_analysis_leaves_no_comment(stage: Stage) -> None:
    pull = stage.open(bad("one"))
    job = stage.job(pull)

    def push_meanwhile(*revisions: Revision, **options: Any) -> Analysis:
        stage.push("feature", shop__py=bad("two"))
        return compare(*revisions, **options)  # type: ignore[arg-type]

    stage.context = replace(stage.context, compare=push_meanwhile)
    with pytest.raises(Gone):
        stage.run(job)
    assert pull.reviews == []
    assert stage.checks(job.head) == [("completed", "neutral")]


def test_an_api_that_lags_behind_comes_later(stage: Stage) -> None:
    pull = stage.open(bad("one"))
    stage.push("feature", shop__py=bad("one", "two"))
    stage.hub.faults.stale()
    with pytest.raises(Later, match="does not show this push yet"):
        stage.run(stage.job(pull))
    check = stage.check(pull.head_sha)
    assert check.status == "in_progress"
    assert "Waiting" in check.output["title"]
    stage.run(stage.job(pull))
    assert len(pull.review_comments) == 2
    assert stage.checks(pull.head_sha) == [("completed", "failure")]


@pytest.mark.parametrize(
    ("event", "api", "status", "error"),
    [
        ("2026-01-01T10:00:00Z", "2026-01-01T10:00:01Z", "", Gone),
        ("2026-01-01T10:00:01Z", "2026-01-01T10:00:00Z", "", Later),
        ("2026-01-01T10:00:00Z", "2026-01-01T10:00:00Z", "ahead", Gone),
        ("2026-01-01T10:00:00Z", "2026-01-01T10:00:00Z", "behind", Later),
        ("2026-01-01T10:00:00Z", "2026-01-01T10:00:00Z", "diverged", Later),
        ("", "2026-01-01T10:00:00Z", "ahead", Gone),
        ("", "2026-01-01T10:00:00Z", "diverged", Gone),
        ("", "2026-01-01T10:00:00Z", "behind", Later),
    ],
)
def test_another_head_is_newer_or_older(event: str, api: str, status: str, error: type[Exception]) -> None:
    class Api:
        def compare(self, base: str, head: str) -> Comparison:
            assert status
            assert (base, head) == ("a" * 40, "b" * 40)
            return Comparison(status)

    job = Job(Work.REVIEW, 1, 2, "o", "r", 7, "a" * 40, updated=event)
    pull = answers.PullRequest(7, "open", Commit("b" * 40), Commit("c" * 40), updated_at=api)
    run = review._Run(job, None, None, None, Api(), retried=False)  # type: ignore[arg-type]
    with pytest.raises(error):
        run._current(pull)


def test_each_try_waits_longer(stage: Stage) -> None:
    pull = stage.open(bad("one"))
    stage.hub.faults.add(Fault("GET", "compare", 404, times=99, message="Not Found"))
    waits = []
    for _ in range(9):
        with pytest.raises(Later) as later:
            stage.run(stage.job(pull))
        waits.append(later.value.after)
    assert waits == [5, 10, 20, 40, 80, 160, 320, 600, 600]
    assert stage.checks(pull.head_sha) == [("in_progress", None)]


def test_a_lost_lease_publishes_nothing(stage: Stage) -> None:
    pull = stage.open(bad("one"))
    stage.queue.lost = True
    with pytest.raises(Later):
        stage.run(stage.job(pull))
    assert pull.reviews == []


# outages

PATHS = {
    "tokens": ("access_tokens", "POST"),
    "create check": ("check-runs$", "POST"),
    "compare": ("compare", "GET"),
    "git": ("upload-pack", "POST"),
    "pull": (r"pulls/\d+$", "GET"),
    "comments": ("comments", "GET"),
    "review": ("reviews", "POST"),
    "complete check": (r"check-runs/\d+$", "PATCH"),
}


@pytest.mark.parametrize(
    ("where", "how"),
    [
        *((where, how) for where in PATHS for how in ("before", "after", "dropped")),
        *(
            (where, how)
            for where in ("tokens", "comments", "review", "complete check")
            for how in ("limited", "limited quietly")
        ),
    ],
)
def test_whatever_fails_once_the_end_is_one_review_and_one_completed_check(stage: Stage, where: str, how: str) -> None:
    path, method = PATHS[where]
    faults = stage.hub.faults
    if where == "comments":  # they are read only where there are some
        pull = stage.open(bad("one"))
        stage.run(stage.job(pull))
        stage.push("feature", shop__py=bad("one", "two"))
    else:
        pull = stage.open(bad("one", "two"))
    match how:
        case "before":
            faults.outage(path, method=method)
        case "after":
            faults.outage_after_commit(path, method=method)
        case "dropped":
            faults.drop(path, method=method, after_commit=method != "GET")
        case "limited":
            faults.secondary_limit(path, method=method, retry_after=7)
        case _:
            faults.secondary_limit(path, method=method)
    waits = []
    for _ in range(3):
        try:
            stage.run(stage.job(pull))
            break
        except Later as later:
            waits.append(later.after)
    if how.startswith("limited"):
        assert waits == [7 if how == "limited" else 60]
    assert len(pull.reviews) == (2 if where == "comments" else 1)
    assert len(pull.review_comments) == 2
    assert stage.checks(pull.head_sha) == [("completed", "failure")]


def test_one_line_github_refuses_does_not_cost_the_review(stage: Stage) -> None:
    pull = stage.open(bad("one", "two"))
    line = {"message": "Unprocessable Entity", "errors": ["Line could not be resolved"]}
    stage.hub.faults.add(Fault("POST", "reviews", 422, message=line["message"]))
    stage.run(stage.job(pull))
    assert len(pull.review_comments) == 2


def test_commits_not_replicated_yet_come_later(stage: Stage) -> None:
    pull = stage.open(bad("one"))
    stage.hub.faults.add(Fault("POST", "check-runs", 422, message="No commit found for SHA: " + pull.head_sha))
    with pytest.raises(Later):
        stage.run(stage.job(pull))
    stage.run(stage.job(pull))
    assert stage.checks(pull.head_sha) == [("completed", "failure")]


def test_an_unknown_failure_is_said_and_tried_again_and_given_up(stage: Stage) -> None:
    pull = stage.open(bad("one"))

    def fail(*_: Any, **__: Any) -> Analysis:
        raise ZeroDivisionError

    working = stage.context
    stage.context = replace(working, compare=fail)
    with pytest.raises(ZeroDivisionError):
        stage.run(stage.job(pull))
    assert "ZeroDivisionError" in stage.check(pull.head_sha).output["title"]
    stage.give_up(stage.job(pull), "the review failed repeatedly")
    check = stage.check(pull.head_sha)
    assert (check.status, check.conclusion) == ("completed", "neutral")
    assert "The review failed repeatedly." in check.output["summary"]
    stage.context = working
    stage.run(stage.job(pull))  # asked for once more
    assert stage.checks(pull.head_sha) == [("completed", "failure")]
    stage.give_up(stage.job(pull), "too late to matter")
    assert stage.checks(pull.head_sha) == [("completed", "failure")]


def test_what_cannot_be_done_is_said_at_once(stage: Stage) -> None:
    pull = stage.open(bad("one"))
    stage.context.mirrors.max_files = 1
    with pytest.raises(Broken):
        stage.run(stage.job(pull))
    check = stage.check(pull.head_sha)
    assert check.conclusion == "neutral"
    assert "2 files; at most 1" in check.output["summary"]


@pytest.mark.parametrize("how", ["broken", "given up", "a rule failed"])
def test_a_failure_of_ours_fails_the_check_where_the_settings_ask_for_it(stage: Stage, how: str) -> None:
    pull = stage.open(bad("one low"))
    settings = stage.context.settings.model_copy(update={"on_error": "failure"})
    stage.context = replace(stage.context, settings=settings)
    if how == "broken":
        stage.context = replace(stage.context, mirrors=replace(stage.context.mirrors, max_files=1))
        with pytest.raises(Broken):
            stage.run(stage.job(pull))
    elif how == "given up":
        stage.give_up(stage.job(pull), "it had to wait for too long")
    else:

        def failing(*arguments: Any, **options: Any) -> Analysis:
            analysis = compare(*arguments, **options)
            problem = Problem("", 0, "The rule x failed and found nothing.")
            analysis.review = msgspec.structs.replace(analysis.review, problems=(problem,))
            return analysis

        stage.context = replace(stage.context, compare=failing)
        stage.run(stage.job(pull))
    check = stage.check(pull.head_sha)
    assert (check.status, check.conclusion) == ("completed", "failure")


def test_giving_up_a_job_that_never_had_a_check_makes_one(stage: Stage) -> None:
    pull = stage.open(bad("one"))
    stage.give_up(stage.job(pull), "nobody came")
    assert stage.checks(pull.head_sha) == [("completed", "neutral")]


def test_an_uninstalled_app_is_gone(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    pull = stage.open(bad("one"))
    job = stage.job(pull)
    monkeypatch.setattr(stage.hub.world, "installations", {})
    with pytest.raises(Gone):
        stage.run(job)


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


@pytest.mark.parametrize("write", ["create_check", "create_review", "update_check"])
@pytest.mark.parametrize("happened", [True, False])
def test_a_worker_killed_at_any_write_leaves_one_review_and_one_check(
    stage: Stage, monkeypatch: pytest.MonkeyPatch, write: str, happened: bool
) -> None:
    pull = stage.open(bad("one", "two"))
    original = getattr(GitHub, write)

    def killed(self: GitHub, *arguments: Any) -> None:
        if happened:
            original(self, *arguments)
        raise Killed

    monkeypatch.setattr(GitHub, write, killed)
    with pytest.raises(Killed):
        stage.run(stage.job(pull))
    monkeypatch.setattr(GitHub, write, original)
    stage.run(stage.job(pull))
    assert len(pull.reviews) == 1
    assert len(pull.review_comments) == 2
    assert stage.checks(pull.head_sha) == [("completed", "failure")]
