"""Review threads, read by one GraphQL query: which of them people resolved, and what resolves others. Pure."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import msgspec

from bot.answers import Answer

_QUERY = """query($owner: String!, $name: String!, $number: Int!) {
  repository(owner: $owner, name: $name) { pullRequest(number: $number) {
    reviewThreads(first: 100) { nodes { id isResolved resolvedBy { login }
      comments(first: 1) { nodes { databaseId } } } } } } }"""


class _Comment(msgspec.Struct, frozen=True, rename="camel"):
    database_id: int | None = None


class _Comments(msgspec.Struct, frozen=True):
    nodes: list[_Comment] = []


class _Thread(msgspec.Struct, frozen=True, rename="camel"):
    id: str = ""
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
    found = [one for one in _read(answer) if one.is_resolved and one.resolved_by]
    return frozenset(comment for one in found for comment in _comments(one))


def resolution(answer: Answer, done: Collection[int], again: Collection[int]) -> dict[str, Any] | None:
    """The request that resolves the threads that begin with the comments `done`, and opens those of `again`, where they are not
    so already; None where there is nothing to do. What a person resolved stays so."""
    wanted = []
    for one in _read(answer):
        first = set(_comments(one))
        if one.id and not one.is_resolved and first & set(done):
            wanted.append(("resolveReviewThread", one.id))
        elif one.id and one.is_resolved and not one.resolved_by and first & set(again):
            wanted.append(("unresolveReviewThread", one.id))
    if not wanted:
        return None
    parameters = ", ".join(f"$t{at}: ID!" for at in range(len(wanted)))
    fields = " ".join(
        f"r{at}: {name}(input: {{threadId: $t{at}}}) {{ clientMutationId }}" for at, (name, _) in enumerate(wanted)
    )
    return {"query": f"mutation({parameters}) {{ {fields} }}", "variables": {f"t{at}": id for at, (_, id) in enumerate(wanted)}}


def _read(answer: Answer) -> list[_Thread]:
    try:
        data = msgspec.json.decode(answer.body, type=_Answered).data
    except (msgspec.DecodeError, msgspec.ValidationError):
        return []
    pull = data.repository.pull_request if data and data.repository else None
    return pull.review_threads.nodes if pull else []


def _comments(thread: _Thread) -> list[int]:
    return [comment.database_id for comment in thread.comments.nodes if comment.database_id]
