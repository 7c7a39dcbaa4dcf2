"""`cliffguard run`, as its user starts it: in a folder of his own, with everything real but GitHub."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest

from bot.embedded import EmbeddedValkey
from bot.local_github import LocalGitHub, sample
from bot.processes import PARENT
from bot.queue import Queue
from bot.valkey import connect

ROOT = Path(__file__).parents[2]
RUN = "import sys; from bot.cli import main; sys.argv = ['cliffguard', *sys.argv[1:]]; main()"
MODELS = """from django.db import models


class Author(models.Model):
    name = models.CharField(max_length=100)


class Book(models.Model):
    title = models.CharField(max_length=100)
    author = models.ForeignKey(Author, on_delete=models.CASCADE)
"""
VIEW = """from .models import Book


def names():
    return [book.author.name for book in Book.objects.all()]
"""


def start(folder: Path, *arguments: str, **environment: str) -> subprocess.Popen[str]:
    clean = {name: value for name, value in os.environ.items() if not name.startswith("CLIFFGUARD_")}
    return subprocess.Popen(
        [sys.executable, "-c", RUN, "run", *arguments],
        cwd=folder,
        env={**clean, "HOME": str(folder), "PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1", **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def finished(folder: Path, *arguments: str, **environment: str) -> tuple[int, str]:
    process = start(folder, *arguments, **environment)
    said, _ = process.communicate(timeout=110)
    return process.returncode, said


def children_of(pid: int) -> set[int]:
    """The living descendants of `pid`, and everything started on its behalf."""
    parents: dict[int, int] = {}
    marked: set[int] = set()
    for entry in Path("/proc").iterdir():
        with contextlib.suppress(OSError, ValueError):
            number = int(entry.name)
            state, parent = (entry / "stat").read_text().rpartition(")")[2].split()[:2]
            if state != "Z":
                parents[number] = int(parent)
                if f"{PARENT}={pid}".encode() in (entry / "environ").read_bytes().split(b"\0"):
                    marked.add(number)
    found = {pid} | marked
    while more := {child for child, parent in parents.items() if parent in found} - found:
        found |= more
    return found - {pid}


def until(condition: Callable[[], object], seconds: float = 60.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.05)


@pytest.mark.timeout(150)
def test_the_sample_is_reviewed_as_expected_and_nothing_is_left_behind(tmp_path: Path) -> None:
    status, said = finished(tmp_path, "--once")
    assert status == 0, said
    assert "check cliffguard: failure" in said
    assert re.search(r"^shop/exports\.py:\d+", said, re.MULTILINE)
    assert re.search(r"^invoicing/src/\S+\.php:\d+", said, re.MULTILINE)
    assert "Suggested change:" in said
    assert "<!--" not in said
    assert list(tmp_path.iterdir()) == []


def read_until(process: subprocess.Popen[str], pattern: str) -> re.Match[str]:
    assert process.stdout
    said = ""
    for line in process.stdout:
        said += line
        if found := re.search(pattern, line):
            return found
    raise AssertionError(said)


@pytest.mark.timeout(200)
@pytest.mark.skipif(sys.platform != "linux", reason="looks for processes in /proc")
def test_it_stays_until_it_is_interrupted_and_survives_its_own_death(tmp_path: Path) -> None:
    first = start(tmp_path)
    page = read_until(first, r"As on GitHub: (http\S+)")[1]
    assert "n_plus_one" in httpx.get(page, trust_env=False, timeout=60).text
    (record,) = (tmp_path / ".cliffguard").glob("github-*/log.jsonl")
    assert "/reviews" in shutil.copy(record, tmp_path / "log.jsonl").read_text()  # for the contract check, which comes last
    running = children_of(first.pid)
    assert len(running) >= 4, "Valkey, service, supervisor, worker"

    status, said = finished(tmp_path)
    assert status == 1
    assert "another `cliffguard run` uses" in said

    first.kill()
    first.wait(10)
    until(lambda: len(alive(running)) <= 1, seconds=30)  # Valkey is not ours to mark: the next start ends it

    second = start(tmp_path)
    read_until(second, r"Ended a Valkey that an earlier run left behind")
    read_until(second, r"As on GitHub: (http\S+)")
    running |= children_of(second.pid)
    second.send_signal(signal.SIGINT)
    assert second.stdout
    said = second.stdout.read()
    assert second.wait(40) == 0, said
    until(lambda: not alive(running), seconds=10)
    assert (tmp_path / ".cliffguard" / "valkey").is_dir()
    for process in (first, second):
        assert process.stdout
        process.stdout.close()


def alive(pids: set[int]) -> set[int]:
    living = set()
    for pid in pids:
        with contextlib.suppress(OSError):
            if Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z":
                living.add(pid)
    return living


def git(folder: Path, *arguments: str) -> str:
    who = {"GIT_AUTHOR_NAME": "a", "GIT_AUTHOR_EMAIL": "a@example.org", "GIT_COMMITTER_NAME": "a"}
    environment = {**os.environ, **who, "GIT_COMMITTER_EMAIL": "a@example.org", "GIT_CONFIG_GLOBAL": os.devnull}
    run = subprocess.run(["git", "-C", str(folder), *arguments], env=environment, capture_output=True, text=True, check=True)
    return run.stdout.strip()


@pytest.fixture
def own(tmp_path: Path) -> Path:
    """A repository of somebody, with one commit on a branch that reads each book's author by a query of its own."""
    folder = tmp_path / "my books"
    (folder / "library").mkdir(parents=True)
    git(folder, "init", "--quiet", "--initial-branch=main")
    (folder / "library" / "models.py").write_text(MODELS)
    (folder / "library" / "__init__.py").write_text("")
    git(folder, "add", ".")
    git(folder, "commit", "--quiet", "-m", "Start")
    git(folder, "switch", "--quiet", "-c", "names")
    (folder / "library" / "names.py").write_text(VIEW)
    git(folder, "add", ".")
    git(folder, "commit", "--quiet", "-m", "List names")
    return folder


