"""The use case: one job from the queue to what GitHub shows.

    first     the check run, in progress: from here on every way out completes it, or leaves it saying what it waits for
    fetch     the merge base, both revisions, every blob an analysis reads
    analyse   what is new, fixed, kept
    confirm   nothing newer was pushed, the pull request is open, the base has not moved
    listen    what our comments told before, and what people accepted
    place     the line of the diff, or the other spot, that tells each finding
    publish   comments, then the completed check run

Up to 25 findings cost seven requests: two tokens, the check run's creation and completion, the comparison, the pull request and
the review; and one more each where there are comments on the diff, or in the conversation, and for each comment on a whole
file. What is fixed costs one for all comments together, so that a push that fixes everything costs eight.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

import msgspec
import structlog

import analyzers
from analyzers import Review
from bot import closing, commands, limits, publish, readiness
from bot.answers import Check, PullRequest, RateLimited
from bot.context import Context, context_of, needed, repository_settings
from bot.conversation import Acceptance, Conversation
from bot.errors import Broken, Gone, Later
from bot.github import GitHub
from bot.guarded import GuardedReader
from bot.jobs import Job, Work
from bot.ledger import Ledger, demoted
from bot.mirror import Mirror, NoCommit, Snapshot
from bot.objects import GitError
from bot.observe import count_findings, step
from bot.policy import Conclusion, Gate, Outcome, conclude, incomplete
from bot.settings import Settings

log = structlog.get_logger()

ANALYSES = 3  # of one job, each after the base has moved to another merge base
TRIES_TTL = 14 * 86400
FIRST_BACKOFF, MAX_BACKOFF = 5.0, 600.0  # seconds before another try; doubled each time
SUPERSEDED = "a newer event of the pull request came first"


class Lease(Protocol):
    """The right to publish; `check` raises `Later` once it is lost."""

    def check(self) -> None: ...


class Coordination(Protocol):
    """What the runs of several processes agree on. `bot.queue.Queue` is it."""

    @property
    def connection(self) -> Any: ...

    def current(self, job: Job) -> bool: ...

    def lease(self, subject: str) -> AbstractContextManager[Lease]: ...

    def submit(self, job: Job) -> object: ...


@dataclass(frozen=True)
class Result:
    """How a job ended: the check run's conclusion, what was posted, and what it cost in requests to GitHub."""

    conclusion: str
    posted: int = 0
    present: int = 0
    calls: int = 0


def run(job: Job, settings: Settings, queue: Coordination, context: Context | None = None) -> Result:
    """Does the job. Raises `Gone` when nothing is left to do, `Later` to be called again, `Broken` when it cannot be done;
    the check run already says so."""
    context = context or context_of(settings)
    with _at_work(job, queue, context) as (lease, github):
        if job.work is Work.CANCEL:
            closing.close(job, github, queue.connection)
            return Result("neutral", calls=github.calls)
        tries = _count_try(job, queue)
        try:
            if job.work is Work.COMMAND:
                commands.perform(job, github, queue, retried=tries > 1)
                return Result("neutral", calls=github.calls)
            if job.work is Work.READINESS:
                readiness.report(job, context, github, queue.connection, retried=tries > 1)
                return Result("neutral", calls=github.calls)
            result = _Run(job, context, queue, lease, github, retried=tries > 1).run()
            readiness.ask(job, queue)
            return result
        except Later as later:
            later.after = max(later.after, min(MAX_BACKOFF, FIRST_BACKOFF * 2 ** (tries - 1)))
            raise


@contextmanager
def _at_work(job: Job, queue: Coordination, context: Context) -> Iterator[tuple[Lease, GitHub]]:
    """Alone on its pull request, within the limits of its installation."""
    limits.check(queue.connection, job)
    with (
        queue.lease(job.subject) as lease,
        context.github(job, queue.connection) as github,
        limits.heeded(queue.connection, job.installation, github),
    ):
        yield lease, github


def _count_try(job: Job, queue: Coordination) -> int:
    """1 only where no process has begun this job before: then there is surely no check run of it."""
    key = f"cliffguard:tries:{job.id}"
    tries = int(queue.connection.incr(key))
    queue.connection.expire(key, TRIES_TTL)
    return min(tries, 16)


def give_up(job: Job, reason: str, settings: Settings, queue: Coordination, context: Context | None = None) -> None:
    """Completes the check run of a job that is not tried again, if it is still open. `reason` is one sentence or a clause."""
    context = context or context_of(settings)
    if job.work in (Work.CANCEL, Work.COMMAND, Work.READINESS):
        return
    with _at_work(job, queue, context) as (_, github):
        check = publish.start(github, job.head, job.id, retried=True)
        if check.status != "completed":
            conclusion = incomplete(_sentence(reason), settings.on_error)
            publish.complete(github, check, conclusion, _explained(reason, conclusion))


