"""What is said about a pull request, in JSON: reviews, comments, check runs; and the deliveries that told of it."""

from __future__ import annotations

from bot.local_github.state import (
    CheckRun,
    CheckSuite,
    Delivery,
    IssueComment,
    Reaction,
    Review,
    ReviewComment,
    World,
    timestamp,
)
from bot.local_github.views.accounts import Json, app, optional_time, repository, user
from bot.local_github.views.pulls import minimal_pull, simple_commit


def review(world: World, item: Review) -> Json:
    pull = item.pull
    page = f"{world.url}/{pull.repository.full_name}/pull/{pull.number}#pullrequestreview-{item.id}"
    me = f"{world.api_url}/repos/{pull.repository.full_name}/pulls/{pull.number}"
    shown = {
        "id": item.id,
        "node_id": f"PRR_{item.id}",
        "user": user(world, item.user),
        "body": item.body,
        "state": item.state,
        "html_url": page,
        "pull_request_url": me,
        "author_association": "NONE",
        "_links": {"html": {"href": page}, "pull_request": {"href": me}},
        "commit_id": item.commit,
    }
    return {**shown, "submitted_at": timestamp(item.submitted_at)} if item.submitted_at else shown


def review_comment(world: World, item: ReviewComment) -> Json:
    pull = item.pull
    url, page = f"{world.api_url}/repos/{pull.repository.full_name}", f"{world.url}/{pull.repository.full_name}"
    me, html = f"{url}/pulls/comments/{item.id}", f"{page}/pull/{pull.number}#discussion_r{item.id}"
    parent = f"{url}/pulls/{pull.number}"
    shown: Json = {
        "id": item.id,
        "node_id": f"PRRC_{item.id}",
        "url": me,
        "html_url": html,
        "pull_request_url": parent,
        "pull_request_review_id": item.review.id,
        "diff_hunk": item.diff_hunk,
        "path": item.path,
        "commit_id": item.commit,
        "original_commit_id": item.original_commit,
        "user": user(world, item.user),
        "body": item.body,
        "created_at": timestamp(item.created_at),
        "updated_at": timestamp(item.updated_at),
        "author_association": "NONE",
        "_links": {"self": {"href": me}, "html": {"href": html}, "pull_request": {"href": parent}},
        "reactions": _reactions(f"{me}/reactions", item.reactions),
        "start_line": item.start_line,
        "original_start_line": item.original_start_line,
        "start_side": item.start_side,
        "side": item.side,
        "subject_type": item.subject_type,
    }
    # github.com sends null in these for outdated comments and for files; its description allows only their absence.
    places = {key: getattr(item, key) for key in ("line", "original_line", "position", "original_position")}
    shown |= {key: value for key, value in places.items() if value is not None}
    if item.in_reply_to:
        shown["in_reply_to_id"] = item.in_reply_to.id
    return shown


def issue_comment(world: World, item: IssueComment) -> Json:
    pull = item.pull
    url = f"{world.api_url}/repos/{pull.repository.full_name}/issues"
    return {
        "id": item.id,
        "node_id": f"IC_{item.id}",
        "url": f"{url}/comments/{item.id}",
        "html_url": f"{world.url}/{pull.repository.full_name}/pull/{pull.number}#issuecomment-{item.id}",
        "issue_url": f"{url}/{pull.number}",
        "user": user(world, item.user),
        "body": item.body,
        "created_at": timestamp(item.created_at),
        "updated_at": timestamp(item.updated_at),
        "author_association": "NONE",
        "performed_via_github_app": app(world, item.app) if item.app else None,
        "reactions": _reactions(f"{url}/comments/{item.id}/reactions", item.reactions),
    }


REACTIONS = ("+1", "-1", "laugh", "confused", "heart", "hooray", "eyes", "rocket")


def _reactions(url: str, items: list[Reaction]) -> Json:
    counts = {name: sum(1 for item in items if item.content == name) for name in REACTIONS}
    return {"url": url, "total_count": len(items), **counts}


def reaction(world: World, item: Reaction) -> Json:
    shown = {"content": item.content, "created_at": timestamp(item.created_at)}
    return {"id": item.id, "node_id": f"REA_{item.id}", "user": user(world, item.user), **shown}


def check_run(world: World, item: CheckRun) -> Json:
    repo, sha = item.suite.repository, item.suite.head_sha
    url = f"{world.api_url}/repos/{repo.full_name}/check-runs/{item.id}"
    output = {key: item.output.get(key) for key in ("title", "summary", "text")}
    return {
        "id": item.id,
        "node_id": f"CR_{item.id}",
        "name": item.name,
        "head_sha": sha,
        "external_id": item.external_id,
        "url": url,
        "html_url": f"{world.url}/{repo.full_name}/runs/{item.id}",
        "details_url": item.details_url or item.suite.app.external_url,
        "status": item.status,
        "conclusion": item.conclusion,
        "started_at": optional_time(item.started_at),
        "completed_at": optional_time(item.completed_at),
        "output": {**output, "annotations_count": len(item.annotations), "annotations_url": f"{url}/annotations"},
        "check_suite": {"id": item.suite.id},
        "app": app(world, item.suite.app),
        "pull_requests": [minimal_pull(world, p) for p in world.pulls_at(repo, sha)],
    }


def check_suite(world: World, item: CheckSuite) -> Json:
    repo = item.repository
    url = f"{world.api_url}/repos/{repo.full_name}/check-suites/{item.id}"
    done = bool(item.runs) and all(run.status == "completed" for run in item.runs)
    last = item.runs[-1] if item.runs else None
    return {
        "id": item.id,
        "node_id": f"CS_{item.id}",
        "head_branch": item.head_branch,
        "head_sha": item.head_sha,
        "status": "completed" if done else "in_progress" if item.runs else "queued",
        "conclusion": last.conclusion if done and last else None,
        "url": url,
        **dict.fromkeys(("before", "after")),
        "pull_requests": [minimal_pull(world, p) for p in world.pulls_at(repo, item.head_sha)],
        "app": app(world, item.app),
        "repository": repository(world, repo),
        "created_at": timestamp(item.created_at),
        "updated_at": timestamp(item.created_at),
        "head_commit": simple_commit(repo.git.commit(item.head_sha)),
        "latest_check_runs_count": len(item.runs),
        "check_runs_url": f"{url}/check-runs",
    }


def annotation(world: World, run: CheckRun, item: Json) -> Json:
    keys = (
        "path",
        "start_line",
        "end_line",
        "start_column",
        "end_column",
        "annotation_level",
        "title",
        "message",
        "raw_details",
    )
    page = f"{world.url}/{run.suite.repository.full_name}/blob/{run.suite.head_sha}/{item['path']}"
    return {**{key: item.get(key) for key in keys}, "blob_href": page}


def delivery(item: Delivery, *, full: bool = False) -> Json:
    shown: Json = {
        "id": item.id,
        "guid": item.guid,
        "delivered_at": timestamp(item.delivered_at),
        "redelivery": item.redelivery,
        "duration": round(item.duration, 2),
        "status": item.status,
        "status_code": item.status_code,
        "event": item.event,
        "action": item.action,
        "installation_id": item.installation,
        "repository_id": item.repository,
        "throttled_at": None,
    }
    if full:
        shown["request"] = {"headers": item.request_headers, "payload": item.payload}
        shown["response"] = {"headers": item.response_headers, "payload": item.response_body}
    return shown
