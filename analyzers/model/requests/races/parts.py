"""Writes that belong together, each by itself: what fails in between leaves the first without the second."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

from analyzers.facts.outline import Call, Loop, Member, Name, Node, Other, Text, dotted
from analyzers.knowledge import libraries
from analyzers.knowledge.concurrency import Concurrency
from analyzers.knowledge.derived import derived
from analyzers.model.requests.bodies import Body
from analyzers.model.requests.races import checks
from analyzers.model.requests.races.exclusion import apart
from analyzers.model.requests.texts import same
from analyzers.model.tables.models import Model, ModelIndex
from analyzers.model.ways import Race

_SEVERAL = frozenset({"bulk_create", "abulk_create", "createMany", "saveMany", "insert"})
_BY_ONE = {"increment": "+", "decrement": "-"}
_BOTH = "Put both into one transaction: all or nothing."


class _Made(NamedTuple):
    """A row that is made, or several by one call."""

    node: Call
    model: Model
    words: Concurrency


def read(body: Body, models: ModelIndex) -> Iterator[Race]:
    """A row and those that belong to it, and what one row loses and another gets."""
    yield from _parted(body, models)
    yield from _moved(body, models)


def _is_written_between(body: Body, owner: _Made, part: _Made) -> bool:
    """Whether a library that writes all together is told to do so after the first row, and once more after the second."""
    calls = (n for n in body.nodes if isinstance(n, Call) and isinstance(n.callee, Member))
    written = [n.start for n in calls if isinstance(n.callee, Member) and n.callee.name in owner.words.commits]
    return any(owner.node.end < at < part.node.start for at in written) and any(at > part.node.end for at in written)


def _parted(body: Body, models: ModelIndex) -> Iterator[Race]:
    made = sorted(_makings(body, models), key=lambda m: m.node.start)
    for owner in made:
        name = checks.name_of(body, owner.node)
        part = next((p for p in made if p.node.start > owner.node.end and name and _belongs(body, p, name)), None)
        if part is None or part.model is owner.model or apart(body, owner.node, part.node):
            continue
        if owner.words.writes_later and not _is_written_between(body, owner, part):
            continue
        yield Race(
            kind="parted",
            function=body.called,
            place=body.place(part.node),
            model=part.model.name,
            table=part.model.table,
            row=owner.model.name,
            columns=("several",) if _is_several(body, part.node) else (),
            also=((body.place(owner.node), f"makes the `{owner.model.name}`"),),
            sentence=_BOTH,
            code=owner.words.both or owner.words.around,
            language=owner.model.library.language,
            abstract=owner.model.abstract or part.model.abstract,
        )
        return


def _makings(body: Body, models: ModelIndex) -> Iterator[_Made]:
    seen = {act.model for kind in ("made", "queried") for _, act in body.acts(kind)}
    for name in sorted(seen):
        model = models.by_name.get(name)
        words = model.library.concurrency if model is not None else None
        if model is None or words is None:
            continue
        yield from (_Made(one, model, words) for one in checks.makings(body, model, words))
        for node, act in body.acts("queried"):
            if isinstance(node, Call) and act.model == name and act.name in _SEVERAL:
                yield _Made(node, model, words)


def _belongs(body: Body, part: _Made, name: str) -> bool:
    """Whether a row is given the one of that name, or its key, or is made by a relation of it: `$order->lines()->create()`."""
    values = list(checks.attributes(body, part.node).values())
    if any(_is_it(v, name) for v in values):
        return True
    root = _root(part.node)
    return isinstance(root, Name) and root.id == name


def _root(node: Node) -> Node:
    """What a chain of calls and members begins with."""
    match node:
        case Member(of=inner):
            return _root(inner)
        case Call(callee=inner):
            return _root(inner)
    return node


def _is_it(value: Node, name: str) -> bool:
    match value:
        case Name(id=found):
            return found == name
        case Member(of=Name(id=found), name=key):
            return found == name and key in ("pk", "id", "uuid")
        case Call(callee=Member(of=Name(id=found), name="getId"), args=()):
            return found == name
    return False


def _is_several(body: Body, node: Call) -> bool:
    if isinstance(node.callee, Member) and node.callee.name in _SEVERAL:
        return True
    around = body.around(node)
    return any(isinstance(n, Loop) or (isinstance(n, Call) and dotted(n.callee).endswith(".each")) for n in around)


# -- what is taken here and given there --------------------------------------------------------------------------------


class _Sum(NamedTuple):
    """A statement that adds to a column, or takes from it."""

    node: Call
    column: str
    operator: str
    amount: str


def _moved(body: Body, models: ModelIndex) -> Iterator[Race]:
    found = [s for n in body.nodes if isinstance(n, Call) for s in sums(body, n)]
    for one in found:
        for other in found:
            if (
                other.node.start > one.node.end
                and other.operator != one.operator
                and (other.column, other.amount) == (one.column, one.amount)
                and not apart(body, one.node, other.node)
                and not same(one.node.callee, other.node.callee)
            ):
                act = body.act(one.node, "queried") or body.act(one.node, "written")
                model = models.by_name.get(act.model) if act is not None else None
                yield Race(
                    kind="moved",
                    function=body.called,
                    place=body.place(one.node),
                    model=model.name if model is not None else "",
                    table=model.table if model is not None else "",
                    columns=(one.column,),
                    also=((body.place(other.node), "the other half"),),
                    sentence=_BOTH,
                    code=_around()[body.language],
                    language=body.language,
                )
                return


_around: Callable[[], dict[str, str]] = derived(
    lambda: {x.language: words.around for x in libraries() if (words := x.concurrency) is not None and not words.writes_later}
)


def sums(body: Body, node: Call) -> Iterator[_Sum]:
    """What a statement adds to columns, or takes from them."""
    match node:
        case Call(callee=Member(name=name), args=(Text(value=str() as column), amount)) if name in _BY_ONE:
            said = body.said(amount)
            if said:
                yield _Sum(node, column, _BY_ONE[name], said)
        case Call(callee=Member(name="update" | "aupdate"), keywords=keywords):
            for keyword in keywords:
                match keyword.value:
                    case Other(word="+" | "-" as operator, children=(Call(callee=callee, args=(Text(value=of),)), amount)):
                        said = body.said(amount)
                        if dotted(callee).rpartition(".")[2] == "F" and of == keyword.name and said:
                            yield _Sum(node, keyword.name, operator, said)
