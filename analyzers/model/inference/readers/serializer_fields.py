"""Which fields a serializer puts out, as its classes and its nested options state them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import msgspec

from analyzers.facts.outline import Call, Member, Name, Node, Other, Text, walk
from analyzers.knowledge import LINEAGES_KEPT, Library, Serializers, libraries, named
from analyzers.knowledge.derived import per_libraries
from analyzers.model.naming.code import Codebase
from analyzers.model.naming.definitions import ClassDefinition, External, ValueDefinition
from analyzers.model.naming.literals import arguments, is_true, text_of

_MAX_NAMES = 400


class Field(msgspec.Struct, frozen=True, eq=False):
    """One field: what it is called and where it is stated; `call` constructs it, where the serializer declares it itself.

    A field without a name stands for every field of the model, except those `without`.
    """

    name: str
    path: str
    node: Node
    call: Call | None = None
    depth: int = 0  # how many relations deep it puts out whole rows
    without: frozenset[str] = frozenset()


def words_of(code: Codebase, definition: ClassDefinition) -> tuple[Library, Serializers] | None:
    """What the library knows of the class as a serializer, if it is one."""
    if not definition.node.bases:
        return None
    return _words_by(code.externals(definition))


@per_libraries(LINEAGES_KEPT)
def _words_by(externals: frozenset[str]) -> tuple[Library, Serializers] | None:
    for library in libraries():
        words = library.serializers
        if words is not None and any(named(library, e, words.bases) for e in externals):
            return library, words
    return None


def fields_of(code: Codebase, definition: ClassDefinition) -> tuple[Field, ...]:
    """The fields that the serializer reads of a row."""
    found = words_of(code, definition)
    if found is None:
        return ()
    library, words = found
    if _picks_fields(code, definition, words):
        return ()
    declared = _declared(code, definition, library, words)
    options = options_of(code, definition, words.options)
    chosen = list(declared.values())
    if options is not None and any(named(library, e, words.model_bases) for e in code.externals(definition)):
        chosen = _of_model(code, definition, options, declared, words)
    dropped = _dropped(code, definition, options, words)
    return tuple(field for field in chosen if field.name not in dropped and not is_hidden(field, words))


def is_hidden(field: Field, words: Serializers) -> bool:
    """Whether the field is only ever written."""
    return field.call is not None and is_true(arguments(field.call).get(words.hidden))


def own_list(code: Codebase, definition: ClassDefinition, words: Serializers) -> tuple[bool, ClassDefinition | None]:
    """Whether a class of its own puts out many rows, as the serializer says; and the class, if it is the project's."""
    options = options_of(code, definition, words.options)
    stated = code.attribute(options, words.option_list) if options is not None else None
    found = code.resolve_node(stated[0].path, stated[1].value) if stated is not None and stated[1].value is not None else None
    return stated is not None, found if isinstance(found, ClassDefinition) else None


def understands(code: Codebase, definition: ClassDefinition, words: Serializers, names: Iterable[str]) -> bool:
    """Whether a serializer that is given arguments of these names puts out what it states: those of the library do not change
    it, nor do those that its own constructor takes without touching its fields."""
    if set(names) <= set(words.arguments):
        return True
    above = (base for base in code.lineage(definition) if isinstance(base, ClassDefinition))
    own = [base.methods[name] for base in above for name in words.constructors if name in base.methods]
    nodes = (node for method in own for statement in method.node.body for node in walk(statement))
    return bool(own) and not any(isinstance(node, Member) and node.name in words.chosen for node in nodes)


# -- what the class declares -------------------------------------------------------------------------------------------


def _declared(code: Codebase, definition: ClassDefinition, library: Library, words: Serializers) -> dict[str, Field]:
    """Fields that the class, a serializer above it or a mixin assigns."""
    out: dict[str, Field] = {}
    for base in reversed(code.lineage(definition)):
        if not isinstance(base, ClassDefinition):
            continue
        for name, assign in base.attributes.items():
            if isinstance(assign.value, Call) and _is_field(code, base.path, assign.value, library, words):
                out[name] = Field(name, base.path, assign, assign.value)
            elif isinstance(assign.value, Text) and assign.value.value is None:
                out.pop(name, None)
    return out


def _is_field(code: Codebase, path: str, call: Call, library: Library, words: Serializers) -> bool:
    match code.resolve_node(path, call.callee):
        case External():
            return True  # a field of the library, or of one that is not known: then little is read
        case ClassDefinition() as own:
            externals = code.externals(own)
            return any(named(library, e, words.fields) or named(library, e, words.bases) for e in externals)
    return False


# -- what its options list ---------------------------------------------------------------------------------------------


def options_of(code: Codebase, definition: ClassDefinition, name: str) -> ClassDefinition | None:
    """The nested class of that name, of the class or the nearest above it."""
    for base in code.lineage(definition):
        if isinstance(base, ClassDefinition) and name in base.classes:
            nested = code.member(base, name)
            return nested if isinstance(nested, ClassDefinition) else None
    return None


