"""The proof of the rule `race`: fifty threads call one view of a Django project at once, on PostgreSQL.

The same files are analysed and run. `meet()` waits until all have come as far, so that what can happen happens.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass

import analyzers
from tests.proofs.projects import printed, project
from tests.reference import ROOT
from tests.test_cases import Blobs

PAGE = ROOT / "analyzers" / "rules" / "race.md"
TOGETHER = 50

_MODELS = """
from django.db import models


class Product(models.Model):
    stock = models.IntegerField()


class Customer(models.Model):
    email = models.CharField(max_length=50, {unique})


class Invoice(models.Model):
    number = models.IntegerField(db_index=True)


class Last(models.Model):
    number = models.IntegerField()


class Ticket(models.Model):
    left = models.IntegerField()
"""
_TOP = """
from django.db import transaction
from django.db.models import F
from django.http import HttpResponse

from shop.models import Customer, Invoice, Last, Product, Ticket
from shop.together import meet

MAX_INVOICES = 5


def handle(request):
"""
_END = """
    return HttpResponse("done")
"""
_URLS = """
from django.urls import path

from shop import views

urlpatterns = [path("", views.handle)]
"""
_TOGETHER = f"""
import threading

barrier = threading.Barrier({TOGETHER})


def meet():
    barrier.wait(60)
"""
_RUN = f"""
import json
import sys
import threading

import django
from django.conf import settings
from psycopg.conninfo import conninfo_to_dict

server = conninfo_to_dict(sys.argv[1])
settings.configure(
    DATABASES={{
        "default": {{
            "ENGINE": "django.db.backends.postgresql",
            "HOST": server["host"],
            "NAME": server["dbname"],
            "USER": server["user"],
        }}
    }},
    INSTALLED_APPS=["shop"],
    DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
)
django.setup()

from django.db import connection, transaction
from shop import models, views

tables = [models.Product, models.Customer, models.Invoice, models.Last, models.Ticket]
with connection.schema_editor() as editor:
    for model in tables:
        editor.create_model(model)
models.Product.objects.create(pk=1, stock=1000)
models.Last.objects.create(pk=1, number=0)
models.Ticket.objects.create(pk=1, left=1)
refused = []


def call():
    try:
        views.handle(None)
    except transaction.TransactionManagementError:
        refused.append(1)
    connection.close()


threads = [threading.Thread(target=call) for _ in range({TOGETHER})]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
numbers = list(models.Invoice.objects.values_list("number", flat=True))
print(json.dumps({{
    "lost": {TOGETHER} - (1000 - models.Product.objects.get().stock),
    "customers": models.Customer.objects.count(),
    "twice": len(numbers) - len(set(numbers)),
    "oversold": -models.Ticket.objects.get().left,
    "above": len(numbers) - views.MAX_INVOICES,
    "refused": len(refused),
}}))
with connection.schema_editor() as editor:
    for model in tables:
        editor.delete_model(model)
"""

LOST = {
    "read, lowered and saved": """
    product = Product.objects.get(pk=1)
    meet()
    product.stock -= 1
    product.save()
""",
    "lowered in one statement, by `F()`": """
    meet()
    Product.objects.filter(pk=1).update(stock=F("stock") - 1)
""",
    "locked before it is read": """
    meet()
    with transaction.atomic():
        product = Product.objects.select_for_update().get(pk=1)
        product.stock -= 1
        product.save()
""",
}
DOUBLED = {
    "asked for, and inserted where there is none": (
        "customers",
        "db_index=True",
        """
    there = Customer.objects.filter(email="a@example.org").exists()
    meet()
    if not there:
        Customer.objects.create(email="a@example.org")
""",
    ),
    "`get_or_create`, with a unique index": (
        "customers",
        "unique=True",
        """
    meet()
    Customer.objects.get_or_create(email="a@example.org")
""",
    ),
}
NUMBERED = {
    "the number of rows and one": """
    number = Invoice.objects.count() + 1
    meet()
    Invoice.objects.create(number=number)
