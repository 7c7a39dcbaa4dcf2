"""What data cannot say: how libraries derive the names of tables and columns."""

from __future__ import annotations

import re
from collections.abc import Callable
from zlib import crc32

from analyzers.words import plural


def underscore(name: str) -> str:
    """`OrderLine` is `order_line`; `HTTPRequest` is `http_request`."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", name).lower()


def app_label(path: str) -> str:
    """The Django application a models file belongs to: the folder above `models.py` or the `models` package."""
    parts = path.split("/")
    if "models" in parts[:-1]:
        return parts[parts.index("models") - 1] if parts.index("models") else ""
    return parts[-2] if len(parts) > 1 else ""


def django_table(application: str, name: str) -> str:
    """Source: Django, `Options.contribute_to_class`: `<app label>_<model name>` in lower case."""
    return f"{application}_{name.lower()}"


def doctrine_table(_application: str, name: str) -> str:
    """Source: Symfony's recipe sets `doctrine.orm.naming_strategy.underscore_number_aware`."""
    return underscore(name)


def eloquent_table(_application: str, name: str) -> str:
    """Source: Laravel, `Model::getTable`: the class's name in snake case, its last word in the plural."""
    return plural(underscore(name))


def sqlalchemy_table(_application: str, name: str) -> str:
    """Source: Flask-SQLAlchemy, `camel_to_snake_case`; SQLAlchemy itself derives none."""
    return underscore(name)


def django_column(name: str) -> str:
    return name


def studly(name: str) -> str:
    """`full_name` is `FullName`. Source: Laravel, `Str::studly`."""
    return "".join(part[:1].upper() + part[1:] for part in re.split(r"[_\-\s]+", name))


def laravel_index(table: str, columns: tuple[str, ...], kind: str) -> str:
    """Source: Laravel, `Blueprint::createIndexName`."""
    return "_".join((table, *columns, kind)).lower().replace("-", "_").replace(".", "_")


def doctrine_index(table: str, columns: tuple[str, ...], kind: str) -> str:
    """Source: Doctrine DBAL, `AbstractAsset::_generateIdentifierName`."""
    return "_".join((kind, "".join(f"{crc32(name.encode()):x}" for name in (table, *columns)))).upper()[:63]


TABLES: dict[str, Callable[[str, str], str]] = {
    "django": django_table,
    "doctrine": doctrine_table,
    "eloquent": eloquent_table,
    "sqlalchemy": sqlalchemy_table,
}
COLUMNS: dict[str, Callable[[str], str]] = {"django": django_column, "doctrine": underscore, "eloquent": underscore}
INDEX_NAMES: dict[str, Callable[[str, tuple[str, ...], str], str]] = {"laravel": laravel_index, "doctrine": doctrine_index}
