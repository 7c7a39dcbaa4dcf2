"""Coroutines that ask a database and wait: their event loop stands still until it has answered, or the library refuses."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from analyzers.facts.outline import Assign, Call, Function, Loop, Member, Name, Node, Other, walk
from analyzers.knowledge.derived import derived
from analyzers.knowledge.work import Refused, Sessions, known
from analyzers.model.errands import Flaw
from analyzers.model.naming.definitions import External, ValueDefinition
from analyzers.model.requests.bodies import Body
from analyzers.model.tables.models import Model, ModelIndex
from analyzers.words import short

_sessions: Callable[[], dict[str, Sessions]] = derived(
    lambda: {one.language: one.sessions for one in known() if one.sessions.classes}
)
_refused: Callable[[], dict[str, Refused]] = derived(lambda: {words.library: words for one in known() for words in one.refused})
_languages = derived(lambda: frozenset(one.language for one in known() if one.refused))
_SHORTEST = len("async for ")


def read(body: Body, models: ModelIndex) -> Iterator[Flaw]:
    """The first such question of a coroutine, by a session, and by rows."""
    if body.function.is_async:
        yield from _by_session(body)
        yield from _by_rows(body, models)


# -- by rows -----------------------------------------------------------------------------------------------------------


def _by_rows(body: Body, models: ModelIndex) -> Iterator[Flaw]:
    """The first query of rows that their library refuses on an event loop."""
    for node in body.nodes if body.language in _languages() else ():
        found = _asked(body, node, models)
        if found is None or _is_apart(body, node):
            continue
        model, name, words = found
        function = short(body.definition.qualified)
        how = f"`{words.awaited}{name}`, awaited" if name else "`async for`"
        what = f"`{name}` of `{model.name}`" if name else f"A loop over rows of `{model.name}`"
        yield Flaw(
            subject=f"{body.definition.qualified}: {model.name} asked on the event loop",
            title=f"{what} raises `{words.raises}` in `{function}`",
            message=(
                f"`{function}` is asynchronous, and {model.library.title} refuses to ask the database on an event loop: it "
                f"raises `{words.raises}`. Where that is switched off (`{words.switch}`), the process does nothing for "
                "any other request until the database has answered."
            ),
            remedy=f"Take {how}, or have a thread do it: `await sync_to_async(…)()`.",
            code=_awaited(body, node, words),
            language=body.language,
            place=body.place(node),
            weight="high",
            cause=f"{body.definition.qualified}: asked on the event loop",
        )
        return


def _asked(body: Body, node: Node, models: ModelIndex) -> tuple[Model, str, Refused] | None:
    """The model whose rows a node asks for, and by which method; by none where it is a loop over them."""
    match node:
        case Call(callee=Member(name=name)):
            act = body.act(node, "queried") or body.act(node, "written")
        case Loop(kind="for", over=Call() as over, target=target) if target and target.start - node.start < _SHORTEST:
            act, name = body.act(over, "queried"), ""
            act = act if act is not None and act.gives == "rows" else None
        case _:
            return None
    model = models.by_name.get(act.model) if act is not None else None
    words = _refused().get(model.library.library) if model is not None else None
    if model is None or words is None or (name and name not in words.methods):
        return None
    return model, name, words


def _awaited(body: Body, node: Node, words: Refused) -> str:
    match node:
        case Call(callee=Member(of=of, name=name)) if said := body.said(of):
            return f"await {said}.{words.awaited}{name}(…)"
    return ""


def _is_apart(body: Body, node: Node) -> bool:
    """Whether a node is awaited, or stands in a function inside of this one, which may run elsewhere."""
    around = list(body.around(node))
    return any(isinstance(n, Function) or (isinstance(n, Other) and n.word == "await") for n in around)


# -- by a session ------------------------------------------------------------------------------------------------------


def _by_session(body: Body) -> Iterator[Flaw]:
    words = _sessions().get(body.language)
    if words is None:
        return
    sessions = {p.name for p in body.function.parameters if p.annotation is not None and _is_session(body, p.annotation, words)}
    sessions |= {name for name, given in body.assigned.items() if all(_is_made(body, a.value, words) for a in given)}
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


def _is_made(body: Body, value: Node | None, words: Sessions) -> bool:
    """Whether a value is such a session, made there: `Session(engine)`, or `SessionLocal()` of a maker."""
    if not isinstance(value, Call):
        return False
    found = body.code.resolve_node(body.path, value.callee)
    if isinstance(found, ValueDefinition) and isinstance(found.node, Assign) and isinstance(found.node.value, Call):
        maker = body.code.resolve_node(found.path, found.node.value.callee)
        return isinstance(maker, External) and maker.name in words.makers
    return isinstance(found, External) and found.name in words.classes


def _asks(body: Body, node: Call, sessions: set[str], words: Sessions) -> bool:
    match node.callee:
        case Member(of=Name(id=name), name=method) if name in sessions and method in words.methods:
            return not _is_apart(body, node)
    return False
