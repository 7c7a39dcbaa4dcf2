"""How the objects of the local GitHub look in JSON: GitHub's own keys, all that its description of the REST API requires."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from bot.local_github.diff import Diff, FileDiff, diff
from bot.local_github.git import Commit
from bot.local_github.state import (
    EVENTS,
    Account,
    App,
    CheckRun,
    CheckSuite,
    Delivery,
    Installation,
    IssueComment,
    PullRequest,
    Reaction,
    Repository,
    Review,
    ReviewComment,
    World,
    timestamp,
)

Json = dict[str, Any]

_USER_URLS = {
    "followers_url": "/followers",
    "following_url": "/following{/other_user}",
    "gists_url": "/gists{/gist_id}",
    "starred_url": "/starred{/owner}{/repo}",
    "subscriptions_url": "/subscriptions",
    "organizations_url": "/orgs",
    "repos_url": "/repos",
    "events_url": "/events{/privacy}",
    "received_events_url": "/received_events",
}
_REPOSITORY_URLS = {
    "archive_url": "/{archive_format}{/ref}",
    "assignees_url": "/assignees{/user}",
    "blobs_url": "/git/blobs{/sha}",
    "branches_url": "/branches{/branch}",
    "collaborators_url": "/collaborators{/collaborator}",
    "comments_url": "/comments{/number}",
    "commits_url": "/commits{/sha}",
    "compare_url": "/compare/{base}...{head}",
    "contents_url": "/contents/{+path}",
    "contributors_url": "/contributors",
    "deployments_url": "/deployments",
    "downloads_url": "/downloads",
    "events_url": "/events",
    "forks_url": "/forks",
    "git_commits_url": "/git/commits{/sha}",
    "git_refs_url": "/git/refs{/sha}",
    "git_tags_url": "/git/tags{/sha}",
    "hooks_url": "/hooks",
    "issue_comment_url": "/issues/comments{/number}",
    "issue_events_url": "/issues/events{/number}",
    "issues_url": "/issues{/number}",
    "keys_url": "/keys{/key_id}",
    "labels_url": "/labels{/name}",
    "languages_url": "/languages",
    "merges_url": "/merges",
    "milestones_url": "/milestones{/number}",
    "notifications_url": "/notifications{?since,all,participating}",
    "pulls_url": "/pulls{/number}",
    "releases_url": "/releases{/id}",
    "stargazers_url": "/stargazers",
    "statuses_url": "/statuses/{sha}",
    "subscribers_url": "/subscribers",
    "subscription_url": "/subscription",
    "tags_url": "/tags",
    "teams_url": "/teams",
    "trees_url": "/git/trees{/sha}",
}


def _time(value: datetime | str | None) -> str | None:
    return timestamp(value) if isinstance(value, datetime) else value


def login(account: Account) -> str:
    return f"{account.login}[bot]" if account.type == "Bot" else account.login


def user(world: World, account: Account) -> Json:
    url = f"{world.api_url}/users/{login(account)}"
    return {
        "login": login(account),
        "id": account.id,
        "node_id": f"U_{account.id}",
        "avatar_url": f"{world.url}/avatars/{account.id}",
        "gravatar_id": "",
        "url": url,
        "html_url": f"{world.url}/{'apps/' if account.type == 'Bot' else ''}{account.login}",
        **{key: url + tail for key, tail in _USER_URLS.items()},
        "type": account.type,
        "user_view_type": "public",
        "site_admin": False,
    }


def app(world: World, app: App) -> Json:
    return {
        "id": app.id,
        "slug": app.slug,
        "client_id": app.client_id,
        "node_id": f"A_{app.id}",
        "owner": user(world, app.owner),
        "name": app.name,
        "description": app.description,
        "external_url": app.external_url,
        "html_url": f"{world.url}/apps/{app.slug}",
        "created_at": timestamp(app.created_at),
        "updated_at": timestamp(app.created_at),
        "permissions": app.permissions,
        "events": list(app.events),
        "installations_count": sum(1 for i in world.installations.values() if i.app is app),
    }


def installation(world: World, item: Installation) -> Json:
    dates = dict.fromkeys(("created_at", "updated_at"), timestamp(item.created_at))
    return {
        "id": item.id,
        "client_id": item.app.client_id,
        # GitHub's description of the list of installations asks for the keys of a user and of an enterprise at once.
        "account": {**user(world, item.account), "name": item.account.login, "slug": item.account.login.lower(), **dates},
        "repository_selection": "all" if item.repositories is None else "selected",
        "access_tokens_url": f"{world.api_url}/app/installations/{item.id}/access_tokens",
        "repositories_url": f"{world.api_url}/installation/repositories",
        "html_url": f"{world.url}/settings/installations/{item.id}",
        "app_id": item.app.id,
        "app_slug": item.app.slug,
        "target_id": item.account.id,
        "target_type": item.account.type,
        "permissions": item.permissions,
        "events": list(item.app.events or EVENTS),
        **dates,
        "single_file_name": None,
        "has_multiple_single_files": False,
        "single_file_paths": [],
        "suspended_by": None,
        "suspended_at": timestamp(item.created_at) if item.suspended else None,
    }


def repository(world: World, item: Repository) -> Json:
    url, page = f"{world.api_url}/repos/{item.full_name}", f"{world.url}/{item.full_name}"
    opened = sum(1 for pull in item.pulls.values() if pull.state == "open")
    forks = sum(1 for other in world.repositories.values() if other.parent is item)
    created = timestamp(item.created_at)
    return {
        "id": item.id,
        "node_id": f"R_{item.id}",
        "name": item.name,
        "full_name": item.full_name,
        "owner": user(world, item.owner),
        "private": item.private,
        "visibility": "private" if item.private else "public",
        "html_url": page,
        "description": None,
        "fork": item.parent is not None,
        "url": url,
        **{key: url + tail for key, tail in _REPOSITORY_URLS.items()},
        "git_url": f"git:{page.partition(':')[2]}.git",
        "ssh_url": f"git@localhost:{item.full_name}.git",
        "clone_url": f"{page}.git",
        "svn_url": page,
        "mirror_url": None,
        "homepage": None,
        "language": None,
        "license": None,
        "topics": [],
        "default_branch": item.default_branch,
        "size": 0,
        **dict.fromkeys(("stargazers_count", "watchers_count", "watchers", "subscribers_count"), 0),
        **dict.fromkeys(("forks", "forks_count", "network_count"), forks),
        **dict.fromkeys(("open_issues", "open_issues_count"), opened),
        "has_issues": True,
        **dict.fromkeys(("has_projects", "has_wiki", "has_pages", "has_discussions", "has_downloads"), False),
        **dict.fromkeys(("archived", "disabled", "is_template", "allow_forking", "web_commit_signoff_required"), False),
        **dict.fromkeys(("pushed_at", "created_at", "updated_at"), created),
    }


def commit(world: World, repo: Repository, item: Commit) -> Json:
    url, page = f"{world.api_url}/repos/{repo.full_name}", f"{world.url}/{repo.full_name}"
    people = {k: dict(zip(("name", "email", "date"), v, strict=True)) for k, v in _people(item).items()}
    unsigned = {"verified": False, "reason": "unsigned", "payload": None, "signature": None, "verified_at": None}
    parents = [{"sha": p, "url": f"{url}/commits/{p}", "html_url": f"{page}/commit/{p}"} for p in item.parents]
    return {
        "sha": item.sha,
        "node_id": f"C_{item.sha}",
        "url": f"{url}/commits/{item.sha}",
        "html_url": f"{page}/commit/{item.sha}",
        "comments_url": f"{url}/commits/{item.sha}/comments",
        "commit": {
            **people,
            "url": f"{url}/git/commits/{item.sha}",
            "message": item.message,
            "comment_count": 0,
            "tree": {"sha": item.tree, "url": f"{url}/git/trees/{item.tree}"},
            "verification": unsigned,
        },
        "author": None,
        "committer": None,
        "parents": parents,
    }


def _people(item: Commit) -> dict[str, tuple[str, str, str]]:
    return {"author": item.author, "committer": item.committer}


def simple_commit(item: Commit) -> Json:
    people = {k: {"name": v[0], "email": v[1]} for k, v in _people(item).items()}
    return {"id": item.sha, "tree_id": item.tree, "message": item.message, "timestamp": item.committer[2], **people}


def _branch(world: World, repo: Repository, ref: str, sha: str) -> Json:
    label = f"{repo.owner.login}:{ref}"
    return {"label": label, "ref": ref, "sha": sha, "user": user(world, repo.owner), "repo": repository(world, repo)}


def merge_base(pull: PullRequest, head: str | None = None) -> str:
    """Where the pull request's diff starts: three dots, not two."""
    return pull.repository.git.merge_base(pull.base_sha, head or pull.head_sha) or pull.base_sha


