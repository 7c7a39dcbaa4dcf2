"""Check runs within GitHub's limits."""

from __future__ import annotations

from typing import Any

import pytest

from .conftest import Stage, client

NOTE = {"path": "a.py", "start_line": 3, "end_line": 3, "annotation_level": "warning", "message": "m"}
OUTPUT = {"title": "t", "summary": "s"}


def create(stage: Stage, **body: Any) -> Any:
    return stage.bot.post(f"{stage.path}/check-runs", json={"name": "cliffguard", "head_sha": stage.pull.head_sha, **body})


def test_a_check_run_from_start_to_end(stage: Stage) -> None:
    made = create(stage, status="in_progress", external_id="x-1").json()
    assert (made["status"], made["conclusion"], made["external_id"]) == ("in_progress", None, "x-1")
    assert [p["number"] for p in made["pull_requests"]] == [1]
    run = f"{stage.path}/check-runs/{made['id']}"
    for size in (50, 7):
        done = stage.bot.patch(run, json={"conclusion": "failure", "output": {**OUTPUT, "annotations": [NOTE] * size}})
        assert done.status_code == 200
    assert (done.json()["status"], done.json()["output"]["annotations_count"]) == ("completed", 57)
    assert done.json()["completed_at"]
    assert len(stage.bot.get(f"{run}/annotations", params={"per_page": 100}).json()) == 57
    assert stage.bot.get(run).json() == done.json()


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({"output": {**OUTPUT, "annotations": [NOTE] * 51}}, "No more than 50 items are allowed; 51 were supplied."),
        ({"output": {**OUTPUT, "summary": "x" * 65_536}}, "Only 65535 characters are allowed; 65536 were supplied."),
        ({"output": {"summary": "s"}}, '"title" wasn\'t supplied.'),
        ({"output": {**OUTPUT, "annotations": [{**NOTE, "end_line": 2}]}}, "end_line"),
        ({"output": {**OUTPUT, "annotations": [{**NOTE, "end_line": 5, "start_column": 1}]}}, "Columns"),
        ({"output": {**OUTPUT, "annotations": [{**NOTE, "start_line": 0}]}}, "greater than or equal to 1"),
        ({"output": {**OUTPUT, "annotations": [{**NOTE, "message": "é" * 40_000}]}}, "64 KB"),
        ({"actions": [{"label": "l", "description": "d", "identifier": "i"}] * 4}, "No more than 3 items"),
        ({"actions": [{"label": "l" * 21, "description": "d", "identifier": "i"}]}, "Only 20 characters"),
        ({"status": "completed"}, '"conclusion" wasn\'t supplied.'),
        ({"status": "in_progress", "conclusion": "success"}, "must be completed"),
        ({"conclusion": "stale"}, "conclusion"),
        ({"status": "waiting"}, "status"),
        ({"head_sha": "0" * 40}, "No commit found for SHA"),
        ({"head_sha": "main"}, "No commit found for SHA"),
        ({"surprise": 1}, "not a permitted key"),
    ],
)
def test_what_exceeds_the_limits_is_refused(shared: Stage, body: dict[str, Any], message: str) -> None:
    refused = create(shared, **body)
    assert refused.status_code == 422
    assert message in refused.json()["message"]
    assert shared.github.check_runs(shared.repository, shared.pull.head_sha) == []


def test_only_its_app_may_change_a_check_run(stage: Stage) -> None:
    run = create(stage, status="in_progress").json()["id"]
    world = stage.github.world
    other = stage.github.add_app("other", "acme")
    mine = stage.github.installation(stage.repository)
    theirs = type(mine)(world.next_id(), other, mine.account, dict(other.permissions), world.now())
    world.installations[theirs.id] = theirs
    token = world.issue_token(theirs, theirs.permissions, None).value
    with client(stage.github, f"token {token}") as stranger:
        assert stranger.get(f"{stage.path}/check-runs/{run}").status_code == 200
        refused = stranger.patch(f"{stage.path}/check-runs/{run}", json={"conclusion": "success"})
    assert refused.status_code == 403


def test_lists_keep_the_newest_of_a_name(stage: Stage) -> None:
    first, second = (create(stage, conclusion=c).json()["id"] for c in ("failure", "success"))
    create(stage, name="other")
    runs = f"{stage.path}/commits/{stage.pull.head_sha}/check-runs"
    by_name = {"check_name": "cliffguard", "app_id": stage.github.app.id}
    assert [r["id"] for r in stage.bot.get(runs, params=by_name).json()["check_runs"]] == [second]
    everything = stage.bot.get(runs, params={**by_name, "filter": "all"}).json()
    assert [r["id"] for r in everything["check_runs"]] == [second, first]
    assert stage.bot.get(runs, params={"status": "queued"}).json()["total_count"] == 1
    assert stage.bot.get(f"{stage.path}/commits/feature/check-runs").json()["total_count"] == 2
    (suite,) = stage.bot.get(f"{stage.path}/commits/feature/check-suites").json()["check_suites"]
    assert (suite["status"], suite["head_branch"]) == ("in_progress", "feature")


def test_checks_of_forks_name_no_pull_request(stage: Stage) -> None:
    fork = stage.github.fork(stage.repository, "contributor")
    stage.source.git("checkout", "--quiet", "feature")
    stage.source.write({"c.py": "1\n"}, "From outside")
    stage.github.push(fork, "feature", "feature", source=stage.source.path)
    pull = stage.github.open_pull(stage.repository, "feature", fork=fork)
    made = create(stage, head_sha=pull.head_sha).json()
    assert made["pull_requests"] == []
    shown = stage.bot.get(f"{stage.path}/pulls/2").json()
    assert (shown["head"]["label"], shown["head"]["repo"]["fork"]) == ("contributor:feature", True)
    assert stage.bot.get(f"/repos/{fork.full_name}").status_code == 404
    assert stage.repository.git.resolve("refs/pull/2/head") == pull.head_sha
