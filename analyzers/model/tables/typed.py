"""Tables declared by typed attributes, whose foreign keys say which side of a relation is many.

A relation of this style states its target, and often no more: whether it is a collection follows from its type, from its
options, or from which of the two tables holds a foreign key to the other. So classes are read first, one by one, and directed
when all are known. A relation that nothing directs is left out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING

import msgspec

from analyzers.facts.outline import Call, Function, Member, Name, Node, Other, Return, Text, walk
from analyzers.knowledge import Arguments, Library, Models
from analyzers.knowledge.naming import TABLES
from analyzers.model.naming.definitions import ClassDefinition, FunctionDefinition
from analyzers.model.naming.literals import arguments, is_false, is_true, text_of
from analyzers.model.project import Column, Relation
from analyzers.model.tables import table_items
from analyzers.model.tables.columns import named_role
from analyzers.model.tables.fields import Declarations, Draft

if TYPE_CHECKING:
    from analyzers.model.tables.models import Model
    from analyzers.source import Place

_COLLECTIONS = frozenset({"list", "List", "set", "Set", "Sequence", "Collection", "Iterable", "dict", "Dict", "tuple"})


class Stated(msgspec.Struct, frozen=True):
    """A relation as its declaration states it."""

    relation: Relation
    path: str
    given: dict[str, Node]
    many: bool | None  # what type and options say


class TypedDraft(Draft):
    """What a class of this style has said so far."""

    def __init__(self) -> None:
        super().__init__()
        self.stated: dict[str, Stated] = {}
        self.calls: dict[str, tuple[Call, Place]] = {}  # attribute of a column -> the call that states it

    def set_apart(self) -> None:
        """What was said so far stands in the table of a base class."""
        self.columns = {n: msgspec.structs.replace(c, foreign=True) for n, c in self.columns.items()}
        self.calls.clear()
        self.keys.clear()


Target = Callable[[ClassDefinition, ClassDefinition, Node | None], str]


class Reader:
    """Reads one class. `target` says which model a name stands for."""

    def __init__(self, declarations: Declarations, library: Library, owner: ClassDefinition, target: Target) -> None:
        assert library.models is not None
        self.declarations, self.library, self.owner, self._target = declarations, library, owner, target
        self.code = declarations.code
        self.models: Models = library.models
        self.words: Arguments = library.models.arguments
        self.draft = TypedDraft()

    def read(self) -> TypedDraft:
        """All that the class states and inherits."""
        lineage = [c for c in self.code.lineage(self.owner) if isinstance(c, ClassDefinition)]
        for base in reversed(lineage):
            if self._is_apart(base, lineage):
                self.draft.set_apart()
            for name, assign in base.attributes.items():
                self._attribute(base, name, assign.value, assign.annotation, assign)
            for name, method in base.methods.items():
                if any(_last(d) in self.models.computed for d in method.node.decorators):
                    self.code.look_into(base.path, method.node)
                    self._attribute(base, name, _returned(method.node), method.node.returns, method.node)
            self._constraints(base)
        draft = self.draft
        draft.abstract = self._is_abstract()
        draft.table = next(filter(None, (self._table(c) for c in lineage)), "") or TABLES[self.models.table](
            self.owner.path, self.owner.name
        )
        if not draft.keys:
            draft.keys.add(self.models.primary_key)
        draft.indexes.extend(table_items.indexes_of(self))
        return draft

    def _is_apart(self, base: ClassDefinition, lineage: list[ClassDefinition]) -> bool:
        """Whether what was read so far stands in another table: above the class that names the table of this one."""
        naming = next((c for c in lineage if self._table(c)), None)
        above = lineage[lineage.index(naming) + 1 :] if naming is not None else []
        return base is naming and any(self._table(c) for c in above)

    def is_above(self, base: ClassDefinition) -> bool:
        """Whether a class names another table than the one of this class, which is above it."""
        named = self._table(base)
        return bool(named) and named != self.draft.table

    def _table(self, base: ClassDefinition) -> str:
        stated = base.attributes.get(self.models.table_attribute)
        return text_of(stated.value) if stated is not None else ""

    def _is_abstract(self) -> bool:
        """Whether it is no table: it says so, or nothing of it or above it has a key."""
        stated = self.owner.attributes.get(self.models.abstract_attribute)
        return (stated is not None and is_true(stated.value)) or not self.draft.keys

    def _attribute(self, base: ClassDefinition, name: str, value: Node | None, annotation: Node | None, node: Node) -> None:
        if name.startswith("__"):
            return
        place = self.code.place(base.path, node)
        self.draft.columns.pop(name, None)
        if self.declarations.kind(base.path, value, self.library, self.models.relations) and isinstance(value, Call):
            self._relation(base, name, value, annotation, place)
            return
        kind = self.declarations.kind(base.path, value, self.library, self.models.columns)
        declared = (
            value is None
            and annotation is not None
            and (_outer(annotation) in self.models.containers or bool(self.models.marked_bases and self._marked(base)))
        )
        if kind is not None or declared:
            self._column(base, name, value if isinstance(value, Call) else None, annotation, place)

    def _marked(self, base: ClassDefinition) -> bool:
        return any(self.declarations.inherits(base, self.library, name) for name in self.models.marked_bases)

    def _column(self, base: ClassDefinition, name: str, call: Call | None, annotation: Node | None, place: Place) -> None:
        own = text_of(call.args[0]) if call is not None and call.args else ""
        given = arguments(call) if call is not None else {}
        role = self._role(name, call, annotation)
        if call is not None:
            self.draft.calls[name] = (call, place)
        for inner in walk(call) if call is not None else ():
            if isinstance(inner, Call) and _last(inner.callee) in self.models.references and inner.args:
                self.draft.foreign[name] = self._referred(base, inner.args[0])
                role = "foreign key"
            elif isinstance(inner, Call) and any(k.name == self.words.primary and is_true(k.value) for k in inner.keywords):
                self.draft.keys.add(name)
        if text_of(given.get(self.words.foreign_text)):
            self.draft.foreign[name] = _table_part(text_of(given[self.words.foreign_text]))
            role = "foreign key"
        if name in self.draft.keys and role != "foreign key":
            role = "key"
        self.draft.columns[name] = Column(own or name, role, place, name)

    def _role(self, name: str, call: Call | None, annotation: Node | None) -> str:
        """What a column is for, by its type: the one it names, else that of the attribute."""
        for inner in walk(call) if call is not None else ():
            if isinstance(inner, Name | Member) and (kind := self.models.column_types.get(_last(inner))) is not None:
                return named_role(name, kind.role)
        typed = _type(annotation, self.models.containers)[0] if annotation is not None else None
        role = self.models.annotation_types.get(_last(typed), "other") if typed is not None else "other"
        return named_role(name, role)

    def _referred(self, base: ClassDefinition, node: Node) -> str:
        """`"customers.id"` refers to a table, `Customer.id` to a class."""
        if isinstance(node, Member):
            return self._target(base, self.owner, node.of)
        return _table_part(text_of(node))

    def _constraints(self, base: ClassDefinition) -> None:
        """Foreign keys that the table's own arguments state: `ForeignKeyConstraint(["a_id"], ["a.id"])`."""
        stated = base.attributes.get(self.models.arguments_attribute)
        for node in walk(stated.value) if stated is not None and stated.value is not None else ():
            if not (isinstance(node, Call) and _last(node.callee) in self.models.references and len(node.args) > 1):
                continue
            own, other = node.args[0], node.args[1]
            if isinstance(own, Other) and isinstance(other, Other):
                for column, target in zip(own.children, other.children, strict=False):
                    self.draft.foreign[text_of(column)] = _table_part(text_of(target))

    def _relation(self, base: ClassDefinition, name: str, call: Call, annotation: Node | None, place: Place) -> None:
        given, words = arguments(call), self.words
        nested = given.get(words.nested)
        for pair in nested.children if isinstance(nested, Other) else ():
            if isinstance(pair, Other) and pair.word == "pair":
                given.setdefault(text_of(pair.children[0]), pair.children[1])
        typed, many = _type(annotation, self.models.containers) if annotation is not None else (None, None)
        fetch = given.get(words.fetch)
        fetched = fetch.value if isinstance(fetch, Text) else None
        fresh = fetched in words.fresh_values or _outer(annotation) in self.models.fresh_containers
        if words.secondary in given or fresh:
            many = True
        elif words.single in given:
            many = not is_false(given[words.single])
        elif words.collection in given:
            many = True
        relation = Relation(
            model=self.owner.qualified,
            name=name,
            target=self._target(base, self.owner, _unwrapped(given.get(words.target) or given.get("0") or typed)),
            many=bool(many),
            place=place,
            label=f"{self.owner.name}.{name}",
            eager=any(fetched == v and type(fetched) is type(v) for v in words.eager_values),
            fresh=fresh,
        )
        self.draft.stated[name] = Stated(relation, base.path, given, many)


