"""Commits, pull requests and their files in JSON; and the diff of a pull request, from the merge base."""

from __future__ import annotations

from bot.local_github.diff import Diff, FileDiff, diff
from bot.local_github.git import Commit
from bot.local_github.state import PullRequest, Repository, World, timestamp
from bot.local_github.views.accounts import Json, optional_time, repository, user


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
        "closed_at": optional_time(item.closed_at),
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
        "merged": item.merged,
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
