"""Rows that are replaced in two steps, and locks, outside of a transaction."""

from __future__ import annotations

from collections.abc import Iterator

from analyzers.facts.outline import Call, Member, Name, Node, Other, walk
from analyzers.knowledge import libraries
from analyzers.knowledge.concurrency import Concurrency
from analyzers.knowledge.derived import derived
from analyzers.model.requests.bodies import Body
from analyzers.model.requests.races import checks
from analyzers.model.requests.texts import within
from analyzers.model.tables.models import Model, ModelIndex
from analyzers.model.ways import Race


def read(body: Body, models: ModelIndex) -> Iterator[Race]:
    """What a function does that only a transaction makes one."""
    yield from _replaced(body, models)
    yield from _locked(body, models)
    yield from _locked_by_mode(body)


# -- rows deleted and made anew ----------------------------------------------------------------------------------------


def _replaced(body: Body, models: ModelIndex) -> Iterator[Race]:
    for node, act in body.acts("queried"):
        model = models.by_name.get(act.model)
        words = model.library.concurrency if model is not None else None
        if model is None or words is None or act.effect != "delete" or words.writes_later or act.gives == "row":
            continue
        made = next((m for m in _adds(body, model) if m.start > node.end), None)
        if made is None or apart(body, node, made):
            continue
        yield Race(
            kind="replaced",
            function=body.called,
            place=body.place(node),
            model=model.name,
            table=model.table,
            also=((body.place(made), "writes the new ones"),),
            sentence="Put both into one transaction: all or nothing, and nobody sees what is between.",
            code=words.around,
            language=model.library.language,
            abstract=model.abstract,
        )
        return


_ADDERS = frozenset({"bulk_create", "abulk_create", "create", "acreate", "createMany", "saveMany", "insert"})


def _adds(body: Body, model: Model) -> Iterator[Call]:
    for node, act in body.acts("queried"):
        if isinstance(node, Call) and act.model == model.qualified and act.name in _ADDERS:
            yield node


def apart(body: Body, one: Node, other: Node) -> bool:
    """Whether two places are never both passed: they stand on the two sides of a test, or the first leaves the function."""
    for outer in body.around(one):
        if isinstance(outer, Other) and outer.word in ("block", "else", "except", "case") and not within(other, outer):
            above = next(body.around(outer), None)
            if isinstance(above, Other) and above.word in ("if", "match", "try") and within(other, above):
                return True
            if checks.leaves(outer):
                return True
    return False


# -- locks without a transaction ---------------------------------------------------------------------------------------


def _locked(body: Body, models: ModelIndex) -> Iterator[Race]:
    for node, act in body.acts("queried"):
        model = models.by_name.get(act.model)
        words = model.library.concurrency if model is not None else None
        if model is not None and words is not None and act.name in words.locking:
            yield _lock(body, node, words, model.name, model.table, act.name)
            return


_modes = derived(lambda: {mode: words for x in libraries() if (words := x.concurrency) is not None for mode in words.modes})


def _locked_by_mode(body: Body) -> Iterator[Race]:
    """`$em->find(Product::class, $id, LockMode::PESSIMISTIC_WRITE)`."""
    for node in body.nodes:
        if not isinstance(node, Call) or not isinstance(node.callee, Member):
            continue
        mode = next((a.name for a in node.args if isinstance(a, Member) and a.name in _modes()), "")
        if mode:
            said = (
                n.of.id
                for a in node.args
                for n in walk(a)
                if isinstance(n, Member) and n.name == "class" and isinstance(n.of, Name)
            )
            yield _lock(body, node, _modes()[mode], next(said, ""), "", mode)
            return


def _lock(body: Body, node: Node, words: Concurrency, model: str, table: str, call: str) -> Race:
    return Race(
        kind="locked",
        function=body.called,
        place=body.place(node),
        model=model,
        table=table,
        role=words.refuses,
        call=call,
        sentence="Open the transaction around the query and the writes that go by it.",
        code=words.around,
        language=body.language,
    )
