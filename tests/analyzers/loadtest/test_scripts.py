"""Starter scripts: what they ask for, how much, and that they run whatever a repository calls its routes."""

from __future__ import annotations

import ast
import importlib.util
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest

from analyzers.loadtest.plan import plan_of
from analyzers.loadtest.writing import TOOLS
from analyzers.routing.values import Parameter, Route
from analyzers.settings import Peak
from tests.findings import at

HOSTILE = 'x"; import os; os.abort()\n\r\u2028"""*/${process.exit(1)}\\'


def route(path: str, *methods: str, handler: str = "", complete: bool = True, **kinds: str) -> Route:
    parameters = tuple(Parameter(name, kind) for name, kind in kinds.items())  # type: ignore[arg-type]
    return Route(path, methods or ("GET",), at(), handler or f"shop.{path}", parameters=parameters, complete=complete)


ROUTES = (
    route("/accounts/logout/"),
    route("/login/", "GET", "POST"),
    route("/books/{pk}/pages/{slug}/", pk="integer", slug="slug"),
    route("/books/{pk}/", pk="integer"),
    route("/books/", "GET", "POST"),
    route("/books/{pk}/buy/", "POST", pk="integer"),
)


@pytest.fixture
def server() -> Iterator[tuple[str, list[str]]]:
    """A web server that keeps what it was asked for, and knows no books but the first."""
    asked: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            self.send_response(200 if self.path in ("/books/", "/books/1/", "/books/1/pages/sample/") else 404)
            self.end_headers()

        def log_message(self, *_: object) -> None: ...

    running = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = Thread(target=running.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{running.server_port}", asked
    running.shutdown()
    thread.join()
    running.server_close()


def test_what_reads_is_asked_for_lists_before_rows_and_what_writes_is_not() -> None:
    plan = plan_of(ROUTES, Peak(users=100))
    assert [(r.route.path, r.weight) for r in plan.requests] == [
        ("/books/", 5),
        ("/books/{pk}/", 3),
        ("/books/{pk}/pages/{slug}/", 1),
    ]
    assert [(slot.key, slot.sample) for slot in plan.slots] == [("/books/{pk}", 1), ("/books/{pk}/pages/{slug}", "sample")]
    assert [r.path for r in plan.writes] == ["/books/{pk}/buy/"]
    assert {r.path for r in plan.aside} == {"/accounts/logout/", "/login/"}
    assert plan.login is not None
    assert plan.login.path == "/login/"


def test_the_load_is_twice_the_peak() -> None:
    assert (plan_of(ROUTES, Peak(users=70)).users, plan_of(ROUTES, Peak(users=70)).assumed) == (140, False)
    rated = plan_of(ROUTES, Peak(users=70, requests_per_second=30))
    assert (rated.users, rated.rate) == (None, 60)
    assert plan_of(ROUTES, Peak()).assumed
    assert "rate: 60" not in TOOLS["k6"](rated, "shop")
    assert "target: 60 }" in TOOLS["k6"](rated, "shop")
    assert "USERS = 60 " in TOOLS["locust"](rated, "shop")


def test_one_handler_is_asked_once_and_a_script_has_an_end() -> None:
    routes = [route(f"/v{n}/books/", handler="shop.books") for n in range(3)]
    assert [r.route.path for r in plan_of(routes, Peak()).requests] == ["/v0/books/"]
    many = [route(f"/list{n}/") for n in range(200)]
    plan = plan_of(many, Peak())
    assert len(plan.requests) < 100
    assert len(plan.requests) + len(plan.aside) == 200
    assert "more" in TOOLS["locust"](plan, "shop")


def test_a_prefix_that_is_not_known_has_its_place() -> None:
    plan = plan_of([route("/home/", complete=False)], Peak())
    assert 'PREFIX + "/home/"' in TOOLS["locust"](plan, "shop")
    assert 'PREFIX + "/home/"' in TOOLS["k6"](plan, "shop")
    assert "PREFIX" not in TOOLS["locust"](plan_of(ROUTES, Peak()), "shop")


def hostile() -> str:
    return TOOLS["locust"](plan_of([route(f"/{HOSTILE}/{{pk}}", handler=HOSTILE, pk="text"), *ROUTES], Peak()), HOSTILE)


def test_names_of_a_repository_are_literals_and_comments() -> None:
    tree = ast.parse(hostile())
    allowed = {"os", "random", "locust", "__future__"}
    imported = {n.module or "" for n in ast.walk(tree) if isinstance(n, ast.ImportFrom)}
    imported |= {alias.name for n in ast.walk(tree) if isinstance(n, ast.Import) for alias in n.names}
    assert imported == allowed
    calls = {ast.unparse(n.func) for n in ast.walk(tree) if isinstance(n, ast.Call)}
    assert "os.abort" not in calls
    visitor = next(n for n in tree.body if isinstance(n, ast.ClassDef) and n.name == "Visitor")
    tasks = [n.name for n in visitor.body if isinstance(n, ast.FunctionDef) and n.decorator_list]
    assert len(tasks) == len(set(tasks)) == 4


def run_locust(folder: Path, script: str, host: str) -> subprocess.CompletedProcess[str]:
    patient = script.replace("P95_MILLISECONDS = 500", "P95_MILLISECONDS = 60_000")  # the machine may be busy
    assert patient != script
    (folder / "locustfile.py").write_text(patient)
    command = [sys.executable, "-m", "locust", "-f", "locustfile.py", "--headless", "--host", host]
    env = {**os.environ, "MINUTES": "0.1"}
    return subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True, check=False, timeout=60)


