"""What people do to branches, and what the pull request shows then: each finding once, and what is gone said to be."""

from __future__ import annotations

import re
import socket
from dataclasses import replace
from typing import Any

import pytest

import analyzers
from bot.jobs import Work
from bot.local_github import PullRequest
from tests.bot.stage import Stage, bad

MODELS = """\
from django.db import models


class Book(models.Model):
    by = models.ForeignKey("Author", models.CASCADE)


class Author(models.Model):
    name = models.TextField()
"""
VIEWS = """\
from models import Book


def all_books(request):
    books = Book.objects.all()
    return [book.by.name for book in books]
"""


def shown(pull: PullRequest) -> list[tuple[str, bool]]:
    """The titles of our comments, and whether each is minimised."""
    ours = [one for one in pull.review_comments if one.user.type == "Bot"]
    found = [(re.search(r"Title (\w+)", one.body), one.minimized is not None) for one in ours]
    return [(match[1], hidden) for match, hidden in found if match]


def again(stage: Stage, pull: PullRequest) -> Any:
    """Another review, of the head of now; its check run."""
    stage.run(stage.job(pull))
    return stage.check(pull.head_sha)


def settings(stage: Stage, text: str) -> None:
    """Puts a configuration on the base."""
    stage.git("checkout", "-q", "main")
    (stage.work / ".cliffguard.yml").write_text(text)
    stage.push("main")


@pytest.fixture
def real(stage: Stage) -> Stage:
    """With the real analysis, and a project on its base."""
    stage.context = replace(stage.context, compare=analyzers.compare)
    stage.git("checkout", "-q", "main")
    stage.push("main", models__py=MODELS)
    return stage


def opened(stage: Stage, **files: str) -> PullRequest:
    stage.push("feature", **files)
    return stage.hub.open_pull(stage.repository, "feature")


# Branches


def test_a_rebase_repeats_nothing(stage: Stage) -> None:
    pull = stage.open(bad("one"))
    stage.run(stage.job(pull))
    stage.git("checkout", "-q", "main")
    stage.push("main", third__py="x = 1\n")
    stage.git("checkout", "-q", "feature")
    stage.git("rebase", "-q", "main")
    before = pull.head_sha
    stage.hub.push(stage.repository, "feature", "feature", source=stage.work)
    assert pull.head_sha != before
    assert again(stage, pull).conclusion == "failure"
    assert shown(pull) == [("one", False)]
    assert len(pull.reviews) == 1


def test_a_forced_push_of_something_else_says_what_is_gone_and_what_is_new(stage: Stage) -> None:
    pull = stage.open(bad("one"))
    stage.run(stage.job(pull))
    stage.git("checkout", "-q", "-B", "feature", "main")
    stage.push("feature", shop__py=bad("two"))
    again(stage, pull)
    assert shown(pull) == [("one", True), ("two", False)]
    assert pull.head_sha[:7] in pull.review_comments[0].body  # the commit that says so


def test_a_squash_repeats_nothing(stage: Stage) -> None:
    stage.push("feature", shop__py=bad("one"))
    pull = stage.open(bad("one", "two"))
    stage.run(stage.job(pull))
    stage.git("reset", "-q", "--soft", "main")
    stage.push("feature")
    assert stage.git("rev-list", "--count", "main..feature") == "1"
    again(stage, pull)
    assert shown(pull) == [("one", False), ("two", False)]
    assert len(pull.reviews) == 1


def test_a_renamed_file_repeats_nothing(stage: Stage) -> None:
    pull = stage.open(bad("one"))
    stage.run(stage.job(pull))
    stage.git("mv", "shop.py", "store.py")
    stage.push("feature")
    assert again(stage, pull).conclusion == "failure"
    assert shown(pull) == [("one", False)]


def test_another_base_that_has_the_finding_takes_it_off_the_check_and_not_for_fixed(stage: Stage) -> None:
    stage.git("checkout", "-q", "-b", "next")
    stage.push("next", shop__py=bad("one"))
    stage.git("checkout", "-q", "-b", "feature")
    stage.push("feature", shop__py=bad("one", "two"))
    pull = stage.hub.open_pull(stage.repository, "feature")
    stage.run(stage.job(pull))
    assert shown(pull) == [("one", False), ("two", False)]
    stage.hub.edit_base(pull, "next")
    stage.run(stage.job(pull, attempt="edited"))
    latest = stage.hub.check_runs(stage.repository, pull.head_sha)[-1]
    assert latest.output["title"].startswith("1 new finding ")
    assert shown(pull) == [("one", False), ("two", False)]  # it is there, only not of this change


