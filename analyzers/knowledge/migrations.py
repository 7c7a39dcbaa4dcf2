"""How libraries state changes of the schema: `Library.migrations`."""

from __future__ import annotations

from typing import Literal

import msgspec

from analyzers.knowledge.blueprints import Blueprints


class Migrations(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A way to write migrations.

    `style` names what reads them (`analyzers.model.migrations`): calls are programs that change tables by calls
    (`blueprints`), operations are classes that list changes of models.
    """

    style: Literal["calls", "operations"]
    bases: tuple[str, ...] = ()  # base classes of migrations
    sql: dict[str, int] = {}  # calls whose n-th argument is SQL that runs on the schema
    reverse: tuple[str, ...] = ()  # methods that undo
    blueprints: Blueprints | None = None
    operations: dict[str, str] = {}  # operation -> what it does (`analyzers.model.operations`)
    constraints: dict[str, str] = {}  # classes of constraints -> unique, check, exclusion
    without_column: tuple[str, ...] = ()  # fields that make no column
    modules_setting: str = ""  # names the packages of applications whose migrations stand elsewhere
