"""Logs and metrics, as those who run the service get them."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.parser import text_string_to_metric_families

from bot.observe import SharedCollector, count_findings, measuring, step
from bot.queue import Queue

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
    registry.register(SharedCollector(queue.connection, lambda: {"queued": 3}))
    families = text_string_to_metric_families(generate_latest(registry).decode())
    samples = (sample for family in families for sample in family.samples)
    return {(one.name, ",".join(value for _, value in sorted(one.labels.items(), reverse=True))): one.value for one in samples}


def test_what_jobs_measure_adds_up(queue: Queue) -> None:
    for seconds in (0.01, 0.3, 400.0):
        with measuring() as measures:
            count_findings({"n_plus_one": 2, "missing_index": 1})
            with step("fetch"):
                pass
            measures.seconds["fetch"] = seconds
        measures.publish(queue.connection, "done")
    found = scraped(queue)
    assert found["cliffguard_findings_total", "n_plus_one"] == 6
    assert found["cliffguard_findings_total", "missing_index"] == 3
    assert found["cliffguard_jobs_total", "done"] == 3
    assert found["cliffguard_queue_jobs", "queued"] == 3
    assert found["cliffguard_review_seconds_bucket", "fetch,0.05"] == 1
    assert found["cliffguard_review_seconds_bucket", "fetch,0.5"] == 2
    assert found["cliffguard_review_seconds_bucket", "fetch,300.0"] == 2
    assert found["cliffguard_review_seconds_bucket", "fetch,+Inf"] == 3
    assert found["cliffguard_review_seconds_count", "fetch"] == 3
    assert found["cliffguard_review_seconds_sum", "fetch"] == pytest.approx(400.31)


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
