"""How the objects of the local GitHub look in JSON: GitHub's own keys, all that its description of the REST API requires."""

from bot.local_github.views.accounts import Json, app, installation, login, repository, user
from bot.local_github.views.pulls import commit, file, merge_base, minimal_pull, pull, pull_diff, simple_commit, simple_pull
from bot.local_github.views.talk import (
    annotation,
    check_run,
    check_suite,
    delivery,
    issue_comment,
    reaction,
    review,
    review_comment,
)

__all__ = [
    "Json",
    "annotation",
    "app",
    "check_run",
    "check_suite",
    "commit",
    "delivery",
    "file",
    "installation",
    "issue_comment",
    "login",
    "merge_base",
    "minimal_pull",
    "pull",
    "pull_diff",
    "reaction",
    "repository",
    "review",
    "review_comment",
    "simple_commit",
    "simple_pull",
    "user",
]
