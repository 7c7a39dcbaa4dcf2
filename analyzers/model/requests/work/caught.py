"""Calls of a client that somebody gives, told by the errors that are caught around them: `except requests.RequestException`."""

from __future__ import annotations

from collections.abc import Iterator

from analyzers.facts.outline import Assign, Call, Function, Member, Name, Node, Other, walk
from analyzers.knowledge.derived import derived
from analyzers.knowledge.work import Work, known
from analyzers.model.naming.code import Codebase
from analyzers.model.naming.definitions import External, FunctionDefinition
from analyzers.model.naming.roles import is_product
from analyzers.model.requests.texts import functions
from analyzers.model.ways import CallSite
from analyzers.model.ways import Function as Reached

_clients = derived(lambda: tuple((one.language, work) for one in known() for work in one.work if work.errors))
_ARGUMENTS = frozenset({"headers", "params", "json", "data", "auth", "files", "stream", "allow_redirects"})


def calls(code: Codebase, seen: frozenset[tuple[str, int]]) -> Iterator[CallSite]:
    """Such calls, but for those that are known by what they are called on (`seen`, by path and line)."""
    for path, facts in code.files.items():
        clients = [w for language, w in _clients() if language == facts.language and is_product(path)]
        if not any(i.path.partition(".")[0] == w.errors for w in clients for i in facts.imports):
            continue
        for definition in functions(code, path):
            for work in clients:
                for call in _tried(code, path, definition.node, work):
                    place = code.place(path, call)
                    if (path, place.span.start_line) not in seen:
                        name = call.callee.name if isinstance(call.callee, Member) else ""
                        yield CallSite(Reached(path, definition.qualified), place, None, f"{work.objects[0]}.{name}")


def _tried(code: Codebase, path: str, function: Function, work: Work) -> Iterator[Call]:
    """The calls of methods in a `try` whose errors are the client's, that are given what its methods take."""
    for node in (n for statement in function.body for n in walk(statement)):
        match node:
            case Other(word="try", children=(block, *others)) if any(_catches(code, path, o, work) for o in others):
                for inner in walk(block):
                    match inner:
                        case Call(callee=Member(of=Name() | Member(), name=name), args=args, keywords=keywords) if (
                            name in work.methods
                            and (args or keywords)
                            and any(k.name in _ARGUMENTS for k in keywords)
                            and not isinstance(code.resolve_node(path, inner.callee), External | FunctionDefinition)
                        ):
                            yield inner


def _catches(code: Codebase, path: str, node: Node, work: Work) -> bool:
    match node:
        case Other(word="except", children=(caught, *_)):
            named = caught.target if isinstance(caught, Assign) and caught.value is None else caught
            named = caught.value if isinstance(caught, Assign) and caught.value is not None else named
            for part in walk(named):
                if isinstance(part, Name | Member):
                    found = code.resolve_node(path, part)
                    if isinstance(found, External) and found.name.startswith(f"{work.errors}."):
                        return True
    return False
