"""The proofs of slow work: an order whose mail goes to a slow server, while 20 visitors order at once; and tasks of Celery
whose worker, or its process, is killed, or whose queue waits for less than they take.
"""

from __future__ import annotations

import asyncio
import http.client
import importlib
import os
import signal
import socket
import statistics
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import redis as client

import analyzers
from tests.proofs.projects import project, valkey
from tests.reference import ROOT
from tests.test_cases import Blobs

PAGE = ROOT / "analyzers" / "rules" / "sync_work.md"

# -- mail in a request -------------------------------------------------------------------------------------------------

VISITORS = 20
WORKERS = 4
MAIL = 1.0
"""Seconds that the mail server takes for one mail."""
PATIENCE = 3.0
"""Seconds after which a visitor is gone."""

_SETTINGS = """
import os

SECRET_KEY = "of the proof"
ALLOWED_HOSTS = ["*"]
ROOT_URLCONF = "shop.urls"
EMAIL_HOST, EMAIL_PORT = "127.0.0.1", int(os.environ["SMTP_PORT"])
EMAIL_TIMEOUT = 30
"""
_URLS = """
from django.urls import path

from shop import views

urlpatterns = [path("orders", views.order), path("news", views.news)]
"""
_INSIDE = """
from django.http import HttpResponse

from shop.mail import thank


def order(request):
    thank("ada@example.org")
    return HttpResponse("ordered")


def news(request):
    return HttpResponse("news")
"""
_QUEUED = """
import os

import redis
from django.http import HttpResponse
from rq import Queue, Retry

from shop.mail import thank

queue = Queue(connection=redis.Redis.from_url(os.environ["REDIS_URL"]))


def order(request):
    queue.enqueue(thank, "ada@example.org", retry=Retry(max=3))
    return HttpResponse("ordered")


def news(request):
    return HttpResponse("news")
"""
_MAIL = """
from django.core.mail import send_mail


def thank(address):
    send_mail("Thank you", "…", "shop@example.org", [address])
"""
_SERVER = f"""
import socketserver
from concurrent.futures import ThreadPoolExecutor
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

from django.core.wsgi import get_wsgi_application

workers = ThreadPoolExecutor({WORKERS})


class Pool(socketserver.ThreadingMixIn, WSGIServer):
    request_queue_size = 128

    def process_request(self, request, address):
        workers.submit(self.process_request_thread, request, address)

    def handle_error(self, request, address):
        pass  # a visitor who is gone


class Silent(WSGIRequestHandler):
    def log_message(self, *_):
        pass


server = make_server("127.0.0.1", 0, get_wsgi_application(), server_class=Pool, handler_class=Silent)
print(server.server_port, flush=True)
server.serve_forever()
"""
_WORKER = """
import os

import django
import redis
from rq import Queue, SimpleWorker

django.setup()
connection = redis.Redis.from_url(os.environ["REDIS_URL"])
SimpleWorker([Queue(connection=connection)], connection=connection).work(burst=True, logging_level="ERROR")
"""

HANDLERS = {"mail in the request": _INSIDE, "mail in a queue": _QUEUED}


@dataclass(frozen=True)
class Answered:
    """What 20 visitors who ordered at once met, and one who only wanted to read: seconds, and how many gave up."""

    title: str
    median: float
    slowest: float
    gone: int
    news: float
    mails: int
    found: bool


