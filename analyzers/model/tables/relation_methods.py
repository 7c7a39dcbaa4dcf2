"""Models whose relations are methods: `return $this->belongsTo(Customer::class)`, and what every query of them loads.

A relation is known by the method that its own method returns, or by the type it promises. What is chained after that changes
the rows, not the target; what it loads along, every reader of the relation has.
"""

from __future__ import annotations

from collections.abc import Container, Iterator

import msgspec

from analyzers.facts.outline import Call, Function, Member, Name, Node, Other, Return, Text, walk
from analyzers.knowledge import Library
from analyzers.knowledge import Relation as RelationWords
from analyzers.knowledge.naming import TABLES
from analyzers.model.naming.code import Codebase
from analyzers.model.naming.definitions import ClassDefinition, External
from analyzers.model.naming.literals import text_of
from analyzers.model.project import Index, Relation
from analyzers.model.tables.fields import Draft, Target

_MAX_DERIVED = 4  # relations that are made of another one, followed


class RelationMethods:
    """Reads the declarations of one model class of such a library."""

    def __init__(self, code: Codebase, target: Target, definition: ClassDefinition, library: Library) -> None:
        models = library.models
        assert models is not None
        self.code, self._target, self.owner, self.library, self.models = code, target, definition, library, models
        self.draft = Draft()

    def read(self) -> Draft:
        """All that the class states and inherits."""
        draft, models = self.draft, self.models
        for base in reversed(self.code.lineage(self.owner)):
            if not isinstance(base, ClassDefinition):
                continue
            self.code.look_into(base.path, base.node)
            for name, method in base.methods.items():
                relation = self._relation(base, name, method.node)
                if relation is not None:
                    draft.relations[name] = relation
        draft.relations |= {name: r for name, r in self._mixed_in() if name not in draft.relations}
        self._load_always()
        draft.table = self._stated(models.table_attribute) or TABLES[models.table](self.owner.path, self.owner.name)
        key = self._stated(models.key_attribute) or models.primary_key
        draft.keys.add(key)
        draft.abstract = any(isinstance(d, Name) and d.id == "abstract" for d in self.owner.node.decorators)
        draft.indexes.append(Index.of((key,), unique=True, primary=True))
        return draft

    def _mixed_in(self) -> Iterator[tuple[str, Relation]]:
        """The relations that traits of other libraries bring, whose rows are that library's own."""
        place = self.code.place(self.owner.path, self.owner.node)
        for base in sorted(self.code.externals(self.owner)):
            for name, kind in self.models.mixin_relations.get(base, {}).items():
                spec = self.models.relations[kind]
                label = f"{self.owner.name}.{name}"
                yield name, Relation(self.owner.qualified, name, "", spec.many, place, label, polymorphic=spec.polymorphic)

    def _stated(self, name: str) -> str:
        found = self.code.attribute(self.owner, name)
        return text_of(found[1].value) if found is not None else ""

    # -- one relation --------------------------------------------------------------------------------------------------

    def _relation(self, base: ClassDefinition, name: str, function: Function, depth: int = 0) -> Relation | None:
        calls = _returned_calls(function)
        first = calls[0] if calls else None
        made = first.callee.name if first is not None and isinstance(first.callee, Member) else ""
        promised = self._promised(base, function)
        kind = made if made in self.models.relations and _is_own(first) else promised
        if any(isinstance(d, Name) and d.id == "static" for d in function.decorators):
            return None
        target, place = "", self.code.place(base.path, function)
        if kind and kind == made and first is not None:
            target = self._class_of(base, first.args[0]) if first.args else ""
        elif first is not None and _is_own(first) and depth < _MAX_DERIVED and made != name and not function.parameters:
            other = self.code.method(self.owner, made)
            derived = self._relation(other.owner or base, made, other.node, depth + 1) if other is not None else None
            if derived is not None and not kind and all(self._is_query(c) for c in calls[1:]):
                label = f"{self.owner.name}.{name}"
                return msgspec.structs.replace(derived, name=name, label=label, place=place)
            target = derived.target if derived is not None else ""
        if not kind:
            return None
        spec = self.models.relations[kind]
        target = target or (self._generic(base, function) if not spec.polymorphic else "")
        chained = [c.callee.name for c in calls[1:] if isinstance(c.callee, Member)]
        brings, built = self._brought(calls[1:])
        return Relation(
            model=self.owner.qualified,
            name=name,
            target=target,
            many=spec.many and not any(c in self.models.picks_one for c in chained),
            place=place,
            label=f"{self.owner.name}.{name}",
            column=self._column(name, spec, first) if kind == made else "",
            polymorphic=spec.polymorphic,
            back=self._back(calls[1:]),
            brings=brings,
            built=built,
        )

    def _promised(self, base: ClassDefinition, function: Function) -> str:
        """The relation that the method's type says it returns."""
        node = function.returns
        if isinstance(node, Other) and node.word == "item" and node.children:
            node = node.children[0]
        if not isinstance(node, Name) or function.parameters:
            return ""
        found = self.code.resolve(base.path, node.id)
        last = found.name.rpartition("\\")[2] if isinstance(found, External) else ""
        own = last and any(found.name == f"{space}\\{last}" for space in self.library.namespaces)  # type: ignore[union-attr]
        return self.models.relation_types.get(last, "") if own else ""

    def _generic(self, base: ClassDefinition, function: Function) -> str:
        """`@return BelongsTo<Customer, $this>`."""
        node = function.returns
        if isinstance(node, Other) and node.word == "item" and len(node.children) == 2:
            inner = node.children[1]
            first = inner.children[0] if isinstance(inner, Other) and inner.word == "tuple" and inner.children else inner
            return self._class_of(base, Member(0, 0, first, "class"))
        return ""

    def _class_of(self, base: ClassDefinition, node: Node) -> str:
        match node:
            case Member(of=Name(id="self" | "static" | "$this"), name="class") | Name(id="__CLASS__"):
                return self.owner.qualified
            case Member() | Text():
                return self._target(base, self.owner, node)
        return ""

    @staticmethod
    def _column(name: str, spec: RelationWords, first: Call | None) -> str:
        """The row's own column that holds the key, for relations that have one."""
        if not spec.owning or first is None or spec.polymorphic:
            return ""
        return text_of(first.args[1]) if len(first.args) > 1 else f"{name}_id"

    def _back(self, chained: list[Call]) -> str:
        """The relation that points back, where the declaration says that its rows get their owner."""
        for call in chained:
            position = self.models.points_back_by.get(call.callee.name) if isinstance(call.callee, Member) else None
            if position is not None:
                own = self.owner.name[:1].lower() + self.owner.name[1:]
                return text_of(call.args[position]) if position < len(call.args) else own
        return ""

    def _brought(self, chained: list[Call]) -> tuple[tuple[str, ...], bool]:
        """The paths that the declaration's own query loads, and whether all of it was understood."""
        paths: list[str] = []
        understood = True
        for call in chained:
            if self._is_eager(call):
                found, whole = literal_paths(call.args)
                paths += found
                understood = understood and whole
        return tuple(paths), understood

    def _is_query(self, call: Call) -> bool:
        """Whether the call leaves a query what it is."""
        words = self.library.rows
        method = words.methods.get(call.callee.name) if words is not None and isinstance(call.callee, Member) else None
        return method is not None and method.returns == "rows" and not method.runs

    def _is_eager(self, call: Call) -> bool:
        words = self.library.rows
        method = words.methods.get(call.callee.name) if words is not None and isinstance(call.callee, Member) else None
        return method is not None and method.eager == "nested"

    # -- what every query loads ----------------------------------------------------------------------------------------

    def _load_always(self) -> None:
        """The relations that the class says come with every query of it, by attribute or by a scope of all its queries."""
        stated = self.code.attribute(self.owner, self.models.eager_attribute)
        paths = list(literal_paths((stated[1].value,))[0]) if stated is not None and stated[1].value is not None else []
        for base in self.code.lineage(self.owner):
            if isinstance(base, ClassDefinition):
                paths += self._scoped(base)
        for path in paths:
            name, _, rest = path.partition(".")
            relation = self.draft.relations.get(name)
            if relation is not None:
                brings = (*relation.brings, rest) if rest else relation.brings
                self.draft.relations[name] = msgspec.structs.replace(relation, eager=True, brings=brings)

    def _scoped(self, base: ClassDefinition) -> Iterator[str]:
        for method in base.methods.values():
            if method.node.name in self.models.scope_methods:
                yield from self._loaded_in(method.node)
                continue
            for node in walk(method.node):
                if not (isinstance(node, Call) and isinstance(node.callee, Member)):
                    continue
                if node.callee.name not in self.models.scope_methods:
                    continue
                for argument in node.args:
                    yield from self._loaded_in(argument)
                    scope = self.code.resolve_node(base.path, argument.callee) if isinstance(argument, Call) else None
                    if isinstance(scope, ClassDefinition):
                        self.code.look_into(scope.path, scope.node)
                        yield from self._loaded_in(scope.node)

    def _loaded_in(self, top: Node) -> Iterator[str]:
        for node in walk(top):
            if isinstance(node, Call) and self._is_eager(node):
                yield from literal_paths(node.args)[0]


