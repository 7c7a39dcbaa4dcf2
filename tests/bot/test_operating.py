"""What those who run the service do with the queue: on the command line, and on the operator's page."""

from __future__ import annotations

import base64
import pickle
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from pydantic import SecretStr, ValidationError
from rq.job import Job as RQJob
from rq.job import JobStatus
from rq.job_lifecycle import record_job_failure

from bot import cli
from bot.console import create_console
from bot.errors import Broken
from bot.jobs import Job
from bot.queue import NAME, RETRIES, Queue
from bot.settings import Settings

pytestmark = pytest.mark.filterwarnings("ignore:job.exc_info is deprecated")  # the library's
PASSWORD = "correct horse battery"
MakeJob = Callable[..., Job]


def settings(url: str, password: str | None = PASSWORD) -> Settings:
    secret = SecretStr(password) if password is not None else None
    return Settings(valkey_url=url, operator_password=secret, _env_file=None)  # type: ignore[call-arg]


def dead(queue: Queue, job: Job) -> str:
    """A job as a worker leaves it that has failed for the last time."""
    id = queue.submit(job).id
    for key in queue.connection.scan_iter("rq:queue:*"):
        queue.connection.lrem(key, 0, id)
    stored = RQJob.fetch(id, connection=queue.connection, serializer="json")
    stored.set_status(JobStatus.FAILED)
    stored.retries_left, stored.ended_at = 0, datetime.now(UTC)
    with queue.connection.pipeline() as pipeline:
        stored.save(pipeline=pipeline)
        record_job_failure(stored, "Traceback\n  line \x1b[31m1\nValueError: no\x1b[31m\n", pipeline)
        pipeline.execute()
    return id


def tries(queue: Queue, id: str) -> int | None:
    return RQJob.fetch(id, connection=queue.connection, serializer="json").retries_left


