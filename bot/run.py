"""`cliffguard run`: the whole service on this machine, with one command.

With a GitHub App configured it starts Valkey (unless one is given), the webhook service and the workers. Without one it starts
a GitHub of its own as well, opens a pull request there, the sample's or one of a repository at hand, waits for its review and
shows it. The parts are the real ones, as child processes with settings by environment; only GitHub is local.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import IO

import httpx
from rich.console import Console

from bot.embedded import EmbeddedValkey, end_left_behind
from bot.errors import Broken
from bot.local_github import LocalGitHub, PullRequest, Repository
from bot.local_github import sample as sample_repository
from bot.local_github.git import GitError
from bot.processes import PARENT
from bot.queue import Queue
from bot.reading import Outcome, outcome_of, tell
from bot.settings import Settings
from bot.valkey import connect

START_SECONDS = 60.0
REVIEW_SECONDS = 300.0
DEFAULT_PORT = 8321
STOP_GRACE = 3  # seconds a job may go on after Ctrl-C
EXPECTED = (
    ("an N+1 query in Python", "n_plus_one", (".py",)),
    ("an N+1 query in a template", "n_plus_one", (".html", ".twig")),
    ("an N+1 query in PHP", "n_plus_one", (".php",)),
    ("a missing index", "missing_index", ()),
)


@dataclass(frozen=True)
class Child:
    """A part of the service, running, and the file of its log."""

    name: str
    process: subprocess.Popen[bytes]
    log: Path

    def last_lines(self, count: int = 15) -> str:
        lines = self.log.read_text(errors="replace").splitlines()[-count:]
        return "\n".join(line if len(line) < 400 else f"{line[:400]}…" for line in lines)


def run(
    repo: Path | None = None,
    base: str | None = None,
    head: str | None = None,
    once: bool = False,
    port: int = 0,
    settings: Settings | None = None,
) -> int:
    """Runs until Ctrl-C, or, with `once`, until the review is there. Returns the exit status.

    `repo`, `base`, `head`: the pull request to open on the local GitHub, instead of the sample. The repository is only read.
    `port`: where the page of the local GitHub is shown; with an App configured, where deliveries are received.
    """
    settings = settings or Settings()  # type: ignore[call-arg]
    console = Console(highlight=False, width=None if sys.stdout.isatty() else 110)
    with _stoppable(), contextlib.ExitStack() as stack:
        try:
            folder = stack.enter_context(_folder(once))
            if settings.app_id is not None and settings.private_key is not None:
                if repo is not None:
                    raise Broken("a GitHub App is configured: `cliffguard run --repo` is for the local GitHub")
                return _serve_app(console, stack, folder, settings, port)
            return _review_locally(console, stack, folder, _Wish(repo, base, head, once, port))
        except Broken as broken:
            print(f"cliffguard run: {broken.reason}", file=sys.stderr)
            return 1
        except KeyboardInterrupt:
            console.print("\nStopping.")
            return 130 if once else 0
        finally:
            for number in (signal.SIGINT, signal.SIGTERM):
                signal.signal(number, signal.SIG_IGN)  # the end is bounded: let it be orderly


@dataclass(frozen=True)
class _Wish:
    repo: Path | None
    base: str | None
    head: str | None
    once: bool
    port: int


@contextlib.contextmanager
def _stoppable() -> Iterator[None]:
    """SIGTERM ends us as Ctrl-C does."""

    def stop(number: int, frame: FrameType | None) -> None:
        del number, frame
        raise KeyboardInterrupt

    before = {number: signal.signal(number, stop) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextlib.contextmanager
def _folder(once: bool) -> Iterator[Path]:
    """Where the state is kept: `.cliffguard` here, for us alone, or a temporary folder."""
    if once:
        with tempfile.TemporaryDirectory(prefix="cliffguard-", ignore_cleanup_errors=True) as name:
            yield Path(name)
        return
    folder = Path(".cliffguard").resolve()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = (folder / "run.lock").open("w")
    except OSError as error:
        raise Broken(f"{folder} cannot be written: {error.strerror}") from error
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise Broken(f"another `cliffguard run` uses {folder}: stop it first, or add --once") from error
        yield folder


def _serve_app(console: Console, stack: contextlib.ExitStack, folder: Path, settings: Settings, port: int) -> int:
    """The service of a configured App, until Ctrl-C."""
    environment = {}
    if "valkey_url" not in settings.model_fields_set:
        environment["CLIFFGUARD_VALKEY_URL"] = _start_valkey(console, stack, folder).url
    port = settings.port if port in (0, DEFAULT_PORT) else port
    environment |= {"CLIFFGUARD_PORT": str(port), "CLIFFGUARD_HOST": settings.host}
    children = _start_service(console, stack, folder, environment, f"http://{settings.host}:{port}")
    console.print(f"Ready for the deliveries of App {settings.app_id}. Ctrl-C ends it.")
    return _attend(children)


def _review_locally(console: Console, stack: contextlib.ExitStack, folder: Path, wish: _Wish) -> int:
    """The whole path on this machine: a pull request on the local GitHub, and its review."""
    valkey = _start_valkey(console, stack, folder)
    with connect(valkey.url) as connection:
        Queue(connection).forget()  # of a GitHub that ended with its process
    root = stack.enter_context(tempfile.TemporaryDirectory(dir=folder, prefix="github-", ignore_cleanup_errors=True))
    github = stack.enter_context(LocalGitHub(Path(root), _port(wish.port)))
    console.print(f"Local GitHub on {github.url}")
    repository = _repository(github, wish.repo, wish.base, wish.head) if wish.repo else None
    service = _port()
    github.webhook_url = f"http://127.0.0.1:{service}/webhook"
    children = _start_service(
        console, stack, folder, _environment(github, valkey, folder, service, wish), f"http://127.0.0.1:{service}"
    )
    pull = github.open_pull(repository, "change") if repository else sample_repository.publish(github)
    console.print(f"Opened {pull.repository.full_name}#{pull.number}: {pull.title}", markup=False)
    outcome = _follow(console, github, pull, children)
    tell(console, pull, outcome)
    console.print()
    problem = _problem(outcome, sample=wish.repo is None)
    address = f"{github.url}/{pull.repository.full_name}/pull/{pull.number}"
    if wish.once:
        if problem:
            raise Broken(f"the review is not as expected: {problem}")
        return 0
    if problem:
        console.print(f"The review is not as expected: {problem}", style="bold yellow", markup=False)
    console.print(f"As on GitHub: [bold]{address}[/]\nCtrl-C ends everything.")
    return _attend(children)


def _environment(github: LocalGitHub, valkey: EmbeddedValkey, folder: Path, port: int, wish: _Wish) -> dict[str, str]:
    source = re.sub(r"\W+", "-", str(wish.repo.resolve())).strip("-") if wish.repo else "sample"
    return {
        "CLIFFGUARD_APP_ID": str(github.app.id),
        "CLIFFGUARD_PRIVATE_KEY": github.app.private_key,
        "CLIFFGUARD_WEBHOOK_SECRETS": github.app.webhook_secret,
        "CLIFFGUARD_GITHUB_URL": github.url,
        "CLIFFGUARD_API_URL": github.api_url,
        "CLIFFGUARD_VALKEY_URL": valkey.url,
        "CLIFFGUARD_DATA_DIR": str(folder / "local" / source[-100:]),
        "CLIFFGUARD_HOST": "127.0.0.1",
        "CLIFFGUARD_PORT": str(port),
        "CLIFFGUARD_WORKERS": "1",
        "CLIFFGUARD_STOP_GRACE": str(STOP_GRACE),
        "CLIFFGUARD_LOG_FORMAT": "console",
        "NO_PROXY": "127.0.0.1",
        "no_proxy": "127.0.0.1",
    }


def _start_valkey(console: Console, stack: contextlib.ExitStack, folder: Path) -> EmbeddedValkey:
    if end_left_behind(folder / "valkey"):
        console.print("Ended a Valkey that an earlier run left behind.")
    valkey = stack.enter_context(EmbeddedValkey(folder / "valkey"))
    console.print(f"Valkey in {valkey.folder}", markup=False)
    return valkey


def _start_service(
    console: Console, stack: contextlib.ExitStack, folder: Path, environment: dict[str, str], url: str
) -> list[Child]:
    """The webhook service and the workers, as the commands of a deployment, ready when this returns."""
    logs = folder / "logs"
    logs.mkdir(exist_ok=True)
    children: list[Child] = []
    stack.callback(_end, children)  # the last one started is the first one ended
    for name, module in (("webhook service", "bot.app"), ("workers", "bot.worker")):
        path = logs / f"{module.removeprefix('bot.')}.log"
        with path.open("wb") as log:
            children.append(Child(name, _start(module, environment, log), path))
    _await_ready(children, url)
    console.print(f"Webhook service on {url}, workers started; logs in {logs}", markup=False)
    return children


def _start(module: str, environment: dict[str, str], log: IO[bytes]) -> subprocess.Popen[bytes]:
    """In a session of its own, so that Ctrl-C reaches only us, and ended by the kernel if we are killed."""
    inherited = {name: value for name, value in os.environ.items() if name != "PYTHONHASHSEED"}
    return subprocess.Popen(
        [sys.executable, "-m", module],
        env={**inherited, **environment, PARENT: str(os.getpid())},
        stdin=subprocess.DEVNULL,
        stdout=log,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )


def _await_ready(children: list[Child], url: str) -> None:
    deadline = time.monotonic() + START_SECONDS
    with httpx.Client(trust_env=False, timeout=5) as client:
        while True:
            _check(children)
            with contextlib.suppress(httpx.HTTPError):
                if client.get(f"{url}/readyz").status_code == 200:
                    return
            if time.monotonic() > deadline:
                raise Broken(f"the webhook service does not answer on {url}\n{children[0].last_lines()}")
            time.sleep(0.05)


def _check(children: list[Child]) -> None:
    """Raises `Broken` if one has ended."""
    for child in children:
        if (status := child.process.poll()) is not None:
            raise Broken(f"the {child.name} ended with status {status}:\n{child.last_lines()}")


def _attend(children: list[Child]) -> int:
    """Until Ctrl-C, or until a part ends, which is an error."""
    while True:
        _check(children)
        time.sleep(0.5)


def _end(children: list[Child]) -> None:
    """Ends every child with what it started; by force if need be."""
    for child in reversed(children):
        if child.process.poll() is None:
            child.process.terminate()
    deadline = time.monotonic() + STOP_GRACE + 8
    for child in reversed(children):
        try:
            child.process.wait(max(0.1, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(child.process.pid, signal.SIGKILL)
            child.process.wait(5)


def _port(wished: int = 0) -> int:
    """The port wished for, or a free one if it is taken and was nobody's choice."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", wished))
        except OSError as error:
            if wished == DEFAULT_PORT:
                return _port()
            raise Broken(f"port {wished} cannot be used: {error.strerror}") from error
        return int(probe.getsockname()[1])


