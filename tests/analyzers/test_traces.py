"""Traces: a review with a store that remembers says what a review without one says, whatever changes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import pytest

import analyzers
from analyzers import pipeline
from tests.test_cases import Blobs

MODELS = b"""
from django.db import models


class Customer(models.Model):
    name = models.CharField(max_length=80)


class Order(models.Model):
    customer = models.ForeignKey(Customer, on_delete=models.CASCADE)
    status = models.CharField(max_length=20, db_index=True)
"""
LOADED = b"""
from shop.models import Order


def orders():
    return Order.objects.select_related("customer")
"""
BARE = LOADED.replace(b'select_related("customer")', b"all()")
LINES = b"{% for order in orders %}{% for line in order.lines.all %}{{ line }}{% endfor %}{% endfor %}"
BASE = {
    "shop/models.py": MODELS,
    "shop/queries.py": LOADED,
    "shop/views.py": (
        b"from django.shortcuts import render\nfrom shop.queries import orders\n\n\n"
        b"def names(request):\n    return [order.customer.name for order in orders()]\n\n\n"
        b"def page(request):\n    return render(request, 'shop/page.html', {'orders': orders()})\n"
    ),
    "shop/templates/shop/page.html": b"{% for order in orders %}{{ order.status }}{% endfor %}",
}
CHANGES: dict[str, dict[str, bytes | None]] = {
    "eager loading goes": {
        "shop/queries.py": BARE,
    },
    "a template reads more": {
        "shop/templates/shop/page.html": b"{% for order in orders %}{{ order.customer.name }}{{ order.lines.all }}{% endfor %}",
    },
    "another app adds a relation that points back": {
        "stock/models.py": (
            b"from django.db import models\nfrom shop.models import Order\n\n\nclass Line(models.Model):\n"
            b"    order = models.ForeignKey(Order, on_delete=models.CASCADE, related_name='lines')\n"
        ),
        "shop/templates/shop/page.html": LINES,
    },
    "a nearer template takes the place of the first": {
        "shop/jinja2/shop/page.html": b"{% for order in orders %}{{ order.customer.name }}{% endfor %}",
        "shop/queries.py": BARE,
    },
    "the module becomes a package": {
        "shop/queries.py": None,
        "shop/queries/__init__.py": BARE,
    },
    "the model is gone": {"shop/models.py": b"", "shop/queries.py": None},
    "an index goes, and lines move": {"shop/models.py": b"\n\n\n" + MODELS.replace(b", db_index=True", b"")},
}

API: dict[str, bytes] = {
    "shop/settings.py": b"AUTH_USER_MODEL = 'shop.Person'\n",
    "shop/models.py": MODELS
    + b"""

class Person(models.Model):
    def orders(self):
        return Order.objects.select_related("customer")


class Robot(models.Model):
    def orders(self):
        return Order.objects.all()
""",
    "shop/serializers.py": b"""
from rest_framework import serializers

from shop.fields import NAMES
from shop.models import Order


class OrderSerializer(serializers.ModelSerializer):
    customer = serializers.SlugRelatedField(slug_field="name", read_only=True)

    class Meta:
        model = Order
        fields = NAMES
""",
    "shop/fields.py": b"NAMES = ['id', 'customer']\n",
    "shop/pages.py": (
        b"from rest_framework.pagination import PageNumberPagination\n\n\n"
        b"class Page(PageNumberPagination):\n    page_size = 20\n"
    ),
    "shop/api.py": b"""
from rest_framework import viewsets

from shop.models import Order
from shop.pages import Page
from shop.serializers import OrderSerializer


class Bare(viewsets.ModelViewSet):
    queryset = Order.objects.all()
    serializer_class = OrderSerializer
    pagination_class = Page


class Own(viewsets.ModelViewSet):
    serializer_class = OrderSerializer

    def get_queryset(self):
        return self.request.user.orders()
