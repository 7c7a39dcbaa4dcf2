"""What is tried again: at once, though the other side may have too much to do; or as a whole, though half of it is done."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from analyzers.facts.outline import Call, Function, Loop, Member, Name, Node, Other, Return, Text, dotted, walk
from analyzers.knowledge.derived import derived
from analyzers.knowledge.work import Retrying, known
from analyzers.model.errands import Errand, Flaw
from analyzers.model.naming.code import Codebase
from analyzers.model.naming.definitions import External, FunctionDefinition
from analyzers.model.naming.roles import is_batch, is_product
from analyzers.model.requests.bodies import parts_of
from analyzers.model.requests.texts import calls_in, functions
from analyzers.model.requests.work import sites
from analyzers.model.ways import CallSite, Reach
from analyzers.model.ways import Function as Reached
from analyzers.words import short

_known: Callable[[], dict[str, tuple[Retrying, ...]]] = derived(
    lambda: {one.language: one.retries for one in known() if one.retries}
)
_packages = derived(
    lambda: {
        language: frozenset(name.partition(".")[0] for words in retries for name in words.calls)
        for language, retries in _known().items()
    }
)
_methods = derived(
    lambda: frozenset(name for one in known() for words in one.retries for name in (*words.methods, *words.calls))
)
_retried = derived(lambda: {mark: wanted for one in known() for mark, wanted in one.retried.items()})
_never = derived(lambda: {name: value for one in known() for name, value in one.never.items()})
_OUTSIDE = frozenset({"http", "mail", "message", "payment", "model", "storage"})
_PAUSES = frozenset({"sleep", "usleep", "wait", "backoff", "delay", "retry", "release", "countdown"})
_REMEDY = "Wait before each try, longer each time and not all for as long; and give up soon, as somebody waits."


def flaws(code: Codebase, reach: Reach, errands: Iterable[Errand]) -> Iterator[Flaw]:
    """What requests and jobs try again without a pause."""
    for path, facts in code.files.items():
        retries = _known().get(facts.language, ())
        if not retries or not is_product(path) or is_batch(path) or not _may_retry(code, path):
            continue
        for definition in functions(code, path):
            if reach.entry_to(Reached(path, definition.qualified), "request", "task") is not None:
                yield from _stated(code, definition, retries)
    for errand in errands:
        if errand.kind in _OUTSIDE and errand.reached in ("request", "task") and not is_batch(errand.place.path):
            yield from _looped(code, errand)
        if errand.kind in ("mail", "message", "payment"):
            yield from _as_a_whole(code, errand)


def _may_retry(code: Codebase, path: str) -> bool:
    facts = code.files[path]
    if facts.language == "php":
        return facts.may_say(_methods())
    return any(i.path.partition(".")[0] in _packages()[facts.language] for i in facts.imports)


# -- by a library ------------------------------------------------------------------------------------------------------


def _stated(code: Codebase, definition: FunctionDefinition, retries: tuple[Retrying, ...]) -> Iterator[Flaw]:
    decorators = (d for d in definition.node.decorators if isinstance(d, Call))
    for call in (*decorators, *calls_in(definition.node)):
        words = next((w for w in retries if _is_of(code, definition.path, call, w)), None)
        if words is None or not _is_again(call, words):
            continue
        name = dotted(call.callee).rpartition(".")[2]
        yield Flaw(
            subject=f"{definition.qualified}: {name} without a pause",
            title=f"`{name}` tries again at once",
            message=(
                f"`{short(definition.qualified)}` has what failed tried again, and `{name}` does not wait in between unless it "
                "is told to. When the other side has too much to do, everybody asks several times at once, and it has more."
            ),
            remedy=_REMEDY,
            code=words.code,
            language=code.files[definition.path].language,
            place=code.place(definition.path, call),
            weight="low",
        )


def _is_of(code: Codebase, path: str, call: Call, words: Retrying) -> bool:
    callee = call.callee
    if isinstance(callee, Member) and callee.name in words.methods:
        root: Node = callee.of
        while not isinstance(root, Name):
            match root:
                case Call(callee=inner) | Member(of=inner):
                    root = inner
                case _:
                    return False
        found = code.resolve_node(path, root)
        return isinstance(found, External) and found.name in words.objects
    if not words.calls or not isinstance(callee, Name | Member):
        return False
    found = code.resolve_node(path, callee)
    if isinstance(found, External):
        return found.name in words.calls
    return found is None and isinstance(callee, Name) and callee.id.lstrip("\\") in words.calls


def _is_again(call: Call, words: Retrying) -> bool:
    """Whether something is tried more than once, and nothing says how long it waits before that."""
    given = {k.name: k.value for k in call.keywords}
    if given.keys() & {*words.waits, "**"} or (0 <= words.at < len(call.args)):
        return False
    if any(isinstance(a, Other) and a.word in ("spread", "list", "dict") for a in call.args):
        return False
    times = [given[name] for name in words.times if name in given] or list(call.args[:1])
    numbers = [t.value for t in times if isinstance(t, Text)]
    return bool(times) and not (numbers and all(not n or n is True or n == 1 for n in numbers) and len(numbers) == len(times))


# -- by a queue, as a whole --------------------------------------------------------------------------------------------


def _as_a_whole(code: Codebase, errand: Errand) -> Iterator[Flaw]:
    """A job that tells several something, and is tried again from its beginning: who was told is told again."""
    path = errand.place.path
    definition = next((f for f in functions(code, path) if f.qualified == errand.function), None)
    mark = next((d for d in definition.node.decorators if is_retried(code, path, d)), None) if definition is not None else None
    site = sites.stand(code, CallSite(Reached(path, errand.function), errand.place)) if mark is not None else None
    loop = sites.loop_of(site) if site is not None else None
    if definition is None or mark is None or site is None or loop is None or _is_tried(site, loop):
        return
    name = definition.node.name
    yield Flaw(
        subject=f"{errand.function}: {errand.library} again for each",
        title=f"`{name}` does again what it has done when it is tried again",
        message=(
            f"`{name}` {errand.does} for each of several, and is tried again from its beginning where one of them fails: those "
            "before it get theirs again with each try."
        ),
        remedy="Queue a task for each of them; or write down who has got it, and leave them out.",
        code=f"for key in keys:\n    {name}_one.delay(key)",
        language="python",
        place=errand.place,
        related=((code.place(path, mark), "is tried again"), (sites.place(code, site, loop), "for each of these")),
    )


def is_retried(code: Codebase, path: str, mark: Node) -> bool:
    """Whether a decorator has a job tried again from its beginning where it fails."""
    found = code.resolve_node(path, mark.callee if isinstance(mark, Call) else mark)
    given = {k.name: k.value for k in mark.keywords} if isinstance(mark, Call) else {}
    wanted = _retried().get(found.name) if isinstance(found, External) else None
    refused = any(isinstance(v, Text) and k in _never() and v.value == _never()[k] for k, v in given.items())
    return wanted is not None and not refused and (not wanted or not given.keys().isdisjoint(wanted))


def _is_tried(site: sites.Stand, loop: Node) -> bool:
    """Whether one that fails does not stop the others."""
    at = next((i for i, n in enumerate(site.around) if n is loop), 0)
    return any(isinstance(n, Other) and n.word == "try" for n in site.around[at:])


# -- by a loop ---------------------------------------------------------------------------------------------------------


def _looped(code: Codebase, errand: Errand) -> Iterator[Flaw]:
    site = sites.stand(code, CallSite(Reached(errand.place.path, errand.function), errand.place))
    loop = _loop(site) if site is not None else None
    if site is None or loop is None:
        return
    yield Flaw(
        subject=f"{errand.function}: {errand.library} again without a pause",
        title=f"`{short(errand.function)}` tries again at once",
        message=(
            f"`{short(errand.function)}` {errand.does} in a loop that tries again when it fails, and does not wait in between. "
            "When the other side has too much to do, everybody asks several times at once, and it has more."
        ),
        remedy=_REMEDY,
        code="time.sleep(0.5 * 2**attempt)" if errand.place.path.endswith(".py") else "usleep(500_000 * 2 ** $attempt);",
        language="python" if errand.place.path.endswith(".py") else "php",
        place=errand.place,
        related=((sites.place(code, site, loop), "tries again here"),),
        weight="low",
    )


def _loop(site: sites.Stand) -> Loop | None:
    """The loop that has the call done again where it fails, and is left where it does not."""
    tried: Other | None = None
    inner: Node = site.node
    for outer in reversed(site.around):
        match outer:
            case Other(word="try", children=(block, *_)) if block is inner and tried is None:
                tried = outer
            case Loop():
                return outer if tried is not None and _goes_round(outer, tried, site.node) else None
            case Function():
                return None
        inner = outer
    return None


def _goes_round(loop: Loop, tried: Other, node: Node) -> bool:
    counted = loop.kind == "while" or (isinstance(loop.over, Call) and dotted(loop.over.callee) == "range") or loop.over is None
    block, *others = tried.children
    caught = [o for o in others if isinstance(o, Other) and o.word == "except"]
    leaves = any(
        isinstance(n, Return) or (isinstance(n, Other) and n.word == "break")
        for part in (block, *(o for o in others if o not in caught), *(s for s in loop.body if s.start >= tried.end))
        for n in walk(part)
        if n.end > node.start
    )
    return counted and leaves and any(not _ends(o) for o in caught) and not any(map(_pauses, walk(loop)))


def _ends(caught: Other) -> bool:
    """Whether nothing is tried again after an error of this kind."""
    body = caught.children[-1]
    statements = body.children if isinstance(body, Other) and body.word == "block" else (body,)
    return any(isinstance(s, Return) or (isinstance(s, Other) and s.word in ("raise", "break")) for s in statements)


def _pauses(node: Node) -> bool:
    match node:
        case Name(id=name) | Member(name=name):
            return bool(_PAUSES.intersection(parts_of(name)))
    return False
