"""Migrations that build an index on a table in use, in the words of the program that runs them.

On PostgreSQL an index is built beside the writes (`CONCURRENTLY`), which no transaction may surround; InnoDB does the same by
itself, and is only asked to refuse if it could not. Where the project has no migrations that this program knows, there is
nothing to say.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

import msgspec

from analyzers.model.project import Migration, Table

_LONGEST = 30  # characters of a name. Source: Django, `Index.max_name_length`; databases take 63 and 64


class NewIndex(msgspec.Struct, frozen=True):
    """An index that is to be made. `folded`: it ignores upper and lower case; `beginning`: it finds beginnings of texts."""

    table: Table
    columns: tuple[str, ...]
    folded: bool = False
    beginning: bool = False

    @property
    def name(self) -> str:
        """A name that no other index of the project is likely to have, short enough for all."""
        flat = re.sub(r"\W+", "_", "_".join((self.table.name.rpartition(".")[2], *self.columns))).lower()
        return f"{flat[: _LONGEST - 4].rstrip('_')}_idx"

    @property
    def online(self) -> bool:
        """Whether the database must be told to let writes go on."""
        return self.table.database == "postgresql"


def sql(index: NewIndex) -> str:
    """The statement that makes it."""
    mark = "`" if index.table.database == "mysql" else '"'
    names = [quoted(column, mark) for column in index.columns]
    if index.folded:
        names[0] = f"lower({names[0]})"
    elif index.beginning and index.online:
        names[0] += f" {pattern_class(index.table, index.columns[0])}"
    place = ".".join(quoted(part, mark) for part in index.table.name.split("."))
    online = " CONCURRENTLY" if index.online else ""
    options = " ALGORITHM=INPLACE LOCK=NONE" if index.table.database == "mysql" else ""
    return f"CREATE INDEX{online} {index.name} ON {place} ({', '.join(names)}){options};"


def quoted(name: str, mark: str) -> str:
    """A name that a database would fold or refuse, between its own marks."""
    return name if re.fullmatch(r"[a-z_][a-z0-9_]*", name) else f"{mark}{name}{mark}"


def pattern_class(table: Table, column: str) -> str:
    """The operator class by which PostgreSQL compares the column byte by byte."""
    kind = table.columns[column].type if column in table.columns else ""
    return "text_pattern_ops" if kind == "text" else "varchar_pattern_ops"


def migration(index: NewIndex, migrations: Sequence[Migration]) -> tuple[str, str]:
    """The file that makes it and the language of that, as the last migration of its table would go on; empty for none."""
    mine = [m for m in migrations if any(getattr(o.change, "table", "") == index.table.name for o in m.operations)]
    last = mine[-1] if mine else None
    write = _RUNNERS.get(last.runner) if last is not None else None
    return write(index, last, migrations) if write is not None and last is not None else ("", "")


_Writer = Callable[[NewIndex, Migration, Sequence[Migration]], tuple[str, str]]


def _django(index: NewIndex, last: Migration, migrations: Sequence[Migration]) -> tuple[str, str]:
    application = last.name.partition(".")[0]
    before = [m.name.partition(".")[2] for m in migrations if m.runner == last.runner and m.name.startswith(f"{application}.")]
    operation = "AddIndexConcurrently" if index.online else "migrations.AddIndex"
    lines = [
        *(["from django.contrib.postgres.operations import AddIndexConcurrently"] if index.online else []),
        "from django.db import migrations, models",
        "",
        "",
        "class Migration(migrations.Migration):",
        *(["    atomic = False  # built while writes go on", ""] if index.online else []),
        f'    dependencies = [("{application}", "{before[-1]}")]',
        "    operations = [",
        f'        {operation}("{index.table.label.lower()}", {django_index(index)}),',
        "    ]",
    ]
    return "\n".join(lines), "python"


def django_index(index: NewIndex) -> str:
    """The index as a model states it."""
    attributes = [index.table.columns[c].attribute or c if c in index.table.columns else c for c in index.columns]
    if index.folded:
        return f'models.Index(Upper("{attributes[0]}"), name="{index.name}")'
    fields = ", ".join(f'"{attribute}"' for attribute in attributes)
    classes = f', opclasses=["{pattern_class(index.table, index.columns[0])}"]' if index.beginning and index.online else ""
    return f'models.Index(fields=[{fields}]{classes}, name="{index.name}")'


def _alembic(index: NewIndex, _last: Migration, _migrations: Sequence[Migration]) -> tuple[str, str]:
    columns = ", ".join(f'"{column}"' for column in index.columns)
    create = f'op.create_index("{index.name}", "{index.table.name}", [{columns}]'
    if not index.online:
        return f"def upgrade():\n    {create})", "python"
    lines = [
        "def upgrade():",
        "    with op.get_context().autocommit_block():  # built while writes go on",
        f"        {create}, postgresql_concurrently=True)",
    ]
    return "\n".join(lines), "python"


def _doctrine(index: NewIndex, _last: Migration, _migrations: Sequence[Migration]) -> tuple[str, str]:
    lines = [
        "public function up(Schema $schema): void",
        "{",
        f"    $this->addSql('{sql(index).rstrip(';')}');",
        "}",
    ]
    if index.online:
        lines += ["", "public function isTransactional(): bool", "{", "    return false; // built while writes go on", "}"]
    return "\n".join(lines), "php"


def _laravel(index: NewIndex, _last: Migration, _migrations: Sequence[Migration]) -> tuple[str, str]:
    if index.online:
        lines = [
            "public $withinTransaction = false; // built while writes go on",
            "",
            "public function up(): void",
            "{",
            f"    DB::statement('{sql(index).rstrip(';')}');",
            "}",
        ]
        return "\n".join(lines), "php"
    columns = ", ".join(f"'{column}'" for column in index.columns)
    lines = [
        "public function up(): void",
        "{",
        f"    Schema::table('{index.table.name}', function (Blueprint $table) {{",
        f"        $table->index([{columns}]);",
        "    });",
        "}",
    ]
    return "\n".join(lines), "php"


def _rails(index: NewIndex, _last: Migration, _migrations: Sequence[Migration]) -> tuple[str, str]:
    columns = ", ".join(f":{column}" for column in index.columns)
    named = columns if len(index.columns) == 1 else f"[{columns}]"
    name = "".join(part.capitalize() for part in re.split(r"\W+|_", f"add_index_to_{index.table.name}"))
    lines = [
        f"class {name} < ActiveRecord::Migration[7.1]",
        *(["  disable_ddl_transaction! # built while writes go on", ""] if index.online else []),
        "  def change",
        f"    add_index :{index.table.name}, {named}{', algorithm: :concurrently' if index.online else ''}",
        "  end",
        "end",
    ]
    return "\n".join(lines), "ruby"


_RUNNERS: dict[str, _Writer] = {
    "django": _django,
    "alembic": _alembic,
    "doctrine": _doctrine,
    "laravel": _laravel,
    "rails": _rails,
}
