"""The receiver: what each event asks for, who is believed, and what is answered when something is wrong."""

from __future__ import annotations

import hashlib
import hmac
import http.client
import json
import lzma
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest
from fastapi import FastAPI
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr
from rq.job import Job as RQJob

from bot import webhook
from bot.app import create_app
from bot.errors import Broken
from bot.jobs import Command, Job, Work
from bot.queue import Depth, Queue
from bot.settings import Settings
from bot.webhook import Ignored, job_for

Serving = Callable[[FastAPI], AbstractContextManager[httpx.Client]]

A, B, C = "a" * 40, "b" * 40, "c" * 40
SECRET, OLD_SECRET = "a new secret", "an old secret"
NOON = "2026-01-01T12:00:00Z"
EXAMPLES = Path(__file__).parents[1] / "data" / "octokit_webhook_examples.json.xz"
REPOSITORY = {"id": 123, "name": "shop", "owner": {"login": "octo"}, "private": True}


def of_pull_request(action: str, **more: Any) -> dict[str, Any]:
    pull_request = {"number": 7, "draft": False, "updated_at": NOON, "head": {"sha": A, "repo": None}, "base": {"sha": B}}
    fields = {"action": action, "installation": {"id": 5}, "repository": REPOSITORY}
    return {**fields, "pull_request": {**pull_request, **more.pop("pull_request", {})}, **more}


def of_check(kind: str, action: str = "rerequested", **check: Any) -> dict[str, Any]:
    fields = {"head_sha": A, "app": {"id": 99}, "pull_requests": [{"number": 7, "head": {"sha": A}, "base": {"sha": B}}]}
    return {"action": action, "installation": {"id": 5}, "repository": REPOSITORY, kind: {**fields, **check}}


def of_merge_group(action: str = "checks_requested") -> dict[str, Any]:
    group = {"head_sha": A, "base_sha": B, "head_ref": f"refs/heads/gh-readonly-queue/main/pr-7-{B}"}
    return {"action": action, "installation": {"id": 5}, "repository": REPOSITORY, "merge_group": group}


def job(event: str, **fields: Any) -> Job:
    known = {"work": Work.REVIEW, "installation": 5, "repository_id": 123, "owner": "octo", "repository": "shop", "number": 7}
    return Job(**{**known, "head": A, "base": B, "reason": event, "delivery": "d-1", **fields})


def of_comment(**more: Any) -> dict[str, Any]:
    body = "Thanks.\r\n/cliffguard ignore ab12cd34 few rows\r\nBye"
    comment = {"id": 9, "body": body, "user": {"login": "ann", "type": "User"}, **more.pop("comment", {})}
    issue = {"number": 7, "pull_request": {"url": "x"}}
    fields = {"action": "created", "installation": {"id": 5}, "repository": REPOSITORY, "comment": comment}
    return {**fields, "issue": issue, **more}


def of_button(identifier: str) -> dict[str, Any]:
    pressed = {"requested_action": {"identifier": identifier}, "sender": {"login": "ann", "type": "User"}}
    return {**of_check("check_run", "requested_action"), **pressed}


def asked(event: str, command: Command) -> Job:
    return job(event, head="", base="", work=Work.COMMAND, command=command)


