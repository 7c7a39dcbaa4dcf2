"""The same change made so that nobody waits: statements, in the words of the program that runs the project's migrations."""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from analyzers.facts.sql import AddCheck, AddColumn, AddForeignKey, AddIndex, IndexPart, SqlForeignKey, SqlIndex
from analyzers.model.indexes.live_changes import Moment
from analyzers.model.indexes.live_indexes import quoted
from analyzers.model.indexes.locks import Harm
from analyzers.model.project import Table


class Step(msgspec.Struct, frozen=True):
    """One migration: what it sends, `outside` of a transaction where that must be. `why` is a comment."""

    statements: tuple[str, ...]
    outside: bool = False
    why: str = ""


def safely(harm: Harm, moment: Moment) -> tuple[str, str]:
    """The code, and its language; empty where words must do."""
    native = _NATIVE.get((moment.migration.runner, harm.kind))
    code = native(harm, moment) if native is not None else ""
    steps = _steps(harm, moment)
    if code:
        return code, "python"
    if not steps or any("?" in statement for step in steps for statement in step.statements):
        return "", ""
    write, language = _RUNNERS.get(moment.migration.runner, (_sql, "sql"))
    return "\n\n".join(write(step) for step in steps), language


def _steps(harm: Harm, moment: Moment) -> tuple[Step, ...]:
    table, change = _quoted(moment.name), moment.change
    match harm.kind, change:
        case "index" | "in transaction", AddIndex(index=index) if index.parts:
            return (Step((_create(table, index),), outside=True, why="built while writes go on"),)
        case "unique", AddIndex(index=index) if index.parts:
            name = index.name or "_".join((moment.name.rpartition(".")[2], *harm.columns, "key"))
            kind = "PRIMARY KEY" if index.primary else "UNIQUE"
            build = _create(table, msgspec.structs.replace(index, name=name, unique=True))
            using = f"ALTER TABLE {table} ADD CONSTRAINT {_quoted(name)} {kind} USING INDEX {_quoted(name)}"
            return (Step((build, using), outside=True, why="built while writes go on"),)
        case "foreign key", AddForeignKey(key=key):
            return _in_two(table, key.name or f"{moment.name.rpartition('.')[2]}_{key.columns[0]}_fkey", _refers(key))
        case "check" | "validated", AddCheck(check=check) if check.name:
            return _in_two(table, check.name, f"CHECK ({check.condition})")
        case "required", _:
            column = harm.columns[0]
            name = f"{moment.name.rpartition('.')[2]}_{column}_not_null"
            last = f"ALTER TABLE {table} ALTER COLUMN {_quoted(column)} SET NOT NULL"
            first, second = _in_two(table, name, f"CHECK ({_quoted(column)} IS NOT NULL)")
            return first, Step((*second.statements, last), why="in a later migration; reads the rows beside the writes")
        case "rewritten", AddColumn(column=column) if column.volatile and column.type:
            name = _quoted(column.name)
            default = f"ALTER TABLE {table} ALTER COLUMN {name} SET DEFAULT {column.default}"
            return (Step((f"ALTER TABLE {table} ADD COLUMN {name} {column.type}", default), why="old rows stay as they are"),)
    return ()


def _in_two(table: str, name: str, definition: str) -> tuple[Step, Step]:
    add = f"ALTER TABLE {table} ADD CONSTRAINT {_quoted(name)} {definition} NOT VALID"
    check = f"ALTER TABLE {table} VALIDATE CONSTRAINT {_quoted(name)}"
    return Step((add,), why="only new rows are checked"), Step((check,), why="in a later migration, beside the writes")


def _refers(key: SqlForeignKey) -> str:
    far = f" ({', '.join(map(_quoted, key.referred))})" if key.referred else ""
    delete = f" ON DELETE {key.on_delete.upper()}" if key.on_delete else ""
    return f"FOREIGN KEY ({', '.join(map(_quoted, key.columns))}) REFERENCES {_quoted(key.references or '?')}{far}{delete}"


def _create(table: str, index: SqlIndex) -> str:
    unique = "UNIQUE " if index.unique else ""
    method = f" USING {index.method}" if index.method not in ("", "btree") else ""
    include = f" INCLUDE ({', '.join(map(_quoted, index.include))})" if index.include else ""
    where = f" WHERE {index.where}" if index.where else ""
    name = _quoted(index.name) if index.name else ""
    columns = ", ".join(map(_part, index.parts))
    return f"CREATE {unique}INDEX CONCURRENTLY {name}{' ' * bool(name)}ON {table}{method} ({columns}){include}{where}"


def _part(part: IndexPart) -> str:
    what = _quoted(part.column) if part.column else f"({part.expression or '?'})"
    return what + f" {part.opclass}" * bool(part.opclass) + " DESC" * part.descending


def _quoted(name: str) -> str:
    return ".".join(quoted(part, '"') for part in name.split("."))


# -- programs that run migrations --------------------------------------------------------------------------------------


def _sql(step: Step) -> str:
    lines = [f"-- {step.why}"] if step.why else []
    return "\n".join([*lines, *(f"{statement};" for statement in step.statements)])


def _text(statement: str, mark: str) -> str:
    """A string literal of Python or PHP."""
    other = '"' if mark == "'" else "'"
    mark = other if mark in statement and other not in statement and (other == "'" or "$" not in statement) else mark
    return mark + statement.replace("\\", "\\\\").replace(mark, f"\\{mark}") + mark


