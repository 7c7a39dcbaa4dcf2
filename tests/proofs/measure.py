"""The programs beside the projects, run: what each of their twins sends to the database."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Collection
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import msgspec
import psycopg

from tests.reference import ROOT

PROJECTS = Path(__file__).with_name("n_plus_one")
ON_POSTGRES = ("django", "sqlalchemy")
IN_PHP = ("doctrine", "eloquent")
PHP_PACKAGES = "php-cli php-sqlite3 php-doctrine-orm php-symfony-cache php-illuminate-database"  # of Debian
ORDERS = (5, 50, 500)  # of one user: what the tables show
EXAMPLE = 100  # of one user: what the messages say
FIGURES = {(5, 10): 55, (100, 50): 5_100}  # queries for so many users with so many orders each, as the literature has them
_WITH_FIGURES = ("django", "doctrine")
_LIMIT = 400  # seconds; it takes about ten


class Measurement(msgspec.Struct, frozen=True):
    """The queries of one twin, bad or good, and a digest of what it gave. `lines` are the bad one's, in its file."""

    twin: str
    title: str
    lines: tuple[int, int]
    kind: str
    users: int
    orders: int
    queries: int
    answer: str


def measured_on_postgres(server: str, libraries: Collection[str] = ON_POSTGRES) -> dict[str, list[Measurement]]:
    """What the programs of these libraries measure, each in a database of its own, all at once."""
    with psycopg.connect(server, autocommit=True) as connection:
        for library in libraries:
            connection.execute(f'CREATE DATABASE "{library}"'.encode())
    with ThreadPoolExecutor(len(libraries)) as pool:
        urls = [server.replace("/postgres?", f"/{library}?") for library in libraries]
        return dict(zip(libraries, pool.map(_in_python, libraries, urls), strict=True))


def measured_in_php(libraries: Collection[str] = IN_PHP) -> dict[str, list[Measurement]]:
    """The same of the libraries that are PHP's, on SQLite. Needs what `PHP_PACKAGES` says."""
    return {library: _printed(["php", str(PROJECTS / library / "run.php"), *_sizes(library)]) for library in libraries}


def _in_python(library: str, url: str) -> list[Measurement]:
    folder = PROJECTS / library
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(folder), str(ROOT)]), "PYTHONDONTWRITEBYTECODE": "1"}
    return _printed([sys.executable, "-W", "error", str(folder / "run.py"), url, *_sizes(library)], environment)


def _sizes(library: str) -> list[str]:
    sizes = [(1, orders) for orders in (*ORDERS, EXAMPLE)] + [*(FIGURES if library in _WITH_FIGURES else ())]
    return [f"{users}x{orders}" for users, orders in sizes]


def _printed(command: list[str], environment: dict[str, str] | None = None) -> list[Measurement]:
    done = subprocess.run(command, env=environment, capture_output=True, check=False, timeout=_LIMIT)
    if done.returncode != 0:
        raise RuntimeError(f"{' '.join(command)} failed:\n{done.stderr.decode(errors='replace')}")
    return [msgspec.json.decode(line, type=Measurement) for line in done.stdout.splitlines()]
