"""Classes that are tables: their columns, their relations and the relations that point back."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping

import msgspec

from analyzers.facts.outline import Assign, Call, Member, Name, Node, Other, Text, walk
from analyzers.knowledge import Library, Models, libraries, named
from analyzers.knowledge.naming import COLUMNS, TABLES, app_label
from analyzers.model.code import ClassDefinition, Codebase, External, statements
from analyzers.model.project import Column, Index, Relation
from analyzers.source import Place


class Model(msgspec.Struct, frozen=True, eq=False):
    """A class that is a table. `relations` and `columns` by the name the code uses, inherited ones included."""

    qualified: str
    name: str
    definition: ClassDefinition
    library: Library
    table: str
    place: Place
    abstract: bool
    managed: bool
    columns: dict[str, Column]
    relations: dict[str, Relation]
    indexes: tuple[Index, ...]
    keys: frozenset[str]  # attributes that are the primary key
    readable: bool = True


class ModelIndex(msgspec.Struct, frozen=True, eq=False):
    """All models of a revision."""

    by_name: Mapping[str, Model]
    by_class: Mapping[int, Model]
    by_table: Mapping[str, Model]


def arguments(call: Call) -> dict[str, Node]:
    """Keyword arguments by name, positional ones by their number as text."""
    out = {str(i): node for i, node in enumerate(call.args)}
    out.update((k.name, k.value) for k in call.keywords)
    return out


def text_of(node: Node | None) -> str:
    """The value of a literal string, else empty."""
    return node.value if isinstance(node, Text) and isinstance(node.value, str) else ""


def is_true(node: Node | None) -> bool:
    return isinstance(node, Text) and node.value is True


def is_false(node: Node | None) -> bool:
    return isinstance(node, Text) and node.value is False


class _Builder:
    def __init__(self, code: Codebase) -> None:
        self.code = code
        self.found: dict[str, Model] = {}
        self.by_label: dict[tuple[str, str], ClassDefinition] = {}
        self.by_short: dict[str, list[ClassDefinition]] = defaultdict(list)
        self.user_model = ""
        self.heirs: dict[int, list[Model]] = defaultdict(list)

    def build(self) -> ModelIndex:
        picked: list[tuple[ClassDefinition, Library]] = []
        for definition in self.code.classes():
            library = self._library_of(definition)
            if library is not None:
                picked.append((definition, library))
                self.by_label[app_label(definition.path), definition.name.lower()] = definition
                self.by_short[definition.name.lower()].append(definition)
        for definition, library in picked:
            self.found[definition.qualified] = self._model(definition, library)
        self._invert()
        by_class = {id(m.definition): m for m in self.found.values()}
        by_table = {m.table: m for m in self.found.values() if not m.abstract}
        return ModelIndex(self.found, by_class, by_table)

    # -- which classes are tables --------------------------------------------------------------------------------------

    def _library_of(self, definition: ClassDefinition) -> Library | None:
        language = self.code.files[definition.path].language
        for library in libraries():
            models = library.models
            if models is None or library.language != language:
                continue
            if models.style == "call":
                if not definition.node.bases:
                    continue
                externals = self.code.externals(definition)
                if any(named(library, e, models.bases) for e in externals):
                    return library
                if any(self._relation_name(definition.path, a.value, library) for a in definition.attributes.values()):
                    return library
            elif any(self._mark(definition.path, d, library, models.marks) for d in definition.node.decorators):
                return library
        return None

    def _mark(self, path: str, node: Node, library: Library, marks: tuple[str, ...]) -> str | None:
        resolved = self.code.resolve_node(path, node.callee if isinstance(node, Call) else node)
        return named(library, resolved.name, marks) if isinstance(resolved, External) else None

    def _field(self, path: str, node: Node | None, library: Library, table: Mapping[str, object]) -> str | None:
        """The entry of `table` that a constructor call stands for, through the project's own subclasses of it."""
        if not isinstance(node, Call):
            return None
        match self.code.resolve_node(path, node.callee):
            case External(name=name):
                return named(library, name, table)
            case ClassDefinition() as own:
                for external in sorted(self.code.externals(own)):
                    found = named(library, external, table)
                    if found:
                        return found
        return None

    def _relation_name(self, path: str, node: Node | None, library: Library) -> str | None:
        return self._field(path, node, library, library.models.relations) if library.models else None

    # -- one model -----------------------------------------------------------------------------------------------------

    def _model(self, definition: ClassDefinition, library: Library) -> Model:
        models = library.models
        assert models is not None
        columns: dict[str, Column] = {}
        relations: dict[str, Relation] = {}
        indexes: list[Index] = []
        keys: set[str] = set()
        lineage = [c for c in self.code.lineage(definition) if isinstance(c, ClassDefinition)]
        for base in reversed(lineage):
            for name, assign in base.attributes.items():
                read = self._call_field if models.style == "call" else self._decorated_field
                read(definition, base, name, assign, library, columns, relations, indexes, keys)
        if models.style == "call" and not keys:
            keys.add(models.primary_key)
        keys.add("pk") if models.style == "call" else None
        own, table, abstract, managed, readable = self._options(definition, library, columns)
        indexes.extend(own)
        indexes.append(
            Index((columns[next(iter(keys))].name if next(iter(keys), "") in columns else models.primary_key,), unique=True)
        )
        return Model(
            definition.qualified,
            definition.name,
            definition,
            library,
            table,
            self._name_place(definition),
            abstract,
            managed,
            columns,
            relations,
            tuple(indexes),
            frozenset(keys),
            readable,
        )

    def _name_place(self, definition: ClassDefinition) -> Place:
        return self.code.place(definition.path, definition.node)

    def _call_field(
        self,
        owner: ClassDefinition,
        base: ClassDefinition,
        name: str,
        assign: Assign,
        library: Library,
        columns: dict[str, Column],
        relations: dict[str, Relation],
        indexes: list[Index],
        keys: set[str],
    ) -> None:
        models, call = library.models, assign.value
        assert models is not None
        if not isinstance(call, Call):
            return
        given, words = arguments(call), models.arguments
        place = self.code.place(base.path, assign)
        kind = self._field(base.path, call, library, models.relations)
        if kind is not None:
            spec = models.relations[kind]
            target = given.get(words.target) or given.get("0")
            column = (text_of(given.get(words.column)) or f"{name}{models.column_suffix}") if spec.owning else ""
            relations[name] = Relation(
                model=owner.qualified,
                name=name,
                target=self._target(base, owner, target),
                many=spec.many,
                place=place,
                label=f"{owner.name}.{name}",
                column=column,
                polymorphic=spec.polymorphic,
            )
            if column:
                columns[name] = Column(column, "foreign key", place)
                self._own_index(
                    column, given, words.unique, words.primary, words.indexed, spec.unique, spec.indexed, place, indexes
                )
                if is_true(given.get(words.primary)):
                    keys.add(name)
            return
        kind = self._field(base.path, call, library, models.columns)
        if kind is not None:
            field = models.columns[kind]
            column = text_of(given.get(words.column)) or name
            columns[name] = Column(column, _role(name, field.role, words.choices in given), place)
            self._own_index(
                column, given, words.unique, words.primary, words.indexed, field.unique, field.indexed, place, indexes
            )
            if is_true(given.get(words.primary)) or field.role == "key":
                keys.add(name)

    @staticmethod
    def _own_index(
        column: str,
        given: dict[str, Node],
        unique_word: str,
        primary_word: str,
        indexed_word: str,
        unique: bool,
        indexed: bool,
        place: Place,
        indexes: list[Index],
    ) -> None:
        asked = given.get(indexed_word)
        is_unique = unique or is_true(given.get(unique_word)) or is_true(given.get(primary_word))
        if is_unique or (indexed and not is_false(asked)) or (asked is not None and not is_false(asked)):
            indexes.append(Index((column,), unique=is_unique, place=place))

    def _decorated_field(
        self,
        owner: ClassDefinition,
        base: ClassDefinition,
        name: str,
        assign: Assign,
        library: Library,
        columns: dict[str, Column],
        relations: dict[str, Relation],
        indexes: list[Index],
        keys: set[str],
    ) -> None:
        models = library.models
        assert models is not None
        words, place = models.arguments, self.code.place(base.path, assign)
        column_name = COLUMNS[models.table](name)
        marks = [(d, self._mark(base.path, d, library, _marks(models))) for d in assign.decorators]
        for node, mark in marks:
            given = arguments(node) if isinstance(node, Call) else {}
            if mark in models.relations:
                spec = models.relations[mark]
                owning = (spec.owning or mark == "ManyToMany") and words.mapped_by not in given
                joined = [arguments(d) for d, m in marks if m in models.join_column_marks and isinstance(d, Call)]
                holds = owning and not spec.many
                column = (text_of(joined[0].get(words.column)) if joined else "") or f"{column_name}{models.column_suffix}"
                relations[name] = Relation(
                    model=owner.qualified,
                    name=name,
                    target=self._target(
                        base, owner, given.get(words.target) or given.get("0") or _annotated(assign.annotation)
                    ),
                    many=spec.many,
                    place=place,
                    label=f"{owner.name}.{name}",
                    column=column if holds else "",
                    eager=text_of(given.get(words.fetch)) == words.eager_value,
                    back=text_of(given.get(words.mapped_by)) if not spec.many or mark == "OneToMany" else "",
                )
                if holds:
                    columns[name] = Column(column, "foreign key", place)
                    indexes.append(Index((column,), unique=spec.unique, place=place))
            elif mark in models.columns:
                text = given.get(words.type) or given.get("1" if models.style == "call" else words.type)
                kind = models.column_types.get(text_of(text) or _constant(text))
                role = kind.role if kind else models.annotation_types.get(_type_name(assign.annotation), "other")
                column = text_of(given.get(words.column)) or column_name
                columns[name] = Column(column, _role(name, role, chosen=False), place)
                if is_true(given.get(words.unique)):
                    indexes.append(Index((column,), unique=True, place=place))
            elif mark in models.id_marks:
                keys.add(name)

    # -- options of the class ------------------------------------------------------------------------------------------

    def _options(
        self, definition: ClassDefinition, library: Library, columns: dict[str, Column]
    ) -> tuple[list[Index], str, bool, bool, bool]:
        models = library.models
        assert models is not None
        default = TABLES[models.table](definition.path, definition.name)
        if models.style == "decorator":
            return self._table_mark(definition, library, columns, default)
        found: list[Index] = []
        table, abstract, managed, readable = default, False, True, True
        for base in self.code.lineage(definition):
            if not isinstance(base, ClassDefinition):
                continue
            meta = base.classes.get(models.options)
            if meta is None:
                continue
            for node in statements(meta.body):
                if not (isinstance(node, Assign) and isinstance(node.target, Name)):
                    continue
                word = node.target.id
                if word == models.option_table and base is definition:
                    table = text_of(node.value) or table
                elif word == models.option_abstract and base is definition:
                    abstract = is_true(node.value)
                elif word == models.option_unmanaged and base is definition:
                    managed = not is_false(node.value)
                elif word in models.option_indexes or word == models.option_constraints:
                    found.extend(self._stated_indexes(base.path, node.value, columns, word == models.option_constraints))
                elif word in models.option_unique:
                    found.extend(_together(node.value, columns))
            break  # the nearest Meta replaces those of the bases, unless it inherits from one; then both are read
        return found, table, abstract, managed, readable

    def _stated_indexes(self, path: str, value: Node | None, columns: dict[str, Column], constraints: bool) -> Iterator[Index]:
        """`[models.Index(fields=["a", "-b"], condition=…)]`; anything else there counts as covering."""
        if not isinstance(value, Other) or value.word not in ("list", "tuple"):
            if value is not None:
                yield Index((), readable=False)
            return
        for node in value.children:
            if not isinstance(node, Call):
                yield Index((), readable=False)
                continue
            given = arguments(node)
            fields = given.get("fields")
            place = self.code.place(path, node)
            kind = (
                node.callee.name if isinstance(node.callee, Member) else node.callee.id if isinstance(node.callee, Name) else ""
            )
            if isinstance(fields, Other):
                names = [text_of(f) for f in fields.children]
                parts = tuple(_column(n.lstrip("-"), columns) for n in names)
                where = "condition" if "condition" in given else ""
                method = {
                    "GinIndex": "gin",
                    "GistIndex": "gist",
                    "BrinIndex": "brin",
                    "HashIndex": "hash",
                    "BloomIndex": "bloom",
                }.get(kind, "")
                yield Index(parts, unique=constraints, where=where, method=method, name=text_of(given.get("name")), place=place)
            elif not constraints:
                yield Index(("",), place=place)

    def _table_mark(
        self, definition: ClassDefinition, library: Library, columns: dict[str, Column], table: str
    ) -> tuple[list[Index], str, bool, bool, bool]:
        models = library.models
        assert models is not None
        found: list[Index] = []
        abstract = False
        for decorator in definition.node.decorators:
            for node in walk(decorator):
                if not isinstance(node, Call | Name | Member):
                    continue
                mark = self._mark(definition.path, node, library, _class_marks(models))
                given = arguments(node) if isinstance(node, Call) else {}
                if mark == models.table_mark:
                    table = text_of(given.get("name")) or table
                elif mark == "MappedSuperclass":
                    abstract = True
                elif mark in models.index_marks or mark in models.unique_marks:
                    named_columns = given.get("columns") or given.get("fields")
                    if isinstance(named_columns, Other):
                        names = tuple(_column(text_of(c), columns) for c in named_columns.children)
                        found.append(
                            Index(names, unique=mark in models.unique_marks, place=self.code.place(definition.path, node))
                        )
        return found, table, abstract, True, True

    # -- targets and inverses ------------------------------------------------------------------------------------------

    def _target(self, base: ClassDefinition, owner: ClassDefinition, node: Node | None) -> str:
        """The qualified name of the model a relation names, or empty."""
        match node:
            case Text(value=str() as text) if text == "self":
                return owner.qualified
            case Text(value=str() as text):
                return self._labelled(base, text)
            case Member(name="class", of=of):
                return self._resolved(base.path, of)
            case Member(name="AUTH_USER_MODEL"):
                return self._user()
            case Call(callee=Name(id="get_user_model")):
                return self._user()
            case Name() | Member():
                return self._resolved(base.path, node)
        return ""

    def _resolved(self, path: str, node: Node) -> str:
        found = self.code.resolve_node(path, node)
        return found.qualified if isinstance(found, ClassDefinition) else ""

    def _labelled(self, base: ClassDefinition, text: str) -> str:
        if "\\" in text:
            found = self.code.php_class(text)
            return found.qualified if found else ""
        app, _, name = text.rpartition(".")
        if self.code.files[base.path].language == "php":
            resolved = self.code.resolve(base.path, text)
            return resolved.qualified if isinstance(resolved, ClassDefinition) else ""
        definition = self.by_label.get((app or app_label(base.path), name.lower()))
        if definition is None:
            short = self.by_short.get(name.lower(), [])
            definition = short[0] if len(short) == 1 else None
        return definition.qualified if definition else ""

    def _user(self) -> str:
        """The model that the settings swap in for the user, where the repository says."""
        if not self.user_model:
            self.user_model = "-"
            for path, facts in self.code.files.items():
                if facts.language != "python" or "settings" not in path:
                    continue
                for node in statements(facts.outline):
                    if isinstance(node, Assign) and isinstance(node.target, Name) and node.target.id == "AUTH_USER_MODEL":
                        app, _, name = text_of(node.value).rpartition(".")
                        definition = self.by_label.get((app, name.lower()))
                        self.user_model = definition.qualified if definition else "-"
        return "" if self.user_model == "-" else self.user_model

    def _invert(self) -> None:
        """Adds to each target the relation that points back, for libraries that make one by themselves."""
        for model in list(self.found.values()):
            words = model.library.models
            if words is None or not words.inverse_default or model.abstract:
                continue
            for relation in list(model.relations.values()):
                target = self.found.get(relation.target)
                if target is None or relation.inverse:
                    continue
                assign = self.code.attribute(model.definition, relation.name)
                if assign is None or not isinstance(assign[1].value, Call):
                    continue
                given = arguments(assign[1].value)
                kind = self._relation_name(assign[0].path, assign[1].value, model.library)
                if kind is None or words.relations[kind].polymorphic or kind == "GenericRelation":
                    continue
                single = words.relations[kind].unique
                stated = text_of(given.get(words.arguments.inverse))
                if stated.endswith("+") or (words.arguments.inverse in given and not stated):
                    continue
                name = stated.replace("%(class)s", model.name.lower()).replace(
                    "%(app_label)s", app_label(model.definition.path)
                )
                name = name or (model.name.lower() if single else words.inverse_default.format(model=model.name.lower()))
                self._point_back(target, name, model, relation, many=not single)

    def _point_back(self, target: Model, name: str, model: Model, relation: Relation, *, many: bool) -> None:
        for heir in self._heirs()[id(target.definition)]:
            heir.relations.setdefault(
                name,
                Relation(
                    model=heir.qualified,
                    name=name,
                    target=model.qualified,
                    many=many,
                    place=relation.place,
                    label=f"{heir.name}.{name}",
                    inverse=True,
                    back="" if relation.many else relation.name,
                ),
            )

    def _heirs(self) -> dict[int, list[Model]]:
        """Of each class, the models that are it or inherit from it."""
        if not self.heirs:
            for model in self.found.values():
                for base in self.code.lineage(model.definition):
                    self.heirs[id(base)].append(model)
        return self.heirs


