"""A stage for reviews: a local GitHub with a repository, and a process that reviews, whose analysis finds a problem named X in
every line `BAD X`, and in every line `LATER X` where there is a file `CAUSE`. Its fixtures are in `conftest.py`."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import analyzers
from analyzers import Analysis, BlobReader, FactStore, Finding, Place, Review, Revision, Severity, Span
from bot import review
from bot.context import Context
from bot.errors import Later
from bot.github import GitHub
from bot.jobs import Job, Work
from bot.local_github import LocalGitHub, PullRequest, Repository
from bot.local_github.state import timestamp
from bot.queue import NAME, Queue

CAUSE = "cause.py"


class Killed(BaseException):
    """What SIGKILL would do: nothing after it runs."""


def findings(revision: Revision, blobs: BlobReader) -> dict[str, Finding]:
    found = {}
    texts = dict(blobs.read(revision.files.values()))
    for path, blob in sorted(revision.files.items()):
        for number, line in enumerate(texts.get(blob, b"").decode().splitlines(), 1):
            match = re.fullmatch(r"(BAD|LATER) (\w+)(?: (\w+))?", line)
            if match is not None and (match[1] == "BAD" or CAUSE in revision.files):
                place = Place(path, Span(number, 1, number, len(line) + 1))
                severity = Severity(match[3] or "high")
                found[match[2]] = Finding(
                    "n_plus_one", match[2], f"Title {match[2]}", "Message.", "", "Remedy.", "", "", place, severity=severity
                )
    return found


def compare(
    base: Revision,
    head: Revision,
    blobs: BlobReader,
    *,
    store: FactStore,
    settings: analyzers.Settings,
    linter: analyzers.Linter,
    reader: analyzers.Reader | None,
) -> Analysis:
    old, new = findings(base, blobs), findings(head, blobs)
    added = tuple(analyzers.listed(finding, settings) for name, finding in new.items() if name not in old)
    kept = tuple(finding for name, finding in new.items() if name in old)
    return Analysis(Review(new=added, kept=kept), head, {}, blobs, settings)


class Memory(dict[str, Any]):
    """The few commands of Valkey that are used; `get` is that of a dictionary."""

    def incr(self, key: str) -> int:
        self[key] = self.get(key, 0) + 1
        return self[key]

    def set(self, key: str, value: Any, ex: int = 0, px: int = 0) -> None:
        """Nothing ends by itself; what would end within an hour is not kept."""
        if not px:
            self[key] = value

    def pttl(self, key: str) -> int:
        return -2

    def delete(self, key: str) -> None:
        self.pop(key, None)

    def hset(self, key: str, mapping: dict[str, bytes]) -> None:
        self.setdefault(key, {}).update(mapping)

    def hdel(self, key: str, *names: str) -> None:
        for name in names:
            self[key].pop(name)

    def hgetall(self, key: str) -> dict[str, bytes]:
        return dict(self.get(key, {}))

    def hkeys(self, key: str) -> list[str]:
        return list(self.get(key, {}))

    def expire(self, key: str, seconds: int) -> None:
        pass


@dataclass
class Coordination:
    """The queue of one process: `newest` is the only current job, if set."""

    connection: Memory = field(default_factory=Memory)
    newest: str | None = None
    lost: bool = False
    leased: list[str] = field(default_factory=list)
    submitted: list[Job] = field(default_factory=list)
    reports: list[Job] = field(default_factory=list)  # of the default branch, which the first review asks for

    def submit(self, job: Job) -> None:
        (self.reports if job.work is Work.READINESS else self.submitted).append(job)

    def current(self, job: Job) -> bool:
        return self.newest in (None, job.head)

    @contextmanager
    def lease(self, subject: str) -> Iterator[Coordination]:
        self.leased.append(subject)
        yield self

    def check(self) -> None:
        if self.lost:
            raise Later("the lease is lost")


@dataclass
class Stage:
    """A local GitHub with a repository, and a process that reviews."""

    hub: LocalGitHub
    work: Path
    context: Context
    before: int
    queue: Coordination = field(default_factory=Coordination)
    repository: Repository = field(init=False)

    def git(self, *arguments: str) -> str:
        identity = ("-c", "user.name=a", "-c", "user.email=a@example.org", "-c", "commit.gpgsign=false")
        return subprocess.run(
            ("git", "-C", str(self.work), *identity, *arguments), check=True, capture_output=True, text=True
        ).stdout.strip()

    def commit(self, branch: str, **files: str) -> str:
        self.git("checkout", "-q", "-B", branch)
        for name, text in files.items():
            (self.work / name.replace("__", ".")).write_text(text)
        self.git("add", "-A")
        self.git("commit", "-q", "--allow-empty", "-m", "change")
        return self.git("rev-parse", "HEAD")

    def push(self, branch: str, **files: str) -> str:
        sha = self.commit(branch, **files)
        self.hub.push(self.repository, branch, branch, source=self.work)
        return sha

    def open(self, text: str, **options: Any) -> PullRequest:
        self.push("feature", shop__py=text)
        return self.hub.open_pull(self.repository, "feature", **options)

    def job(self, pull: PullRequest, **fields: Any) -> Job:
        known = {
            "work": Work.REVIEW,
            "installation": self.hub.installation(self.repository).id,
            "repository_id": self.repository.id,
            "owner": self.repository.owner.login,
            "repository": self.repository.name,
            "number": pull.number,
            "head": pull.head_sha,
            "base": pull.base_sha,
            "draft": pull.draft,
            "updated": timestamp(pull.updated_at),
        }
        return Job(**{**known, **fields})

    def github(self, job: Job) -> GitHub:
        return self.context.github(job, self.queue.connection)

    def run(self, job: Job) -> review.Result:
        return review.run(job, self.context.settings, self.queue, self.context)

    def give_up(self, job: Job, reason: str) -> None:
        review.give_up(job, reason, self.context.settings, self.queue, self.context)

    def checks(self, sha: str) -> list[tuple[str, str | None]]:
        return [(run.status, run.conclusion) for run in self.hub.check_runs(self.repository, sha)]

    def check(self, sha: str) -> Any:
        [run] = self.hub.check_runs(self.repository, sha)
        assert run.name == "cliffguard"
        return run

    @property
    def log(self) -> list[dict[str, Any]]:
        return self.hub.log[self.before :]

    @property
    def calls(self) -> list[str]:
        return [f"{entry['method']} {entry['path'].split('?')[0].split('/')[-1]}" for entry in self.log]


FILLER = "".join(f"line {n}\n" for n in range(20))


def connected(context: Context, job: Job) -> GitHub:
    return GitHub(
        context.tokens,
        api_url=context.settings.api_url,
        installation=job.installation,
        repository_id=job.repository_id,
        owner=job.owner,
        repository=job.repository,
        patience=(0.0,),
    )


def waiting(queue: Queue) -> list[str]:
    """The ids of all jobs that wait: the one that stands ready, then those of each lane."""
    ready = f"rq:queue:{NAME}"
    keys = [ready, *sorted(str(key, "utf-8") for key in queue.connection.keys(f"{ready}:*:*"))]
    return [id.decode() for key in keys for id in queue.connection.lrange(key, 0, -1)]


def bad(*names: str) -> str:
    return "start\n" + "".join(f"BAD {name}\n" for name in names) + FILLER + "BAD old\n"
