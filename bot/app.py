"""The webhook service: FastAPI application and composition root, in reading order."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import msgspec
import structlog
import uvicorn
from fastapi import FastAPI, Request, Response
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from redis.exceptions import RedisError

from bot import alarms, observe, tracing, webhook
from bot.errors import Broken
from bot.processes import end_with_caller
from bot.queue import Receiver
from bot.settings import Settings
from bot.valkey import connect, connect_async
from bot.vitals import vitals, vitals_async

log = structlog.get_logger()


def create_app(settings: Settings) -> FastAPI:
    """The service: deliveries in at `/webhook`, health at `/healthz` and `/readyz`, metrics at `/metrics`.

    Raises `Broken` if no webhook secret is configured: without one anybody could ask for reviews.
    """
    if not settings.webhook_secrets:
        raise Broken("CLIFFGUARD_WEBHOOK_SECRETS is empty: set it to the webhook secret of the GitHub App")

    @contextlib.asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        connection = connect_async(settings.valkey_url)
        app.state.receiver = Receiver(connection, settings.job_timeout)
        yield
        await connection.aclose()

    app = FastAPI(title="Cliffguard", docs_url=None, redoc_url=None, openapi_url=None, lifespan=lifespan)
    app.state.webhook_secrets = [secret.get_secret_value().encode() for secret in settings.webhook_secrets]
    app.state.app_id = settings.app_id
    webhook.add_to(app)
    app.add_exception_handler(Exception, _failed)
    _add_health(app, settings.queue_age)
    _add_metrics(app, settings)
    return app


def _failed(request: Request, error: Exception) -> Response:
    """An error of ours: GitHub shows the delivery as failed, and the sweep has it delivered again."""
    alarms.tell(error, delivery=request.headers.get("x-github-delivery", "")[:100])
    return Response("Internal Server Error", 500, media_type="text/plain")


def _add_health(app: FastAPI, bearable: int) -> None:
    @app.get("/healthz")
    async def healthz() -> Response:
        """The process answers."""
        return Response("ok\n", media_type="text/plain")

    @app.get("/readyz")
    async def readyz() -> Response:
        """Deliveries can be accepted: Valkey takes what is written. That jobs wait for too long is said, and no reason to
        refuse more: without this process deliveries would be lost, and workers would be no faster."""
        receiver: Receiver = app.state.receiver
        content: dict[str, Any]
        try:
            async with asyncio.timeout(2):
                await receiver.connection.set("cliffguard:ready", 1, ex=60)
                queue = await vitals_async(receiver.connection)
        except (RedisError, OSError, TimeoutError) as error:
            content, code = {"status": "not ready", "reason": f"the queue does not answer: {error}"}, 503
        else:
            late = queue.age > bearable
            reason = {"reason": f"the oldest job has been waiting for {queue.age:.0f} seconds"} if late else {}
            told = msgspec.structs.asdict(queue)
            content, code = {"status": "degraded" if late else "ready", **reason, "queue": told}, 200
        return Response(msgspec.json.encode(content), code, media_type="application/json")


def _add_metrics(app: FastAPI, settings: Settings) -> None:
    connection = connect(settings.valkey_url)
    shared = CollectorRegistry()
    shared.register(observe.SharedCollector(connection, lambda: vitals(connection)))

    @app.get("/metrics")
    def metrics() -> Response:
        """Everything in Prometheus's text format."""
        return Response(generate_latest(observe.REGISTRY) + generate_latest(shared), media_type=CONTENT_TYPE_LATEST)


def set_up(settings: Settings, file: Path = Path(".env")) -> None:
    """Serves the page that makes the App, and nothing else, until `file` has its credentials."""
    from bot import setup

    log.info("no App is configured: the page /setup makes one", file=str(file))
    wanted = setup.Setup(settings.public_url, file, settings.github_url.rstrip("/"), settings.api_url)
    setup.run(wanted, settings.host, settings.port)


def serve(settings: Settings | None = None) -> None:
    """Runs the service until SIGTERM or SIGINT; deliveries under way are finished first."""
    settings = settings or Settings()  # type: ignore[call-arg]
    observe.configure(settings.log_format)
    tracing.configure("cliffguard-web")
    alarms.configure("cliffguard-web")
    if settings.app_id is None and not settings.webhook_secrets:
        set_up(settings)
        settings = Settings()  # type: ignore[call-arg]
    app = create_app(settings)
    log.info("webhook service", address=f"http://{settings.host}:{settings.port}/webhook")
    uvicorn.run(
        app,
        host=settings.host,
        port=settings.port,
        loop="uvloop",
        http="httptools",
        access_log=False,
        log_config=None,
        server_header=False,
        timeout_graceful_shutdown=5,
    )


if __name__ == "__main__":
    end_with_caller()
    serve()
