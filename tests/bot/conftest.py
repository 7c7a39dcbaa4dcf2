"""What the tests of the service share: one real Valkey a session, emptied before each test."""

from __future__ import annotations

import contextlib
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import uvicorn
from fastapi import FastAPI
from pydantic import SecretStr

from analyzers import NoStore
from bot.context import Context
from bot.embedded import EmbeddedValkey
from bot.jobs import Job, Work
from bot.local_github import LocalGitHub
from bot.mirror import Mirrors
from bot.queue import Queue
from bot.settings import Settings
from bot.tokens import Tokens
from bot.valkey import connect
from tests.bot import contract
from tests.bot.stage import FILLER, Stage, compare, connected


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


@pytest.fixture(scope="module")
def violations() -> Callable[[list[dict[str, Any]]], list[str]]:
    """What GitHub's own description of its API says against recorded requests and answers; nothing where it is not at hand."""
    return contract.violations


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalGitHub]:
    with LocalGitHub(tmp_path_factory.mktemp("hub")) as hub:
        yield hub


@pytest.fixture
def stage(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    hub: LocalGitHub,
    violations: Callable[[list[dict[str, Any]]], list[str]],
) -> Iterator[Stage]:
    """A repository of its own on the shared GitHub, where no fault is left from the last test."""
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", "/dev/null")
    hub.faults.clear()
    work = tmp_path / "work"
    work.mkdir()
    subprocess.run(("git", "init", "-q", "-b", "main", str(work)), check=True)
    settings = Settings(
        app_id=hub.app.id,
        private_key=SecretStr(hub.app.private_key),
        github_url=hub.url,
        api_url=hub.api_url,
        data_dir=tmp_path / "data",
        write_spacing=0,
        _env_file=None,  # type: ignore[call-arg]
    )
    tokens = Tokens(hub.app.id, hub.app.private_key)
    context = Context(settings, tokens, Mirrors(tmp_path / "mirrors"), NoStore(), compare, connect=connected, pause=0.0)
    stage = Stage(hub, work, context, len(hub.log))
    stage.commit("main", shop__py="start\n" + FILLER + "BAD old\n", other__py="BAD far\n")
    stage.repository = hub.create_repository(f"acme/shop-{len(hub.world.repositories)}", work, branches={"main": "main"})
    yield stage
    assert violations([entry for entry in stage.log if "fault" not in entry]) == []
