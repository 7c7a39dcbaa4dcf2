"""Foundations: what is declared depends on nothing that was not noted, and follows from a revision that declares the same."""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Callable, Mapping
from functools import partial

import msgspec
import pytest

from analyzers.facts.outline import Class, Function, Node
from analyzers.facts.store import FileFacts, NoStore
from analyzers.frontends import frontend_for, read_facts
from analyzers.model import foundations
from analyzers.model.foundations import Foundation, Foundations
from analyzers.model.naming.code import Codebase
from analyzers.model.naming.parts import Parts
from analyzers.model.tables.model_records import recorded
from tests.markdown import Case
from tests.test_cases import _CASES

Files = Mapping[str, bytes]


def facts_of(files: Files) -> dict[str, FileFacts]:
    return {path: read_facts(path, text) for path, text in files.items() if frontend_for(path) is not None}


def keys_of(files: Files) -> dict[str, str]:
    return {path: hashlib.sha1(text).hexdigest() for path, text in files.items() if frontend_for(path) is not None}


def said(foundation: Foundation) -> object:
    """All that a foundation says, comparable."""
    rest = (foundation.schema, foundation.deployment, foundation.problems, dict(foundation.digests))
    return msgspec.to_builtins((recorded(foundation.models), foundation.routes, *rest), str_keys=True, order="deterministic")


def built(files: Files) -> Foundation:
    return Foundations(NoStore()).of(Codebase(facts_of(files), keys_of(files)), keys_of(files), "")


def sources(files: Files) -> list[str]:
    return [path for path in files if path.endswith((".py", ".php")) and frontend_for(path) is not None]


def without_bodies(path: str, facts: FileFacts, into: set[str]) -> FileFacts:
    """The file with nothing in those of its functions that were not looked into."""
    parts = Parts({path: facts}, {})

    def emptied(node: Node) -> Node:
        match node:
            case Function(name=name) if name:
                return msgspec.structs.replace(node, body=())
            case Class():
                return msgspec.structs.replace(node, body=tuple(map(emptied, node.body)))
        return node

    kept = [path in into or parts.key(path, node.start) in into for node in facts.outline]
    outline = tuple(node if keep else emptied(node) for node, keep in zip(facts.outline, kept, strict=True))
    return msgspec.structs.replace(facts, outline=outline)


READERS: dict[str, Callable[[Codebase], object]] = {
    "tables": partial(foundations._tables, database=""),
    "run": foundations._run,
    "routes": foundations._routes,
}


@pytest.mark.parametrize("case", _CASES)
def test_no_body_counts_that_is_not_noted(case: Case) -> None:
    facts, keys = facts_of(case.head), keys_of(case.head)
    for read in READERS.values():
        code = Codebase(facts, keys)
        whole, into = read(code), code.looked.into
        into |= {path for path in facts if any(re.search(pattern, path) for pattern in code.looked.paths)}
        emptied = {path: without_bodies(path, f, into) if path in sources(case.head) else f for path, f in facts.items()}
        assert read(Codebase(emptied, keys)) == whole


DJANGO = b"from django.db import models\n\n\n"
ALCHEMY = b"from sqlalchemy import Column, ForeignKey, Index, Integer, String\n"
COLUMNS = b"""

class Order(Owned, Base):
    __tablename__ = "orders"
    id = Column(Integer, primary_key=True)
    status = Column(String)
"""
MIXIN = b"""from sqlalchemy.orm import declarative_base, declared_attr

Base = declarative_base()


class Owned:
    @declared_attr
    def %s(cls):
        return %s
"""
ENGINE = b"""from sqlalchemy import create_engine


def engine(url):
    return create_engine(url, pool_size=%s)
"""
FLASK = b"""from flask import Flask


def create():
    app = Flask(__name__)

    @app.route("/%s")
    def listed():
        return []

    return app
"""
REVISION = b"""from alembic import op
import sqlalchemy as sa
from versions.helpers import add_status

revision = "1"
down_revision = None


def upgrade():
    op.create_table("orders", sa.Column("id", sa.Integer, primary_key=True)%s)
    add_status()
"""
HELPERS = b"""from alembic import op
import sqlalchemy as sa


def add_status():
    op.create_index("by_%s", "orders", ["%s"])
"""
ELOQUENT = b"""<?php
namespace App\\Models;

use Illuminate\\Database\\Eloquent\\Model;

class Order extends Model
{
    public function customer()
    {
        return $this->belongsTo(%s::class);
    }
}
"""
BODIES: dict[str, tuple[dict[str, bytes], str, bytes]] = {
    "a function makes columns": (
        {
            "shop/keys.py": DJANGO + b"def key():\n    return models.IntegerField(db_index=True)\n",
            "shop/models.py": DJANGO + b"from shop.keys import key\n\n\nclass Order(models.Model):\n    number = key()\n",
        },
        "shop/keys.py",
        DJANGO + b"def key():\n    return models.TextField()\n",
    ),
    "a kind of column says that it is indexed": (
        {
            "shop/models.py": (
                DJANGO + b"class Number(models.IntegerField):\n    def __init__(self, **more):\n"
                b"        super().__init__(db_index=True, **more)\n\n\nclass Order(models.Model):\n    number = Number()\n"
            )
        },
        "shop/models.py",
        DJANGO + b"class Number(models.IntegerField):\n    def __init__(self, **more):\n"
        b"        super().__init__(**more)\n\n\nclass Order(models.Model):\n    number = Number()\n",
    ),
    "a manager leaves rows out": (
        {
            "shop/managers.py": DJANGO + b"class Paid(models.Manager):\n    def get_queryset(self):\n"
            b"        return super().get_queryset().filter(tenant=1)\n",
            "shop/models.py": DJANGO + b"from shop.managers import Paid\n\n\nclass Order(models.Model):\n"
            b"    tenant = models.IntegerField()\n    objects = Paid()\n",
        },
        "shop/managers.py",
        DJANGO + b"class Paid(models.Manager):\n    def get_queryset(self):\n        return super().get_queryset()\n",
    ),
    "a mixin computes a column": (
        {
            "shop/base.py": ALCHEMY + MIXIN % (b"owner_id", b'Column(ForeignKey("users.id"), index=True)'),
            "shop/models.py": ALCHEMY + b"from shop.base import Base, Owned\n" + COLUMNS,
        },
        "shop/base.py",
        ALCHEMY + MIXIN % (b"owner_id", b"Column(Integer)"),
    ),
    "a mixin computes an index": (
        {
            "shop/base.py": ALCHEMY + MIXIN % (b"__table_args__", b'(Index("by_status", "status"),)'),
            "shop/models.py": ALCHEMY + b"from shop.base import Base, Owned\n" + COLUMNS,
        },
        "shop/base.py",
        ALCHEMY + MIXIN % (b"__table_args__", b'(Index("by_id", "id"),)'),
    ),
    "a function opens a pool": ({"shop/db.py": ENGINE % b"5"}, "shop/db.py", ENGINE % b"50"),
    "a function states routes": (
        {"shop/app.py": FLASK % b"books"},
        "shop/app.py",
        FLASK % b"pages",
    ),
    "a script of changes runs": (
        {"versions/one.py": REVISION % b"", "versions/helpers.py": HELPERS % (b"id", b"id")},
        "versions/one.py",
        REVISION % b', sa.Column("status", sa.String)',
    ),
    "a script calls a function": (
        {"versions/one.py": REVISION % b"", "versions/helpers.py": HELPERS % (b"id", b"id")},
        "versions/helpers.py",
        HELPERS % (b"status", b"status"),
    ),
    "a method is a relation": (
        {
            "app/Models/Order.php": ELOQUENT % b"Customer",
            "app/Models/Customer.php": (ELOQUENT % b"Order").replace(b"class Order", b"class Customer"),
        },
        "app/Models/Order.php",
        ELOQUENT % b"Order",
    ),
}


