"""Each page states small projects and the routes that are read of them, one a line."""

from __future__ import annotations

from pathlib import Path

import pytest

from analyzers.frontends import read_facts
from analyzers.model.naming.code import Codebase
from analyzers.routing.paths import regular
from analyzers.routing.reading import routes_of
from analyzers.routing.values import Parameter, Route
from tests.markdown import Case, cases

_CASES = [
    pytest.param(case, id=f"{case.page}: {case.heading}")
    for page in sorted(Path(__file__).parent.glob("*.md"))
    for case in cases(page)
]


def told(route: Route) -> str:
    handler = ".".join(filter(None, [route.handler, route.action]))
    return " ".join(filter(None, [",".join(route.methods) or "any", route.path, handler, "" if route.complete else "?"]))


@pytest.mark.parametrize("case", _CASES)
def test_the_routes_of_a_page_are_read(case: Case) -> None:
    expected = case.head["routes"].decode().splitlines()
    files = {path: read_facts(path, text) for path, text in case.head.items() if path != "routes"}
    routes = routes_of(Codebase(files))
    assert [told(route) for route in routes] == expected
    assert all(route.place.path in files for route in routes)
    assert all(route.path.count("{") == len(route.parameters) for route in routes if "{language}" not in route.path)


def test_there_are_pages() -> None:
    assert {case.values[0].page for case in _CASES} >= {"django", "drf", "flask", "fastapi", "symfony", "laravel"}  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("pattern", "path", "kinds"),
    [
        (r"^books/(?P<pk>\d+)/$", "books/{pk}/", ["integer"]),
        (r"^books/(?P<slug>[\w-]+)/?$", "books/{slug}/", ["slug"]),
        (r"^a\.json$", "a.json", []),
        (r"^(?:en|de)/x$", None, []),
        (r"^x/([0-9]{4})/$", "x/{part1}/", ["integer"]),
        (r"^(?P<a>[^/]+(?:/[^/]+)?)/(?P<b>(x|y))$", "{a}/{b}", ["text", "text"]),
        (r"^x.*$", None, []),
        (r"^(?P<broken", None, []),
    ],
)
def test_a_regular_expression_is_an_address_where_it_is_no_more(pattern: str, path: str | None, kinds: list[str]) -> None:
    found = regular(pattern)
    assert (found.path if found else None) == path
    assert [parameter.kind for parameter in (found.parameters if found else ())] == kinds


def test_what_is_asked_without_changing_anything_is_safe() -> None:
    case = next(c.values[0] for c in _CASES if c.values[0].page == "fastapi")  # type: ignore[union-attr]
    files = {path: read_facts(path, text) for path, text in case.head.items() if path != "routes"}  # type: ignore[union-attr]
    routes = {route.path: route for route in routes_of(Codebase(files))}
    assert routes["/api/books/{book_id}"].safe
    assert not routes["/api/books"].safe
    assert routes["/api/books/{book_id}"].parameters == (Parameter("book_id", "integer"),)
