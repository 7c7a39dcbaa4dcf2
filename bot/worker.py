"""Workers: processes that take jobs from the queue, and the supervisor that keeps them running.

    supervisor   imports what reviews need, once; forks the workers; restarts those that end; calls `Queue.tick` every second
      worker     waits for jobs, forks for each, watches the fork
        job      `perform`: log context, measures, error policy around `bot.review.run`

The imports come before the forks: a job starts in milliseconds instead of a second, and the memory of the code is shared.
"""

from __future__ import annotations

import contextlib
import functools
import gc
import os
import select
import signal
import socket
import sys
import time
import uuid
from collections.abc import Iterator, Mapping
from typing import Any

import msgspec
import structlog
from redis.exceptions import RedisError

from bot import alarms, observe, tenancy, tracing
from bot.errors import Broken, Gone, Later
from bot.jobs import Job
from bot.mirror import Mirrors
from bot.processes import end_with_caller, end_with_parent
from bot.queue import Queue, later, waiting
from bot.settings import Settings
from bot.valkey import connect

TICK = 1.0  # seconds between two looks at the queue and the workers
SHORT_LIFE = 5.0  # seconds; a worker that ends sooner is started again with growing delay
MAX_DELAY = 30.0

log = structlog.get_logger()


@functools.cache
def _settings() -> Settings:
    return Settings()  # type: ignore[call-arg]


@functools.cache
def _queue() -> Queue:
    settings = _settings()
    return Queue(connect(settings.valkey_url), settings.job_timeout)


def perform(payload: Mapping[str, Any]) -> Any:
    """One job, in its own process. What `bot.review.run` raises decides what becomes of it:

    `Gone`: done. `Later`: again, not before the time it names. `Broken`: the check run is concluded with its reason.
    Anything else: again after a while, and after the last try `abandon`.
    """
    from bot import review

    job, waited = msgspec.convert(payload, Job), waiting()
    with _logged(job), _traced(job, waited), observe.measuring() as measures:
        outcome = "failed"
        if waited is not None:
            measures.seconds["queue"] = waited
        try:
            answer = None
            with observe.step("total"):
                review.run(job, _settings(), _queue())
            outcome = "done"
        except Gone as gone:
            outcome = "gone"
            log.info("nothing left to do", reason=gone.reason)
        except Later as error:
            outcome, answer = "later", later(error)
            log.info("again later", reason=error.reason, after=error.after)
            if answer is None:
                outcome, answer = "given up", _conclude(job, f"it had to wait for too long: {error.reason}")
        except Broken as broken:
            outcome = "broken"
            log.warning("cannot be reviewed", reason=broken.reason)
            answer = _conclude(job, broken.reason)
        except BaseException as error:
            log.exception("the review failed")
            alarms.tell(error, delivery=job.delivery, work=job.work)
            error.logged = True  # type: ignore[attr-defined]
            raise
        finally:
            measures.publish(_queue().connection, outcome)
            log.info("job", outcome=outcome, seconds={name: round(value, 3) for name, value in measures.seconds.items()})
        return answer


def abandon(payload: Mapping[str, Any], reason: str) -> Any:
    """Concludes the check run of a job that failed for good."""
    job = msgspec.convert(payload, Job)
    with _logged(job):
        log.error("given up", reason=reason)
        return _conclude(job, f"the review failed repeatedly ({reason})")


def sweep() -> None:
    """Finds what got lost. The next sweep goes on where GitHub stopped this one."""
    from bot.context import context_of
    from bot.installations import Installations
    from bot.sweep import sweep as swept

    settings = _settings()
    context = context_of(settings)
    with observe.measuring() as measures:
        outcome = "failed"
        try:
            with Installations(context.tokens, settings.api_url) as github, observe.step("sweep"):
                swept(github, _queue(), lambda job: context.github(job, _queue().connection), every=settings.sweep)
            outcome = "swept"
        except (Later, Gone, Broken) as error:
            outcome = "interrupted"
            log.warning("the sweep was interrupted", reason=error.reason)
        finally:
            measures.publish(_queue().connection, outcome)


