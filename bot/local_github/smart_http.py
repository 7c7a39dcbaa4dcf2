"""git's smart HTTP for reading: `info/refs` and `git-upload-pack` of the bare repositories, for tokens that may read."""

from __future__ import annotations

import asyncio
import gzip
import subprocess
import tempfile
from collections.abc import AsyncIterator
from typing import IO

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response, StreamingResponse

from bot.local_github import auth
from bot.local_github.faults import Faults, Moment
from bot.local_github.git import environment
from bot.local_github.refusal import Refusal
from bot.local_github.state import Repository, World

MAX_REQUEST = 50 * 2**20
_NO_CACHE = {"cache-control": "no-cache, max-age=0, must-revalidate", "pragma": "no-cache"}


class SmartHttp:
    """The two endpoints a fetch needs. Nothing can be pushed."""

    def __init__(self, world: World, faults: Faults) -> None:
        self._world, self._faults = world, faults
        self.requests: list[dict[str, str]] = []

    async def refs(self, request: Request) -> Response:
        """`info/refs?service=git-upload-pack`: what there is to fetch."""
        service = request.query_params.get("service", "")
        if service != "git-upload-pack":
            return PlainTextResponse("Only git-upload-pack is served here.\n", 403)
        found = await self._admit(request)
        if isinstance(found, Response):
            return found
        first = b"# service=git-upload-pack\n"
        command = _command(found, "--http-backend-info-refs")
        with tempfile.TemporaryFile() as nothing:
            lines = _stream(command, nothing, request)
            announced = [f"{len(first) + 4:04x}".encode(), first, b"0000", *[part async for part in lines]]
        return Response(b"".join(announced), 200, _NO_CACHE, "application/x-git-upload-pack-advertisement")

    async def upload_pack(self, request: Request) -> Response:
        """`git-upload-pack`: the negotiation and the pack."""
        found = await self._admit(request)
        if isinstance(found, Response):
            return found
        raw = await request.body()
        if request.headers.get("content-encoding") == "gzip":
            raw = await run_in_threadpool(gzip.decompress, raw)
        if len(raw) > MAX_REQUEST:
            return PlainTextResponse("The request is too large.\n", 413)
        spooled = tempfile.TemporaryFile()  # noqa: SIM115 - closed by the stream that reads it
        spooled.write(raw)
        spooled.seek(0)
        lines = _stream(_command(found), spooled, request)
        return StreamingResponse(lines, 200, _NO_CACHE, "application/x-git-upload-pack-result")

    async def _admit(self, request: Request) -> Repository | Response:
        """The repository, for a living token that covers it with `contents: read`; else the answer that says no."""
        full_name = f"{request.path_params['owner']}/{request.path_params['repo'].removesuffix('.git')}"
        self.requests.append({"method": request.method, "path": request.url.path, "user": _user(request)})
        if fault := self._faults.take(request.method, request.url.path):
            await asyncio.sleep(fault.delay)
            if fault.moment is not Moment.NEVER:
                return PlainTextResponse(fault.message, fault.status or 502, fault.headers)
        try:
            with self._world.lock:
                token = auth.token_of(self._world, request.headers.get("authorization", ""))
                found = self._world.repository(full_name)
        except Refusal as refusal:
            challenge = {"www-authenticate": 'Basic realm="GitHub"'} if refusal.status == 401 else {}
            return PlainTextResponse(f"{refusal.message}\n", refusal.status, challenge)
        if found is None or not auth.sees(token, found):
            return PlainTextResponse("Repository not found.\n", 404)
        if not auth.may(token, "contents", "read"):
            return PlainTextResponse("Resource not accessible by integration\n", 403)
        return found


def _user(request: Request) -> str:
    return "x-access-token" if request.headers.get("authorization") else "anonymous"


def _command(repository: Repository, *options: str) -> list[str]:
    return ["git", "upload-pack", "--stateless-rpc", "--strict", *options, str(repository.git.path)]


async def _stream(command: list[str], stdin: IO[bytes], request: Request) -> AsyncIterator[bytes]:
    """What the command writes, as it writes it. The process ends with the connection."""
    env = environment()
    if protocol := request.headers.get("git-protocol"):
        env["GIT_PROTOCOL"] = protocol
    with stdin, subprocess.Popen(command, stdin=stdin, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=env) as process:
        assert process.stdout is not None
        try:
            while chunk := await run_in_threadpool(process.stdout.read, 65_536):
                yield chunk
        finally:
            process.kill()
