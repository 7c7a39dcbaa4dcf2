"""Workers, as processes: what becomes of each way a job can end, and of jobs whose process is killed."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from bot import queue as queue_module
from bot.jobs import Job
from bot.observe import MEASURES
from bot.queue import Depth, Queue

ROOT = Path(__file__).parents[2]
MakeJob = Callable[..., Job]


class Workers:
    """The worker command of `fake_worker.py` on the test's Valkey."""

    def __init__(self, url: str, out: Path, **settings: str) -> None:
        self.out = out
        self._environment = {
            **os.environ,
            "CLIFFGUARD_VALKEY_URL": url,
            "CLIFFGUARD_LOG_FORMAT": "console",
            "PYTHONPATH": str(ROOT),
        }
        self._environment |= {f"CLIFFGUARD_{name.upper()}": value for name, value in settings.items()}
        self.start()

    def start(self) -> None:
        command = [sys.executable, str(Path(__file__).with_name("fake_worker.py")), str(self.out)]
        log = self.out.with_suffix(".log").open("ab")
        self.process = subprocess.Popen(command, env=self._environment, cwd=self.out.parent, stderr=log, stdout=log)
        log.close()

    def lines(self) -> list[list[str]]:
        return [line.split() for line in self.out.read_text().splitlines()] if self.out.exists() else []

    def until(self, *lines: str, seconds: float = 30.0) -> list[list[str]]:
        """Waits until these lines (without their process ids) were written, and returns all."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            found = self.lines()
            if all(any(f"{one[0]} {one[-1]}" == line for one in found) for line in lines):
                return found
            time.sleep(0.02)
        raise AssertionError(f"{lines} not in {self.lines()}\n{self.out.with_suffix('.log').read_text()}")

    def stop(self, with_signal: signal.Signals = signal.SIGTERM) -> int:
        if self.process.poll() is None:
            self.process.send_signal(with_signal)
        return self.process.wait(40)


@pytest.fixture
def workers(valkey_url: str, tmp_path: Path) -> Iterator[Workers]:
    running = Workers(valkey_url, tmp_path / "runs", stop_grace="5")
    yield running
    running.stop()


def parent_of(pid: int) -> int:
    return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def until(condition: Callable[[], bool], seconds: float = 30.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.02)


def test_each_way_a_job_can_end(workers: Workers, queue: Queue, make_job: MakeJob) -> None:
    for number in (1, 3, 4, 5):
        queue.submit(make_job(number=number))
    workers.until("begin 5", "end 1", "given-up:the_repository_is_too_large 4", "end 3")
    until(lambda: queue.depth() == Depth(0, 0, 0, 0))
    begun = [int(line[-1]) for line in workers.lines() if line[0] == "begin"]
    assert sorted(begun) == [1, 3, 3, 4, 5]
    measured = {name.decode(): float(value) for name, value in queue.connection.hgetall(MEASURES).items()}
    outcomes = {name: value for name, value in measured.items() if name.startswith("jobs|")}
    assert outcomes == {"jobs|done|": 2, "jobs|later|": 1, "jobs|broken|": 1, "jobs|gone|": 1}
    assert measured["findings|n_plus_one|"] == 2
    assert measured["step|fetch|sum"] > 0
    assert 0 < measured["step|queue|sum"] < 120


def test_a_job_that_always_fails_ends_among_the_dead_letters_and_is_concluded(
    workers: Workers, queue: Queue, make_job: MakeJob
) -> None:
    id = queue.submit(make_job(number=6)).id
    for attempt in range(len(queue_module.RETRIES)):
        until(lambda: queue.depth().scheduled == 1)
        assert workers.lines()[-1][0] == "begin"
        (delay,) = [
            score - time.time() for _, score in queue.connection.zrange("rq:scheduled:cliffguard", 0, -1, withscores=True)
        ]
        assert queue_module.RETRIES[attempt] - 3 < delay <= queue_module.RETRIES[attempt] + 1
        queue.connection.zadd("rq:scheduled:cliffguard", {id: 1})
        until(lambda attempt=attempt: len(workers.lines()) > attempt + 1)
    found = workers.until("given-up:the_review_failed_repeatedly_(ValueError:_a_bug) 6")
    assert [line[0] for line in found].count("begin") == len(queue_module.RETRIES) + 1
    (letter,) = queue.dead_letters()
    assert (letter.id, letter.reason) == (id, "ValueError: a bug")
    assert letter.job == make_job(number=6)


def test_the_job_of_a_killed_horse_runs_again(workers: Workers, queue: Queue, make_job: MakeJob) -> None:
    queue.submit(make_job(number=2))
    horse = int(workers.until("begin 2")[0][1])
    os.kill(horse, signal.SIGKILL)
    workers.until("end 2")
    until(lambda: queue.depth() == Depth(0, 0, 0, 0))


@pytest.mark.skipif(sys.platform != "linux", reason="the kernel ends the fork with its parent on Linux only")
def test_the_job_of_a_killed_worker_runs_again_and_its_fork_does_not_go_on(
    workers: Workers, queue: Queue, make_job: MakeJob
) -> None:
    queue.submit(make_job(number=2))
    horse = int(workers.until("begin 2")[0][1])
    start = time.monotonic()
    os.kill(parent_of(horse), signal.SIGKILL)
    until(lambda: not alive(horse))
    found = workers.until("end 2")
    assert time.monotonic() - start < 30
    assert [line[0] for line in found] == ["begin", "begin", "end"]
    until(lambda: queue.depth() == Depth(0, 0, 0, 0))


@pytest.mark.skipif(sys.platform != "linux", reason="the kernel ends children with their parent on Linux only")
def test_the_job_of_a_killed_machine_runs_again(
    workers: Workers, queue: Queue, make_job: MakeJob, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Supervisor, worker and fork die at once; another supervisor takes over when the last sign of life is old enough."""
    queue.submit(make_job(number=2))
    horse = int(workers.until("begin 2")[0][1])
    worker = parent_of(horse)
    workers.process.kill()
    workers.process.wait(10)
    os.kill(worker, signal.SIGKILL)
    until(lambda: not alive(worker) and not alive(horse))
    ((entry, until_when),) = queue.connection.zrange("rq:wip:cliffguard", 0, -1, withscores=True)
    assert until_when - time.time() <= queue_module.HEARTBEAT + 1
    queue.connection.zadd("rq:wip:cliffguard", {entry: time.time() - 1})  # as if that time had passed
    queue.connection.delete("cliffguard:lease:123-2")  # which it has for the lease, too
    workers.start()
    workers.until("end 2")


