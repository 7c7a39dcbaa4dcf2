"""Rows that are saved whole where a few columns were counted anew: the others go back to what was read of them before.

The counting takes a while, and what others wrote in that time is undone. Told only where all that the function gives the row
was counted by queries: whoever gives a row what a user has sent means to save it.
"""

from __future__ import annotations

from collections.abc import Iterator

from analyzers.facts.outline import Assign, Call, Member, Name, Node, dotted, walk
from analyzers.findings import Edit, Fix
from analyzers.model.naming.definitions import ClassDefinition
from analyzers.model.requests.bodies import Body
from analyzers.model.tables.models import Model, ModelIndex
from analyzers.model.ways import Race

_SAVES = ("save", "asave")
_COUNTS = frozenset({"count", "acount", "aggregate", "aaggregate"})
_NOW = frozenset({"now", "utcnow", "today"})
_FEW = 2  # columns that make it a refreshing of totals


def read(body: Body, models: ModelIndex) -> Iterator[Race]:
    """The rows that a function refreshes and saves whole."""
    given: dict[str, list[tuple[Assign, str]]] = {}
    for node, act in body.acts("assigned"):
        model = models.by_name.get(act.model)
        words = model.library.concurrency if model is not None else None
        if isinstance(node, Assign) and isinstance(node.target, Member) and words is not None and words.saves_all:
            given.setdefault(dotted(node.target.of), []).append((node, act.model))
    for row, assigned in given.items():
        saved = next((n for n in body.nodes if _saves(n, row) and n.start > assigned[-1][0].end), None)
        model = models.by_name[assigned[0][1]]
        if isinstance(saved, Call) and row and len(assigned) >= _FEW and _refreshed(body, row, [a for a, _ in assigned]):
            yield _race(body, model, row, tuple(dict.fromkeys(_column(a) for a, _ in assigned)), assigned[0][0], saved)


def _column(node: Assign) -> str:
    return node.target.name if isinstance(node.target, Member) else ""


def _saves(node: Node, row: str) -> bool:
    match node:
        case Call(callee=Member(of=of, name=name), args=(), keywords=()):
            return name in _SAVES and dotted(of) == row
    return False


def _refreshed(body: Body, row: str, assigned: list[Assign]) -> bool:
    """Whether all that a row is given was counted by queries, but for the time; and the row is not a new one."""
    counted = [a for a in assigned if a.value is not None and _is_counted(body, a.value)]
    rest = [a for a in assigned if a not in counted and not (a.value is not None and _is_now(body, a.value))]
    made = any(
        (act := body.act(n, "made") or body.act(n, "queried")) is not None and (act.kind == "made" or act.effect == "create")
        for a in body.assigned.get(row, ())
        if a.value is not None
        for n in walk(a.value)
        if isinstance(n, Call)
    )
    return len(counted) >= _FEW and not rest and not made


def _is_counted(body: Body, value: Node) -> bool:
    for node in walk(value):
        match node:
            case Call(callee=Member(name=name)) if name in _COUNTS:
                return True
            case Name(id=name):
                before = [a for a in body.assigned.get(name, ()) if a.end <= value.start and a.value is not None]
                if any(a.value is not None and _is_counted(body, a.value) for a in before[-1:]):
                    return True
    return False


def _is_now(body: Body, value: Node) -> bool:
    match value:
        case Call(callee=callee):
            return dotted(callee).rpartition(".")[2] in _NOW
        case Name(id=name):
            before = [a for a in body.assigned.get(name, ()) if a.end <= value.start]
            return bool(before) and before[-1].value is not None and _is_now(body, before[-1].value)
    return False


def _race(body: Body, model: Model, row: str, columns: tuple[str, ...], first: Assign, saved: Call) -> Race:
    named = ", ".join(f'"{column}"' for column in columns)
    return Race(
        kind="whole",
        function=body.called,
        place=body.place(saved),
        model=model.name,
        table=model.table,
        columns=columns,
        row=row,
        also=((body.place(first), "the first that is counted anew"),),
        sentence="Save the columns that were counted, and no others.",
        code=f"{body.said(saved.callee)}(update_fields=[{named}])",
        language=body.language,
        fix=_fix(body, model, saved, named),
        abstract=model.abstract,
    )


def _fix(body: Body, model: Model, saved: Call, named: str) -> Fix | None:
    """The columns named in the call, where neither the class nor its columns add others when a row is saved."""
    own = [c for c in body.code.lineage(model.definition) if isinstance(c, ClassDefinition)]
    if any("save" in c.methods for c in own) or any(
        k.name == "auto_now" for c in own for n in walk(c.node) if isinstance(n, Call) for k in n.keywords
    ):
        return None
    return Fix("Save what was counted", body.path, (Edit(saved.end - 1, saved.end, f"update_fields=[{named}])"),))
