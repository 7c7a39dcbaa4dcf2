"""The operator's page: queues, workers and jobs, by rq-dashboard-fast, behind a password and at a port of its own.

It shows names of repositories and tracebacks, and can delete jobs: it never shares the port of the webhook. What it adds to the
library: HTTP basic authentication, a refusal of what another site asks for, a dead letter that gets all of its tries again, a
Valkey that Sentinels name, and JSON where RQ would take pickle (see `bot.queue`).
"""

from __future__ import annotations

import base64
import binascii
import contextlib
import hmac
import warnings
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import urlsplit

import structlog
import uvicorn
from fastapi import FastAPI, Request, Response
from redis.exceptions import RedisError
from starlette.responses import RedirectResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from bot import observe
from bot.errors import Broken
from bot.queue import Queue
from bot.settings import Settings
from bot.valkey import connect, server_url

USER = "operator"
PLACE = "/rq"
TIMEOUTS = "socket_timeout=5&socket_connect_timeout=2"

log = structlog.get_logger()


def create_console(settings: Settings) -> FastAPI:
    """The page. Raises `Broken` where it has no password, or its library is not installed."""
    if settings.operator_password is None:
        raise Broken("CLIFFGUARD_OPERATOR_PASSWORD is not set: the operator's page needs one of at least 16 characters")
    queue = Queue(connect(settings.valkey_url), settings.job_timeout)

    @contextlib.asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        with contextlib.suppress(RedisError):
            queue.register()
        yield
        queue.connection.close()

    app = FastAPI(title="Cliffguard", docs_url=None, redoc_url=None, openapi_url=None, lifespan=lifespan)

    @app.get("/healthz")
    async def healthz() -> Response:
        """The process answers."""
        return Response("ok\n", media_type="text/plain")

    @app.get("/")
    async def home() -> Response:
        return RedirectResponse(f"{PLACE}/queues")

    @app.post(f"{PLACE}/job/{{id}}/requeue")
    def requeue(id: str) -> Response:
        """RQ alone would try it once, and nobody would hear how that ended."""
        return Response(status_code=200 if queue.requeue(id) else 409)

    app.mount(PLACE, _dashboard(settings.valkey_url))
    app.add_middleware(Guarded, password=settings.operator_password.get_secret_value())
    return app


def _dashboard(url: str) -> ASGIApp:
    try:
        from rq_dashboard_fast import RedisQueueDashboard
    except ImportError as error:
        raise Broken("The operator's page is not installed: pip install 'cliffguard[operator]'.") from error

    class Dashboard(RedisQueueDashboard):  # type: ignore[misc, unused-ignore]
        """The library's, asking for the server's address anew each time."""

        @property
        def redis_url(self) -> str:
            server = server_url(url)
            return f"{server}{'&' if '?' in server else '?'}{TIMEOUTS}"

        @redis_url.setter
        def redis_url(self, _: str) -> None:
            """The library's own wish."""

    with warnings.catch_warnings(action="ignore"):  # it says its own place in a way that FastAPI wants to give up
        dashboard: Any = Dashboard(url, PLACE)
    return dashboard  # type: ignore[no-any-return]


class Guarded:
    """Lets through who knows the password, and what the page itself asks for; `/healthz` is everybody's."""

    def __init__(self, app: ASGIApp, password: str) -> None:
        self._app, self._expected = app, f"{USER}:{password}".encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"] == "/healthz":
            return await self._app(scope, receive, send)
        request = Request(scope)
        if not hmac.compare_digest(_credentials(request), self._expected):
            answer = Response("Who are you?\n", 401, {"WWW-Authenticate": 'Basic realm="cliffguard", charset="UTF-8"'})
        elif request.method not in ("GET", "HEAD") and not _is_own(request):
            answer = Response("Another site asked for this.\n", 403)
        else:
            return await self._app(scope, receive, send)
        return await answer(scope, receive, send)


def _credentials(request: Request) -> bytes:
    kind, _, encoded = request.headers.get("authorization", "").partition(" ")
    try:
        return base64.b64decode(encoded, validate=True) if kind.lower() == "basic" else b""
    except (binascii.Error, ValueError):
        return b""


def _is_own(request: Request) -> bool:
    """Whether the page itself made the request: a browser sends the password with those of other sites, too."""
    site, origin = request.headers.get("sec-fetch-site"), request.headers.get("origin")
    return site == "same-origin" if site else bool(origin) and urlsplit(origin).netloc == request.headers.get("host")


def serve(settings: Settings | None = None) -> None:
    """Runs the page until SIGTERM or SIGINT."""
    settings = settings or Settings()  # type: ignore[call-arg]
    observe.configure(settings.log_format)
    app = create_console(settings)
    log.info("operator's page", address=f"http://{settings.operator_host}:{settings.operator_port}/")
    uvicorn.run(
        app, host=settings.operator_host, port=settings.operator_port, access_log=False, log_config=None, server_header=False
    )