def _conclude(job: Job, reason: str) -> Any:
    """Says on GitHub that the job is not tried again. Returns what the queue needs to do this later, if GitHub is away."""
    from bot import review

    try:
        review.give_up(job, reason, _settings(), _queue())
    except (Gone, Broken) as error:
        log.warning("the check run is not concluded", reason=error.reason)
    except Later as error:
        return later(error)
    return None


@contextlib.contextmanager
def _logged(job: Job) -> Iterator[None]:
    names = {"repository": f"{job.owner}/{job.repository}", "number": job.number, "head": job.head}
    with structlog.contextvars.bound_contextvars(delivery=job.delivery, github_event=job.reason, **names):
        yield


@contextlib.contextmanager
def _traced(job: Job, waited: float | None) -> Iterator[None]:
    """What is traced and told to others is sent at the end: the process of a job ends without looking back."""
    tracing.configure("cliffguard-worker")
    alarms.configure("cliffguard-worker")
    names: dict[str, tracing.Attribute] = {"vcs.repository.name": f"{job.owner}/{job.repository}", "vcs.change.id": job.number}
    try:
        with tracing.continued(job.trace, "job", waited, **names, **{"job.work": job.work, "github.delivery": job.delivery}):
            yield
    finally:
        tracing.flush()
        alarms.flush()


def preload() -> None:
    """Imports and loads what every job needs, before any fork."""
    tracing.preload()
    alarms.preload()
    import githubkit  # noqa: F401
    import libcst  # noqa: F401
    import sqlglot  # noqa: F401

    import analyzers
    import bot.review  # noqa: F401

    analyzers.preload()


def settle() -> None:
    """Has the garbage collector leave alone what was imported, so that forks share it, and look less often at what jobs make:
    facts are many objects without cycles, and going over them again and again took a fifth of a review."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(100_000, 50, 100)


def main(settings: Settings | None = None) -> int:
    """Runs the workers until SIGTERM or SIGINT. Returns the exit status."""
    settings = settings or _settings()
    observe.configure(settings.log_format)
    queue = Queue(connect(settings.valkey_url), settings.job_timeout)
    try:
        _await_queue(queue)
    except RedisError as error:
        print(
            f"cliffguard worker: Valkey does not answer at {_without_password(settings.valkey_url)}: {error}", file=sys.stderr
        )
        return 1
    preload()
    _warn_of_defaults(settings)
    settle()
    Supervisor(queue, settings).run()
    return 0


def _warn_of_defaults(settings: Settings) -> None:
    """Says what is wrong in the operator's configuration of all repositories: no check run would."""
    if settings.defaults is not None:
        from analyzers import RULES, read_settings

        _, problems = read_settings({".cliffguard.yml": settings.defaults.read_bytes()}, known_rules=RULES)
        for problem in problems:
            log.warning(
                "the defaults of all repositories", path=str(settings.defaults), line=problem.line, problem=problem.text
            )


def _await_queue(queue: Queue, seconds: float = 30.0) -> None:
    deadline = time.monotonic() + seconds
    while True:
        try:
            queue.connection.ping()
            return
        except RedisError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.2)


def _without_password(url: str) -> str:
    scheme, _, rest = url.partition("://")
    return f"{scheme}://{rest.rpartition('@')[2]}"


