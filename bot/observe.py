"""What the service tells those who run it: structured logs, and metrics in Prometheus's format.

Deliveries are counted in the process that receives them. Reviews happen in processes that live for one job, so what they
measure is added up in Valkey, in one hash, and read from there when somebody asks for `/metrics`. Every webhook service answers
the same of it.
"""

from __future__ import annotations

import contextlib
import functools
import logging
import sys
import time
from collections import Counter as Tally
from collections.abc import Callable, Iterator, Mapping
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, Literal

import structlog
from prometheus_client import CollectorRegistry, Counter, GCCollector, PlatformCollector, ProcessCollector
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.registry import Collector
from redis import Redis
from redis.exceptions import RedisError

from bot import tracing

if TYPE_CHECKING:
    from bot.vitals import Vitals

REGISTRY = CollectorRegistry()
ProcessCollector(registry=REGISTRY)
PlatformCollector(registry=REGISTRY)
GCCollector(registry=REGISTRY)
DELIVERIES = Counter("cliffguard_deliveries", "Webhook deliveries.", ["event", "outcome"], registry=REGISTRY)
EVENTS = frozenset(
    {
        "pull_request",
        "pull_request_review_comment",
        "issue_comment",
        "check_run",
        "check_suite",
        "merge_group",
        "installation",
        "installation_repositories",
        "ping",
    }
)

MEASURES = "cliffguard:measures"  # hash: "<metric>|<label>|<bucket or sum>" -> number
BUDGETS = "cliffguard:budgets"  # hash: "<installation>|<resource>" -> "<left>|<limit>|<when it is full again>"
BUCKETS = (0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0)  # seconds

log = structlog.get_logger()


def count_delivery(event: str, outcome: str) -> None:
    """Counts one delivery. A label must not have as many values as a stranger likes: events we do not know are "other"."""
    _deliveries(event if event in EVENTS else "other", outcome).inc()


@functools.cache
def _deliveries(event: str, outcome: str) -> Counter:
    return DELIVERIES.labels(event, outcome)


