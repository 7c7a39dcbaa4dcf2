"""The service as a deployment runs it, against the local GitHub, and a look at its processes."""

import contextlib
import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import httpx

from bot.embedded import EmbeddedValkey
from bot.local_github import LocalGitHub, PullRequest
from bot.processes import PARENT

WAIT = 90.0  # seconds for one review
POLL = 0.01


@dataclass
class Reviewed:
    """One review: wall seconds from the webhook's sending to the completed check, processor seconds of the job's processes, the
    steps' wall seconds as the worker logs them, requests to GitHub, comments posted."""

    wall: float
    cpu: float
    steps: dict[str, float]
    calls: list[str]
    comments: int


@dataclass
class Service:
    """A running service. `peak` is the most memory (bytes, resident) that any worker process had so far."""

    github: LocalGitHub
    workers: int
    log: Path
    peak: int = 0
    _sent: float = 0.0
    _cpu: dict[int, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        send = self.github.webhooks.send

        def timed(*arguments, **more):  # type: ignore[no-untyped-def]
            self._sent = time.perf_counter()
            return send(*arguments, **more)

        self.github.webhooks.send = timed  # type: ignore[method-assign]

    def follow(self, pull: PullRequest, calls_before: int, comments_before: int) -> Reviewed:
        """Waits for the review of the pull request's newest head."""
        deadline = time.perf_counter() + WAIT
        self._cpu.clear()
        while not self._completed(pull):
            self._look()
            if time.perf_counter() > deadline:
                raise SystemExit(f"no review within {WAIT:.0f} s:\n{self.log.read_text()[-3000:]}")
            time.sleep(POLL)
        wall = time.perf_counter() - self._sent
        steps = self._steps(pull.head_sha)
        calls = [f"{entry['method']} {entry['path']}" for entry in self.github.log[calls_before:]]
        return Reviewed(wall, sum(self._cpu.values()), steps, calls, len(pull.review_comments) - comments_before)

    def _completed(self, pull: PullRequest) -> bool:
        runs = self.github.check_runs(pull.repository, pull.head_sha, "cliffguard")
        if not runs or runs[-1].status != "completed":
            return False
        if runs[-1].conclusion not in ("success", "failure"):
            raise SystemExit(f"the review ended with {runs[-1].conclusion}: {runs[-1].output}")
        return True

    def _steps(self, head: str) -> dict[str, float]:
        """From the worker's log, where the job's line comes just after the check run's completion."""
        for _ in range(400):
            self._look()
            for line in self.log.read_text().splitlines():
                if head in line and '"seconds"' in line:
                    return dict(json.loads(line)["seconds"])
            time.sleep(POLL)
        raise SystemExit(f"the worker logged no steps:\n{self.log.read_text()[-3000:]}")

    def _look(self) -> None:
        """Notes memory of all worker processes, and processor time of those that do the job: the workers' children."""
        for worker in children(self.workers):
            self.peak = max(self.peak, peak_memory(worker))
            for horse in children(worker):
                self.peak = max(self.peak, peak_memory(horse))
                self._cpu[horse] = max(self._cpu.get(horse, 0.0), processor_seconds(horse))


def children(pid: int) -> list[int]:
    with contextlib.suppress(OSError):
        return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    return []


def peak_memory(pid: int) -> int:
    """Bytes; 0 for a process that is gone."""
    with contextlib.suppress(OSError):
        for line in Path(f"/proc/{pid}/status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
    return 0


def processor_seconds(pid: int) -> float:
    """Of the process, its threads and the children it has waited for, such as git."""
    with contextlib.suppress(OSError):
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        return sum(map(int, fields[11:15])) / os.sysconf("SC_CLK_TCK")
    return 0.0


@contextlib.contextmanager
def running(folder: Path) -> Iterator[Service]:
    """Valkey, the local GitHub, the webhook service and one worker, on a data folder that is empty at first."""
    with contextlib.ExitStack() as stack:
        valkey = stack.enter_context(EmbeddedValkey(folder / "valkey"))
        github = stack.enter_context(LocalGitHub(folder / "github"))
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        github.webhook_url = f"http://127.0.0.1:{port}/webhook"
        settings = {
            "APP_ID": str(github.app.id),
            "PRIVATE_KEY": github.app.private_key,
            "WEBHOOK_SECRETS": github.app.webhook_secret,
            "GITHUB_URL": github.url,
            "API_URL": github.api_url,
            "VALKEY_URL": valkey.url,
            "DATA_DIR": str(folder / "data"),
            "PORT": str(port),
            "STOP_GRACE": "2",
        }
        environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith("CLIFFGUARD_")},
            **{f"CLIFFGUARD_{name}": value for name, value in settings.items()},
            "NO_PROXY": "127.0.0.1",
            "no_proxy": "127.0.0.1",
            PARENT: str(os.getpid()),
        }
        log = folder / "service.log"
        with log.open("ab") as output:
            processes = []
            for module in ("bot.app", "bot.worker"):
                command = [sys.executable, "-m", module]
                process = subprocess.Popen(command, env=environment, stdout=output, stderr=output)
                processes.append(process)
                stack.callback(process.wait, 20)
                stack.callback(process.terminate)
        _await(f"http://127.0.0.1:{port}/readyz", processes[1].pid, log)
        yield Service(github, processes[1].pid, log)


def _await(url: str, supervisor: int, log: Path) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        with contextlib.suppress(httpx.HTTPError):
            if httpx.get(url, trust_env=False).status_code == 200 and children(supervisor):
                return
        time.sleep(0.05)
    raise SystemExit(f"the service does not start:\n{log.read_text()[-3000:]}")
