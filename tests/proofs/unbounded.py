"""The proof of the rule `unbounded`: a table of 200,000 rows, and what a process needs to answer with them.

Each way, of Django and of SQLAlchemy, runs in a process of its own; what is told is how much its memory grew at the most. The
same files are analysed.
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

from shop.models import Order, Payment


"""
_URLS = """
from django.urls import path

from shop import views

urlpatterns = [path("", views.handle)]
"""
_RUN = """
import importlib
import os
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
from shop import models

with connection.schema_editor() as editor:
    editor.create_model(models.Customer)
    editor.create_model(models.Order)
    editor.create_model(models.Payment)
with connection.cursor() as cursor:
    cursor.execute(
        "INSERT INTO shop_order (customer_id, number, total) SELECT 1, 'order ' || i, i FROM generate_series(1, %s) i",
        [int(sys.argv[2])],
    )
connection.close()


def kilobytes(name):
    return int(re.search(rf"{name}:\\s+(\\d+)", pathlib.Path("/proc/self/status").read_text())[1])


for name in sys.argv[3:]:
    child = os.fork()
    if not child:
        handle = importlib.import_module(f"shop.{name}").handle
        models.Order.objects.first()
        pathlib.Path("/proc/self/clear_refs").write_text("5")  # the highest so far is forgotten
        before = kilobytes("VmRSS")
        handle(RequestFactory().get("/"))
        print(kilobytes("VmHWM") - before, flush=True)
        os._exit(0)
    assert os.waitpid(child, 0)[1] == 0, name
with connection.schema_editor() as editor:
    editor.delete_model(models.Payment)
    editor.delete_model(models.Order)
    editor.delete_model(models.Customer)
"""

_OTHERS = """

class Payment(models.Model):
    number = models.CharField(max_length=50)
"""
_TABLES = """
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column


class Base(DeclarativeBase):
    pass


class Order(Base):
    __tablename__ = "shop_order"
    id: Mapped[int] = mapped_column(primary_key=True)
    number: Mapped[str]
    total: Mapped[int]
"""
_ROUTES = """
import sys

import psycopg
from celery import shared_task
from fastapi import FastAPI
from sqlalchemy import create_engine, select
from sqlalchemy.orm import Session

from shop.tables import Order

app = FastAPI()
engine = create_engine("postgresql+psycopg://", creator=lambda: psycopg.connect(sys.argv[1]))


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
    "made a list by a job": """
@shared_task
def handle(request):
    return len([order for order in Order.objects.all()])
""",
    "asked whether there are any": """
def handle(request):
    orders = Order.objects.all()
    return JsonResponse({"any": "yes" if orders else "no"})
""",
    "`exists()`": """
def handle(request):
    return JsonResponse({"any": "yes" if Order.objects.exists() else "no"})
""",
    "one picked by a column": """
def handle(request):
    found = [order for order in Order.objects.all() if order.total == 5]
    return JsonResponse({"found": len(found)})
""",
    "one picked by the query": """
def handle(request):
    return JsonResponse({"found": Order.objects.filter(total=5).count()})
""",
    "named in a query, as values": """
def handle(request):
    numbers = list(Order.objects.values_list("number", flat=True))
    return JsonResponse({"paid": Payment.objects.filter(number__in=numbers).count()})
""",
    "asked for by a subquery": """
def handle(request):
    numbers = Order.objects.values_list("number", flat=True)
    return JsonResponse({"paid": Payment.objects.filter(number__in=numbers).count()})
""",
}
ROUTES = {
    "SQLAlchemy: all of them in an answer": """
@app.get("/orders")
def handle(request: str = ""):
    with Session(engine) as session:
        orders = session.scalars(select(Order)).all()
        return {"orders": [order.number for order in orders]}
""",
    "SQLAlchemy: at most 50": """
@app.get("/orders")
def handle(request: str = ""):
    with Session(engine) as session:
        orders = session.scalars(select(Order).order_by(Order.id).limit(50)).all()
        return {"orders": [order.number for order in orders]}
""",
    "SQLAlchemy: walked by a job": """
@shared_task
def handle(request):
    with Session(engine) as session:
        for order in session.query(Order).all():
            order.total += 1
""",
    "SQLAlchemy: walked by a job, `yield_per()`": """
@shared_task
def handle(request):
    with Session(engine) as session:
        for order in session.query(Order).yield_per(500):
            len(order.number)
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
    found: dict[str, bool] = {}
    files = {"shop/models.py": f"{_MODELS}{_OTHERS}".encode(), "shop/tables.py": _TABLES.encode()}
    for number, (title, body) in enumerate((CASES | ROUTES).items()):
        begins, declared = (_ROUTES, "shop/tables.py") if title in ROUTES else (f"{_TOP.rstrip()}\n\n", "shop/models.py")
        code = f"{begins}{body}".encode()
        found[title] = _is_found({declared: files[declared], "shop/views.py": code}, by_address="@" not in body)
        files[f"shop/case_{number}.py"] = code
    grown = _run(server, rows, files, [f"case_{number}" for number in range(len(found))])
    yield from (Measured(title, kilobytes, said) for (title, said), kilobytes in zip(found.items(), grown, strict=True))


def _is_found(files: dict[str, bytes], *, by_address: bool) -> bool:
    blobs = Blobs()
    stated = {**files, "shop/urls.py": _URLS.encode()} if by_address else files
    return any(f.rule == "unbounded" for f in analyzers.audit(blobs.add(stated), blobs).review.new)


def _run(server: str, rows: int, files: dict[str, bytes], names: list[str]) -> list[int]:
    with project({**files, "celery.py": b"def shared_task(function):\n    return function\n"}) as folder:
        return [int(line) for line in printed(folder, _RUN, server, str(rows), *names).split()]


def table(found: list[Measured]) -> str:
    head = f"| {ROWS:,} rows | the process grows by | said |\n|---|---:|---|\n"
    return head + "".join(
        f"| {one.title} | {max(1, round(one.kilobytes / 1024)):,} MB | {'yes' if one.found else 'no'} |\n" for one in found
    )
