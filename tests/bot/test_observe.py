"""Logs and metrics, as those who run the service get them."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import pytest
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.parser import text_string_to_metric_families
from rq import Queue as RQQueue
from rq import Worker as RQWorker

from bot.jobs import Job
from bot.observe import SharedCollector, count_call, count_fates, count_findings, count_lookups, measuring, note_budget, step
from bot.queue import PREFIX, Queue
from bot.vitals import Vitals, vitals

ROOT = Path(__file__).parents[2]
LOGGING = """
import logging, structlog
from bot.observe import configure
configure({form!r})
with structlog.contextvars.bound_contextvars(delivery="d-1", number=7):
    structlog.get_logger().info("done", seconds=1.5)
    logging.getLogger("some.library").warning("of a %s", "library")
    logging.getLogger("rq.worker").info("cleaning registries")
    try:
        1 / 0
    except ZeroDivisionError:
        structlog.get_logger().exception("failed")
"""


def logged(form: str) -> list[str]:
    code = LOGGING.format(form=form)
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, cwd=ROOT, check=True)
    assert run.stdout == ""
    return run.stderr.splitlines()


def test_json_lines_carry_the_context_of_the_job() -> None:
    own, library, failure = (json.loads(line) for line in logged("json"))
    assert (own["event"], own["delivery"], own["number"], own["seconds"], own["level"]) == ("done", "d-1", 7, 1.5, "info")
    assert (library["event"], library["delivery"], library["logger"]) == ("of a library", "d-1", "some.library")
    assert "ZeroDivisionError: division by zero" in failure["exception"]
    assert own["timestamp"].endswith("Z")


def test_the_console_shows_the_same() -> None:
    text = "\n".join(logged("console"))
    assert "delivery=d-1" in text
    assert "of a library" in text
    assert "ZeroDivisionError: division by zero" in text
    assert "cleaning" not in text


def scraped(queue: Queue) -> dict[tuple[str, str], float]:
    registry = CollectorRegistry()
    registry.register(SharedCollector(queue.connection, lambda: Vitals(queued=3, workers=2, age=7.5)))
    families = text_string_to_metric_families(generate_latest(registry).decode())
    samples = (sample for family in families for sample in family.samples)
    return {(one.name, ",".join(value for _, value in sorted(one.labels.items(), reverse=True))): one.value for one in samples}


def test_what_jobs_measure_adds_up(queue: Queue) -> None:
    for seconds in (0.01, 0.3, 400.0):
        with measuring() as measures:
            count_findings({"n_plus_one": 2, "missing_index": 1})
            count_fates({("n_plus_one", "fixed"): 1})
            count_lookups(hits=9, misses=1)
            count_call("GET", 200)
            count_call("PATCH", 502)
            count_call("GET", 0)
            with step("fetch"):
                pass
            measures.seconds["fetch"] = seconds
        measures.publish(queue.connection, "done")
    found = scraped(queue)
    assert found["cliffguard_findings_total", "n_plus_one"] == 6
    assert found["cliffguard_findings_total", "missing_index"] == 3
    assert found["cliffguard_jobs_total", "done"] == 3
    assert found["cliffguard_queue_jobs", "queued"] == 3
    assert found["cliffguard_queue_age_seconds", ""] == 7.5
    assert found["cliffguard_workers", ""] == 2
    assert found["cliffguard_fates_total", "n_plus_one,fixed"] == 3
    assert (found["cliffguard_facts_lookups_total", "hit"], found["cliffguard_facts_lookups_total", "miss"]) == (27, 3)
    assert found["cliffguard_github_calls_total", "read,2xx"] == 3
    assert found["cliffguard_github_calls_total", "write,5xx"] == 3
    assert found["cliffguard_github_calls_total", "read,none"] == 3
    assert found["cliffguard_review_seconds_bucket", "fetch,0.05"] == 1
    assert found["cliffguard_review_seconds_bucket", "fetch,0.5"] == 2
    assert found["cliffguard_review_seconds_bucket", "fetch,300.0"] == 2
    assert found["cliffguard_review_seconds_bucket", "fetch,+Inf"] == 3
    assert found["cliffguard_review_seconds_count", "fetch"] == 3
    assert found["cliffguard_review_seconds_sum", "fetch"] == pytest.approx(400.31)


def limits(left: int, reset: float, resource: str = "core") -> dict[str, str]:
    named = {"remaining": str(left), "limit": "5000", "reset": str(int(reset)), "resource": resource}
    return {f"x-ratelimit-{name}": value for name, value in named.items()}


def test_of_all_budgets_the_lowest_is_shown_until_it_is_full_again(queue: Queue) -> None:
    soon, past = time.time() + 600, time.time() - 1
    told = [(1, limits(4000, soon)), (2, limits(17, past)), (3, limits(300, soon)), (3, limits(60, soon, "graphql"))]
    for installation, headers in [*told, (4, {}), (5, {**limits(1, soon), "x-ratelimit-limit": "many"})]:
        with measuring() as measures:
            note_budget(installation, headers)
        measures.publish(queue.connection, "done")
    found = {name: value for name, value in scraped(queue).items() if "budget" in name[0]}
    assert found == {("cliffguard_github_budget_left", "core"): 300, ("cliffguard_github_budget_left", "graphql"): 60}


def test_vital_signs_are_those_of_the_queue(queue: Queue, make_job: Callable[..., Job]) -> None:
    assert vitals(queue.connection) == Vitals()
    first = queue.submit(make_job(number=1)).id
    queue.submit(make_job(number=2))
    earlier = datetime.now(UTC) - timedelta(seconds=90)
    queue.connection.hset(PREFIX + first, "enqueued_at", f"{earlier:%Y-%m-%dT%H:%M:%S.%fZ}")
    queue.connection.zadd("rq:failed:cliffguard", {"a": 1})
    queue.connection.zadd("rq:scheduled:cliffguard", {"b": 1, "c": 1})
    worker = RQWorker([RQQueue("cliffguard", connection=queue.connection)], name="w", connection=queue.connection)
    worker.register_birth()
    queue.connection.sadd("rq:workers:cliffguard", "rq:worker:of-a-killed-machine")
    found = vitals(queue.connection)
    assert found.states == msgspec.structs.asdict(queue.depth())
    assert (found.queued, found.scheduled, found.failed, found.workers) == (2, 2, 1, 1)
    assert 90 <= found.age < 95


def test_a_step_that_fails_is_measured_and_one_outside_of_a_job_is_not() -> None:
    with measuring() as measures:
        with pytest.raises(ValueError, match="no"), step("fetch"):
            raise ValueError("no")
        with step("fetch"):
            pass
    assert measures.seconds["fetch"] > 0
    with step("fetch"):
        count_findings({"n_plus_one": 1})
    assert not measures.findings
