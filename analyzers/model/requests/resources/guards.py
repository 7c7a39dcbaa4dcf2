"""Locks and limits of a project's own that hold in one process: `threading.Lock` around rows, a dictionary that counts calls.

A lock counts where it guards what a database holds and code that a request reaches reads and writes there, without locking the
rows as well: what the process keeps for itself it guards well. A limit counts where what remembers the times of calls is kept
by a module, and too many of them are refused.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from analyzers.deployment.values import State
from analyzers.facts.outline import Assign, Call, Member, Name, Node, Other, Text, dotted, walk
from analyzers.model.naming.code import Codebase
from analyzers.model.naming.definitions import SCRIPTS, ClassDefinition, External, FunctionDefinition, ValueDefinition
from analyzers.model.naming.looked import Importing
from analyzers.model.naming.roles import is_batch, is_product
from analyzers.model.requests.resources.shared import is_empty, kept_by_modules
from analyzers.model.requests.texts import functions
from analyzers.model.ways import Function as Reached
from analyzers.model.ways import Reach
from analyzers.source import Place

_LOCKS = frozenset(
    {"threading.Lock", "threading.RLock", "asyncio.Lock", "anyio.Lock", "threading.Semaphore", "asyncio.Semaphore"}
)
_IMPORTS = Importing.of({"threading", "asyncio", "anyio"})
_WRITES = frozenset(
    {"commit", "save", "asave", "create", "acreate", "bulk_create", "bulk_update", "update_or_create", "get_or_create"}
)
_SESSIONS = re.compile(r"(?:^|[._])(?:session|db|database|conn|connection|cursor)\w*$", re.IGNORECASE)
_ASKS = frozenset({"get", "query", "execute", "scalar", "scalars", "scalar_one", "one", "first", "fetchone", "fetch_one"})
_LOCKS_ROWS = re.compile(r"for_update|advisory|FOR UPDATE", re.IGNORECASE)
_CLOCKS = frozenset({"time", "monotonic", "now", "utcnow", "perf_counter"})
_LIMITING = re.compile(r"rate_?limit|throttl|too_?many", re.IGNORECASE)
_REFUSED = "429"


def states(code: Codebase, reach: Reach) -> Iterator[State]:
    """The locks and limits of the product that hold in one process."""
    kept = kept_by_modules(code)
    for path in sorted({f.path for f in reach.by_requests}):
        script = code.files[path].language in SCRIPTS
        if (code.files[path].language != "python" and not script) or not is_product(path) or is_batch(path):
            continue
        if not script and _IMPORTS.answer(code.files[path].imports):
            yield from _locks(code, reach, path)
        for definition in code.definitions(path).values():
            match definition:
                case ValueDefinition(node=Assign(target=Name(id=name), value=value)) if is_empty(value):
                    uses = [f for f in functions(code, path) if _counts(f, name, own=False)]
                    if any(_refuses(f) or (_is_reached(reach, f) and _limits(f, name)) for f in uses):
                        yield _limit(code, path, name, definition.node)
                case ClassDefinition() if _LIMITING.search(definition.name) and kept[definition.name]:
                    yield from _of_object(code, reach, definition)


def _locks(code: Codebase, reach: Reach, path: str) -> Iterator[State]:
    told: set[str] = set()
    for function in functions(code, path):
        if not _is_reached(reach, function):
            continue
        for node in (n for statement in function.node.body for n in walk(statement)):
            match node:
                case Other(word="with", children=(*opened, block)):
                    for name in (o for o in opened if isinstance(o, Name) and o.id not in told):
                        lock = code.resolve_node(path, name)
                        if not isinstance(lock, ValueDefinition) or not _is_lock(code, lock):
                            continue
                        if (there := _guarded(code, path, block)) is not None:
                            told.add(name.id)
                            places = (code.place(lock.path, lock.node), there)
                            yield State("lock", "process", name.id, places, "process-lock", of=lock.path, certain=True)


def _is_lock(code: Codebase, definition: ValueDefinition) -> bool:
    made = definition.node.value
    called = code.resolve_node(definition.path, made.callee) if isinstance(made, Call) else None
    if not isinstance(called, External) or called.name not in _LOCKS or not isinstance(made, Call):
        return False
    most = made.args[0] if made.args else None  # a semaphore for several is no lock
    return "Semaphore" not in called.name or most is None or (isinstance(most, Text) and str(most.value) == "1")


def _guarded(code: Codebase, path: str, block: Node) -> Place | None:
    """Where something is written of rows that are read under the same lock, by the block itself or by a function that it calls,
    unless the database locks them too."""
    own = list(walk(block))
    called = (code.resolve_node(path, n.callee) for n in own if isinstance(n, Call) and isinstance(n.callee, Name | Member))
    helpers = list(dict.fromkeys(f for f in called if isinstance(f, FunctionDefinition)))
    nodes = [(path, n) for n in own] + [(f.path, n) for f in helpers for s in f.node.body for n in walk(s)]
    if any(_LOCKS_ROWS.search(said) for _, n in nodes for said in _words(n)) or not any(_is_read(n) for _, n in nodes):
        return None
    writes = ((p, n) for p, n in nodes if isinstance(n, Call) and isinstance(n.callee, Member) and n.callee.name in _WRITES)
    first = next(writes, None)
    return code.place(*first) if first is not None else None


def _words(node: Node) -> Iterator[str]:
    match node:
        case Text(value=str() as text):
            yield text
        case Member(name=name) | Name(id=name):
            yield name
        case Call(keywords=keywords):
            yield from (k.name for k in keywords)


def _is_read(node: Node) -> bool:
    match node:
        case Member(name="objects"):
            return True
        case Call(callee=Member(of=of, name=name)):
            return name in _ASKS and _SESSIONS.search(dotted(of)) is not None
    return False


def _is_reached(reach: Reach, function: FunctionDefinition) -> bool:
    return Reached(function.path, function.qualified) in reach.by_requests


def _limit(code: Codebase, path: str, name: str, stated: Node) -> State:
    remedy = "own-limit-of-scripts" if code.files[path].language in SCRIPTS else "own-limit"
    return State("rate limit", "process", name, (code.place(path, stated),), remedy, of=path)


def _of_object(code: Codebase, reach: Reach, definition: ClassDefinition) -> Iterator[State]:
    """What counts in an object that a module keeps."""
    if not any(_is_reached(reach, m) for m in definition.methods.values()):
        return
    for method in definition.methods.values():
        for node in (n for statement in method.node.body for n in walk(statement)):
            match node:
                case Assign(target=Member(of=Name(id=of), name=name), value=value) if of == method.node.receiver:
                    if is_empty(value) and any(_counts(m, name, own=True) for m in definition.methods.values()):
                        yield _limit(code, definition.path, f"{definition.name}.{name}", node)
                        return


def _counts(function: FunctionDefinition, name: str, *, own: bool) -> bool:
    """Whether a function puts something under a key of its caller's, with the time."""
    nodes = [n for statement in function.node.body for n in walk(statement)]
    clock = any(isinstance(n, Call) and dotted(n.callee).rpartition(".")[2] in _CLOCKS for n in nodes)
    return clock and any(_puts(n, name, own=own) for n in nodes)


def _puts(node: Node, name: str, *, own: bool) -> bool:
    match node:
        case Assign(target=Other(word="item", children=(of, *_))):
            return _is(of, name, own=own)
        case Call(callee=Member(of=of, name="set")):
            return _is(of, name, own=own)
        case Call(callee=Member(of=Other(word="item", children=(of, *_)), name="append" | "appendleft" | "add")):
            return _is(of, name, own=own)
    return False


def _is(node: Node, name: str, *, own: bool) -> bool:
    if own:
        return isinstance(node, Member) and node.name == name and isinstance(node.of, Name)
    return isinstance(node, Name) and node.id == name


def _limits(function: FunctionDefinition, name: str) -> bool:
    """Whether a function limits something, by what it or what it counts in is called."""
    return _LIMITING.search(function.qualified) is not None or _LIMITING.search(name) is not None


def _refuses(function: FunctionDefinition) -> bool:
    """Whether a function refuses a request that is one too many."""
    nodes = (n for statement in function.node.body for n in walk(statement))
    return any(_REFUSED in said for n in nodes for said in _said(n))


def _said(node: Node) -> Iterator[str]:
    match node:
        case Text(value=value) if value is not None:
            yield str(value)
        case Member(name=name):
            yield name
