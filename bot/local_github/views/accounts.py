"""Accounts, Apps, installations and repositories in JSON."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from bot.local_github.state import EVENTS, Account, App, Installation, Repository, World, timestamp

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


def optional_time(value: datetime | str | None) -> str | None:
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
