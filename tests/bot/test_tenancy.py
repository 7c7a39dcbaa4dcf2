"""What is deleted when the App is taken from a repository."""

from __future__ import annotations

import hashlib
import hmac
import json
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from pydantic import SecretStr
from redis import Redis

from bot.app import create_app
from bot.ledger import Fate, Ledger
from bot.mirror import Mirrors, Source
from bot.queue import Queue
from bot.settings import Settings
from bot.tenancy import Change, change_of, purge
from tests.bot.test_worker import Workers

SECRET = "secret"


@pytest.fixture
def client(valkey_url: str, serving: Callable[[FastAPI], AbstractContextManager[httpx.Client]]) -> Iterator[httpx.Client]:
    settings = Settings(valkey_url=valkey_url, webhook_secrets=(SecretStr(SECRET),), _env_file=None)  # type: ignore[call-arg]
    with serving(create_app(settings)) as client:
        yield client


def deliver(client: httpx.Client, event: str, **payload: Any) -> httpx.Response:
    body = json.dumps(payload).encode()
    signature = hmac.new(SECRET.encode(), body, hashlib.sha256).hexdigest()
    headers = {"X-GitHub-Event": event, "X-GitHub-Delivery": "d", "Content-Type": "application/json"}
    return client.post("/webhook", content=body, headers={**headers, "X-Hub-Signature-256": f"sha256={signature}"})


@pytest.mark.parametrize(
    ("event", "payload", "change"),
    [
        ("installation", {"action": "deleted", "repositories": [{"id": 7}, {"id": 8}]}, Change(gone=(7, 8))),
        ("installation", {"action": "created", "repositories": [{"id": 7}]}, Change(here=(7,))),
        ("installation", {"action": "suspend", "repositories": [{"id": 7}]}, Change()),
        ("installation", {"action": "deleted"}, Change()),
        (
            "installation_repositories",
            {"action": "removed", "repositories_removed": [{"id": 7}, {"id": -1}, {}], "repositories_added": []},
            Change(gone=(7,)),
        ),
        ("installation_repositories", {"action": "added", "repositories_added": [{"id": 7}]}, Change(here=(7,))),
        ("installation", {"action": "deleted", "repositories": "all"}, Change()),
    ],
)
def test_what_comes_and_goes(event: str, payload: dict[str, Any], change: Change) -> None:
    assert change_of(event, json.dumps(payload).encode()) == change


def mirrored(folder: Path, *ids: int) -> Mirrors:
    mirrors = Mirrors(folder)
    for one in ids:
        (folder / f"{one}.git").mkdir(parents=True)
    return mirrors


def test_a_mirror_ends_with_its_installation(client: httpx.Client, queue: Queue, tmp_path: Path) -> None:
    mirrors = mirrored(tmp_path, 7, 8, 9)
    for one in (7, 8):
        Ledger(queue.connection, one).close(1, [("n_plus_one", "a", Fate.FIXED)])
    answer = deliver(client, "installation", action="deleted", repositories=[{"id": 7}, {"id": 9}])
    assert (answer.status_code, answer.json()) == (200, {"status": "noted"})
    assert purge(queue.connection, mirrors) == 2
    assert sorted(path.name for path in tmp_path.glob("*.git")) == ["8.git"]
    assert [bool(Ledger(queue.connection, one).standings()) for one in (7, 8)] == [False, True]
    assert purge(queue.connection, mirrors) == 0


def test_what_is_given_back_is_kept(client: httpx.Client, queue: Queue, tmp_path: Path) -> None:
    mirrors = mirrored(tmp_path, 7)
    deliver(client, "installation_repositories", action="removed", repositories_removed=[{"id": 7}])
    deliver(client, "installation_repositories", action="added", repositories_added=[{"id": 7}])
    assert purge(queue.connection, mirrors) == 0
    assert (tmp_path / "7.git").exists()


def test_a_mirror_in_use_is_deleted_the_next_time(queue: Queue, tmp_path: Path) -> None:
    mirrors = mirrored(tmp_path, 7)
    queue.connection.zadd("cliffguard:gone", {"7": 9_999_999_999})
    with mirrors.open(7, Source("https://example.org/a")):
        assert purge(queue.connection, mirrors) == 0
    assert purge(queue.connection, mirrors) == 1


def test_without_valkey_the_delivery_is_to_be_sent_again(
    serving: Callable[[FastAPI], AbstractContextManager[httpx.Client]],
) -> None:
    settings = Settings(valkey_url="redis://127.0.0.1:1/0", webhook_secrets=(SecretStr(SECRET),), _env_file=None)  # type: ignore[call-arg]
    with serving(create_app(settings)) as away:
        assert deliver(away, "installation", action="deleted", repositories=[{"id": 7}]).status_code == 503


def test_every_host_looks_by_itself(valkey_url: str, tmp_path: Path) -> None:
    mirrored(tmp_path / "data" / "mirrors", 7)
    with Redis.from_url(valkey_url) as connection:
        connection.zadd("cliffguard:gone", {"7": 9_999_999_999})
    workers = Workers(valkey_url, tmp_path / "out", data_dir=str(tmp_path / "data"))
    try:
        for _ in range(600):
            if not (tmp_path / "data" / "mirrors" / "7.git").exists():
                break
            time.sleep(0.05)
        assert not (tmp_path / "data" / "mirrors" / "7.git").exists()
    finally:
        workers.stop()