@pytest.fixture
def ask(
    valkey_url: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> Callable[..., tuple[int, str, str]]:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("CLIFFGUARD_VALKEY_URL", valkey_url)

    def call(*arguments: str) -> tuple[int, str, str]:
        status = cli.call(arguments)
        return status, *capsys.readouterr()

    return call


def test_the_command_tells_what_the_queue_holds(ask: Callable[..., Any], queue: Queue, make_job: MakeJob) -> None:
    queue.submit(make_job(number=1))
    dead(queue, make_job(number=2))
    status, out, _ = ask("queue")
    assert status == 0
    assert [line.split() for line in out.splitlines()[:5]] == [
        ["queued", "1"],
        ["started", "0"],
        ["scheduled", "0"],
        ["failed", "1"],
        ["workers", "0"],
    ]
    assert "waiting for 0 seconds" in out


def test_dead_letters_are_listed_and_queued_again(ask: Callable[..., Any], queue: Queue, make_job: MakeJob) -> None:
    ids = [dead(queue, make_job(number=number)) for number in (1, 2)]
    status, out, err = ask("dead-letters", "--full")
    assert (status, err) == (0, "2 dead letters.\n")
    assert all(id in out for id in ids)
    assert "octo/shop#2  ValueError: no" in out
    assert "\x1b" not in out
    assert ask("dead-letters", "--requeue", ids[0]) == (0, "1 queued again.\n", "")
    assert [letter.id for letter in queue.dead_letters()] == ids[1:]
    assert tries(queue, ids[0]) == len(RETRIES)
    assert ask("dead-letters", "--requeue", "all")[1] == "1 queued again.\n"
    assert queue.depth().queued == 2
    status, _, err = ask("dead-letters", "--requeue", ids[0])
    assert status == 2
    assert f"no dead letter {ids[0]}" in err


def test_without_a_queue_the_commands_say_so(ask: Callable[..., Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CLIFFGUARD_VALKEY_URL", "redis://127.0.0.1:1/0")
    status, _, err = ask("queue")
    assert status == 2
    assert "CLIFFGUARD_VALKEY_URL" in err


# The page


@pytest.fixture
def page(serving: Callable[[FastAPI], Any], valkey_url: str) -> Iterator[httpx.Client]:
    with serving(create_console(settings(valkey_url))) as client:
        yield client


def basic(password: str = PASSWORD, user: str = "operator") -> dict[str, str]:
    return {"Authorization": "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()}


OWN = {**basic(), "Sec-Fetch-Site": "same-origin"}


def test_a_page_without_a_password_does_not_start(valkey_url: str) -> None:
    with pytest.raises(Broken, match="CLIFFGUARD_OPERATOR_PASSWORD"):
        create_console(settings(valkey_url, None))
    with pytest.raises(ValidationError):
        Settings(operator_password="short", _env_file=None)  # type: ignore[call-arg, arg-type]


STRANGERS = [
    {},
    basic("wrong"),
    basic(user="root"),
    {"Authorization": "Basic !"},
    {"Authorization": "Basic w6Q="},
    {"Authorization": f"Bearer {PASSWORD}"},
]


@pytest.mark.parametrize("path", ["/", "/rq/queues", "/rq/jobs/json", "/rq/static/css/uno.css", "/unknown"])
def test_nothing_is_shown_to_those_who_do_not_know_the_password(page: httpx.Client, path: str) -> None:
    for headers in STRANGERS:
        answer = page.get(path, headers=headers)
        assert (answer.status_code, answer.text) == (401, "Who are you?\n"), headers
        assert page.delete("/rq/queues/cliffguard", headers={"Sec-Fetch-Site": "same-origin", **headers}).status_code == 401


def test_the_page_shows_queue_jobs_and_workers(page: httpx.Client, queue: Queue, make_job: MakeJob) -> None:
    assert page.get("/healthz").status_code == 200
    waiting, letter = queue.submit(make_job(number=1)).id, dead(queue, make_job(number=2))
    page.headers.update(basic())
    assert page.get("/").headers["location"] == "/rq/queues"
    shown = {one["queue_name"]: (one["queued"], one["failed"]) for one in page.get("/rq/queues/json").json()}
    assert shown[NAME] == (1, 1)
    assert waiting in page.get("/rq/jobs/json", params={"state": "queued"}).text
    assert "ValueError" in page.get(f"/rq/job/{letter}").text
    for path in ("/rq/queues", "/rq/workers", "/rq/jobs", "/rq/static/css/uno.css"):
        assert page.get(path).status_code == 200, path


def test_a_dead_letter_gets_its_tries_again(page: httpx.Client, queue: Queue, make_job: MakeJob) -> None:
    id = dead(queue, make_job())
    assert page.post(f"/rq/job/{id}/requeue", headers=OWN).status_code == 200
    assert tries(queue, id) == len(RETRIES)
    assert page.post(f"/rq/job/{id}/requeue", headers=OWN).status_code == 409


def test_what_another_site_asks_for_is_refused(page: httpx.Client, queue: Queue, make_job: MakeJob) -> None:
    queue.submit(make_job())
    others = [{}, {"Sec-Fetch-Site": "cross-site"}, {"Sec-Fetch-Site": "same-site"}, {"Origin": "https://evil.example"}]
    for other in others:
        assert page.delete(f"/rq/queues/{NAME}", headers={**basic(), **other}).status_code == 403
    assert queue.depth().queued == 1
    assert page.delete(f"/rq/queues/{NAME}", headers={**basic(), "Origin": str(page.base_url).rstrip("/")}).status_code == 200
    assert queue.depth().queued == 0


class Evil:
    """What runs a command where somebody unpickles it."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.touch, (self.path,)


def test_what_somebody_pickled_into_the_queue_is_not_executed(
    page: httpx.Client, queue: Queue, make_job: MakeJob, tmp_path: Path
) -> None:
    trap = tmp_path / "executed"
    poison = pickle.dumps(Evil(trap))
    for number, fields in enumerate(({"data": poison}, {"result": poison}, {"meta": poison}), 1):
        id = queue.submit(make_job(number=number)).id
        queue.connection.hset(f"rq:job:{id}", mapping=fields)  # type: ignore[arg-type]
        packed = base64.b64encode(poison).decode()
        queue.connection.xadd(f"rq:results:{id}", {"type": 1, "created_at": 1, "return_value": packed})
        page.get(f"/rq/job/{id}", headers=basic())
    for path in ("/rq/jobs", "/rq/jobs/json", "/rq/queues/json", "/rq/workers/json"):
        page.get(path, headers=basic())
    assert not trap.exists()
    pickle.loads(poison)
    assert trap.exists()
