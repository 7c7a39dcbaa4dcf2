"""What the tests of the service share: one real Valkey a session, emptied before each test."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Iterator

import httpx
import pytest
import uvicorn
from fastapi import FastAPI

from bot.embedded import EmbeddedValkey
from bot.jobs import Job, Work
from bot.queue import Queue, connect


@pytest.fixture(scope="session")
def valkey_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedValkey]:
    with EmbeddedValkey(tmp_path_factory.mktemp("valkey")) as server:
        yield server


@pytest.fixture
def valkey_url(valkey_server: EmbeddedValkey) -> str:
    """The URL of an empty Valkey."""
    with connect(valkey_server.url) as connection:
        connection.flushall()
    return valkey_server.url


@pytest.fixture
def queue(valkey_url: str) -> Iterator[Queue]:
    connection = connect(valkey_url)
    yield Queue(connection, job_timeout=60)
    connection.close()


@pytest.fixture
def make_job() -> Callable[..., Job]:
    """Makes a review of pull request 7 of octo/shop; what it is given replaces fields of the `Job`."""

    def make(**fields: object) -> Job:
        known = {"work": Work.REVIEW, "installation": 5, "repository_id": 123, "owner": "octo", "repository": "shop"}
        return Job(**{**known, "number": 7, "head": "a" * 40, **fields})  # type: ignore[arg-type]

    return make


@pytest.fixture
def serving() -> Callable[[FastAPI], contextlib.AbstractContextManager[httpx.Client]]:
    """Serves an application on a free port, as in production, and gives a client of it."""

    @contextlib.contextmanager
    def serve(app: FastAPI) -> Iterator[httpx.Client]:
        config = uvicorn.Config(app, host="127.0.0.1", port=0, loop="uvloop", http="httptools", log_config=None)
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, daemon=True)
        thread.start()
        deadline = time.monotonic() + 20
        while not server.started and time.monotonic() < deadline:
            time.sleep(0.005)
        port = server.servers[0].sockets[0].getsockname()[1]
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", trust_env=False, timeout=30) as client:
            yield client
        server.should_exit = True
        thread.join(20)

    return serve