""",
}
API_CHANGES: dict[str, dict[str, bytes]] = {
    "the serializer puts out less": {"shop/fields.py": b"NAMES = ['id']\n"},
    "a page is short": {"shop/pages.py": API["shop/pages.py"].replace(b"20", b"5")},
    "another model stands for the user": {"shop/settings.py": b"AUTH_USER_MODEL = 'shop.Robot'\n"},
    "the field asks for the key alone": {
        "shop/serializers.py": API["shop/serializers.py"].replace(
            b'SlugRelatedField(slug_field="name", ', b"PrimaryKeyRelatedField("
        )
    },
}


RUN: dict[str, bytes] = {
    "compose.yml": b"""services:
  web:
    build: .
    command: gunicorn -w 4 shop.wsgi
    deploy:
      replicas: 3
  db:
    image: postgres:16
    command: postgres -c max_connections=50
""",
    "shop/settings.py": b"""INSTALLED_APPS = ["shop"]
MIDDLEWARE = []
DATABASES = {"default": {"ENGINE": "django.db.backends.postgresql"}}
CACHES = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}
""",
    "shop/models.py": MODELS,
    "shop/managers.py": b"""from django.db import models


class Paid(models.Manager):
    def get_queryset(self):
        return super().get_queryset().filter(status="paid")
""",
    "shop/db.py": b"""from sqlalchemy import create_engine


def engine():
    return create_engine("postgresql://db/shop", pool_size=30)
""",
    "shop/migrations/__init__.py": b"",
    "shop/migrations/0001_initial.py": b"""from django.db import migrations, models


class Migration(migrations.Migration):
    initial = True
    operations = [
        migrations.CreateModel("Customer", [("id", models.AutoField(primary_key=True)), ("name", models.CharField())]),
        migrations.CreateModel(
            "Order",
            [
                ("id", models.AutoField(primary_key=True)),
                ("customer", models.ForeignKey("shop.Customer", models.CASCADE)),
                ("status", models.CharField(db_index=True)),
            ],
        ),
    ]
""",
    "shop/views.py": b"""from shop.models import Customer, Order


def paid(request):
    return [order.customer.name for order in Order.objects.filter(status="paid").order_by("-id")[:20]]


def named(request):
    return Customer.objects.filter(name=request.GET["name"]).first()
""",
}
SECOND = b"""from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("shop", "0001_initial")]
    operations = [
        migrations.AddIndex("Customer", models.Index(fields=["name"], name="by_name")),
        migrations.AddField("Order", "note", models.CharField(default="")),
    ]
