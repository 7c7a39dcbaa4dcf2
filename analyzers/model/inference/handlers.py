"""Functions that libraries call: for a request, for a job, when somebody runs a command."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, NamedTuple

from analyzers.facts.outline import Assign, Call, Member, Name, Node, Text, walk
from analyzers.knowledge import libraries
from analyzers.knowledge.derived import derived
from analyzers.knowledge.handlers import Handlers, Kind
from analyzers.model.inference.types import Site
from analyzers.model.naming.code import Codebase
from analyzers.model.naming.definitions import (
    PHP_SEPARATOR,
    ClassDefinition,
    External,
    FunctionDefinition,
    Resolved,
    ValueDefinition,
)

if TYPE_CHECKING:
    from analyzers.model.inference.frames import Frame
    from analyzers.model.inference.summaries import Inference

_told = derived(lambda: tuple((library, words) for library in libraries() for words in library.handlers))
_Name = tuple[str, str]  # a language, and a name of one of its libraries
_marks: Callable[[], dict[_Name, Handlers]] = derived(
    lambda: {(x.language, mark): words for x, words in _told() for mark in words.marks}
)
_methods: Callable[[], dict[_Name, Handlers]] = derived(
    lambda: {(x.language, f"{of}.{name}"): words for x, words in _told() for of in words.objects for name in words.methods}
)
_addressed: Callable[[], dict[_Name, Handlers]] = derived(
    lambda: {(x.language, name): words for x, words in _told() if words.addressed for name in words.methods}
)
_bases: Callable[[], dict[_Name, tuple[Kind, tuple[str, ...]]]] = derived(
    lambda: {(x.language, base): (words.kind, methods) for x, words in _told() for base, methods in words.bases.items()}
)
_spaces = derived(
    lambda: tuple(
        (x.language, f"{PHP_SEPARATOR}{space}{PHP_SEPARATOR}", words) for x, words in _told() for space in words.spaces
    )
)
_registers = derived(
    lambda: {name: (words.kind, position) for _, words in _told() for name, position in words.registers.items()}
)
_injected = derived(lambda: frozenset(mark for x in libraries() if x.injection is not None for mark in x.injection.marks))


class Called(NamedTuple):
    """A function that a library calls, and the code that says so."""

    kind: Kind
    function: FunctionDefinition
    site: Site
    queues: bool = False  # whoever else calls it has it queued


def note(inference: Inference, definition: ClassDefinition | FunctionDefinition) -> None:
    """Notes what libraries call of a definition, and what is called before it."""
    found = _of_class(inference.code, definition) if isinstance(definition, ClassDefinition) else _marked(inference, definition)
    for called in found:
        _note(inference, called)
    functions = definition.methods.values() if isinstance(definition, ClassDefinition) else (definition,)
    for function in functions:
        _note_injected(inference, function)


def registered(inference: Inference, name: str, node: Call, frame: Frame) -> None:
    """Notes the functions that a call of a library is handed to be called: `path("orders/", order_list)`."""
    kind, position = _registers().get(name, (None, 0))
    given = [*node.args[position : position + 1], *(k.value for k in node.keywords if k.name == "view")]
    if kind is None:
        return
    for part in (n for argument in given[-1:] for n in walk(argument)):
        if isinstance(part, Name | Member):
            found = inference.code.resolve_node(frame.path, part)
            if isinstance(found, FunctionDefinition):
                _note(inference, Called(kind, found, frame.site(node)))


def _note(inference: Inference, called: Called) -> None:
    function = called.function
    inference.trace.entries.setdefault((called.kind, function.path, function.qualified), called)


def _note_injected(inference: Inference, function: FunctionDefinition) -> None:
    """Notes what the parameters of a function name that is called for it: `db=Depends(get_db)`."""
    for parameter in function.node.parameters:
        for part in (n for stated in (parameter.default, parameter.annotation) if stated is not None for n in walk(stated)):
            if isinstance(part, Call) and part.args and _injected():
                mark = inference.code.resolve_node(function.path, part.callee)
                if isinstance(mark, External) and mark.name in _injected():
                    target = inference.code.resolve_node(function.path, part.args[0])
                    if isinstance(target, FunctionDefinition):
                        site = Site(function.path, part.start, part.end, function.qualified)
                        key = (function.path, part.start, target.path, target.qualified)
                        inference.trace.calls.setdefault(key, (site, target, ""))


# -- by decorators -----------------------------------------------------------------------------------------------------


def _marked(inference: Inference, function: FunctionDefinition) -> Iterator[Called]:
    """What the decorators of a function say that calls it."""
    language = inference.code.files[function.path].language
    for decorator in function.node.decorators:
        words = _words(inference.code, function.path, language, decorator)
        if words is not None:
            site = Site(function.path, decorator.start, decorator.end, function.qualified)
            yield Called(words.kind, function, site, words.queues)


def _words(code: Codebase, path: str, language: str, decorator: Node) -> Handlers | None:
    callee = decorator.callee if isinstance(decorator, Call) else decorator
    for name in _names(code, code.resolve_node(path, callee)):
        words = _marks().get((language, name)) or _methods().get((language, name))
        if words is not None and (not words.first or _names_one(decorator, words.first)):
            return words
    match decorator:
        case Call(callee=Member(name=name), args=(Text(value=str() as address), *_)) if address.startswith("/"):
            return _addressed().get((language, name))
    return None


def _names_one(decorator: Node, names: tuple[str, ...]) -> bool:
    """Whether the first argument of a decorator is, or holds, something of one of these names."""
    first = decorator.args[:1] if isinstance(decorator, Call) else ()
    parts = (n for argument in first for n in walk(argument))
    return any((n.id if isinstance(n, Name) else n.name) in names for n in parts if isinstance(n, Name | Member))


def _names(code: Codebase, found: Resolved | None) -> Iterator[str]:
    """The names of a library that a decorator may have: its own, that of the method that it inherits, or of what it wraps."""
    match found:
        case External(name=name):
            yield name
        case FunctionDefinition(owner=ClassDefinition() as owner, node=node):
            yield from (f"{base}.{node.name}" for base in code.externals(owner))
        case FunctionDefinition(path=path, node=node):
            code.touch(path, node)
            yield from _wrapped(code, path, (n for statement in node.body for n in walk(statement)))
        case ValueDefinition(path=path, node=Assign(value=Call(args=args) as made)):  # `job = partial(rq.job, connection=…)`
            code.touch(path, made)
            yield from _wrapped(code, path, iter((made, *args)))


def _wrapped(code: Codebase, path: str, nodes: Iterator[Node]) -> Iterator[str]:
    """The names of libraries that are called or handed on."""
    for node in nodes:
        named = node.callee if isinstance(node, Call) else node
        if isinstance(named, Name | Member):
            found = code.resolve_node(path, named)
            if isinstance(found, External):
                yield found.name


# -- by classes --------------------------------------------------------------------------------------------------------


def _of_class(code: Codebase, definition: ClassDefinition) -> Iterator[Called]:
    language = code.files[definition.path].language
    at = Site(definition.path, definition.node.start, definition.node.start + 1, definition.qualified)
    for kind, methods in _told_of(code, definition, language):
        for base in code.lineage(definition):
            for method in base.methods.values() if isinstance(base, ClassDefinition) else ():
                if method.node.name in methods or (
                    not methods and (not method.node.name.startswith("_") or method.node.name == "__invoke")
                ):
                    yield Called(kind, method, at)
    for method in definition.methods.values():
        for decorator in method.node.decorators:
            marked = _words(code, definition.path, language, decorator)
            if marked is not None:
                yield Called(marked.kind, method, Site(definition.path, decorator.start, decorator.end, method.qualified))


def _told_of(code: Codebase, definition: ClassDefinition, language: str) -> Iterator[tuple[Kind, tuple[str, ...]]]:
    """What calls methods of a class, and which (any, where none is named)."""
    for decorator in definition.node.decorators:
        callee = decorator.callee if isinstance(decorator, Call) else decorator
        found = code.resolve_node(definition.path, callee)
        words = _marks().get((language, found.name)) if isinstance(found, External) else None
        if words is not None:
            yield words.kind, words.marked
    if definition.node.bases:
        yield from (_bases()[language, e] for e in code.externals(definition) if (language, e) in _bases())
    space = f"{PHP_SEPARATOR}{definition.qualified.rpartition(PHP_SEPARATOR)[0]}{PHP_SEPARATOR}"
    for spoken, part, words in _spaces():
        if spoken == language and part in space and not definition.is_interface:
            yield words.kind, words.called