@dataclass(frozen=True)
class _Judgement:
    """An analysis, and the settings it was made with."""

    analysis: analyzers.Analysis
    settings: analyzers.Settings


@dataclass
class _Run:
    """One try of a job."""

    job: Job
    context: Context
    queue: Coordination
    lease: Lease
    github: GitHub
    retried: bool

    def run(self) -> Result:
        if not self.queue.current(self.job):
            if self.retried and (left := self.github.find_check(self.job.head, self.job.id)):
                self._complete(left, SUPERSEDED)
            raise Gone(SUPERSEDED)
        with step("check"):
            check = publish.start(self.github, self.job.head, self.job.id, retried=self.retried)
        try:
            return self._reviewed(check)
        except Gone as gone:
            self._complete(check, gone.reason)
            raise
        except Broken as broken:
            self._complete(check, broken.reason, self.context.settings.on_error)
            raise
        except RateLimited:
            raise  # without one more request
        except Later as later:
            self._wait(check, later.reason)
            raise
        except Exception as error:
            self._wait(check, f"the review failed ({type(error).__name__})")
            raise

    def _reviewed(self, check: Check) -> Result:
        pull = self._pull()
        if self.job.draft or (pull is not None and pull.draft):
            conclusion = Conclusion("neutral", "Draft: not reviewed yet", "It is reviewed when it is marked ready for review.")
            publish.complete(self.github, check, conclusion, conclusion.explanation)
            return Result(conclusion.conclusion, calls=self.github.calls)
        number = pull.number if pull else self.job.number
        tip = pull.base.sha if pull else self.job.base
        base = self._merge_base(tip)
        publisher = publish.Publisher(
            self.github,
            number,
            self.job.head,
            self.job.id,
            check,
            self.context.pause,
            self.context.settings.resolve_threads,
        )
        with self.context.mirror(self.job, self.github) as mirror:
            for _ in range(ANALYSES):
                with step("fetch"):
                    snapshot = self._fetched(mirror, base, number)
                try:
                    judgement = self._judged(snapshot)
                    with step("confirm"):
                        pull = self._confirm(number)
                    now = pull.base.sha if pull else tip
                    if now == tip or (moved := self._merge_base(now)) == base:
                        conversation = self._conversation(publisher, pull)
                        publication = self._placed(judgement, conversation, snapshot.diff, number)
                        break
                except GitError as damaged:
                    mirror.renew()
                    raise Later(f"the mirror of the repository was damaged ({damaged})", 1.0) from damaged
                finally:
                    snapshot.blobs.close()
                tip, base = now, moved
            else:
                raise Later("the base of the pull request keeps moving", 30.0)
        with step("publish"):
            self.lease.check()
            done = publisher.publish(publication, conversation)
        review = judgement.analysis.review
        count_findings(_by_rule(review))
        return Result(publication.conclusion.conclusion, done.posted, done.present, self.github.calls)

    # steps

    def _pull(self) -> PullRequest | None:
        """The pull request, where the job does not say all we need of it. None for a merge group."""
        job = self.job
        if job.work is Work.MERGE_GROUP or (job.number and job.base):
            return None
        with step("pull"):
            pull = self.github.pull(job.number) if job.number else self.github.find_pull(job.head)
        if pull is None:
            raise Gone("no open pull request has this commit as its head")
        self._current(pull)
        return pull

    def _merge_base(self, base: str) -> str:
        """Where the change starts. A merge group starts at the commit it is built on, which its event names."""
        if self.job.work is Work.MERGE_GROUP:
            return base
        with step("compare"):
            found = self.github.compare(base, self.job.head).merge_base_commit
        if found is None:
            raise Broken("Base and head have no common history, so there is nothing to compare.")
        return found.sha

    def _fetched(self, mirror: Mirror, base: str, number: int) -> Snapshot:
        try:
            return mirror.update(base, self.job.head, number, needed)
        except NoCommit as absent:
            if not self.queue.current(self.job):
                raise Gone(SUPERSEDED) from absent
            raise

    def _judged(self, snapshot: Snapshot) -> _Judgement:
        """The analysis, by the settings of the base."""
        defaults = self.context.defaults(self.job, self.queue.connection)
        settings, problems = repository_settings(snapshot, defaults)
        guard = GuardedReader() if self.retried else nullcontext()
        with step("analyse"), guard as reader:
            analysis = self.context.compare(
                snapshot.base,
                snapshot.head,
                snapshot.blobs,
                store=self.context.facts,
                settings=settings,
                linter=self.context.linter,
                reader=reader,
            )
        analysis.review = msgspec.structs.replace(analysis.review, problems=(*analysis.review.problems, *problems))
        return _Judgement(analysis, settings)

    def _conversation(self, publisher: publish.Publisher, pull: PullRequest | None) -> Conversation:
        """What was said on the pull request, where anything was."""
        if pull is None:
            return Conversation()
        with step("listen"):
            return publisher.conversation(comments=bool(pull.review_comments), talk=bool(pull.comments))

    def _placed(self, judgement: _Judgement, conversation: Conversation, diff: str, number: int) -> publish.Publication:
        """Where each finding is told that nobody has accepted."""
        analysis, settings = judgement.analysis, judgement.settings
        gate = Gate(self.context.settings.fail_on, settings, self.context.settings.on_error)
        notes = [_unused(one) for one in conversation.unused(analysis.review)]
        with step("place"):
            applied, told = conversation.applied(analysis.review), conversation.summary.fingerprints
            ledger = Ledger(self.queue.connection, self.job.repository_id)
            ledger.accept(number, applied, told)
            analysis.review = demoted(applied, settings, told, ledger.demoted(self.context.settings.trust_floor))
            return publish.publication(
                analysis,
                diff,
                conclude(analysis.review, gate),
                gate=gate,
                link=self.context.link(self.job, self.job.head),
                limits=settings.comments,
                told=conversation.summary,
                notes=notes,
            )

    def _confirm(self, number: int) -> PullRequest | None:
        """Raises unless this head is still the one to review. The pull request, whose base may have moved on; None for a merge
        group."""
        if not self.queue.current(self.job):
            raise Gone(SUPERSEDED)
        if self.job.work is Work.MERGE_GROUP:
            return None
        pull = self.github.pull(number)
        self._current(pull)
        return pull

    def _current(self, pull: PullRequest) -> None:
        """GitHub's API may lag behind its webhooks: an older head than ours means later, a newer one that ours is history.

        The times of the event and of the answer decide where they differ, else the history, where it was not rewritten.
        """
        if pull.state != "open":
            raise Gone("the pull request is closed")
        if pull.head.sha == self.job.head:
            return
        newer = _after(pull.updated_at, self.job.updated)
        if newer is None:
            status = self.github.compare(self.job.head, pull.head.sha).status
            newer = status == "ahead" or (status == "diverged" and not self.job.updated)
        if newer:
            raise Gone(SUPERSEDED)
        raise Later("GitHub does not show this push yet")

    # ways out

    def _complete(self, check: Check, reason: str, own: Outcome = "neutral") -> None:
        """Without hiding why: if this fails for good, the job's own error counts. Raises `Later` where another try can do it:
        nobody else would conclude a check run of a head that is no longer the newest."""
        if check.status == "completed":
            return
        try:
            conclusion = incomplete(_sentence(reason), own)
            publish.complete(self.github, check, conclusion, _explained(reason, conclusion))
        except Later:
            raise
        except Exception as error:
            log.warning("the check run could not be completed", error=str(error), reason=reason)

    def _wait(self, check: Check, reason: str) -> None:
        with suppress(Exception):
            publish.wait(self.github, check, reason)


def _unused(acceptance: Acceptance) -> str:
    return f"`{acceptance.finding}`, accepted by {acceptance.by}, matches no finding; delete the comment, or check the name."


def _by_rule(review: Review) -> dict[str, int]:
    counts: dict[str, int] = {}
    for finding in review.new:
        counts[finding.rule] = counts.get(finding.rule, 0) + 1
    return counts


def _after(one: str, other: str) -> bool | None:
    """Whether one time (ISO 8601) is after the other; None where they are equal or not known."""
    try:
        times = datetime.fromisoformat(one), datetime.fromisoformat(other)
        return None if times[0] == times[1] else times[0] > times[1]
    except (ValueError, TypeError):
        return None


def _sentence(reason: str) -> str:
    text = reason.strip()
    return text[:1].upper() + text[1:] + ("" if text.endswith((".", "!", "?")) else ".")


def _explained(reason: str, conclusion: Conclusion) -> str:
    told = (
        "neither a pass nor a failure"
        if conclusion.conclusion == "neutral"
        else "and counts as failed, as this service is set up"
    )
    return f"{_sentence(reason)}\n\nThis commit was not reviewed: {told}. “Re-run” asks for another try."