# -- directions --------------------------------------------------------------------------------------------------------


class Backward(msgspec.Struct, frozen=True):
    """A relation that another one's declaration makes on its target."""

    target: Model
    name: str
    model: Model
    relation: Relation
    many: bool
    eager: bool
    fresh: bool


def direct(models: Mapping[str, Model], drafts: Mapping[str, TypedDraft]) -> Iterator[Backward]:
    """Adds each stated relation to its model, once its direction is known; gives those that point back."""
    alone: list[tuple[Model, Relation]] = []
    for qualified, draft in drafts.items():
        model = models[qualified]
        for name, stated in draft.stated.items():
            target = models.get(stated.relation.target)
            if target is None:
                continue
            words = model.library.models
            assert words is not None
            own = _holding(draft, target, models)
            back = _holding(drafts[target.qualified], model, models) if target.qualified in drafts else ()
            between = words.arguments.secondary in stated.given
            many = stated.many if stated.many is not None else _many(draft, stated, words.arguments, own, back, target is model)
            if many is None:
                continue
            inverse, eager, fresh = _inverse(stated.given, words.arguments)
            pointing = inverse or text_of(stated.given.get(words.arguments.mapped_by))
            near = own if not many and not between else ()
            chosen = [a for a in near if a in _names(stated.given.get(words.arguments.foreign))] or list(near)
            holds = len(chosen) == 1
            model.relations[name] = relation = msgspec.structs.replace(
                stated.relation,
                many=many,
                column=draft.columns[chosen[0]].name if holds and chosen[0] in draft.columns else "",
                back=pointing if not between and (many or not near) else "",
                inverse=not near,
            )
            if inverse:
                single = is_false(_of_inverse(stated.given, words.arguments).get(words.arguments.single))
                yield Backward(target, inverse, model, relation, (between or not many) and not single, eager, fresh)
            if not between and not relation.back and not near and len(back) == 1:
                alone.append((model, relation))
    for model, relation in alone:
        ways = [r.name for r in models[relation.target].relations.values() if not r.many and r.target == model.qualified]
        if len(ways) == 1:  # by the only column that refers here: its row is in the session already
            model.relations[relation.name] = msgspec.structs.replace(relation, back=ways[0])