@pytest.mark.timeout(150)
def test_an_own_repository_is_reviewed_and_only_read(tmp_path: Path, own: Path) -> None:
    before = {path: path.read_bytes() for path in own.rglob("*") if path.is_file()}
    status, said = finished(tmp_path, "--once", "--repo", str(own), "--base", "main", "--head", "names")
    assert status == 0, said
    assert "library/names.py:5" in said
    assert "n_plus_one" in said
    assert {path: path.read_bytes() for path in own.rglob("*") if path.is_file()} == before


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["--repo", "nowhere"], "nowhere"),
        (["--repo", "{own}", "--base", "no-such-branch"], "no-such-branch"),
        (["--repo", "{own}", "--head", "no-such-commit"], "no-such-commit"),
    ],
)
def test_what_cannot_be_reviewed_is_said_in_one_line(tmp_path: Path, own: Path, arguments: list[str], reason: str) -> None:
    status, said = finished(tmp_path, "--once", *(argument.format(own=own) for argument in arguments))
    assert status in (1, 2)
    last = said.strip().splitlines()[-1]
    assert reason in last, said
    assert "Traceback" not in said


def test_a_taken_port_is_an_error_that_names_it(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        status, said = finished(tmp_path, "--once", "--port", str(port))
    assert status == 1
    assert f"port {port}" in said


def test_a_configured_app_is_served_without_the_local_github(tmp_path: Path) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    process = start(
        tmp_path,
        CLIFFGUARD_APP_ID="7",
        CLIFFGUARD_PRIVATE_KEY="a key",
        CLIFFGUARD_WEBHOOK_SECRETS="secret",
        CLIFFGUARD_PORT=str(port),
    )
    read_until(process, r"Ready for the deliveries of App 7")
    assert httpx.post(f"http://127.0.0.1:{port}/webhook", trust_env=False).status_code == 401
    assert (tmp_path / ".cliffguard" / "valkey" / "appendonlydir").is_dir()
    process.terminate()
    said, _ = process.communicate(timeout=40)
    assert process.returncode == 0
    assert "local GitHub" not in said


# -- a process dies in the middle of a review


@pytest.fixture
def service(tmp_path: Path) -> Iterator[tuple[LocalGitHub, Queue, subprocess.Popen[bytes]]]:
    """The local GitHub, the queue, and the workers of a service that receives its deliveries."""
    with contextlib.ExitStack() as stack:
        valkey = stack.enter_context(EmbeddedValkey(tmp_path / "valkey"))
        github = stack.enter_context(LocalGitHub(tmp_path / "github"))
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        github.webhook_url = f"http://127.0.0.1:{port}/webhook"
        environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith("CLIFFGUARD_")},
            "PYTHONPATH": str(ROOT),
            "CLIFFGUARD_APP_ID": str(github.app.id),
            "CLIFFGUARD_PRIVATE_KEY": github.app.private_key,
            "CLIFFGUARD_WEBHOOK_SECRETS": github.app.webhook_secret,
            "CLIFFGUARD_GITHUB_URL": github.url,
            "CLIFFGUARD_API_URL": github.api_url,
            "CLIFFGUARD_VALKEY_URL": valkey.url,
            "CLIFFGUARD_DATA_DIR": str(tmp_path / "data"),
            "CLIFFGUARD_PORT": str(port),
            "CLIFFGUARD_STOP_GRACE": "2",
        }
        log = stack.enter_context((tmp_path / "service.log").open("ab"))
        processes = []
        for module in ("bot.app", "bot.worker"):
            command = [sys.executable, "-m", module]
            process = subprocess.Popen(command, env=environment, cwd=tmp_path, stdout=log, stderr=log)
            processes.append(process)
            stack.callback(process.wait, 20)
            stack.callback(process.terminate)
        connection = stack.enter_context(connect(valkey.url))

        def answers() -> bool:
            with contextlib.suppress(httpx.HTTPError):
                return httpx.get(f"http://127.0.0.1:{port}/readyz", trust_env=False).status_code == 200
            return False

        until(answers)
        yield github, Queue(connection), processes[1]


