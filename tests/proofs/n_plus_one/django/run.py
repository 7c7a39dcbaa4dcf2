"""Runs the twins of this project on the PostgreSQL of the first argument, with the sizes of the others."""

from __future__ import annotations

import inspect
import sys
from pathlib import Path
from typing import Any

import django
from django.apps import apps
from django.conf import settings
from django.db import connection, transaction
from psycopg.conninfo import conninfo_to_dict

from tests.proofs.twins import Size, measure

_server = conninfo_to_dict(sys.argv[1])
settings.configure(
    DATABASES={
        "default": {
            "ENGINE": "django.db.backends.postgresql",
            "HOST": _server["host"],
            "NAME": _server["dbname"],
            "USER": _server["user"],
        }
    },
    INSTALLED_APPS=["shop"],
    DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
    TEMPLATES=[{"BACKEND": "django.template.backends.django.DjangoTemplates", "APP_DIRS": True}],
    REST_FRAMEWORK={
        "DEFAULT_AUTHENTICATION_CLASSES": [],
        "DEFAULT_PERMISSION_CLASSES": [],
        "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
        "UNAUTHENTICATED_USER": None,
    },
    ALLOWED_HOSTS=["testserver"],
    SECRET_KEY=Path(__file__).name,
)
django.setup()

from django.test import RequestFactory  # noqa: E402
from shop import bad, good  # noqa: E402

_MODELS = list(apps.get_models())


def create() -> None:
    with connection.schema_editor() as editor:
        for model in _MODELS:
            editor.create_model(model)


def fill(size: Size) -> None:
    with connection.cursor() as cursor:
        cursor.execute(f"TRUNCATE {', '.join(model._meta.db_table for model in _MODELS)}")
        for statement in size.seed():
            cursor.execute(statement)


def run(code: Any, users: list[int | None]) -> tuple[int, object]:
    """The number of queries of the calls, and what they gave and left in the tables. Nothing of it stays."""
    sent: list[str] = []

    def count(execute: Any, sql: str, *rest: Any) -> Any:
        sent.append(sql)
        return execute(sql, *rest)

    with transaction.atomic():
        with connection.execute_wrapper(count):
            answer = [call(code, user) for user in users]
        left = [list(model.objects.order_by("pk").values_list()) for model in _MODELS]
        transaction.set_rollback(True)
    return len(sent), (answer, left)


def call(code: Any, user: int | None) -> object:
    if user is not None:
        return code(user)
    request = RequestFactory().get("/")
    answer = code.as_view()(request).render() if inspect.isclass(code) else code(request)
    return getattr(answer, "content", answer)


create()
measure((bad, good), sys.argv[2:], fill, run)