def answered() -> Iterator[Answered]:
    """Both handlers, run."""
    for title, views in HANDLERS.items():
        files = {
            "shop/settings.py": _SETTINGS.encode(),
            "shop/urls.py": _URLS.encode(),
            "shop/views.py": views.encode(),
            "shop/mail.py": _MAIL.encode(),
        }
        blobs = Blobs()
        found = any(f.title.startswith("`order` sends mail") for f in analyzers.audit(blobs.add(files), blobs).review.new)
        with ExitStack() as stack:
            redis = stack.enter_context(valkey())
            smtp, received = stack.enter_context(_slow_smtp())
            folder = stack.enter_context(project(files))
            environment = _environment(folder, redis) | {"SMTP_PORT": str(smtp), "DJANGO_SETTINGS_MODULE": "shop.settings"}
            port = stack.enter_context(_served(folder, environment))
            _ask(port, "/news")
            with ThreadPoolExecutor(VISITORS + 1) as visitors:
                orders = [visitors.submit(_ask, port, "/orders") for _ in range(VISITORS)]
                time.sleep(0.2)
                news = visitors.submit(_ask, port, "/news").result()
                times = sorted(order.result() for order in orders)
            in_time = [t for t in times if t < PATIENCE]
            subprocess.run([sys.executable, "-c", _WORKER], env=environment, cwd=folder, check=True, timeout=120)
            yield Answered(
                title, statistics.median(times), times[-1], len(times) - len(in_time), news, len(received), found=found
            )


def table_of_answers(several: Iterable[Answered]) -> str:
    head = f"| {VISITORS} orders at once, {WORKERS} workers, {MAIL:.0f} s for each mail | median | slowest"
    lines = [
        f"{head} | gone after {PATIENCE:.0f} s | a page without mail | mails | said |\n|---|---:|---:|---:|---:|---:|---|\n"
    ]
    for one in several:
        numbers = f"{one.median:.1f} s | {one.slowest:.1f} s | {one.gone} of {VISITORS} | {one.news:.1f} s | {one.mails}"
        lines.append(f"| {one.title} | {numbers} | {'yes' if one.found else 'no'} |\n")
    return "".join(lines)


def _ask(port: int, address: str) -> float:
    """How long the answer takes, in seconds; the visitor waits, to see."""
    began = time.monotonic()
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    connection.request("GET", address)
    assert connection.getresponse().read() in (b"ordered", b"news")
    connection.close()
    return time.monotonic() - began


@contextmanager
def _slow_smtp() -> Iterator[tuple[int, list[str]]]:
    """A mail server that takes its time, by its port, with what it got."""
    controller_of = importlib.import_module("aiosmtpd.controller").Controller
    received: list[str] = []

    class Slow:
        async def handle_DATA(self, server: object, session: object, envelope: object) -> str:
            await asyncio.sleep(MAIL)
            received.append(str(envelope))
            return "250 OK"

    with socket.create_server(("127.0.0.1", 0)) as free:
        port = int(free.getsockname()[1])
    controller = controller_of(Slow(), hostname="127.0.0.1", port=port)
    controller.start()
    try:
        yield port, received
    finally:
        controller.stop()


