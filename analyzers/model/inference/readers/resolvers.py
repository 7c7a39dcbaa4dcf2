"""Types whose fields a client picks, each answered for every object by a function of its own: GraphQL.

A function that answers with many objects of such a type is judged by each field that a request may ask of them: what the
field's own function does, or what is read of the object under the field's name. A field whose type is one of these is read on.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import msgspec

from analyzers.facts.outline import Assign, Call, Member, Name, Node, Parameter, walk
from analyzers.knowledge import LINEAGES_KEPT, Library, Resolvers, libraries, named
from analyzers.knowledge.derived import derived, per_libraries
from analyzers.model.inference import containers, flow, members
from analyzers.model.inference.types import Bound, Closure, Instance, Keyed, Listed, Row, Rows, Taken, Value, comes_back
from analyzers.model.naming.code import Codebase
from analyzers.model.naming.definitions import ClassDefinition, External, FunctionDefinition
from analyzers.model.naming.literals import text_of

if TYPE_CHECKING:
    from analyzers.model.inference.frames import Frame
    from analyzers.model.inference.summaries import Inference

_known = derived(lambda: tuple((x, x.resolvers) for x in libraries() if x.resolvers is not None))
_DEPTH = 3  # types read below one another: what a request asks for is seldom deeper, and types lead back to each other


class Field(msgspec.Struct, frozen=True, eq=False):
    """One field of a type: where it is stated, what names the type of what it gives, and what answers it, if that is stated."""

    name: str
    path: str
    node: Node
    gives: Node | None
    answered_by: FunctionDefinition | None = None
    given: Node | None = None  # what answers it, where that is an argument
    parents: tuple[str, ...] = ()  # parameters of what answers it that are the object
    unseen: bool = False  # what answers it is not a function that is stated
    target: ClassDefinition | None = None  # the type of a relation that is a field by itself


def answer(inference: Inference, called: FunctionDefinition, value: Value) -> None:
    """A method that answers a field gave these rows: whatever may be asked of them is read."""
    owner = called.owner
    if owner is None or not isinstance(value, Rows | Listed | Row) or words_of(inference, owner) is None:
        return
    field = next((f for f in fields_of(inference, owner) if f.answered_by is called), None)
    below = _type_of(inference, field) if field is not None else None
    if below is not None:
        lay_out(inference, below, value, called.node, _frame(inference, called.path, owner, called.qualified))


def walk_fields(inference: Inference, definition: ClassDefinition) -> None:
    """Fields whose answer is a function given to them: `orders: list[OrderType] = strawberry.field(resolver=all_orders)`."""
    if words_of(inference, definition) is None:
        return
    for field in fields_of(inference, definition):
        below = _type_of(inference, field) if field.given is not None and field.path == definition.path else None
        function = inference.code.resolve_node(field.path, field.given) if below is not None and field.given else None
        if below is not None and isinstance(function, FunctionDefinition):
            value = inference.root(function)
            lay_out(inference, below, value, field.node, _frame(inference, field.path, definition, definition.qualified))


def lay_out(
    inference: Inference, definition: ClassDefinition, value: Value, node: Node, frame: Frame, depth: int = _DEPTH
) -> None:
    """Reads every field of the type of a row, or of each of many."""
    match value:
        case Rows() | Listed() | Keyed():
            item = flow.iterate(inference, value, frame.site(node), node, frame)
            if isinstance(item, Row | Instance):
                lay_out(inference, definition, item, node, frame, depth)
        case Row() if depth and not comes_back(value):
            _read(inference, definition, value, node, frame, depth)
        case Instance(definition=own) if depth and own is definition:
            _read(inference, definition, value, node, frame, depth)


def _read(
    inference: Inference, definition: ClassDefinition, held: Row | Instance, node: Node, frame: Frame, depth: int
) -> None:
    before, frame.at = frame.at, node
    for field in fields_of(inference, definition):
        if field.target is not None and depth < _DEPTH:
            continue  # of what is listed itself: any further, all of a schema would be read
        inner = inference.frame(field.path, frame)
        inner.owner, inner.function = definition, definition.qualified
        value = _value(inference, field, held, inner)
        below = _type_of(inference, field)
        if below is not None and value is not None and not isinstance(value, Taken):
            lay_out(inference, below, value, field.node, inner, depth - 1 if field.target is None else 0)
    frame.at = before


def _value(inference: Inference, field: Field, held: Row | Instance, frame: Frame) -> Value:
    method = field.answered_by
    if method is not None:
        given: dict[str, Value] = {p.name: held for p in method.node.parameters if _is_parent(p, field.parents)}
        if method.node.receiver:
            return inference.call(method, held, (), given, frame, field.node)
        return inference.call(method, None, () if given else (held,), given, frame, field.node)
    if field.unseen:
        return None
    if field.given is not None:
        function = flow.evaluate(inference, field.given, frame)
        if isinstance(function, Bound | Closure):
            return containers.invoke(inference, function, (held,), field.node, frame)
        return None
    return members.member(inference, held, field.name, field.node, frame)


def _is_parent(parameter: Parameter, names: tuple[str, ...]) -> bool:
    """Whether a parameter is the object whose field it is, by its name or by its type (`strawberry.Parent[Order]`)."""
    types = walk(parameter.annotation) if parameter.annotation is not None else ()
    return parameter.name in names or any(isinstance(t, Name | Member) and _last(t) in names for t in types)


def _last(node: Name | Member) -> str:
    return node.name if isinstance(node, Member) else node.id


# -- what classes declare ----------------------------------------------------------------------------------------------


def words_of(inference: Inference, definition: ClassDefinition) -> tuple[Library, Resolvers] | None:
    """What the library knows of the class as a type of its schema, if it is one whose fields are answered one by one."""
    found = _by_bases(inference.code.externals(definition)) if definition.node.bases else None
    found = found or _by_marks(inference, definition)
    if found is None or any(imported(inference, name) for name in found[1].loading):
        return None
    return found


@per_libraries(LINEAGES_KEPT)
def _by_bases(externals: frozenset[str]) -> tuple[Library, Resolvers] | None:
    for library, words in _known():
        if any(named(library, e, words.bases) for e in externals) and not any(
            named(library, e, words.loading_bases) for e in externals
        ):
            return library, words
    return None


def _by_marks(inference: Inference, definition: ClassDefinition) -> tuple[Library, Resolvers] | None:
    for decorator in definition.node.decorators:
        mark = decorator.callee if isinstance(decorator, Call) else decorator
        resolved = inference.code.resolve_node(definition.path, mark)
        for library, words in _known() if isinstance(resolved, External) else ():
            if isinstance(resolved, External) and named(library, resolved.name, words.marks):
                return library, words
    return None


def imported(inference: Inference, name: str) -> bool:
    """Whether any file of the project imports a name of a library."""
    inference.trace.touched.add(f"imports:{name}")
    if inference.imports is None:
        inference.imports = imports_of(inference.code)
    return name in inference.imports


def imports_of(code: Codebase) -> frozenset[str]:
    """All that files of the project import by name."""
    return frozenset(i.path for facts in code.files.values() for i in facts.imports)


def fields_of(inference: Inference, definition: ClassDefinition) -> tuple[Field, ...]:
    """The fields that the type, and those above it, state; the nearest class wins."""
    found = words_of(inference, definition)
    if found is None:
        return ()
    fields: dict[str, Field] = {}
    for base in inference.code.lineage(definition):
        if isinstance(base, ClassDefinition):
            for field in _stated(inference, base, *found):
                fields.setdefault(field.name, field)
    for field in _of_model(inference, definition, *found):
        fields.setdefault(field.name, field)
    return tuple(fields.values())


def _stated(inference: Inference, base: ClassDefinition, library: Library, words: Resolvers) -> Iterator[Field]:
    for name, method in base.methods.items():
        if words.method and name.startswith(words.method):
            name = name.removeprefix(words.method)
            stated = inference.code.attribute(base, name)
            gives = stated[1].value if stated is not None else None
            yield Field(name, method.path, method.node, gives, method, parents=words.parents)
        elif any(_is_mark(inference, base, d, library, words) for d in method.node.decorators):
            yield Field(name, method.path, method.node, method.node.returns, method, parents=words.parents)
    for name, assign in base.attributes.items():
        if words.method and name.startswith(words.method):
            yield Field(name.removeprefix(words.method), base.path, assign, None, unseen=True)
            continue
        gives = assign.annotation if words.annotated else assign.value if isinstance(assign.value, Call) else None
        if gives is not None:
            call = assign.value if isinstance(assign.value, Call) else None
            given = {k.name: k.value for k in call.keywords} if call is not None else {}
            source = next((text for text in (text_of(given.get(a)) for a in words.sources) if text), name)
            yield Field(source, base.path, assign, gives, given=given.get(words.resolver))


def _is_mark(inference: Inference, base: ClassDefinition, decorator: Node, library: Library, words: Resolvers) -> bool:
    resolved = inference.code.resolve_node(base.path, decorator.callee if isinstance(decorator, Call) else decorator)
    return isinstance(resolved, External) and named(library, resolved.name, words.field_marks) is not None


def _type_of(inference: Inference, field: Field) -> ClassDefinition | None:
    """The type of what a field gives, of one or of many."""
    return field.target or (_type_in(inference, field.path, field.gives) if field.gives is not None else None)


def _type_in(inference: Inference, path: str, node: Node) -> ClassDefinition | None:
    for inner in walk(node):
        text = text_of(inner)
        name: Node | None = inner if isinstance(inner, Name | Member) else Name(0, 0, text) if text.isidentifier() else None
        found = inference.code.resolve_node(path, name) if name is not None else None
        if isinstance(found, ClassDefinition) and words_of(inference, found) is not None:
            return found
    return None


# -- fields that follow from the model ---------------------------------------------------------------------------------


def _of_model(inference: Inference, definition: ClassDefinition, library: Library, words: Resolvers) -> Iterator[Field]:
    """The relations of the type's model whose own type is known where this one is stated: they are fields by themselves."""
    if not any(named(library, e, words.model_bases) for e in inference.code.externals(definition)):
        return
    model = inference.model(_model_of(inference, definition, words))
    options = definition.classes.get(words.options)
    if model is None or options is None:
        return
    stated = {a.target.id: a.value for a in options.body if isinstance(a, Assign) and isinstance(a.target, Name)}
    only = next((frozenset(_texts_of(stated[n])) for n in words.option_fields if n in stated), None)
    without = frozenset(text for n in words.option_exclude for text in _texts_of(stated.get(n)))
    every = only is None or words.all_fields in only
    types = {_model_of(inference, other, words): other for other in _beside(inference.code, definition.path)}
    for name, relation in model.relations.items():
        below = types.get(relation.target)
        if below is not None and (every or name in (only or ())) and name not in without:
            yield Field(name, definition.path, options, None, target=below)


def _texts_of(node: Node | None) -> list[str]:
    return [text for text in map(text_of, walk(node)) if text] if node is not None else []


def _model_of(inference: Inference, definition: ClassDefinition, words: Resolvers) -> str:
    options = definition.classes.get(words.options)
    for node in options.body if options is not None else ():
        if isinstance(node, Assign) and isinstance(node.target, Name) and node.target.id == words.option_model and node.value:
            found = inference.code.resolve_node(definition.path, node.value)
            return found.qualified if isinstance(found, ClassDefinition) else getattr(found, "name", "")
    return ""


def _beside(code: Codebase, path: str) -> Iterator[ClassDefinition]:
    """The classes that a file states or imports."""
    names = (*code.definitions(path), *(i.name for i in code.files[path].imports if i.name.isidentifier()))
    for name in names:
        found = code.resolve(path, name)
        if isinstance(found, ClassDefinition):
            yield found


def _frame(inference: Inference, path: str, owner: ClassDefinition, function: str) -> Frame:
    frame = inference.frame(path, None)
    frame.owner, frame.function = owner, function
    return frame
