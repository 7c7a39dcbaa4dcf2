"""How long what a call makes is kept: for the call, for the object or the caller that gets it, or for good.

Told by the text around the call, as a reader would: what it is assigned to, whether a test asks first if it is there already,
whether a cache answers for the function.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Literal

import msgspec

from analyzers.facts.outline import (
    Assign,
    Call,
    Function,
    Loop,
    Member,
    Name,
    Node,
    Other,
    Return,
    Text,
    children,
    dotted,
    walk,
)
from analyzers.model.inference.scripts.units import label
from analyzers.model.naming.code import Codebase
from analyzers.model.naming.definitions import SCRIPTS, ClassDefinition, External
from analyzers.model.naming.script_names import prefix
from analyzers.model.requests.texts import nodes_to
from analyzers.model.ways import CallSite

Fate = Literal["kept", "handed on", "let go"]

_CONSTRUCTORS = ("__init__", "__construct", "__new__", "__post_init__", "constructor")
_KEEPERS = frozenset(
    {
        "append",
        "add",
        "setdefault",
        "put",
        "set",
        "insert",
        "register",
        "setattr",
        "singleton",
        "bind",
        "share",
        "push",
        "unshift",
    }
)
_CACHING = re.compile(r"cache|memo|singleton|once|fixture|lazy|reify|global|inject|provide", re.IGNORECASE)
_OF_REQUEST = frozenset({"g", "request", "req", "ctx", "context", "info"})
_TESTS = frozenset({"not", "is", "is not", "in", "not in", "==", "===", "!==", "!="})


class Around(msgspec.Struct, frozen=True):
    """A call and what stands around it: from the innermost function on, outside first. `node` is the call."""

    path: str
    function: Function | None
    above: tuple[Node, ...]
    node: Node
    script: bool = False  # whose closures do what their function does, and whose names are declared


def around(code: Codebase, call: CallSite) -> Around | None:
    """The text around a call."""
    nodes = nodes_to(code, call)
    if not nodes:
        return None
    above = nodes[:-1]
    if code.files[call.place.path].language in SCRIPTS:
        return _around_in_script(call, above, nodes[-1])
    named = [i for i, n in enumerate(above) if isinstance(n, Function) and n.name]
    first = named[-1] if named else -1
    held = above[first] if named else None
    return Around(call.place.path, held if isinstance(held, Function) else None, above[first + 1 :], nodes[-1])


def _around_in_script(call: CallSite, above: tuple[Node, ...], node: Node) -> Around:
    """From the closure on that the call is spoken of by, if that was handed over, else from the outermost function."""
    spoken = [i for i, n in enumerate(above) if isinstance(n, Call) and call.function.name == _spoken(call, n)]
    after = spoken[-1] if spoken else -1
    first = next((i for i, n in enumerate(above) if i > after and isinstance(n, Function)), -1)
    held = above[first] if first >= 0 else None
    return Around(call.place.path, held if isinstance(held, Function) else None, above[first + 1 :], node, script=True)


def _spoken(call: CallSite, node: Call) -> str:
    return prefix(call.place.path) + label(node)


def caches(function: Function | None) -> bool:
    """Whether decorators say that a function answers from a cache."""
    for decorator in function.decorators if function is not None else ():
        name = dotted(decorator.callee if isinstance(decorator, Call) else decorator)
        if _CACHING.search(name):
            return True
    return False


def looped(site: Around) -> bool:
    """Whether the call stands in a loop of its function."""
    return any(isinstance(n, Loop) for n in site.above)


def fate(code: Codebase, site: Around, held_by: int = -1) -> Fate:
    """What becomes of what the call makes; `held_by` is the position of the argument that keeps it, if one does."""
    function = site.function
    closed = any(isinstance(n, Function) for n in site.above)
    if function is None or (closed and not site.script) or _asked_first(code, site):
        return "kept"
    if isinstance(site.node, Call) and 0 <= held_by < len(site.node.args):
        holder = site.node.args[held_by]
        return _named(function, holder.id) if isinstance(holder, Name) else "kept"
    inner: Node = site.node
    itself = True  # not what one of its methods gives
    for outer in reversed(site.above):
        match outer:
            case Return() | Other(word="yield"):
                return "kept" if closed else "handed on"
            case Assign(operator="??" | "or"):
                return "kept"
            case Assign(target=Name(id=name)) if site.script and not _is_own(code, site, name):
                return "kept"
            case Assign(target=target, value=value) if value is inner:
                return _assigned(function, target)
            case Call(callee=callee, args=args, keywords=keywords):
                given = any(a is inner for a in args) or any(k.value is inner for k in keywords)
                if given and dotted(callee).rpartition(".")[2] in _KEEPERS:
                    return "kept"
                itself = itself and given
            case Other(word="or" | "??" | "?:", children=(first, *_)) if (
                itself and first is not inner and not _is_a_librarys(code, site.path, first)
            ):
                return "kept"
        inner = outer
    return "let go"


def _is_own(code: Codebase, site: Around, name: str) -> bool:
    """Whether a name is surely a variable of the function: neither the script nor a function around declares it."""
    if name in code.definitions(site.path) or site.function is None:
        return False
    return not any(
        isinstance(n, Assign) and isinstance(n.target, Name) and n.target.id == name and not _is_in(n, site.function)
        for top in code.files[site.path].outline
        if top.start <= site.node.start < top.end
        for n in walk(top)
    )


def _is_in(node: Node, function: Function) -> bool:
    return function.start <= node.start and node.end <= function.end


def _assigned(function: Function, target: Node) -> Fate:
    match target:
        case Name(id=name):
            return _named(function, name)
        case Member():
            return _on_object(function, target)
    return "kept"


def _named(function: Function, name: str) -> Fate:
    """What becomes of a local name."""
    found: Fate = "let go"
    for node in (n for statement in function.body for n in walk(statement)):
        match node:
            case Other(word="global" | "nonlocal" | "static", children=names) if any(_is(n, name) for n in names):
                return "kept"
            case Assign(target=Member() as target, value=value) if value is not None and _passes(value, name):
                found = "kept" if _on_object(function, target) == "kept" else "handed on"
            case Assign(target=Other(word="item"), value=value) if value is not None and _passes(value, name):
                return "kept"
            case Call(callee=callee, args=args) if any(_is(a, name) for a in args):
                if dotted(callee).rpartition(".")[2] in _KEEPERS:
                    return "kept"
            case Return(value=value) if value is not None and _passes(value, name):
                found = "handed on"
            case Other(word="yield", children=parts) if any(_passes(p, name) for p in parts):
                found = "handed on"
        if found == "kept":
            return found
    return found


def _passes(value: Node, name: str) -> bool:
    """Whether an expression hands on what a name holds: itself, one of several, or what is made of it."""
    match value:
        case Name():
            return _is(value, name)
        case Call(args=args, keywords=keywords):
            return any(_passes(a, name) for a in (*args, *(k.value for k in keywords)))
        case Other(word="tuple" | "list" | "await" | "dict" | "pair" | "yield" | "?:" | "or", children=parts):
            return any(_passes(p, name) for p in parts)
    return False


def _is(node: Node, name: str) -> bool:
    return isinstance(node, Name) and node.id == name


def _on_object(function: Function, target: Member) -> Fate:
    """What becomes of an attribute: an object's own lasts as long as that does."""
    root = _root(target)
    if root == function.receiver and root and root != "cls":
        return "handed on" if function.name in _CONSTRUCTORS else "let go"
    return "let go" if root in _OF_REQUEST else "kept"


