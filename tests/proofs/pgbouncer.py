"""The proof of what a pooler by transaction does: a real PgBouncer, from Debian's package, before a small PostgreSQL.

Each shape (`session_shapes`) is what code keeps in a session of the server, and what it wants of it later. Between the two
somebody else is given the connection, as under load. It is tried on the server itself, through PgBouncer, and through PgBouncer
as the rule's remedy says; and the rule is asked of both.
"""

from __future__ import annotations

import contextlib
import os
import pwd
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

import psycopg

import analyzers
from tests.proofs import connections, session_shapes
from tests.proofs.postgres import postgres
from tests.test_cases import Blobs

PAGE = connections.PAGE
PACKAGE = "pgbouncer"
_STARTED = 10.0  # seconds; it takes a tenth of one
_OPENS, _ACCEPTS = 10, 100
_PORT = 6432

_INI = """
[databases]
postgres = host={server} port=5432 user=shop dbname=postgres

[pgbouncer]
listen_addr =
listen_port = {port}
unix_socket_dir = {folder}
auth_type = any
pool_mode = transaction
default_pool_size = {opens}
max_client_conn = {accepts}
logfile = {folder}/log
pidfile =
{more}
"""
_COMPOSE = """
services:
  web:
    build: .
    command: gunicorn --workers {processes} shop.web:app
    environment: {{DATABASE_URL: "postgresql://shop@pool:6432/shop"}}
    deploy:
      replicas: {replicas}
  pool:
    image: edoburu/pgbouncer:{version}
    environment: {{POOL_MODE: transaction, DEFAULT_POOL_SIZE: {opens}, MAX_CLIENT_CONN: {accepts}, MAX_PREPARED_STATEMENTS: 0}}
  db:
    image: postgres:18
    command: postgres -c max_connections={limit}
"""


@dataclass(frozen=True)
class Tried:
    """What became of a shape: whether it works on the server itself, through the pooler, and as it is to be written instead;
    and whether the rule speaks of it, and of what is instead."""

    title: str
    direct: bool
    pooled: bool
    instead: bool | None
    found: bool
    found_instead: bool | None


@dataclass(frozen=True)
class Pooled:
    """How many connections were refused with a pooler and without, and whether the rule speaks of each."""

    stated: str
    demand: int
    refused: int
    refused_without: int
    found: bool
    found_without: bool


def program() -> str:
    """Where PgBouncer is. Ends the program where it is not."""
    found = shutil.which("pgbouncer") or shutil.which("pgbouncer", path="/usr/sbin:/usr/local/sbin")
    if found is None:
        raise SystemExit(f"This needs PgBouncer, which is no Python package: apt-get install {PACKAGE}")
    return found


def version() -> str:
    said = subprocess.run([program(), "--version"], capture_output=True, text=True, check=True).stdout
    return said.split()[1]


