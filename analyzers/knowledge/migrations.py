"""How libraries state changes of the schema: `Library.migrations`."""

from __future__ import annotations

from typing import Literal

import msgspec

from analyzers.knowledge.blueprints import Blueprints


class Migrations(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A way to write migrations.

    `style` names what reads them (`analyzers.model.migrations`): statements are classes whose methods send SQL,
    calls are programs that change tables by calls (`blueprints`).
    """

    style: Literal["statements", "calls"]
    bases: tuple[str, ...] = ()  # base classes of migrations
    tables: tuple[str, ...] = ()  # calls on a schema object whose first argument is a table that they change
    sql: dict[str, int] = {}  # calls whose n-th argument is SQL that runs on the schema
    reverse: tuple[str, ...] = ()  # methods that undo
    blueprints: Blueprints | None = None