def _returned_calls(function: Function) -> list[Call]:
    """The chain of calls that a method returns, from the one it begins with."""
    returned = next((n.value for n in reversed(function.body) if isinstance(n, Return)), None)
    if returned is None and function.body:
        returned = next((n.value for n in walk(Other(0, 0, "block", function.body)) if isinstance(n, Return) and n.value), None)
    chain: list[Call] = []
    while isinstance(returned, Call) and isinstance(returned.callee, Member):
        chain.append(returned)
        returned = returned.callee.of
    return chain[::-1]


def stated_call(function: Function, kinds: Container[str]) -> tuple[Call | None, str]:
    """The call of one of these kinds that a method begins what it returns with, and its kind."""
    calls = _returned_calls(function)
    first = calls[0] if calls else None
    name = first.callee.name if first is not None and isinstance(first.callee, Member) else ""
    return (first, name) if name in kinds and _is_own(first) else (None, "")


def _is_own(call: Call | None) -> bool:
    """Whether a call is of a method of the row itself, or of the one it inherits."""
    of = call.callee.of if call is not None and isinstance(call.callee, Member) else None
    return isinstance(of, Name) and of.id in ("$this", "parent")


def literal_paths(nodes: tuple[Node, ...] | list[Node]) -> tuple[list[str], bool]:
    """Relation paths stated by literals, lists and maps of them, and whether nothing else was there."""
    out: list[str] = []
    whole = True
    for node in nodes:
        match node:
            case Text(value=str() as text):
                out.append(path_of(text))
            case Other(word="list" | "tuple" | "dict", children=parts):
                found, understood = literal_paths(parts)
                out += found
                whole = whole and understood
            case Other(word="pair", children=(Text(value=str() as text), below)):
                out.append(path_of(text))
                deeper, _ = literal_paths((below,))
                out += [f"{path_of(text)}.{path}" for path in deeper] if not isinstance(below, Function) else []
            case Function():
                continue
            case _:
                whole = False
    return out, whole


def path_of(text: str) -> str:
    """`lines:id,order_id` is the relation `lines`."""
    return text.partition(":")[0].strip()