@contextmanager
def _served(folder: Path, environment: dict[str, str]) -> Iterator[int]:
    """The project, by the port of its server."""
    command = [sys.executable, "-c", _SERVER]
    process = subprocess.Popen(command, cwd=folder, env=environment, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        yield int(process.stdout.readline())
    finally:
        process.kill()
        process.communicate(timeout=30)


# -- workers that are killed -------------------------------------------------------------------------------------------

_TASKS = """
import os
import time

import redis
from celery import Celery

kept = redis.Redis.from_url(os.environ["REDIS_URL"])
app = Celery("shop", broker=os.environ["BROKER_URL"])
app.conf.broker_connection_retry_on_startup = True
app.conf.worker_prefetch_multiplier = 1
app.conf.broker_transport_options = {"visibility_timeout": float(os.environ["VISIBLE"])}


@app.task(name="build", acks_late=os.environ["LATE"] == "1", reject_on_worker_lost=os.environ["REJECT"] == "1")
def build():
    kept.rpush("started", os.getpid())
    time.sleep(float(os.environ["TAKES"]))
    kept.rpush("finished", os.getpid())
"""
_WAITS = 30.0
"""Seconds after which a task that did not begin again never will."""


@dataclass(frozen=True)
class Killing:
    """What happens to a task while it runs, and how its queue is set up."""

    title: str
    kills: str = ""  # worker, child
    late: bool = False
    rejects: bool = False
    visible: float = 3600
    takes: float = 2


KILLINGS = (
    Killing("acknowledged when taken, the worker is killed", "worker", visible=4),
    Killing("acknowledged when done (`acks_late`), the worker is killed", "worker", late=True, visible=4),
    Killing("`acks_late`, the process that does it is killed", "child", late=True),
    Killing("`acks_late` and `reject_on_worker_lost`, the process that does it is killed", "child", late=True, rejects=True),
    Killing("`acks_late`, it takes 15 s, `visibility_timeout` is 4 s", late=True, visible=4, takes=15),
    Killing("`acks_late`, it takes 15 s, `visibility_timeout` is 1 h", late=True, takes=15),
)


@dataclass(frozen=True)
class Done:
    """How often a task of one was begun, and how often it came to its end."""

    title: str
    started: int
    finished: int


def done() -> Iterator[Done]:
    """Every way of killing, run: several at a time, as most of it is waiting."""
    with ThreadPoolExecutor(3) as threads:
        yield from threads.map(_done, KILLINGS)


def _done(one: Killing) -> Done:
    with ExitStack() as stack:
        redis = stack.enter_context(valkey())
        folder = stack.enter_context(project({"shop/tasks.py": _TASKS.encode()}))
        environment = _environment(folder, redis) | {
            "BROKER_URL": redis.replace("unix://", "redis+socket://").partition("?")[0],
            "LATE": str(int(one.late)),
            "REJECT": str(int(one.rejects)),
            "VISIBLE": str(one.visible),
            "TAKES": str(one.takes),
        }
        kept = client.Redis.from_url(redis)
        first = stack.enter_context(_worker(folder, environment))
        subprocess.run(
            [sys.executable, "-c", "from shop.tasks import build; build.delay()"],
            env=environment, cwd=folder, check=True, timeout=60,
        )  # fmt: skip
        _until(lambda: kept.llen("started") == 1, 60)
        if one.kills == "worker":
            os.killpg(first.pid, signal.SIGKILL)
        elif one.kills == "child":
            os.kill(int(kept.lindex("started", 0) or 0), signal.SIGKILL)
        if one.visible < _WAITS:
            time.sleep(one.visible + 1)  # a worker that starts looks for what was not acknowledged in time
        stack.enter_context(_worker(folder, environment))
        wanted = 2 if one.visible < one.takes else 1
        _until(lambda: kept.llen("finished") >= wanted, _WAITS, may=True)
        return Done(one.title, int(kept.llen("started")), int(kept.llen("finished")))


def table_of_killings(several: Iterable[Done]) -> str:
    lines = ["| one task of Celery on Redis | begun | done |\n|---|---:|---:|\n"]
    lines += [f"| {one.title} | {one.started} | {one.finished} |\n" for one in several]
    return "".join(lines)


@contextmanager
def _worker(folder: Path, environment: dict[str, str]) -> Iterator[subprocess.Popen[bytes]]:
    """A worker with one process for tasks, in a group of its own."""
    command = [sys.executable, "-m", "celery", "-A", "shop.tasks", "worker", "-c", "1", "-l", "ERROR", "--without-gossip"]
    process = subprocess.Popen(
        [*command, "--without-mingle"], cwd=folder, env=environment, start_new_session=True,
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        yield process
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
        process.wait(timeout=30)


def _until(holds: object, seconds: float, *, may: bool = False) -> None:
    """Waits until it holds; for so long at most."""
    assert callable(holds)
    end = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > end:
            assert may, "it did not happen in time"
            return
        time.sleep(0.1)


# -- what both need ----------------------------------------------------------------------------------------------------


def _environment(folder: Path, redis: str) -> dict[str, str]:
    paths = [str(folder), *os.environ.get("PYTHONPATH", "").split(os.pathsep)]
    return {**os.environ, "REDIS_URL": redis, "PYTHONPATH": os.pathsep.join(filter(None, paths))}