def _marks(models: Models) -> tuple[str, ...]:
    return (*models.relations, *models.columns, *models.join_column_marks, *models.id_marks)


def _class_marks(models: Models) -> tuple[str, ...]:
    return (*models.marks, models.table_mark, *models.index_marks, *models.unique_marks)


def _column(name: str, columns: Mapping[str, Column]) -> str:
    """An index names a field or a column; both mean the column."""
    return columns[name].name if name in columns else name


def _together(value: Node | None, columns: Mapping[str, Column]) -> Iterator[Index]:
    """`("a", "b")` or `[("a", "b"), …]`."""
    if not isinstance(value, Other):
        return
    groups = value.children if value.children and isinstance(value.children[0], Other) else (value,)
    for group in groups:
        if isinstance(group, Other):
            yield Index(tuple(_column(text_of(c), columns) for c in group.children), unique=True)


def _annotated(annotation: Node | None) -> Node | None:
    """`?Order` names `Order`; `Collection<int, Order>` names `Order`."""
    match annotation:
        case Other(word="|", children=parts):
            real = [p for p in parts if not isinstance(p, Text) and not (isinstance(p, Name) and p.id.lower() == "null")]
            items = [p for p in real if isinstance(p, Other)]
            return _annotated((items or real)[0]) if real else None
        case Other(word="item", children=(_, Other(word="tuple", children=parts))) if parts:
            return _annotated(parts[-1])
        case Other(word="item", children=(_, inner)):
            return _annotated(inner)
    return annotation


def _type_name(annotation: Node | None) -> str:
    inner = _annotated(annotation)
    return inner.id.rpartition("\\")[2] if isinstance(inner, Name) else ""


def _constant(node: Node | None) -> str:
    """`Types::DATETIME_IMMUTABLE` is `datetime_immutable`."""
    return node.name.lower() if isinstance(node, Member) else ""


def _role(name: str, role: str, chosen: bool) -> str:
    """What a column is for, from its type and its name."""
    if role in ("lookup", "number") and (chosen or name in ("status", "state", "stage", "phase")):
        return "status"
    return role


def build_models(code: Codebase) -> ModelIndex:
    """All models of the revision."""
    return _Builder(code).build()