def test_a_revert_is_a_fix_and_a_second_application_brings_it_back(stage: Stage) -> None:
    pull = stage.open(bad("one"))
    stage.run(stage.job(pull))
    stage.git("revert", "--no-edit", "HEAD")
    stage.push("feature")
    assert again(stage, pull).conclusion == "success"
    assert shown(pull) == [("one", True)]
    stage.git("revert", "--no-edit", "HEAD~1")  # the last one is empty
    stage.push("feature")
    assert again(stage, pull).conclusion == "failure"
    assert shown(pull) == [("one", False)]
    assert len(pull.reviews) == 1


# Budgets


def counts(check: Any) -> tuple[int, int, int]:
    """New findings, comments, and those that are listed."""
    summary = check.output["summary"]
    match = re.search(r"\*\*(\d+) new findings?\*\*.*?: (\d+) comments? on the diff(?:, (\d+) listed)?", summary)
    assert match, summary
    return int(match[1]), int(match[2]), int(match[3] or 0)


@pytest.mark.parametrize("which", ["push", "pull_request", "rule", "file"])
def test_each_budget_holds_and_the_summary_adds_up(stage: Stage, which: str) -> None:
    settings(stage, f"comments: {{{which}: 2}}\n")
    pull = stage.open(bad("one", "two", "three", "four", "five"))
    check = again(stage, pull)
    assert counts(check) == (5, 2, 3)
    assert len(shown(pull)) == 2
    assert all(f"Title {name}" in check.output["text"] for name in ("one", "two", "three", "four", "five"))
    stage.push("feature", shop__py=bad("one", "two", "three", "four", "five", "six"))
    check = again(stage, pull)
    told = 4 if which == "push" else 2  # the next push has a budget of its own; nothing else has
    assert len(shown(pull)) == len(set(shown(pull))) == told
    assert counts(check) == (6, told, 6 - told)


def test_a_pull_request_has_at_most_sixty_comments_in_its_life(stage: Stage) -> None:
    settings(stage, "comments: {rule: 100, file: 100}\n")
    names = [f"n{number:03}" for number in range(120)]
    pull = stage.open(bad(*names[:30]))
    spent = []
    for upto in (30, 60, 90, 120):
        stage.push("feature", shop__py=bad(*names[:upto]))
        check = again(stage, pull)
        spent.append(len(shown(pull)))
        assert counts(check) == (upto, spent[-1], upto - spent[-1])
    assert spent == [25, 50, 60, 60]


def test_no_finding_is_told_twice_however_often_it_is_pushed(stage: Stage) -> None:
    pull = stage.open(bad("one", "two"))
    for number in range(4):
        stage.push("feature", shop__py=f"x = {number}\n" + bad("one", "two")[6:])
        again(stage, pull)
    assert shown(pull) == [("one", False), ("two", False)]
    assert (len(pull.reviews), len(pull.comments)) == (1, 0)


# What is told


def test_what_belongs_to_it_is_linked_in_the_commit_that_was_reviewed(real: Stage) -> None:
    pull = opened(real, views__py=VIEWS)
    real.run(real.job(pull))
    [comment] = pull.review_comments
    places = re.findall(r"\[`([\w.]+):(\d+)`\]\((\S+?)\)", comment.body)
    assert ("models.py", "5", f"{real.hub.url}/{real.repository.full_name}/blob/{pull.head_sha}/models.py#L5-L5") in places
    assert all(f"/blob/{pull.head_sha}/" in address for _, _, address in places)


def test_the_expected_peak_of_the_base_is_in_the_arithmetic(real: Stage) -> None:
    settings(real, "expected_peak: {users: 750}\n")
    pull = opened(real, views__py=VIEWS)
    real.run(real.job(pull))
    assert "750" in pull.review_comments[0].body


def test_what_is_accepted_in_the_code_is_listed_with_its_reason(real: Stage) -> None:
    accepted = VIEWS.replace("    books =", "    # cliffguard: ignore[n_plus_one] ten books, for ever\n    books =")
    pull = opened(real, views__py=accepted)
    check = again(real, pull)
    assert (check.conclusion, pull.review_comments) == ("success", [])
    assert "ten books, for ever" in check.output["text"]
    assert "1 new finding accepted" in check.output["summary"]


