"""How a project's code states an index, and where: as a model does, as a migration does, or in SQL.

Each form is a named function. What a form cannot say (an index that ignores case, of a class that names columns alone) it
leaves to the migration.
"""

from __future__ import annotations

from collections.abc import Callable

from analyzers.findings import Edit, Fix
from analyzers.model.indexes.index_files import django_index
from analyzers.model.indexes.live_indexes import NewIndex, sql
from analyzers.model.project import Slot

Form = Callable[[NewIndex, str], str]
"""The index in code; the text is what the file calls that which makes one."""


def stated(index: NewIndex) -> tuple[str, str]:
    """Code that adds an index where this project states its tables, and its language. It is empty where it is but a part of a
    statement that is there: then the edit shows it."""
    slot = _slot(index)
    if slot is not None and slot.form == "flag" and not slot.young:
        return "", _LANGUAGES.get(slot.path.rpartition(".")[2], "")
    return _STATED.get(index.table.index_code, _sql)(index)


def edit(index: NewIndex) -> Fix | None:
    """The edit that puts such code where the table is stated, if there is a place for it."""
    slot = _slot(index)
    if slot is None:
        return None
    text = slot.before + _FORMS[slot.form](index, slot.word) + slot.after
    return Fix(f"Add the index to {index.table.label}", slot.path, (Edit(slot.offset, slot.offset, text),), young=slot.young)


_LANGUAGES = {"py": "python", "php": "php"}


def _slot(index: NewIndex) -> Slot | None:
    return next((slot for slot in index.table.slots if _takes(slot, index)), None)


def _takes(slot: Slot, index: NewIndex) -> bool:
    if (index.folded or index.beginning) and slot.form not in _EXACT:
        return False
    if slot.form == "flag":
        return index.columns == slot.columns
    return not slot.columns or set(index.columns) <= set(slot.columns)


# -- forms -------------------------------------------------------------------------------------------------------------


def _of_options(index: NewIndex, word: str) -> str:
    return django_index(index, word or "models.Index")


def _of_arguments(index: NewIndex, word: str) -> str:
    return f'{word or "Index"}("{index.name}", {_listed(index, chr(34))})'


def _of_marks(index: NewIndex, word: str) -> str:
    return f"{word}(name: '{index.name}', columns: [{_listed(index, chr(39))}])"


def _of_schema(index: NewIndex, _word: str) -> str:
    known = index.table.columns
    fields = ", ".join(known[c].attribute or c if c in known else c for c in index.columns)
    return f"@@index([{fields}])"


def _of_module(index: NewIndex, word: str) -> str:
    schema, _, name = index.table.name.rpartition(".")
    placed = f', schema="{schema}"' if schema else ""
    return f'{word}.create_index("{index.name}", "{name}", [{_listed(index, chr(34))}]{placed})'


def _of_blueprint(index: NewIndex, word: str) -> str:
    return f"{word}->index([{_listed(index, chr(39))}])"


def _statement(index: NewIndex, _word: str) -> str:
    """Of a table that is created right before it, so that nobody waits."""
    return sql(index, online=False).removesuffix(";")


def _nothing(_index: NewIndex, _word: str) -> str:
    return ""


def _listed(index: NewIndex, mark: str) -> str:
    return ", ".join(f"{mark}{column}{mark}" for column in index.columns)


_FORMS: dict[str, Form] = {
    "django": _of_options,
    "sqlalchemy": _of_arguments,
    "doctrine": _of_marks,
    "prisma": _of_schema,
    "alembic": _of_module,
    "blueprint": _of_blueprint,
    "statement": _statement,
    "flag": _nothing,
}
_EXACT = frozenset({"statement"})
"""Forms that say what an index ignores, and what it finds the beginning of."""


# -- code to paste -----------------------------------------------------------------------------------------------------


def _sql(index: NewIndex) -> tuple[str, str]:
    return sql(index), "sql"


def _django(index: NewIndex) -> tuple[str, str]:
    return f"class Meta:\n    indexes = [\n        {_of_options(index, '')},\n    ]", "python"


def _sqlalchemy(index: NewIndex) -> tuple[str, str]:
    return f"__table_args__ = ({_of_arguments(index, '')},)", "python"


def _doctrine(index: NewIndex) -> tuple[str, str]:
    return f"#[{_of_marks(index, 'ORM' + chr(92) + 'Index')}]", "php"


def _prisma(index: NewIndex) -> tuple[str, str]:
    return _of_schema(index, ""), "prisma"


_STATED: dict[str, Callable[[NewIndex], tuple[str, str]]] = {
    "django": _django,
    "sqlalchemy": _sqlalchemy,
    "doctrine": _doctrine,
    "prisma": _prisma,
}