def _many(
    draft: TypedDraft, stated: Stated, words: Arguments, own: tuple[str, ...], back: tuple[str, ...], itself: bool
) -> bool | None:
    """Whether the relation holds many rows, by the columns that hold it; None where they do not tell."""
    named = _names(stated.given.get(words.foreign))
    if itself:
        remote = _names(stated.given.get(words.remote))
        return not remote or not remote & draft.keys
    if named & set(own):
        return False
    if named & set(back):
        return True
    if own and back:
        return None
    return bool(back) if own or back else None


def _holding(draft: TypedDraft, target: Model, models: Mapping[str, Model]) -> tuple[str, ...]:
    """The attributes of the columns by which a class refers to `target`, or to a class it shares a table or a key with."""
    wanted = _flat(target.table)
    return tuple(
        attribute
        for attribute, referred in draft.foreign.items()
        if referred == target.qualified
        or _flat(referred) == wanted
        or (referred in models and _flat(models[referred].table) == wanted)
    )


def _inverse(given: dict[str, Node], words: Arguments) -> tuple[str, bool, bool]:
    """The name of the relation that points back, and whether it comes with its rows or is asked for at each read."""
    options = _of_inverse(given, words)
    name = text_of(given.get(words.inverse)) or text_of(options.get("0"))
    fetch = options.get(words.fetch)
    fetched = fetch.value if isinstance(fetch, Text) else None
    eager = any(fetched == v and type(v) is type(fetched) for v in words.eager_values)
    return name, eager, fetched in words.fresh_values