TABLE: list[tuple[str, dict[str, Any], Job]] = [
    ("pull_request", of_pull_request("opened"), job("pull_request.opened", updated=NOON)),
    ("pull_request", of_pull_request("synchronize"), job("pull_request.synchronize", updated=NOON)),
    (
        "pull_request",
        of_pull_request("opened", pull_request={"draft": True}),
        job("pull_request.opened", updated=NOON, draft=True),
    ),
    (
        "pull_request",
        of_pull_request("reopened"),
        job("pull_request.reopened", updated=NOON, attempt=f"reopened {NOON}"),
    ),
    (
        "pull_request",
        of_pull_request("ready_for_review"),
        job("pull_request.ready_for_review", updated=NOON, attempt=f"ready_for_review {NOON}"),
    ),
    (
        "pull_request",
        of_pull_request("edited", changes={"base": {"ref": {"from": "old"}, "sha": {"from": C}}}),
        job("pull_request.edited", updated=NOON, attempt=f"edited {NOON}"),
    ),
    ("pull_request", of_pull_request("closed"), job("pull_request.closed", updated=NOON, work=Work.CANCEL)),
    (
        "pull_request",  # a time we cannot compare is no time
        of_pull_request("opened", pull_request={"updated_at": "2026-01-01T12:00:00+02:00"}),
        job("pull_request.opened"),
    ),
    ("check_run", of_check("check_run"), job("check_run.rerequested", attempt="rerequested d-1")),
    ("check_suite", of_check("check_suite"), job("check_suite.rerequested", attempt="rerequested d-1")),
    (
        "check_run",  # GitHub names no pull requests of forks
        of_check("check_run", pull_requests=[]),
        job("check_run.rerequested", attempt="rerequested d-1", number=0, base=""),
    ),
    (
        "check_run",  # nor does a check know the pull requests of other repositories from ours
        of_check("check_run", pull_requests=[{"number": 3, "head": {"sha": A}, "base": {"sha": B, "repo": {"id": 4}}}]),
        job("check_run.rerequested", attempt="rerequested d-1", number=0, base=""),
    ),
    (
        "check_suite",  # or those that have moved on
        of_check("check_suite", pull_requests=[{"number": 3, "head": {"sha": C}, "base": {"sha": B}}]),
        job("check_suite.rerequested", attempt="rerequested d-1", number=0, base=""),
    ),
    (
        "check_suite",
        of_check("check_suite", head_branch=f"gh-readonly-queue/main/pr-7-{C}", pull_requests=[]),
        job("check_suite.rerequested", attempt="rerequested d-1", number=0, base=C, work=Work.MERGE_GROUP),
    ),
    (
        "check_run",
        of_check("check_run", check_suite={"head_branch": f"gh-readonly-queue/main/pr-7-{C}"}, pull_requests=[]),
        job("check_run.rerequested", attempt="rerequested d-1", number=0, base=C, work=Work.MERGE_GROUP),
    ),
    ("merge_group", of_merge_group(), job("merge_group.checks_requested", number=0, work=Work.MERGE_GROUP)),
    ("issue_comment", of_comment(), asked("issue_comment.created", Command("ignore ab12cd34 few rows", "ann", 9))),
    (
        "pull_request_review_comment",
        of_comment(issue=None, pull_request={"number": 7}, comment={"in_reply_to_id": 4}),
        asked("pull_request_review_comment.created", Command("ignore ab12cd34 few rows", "ann", 9, 4)),
    ),
    ("check_run", of_button("recheck"), job("check_run.requested_action", attempt="rerequested d-1")),
    (
        "check_run",
        of_button("ignore"),
        job(
            "check_run.requested_action",
            attempt="rerequested d-1",
            work=Work.COMMAND,
            command=Command("ignore all accepted in the check run", "ann"),
        ),
    ),
]

