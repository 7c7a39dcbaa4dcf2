"""Rows loaded to be counted, added up or picked from, where the database could; and rows all loaded before they are walked."""

from __future__ import annotations

from collections.abc import Container, Iterator
from typing import Literal

from analyzers.facts.outline import Assign, Call, Function, Loop, Member, Name, Node, Other, Return, dotted, walk
from analyzers.knowledge.derived import derived
from analyzers.model.inference.acts import Act
from analyzers.model.requests.bodies import Body
from analyzers.model.requests.results import answers, uses
from analyzers.model.tables.models import Model, ModelIndex
from analyzers.model.ways import Heap
from analyzers.source import Place


def read(body: Body, models: ModelIndex) -> Iterator[Heap]:
    """What a function does in memory."""
    for node, act in answers.sources(body):
        model = models.by_name.get(act.model)
        if model is None:
            continue
        found = answers.found_by(model, act, body, node)
        if found is None or _is_lazy(models, act):
            continue
        use = uses.use_of(body, model, node, act)
        if use is not None:
            yield _heap(body, model, node, found, use.kind, use.node, use.by, use.tested)
        elif (loop := _walks(body, node, act)) is not None:
            columns, partly = found
            made = "" if isinstance(loop, Loop) and loop.kind == "for" else "list"
            yield _heap(body, model, node, (columns, partly or _is_unpacked(node)), "walked", loop, made)


def loaded(body: Body, models: ModelIndex, told: Container[Place]) -> Iterator[Heap]:
    """What a function loads whole besides, whatever becomes of it: rows of a table, and those that come with one row."""
    if answers.deals_with_pages(body):
        return
    for node, act in answers.sources(body):
        model = models.by_name.get(act.model)
        found = answers.found_by(model, act, body, node) if model is not None and act.runs else None
        if model is None or found is None or body.place(node) in told or answers.streams(act.name, body.language):
            continue
        yield _heap(body, model, node, found, "loaded", node, "")
    yield from _brought(body, models)


def _brought(body: Body, models: ModelIndex) -> Iterator[Heap]:
    """`User::with('orders')->find($id)`: a row, and with it the rows of a relation."""
    for node, act in body.acts("queried"):
        model = models.by_name.get(act.model)
        if model is None or act.rows is None or act.gives != "row" or any(isinstance(n, Function) for n in walk(node)):
            continue
        for name in sorted({path.partition(".")[0] for path in act.rows.eager}):
            relation = model.relations.get(name)
            target = models.by_name.get(relation.target) if relation is not None and relation.many else None
            if target is not None and relation is not None and not relation.brings:
                yield _heap(body, target, node, (("",), False), "brought", node, relation.label, owned=True)


def _is_lazy(models: ModelIndex, act: Act) -> bool:
    """Whether rows are a collection of which the class says that it is not loaded to be counted."""
    owner = act.by.owner if act.by is not None else None
    model = models.by_class.get(id(owner)) if owner is not None else None
    return model is not None and any(r.lazy and r.target == act.model for r in model.relations.values())


def _heap(
    body: Body,
    model: Model,
    node: Node,
    found: tuple[tuple[str, ...], bool],
    kind: Literal["counted", "summed", "filtered", "asked", "walked", "loaded", "brought"],
    at: Node,
    by: str,
    tested: tuple[str, ...] = (),
    *,
    owned: bool = False,
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
        also=((body.place(at), _DONE[kind]),) if at.start != node.start and kind in _DONE else (),
        code=f"….{stream.lstrip('.')}" if kind == "walked" and stream and body.language == "python" else "",
        language=model.library.language,
        owned=owned,
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


_copies = derived(lambda: answers.words("lists"))
_each = derived(lambda: answers.words("each"))


def _walks(body: Body, node: Node, act: Act) -> Node | None:
    """The loop that walks all rows of a table once they are all there, or what makes a list of them."""
    if answers.streams(act.name, body.language) or answers.deals_with_pages(body):
        return None
    if act.kind == "collected" and dotted(node).startswith("$"):
        return None  # what belongs to a row, loaded with it
    if any(s.how not in ("ordered", "below", "deleted", "key", "other") for s in act.searches):
        return None
    name = body.name_of(node)
    whole = act.gives != "values" and all(s.how in ("ordered", "below", "deleted") for s in act.searches)
    copies = _copies()[body.language] if whole else frozenset[str]()
    candidates: list[Node] = [node, *(body.uses(name, node.end) if name else ())]
    for one in candidates:
        after = answers.follows(body, one)
        if (
            after is not None
            and isinstance(after.callee, Member)
            and after.callee.name in _each()[body.language]
            and after.args
        ):
            return after
        for outer in body.around(one):
            match outer:
                case Loop(kind="for", over=over) if over is one:
                    return outer if not _is_left(outer) else None
                case Loop(kind="list" | "set" | "dict", over=over) if over is one and whole:
                    return outer
                case Call(callee=Name(id=made), args=(only,)) if only is one and made in copies:
                    return outer
                case Assign() | Other():
                    pass
                case _:
                    break
    return None