def _of_model(
    code: Codebase, definition: ClassDefinition, options: ClassDefinition, declared: dict[str, Field], words: Serializers
) -> list[Field]:
    """The fields of a serializer of a model: those listed, or all but those excluded."""
    stated = code.attribute(options, words.option_depth)
    deep = stated[1].value if stated is not None else None
    depth = deep.value if isinstance(deep, Text) and isinstance(deep.value, int) else 0
    stated = code.attribute(options, words.option_fields)
    if stated is not None and stated[1].value is not None and text_of(stated[1].value) != words.all_fields:
        names, whole = names_in(code, stated[0].path, stated[1].value)
        out = [declared.get(text_of(node)) or Field(text_of(node), path, node, depth=depth) for path, node in names]
        stated_here = () if whole else definition.attributes  # the library insists that these are listed
        own = [field for name, field in declared.items() if name in stated_here]
        return list({field.name: field for field in (*own, *out)}.values())
    excluded = code.attribute(options, words.option_exclude)
    gone: set[str] = set()
    if excluded is not None and excluded[1].value is not None:
        names, whole = names_in(code, excluded[0].path, excluded[1].value)
        gone = {text_of(node) for _, node in names}
        if not whole:
            return list(declared.values())
    where = stated or excluded
    path, node = (where[0].path, where[1]) if where is not None else (options.path, options.node)
    rest = Field("", path, node, depth=depth, without=frozenset({*gone, *declared}))
    return [*(field for field in declared.values() if field.name not in gone), rest]


def names_in(code: Codebase, path: str, node: Node, hops: int = 6) -> tuple[list[tuple[str, Text]], bool]:
    """The texts of a list that is stated in pieces, with the files they stand in; whether all pieces could be read."""
    match node:
        case Text(value=str()):
            return [(path, node)], True
        case Other(word="list" | "tuple" | "set" | "+" | "spread", children=parts):
            read = [names_in(code, path, part, hops) for part in parts]
            return [name for names, _ in read for name in names][:_MAX_NAMES], all(whole for _, whole in read)
        case Call(callee=Name(id="list" | "tuple" | "set" | "sorted"), args=(inner,)):
            return names_in(code, path, inner, hops)
        case Member(of=of, name=name) if hops:
            owner = code.resolve_node(path, of)
            stated = code.attribute(owner, name) if isinstance(owner, ClassDefinition) else None
            if stated is not None and stated[1].value is not None:
                return names_in(code, stated[0].path, stated[1].value, hops - 1)
        case Name(id=name) if hops:
            found = code.resolve(path, name)
            if isinstance(found, ValueDefinition) and found.node.value is not None:
                return names_in(code, found.path, found.node.value, hops - 1)
    return [], False


def _dropped(code: Codebase, definition: ClassDefinition, options: ClassDefinition | None, words: Serializers) -> set[str]:
    """Names that are never put out, or not always: written only, or taken away by the serializer's own code."""
    out: set[str] = set()
    stated = code.attribute(options, words.option_hidden) if options is not None else None
    if stated is not None and stated[1].value is not None:
        out.update(text_of(node) for _, node in names_in(code, stated[0].path, stated[1].value)[0])
    stated = code.attribute(options, words.option_arguments) if options is not None else None
    if stated is not None and isinstance(stated[1].value, Other):
        out.update(_written(stated[1].value, words))
    for name in (*words.field_methods, *words.constructors):
        method = code.method(definition, name)
        if method is not None:
            out.update(text for node in method.node.body for inner in walk(node) for text in _taken_away(inner))
    return out


def _picks_fields(code: Codebase, definition: ClassDefinition, words: Serializers) -> bool:
    """Whether the serializer decides by code of its own alone which fields there are."""
    for name in words.field_methods:
        method = code.method(definition, name)
        if method is not None and not any(
            isinstance(inner, Call) and isinstance(inner.callee, Name) and inner.callee.id == "super"
            for node in method.node.body
            for inner in walk(node)
        ):
            return True
    return False


def _written(mapping: Other, words: Serializers) -> Iterator[str]:
    """Of `{"password": {"write_only": True}}`, `password`."""
    for pair in mapping.children:
        match pair:
            case Other(word="pair", children=(Text(value=str() as name), Other(word="dict", children=given))):
                for inner in given:
                    if isinstance(inner, Other) and text_of(inner.children[0]) == words.hidden and is_true(inner.children[-1]):
                        yield name


def _taken_away(node: Node) -> Iterator[str]:
    """`self.fields.pop("total")`, `del self.fields["total"]`."""
    match node:
        case Call(callee=Member(name="pop"), args=(Text(value=str() as name), *_)):
            yield name
        case Other(word="delete", children=parts):
            for part in parts:
                if isinstance(part, Other) and part.word == "item":
                    yield text_of(part.children[-1])
