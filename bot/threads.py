"""Review threads, read by one GraphQL query: which of them people resolved. Pure."""

from __future__ import annotations

from typing import Any

import msgspec

from bot.answers import Answer

_QUERY = """query($owner: String!, $name: String!, $number: Int!) {
  repository(owner: $owner, name: $name) { pullRequest(number: $number) {
    reviewThreads(first: 100) { nodes { isResolved resolvedBy { login } comments(first: 1) { nodes { databaseId } } } } } } }"""


class _Comment(msgspec.Struct, frozen=True, rename="camel"):
    database_id: int | None = None


class _Comments(msgspec.Struct, frozen=True):
    nodes: list[_Comment] = []


class _Thread(msgspec.Struct, frozen=True, rename="camel"):
    is_resolved: bool = False
    resolved_by: dict[str, Any] | None = None  # a person; nothing where an App did it
    comments: _Comments = _Comments()


class _Threads(msgspec.Struct, frozen=True):
    nodes: list[_Thread] = []


class _Pull(msgspec.Struct, frozen=True, rename="camel"):
    review_threads: _Threads = _Threads()


class _Repository(msgspec.Struct, frozen=True, rename="camel"):
    pull_request: _Pull | None = None


class _Data(msgspec.Struct, frozen=True):
    repository: _Repository | None = None


class _Answered(msgspec.Struct, frozen=True):
    data: _Data | None = None


def threads(owner: str, repository: str, number: int) -> dict[str, Any]:
    """The request."""
    return {"query": _QUERY, "variables": {"owner": owner, "name": repository, "number": number}}


def resolved_by_people(answer: Answer) -> frozenset[int]:
    """The first comments of the threads that a person resolved, by their ids."""
    try:
        data = msgspec.json.decode(answer.body, type=_Answered).data
    except (msgspec.DecodeError, msgspec.ValidationError):
        return frozenset()
    pull = data.repository.pull_request if data and data.repository else None
    found = [one for one in (pull.review_threads.nodes if pull else ()) if one.is_resolved and one.resolved_by]
    return frozenset(comment.database_id for one in found for comment in one.comments.nodes if comment.database_id)
