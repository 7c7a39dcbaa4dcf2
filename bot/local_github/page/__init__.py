"""The pages a person sees: a pull request with its conversation, checks and diff; lists of them; a file."""

from __future__ import annotations

import hashlib
import secrets
from datetime import datetime
from importlib.resources import files
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, RedirectResponse, Response
from starlette.routing import Route

from bot.local_github.git import GitError
from bot.local_github.page.code import lines_of
from bot.local_github.page.model import Pull
from bot.local_github.state import Repository, World

_POLICY = "default-src 'none'; style-src 'unsafe-inline'; connect-src 'self'; script-src 'nonce-{0}'; base-uri 'none'"


class Pages:
    """Renders pages from the world. Nothing is loaded from elsewhere, and no page needs a script."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._templates = Environment(
            loader=PackageLoader("bot.local_github.page", "."),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._templates.filters["day"] = lambda moment: f"{moment:%b} {moment.day}, {moment:%Y}"
        self._templates.filters["ago"] = self._ago
        self.style = Markup(files(__package__).joinpath("style.css").read_text("utf-8"))  # noqa: S704 - our own file
        self.routes = [
            Route("/", self.index),
            Route("/{owner}/{repo}", self.repository),
            Route("/{owner}/{repo}/pulls", self.repository),
            Route("/{owner}/{repo}/pull/{number:int}", self.pull),
            Route("/{owner}/{repo}/runs/{run:int}", self.run),
            Route("/{owner}/{repo}/blob/{sha}/{path:path}", self.file),
        ]

    async def index(self, request: Request) -> Response:
        return self._page(request, "index.html", title="Local GitHub", repositories=list(self._world.repositories.values()))

    async def repository(self, request: Request) -> Response:
        found = self._find(request)
        return (
            self._missing() if found is None else self._page(request, "index.html", title=found.full_name, repositories=[found])
        )

    async def pull(self, request: Request) -> Response:
        """The pull request. It looks for news by itself while its review is under way."""
        found = self._find(request)
        pull = found.pulls.get(request.path_params["number"]) if found else None
        if pull is None:
            return self._missing()
        return await run_in_threadpool(self._pull, request, pull)

    def _pull(self, request: Request, pull: Any) -> Response:
        with self._world.lock:
            shown = Pull(self._world, pull)
            return self._page(request, "pull.html", title=f"{pull.title} #{pull.number}", shown=shown, pull=pull)

    async def run(self, request: Request) -> Response:
        """A check run is shown on its pull request."""
        run = self._world.runs.get(request.path_params["run"])
        found = self._find(request)
        pulls = [p for p in found.pulls.values() if run and p.head_sha == run.suite.head_sha] if found else []
        if not pulls or found is None:
            return self._missing()
        return RedirectResponse(f"/{found.full_name}/pull/{pulls[0].number}#checks", 302)

    async def file(self, request: Request) -> Response:
        """A file at a commit, with numbered lines."""
        found, sha, path = self._find(request), request.path_params["sha"], request.path_params["path"]
        if found is None or not sha.isalnum():
            return self._missing()
        try:
            raw = await run_in_threadpool(found.git.run, "cat-file", "blob", f"{sha}:{path}")
        except GitError:
            return self._missing()
        lines = lines_of(raw.decode("utf-8", "replace").removesuffix("\n"), path)
        return self._page(request, "file.html", title=path, path=path, sha=sha, repository=found, lines=lines)

    def _find(self, request: Request) -> Repository | None:
        return self._world.repository(f"{request.path_params['owner']}/{request.path_params['repo']}")

    @staticmethod
    def _missing() -> Response:
        return PlainTextResponse("There is no such page.\n", 404)

    def _page(self, request: Request, template: str, **values: Any) -> Response:
        nonce = secrets.token_urlsafe(12)
        html = self._templates.get_template(template).render(style=self.style, nonce=nonce, **values)
        tag = hashlib.sha256(html.replace(nonce, "").encode()).hexdigest()[:32]
        headers = {"content-security-policy": _POLICY.format(nonce), "etag": f'"{tag}"', "cache-control": "no-cache"}
        if request.method == "HEAD":
            return Response(None, 200, headers, "text/html; charset=utf-8")
        return HTMLResponse(html, 200, headers)

    def _ago(self, moment: datetime) -> str:
        """How long ago, roughly."""
        seconds = (self._world.now() - moment).total_seconds()
        for size, name in ((86_400 * 30, "month"), (86_400, "day"), (3600, "hour"), (60, "minute")):
            if seconds >= size:
                count = int(seconds // size)
                return f"{count} {name}{'s' if count > 1 else ''} ago"
        return "now"
