"""What people ask for on a pull request: who is heard, what is answered, and what later reviews make of it."""

from __future__ import annotations

import re
from typing import Any

import pytest

import analyzers
from bot.commands import HELP
from bot.errors import Gone
from bot.github import GitHub
from bot.jobs import BUTTONS, Command, Job, Work
from bot.local_github import PullRequest
from tests.bot.stage import Killed, Stage, bad


def ask(stage: Stage, pull: PullRequest, text: str, by: str = "acme", **command: Any) -> Job:
    return stage.job(
        pull, work=Work.COMMAND, head="", base="", command=Command(text, by, **{"comment": 1, **command}), attempt=text
    )


def answers(pull: PullRequest) -> list[str]:
    return [comment.body for comment in pull.comments if comment.user.type == "Bot"]


def name_of(pull: PullRequest, number: int) -> str:
    return analyzers.marks_in(pull.review_comments[number].body)[0].fingerprint[: analyzers.SHORT]


def reviewed(stage: Stage, *names: str) -> PullRequest:
    pull = stage.open(bad(*names))
    stage.run(stage.job(pull))
    return pull


def again(stage: Stage) -> None:
    """Does the reviews that commands asked for."""
    for job in stage.queue.submitted:
        stage.run(job)
    stage.queue.submitted.clear()


def test_what_is_accepted_is_listed_with_its_reason_and_stays_accepted(stage: Stage) -> None:
    pull = reviewed(stage, "one", "two")
    stage.run(ask(stage, pull, f"ignore {name_of(pull, 0)} three rows, @forever"))
    (answer,) = answers(pull)
    assert f"`{name_of(pull, 0)}`, because `three rows, @forever`" in answer
    again(stage)
    newest = stage.hub.check_runs(stage.repository, pull.head_sha)[-1]
    assert newest.output["title"].startswith("1 new finding")
    assert re.search(r"Title one. Accepted: by @.acme: three rows, @.forever", newest.output["text"])
    head = stage.push("feature", shop__py="start\nmoved\n" + bad("one", "two")[6:])
    stage.run(stage.job(pull))
    assert stage.check(head).output["title"].startswith("1 new finding")
    assert len(pull.review_comments) == 2
    pull.comments.clear()  # deleted, and so taken back
    stage.run(stage.job(pull, attempt="once more"))
    assert stage.hub.check_runs(stage.repository, head)[-1].output["title"].startswith("2 new findings")


def test_everything_can_be_accepted_at_once(stage: Stage) -> None:
    stage.push("feature", other__py="changed\n", shop__py=bad(*(f"n{n:02}" for n in range(17))))
    pull = stage.hub.open_pull(stage.repository, "feature")
    stage.run(stage.job(pull))  # two of them have no comment
    stage.run(ask(stage, pull, "ignore all a migration of this weekend"))
    again(stage)
    newest = stage.hub.check_runs(stage.repository, pull.head_sha)[-1]
    assert newest.conclusion == "success"
    assert "17 new findings accepted" in newest.output["summary"]


def test_an_answer_to_a_comment_of_ours_needs_no_name(stage: Stage) -> None:
    pull = reviewed(stage, "one", "two")
    thread = pull.review_comments[1].id
    stage.run(ask(stage, pull, "ignore few rows", thread=thread))
    again(stage)
    text = stage.hub.check_runs(stage.repository, pull.head_sha)[-1].output["text"]
    assert "Title two. Accepted" in text
    assert "Title one. Accepted" not in text


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("help", HELP),
        ("", HELP),
        ("fix it", "There is no command `fix`"),
        ("ignore", "no finding of that name"),
        ("ignore nonsense", "no finding of that name"),
        ("ignore all", "Please say why"),
        ("explain", "`n_plus_one`"),
        ("explain nonsense", "`n_plus_one`"),
        ("explain n_plus_one", "## What it finds"),
    ],
)
def test_each_command_has_an_answer(stage: Stage, text: str, words: str) -> None:
    pull = reviewed(stage, "one")
    stage.run(ask(stage, pull, text))
    assert words in answers(pull)[0]
    assert stage.queue.submitted == []


