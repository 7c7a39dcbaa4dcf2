"""What a view in a list of routes stands for, and which methods it answers."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from analyzers.facts.outline import Call, Member, Name, Node
from analyzers.model.naming.code import Codebase
from analyzers.model.naming.definitions import ClassDefinition, External, FunctionDefinition, ValueDefinition
from analyzers.model.naming.literals import items_of, text_of, texts_of
from analyzers.routing.frameworks import Views

METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")
_MAX_HOPS = 6  # wrappers around one view


class Handler(NamedTuple):
    """What answers, by its qualified name, and the methods that it answers where those are known."""

    name: str
    methods: tuple[str, ...] = ()
    definition: ClassDefinition | FunctionDefinition | None = None


UNKNOWN = Handler("")


def handler_of(code: Codebase, views: Views, path: str, node: Node, hops: int = _MAX_HOPS) -> Handler:
    """The handler that an expression gives: a function, what makes a view of a class, or one of these in wrappers."""
    match node:
        case Call(callee=Member(of=of, name=made), args=args) if views.made_by and made == views.made_by:
            handler = handler_of(code, views, path, of, 0)
            stated = [k.upper() for k, _ in items_of(args[0])] if args else []
            return handler._replace(methods=_ordered(stated)) if stated else handler
        case Call(callee=callee, args=args) if hops:
            for inner in args:
                if isinstance(inner, Call | Name | Member):
                    found = handler_of(code, views, path, inner, hops - 1)
                    if found.name:
                        return found
            return handler_of(code, views, path, callee, hops - 1) if isinstance(callee, Call) else UNKNOWN
        case Name() | Member():
            return _resolved(code, views, path, node, hops)
    return UNKNOWN


def _resolved(code: Codebase, views: Views, path: str, node: Node, hops: int) -> Handler:
    match code.resolve_node(path, node):
        case ClassDefinition() as definition:
            return Handler(definition.qualified, _of_class(code, views, definition), definition)
        case FunctionDefinition() as definition:
            return Handler(definition.qualified, _of_function(code, views, definition), definition)
        case ValueDefinition(path=at, node=assign) if hops and assign.value is not None:
            return handler_of(code, views, at, assign.value, hops - 1)
        case External(name=name):
            return Handler(name, views.bases.get(name, ()))
    return UNKNOWN


def _of_class(code: Codebase, views: Views, definition: ClassDefinition) -> tuple[str, ...]:
    """The methods that a class answers: those it has, as its own or by inheritance."""
    own = [m for m in METHODS if code.method(definition, m.lower()) is not None]
    brought = [m for name in code.externals(definition) for m in views.bases.get(name, ())]
    allowed = code.attribute(definition, "http_method_names")
    names = texts_of(allowed[1].value) if allowed is not None else None
    found = _ordered([*own, *brought])
    return tuple(m for m in found if m.lower() in names) if names is not None else found


def _of_function(code: Codebase, views: Views, definition: FunctionDefinition) -> tuple[str, ...]:
    """The methods that a function's decorators let through."""
    for decorator in definition.node.decorators:
        callee = decorator.callee if isinstance(decorator, Call) else decorator
        found = code.resolve_node(definition.path, callee)
        if not isinstance(found, External):
            continue
        if found.name in views.only:
            return views.only[found.name]
        if found.name in views.stated:
            given = [*decorator.args[:1], *(k.value for k in decorator.keywords)] if isinstance(decorator, Call) else []
            return methods_of(given[0]) if given else ("GET",)
    return ()


def methods_of(node: Node | None) -> tuple[str, ...]:
    """The methods that a literal list, or one text, names."""
    texts = texts_of(node) or ([one for one in text_of(node).split("|") if one] if text_of(node) else [])
    return _ordered([text.upper() for text in texts])


def _ordered(methods: Iterable[str]) -> tuple[str, ...]:
    found = set(methods)
    return tuple(m for m in METHODS if m in found)