def _django(step: Step) -> str:
    lines = ["class Migration(migrations.Migration):"]
    lines += [f"    # {step.why}"] if step.why else []
    lines += ["    atomic = False", ""] if step.outside else []
    lines += ["    operations = ["]
    lines += [f"        migrations.RunSQL({_text(statement, chr(34))})," for statement in step.statements]
    return "\n".join([*lines, "    ]"])


def _alembic(step: Step) -> str:
    lines = ["def upgrade():"]
    comment = f"  # {step.why}" if step.why else ""
    indent = "    "
    if step.outside:
        lines.append(f"    with op.get_context().autocommit_block():{comment}")
        indent *= 2
    elif comment:
        lines.append(f"    {comment.strip()}")
    return "\n".join([*lines, *(f"{indent}op.execute({_text(statement, chr(34))})" for statement in step.statements)])


def _laravel(step: Step) -> str:
    lines = ["public $withinTransaction = false;", ""] if step.outside else []
    lines += ["public function up(): void", "{"]
    lines += [f"    // {step.why}"] if step.why else []
    lines += [f"    DB::statement({_text(statement, chr(39))});" for statement in step.statements]
    return "\n".join([*lines, "}"])


def _doctrine(step: Step) -> str:
    lines = ["public function up(Schema $schema): void", "{"]
    lines += [f"    // {step.why}"] if step.why else []
    lines += [f"    $this->addSql({_text(statement, chr(39))});" for statement in step.statements]
    lines += ["}"]
    if step.outside:
        lines += ["", "public function isTransactional(): bool", "{", "    return false;", "}"]
    return "\n".join(lines)


def _rails(step: Step) -> str:
    lines = ["disable_ddl_transaction!", ""] if step.outside else []
    lines += ["def up"]
    lines += [f"  # {step.why}"] if step.why else []
    lines += [f"  execute {_text(statement, chr(39))}" for statement in step.statements]
    return "\n".join([*lines, "end"])


_RUNNERS: dict[str, tuple[Callable[[Step], str], str]] = {
    "django": (_django, "python"),
    "alembic": (_alembic, "python"),
    "laravel": (_laravel, "php"),
    "doctrine": (_doctrine, "php"),
    "rails": (_rails, "ruby"),
}

_Native = Callable[[Harm, Moment], str]


def _django_index(_: Harm, moment: Moment) -> str:
    change, stated = moment.change, moment.stated
    if not isinstance(change, AddIndex) or stated is None or not _plain(change.index) or change.index.unique:
        return ""
    fields = ", ".join(f'"{"-" * part.descending}{_attribute(stated, part.column)}"' for part in change.index.parts)
    lines = [
        "from django.contrib.postgres.operations import AddIndexConcurrently",
        "from django.db import migrations, models",
        "",
        "",
        "class Migration(migrations.Migration):",
        "    atomic = False  # built while writes go on",
        "",
        "    operations = [",
        f'        AddIndexConcurrently("{stated.label.lower()}", models.Index(fields=[{fields}], name="{change.index.name}")),',
        "    ]",
    ]
    return "\n".join(lines)


def _attribute(table: Table, column: str) -> str:
    known = table.columns.get(column)
    if known is None or known.attribute:
        return known.attribute if known is not None else column
    return column.removesuffix("_id") if any(key.columns == (column,) for key in table.foreign_keys) else column


def _plain(index: SqlIndex) -> bool:
    """Whether it is said by its name and its columns."""
    bare = not (index.where or index.include or index.method not in ("", "btree"))
    return bool(index.name) and bare and all(part.column and not part.opclass for part in index.parts)


def _django_check(harm: Harm, moment: Moment) -> str:
    if moment.stated is None:
        return ""
    model = moment.stated.label.lower()
    lines = [
        "from django.contrib.postgres.operations import AddConstraintNotValid, ValidateConstraint",
        "",
        "# only new rows are checked; `constraint` is the one that stands here",
        f'operations = [AddConstraintNotValid("{model}", constraint)]',
        "",
        "# in a later migration, beside the writes",
        f'operations = [ValidateConstraint("{model}", "{harm.name}")]',
    ]
    return "\n".join(lines)


def _alembic_index(_: Harm, moment: Moment) -> str:
    change = moment.change
    if not isinstance(change, AddIndex) or not _plain(change.index) or any(p.descending for p in change.index.parts):
        return ""
    columns = ", ".join(f'"{part.column}"' for part in change.index.parts)
    schema, _dot, table = moment.name.rpartition(".")
    options = ", unique=True" * change.index.unique + f', schema="{schema}"' * bool(schema)
    lines = [
        "def upgrade():",
        "    with op.get_context().autocommit_block():  # built while writes go on",
        f'        op.create_index("{change.index.name}", "{table}", [{columns}]{options}, postgresql_concurrently=True)',
    ]
    return "\n".join(lines)


_NATIVE: dict[tuple[str, str], _Native] = {
    ("django", "index"): _django_index,
    ("django", "in transaction"): _django_index,
    ("django", "check"): _django_check,
    ("django", "validated"): _django_check,
    ("alembic", "index"): _alembic_index,
    ("alembic", "in transaction"): _alembic_index,
}
