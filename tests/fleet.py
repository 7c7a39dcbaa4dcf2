"""The service as a deployment runs it, against the local GitHub: real processes that can be killed and started again."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

import httpx

from bot.embedded import EmbeddedValkey
from bot.local_github import LocalGitHub
from bot.processes import PARENT

START = 90.0  # seconds a busy machine may take to start the service


class Fleet:
    """Valkey, the local GitHub, the webhook service and a supervisor with workers, on a folder that is empty at first.

    A context manager. `settings` are those of the service, without their prefix. All of it listens where it did before when it
    is started again.
    """

    def __init__(self, folder: Path, settings: Mapping[str, str] | None = None) -> None:
        self.folder, self.log = folder, folder / "service.log"
        self.valkey = EmbeddedValkey(folder / "valkey")
        self.github = LocalGitHub(folder / "github")
        self._settings = dict(settings or {})
        self._processes: dict[str, subprocess.Popen[bytes]] = {}
        self._stack = contextlib.ExitStack()

    def __enter__(self) -> Fleet:
        try:
            self._stack.callback(self.valkey.stop)
            self.valkey.start()
            self._stack.enter_context(self.github)
            with socket.socket() as probe:
                probe.bind(("127.0.0.1", 0))
                self.port = probe.getsockname()[1]
            self.github.webhook_url = f"http://127.0.0.1:{self.port}/webhook"
            self._stack.callback(self._end)
            self.start("bot.app")
            self.start("bot.worker")
            self.wait_until_ready()
        except BaseException:
            self._stack.close()
            raise
        return self

    def __exit__(self, *exc: object) -> None:
        self._stack.close()

    def start(self, module: str) -> None:
        """Starts `bot.app` or `bot.worker`."""
        with self.log.open("ab") as output:
            self._processes[module] = subprocess.Popen(
                [sys.executable, "-m", module], env=self._environment(), cwd=self.folder, stdout=output, stderr=output
            )

    def kill(self, module: str) -> None:
        """SIGKILL, at once; whom it leaves behind is up to the kernel."""
        self._processes[module].kill()
        self._processes[module].wait(20)

    def kill_valkey(self) -> None:
        assert self.valkey._server is not None
        process = self.valkey._server._process
        assert process is not None
        process.kill()
        process.wait(20)

    def start_valkey(self) -> None:
        """On the same folder, with what is written there."""
        self.valkey = EmbeddedValkey(self.folder / "valkey")
        self.valkey.start()
        self._stack.callback(self.valkey.stop)

    @property
    def supervisor(self) -> int:
        return self._processes["bot.worker"].pid

    @property
    def workers(self) -> list[int]:
        return children(self.supervisor)

    @property
    def horses(self) -> list[int]:
        """The processes that do a job: children of the workers."""
        return [horse for worker in self.workers for horse in children(worker)]

    @contextlib.contextmanager
    def paused_workers(self) -> Iterator[None]:
        """No job is begun in the block; what is under way goes on."""
        stopped = self.workers
        for worker in stopped:
            os.kill(worker, signal.SIGSTOP)
        try:
            yield
        finally:
            for worker in stopped:
                os.kill(worker, signal.SIGCONT)

    def wait_until_ready(self) -> None:
        """Until deliveries are accepted and workers wait for jobs."""
        deadline = time.monotonic() + START
        while time.monotonic() < deadline:
            with contextlib.suppress(httpx.HTTPError):
                answer = httpx.get(f"http://127.0.0.1:{self.port}/readyz", trust_env=False)
                if answer.status_code == 200 and self.workers:
                    return
            time.sleep(0.05)
        raise RuntimeError(f"the service does not start:\n{self.log.read_text()[-3000:]}")

    def _end(self) -> None:
        for process in self._processes.values():
            process.terminate()
        for process in self._processes.values():
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(30)

    def _environment(self) -> dict[str, str]:
        app = self.github.app
        settings = {
            "APP_ID": str(app.id),
            "PRIVATE_KEY": app.private_key,
            "WEBHOOK_SECRETS": app.webhook_secret,
            "GITHUB_URL": self.github.url,
            "API_URL": self.github.api_url,
            "VALKEY_URL": self.valkey.url,
            "DATA_DIR": str(self.folder / "data"),
            "PORT": str(self.port),
            "STOP_GRACE": "2",
            **self._settings,
        }
        return {
            **{name: value for name, value in os.environ.items() if not name.startswith("CLIFFGUARD_")},
            **{f"CLIFFGUARD_{name}": value for name, value in settings.items()},
            "PYTHONPATH": str(Path(__file__).parents[1]),
            "NO_PROXY": "127.0.0.1",
            "no_proxy": "127.0.0.1",
            PARENT: str(os.getpid()),
        }


def children(pid: int) -> list[int]:
    with contextlib.suppress(OSError):
        return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    return []


def kill(pid: int) -> bool:
    """SIGKILL; False if it was gone."""
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)
        return True
    return False
