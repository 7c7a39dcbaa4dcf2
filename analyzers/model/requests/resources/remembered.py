"""What functions remember for their process (`lru_cache`), though it changes while the process runs.

Two things tell that it does: a request has the function forget, which it does in its own process only; or what it remembers are
rows that a query finds, counted or listed, whose answer changes with the table.
"""

from __future__ import annotations

from collections.abc import Iterator

from analyzers.deployment.values import State
from analyzers.facts.outline import Call, Function, Member, Name, Node, Return, dotted, walk
from analyzers.model.naming.code import Codebase
from analyzers.model.naming.definitions import ClassDefinition, External, FunctionDefinition
from analyzers.model.naming.looked import Importing
from analyzers.model.naming.roles import is_batch, is_product
from analyzers.model.requests.texts import functions
from analyzers.model.ways import Function as Reached
from analyzers.model.ways import Reach
from analyzers.source import Place

_REMEMBER = frozenset({"functools.lru_cache", "functools.cache"})
_IMPORTS = Importing.of({"functools"})
_FORGETS = "cache_clear"
_ROWS = frozenset({"objects", "query"})
_SEVERAL = frozenset({"count", "all", "filter", "exclude", "values_list", "values", "exists", "aggregate", "order_by"})
_MAKES = frozenset({"list", "set", "tuple", "dict", "sorted", "frozenset", "len"})


def states(code: Codebase, reach: Reach) -> Iterator[State]:
    """The functions of the product that remember what changes."""
    remembering: list[tuple[FunctionDefinition, Node]] = []
    for path, facts in code.files.items():
        if facts.language == "python" and is_product(path) and not is_batch(path) and _IMPORTS.answer(facts.imports):
            for function in functions(code, path):
                remembering += [(function, d) for d in function.node.decorators if _remembers(code, path, d)]
    if not remembering:
        return
    forgotten = dict(_forgotten(code, reach, frozenset(f.node.name for f, _ in remembering)))
    for function, decorator in remembering:
        there = forgotten.get(function)
        if there is not None or (_is_of_rows(code, function) and not _is_for_commands(reach, function)):
            places = (code.place(function.path, decorator), *((there,) if there is not None else ()))
            name = function.qualified.rpartition(".")[2]
            yield State("remembered", "process", name, places, "remembered", of=function.path, certain=True)


def _remembers(code: Codebase, path: str, decorator: Node) -> bool:
    found = code.resolve_node(path, decorator.callee if isinstance(decorator, Call) else decorator)
    return isinstance(found, External) and found.name in _REMEMBER


def _forgotten(code: Codebase, reach: Reach, names: frozenset[str]) -> Iterator[tuple[FunctionDefinition, Place]]:
    """What functions that a request reaches have forgotten: `rates.cache_clear()`."""
    for path in sorted({f.path for f in reach.by_requests}):
        facts = code.files[path]
        if facts.language != "python" or not facts.may_say((_FORGETS,)) or not is_product(path):
            continue
        for function in functions(code, path):
            if Reached(path, function.qualified) not in reach.by_requests:
                continue
            for node in (n for statement in function.node.body for n in walk(statement)):
                match node:
                    case Call(callee=Member(of=Name() | Member() as of, name=name)) if (
                        name == _FORGETS and dotted(of).rpartition(".")[2] in names
                    ):
                        found = code.resolve_node(path, of)
                        if isinstance(found, FunctionDefinition):
                            yield found, code.place(path, node)


def _is_for_commands(reach: Reach, function: FunctionDefinition) -> bool:
    """Whether all that is known to reach a function are commands, whose process ends."""
    entries = reach.entries_to(Reached(function.path, function.qualified))
    return bool(entries) and all(reach.by_function[e].kind == "command" for e in entries)


def _is_of_rows(code: Codebase, function: FunctionDefinition) -> bool:
    """Whether all it gives is what a query of the project's own model finds, and nothing that it is given narrows that."""
    given = [p for p in function.node.parameters if p.name not in ("cls", "self")]
    returned = [n for statement in function.node.body for n in walk(statement) if isinstance(n, Return)]
    if given or function.node.receiver == "self" or len(returned) != 1 or returned[0].value is None:
        return False
    return _finds_several(code, function.path, returned[0].value, function.node)


def _finds_several(code: Codebase, path: str, node: Node, function: Function) -> bool:
    match node:
        case Call(callee=Name(id=name), args=(inner, *_)) if name in _MAKES:
            return _finds_several(code, path, inner, function)
        case Call(callee=Member(of=of, name=name)):
            rows = next((n for n in _chain(of) if isinstance(n, Member) and n.name in _ROWS), None)
            if name not in _SEVERAL or rows is None:
                return False
            if isinstance(rows.of, Name) and rows.of.id == function.receiver:
                return True
            return isinstance(rows.of, Name) and isinstance(code.resolve_node(path, rows.of), ClassDefinition)
    return False


def _chain(node: Node) -> Iterator[Node]:
    """A chain of calls and attributes, last first."""
    yield node
    match node:
        case Member(of=of) | Call(callee=of):
            yield from _chain(of)