@pytest.mark.parametrize("name", BODIES)
def test_what_stands_in_a_body_counts_where_it_is_looked_at(name: str) -> None:
    before, path, text = BODIES[name]
    after = {**before, path: text}
    memory = Foundations(NoStore(), dict(zip(keys_of(before).values(), facts_of(before).values(), strict=True)).get)
    first = memory.of(Codebase(facts_of(before), keys_of(before)), keys_of(before), "")
    found = memory.of(Codebase(facts_of(after), keys_of(after)), keys_of(after), "")
    assert said(found) != said(first)
    assert said(found) == said(built(after))


MORE: dict[str, dict[str, Callable[[bytes], bytes]]] = {
    "a function is added": {
        ".py": lambda text: text + b"\n\ndef added_here(request):\n    import os\n\n    return [os, request]\n",
        ".php": lambda text: text + b"\nfunction added_here($request) { return [$request]; }\n" if b"?>" not in text else text,
    },
    "all moves down": {
        ".py": lambda text: b"# One line\n# and another.\n\n\n" + text,
        ".php": lambda text: text.replace(b"<?php\n", b"<?php\n\n// One line\n// and another.\n\n", 1),
    },
    "something is imported": {
        ".py": lambda text: b"from shop.other_things import added_thing\n" + text,
        ".php": lambda text: text.replace(b"\nuse ", b"\nuse App\\Other\\AddedThing;\nuse ", 1),
    },
}


@pytest.fixture(scope="module")
def followed() -> Counter[tuple[str, str, bool]]:
    """How often what a reader says followed after a change, and how often it was read anew."""
    return Counter()


@pytest.mark.parametrize("change", MORE)
@pytest.mark.parametrize("case", _CASES[::3])
def test_what_follows_is_what_is_read(
    case: Case, change: str, followed: Counter[tuple[str, str, bool]], monkeypatch: pytest.MonkeyPatch
) -> None:
    make, ours = MORE[change], sources(case.head)
    more = {path: make[path[path.rindex(".") :]](text) if path in ours else text for path, text in case.head.items()}
    memory = Foundations(NoStore(), dict(zip(keys_of(case.head).values(), facts_of(case.head).values(), strict=True)).get)
    memory.of(Codebase(facts_of(case.head), keys_of(case.head)), keys_of(case.head), "")
    done: set[str] = set()
    for name in READERS:
        read = getattr(foundations, f"_{name}")
        monkeypatch.setattr(foundations, f"_{name}", lambda *a, name=name, read=read, **k: (done.add(name), read(*a, **k))[1])  # type: ignore[misc]
    found = memory.of(Codebase(facts_of(more), keys_of(more)), keys_of(more), "")
    monkeypatch.undo()
    followed.update((change, name, name not in done) for name in READERS)
    assert said(found) == said(built(more))


@pytest.mark.parametrize("change", MORE)
@pytest.mark.parametrize("name", READERS)
def test_most_follows(change: str, name: str, followed: Counter[tuple[str, str, bool]]) -> None:
    if not followed:
        pytest.skip("run with the tests above")
    assert followed[change, name, True] > followed[change, name, False]
