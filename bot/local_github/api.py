"""One call to the REST API: found, authenticated, held to its permissions, answered, recorded."""

from __future__ import annotations

import asyncio
import re
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar
from urllib.parse import urlencode

import orjson
import pydantic
from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from bot.local_github import auth
from bot.local_github.faults import DROPPED, Fault, Faults, Moment
from bot.local_github.git import GitError
from bot.local_github.record import Record
from bot.local_github.refusal import FORBIDDEN, NOT_FOUND, Refusal
from bot.local_github.state import Account, App, Installation, PullRequest, Repository, Token, World

DOCS = "https://docs.github.com/rest"
HOURLY_LIMIT = 5000
MAX_BODY = 25 * 2**20

Permission = tuple[str, str]
M = TypeVar("M", bound=pydantic.BaseModel)


class Body(pydantic.BaseModel):
    """A request body: nothing but the named keys, no null, and no silent conversion."""

    model_config = pydantic.ConfigDict(extra="forbid", strict=True, frozen=True)

    @pydantic.field_validator("*", mode="before")
    @classmethod
    def _present(cls, value: Any) -> Any:
        if value is None:
            raise ValueError("nil is not allowed")
        return value


@dataclass(frozen=True)
class Answer:
    """What a handler says: a status and JSON, or None for an empty body; `text` for the rare other media types."""

    status: int = 200
    json: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)
    text: str | None = None
    media: str = "application/json; charset=utf-8"


