"""How libraries state changes of the schema: `Library.migrations`."""

from __future__ import annotations

from typing import Literal

import msgspec

from analyzers.knowledge.blueprints import Blueprints


class Migrations(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A way to write migrations.

    `style` names what reads them (`analyzers.model.schema.migrations`): calls are programs that change tables by calls
    (`blueprints`), operations are classes that list changes of models, revisions are
    scripts that call a module.
    """

    style: Literal["calls", "operations", "revisions"]
    bases: tuple[str, ...] = ()  # base classes of migrations
    sql: dict[str, int] = {}  # calls whose n-th argument is SQL that runs on the schema
    blueprints: Blueprints | None = None
    operations: dict[str, str] = {}  # operation -> what it does (`analyzers.model.schema.operations`)
    constraints: dict[str, str] = {}  # classes of constraints -> unique, check, exclusion
    without_column: tuple[str, ...] = ()  # fields that make no column
    runner: str = ""  # what runs them, where that is no part of the library
    modules: tuple[str, ...] = ()  # whose functions change the schema
    named: str = ""  # the function that marks a name as final
    outside: str = ""  # a block whose changes run outside of the migration's transaction
    modules_setting: str = ""  # names the packages of applications whose migrations stand elsewhere
