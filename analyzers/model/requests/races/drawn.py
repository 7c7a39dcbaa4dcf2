"""Numbers that a function of the project gives: the next after the greatest, or the first that no row has yet.

A function says that it gives one (`drawing`), and another that a column gets what a call gives (`drawn`). Which function the
call is, the ways between functions tell: the rule puts both together.
"""

from __future__ import annotations

from collections.abc import Iterator

from analyzers.facts.outline import Assign, Call, Function, Loop, Member, Name, Node, Other, Return, Text, dotted, walk
from analyzers.knowledge.concurrency import Concurrency
from analyzers.model.inference.acts import Act
from analyzers.model.requests.bodies import Body, parts_of, spoken
from analyzers.model.requests.races import checks, sequences
from analyzers.model.tables.models import Model, ModelIndex
from analyzers.model.ways import Race

_ASKS = frozenset({"exists", "aexists", "doesntExist", "findOneBy", "one_or_none", "scalar_one_or_none"})
_ASKS_KNOWN = frozenset({"count", "first", "get", "scalar", "find"})
_FIRST = frozenset({"first", "firstOrFail", "afirst", "one_or_none"})
_STEPS = frozenset({"range", "count"})
_RANDOM = frozenset({"random", "rand", "randint", "choice", "choices", "uuid", "uuid4", "token", "secrets", "uniqid"})
_NUMBERS = frozenset({"number", "no", "num", "nr", "sequence", "seq", "serial", "reference", "ref", "counter", "code"})


def read(body: Body, models: ModelIndex) -> Iterator[Race]:
    """What the function gives, and what its rows are given by others."""
    yield from _drawing(body, models)
    yield from _drawn(body, models)


# -- functions that give a number --------------------------------------------------------------------------------------


def _drawing(body: Body, models: ModelIndex) -> Iterator[Race]:
    returned = [n for n in body.nodes if isinstance(n, Return) and n.value is not None and _is_own(body, n)]
    for source, call in (*_probes(body), *_last(body, models)):
        name = _name_at(body, source)
        given = any(_within(source, r) or (name and name in _names(r)) for r in returned)
        if given or (body.function.receiver and name.startswith(f"{body.function.receiver}.")):
            place = body.place(source)
            yield Race("drawing", body.called, place, "", "", call=call, language=body.language)
            return


def _is_own(body: Body, node: Node) -> bool:
    """Whether a return is that of the function, and not of one within it."""
    return not any(isinstance(outer, Function) for outer in body.around(node))


def _name_at(body: Body, source: Node) -> str:
    """The local name that holds a number once it was found."""
    if isinstance(source, Assign):
        return dotted(source.target)
    above = next((n for n in body.around(source) if isinstance(n, Assign)), None)
    return dotted(above.target) if above is not None else ""


def _last(body: Body, models: ModelIndex) -> Iterator[tuple[Node, str]]:
    """The number after the greatest, or the greatest itself."""
    for node in body.nodes:
        if sequences.after_last(body, node, models) is not None or _after_last(body, node):
            yield node, "next"
    for node in body.nodes:
        if isinstance(node, Call) and sequences.is_greatest(body, node, models):
            yield node, "last"


def _after_last(body: Body, node: Node) -> bool:
    """Whether one is added to a column of the row that has the greatest, of whichever table: `$last->number + 1`."""
    match node:
        case Other(word="+", children=(Member(of=Name(id=row), name=column), Text(value=1))):
            given = [a.value for a in body.assigned.get(row, ()) if a.end <= node.start and a.value is not None]
            return any(_orders_by(value, column) for value in given[-1:])
    return False


def _orders_by(value: Node, column: str) -> bool:
    """Whether a query orders by a column, the greatest first, and gives the first row."""
    calls = [n for n in walk(value) if isinstance(n, Call) and isinstance(n.callee, Member)]
    if not calls or not any(isinstance(c.callee, Member) and c.callee.name in _FIRST for c in calls):
        return False
    for call in calls:
        match call:
            case Call(callee=Member(name="orderBy"), args=(Text(value=named), Text(value="desc" | "DESC"))):
                pass
            case Call(callee=Member(name="orderByDesc" | "latest"), args=(Text(value=named),)):
                pass
            case Call(callee=Member(name="order_by"), args=(Text(value=str() as named),)) if named.startswith("-"):
                named = named[1:]
            case _:
                continue
        if named == column:
            return True
    return False


def _probes(body: Body) -> Iterator[tuple[Node, str]]:
    """Where a loop that asks whether a number is there, and tries the next one if it is, gets its number."""
    for loop in body.nodes:
        if isinstance(loop, Loop) and (found := probed(body, loop)) is not None:
            yield found, "free"