def _of_inverse(given: dict[str, Node], words: Arguments) -> dict[str, Node]:
    node = given.get(words.inverse)
    return arguments(node) if isinstance(node, Call) else {}


def _names(node: Node | None) -> set[str]:
    """The attributes that an argument names: `Order.customer_id`, `"Order.customer_id"`, `[customer_id]`."""
    out: set[str] = set()
    for inner in walk(node) if node is not None else ():
        match inner:
            case Member(name=name) | Name(id=name):
                out.add(name)
            case Text(value=str() as text):
                out.update(part.strip(" []()").rpartition(".")[2] for part in text.split(","))
    return out


# -- types and names ---------------------------------------------------------------------------------------------------


def _type(annotation: Node, containers: tuple[str, ...]) -> tuple[Node | None, bool | None]:
    """What `Mapped[list["Line"]]` names, and whether it is a collection; None where it has no type at all."""
    match annotation:
        case Other(word="item", children=(outer, inner)):
            if isinstance(inner, Other) and inner.word == "tuple" and inner.children:
                inner = inner.children[-1]
            node, many = _type(inner, containers)
            return node, True if _last(outer) in _COLLECTIONS else many
        case Other(word="|", children=parts):
            real = [p for p in parts if not (isinstance(p, Text) and p.value is None)]
            return _type(real[0], containers) if len(real) == 1 else (None, None)
        case Name() | Member() | Text():
            return annotation, False
    return None, None


def _outer(annotation: Node | None) -> str:
    """`Mapped` of `Mapped[int]`."""
    match annotation:
        case Other(word="item", children=(outer, *_)):
            return _last(outer)
    return ""


def is_declaration(model: Model, method: FunctionDefinition) -> bool:
    """Whether a method is the declaration of an attribute, and no method of rows."""
    words = model.library.models
    return words is not None and any(_last(d) in words.computed for d in method.node.decorators)


def _unwrapped(node: Node | None) -> Node | None:
    """`lambda: Customer` names `Customer`."""
    match node:
        case Function(name="", body=(Return(value=value),)):
            return value
    return node


def _returned(function: Function) -> Node | None:
    """What a function returns at its end."""
    last = function.body[-1] if function.body else None
    return last.value if isinstance(last, Return) else None


def _last(node: Node) -> str:
    match node:
        case Name(id=name) | Member(name=name):
            return name
        case Call(callee=callee):
            return _last(callee)
    return ""


def _table_part(text: str) -> str:
    """`customers` of `customers.id`."""
    return text.rpartition(".")[0]


def _flat(table: str) -> str:
    """A table's name for comparison: conventions differ in underscores, and a schema may stand before it."""
    return table.rpartition(".")[2].replace("_", "").lower()
