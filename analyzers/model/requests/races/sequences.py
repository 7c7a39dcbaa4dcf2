"""Numbers that follow the greatest, or the number of rows."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from analyzers.facts.outline import Assign, Call, Member, Name, Node, Other, Text, walk
from analyzers.knowledge.concurrency import Concurrency
from analyzers.model.inference.acts import Act
from analyzers.model.naming.definitions import ClassDefinition
from analyzers.model.requests.bodies import Body
from analyzers.model.requests.races import checks
from analyzers.model.tables.models import Model, ModelIndex
from analyzers.model.ways import Race

_GREATEST = re.compile(r"\s*(?:select\s+)?(?:coalesce\s*\(\s*)?max\s*\(", re.IGNORECASE)
_COUNTS = frozenset({"count", "acount"})


def read(body: Body, models: ModelIndex) -> Iterator[Race]:
    """The numbers that new rows get in a function."""
    yield from _numbered(body, models)


# -- the number after the greatest -------------------------------------------------------------------------------------


class _Next(NamedTuple):
    """The number after what `query` gave."""

    node: Node
    query: Call
    act: Act
    of: frozenset[str] = frozenset()  # attributes of the row that it gave, one of which is the number


def _numbered(body: Body, models: ModelIndex) -> Iterator[Race]:
    for node in body.nodes:
        found = after_last(body, node, models)
        if found is None:
            continue
        model = models.by_name[found.act.model]
        words = model.library.concurrency
        column = _goes_to(body, found, model) if words is not None else ""
        if found.of and column not in found.of:
            continue  # another column than the one that is read
        if words is not None and column:
            yield _number(body, model, words, found, column)
            return


def _number(body: Body, model: Model, words: Concurrency, found: _Next, column: str) -> Race:
    stated = model.columns.get(column)
    return Race(
        kind="numbered",
        function=body.called,
        place=body.place(found.node),
        model=model.name,
        table=model.table,
        columns=(stated.name if stated is not None else column,),
        role=stated.role if stated is not None else "",
        row=column,
        call=found.act.name,
        also=((body.place(found.query), "asks for the last number"),) if found.query.start != found.node.start else (),
        handled=checks.handled(body, found.node, words),
        sentence=NUMBER,
        language=model.library.language,
        constraint=words.unique,
        abstract=model.abstract,
    )


NUMBER = (
    "Keep the last number in a row of its own and add to it in one statement, or take it from a sequence; a unique constraint "
    "refuses what is numbered twice."
)


def after_last(body: Body, node: Node, models: ModelIndex) -> _Next | None:
    """`count() + 1`, `max('number') + 1`, `last.number + 1`, `number += 1`."""
    match node:
        case Other(word="+", children=(first, Text(value=1))) | Other(word="+", children=(Text(value=1), first)):
            pass
        case Assign(target=Name() as first, value=Text(value=1), operator="+"):
            pass
        case _:
            return None
    for part in walk(first):
        found = _source(body, part, first, models)
        if found is not None:
            call, act = found
            read_ = _read_of(first) if act.gives == "row" and not _has_greatest(body, call, models) else ()
            return _Next(node, call, act, frozenset(read_) | _named(call))
    return None


def _read_of(node: Node) -> Iterator[str]:
    """The attributes that an expression reads, also by getters."""
    for part in walk(node):
        if isinstance(part, Member):
            yield part.name
            if part.name.startswith("get"):
                yield part.name[3:4].lower() + part.name[4:]


def _named(call: Call) -> frozenset[str]:
    """The column that a query is told to give of one row: `value('number')`."""
    match call:
        case Call(callee=Member(name="value"), args=(Text(value=str() as column),)):
            return frozenset({column})
    return frozenset()


def _source(body: Body, part: Node, around: Node, models: ModelIndex) -> tuple[Call, Act] | None:
    match part:
        case Call():
            act = body.act(part, "queried") or _of_function(body, part, models)
            if act is not None and _is_last(body, part, act, around, models):
                return part, act
        case Name(id=name):
            before = [a for a in body.assigned.get(name, ()) if a.end <= part.start and a.value is not None]
            for call in (n for a in before[-1:] if a.value is not None for n in walk(a.value)):
                if isinstance(call, Call):
                    act = body.act(call, "queried") or _of_function(body, call, models)
                    if act is not None and _is_last(body, call, act, around, models):
                        return call, act
    return None


def _of_function(body: Body, call: Call, models: ModelIndex) -> Act | None:
    """What asks for the greatest value of a column by a function of the database: `func.max(Order.number)`."""
    match call:
        case Call(callee=Member(name=name), args=(Member(of=Name() as holder),)):
            found = body.code.resolve_node(body.path, holder)
            model = models.by_name.get(found.qualified) if isinstance(found, ClassDefinition) else None
            words = model.library.concurrency if model is not None else None
            if model is not None and words is not None and name in words.greatest:
                return Act("queried", model.qualified, name, gives="value")
    return None


def is_greatest(body: Body, call: Call, models: ModelIndex) -> bool:
    """Whether a call gives the greatest value of a column."""
    act = body.act(call, "queried") or _of_function(body, call, models)
    model = models.by_name.get(act.model) if act is not None else None
    words = model.library.concurrency if model is not None else None
    return act is not None and words is not None and (act.name in words.greatest or _has_greatest(body, call, models))


def _has_greatest(body: Body, call: Call, models: ModelIndex) -> bool:
    """Whether a query asks the database for the greatest value of something."""
    act = body.act(call, "queried")
    model = models.by_name.get(act.model) if act is not None else None
    words = model.library.concurrency if model is not None else None
    if words is None:
        return False
    if any(isinstance(n, Text) and isinstance(n.value, str) and _GREATEST.match(n.value) for n in walk(call)):
        return True
    asked = [n.callee for n in walk(call) if isinstance(n, Call) and n is not call]
    if any(isinstance(callee, Member) and callee.name in words.greatest for callee in asked):
        return True
    return any(isinstance(callee, Name) and callee.id in words.greatest and callee.id.istitle() for callee in asked)


def _is_last(body: Body, call: Call, act: Act, around: Node, models: ModelIndex) -> bool:
    """Whether a query asks for the number of rows, for the greatest value of a column, or for the last row by the column that
    is then read of it."""
    model = models.by_name.get(act.model)
    words = model.library.concurrency if model is not None else None
    if model is None or words is None:
        return False
    if act.name in _COUNTS or act.name in words.greatest or _has_greatest(body, call, models):
        return True
    stated = _descending(call)
    ordered = {s.column for s in act.searches if s.how == "ordered" and s.column} | stated
    read_ = {*_read_of(around), *_named(call)}
    names = {model.columns[n].name for n in read_ if n in model.columns} | read_
    one = (act.gives == "row" and (act.limited or bool(stated))) or bool(_named(call))
    return one and (bool(ordered & names) or _is_newest(ordered, model))


def _descending(call: Call) -> frozenset[str]:
    """The columns by which a call orders the rows, the greatest first: `findOneBy([], ['number' => 'DESC'])`."""
    found: set[str] = set()
    for argument in call.args[1:]:
        for part in argument.children if isinstance(argument, Other) and argument.word == "dict" else ():
            match part:
                case Other(word="pair", children=(Text(value=str() as column), Text(value=str() as how))) if (
                    how.upper() == "DESC"
                ):
                    found.add(column)
    return frozenset(found)


def _is_newest(ordered: set[str], model: Model) -> bool:
    """Whether rows are ordered by when they were made: by their keys, or their times."""
    return bool(ordered) and all(c in ("id", "pk", "created_at", "created", "createdAt", *model.keys) for c in ordered)


def _goes_to(body: Body, found: _Next, model: Model) -> str:
    """The column of a new row that gets the number."""
    inner: Node = found.node
    name = ""
    if isinstance(inner, Assign) and isinstance(inner.target, Name):
        return _given_as(body, inner.target.id, inner.end, model)
    for outer in body.around(found.node):
        if isinstance(outer, Call) and (column := set_by(body, outer, model)):
            return column
        if isinstance(outer, Call):
            made = body.act(outer, "made") or body.act(outer, "queried")
            if made is not None and made.model == model.qualified and (made.kind == "made" or made.effect == "create"):
                return next((k for k, v in checks.attributes(body, outer).items() if _within(found.node, v)), "")
        if isinstance(outer, Assign):
            act = body.act(outer, "assigned")
            if act is not None and act.model == model.qualified and outer.value is inner:
                return act.name
            name = outer.target.id if isinstance(outer.target, Name) else ""
            break
        inner = outer
    return _given_as(body, name, found.node.end, model) if name else ""


def set_by(body: Body, call: Call, model: Model) -> str:
    """The column that a call of a setter gives a value to: `$row->setNumber(…)`."""
    act = body.act(call, "called")
    if act is None or act.model != model.qualified or not act.name.startswith("set") or len(call.args) != 1:
        return ""
    return act.name[3:4].lower() + act.name[4:]


def _given_as(body: Body, name: str, after: int, model: Model) -> str:
    """The column of a new row that gets what a local name holds."""
    words = model.library.concurrency
    for made in checks.makings(body, model, words) if words is not None else ():
        for key, value in checks.attributes(body, made).items():
            if made.end > after and any(isinstance(n, Name) and n.id == name for n in walk(value)):
                return key
    return ""


def _within(node: Node, outer: Node) -> bool:
    return outer.start <= node.start and node.end <= outer.end
