"""Values that one request leaves for another in the memory of its process: a dictionary of jobs, a list of open connections.

Only what is put there by code that a request reaches counts, and only where other code looks for it, or takes it away again,
that does not make it where it is missing: what is merely remembered (a cache of what can be made anew) is nobody's loss.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterator
from functools import partial

import msgspec

from analyzers.deployment.values import State
from analyzers.facts.outline import Assign, Call, Function, Member, Name, Node, Other, children, dotted, walk
from analyzers.model.naming.code import Codebase
from analyzers.model.naming.definitions import SCRIPTS, ClassDefinition, FunctionDefinition, ValueDefinition, statements
from analyzers.model.naming.roles import is_batch, is_product
from analyzers.model.naming.script_names import is_marked
from analyzers.model.requests.texts import functions
from analyzers.model.ways import Function as Reached
from analyzers.model.ways import Reach

_QUEUES = frozenset({"Queue", "SimpleQueue", "LifoQueue", "PriorityQueue"})
_EMPTY = frozenset({"Map", "Set", "dict", "list", "set", "defaultdict", "deque", "OrderedDict", "WeakSet"}) | _QUEUES
_PUTS = frozenset({"append", "add", "insert", "appendleft", "put", "put_nowait", "set", "push", "unshift"})
_TAKES = frozenset({"remove", "discard", "pop", "popleft", "get_nowait", "delete", "shift", "splice"})
_LOOKS = frozenset(
    {"get", "has", "items", "values", "keys", "entries", "forEach", "find", "findIndex", "filter", "some", "includes", "pop"}
)
_CONNECTED = re.compile(r"conn|sock|client|subscri|listener|room|peer|channel|queue", re.IGNORECASE)
_FOR_TRIES = re.compile(r"(?:^|[/_])(?:fake|mock|dummy|stub)s?(?:[/_.]|$)", re.IGNORECASE)
"""Files of what stands in for something else while one tries."""

_NEAR = 2
"""Calls between what a module calls and what puts something there: a factory of a whole application leads to everything."""

_CONSTRUCTORS = ("__init__", "__post_init__", "constructor")
_RECEIVERS = ("self", "cls", "this")
_LANGUAGES = SCRIPTS | {"python"}


_Kept = defaultdict[str, list[tuple[str, Node]]]


class _Use(msgspec.Struct, frozen=True):
    """What a function does with the values: `puts` one under a key (or at the end), `takes` one away, `looks` for one."""

    function: FunctionDefinition
    puts: Node | None = None
    takes: Node | None = None
    looks: Node | None = None
    fills: bool = False  # it looks first, and puts what is missing


def states(code: Codebase, reach: Reach) -> Iterator[State]:
    """The values of the product's modules, and of objects that its modules keep, that requests leave for each other."""
    paths, kept = {f.path for f in reach.by_requests}, kept_by_modules(code)
    for path in sorted(paths):
        if code.files[path].language not in _LANGUAGES or not is_product(path) or is_batch(path) or _FOR_TRIES.search(path):
            continue
        for definition in code.definitions(path).values():
            match definition:
                case ValueDefinition(node=Assign(target=Name(id=name), value=value)) if is_empty(value):
                    own = [f for f in functions(code, path) if not _hides(f.node, name)]
                    yield from _told(code, reach, name, definition.node, path, own, partial(_is, name))
                case ClassDefinition():
                    yield from _of_class(code, reach, definition, kept)


def _of_class(code: Codebase, reach: Reach, definition: ClassDefinition, kept: _Kept) -> Iterator[State]:
    """What the objects of a class hold that a module keeps."""
    if not any(_reached(m) in reach.by_requests for m in definition.methods.values()):
        return
    held = {n: a for n, a in definition.attributes.items() if is_empty(a.value)}
    script = code.files[definition.path].language in SCRIPTS
    own = [m for m in definition.methods.values() if m.node.name in _CONSTRUCTORS]
    made: dict[str, Assign] = {}
    if script:  # whose attributes are each object's own, unless they are static
        made = {n: a for n, a in held.items() if not is_marked(a, "static")}
        held = {n: a for n, a in held.items() if n not in made}
    for method in own:
        for node in (n for statement in method.node.body for n in walk(statement)):
            match node:
                case Assign(target=Member(of=Name(id=of), name=name), value=value) if of == method.node.receiver:
                    if is_empty(value):
                        made[name] = node
    injected = script and any(isinstance(d, Call) for d in definition.node.decorators)  # one is made for all
    if (
        made
        and not injected
        and not any(code.resolve_node(path, callee) is definition for path, callee in kept[definition.name])
    ):
        made = {}
    for name, assign in {**held, **made}.items():
        if name in held and any(_sets(m.node, name) for m in own):
            continue  # each object has its own
        functions = [m for m in definition.methods.values() if m.node.name not in _CONSTRUCTORS]
        said = f"{definition.name}.{name}"
        yield from _told(code, reach, said, assign, definition.path, functions, partial(_is_own, name))


def kept_by_modules(code: Codebase) -> _Kept:
    """What modules call, to keep what it makes, by the last part of its name."""
    found: _Kept = defaultdict(list)
    for path, facts in code.files.items():
        if facts.language not in _LANGUAGES or not is_product(path):
            continue
        for node in statements(facts.outline):
            match node:
                case Assign(target=Name(), value=Call(callee=callee)):
                    found[dotted(callee).rpartition(".")[2]].append((path, callee))
    return found


