"""How a class declares its columns, relations and indexes: by assigned calls, or by decorated properties."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

import msgspec

from analyzers.facts.outline import Assign, Call, Member, Name, Node, Other, Return, Text, walk
from analyzers.facts.sql import IndexPart
from analyzers.knowledge import Arguments, Library, Models, named
from analyzers.knowledge import Column as Column_
from analyzers.knowledge import Relation as Relation_
from analyzers.knowledge.naming import COLUMNS, TABLES
from analyzers.model.naming.code import Codebase
from analyzers.model.naming.definitions import ClassDefinition, External, FunctionDefinition, ValueDefinition, statements
from analyzers.model.naming.literals import arguments, is_false, is_true, last_name, text_of
from analyzers.model.project import Column, Index, Relation
from analyzers.model.tables import table_marks
from analyzers.model.tables.columns import named_role
from analyzers.model.tables.constraints import index_of
from analyzers.model.tables.mappings import Mapped
from analyzers.source import Place

Target = Callable[[ClassDefinition, ClassDefinition, Node | None], str]


class Draft:
    """What a model's declarations have said so far, by the name the code uses."""

    def __init__(self) -> None:
        self.columns: dict[str, Column] = {}
        self.relations: dict[str, Relation] = {}
        self.indexes: list[Index] = []
        self.keys: set[str] = set()
        self.ordering: tuple[str, ...] = ()
        self.latest: tuple[str, ...] = ()
        self.foreign: dict[str, str] = {}  # attribute of a column -> what it refers to: a table, or a class by its full name
        self.types: set[str] = set()  # attributes that say which table a key beside them is of
        self.table = ""
        self.abstract = False
        self.managed = True


