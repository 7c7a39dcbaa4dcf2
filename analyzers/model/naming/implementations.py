"""Which class stands behind an interface, where the project leaves no choice."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from analyzers.model.naming.definitions import ClassDefinition
from analyzers.model.naming.roles import is_product

if TYPE_CHECKING:
    from analyzers.model.naming.code import Codebase


def implementations(code: Codebase) -> dict[str, ClassDefinition]:
    """By the qualified name of an interface: the only class that has it, or the heir of all others that have it."""
    having: dict[str, list[ClassDefinition]] = defaultdict(list)
    for definition in code.classes():
        if definition.is_interface or not is_product(definition.path):
            continue
        for base in code.lineage(definition):
            if isinstance(base, ClassDefinition) and base.is_interface:
                having[base.qualified].append(definition)
    found = {name: _last(code, definitions) for name, definitions in having.items()}
    return {name: definition for name, definition in found.items() if definition is not None}


def _last(code: Codebase, definitions: list[ClassDefinition]) -> ClassDefinition | None:
    """The class that inherits from all others, if one does and can be made."""
    for definition in definitions:
        own = {id(base) for base in code.lineage(definition)}
        if all(id(other) in own for other in definitions):
            return None if definition.is_abstract else definition
    return None
