"""The proof of the rule `unbounded`: a table of 200,000 rows, and what a process of Django needs to answer with them.

Each way runs in a process of its own; what is told is how much its memory grew at the most. The same files are analysed.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import analyzers
from tests.proofs.projects import printed, project
from tests.reference import ROOT
from tests.test_cases import Blobs

PAGE = ROOT / "analyzers" / "rules" / "unbounded.md"
ROWS = 200_000

_MODELS = """
from django.conf import settings
from django.db import models


class Customer(models.Model):
    name = models.CharField(max_length=50)


class Order(models.Model):
    customer = models.ForeignKey(Customer, on_delete=models.CASCADE, db_constraint=False)
    number = models.CharField(max_length=50)
    total = models.IntegerField()
"""
_TOP = """
from celery import shared_task
from django.core.paginator import Paginator
from django.http import JsonResponse

from shop.models import Order


"""
_URLS = """
from django.urls import path

from shop import views

urlpatterns = [path("", views.handle)]
"""
_RUN = """
import pathlib
import re
import sys

import django
from django.conf import settings
from psycopg.conninfo import conninfo_to_dict

server = conninfo_to_dict(sys.argv[1])
settings.configure(
    DATABASES={
        "default": {
            "ENGINE": "django.db.backends.postgresql",
            "HOST": server["host"],
            "NAME": server["dbname"],
            "USER": server["user"],
        }
    },
    INSTALLED_APPS=["shop"],
    DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
)
django.setup()

from django.db import connection
from django.test import RequestFactory
from shop import models, views

with connection.schema_editor() as editor:
    editor.create_model(models.Customer)
    editor.create_model(models.Order)
with connection.cursor() as cursor:
    cursor.execute(
        "INSERT INTO shop_order (customer_id, number, total) SELECT 1, 'order ' || i, i FROM generate_series(1, %s) i",
        [int(sys.argv[2])],
    )
models.Order.objects.first()


def kilobytes(name):
    return int(re.search(rf"{name}:\\s+(\\d+)", pathlib.Path("/proc/self/status").read_text())[1])


pathlib.Path("/proc/self/clear_refs").write_text("5")  # the highest so far is forgotten
before = kilobytes("VmRSS")
views.handle(RequestFactory().get("/"))
print(kilobytes("VmHWM") - before)
with connection.schema_editor() as editor:
    editor.delete_model(models.Order)
    editor.delete_model(models.Customer)
"""

CASES = {
    "all of them in an answer": """
def handle(request):
    orders = Order.objects.order_by("pk")
    return JsonResponse({"orders": [{"number": order.number, "total": order.total} for order in orders]})
""",
    "a page of 50": """
def handle(request):
    page = Paginator(Order.objects.order_by("pk"), 50).get_page(request.GET.get("page"))
    return JsonResponse({"orders": [{"number": order.number, "total": order.total} for order in page]})
""",
    "loaded and added up": """
def handle(request):
    return JsonResponse({"total": sum(order.total for order in Order.objects.all())})
""",
    "walked by a job": """
@shared_task
def handle(request):
    for order in Order.objects.all():
        order.total += 1
""",
    "walked by a job, `iterator()`": """
@shared_task
def handle(request):
    for order in Order.objects.all().iterator():
        order.total += 1
""",
}


@dataclass(frozen=True)
class Measured:
    """By how many kilobytes a process grew, and whether the rule says so."""

    title: str
    kilobytes: int
    found: bool


def measured(server: str, rows: int) -> Iterator[Measured]:
    """Every case, with so many rows."""
    for title, body in CASES.items():
        files = {
            "shop/models.py": _MODELS.encode(),
            "shop/views.py": f"{_TOP.rstrip()}\n\n{body}".encode(),
        }
        if "@shared_task" not in body:
            files["shop/urls.py"] = _URLS.encode()
        blobs = Blobs()
        found = any(f.rule == "unbounded" for f in analyzers.audit(blobs.add(files), blobs).review.new)
        yield Measured(title, _run(server, rows, files), found)


def _run(server: str, rows: int, files: dict[str, bytes]) -> int:
    with project({**files, "celery.py": b"def shared_task(function):\n    return function\n"}) as folder:
        return int(printed(folder, _RUN, server, str(rows)))


def table(found: list[Measured]) -> str:
    head = f"| {ROWS:,} rows | the process grows by | said |\n|---|---:|---|\n"
    return head + "".join(
        f"| {one.title} | {max(1, round(one.kilobytes / 1024)):,} MB | {'yes' if one.found else 'no'} |\n" for one in found
    )
