"""The growth law: one query per row for each hop that is queried, and none for what came with the rows."""

from __future__ import annotations

import pytest

import analyzers
from tests.test_cases import Blobs

MODELS = b"""
from django.db import models


class Country(models.Model):
    name = models.CharField(max_length=80)


class Customer(models.Model):
    country = models.ForeignKey(Country, on_delete=models.CASCADE)


class Order(models.Model):
    customer = models.ForeignKey(Customer, on_delete=models.CASCADE)


class Product(models.Model):
    name = models.CharField(max_length=80)


class Line(models.Model):
    order = models.ForeignKey(Order, on_delete=models.CASCADE, related_name="lines")
    product = models.ForeignKey(Product, on_delete=models.CASCADE)
"""
LINES = "sum(len(line.product.name) for line in order.lines.all())"


@pytest.mark.parametrize(
    ("query", "read", "law"),
    [
        ("all()", "order.customer.pk", "1 + N queries: 101 for 100 orders"),
        ("all()", "order.customer.country.name", "1 + 2N queries: 201 for 100 orders"),
        ("select_related('customer')", "order.customer.country.name", "1 + N queries: 101 for 100 orders"),
        ("all()[:20]", "order.customer.pk", "1 + N queries, at most 21 (the query stops at 20 orders)"),
        ("all()", LINES, "1 + N + N·M queries: 601 for 100 orders with 5 lines each"),
        ("prefetch_related('lines')", LINES, "1 + N·M queries: 501 for 100 orders with 5 lines each"),
    ],
)
def test_growth(query: str, read: str, law: str) -> None:
    views = f"from shop.models import Order\n\n\ndef f():\n    return [{read} for order in Order.objects.{query}]\n"
    blobs = Blobs()
    head = blobs.add({"shop/models.py": MODELS, "shop/views.py": views.encode()})
    assert [finding.growth for finding in analyzers.audit(head, blobs).review.new] == [law]
