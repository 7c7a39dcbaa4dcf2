"""The queue of reviews: RQ on Valkey. The only module that imports rq.

What it promises, beyond what RQ does:

- `submit` is one round trip: one script looks at the delivery id, at the newest job of the pull request and at the job of the
  same id, and either queues the job or says why not. There is no moment at which a delivery counts as seen and its job is lost.
- A newer job of the same pull request supersedes an older one: one that waits is taken out, one that runs sees it in `current`
  and stops.
- Installations take turns, and repositories within one: a storm of pushes delays nobody else by more than its turns.
- A job whose process dies runs again: at once if the process that started it still lives, else when its heartbeat is
  `HEARTBEAT` seconds old. `tick`, called every second by each supervisor, does this and moves due retries to the queue.
- `lease` keeps two runs from publishing on one pull request at once.
- A job that fails for good stays in the dead letter registry for two weeks, and `tick` has its check run concluded.

Jobs are JSON, on both sides: with RQ's default (pickle) whoever can write to Valkey could run code in a worker. That default is
taken away altogether, so that a library which names no serializer reads JSON too.
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import math
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import UTC, datetime
from enum import StrEnum
from resource import struct_rusage
from typing import Any

import msgspec
import orjson
import redis
import redis.asyncio
import rq.serializers
from redis.exceptions import RedisError
from rq import Queue as RQQueue
from rq import Retry as RQRetry
from rq import Worker as RQWorker
from rq.executions import Execution
from rq.job import Job as RQJob
from rq.job import JobStatus
from rq.registry import FailedJobRegistry, FinishedJobRegistry, ScheduledJobRegistry, StartedJobRegistry

from bot import lease, limits
from bot.errors import Later
from bot.jobs import Job
from bot.processes import end_with_parent
from bot.queue_scripts import ADD, AGAIN, FEED, PROMOTE, RELEASE, SUBMIT, WAITING

rq.serializers.PickleSerializer = rq.serializers.JSONSerializer  # type: ignore[assignment]

NAME = "cliffguard"
PERFORM = "bot.worker.perform"
ABANDON = "bot.worker.abandon"
SWEEP = "bot.worker.sweep"
SWEPT = "cliffguard:sweep:last"
PREFIX = RQJob.redis_job_namespace_prefix

RETRIES = [5, 30, 120, 600]  # seconds: a restart, a hiccup, a deployment, an outage
HEARTBEAT = 30  # seconds without a sign of life after which a running job counts as abandoned
MONITORING = 5  # seconds between two signs of life
RESULT_TTL = 6 * 3600
FAILURE_TTL = 14 * 86400
CURRENT_TTL = 30 * 86400
DELIVERY_TTL = 4 * 86400  # GitHub can redeliver for three days
MAX_WAIT = 6 * 3600  # a job that still has to wait for GitHub after this is given up


class Outcome(StrEnum):
    """What became of a submitted job."""

    QUEUED = "queued"
    DUPLICATE = "duplicate"  # the same job waits, runs, or is done and nothing has changed since
    SEEN = "seen"  # this delivery was handled before
    STALE = "stale"  # a newer event of the pull request was handled before


class Submission(msgspec.Struct, frozen=True):
    """`outcome`, and `id` of the job that stands for it in the queue."""

    outcome: Outcome
    id: str


class Depth(msgspec.Struct, frozen=True):
    """How many jobs are in which state."""

    queued: int
    started: int
    scheduled: int
    failed: int


class DeadLetter(msgspec.Struct, frozen=True):
    """A job that failed for good, with the last line of its failure and the whole of it."""

    id: str
    job: Job | None
    failed: datetime | None
    reason: str
    traceback: str


class _Submission:
    """`SUBMIT` with what RQ stores of every job written into it, and its arguments: the four fields in which jobs differ."""

    def __init__(self, job_timeout: int) -> None:
        template = RQJob.create(
            PERFORM,
            args=(None,),
            connection=redis.Redis(),
            id="template",
            origin=NAME,
            timeout=job_timeout,
            result_ttl=RESULT_TTL,
            failure_ttl=FAILURE_TTL,
            serializer="json",
        )
        template.retries_left, template.retry_intervals = len(RETRIES), RETRIES
        own = {"data", "description", "created_at", "enqueued_at", "status"}
        fields = [(name, value) for name, value in template.to_dict().items() if name not in own and value not in ("", None)]
        fields.append(("status", "queued"))
        self.script = named(SUBMIT).replace("$common", ", ".join(f"{name!r}, {str(value)!r}" for name, value in fields))
        base = RQQueue(NAME, connection=redis.Redis(), serializer="json")
        self._keys = [base.finished_job_registry.key, base.failed_job_registry.key]

    def arguments(self, job: Job) -> tuple[list[str], list[Any]]:
        """The script's keys and arguments for one job."""
        now = _now()
        data = orjson.dumps((PERFORM, None, (msgspec.to_builtins(job),), {}))
        id, text = job.id, f"{job.work} {job.owner}/{job.repository}#{job.number} {job.head[:12]}"
        keys = [*self._keys, f"cliffguard:current:{job.subject}", f"cliffguard:delivery:{job.delivery}"]
        again = f"{id}-{hashlib.sha256(job.delivery.encode()).hexdigest()[:8]}"
        seen = DELIVERY_TTL if job.delivery else 0
        rerun = int(job.reason.endswith((".rerequested", ".requested_action")))
        whose = [job.installation, job.repository_id]
        return keys, [*whose, id, again, job.head, job.updated, CURRENT_TTL, seen, data, text, now, rerun]