def test_an_acceptance_in_the_code_of_nothing_is_told(real: Stage) -> None:
    sound = VIEWS.replace("all()", 'select_related("by")')
    pull = opened(real, views__py=sound.replace("    books =", "    # cliffguard: ignore[n_plus_one] ten books\n    books ="))
    check = again(real, pull)
    assert "`views.py:6`" in check.output["text"]
    assert "matches no finding" in check.output["text"]


@pytest.mark.parametrize(
    ("text", "path", "accepted"),
    [
        ("honour_inline: false\n", "views.py", False),
        ("ignore: [{rule: n_plus_one, path: 'views.py', reason: a list of ten}]\n", "views.py", True),
        ("ignore: [{rule: n_plus_one, path: 'other/**', reason: a list of ten}]\n", "views.py", False),
    ],
)
def test_the_configuration_of_the_base_decides_what_is_accepted(real: Stage, text: str, path: str, accepted: bool) -> None:
    settings(real, text)
    inline = "    # cliffguard: ignore[n_plus_one] ten books\n" if "honour" in text else ""
    pull = opened(real, views__py=VIEWS.replace("    books =", f"{inline}    books ="))
    check = again(real, pull)
    assert check.conclusion == ("success" if accepted else "failure")
    assert len(pull.review_comments) == (not accepted)
    assert ("a list of ten" in check.output["text"]) is accepted


# The merge queue


def compose(*services: str, threads: int) -> str:
    """45 connections each, of the 97 that PostgreSQL accepts; with 15 threads, all of them at a time."""
    command = f'["gunicorn", "--workers=3", "--threads={threads}", "shop:app"]'
    told = "".join(f"  {name}:\n    build: .\n    command: {command}\n" for name in services)
    return f"services:\n  db:\n    image: postgres:16\n{told}"


@pytest.mark.parametrize(
    ("threads", "said", "conclusion"),
    [
        (15, "", "failure"),  # every factor is known, and the threads alone ask for more than there is
        (1, "", "success"),  # it takes code that holds several connections at once
        (1, "rules: {blocks: [connections]}\n", "failure"),
        (15, "rules: {comments: [connections]}\n", "success"),
    ],
)
def test_two_that_each_fit_the_budget_and_not_together_meet_in_the_queue(
    stage: Stage, threads: int, said: str, conclusion: str
) -> None:
    stage.context = replace(stage.context, compare=analyzers.compare)
    stage.git("checkout", "-q", "main")
    stage.commit("main", db__py='import sqlalchemy as sa\n\nengine = sa.create_engine("postgresql://db/shop")\n')
    (stage.work / ".cliffguard.yml").write_text(said)
    base = stage.push("main", compose__yml=compose("web", threads=threads))
    for name in ("api", "admin"):
        stage.git("checkout", "-q", "main")
        stage.push(name, compose__yml=compose("web", name, threads=threads))
        pull = stage.hub.open_pull(stage.repository, name)
        stage.run(stage.job(pull))
        assert stage.checks(pull.head_sha) == [("completed", "success")], stage.check(pull.head_sha).output
    stage.git("checkout", "-q", "main")
    both = stage.push("queue", compose__yml=compose("web", "api", "admin", threads=threads))
    stage.run(stage.job(pull, work=Work.MERGE_GROUP, number=0, head=both, base=base))
    check = stage.check(both)
    assert check.conclusion == conclusion, check.output
    assert "connections" in check.output["text"]


# Where it runs


def test_a_review_talks_to_nobody_but_the_github_it_was_given(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: set[str] = set()
    real = socket.getaddrinfo

    def look_up(host: Any, *rest: Any, **more: Any) -> Any:
        asked.add(str(host))
        return real(host, *rest, **more)

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    fetched: list[str] = []
    monkeypatch.setattr("bot.mirror.run_group", _noting(fetched))
    pull = stage.open(bad("one"))
    stage.run(stage.job(pull))
    assert stage.checks(pull.head_sha) == [("completed", "failure")]
    assert asked == {"127.0.0.1"}
    assert set(fetched) == {f"{stage.hub.url}/{stage.repository.full_name}.git"}


def _noting(fetched: list[str]) -> Any:
    from bot.subprocesses import run_group

    def noted(command: Any, environment: dict[str, str], **more: Any) -> Any:
        numbers = range(int(environment["GIT_CONFIG_COUNT"]))
        names = {environment[f"GIT_CONFIG_KEY_{n}"]: environment[f"GIT_CONFIG_VALUE_{n}"] for n in numbers}
        fetched.extend(value for key, value in names.items() if key.startswith("remote.") and key.endswith(".url"))
        return run_group(command, environment, **more)

    return noted