class Supervisor:
    """Keeps `settings.workers` workers running, and the queue moving."""

    def __init__(self, queue: Queue, settings: Settings) -> None:
        self._queue, self._settings = queue, settings
        self._workers: dict[int, tuple[str, float]] = {}  # process id -> name, start
        self._delay, self._next_start = 0.0, 0.0
        self._stopping = self._swept = False
        self._mirrors, self._purged = Mirrors(settings.data_dir / "mirrors"), -tenancy.EVERY

    def run(self) -> None:
        """Returns when told to stop by SIGTERM or SIGINT, with every job finished or back in the queue."""
        wakeup, waker = socket.socketpair()
        waker.setblocking(False)
        signal.set_wakeup_fd(waker.fileno(), warn_on_full_buffer=False)
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._request_stop)
        signal.signal(signal.SIGCHLD, lambda *_: None)  # only to wake up
        log.info("workers", count=self._settings.workers, pid=os.getpid())
        with wakeup, waker:
            while not self._stopping:
                self._reap()
                self._start_missing()
                self._tick()
                if self._settings.alive is not None:
                    self._settings.alive.touch()
                if select.select([wakeup], [], [], TICK)[0]:
                    wakeup.recv(4096)
            self._stop(wakeup)
            signal.set_wakeup_fd(-1)

    def _request_stop(self, *_: object) -> None:
        self._stopping = True

    def _tick(self) -> None:
        try:
            self._queue.tick()
            if self._settings.app_id is not None and self._settings.sweep:
                self._queue.sweep(self._settings.sweep, at_once=not self._swept)
                self._swept = True
            if time.monotonic() - self._purged >= tenancy.EVERY:
                self._purged = time.monotonic()
                if purged := tenancy.purge(self._queue.connection, self._mirrors):
                    log.info("mirrors of repositories that are no longer ours are deleted", count=purged)
        except RedisError as error:
            log.error("the queue does not answer", error=str(error))

    def _start_missing(self) -> None:
        while len(self._workers) < self._settings.workers and time.monotonic() >= self._next_start:
            name = f"{socket.gethostname()}-{uuid.uuid4().hex[:12]}"
            parent = os.getpid()
            pid = os.fork()
            if pid == 0:
                self._become_worker(name, parent)
            self._workers[pid] = (name, time.monotonic())

    def _become_worker(self, name: str, parent: int) -> None:
        """The life of a worker process; never returns."""
        status = 1
        try:
            signal.set_wakeup_fd(-1)
            for number in (signal.SIGTERM, signal.SIGINT, signal.SIGCHLD):
                signal.signal(number, signal.SIG_DFL)
            os.setpgid(0, 0)  # Ctrl-C is for the supervisor: it decides how its workers end
            end_with_parent(parent, signal.SIGTERM)
            self._queue.connection.connection_pool.reset()
            self._queue.work(name)
            status = 0
        except BaseException:
            log.exception("worker")
        finally:
            _flush()
            os._exit(status)

    def _reap(self) -> None:
        """Notices ended workers and has what they had started run again."""
        for pid in list(self._workers):
            ended, status = os.waitpid(pid, os.WNOHANG)
            if not ended:
                continue
            name, start = self._workers.pop(pid)
            self._recover(name)
            if self._stopping:
                continue
            log.warning("a worker ended", worker=name, status=os.waitstatus_to_exitcode(status))
            short = time.monotonic() - start < SHORT_LIFE
            self._delay = min(MAX_DELAY, max(0.5, 2 * self._delay)) if short else 0.0
            self._next_start = time.monotonic() + self._delay

    def _recover(self, name: str) -> None:
        try:
            if found := self._queue.recover(name):
                log.warning("jobs of an ended worker run again", worker=name, jobs=found)
        except RedisError as error:
            log.error("the queue does not answer", error=str(error))

    def _stop(self, wakeup: socket.socket) -> None:
        """Lets the jobs under way finish for `stop_grace` seconds, then ends them: they run again later."""
        log.info("stopping", workers=len(self._workers), grace=self._settings.stop_grace)
        steps = [(signal.SIGTERM, float(self._settings.stop_grace)), (signal.SIGTERM, 3.0), (signal.SIGKILL, 5.0)]
        for number, seconds in steps:
            for pid in self._workers:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, number)
            deadline = time.monotonic() + seconds
            while self._workers and (left := deadline - time.monotonic()) > 0:
                if select.select([wakeup], [], [], min(left, 0.5))[0]:
                    wakeup.recv(4096)
                self._reap()
            if not self._workers:
                break
        log.info("stopped")


def _flush() -> None:
    """Writes what is still buffered; `os._exit` would lose it."""
    with contextlib.suppress(Exception):
        sys.stdout.flush()
        sys.stderr.flush()


if __name__ == "__main__":
    from bot.worker import main as imported_main  # not `__main__`: jobs name this module

    end_with_caller()
    sys.exit(imported_main())
