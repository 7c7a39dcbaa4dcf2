"""What the remarks of a linter of SQL mean here: which harm a rule of squawk tells of a change.

Source: squawk 2.70, "Rules". Its others are about style, about statements that hurt nobody by themselves, or about renaming and
dropping, which is for those to judge who see the code that still uses the name.
"""

from __future__ import annotations

from collections.abc import Mapping

from analyzers.facts.sql import AddCheck, AddColumn, AddForeignKey, AddIndex, AlterColumn, SchemaChange

UNREAD = "syntax-error"
"""The rule by which a linter says that it does not understand a statement."""

_KINDS: Mapping[tuple[type, str], str] = {
    (AddIndex, "require-concurrent-index-creation"): "index",
    (AddIndex, "ban-concurrent-index-creation-in-transaction"): "in transaction",
    (AddIndex, "disallowed-unique-constraint"): "unique",
    (AddIndex, "adding-serial-primary-key-field"): "unique",
    (AddForeignKey, "adding-foreign-key-constraint"): "foreign key",
    (AddCheck, "constraint-missing-not-valid"): "check",
    (AddColumn, "adding-required-field"): "no value",
    (AddColumn, "adding-field-with-default"): "rewritten",
    (AlterColumn, "adding-not-nullable-field"): "required",
    (AlterColumn, "changing-column-type"): "type",
}
COUNTED = ("serial", "bigserial", "smallserial")
"""Types whose column gets a value for each row that is there."""


def kind_of(change: SchemaChange, rule: str) -> str:
    """The harm that a rule tells of a change; empty for none of ours."""
    return _KINDS.get((type(change), rule), "")


def decides(change: SchemaChange, kind: str) -> bool:
    """Whether the linter would have said so, had it been so. That a serial column is filled for each row it does not know."""
    if kind == "rewritten" and isinstance(change, AddColumn) and change.column.type in COUNTED:
        return False
    return any(of is type(change) and known == kind for (of, _), known in _KINDS.items())


def concerns(change: SchemaChange) -> bool:
    """Whether the linter knows anything of such changes."""
    return any(of is type(change) for of, _ in _KINDS)
