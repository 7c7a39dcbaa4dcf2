"""The page of a pull request as a person sees it: conversation, check, diff with comments at their lines."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from bot.local_github.state import World


class Pages:
    """Renders pages from the world."""

    def __init__(self, world: World) -> None:
        self._world = world
        self.routes = [Route("/{owner}/{repo}/pull/{number:int}", self.pull)]

    def pull(self, request: Request) -> Response:
        return HTMLResponse("")