def _told(
    code: Codebase,
    reach: Reach,
    name: str,
    stated: Node,
    path: str,
    functions: list[FunctionDefinition],
    is_it: Callable[[Node], bool],
) -> Iterator[State]:
    uses = [u for f in functions if (u := _use(f, is_it)) is not None and _reached(f) in reach.by_requests]
    puts = [u for u in uses if u.puts is not None and not u.fills]
    after = [u for u in uses if (u.takes is not None or u.looks is not None) and not u.fills]
    pairs = [(p, a) for p in puts for a in after if p.function is not a.function and _meet(reach, name, p, a)]
    if not pairs or (
        isinstance(stated, Assign) and _holds_objects(stated.value) and not _CONNECTED.search(name.rpartition(".")[2])
    ):
        return
    if any(_is_filled_when_loaded(code, reach, p.function) for p, _ in pairs):
        return
    first, other = pairs[0]
    there = other.takes or other.looks
    if first.puts is not None and there is not None:
        places = (code.place(path, stated), code.place(path, first.puts), code.place(path, there))
        script = code.files[path].language in SCRIPTS
        yield State("values", "process", name, places, "values-of-scripts" if script else "values", of=path)


def _holds_objects(value: Node | None) -> bool:
    """Whether a container only holds what lives in the process anyway, and lets it go."""
    return isinstance(value, Call) and dotted(value.callee).rpartition(".")[2].startswith("Weak")


def _is_filled_when_loaded(code: Codebase, reach: Reach, put: FunctionDefinition) -> bool:
    """Whether a module calls what puts something there while it is loaded: each process fills its own then, with the same."""
    leading = {_reached(put)}
    for _ in range(_NEAR):
        leading |= {call.function for function in leading for call in reach.callers.get(function, ())}
    names = {f.name.rpartition(".")[2] for f in leading}
    for path, facts in code.files.items():
        if facts.language not in _LANGUAGES or not is_product(path):
            continue
        for node in statements(facts.outline):
            match node:
                case Call(callee=Name() | Member() as callee) if dotted(callee).rpartition(".")[2] in names:
                    found = code.resolve_node(path, callee)
                    if isinstance(found, FunctionDefinition) and _reached(found) in leading:
                        return True
    return False


def _meet(reach: Reach, name: str, put: _Use, after: _Use) -> bool:
    """Whether one request finds what another has put there: some begins where nothing is put, or what is put lasts as long as
    somebody is connected."""
    asking, putting = (reach.entries_to(_reached(u.function)) for u in (after, put))
    return not asking <= putting or (after.takes is not None and _CONNECTED.search(name) is not None)


def _reached(definition: FunctionDefinition) -> Reached:
    return Reached(definition.path, definition.qualified)


def _use(function: FunctionDefinition, is_it: Callable[[Node], bool]) -> _Use | None:
    puts: Node | None = None
    takes: Node | None = None
    looks: Node | None = None
    for node in (n for statement in function.node.body for n in walk(statement)):
        match node:
            case Assign(target=Other(word="item", children=(of, *_)), operator="") if is_it(of):
                puts = puts or node
            case Call(callee=Member(of=of, name=name)) if is_it(of):
                puts = puts or (node if name in _PUTS else None)
                takes = takes or (node if name in _TAKES else None)
                looks = looks or (node if name in _LOOKS else None)
            case Other(word="delete", children=parts) if any(
                isinstance(p, Other) and p.word == "item" and is_it(p.children[0]) for p in parts
            ):
                takes = takes or node
            case Other(word="in" | "not in", children=(_, of)) if is_it(of):
                looks = looks or node
        if looks is None:
            looks = next((c for c in children(node) if _reads_item(c, is_it) and not _is_target(node, c)), None)
    if puts is None and takes is None and looks is None:
        return None
    return _Use(function, puts, takes, looks, fills=puts is not None and looks is not None)


def _reads_item(node: Node, is_it: Callable[[Node], bool]) -> bool:
    return isinstance(node, Other) and node.word == "item" and is_it(node.children[0])


def _is_target(above: Node, node: Node) -> bool:
    return (isinstance(above, Assign) and above.target is node) or (isinstance(above, Other) and above.word == "delete")


def is_empty(value: Node | None) -> bool:
    """Whether a container starts with nothing in it: what it will hold comes later."""
    match value:
        case Other(word="dict" | "list" | "set", children=()):
            return True
        case Call(callee=callee, args=args):
            called = dotted(callee).rpartition(".")[2]
            return called in _EMPTY and (not args or called in _QUEUES or called == "defaultdict")
    return False


def _hides(function: Function, name: str) -> bool:
    """Whether a name is the function's own."""
    if any(p.name.lstrip("*") == name for p in function.parameters):
        return True
    nodes = [n for statement in function.body for n in walk(statement)]
    stated = any(isinstance(n, Assign) and _is(name, n.target) for n in nodes)
    return stated and not any(isinstance(n, Other) and n.word == "global" for n in nodes)


def _sets(function: Function, name: str) -> bool:
    nodes = (n for statement in function.body for n in walk(statement))
    return any(isinstance(n, Assign) and isinstance(n.target, Member) and n.target.name == name for n in nodes)


def _is(name: str, node: Node) -> bool:
    return isinstance(node, Name) and node.id == name


def _is_own(name: str, node: Node) -> bool:
    return (
        isinstance(node, Member) and node.name == name and isinstance(node.of, Name) and node.of.id in ("self", "cls", "this")
    )
