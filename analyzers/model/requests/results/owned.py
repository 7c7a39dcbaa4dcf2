"""Rows that belong to one row and are read as its attribute: all of them are loaded, to be put out or counted."""

from __future__ import annotations

from collections.abc import Iterator

from analyzers.facts.outline import Call, Member, Node, Return, Text, dotted
from analyzers.model.inference.acts import Act
from analyzers.model.requests.bodies import Body
from analyzers.model.requests.results import answers, uses
from analyzers.model.tables.models import Model, ModelIndex
from analyzers.model.ways import Heap

_LOOKED_AT = frozenset({"isEmpty", "isNotEmpty"})


def read(body: Body, models: ModelIndex) -> Iterator[Heap]:
    """What a function does with the collections of single rows."""
    for node, act in _collections(body):
        model = models.by_name.get(act.model)
        if model is None:
            continue
        use = uses.of_relation(body, node)
        if use is not None and not _again(body, node):
            yield _computed(body, model, node, use)
        elif use is None and not answers.deals_with_pages(body):
            yield from _put_out(body, model, node)


def _collections(body: Body) -> Iterator[tuple[Node, Act]]:
    """`$account->transactions`, as long as it is one account."""
    for node, act in body.acts("related"):
        if act.rows is not None:
            yield node, act


def _computed(body: Body, model: Model, node: Node, use: uses.Use) -> Heap:
    call = use.node
    given = call.args if isinstance(call, Call) and isinstance(call.callee, Member) else ()
    method = use.by if isinstance(call, Call) and isinstance(call.callee, Member) else "count"
    bounds = model.library.bounds
    asked = isinstance(node, Member) and bounds is not None and bounds.related_by_call
    return Heap(
        kind=use.kind,
        function=body.called,
        place=body.place(call),
        model=model.name,
        table=model.table,
        columns=("",),
        said=use.by,
        code=f"{body.said(node)}()->{method}({_arguments(body, given)})" if asked else "",
        language=body.language,
        owned=True,
        abstract=model.abstract,
    )


def _put_out(body: Body, model: Model, node: Node) -> Iterator[Heap]:
    sink = answers.sink(body, node)
    if sink is None or (isinstance(sink, Return) and not answers.answers_by_return(body)):
        return
    yield Heap(
        kind="answered",
        function=body.called,
        place=body.place(node),
        model=model.name,
        table=model.table,
        columns=("",),
        said=body.said(node),
        also=((body.place(sink), "puts them out"),) if sink.start > node.end else (),
        returned=isinstance(sink, Return),
        language=body.language,
        owned=True,
        abstract=model.abstract,
    )


def _arguments(body: Body, given: tuple[Node, ...]) -> str:
    return ", ".join(f"'{a.value}'" if isinstance(a, Text) else body.said(a) or "…" for a in given)


def _again(body: Body, relation: Node) -> bool:
    """Whether the same relation is used for something else too, so that its rows are wanted."""
    said = dotted(relation)
    same = (n for n in body.nodes if isinstance(n, Member | Call) and n is not relation and dotted(n) == said)
    return any(not _for_a_number(body, use) for use in same)


def _for_a_number(body: Body, use: Node) -> bool:
    call = answers.follows(body, use)
    looked = call is not None and isinstance(call.callee, Member) and call.callee.name in _LOOKED_AT
    return looked or uses.of_relation(body, use) is not None
