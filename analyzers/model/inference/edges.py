"""The calls that a function makes, noted while it is walked: of the project's functions, and of a library's that matter."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from analyzers.facts.outline import Call, Member, Node
from analyzers.knowledge import libraries
from analyzers.knowledge.derived import derived
from analyzers.knowledge.work import carried, work_of
from analyzers.model.inference import constructors, handlers
from analyzers.model.inference.types import Bound, ClassValue, Instance, LibraryValue, Site, Value
from analyzers.model.naming.code import Codebase
from analyzers.model.naming.definitions import PHP_SEPARATOR, FunctionDefinition
from analyzers.model.naming.roles import is_product
from analyzers.model.ways import CallSite, Entry, Function
from analyzers.source import Place

if TYPE_CHECKING:
    from analyzers.model.inference.frames import Frame, Trace
    from analyzers.model.inference.summaries import Inference

_told = derived(lambda: frozenset(name for library in libraries() for name in library.clients))


def note(inference: Inference, callee: Value, args: tuple[Value, ...], node: Call, frame: Frame) -> None:
    """Notes a call of the function that is walked as a root; what functions do that it calls, they say themselves."""
    if not is_roots_own(frame):
        return
    match callee:
        case Bound(definition=definition):
            _note(inference, definition, node, frame)
        case ClassValue(definition=definition):
            made = constructors.constructor_of(inference.code, definition)
            if made is not None:
                _note(inference, made, node, frame)
            for base in sorted(carried().intersection(inference.code.externals(definition))):
                _note_library(inference, base, node, frame)
        case Instance(definition=definition):
            called = inference.code.method(definition, "__call__") or inference.code.method(definition, "__invoke")
            if called is not None:
                _note(inference, called, node, frame)
        case LibraryValue(name=name, instance=instance):
            full = f"{name}()" if instance and f"{name}()" in _told() else name
            full = _global(inference, full, frame)
            if full in _told() or work_of(full, frame.language) is not None:
                _note_library(inference, full, node, frame)
            handlers.registered(inference, name, node, frame)
            for value in args:
                if isinstance(value, Bound):  # handed over to be called
                    _note(inference, value.definition, node, frame)
        case _ if isinstance(node.callee, Member):
            handlers.registered(inference, f".{node.callee.name}", node, frame)


def note_call(inference: Inference, definition: FunctionDefinition, node: Node | None, frame: Frame | None) -> None:
    """Notes that the function walked as a root calls one of the project's, also where an attribute is one that is read."""
    if node is not None and frame is not None and is_roots_own(frame):
        _note(inference, definition, node, frame)


def _note(inference: Inference, definition: FunctionDefinition, node: Node, frame: Frame) -> None:
    key = (frame.path, node.start, definition.path, definition.qualified)
    inference.trace.calls.setdefault(key, (frame.site(node), definition, ""))


def _note_library(inference: Inference, name: str, node: Call, frame: Frame) -> None:
    inference.trace.calls.setdefault((frame.path, node.start, node.end, name), (frame.site(node), None, name))


def _global(inference: Inference, name: str, frame: Frame) -> str:
    """A function that the namespace does not have is the language's own."""
    space, _, last = name.rpartition(PHP_SEPARATOR)
    return last if space and "." not in last and space == inference.code.files[frame.path].namespace else name


def is_roots_own(frame: Frame) -> bool:
    """Whether the frame is that of a root, or of a closure in it."""
    outer = frame
    while outer.outer is not None:
        outer = outer.outer
        if outer.path != frame.path or outer.function != frame.function:
            return False
    return True


def calls(code: Codebase, trace: Trace) -> Iterator[CallSite]:
    """The calls that a walk noted."""
    for site, target, library in trace.calls.values():
        if is_product(site.path):
            called = Function(target.path, target.qualified) if target is not None else None
            yield CallSite(Function(site.path, site.function), _place(code, site), called, library)


def entries(code: Codebase, trace: Trace) -> Iterator[Entry]:
    """The functions of which a walk noted that a library calls them."""
    for kind, function, site, queues in trace.entries.values():
        if is_product(function.path):
            yield Entry(kind, Function(function.path, function.qualified), _place(code, site), queues)


def _place(code: Codebase, site: Site) -> Place:
    return Place(site.path, code.files[site.path].span(site.start, site.end))
