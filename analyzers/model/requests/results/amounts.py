"""Rows loaded to be counted, added up or picked from, where the database could; and rows all loaded before they are walked."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from analyzers.facts.outline import Assign, Call, Loop, Member, Name, Node, Other, Return, Text, dotted, walk
from analyzers.model.inference.acts import Act
from analyzers.model.requests.bodies import Body
from analyzers.model.requests.results import answers, uses
from analyzers.model.tables.models import Model, ModelIndex
from analyzers.model.ways import Heap

_LOOKED_AT = frozenset({"isEmpty", "isNotEmpty"})


def read(body: Body, models: ModelIndex) -> Iterator[Heap]:
    """What a function does in memory."""
    for node, act in answers.sources(body):
        model = models.by_name.get(act.model)
        if model is None:
            continue
        found = answers.found_by(model, act, body)
        if found is None:
            continue
        use = uses.use_of(body, model, node, act)
        if use is not None:
            yield _heap(body, model, node, found, use.kind, use.node, use.by, use.tested)
        elif (loop := _walks(body, node, act)) is not None:
            columns, partly = found
            yield _heap(body, model, node, (columns, partly or _is_unpacked(node)), "walked", loop, "")
    yield from _of_relations(body, models)


def _heap(
    body: Body,
    model: Model,
    node: Node,
    found: tuple[tuple[str, ...], bool],
    kind: Literal["counted", "summed", "filtered", "asked", "walked"],
    at: Node,
    by: str,
    tested: tuple[str, ...] = (),
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
        tested=tested,
        also=((body.place(at), _DONE[kind]),) if at.start != node.start else (),
        code=f"….{stream.lstrip('.')}" if kind == "walked" and stream and body.language == "python" else "",
        language=model.library.language,
        abstract=model.abstract,
    )


_DONE = {
    "counted": "counts them",
    "summed": "adds them up",
    "filtered": "picks from them",
    "asked": "looks for one",
    "walked": "walks them",
}


# -- walked one by one -------------------------------------------------------------------------------------------------


def _is_left(loop: Loop) -> bool:
    """Whether the loop looks for one row, and is left where it is found."""
    nodes = (n for statement in loop.body for n in walk(statement))
    return any(isinstance(n, Return) or (isinstance(n, Other) and n.word == "break") for n in nodes)


def _is_unpacked(node: Call) -> bool:
    """Whether a query is asked for by what a dictionary holds: nobody knows what that is."""
    return any(isinstance(n, Call) and any(k.name == "**" for k in n.keywords) for n in walk(node))


_COPIES = answers.words("lists")


def _walks(body: Body, node: Node, act: Act) -> Node | None:
    """The loop that walks all rows of a table once they are all there, or what makes a list of them."""
    if answers.streams(act.name, body.language) or answers.deals_with_pages(body):
        return None
    if act.kind == "collected" and dotted(node).startswith("$"):
        return None  # what belongs to a row, loaded with it
    if any(s.how not in ("ordered", "below", "deleted", "key", "other") for s in act.searches):
        return None
    name = body.name_of(node)
    copies = _COPIES[body.language] if act.gives != "values" else frozenset[str]()
    candidates: list[Node] = [node, *(body.uses(name, node.end) if name else ())]
    for one in candidates:
        for outer in body.around(one):
            match outer:
                case Loop(kind="for", over=over) if over is one:
                    return outer if not _is_left(outer) else None
                case Loop(kind="list" | "set" | "dict", over=over) if over is one and act.gives != "values":
                    return outer
                case Call(callee=Name(id=made), args=(only,)) if only is one and made in copies:
                    return outer
                case Assign() | Other():
                    pass
                case _:
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
        relation = node.callee.of
        use = next(uses.of_relation(body, relation), None)
        if use is None or use.node is not node or _again(body, relation):
            continue
        yield Heap(
            kind=use.kind,
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
    looked = call is not None and isinstance(call.callee, Member) and call.callee.name in _LOOKED_AT
    return looked or next(uses.of_relation(body, use), None) is not None