@contextlib.contextmanager
def pgbouncer(server: str, opens: int = _OPENS) -> Iterator[str]:
    """PgBouncer before the server whose socket is in that folder. Gives the folder of its own."""
    with tempfile.TemporaryDirectory(prefix="pool-") as name:
        folder = Path(name)
        user = []
        if os.geteuid() == 0:
            os.chown(folder, pwd.getpwnam("nobody").pw_uid, -1)
            user = ["-u", "nobody"]
        keeps = tuple(map(int, re.findall(r"\d+", version())[:2])) >= (1, 21)
        more = "max_prepared_statements = 0" if keeps else ""
        ini = folder / "pgbouncer.ini"
        ini.write_text(_INI.format(server=server, folder=folder, port=_PORT, opens=opens, accepts=_ACCEPTS, more=more))
        with subprocess.Popen(
            [program(), *user, str(ini)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=folder
        ) as process:
            try:
                _wait(_url(name, _PORT), process, folder / "log")
                yield name
            finally:
                process.send_signal(signal.SIGQUIT)  # at once
                process.wait(_STARTED)


def _wait(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + _STARTED
    while True:
        try:
            psycopg.connect(url, prepare_threshold=None).close()
        except psycopg.OperationalError as error:
            if process.poll() is not None or time.monotonic() > deadline:
                said = log.read_text(errors="replace") if log.exists() else ""
                raise RuntimeError(f"PgBouncer does not start:\n{said}") from error
            time.sleep(0.05)
        else:
            return


def _url(folder: str, port: int, driver: str = "") -> str:
    return f"postgresql{driver}://shop@/postgres?host={quote(folder, safe='%')}&port={port}"


def tried() -> Iterator[Tried]:
    """Every shape, tried."""
    with postgres() as url:
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute("CREATE ROLE shop LOGIN")
            connection.execute("CREATE TABLE orders AS SELECT generate_series(1, 10) AS id")
            connection.execute("GRANT ALL ON orders TO shop")
        server = urlsplit(url).query.removeprefix("host=").replace("%2F", "/")
        with pgbouncer(server, opens=2) as pool:
            yield from _tried(server, pool)


def _tried(server: str, pool: str) -> Iterator[Tried]:
    at_server, at_pool = (server, 5432), (pool, _PORT)
    for title, (bad, good) in session_shapes.SHAPES.items():
        sources = [session_shapes.HEAD + _dedented(text) for text in (bad, good)]
        works = [_keeps(sources[0], *at_server), _keeps(sources[0], *at_pool)]
        instead = _keeps(sources[1], *at_pool) if good else None
        found = [_is_found({"shop/reports.py": text}) for text in sources]
        yield Tried(title, works[0], works[1], instead, found[0], found[1] if good else None)
    for title, options in session_shapes.ENGINES.items():
        sources = [session_shapes.ENGINE.format(options=option) for option in options]
        works = [_prepares(sources[0], *at_server), _prepares(sources[0], *at_pool), _prepares(sources[1], *at_pool)]
        yield Tried(title, *works, *(_is_found({"shop/db.py": text}, keeps=False) for text in sources))
    for title, more in session_shapes.CURSORS.items():
        works = [_reads(more[0], *at_server), _reads(more[0], *at_pool), _reads(more[1], *at_pool)]
        files = [
            {"shop/settings.py": _settings(text, "pool", _PORT), "shop/reports.py": session_shapes.REPORTS} for text in more
        ]
        yield Tried(title, *works, *map(_is_found, files))


def _dedented(text: str) -> str:
    return "\n".join(line.removeprefix(" " * 8) for line in text.splitlines())


def _keeps(source: str, folder: str, port: int) -> bool:
    """Whether a client finds what it kept, though somebody else was given its connection in between."""
    names: dict[str, Any] = {}
    exec(source, names)
    url = _url(folder, port)
    with (
        psycopg.connect(url, autocommit=True, prepare_threshold=None) as connection,
        psycopg.connect(url, prepare_threshold=None) as other,
    ):
        try:
            names["keep"](connection)
            other.execute("SELECT 1")  # in a transaction that stays open
            return bool(names["use"](connection))
        except psycopg.Error:
            return False


def _prepares(source: str, folder: str, port: int) -> bool:
    """Whether an engine can go on asking, though somebody else was given its connection."""
    import sqlalchemy

    address = _url(folder, port, "+psycopg")
    names: dict[str, Any] = {}
    exec(source.replace("postgresql+psycopg://shop@pool:6432/shop", address), names)
    engine = names["engine"]
    ask = sqlalchemy.text("SELECT count(*) FROM orders")
    try:
        for _ in range(session_shapes.OFTEN):
            with engine.begin() as connection:  # what is rolled back, the driver forgets
                connection.execute(ask)
        with psycopg.connect(_url(folder, port), prepare_threshold=None) as other:
            other.execute("SELECT 1")
            with engine.begin() as connection:
                connection.execute(ask)
    except sqlalchemy.exc.DBAPIError:
        return False
    finally:
        engine.dispose()
    return True


def _settings(more: str, host: str, port: int) -> str:
    return session_shapes.SETTINGS.format(host=host, port=port, more=more)


def _reads(more: str, folder: str, port: int) -> bool:
    """Whether Django reads all rows, though somebody else was given its connection after the first."""
    command = [
        sys.executable,
        "-c",
        session_shapes.READS,
        _url(folder, port),
        _settings(more, folder, port),
        session_shapes.REPORTS,
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    if done.returncode != 0 and "cursor" not in done.stderr:
        raise RuntimeError(done.stderr)
    return done.returncode == 0 and done.stdout.strip() == "9"


def _is_found(files: dict[str, str], *, keeps: bool = True) -> bool:
    """Whether the rule speaks of a conflict, where a pooler stands that keeps prepared statements or does not."""
    compose = _compose(1, 1)
    if keeps:
        compose = compose.replace(", MAX_PREPARED_STATEMENTS: 0", "")
    return _speaks({**files, "compose.yml": compose}, "behind a pooler")


def _compose(replicas: int, processes: int) -> str:
    return _COMPOSE.format(
        replicas=replicas,
        processes=processes,
        version="v1.24.1-p1",
        opens=_OPENS,
        accepts=_ACCEPTS,
        limit=connections.LIMIT,
    )


def _speaks(files: dict[str, str], words: str) -> bool:
    blobs = Blobs()
    found = analyzers.audit(blobs.add({path: text.encode() for path, text in files.items()}), blobs).review.new
    return any(f.rule == "connections" and words in f.title for f in found)


def pooled() -> Iterator[Pooled]:
    """The deployments of the budget's proof, with a pooler before the server."""
    with postgres(f"max_connections={connections.LIMIT}") as url:
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute("CREATE ROLE shop LOGIN")
        server = urlsplit(url).query.removeprefix("host=").replace("%2F", "/")
        for replicas, processes, size, overflow in ((1, 3, 5, 2), (2, 3, 5, 10)):
            source = connections.source_of(size, overflow)
            each, together = size + overflow, replicas * processes
            without = connections.refused(_url(server, 5432, "+psycopg"), source.encode(), together, each)
            with pgbouncer(server) as pool:
                between = connections.refused(_url(pool, _PORT, "+psycopg"), source.encode(), together, each)
            yield Pooled(
                f"{replicas} x {processes} x ({size} + {overflow})",
                together * each,
                between,
                without,
                _speaks({"shop/database.py": source, "compose.yml": _compose(replicas, processes)}, "connections to"),
                _speaks(
                    {"shop/database.py": source, "compose.yml": connections.compose_of(replicas, processes)}, "connections to"
                ),
            )


def judge(shapes: list[Tried], budgets: list[Pooled]) -> None:
    """PgBouncer does as the rule says, or an assertion fails."""
    for one in shapes:
        assert one.direct, one
        assert not one.pooled, one
        assert one.found, one
        assert one.instead is not False, one
        assert not one.found_instead, one
    for budget in budgets:
        assert budget.refused == 0, budget
        assert not budget.found, budget
        assert budget.refused_without == budget.demand - (connections.LIMIT - 3), budget
        assert budget.found_without, budget


def table(shapes: list[Tried]) -> str:
    lines = [
        "| kept in a session | server | by transaction | said | instead, by transaction | said |\n|---|---|---|---|---|---|\n"
    ]
    for one in shapes:
        instead = "" if one.instead is None else _word(one.instead)
        said = "" if one.found_instead is None else _said(one.found_instead)
        lines.append(f"| {one.title} | {_word(one.direct)} | {_word(one.pooled)} | {_said(one.found)} | {instead} | {said} |\n")
    return "".join(lines)


def table_of_budgets(budgets: list[Pooled]) -> str:
    head = f"| replicas x processes x (pool + overflow) | may open | refused of {connections.LIMIT - 3} | said | refused behind"
    lines = [f"{head} PgBouncer ({_OPENS} to the server, {_ACCEPTS} clients) | said |\n|---|---:|---:|---|---:|---|\n"]
    for one in budgets:
        plain = f"{one.demand} | {one.refused_without} | {_said(one.found_without)}"
        lines += [f"| {one.stated} | {plain} | {one.refused} | {_said(one.found)} |\n"]
    return "".join(lines)


def _word(works: bool) -> str:
    return "works" if works else "fails"


def _said(found: bool) -> str:
    return "yes" if found else "no"
