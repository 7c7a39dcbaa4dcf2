"""Classes that are tables: their columns, their relations and the relations that point back."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import cast

import msgspec

from analyzers.facts.outline import Assign, Call, Class, Member, Name, Node, Text
from analyzers.knowledge import Library, Models, libraries, named
from analyzers.knowledge.derived import per_libraries
from analyzers.model.naming.code import Codebase
from analyzers.model.naming.definitions import ClassDefinition, External, statements
from analyzers.model.naming.literals import arguments, is_true, text_of
from analyzers.model.naming.looked import Importing
from analyzers.model.project import Column, Index, Relation
from analyzers.model.tables import typed
from analyzers.model.tables.applications import Applications
from analyzers.model.tables.fields import Declarations, Draft
from analyzers.model.tables.mappings import Mapped, Mappings
from analyzers.model.tables.relation_methods import RelationMethods
from analyzers.source import Place


class Model(msgspec.Struct, frozen=True, eq=False):
    """A class that is a table. `relations` and `columns` by the name the code uses, inherited ones included."""

    qualified: str
    name: str
    definition: ClassDefinition
    library: Library
    table: str
    place: Place | None  # where the project states it; nowhere for what a library brings
    abstract: bool
    managed: bool
    columns: dict[str, Column]
    relations: dict[str, Relation]
    indexes: tuple[Index, ...]
    keys: frozenset[str]  # attributes that are the primary key
    ordering: tuple[str, ...] = ()  # how rows are ordered that nothing else orders
    latest: tuple[str, ...] = ()  # what the last of them is the last by, where nothing else says so
    foreign: dict[str, str] = {}  # attribute of a column -> the table or the model's full name that it refers to
    mapped: Mapped | None = None  # what a file beside the code says of it


class ModelIndex(msgspec.Struct, frozen=True, eq=False):
    """All models of a revision."""

    by_name: Mapping[str, Model]
    by_class: Mapping[int, Model]
    by_table: Mapping[str, Model]
    user: str = ""  # the model that stands for the user
    labels: Mapping[str, str] = {}  # `app.model` in lower case -> qualified name, as a registry finds models
    users: tuple[str, ...] = ()  # the models that stand for the user of a request, by qualified name

    @classmethod
    def of(cls, found: Mapping[str, Model], user: str, labels: Mapping[str, str], users: tuple[str, ...]) -> ModelIndex:
        """The index of these models."""
        by_class = {id(model.definition): model for model in found.values()}
        by_table = {model.table: model for model in found.values() if not model.abstract}
        return cls(found, by_class, by_table, user, labels, users)


class _Builder:
    def __init__(self, code: Codebase) -> None:
        self.code = code
        self.found: dict[str, Model] = {}
        self.by_label: dict[tuple[str, str], ClassDefinition] = {}
        self.by_short: dict[str, list[ClassDefinition]] = defaultdict(list)
        self.user_model = ""
        words = [x.models for x in libraries() if x.models is not None]
        self.provided = {p.label: name for some in words for name, p in some.provided.items()}
        self.user_default = next((some.user_default for some in words if some.user_default), "")
        self.absent = _absent(code)
        self.user_names = frozenset(name for some in words for name in some.user_names)
        self.user_settings = frozenset(some.user_setting for some in words if some.user_setting)
        self.heirs: dict[int, list[Model]] = defaultdict(list)
        self.mappings = Mappings(code)
        self.picked: set[int] = set()
        self.applications = Applications(code)
        self.declarations = Declarations(code, self._target, self.mappings.of, self.applications.label)
        self.drafts: dict[str, typed.TypedDraft] = {}

    def build(self) -> ModelIndex:
        picked: list[tuple[ClassDefinition, Library]] = []
        for definition in self.code.classes():
            library = self._library_of(definition)
            if library is not None:
                picked.append((definition, library))
                self.picked.add(id(definition))
                self.by_label[self.declarations.application(definition, library), definition.name.lower()] = definition
                self.by_short[definition.name.lower()].append(definition)
        for definition, library in picked:
            self.found[definition.qualified] = self._model(definition, library)
        for library in {library.library: library for _, library in picked}.values():
            self._provide(library)
        for back in typed.direct(self.found, self.drafts):
            self._point_back(back.target, back.name, back.model, back.relation, many=back.many, how=(back.eager, back.fresh))
        self._invert()
        self._link_parents()
        labels = {f"{app}.{name}": d.qualified for (app, name), d in self.by_label.items()} | self.provided
        return ModelIndex.of(self.found, self._sender(), labels, tuple(sorted(self._users())))

    def _sender(self) -> str:
        """What `request.user` of Python is: what the settings say, the one class made for that, or the one of that name."""
        stated = self._user()
        if stated in self.found:
            return stated
        made = [name for name in self._users() if self.found[name].library.language == "python"]
        called = [m.qualified for m in self.found.values() if m.library.models and m.name in m.library.models.user_classes]
        return next((only[0] for only in (made, called) if len(only) == 1), "")

    def _users(self) -> Iterator[str]:
        for model in self.found.values():
            bases = model.library.models.user_bases if model.library.models is not None else ()
            if (
                bases
                and not model.abstract
                and any(named(model.library, e, bases) for e in self.code.externals(model.definition))
            ):
                yield model.qualified

    # -- which classes are tables --------------------------------------------------------------------------------------

    def _library_of(self, definition: ClassDefinition) -> Library | None:
        language = self.code.files[definition.path].language
        for library in libraries():
            models = library.models
            if models is None or library.language != language or library.library in self.absent:
                continue
            if models.style == "typed":
                if self._is_typed(definition, library, models):
                    return library
            elif models.style == "method":
                if definition.node.bases and any(named(library, e, models.bases) for e in self.code.externals(definition)):
                    return library
            elif models.style == "call":
                if not definition.node.bases:
                    continue
                externals = self.code.externals(definition)
                if any(named(library, e, models.bases) for e in externals):
                    return library
                stated = (
                    a.value for a in definition.attributes.values() if _last_name(a.value) in _last_names(library.library)
                )
                if any(self.declarations.relation_kind(definition.path, value, library) for value in stated):
                    return library
            elif any(self.declarations.mark(definition.path, d, library, models.marks) for d in definition.node.decorators):
                return library
        mapped = self.mappings.of(definition.qualified)
        return mapped.library if mapped is not None and mapped.library.language == language else None

    def _is_typed(self, definition: ClassDefinition, library: Library, models: Models) -> bool:
        """Whether a class inherits from a base of tables, or names its table although its base is not known."""
        marks = [k for base, k in models.marked_bases.items() if self.declarations.inherits(definition, library, base)]
        if marks:
            return any(k.name in marks and is_true(k.value) for k in definition.node.keywords)
        if any(named(library, e, models.bases) for e in self.code.externals(definition)):
            return True
        lineage = [c for c in self.code.lineage(definition) if isinstance(c, ClassDefinition)]
        if any(self.declarations.mark(c.path, d, library, models.marks) for c in lineage for d in c.node.decorators):
            return True
        return models.table_attribute in definition.attributes and any(
            self.declarations.kind(c.path, a.value, library, models.columns) for c in lineage for a in c.attributes.values()
        )

    # -- one model -----------------------------------------------------------------------------------------------------

    def _model(self, definition: ClassDefinition, library: Library) -> Model:
        if library.models is not None and library.models.style == "typed":
            draft: Draft = typed.Reader(self.declarations, library, definition, self._target).read()
            self.drafts[definition.qualified] = cast("typed.TypedDraft", draft)
        elif library.models is not None and library.models.style == "method":
            draft = RelationMethods(self.code, self._target, definition, library).read()
        else:
            draft = self.declarations.read(definition, library)
        return Model(
            definition.qualified,
            definition.name,
            definition,
            library,
            draft.table,
            self.code.place(definition.path, definition.node),
            draft.abstract,
            draft.managed,
            draft.columns,
            draft.relations,
            tuple(draft.indexes),
            frozenset(draft.keys),
            draft.ordering,
            draft.latest,
            draft.foreign,
            self.mappings.of(definition.qualified),
        )

    def _provide(self, library: Library) -> None:
        """The tables that the library itself brings."""
        for name, stated in library.models.provided.items() if library.models is not None else ():
            short = name.rpartition(".")[2]
            both = [(n, target, False) for n, target in stated.one.items()] + [(n, t, True) for n, t in stated.many.items()]
            relations = {n: Relation(name, n, target, many, None, f"{short}.{n}") for n, target, many in both}
            definition = ClassDefinition("", name, Class(0, 0, short), {}, {}, {})
            keys, indexes = frozenset({"id", "pk"}), (Index.of(("id",), unique=True, primary=True),)
            self.found[name] = Model(
                name, short, definition, library, stated.table, None, False, False, {}, relations, indexes, keys
            )

    # -- targets and inverses ------------------------------------------------------------------------------------------

    def _target(self, base: ClassDefinition, owner: ClassDefinition, node: Node | None) -> str:
        """The qualified name of the model a relation names, or empty; an interface means the model behind it."""
        name = self._target_name(base, owner, node)
        stated = self.mappings.targets.get(name.lower()) if name else None
        found = self.code.php_class(stated or name) if "\\" in name else None
        if found is None or id(found) in self.picked:
            return found.qualified if found is not None else name
        behind = self.code.wiring.implementation(found) if found.is_interface else None
        return behind.qualified if behind is not None else name

    def _target_name(self, base: ClassDefinition, owner: ClassDefinition, node: Node | None) -> str:
        match node:
            case Text(value=str() as text) if text == "self":
                return owner.qualified
            case Text(value=str() as text):
                stated = self.code.resolve(base.path, text) if text.isidentifier() else None
                return stated.qualified if isinstance(stated, ClassDefinition) else self._labelled(base, text)
            case Member(name="class", of=of):
                return self._resolved(base.path, of)
            case Member(name=name) | Call(callee=Name(id=name)) if name in self.user_names:
                return self._user()
            case Name() | Member():
                return self._resolved(base.path, node)
        return ""

    def _resolved(self, path: str, node: Node) -> str:
        found = self.code.resolve_node(path, node)
        if isinstance(found, External) and found.name in self.provided.values():
            return found.name
        return found.qualified if isinstance(found, ClassDefinition) else ""

    def _labelled(self, base: ClassDefinition, text: str) -> str:
        if "\\" in text:
            found = self.code.php_class(text)
            return found.qualified if found else ""
        app, _, name = text.rpartition(".")
        if self.code.files[base.path].language == "php":
            resolved = self.code.resolve(base.path, text)
            return resolved.qualified if isinstance(resolved, ClassDefinition) else ""
        definition = self.by_label.get((app or self.applications.label(base.path), name.lower()))
        if definition is None:
            short = self.by_short.get(name.lower(), [])
            definition = short[0] if len(short) == 1 else None
        return definition.qualified if definition else self.provided.get(text.lower(), "")

    def _user(self) -> str:
        """The model that the settings swap in for the user, where the repository says."""
        if not self.user_model:
            self.user_model = self.user_default or "-"
            for path, facts in self.code.files.items():
                if facts.language != "python" or "settings" not in path:
                    continue
                for node in statements(facts.outline):
                    if isinstance(node, Assign) and isinstance(node.target, Name) and node.target.id in self.user_settings:
                        app, _, name = text_of(node.value).rpartition(".")
                        definition = self.by_label.get((app, name.lower()))
                        self.user_model = definition.qualified if definition else "-"
                        if not definition and text_of(node.value).lower() in self.provided:
                            self.user_model = self.provided[text_of(node.value).lower()]
        return "" if self.user_model == "-" else self.user_model

    def _link_parents(self) -> None:
        """Adds to each class that is a table what joins it with the table of the class it inherits from, in both directions."""
        for model in list(self.found.values()):
            words = model.library.models
            if words is None or not words.parent_link or model.abstract:
                continue
            for base in self.code.bases(model.definition):
                parent = self.found.get(base.qualified) if isinstance(base, ClassDefinition) else None
                if parent is None or parent.abstract or parent.table == model.table:
                    continue
                name = words.parent_link.format(model=parent.name.lower())
                label = f"{model.name}.{name}"
                link = Relation(model.qualified, name, parent.qualified, False, model.place, label, f"{name}_id", eager=True)
                model.relations.setdefault(name, link)
                self._point_back(parent, model.name.lower(), model, link, many=False)

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
                kind = self.declarations.relation_kind(assign[0].path, assign[1].value, model.library)
                if kind is None or words.relations[kind].polymorphic or not words.relations[kind].points_back:
                    continue
                single = words.relations[kind].unique
                stated = text_of(given.get(words.arguments.inverse))
                if stated.endswith("+") or (words.arguments.inverse in given and not stated):
                    continue
                name = stated.replace("%(class)s", model.name.lower()).replace(
                    "%(app_label)s", self.declarations.application(model.definition, model.library)
                )
                name = name or (model.name.lower() if single else words.inverse_default.format(model=model.name.lower()))
                self._point_back(target, name, model, relation, many=not single)

    def _point_back(
        self,
        target: Model,
        name: str,
        model: Model,
        relation: Relation,
        *,
        many: bool,
        how: tuple[bool, bool] = (False, False),
    ) -> None:
        """Adds a relation to `target` and its heirs; `how` says whether it is eager, and whether it is fresh."""
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
                    eager=how[0],
                    fresh=how[1],
                ),
            )

    def _heirs(self) -> dict[int, list[Model]]:
        """Of each class, the models that are it or inherit from it."""
        if not self.heirs:
            for model in self.found.values():
                for base in self.code.lineage(model.definition):
                    self.heirs[id(base)].append(model)
        return self.heirs


def _absent(code: Codebase) -> frozenset[str]:
    """The libraries of Python that no file imports anything of: no class is a table of theirs."""
    files = [path for path, facts in code.files.items() if facts.language == "python"]
    stating = [x for x in libraries() if x.language == "python" and x.models is not None]
    asked = {x.library: Importing.of(_packages(x)) for x in stating}
    return frozenset(name for name, question in asked.items() if not any(code.imports(path, question) for path in files))


def _packages(library: Library) -> frozenset[str]:
    """The packages of Python in which a library's names are."""
    words = library.models
    names = (*library.namespaces, *words.bases, *words.marked_bases) if words is not None else library.namespaces
    return frozenset(name.partition(".")[0] for name in names)


def _last_name(value: Node | None) -> str:
    """`ForeignKey` of `models.ForeignKey(…)`."""
    match value:
        case Call(callee=Member(name=name) | Name(id=name)):
            return name
    return ""


@per_libraries(None)
def _last_names(library: str) -> frozenset[str]:
    """The last parts of the names of a library's relations."""
    found = (x.models.relations for x in libraries() if x.library == library and x.models is not None)
    return frozenset(name.rpartition(".")[2] for relations in found for name in relations)


def build_models(code: Codebase) -> ModelIndex:
    """All models of the revision."""
    return _Builder(code).build()