""",
    "the last number in a row of its own, locked": """
    meet()
    with transaction.atomic():
        last = Last.objects.select_for_update().get(pk=1)
        last.number += 1
        last.save()
        Invoice.objects.create(number=last.number)
""",
}
OVERSOLD = {
    "tested, and then lowered by `F()`": """
    ticket = Ticket.objects.get(pk=1)
    meet()
    if ticket.left > 0:
        Ticket.objects.filter(pk=ticket.pk).update(left=F("left") - 1)
""",
    "the test in the statement that lowers it": """
    meet()
    Ticket.objects.filter(pk=1, left__gt=0).update(left=F("left") - 1)
""",
}
ABOVE = {
    "counted, and added to where there are few": """
    there = Invoice.objects.count()
    meet()
    if there < MAX_INVOICES:
        Invoice.objects.create(number=1)
""",
    "counted behind a lock of what they belong to": """
    meet()
    with transaction.atomic():
        Last.objects.select_for_update().get(pk=1)
        if Invoice.objects.count() < MAX_INVOICES:
            Invoice.objects.create(number=1)
""",
}
REFUSED = {
    "`select_for_update` outside of a transaction": """
    meet()
    product = Product.objects.select_for_update().get(pk=1)
    product.save()
""",
    "the same, in `atomic`": """
    meet()
    with transaction.atomic():
        product = Product.objects.select_for_update().get(pk=1)
        product.save()
""",
}


@dataclass(frozen=True)
class Measured:
    """How much of what fifty did at once went wrong, and whether the rule says so."""

    title: str
    count: int
    found: bool


def lost(server: str) -> Iterator[Measured]:
    """The changes of one row that nobody sees."""
    for title, body in LOST.items():
        yield _measured(server, title, "lost", "db_index=True", body)


def doubled(server: str) -> Iterator[Measured]:
    """The rows for one address."""
    for title, (counted, unique, body) in DOUBLED.items():
        yield _measured(server, title, counted, unique, body)


def numbered(server: str) -> Iterator[Measured]:
    """The rows whose number another has too."""
    for title, body in NUMBERED.items():
        yield _measured(server, title, "twice", "db_index=True", body)


def tested(server: str) -> Iterator[Measured]:
    """The tickets sold that are not there, the rows above a limit, and the requests that a lock without a transaction ends."""
    for counted, ways in (("oversold", OVERSOLD), ("above", ABOVE), ("refused", REFUSED)):
        for title, body in ways.items():
            yield _measured(server, title, counted, "db_index=True", body)


def _measured(server: str, title: str, counted: str, unique: str, body: str) -> Measured:
    files = {
        "shop/models.py": _MODELS.format(unique=unique).encode(),
        "shop/views.py": f"{_TOP.rstrip()}{body.rstrip()}{_END}".encode(),
        "shop/urls.py": _URLS.encode(),
        "shop/together.py": _TOGETHER.encode(),
    }
    blobs = Blobs()
    found = any(f.rule == "race" for f in analyzers.audit(blobs.add(files), blobs).review.new)
    return Measured(title, _run(server, files)[counted], found)


def _run(server: str, files: dict[str, bytes]) -> dict[str, int]:
    with project(files) as folder:
        counts: dict[str, int] = json.loads(printed(folder, _RUN, server))
    return counts


def table_of_lost(found: list[Measured]) -> str:
    return _table("changes lost", found)


def table_of_doubled(rows: list[Measured], numbers: list[Measured]) -> str:
    return _table("rows for one address", rows) + "\n" + _table("rows with the number of another", numbers)


def table_of_tested(found: list[Measured]) -> str:
    sold, above, refused = found[:2], found[2:4], found[4:]
    tables = (
        _table("tickets sold that were not there", sold),
        _table("rows above a limit of 5", above),
        _table("requests refused", refused),
    )
    return "\n".join(tables)


def _table(what: str, found: list[Measured]) -> str:
    head = f"| {TOGETHER} at once | {what} | said |\n|---|---:|---|\n"
    return head + "".join(f"| {one.title} | {one.count} | {'yes' if one.found else 'no'} |\n" for one in found)
