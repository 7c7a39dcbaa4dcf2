"""A repository's default branch, read by one GraphQL query: its head, and which of its commits have our check run. Pure."""

from __future__ import annotations

from typing import Any

import msgspec

from bot.answers import SECONDARY_WAIT, Answer, RateLimited, decoded

HISTORY = 50  # commits that are looked at

_QUERY = """query($owner: String!, $name: String!, $history: Int!, $app: Int!, $check: String!) {
  repository(owner: $owner, name: $name) { defaultBranchRef { name target { oid ... on Commit {
    history(first: $history) { nodes { oid checkSuites(first: 1, filterBy: {appId: $app, checkName: $check}) { totalCount } } }
  } } } } }"""


class DefaultBranch(msgspec.Struct, frozen=True):
    """`head` is a commit id; `told`: the commits of its latest history that have the check run asked for."""

    name: str
    head: str
    told: tuple[str, ...] = ()


class _Suites(msgspec.Struct, frozen=True, rename="camel"):
    total_count: int = 0


class _Commit(msgspec.Struct, frozen=True, rename="camel"):
    oid: str
    check_suites: _Suites | None = None


class _History(msgspec.Struct, frozen=True):
    nodes: list[_Commit] = []


class _Target(msgspec.Struct, frozen=True):
    oid: str
    history: _History = _History()


class _Ref(msgspec.Struct, frozen=True):
    name: str
    target: _Target | None = None


class _Repository(msgspec.Struct, frozen=True, rename="camel"):
    default_branch_ref: _Ref | None = None


class _Data(msgspec.Struct, frozen=True):
    repository: _Repository | None = None


class _Error(msgspec.Struct, frozen=True):
    type: str = ""


class _Answered(msgspec.Struct, frozen=True):
    data: _Data | None = None
    errors: list[_Error] = []


def question(owner: str, repository: str, app: int, check: str) -> dict[str, Any]:
    """The request."""
    variables = {"owner": owner, "name": repository, "history": HISTORY, "app": app, "check": check}
    return {"query": _QUERY, "variables": variables}


def default_branch(answer: Answer) -> DefaultBranch | None:
    """What GitHub says of it; None where the repository has no commit, or is not shown. Raises `RateLimited` and `Later`."""
    answered = decoded(answer, _Answered)
    if any(error.type == "RATE_LIMITED" for error in answered.errors):
        raise RateLimited("GitHub's rate limit for GraphQL", SECONDARY_WAIT)
    repository = answered.data.repository if answered.data else None
    ref = repository.default_branch_ref if repository else None
    if ref is None or ref.target is None:
        return None
    told = [one.oid for one in ref.target.history.nodes if one.check_suites and one.check_suites.total_count]
    return DefaultBranch(ref.name, ref.target.oid, tuple(told))