def _root(node: Node) -> str:
    while isinstance(node, Member):
        node = node.of
    return node.id if isinstance(node, Name) else ""


def _asked_first(code: Codebase, site: Around) -> bool:
    """Whether it is only made where it is not there yet: a test around it asks, or one before it returned what was there."""
    for outer, inner in pairwise((*site.above, site.node)):
        match outer:
            case Other(word="if" | "?:", children=(test, *_)) if inner is not test and _asks(code, site.path, test):
                return True
            case Other(word="except"):
                return True
    for statement in site.function.body if site.function is not None else ():
        if statement.start > site.node.start:
            break
        if any(isinstance(n, Other) and n.word == "global" for n in walk(statement)):
            return True
        before = isinstance(statement, Other) and statement.word in ("if", "try") and statement.end <= site.node.start
        if before and any(isinstance(n, Return) and isinstance(n.value, Member | Name | Other) for n in walk(statement)):
            return True
    return False


def _asks(code: Codebase, path: str, test: Node) -> bool:
    """Whether a test asks if something is there that may have been kept."""
    match test:
        case Other(word=word, children=parts) if word in _TESTS:
            return any(not isinstance(p, Text) and not _is_a_librarys(code, path, p) for p in parts)
        case Other(word="and" | "or", children=parts):
            return any(_asks(code, path, p) for p in parts)
        case Call(callee=callee):
            return dotted(callee) in ("hasattr", "isset", "empty", "is_null")
    return False