def horse_of(supervisor: int) -> int | None:
    """The process that does the job: a child of a worker."""
    workers = {pid for pid in children_of(supervisor) if parent(pid) == supervisor}
    return next((pid for pid in children_of(supervisor) if parent(pid) in workers), None)


def parent(pid: int) -> int:
    with contextlib.suppress(OSError):
        return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
    return 0


@pytest.mark.timeout(200)
@pytest.mark.skipif(sys.platform != "linux", reason="looks for processes in /proc")
@pytest.mark.parametrize("at", [r"/pulls/\d+/reviews$", r"/check-runs/\d+$"])
@pytest.mark.parametrize("whole_worker", [False, True])
def test_a_kill_in_the_middle_ends_in_one_review_and_one_completed_check(
    service: tuple[LocalGitHub, Queue, subprocess.Popen[bytes]], at: str, whole_worker: bool
) -> None:
    github, queue, workers = service
    github.faults.slow(3.0, at, method="POST|PATCH")
    pull = sample.publish(github)
    until(lambda: not github.faults.armed)  # the request is there, its answer is not
    horse = horse_of(workers.pid)
    assert horse is not None
    os.kill(parent(horse) if whole_worker else horse, signal.SIGKILL)

    def completed() -> bool:
        runs = github.check_runs(pull.repository, pull.head_sha)
        return bool(runs) and all(run.status == "completed" for run in runs)

    until(lambda: queue.depth().queued == queue.depth().started == queue.depth().scheduled == 0 and completed(), 90)
    (run,) = github.check_runs(pull.repository, pull.head_sha)
    assert run.conclusion == "failure"
    (review,) = pull.reviews
    bodies = [comment.body for comment in pull.review_comments]
    assert len(bodies) == len(set(bodies)) > 3
    assert review.state == "COMMENTED"
