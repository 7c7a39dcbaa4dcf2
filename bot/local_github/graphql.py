"""The GraphQL endpoint: threads read, comments rewritten and minimised, threads resolved; executed by graphql-core."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from importlib.resources import files
from typing import Any

from graphql import ExecutionResult, GraphQLError, GraphQLSchema, build_schema, graphql_sync

from bot.local_github import auth, views
from bot.local_github.api import Answer, Body, Call, Operation
from bot.local_github.faults import FIELD
from bot.local_github.pulls import MAX_BODY
from bot.local_github.refusal import Refusal
from bot.local_github.state import Account, IssueComment, PullRequest, Repository, ReviewComment, Thread, timestamp

Json = dict[str, Any]
Comment = ReviewComment | IssueComment
MAX_NODES = 100


class Request(Body):
    """A GraphQL request."""

    query: str
    variables: dict[str, Any] | None = None
    operationName: str | None = None  # noqa: N815 - GraphQL's name


@cache
def schema() -> GraphQLSchema:
    return build_schema(files("bot.local_github").joinpath("schema.graphql").read_text("utf-8"))


def execute(call: Call) -> Answer:
    body = call.body(Request)
    root = _Root(call)
    result = graphql_sync(
        schema(),
        body.query,
        root_value=root.fields(),
        variable_values=body.variables,
        operation_name=body.operationName,
        type_resolver=lambda value, *_: value["__typename"],
    )
    return Answer(json=_shown(result))


def _shown(result: ExecutionResult) -> Json:
    shown: Json = {} if result.data is None and result.errors else {"data": result.data}
    if result.errors:
        shown["errors"] = [_error(error) for error in result.errors]
    return shown


def _error(error: GraphQLError) -> Json:
    formatted: Json = {**error.formatted}
    extensions = formatted.pop("extensions", {})
    return {**({"type": extensions["type"]} if "type" in extensions else {}), **formatted}


def _refuse(kind: str, message: str) -> GraphQLError:
    return GraphQLError(message, extensions={"type": kind})


class _Root:
    """Resolvers for one call: what its token may see and do."""

    def __init__(self, call: Call) -> None:
        self._call, self._world = call, call.world
        assert call.token is not None
        self._token = call.token

    def fields(self) -> dict[str, Callable[..., Any]]:
        return {
            "repository": lambda _, name, owner, **__: self._repository(f"{owner}/{name}"),
            "node": lambda _, id: self._node(id),
            "rateLimit": lambda _, **__: self._rate_limit(),
            "minimizeComment": lambda _, input: self._minimize(input, input["classifier"].lower().replace("_", "-")),
            "unminimizeComment": lambda _, input: self._minimize(input, None),
            "resolveReviewThread": lambda _, input: self._resolve(input, self._call.bot),
            "unresolveReviewThread": lambda _, input: self._resolve(input, None),
            "updatePullRequestReviewComment": lambda _, input: self._update(input),
        }

    def _pulls(self) -> list[PullRequest]:
        seen = (r for r in self._world.repositories.values() if auth.sees(self._token, r))
        return [pull for repository in seen for pull in repository.pulls.values()]

    def _comment_of(self, node: str) -> Comment:
        for pull in self._pulls():
            comments: list[Comment] = [*pull.review_comments, *pull.comments]
            for comment in comments:
                if _comment_id(comment) == node:
                    return comment
        raise _refuse("NOT_FOUND", f"Could not resolve to a node with the global id of '{node}'.")

    def _thread_of(self, node: str) -> ReviewComment:
        """The first comment of the thread."""
        for pull in self._pulls():
            for comment in pull.review_comments:
                if f"PRRT_{comment.thread.id}" == node:
                    return comment
        raise _refuse("NOT_FOUND", f"Could not resolve to a node with the global id of '{node}'.")

    def _minimize(self, given: Json, reason: str | None) -> Json:
        comment = self._comment_of(given["subjectId"])
        if not (auth.may(self._token, "pull_requests", "write") or auth.may(self._token, "issues", "write")):
            raise _refuse("FORBIDDEN", "Resource not accessible by integration")
        comment.minimized = reason
        key = "unminimizedComment" if reason is None else "minimizedComment"
        return {"clientMutationId": given.get("clientMutationId"), key: self._comment(comment)}

    def _update(self, given: Json) -> Json:
        if self._call.faults.take(FIELD, "updatePullRequestReviewComment"):
            raise GraphQLError("Something went wrong while executing your query.")
        comment = self._comment_of(given["pullRequestReviewCommentId"])
        if not isinstance(comment, ReviewComment):
            raise _refuse("NOT_FOUND", "Could not resolve to a PullRequestReviewComment.")
        if comment.user is not self._call.bot or not auth.may(self._token, "pull_requests", "write"):
            raise _refuse("FORBIDDEN", "Resource not accessible by integration")
        if not given["body"].strip() or len(given["body"]) > MAX_BODY:
            raise _refuse("UNPROCESSABLE", "Body is too long or can't be blank")
        comment.body, comment.updated_at = given["body"], self._world.now()
        return {"clientMutationId": given.get("clientMutationId"), "pullRequestReviewComment": self._comment(comment)}

    def _resolve(self, given: Json, who: Account | None) -> Json:
        first = self._thread_of(given["threadId"])
        if not self._may_resolve():
            raise _refuse("FORBIDDEN", "Resource not accessible by integration")
        first.thread.resolved_by = who
        return {"clientMutationId": given.get("clientMutationId"), "thread": self._thread(first.pull, first.thread)}

    def _may_resolve(self) -> bool:
        return auth.may(self._token, "pull_requests", "write") and auth.may(self._token, "contents", "write")

    def _repository(self, full_name: str) -> Json:
        found = self._world.repository(full_name)
        if found is None or not auth.sees(self._token, found):
            raise _refuse("NOT_FOUND", f"Could not resolve to a Repository with the name '{full_name}'.")
        return {
            "__typename": "Repository",
            "id": f"R_{found.id}",
            "databaseId": found.id,
            "name": found.name,
            "nameWithOwner": found.full_name,
            "defaultBranchRef": lambda *_: self._default_branch(found),
            "pullRequest": lambda _, number: self._pull_numbered(found, number),
        }

    def _default_branch(self, repository: Repository) -> Json | None:
        if not auth.may(self._token, "contents", "read"):
            raise _refuse("FORBIDDEN", "Resource not accessible by integration")
        sha = repository.git.resolve(f"refs/heads/{repository.default_branch}")
        return {"name": repository.default_branch, "target": self._commit(repository, sha)} if sha else None

    def _commit(self, repository: Repository, sha: str) -> Json:
        def history(_: Any, **page: Any) -> Json:
            found = repository.git.commits(sha, limit=MAX_NODES)
            return _connection([self._commit(repository, one.sha) for one in found], page)

        def suites(_: Any, **given: Any) -> Json:
            return _connection(self._suites(repository, sha, given.pop("filterBy", None) or {}), given)

        return {"__typename": "Commit", "oid": sha, "history": history, "checkSuites": suites}

    def _suites(self, repository: Repository, sha: str, wanted: Json) -> list[Json]:
        if not auth.may(self._token, "checks", "read"):
            raise _refuse("FORBIDDEN", "Resource not accessible by integration")
        app, name = wanted.get("appId"), wanted.get("checkName")
        found = [one for one in self._world.suites.values() if one.repository is repository and one.head_sha == sha]
        return [
            {"databaseId": one.id}
            for one in found
            if app in (None, one.app.id) and (name is None or any(run.name == name for run in one.runs))
        ]

    def _pull_numbered(self, repository: Repository, number: int) -> Json:
        if not auth.may(self._token, "pull_requests", "read"):
            raise _refuse("FORBIDDEN", "Resource not accessible by integration")
        if number not in repository.pulls:
            raise _refuse("NOT_FOUND", f"Could not resolve to a PullRequest with the number of {number}.")
        return self._pull(repository.pulls[number])

    def _pull(self, pull: PullRequest) -> Json:
        threads = list({c.thread.id: c.thread for c in pull.review_comments if c.review.state != "PENDING"}.values())
        return {
            "__typename": "PullRequest",
            "id": f"PR_{pull.id}",
            "databaseId": pull.id,
            "number": pull.number,
            "title": pull.title,
            "state": pull.state.upper(),
            "isDraft": pull.draft,
            "headRefOid": pull.head_sha,
            "baseRefOid": pull.base_sha,
            "url": f"{self._world.url}/{pull.repository.full_name}/pull/{pull.number}",
            "reviewThreads": lambda _, **page: _connection([self._thread(pull, t) for t in threads], page),
            "comments": lambda _, **page: _connection([self._comment(c) for c in pull.comments], page),
        }

    def _thread(self, pull: PullRequest, thread: Thread) -> Json:
        comments = [c for c in pull.review_comments if c.thread is thread]
        first, resolved = comments[0], thread.resolved_by
        return {
            "__typename": "PullRequestReviewThread",
            "id": f"PRRT_{thread.id}",
            "isCollapsed": resolved is not None or first.line is None,
            "isOutdated": first.line is None and first.subject_type == "line",
            "isResolved": resolved is not None,
            "resolvedBy": self._actor(resolved) if resolved and resolved.type == "User" else None,
            "path": first.path,
            "line": first.line,
            "originalLine": first.original_line,
            "startLine": first.start_line,
            "originalStartLine": first.original_start_line,
            "diffSide": first.side,
            "startDiffSide": first.start_side,
            "subjectType": first.subject_type.upper(),
            "viewerCanReply": True,
            "viewerCanResolve": self._may_resolve() and resolved is None,
            "viewerCanUnresolve": self._may_resolve() and resolved is not None,
            "comments": lambda _, **page: _connection([self._comment(c) for c in comments], page),
        }

    def _comment(self, comment: Comment) -> Json:
        shared = {
            "id": _comment_id(comment),
            "databaseId": comment.id,
            "fullDatabaseId": str(comment.id),
            "author": self._actor(comment.user),
            "body": comment.body,
            "createdAt": timestamp(comment.created_at),
            "updatedAt": timestamp(comment.updated_at),
            "isMinimized": comment.minimized is not None,
            "minimizedReason": comment.minimized,
            "viewerCanMinimize": auth.may(self._token, "pull_requests", "write"),
            "viewerDidAuthor": comment.user is self._call.bot,
        }
        if isinstance(comment, IssueComment):
            url = views.issue_comment(self._world, comment)["html_url"]
            return {"__typename": "IssueComment", **shared, "url": url}
        return {
            "__typename": "PullRequestReviewComment",
            **shared,
            "outdated": comment.line is None and comment.subject_type == "line",
            "path": comment.path,
            "line": comment.line,
            "originalLine": comment.original_line,
            "replyTo": self._comment(comment.in_reply_to) if comment.in_reply_to else None,
            "url": views.review_comment(self._world, comment)["html_url"],
        }

    def _actor(self, account: Account) -> Json:
        # GraphQL gives a bot's login without the "[bot]" that REST appends.
        return {
            "__typename": account.type,
            "id": f"U_{account.id}",
            "login": account.login,
            "url": views.user(self._world, account)["html_url"],
        }

    def _node(self, node: str) -> Json:
        kind = node.partition("_")[0]
        if kind in ("PRRC", "IC"):
            return self._comment(self._comment_of(node))
        if kind == "PRRT":
            first = self._thread_of(node)
            return self._thread(first.pull, first.thread)
        for pull in self._pulls():
            if f"PR_{pull.id}" == node:
                return self._pull(pull)
        raise _refuse("NOT_FOUND", f"Could not resolve to a node with the global id of '{node}'.")

    def _rate_limit(self) -> Json:
        return {"cost": 1, "limit": 5000, "remaining": 4999, "used": 1, "resetAt": timestamp(self._world.now())}


def _comment_id(comment: Comment) -> str:
    return f"{'IC' if isinstance(comment, IssueComment) else 'PRRC'}_{comment.id}"


def _connection(nodes: list[Json], page: Json) -> Json:
    """One page of `nodes`. A cursor is the index after the node. `first` or `last` is required, at most 100."""
    first, last = page.get("first"), page.get("last")
    size = first if first is not None else last
    if size is None:
        raise _refuse("MISSING_PAGINATION_BOUNDARIES", "You must provide a `first` or `last` value to properly paginate.")
    if not 0 <= size <= MAX_NODES:
        raise _refuse("EXCESSIVE_PAGINATION", f"Requesting {size} records exceeds the limit of {MAX_NODES} records.")
    low, high = _cursor(page.get("after"), 0), _cursor(page.get("before"), len(nodes) + 1) - 1
    start, end = (low, min(low + size, high)) if first is not None else (max(low, high - size), high)
    info = {
        "startCursor": str(start + 1) if end > start else None,
        "endCursor": str(end) if end > start else None,
        "hasNextPage": end < len(nodes),
        "hasPreviousPage": start > 0,
    }
    return {"nodes": nodes[start:end], "pageInfo": info, "totalCount": len(nodes)}


def _cursor(value: str | None, default: int) -> int:
    if value is None:
        return default
    if not value.isdigit():
        raise _refuse("INVALID_CURSOR_ARGUMENTS", f"`{value}` does not appear to be a valid cursor.")
    return int(value)


def _unreadable(call: Call) -> Answer:
    try:
        return execute(call)
    except Refusal as refusal:
        raise Refusal(400, refusal.message) from None


OPERATION = Operation("POST", "/graphql", _unreadable)
