"""The migration that builds an index on a table in use: a whole file, in the words of the program that runs it.

It follows the project's last migration, and is named as that is. Where the project has no migrations, or those of a program
that is not known here, there is nothing to add.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Sequence

import msgspec

from analyzers.findings import NewFile
from analyzers.model.indexes.live_indexes import NewIndex, dropping, pattern_class, sql
from analyzers.model.project import Migration


class _After(msgspec.Struct, frozen=True):
    """What the file comes after: the last migration of the table, and all of its runner."""

    last: Migration
    others: Sequence[Migration]


def index_file(index: NewIndex, migrations: Sequence[Migration]) -> tuple[NewFile, ...]:
    """The file that makes it, as the migrations of its table go on."""
    mine = [m for m in migrations if any(getattr(o.change, "table", "") == index.table.name for o in m.operations)]
    write = _RUNNERS.get(mine[-1].runner) if mine else None
    if write is None:
        return ()
    file = write(index, _After(mine[-1], [m for m in migrations if m.runner == mine[-1].runner]))
    return (file,) if file is not None else ()


def _flat(index: NewIndex) -> str:
    """The table's name as a part of others."""
    return re.sub(r"\W+", "_", index.table.name.rpartition(".")[2]).lower().strip("_")


_WHY = "built while writes go on"


# -- programs that run migrations --------------------------------------------------------------------------------------


def _django(index: NewIndex, after: _After) -> NewFile | None:
    application = after.last.name.partition(".")[0]
    own = [m for m in after.others if m.name.startswith(f"{application}.")]
    before = own[-1].name.partition(".")[2]
    folder = own[-1].path.rpartition("/")[0]
    operation = "AddIndexConcurrently" if index.online else "migrations.AddIndex"
    imports = [
        *(["from django.contrib.postgres.operations import AddIndexConcurrently"] if index.online else []),
        "from django.db import migrations, models",
        *(["from django.db.models.functions import Upper"] if index.folded else []),
    ]
    head = [
        "",
        "",
        "class Migration(migrations.Migration):",
        *([f"    atomic = False  # {_WHY}", ""] if index.online else []),
        f'    dependencies = [("{application}", "{before}")]',
        "    operations = [",
        "",
    ]
    item = f'        {operation}("{index.table.label.lower()}", {django_index(index)}),\n'
    path = f"{folder}/{_next(before)}_{_flat(index)}_indexes.py"
    follows = f"django {application}.{before}"
    return NewFile(path, "python", "\n".join(head), (item,), "    ]\n", imports=tuple(imports), follows=follows)


def django_index(index: NewIndex, word: str = "models.Index") -> str:
    """The index as a model states it."""
    attributes = [index.table.columns[c].attribute or c if c in index.table.columns else c for c in index.columns]
    if index.folded:
        return f'{word}(Upper("{attributes[0]}"), name="{index.name}")'
    fields = ", ".join(f'"{attribute}"' for attribute in attributes)
    classes = f', opclasses=["{pattern_class(index.table, index.columns[0])}"]' if index.beginning and index.online else ""
    return f'{word}(fields=[{fields}]{classes}, name="{index.name}")'


def _alembic(index: NewIndex, after: _After) -> NewFile | None:
    last = after.others[-1]
    folder = last.path.rpartition("/")[0]
    revision = hashlib.sha256(f"{last.name} indexes".encode()).hexdigest()[:12]
    schema, _, table = index.table.name.rpartition(".")
    named = [f'"{index.name}"', f'"{table}"', f"[{_parts(index)}]"]
    named += [f'schema="{schema}"'] if schema else []
    named += [f'postgresql_ops={{"{index.columns[0]}": "{_ops(index)}"}}'] if index.beginning and index.online else []
    named += ["postgresql_concurrently=True"] if index.online else []
    imports = (*(["import sqlalchemy as sa"] if index.folded else []), "from alembic import op")
    head = [
        "",
        f'revision = "{revision}"',
        f'down_revision = "{last.name}"',
        "",
        "",
        "def upgrade() -> None:",
        *([f"    with op.get_context().autocommit_block():  # {_WHY}"] if index.online else []),
        "",
    ]
    indent = "        " if index.online else "    "
    item = f"{indent}op.create_index({', '.join(named)})\n"
    path, opening = f"{folder}/{revision}_{_flat(index)}_indexes.py", f'"""Index {table}."""\n\n'
    follows = f"alembic {last.name}"
    return NewFile(path, "python", "\n".join(head), (item,), "", opening, imports, follows)


