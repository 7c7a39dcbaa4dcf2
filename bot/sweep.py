"""The sweep: what got lost is found again, some minutes later.

    deliveries      events that GitHub could not deliver are delivered once more; GitHub itself never does
    pull requests   open ones whose head has no completed check run of ours are queued
    check runs      of jobs that are no more are concluded, and their heads queued again
    configuration   the default of each organisation is read for the reviews until the next sweep

A sweep looks at some hundred repositories and goes on there the next time, so that it costs an installation little of what
GitHub allows it an hour. It raises what `Installations` raises; whatever it had queued by then is queued.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol

import structlog

from bot import organisation, publish
from bot.answers import Check, PullRequest
from bot.errors import Broken, Gone
from bot.github import GitHub
from bot.installations import Delivery, Installation, Installations, Repository
from bot.jobs import Job, Work
from bot.policy import incomplete
from bot.tenancy import EVENTS as TENANCY
from bot.webhook import EVENTS

REPOSITORIES = 200  # looked at in one sweep
REDELIVERIES = 100  # asked for in one sweep
KEPT = timedelta(days=3)  # how long GitHub keeps a delivery
EVERY = 900  # seconds between two sweeps
NEXT = "cliffguard:sweep:next"  # the repository to begin with

log = structlog.get_logger()


class Queue(Protocol):
    """`bot.queue.Queue` is it."""

    @property
    def connection(self) -> Any: ...

    def submit(self, job: Job) -> object: ...

    def has_seen(self, delivery: str) -> bool: ...

    def is_alive(self, id: str) -> bool: ...


@dataclass(frozen=True)
class Ages:
    """What is younger than `fresh` is under way. A check run that is open for longer than `stuck` belongs to nobody, unless its
    job is alive."""

    fresh: timedelta = timedelta(minutes=5)
    stuck: timedelta = timedelta(minutes=20)

    @classmethod
    def of(cls, every: int) -> Ages:
        """Shorter where somebody sweeps more often than usual: so often can what was lost be found again."""
        share = min(1.0, every / EVERY)
        return cls(cls.fresh * share, cls.stuck * share)


@dataclass(frozen=True)
class Swept:
    """What a sweep found."""

    redelivered: int = 0
    queued: int = 0
    concluded: int = 0
    repositories: int = 0


def sweep(github: Installations, queue: Queue, writer: Writer, now: datetime | None = None, *, every: int = EVERY) -> Swept:
    """One sweep of those that come `every` so many seconds. `writer` opens a repository for the conclusion of a check run."""
    now, ages = now or datetime.now(UTC), Ages.of(every)
    redelivered = 0
    for delivery in lost(github.deliveries(), queue, now, ages.fresh):
        github.redeliver(delivery)
        redelivered += 1
        if redelivered == REDELIVERIES:
            break
    everywhere = [(one, repository) for one in github.all() for repository in github.repositories(one)]
    _keep_defaults(github, queue, everywhere)
    queued = concluded = 0
    seen = 0
    for installation, repository in _turn(everywhere, queue):
        seen += 1
        try:
            more = list(_waiting(github, queue, writer, installation, repository, now, ages))
        except (Gone, Broken) as error:  # removed since, or not readable for us: not the others' loss
            log.info("a repository is left out of the sweep", repository=repository.name, reason=error.reason)
            continue
        queued += len(more)
        concluded += sum(done for _, done in more)
    swept = Swept(redelivered, queued, concluded, seen)
    log.info("swept", redelivered=redelivered, queued=queued, concluded=concluded, repositories=seen)
    return swept


class Writer(Protocol):
    """Opens the repository of a job, to write in it."""

    def __call__(self, job: Job) -> GitHub: ...


def lost(deliveries: Iterable[Delivery], queue: Queue, now: datetime, fresh: timedelta = Ages.fresh) -> Iterator[Delivery]:
    """The latest attempt of each event that never arrived; late answers to what did arrive do not count."""
    arrived: set[str] = set()
    failed: dict[str, Delivery] = {}
    for delivery in deliveries:
        at = _time(delivery.delivered_at, now)
        if at < now - KEPT:
            break
        if delivery.ok:
            arrived.add(delivery.guid)
        elif delivery.event in (*EVENTS, *TENANCY) and at < now - fresh:
            failed.setdefault(delivery.guid, delivery)
    return (one for guid, one in failed.items() if guid not in arrived and not queue.has_seen(guid))


def _keep_defaults(github: Installations, queue: Queue, everywhere: Sequence[tuple[Installation, Repository]]) -> None:
    """The default configuration of each organisation, for the reviews until the next sweep."""
    homes = {one.id: repository for one, repository in everywhere if repository.name == organisation.REPOSITORY}
    for installation in {one.id: one for one, _ in everywhere}.values():
        home = homes.get(installation.id)
        try:
            text = github.file(installation, home, organisation.PATH) if home else None
        except (Gone, Broken) as error:
            log.info("the default configuration is not read", installation=installation.id, reason=error.reason)
            continue
        organisation.keep(queue.connection, installation.id, text)


def _turn(everywhere: Sequence[tuple[Installation, Repository]], queue: Queue) -> Iterator[tuple[Installation, Repository]]:
    """The repositories whose turn it is, in the order of their ids, beginning after the last one looked at."""
    everywhere = sorted(everywhere, key=lambda pair: pair[1].id)
    last = int(queue.connection.get(NEXT) or 0)
    later = [pair for pair in everywhere if pair[1].id > last]
    due = [*later, *(pair for pair in everywhere if pair[1].id <= last)][:REPOSITORIES]
    for pair in due:
        yield pair
        queue.connection.set(NEXT, pair[1].id)


def _waiting(
    github: Installations,
    queue: Queue,
    writer: Writer,
    installation: Installation,
    repository: Repository,
    now: datetime,
    ages: Ages,
) -> Iterator[tuple[Job, bool]]:
    """What was queued for a repository, and whether a check run had to be concluded for it."""
    for pull in github.pulls(installation, repository):
        at = _time(pull.updated_at, now)
        if at < now - KEPT:
            return
        if at > now - ages.fresh:
            continue
        checks = github.checks(installation, repository, pull.head.sha)
        if any(check.status == "completed" for check in checks):
            continue
        stuck = [check for check in checks if not queue.is_alive(check.external_id or "")]
        if checks and (len(stuck) < len(checks) or any(_time(check.started_at, now) > now - ages.stuck for check in stuck)):
            continue
        job = _job(installation, repository, pull, stuck)
        for check in stuck:
            _conclude(writer, job, check)
        queue.submit(job)
        yield job, bool(stuck)


def _job(installation: Installation, repository: Repository, pull: PullRequest, stuck: list[Check]) -> Job:
    return Job(
        Work.REVIEW,
        installation.id,
        repository.id,
        repository.owner.login,
        repository.name,
        pull.number,
        pull.head.sha,
        pull.base.sha,
        pull.draft,
        reason="sweep",
        attempt=f"sweep {max(check.id for check in stuck)}" if stuck else "",
        updated=pull.updated_at,
    )


def _conclude(writer: Writer, job: Job, check: Check) -> None:
    reason = "The review of this commit was lost. It is done anew."
    with writer(job) as github:
        publish.complete(github, check, incomplete(reason), reason)


def _time(text: str | None, default: datetime) -> datetime:
    try:
        return datetime.fromisoformat(text or "")
    except ValueError:
        return default
