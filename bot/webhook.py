"""GitHub's deliveries: verified, understood, and handed to the queue before they are acknowledged.

`receive` asks GitHub nothing and waits for nothing but one round trip to Valkey. `job_for` is the table of events: a pure
function from an event to a `Job`, or to the reason why there is none. Payloads are read by own, tolerant models of the few
fields used: a strict parser refuses a third of what GitHub and its Enterprise Server really send.
"""

from __future__ import annotations

import hmac
import re
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
import orjson
import structlog
from fastapi import FastAPI, Request, Response
from redis.exceptions import RedisError

from bot import tenancy, tracing
from bot.jobs import BUTTONS, READINESS, Command, Job, Work
from bot.observe import count_delivery
from bot.queue import Outcome, Receiver

MAX_BODY = 25 * 2**20  # GitHub's own limit for a payload
MERGE_QUEUE = re.compile(r"^(?:refs/heads/)?gh-readonly-queue/.+/pr-\d+-([0-9a-f]{40,64})$")
COMMIT = re.compile(r"^[0-9a-f]{40,64}$")
INSTANT = re.compile(r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$")
SIGNATURE = re.compile(rb"sha256=[0-9a-fA-F]{64}")

log = structlog.get_logger()


class _Owner(msgspec.Struct):
    login: str = ""


class _Repository(msgspec.Struct):
    id: int = 0
    name: str = ""
    owner: _Owner | None = None


class _Numbered(msgspec.Struct):
    id: int = 0


class _Side(msgspec.Struct):
    """The head or base of a pull request; `repo` is null when a fork was deleted."""

    sha: str = ""
    repo: _Numbered | None = None


class _PullRequest(msgspec.Struct):
    number: int = 0
    draft: bool | None = None
    head: _Side | None = None
    base: _Side | None = None
    updated_at: str | None = None


class _Check(msgspec.Struct):
    """A check run or a check suite."""

    name: str | None = None
    head_sha: str | None = None
    head_branch: str | None = None
    app: _Numbered | None = None
    check_suite: _Check | None = None
    pull_requests: list[_PullRequest] | None = None


class _MergeGroup(msgspec.Struct):
    head_sha: str = ""
    base_sha: str = ""


class _User(msgspec.Struct):
    login: str = ""
    type: str = ""


class _Comment(msgspec.Struct):
    """A comment of the conversation, or on the diff; the latter may answer another."""

    id: int = 0
    body: str | None = None
    user: _User | None = None
    in_reply_to_id: int | None = None


class _Issue(msgspec.Struct):
    """A pull request, seen by its conversation; issues proper have no `pull_request`."""

    number: int = 0
    pull_request: msgspec.Raw = msgspec.Raw()


class _Action(msgspec.Struct):
    """A button of ours."""

    identifier: str = ""


class _Changes(msgspec.Struct):
    base: msgspec.Raw = msgspec.Raw()


class Payload(msgspec.Struct):
    """The fields of a payload that decide what is to be done; each may be missing."""

    action: str | None = None
    installation: _Numbered | None = None
    repository: _Repository | None = None
    pull_request: _PullRequest | None = None
    check_run: _Check | None = None
    check_suite: _Check | None = None
    merge_group: _MergeGroup | None = None
    changes: _Changes | None = None
    comment: _Comment | None = None
    issue: _Issue | None = None
    requested_action: _Action | None = None
    sender: _User | None = None


class Ignored(msgspec.Struct, frozen=True):
    """Why an event asks for nothing."""

    reason: str


_decoder = msgspec.json.Decoder(Payload)

SAID = re.compile(r"^/cliffguard\b[ \t]*([^\r\n]*)", re.M)
MAX_COMMAND = 500  # characters
EVENTS = ("pull_request", "check_run", "check_suite", "merge_group", "issue_comment", "pull_request_review_comment")
PULL_REQUEST = {
    "opened": Work.REVIEW,
    "reopened": Work.REVIEW,
    "synchronize": Work.REVIEW,
    "ready_for_review": Work.REVIEW,
    "edited": Work.REVIEW,
    "closed": Work.CANCEL,
}


def job_for(event: str, body: bytes, *, delivery: str = "", app: int | None = None) -> Job | Ignored:
    """What the event `event` with the payload `body` asks for. Pure; never raises.

    `delivery` is the delivery id, `app` the id of our App: re-runs of other Apps' checks are not ours.
    """
    if event not in EVENTS:
        return Ignored(f"nothing is done for the event {event!r}")
    try:
        payload = _decoder.decode(body)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        return Ignored(f"the payload cannot be read: {error}")
    found = _ask(event, payload, delivery, app)
    if isinstance(found, Ignored):
        return found
    repository, installation = payload.repository, payload.installation
    if repository is None or not repository.id or not repository.name or repository.owner is None or not repository.owner.login:
        return Ignored("the payload names no repository")
    if installation is None or not installation.id:
        return Ignored("the payload names no installation: the webhook of the App is meant, not one of a repository")
    if not COMMIT.match(found["head"]) and "command" not in found and found["work"] is not Work.READINESS:
        return Ignored("the payload names no head commit")
    return Job(
        installation=installation.id,
        repository_id=repository.id,
        owner=repository.owner.login,
        repository=repository.name,
        reason=f"{event}.{payload.action}",
        delivery=delivery,
        **found,
    )


def _ask(event: str, payload: Payload, delivery: str, app: int | None) -> dict[str, Any] | Ignored:
    """The fields of the job that differ from event to event."""
    match event, payload.action:
        case "pull_request", action if action in PULL_REQUEST:
            return _of_pull_request(payload, action)
        case (("check_run" | "check_suite"), "rerequested"):
            return _of_rerun(payload, delivery, app)
        case "merge_group", "checks_requested":
            group = payload.merge_group or _MergeGroup()
            return {"work": Work.MERGE_GROUP, "number": 0, "head": group.head_sha, "base": _commit(group.base_sha)}
        case "issue_comment", "created":
            issue = payload.issue or _Issue()
            return _of_comment(payload, issue.number if bytes(issue.pull_request) not in (b"", b"null") else 0)
        case "pull_request_review_comment", "created":
            return _of_comment(payload, payload.pull_request.number if payload.pull_request else 0)
        case "check_run", "requested_action":
            return _of_button(payload, delivery, app)
    return Ignored(f"nothing is done for {event}.{payload.action}")


def _of_pull_request(payload: Payload, action: str) -> dict[str, Any] | Ignored:
    pull_request = payload.pull_request
    if pull_request is None or pull_request.number <= 0 or pull_request.head is None:
        return Ignored("the payload names no pull request")
    if action == "edited" and not (payload.changes and bytes(payload.changes.base) not in (b"", b"null")):
        return Ignored("the edit did not change the base")
    updated = pull_request.updated_at or ""
    updated = updated if INSTANT.match(updated) else ""
    again = action in ("reopened", "ready_for_review", "edited")  # of a head that may have been reviewed before
    return {
        "work": PULL_REQUEST[action],
        "number": pull_request.number,
        "head": pull_request.head.sha,
        "base": _commit(pull_request.base.sha if pull_request.base else ""),
        "draft": bool(pull_request.draft),
        "attempt": f"{action} {updated}" if again else "",
        "updated": updated,
    }


def _of_rerun(payload: Payload, delivery: str, app: int | None) -> dict[str, Any] | Ignored:
    """ "Re-run", pressed by a person. Without a pull request (GitHub names none of forks) the worker finds it by its head."""
    check = payload.check_run or payload.check_suite
    if check is None:
        return Ignored("the payload names no check")
    if app is not None and check.app is not None and check.app.id != app:
        return Ignored("the check belongs to another App")
    head, suite = check.head_sha or "", check.check_suite
    branch = check.head_branch or (suite.head_branch if suite else None) or ""
    again = f"rerequested {delivery}"
    if check.name == READINESS:
        return {"work": Work.READINESS, "number": 0, "head": "", "attempt": again}
    if queued := MERGE_QUEUE.match(branch):
        return {"work": Work.MERGE_GROUP, "number": 0, "head": head, "base": queued[1], "attempt": again}
    ours = [one for one in check.pull_requests or (suite.pull_requests if suite else None) or () if _is_of(one, payload, head)]
    base = ours[0].base if ours else None
    return {
        "work": Work.REVIEW,
        "number": ours[0].number if ours else 0,
        "head": head,
        "base": _commit(base.sha if base else ""),
        "attempt": again,
    }


def _of_comment(payload: Payload, number: int) -> dict[str, Any] | Ignored:
    """A line `/cliffguard …` that a person wrote on a pull request."""
    comment = payload.comment or _Comment()
    said = SAID.search(comment.body or "")
    if said is None:
        return Ignored("the comment asks for nothing")
    if number <= 0 or not comment.id or comment.user is None or comment.user.type != "User":
        return Ignored("the comment is not that of a person on a pull request")
    command = Command(said[1].strip()[:MAX_COMMAND], comment.user.login, comment.id, comment.in_reply_to_id or 0)
    return {"work": Work.COMMAND, "number": number, "head": "", "command": command}


def _of_button(payload: Payload, delivery: str, app: int | None) -> dict[str, Any] | Ignored:
    """A button of our check run: another review, or what a command says as well."""
    pressed, sender = (payload.requested_action or _Action()).identifier, payload.sender or _User()
    found = _of_rerun(payload, delivery, app)
    button = next((one for one in BUTTONS if one.identifier == pressed), None)
    if isinstance(found, Ignored) or (button is not None and not button.command):
        return found
    if button is None or found["work"] is not Work.REVIEW or not sender.login:
        return Ignored(f"there is no button {pressed!r}")
    return {**found, "work": Work.COMMAND, "command": Command(button.command, sender.login)}


def _is_of(pull_request: _PullRequest, payload: Payload, head: str) -> bool:
    """Whether it is a pull request of this repository (a check names those of its forks' upstreams too), at this head."""
    base, side = pull_request.base, pull_request.head
    here = base is None or base.repo is None or payload.repository is None or base.repo.id == payload.repository.id
    return here and pull_request.number > 0 and (side is None or side.sha == head)


def _commit(sha: str) -> str:
    return sha if COMMIT.match(sha) else ""


def signed(body: bytes, signature: bytes, secrets: Sequence[bytes]) -> bool:
    """Whether `signature` (`sha256=` and 64 hexadecimal digits) is that of `body` under one of `secrets`, in constant time."""
    given = bytes.fromhex(signature[7:].decode())
    valid = False
    for secret in secrets:
        valid |= hmac.compare_digest(hmac.digest(secret, body, "sha256"), given)
    return valid


async def receive(request: Request) -> Response:
    """One delivery: 202 once its job is durable, 200 with the reason if it asks for nothing, 503 if Valkey does not answer."""
    headers: dict[bytes, bytes] = dict(request.scope["headers"])  # once: Starlette's own searches the list for every name
    event = headers.get(b"x-github-event", b"").decode("latin-1")
    refusal = _refusal(headers)
    body = b"" if refusal else await _read(request)
    if body is None:
        refusal = _answer(413, error=f"a payload may have {MAX_BODY} bytes")
    elif refusal is None and not signed(body, headers[b"x-hub-signature-256"], request.app.state.webhook_secrets):
        refusal = _answer(401, error="the signature is not that of this body under a secret we know")
    if refusal is not None:
        count_delivery(event, "refused")
        return refusal
    return await _accept(request, event, headers.get(b"x-github-delivery", b"").decode("latin-1")[:100], body or b"")


def _refusal(headers: Mapping[bytes, bytes]) -> Response | None:
    """What can be said before reading the body."""
    signature = headers.get(b"x-hub-signature-256")
    if not signature:
        return _answer(401, error="the delivery is not signed: X-Hub-Signature-256 is missing (SHA-1 is not accepted)")
    if not SIGNATURE.fullmatch(signature):
        return _answer(401, error="X-Hub-Signature-256 must be sha256= and 64 hexadecimal digits")
    if headers.get(b"content-type", b"").partition(b";")[0].strip().lower() != b"application/json":
        return _answer(415, error="the content type of the webhook must be application/json")
    if not headers.get(b"x-github-event"):
        return _answer(400, error="X-GitHub-Event is missing")
    length = headers.get(b"content-length", b"0")
    if not length.isdigit() or int(length) > MAX_BODY:
        return _answer(413, error=f"a payload may have {MAX_BODY} bytes")
    return None


async def _read(request: Request) -> bytes | None:
    """The body; None as soon as it is longer than `MAX_BODY`, whatever its headers said."""
    chunks, size = [], 0
    async for chunk in request.stream():
        size += len(chunk)
        if size > MAX_BODY:
            return None
        chunks.append(chunk)
    return b"".join(chunks)


async def _accept(request: Request, event: str, delivery: str, body: bytes) -> Response:
    if event in tenancy.EVENTS and (change := tenancy.change_of(event, body)) != tenancy.Change():
        return await _note(request, event, delivery, change)
    found = job_for(event, body, delivery=delivery, app=request.app.state.app_id)
    if isinstance(found, Ignored):
        count_delivery(event, "ignored")
        return _answer(200, status="ignored", reason=found.reason)
    with tracing.span("delivery", "SERVER", **{"github.event": found.reason, "github.delivery": delivery}) as span:
        return await _submit(request, event, found if span is None else msgspec.structs.replace(found, trace=tracing.here()))


async def _submit(request: Request, event: str, found: Job) -> Response:
    delivery = found.delivery
    receiver: Receiver = request.app.state.receiver
    try:
        submission = await receiver.submit(found)
    except RedisError as error:
        count_delivery(event, "unavailable")
        log.error("the queue does not answer", delivery=delivery, github_event=event, error=str(error))
        return _answer(503, error="the queue does not answer; redeliver this delivery later")
    count_delivery(event, submission.outcome.value)
    if submission.outcome is not Outcome.QUEUED:  # a queued one is logged by its worker; a line here costs a tenth of the time
        log.info("no new job", delivery=delivery, github_event=found.reason, outcome=submission.outcome, job=submission.id)
    status = 202 if submission.outcome in (Outcome.QUEUED, Outcome.DUPLICATE) else 200
    return _answer(status, status=submission.outcome, job=submission.id)


async def _note(request: Request, event: str, delivery: str, change: tenancy.Change) -> Response:
    """Repositories that came or went."""
    receiver: Receiver = request.app.state.receiver
    try:
        await tenancy.note(receiver.connection, change)
    except RedisError as error:
        count_delivery(event, "unavailable")
        log.error("the queue does not answer", delivery=delivery, github_event=event, error=str(error))
        return _answer(503, error="the queue does not answer; redeliver this delivery later")
    count_delivery(event, "noted")
    log.info("repositories", delivery=delivery, gone=len(change.gone), here=len(change.here))
    return _answer(200, status="noted")


def _answer(code: int, **content: str) -> Response:
    return Response(orjson.dumps(content), code, media_type="application/json")


def add_to(app: FastAPI) -> None:
    """Receives deliveries at `/webhook`. A plain route: FastAPI's reading of parameters and bodies would cost a sixth more."""
    app.add_route("/webhook", receive, methods=["POST"], include_in_schema=False)