def _parts(index: NewIndex) -> str:
    if index.folded:
        return f'sa.text("lower({index.columns[0]})")'
    return ", ".join(f'"{column}"' for column in index.columns)


def _ops(index: NewIndex) -> str:
    return pattern_class(index.table, index.columns[0])


def _doctrine(index: NewIndex, after: _After) -> NewFile | None:
    last = after.others[-1]
    folder, _, name = last.path.rpartition("/")
    number = re.fullmatch(r"Version(\d+)\.php", name)
    if number is None:
        return None
    version = f"Version{_counted(number[1], 1)}"
    head = [
        "<?php",
        "",
        "declare(strict_types=1);",
        "",
        "namespace DoctrineMigrations;",
        "",
        "use Doctrine\\DBAL\\Schema\\Schema;",
        "use Doctrine\\Migrations\\AbstractMigration;",
        "",
        f"final class {version} extends AbstractMigration",
        "{",
        *(_outside("public function isTransactional(): bool", "return false") if index.online else []),
        "    public function up(Schema $schema): void",
        "    {",
        "",
    ]
    item = f"        $this->addSql({_php(sql(index).rstrip(';'))});\n"
    follows = f"doctrine {last.path}"
    return NewFile(f"{folder}/{version}.php", "php", "\n".join(head), (item,), "    }\n}\n", follows=follows)


def _outside(function: str, statement: str) -> list[str]:
    return [f"    {function}", "    {", f"        {statement}; // {_WHY}", "    }", ""]


def _laravel(index: NewIndex, after: _After) -> NewFile | None:
    folder, _, name = after.others[-1].path.rpartition("/")
    dated = re.match(r"(\d{4}_\d{2}_\d{2})_(\d{6})_", name)
    if dated is None:
        return None
    head = [
        "<?php",
        "",
        "use Illuminate\\Database\\Migrations\\Migration;",
        *(
            ["use Illuminate\\Support\\Facades\\DB;"]
            if _by_statement(index)
            else ["use Illuminate\\Database\\Schema\\Blueprint;", "use Illuminate\\Support\\Facades\\Schema;"]
        ),
        "",
        "return new class extends Migration",
        "{",
        *([f"    public $withinTransaction = false; // {_WHY}", ""] if index.online else []),
        "    public function up(): void",
        "    {",
        "",
    ]
    path = f"{folder}/{dated[1]}_{_counted(dated[2], 1)}_add_indexes_to_{_flat(index)}.php"
    if _by_statement(index):
        item = f"        DB::statement({_php(sql(index).rstrip(';'))});\n"
        return NewFile(path, "php", "\n".join(head), (item,), "    }\n};\n")
    head[-1:] = [f"        Schema::table('{index.table.name}', function (Blueprint $table) {{", ""]
    columns = ", ".join(f"'{column}'" for column in index.columns)
    item = f"            $table->index([{columns}]);\n"
    return NewFile(path, "php", "\n".join(head), (item,), "        });\n    }\n};\n")


def _by_statement(index: NewIndex) -> bool:
    """Whether the words of the library cannot say it."""
    return index.online or index.folded or index.beginning