def _repository(github: LocalGitHub, repo: Path, base: str | None, head: str | None) -> Repository:
    """A repository on the local GitHub with the commits wished for as its branches `main` and `change`."""
    name = re.sub(r"[^A-Za-z0-9._-]+", "-", repo.resolve().name.removesuffix(".git")).strip(".-") or "repository"
    try:
        branches = {"main": base or _default_branch(repo), "change": head or "HEAD"}
        made = github.create_repository(f"local/{name}", repo, branches=branches)
        if made.git.merge_base("refs/heads/main", "refs/heads/change") is None:
            raise ValueError("base and head have no common history")
    except (ValueError, OSError, RuntimeError, GitError, subprocess.SubprocessError) as error:
        raise Broken(f"no pull request can be made of {repo}: {error}") from error
    return made


def _default_branch(repo: Path) -> str:
    """The branch a pull request of this repository would go into."""
    for ref in ("refs/remotes/origin/HEAD", "refs/heads/main", "refs/heads/master"):
        command = ["git", "-C", str(repo), "rev-parse", "--verify", "--quiet", f"{ref}^{{commit}}"]
        found = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
        if found.returncode == 0:
            return found.stdout.strip()
    raise ValueError("its default branch is not known: say --base REV")


def _follow(console: Console, github: LocalGitHub, pull: PullRequest, children: list[Child]) -> Outcome:
    """Waits for the review and says how it goes on."""
    start, said = time.monotonic(), ""

    def say(line: str) -> None:
        nonlocal said
        if line and line != said:
            console.print(f"  {time.monotonic() - start:5.1f} s  {line}", markup=False)
            said = line

    while time.monotonic() < start + REVIEW_SECONDS:
        if (outcome := outcome_of(github, pull)) is not None:
            say(f"check run completed: {outcome.check.conclusion}")
            return outcome
        say(_progress(github, pull))
        _check(children)
        time.sleep(0.05)
    raise Broken(f"no review within {REVIEW_SECONDS:.0f} s\n" + "\n".join(child.last_lines() for child in children))


def _progress(github: LocalGitHub, pull: PullRequest) -> str:
    runs = github.check_runs(pull.repository, pull.head_sha, "cliffguard")
    if runs:
        return f"check run {runs[-1].status.replace('_', ' ')}: {runs[-1].output.get('title') or ''}".rstrip(": ")
    for delivery in github.deliveries:
        if delivery.event == "pull_request" and delivery.status != "pending":
            return f"webhook pull_request.{delivery.action}: {delivery.status_code or delivery.status}"
    return ""


def _problem(outcome: Outcome, *, sample: bool) -> str:
    """Why the review is not what it has to be; empty if it is."""
    title = outcome.check.output.get("title") or "no reason given"
    if outcome.check.conclusion not in ("success", "failure"):
        return f"the check run says {outcome.check.conclusion}: {title}"
    if not sample:
        return ""
    missing = [name for name, rule, suffixes in EXPECTED if not outcome.tells(rule, suffixes)]
    if not outcome.suggestions:
        missing.append("a suggestion")
    return f"it lacks {', '.join(missing)}" if missing else ""
