"""Pull requests as one reads them: one, all, their files and commits; and the comments of their conversation."""

from __future__ import annotations

from typing import Literal

from bot.local_github import views
from bot.local_github.api import Answer, Body, Call, Operation
from bot.local_github.diff import raw_diff
from bot.local_github.refusal import FORBIDDEN, NOT_FOUND, Refusal, invalid
from bot.local_github.state import IssueComment, Reaction

MAX_FILES, MAX_DIFF_FILES, MAX_DIFF_LINES = 3000, 300, 20_000
MAX_COMMITS = 250
MAX_BODY = 65_536


def show_pull(call: Call) -> Answer:
    """As JSON, or as a diff where that media type is asked for."""
    pull = call.pull()
    head = pull.heads[-2] if call.stale and len(pull.heads) > 1 else pull.head_sha
    if "diff" not in call.accept:
        return Answer(json=views.pull(call.world, pull, head))
    changes = views.pull_diff(pull, head)
    if len(changes.files) > MAX_DIFF_FILES:
        message = f"Sorry, the diff exceeded the maximum number of files ({MAX_DIFF_FILES})."
        raise Refusal(406, message, [{"resource": "PullRequest", "field": "diff", "code": "too_large"}])
    if changes.additions + changes.deletions > MAX_DIFF_LINES:
        message = f"Sorry, the diff exceeded the maximum number of lines ({MAX_DIFF_LINES})."
        raise Refusal(406, message, [{"resource": "PullRequest", "field": "diff", "code": "too_large"}])
    text = raw_diff(pull.repository.git, views.merge_base(pull, head), head)
    return Answer(text=text or "\n", media="application/vnd.github.diff; charset=utf-8")


def list_pulls(call: Call) -> Answer:
    """Newest first; by default the open ones."""
    state, head, base = call.query.get("state", "open"), call.query.get("head"), call.query.get("base")
    found = [
        pull
        for pull in reversed(call.repository.pulls.values())
        if state in ("all", pull.state)
        and head in (None, f"{pull.head_repository.owner.login}:{pull.head_ref}")
        and base in (None, pull.base_ref)
    ]
    if call.query.get("direction") == "asc":
        found.reverse()
    items, links = call.page(found)
    return Answer(json=[views.simple_pull(call.world, p) for p in items], headers=links)


def list_files(call: Call) -> Answer:
    pull = call.pull()
    items, links = call.page(list(views.pull_diff(pull).files[:MAX_FILES]))
    return Answer(json=[views.file(call.world, call.repository, pull.head_sha, f) for f in items], headers=links)


def list_commits(call: Call) -> Answer:
    pull, git = call.pull(), call.repository.git
    found = git.commits(f"{views.merge_base(pull)}..{pull.head_sha}", limit=MAX_COMMITS)
    items, links = call.page(list(reversed(found)))
    return Answer(json=[views.commit(call.world, call.repository, c) for c in items], headers=links)


class CommentBody(Body):
    """A comment's text."""

    body: str


class ReactionBody(Body):
    """A reaction."""

    content: Literal["+1", "-1", "laugh", "confused", "heart", "hooray", "rocket", "eyes"]


def comment_body(call: Call, resource: str) -> str:
    """The text of a comment: present, and not too long."""
    text = call.body(CommentBody).body
    if not text.strip():
        raise invalid(resource, "body", "body can't be blank")
    if len(text) > MAX_BODY:
        raise invalid(resource, "body", f"body is too long (maximum is {MAX_BODY} characters)")
    return text


def list_comments(call: Call) -> Answer:
    items, links = call.page(call.pull("issue_number").comments)
    return Answer(json=[views.issue_comment(call.world, c) for c in items], headers=links)


def create_comment(call: Call) -> Answer:
    pull, text, now = call.pull("issue_number"), comment_body(call, "IssueComment"), call.world.now()
    made = IssueComment(call.world.next_id(), pull, call.bot, text, now, now, app=call.installation.app)
    pull.comments.append(made)
    return Answer(201, views.issue_comment(call.world, made))


def _comment(call: Call) -> IssueComment:
    wanted = call.number("comment_id")
    for pull in call.repository.pulls.values():
        for comment in pull.comments:
            if comment.id == wanted:
                return comment
    raise NOT_FOUND


def update_comment(call: Call) -> Answer:
    comment, text = _comment(call), comment_body(call, "IssueComment")
    if comment.user is not call.bot:
        raise FORBIDDEN
    comment.body, comment.updated_at = text, call.world.now()
    return Answer(json=views.issue_comment(call.world, comment))


def react(call: Call) -> Answer:
    """201 for a new reaction, 200 for one that is there already."""
    comment, content = _comment(call), call.body(ReactionBody).content
    for known in comment.reactions:
        if known.user is call.bot and known.content == content:
            return Answer(200, views.reaction(call.world, known))
    made = Reaction(call.world.next_id(), call.bot, content, call.world.now())
    comment.reactions.append(made)
    return Answer(201, views.reaction(call.world, made))


READ = (("pull_requests", "read"),)
TALK, LISTEN = (("pull_requests", "write"), ("issues", "write")), (("pull_requests", "read"), ("issues", "read"))
OPERATIONS = [
    Operation("GET", "/repos/{owner}/{repo}/pulls", list_pulls, READ),
    Operation("GET", "/repos/{owner}/{repo}/pulls/{pull_number}", show_pull, READ),
    Operation("GET", "/repos/{owner}/{repo}/pulls/{pull_number}/files", list_files, READ),
    Operation("GET", "/repos/{owner}/{repo}/pulls/{pull_number}/commits", list_commits, READ),
    Operation("GET", "/repos/{owner}/{repo}/issues/{issue_number}/comments", list_comments, LISTEN),
    Operation("POST", "/repos/{owner}/{repo}/issues/{issue_number}/comments", create_comment, TALK),
    Operation("PATCH", "/repos/{owner}/{repo}/issues/comments/{comment_id}", update_comment, TALK),
    Operation("POST", "/repos/{owner}/{repo}/issues/comments/{comment_id}/reactions", react, TALK),
]
