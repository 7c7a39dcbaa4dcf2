"""Models as migrations know them while they run: their fields, and the columns and indexes a schema editor makes of these.

Names are those that Django's schema editor gives. Sources: `BaseDatabaseSchemaEditor._create_index_name`,
`django.db.backends.utils.truncate_name`, `ManyToManyField._get_m2m_db_table`, and for `…_like` indexes
`django.db.backends.postgresql.schema.DatabaseSchemaEditor._create_like_index_sql`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator

import msgspec

from analyzers.facts.sql import CreateTable, IndexPart, SqlColumn, SqlForeignKey, SqlIndex

Label = tuple[str, str]
"""Application and model, the latter in lower case."""

_LENGTH = {"postgresql": 63, "mysql": 64}  # bytes of a name
_PATTERNS = {"varchar": "varchar_pattern_ops", "text": "text_pattern_ops"}


class StateField(msgspec.Struct, frozen=True):
    """A field. `column` is empty for a `many` to many relation, whose `table` the model may name or `through` be a model."""

    name: str
    column: str
    type: str = ""
    size: tuple[int, ...] = ()
    nullable: bool = False
    unique: bool = False
    indexed: bool = False
    primary: bool = False
    target: Label | None = None
    constrained: bool = True
    many: bool = False
    table: str = ""
    through: Label | None = None
    default: str = ""
    stored_default: bool = False  # the database keeps it
    generated: str = ""
    refers: str = ""  # the target's field it refers to, its key where empty
    method: str = ""  # of its own index, where that is no B-tree


class StateModel:
    """A model. `stored` is false where it has no table of its own to change: a proxy, unmanaged, or swapped for another."""

    def __init__(self, label: Label, table: str, *, stored: bool) -> None:
        self.label, self.table, self.stored = label, table, stored
        self.named = False  # its table's name is stated
        self.fields: dict[str, StateField] = {}
        self.unique: set[tuple[str, ...]] = set()  # sets of fields that are unique together
        self.together: set[tuple[str, ...]] = set()  # sets of fields that are indexed together
        self.constraints: dict[str, bool] = {}  # by name: whether it is a constraint to the database, and no index
        self.indexes: set[str] = set()  # names of those that are no field's own

    def copy(self) -> StateModel:
        other = StateModel(self.label, self.table, stored=self.stored)
        other.named, other.fields = self.named, dict(self.fields)
        other.unique, other.together = set(self.unique), set(self.together)
        other.constraints, other.indexes = dict(self.constraints), set(self.indexes)
        return other

    def column(self, field: str) -> str:
        """The column of a field; `pk` is its key."""
        if field == "pk":
            return self.key
        found = self.fields.get(field)
        return (found.column or field) if found is not None else field

    @property
    def key(self) -> str:
        return next((f.column for f in self.fields.values() if f.primary), "id")


class State:
    """All models at one moment. `provided` are the tables of models that no migration here makes."""

    def __init__(self, database: str, provided: dict[Label, str]) -> None:
        self.database, self.provided = database, provided
        self.models: dict[Label, StateModel] = {}

    def copy(self) -> State:
        other = State(self.database, self.provided)
        other.models = {label: model.copy() for label, model in self.models.items()}
        return other

    # -- names ---------------------------------------------------------------------------------------------------------

    def name(self, table: str, columns: tuple[str, ...], suffix: str = "") -> str:
        """What the schema editor calls an index or a constraint."""
        limit = _LENGTH.get(self.database, 63)
        table = table.rpartition(".")[2]
        tail = _digest(8, table, *columns) + suffix
        joined = "_".join(columns)
        if len(full := f"{table}_{joined}_{tail}") <= limit:
            return full
        tail = tail[: limit // 3] if len(tail) > limit / 3 else tail
        rest = (limit - len(tail)) // 2 - 1
        short = f"{table[:rest]}_{joined[:rest]}_{tail}"
        return f"D{short[:-1]}" if short[0] == "_" or short[0].isdigit() else short

    def between(self, model: StateModel, field: StateField) -> str:
        """The table of a relation of many to many."""
        if field.table:
            return field.table
        limit = _LENGTH.get(self.database, 63)
        name = f"{model.table}_{field.name}"
        return name if len(name) <= limit else name[: limit - 4] + _digest(4, name)

    def table(self, label: Label) -> str:
        """The table of a model, also of one that no migration here makes."""
        model = self.models.get(label)
        return model.table if model is not None else self.provided.get(label, "_".join(label))

    # -- what is made of a field ---------------------------------------------------------------------------------------

    def type_of(self, field: StateField, depth: int = 5) -> tuple[str, tuple[int, ...]]:
        """The type of a field's column: of a relation, that of the key it refers to."""
        if field.target is None or field.many:
            return field.type, field.size
        target = self.models.get(field.target)
        fields = target.fields.values() if target is not None else ()
        key = next((f for f in fields if (f.name == field.refers if field.refers else f.primary)), None)
        if key is None or not depth:
            return "", ()
        return self.type_of(key, depth - 1)

    def column(self, field: StateField) -> SqlColumn:
        kind, size = self.type_of(field)
        return SqlColumn(
            field.column,
            kind,
            nullable=field.nullable and not field.primary,
            primary=field.primary,
            unique=field.unique and not field.primary,
            size=size,
            default=field.default,
            generated=field.generated,
        )

    def indexes(self, model: StateModel, field: StateField) -> Iterator[SqlIndex]:
        """The indexes of one field besides what its column states."""
        if field.indexed and not field.unique and not field.primary:
            suffix = "_id" if field.method else ""
            name = self.name(model.table, (field.column,), suffix)
            yield SqlIndex(name, (IndexPart(field.column),), method=field.method)
        yield from self.patterns(model, field)

    def patterns(self, model: StateModel, field: StateField) -> Iterator[SqlIndex]:
        """The index for `LIKE` that PostgreSQL's editor adds to an indexed text."""
        opclass = _PATTERNS.get(self.type_of(field)[0]) if self.database == "postgresql" else None
        if opclass and not field.method and (field.indexed or field.unique or field.primary):
            yield SqlIndex(self.like(model, field), (IndexPart(field.column, opclass=opclass),))

    def like(self, model: StateModel, field: StateField) -> str:
        return self.name(model.table, (field.column,), "_like")

    def foreign_key(self, model: StateModel, field: StateField) -> SqlForeignKey | None:
        """The foreign key of a relation, where the database is to know of it."""
        if field.target is None or field.many or not field.constrained or not field.column:
            return None
        target = self.models.get(field.target)
        table, key = self.table(field.target), target.column(field.refers or "pk") if target is not None else "id"
        name = self.name(model.table, (field.column,), f"_fk_{table}_{key}")
        return SqlForeignKey((field.column,), table, name, (key,))

    def unique(self, model: StateModel, fields: tuple[str, ...]) -> SqlIndex:
        columns = tuple(map(model.column, fields))
        return SqlIndex(self.name(model.table, columns, "_uniq"), tuple(map(IndexPart, columns)), unique=True, constraint=True)

    def together(self, model: StateModel, fields: tuple[str, ...]) -> SqlIndex:
        columns = tuple(map(model.column, fields))
        return SqlIndex(self.name(model.table, columns, "_idx"), tuple(map(IndexPart, columns)))

    def created(self, model: StateModel) -> Iterator[CreateTable]:
        """The table of a model, and those of its relations of many to many."""
        own = [f for f in model.fields.values() if f.column]
        indexes = [i for f in own for i in self.indexes(model, f)]
        indexes += [self.unique(model, fields) for fields in sorted(model.unique)]
        indexes += [self.together(model, fields) for fields in sorted(model.together)]
        keys = [k for f in own if (k := self.foreign_key(model, f)) is not None]
        yield CreateTable(model.table, tuple(map(self.column, own)), tuple(indexes), tuple(keys))
        for field in model.fields.values():
            yield from self.linking(model, field)

    def linking(self, model: StateModel, field: StateField) -> Iterator[CreateTable]:
        """The table that stands between two models, where no model of its own does."""
        if not field.many or field.through is not None or field.target is None:
            return
        through = StateModel((model.label[0], f"{model.label[1]}_{field.name}"), self.between(model, field), stored=True)
        near, far = self.ends(model, field)
        sides = ((near, model.label), (far, field.target))
        through.fields["id"] = StateField("id", "id", primary=True, generated="identity")
        for name, target in sides:
            through.fields[name] = StateField(name, f"{name}_id", target=target, indexed=True)
        through.unique = {(near, far)}
        yield from self.created(through)

    @staticmethod
    def ends(model: StateModel, field: StateField) -> tuple[str, str]:
        """What the two relations of the table between are called."""
        near, far = model.label[1], field.target[1] if field.target is not None else ""
        return (f"from_{near}", f"to_{far}") if model.label == field.target else (near, far)


def _digest(length: int, *names: str) -> str:
    out = hashlib.md5(usedforsecurity=False)
    for name in names:
        out.update(name.encode())
    return out.hexdigest()[:length]