def _rails(index: NewIndex, after: _After) -> NewFile | None:
    folder, _, name = after.others[-1].path.rpartition("/")
    dated = re.match(r"\d{14}", name)
    if dated is None:
        return None
    columns = ", ".join(f":{column}" for column in index.columns)
    named = columns if len(index.columns) == 1 else f"[{columns}]"
    title = "".join(part.capitalize() for part in f"add_indexes_to_{_flat(index)}".split("_"))
    head = [
        f"class {title} < ActiveRecord::Migration[7.1]",
        *([f"  disable_ddl_transaction! # {_WHY}", ""] if index.online else []),
        "  def change",
        "",
    ]
    item = f"    add_index :{index.table.name}, {named}{', algorithm: :concurrently' if index.online else ''}\n"
    path = f"{folder}/{_counted(dated[0], 1)}_add_indexes_to_{_flat(index)}.rb"
    return NewFile(path, "ruby", "\n".join(head), (item,), "  end\nend\n", follows=f"rails {after.others[-1].path}")


def _sql(index: NewIndex, after: _After) -> NewFile | None:
    """A file of its own: what is built beside the writes is the only statement that is sent."""
    tree = [m for m in after.others if m.tree == after.last.tree and not m.baseline]
    last = tree[-1].path if tree else ""
    numbered = _numbered(last)
    if numbered is None:
        return None
    turn, rest = numbered
    before, after_it = _marked(tree[-1].marks, index)
    path = f"{turn}{rest.format(index.name)}"
    return NewFile(path, "sql", before, (f"{sql(index)}\n",), after_it, follows=f"sql {last}", turn=turn)


def _marked(program: str, index: NewIndex) -> tuple[str, str]:
    """What stands around the statement for a program that reads marks, with the way back."""
    if program not in _MARKS:
        return "", ""
    up, down, outside = _MARKS[program]
    asks = outside if index.online else ""
    alone = f"-- +goose{asks}\n" if program == "goose" and asks else ""
    asks = "" if program == "goose" else asks
    return f"{alone}-- {up}{asks}\n", f"\n-- {down}{asks}\n{dropping(index)}\n"


_MARKS = {
    "goose": ("+goose Up", "+goose Down", " NO TRANSACTION"),
    "sql-migrate": ("+migrate Up", "+migrate Down", " notransaction"),
    "dbmate": ("migrate:up", "migrate:down", " transaction:false"),
}
"""How a file says where the way forth and the way back begin, and that there is no transaction. Source: their manuals."""


def _numbered(path: str) -> tuple[str, str] | None:
    """How the path after that of the last file begins, and goes on with a name: `db/V7__orders.sql` is followed by
    `db/V8` and `__{}.sql`."""
    folder, _, last = path.rpartition("/")
    prefix = f"{folder}/" if folder else ""
    numbered = re.fullmatch(r"(V?)(\d+)(__|[_-])(?:.*?)((?:\.up)?\.sql)", last)
    if numbered is not None:
        return f"{prefix}{numbered[1]}{_counted(numbered[2], 1)}", f"{numbered[3]}{{}}{numbered[4]}"
    tree, _, version = folder.rpartition("/")
    dated = re.match(r"(\d+)_", version)
    if dated is not None and last == "migration.sql":
        return f"{tree}/{_counted(dated[1], 1)}", f"_{{}}/{last}"
    return None


def _next(name: str) -> str:
    """`0008` after `0007_orders`."""
    number = re.match(r"\d+", name)
    return _counted(number[0], 1) if number is not None else "0002"


def _counted(number: str, by: int) -> str:
    return str(int(number) + by).zfill(len(number))


def _php(text: str) -> str:
    """A string literal."""
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


_Writer = Callable[[NewIndex, _After], NewFile | None]
_RUNNERS: dict[str, _Writer] = {
    "django": _django,
    "alembic": _alembic,
    "doctrine": _doctrine,
    "laravel": _laravel,
    "rails": _rails,
    "sql": _sql,
}