class Receiver:
    """`submit` for the event loop of the webhook service."""

    def __init__(self, connection: redis.asyncio.Redis, job_timeout: int = 300) -> None:
        self.connection = connection
        submission = _Submission(job_timeout)
        self._arguments, self._submit = submission.arguments, connection.register_script(submission.script)

    async def submit(self, job: Job) -> Submission:
        """As `Queue.submit`. Raises `RedisError` if Valkey does not answer: then nothing counts as seen."""
        keys, arguments = self._arguments(job)
        return _submission(await self._submit(keys=keys, args=arguments))


def _submission(answer: list[bytes]) -> Submission:
    return Submission(Outcome(answer[0].decode()), answer[1].decode())


class Queue:
    """The queue as workers, supervisors and commands see it. Safe to share between threads."""

    def __init__(self, connection: redis.Redis, job_timeout: int = 300) -> None:
        self.connection = connection
        self._rq = RQQueue(NAME, connection=connection, serializer="json", default_timeout=job_timeout)
        submission = _Submission(job_timeout)
        self._arguments, self._submit = submission.arguments, connection.register_script(submission.script)
        self._add, self._again, self._feed, self._promote, self._waiting, self._release = (
            connection.register_script(named(script)) for script in (ADD, AGAIN, FEED, PROMOTE, WAITING, RELEASE)
        )
        self._started = StartedJobRegistry(queue=self._rq)
        self._scheduled = ScheduledJobRegistry(queue=self._rq)  # type: ignore[no-untyped-call]
        self._failed = FailedJobRegistry(queue=self._rq)
        self._finished = FinishedJobRegistry(queue=self._rq)

    def submit(self, job: Job) -> Submission:
        """Queues `job`, unless it or its delivery is known, or the pull request has moved on. One atomic round trip."""
        keys, arguments = self._arguments(job)
        return _submission(self._submit(keys=keys, args=arguments))

    def has_seen(self, delivery: str) -> bool:
        """Whether a delivery of this id was accepted."""
        return bool(self.connection.exists(f"cliffguard:delivery:{delivery}"))

    def is_alive(self, id: str) -> bool:
        """Whether the job of this id waits, runs or will run again."""
        status = self.connection.hget(PREFIX + id, "status")
        return status is not None and _text(status) in ("queued", "scheduled", "deferred", "started")

    def sweep(self, every: int, at_once: bool = False) -> None:
        """Queues a sweep, if none was in so many seconds, whoever asks; `at_once`, if none was in the last minute.

        It takes its turn like an installation, and there is one at a time: one that takes long must not keep others waiting.
        """
        if at_once and int(self.connection.ttl(SWEPT)) < every - 60:
            self.connection.delete(SWEPT)
        if self.connection.set(SWEPT, 1, nx=True, ex=every):
            self._add_job("sweep", SWEEP, (), 0, 0)

    def current(self, job: Job) -> bool:
        """Whether nothing newer was asked for on the pull request of `job`."""
        newest = self.connection.hget(f"cliffguard:current:{job.subject}", "id")
        return newest is None or _text(newest) == job.id

    def lease(self, subject: str, seconds: float = lease.SECONDS) -> AbstractContextManager[lease.Lease]:
        """The lease on `subject`, as `bot.lease.lease`."""
        return lease.lease(self.connection, subject, seconds)

    def depth(self) -> Depth:
        """How many jobs are in which state, in one round trip."""
        with self.connection.pipeline(transaction=False) as pipeline:
            self._waiting(client=pipeline)
            for registry in (self._started, self._scheduled, self._failed):
                pipeline.zcard(registry.key)
            (queued, _), *others = pipeline.execute()
            return Depth(queued, *others)

    def register(self) -> None:
        """Makes the queue known to those who list all queues."""
        self.connection.sadd(RQQueue.redis_queues_keys, self._rq.key)

    def dead_letters(self, limit: int = 100) -> list[DeadLetter]:
        """The jobs that failed for good, the latest first."""
        ids = [_text(entry) for entry in self.connection.zrange(self._failed.key, 0, limit - 1, desc=True)]
        return self._letters(ids)

    def _letters(self, ids: list[str]) -> list[DeadLetter]:
        found = RQJob.fetch_many(ids, connection=self.connection, serializer="json")
        return [_dead_letter(job) for job in found if job is not None]

    def requeue(self, id: str) -> bool:
        """Gives a dead letter its tries again. False if there is none of this id."""
        return bool(self._again(keys=[self._failed.key], args=[id, _now(), len(RETRIES)]))

    def forget(self) -> None:
        """Removes every job, delivery and lease, and keeps what was measured."""
        kinds = ("current:*", "delivery:*", "lease:*", "tries:*", "turns*", "readiness:*")
        for pattern in ("rq:*", *(f"cliffguard:{kind}" for kind in kinds)):
            for key in self.connection.scan_iter(pattern, count=1000):
                self.connection.unlink(key)

    def tick(self) -> None:
        """What has to happen every second, at any number of places: due retries, abandoned jobs, dead letters."""
        self._promote(keys=[self._scheduled.key], args=[math.floor(time.time()), _now()])
        self._started.cleanup()
        self._tell()

    def _tell(self) -> None:
        """Queues the conclusion of what failed for good, once each, so that no check run stays open."""
        ids = [_text(entry) for entry in self.connection.zrange(self._failed.key, 0, 99, desc=True)]
        with self.connection.pipeline(transaction=False) as pipeline:
            for id in ids:
                pipeline.hexists(PREFIX + id, "told")
            told = pipeline.execute()
        for letter in self._letters([id for id, done in zip(ids, told, strict=True) if not done]):
            if letter.job is not None:
                self._abandon(letter, letter.job)
            self.connection.hset(PREFIX + letter.id, "told", "1")

    def _abandon(self, letter: DeadLetter, job: Job) -> None:
        stamp = f"{letter.failed:%Y%m%d%H%M%S%f}" if letter.failed else "0"
        payload = msgspec.to_builtins(job), letter.reason  # once, whichever supervisor is quicker
        self._add_job(f"{letter.id}-abandon-{stamp}", ABANDON, payload, job.installation, job.repository_id)

    def _add_job(self, id: str, function: str, arguments: tuple[Any, ...], installation: int, repository: int) -> None:
        """Queues a job that is no `Job`, unless the one of this id waits or runs."""
        made = RQJob.create(
            function,
            args=arguments,
            connection=self.connection,
            id=id,
            origin=NAME,
            timeout=self._rq._default_timeout,
            result_ttl=RESULT_TTL,
            failure_ttl=FAILURE_TTL,
            description=id,
            status=JobStatus.QUEUED,
            serializer="json",
        )
        made.retries_left, made.retry_intervals = len(RETRIES), RETRIES
        fields = {**made.to_dict(), "enqueued_at": _now()}
        parts = [part for field in fields.items() for part in field]
        self._add(keys=[self._finished.key, self._failed.key], args=[installation, repository, id, *parts])

    def recover(self, worker: str) -> int:
        """Ends what the dead worker of this name had started, so that it runs again. Returns how many jobs that were."""
        with contextlib.suppress(RedisError):
            self.connection.delete(f"{RQWorker.redis_worker_namespace_prefix}{worker}")
        found = 0
        for entry in map(_text, self.connection.zrange(self._started.key, 0, -1)):
            execution = Execution.from_composite_key(entry, connection=self.connection)
            with contextlib.suppress(ValueError):
                execution.refresh()  # type: ignore[no-untyped-call]
                if execution.worker_name == worker:
                    self.connection.zadd(self._started.key, {entry: 1}, xx=True)
                    self._release_of(execution.job_id)
                    found += 1
        if found:
            self._started.cleanup()
        return found

    def _release_of(self, id: str) -> None:
        """Takes the lease away from the job of this id, whose process is known to be dead."""
        job = _job(RQJob.fetch(id, connection=self.connection, serializer="json"))
        if job is not None:
            for key in (lease.key(job.subject), limits.writer_key(job.installation)):
                self._release(keys=[key], args=[f"{id}:"])

    def work(self, name: str, burst: bool = False) -> None:
        """Runs jobs until told to stop by SIGTERM, each in a fork of this process."""
        worker = _Worker(
            [self._rq],
            name=name,
            connection=self.connection,
            serializer="json",
            worker_ttl=20,  # an idle worker looks for stuck jobs every worker_ttl - 15 seconds
            maintenance_interval=5,
            job_monitoring_interval=MONITORING,
            log_job_description=False,
            work_horse_killed_handler=self._killed,
        )
        worker.taken = self._feed
        worker.work(burst=burst, logging_level=None)

    def _killed(self, job: RQJob, pid: int, status: int, usage: struct_rusage) -> None:
        del pid, status, usage
        self._release_of(job.id)


