"""The service as a deployment runs it, against the local GitHub, and a look at its processes."""

import contextlib
import json
import os
import re
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from bot.local_github import LocalGitHub, PullRequest
from bot.queue import Queue
from bot.valkey import connect
from tests.fleet import Fleet, children

NOTICE = re.compile(r"POST .*/(?:pulls/\d+/reviews|(?:issues|pulls)/\d+/comments)")
WAIT = 300.0  # seconds for one review, on a busy machine
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

    @property
    def notices(self) -> int:
        """Writes that people are notified of."""
        return sum(bool(NOTICE.fullmatch(call)) for call in self.calls)


@dataclass
class Service:
    """A running service. `peak` is the most memory (bytes, resident) that any worker process had so far."""

    fleet: Fleet
    peak: int = 0
    _sent: float = 0.0
    _cpu: dict[int, float] = field(default_factory=dict)

    @property
    def github(self) -> LocalGitHub:
        return self.fleet.github

    @property
    def log(self) -> Path:
        return self.fleet.log

    def settle(self) -> None:
        """Waits until nothing is left to do: the first sweep, and what a review asks for besides."""
        deadline = time.perf_counter() + WAIT
        with connect(self.fleet.valkey.url) as connection:
            queue = Queue(connection)
            while time.perf_counter() < deadline:
                depth = queue.depth()
                if not (depth.queued or depth.started or depth.scheduled) and '"swept"' in self.log.read_text():
                    return
                time.sleep(POLL)
        raise SystemExit(f"the queue does not become empty:\n{self.log.read_text()[-3000:]}")

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
        calls = [f"{entry['method']} {entry['path']}" for entry in self.github.log[calls_before:]]
        steps = self._steps(pull.head_sha)
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
        for worker in self.fleet.workers:
            self.peak = max(self.peak, peak_memory(worker))
            for horse in children(worker):
                self.peak = max(self.peak, peak_memory(horse))
                self._cpu[horse] = max(self._cpu.get(horse, 0.0), processor_seconds(horse))


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
def running(folder: Path, **settings: str) -> Iterator[Service]:
    """The service with one worker, unless `settings` (without their prefix) say otherwise, when its first sweep is over."""
    with Fleet(folder, settings) as fleet:
        service = Service(fleet)
        service.settle()
        yield service
