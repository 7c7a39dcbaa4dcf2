"""Lists that a request or a file brings, told by the classes that hand them over: `$request->input('ids')`.

How long such a list is, whoever sends it decides, so a query for each of its items is one for each of many. What comes by names
(`$request->validated()`) is no list; what it holds under one of them may be.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from analyzers.facts.outline import Call, Function, Name, Node, Parameter, Text, walk
from analyzers.knowledge import libraries, named
from analyzers.knowledge.derived import derived
from analyzers.model.inference import collections, containers
from analyzers.model.inference.types import Bound, Closure, LibraryValue, Row, Rows, Site, Taken, Value

if TYPE_CHECKING:
    from analyzers.model.inference.frames import Frame
    from analyzers.model.inference.summaries import Inference

_PART = "part of what was sent"
_inputs = derived(lambda: tuple(words for library in libraries() for words in library.inputs))
_handed = derived(lambda: tuple((library, words) for library in libraries() for words in library.inputs if words.methods))


def _named(value: Value) -> tuple[str, str]:
    """The class and the member that a library's object is called by."""
    holder, _, name = value.name.rpartition(".") if isinstance(value, LibraryValue) and value.instance else ("", "", "")
    return holder, name


def is_list(value: Value) -> bool:
    """Whether a value is a list that was sent (with keys, a form)."""
    holder, name = _named(value)
    return bool(name) and (name == _PART or any(holder in words.bases and name in words.parts for words in _inputs()))


def part_of(value: Value) -> Value:
    """What came under one name: `$request->validated()['items']`."""
    holder, name = _named(value)
    known = any(holder in words.bases and name in (*words.parts, *words.wholes) for words in _inputs())
    return _part(holder) if known else None


def _part(holder: str) -> LibraryValue:
    return LibraryValue(f"{holder}.{_PART}", instance=True)


def field(value: Value) -> Value:
    """An attribute of a request that is none of its own is what came under that name: `$request->ids`."""
    holder, name = _named(value)
    brought = bool(name) and any(holder in words.bases and words.fields and name not in words.own for words in _inputs())
    return _part(holder) if brought else value


def helped(kind: str) -> Value:
    """What a function gives that stands for an object of a class, and is asked for a name: `request('ids')`."""
    return _part(kind) if any(kind in words.bases for words in _inputs()) else None


def item(value: Value, loop: Site, node: Node, frame: Frame) -> Value:
    """One of the things that were sent in a list."""
    if not is_list(value):
        return None
    texts = [n.value for n in walk(node) if isinstance(n, Text) and isinstance(n.value, str) and n.value.isidentifier()]
    names = [n.id.lstrip("$") for n in walk(node) if isinstance(n, Name)]
    return _one(texts[-1] if texts else names[0] if names else "", loop, node, frame)


def _one(label: str, loop: Site, node: Node, frame: Frame) -> Taken:
    return Taken(Row("", Rows("", frame.site(node), label=label or "items"), (), loop))


def applied(inference: Inference, value: Value, name: str, node: Call, args: tuple[Value, ...], frame: Frame) -> bool:
    """`collect($request->input('ids'))->map(…)`: whether a method of a list calls a function with each of the items."""
    functions = [(a, v) for a, v in zip(node.args, args, strict=False) if isinstance(v, Closure | Bound)]
    if not functions or not is_list(value) or not collections.each(frame, name):
        return False
    for argument, function in functions:
        one = item(value, frame.site(argument), node.callee, frame)
        containers.invoke(inference, function, (one,), argument, frame)
    return True


def parameter(inference: Inference, function: Function, which: Parameter, frame: Frame) -> Value:
    """What a library hands to a method of a class that reads a file: its rows, or each of them."""
    if frame.outer is not None or frame.owner is None or not function.parameters or function.parameters[0] is not which:
        return None
    for library, words in _handed():
        handed = words.methods.get(function.name)
        if handed and any(named(library, e, words.bases) for e in inference.code.externals(frame.owner)):
            if handed == "list":
                return _part(words.bases[0])
            return _one(words.label, frame.site(function), function, frame)
    return None