def _is_a_librarys(code: Codebase, path: str, node: Node) -> bool:
    """Whether an expression is a library's own, as what it calls the current application."""
    named = node.callee if isinstance(node, Call) else node
    return isinstance(named, Name) and isinstance(code.resolve_node(path, named), External)


def closes(site: Around, methods: tuple[str, ...]) -> bool:
    """Whether the function gives back what the call made: it is opened by `with`, or one of these methods is called."""
    if any(isinstance(n, Other) and n.word == "with" and not _is_body(n, site) for n in site.above):
        return True
    body = site.function.body if site.function is not None else ()
    called = (n for statement in body for n in walk(statement) if isinstance(n, Call) and isinstance(n.callee, Member))
    return any(isinstance(n.callee, Member) and n.callee.name in methods for n in called)


def returned(site: Around, methods: tuple[str, ...]) -> Literal["always", "never", "unless it fails"]:
    """Whether the function gives back what the call made by one of these methods, of the name that it is assigned to."""
    assign = next((n for n in site.above if isinstance(n, Assign)), None)
    if assign is None or not isinstance(assign.target, Name) or site.function is None:
        return "always"  # by whoever it was handed to, or by what it was made for
    name, last = assign.target.id, False
    for block, node in _by_block(site.function.body, ""):
        match node:
            case Call(callee=Member(of=Name(id=of), name=method)) if of == name and method in methods:
                if block == "finally":
                    return "always"
                last = True
            case Other(word="with", children=(*opened, _)) if any(_passes(o, name) for o in opened):
                return "always"
    return "unless it fails" if last else "never"


_RETURNS = re.compile(r"release|close|end|dispose|return|free|finish|done", re.IGNORECASE)


def is_held(site: Around, methods: tuple[str, ...]) -> bool:
    """Whether the function holds by a name what the call itself gave, and hands it to nothing that may give it back: not the
    method that does, and nothing that is called like that."""
    held: Node = site.node
    for outer in reversed(site.above):
        match outer:
            case Other(word="await"):
                held = outer
            case Assign(target=Name(id=name), value=value) if value is held:
                break
            case _:
                return False
    else:
        return False
    nodes = [n for statement in (site.function.body if site.function is not None else ()) for n in walk(statement)]
    called = {id(n.callee) for n in nodes if isinstance(n, Call)}
    for node in nodes:
        match node:
            case Member(of=Name(id=of), name=method) if of == name and method in methods and id(node) not in called:
                return False
            case Call(callee=callee, args=args) if any(_passes(a, name) for a in args):
                if _RETURNS.search(dotted(callee).rpartition(".")[2]):
                    return False
            case Assign(target=target, value=Name(id=of)) if of == name and not _is(target, name):
                return False
            case Other(word="pair", children=(_, Name(id=of))) if of == name:
                return False
    return True


def returns(site: Around) -> bool:
    """Whether the function gives its caller what the call made, as itself or by the name that it is assigned to."""
    assign = next((n for n in site.above if isinstance(n, Assign)), None)
    if assign is None or not isinstance(assign.target, Name) or site.function is None:
        return isinstance(site.above[-1], Return) if site.above else False
    nodes = (n for statement in site.function.body for n in walk(statement))
    return any(isinstance(n, Return) and n.value is not None and _is(n.value, assign.target.id) for n in nodes)


_LATER = re.compile(r"callback|teardown|clean_?up|on_close|finish|defer", re.IGNORECASE)


def does_later(site: Around) -> bool:
    """Whether the function says what is to be done when whatever it is called for has ended."""
    body = site.function.body if site.function is not None else ()
    named = (n for statement in body for n in walk(statement) if isinstance(n, Member))
    return any(_LATER.search(n.name) for n in named)


