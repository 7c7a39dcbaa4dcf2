"""Webhooks as a receiver sees them: signed, once, with the same GUID when sent again."""

from __future__ import annotations

import hashlib
import hmac
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import orjson
import pytest

from bot.local_github import webhooks

from .conftest import Stage


class Receiver:
    """Keeps what it is sent. `status` is its answer; while `gate` is closed it answers nothing."""

    def __init__(self) -> None:
        self.status, self.gate = 202, threading.Event()
        self.gate.set()
        self.received: list[tuple[dict[str, str], bytes]] = []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                outer.received.append(({k.lower(): v for k, v in self.headers.items()}, body))
                outer.gate.wait(10)
                self.send_response(outer.status)
                self.send_header("content-length", "0")
                self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/webhook"

    def payloads(self) -> list[tuple[str, dict[str, Any]]]:
        return [(headers["x-github-event"], orjson.loads(body)) for headers, body in self.received]


@pytest.fixture
def receiver(stage: Stage) -> Iterator[Receiver]:
    made = Receiver()
    thread = threading.Thread(target=made.server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    stage.github.webhook_url = made.url
    yield made
    made.gate.set()
    assert stage.github.wait_for_deliveries(20)
    made.server.shutdown()
    made.server.server_close()
    thread.join(10)


def only(receiver: Receiver) -> tuple[str, dict[str, Any]]:
    (one,) = receiver.payloads()
    return one


def test_deliveries_are_signed(stage: Stage, receiver: Receiver) -> None:
    stage.github.ping()
    assert stage.github.wait_for_deliveries()
    ((headers, body),) = receiver.received
    digest = hmac.new(stage.github.app.webhook_secret.encode(), body, hashlib.sha256).hexdigest()
    assert headers["x-hub-signature-256"] == f"sha256={digest}"
    assert headers["x-github-event"] == "ping"
    assert headers["x-github-delivery"] == stage.github.deliveries[0].guid
    assert headers["x-github-hook-installation-target-id"] == str(stage.github.app.id)
    assert headers["content-type"] == "application/json"


def test_what_happens_to_a_pull_request(stage: Stage, receiver: Receiver) -> None:
    github, pull, before = stage.github, stage.pull, stage.pull.head_sha
    stage.source.write({"b.py": "print('again')\n"}, "Again")
    after = github.push(stage.repository, "feature", "feature", source=stage.source.path)
    stage.repository.git.update("refs/heads/stable", pull.base_sha)
    github.edit_base(pull, "stable")
    github.edit_title(pull, "Better words")
    github.close(pull)
    github.reopen(pull)
    stage.source.git("checkout", "--quiet", "-b", "second", "feature")
    stage.source.write({"d.py": "1\n"}, "Second")
    github.push(stage.repository, "second", "second", source=stage.source.path)
    github.mark_ready(github.open_pull(stage.repository, "second", draft=True))
    assert github.wait_for_deliveries()
    sent = receiver.payloads()
    assert {event for event, _ in sent} == {"pull_request"}
    actions = [payload["action"] for _, payload in sent]
    assert actions == ["synchronize", "edited", "edited", "closed", "reopened", "opened", "ready_for_review"]
    assert (sent[0][1]["before"], sent[0][1]["after"]) == (before, after)
    assert sent[1][1]["changes"]["base"]["ref"]["from"] == "main"
    assert sent[1][1]["pull_request"]["base"]["ref"] == "stable"
    assert sent[2][1]["changes"] == {"title": {"from": "Change things"}}
    assert (sent[5][1]["pull_request"]["draft"], sent[6][1]["pull_request"]["draft"]) == (True, False)
    installation = github.installation(stage.repository).id
    assert all(p["installation"]["id"] == installation and p["repository"]["id"] == stage.repository.id for _, p in sent)


def test_rerequests_and_their_forks(stage: Stage, receiver: Receiver) -> None:
    stage.bot.post(f"{stage.path}/check-runs", json={"name": "c", "head_sha": stage.pull.head_sha, "external_id": "mine"})
    (run,) = stage.github.check_runs(stage.repository, stage.pull.head_sha)
    stage.github.rerequest(run)
    stage.github.rerequest(run.suite)
    assert stage.github.wait_for_deliveries()
    (event, payload), (suite_event, suite) = receiver.payloads()
    assert (event, payload["action"], payload["check_run"]["external_id"]) == ("check_run", "rerequested", "mine")
    assert [p["number"] for p in payload["check_run"]["pull_requests"]] == [1]
    assert (suite_event, suite["action"], suite["check_suite"]["head_sha"]) == (
        "check_suite",
        "rerequested",
        stage.pull.head_sha,
    )


def test_the_merge_queue_asks_for_the_combined_tree(stage: Stage, receiver: Receiver) -> None:
    stage.source.git("checkout", "--quiet", "main")
    stage.source.write({"main_only.py": "1\n"}, "Go on")
    base = stage.github.push(stage.repository, "main", "main", source=stage.source.path)
    head = stage.github.add_to_merge_queue(stage.pull)
    assert stage.github.wait_for_deliveries()
    event, payload = only(receiver)
    group = payload["merge_group"]
    assert (event, payload["action"]) == ("merge_group", "checks_requested")
    assert (group["head_sha"], group["base_sha"]) == (head, base)
    assert group["head_ref"] == f"refs/heads/gh-readonly-queue/main/pr-1-{base}"
    names = stage.repository.git.text("ls-tree", "--name-only", head).split()
    assert {"main_only.py", "b.py"} <= set(names)


def test_an_installation_is_announced(stage: Stage, receiver: Receiver) -> None:
    stage.github.create_repository("other/shop", stage.source.path, branches={"main": "main"})
    assert stage.github.wait_for_deliveries()
    event, payload = only(receiver)
    assert (event, payload["action"], payload["installation"]["account"]["login"]) == ("installation", "created", "other")
    assert [r["full_name"] for r in payload["repositories"]] == ["other/shop"]


def test_a_failed_delivery_is_logged_and_not_repeated(stage: Stage, receiver: Receiver) -> None:
    receiver.status = 503
    stage.github.ping()
    assert stage.github.wait_for_deliveries()
    assert len(receiver.received) == 1
    (failed,) = stage.app.get("/app/hook/deliveries").json()
    assert (failed["status_code"], failed["status"], failed["redelivery"]) == (503, "Invalid HTTP Response: 503", False)
    receiver.status = 202
    again = stage.app.post(f"/app/hook/deliveries/{failed['id']}/attempts")
    assert again.status_code == 202
    assert stage.github.wait_for_deliveries()
    latest, first = stage.app.get("/app/hook/deliveries").json()
    assert latest["guid"] == first["guid"]
    assert (latest["status"], latest["redelivery"]) == ("OK", True)
    assert receiver.received[0][1] == receiver.received[1][1]
    assert receiver.received[0][0]["x-github-delivery"] == receiver.received[1][0]["x-github-delivery"]
    full = stage.app.get(f"/app/hook/deliveries/{first['id']}").json()
    assert full["request"]["payload"]["zen"]
    assert stage.app.get("/app/hook/deliveries/1").status_code == 404


def test_deliveries_are_listed_by_cursor(stage: Stage, receiver: Receiver) -> None:
    for _ in range(3):
        stage.github.ping()
    assert stage.github.wait_for_deliveries()
    first = stage.app.get("/app/hook/deliveries", params={"per_page": 2})
    rest = stage.app.get(first.links["next"]["url"])
    assert [len(page.json()) for page in (first, rest)] == [2, 1]
    assert stage.app.get("/app/hook/deliveries", params={"cursor": "x"}).status_code == 400


def test_a_slow_or_absent_receiver_is_given_up(stage: Stage, receiver: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    assert webhooks.TIMEOUT == 10
    monkeypatch.setattr(stage.github.webhooks, "timeout", 0.2)
    receiver.gate.clear()
    slow = stage.github.ping()
    assert stage.github.wait_for_deliveries()
    assert slow is not None
    assert (slow.status, slow.status_code) == ("timed out", 0)
    stage.github.webhook_url = "http://127.0.0.1:9/nobody"
    absent = stage.github.ping()
    assert stage.github.wait_for_deliveries()
    assert absent is not None
    assert absent.status == "failed to connect to host"


def test_the_address_is_changed_over_the_api(stage: Stage, receiver: Receiver) -> None:
    body = {"url": f"{receiver.url}/new", "content_type": "json", "secret": "s3cret", "insecure_ssl": "0"}
    answer = stage.app.patch("/app/hook/config", json=body)
    assert answer.json()["url"] == f"{receiver.url}/new"
    assert stage.github.app.webhook_secret == "s3cret"
    assert "s3cret" not in stage.github.record.path.read_text()
