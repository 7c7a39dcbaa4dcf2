"""Findings made by hand, for tests of what happens to them."""

from __future__ import annotations

from typing import Any

from analyzers.findings import Confidence, Finding, Severity
from analyzers.source import Place, Span


def at(path: str = "shop/views.py", start: int = 10, end: int | None = None, column: int = 1, end_column: int = 2) -> Place:
    return Place(path, Span(start, column, end or start, end_column))


def finding(subject: str = "shop.views.orders: Order.customer", place: Place | None = None, **fields: Any) -> Finding:
    defaults: dict[str, Any] = {
        "rule": "n_plus_one",
        "title": "1 + N queries: `Order.customer` is loaded once per order",
        "message": "`orders` loops over `Order` and reads `order.customer` for each row.",
        "growth": "1 + N queries: 101 for 100 orders",
        "remedy": "Load the customers with the orders.",
        "code": 'orders = Order.objects.select_related("customer")',
        "code_language": "python",
        "place": place or at(),
        "severity": Severity.HIGH,
        "confidence": Confidence.CERTAIN,
    }
    return Finding(subject=subject, **{**defaults, **fields})
