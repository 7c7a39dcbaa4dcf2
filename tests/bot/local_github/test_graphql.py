"""GraphQL: threads are read, comments minimised, and threads resolved only by those who may."""

from __future__ import annotations

from typing import Any

import httpx

from .conftest import Stage

THREADS = """
query($owner: String!, $name: String!, $number: Int!, $after: String, $first: Int = 100) {
  repository(owner: $owner, name: $name) { pullRequest(number: $number) { headRefOid
    reviewThreads(first: $first, after: $after) { totalCount pageInfo { hasNextPage endCursor }
      nodes { id isResolved isOutdated path line startLine viewerCanResolve
        comments(first: 10) { nodes { id databaseId author { login __typename } body isMinimized minimizedReason } } } } } } }
"""
MINIMIZE = """mutation($id: ID!) { minimizeComment(input: {subjectId: $id, classifier: OUTDATED}) {
  minimizedComment { isMinimized minimizedReason } } }"""
UPDATE = """mutation($id: ID!, $body: String!) {
  updatePullRequestReviewComment(input: {pullRequestReviewCommentId: $id, body: $body}) { clientMutationId } }"""
RESOLVE = "mutation($id: ID!) { resolveReviewThread(input: {threadId: $id}) { thread { isResolved } } }"


def ask(stage: Stage, query: str, bot: httpx.Client | None = None, **variables: Any) -> Any:
    url = stage.github.api_url.replace("/v3", "/graphql")
    return (bot or stage.bot).post(url, json={"query": query, "variables": variables}).json()


def threads(stage: Stage, **more: Any) -> Any:
    found = ask(stage, THREADS, owner="acme", name="shop", number=1, **more)
    return found["data"]["repository"]["pullRequest"]["reviewThreads"]


def test_threads_with_their_comments(stage: Stage) -> None:
    places = ({"path": "a.py", "line": 5, "body": "One"}, {"path": "b.py", "start_line": 1, "line": 2, "body": "Two"})
    assert stage.review(*places).status_code == 200
    stage.github.reply_to_comment(stage.pull.review_comments[0], "Fine.", "mira")
    first, second = threads(stage)["nodes"]
    assert (first["path"], first["line"], first["isOutdated"], first["viewerCanResolve"]) == ("a.py", 5, False, False)
    assert (second["startLine"], second["line"]) == (1, 2)
    authors = [c["author"] for c in first["comments"]["nodes"]]
    assert authors == [{"login": "cliffguard", "__typename": "Bot"}, {"login": "mira", "__typename": "User"}]


def test_threads_come_in_pages(stage: Stage) -> None:
    stage.review(*({"path": "a.py", "line": 5, "body": f"{n}"} for n in range(3)))
    first = threads(stage, first=2)
    assert (first["totalCount"], first["pageInfo"]["hasNextPage"]) == (3, True)
    rest = threads(stage, first=2, after=first["pageInfo"]["endCursor"])
    assert (len(rest["nodes"]), rest["pageInfo"]["hasNextPage"]) == (1, False)


def test_comments_are_minimised(stage: Stage) -> None:
    stage.review({"path": "a.py", "line": 5, "body": "One"})
    node = threads(stage)["nodes"][0]["comments"]["nodes"][0]["id"]
    done = ask(stage, MINIMIZE, id=node)["data"]["minimizeComment"]["minimizedComment"]
    assert done == {"isMinimized": True, "minimizedReason": "outdated"}
    assert threads(stage)["nodes"][0]["comments"]["nodes"][0]["isMinimized"] is True
    with stage.client(pull_requests="read") as reader:
        assert ask(stage, MINIMIZE, reader, id=node)["errors"][0]["type"] == "FORBIDDEN"


def test_comments_are_written_anew_by_who_wrote_them(stage: Stage) -> None:
    stage.review({"path": "a.py", "line": 5, "body": "One"})
    theirs = stage.github.reply_to_comment(stage.pull.review_comments[0], "Fine.", "mira")
    ours = f"PRRC_{stage.pull.review_comments[0].id}"
    ask(stage, UPDATE, id=ours, body="Two")
    assert stage.pull.review_comments[0].body == "Two"
    assert ask(stage, UPDATE, id=f"PRRC_{theirs.id}", body="Mine")["errors"][0]["type"] == "FORBIDDEN"
    assert "errors" in ask(stage, UPDATE, id=ours, body="x" * 65_537)
    with stage.client(pull_requests="read") as reader:
        assert ask(stage, UPDATE, reader, id=ours, body="Three")["errors"][0]["type"] == "FORBIDDEN"
    assert stage.pull.review_comments[0].body == "Two"


def test_resolving_needs_the_right_to_write_contents(stage: Stage) -> None:
    stage.review({"path": "a.py", "line": 5, "body": "One"})
    thread = threads(stage)["nodes"][0]["id"]
    refused = ask(stage, RESOLVE, id=thread)
    assert refused["errors"][0]["type"] == "FORBIDDEN"
    assert refused["errors"][0]["message"] == "Resource not accessible by integration"
    with stage.client(pull_requests="write", contents="write") as writer:
        assert ask(stage, RESOLVE, writer, id=thread)["data"]["resolveReviewThread"]["thread"]["isResolved"] is True
    assert threads(stage)["nodes"][0]["isResolved"] is True


def test_what_is_unknown_is_not_found(stage: Stage) -> None:
    assert ask(stage, MINIMIZE, id="PRRC_1")["errors"][0]["type"] == "NOT_FOUND"
    assert ask(stage, THREADS, owner="acme", name="none", number=1)["errors"][0]["type"] == "NOT_FOUND"
    assert ask(stage, THREADS, owner="acme", name="shop", number=9)["errors"][0]["type"] == "NOT_FOUND"
    assert "Cannot query field" in ask(stage, "{ nonsense }")["errors"][0]["message"]
    boundless = THREADS.replace("(first: 10)", "")
    stage.review({"path": "a.py", "line": 5, "body": "One"})
    error = ask(stage, boundless, owner="acme", name="shop", number=1)["errors"][0]
    assert (error["type"], error["path"][-1]) == ("MISSING_PAGINATION_BOUNDARIES", "comments")