class Declarations:
    """Reads the declarations of classes. `target` says which model a relation names."""

    def __init__(
        self, code: Codebase, target: Target, mapped: Callable[[str], Mapped | None], label: Callable[[str], str]
    ) -> None:
        self.code = code
        self._target, self.mapped, self._label = target, mapped, label
        self.table_marks: dict[str, table_marks.TableMarks] = {}

    def application(self, definition: ClassDefinition, library: Library) -> str:
        """The label of the application that a class belongs to: what it says, or where it stands."""
        models = library.models
        meta = definition.classes.get(models.options) if models is not None and models.option_application else None
        for node in statements(meta.body) if meta is not None else ():
            if isinstance(node, Assign) and isinstance(node.target, Name) and node.target.id == models.option_application:  # type: ignore[union-attr]
                return text_of(node.value)
        return self._label(definition.path)

    def read(self, definition: ClassDefinition, library: Library) -> Draft:
        """All that the class states and inherits."""
        models = library.models
        assert models is not None
        draft = Draft()
        self._bring(definition, library, draft)
        lineage = [c for c in self.code.lineage(definition) if isinstance(c, ClassDefinition)]
        for base in reversed(lineage):
            for name, assign in base.attributes.items():
                if models.style == "call":
                    self._call_field(definition, base, name, assign, library, draft)
                else:
                    self._decorated_field(definition, base, base.path, name, assign, library, draft)
            mapped = self.mapped(base.qualified)
            for name, assign in mapped.fields.items() if mapped is not None else ():
                own = base.attributes.get(name)
                typed = msgspec.structs.replace(assign, annotation=own.annotation if own is not None else None)
                self._decorated_field(definition, base, mapped.path, name, typed, library, draft)  # type: ignore[union-attr]
            if base is not definition and self._has_table(definition, base, models, library):
                draft.columns = {n: msgspec.structs.replace(c, foreign=True) for n, c in draft.columns.items()}
        for name in draft.types & draft.columns.keys():
            draft.columns[name] = msgspec.structs.replace(draft.columns[name], role="type")
        if models.style == "call":
            draft.keys.update((models.primary_key, "pk") if not draft.keys else ("pk",))
        if models.style == "decorator":
            draft.table, draft.abstract, stated = table_marks.table_of(self, definition, library)
            draft.indexes.extend(table_marks.by_columns(stated, draft.columns))
        else:
            draft.table = TABLES[models.table](self.application(definition, library), definition.name)
            self._options(definition, models, draft)
        named_key = next((k for k in sorted(draft.keys) if k in draft.columns), "")
        key = draft.columns[named_key].name if named_key else models.primary_key
        draft.indexes.append(Index.of((key,), unique=True, primary=True))
        return draft

    def _bring(self, definition: ClassDefinition, library: Library, draft: Draft) -> None:
        """The columns that base classes of packages bring, which the project's own come after."""
        brought = library.models.brought if library.models is not None else {}
        for external in sorted(self.code.externals(definition)) if brought else ():
            for name, kind in brought.get(external, {}).items():
                draft.columns[name] = Column(name, named_role(name, kind.role), type=kind.type)
                if kind.unique:
                    draft.indexes.append(Index.of((name,), unique=True))

    def mark(self, path: str, node: Node, library: Library, marks: tuple[str, ...]) -> str | None:
        """Which of the library's decorators this is; mapping files use their names as they are."""
        callee = node.callee if isinstance(node, Call) else node
        if self.code.files[path].language != library.language:
            return callee.id if isinstance(callee, Name) and callee.id in marks else None
        resolved = self.code.resolve_node(path, callee)
        return named(library, resolved.name, marks) if isinstance(resolved, External) else None

    def kind(self, path: str, node: Node | None, library: Library, table: Mapping[str, object]) -> str | None:
        """The entry of `table` that a constructor call stands for, through the project's own subclasses of it."""
        return kind_of(self.code, path, node, library, table)

    def inherits(self, definition: ClassDefinition, library: Library, name: str) -> bool:
        """Whether the class inherits from the library's class `name`."""
        return any(named(library, e, (name,)) for e in self.code.externals(definition))

    def relation_kind(self, path: str, node: Node | None, library: Library) -> str | None:
        return self.kind(path, node, library, library.models.relations) if library.models else None

    def _call_field(
        self, owner: ClassDefinition, base: ClassDefinition, name: str, assign: Assign, library: Library, draft: Draft
    ) -> None:
        models, call = library.models, assign.value
        assert models is not None
        if not isinstance(call, Call):
            return
        given, words = arguments(call), models.arguments
        place = self.code.place(base.path, assign)
        kind = self.kind(base.path, call, library, models.relations)
        if kind is not None:
            spec = models.relations[kind]
            target = given.get(words.target) or given.get("0")
            column = (text_of(given.get(words.column)) or f"{name}{models.column_suffix}") if spec.owning else ""
            draft.relations[name] = Relation(
                model=owner.qualified,
                name=name,
                target=self._target(base, owner, target),
                many=spec.many,
                place=place,
                label=f"{owner.name}.{name}",
                column=column,
                optional=is_true(given.get(words.optional)),
                polymorphic=spec.polymorphic,
            )
            if spec.type_argument:
                draft.types.add(text_of(given.get(spec.type_argument) or given.get("0")) or spec.type_default)
            if column:
                draft.columns[name] = Column(column, "foreign key", place, name)
                draft.indexes.extend(self._own_index(column, given, words, spec, place))
                if is_true(given.get(words.primary)):
                    draft.keys.add(name)
            return
        kind = self.kind(base.path, call, library, models.columns)
        if kind is not None:
            field = models.columns[kind]
            column = text_of(given.get(words.column)) or name
            draft.columns[name] = Column(column, named_role(name, field.role, chosen=words.choices in given), place, name)
            own = tuple(self._own_index(column, given, words, field, place))
            if not own and self._indexed_by_class(base.path, call, words):
                own = (Index.of((column,), unique=True, place=place),)
            draft.indexes.extend(own)
            if own and field.role in models.beginnings:
                part = IndexPart(column, opclass="varchar_pattern_ops")
                draft.indexes.append(Index((part,), place=place))
            if is_true(given.get(words.primary)) or field.role == "key":
                draft.keys.add(name)

    def _indexed_by_class(self, path: str, call: Call, words: Arguments) -> bool:
        """Whether the constructor of the project's own kind of column says something of an index, or of uniqueness."""
        found = self.code.resolve_node(path, call.callee)
        said = {words.indexed, words.unique, words.primary}
        for kind in self.code.lineage(found) if isinstance(found, ClassDefinition) else ():
            method = kind.methods.get("__init__") if isinstance(kind, ClassDefinition) else None
            if method is not None:
                self.code.look_into(method.path, method.node)
            for node in walk(method.node) if method is not None else ():
                if (isinstance(node, Call) and any(k.name in said for k in node.keywords)) or (text_of(node) in said - {""}):
                    return True
        return False

    @staticmethod
    def _own_index(
        column: str, given: dict[str, Node], words: Arguments, kind: Relation_ | Column_, place: Place
    ) -> Iterator[Index]:
        """The index that the declaration of one column asks for, or that its kind has by itself."""
        asked = given.get(words.indexed)
        unique = kind.unique or is_true(given.get(words.unique)) or is_true(given.get(words.primary))
        if unique or (kind.indexed and not is_false(asked)) or (asked is not None and not is_false(asked)):
            yield Index.of((column,), unique=unique, place=place)

    def _decorated_field(
        self,
        owner: ClassDefinition,
        base: ClassDefinition,
        path: str,
        name: str,
        assign: Assign,
        library: Library,
        draft: Draft,
    ) -> None:
        """A property of `base` with decorators, as the file at `path` states them."""
        models = library.models
        assert models is not None
        words, place = models.arguments, self.code.place(path, assign)
        column_name = COLUMNS[models.table](name)
        marks = [(d, self.mark(path, d, library, _marks(models))) for d in assign.decorators]
        for node, mark in marks:
            given = arguments(node) if isinstance(node, Call) else {}
            if mark in models.relations:
                spec = models.relations[mark]
                owning = spec.owning and words.mapped_by not in given
                joined = [arguments(d) for d, m in marks if m in models.join_column_marks and isinstance(d, Call)]
                holds = owning and not spec.many
                said = table_marks.unquoted(text_of(joined[0].get(words.column))) if joined else ""
                column = said or f"{column_name}{models.column_suffix}"
                draft.relations[name] = Relation(
                    model=owner.qualified,
                    name=name,
                    target=self._target(
                        base, owner, given.get(words.target) or given.get("0") or _annotated(assign.annotation)
                    ),
                    many=spec.many,
                    place=place,
                    label=f"{owner.name}.{name}",
                    column=column if holds else "",
                    # The inverse side of a one-to-one cannot be a reference: it is always fetched when its row is.
                    eager=text_of(given.get(words.fetch)) == words.eager_value or (not spec.many and words.mapped_by in given),
                    lazy=text_of(given.get(words.fetch)) in words.lazy_values,
                    back=text_of(given.get(words.mapped_by)) if not spec.many or spec.exclusive else "",
                )
                if holds:
                    draft.columns[name] = Column(column, "foreign key", place, name)
                    draft.indexes.append(Index.of((column,), unique=spec.unique, place=place))
            elif mark in models.columns:
                text = given.get(words.type) or given.get("1" if models.style == "call" else words.type)
                kind = models.column_types.get(text_of(text) or _constant(text))
                role = kind.role if kind else _role_of_type(models, text, _type_name(assign.annotation))
                column = table_marks.unquoted(text_of(given.get(words.column))) or column_name
                draft.columns[name] = Column(column, named_role(name, role), place, name)
                if is_true(given.get(words.unique)):
                    draft.indexes.append(Index.of((column,), unique=True, place=place, stated=True))
            elif mark in models.id_marks:
                draft.keys.add(name)

    def _has_table(self, definition: ClassDefinition, base: ClassDefinition, models: Models, library: Library) -> bool:
        """Whether a base class is a table of its own, whose columns its heirs do not hold themselves."""
        if models.style == "decorator":
            return table_marks.has_rows_of(self, definition, base, library)
        if models.style != "call" or not any(named(library, e, models.bases) for e in self.code.externals(base)):
            return False
        meta = base.classes.get(models.options)
        stated = statements(meta.body) if meta is not None else ()
        return not any(
            isinstance(n, Assign) and isinstance(n.target, Name) and n.target.id == models.option_abstract and is_true(n.value)
            for n in stated
        )

    # -- options of the class ------------------------------------------------------------------------------------------

    def _options(self, definition: ClassDefinition, models: Models, draft: Draft) -> None:
        """The nested class of options; the nearest one of the lineage replaces those above it."""
        for base in self.code.lineage(definition):
            meta = base.classes.get(models.options) if isinstance(base, ClassDefinition) else None
            if meta is None or not isinstance(base, ClassDefinition):
                continue
            for node in statements(meta.body):
                if isinstance(node, Assign) and isinstance(node.target, Name):
                    self._option(node.target.id, node.value, base, models, draft, own=base is definition)
            return

    def _option(self, word: str, value: Node | None, base: ClassDefinition, models: Models, draft: Draft, *, own: bool) -> None:
        if word == models.option_table and own:
            draft.table = text_of(value) or draft.table
        elif word == models.option_abstract and own:
            draft.abstract = is_true(value)
        elif word == models.option_unmanaged and own:
            draft.managed = not is_false(value)
        elif word == models.option_ordering and word and isinstance(value, Other):
            draft.ordering = tuple(map(text_of, value.children))
        elif word == models.option_latest and word:
            draft.latest = tuple(map(text_of, value.children if isinstance(value, Other) else (value,)))
        elif word in models.option_indexes or word == models.option_constraints:
            constraints = word == models.option_constraints
            draft.indexes.extend(self._stated_indexes(base.path, value, models, draft.columns, constraints))
        elif word in models.option_unique:
            draft.indexes.extend(_together(value, draft.columns))

    def _stated_indexes(
        self, path: str, value: Node | None, models: Models, columns: dict[str, Column], constraints: bool
    ) -> Iterator[Index]:
        """`[models.Index(fields=["a", "-b"], condition=…)]`; anything else there counts as covering."""
        if not isinstance(value, Other) or value.word not in ("list", "tuple"):
            if value is not None:
                yield Index((), readable=False)
            return
        for node in value.children:
            if not isinstance(node, Call):
                yield Index((), readable=False)
                continue
            method = models.index_methods.get(last_name(node), "")
            index = index_of(node, lambda name: _column(name, columns), method=method, unique=constraints)
            if index is not None:
                yield Index.made(index, index.name, self.code.place(path, node))
            elif not constraints or "fields" in arguments(node):
                yield Index((), readable=False, place=self.code.place(path, node))