def pull_diff(pull: PullRequest, head: str | None = None) -> Diff:
    """What the pull request changes, at its head or at an earlier one."""
    return diff(pull.repository.git, merge_base(pull, head), head or pull.head_sha)


def simple_pull(world: World, item: PullRequest, head: str | None = None) -> Json:
    url, page = f"{world.api_url}/repos/{item.repository.full_name}", f"{world.url}/{item.repository.full_name}"
    me, sha = f"{url}/pulls/{item.number}", head or item.head_sha
    urls = {
        "comments": f"{url}/issues/{item.number}/comments",
        "commits": f"{me}/commits",
        "statuses": f"{url}/statuses/{sha}",
        "html": f"{page}/pull/{item.number}",
        "issue": f"{url}/issues/{item.number}",
        "review_comments": f"{me}/comments",
        "review_comment": f"{url}/pulls/comments{{/number}}",
        "self": me,
    }
    return {
        "id": item.id,
        "node_id": f"PR_{item.id}",
        "number": item.number,
        "url": me,
        "html_url": urls["html"],
        "diff_url": f"{urls['html']}.diff",
        "patch_url": f"{urls['html']}.patch",
        **{f"{k}_url": urls[k] for k in ("issue", "commits", "review_comments", "review_comment", "comments", "statuses")},
        "state": item.state,
        "locked": False,
        "active_lock_reason": None,
        "title": item.title,
        "body": item.body or None,
        "user": user(world, item.user),
        "labels": [],
        **dict.fromkeys(("milestone", "assignee", "auto_merge", "merged_at")),
        **{key: [] for key in ("assignees", "requested_reviewers", "requested_teams")},
        "draft": item.draft,
        "created_at": timestamp(item.created_at),
        "updated_at": timestamp(item.updated_at),
        "closed_at": _time(item.closed_at),
        "merge_commit_sha": item.merge_commit,
        "head": _branch(world, item.head_repository, item.head_ref, sha),
        "base": _branch(world, item.repository, item.base_ref, item.base_sha),
        "author_association": "CONTRIBUTOR" if item.fork else "OWNER",
        "_links": {name: {"href": href} for name, href in urls.items()},
    }