"""
RUN_CHANGES: dict[str, dict[str, bytes | None]] = {
    "a body": {"shop/views.py": RUN["shop/views.py"].replace(b"Order.objects", b'Order.objects.select_related("customer")')},
    "a function, and an import": {
        "shop/views.py": b"import os\n"
        + RUN["shop/views.py"]
        + b"\n\ndef all_of(request):\n    from shop.models import Order\n\n"
        b"    return [order.customer.name for order in Order.objects.all()]\n"
    },
    "a file of functions": {
        "shop/pages.py": b"from shop.models import Order\n\n\ndef page(request):\n"
        b"    return [order.customer.name for order in Order.objects.all()]\n"
    },
    "a column of a model": {"shop/models.py": MODELS.replace(b", db_index=True", b"")},
    "a model among others": {
        "shop/models.py": MODELS.replace(b"class Order", b"class Line(models.Model):\n    a = 1\n\n\nclass Order")
    },
    "where a model stands": {"shop/models.py": b"# moved\n\n\ndef limit():\n    return 3\n" + MODELS},
    "a method of a model": {"shop/models.py": MODELS + b"\n    def short(self):\n        return self.customer.name\n"},
    "the rows that a manager leaves out": {
        "shop/models.py": MODELS.replace(b"    status", b"    objects = Paid()\n    status").replace(
            b"from django.db", b"from shop.managers import Paid\nfrom django.db"
        ),
        "shop/managers.py": RUN["shop/managers.py"].replace(b'.filter(status="paid")', b""),
    },
    "what a name means": {
        "shop/models.py": MODELS.replace(b"from django.db import models", b"from shop.fields import models"),
        "shop/fields.py": b"from django.db import models\n",
    },
    "a migration": {"shop/migrations/0002_more.py": SECOND},
    "a migration that is gone": {"shop/migrations/0001_initial.py": None},
    "the database": {"shop/settings.py": RUN["shop/settings.py"].replace(b"postgresql", b"mysql")},
    "the cache": {"shop/settings.py": RUN["shop/settings.py"].replace(b"locmem.LocMemCache", b"redis.RedisCache")},
    "who uses the cache": {
        "shop/settings.py": RUN["shop/settings.py"].partition(b"CACHES")[0],
        "shop/views.py": b"from django.core.cache import cache\n",
    },
    "a pool in a function": {"shop/db.py": RUN["shop/db.py"].replace(b"30", b"2")},
    "the copies": {"compose.yml": RUN["compose.yml"].replace(b"replicas: 3", b"replicas: 1")},
    "the limit of the server": {"compose.yml": RUN["compose.yml"].replace(b"=50", b"=500")},
    "no deployment": {"compose.yml": None},
}


class Store:
    """A `FactStore` that keeps everything."""

    def __init__(self) -> None:
        self.held: dict[str, bytes] = {}

    def get_many(self, keys: Iterable[str]) -> Mapping[str, bytes]:
        return {key: self.held[key] for key in keys if key in self.held}

    def put_many(self, items: Mapping[str, bytes]) -> None:
        self.held.update(items)


def changed(change: Mapping[str, bytes | None]) -> dict[str, bytes]:
    files = {**BASE, **change}
    return {path: text for path, text in files.items() if text is not None}


@pytest.mark.parametrize("name", CHANGES)
def test_remembering_changes_nothing(name: str) -> None:
    blobs, store = Blobs(), Store()
    base, head = blobs.add(BASE), blobs.add(changed(CHANGES[name]))
    others = [blobs.add(changed(change)) for change in CHANGES.values()]
    for other in others:
        analyzers.compare(base, other, blobs, store=store)
    for one, two in ((base, head), (head, base), (base, base)):
        assert analyzers.compare(one, two, blobs, store=store).review == analyzers.compare(one, two, blobs).review


@pytest.mark.parametrize("name", API_CHANGES)
def test_remembering_changes_nothing_of_an_api(name: str) -> None:
    blobs, store = Blobs(), Store()
    base, head = blobs.add(API), blobs.add({**API, **API_CHANGES[name]})
    plain = [analyzers.compare(one, two, blobs).review for one, two in ((base, head), (head, base))]
    assert any(review.new for review in plain)
    for one, two, expected in ((base, head, plain[0]), (head, base, plain[1])):
        assert analyzers.compare(one, two, blobs, store=store).review == expected


def anew(base: analyzers.Revision, head: analyzers.Revision, blobs: Blobs) -> analyzers.Review:
    """The review of which nothing is remembered, not even what base and head have in common."""
    from analyzers.model import link

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(pipeline, "link", lambda files, _ids, _memory, database: link.link(files, database=database))
        return analyzers.compare(base, head, blobs).review


@pytest.mark.parametrize("name", RUN_CHANGES)
def test_what_is_declared_may_change(name: str) -> None:
    blobs, store = Blobs(), Store()
    base = blobs.add(RUN)
    head = blobs.add({path: text for path, text in {**RUN, **RUN_CHANGES[name]}.items() if text is not None})
    plain = [anew(one, two, blobs) for one, two in ((base, head), (head, base))]
    for other in (head, base):  # as an earlier review leaves it
        analyzers.audit(other, blobs, store=store)
    for one, two, expected in ((base, head, plain[0]), (head, base, plain[1])):
        assert analyzers.compare(one, two, blobs).review == expected
        assert analyzers.compare(one, two, blobs, store=store).review == expected
        store.held = {key: value for key, value in store.held.items() if "-judged-" not in key}
        assert analyzers.compare(one, two, blobs, store=store).review == expected


def test_changes_of_what_is_declared_are_told() -> None:
    """Or the test above would compare silence."""
    blobs, told = Blobs(), set()
    for change in RUN_CHANGES.values():
        head = {path: text for path, text in {**RUN, **change}.items() if text is not None}
        review = anew(blobs.add(RUN), blobs.add(head), blobs)
        told |= {(kind, f.rule) for kind in ("new", "fixed", "kept") for f in getattr(review, kind)}
    assert {rule for _, rule in told} >= {"n_plus_one", "missing_index", "connections", "migration_safety"}


@pytest.fixture
def walked(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, str]]:
    """The definitions that are walked as roots, as they come."""
    from analyzers.model import link

    found: list[tuple[str, str]] = []
    walk = link._walked

    def noted(inference: Any, path: str, name: str, definition: Any) -> Any:
        found.append((path, name))
        return walk(inference, path, name, definition)

    monkeypatch.setattr(link, "_walked", noted)
    return found


def test_what_is_out_of_reach_is_not_walked_again(walked: list[tuple[str, str]]) -> None:
    blobs, store = Blobs(), Store()
    base = blobs.add({**BASE, "blog/views.py": b"def index(request):\n    return 1\n"})
    head = blobs.add({**changed(CHANGES["eager loading goes"]), "blog/views.py": b"def index(request):\n    return 1\n"})
    analyzers.compare(base, base, blobs, store=store)
    assert {path for path, _ in walked} == {"shop/models.py", "shop/queries.py", "shop/views.py", "blog/views.py"}
    walked.clear()
    analyzers.compare(base, head, blobs, store=store)
    assert set(walked) == {
        ("shop/queries.py", ""),
        ("shop/queries.py", "orders"),
        ("shop/views.py", "names"),
        ("shop/views.py", "page"),
    }


MANY = {
    "shop/models.py": MODELS,
    "shop/views.py": b"""from shop.models import Order