@dataclass
class Call:
    """One request, decoded. `repository` is set on routes that name one, `token` or `app` by how the caller came."""

    world: World
    path: dict[str, str]
    query: dict[str, str]
    json: Any
    accept: str = ""
    app: App | None = None
    token: Token | None = None
    named: Repository | None = None
    stale: bool = False
    url: str = ""
    faults: Faults = field(default_factory=Faults)

    @property
    def repository(self) -> Repository:
        assert self.named is not None
        return self.named

    @property
    def installation(self) -> Installation:
        assert self.token is not None
        return self.token.installation

    @property
    def bot(self) -> Account:
        return self.installation.app.bot

    def body(self, model: type[M]) -> M:
        """The JSON body as `model`, or a 422 in GitHub's words."""
        try:
            return model.model_validate({} if self.json is None else self.json)
        except pydantic.ValidationError as error:
            raise Refusal(422, f"Invalid request.\n\n{_complaint(error)}") from None

    def pull(self, key: str = "pull_number") -> PullRequest:
        found = self.repository.pulls.get(self.number(key))
        if found is None:
            raise NOT_FOUND
        return found

    def number(self, key: str) -> int:
        """A path parameter that is a number; anything else names nothing."""
        if not re.fullmatch(r"[0-9]{1,18}", self.path[key]):
            raise NOT_FOUND
        return int(self.path[key])

    def page(self, items: list[Any], default: int = 30) -> tuple[list[Any], dict[str, str]]:
        """One page of `items` and the `Link` header to the others."""
        size = min(max(self.count("per_page", default), 1), 100)
        page, last = max(self.count("page", 1), 1), max(1, -(-len(items) // size))
        links = {"prev": page - 1, "first": 1} if page > 1 else {}
        if page < last:
            links |= {"next": page + 1, "last": last}
        kept = {k: v for k, v in self.query.items() if k != "page"}
        parts = [f'<{self.url}?{urlencode({**kept, "page": number})}>; rel="{name}"' for name, number in links.items()]
        return items[(page - 1) * size : page * size], {"link": ", ".join(parts)} if parts else {}

    def count(self, key: str, default: int) -> int:
        """A number of the query, or the default where it is none."""
        value = self.query.get(key, "")
        return int(value) if re.fullmatch(r"[0-9]{1,9}", value) else default


@dataclass(frozen=True)
class Operation:
    """A route: who may call it, and what answers. `needs` are alternatives; `way` is app (JWT), token, or open."""

    method: str
    template: str
    handler: Callable[[Call], Answer]
    needs: tuple[Permission, ...] = ()
    way: str = "token"

    @property
    def pattern(self) -> re.Pattern[str]:
        text = ""
        for part in re.split(r"(\{[a-z_]+\})", self.template):
            greedy = part in ("{ref}", "{basehead}", "{path}")  # these may hold slashes
            text += f"(?P<{part[1:-1]}>{'.+' if greedy else '[^/]+'})" if part.startswith("{") else re.escape(part)
        return re.compile(text)

    @property
    def writes(self) -> bool:
        return self.method != "GET"


def _complaint(error: pydantic.ValidationError) -> str:
    """The first thing wrong with a body, as GitHub words it."""
    first = error.errors(include_url=False)[0]
    where = "/".join(str(part) for part in first["loc"])
    context = first.get("ctx", {})
    match first["type"]:
        case "missing":
            return f'"{first["loc"][-1]}" wasn\'t supplied.'
        case "extra_forbidden":
            return f'"{first["loc"][-1]}" is not a permitted key.'
        case "string_too_long":
            return f"Only {context['max_length']} characters are allowed; {len(first['input'])} were supplied."
        case "too_long":
            return f"No more than {context['max_length']} items are allowed; {context['actual_length']} were supplied."
        case _:
            return f"For 'properties/{where}', {first['msg']}."


class Api:
    """The REST API as an ASGI application, without its prefix."""

    def __init__(self, world: World, operations: list[Operation], faults: Faults, record: Record) -> None:
        self._world, self._faults, self._record = world, faults, record
        self._routes = [(operation.pattern, operation) for operation in operations]
        self._used: dict[tuple[str, int], int] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        path = str(scope["path"]).removeprefix(str(scope.get("root_path", "")))
        try:
            raw = await _read(request)
        except ClientDisconnect:
            return
        fault = self._faults.take(request.method, path)
        if fault and fault.delay:
            await asyncio.sleep(fault.delay)
        if fault and fault.moment is Moment.BEFORE:
            answer = fault.answer()
        else:
            answer = await run_in_threadpool(self._answer, request, path, raw, bool(fault and fault.stale))
            if fault and fault.moment is Moment.AFTER:
                answer = fault.answer()
        self._record.add(request, path, raw, answer, fault)
        await self._send(answer, request, fault)(scope, receive, send)

    def _answer(self, request: Request, path: str, raw: bytes, stale: bool) -> Answer:
        try:
            operation, parameters = self._match(request.method, path)
            query = dict(request.query_params)
            url = f"{self._world.api_url}{path}"
            accept = request.headers.get("accept", "")
            call = Call(self._world, parameters, query, None, accept, stale=stale, url=url, faults=self._faults)
            with self._world.lock:
                self._admit(call, operation, request.headers.get("authorization", ""))
                call.json = _json(raw)
                return operation.handler(call)
        except Refusal as refusal:
            return Answer(refusal.status, refusal.json(DOCS))
        except GitError:
            return Answer(404, NOT_FOUND.json(DOCS))

    def _match(self, method: str, path: str) -> tuple[Operation, dict[str, str]]:
        for pattern, operation in self._routes:
            if operation.method == method and (found := pattern.fullmatch(path)):
                return operation, found.groupdict()
        raise NOT_FOUND

    def _admit(self, call: Call, operation: Operation, authorization: str) -> None:
        """Let the caller in, or refuse: 401 unknown, 404 for what its token cannot see, 403 for what it may not do."""
        if operation.way == "open":
            return
        if operation.way == "app":
            call.app = auth.app_of(self._world, authorization)
        else:
            call.token = auth.token_of(self._world, authorization)
        if "owner" in call.path:
            call.named = self._world.repository(f"{call.path['owner']}/{call.path['repo']}")
            if call.named is None or (call.token and not auth.sees(call.token, call.named)):
                raise NOT_FOUND
        if call.token and operation.needs and not any(auth.may(call.token, *need) for need in operation.needs):
            raise FORBIDDEN

    def _send(self, answer: Answer, request: Request, fault: Fault | None) -> Response:
        content = b"" if answer.status == 204 else (answer.text or "").encode() if answer.text else orjson.dumps(answer.json)
        headers = {**self._limits(request), "x-github-request-id": secrets.token_hex(10), **answer.headers}
        response = Response(content, answer.status, headers, None if answer.status == 204 else answer.media)
        if fault and fault.status == DROPPED:
            # Less is sent than was announced, so the server cuts the connection in the middle of the answer.
            response.headers["content-length"] = str(len(content) + 1)
        return response

    def _limits(self, request: Request) -> dict[str, str]:
        now = int(self._world.now().timestamp())
        reset = now - now % 3600 + 3600
        key = (request.headers.get("authorization", ""), reset)
        used = self._used[key] = self._used.get(key, 0) + 1
        counted = {"limit": HOURLY_LIMIT, "remaining": max(0, HOURLY_LIMIT - used), "reset": reset, "used": used}
        return {**{f"x-ratelimit-{k}": str(v) for k, v in counted.items()}, "x-ratelimit-resource": "core"}


async def _read(request: Request) -> bytes:
    parts, size = [], 0
    async for chunk in request.stream():
        size += len(chunk)
        if size <= MAX_BODY:
            parts.append(chunk)
    return b"".join(parts) if size <= MAX_BODY else b"\xff"


def _json(raw: bytes) -> Any:
    if not raw.strip():
        return None
    try:
        return orjson.loads(raw)
    except orjson.JSONDecodeError:
        raise Refusal(400, "Problems parsing JSON") from None
