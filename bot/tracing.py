"""Traces, by OpenTelemetry: a delivery, its wait in the queue, the steps of its review and the requests to GitHub in them.

On where `OTEL_EXPORTER_OTLP_ENDPOINT` is set, which needs the extra `otel`; the rest is decided by OpenTelemetry's own
variables. Where it is off, a span costs a look at one variable, and nothing is imported.

Spans hold names of repositories, ids and times. They hold no code: of an exception they say what kind it is.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Literal

from bot.errors import Broken

ENDPOINTS = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")
FLUSH = 3000  # milliseconds a job may wait for its spans to be taken

Attribute = str | int | bool
Kind = Literal["INTERNAL", "SERVER", "CONSUMER", "CLIENT"]

_provider: Any = None


def preload() -> None:
    """Imports what tracing needs, before any fork, if it is on. Raises `Broken` where that is not installed."""
    if any(map(os.environ.get, ENDPOINTS)):
        try:
            import opentelemetry.exporter.otlp.proto.http.trace_exporter
            import opentelemetry.sdk.trace.export  # noqa: F401
        except ImportError as error:
            raise Broken(
                f"{ENDPOINTS[0]} is set and OpenTelemetry is not installed: pip install 'cliffguard[otel]'."
            ) from error


def configure(service: str) -> None:
    """Sends the spans of this process, which are those of `service`, if tracing is on."""
    if _provider is not None or not any(map(os.environ.get, ENDPOINTS)):
        return
    preload()
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    provider = TracerProvider(resource=Resource.create({"service.name": os.environ.get("OTEL_SERVICE_NAME") or service}))
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    use(provider)


def use(provider: Any) -> None:
    """Makes the spans with this provider of the SDK; None: makes none."""
    global _provider  # noqa: PLW0603 - one a process, as OpenTelemetry's own is
    _provider = provider


def flush() -> None:
    """Sends what was collected: a job's process ends without looking back."""
    if _provider is not None:
        _provider.force_flush(FLUSH)


@contextmanager
def span(name: str, kind: Kind = "INTERNAL", /, **attributes: Attribute) -> Iterator[Any]:
    """A piece of work; what is done inside of it is its child. Gives the span, or None where tracing is off."""
    if _provider is None:
        yield None
        return
    from opentelemetry import trace

    start = _tracer().start_as_current_span
    with start(
        name, kind=trace.SpanKind[kind], attributes=attributes, record_exception=False, set_status_on_exception=False
    ) as current:
        try:
            yield current
        except BaseException as error:
            current.set_status(trace.Status(trace.StatusCode.ERROR, type(error).__name__))
            raise


def here() -> str:
    """Where the present span is, as W3C's `traceparent`; empty where there is none."""
    if _provider is None:
        return ""
    from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

    carrier: dict[str, str] = {}
    TraceContextTextMapPropagator().inject(carrier)
    return carrier.get("traceparent", "")


@contextmanager
def continued(parent: str, name: str, waited: float | None, /, **attributes: Attribute) -> Iterator[Any]:
    """A job of the trace that `parent` (`here`, in another process) belongs to, after so many seconds in the queue."""
    if _provider is None:
        yield None
        return
    from opentelemetry import context, trace
    from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

    token = context.attach(TraceContextTextMapPropagator().extract({"traceparent": parent} if parent else {}))
    try:
        if waited is not None:
            now = time.time_ns()
            _tracer().start_span("queue", kind=trace.SpanKind.CONSUMER, start_time=now - int(waited * 1e9)).end(now)
        with span(name, **attributes) as current:
            yield current
    finally:
        context.detach(token)


def _tracer() -> Any:
    return _provider.get_tracer("cliffguard")
