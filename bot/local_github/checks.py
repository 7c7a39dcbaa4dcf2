"""Check runs and suites, with the limits GitHub holds an App to."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field

from bot.local_github import views
from bot.local_github.api import Answer, Body, Call, Operation
from bot.local_github.refusal import NOT_FOUND, Refusal
from bot.local_github.repositories import commit_of
from bot.local_github.state import CheckRun

MAX_TEXT = 65_535
MAX_DETAILS = 64 * 1024  # bytes
Text = Annotated[str, Field(max_length=MAX_TEXT)]
Status = Literal["queued", "in_progress", "completed"]
Conclusion = Literal["action_required", "cancelled", "failure", "neutral", "success", "skipped", "timed_out"]
DOCS = "/checks/runs"


class Annotation(Body):
    """Something said about lines of a file, inside the diff or not."""

    path: str
    start_line: Annotated[int, Field(ge=1)]
    end_line: Annotated[int, Field(ge=1)]
    start_column: Annotated[int, Field(ge=1)] | None = None
    end_column: Annotated[int, Field(ge=1)] | None = None
    annotation_level: Literal["notice", "warning", "failure"]
    message: str
    title: Annotated[str, Field(max_length=255)] | None = None
    raw_details: str | None = None


class Image(Body):
    """A picture in the output."""

    alt: str
    image_url: str
    caption: str | None = None


class Output(Body):
    """What a check run shows. Title and summary go together."""

    title: str
    summary: Text
    text: Text | None = None
    annotations: Annotated[tuple[Annotation, ...], Field(max_length=50, strict=False)] = ()
    images: Annotated[tuple[Image, ...], Field(strict=False)] = ()


class Action(Body):
    """A button."""

    label: Annotated[str, Field(max_length=20)]
    description: Annotated[str, Field(max_length=40)]
    identifier: Annotated[str, Field(max_length=20)]


class Update(Body):
    """What may be changed of a check run."""

    name: str | None = None
    details_url: Annotated[str, Field(pattern="^https?://")] | None = None
    external_id: str | None = None
    started_at: str | None = None
    status: Status | None = None
    conclusion: Conclusion | None = None
    completed_at: str | None = None
    output: Output | None = None
    actions: Annotated[list[Action], Field(max_length=3)] | None = None


class Create(Update):
    """A new check run."""

    name: str
    head_sha: str


def _check(body: Update) -> None:
    """The rules GitHub states in words."""
    if (body.status == "completed" or body.completed_at) and body.conclusion is None:
        raise Refusal(422, 'Invalid request.\n\n"conclusion" wasn\'t supplied.', docs=DOCS)
    if body.conclusion and body.status not in (None, "completed"):
        raise Refusal(422, "Invalid request.\n\nA check run with a conclusion must be completed.", docs=DOCS)
    for item in body.output.annotations if body.output else ():
        if item.end_line < item.start_line:
            raise Refusal(422, "Invalid request.\n\nend_line must not be before start_line.", docs=DOCS)
        if item.start_line != item.end_line and (item.start_column or item.end_column):
            raise Refusal(422, "Invalid request.\n\nColumns are only allowed on annotations of one line.", docs=DOCS)
        for text in (item.message, item.raw_details or ""):
            if len(text.encode()) > MAX_DETAILS:
                raise Refusal(422, "Invalid request.\n\nAn annotation's message or raw_details exceed 64 KB.", docs=DOCS)


def _apply(call: Call, run: CheckRun, body: Update) -> None:
    given = body.model_dump(exclude_unset=True, exclude_none=True)
    for key in ("name", "details_url", "external_id", "started_at", "completed_at", "conclusion", "actions"):
        if key in given:
            setattr(run, key, given[key])
    if body.conclusion:
        run.status, run.completed_at = "completed", body.completed_at or call.world.now()
    elif body.status:
        run.status = body.status
        run.conclusion = run.completed_at = None
    if output := given.get("output"):
        run.annotations += list(output.pop("annotations", ()))
        run.output = output


def create_run(call: Call) -> Answer:
    body = call.body(Create)
    _check(body)
    head = call.repository.git.resolve(body.head_sha) if len(body.head_sha) == 40 else None
    if head is None or head != body.head_sha:
        raise Refusal(422, f"No commit found for SHA: {body.head_sha}", docs=DOCS)
    suite = call.world.suite(call.repository, call.installation.app, head)
    run = CheckRun(call.world.next_id(), suite, body.name, "queued", None, call.world.now(), None, "", None)
    _apply(call, run, body)
    suite.runs.append(run)
    call.world.runs[run.id] = run
    return Answer(201, views.check_run(call.world, run))


def _run(call: Call) -> CheckRun:
    found = call.world.runs.get(call.number("check_run_id"))
    if found is None or found.suite.repository is not call.repository:
        raise NOT_FOUND
    return found


def update_run(call: Call) -> Answer:
    run, body = _run(call), call.body(Update)
    if run.suite.app is not call.installation.app:
        app_id = call.installation.app.id
        raise Refusal(403, f"Invalid app_id `{app_id}` - check run can only be modified by the GitHub App that created it.")
    _check(body)
    _apply(call, run, body)
    return Answer(json=views.check_run(call.world, run))


def show_run(call: Call) -> Answer:
    return Answer(json=views.check_run(call.world, _run(call)))


def list_annotations(call: Call) -> Answer:
    run = _run(call)
    items, links = call.page(run.annotations)
    return Answer(json=[views.annotation(call.world, run, item) for item in items], headers=links)


def _suites(call: Call) -> list[Any]:
    sha = commit_of(call.repository, call.path["ref"])
    app_id = call.query.get("app_id")
    suites = [s for s in call.world.suites.values() if s.repository is call.repository and s.head_sha == sha]
    return [s for s in suites if app_id is None or str(s.app.id) == app_id]


def list_runs(call: Call) -> Answer:
    """Newest first; `filter=latest`, the default, keeps the newest of each name within a suite."""
    wanted, status, found = call.query.get("check_name"), call.query.get("status"), []
    for suite in _suites(call):
        seen = set()
        for run in reversed(suite.runs):
            if run.name in seen and call.query.get("filter", "latest") == "latest":
                continue
            seen.add(run.name)
            if wanted in (None, run.name) and status in (None, run.status):
                found.append(run)
    items, links = call.page(found)
    runs = [views.check_run(call.world, run) for run in items]
    return Answer(json={"total_count": len(found), "check_runs": runs}, headers=links)


def list_suites(call: Call) -> Answer:
    name = call.query.get("check_name")
    found = [s for s in _suites(call) if name is None or any(run.name == name for run in s.runs)]
    items, links = call.page(found)
    return Answer(
        json={"total_count": len(found), "check_suites": [views.check_suite(call.world, s) for s in items]}, headers=links
    )


READ, WRITE = (("checks", "read"),), (("checks", "write"),)
OPERATIONS = [
    Operation("POST", "/repos/{owner}/{repo}/check-runs", create_run, WRITE),
    Operation("GET", "/repos/{owner}/{repo}/check-runs/{check_run_id}", show_run, READ),
    Operation("PATCH", "/repos/{owner}/{repo}/check-runs/{check_run_id}", update_run, WRITE),
    Operation("GET", "/repos/{owner}/{repo}/check-runs/{check_run_id}/annotations", list_annotations, READ),
    Operation("GET", "/repos/{owner}/{repo}/commits/{ref}/check-runs", list_runs, READ),
    Operation("GET", "/repos/{owner}/{repo}/commits/{ref}/check-suites", list_suites, READ),
]