def probed(body: Body, loop: Loop) -> Node | None:
    """The assignment of what a loop asks for and counts on, if it does so."""
    within = [*(walk(loop.over) if loop.over is not None else ()), *(n for part in loop.body for n in walk(part))]
    counted = {name for n in within if (name := _raised(n))}
    match loop:
        case Loop(kind="for", target=Name(id=name), over=Call(callee=callee)) if dotted(callee).rpartition(".")[2] in _STEPS:
            counted.add(name)
    if not counted or loop.kind not in ("while", "for"):
        return None
    asked = {name for n in within if isinstance(n, Call) and _asks(body, n) for name in _names(n)}
    given = [n for n in within if isinstance(n, Assign) and n.value is not None and isinstance(n.target, Name | Member)]
    if any(_parts(n.value) & _RANDOM for n in given if n.value is not None):
        return None
    reached = set(counted)
    for _ in range(3):
        reached |= {dotted(n.target) for n in given if n.value is not None and _names(n.value) & reached}
    hit = (n for n in given if dotted(n.target) in asked & reached)
    return next(hit, None)


def _raised(node: Node) -> str:
    """The name that a statement adds one to."""
    match node:
        case Assign(target=Name(id=name), operator="+", value=Text()):
            return name
        case Assign(target=Name(id=name), operator="", value=Other(word="+", children=(Name(id=other), Text()))) if (
            name == other
        ):
            return name
    return ""


def _asks(body: Body, call: Call) -> bool:
    if not isinstance(call.callee, Member):
        return False
    return call.callee.name in _ASKS or (call.callee.name in _ASKS_KNOWN and body.act(call, "queried") is not None)


def _names(node: Node) -> set[str]:
    return {n.id for n in walk(node) if isinstance(n, Name)}


def _parts(node: Node) -> set[str]:
    return {part for name in spoken((node,)) for part in parts_of(name)}


def _within(node: Node, outer: Node) -> bool:
    return outer.start <= node.start and node.end <= outer.end


# -- rows that get one -------------------------------------------------------------------------------------------------


def _drawn(body: Body, models: ModelIndex) -> Iterator[Race]:
    told: set[tuple[str, str]] = set()
    for node, value, column, act in _given(body):
        model = models.by_name.get(act.model)
        words = model.library.concurrency if model is not None else None
        if model is None or words is None or not set(parts_of(column)) & _NUMBERS or (model.qualified, column) in told:
            continue
        calls = list(_calls(body, value))
        if calls:
            told.add((model.qualified, column))
            yield _race(body, model, words, node, column, calls, plus=_is_next(body, value))


def _given(body: Body) -> Iterator[tuple[Node, Node, str, Act]]:
    """The columns that get something here: at which node, what, and of which rows."""
    for node, act in body.acts("assigned"):
        if isinstance(node, Assign) and node.value is not None and not node.operator:
            yield node, node.value, act.name, act
    for node, act in body.acts("called"):
        if isinstance(node, Call) and act.name.startswith("set") and len(node.args) == 1:
            yield node, node.args[0], act.name[3:4].lower() + act.name[4:], act
    for kind in ("made", "queried"):
        for node, act in body.acts(kind):
            if isinstance(node, Call) and (kind == "made" or act.effect == "create") and not act.ensures:
                for column, value in checks.attributes(body, node).items():
                    if _within(value, node):
                        yield value, value, column, act


def _calls(body: Body, value: Node) -> Iterator[Call]:
    """The calls that a value is made of, also by a local name."""
    for part in walk(value):
        if isinstance(part, Call) and body.act(part, "queried") is None:
            yield part
        elif isinstance(part, Name):
            before = [a for a in body.assigned.get(part.id, ()) if a.end <= value.start and a.value is not None]
            for inner in (n for a in before[-1:] if a.value is not None for n in walk(a.value)):
                if isinstance(inner, Call) and body.act(inner, "queried") is None:
                    yield inner


def _is_next(body: Body, value: Node) -> bool:
    sums = [n for n in walk(value) if isinstance(n, Other) and n.word == "+"]
    for part in walk(value):
        if isinstance(part, Name):
            given = [a for a in body.assigned.get(part.id, ()) if a.end <= value.start and a.value is not None]
            sums += [n for a in given if a.value is not None for n in walk(a.value) if isinstance(n, Other) and n.word == "+"]
    return any(isinstance(c, Text) and c.value == 1 for s in sums for c in s.children)


def _race(body: Body, model: Model, words: Concurrency, node: Node, column: str, calls: list[Call], *, plus: bool) -> Race:
    stated = model.columns.get(column)
    return Race(
        kind="drawn",
        function=body.called,
        place=body.place(node),
        model=model.name,
        table=model.table,
        columns=(stated.name if stated is not None else column,),
        row=column,
        call="last" if plus else "next",
        also=tuple((body.place(call), "asks for the number") for call in calls),
        handled=checks.handled(body, node, words),
        sentence=sequences.NUMBER,
        language=model.library.language,
        constraint=words.unique,
        abstract=model.abstract,
    )