NOTHING: list[tuple[str, Any, str]] = [
    ("ping", {"zen": "Design for failure."}, "ping"),
    ("installation", {"action": "created", "installation": {"id": 5}}, "installation"),
    ("installation_repositories", {"action": "added"}, "installation_repositories"),
    ("star", {"action": "created"}, "star"),
    ("", {}, "event"),
    ("pull_request", of_pull_request("labeled"), "pull_request.labeled"),
    ("pull_request", of_pull_request("converted_to_draft"), "pull_request.converted_to_draft"),
    ("pull_request", of_pull_request("edited", changes={"title": {"from": "old"}}), "base"),
    ("pull_request", of_pull_request("edited", changes={"base": None}), "base"),
    ("pull_request", of_pull_request("edited"), "base"),
    ("pull_request", {"action": "opened"}, "no pull request"),
    ("pull_request", {"action": None}, "pull_request.None"),
    ("pull_request", {}, "pull_request.None"),
    ("pull_request", [], "cannot be read"),
    ("pull_request", of_pull_request("opened", installation=None), "no installation"),
    ("pull_request", of_pull_request("opened", repository=None), "no repository"),
    ("pull_request", of_pull_request("opened", repository={"id": 1, "name": "shop", "owner": None}), "no repository"),
    ("pull_request", of_pull_request("opened", pull_request={"number": "seven"}), "cannot be read"),
    ("pull_request", of_pull_request("opened", pull_request={"number": -7}), "no pull request"),
    ("pull_request", of_pull_request("opened", pull_request={"head": None}), "no pull request"),
    ("pull_request", of_pull_request("opened", pull_request={"head": {"sha": "--upload-pack=x"}}), "no head commit"),
    ("check_run", of_check("check_run", "completed"), "check_run.completed"),
    ("check_run", of_button("launch"), "no button"),
    ("check_run", {**of_button("ignore"), "sender": None}, "no button"),
    ("issue_comment", of_comment(comment={"body": "Nice: > /cliffguard help"}), "asks for nothing"),
    ("issue_comment", of_comment(comment={"body": None}), "asks for nothing"),
    ("issue_comment", of_comment(comment={"user": {"login": "cliffguard[bot]", "type": "Bot"}}), "not that of a person"),
    ("issue_comment", of_comment(issue={"number": 7}), "on a pull request"),
    ("issue_comment", of_comment(action="edited"), "issue_comment.edited"),
    ("check_run", of_check("check_run", app={"id": 98}), "another App"),
    ("check_suite", of_check("check_suite", "requested"), "check_suite.requested"),
    ("check_suite", {"action": "rerequested"}, "no check"),
    ("merge_group", of_merge_group("destroyed"), "merge_group.destroyed"),
    ("merge_group", {"action": "checks_requested", "repository": REPOSITORY, "installation": {"id": 5}}, "no head commit"),
]


@pytest.mark.parametrize(("event", "payload", "expected"), TABLE, ids=[f"{row[2].reason}-{i}" for i, row in enumerate(TABLE)])
def test_an_event_asks_for_a_job(event: str, payload: dict[str, Any], expected: Job) -> None:
    assert job_for(event, json.dumps(payload).encode(), delivery="d-1", app=99) == expected


@pytest.mark.parametrize(("event", "payload", "reason"), NOTHING)
def test_an_event_asks_for_nothing_and_says_why(event: str, payload: Any, reason: str) -> None:
    found = job_for(event, json.dumps(payload).encode(), delivery="d-1", app=99)
    assert isinstance(found, Ignored)
    assert reason in found.reason


def test_a_rerun_of_a_job_is_another_job_and_a_push_is_not() -> None:
    opened = job_for("pull_request", json.dumps(of_pull_request("opened")).encode())
    pushed = job_for("pull_request", json.dumps(of_pull_request("synchronize")).encode())
    ready = job_for("pull_request", json.dumps(of_pull_request("ready_for_review")).encode())
    rerun = job_for("check_run", json.dumps(of_check("check_run")).encode(), delivery="d-2")
    ids = [found.id for found in (opened, pushed, ready, rerun) if isinstance(found, Job)]
    assert ids[0] == ids[1]
    assert len(set(ids)) == 3


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
EVENTS = st.sampled_from(["pull_request", "check_run", "check_suite", "merge_group", "ping", "x"])


@st.composite
def distorted(draw: st.DrawFn) -> tuple[str, Any]:
    """An event of the table with one of its values replaced or removed."""
    event, payload, _ = draw(st.sampled_from(TABLE))
    payload = json.loads(json.dumps(payload))
    node: Any = payload
    while True:
        key = draw(st.sampled_from(sorted(node)))
        if isinstance(node[key], dict) and node[key] and draw(st.booleans()):
            node = node[key]
            continue
        if draw(st.booleans()):
            del node[key]
        else:
            node[key] = draw(json_values)
        return event, payload


@given(distorted())
def test_a_distorted_payload_is_understood_or_ignored(case: tuple[str, Any]) -> None:
    event, payload = case
    found = job_for(event, json.dumps(payload).encode(), delivery="d", app=99)
    if isinstance(found, Job):
        assert msgspec.convert(msgspec.to_builtins(found), Job) == found
        assert webhook.COMMIT.match(found.head) or (found.work is Work.COMMAND and not found.head)
        assert not found.base or webhook.COMMIT.match(found.base)
    else:
        assert found.reason


