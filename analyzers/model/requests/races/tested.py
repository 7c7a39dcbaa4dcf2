"""Columns that the database changes after a test of what was read before: `if row.left > 0`, and then `F("left") - 1`.

The sum is right whatever others do meanwhile; the test is not: all that read before any has written pass it.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from analyzers.facts.outline import Assign, Call, Function, Member, Name, Node, Other, Text, dotted, walk
from analyzers.knowledge.naming import underscore
from analyzers.model.inference.acts import Act
from analyzers.model.requests.bodies import Body, parts_of
from analyzers.model.requests.races import checks
from analyzers.model.requests.races.parts import sums
from analyzers.model.tables.models import Model, ModelIndex
from analyzers.model.ways import Race
from analyzers.source import Place

_COMPARES = frozenset({"<", ">", "<=", ">=", "==", "===", "!=", "!==", "<>"})
_AT_LEAST_ZERO = ("Positive", "unsigned")


class _Sum(NamedTuple):
    """What the database does to a column, at `node`; `row` is what the code calls the row, where it says so there."""

    node: Node
    column: str
    operator: str
    amount: str
    row: str


def read(body: Body, models: ModelIndex) -> Iterator[Race]:
    """The sums of a function that a test of the same column decides about."""
    told: set[str] = set()
    for made, act in _sums(body, models):
        model = models.by_name.get(act.model)
        words = model.library.concurrency if model is not None else None
        if model is None or words is None or made.column in told or any(_is_of(s.column, made, model) for s in act.searches):
            continue
        found = _test(body, model, made)
        stated = _limit(body, model, made) if found is None else None
        if found is None and stated is None:
            continue
        row, place, note = _told(body, made, found, stated)
        told.add(made.column)
        code = words.take if made.operator == "-" else words.give
        yield Race(
            kind="tested",
            function=body.called,
            place=body.place(made.node),
            model=model.name,
            table=model.table,
            columns=(made.column,),
            role=model.columns[made.column].role if made.column in model.columns else "",
            row=body.said_as(f"{row}.{made.column}") if row else f"{model.name}.{made.column}",
            call=made.operator,
            also=((place, note),),
            handled=made.operator == "-" and _is_never_negative(model, made.column),
            sentence=_BOTH,
            code=code.replace("{row}", body.said_as(row) or underscore(model.name))
            .replace("{model}", model.name)
            .replace("{class}", model.qualified)
            .replace("{column}", made.column)
            .replace("{amount}", made.amount or "1"),
            language=model.library.language,
            abstract=model.abstract,
        )


_BOTH = (
    "Put the test into the statement that changes the column, and go by how many rows it changed; "
    "or lock the row before it is read."
)


def _told(body: Body, made: _Sum, found: tuple[str, Node] | None, stated: tuple[str, Place] | None) -> tuple[str, Place, str]:
    """The row, where the test stands, and what that is."""
    if found is not None:
        return found[0], body.place(found[1]), "goes by what was read"
    assert stated is not None
    return made.row, stated[1], "states the limit"


def _limit(body: Body, model: Model, made: _Sum) -> tuple[str, Place] | None:
    """What the class itself holds the column against, where that is called a limit: `self.uses < self.max_uses`. Whoever adds
    to the column without asking goes by a test that was made before."""
    for name, method in model.definition.methods.items() if made.operator == "+" else ():
        receiver = method.node.receiver
        for node in walk(method.node):
            match node:
                case Other(word="<" | ">" | "<=" | ">=", children=(Member() as first, Member() as second)):
                    sides = {dotted(first), dotted(second)}
                    rest = sides - {f"{receiver}.{made.column}"}
                    if (
                        receiver
                        and len(sides) == 2
                        and len(rest) == 1
                        and _LIMITS & set(parts_of(rest.pop().rpartition(".")[2]))
                    ):
                        body.code.look_into(method.path, method.node)
                        return name, body.code.place(method.path, node)
    return None


_LIMITS = frozenset({"max", "maximum", "limit", "limits", "quota", "capacity", "allowed", "cap"})


def _is_of(column: str, made: _Sum, model: Model) -> bool:
    return column == (model.columns[made.column].name if made.column in model.columns else made.column)


# -- sums --------------------------------------------------------------------------------------------------------------


def _sums(body: Body, models: ModelIndex) -> Iterator[tuple[_Sum, Act]]:
    for kind in ("written", "queried"):
        for node, act in body.acts(kind):
            if isinstance(node, Call):
                for one in sums(body, node):
                    row = dotted(node.callee.of) if kind == "written" and isinstance(node.callee, Member) else ""
                    yield _Sum(node, one.column, one.operator, one.amount, row), act
    for node, act in body.acts("assigned"):
        match node:
            case Assign(
                target=Member(of=of, name=column), operator="", value=Other(word="+" | "-" as word, children=(first, by))
            ):
                if _stands_for(first, column, models.by_name.get(act.model)):
                    yield _Sum(node, column, word, body.said(by), dotted(of)), act


def _stands_for(node: Node, column: str, model: Model | None) -> bool:
    """Whether an expression is a column in the database: `F("left")`, `Code.left`."""
    match node:
        case Call(callee=callee, args=(Text(value=name),)):
            return dotted(callee).rpartition(".")[2] == "F" and name == column
        case Member(of=Name(id=holder), name=name):
            return model is not None and holder == model.name and name == column
    return False


def _is_never_negative(model: Model, column: str) -> bool:
    """Whether the database itself refuses a value below zero."""
    for node in walk(model.definition.node):
        match node:
            case Assign(target=Name(id=name), value=Call(callee=callee)) if name == column:
                return dotted(callee).rpartition(".")[2].startswith(_AT_LEAST_ZERO)
    return False


# -- tests -------------------------------------------------------------------------------------------------------------


def _test(body: Body, model: Model, made: _Sum) -> tuple[str, Node] | None:
    """The row that a test before the sum looks at, and the test, where that decides whether the sum is done."""
    for test in body.nodes:
        if isinstance(test, Other) and test.word == "if" and test.children and test.start < made.node.start:
            asked, *rest = test.children
            inside = any(_holds(part, made.node) for part in rest)
            after = bool(rest) and checks.leaves(rest[0]) and test.end <= made.node.start
            row = _row_asked(body, model, asked, made)
            if row and (inside or after) and not _read_again(body, row, test, made.node):
                return row, asked
    return None


def _row_asked(body: Body, model: Model, asked: Node, made: _Sum) -> str:
    """The row whose column a test compares with something, itself or by an attribute of the row's class."""
    said = {dotted(n) for n in walk(made.node) if isinstance(n, Name | Member)}
    for node in walk(asked):
        match node:
            case Other(word=word, children=(first, second)) if word in _COMPARES:
                for side in (first, second):
                    row = _row_of(side, made.column)
                    if row and (row == made.row if made.row else row in said):
                        return row
            case Member(of=of, name=name) if dotted(of) and (dotted(of) == made.row if made.row else dotted(of) in said):
                if _compares(body, model, name, made.column):
                    return dotted(of)
    return ""


def _row_of(side: Node, column: str) -> str:
    match side:
        case Member(of=of, name=name) if name == column:
            return dotted(of)
        case Call(callee=Member(of=of, name=name), args=()) if name == f"get{column[:1].upper()}{column[1:]}":
            return dotted(of)
    return ""


def _compares(body: Body, model: Model, name: str, column: str) -> bool:
    """Whether an attribute or a method of the row's class compares the column: `code.is_valid`."""
    method = model.definition.methods.get(name)
    if method is None:
        return False
    body.code.look_into(method.path, method.node)
    receiver = method.node.receiver
    return bool(receiver) and any(
        isinstance(n, Other) and n.word in _COMPARES and any(_row_of(side, column) == receiver for side in n.children)
        for n in walk(method.node)
    )


def _read_again(body: Body, row: str, test: Node, node: Node) -> bool:
    """Whether the row is another one where it is changed, or the change is put off."""
    later = any(test.start < a.start < node.start for a in body.assigned.get(row, ()))
    return later or any(isinstance(o, Function) and not _holds(o, test) for o in body.around(node))


def _holds(outer: Node, node: Node) -> bool:
    return outer.start <= node.start and node.end <= outer.end