def waiting() -> float | None:
    """For how many seconds the job that runs in this process stood in the queue; None outside of one."""
    from rq import get_current_job

    job = get_current_job()
    return max(0.0, (job.started_at - job.enqueued_at).total_seconds()) if job and job.started_at and job.enqueued_at else None


def later(error: Later) -> RQRetry | None:
    """What a job returns to run again not before `error.after` seconds. None once it has waited for too long altogether."""
    from rq import get_current_job

    job = get_current_job()
    if job is not None and job.created_at is not None and (datetime.now(UTC) - job.created_at).total_seconds() > MAX_WAIT:
        return None
    return RQRetry(max=1_000_000, interval=max(1, math.ceil(error.after)))


class _Worker(RQWorker):
    """RQ's forking worker, with a shorter heartbeat, without the thread for remote commands, which is one less at each fork.

    `taken` is called when it has taken a job: the next one is to stand ready for another worker.
    """

    taken: Callable[[], object]

    def dequeue_job_and_maintain_ttl(
        self, timeout: int | None, max_idle_time: int | None = None
    ) -> tuple[RQJob, RQQueue] | None:
        found = super().dequeue_job_and_maintain_ttl(timeout, max_idle_time)
        if found is not None:
            with contextlib.suppress(RedisError):  # the next tick does it
                self.taken()
        return found

    def get_heartbeat_ttl(self, job: RQJob, working_time: float = 0.0) -> int:
        del job, working_time
        return HEARTBEAT

    def setup_work_horse_signals(self) -> None:
        super().setup_work_horse_signals()  # type: ignore[no-untyped-call]
        end_with_parent(self.pid or 0)

    def handle_exception(self, job: RQJob, *exc_info: Any) -> None:
        """Says it, unless the job did, which knows more about it."""
        if not getattr(exc_info[1], "logged", False):
            super().handle_exception(job, *exc_info)

    def subscribe(self) -> None:
        """No commands are taken from Valkey."""

    def unsubscribe(self) -> None:
        """Nothing to end."""


def named(script: str) -> str:
    """A script with the names of RQ's keys written into it."""
    base = RQQueue(NAME, connection=redis.Redis(), serializer="json")
    names = {"$queue": base.key, "$job": PREFIX, "$names": base.redis_queues_keys}
    return functools.reduce(lambda text, name: text.replace(*name), names.items(), script)


def _now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def _text(value: object) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)


def _job(job: RQJob) -> Job | None:
    """What was submitted as `job`; None for what is not a review, or not ours."""
    try:
        return msgspec.convert(job.args[0], Job) if job.func_name == PERFORM else None
    except Exception:  # written by another version, or by somebody else
        return None


def _dead_letter(job: RQJob) -> DeadLetter:
    result = job.latest_result()
    traceback = (result.exc_string if result else None) or ""
    reason = traceback.strip().splitlines()[-1] if traceback.strip() else "no reason was recorded"
    return DeadLetter(job.id, _job(job), job.ended_at, reason.strip(), traceback)