@given(EVENTS, st.binary(max_size=200))
def test_bytes_that_are_no_json_are_ignored(event: str, body: bytes) -> None:
    assert isinstance(job_for(event, body), Ignored)


def test_deep_nesting_is_ignored() -> None:
    assert isinstance(job_for("pull_request", b'{"changes":' * 1 + b'{"base":' + b"[" * 200_000), Ignored)


# -- over HTTP


@pytest.fixture
def client(valkey_url: str, serving: Serving) -> Iterator[httpx.Client]:
    secrets = (SecretStr(SECRET), SecretStr(OLD_SECRET))
    settings = Settings(valkey_url=valkey_url, webhook_secrets=secrets, app_id=99, _env_file=None)  # type: ignore[call-arg]
    with serving(create_app(settings)) as client:
        yield client


def headers(
    body: bytes, event: str = "pull_request", delivery: str = "d-1", secret: str = SECRET, **more: str
) -> dict[str, str]:
    signature = hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
    return {
        "X-GitHub-Event": event,
        "X-GitHub-Delivery": delivery,
        "X-Hub-Signature-256": f"sha256={signature}",
        "Content-Type": "application/json",
        **more,
    }


OPENED = json.dumps(of_pull_request("opened")).encode()


def test_a_signed_delivery_is_queued_before_it_is_acknowledged(client: httpx.Client, queue: Queue) -> None:
    answer = client.post("/webhook", content=OPENED, headers=headers(OPENED))
    assert answer.status_code == 202
    assert answer.json() == {"status": "queued", "job": "review-123-7-aaaaaaaaaaaa-0"}
    stored = RQJob.fetch(answer.json()["job"], connection=queue.connection, serializer="json")
    assert msgspec.convert(stored.args[0], Job) == job("pull_request.opened", updated=NOON)


def test_a_redelivery_of_a_done_one_is_not_done_twice_and_of_a_lost_one_is(client: httpx.Client, queue: Queue) -> None:
    assert client.post("/webhook", content=OPENED, headers=headers(OPENED)).status_code == 202
    again = client.post("/webhook", content=OPENED, headers=headers(OPENED))
    assert (again.status_code, again.json()["status"]) == (200, "seen")
    assert queue.depth().queued == 1
    queue.connection.flushall()
    assert client.post("/webhook", content=OPENED, headers=headers(OPENED)).status_code == 202


def test_both_secrets_are_believed_and_no_other(client: httpx.Client) -> None:
    assert client.post("/webhook", content=OPENED, headers=headers(OPENED, secret=OLD_SECRET)).status_code == 202
    assert client.post("/webhook", content=OPENED, headers=headers(OPENED, secret="a third")).status_code == 401
    assert client.post("/webhook", content=OPENED + b" ", headers=headers(OPENED)).status_code == 401


DIGEST = hmac.new(SECRET.encode(), OPENED, hashlib.sha256).hexdigest()
SHA1 = hmac.new(SECRET.encode(), OPENED, hashlib.sha1).hexdigest()


@pytest.mark.parametrize(
    "signature",
    ["", "sha256=", f"sha1={SHA1}", f"sha1={DIGEST}", DIGEST, f"sha256={DIGEST[:-1]}", f"sha256={DIGEST}0", f"SHA256={DIGEST}",
     f"sha256={'0' * 64}", f"sha256={'g' * 64}", f"sha256= {DIGEST}", f"sha256={DIGEST}\t,", "sha256=\xe9" + DIGEST[1:]],
)  # fmt: skip
def test_a_missing_or_malformed_signature_is_refused(client: httpx.Client, queue: Queue, signature: str) -> None:
    given = {**headers(OPENED), "X-Hub-Signature": f"sha1={SHA1}"}
    given["X-Hub-Signature-256"] = signature
    if not signature:
        del given["X-Hub-Signature-256"]
    encoded = [(name.encode(), value.encode("latin-1")) for name, value in given.items()]
    answer = client.post("/webhook", content=OPENED, headers=encoded)
    assert answer.status_code == 401
    assert "sign" in answer.json()["error"].lower()
    assert queue.depth() == Depth(0, 0, 0, 0)


