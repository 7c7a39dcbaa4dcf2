"""Reviews and review comments. One bad comment, and nothing of the review is stored, as with GitHub."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from bot.local_github import views
from bot.local_github.anchor import Anchor, BadAnchor, find_anchor
from bot.local_github.api import Answer, Body, Call, Operation
from bot.local_github.pulls import MAX_BODY, comment_body
from bot.local_github.refusal import FORBIDDEN, NOT_FOUND, Refusal, invalid, unprocessable
from bot.local_github.state import Account, App, PullRequest, Review, ReviewComment, Thread, World, timestamp

STATES: dict[str, Literal["COMMENTED", "APPROVED", "CHANGES_REQUESTED"]] = {
    "COMMENT": "COMMENTED",
    "APPROVE": "APPROVED",
    "REQUEST_CHANGES": "CHANGES_REQUESTED",
}
CREATE = "/pulls/reviews#create-a-review-for-a-pull-request"


class DraftComment(Body):
    """A comment of a review."""

    path: str
    body: str
    position: int | None = None
    line: int | None = None
    side: str | None = None
    start_line: int | None = None
    start_side: str | None = None


class NewReview(Body):
    """A review; pending, and seen by nobody, where `event` is missing."""

    commit_id: str | None = None
    body: str | None = None
    event: Literal["APPROVE", "REQUEST_CHANGES", "COMMENT"] | None = None
    comments: Annotated[tuple[DraftComment, ...], Field(strict=False)] = ()


class NewComment(DraftComment):
    """A comment by itself: on a line, on a file, or in reply."""

    commit_id: str
    in_reply_to: int | None = None
    subject_type: Literal["line", "file"] = "line"


class ReviewBody(Body):
    """The summary of a review."""

    body: str


class Dismissal(Body):
    """Why a review no longer counts."""

    message: str
    event: Literal["DISMISS"] | None = None


def create_review(call: Call) -> Answer:
    pull, body = call.pull(), call.body(NewReview)
    commit = _commit(pull, body.commit_id)
    if body.event in ("COMMENT", "REQUEST_CHANGES") and not (body.body or "").strip() and not body.comments:
        raise unprocessable(f"Can not submit a review with event {body.event} without a body or comments", docs=CREATE)
    if len(body.body or "") > MAX_BODY:
        raise unprocessable(f"Body is too long (maximum is {MAX_BODY} characters)", docs=CREATE)
    if any(r.user is call.bot and r.state == "PENDING" for r in pull.reviews):
        raise unprocessable("User can only have one pending review per pull request", docs=CREATE)
    anchors = [_draft(pull, commit, comment) for comment in body.comments]
    now = call.world.now() if body.event else None
    state = STATES[body.event] if body.event else "PENDING"
    app = call.installation.app
    review = Review(call.world.next_id(), pull, call.bot, body.body or "", state, commit, now, app)
    pull.reviews.append(review)
    for comment, anchor in zip(body.comments, anchors, strict=True):
        add_comment(call.world, review, comment.body, anchor)
    return Answer(200, views.review(call.world, review))


def _commit(pull: PullRequest, commit_id: str | None) -> str:
    """The commit a review is of: the head, or another one of the pull request."""
    if commit_id is None or commit_id == pull.head_sha:
        return pull.head_sha
    git, sha = pull.repository.git, None
    if len(commit_id) == 40:
        sha = git.resolve(commit_id)
    inside = sha == commit_id and (sha in pull.heads or git.merge_base(sha, pull.head_sha) == sha)
    if not inside or (git.merge_base(commit_id, pull.base_sha) == commit_id and commit_id not in pull.heads):
        raise unprocessable("The commit_id is not part of the pull request", docs=CREATE)
    return commit_id


def _draft(pull: PullRequest, commit: str, comment: DraftComment) -> Anchor:
    if not comment.body.strip():
        raise unprocessable("Pull request review comment body can't be blank", docs=CREATE)
    if len(comment.body) > MAX_BODY:
        raise unprocessable(f"Body is too long (maximum is {MAX_BODY} characters)", docs=CREATE)
    try:
        return _anchor(pull, commit, comment)
    except BadAnchor as bad:
        raise unprocessable(bad.message, docs=CREATE) from None


def _anchor(pull: PullRequest, commit: str, comment: DraftComment) -> Anchor:
    return find_anchor(
        views.pull_diff(pull, commit).file(comment.path),
        line=comment.line,
        side=comment.side,
        start_line=comment.start_line,
        start_side=comment.start_side,
        position=comment.position,
    )


def add_comment(world: World, review: Review, body: str, anchor: Anchor) -> ReviewComment:
    """A new thread at `anchor`, opened by the review."""
    pull, now = review.pull, world.now()
    comment = ReviewComment(
        id=world.next_id(),
        thread=Thread(world.next_id(), pull),
        pull=pull,
        review=review,
        user=review.user,
        body=body,
        path=anchor.path,
        commit=review.commit,
        original_commit=review.commit,
        diff_hunk=anchor.hunk,
        side=anchor.side,
        line=anchor.line,
        original_line=anchor.line,
        position=anchor.position,
        original_position=anchor.position,
        created_at=now,
        updated_at=now,
        start_side=anchor.start_side,
        start_line=anchor.start_line,
        original_start_line=anchor.start_line,
        app=review.app,
    )
    pull.review_comments.append(comment)
    return comment


def add_reply(world: World, parent: ReviewComment, user: Account, body: str, app: App | None = None) -> ReviewComment:
    """An answer in the thread of `parent`, in a review of its own, as GitHub keeps it."""
    first, now, pull = parent.in_reply_to or parent, world.now(), parent.pull
    review = Review(world.next_id(), pull, user, "", "COMMENTED", pull.head_sha, now, app)
    pull.reviews.append(review)
    reply = ReviewComment(
        **{**vars(first), "id": world.next_id(), "review": review, "user": user, "body": body, "in_reply_to": first},
    )
    reply.created_at = reply.updated_at = now
    reply.app, reply.minimized, reply.reactions = app, None, []
    pull.review_comments.append(reply)
    return reply


def create_comment(call: Call) -> Answer:
    pull, body = call.pull(), call.body(NewComment)
    if body.in_reply_to is not None:
        parent = next((c for c in pull.review_comments if c.id == body.in_reply_to), None)
        if parent is None:
            raise NOT_FOUND
        made = add_reply(call.world, parent, call.bot, body.body, call.installation.app)
        return Answer(201, views.review_comment(call.world, made))
    _check_text(body.body)
    commit, app = _commit(pull, body.commit_id), call.installation.app
    try:
        anchor = _file_anchor(pull, commit, body) if body.subject_type == "file" else _anchor(pull, commit, body)
    except BadAnchor as bad:
        raise invalid("PullRequestReviewComment", f"pull_request_review_thread.{bad.field}", bad.message) from None
    review = Review(call.world.next_id(), pull, call.bot, "", "COMMENTED", commit, call.world.now(), app)
    pull.reviews.append(review)
    comment = add_comment(call.world, review, body.body, anchor)
    if body.subject_type == "file":
        comment.subject_type = "file"
        comment.line = comment.original_line = comment.position = comment.original_position = None
    return Answer(201, views.review_comment(call.world, comment))


def _check_text(text: str) -> None:
    if not text.strip():
        raise invalid("PullRequestReviewComment", "body", "body can't be blank")
    if len(text) > MAX_BODY:
        raise invalid("PullRequestReviewComment", "body", f"body is too long (maximum is {MAX_BODY} characters)")


def _file_anchor(pull: PullRequest, commit: str, comment: NewComment) -> Anchor:
    if views.pull_diff(pull, commit).file(comment.path) is None:
        raise BadAnchor("path", "Path could not be resolved")
    return Anchor(comment.path, "RIGHT", 1, None, None, 1, "")


def _visible(call: Call, pull: PullRequest) -> list[Review]:
    """All reviews but the pending ones of others."""
    return [r for r in pull.reviews if r.state != "PENDING" or r.user is call.bot]


def _review(call: Call) -> Review:
    wanted = call.number("review_id")
    found = next((r for r in _visible(call, call.pull()) if r.id == wanted), None)
    if found is None:
        raise NOT_FOUND
    return found


def list_reviews(call: Call) -> Answer:
    items, links = call.page(_visible(call, call.pull()))
    return Answer(json=[views.review(call.world, r) for r in items], headers=links)


def show_review(call: Call) -> Answer:
    return Answer(json=views.review(call.world, _review(call)))


def update_review(call: Call) -> Answer:
    review, text = _review(call), call.body(ReviewBody).body
    if review.user is not call.bot:
        raise FORBIDDEN
    if not text.strip() or len(text) > MAX_BODY:
        raise unprocessable(f"Body can't be blank or longer than {MAX_BODY} characters")
    review.body = text
    return Answer(json=views.review(call.world, review))


def dismiss_review(call: Call) -> Answer:
    review = _review(call)
    call.body(Dismissal)
    if review.state not in ("APPROVED", "CHANGES_REQUESTED"):
        raise Refusal(422, "Can not dismiss a commented pull request review")
    review.state = "DISMISSED"
    return Answer(json=views.review(call.world, review))


def list_review_comments(call: Call) -> Answer:
    review = _review(call)
    items, links = call.page([c for c in review.pull.review_comments if c.review is review])
    return Answer(json=[views.review_comment(call.world, c) for c in items], headers=links)


def list_comments(call: Call) -> Answer:
    """Oldest first; those of pending reviews are left out."""
    found = [c for c in call.pull().review_comments if c.review.state != "PENDING"]
    if call.query.get("direction") == "desc":
        found.reverse()
    if since := call.query.get("since"):
        found = [c for c in found if timestamp(c.updated_at) >= since]
    items, links = call.page(found)
    return Answer(json=[views.review_comment(call.world, c) for c in items], headers=links)


def reply(call: Call) -> Answer:
    pull, wanted = call.pull(), call.number("comment_id")
    parent = next((c for c in pull.review_comments if c.id == wanted), None)
    if parent is None or parent.in_reply_to:
        raise NOT_FOUND
    text = comment_body(call, "PullRequestReviewComment")
    made = add_reply(call.world, parent, call.bot, text, call.installation.app)
    return Answer(201, views.review_comment(call.world, made))


def _own_comment(call: Call) -> ReviewComment:
    wanted = call.number("comment_id")
    comments = (c for pull in call.repository.pulls.values() for c in pull.review_comments)
    found = next((c for c in comments if c.id == wanted), None)
    if found is None:
        raise NOT_FOUND
    if found.user is not call.bot:
        raise FORBIDDEN
    return found


def update_comment(call: Call) -> Answer:
    comment, text = _own_comment(call), comment_body(call, "PullRequestReviewComment")
    comment.body, comment.updated_at = text, call.world.now()
    return Answer(json=views.review_comment(call.world, comment))


def delete_comment(call: Call) -> Answer:
    comment = _own_comment(call)
    comment.pull.review_comments.remove(comment)
    return Answer(204)


READ, WRITE = (("pull_requests", "read"),), (("pull_requests", "write"),)
_PULL = "/repos/{owner}/{repo}/pulls/{pull_number}"
OPERATIONS = [
    Operation("GET", f"{_PULL}/reviews", list_reviews, READ),
    Operation("POST", f"{_PULL}/reviews", create_review, WRITE),
    Operation("GET", f"{_PULL}/reviews/{{review_id}}", show_review, READ),
    Operation("PUT", f"{_PULL}/reviews/{{review_id}}", update_review, WRITE),
    Operation("GET", f"{_PULL}/reviews/{{review_id}}/comments", list_review_comments, READ),
    Operation("PUT", f"{_PULL}/reviews/{{review_id}}/dismissals", dismiss_review, WRITE),
    Operation("GET", f"{_PULL}/comments", list_comments, READ),
    Operation("POST", f"{_PULL}/comments", create_comment, WRITE),
    Operation("POST", f"{_PULL}/comments/{{comment_id}}/replies", reply, WRITE),
    Operation("PATCH", "/repos/{owner}/{repo}/pulls/comments/{comment_id}", update_comment, WRITE),
    Operation("DELETE", "/repos/{owner}/{repo}/pulls/comments/{comment_id}", delete_comment, WRITE),
]
