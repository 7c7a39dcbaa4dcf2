"""The proofs of jobs and coroutines: a job of RQ that waits for longer than it may take, with another try and without; and a
query of Django in a coroutine, awaited, in a thread, and as it is."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import redis as client

import analyzers
from tests.proofs.projects import project, valkey
from tests.test_cases import Blobs

# -- a job that is ended -----------------------------------------------------------------------------------------------

TAKES = 3
"""Seconds that the program takes; it may take ten."""

_JOBS = f"""
import os
import subprocess

import redis


def export():
    kept = redis.Redis.from_url(os.environ["REDIS_URL"])
    kept.rpush("started", 1)
    subprocess.run(["sleep", "{TAKES}"], timeout=10)
    kept.rpush("finished", 1)
"""
_PUT = """
import os

import redis
from rq import Queue, Retry

from shop.jobs import export

queue = Queue(connection=redis.Redis.from_url(os.environ["REDIS_URL"]))


def begin():
    queue.enqueue(export, {options})
"""
_WORK = """
from rq import Worker

from shop import views

views.begin()
Worker([views.queue], connection=views.queue.connection).work(burst=True, logging_level="CRITICAL")
print(views.queue.failed_job_registry.count)
"""

OPTIONS = {
    "`job_timeout=1`": "job_timeout=1",
    "`job_timeout=1`, `Retry(max=1)`": "job_timeout=1, retry=Retry(max=1)",
    "`job_timeout=15`": "job_timeout=15",
}


@dataclass(frozen=True)
class Ended:
    """How often a job was begun, and came to its end, and how many failed for good."""

    title: str
    started: int
    finished: int
    failed: int
    found: bool


def ended() -> Iterator[Ended]:
    """A job that takes three seconds, with each of the options."""
    yield from map(_ended, OPTIONS)


def _ended(title: str) -> Ended:
    files = {"shop/jobs.py": _JOBS.encode(), "shop/views.py": _PUT.replace("{options}", OPTIONS[title]).encode()}
    with valkey() as redis, project(files) as folder:
        environment = {**os.environ, "REDIS_URL": redis, "PYTHONPATH": _path(str(folder))}
        done = subprocess.run(
            [sys.executable, "-c", _WORK], env=environment, cwd=folder, check=True, timeout=60, capture_output=True, text=True
        )
        kept = client.Redis.from_url(redis)
        failed = int(done.stdout.split()[-1])
        return Ended(title, int(kept.llen("started")), int(kept.llen("finished")), failed, _says(files, "is ended by RQ"))


def table_of_ended(several: Iterable[Ended]) -> str:
    lines = [f"| a job of RQ that takes {TAKES} s, and says that it may take 10 | begun | done | failed | said |\n"]
    lines += ["|---|---:|---:|---:|---|\n"]
    lines += [f"| {o.title} | {o.started} | {o.finished} | {o.failed} | {'yes' if o.found else 'no'} |\n" for o in several]
    return "".join(lines)


# -- a query in a coroutine --------------------------------------------------------------------------------------------

_MODELS = """
from django.db import models


class Order(models.Model):
    number = models.CharField(max_length=20)

    class Meta:
        app_label = "shop"
"""
_HEAD = """
from asgiref.sync import sync_to_async
from django.http import HttpResponse

from shop.models import Order


async def order(request):
"""
_BODIES = {
    "`Order.objects.count()`": "    return HttpResponse(Order.objects.count())\n",
    "`await Order.objects.acount()`": "    return HttpResponse(await Order.objects.acount())\n",
    "`await sync_to_async(Order.objects.count)()`": "    return HttpResponse(await sync_to_async(Order.objects.count)())\n",
}
_URLS = """
from django.urls import path

from shop import views

urlpatterns = [path("orders", views.order)]
"""
_SETTINGS = """
SECRET_KEY = "of the proof"
ALLOWED_HOSTS = ["*"]
ROOT_URLCONF = "shop.urls"
INSTALLED_APPS = ["shop"]
DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": "orders.sqlite3"}}
"""
_ASK = """
import asyncio

import django

django.setup()
from django.db import connection
from django.test import AsyncClient

from shop.models import Order

with connection.schema_editor() as editor:
    editor.create_model(Order)


async def ask():
    try:
        return (await AsyncClient().get("/orders")).status_code
    except Exception as error:
        return type(error).__name__


print(asyncio.run(ask()))
"""


@dataclass(frozen=True)
class Asked:
    """What a coroutine's query gives: a status, or the name of an error."""

    title: str
    answer: str
    found: bool


def asked() -> Iterator[Asked]:
    """Each body of the handler, asked once."""
    for title, body in _BODIES.items():
        files = {
            "shop/__init__.py": b"",
            "shop/settings.py": _SETTINGS.encode(),
            "shop/urls.py": _URLS.encode(),
            "shop/models.py": _MODELS.encode(),
            "shop/views.py": (_HEAD + body).encode(),
        }
        with project(files) as folder:
            environment = {**os.environ, "DJANGO_SETTINGS_MODULE": "shop.settings", "PYTHONPATH": _path(str(folder))}
            command = [sys.executable, "-c", _ASK]
            done = subprocess.run(command, env=environment, cwd=folder, check=True, timeout=60, capture_output=True, text=True)
        yield Asked(title, done.stdout.strip(), _says(files, "`SynchronousOnlyOperation`"))


def table_of_asked(several: Iterable[Asked]) -> str:
    lines = ["| a query of Django in an `async def` | answer | said |\n|---|---|---|\n"]
    lines += [f"| {one.title} | {one.answer} | {'yes' if one.found else 'no'} |\n" for one in several]
    return "".join(lines)


# -- what both need ----------------------------------------------------------------------------------------------------


def _says(files: dict[str, bytes], part: str) -> bool:
    blobs = Blobs()
    return any(part in f.title for f in analyzers.audit(blobs.add(files), blobs).review.new if f.rule == "sync_work")


def _path(folder: str) -> str:
    return os.pathsep.join(filter(None, [folder, os.environ.get("PYTHONPATH", "")]))
