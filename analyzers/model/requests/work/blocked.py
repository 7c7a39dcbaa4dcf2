"""Coroutines that ask a database by a session which waits: their event loop stands still until it has answered."""

from __future__ import annotations

from collections.abc import Iterator

from analyzers.facts.outline import Assign, Call, Function, Member, Name, Node, Other, walk
from analyzers.knowledge.work import Sessions, known
from analyzers.model.errands import Flaw
from analyzers.model.naming.definitions import External, ValueDefinition
from analyzers.model.requests.bodies import Body
from analyzers.words import short

_SESSIONS: dict[str, Sessions] = {one.language: one.sessions for one in known() if one.sessions.classes}


def read(body: Body) -> Iterator[Flaw]:
    """The first such question of a coroutine."""
    words = _SESSIONS.get(body.language)
    if words is None or not body.function.is_async:
        return
    sessions = {p.name for p in body.function.parameters if p.annotation is not None and _is_session(body, p.annotation, words)}
    call = next((n for n in body.nodes if isinstance(n, Call) and sessions and _asks(body, n, sessions, words)), None)
    if call is None or not isinstance(call.callee, Member):
        return
    name = body.said(call.callee.of)
    function = short(body.definition.qualified)
    yield Flaw(
        subject=f"{body.definition.qualified}: {name} stops the event loop",
        title=f"`{name}.{call.callee.name}` stops the event loop of `{function}`",
        message=(
            f"`{function}` is asynchronous, and `{name}` is a session that waits for the database without giving the loop "
            "back: while a query runs, its process does nothing for any other request."
        ),
        remedy="Let it be a plain function, which the framework runs in a thread; or take a session that is awaited.",
        code=words.code.replace("{entry}", body.function.name),
        language=body.language,
        place=body.place(call),
        cause=f"{body.path}: {name} stops the event loop",
    )


def _is_session(body: Body, annotation: Node, words: Sessions) -> bool:
    """Whether a parameter is such a session: `Session`, `Annotated[Session, Depends(get_db)]`, or a name for that."""
    match annotation:
        case Name() | Member():
            found = body.code.resolve_node(body.path, annotation)
            if isinstance(found, External):
                return found.name in words.classes
            if isinstance(found, ValueDefinition) and isinstance(found.node, Assign) and found.node.value is not None:
                names = (n for n in walk(found.node.value) if isinstance(n, Name))
                known_as = [body.code.resolve_node(found.path, n) for n in names]
                return any(isinstance(x, External) and x.name in words.classes for x in known_as)
        case Other(word="item", children=(Name(id="Annotated"), inner, *_)):
            first = inner.children[0] if isinstance(inner, Other) and inner.word == "tuple" and inner.children else inner
            return _is_session(body, first, words)
    return False


def _asks(body: Body, node: Call, sessions: set[str], words: Sessions) -> bool:
    match node.callee:
        case Member(of=Name(id=name), name=method) if name in sessions and method in words.methods:
            around = list(body.around(node))
            if any(isinstance(n, Other) and n.word == "await" for n in around):
                return False
            return not any(isinstance(n, Function) for n in around)  # what is inside may run elsewhere
    return False
