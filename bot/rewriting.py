"""Our comments written anew, many at once: one GraphQL mutation with a field for each, and what of it GitHub did not do. Pure.

GitHub does the fields of a mutation in their order, and each for itself: one that fails leaves the others done.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import msgspec

from bot.answers import SECONDARY_WAIT, Answer, RateLimited

BATCH = 30  # comments of one mutation: GitHub ends a request after ten seconds


class Rewrite(msgspec.Struct, frozen=True):
    """A comment on the diff that is to read `body`; `hidden`: to be minimised (true), shown again (false), or left as it is."""

    id: int
    node: str
    body: str
    hidden: bool | None = None


class _Error(msgspec.Struct, frozen=True):
    message: str = ""
    type: str = ""


class _Answered(msgspec.Struct, frozen=True):
    data: dict[str, Any] | None = None
    errors: list[_Error] = []


def mutation(rewrites: Sequence[Rewrite]) -> dict[str, Any]:
    """The request. What hides a comment precedes what writes it: whoever finds it unwritten does both again."""
    variables: dict[str, str] = {}
    parameters, fields = [], []
    for at, rewrite in enumerate(rewrites):
        parameters.append(f"$n{at}: ID!, $b{at}: String!")
        variables |= {f"n{at}": rewrite.node, f"b{at}": rewrite.body}
        if rewrite.hidden is not None:
            field, how = ("minimizeComment", ", classifier: RESOLVED") if rewrite.hidden else ("unminimizeComment", "")
            fields.append(_field(f"m{at}: {field}", f"subjectId: $n{at}{how}"))
        fields.append(_field(f"w{at}: updatePullRequestReviewComment", f"pullRequestReviewCommentId: $n{at}, body: $b{at}"))
    return {"query": f"mutation({', '.join(parameters)}) {{ {' '.join(fields)} }}", "variables": variables}


def _field(name: str, given: str) -> str:
    return f"{name}(input: {{{given}}}) {{ clientMutationId }}"


def batches(rewrites: Sequence[Rewrite]) -> Iterator[Sequence[Rewrite]]:
    """What one mutation may carry, of those that GraphQL can name."""
    named = [rewrite for rewrite in rewrites if rewrite.node]
    return (named[at : at + BATCH] for at in range(0, len(named), BATCH))


def written(answer: Answer, rewrites: Sequence[Rewrite]) -> set[int]:
    """The comments that read now as they are to read, by their ids. Raises `RateLimited` where GitHub asks for time."""
    try:
        answered = msgspec.json.decode(answer.body, type=_Answered)
    except (msgspec.DecodeError, msgspec.ValidationError):
        return set()
    if any(error.type == "RATE_LIMITED" for error in answered.errors):
        raise RateLimited("GitHub's rate limit for GraphQL", SECONDARY_WAIT, told=False)
    data = answered.data or {}
    return {rewrite.id for at, rewrite in enumerate(rewrites) if data.get(f"w{at}") is not None}
