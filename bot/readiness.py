"""What a repository hears of its default branch, once: a neutral check run with its old findings and its readiness.

The first review of a repository asks for it, as a job of its own that comes after. That it was told is kept in Valkey; where
that was lost, the check run itself is found in the latest history of the branch. "Re-run" beside it makes another, of the head
of the day. Whatever fails here costs no review anything.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import nullcontext
from typing import Any, Protocol

import msgspec
import structlog
from redis.exceptions import RedisError

import analyzers
from bot.answers import Unsure
from bot.branches import DefaultBranch
from bot.context import Context, needed, repository_settings
from bot.errors import Broken, Gone
from bot.github import GitHub
from bot.guarded import GuardedReader
from bot.jobs import READINESS, Job, Work
from bot.mirror import Snapshot
from bot.observe import step

PUT_OFF = 7 * 86400  # seconds for which a repository that cannot be analysed is not looked at again

log = structlog.get_logger()


class Reports(Protocol):
    """Where the report is asked for. `bot.queue.Queue` is it."""

    @property
    def connection(self) -> Any: ...

    def submit(self, job: Job) -> object: ...


def ask(job: Job, queue: Reports) -> None:
    """Queues the report of a repository that has none, after the review `job`. Never raises: the review is done."""
    if job.work is not Work.REVIEW:
        return
    wanted = Job(Work.READINESS, job.installation, job.repository_id, job.owner, job.repository, 0, "", reason="first review")
    try:
        if queue.connection.get(_key(job)) is None:
            queue.submit(wanted)
    except RedisError as error:
        log.warning("the report of the default branch was not asked for", error=str(error))


def report(job: Job, context: Context, github: GitHub, connection: Any, *, retried: bool) -> None:
    """Makes the report, unless there is one; one that a person asks for is made anew."""
    if not job.attempt and connection.get(_key(job)) is not None:
        raise Gone("the repository has its report")
    try:
        branch = github.default_branch(READINESS)
        if branch is None:
            raise Gone("the repository has no commit on its default branch")
        if not (_is_told(github, branch.head, job.id) if job.attempt else branch.told):
            _tell(job, context, github, connection, branch, retried=retried)
    except Broken as broken:
        connection.set(_key(job), broken.reason, ex=PUT_OFF)
        raise
    connection.set(_key(job), branch.head)


def _tell(job: Job, context: Context, github: GitHub, connection: Any, branch: DefaultBranch, *, retried: bool) -> None:
    with context.mirror(job, github) as mirror:
        with step("fetch"):
            snapshot = mirror.update(branch.head, branch.head, 0, needed)
        try:
            review = _audited(context, snapshot, context.defaults(job, connection), retried=retried)
        finally:
            snapshot.blobs.close()
    told = analyzers.overview(review, analyzers.RULES, context.link(job, branch.head), notes=[_explained(branch)])
    output = {"title": told.title, "summary": told.summary, **({"text": told.text} if told.text else {})}
    fields = {"status": "completed", "conclusion": "neutral", "output": output}
    with step("publish"):
        try:
            github.create_check(branch.head, job.id, fields, READINESS)
        except Unsure:
            if not _is_told(github, branch.head, job.id):
                raise


def _audited(context: Context, snapshot: Snapshot, defaults: Sequence[bytes], *, retried: bool) -> analyzers.Review:
    settings, problems = repository_settings(snapshot, defaults)
    guard = GuardedReader() if retried else nullcontext()
    with step("analyse"), guard as reader:
        analysis = context.audit(snapshot.head, snapshot.blobs, store=context.facts, settings=settings, reader=reader)
    return msgspec.structs.replace(analysis.review, problems=(*analysis.review.problems, *problems))


def _is_told(github: GitHub, head: str, id: str) -> bool:
    """Whether the check run of this job is there."""
    return any(run.external_id == id for run in github.checks(head, READINESS))


def _explained(branch: DefaultBranch) -> str:
    return (
        f"This is what {analyzers.code_span(branch.name)} has today. It is told once, after the first pull request that was "
        "reviewed here: nothing of it is a comment, and it fails no check. A pull request is judged by what it adds. "
        "“Re-run” counts again."
    )


def _key(job: Job) -> str:
    return f"cliffguard:readiness:{job.repository_id}"
