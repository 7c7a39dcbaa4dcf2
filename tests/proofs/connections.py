"""The proof of the budget of connections: services as a compose file states them, run against a PostgreSQL with a small limit.

Each process makes the pool that its source states and opens all that the pool may open, and holds it until all have. What
the equation says must be refused is counted.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import quote, urlsplit

import psycopg

import analyzers
from analyzers.deployment.budget import Budget, budgets
from analyzers.deployment.reading import deployment_of
from analyzers.frontends import read_facts
from analyzers.model.naming.code import Codebase
from tests.proofs.postgres import postgres
from tests.reference import ROOT
from tests.test_cases import Blobs

PAGE = ROOT / "analyzers" / "rules" / "connections.md"
LIMIT = 20  # of which PostgreSQL keeps 3 for its owner

CASES = ((1, 2, 5, 3), (1, 1, 17, 0), (1, 1, 18, 0), (1, 3, 5, 2), (2, 2, 2, 3), (2, 3, 5, 10))
"""Replicas, processes, pool and overflow."""

_SOURCE = """
from sqlalchemy import create_engine

engine = create_engine("postgresql+psycopg://shop@db/shop", pool_size={size}, max_overflow={overflow})
"""
_COMPOSE = """
services:
  web:
    build: .
    command: gunicorn --workers {processes} shop.web:app
    deploy:
      replicas: {replicas}
  db:
    image: postgres:18
    command: postgres -c max_connections={limit}
"""
_PROCESS = """
import sys
from unittest.mock import patch
import sqlalchemy

url, source, count = sys.argv[1:]
make = sqlalchemy.create_engine
with patch.object(sqlalchemy, "create_engine", lambda _, **options: make(url, pool_timeout=5, **options)):
    names = {}
    exec(source, names)
held, refused = [], 0
for _ in range(int(count)):
    try:
        held.append(names["engine"].connect())
    except sqlalchemy.exc.OperationalError:
        refused += 1
print(refused, flush=True)
sys.stdin.readline()
"""


_ROUTE = """
import os

from fastapi import FastAPI
from sqlalchemy import create_engine, text

app = FastAPI()
{top}

@app.get("/orders")
def orders():
    {engine}
    with engine.connect() as connection:
        return connection.execute(text("SELECT pg_sleep(" + os.environ["SECONDS"] + ")")).scalar()
"""
_MADE = 'create_engine(os.environ["DATABASE_URL"])'
ROUTES = {
    "an engine made by each request": _ROUTE.format(top="", engine=f"engine = {_MADE}"),
    "one engine for the process": _ROUTE.format(top=f"engine = {_MADE}\n", engine="pass"),
}
TOGETHER = 40
"""Requests that come at once."""

_REQUESTS = """
import sys
from concurrent.futures import ThreadPoolExecutor
import sqlalchemy

source, count = sys.argv[1:]
names = {}
exec(source, names)

def refused(_):
    try:
        names["orders"]()
    except sqlalchemy.exc.OperationalError:
        return 1
    return 0

with ThreadPoolExecutor(int(count)) as threads:
    print(sum(threads.map(refused, range(int(count)))))
"""


@dataclass(frozen=True)
class Answered:
    """How many of the requests that came at once were refused a connection. `found` is whether the rule speaks of the route."""

    title: str
    refused: int
    found: bool


def answered() -> Iterator[Answered]:
    """Each route, asked by as many threads at once."""
    with postgres(f"max_connections={LIMIT}") as url:
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute("CREATE ROLE shop LOGIN")
        folder = urlsplit(url).query.removeprefix("host=")
        as_shop = f"postgresql+psycopg://shop@/postgres?host={quote(folder, safe='%')}"
        for title, source in ROUTES.items():
            blobs = Blobs()
            found = any(
                f.rule == "connections" for f in analyzers.audit(blobs.add({"shop/api.py": source.encode()}), blobs).review.new
            )
            seconds = (
                "0.1" if "one engine" in title else "4"
            )  # long enough for all to be there at once; those of a pool take turns
            done = subprocess.run(
                [sys.executable, "-c", _REQUESTS, source, str(TOGETHER)],
                env={**os.environ, "DATABASE_URL": as_shop, "SECONDS": seconds},
                capture_output=True,
                text=True,
                check=True,
            )
            yield Answered(title, int(done.stdout), found)


def table_of_routes(found: Iterator[Answered]) -> str:
    lines = [f"| {TOGETHER} requests at once, {LIMIT - 3} connections accepted | refused | said |\n|---|---:|---|\n"]
    lines += [f"| {one.title} | {one.refused} | {'yes' if one.found else 'no'} |\n" for one in found]
    return "".join(lines)


@dataclass(frozen=True)
class Measured:
    """What one deployment opened. `found` is whether the rule speaks of it."""

    budget: Budget
    refused: int
    found: bool


def source_of(size: int, overflow: int) -> str:
    """The code of a pool of that size."""
    return _SOURCE.format(size=size, overflow=overflow)


def compose_of(replicas: int, processes: int) -> str:
    """The file that states so many processes."""
    return _COMPOSE.format(replicas=replicas, processes=processes, limit=LIMIT)


def measured() -> Iterator[Measured]:
    """Every case, run."""
    with postgres(f"max_connections={LIMIT}") as url:
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute("CREATE ROLE shop LOGIN")
        folder = urlsplit(url).query.removeprefix("host=")
        as_shop = f"postgresql+psycopg://shop@/postgres?host={quote(folder, safe='%')}"
        for replicas, processes, size, overflow in CASES:
            files = {
                "shop/database.py": source_of(size, overflow).encode(),
                "compose.yml": compose_of(replicas, processes).encode(),
            }
            [budget] = budgets(deployment_of(Codebase({path: read_facts(path, text) for path, text in files.items()})))
            blobs = Blobs()
            found = any(f.rule == "connections" for f in analyzers.audit(blobs.add(files), blobs).review.new)
            yield Measured(budget, refused(as_shop, files["shop/database.py"], replicas * processes, size + overflow), found)


def refused(url: str, source: bytes, processes: int, count: int) -> int:
    """How many connections the server refuses to so many processes that open so many each."""
    command = [sys.executable, "-c", _PROCESS, url, source.decode(), str(count)]
    running = [
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        for _ in range(processes)
    ]
    try:
        return sum(int(process.stdout.readline()) for process in running if process.stdout is not None)
    finally:
        for process in running:
            process.communicate("\n", timeout=30)


def table(found: Iterator[Measured]) -> str:
    head = "| replicas x processes x (pool + overflow) | may open | accepted from applications | refused | said |\n"
    lines = [head, "|---|---:|---:|---:|---|\n"]
    for one in found:
        [term] = one.budget.terms
        size, overflow = (amount.value for amount in term.each)
        stated = f"{term.replicas.value} x {term.processes.value} x ({size} + {overflow})"
        said = "yes" if one.found else "no"
        lines.append(f"| {stated} | {one.budget.demand} | {one.budget.capacity} | {one.refused} | {said} |\n")
    return "".join(lines)
