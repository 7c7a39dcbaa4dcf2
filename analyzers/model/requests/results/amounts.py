"""Rows loaded to be counted, added up or picked from, where the database could; and rows all loaded before they are walked."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal, NamedTuple

from analyzers.facts.outline import Assign, Call, Function, Loop, Member, Name, Node, Other, Return, Text, dotted, walk
from analyzers.model.inference.acts import Act
from analyzers.model.requests.bodies import Body
from analyzers.model.requests.results import answers
from analyzers.model.tables.models import Model, ModelIndex
from analyzers.model.ways import Heap

_COUNTS, _SUMS, _PICKS = answers.words("counts"), answers.words("sums"), answers.words("picks")
_LOOKED_AT = frozenset({"isEmpty", "isNotEmpty"})


class _Use(NamedTuple):
    """What is done with the rows: at which node."""

    kind: Literal["counted", "summed", "filtered"]
    node: Node
    by: str


def read(body: Body, models: ModelIndex) -> Iterator[Heap]:
    """What a function does in memory."""
    for node, act in answers.sources(body):
        model = models.by_name.get(act.model)
        if model is None:
            continue
        found = answers.found_by(model, act, body)
        if found is None:
            continue
        use = _use(body, node)
        if use is not None:
            yield _heap(body, model, node, found, use.kind, use.node, use.by)
        elif (loop := _walks(body, node, act)) is not None:
            columns, partly = found
            yield _heap(body, model, node, (columns, partly or _is_unpacked(node)), "walked", loop, "")
    yield from _of_relations(body, models)


def _heap(
    body: Body,
    model: Model,
    node: Node,
    found: tuple[tuple[str, ...], bool],
    kind: Literal["counted", "summed", "filtered", "walked"],
    at: Node,
    by: str,
) -> Heap:
    words = model.library.concurrency
    stream = words.stream if words is not None else ""
    return Heap(
        kind=kind,
        function=body.called,
        place=body.place(node),
        model=model.name,
        table=model.table,
        columns=found[0],
        partly=found[1],
        said=by,
        also=((body.place(at), _DONE[kind]),) if at.start != node.start else (),
        code=f"….{stream.lstrip('.')}" if kind == "walked" and stream and body.language == "python" else "",
        language=model.library.language,
        abstract=model.abstract,
    )


_DONE = {"counted": "counts them", "summed": "adds them up", "filtered": "picks from them", "walked": "walks them"}


def _use(body: Body, node: Node) -> _Use | None:
    """What is done with the rows at once, or by the one use of their name."""
    direct = _used(body, node)
    if direct is not None:
        return direct
    name = body.name_of(node)
    uses = list(body.uses(name, node.end)) if name else []
    if name and len(body.assigned.get(name, ())) == 1 and uses:
        found = [_used(body, use) for use in uses]
        if all(f is not None and f.kind == "counted" for f in found):
            return found[0]
    return None


def _used(body: Body, node: Node) -> _Use | None:
    language = body.language
    call = answers.follows(body, node)
    if call is not None and isinstance(call.callee, Member):
        name = call.callee.name
        if body.act(call, "collected") is not None or language == "php":
            if name in _COUNTS[language] and not call.args:
                return _Use("counted", call, name)
            if name in _SUMS[language] and call.args and not _is_function(call.args[0]):
                return _Use("summed", call, name)
            if name in _PICKS[language] and body.act(call, "collected") is not None:
                return _Use("filtered", call, name)
        return None
    above = next(body.around(node), None)
    match above:
        case Call(callee=Name(id=name), args=(only,)) if only is node and name.lstrip("\\") in _COUNTS[language]:
            return _Use("counted", above, name)
        case Loop(kind="generator" | "list", over=over, target=Name(id=item), body=(element,)) if over is node:
            outer = next(body.around(above), None)
            match outer:
                case Call(callee=Name(id=name)) if name in _SUMS[language] and _is_column(element, item):
                    return _Use("summed", outer, name)
    return None


def _is_function(node: Node) -> bool:
    return isinstance(node, Function)


def _is_column(element: Node, item: str) -> bool:
    return isinstance(element, Member) and isinstance(element.of, Name) and element.of.id == item


# -- walked one by one -------------------------------------------------------------------------------------------------


def _is_left(loop: Loop) -> bool:
    """Whether the loop looks for one row, and is left where it is found."""
    nodes = (n for statement in loop.body for n in walk(statement))
    return any(isinstance(n, Return) or (isinstance(n, Other) and n.word == "break") for n in nodes)


def _is_unpacked(node: Call) -> bool:
    """Whether a query is asked for by what a dictionary holds: nobody knows what that is."""
    return any(isinstance(n, Call) and any(k.name == "**" for k in n.keywords) for n in walk(node))


def _walks(body: Body, node: Node, act: Act) -> Loop | None:
    """The loop that walks all rows of a table, once they are all there."""
    if answers.streams(act.name, body.language) or answers.deals_with_pages(body):
        return None
    if act.kind == "collected" and dotted(node).startswith("$"):
        return None  # what belongs to a row, loaded with it
    if any(s.how not in ("ordered", "below", "deleted", "key", "other") for s in act.searches):
        return None
    name = body.name_of(node)
    candidates: list[Node] = [node, *(body.uses(name, node.end) if name else ())]
    for one in candidates:
        for outer in body.around(one):
            if isinstance(outer, Loop) and outer.over is one and outer.kind == "for":
                return outer if not _is_left(outer) else None
            if not isinstance(outer, Assign | Other):
                break
    return None


# -- collections of one row --------------------------------------------------------------------------------------------


def _of_relations(body: Body, models: ModelIndex) -> Iterator[Heap]:
    """`$account->transactions->sum('amount')`: the rows of a relation, all loaded for one number."""
    for node, act in body.acts("collected"):
        model = models.by_name.get(act.model)
        rows = act.rows
        if (
            not isinstance(node, Call)
            or model is None
            or rows is None
            or rows.owner is not None
            or not isinstance(node.callee, Member)
        ):
            continue
        if rows.root is None or not isinstance(node.callee.of, Member) or rows.limit or act.limited:
            continue
        sums = act.name in _SUMS["php"] and bool(node.args) and not _is_function(node.args[0])
        counts = act.name in _COUNTS["php"] and not node.args
        relation = node.callee.of
        if not (sums or counts) or _again(body, relation):
            continue
        kind: Literal["summed", "counted"] = "summed" if sums else "counted"
        yield Heap(
            kind=kind,
            function=body.called,
            place=body.place(node),
            model=model.name,
            table=model.table,
            columns=("",),
            said=act.name,
            code=f"{body.said(relation)}()->{act.name}({_arguments(body, node)})",
            language=body.language,
            abstract=model.abstract,
        )


def _arguments(body: Body, node: Call) -> str:
    return ", ".join(f"'{a.value}'" if isinstance(a, Text) else body.said(a) or "…" for a in node.args)


def _again(body: Body, relation: Member) -> bool:
    """Whether the same relation is used for something else too, so that its rows are wanted."""
    said = dotted(relation)
    uses = [n for n in body.nodes if isinstance(n, Member) and n is not relation and dotted(n) == said]
    return any(not _for_a_number(body, use) for use in uses)


def _for_a_number(body: Body, use: Member) -> bool:
    call = answers.follows(body, use)
    names = _SUMS["php"] | _COUNTS["php"] | _LOOKED_AT
    return call is not None and isinstance(call.callee, Member) and call.callee.name in names
