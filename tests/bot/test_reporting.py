"""What is told to others, where their variables are set: traces to a collector, errors to a Sentry."""

from __future__ import annotations

import gzip
import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import StatusCode
from pydantic import SecretStr

from bot import alarms, tracing
from bot.app import create_app
from bot.jobs import Job
from bot.observe import step
from bot.queue import Queue
from bot.settings import Settings
from tests.bot.test_webhook import OPENED, SECRET, headers

ROOT = Path(__file__).parents[2]


@pytest.fixture
def spans() -> Iterator[Callable[[], dict[str, ReadableSpan]]]:
    """The spans that were made, by name."""
    exporter, provider = InMemorySpanExporter(), TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    tracing.use(provider)
    yield lambda: {span.name: span for span in exporter.get_finished_spans()}
    tracing.use(None)


def parent(span: ReadableSpan) -> int:
    assert span.parent is not None
    return span.parent.span_id


def test_a_delivery_and_its_job_are_one_trace(
    spans: Callable[[], dict[str, ReadableSpan]], serving: Callable[[FastAPI], Any], queue: Queue, valkey_url: str
) -> None:
    settings = Settings(valkey_url=valkey_url, webhook_secrets=(SecretStr(SECRET),), _env_file=None)  # type: ignore[call-arg]
    with serving(create_app(settings)) as client:
        id = client.post("/webhook", content=OPENED, headers=headers(OPENED)).json()["job"]
    stored = json.loads(queue.connection.hget(f"rq:job:{id}", "data"))[2][0]
    with tracing.continued(stored["trace"], "job", 4.0), step("fetch"):
        pass
    found = spans()
    assert {span.context.trace_id for span in found.values()} == {found["delivery"].context.trace_id}
    assert parent(found["queue"]) == parent(found["job"]) == found["delivery"].context.span_id
    assert parent(found["fetch"]) == found["job"].context.span_id
    assert found["delivery"].attributes == {"github.event": "pull_request.opened", "github.delivery": "d-1"}
    assert found["queue"].end_time - found["queue"].start_time == pytest.approx(4e9)


def test_of_an_exception_a_span_says_its_kind_and_no_more(spans: Callable[[], dict[str, ReadableSpan]]) -> None:
    with pytest.raises(ValueError, match="api_key"), step("analyse"):
        raise ValueError("cannot read: api_key = 'hunter2'")
    span = spans()["analyse"]
    assert (span.status.status_code, span.status.description, span.events) == (StatusCode.ERROR, "ValueError", ())


def test_without_tracing_a_job_carries_nothing(make_job: Callable[..., Job]) -> None:
    with tracing.span("delivery") as span:
        assert span is None
        assert tracing.here() == ""
    with tracing.continued("", "job", 1.0) as job:
        assert job is None


def test_what_is_off_is_not_imported() -> None:
    code = (
        "import sys; import bot.app, bot.worker, bot.review; from bot import alarms, tracing\n"
        "for one in (alarms, tracing): one.preload(), one.configure('x'), one.flush()\n"
        "assert not {'sentry_sdk', 'opentelemetry.exporter'} & set(sys.modules)"
    )
    environment = {name: value for name, value in os.environ.items() if name not in (*tracing.ENDPOINTS, alarms.VARIABLE)}
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, env=environment, check=True, timeout=60)


@pytest.mark.parametrize(("variable", "extra"), [(tracing.ENDPOINTS[0], "otel"), (alarms.VARIABLE, "sentry")])
def test_what_is_on_and_not_installed_says_how_to_install_it(
    monkeypatch: pytest.MonkeyPatch, variable: str, extra: str
) -> None:
    monkeypatch.setenv(variable, "http://127.0.0.1:1/1")
    for name in ("sentry_sdk", "opentelemetry.sdk.trace.export", "opentelemetry.exporter.otlp.proto.http.trace_exporter"):
        monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(Exception, match=rf"pip install 'cliffguard\[{extra}\]'"):
        (tracing if extra == "otel" else alarms).preload()


class Taker:
    """A server that takes what is posted to it."""

    def __init__(self) -> None:
        taken = self.taken = []

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                taken.append((self.path, gzip.decompress(body) if self.headers.get("content-encoding") == "gzip" else body))
                self.send_response(200)
                self.send_header("content-length", "0")
                self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, daemon=True).start()


@pytest.fixture
def taker() -> Iterator[Taker]:
    running = Taker()
    yield running
    running.server.shutdown()
    running.server.server_close()


FAILING = """
import bot.worker as worker, sys, types
from bot.observe import step

def parse(line):
    secret = line
    raise ValueError(f"cannot read {line!r}")

def run(job, settings, queue):
    with step("analyse"):
        parse("private_code = 42")

import bot
bot.review = sys.modules["bot.review"] = types.SimpleNamespace(run=run)
try:
    worker.perform({"work": "review", "installation": 5, "repository_id": 123, "owner": "octo", "repository": "secret-shop",
                    "number": 7, "head": "a" * 40, "delivery": "d-9"})
except ValueError:
    pass
"""


def test_a_failing_job_is_told_to_both_without_a_line_of_code(taker: Taker, valkey_url: str, tmp_path: Path) -> None:
    environment = {
        **os.environ,
        "CLIFFGUARD_VALKEY_URL": valkey_url,
        "PYTHONPATH": str(ROOT),
        "OTEL_EXPORTER_OTLP_ENDPOINT": f"http://127.0.0.1:{taker.port}",
        "SENTRY_DSN": f"http://key@127.0.0.1:{taker.port}/1",
        "NO_PROXY": "127.0.0.1",
    }
    command = [sys.executable, "-c", FAILING]
    done = subprocess.run(command, cwd=tmp_path, env=environment, timeout=60, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr.decode()
    bodies = dict(taker.taken)
    assert set(bodies) == {"/v1/traces", "/api/1/envelope/"}

    sent = ExportTraceServiceRequest.FromString(bodies["/v1/traces"]).resource_spans[0]
    assert "cliffguard-worker" in str(sent.resource)
    assert {span.name for span in sent.scope_spans[0].spans} == {"job", "total", "analyse"}

    event = json.loads(bodies["/api/1/envelope/"].splitlines()[2])
    assert event["tags"] == {"delivery": "d-9", "work": "review"}
    (raised,) = event["exception"]["values"]
    assert (raised["type"], raised["value"]) == ("ValueError", "")
    assert [frame["function"] for frame in raised["stacktrace"]["frames"]] == ["perform", "run", "parse"]
    for body in bodies.values():
        assert b"private_code" not in body
    assert b"secret-shop" not in bodies["/api/1/envelope/"]
    assert b"breadcrumbs" not in bodies["/api/1/envelope/"]


def test_an_error_of_the_webhook_service_is_told(
    monkeypatch: pytest.MonkeyPatch, serving: Callable[[FastAPI], Any], valkey_url: str
) -> None:
    told: list[tuple[str, dict[str, str]]] = []
    monkeypatch.setattr(alarms, "tell", lambda error, **tags: told.append((type(error).__name__, tags)))
    monkeypatch.setattr("bot.webhook.job_for", lambda *_, **__: 1 / 0)
    settings = Settings(valkey_url=valkey_url, webhook_secrets=(SecretStr(SECRET),), _env_file=None)  # type: ignore[call-arg]
    with serving(create_app(settings)) as client:
        answer: httpx.Response = client.post("/webhook", content=OPENED, headers=headers(OPENED))
    assert (answer.status_code, answer.text) == (500, "Internal Server Error")
    assert told == [("ZeroDivisionError", {"delivery": "d-1"})]
