"""What code keeps in a session of the server and wants again, and what is to be written instead: for PgBouncer's proof."""

from __future__ import annotations

SHAPES = {
    "a temporary table": (
        """
        def keep(connection):
            connection.execute("CREATE TEMP TABLE sums AS SELECT 1 AS total")

        def use(connection):
            return connection.execute("SELECT total FROM sums").fetchone()[0]
        """,
        """
        def keep(connection): ...

        def use(connection):
            with connection.transaction():
                connection.execute("CREATE TEMP TABLE sums ON COMMIT DROP AS SELECT 1 AS total")
                return connection.execute("SELECT total FROM sums").fetchone()[0]
        """,
    ),
    "`SET`": (
        """
        def keep(connection):
            connection.execute("SET statement_timeout = '5s'")

        def use(connection):
            return connection.execute("SHOW statement_timeout").fetchone()[0] == "5s"
        """,
        """
        def keep(connection): ...

        def use(connection):
            with connection.transaction():
                connection.execute("SET LOCAL statement_timeout = '5s'")
                return connection.execute("SHOW statement_timeout").fetchone()[0] == "5s"
        """,
    ),
    "a session's advisory lock": (
        """
        def keep(connection):
            connection.execute("SELECT pg_advisory_lock(7)")

        def use(connection):
            return connection.execute("SELECT pg_advisory_unlock(7)").fetchone()[0]
        """,
        """
        def keep(connection): ...

        def use(connection):
            with connection.transaction():
                connection.execute("SELECT pg_advisory_xact_lock(8)")
                return True
        """,
    ),
    "`PREPARE`": (
        """
        def keep(connection):
            connection.execute("PREPARE total AS SELECT 1")

        def use(connection):
            return connection.execute("EXECUTE total").fetchone()[0]
        """,
        """
        def keep(connection): ...

        def use(connection):
            return connection.execute("SELECT 1").fetchone()[0]
        """,
    ),
    "`LISTEN`": (
        """
        def keep(connection):
            connection.execute("LISTEN orders")

        def use(connection):
            connection.execute("NOTIFY orders")
            return list(connection.notifies(timeout=1, stop_after=1))
        """,
        "",
    ),
}
"""What code keeps and wants, and what is to be written instead, where that is code."""

HEAD = "import psycopg\n"
ENGINE = """
from sqlalchemy import create_engine

engine = create_engine("postgresql+psycopg://shop@pool:6432/shop"{options})
"""
ENGINES = {"prepared statements of the driver": ("", ', connect_args={"prepare_threshold": None}')}
OFTEN = 8
"""How often a query is asked; the driver prepares what it is asked more than five times."""

SETTINGS = """
DATABASES = {{
    "default": {{
        "ENGINE": "django.db.backends.postgresql",
        "NAME": "postgres",
        "USER": "shop",
        "HOST": "{host}",
        "PORT": "{port}",
        "CONN_MAX_AGE": 60,
        {more}
    }}
}}
"""
REPORTS = """
from django.db import models


class Order(models.Model):
    class Meta:
        app_label = "shop"
        db_table = "orders"


def numbers():
    return Order.objects.all().iterator(chunk_size=2)
"""
CURSORS = {"a server-side cursor of Django's `iterator()`": ("", '"DISABLE_SERVER_SIDE_CURSORS": True,')}
READS = """
import sys
import django
import psycopg
from django.conf import settings

taken, configured, source = sys.argv[1:]
names = {}
exec(configured, names)
settings.configure(DATABASES=names["DATABASES"], INSTALLED_APPS=[])
django.setup()
exec(source, names)
rows = names["numbers"]()
next(rows)
with psycopg.connect(taken, prepare_threshold=None) as other:
    other.execute("SELECT 1")
    print(len(list(rows)))
"""
