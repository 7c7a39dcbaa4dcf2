"""Rows that meet each other in memory: lists searched for each row, loops within loops, keys of a table listed in a query."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from analyzers.facts.outline import Call, Loop, Member, Name, Node, Other, walk
from analyzers.model.inference.acts import Act
from analyzers.model.requests.bodies import Body, names_in
from analyzers.model.requests.results import answers
from analyzers.model.tables.models import Model, ModelIndex
from analyzers.model.ways import Heap

_IN = "__in"
_NAMED = frozenset({"in_", "whereIn", "whereNotIn", "whereKey"})
_LISTS = frozenset({"list", "sorted", "tuple"})
_SETS = _LISTS | {"set", "frozenset"}
_MOST = 3  # lists made of lists that are followed into one another


def read(body: Body, models: ModelIndex) -> Iterator[Heap]:
    """What a function does with rows in loops."""
    found = {id(node): act for node, act in answers.sources(body) if act.model in models.by_name}
    if found:
        yield from _searched(body, models, found)
        yield from _crossed(body, models, found)
        yield from _named(body, models, found)


def _heap(
    body: Body,
    model: Model,
    act: Act,
    kind: Literal["searched", "crossed", "named"],
    at: Node,
    said: str,
    of: Node,
    *,
    few: bool = False,
) -> Iterator[Heap]:
    found = answers.found_by(model, act, body)
    if found is not None:
        yield Heap(
            kind=kind,
            function=body.called,
            place=body.place(at),
            model=model.name,
            table=model.table,
            columns=found[0],
            partly=found[1] or few,
            said=said,
            also=((body.place(of), "holds the rows" if kind != "crossed" else "walks the others"),),
            language=body.language,
            abstract=model.abstract,
        )


def _rows(body: Body, node: Node | None, found: dict[int, Act], *, listed: bool, hops: int = _MOST) -> Act | None:
    """The query whose rows an expression holds; `listed` where they must be in memory by then."""
    match node:
        case Call() if id(node) in found:
            act = found[id(node)]
            return act if not listed or _is_list(body, act) else None
        case Call(callee=Name(id=name), args=(only,)) if name in (_SETS if listed else _LISTS):
            return _rows(body, only, found, listed=False, hops=hops)
        case Loop(kind=kind, over=over) if kind in ("list", "set") and (listed or kind == "list"):
            return _rows(body, over, found, listed=False, hops=hops)
        case Call(callee=Member(of=of, name="toArray" | "all")):
            return _rows(body, of, found, listed=False, hops=hops)
        case Name(id=name) if hops:
            before = [a for a in body.assigned.get(name, ()) if a.end <= node.start]
            one = before[-1] if len(before) == 1 else None
            held = one is not None and isinstance(one.target, Name) and not one.operator
            return _rows(body, one.value, found, listed=listed, hops=hops - 1) if one is not None and held else None
    return None


def _is_list(body: Body, act: Act) -> bool:
    """Whether rows are in memory, and not something that another query takes in as a part of it."""
    fetched = act.rows is not None and act.rows.stage == "fetched" and body.language == "php"
    return act.runs or act.kind == "collected" or fetched


def _loops(body: Body, node: Node) -> Iterator[Loop]:
    inner = node
    for outer in body.around(node):
        if isinstance(outer, Loop) and outer.over is not inner:
            yield outer
        inner = outer


def _searched(body: Body, models: ModelIndex, found: dict[int, Act]) -> Iterator[Heap]:
    """`if row.id in ids`, in a loop over rows."""
    for node in body.nodes:
        match node:
            case Other(word="in" | "not in", children=(item, holder)):
                pass
            case Call(callee=Name(id=name), args=(item, holder, *_)) if name.lstrip("\\") in ("in_array", "array_search"):
                pass
            case Call(callee=Member(of=holder, name="contains" | "doesntContain"), args=(item,)) if body.language == "php":
                pass
            case _:
                continue
        act = _rows(body, holder, found, listed=False)
        if act is not None and act.kind == "handed" and body.language == "python":
            continue  # what gives them may have made a set
        loops = ((x, _rows(body, x.over, found, listed=False)) for x in _loops(body, node))
        loop, walked = next(((x, other) for x, other in loops if other is not None), (None, None))
        if act is None or loop is None or walked is None or not isinstance(holder, Name) or not _is_of(item, loop):
            continue
        made = body.assigned.get(holder.id, [])
        if made and made[-1].start < loop.start:
            few = _are_some(body, models, walked)
            yield from _heap(body, models.by_name[act.model], act, "searched", node, holder.id, made[-1], few=few)
            return


def _are_some(body: Body, models: ModelIndex, act: Act) -> bool:
    """Whether rows are those of one other, or asked for by anything else, so that they may be few."""
    found = answers.found_by(models.by_name[act.model], act, body)
    return found is None or bool(found[0]) or found[1]


def _is_of(item: Node, loop: Loop) -> bool:
    """Whether what is looked for is of the row that the loop holds."""
    names = set(names_in(loop.target)) if loop.target is not None else set()
    return any(isinstance(n, Name) and n.id in names for n in walk(item))


def _crossed(body: Body, models: ModelIndex, found: dict[int, Act]) -> Iterator[Heap]:
    """`for order in orders: for payment in payments: if payment.order_id == order.id`."""
    for inner in (n for n in body.nodes if isinstance(n, Loop)):
        act = _rows(body, inner.over, found, listed=False)
        outer = next(iter(_loops(body, inner)), None)
        walked = _rows(body, outer.over, found, listed=False) if outer is not None else None
        if act is None or outer is None or walked is None:
            continue
        if inner.over is not None and any(_is_of(n, outer) for n in walk(inner.over) if isinstance(n, Name)):
            continue  # those that belong to the row
        compared = (n for s in inner.body for n in walk(s) if isinstance(n, Other) and n.word in ("==", "==="))
        if any(_is_of(n, outer) and _is_of(n, inner) for n in compared):
            of, few = outer.over or outer, _are_some(body, models, walked)
            yield from _heap(body, models.by_name[act.model], act, "crossed", inner.over or inner, "", of, few=few)
            return


def _named(body: Body, models: ModelIndex, found: dict[int, Act]) -> Iterator[Heap]:
    """`filter(order_id__in=list(orders))`: a query with a value for each row of another table."""
    for call in (n for n in body.nodes if isinstance(n, Call)):
        given = [k.value for k in call.keywords if k.name.endswith(_IN)]
        if isinstance(call.callee, Member) and call.callee.name in _NAMED:
            given += call.args[-1:]
        for value in given:
            act = _rows(body, value, found, listed=True)
            if act is not None:
                said = value.id if isinstance(value, Name) else ""
                yield from _heap(body, models.by_name[act.model], act, "named", value, said, call)
                return
