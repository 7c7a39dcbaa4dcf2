"""The schema folded from a Django project's migrations against the one that Django itself makes of them, on a PostgreSQL of
its own.

    python -m bench.schema FOLDER SETTINGS --python PROGRAM

FOLDER is a checkout with `manage.py` or its package in it, SETTINGS its module of settings, PROGRAM a Python in which its
dependencies are installed. Compared are tables, columns with whether they may be empty, and indexes: their columns in order,
uniqueness, method, operator classes, whether they are partial, and names. Tables of applications that the folder does not
hold are left out.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from analyzers.facts.store import FileFacts
from analyzers.frontends import read_facts
from analyzers.model.naming.code import Codebase
from analyzers.model.project import Table
from analyzers.model.schema.migrations import migrations_of
from analyzers.model.tables.folding import Fold
from analyzers.model.tables.models import build_models
from tests.proofs.postgres import postgres

_LEFT_OUT = {".git", "node_modules", "static", "locale"}

# Run by the project's own Python: migrate, then ask the catalogue.
_MIGRATE = '''
import json, os, sys
from urllib.parse import parse_qs, urlparse
url, folder, out = sys.argv[1:]
sys.path.insert(0, folder)
os.chdir(folder)
import django
from django.conf import settings
host = parse_qs(urlparse(url).query)["host"][0]
settings.DATABASES = {"default": {
    "ENGINE": "django.db.backends.postgresql", "NAME": "postgres", "USER": "postgres", "HOST": host,
    "PASSWORD": "", "PORT": ""}}
settings.DATABASE_ROUTERS = []
django.setup()
from django.apps import apps
from django.contrib.postgres import operations
from django.core.management import call_command
from django.db import connection
made = operations.CollationOperation.__init__
def plain(self, name, locale, *, provider="libc", deterministic=True):  # this server is built without ICU
    made(self, name, "C", provider="libc", deterministic=True)
operations.CollationOperation.__init__ = plain
call_command("migrate", verbosity=0, interactive=False)
COLUMNS = """SELECT table_name, column_name, is_nullable = 'YES' FROM information_schema.columns
    WHERE table_schema = 'public'"""
INDEXES = """SELECT t.relname, i.relname, x.indisunique, x.indisprimary, am.amname, x.indpred IS NOT NULL,
    array(SELECT coalesce((SELECT attname::text FROM pg_attribute WHERE attrelid = x.indrelid AND attnum = k AND k > 0), '')
        FROM unnest(x.indkey::int[]) WITH ORDINALITY u(k, o) WHERE o <= x.indnkeyatts ORDER BY o),
    array(SELECT CASE WHEN opcdefault THEN '' ELSE opcname::text END FROM unnest(x.indclass::oid[]) WITH ORDINALITY u(k, o)
        JOIN pg_opclass ON pg_opclass.oid = k ORDER BY o)
    FROM pg_index x JOIN pg_class i ON i.oid = x.indexrelid JOIN pg_class t ON t.oid = x.indrelid
    JOIN pg_am am ON am.oid = i.relam
    JOIN pg_namespace n ON n.oid = t.relnamespace WHERE n.nspname = 'public'"""
with connection.cursor() as cursor:
    cursor.execute(COLUMNS)
    columns = cursor.fetchall()
    cursor.execute(INDEXES)
    indexes = cursor.fetchall()
labels = [a.label for a in apps.get_app_configs() if os.path.realpath(a.path).startswith(os.path.realpath(folder) + os.sep)]
with open(out, "w") as file:
    json.dump({"labels": labels, "columns": columns, "indexes": indexes}, file)
'''

Definition = tuple[tuple[str, ...], bool, bool, str, bool, tuple[str, ...], str]
"""Of an index: columns, whether unique, whether the key, method, whether partial, operator classes, name."""


def real(folder: Path, settings: str, python: str) -> dict[str, Any]:
    """What Django makes, as the catalogue says it."""
    with tempfile.TemporaryDirectory() as name, postgres() as url:
        out = Path(name, "schema.json")
        environment = {**os.environ, "DJANGO_SETTINGS_MODULE": settings, "PYTHONPATH": ""}
        subprocess.run([python, "-c", _MIGRATE, url, str(folder), str(out)], env=environment, check=True)
        found: dict[str, Any] = json.loads(out.read_text())
        return found


def folded(folder: Path) -> tuple[dict[str, Table], str]:
    """What is folded of the migrations, and how long that took."""
    facts = dict(_facts(folder))
    code = Codebase(facts)
    models = build_models(code)
    start = time.process_time()
    migrations = tuple(migrations_of(code, models, "postgresql"))
    fold = Fold("postgresql")
    for migration in migrations:
        fold.apply(migration)
    tables = {name: draft.finish() for name, draft in fold.tables.items()}
    operations = sum(len(m.operations) for m in migrations)
    return tables, f"{len(migrations)} migrations, {operations} changes, {time.process_time() - start:.2f} s"


def _facts(folder: Path) -> Iterator[tuple[str, FileFacts]]:
    for where, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if name not in _LEFT_OUT]
        for path in (Path(where, name) for name in names if name.endswith(".py")):
            relative = path.relative_to(folder).as_posix()
            yield relative, read_facts(relative, path.read_bytes())


def differences(found: dict[str, Any], ours: dict[str, Table]) -> Iterator[str]:
    """Each thing that one has and the other has not."""
    columns: dict[str, set[tuple[str, bool]]] = {}
    indexes: dict[str, Counter[Definition]] = {}
    for table, column, nullable in found["columns"]:
        columns.setdefault(table, set()).add((column, nullable))
    for table, name, unique, primary, method, partial, names, opclasses in found["indexes"]:
        made: Definition = (tuple(names), unique, primary, method, partial, tuple(opclasses), name)
        indexes.setdefault(table, Counter())[made] += 1
    own = {t for t in columns if t.startswith(tuple(f"{label}_" for label in found["labels"]))}
    yield from (f"{table}: not folded" for table in sorted(own - ours.keys()))
    yield from (f"{table}: Django makes none" for table in sorted(ours.keys() - columns.keys()))
    for table in sorted(own & ours.keys()):
        stated = {(c.name, bool(c.nullable)) for c in ours[table].columns.values()}
        yield from (f"{table}.{c}: Django {n}, null" for c, n in sorted(columns[table] - stated))
        yield from (f"{table}.{c}: folded {n}, null" for c, n in sorted(stated - columns[table]))
        held: Counter[Definition] = Counter(_definition(index) for index in ours[table].indexes)
        there = indexes.get(table, Counter())
        yield from (f"{table}: Django alone has {i}" for i in (there - held).elements())
        yield from (f"{table}: folded alone is {i}" for i in (held - there).elements())


def _definition(index: Any) -> Definition:
    opclasses = tuple(part.opclass for part in index.parts)
    return index.columns, index.unique, index.primary, index.method or "btree", bool(index.where), opclasses, index.name


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("settings")
    parser.add_argument("--python", default=sys.executable)
    given = parser.parse_args()
    ours, took = folded(given.folder)
    found = real(given.folder, given.settings, given.python)
    told = list(differences(found, ours))
    print("\n".join(told))
    sizes = f"{len(ours)} tables, {len(found['columns'])} columns, {len(found['indexes'])} indexes"
    print(f"{took}; {sizes}, {len(told)} differences")


if __name__ == "__main__":
    main()
