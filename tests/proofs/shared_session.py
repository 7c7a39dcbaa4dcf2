"""The proof of sessions: one that a module opens for all requests, and one for each, on a PostgreSQL.

A first request reads and ends, a second has a statement that fails, a third reads again. What is counted afterwards is which of
them were answered, and how many connections of the server still stand in a transaction that nobody ends.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote, urlsplit

import psycopg

import analyzers
from tests.proofs.postgres import postgres
from tests.test_cases import Blobs

_MADE = """
import os

from sqlalchemy import create_engine
from sqlalchemy.orm import sessionmaker

engine = create_engine(os.environ["DATABASE_URL"])
SessionLocal = sessionmaker(bind=engine)
{shared}
"""
_ROUTE = """
from fastapi import FastAPI
from sqlalchemy import text

from shop.database import {name}

app = FastAPI()


@app.get("/orders")
def orders(divisor: int):
{body}
"""
_ASKS = 'db.execute(text(f"SELECT 1 / {divisor}")).scalar()'
SOURCES = {
    "one that the module opens": (
        _MADE.format(shared="db = SessionLocal()"),
        _ROUTE.format(name="db", body=f"    return {_ASKS}"),
    ),
    "one for each request": (
        _MADE.format(shared=""),
        _ROUTE.format(name="SessionLocal", body=f"    with SessionLocal() as db:\n        return {_ASKS}"),
    ),
}
_REQUESTS = """
import sys

import sqlalchemy.exc

answered = []
sys.path.insert(0, sys.argv[1])
from shop.web import orders

for divisor in (1, 0, 1):
    try:
        orders(divisor)
        answered.append("yes")
    except sqlalchemy.exc.SQLAlchemyError:
        answered.append("no")
print(*answered, flush=True)
sys.stdin.readline()
"""
_OPEN = "SELECT count(*) FROM pg_stat_activity WHERE usename = 'shop' AND state LIKE 'idle in transaction%'"


@dataclass(frozen=True)
class Shared:
    """Which requests were answered, and how many connections stand in a transaction. `found` is whether the rule speaks."""

    title: str
    answered: tuple[str, ...]
    open: int
    found: bool


def shared(folder: Path) -> Iterator[Shared]:
    """Each way to keep a session, asked three times in a process of its own."""
    with postgres() as url, psycopg.connect(url, autocommit=True) as connection:
        connection.execute("CREATE ROLE shop LOGIN")
        host = quote(urlsplit(url).query.removeprefix("host="), safe="%")
        environment = {**os.environ, "DATABASE_URL": f"postgresql+psycopg://shop@/postgres?host={host}"}
        for number, (title, (database, web)) in enumerate(SOURCES.items()):
            files = {"shop/__init__.py": "", "shop/database.py": database, "shop/web.py": web}
            root = folder / str(number)
            (root / "shop").mkdir(parents=True)
            for path, text in files.items():
                (root / path).write_text(text, encoding="utf-8")
            blobs = Blobs()
            review = analyzers.audit(blobs.add({path: text.encode() for path, text in files.items()}), blobs).review
            command = [sys.executable, "-c", _REQUESTS, str(root)]
            with subprocess.Popen(
                command, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
            ) as process:
                assert process.stdin is not None
                assert process.stdout is not None
                answered = tuple(process.stdout.readline().split())
                row = connection.execute(_OPEN).fetchone()
                process.stdin.write("\n")
                process.stdin.close()
            yield Shared(title, answered, row[0] if row else 0, any(f.rule == "connections" for f in review.new))
