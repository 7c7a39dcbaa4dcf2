"""Fields of forms that offer rows to choose from: their label, their group and whatever else they name is read of each."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from analyzers.facts.outline import Call, Member, Name, Node, Return, Text, walk
from analyzers.knowledge import Library, named
from analyzers.knowledge.forms import Choices
from analyzers.model.inference import containers, flow, members
from analyzers.model.inference.readers import declared
from analyzers.model.inference.types import (
    Bound,
    Closure,
    Declared,
    Instance,
    LibraryValue,
    Listed,
    Literal,
    Mapped,
    ModelClass,
    Row,
    Rows,
    Tupled,
    Value,
)
from analyzers.model.naming.definitions import ClassDefinition, External

if TYPE_CHECKING:
    from analyzers.model.inference.frames import Frame
    from analyzers.model.inference.summaries import Inference


def stated(inference: Inference, library: Library, name: str, args: tuple[Value, ...], node: Call, frame: Frame) -> Value:
    """What a call gives that adds a field to a form, or states the options of a type: what it was called on."""
    words = library.choices
    holder, _, method = name.rpartition(".")
    if words is None:
        return None
    if method in words.adders and named(library, holder, words.adder_bases) is not None:
        kind, options = words.adders[method]
        if kind < len(node.args) and options < len(args):
            _offer(inference, words, node.args[kind], frame.path, args[options], node, frame)
        return LibraryValue(holder, instance=True)
    if method in words.setters and named(library, holder, words.setter_bases) is not None:
        parent = _parent(inference, words, frame.owner)
        if parent is not None and args and isinstance(args[0], Mapped):
            further = _set_beside(inference, words, node, frame)
            _offer(inference, words, parent[1], parent[0], Mapped((*args[0].items, *further)), node, frame)
        return LibraryValue(holder, instance=True)
    return None


def _parent(inference: Inference, words: Choices, owner: ClassDefinition | None) -> tuple[str, Node] | None:
    """What a type of the project's own is built on, and the file that says so."""
    method = inference.code.method(owner, words.parent) if owner is not None else None
    for node in (inner for statement in method.node.body for inner in walk(statement)) if method is not None else ():
        if isinstance(node, Return) and node.value is not None:
            return method.path if method is not None else "", node.value
    return None


def _set_beside(inference: Inference, words: Choices, node: Call, frame: Frame) -> Iterator[tuple[str, Value]]:
    """The options that the same method states one by one."""
    methods = frame.owner.methods.values() if frame.owner is not None else ()
    around = next((m.node for m in methods if m.path == frame.path and m.node.start <= node.start < m.node.end), None)
    for inner in walk(around) if around is not None else ():
        match inner:
            case Call(callee=Member(name=name), args=(Text(value=str() as option), value)) if name == words.setter:
                yield option, flow.evaluate(inference, value, frame)


def _offer(inference: Inference, words: Choices, kind: Node, path: str, options: Value, node: Call, frame: Frame) -> None:
    """Reads of each row that the field offers what its options name."""
    found = inference.code.resolve_node(path, kind.of) if isinstance(kind, Member) and kind.name == "class" else None
    if not isinstance(found, External) or not isinstance(options, Mapped):
        return
    given = {name: _value(inference, words, value, node, frame) for name, value in options.items}
    if any(name in given and given[name] != Literal(False) for name in words.later):
        return
    rows: Value = given.get(words.given)
    if found.name in words.rows:
        rows = _rows(inference, words, given, node, frame)
    elif found.name not in words.listed:
        return
    if not isinstance(rows, Rows | Listed):
        return
    row = flow.iterate(inference, rows, frame.site(node), node, frame)
    if not isinstance(row, Row):
        return
    for name in words.reads:
        _read(inference, given.get(name), row, node, frame)
    if words.shown not in given:
        members.shown(inference, row, node, frame)


def _value(inference: Inference, words: Choices, value: Value, node: Node, frame: Frame) -> Value:
    """The value of an option, which may be a function of the other options."""
    match value:
        case Closure(node=function) if function.parameters and isinstance(function.parameters[0].annotation, Name):
            kind = inference.code.resolve_node(value.path, function.parameters[0].annotation)
            if isinstance(kind, External) and kind.name == words.lazy:
                return inference.call_closure(value, (), {}, frame, node)
    return value


def _rows(inference: Inference, words: Choices, given: dict[str, Value], node: Call, frame: Frame) -> Value:
    """The rows that are offered: those stated, those of the query, or all of the class."""
    model = given.get(words.model)
    if words.given in given or not isinstance(model, ModelClass):
        return given.get(words.given)
    site = frame.site(node)
    every = Rows(model.model, site, root=site, kind=inference.repository_of(model.model))
    match given.get(words.query, every):
        case Closure() | Bound() as make:
            return containers.invoke(inference, make, (every,), node, frame)
        case rows if rows is every:
            return Rows(model.model, site, root=site, declared=Declared(advice=words.advice))
        case rows:
            return rows


def _read(inference: Inference, stated: Value, row: Row, node: Node, frame: Frame) -> None:
    match stated:
        case Literal(value=str() as path):
            declared.read_dotted(inference, row, path, node, frame)
        case Closure() | Bound():
            containers.invoke(inference, stated, (row,), node, frame)
        case Tupled(items=(Instance(definition=definition) as holder, Literal(value=str() as name))):
            method = inference.code.method(definition, name)
            if method is not None:
                inference.call(method, holder, (row,), {}, frame, node)