def test_a_finding_is_explained_by_its_rule(stage: Stage) -> None:
    pull = reviewed(stage, "one")
    stage.run(ask(stage, pull, f"explain {name_of(pull, 0)}"))
    assert answers(pull)[0].startswith("# N+1 queries")


def test_a_recheck_is_a_check_of_its_own(stage: Stage) -> None:
    pull = reviewed(stage, "one")
    stage.run(ask(stage, pull, "recheck"))
    again(stage)
    assert answers(pull) == []
    assert stage.checks(pull.head_sha) == [("completed", "failure")] * 2


def test_an_acceptance_of_nothing_is_told(stage: Stage) -> None:
    pull = reviewed(stage, "one")
    stage.run(ask(stage, pull, "ignore 0123abcd why not"))
    again(stage)
    summary = stage.hub.check_runs(stage.repository, pull.head_sha)[-1].output["summary"]
    assert "`0123abcd`, accepted by acme, matches no finding" in summary


@pytest.mark.parametrize("by", ["mallory", "nobody-at-all"])
def test_only_those_who_can_push_are_heard(stage: Stage, by: str) -> None:
    pull = reviewed(stage, "one")
    stage.hub.comment(pull, "Hello", "mallory")
    with pytest.raises(Gone, match="cannot push"):
        stage.run(ask(stage, pull, "ignore all because", by))
    assert answers(pull) == []


def test_a_closed_pull_request_is_left_alone(stage: Stage) -> None:
    pull = reviewed(stage, "one")
    stage.hub.close(pull)
    with pytest.raises(Gone, match="closed"):
        stage.run(ask(stage, pull, "recheck"))


def test_a_button_of_a_fork_finds_its_pull_request(stage: Stage) -> None:
    pull = reviewed(stage, "one")
    command = Command("ignore all accepted in the check run", "acme")
    stage.run(stage.job(pull, work=Work.COMMAND, number=0, base="", command=command, attempt="rerequested d-1"))
    again(stage)
    assert stage.checks(pull.head_sha)[-1] == ("completed", "success")


@pytest.mark.parametrize("happened", [True, False])
def test_an_answer_in_doubt_is_given_once(stage: Stage, monkeypatch: pytest.MonkeyPatch, happened: bool) -> None:
    pull = reviewed(stage, "one")
    original = GitHub.say

    def killed(self: GitHub, *arguments: Any) -> None:
        if happened:
            original(self, *arguments)
        raise Killed

    monkeypatch.setattr(GitHub, "say", killed)
    job = ask(stage, pull, "help")
    with pytest.raises(Killed):
        stage.run(job)
    monkeypatch.setattr(GitHub, "say", original)
    stage.run(job)
    assert len(answers(pull)) == 1


def test_an_answer_that_github_stored_and_did_not_confirm_is_not_repeated(stage: Stage) -> None:
    pull = reviewed(stage, "one")
    stage.hub.faults.outage_after_commit("comments", method="POST")
    stage.run(ask(stage, pull, "help"))
    assert len(answers(pull)) == 1


def test_the_buttons_are_what_github_takes() -> None:
    assert len(BUTTONS) <= 3
    for one in BUTTONS:
        assert len(one.label) <= 20
        assert len(one.description) <= 40
        assert len(one.identifier) <= 20


def test_a_failed_check_offers_to_accept_and_a_passed_one_does_not(stage: Stage) -> None:
    pull = reviewed(stage, "one")
    assert [one["identifier"] for one in stage.check(pull.head_sha).actions] == ["recheck", "ignore"]
    head = stage.push("feature", shop__py=bad())
    stage.run(stage.job(pull))
    assert [one["identifier"] for one in stage.check(head).actions] == ["recheck"]