def pull(world: World, item: PullRequest, head: str | None = None) -> Json:
    """The full form; `head` shows it as it was at an earlier head."""
    changes, start, sha = pull_diff(item, head), merge_base(item, head), head or item.head_sha
    return {
        **simple_pull(world, item, head),
        "merged": False,
        "mergeable": item.merge_commit is not None,
        "rebaseable": False,
        "mergeable_state": "clean" if item.merge_commit else "dirty",
        "merged_by": None,
        "comments": len(item.comments),
        "review_comments": len(item.review_comments),
        "maintainer_can_modify": item.fork,
        "commits": item.repository.git.count(f"{start}..{sha}"),
        "additions": changes.additions,
        "deletions": changes.deletions,
        "changed_files": len(changes.files),
    }


def minimal_pull(world: World, item: PullRequest) -> Json:
    def end(repo: Repository, ref: str, sha: str) -> Json:
        named = {"id": repo.id, "url": f"{world.api_url}/repos/{repo.full_name}", "name": repo.name}
        return {"ref": ref, "sha": sha, "repo": named}

    return {
        "id": item.id,
        "number": item.number,
        "url": f"{world.api_url}/repos/{item.repository.full_name}/pulls/{item.number}",
        "head": end(item.head_repository, item.head_ref, item.head_sha),
        "base": end(item.repository, item.base_ref, item.base_sha),
    }


def file(world: World, repo: Repository, sha: str, item: FileDiff) -> Json:
    page, url = f"{world.url}/{repo.full_name}", f"{world.api_url}/repos/{repo.full_name}"
    shown: Json = {
        "sha": item.sha,
        "filename": item.path,
        "status": item.status,
        "additions": item.additions,
        "deletions": item.deletions,
        "changes": item.additions + item.deletions,
        "blob_url": f"{page}/blob/{sha}/{item.path}",
        "raw_url": f"{page}/raw/{sha}/{item.path}",
        "contents_url": f"{url}/contents/{item.path}?ref={sha}",
    }
    if item.patch is not None:
        shown["patch"] = item.patch
    if item.previous:
        shown["previous_filename"] = item.previous
    return shown


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
        "reactions": _reactions(f"{me}/reactions", []),
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
        "started_at": _time(item.started_at),
        "completed_at": _time(item.completed_at),
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