def names():
    return [order.customer.name for order in Order.objects.all()]


class Names:
    orders = Order.objects.all()

    def get(self):
        return [order.customer.name for order in self.orders]


def last():
    return names()
""",
}


@pytest.mark.parametrize("store", [True, False])
def test_a_definition_that_only_moves_is_not_walked_again_and_speaks_of_where_it_is(
    walked: list[tuple[str, str]], store: bool
) -> None:
    blobs, kept = Blobs(), Store()
    views = MANY["shop/views.py"].replace(b"\n\n\ndef names", b"\nimport os\n\n\ndef added():\n    return os\n\n\ndef names")
    base, head = blobs.add(MANY), blobs.add({**MANY, "shop/views.py": views})
    if store:
        analyzers.audit(base, blobs, store=kept)
        walked.clear()
    analysis = analyzers.compare(base, head, blobs, store=kept)
    assert not analysis.review.new
    assert not analysis.review.fixed
    if store:
        assert set(walked) == {("shop/views.py", ""), ("shop/views.py", "added")}
    assert analysis.review == analyzers.compare(base, head, blobs).review
    assert len(analysis.review.kept) == 2
    fixes = [finding.fix for finding in analysis.review.kept]
    assert [views[e.start - 20 : e.start] for fix in fixes if fix for e in fix.edits] == [b" Order.objects.all()"] * 2


def test_a_model_that_only_moves_changes_nothing_elsewhere(walked: list[tuple[str, str]]) -> None:
    blobs, store = Blobs(), Store()
    moved = MODELS.replace(b"class Customer", b"def limit():\n    return 3\n\n\nclass Customer")
    base, head = blobs.add(MANY), blobs.add({**MANY, "shop/models.py": moved})
    analyzers.audit(base, blobs, store=store)
    walked.clear()
    analysis = analyzers.compare(base, head, blobs, store=store)
    assert set(walked) == {("shop/models.py", ""), ("shop/models.py", "limit")}
    assert analysis.review == analyzers.compare(base, head, blobs).review


def test_damaged_memory_is_forgotten() -> None:
    blobs, store = Blobs(), Store()
    base, head = blobs.add(BASE), blobs.add(changed(CHANGES["eager loading goes"]))
    expected = analyzers.compare(base, head, blobs, store=store).review
    store.held = {key: b"\xc1" + value[::2] for key, value in store.held.items()}
    assert analyzers.compare(base, head, blobs, store=store).review == expected
    assert len(expected.new) == 1
