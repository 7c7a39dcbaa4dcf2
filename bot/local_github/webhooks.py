"""Webhooks: payloads of the events an App hears, signed and sent in order by one thread. No answer in 10 s, no second try."""

from __future__ import annotations

import hashlib
import hmac
import queue
import threading
import time
import uuid
from dataclasses import replace
from typing import Any

import httpx
import orjson

from bot.local_github import views
from bot.local_github.state import (
    Account,
    App,
    CheckRun,
    CheckSuite,
    Delivery,
    Installation,
    IssueComment,
    PullRequest,
    Repository,
    ReviewComment,
    World,
)

TIMEOUT = 10.0
_CLOSED = None


class Webhooks:
    """Sends what happens to the App's webhook address and keeps a log of it in the world's `deliveries`."""

    def __init__(self, world: World) -> None:
        self._world, self.timeout = world, TIMEOUT
        self._pending: queue.Queue[Delivery | None] = queue.Queue()
        self._idle = threading.Condition()
        self._open = 0
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        self._thread = threading.Thread(target=self._run, name="local-github-webhooks", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        if self._thread:
            self._pending.put(_CLOSED)
            self._thread.join(TIMEOUT + 5)
            self._thread = None

    def wait(self, timeout: float = 30.0) -> bool:
        """Until everything sent so far was answered or given up; False when that took longer than `timeout` seconds."""
        with self._idle:
            return self._idle.wait_for(lambda: self._open == 0, timeout)

    def send(
        self, app: App, event: str, payload: dict[str, Any], *, installation: Installation | None = None
    ) -> Delivery | None:
        """Queue an event; None when the App has no webhook address."""
        if app.webhook_url is None:
            return None
        repository = payload.get("repository", {}).get("id")
        installed = installation.id if installation else None
        with self._world.lock:
            number, now, guid = self._world.next_id(), self._world.now(), str(uuid.uuid4())
            made = Delivery(number, app, guid, event, payload.get("action"), payload, installed, repository, False, now)
        return self._queue(made)

    def redeliver(self, delivery: Delivery) -> Delivery:
        """The same payload under the same GUID once more."""
        with self._world.lock:
            again = replace(delivery, id=self._world.next_id(), redelivery=True, delivered_at=self._world.now())
            again = replace(again, duration=0.0, status="pending", status_code=0, response_headers={}, response_body=None)
        return self._queue(again)

    def _queue(self, delivery: Delivery) -> Delivery:
        with self._world.lock:
            self._world.deliveries.append(delivery)
        with self._idle:
            self._open += 1
        self._pending.put(delivery)
        return delivery

    def _run(self) -> None:
        with httpx.Client(trust_env=False, follow_redirects=False) as client:
            while (delivery := self._pending.get()) is not _CLOSED:
                try:
                    self._deliver(client, delivery)
                finally:
                    with self._idle:
                        self._open -= 1
                        self._idle.notify_all()

    def _deliver(self, client: httpx.Client, delivery: Delivery) -> None:
        with self._world.lock:
            app = delivery.app
            url, body = app.webhook_url, orjson.dumps(delivery.payload)
            delivery.request_headers = headers(app, delivery, body)
        started = time.monotonic()
        try:
            answer = client.post(str(url), content=body, headers=delivery.request_headers, timeout=self.timeout)
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            delivery.status = "timed out" if isinstance(error, httpx.TimeoutException) else "failed to connect to host"
        else:
            delivery.status_code, delivery.response_headers = answer.status_code, dict(answer.headers)
            delivery.response_body = answer.text[:65_536]
            delivery.status = "OK" if answer.is_success else f"Invalid HTTP Response: {answer.status_code}"
        delivery.duration = time.monotonic() - started


def headers(app: App, delivery: Delivery, body: bytes) -> dict[str, str]:
    """The headers of a delivery, its signature over the raw body among them."""
    return {
        "accept": "*/*",
        "content-type": "application/json",
        "user-agent": "GitHub-Hookshot/local",
        "x-github-delivery": delivery.guid,
        "x-github-event": delivery.event,
        "x-github-hook-id": str(app.id),
        "x-github-hook-installation-target-id": str(app.id),
        "x-github-hook-installation-target-type": "integration",
        "x-hub-signature-256": f"sha256={hmac.new(app.webhook_secret.encode(), body, hashlib.sha256).hexdigest()}",
    }


def _context(world: World, repo: Repository, installation: Installation, sender: Account) -> dict[str, Any]:
    return {
        "repository": views.repository(world, repo),
        "installation": {"id": installation.id, "node_id": f"I_{installation.id}"},
        "sender": views.user(world, sender),
    }


def pull_request(
    world: World, pull: PullRequest, installation: Installation, action: str, sender: Account, **more: Any
) -> dict[str, Any]:
    """`more` holds what only some actions carry: `before` and `after`, or `changes`."""
    shown = {"action": action, "number": pull.number, "pull_request": views.pull(world, pull), **more}
    return {**shown, **_context(world, pull.repository, installation, sender)}


def check_run(world: World, run: CheckRun, installation: Installation, sender: Account, action: str) -> dict[str, Any]:
    """`check_suite.pull_requests` and `pull_requests` are empty for forks, and the branch is null, as with GitHub."""
    suite = run.suite
    keys = ("id", "node_id", "head_branch", "head_sha", "status", "conclusion", "pull_requests", "app")
    shown = {key: value for key, value in views.check_suite(world, suite).items() if key in keys}
    return {
        "action": action,
        "check_run": {**views.check_run(world, run), "check_suite": shown},
        **_context(world, suite.repository, installation, sender),
    }


def check_suite(world: World, suite: CheckSuite, installation: Installation, sender: Account) -> dict[str, Any]:
    shown = {key: value for key, value in views.check_suite(world, suite).items() if key != "repository"}
    return {"action": "rerequested", "check_suite": shown, **_context(world, suite.repository, installation, sender)}


def comment(world: World, made: IssueComment | ReviewComment, installation: Installation) -> tuple[str, dict[str, Any]]:
    """The event of a new comment, and its payload: in the conversation, or on the diff."""
    pull, context = made.pull, _context(world, made.pull.repository, installation, made.user)
    if isinstance(made, ReviewComment):
        shown = {"comment": views.review_comment(world, made), "pull_request": views.simple_pull(world, pull)}
        return "pull_request_review_comment", {"action": "created", **shown, **context}
    page = f"{world.url}/{pull.repository.full_name}/pull/{pull.number}"
    url = f"{world.api_url}/repos/{pull.repository.full_name}"
    issue = {
        "id": pull.id,
        "number": pull.number,
        "title": pull.title,
        "state": pull.state,
        "user": views.user(world, pull.user),
        "html_url": page,
        "pull_request": {"url": f"{url}/pulls/{pull.number}", "html_url": page},
    }
    return "issue_comment", {"action": "created", "issue": issue, "comment": views.issue_comment(world, made), **context}


def merge_group(
    world: World, pull: PullRequest, installation: Installation, *, head: str, ref: str, base: str
) -> dict[str, Any]:
    group = {
        "head_sha": head,
        "head_ref": ref,
        "base_sha": base,
        "base_ref": f"refs/heads/{pull.base_ref}",
        "head_commit": views.simple_commit(pull.repository.git.commit(head)),
    }
    return {"action": "checks_requested", "merge_group": group, **_context(world, pull.repository, installation, pull.user)}


def installation_created(world: World, installation: Installation, sender: Account) -> dict[str, Any]:
    keys = ("id", "node_id", "name", "full_name", "private")
    covered = [r for r in world.repositories.values() if world.covers(installation, r)]
    return {
        "action": "created",
        "installation": views.installation(world, installation),
        "repositories": [{key: views.repository(world, r)[key] for key in keys} for r in covered],
        "requester": None,
        "sender": views.user(world, sender),
    }


def ping(app: App) -> dict[str, Any]:
    config = {"content_type": "json", "insecure_ssl": "0", "secret": "********", "url": app.webhook_url}
    hook = {"type": "App", "id": app.id, "name": "web", "active": True, "events": list(app.events), "config": config}
    return {"zen": "Keep it logically awesome.", "hook_id": app.id, "hook": {**hook, "app_id": app.id}}