def test_a_stopped_worker_finishes_its_job(workers: Workers, queue: Queue, make_job: MakeJob) -> None:
    queue.submit(make_job(number=8))
    workers.until("begin 8")
    assert workers.stop() == 0
    workers.until("end 8", seconds=1)
    assert queue.depth() == Depth(0, 0, 0, 0)


def test_a_job_that_does_not_finish_in_time_goes_back_to_the_queue(
    valkey_url: str, tmp_path: Path, queue: Queue, make_job: MakeJob
) -> None:
    impatient = Workers(valkey_url, tmp_path / "runs", stop_grace="0")
    queue.submit(make_job(number=2))
    horse = int(impatient.until("begin 2")[0][1])
    assert impatient.stop(signal.SIGINT) == 0
    assert not alive(horse)
    assert queue.depth() == Depth(queued=0, started=0, scheduled=1, failed=0)
    impatient.start()
    impatient.until("end 2")
    assert impatient.stop() == 0


def test_every_line_of_a_job_names_its_delivery_and_its_pull_request(
    valkey_url: str, tmp_path: Path, queue: Queue, make_job: MakeJob
) -> None:
    working = Workers(valkey_url, tmp_path / "runs", log_format="json")
    job = make_job(number=6, delivery="d-6", reason="pull_request.opened")
    queue.submit(job)
    working.until("begin 6")
    until(lambda: queue.depth().scheduled == 1)
    assert working.stop() == 0
    lines = [json.loads(line) for line in (tmp_path / "runs.log").read_text().splitlines()]
    ours = [line for line in lines if line["logger"] == "bot.worker" and line["event"] in ("the review failed", "job")]
    assert [line["event"] for line in ours] == ["the review failed", "job"]
    for line in ours:
        assert {name: line[name] for name in ("delivery", "repository", "number", "head", "github_event")} == {
            "delivery": "d-6",
            "repository": "octo/shop",
            "number": 6,
            "head": "a" * 40,
            "github_event": "pull_request.opened",
        }
    assert "ValueError: a bug" in ours[0]["exception"]


def test_a_running_supervisor_touches_a_file(valkey_url: str, tmp_path: Path) -> None:
    sign = tmp_path / "alive"
    working = Workers(valkey_url, tmp_path / "runs", alive=str(sign))
    until(sign.exists)
    first = sign.stat().st_mtime_ns
    until(lambda: sign.stat().st_mtime_ns > first, seconds=10)
    assert working.stop() == 0
    last = sign.stat().st_mtime_ns
    time.sleep(1.5)
    assert sign.stat().st_mtime_ns == last


def test_without_a_queue_the_command_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CLIFFGUARD_VALKEY_URL", "redis://:password@127.0.0.1:1/0")
    code = "from bot import worker; worker._await_queue.__defaults__ = (0.1,); raise SystemExit(worker.main())"
    run = subprocess.run([sys.executable, "-c", code], check=False, capture_output=True, text=True, timeout=60, cwd=ROOT)
    assert run.returncode == 1
    assert "Valkey does not answer at redis://127.0.0.1:1/0" in run.stderr
    assert "password" not in run.stderr
