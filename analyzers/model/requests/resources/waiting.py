"""Jobs that requests leave for a thread of their own process: what waits there is gone with it, and no other process takes it.

Told of a queue that a module keeps, into which code that a request reaches puts something, and that a function empties which
runs as a thread or a task of its own. What is only told of (logs, metrics, events for analysis) may get lost.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from analyzers.deployment.values import State
from analyzers.facts.outline import Assign, Call, Member, Name, Node, walk
from analyzers.model.naming.code import Codebase
from analyzers.model.naming.definitions import External, FunctionDefinition, ValueDefinition
from analyzers.model.naming.looked import Importing
from analyzers.model.naming.roles import is_batch, is_product
from analyzers.model.requests.texts import functions
from analyzers.model.ways import Function as Reached
from analyzers.model.ways import Reach

_QUEUES = frozenset(
    {f"{module}.{name}" for module in ("queue", "asyncio") for name in ("Queue", "SimpleQueue", "PriorityQueue")}
)
_IMPORTS = Importing.of({"queue", "asyncio"})
_STARTS = frozenset({"threading.Thread", "threading.Timer", "asyncio.create_task", "asyncio.ensure_future"})
_STARTERS = Importing.of({"threading", "asyncio"})
_TOLD_OF = re.compile(
    r"log|metric|telemetr|analytic|track|trace|stat|audit|event|notif|broadcast|listen|subscri", re.IGNORECASE
)


def states(code: Codebase, reach: Reach) -> Iterator[State]:
    """The queues of the product's modules that a thread of the same process empties."""
    started: frozenset[Reached] | None = None
    for path, facts in code.files.items():
        if facts.language != "python" or not is_product(path) or is_batch(path) or not _IMPORTS.answer(facts.imports):
            continue
        for name, definition in code.definitions(path).items():
            if not isinstance(definition, ValueDefinition) or _TOLD_OF.search(name) or not _is_queue(code, definition):
                continue
            own = list(functions(code, path))
            puts = [(f, n) for f in own if _reached(f) in reach.by_requests and (n := _calls(f, name, ("put", "put_nowait")))]
            takes = [f for f in own if _calls(f, name, ("get", "get_nowait"))]
            if not puts or not takes:
                continue
            started = frozenset(_started(code)) if started is None else started
            worker = next((f for f in takes if _reached(f) in started and not _TOLD_OF.search(f.qualified)), None)
            if worker is not None and _reached(worker) not in reach.by_requests:
                there = (puts[0][1], _calls(worker, name, ("get", "get_nowait")))
                places = (code.place(path, definition.node), *(code.place(path, n) for n in there if n is not None))
                yield State("jobs", "process", name, places, "jobs", of=path, certain=True)


def _is_queue(code: Codebase, definition: ValueDefinition) -> bool:
    made = definition.node.value if isinstance(definition.node, Assign) else None
    called = code.resolve_node(definition.path, made.callee) if isinstance(made, Call) else None
    return isinstance(called, External) and called.name in _QUEUES


def _calls(function: FunctionDefinition, name: str, methods: tuple[str, ...]) -> Node | None:
    """The first call of one of these methods of a name."""
    for node in (n for statement in function.node.body for n in walk(statement)):
        match node:
            case Call(callee=Member(of=Name(id=of), name=method)) if of == name and method in methods:
                return node
    return None


def _started(code: Codebase) -> Iterator[Reached]:
    """The functions that the product runs as threads or tasks of their own: what is handed to what starts one."""
    for path, facts in code.files.items():
        if facts.language != "python" or not is_product(path) or not _STARTERS.answer(facts.imports):
            continue
        for node in (n for top in facts.outline for n in walk(top)):
            match node:
                case Call(callee=Name() | Member() as callee, args=args, keywords=keywords):
                    called = code.resolve_node(path, callee)
                    if not isinstance(called, External) or called.name not in _STARTS:
                        continue
                    for given in (*args, *(k.value for k in keywords if k.name in ("target", "function", "coro"))):
                        named = given.callee if isinstance(given, Call) else given
                        found = code.resolve_node(path, named) if isinstance(named, Name | Member) else None
                        if isinstance(found, FunctionDefinition):
                            yield _reached(found)


def _reached(definition: FunctionDefinition) -> Reached:
    return Reached(definition.path, definition.qualified)
