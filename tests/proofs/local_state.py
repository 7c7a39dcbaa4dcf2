"""The proof of local state: two processes of one Django project behind a proxy that takes turns, as a compose file states them.

A visitor signs in and then asks who they are. What each process knows of them was counted, once with the settings that the rule
speaks of, once with what it says instead; and so for a dictionary in which one request leaves what the next looks for.
"""

from __future__ import annotations

import http.client
import http.server
import itertools
import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import analyzers
from tests.proofs.projects import project, valkey
from tests.reference import ROOT
from tests.test_cases import Blobs

PAGE = ROOT / "analyzers" / "rules" / "local_state.md"
ASKED = 20
"""Requests after the visitor has signed in."""

_COMPOSE = b"""
services:
  web:
    build: .
    command: gunicorn --workers 2 shop.wsgi
"""
_SETTINGS = """
import os

SECRET_KEY = "of the proof"
ALLOWED_HOSTS = ["*"]
ROOT_URLCONF = "shop.urls"
INSTALLED_APPS = ["django.contrib.sessions"]
MIDDLEWARE = ["django.contrib.sessions.middleware.SessionMiddleware"]
SESSION_ENGINE = "django.contrib.sessions.backends.cache"
CACHES = {{"default": {{{cache}}}}}
"""
_LOCAL = '"BACKEND": "django.core.cache.backends.locmem.LocMemCache"'
_SHARED = '"BACKEND": "django.core.cache.backends.redis.RedisCache", "LOCATION": os.environ["REDIS_URL"]'
_URLS = """
from django.urls import path

from shop import views

urlpatterns = [
    path("sign-in", views.sign_in),
    path("who", views.who),
    path("jobs", views.start),
    path("jobs/<name>", views.status),
]
"""
_VIEWS = """
from django.http import JsonResponse
{top}


def sign_in(request):
    request.session["user"] = "ada"
    return JsonResponse({{}})


def who(request):
    return JsonResponse({{"found": request.session.get("user") == "ada"}})


def start(request):
    {put}
    return JsonResponse({{}})


def status(request, name):
    return JsonResponse({{"found": {look}}})
"""
_IN_PROCESS = {"top": "\njobs = {}", "put": 'jobs[request.GET["name"]] = "running"', "look": "name in jobs"}
_IN_CACHE = {
    "top": "from django.core.cache import cache",
    "put": 'cache.set("job " + request.GET["name"], "running")',
    "look": 'cache.get("job " + name) is not None',
}
_SERVER = """
import sys
from wsgiref.simple_server import WSGIRequestHandler, make_server

from django.core.wsgi import get_wsgi_application


class Silent(WSGIRequestHandler):
    def log_message(self, *_):
        pass


server = make_server("127.0.0.1", 0, get_wsgi_application(), handler_class=Silent)
print(server.server_port, flush=True)
server.serve_forever()
"""

CASES = {
    "Django sessions in a cache, the cache in each process": ("who", _LOCAL, _IN_CACHE),
    "the same, the cache in Redis": ("who", _SHARED, _IN_CACHE),
    "jobs in a dictionary of a module": ("jobs/export", _SHARED, _IN_PROCESS),
    "jobs in Redis": ("jobs/export", _SHARED, _IN_CACHE),
}
"""What is asked for, where the cache is, and where the jobs are."""


@dataclass(frozen=True)
class Measured:
    """What two processes knew of one visitor: of so many requests, how many were answered by one that did not know them."""

    title: str
    lost: int
    found: bool


def measured() -> Iterator[Measured]:
    """Every case, run."""
    with ExitStack() as stack:
        redis = stack.enter_context(valkey())
        for title, (address, cache, jobs) in CASES.items():
            files = {
                "shop/settings.py": _SETTINGS.format(cache=cache).encode(),
                "shop/urls.py": _URLS.encode(),
                "shop/views.py": _VIEWS.format(**jobs).encode(),
                "compose.yml": _COMPOSE,
            }
            blobs = Blobs()
            found = any(f.rule == "local_state" for f in analyzers.audit(blobs.add(files), blobs).review.new)
            with project(files) as folder, _processes(folder, redis) as ports, _proxy(ports) as proxy:
                yield Measured(title, _lost(proxy, address), found)


def _lost(port: int, address: str) -> int:
    """How often a process does not find what the visitor left: by signing in, or by starting a job."""
    cookie = _ask(port, "/sign-in")[1]
    _ask(port, "/jobs?name=export", cookie)
    return sum(not json.loads(_ask(port, f"/{address}", cookie)[0])["found"] for _ in range(ASKED))


def _ask(port: int, address: str, cookie: str = "") -> tuple[bytes, str]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    try:
        connection.request("GET", address, headers={"Cookie": cookie} if cookie else {})
        answer = connection.getresponse()
        return answer.read(), (answer.getheader("Set-Cookie") or "").partition(";")[0]
    finally:
        connection.close()


@contextmanager
def _processes(folder: Path, redis: str) -> Iterator[list[int]]:
    """Two processes of the project, by their ports."""
    environment = {**os.environ, "DJANGO_SETTINGS_MODULE": "shop.settings", "REDIS_URL": redis, "PYTHONPATH": str(folder)}
    command = [sys.executable, "-c", _SERVER]
    running = [
        subprocess.Popen(command, cwd=folder, env=environment, stdout=subprocess.PIPE, text=True, stderr=subprocess.DEVNULL)
        for _ in range(2)
    ]
    try:
        yield [int(process.stdout.readline()) for process in running if process.stdout is not None]
    finally:
        for process in running:
            process.terminate()
            process.communicate(timeout=30)


@contextmanager
def _proxy(ports: list[int]) -> Iterator[int]:
    """A proxy that hands each request to the next of the processes, by its port."""
    turns = itertools.cycle(ports)

    class Turns(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body, cookie = _ask(next(turns), self.path, self.headers.get("Cookie", ""))
            self.send_response(200)
            if cookie:
                self.send_header("Set-Cookie", cookie)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Turns) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield server.server_port
        finally:
            server.shutdown()
            thread.join()


def table(found: Iterator[Measured]) -> str:
    lines = ["| two processes, one visitor | requests | not known to the process that answered | said |\n|---|---:|---:|---|\n"]
    lines += [f"| {one.title} | {ASKED} | {one.lost} | {'yes' if one.found else 'no'} |\n" for one in found]
    return "".join(lines)