def kind_of(code: Codebase, path: str, node: Node | None, library: Library, table: Mapping[str, object]) -> str | None:
    """The entry of `table` that a constructor call stands for, through the project's own subclasses of it."""
    if not isinstance(node, Call):
        return None
    match code.resolve_node(path, node.callee):
        case External(name=name):
            return named(library, name, table)
        case ClassDefinition() as own:
            for external in sorted(code.externals(own)):
                found = named(library, external, table)
                if found:
                    return found
        case FunctionDefinition(path=path, node=function):
            code.look_into(path, function)
            match function.body:
                case (*_, Return(value=Call() as made)) if made is not node:
                    return kind_of(code, path, made, library, table)
        case ValueDefinition(path=path, node=Assign(value=Call(args=(of, *_), callee=maker))):
            if code.resolve_node(path, maker) == External("functools.partial"):
                return kind_of(code, path, Call(of.start, of.end, of), library, table)
    return None


def _marks(models: Models) -> tuple[str, ...]:
    return (*models.relations, *models.columns, *models.join_column_marks, *models.id_marks)


def _role_of_type(models: Models, stated: Node | None, typed: str) -> str:
    """The role of a column by the type of its property, or by what a column is of which nothing says its type."""
    untyped = models.untyped if stated is None and not typed else ""
    return models.annotation_types.get(typed) or untyped or "other"


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
            yield Index.of((_column(text_of(c), columns) for c in group.children), unique=True)


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