def configure(form: Literal["json", "console"], level: int = logging.INFO) -> None:
    """Sends every log line of this process, of libraries too, to standard error in one form, with the context of the job."""
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.stdlib.ExtraAdder(),
    ]
    end: list[Any] = [structlog.stdlib.ProcessorFormatter.remove_processors_meta]
    if form == "json":
        end += [structlog.processors.format_exc_info, structlog.processors.JSONRenderer()]
    else:
        end.append(structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty(), exception_formatter=structlog.dev.plain_traceback))
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(structlog.stdlib.ProcessorFormatter(foreign_pre_chain=shared, processors=end))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    for noisy in ("rq", "rq.worker", "rq.job", "rq.scripts", "httpx", "httpcore", "uvicorn.access", "asyncio"):
        logging.getLogger(noisy).setLevel(logging.WARNING)
    structlog.configure(
        processors=[structlog.stdlib.filter_by_level, *shared[:-1], structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )


class Measures:
    """What one job measured: seconds by step, and counts such as findings by rule."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}
        self.findings: Tally[str] = Tally()
        self.fates: Tally[tuple[str, str]] = Tally()
        self.calls: Tally[tuple[str, str]] = Tally()
        self.lookups: Tally[str] = Tally()
        self.budgets: dict[str, str] = {}

    def publish(self, connection: Redis, outcome: str) -> None:
        """Adds them to the sums in Valkey. A metric is not worth failing a job for."""
        with contextlib.suppress(RedisError), connection.pipeline(transaction=False) as pipeline:
            pipeline.hincrby(MEASURES, f"jobs|{outcome}|", 1)
            for step, seconds in self.seconds.items():
                bucket = next((edge for edge in BUCKETS if seconds <= edge), None)
                pipeline.hincrby(MEASURES, f"step|{step}|{bucket or '+Inf'}", 1)
                pipeline.hincrbyfloat(MEASURES, f"step|{step}|sum", seconds)
            for rule, count in self.findings.items():
                pipeline.hincrby(MEASURES, f"findings|{rule}|", count)
            for (rule, fate), count in self.fates.items():
                pipeline.hincrby(MEASURES, f"fates|{rule}|{fate}", count)
            for (method, answer), count in self.calls.items():
                pipeline.hincrby(MEASURES, f"calls|{method}|{answer}", count)
            for outcome_of_lookup, count in self.lookups.items():
                pipeline.hincrby(MEASURES, f"lookups|{outcome_of_lookup}|", count)
            for name, budget in self.budgets.items():
                pipeline.hset(BUDGETS, name, budget)
            pipeline.execute()


_measures: ContextVar[Measures | None] = ContextVar("measures", default=None)


@contextlib.contextmanager
def measuring() -> Iterator[Measures]:
    """Collects what `step` and `count_findings` measure inside the block."""
    measures = Measures()
    token = _measures.set(measures)
    try:
        yield measures
    finally:
        _measures.reset(token)


@contextlib.contextmanager
def step(name: str) -> Iterator[None]:
    """A named step of a review: its seconds are measured, also when it fails."""
    start = time.perf_counter()
    try:
        with tracing.span(name):
            yield
    finally:
        seconds = time.perf_counter() - start
        if (measures := _measures.get()) is not None:
            measures.seconds[name] = measures.seconds.get(name, 0.0) + seconds
        log.debug("step", step=name, seconds=round(seconds, 4))


def count_findings(by_rule: Mapping[str, int]) -> None:
    """Counts published findings by rule."""
    if (measures := _measures.get()) is not None:
        measures.findings.update(by_rule)


def count_fates(by_rule: Mapping[tuple[str, str], int]) -> None:
    """Counts what became of findings, by rule and fate."""
    if (measures := _measures.get()) is not None:
        measures.fates.update(by_rule)


def count_call(method: str, status: int) -> None:
    """Counts a request to GitHub: whether it asks or writes, and the kind of answer (status 0: there was none)."""
    if (measures := _measures.get()) is not None:
        measures.calls["read" if method == "GET" else "write", f"{status // 100}xx" if status else "none"] += 1


def count_lookups(hits: int, misses: int) -> None:
    """Counts what was asked of the cache of facts."""
    if (measures := _measures.get()) is not None:
        measures.lookups.update({"hit": hits, "miss": misses})


def note_budget(installation: int, headers: Mapping[str, str]) -> None:
    """Remembers how many requests GitHub still answers this installation, where its answer says so."""
    values = [headers.get(f"x-ratelimit-{name}", "") for name in ("remaining", "limit", "reset")]
    if (measures := _measures.get()) is not None and all(value.isdigit() for value in values):
        measures.budgets[f"{installation}|{headers.get('x-ratelimit-resource', 'core')}"] = "|".join(values)


class SharedCollector(Collector):
    """The metrics that live in Valkey: the queue's vital signs and what the workers measured."""

    def __init__(self, connection: Redis, vitals: Callable[[], Vitals]) -> None:
        self._connection, self._vitals = connection, vitals

    def describe(self) -> list[Any]:
        return []  # what there is, is known when asked

    def collect(self) -> Iterator[Any]:
        reachable = GaugeMetricFamily("cliffguard_queue_up", "Whether Valkey answers.")
        try:
            vitals = self._vitals()
            raw: Mapping[Any, Any] = self._connection.hgetall(MEASURES)
            budgets: Mapping[Any, Any] = self._connection.hgetall(BUDGETS)
        except RedisError:
            reachable.add_metric([], 0)
            yield reachable
            return
        reachable.add_metric([], 1)
        yield reachable
        jobs = GaugeMetricFamily("cliffguard_queue_jobs", "Jobs by state.", labels=["state"])
        for state, count in vitals.states.items():
            jobs.add_metric([state], count)
        yield jobs
        yield GaugeMetricFamily(
            "cliffguard_queue_age_seconds", "Seconds the oldest queued job has been waiting.", value=vitals.age
        )
        yield GaugeMetricFamily("cliffguard_workers", "Worker processes that live.", value=vitals.workers)
        yield from _families({key.decode(): float(value) for key, value in raw.items()})
        yield from _budget({key.decode(): value.decode() for key, value in budgets.items()})


def _budget(budgets: Mapping[str, str]) -> Iterator[Any]:
    """The lowest budget of all installations, by what is rationed: one series each, however many installations there are."""
    lowest: dict[str, tuple[int, int]] = {}
    for key, text in budgets.items():
        left, limit, full = map(int, text.split("|"))
        resource = key.partition("|")[2]
        left = limit if full <= time.time() else left
        lowest[resource] = min(lowest.get(resource, (left, limit)), (left, limit))
    remaining = GaugeMetricFamily(
        "cliffguard_github_budget_left",
        "Requests left to the installation with the fewest.",
        labels=["resource"],
    )
    for resource, (left, _) in sorted(lowest.items()):
        remaining.add_metric([resource], left)
    yield remaining


def _families(measures: Mapping[str, float]) -> Iterator[Any]:
    done = CounterMetricFamily("cliffguard_jobs", "Jobs done, by outcome.", labels=["outcome"])
    findings = CounterMetricFamily("cliffguard_findings", "Findings published, by rule.", labels=["rule"])
    fates = CounterMetricFamily("cliffguard_fates", "What became of findings, by rule.", labels=["rule", "fate"])
    calls = CounterMetricFamily("cliffguard_github_calls", "Requests to GitHub.", labels=["method", "answer"])
    lookups = CounterMetricFamily("cliffguard_facts_lookups", "What was asked of the cache of facts.", labels=["outcome"])
    steps: dict[str, dict[str, float]] = {}
    for key, value in sorted(measures.items()):
        metric, label, part = key.split("|", 2)
        match metric:
            case "jobs":
                done.add_metric([label], value)
            case "findings":
                findings.add_metric([label], value)
            case "fates":
                fates.add_metric([label, part], value)
            case "calls":
                calls.add_metric([label, part], value)
            case "lookups":
                lookups.add_metric([label], value)
            case "step":
                steps.setdefault(label, {})[part] = value
    yield from (done, findings, fates, calls, lookups)
    seconds = HistogramMetricFamily("cliffguard_review_seconds", "Seconds of the steps of a review.", labels=["step"])
    for label, parts in steps.items():
        total, buckets = 0.0, []
        for edge in (*map(str, BUCKETS), "+Inf"):
            total += parts.get(edge, 0.0)
            buckets.append((edge, total))
        seconds.add_metric([label], buckets, parts.get("sum", 0.0))
    yield seconds