@pytest.mark.skipif(importlib.util.find_spec("locust") is None, reason="locust is not installed")
def test_locust_runs_the_script_and_judges_the_answers(tmp_path: Path, server: tuple[str, list[str]]) -> None:
    host, asked = server
    good = run_locust(tmp_path, TOOLS["locust"](plan_of(ROUTES, Peak(users=5)), "shop"), host)
    assert good.returncode == 0, good.stderr
    assert "/books/" in asked
    assert set(asked) <= {"/books/", "/books/1/", "/books/1/pages/sample/"}
    bad = run_locust(tmp_path, TOOLS["locust"](plan_of([route("/lost/")], Peak(users=5)), "shop"), host)
    assert bad.returncode == 1, bad.stderr


@pytest.mark.skipif(shutil.which("node") is None, reason="node is not installed")
@pytest.mark.parametrize("peak", [Peak(), Peak(requests_per_second=9)])
def test_the_script_of_k6_is_a_module_whose_requests_have_addresses(tmp_path: Path, peak: Peak) -> None:
    """Its functions are called by node; k6 itself stands for its two modules, which give nothing to what is tested here."""
    plan = plan_of([route(f"/{HOSTILE}/{{pk}}", handler=HOSTILE, pk="text"), *ROUTES], peak)
    script = TOOLS["k6"](plan, HOSTILE)
    (tmp_path / "script.mjs").write_text(script)
    done = subprocess.run(["node", "--check", "script.mjs"], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    body = (
        "\n".join(line for line in script.split("\n") if not line.startswith("import "))
        .replace("export ", "")
        .replace("default function", "function visit")
    )
    tail = "console.log(JSON.stringify([options, REQUESTS.map((r) => [r.weight, r.address()])]));"
    (tmp_path / "called.mjs").write_text(f"const __ENV = {{}};\n{body}\n{tail}\n")
    done = subprocess.run(["node", "called.mjs"], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    options, requests = json.loads(done.stdout)
    assert [5, "/books/"] in requests
    assert [3, "/books/1/"] in requests
    assert [3, f"/{HOSTILE}/sample"] in requests
    assert options["thresholds"] == {"http_req_duration": ["p(95)<500"], "http_req_failed": ["rate<0.01"]}
    stages = options["scenarios"]["visitors"]["stages"]
    assert max(stage["target"] for stage in stages) == (18 if peak.requests_per_second else 200)