def test_the_case_of_hexadecimal_digits_does_not_matter(client: httpx.Client) -> None:
    upper = {**headers(OPENED), "X-Hub-Signature-256": f"sha256={DIGEST.upper()}"}
    assert client.post("/webhook", content=OPENED, headers=upper).status_code == 202


@pytest.mark.parametrize("kind", ["application/x-www-form-urlencoded", "text/plain", ""])
def test_only_json_is_accepted(client: httpx.Client, kind: str) -> None:
    assert client.post("/webhook", content=OPENED, headers={**headers(OPENED), "Content-Type": kind}).status_code == 415


def test_json_may_name_its_charset(client: httpx.Client) -> None:
    given = {**headers(OPENED), "Content-Type": "Application/JSON; charset=utf-8"}
    assert client.post("/webhook", content=OPENED, headers=given).status_code == 202


def test_a_delivery_without_event_is_refused(client: httpx.Client) -> None:
    given = headers(OPENED)
    del given["X-GitHub-Event"]
    assert client.post("/webhook", content=OPENED, headers=given).status_code == 400


def test_a_body_is_bounded_whatever_its_length_says(client: httpx.Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(webhook, "MAX_BODY", len(OPENED))
    assert client.post("/webhook", content=OPENED, headers=headers(OPENED)).status_code == 202
    long = OPENED + b" "
    assert client.post("/webhook", content=long, headers=headers(long)).status_code == 413
    chunks = (OPENED for _ in range(3))
    assert client.post("/webhook", content=chunks, headers=headers(b"")).status_code == 413, "without a Content-Length"


def test_the_bound_is_the_limit_of_github(client: httpx.Client) -> None:
    assert webhook.MAX_BODY == 25 * 1024 * 1024
    line = http.client.HTTPConnection("127.0.0.1", client.base_url.port, timeout=10)
    line.request("POST", "/webhook", headers={**headers(b""), "Content-Length": str(webhook.MAX_BODY + 1)})
    assert line.getresponse().status == 413, "answered without waiting for the body"
    line.close()
    full = b'{"action":"created","pad":"' + b"x" * (webhook.MAX_BODY - 29) + b'"}'
    assert len(full) == webhook.MAX_BODY
    assert client.post("/webhook", content=full, headers=headers(full, "star")).status_code == 200


def test_ping_and_installation_events_are_acknowledged(client: httpx.Client, queue: Queue) -> None:
    for event in ("ping", "installation", "installation_repositories", "installation_target"):
        answer = client.post("/webhook", content=b"{}", headers=headers(b"{}", event))
        assert answer.status_code == 200
        assert answer.json()["reason"]
    assert queue.depth() == Depth(0, 0, 0, 0)


def test_every_example_of_a_real_payload_gets_an_answer(client: httpx.Client, queue: Queue) -> None:
    events = json.loads(lzma.decompress(EXAMPLES.read_bytes()))["events"]
    statuses = []
    for event, payloads in events.items():
        for number, payload in enumerate(payloads):
            body = json.dumps(payload).encode()
            answer = client.post("/webhook", content=body, headers=headers(body, event, f"{event}-{number}"))
            assert answer.status_code in (200, 202), (event, number, answer.text)
            assert answer.json()["status"]
            statuses.append(answer.json()["status"])
    assert len(statuses) == 329
    assert statuses.count("queued") == queue.depth().queued == 3, "of three subjects"
    assert statuses.count("stale") == 6, "the examples are not in the order of their events"


def test_an_example_of_each_kind_of_event_we_act_on_becomes_a_job() -> None:
    events = json.loads(lzma.decompress(EXAMPLES.read_bytes()))["events"]
    acted = set()
    for event, payloads in events.items():
        for payload in payloads:
            found = job_for(event, json.dumps(payload).encode())
            if isinstance(found, Job):
                acted.add(found.reason)
                assert "installation" in payload
    assert acted == {
        *(f"pull_request.{action}" for action in ("opened", "reopened", "synchronize", "ready_for_review", "closed")),
        "check_run.rerequested",
        "check_suite.rerequested",
        "merge_group.checks_requested",
    }


@pytest.fixture
def cut_off(serving: Serving) -> Iterator[httpx.Client]:
    """A service whose Valkey is away."""
    settings = Settings(valkey_url="redis://127.0.0.1:1/0", webhook_secrets=(SecretStr(SECRET),), _env_file=None)  # type: ignore[call-arg]
    with serving(create_app(settings)) as client:
        yield client


def test_an_outage_of_the_queue_is_answered_at_once_so_that_github_shows_it(cut_off: httpx.Client) -> None:
    start = time.monotonic()
    answer = cut_off.post("/webhook", content=OPENED, headers=headers(OPENED))
    assert answer.status_code == 503
    assert "redeliver" in answer.json()["error"]
    assert time.monotonic() - start < 5
    assert cut_off.post("/webhook", content=b"{}", headers=headers(b"{}", "ping")).status_code == 200
    assert cut_off.get("/readyz").status_code == 503
    assert "does not answer" in cut_off.get("/readyz").json()["reason"]
    assert cut_off.get("/healthz").status_code == 200
    assert "cliffguard_queue_up 0.0" in cut_off.get("/metrics").text


def test_health_and_metrics(client: httpx.Client, make_job: Callable[..., Job]) -> None:
    assert client.get("/healthz").status_code == client.get("/readyz").status_code == 200
    client.post("/webhook", content=OPENED, headers=headers(OPENED))
    client.post("/webhook", content=OPENED, headers=headers(OPENED, event="x" * 500))
    text = client.get("/metrics").text
    assert 'cliffguard_deliveries_total{event="pull_request",outcome="queued"}' in text
    assert 'cliffguard_deliveries_total{event="other",outcome="ignored"}' in text
    assert 'cliffguard_queue_jobs{state="queued"} 1.0' in text
    assert "cliffguard_queue_up 1.0" in text
    assert "xxxx" not in text
    ready = client.get("/readyz").json()
    assert (ready["status"], ready["queue"]["queued"], ready["queue"]["workers"]) == ("ready", 1, 0)
    assert 0 < ready["queue"]["age"] < 60


def test_a_queue_that_is_late_is_degraded_and_takes_more(valkey_url: str, serving: Serving) -> None:
    secrets = (SecretStr(SECRET),)
    settings = Settings(webhook_secrets=secrets, valkey_url=valkey_url, queue_age=1, _env_file=None)  # type: ignore[call-arg]
    with serving(create_app(settings)) as client:
        assert client.post("/webhook", content=OPENED, headers=headers(OPENED)).status_code == 202
        assert client.get("/readyz").json()["status"] == "ready"
        time.sleep(1.2)
        answer = client.get("/readyz")
        assert (answer.status_code, answer.json()["status"]) == (200, "degraded")
        assert "the oldest job has been waiting for" in answer.json()["reason"]


def test_a_queue_that_takes_nothing_is_not_ready(client: httpx.Client, queue: Queue) -> None:
    queue.connection.config_set("maxmemory", 1)
    try:
        answer = client.get("/readyz")
        assert client.post("/webhook", content=OPENED, headers=headers(OPENED)).status_code == 503
    finally:
        queue.connection.config_set("maxmemory", 0)
    assert answer.status_code == 503
    assert client.get("/readyz").status_code == 200


def test_a_service_without_a_secret_does_not_start() -> None:
    with pytest.raises(Broken, match="CLIFFGUARD_WEBHOOK_SECRETS"):
        create_app(Settings(_env_file=None))  # type: ignore[call-arg]


def test_three_secrets_are_a_mistake() -> None:
    with pytest.raises(ValueError, match="webhook_secrets"):
        Settings(webhook_secrets="a,b,c", _env_file=None)  # type: ignore[call-arg, arg-type]
