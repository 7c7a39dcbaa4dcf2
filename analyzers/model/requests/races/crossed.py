"""Rows that are locked one after another, in an order that each request has of its own: two wait for each other."""

from __future__ import annotations

from collections.abc import Iterator

from analyzers.facts.outline import Call, Function, Loop, Member, Name, Node, Other, walk
from analyzers.model.requests.bodies import Body, parts_of, spoken
from analyzers.model.tables.models import ModelIndex
from analyzers.model.ways import Race

_SORTS = frozenset({"sort", "sorted", "order", "ordered", "sortby", "ksort", "usort", "asort"})
_ONE = frozenset({"equal", "key"})
_ORDER = (
    "Lock them in one order, whoever asks: sort by the key before the loop, or lock all of them by one query that orders them."
)


def read(body: Body, models: ModelIndex) -> Iterator[Race]:
    """The locks that a loop takes, one row at a time."""
    for node, act in body.acts("queried"):
        model = models.by_name.get(act.model)
        words = model.library.concurrency if model is not None else None
        if model is None or words is None or act.gives != "row" or not _locks(node, words.locking):
            continue
        loop = _loop(body, node)
        if loop is None or loop.kind != "for" or loop.over is None or not _by_item(loop, node) or _is_sorted(body, loop.over):
            continue
        if act.rows is None or any(s.how not in _ONE for s in act.searches) or _are_rows_of(body, loop.over, act.model):
            continue
        yield Race(
            kind="crossed",
            function=body.called,
            place=body.place(node),
            model=model.name,
            table=model.table,
            row=body.said(loop.over),
            also=((body.place(loop.over), "in whatever order this has"),),
            sentence=_ORDER,
            code=words.ordered.replace("Model", model.name),
            language=body.language,
            abstract=model.abstract,
        )
        return


def _loop(body: Body, node: Node) -> Loop | None:
    """The loop around a node, unless each turn of it opens something of its own: a transaction that ends with the turn."""
    for outer in body.around(node):
        match outer:
            case Loop():
                return outer
            case Function() | Other(word="with"):
                return None
    return None


def _locks(node: Node, locking: tuple[str, ...]) -> bool:
    return any(isinstance(n, Call) and isinstance(n.callee, Member) and n.callee.name in locking for n in walk(node))


def _by_item(loop: Loop, node: Node) -> bool:
    """Whether the row is asked for by what the loop walks."""
    target = {n.id for n in walk(loop.target) if isinstance(n, Name)} if loop.target is not None else set()
    key = {n.id for n in walk(loop.key) if isinstance(n, Name)} if loop.key is not None else set()
    return any(isinstance(n, Name) and n.id in target | key for n in walk(node))


def _is_sorted(body: Body, over: Node) -> bool:
    """Whether something sorts what is walked, here or where it is made."""
    given = [a.value for n in walk(over) if isinstance(n, Name) for a in body.assigned.get(n.id, ()) if a.value is not None]
    names = {part for name in spoken((over, *given)) for part in (name.lower(), *parts_of(name))}
    held = {n.id for n in walk(over) if isinstance(n, Name)}
    sorted_here = any(
        isinstance(n, Call)
        and bool(_SORTS & {p for name in spoken((n.callee,)) for p in (name.lower().lstrip("\\"), *parts_of(name))})
        and any(isinstance(p, Name) and p.id in held for p in walk(n))
        for n in body.nodes
    )
    return bool(names & _SORTS) or sorted_here


def _are_rows_of(body: Body, over: Node, model: str) -> bool:
    """Whether the loop walks rows of the same model, which come in the order of their query."""
    given = (a.value for n in walk(over) if isinstance(n, Name) for a in body.assigned.get(n.id, ()) if a.value is not None)
    for node in (n for part in (over, *given) for n in walk(part)):
        act = body.act(node, "queried") if isinstance(node, Call) else None
        if act is not None and act.model == model:
            return True
    return isinstance(over, Other) and over.word in ("list", "tuple")