def _by_block(nodes: Sequence[Node], block: str) -> Iterator[tuple[str, Node]]:
    """All nodes, each with whether it stands in what is done however the rest ended."""
    for node in nodes:
        yield block, node
        inner = "finally" if isinstance(node, Other) and node.word == "finally" else block
        yield from _by_block(children(node), inner)


def yields(site: Around) -> bool:
    """Whether the function gives what it makes to somebody and goes on afterwards."""
    body = site.function.body if site.function is not None else ()
    return any(isinstance(n, Other) and n.word == "yield" for statement in body for n in walk(statement))


def _is_body(node: Other, site: Around) -> bool:
    block = node.children[-1]
    return block.start <= site.node.start and site.node.end <= block.end


# -- what a call is made of --------------------------------------------------------------------------------------------

UNKNOWN = "?"
_LASTING = frozenset({"registry", "app", "state", "settings", "config", "application"})


def depends(code: Codebase, site: Around, parts: Iterator[Node]) -> frozenset[str]:
    """The parameters of the function on which these expressions depend; `?` for what cannot be told."""
    function = site.function
    if function is None:
        return frozenset()
    inner = {p.name for n in site.above if isinstance(n, Function) for p in n.parameters} if site.script else set()
    nodes = list(parts)
    if inner and any(isinstance(n, Name) and n.id in inner for part in nodes for n in walk(part)):
        return frozenset({UNKNOWN})
    return frozenset(n for part in nodes for n in _depends(code, site.path, function, part, frozenset()))


def _depends(code: Codebase, path: str, function: Function, node: Node, seen: frozenset[str]) -> Iterator[str]:
    match node:
        case Name(id=name):
            yield from _of_name(code, path, function, name, seen)
        case Member(of=of, name=name):
            root = _root(node)
            if root and root == function.receiver:
                yield from _of_object(code, path, function, node)
            elif name not in _LASTING:
                yield from _depends(code, path, function, of, seen)
        case Function():
            return
        case _:
            for inner in children(node):
                yield from _depends(code, path, function, inner, seen)


def _of_name(code: Codebase, path: str, function: Function, name: str, seen: frozenset[str]) -> Iterator[str]:
    parameter = next((p for p in function.parameters if p.name.lstrip("*&.") == name), None)
    if parameter is not None:
        injected = parameter.default is not None and any(isinstance(n, Call) for n in walk(parameter.default))
        if not injected:
            yield name
    elif name not in seen:
        for node in (n for statement in function.body for n in walk(statement)):
            match node:
                case Assign(target=target, value=value) if value is not None and any(_is(n, name) for n in walk(target)):
                    yield from _depends(code, path, function, value, seen | {name})
                case Loop(target=target) if target is not None and any(_is(n, name) for n in walk(target)):
                    yield UNKNOWN


def _of_object(code: Codebase, path: str, function: Function, node: Member) -> Iterator[str]:
    """What an attribute of the object depends on: nothing, where its class or its constructor gives it the same each time."""
    first = node
    while isinstance(first.of, Member):
        first = first.of
    for definition in code.definitions(path).values():
        if isinstance(definition, ClassDefinition) and any(m.node is function for m in definition.methods.values()):
            if first.name in definition.attributes and not any(_sets(m.node, first.name) for m in definition.methods.values()):
                return
            for method in definition.methods.values():
                if method.node.name in _CONSTRUCTORS:
                    values = list(_set_to(method.node, first.name))
                    if values and not any(True for v in values for _ in _depends(code, path, method.node, v, frozenset())):
                        return
    yield UNKNOWN


def _sets(function: Function, name: str) -> bool:
    return any(True for _ in _set_to(function, name))


def _set_to(function: Function, name: str) -> Iterator[Node]:
    for node in (n for statement in function.body for n in walk(statement)):
        match node:
            case Assign(target=Member(of=Name(id=root), name=found), value=value) if (
                root == function.receiver and found == name and value is not None
            ):
                yield value


def given(call: Call, function: Function, names: frozenset[str]) -> Iterator[Node]:
    """What a call gives the parameters of these names; nothing where it leaves them at their defaults."""
    plain = [p.name.lstrip("*&.") for p in function.parameters]
    for position, argument in enumerate(call.args):
        if (position < len(plain) and plain[position] in names) or (isinstance(argument, Other) and argument.word == "spread"):
            yield argument
    yield from (k.value for k in call.keywords if k.name in names or k.name == "**")
