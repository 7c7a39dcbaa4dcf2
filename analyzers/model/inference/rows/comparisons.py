"""Comparisons of a class's attributes that become conditions: `Order.status == status`, `Order.email.in_(…)`, `or_(…)`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from analyzers.facts.outline import Call, Member, Name, Node, Other, Text
from analyzers.knowledge import Rows as RowsWords
from analyzers.model.inference import flow
from analyzers.model.inference.types import Attribute, Literal, Search
from analyzers.model.tables.models import Model

if TYPE_CHECKING:
    from analyzers.model.inference.frames import Frame
    from analyzers.model.inference.summaries import Inference

_RANGES = {"<": "below", "<=": "below", ">": "ranged", ">=": "ranged"}
_MIRRORED = {"<": "ranged", "<=": "ranged", ">": "below", ">=": "below"}
_DENIALS = frozenset({"!=", "~", "not", "not in", "is not"})


def conditions(inference: Inference, model: Model, words: RowsWords, call: Call, frame: Frame) -> list[Search]:
    """The columns that the arguments of a call search by; keywords are attributes of the rows' own class."""
    found = []
    for keyword in call.keywords:
        literal = flow.evaluate(inference, keyword.value, frame)
        how = "null" if literal == Literal(None) else "equal"
        found.append(_search(inference, Attribute(model.qualified, keyword.name), model, how, keyword.value))
    return found + [s for node in call.args for s in _condition(inference, model, words, node, frame)]


def _condition(inference: Inference, model: Model, words: RowsWords, node: Node, frame: Frame) -> list[Search]:
    match node:
        case Other(word="&" | "and", children=parts):
            return [s for part in parts for s in _condition(inference, model, words, part, frame)]
        case Other(word="|" | "or", children=parts):
            return [_either(inference, model, words, parts, frame)]
        case Other(word=word) if word in _DENIALS:
            return []
        case Other(word=word, children=(one, other)) if word == "==" or word in _RANGES:
            return _compared(inference, model, words, word, (one, other), frame)
        case Call(callee=Name(id=name) | Member(name=name), args=parts) if name in words.combiners:
            match words.combiners[name]:
                case "all":
                    return [s for part in parts for s in _condition(inference, model, words, part, frame)]
                case "any":
                    return [_either(inference, model, words, parts, frame)]
            return []
        case Call(callee=Member(of=of, name=name)) if name in words.comparisons:
            return _called(inference, model, of, node, words.comparisons[name], frame)
        case Member() | Name():
            held = _attribute(inference, node, frame)
            return [_search(inference, held, model, "equal", Text(node.start, node.end, True))] if held else [_unknown(model)]
    return [_unknown(model)]


def _either(inference: Inference, model: Model, words: RowsWords, parts: tuple[Node, ...], frame: Frame) -> Search:
    sides = tuple(tuple(_condition(inference, model, words, part, frame)) for part in parts)
    return Search("either", model.qualified, "", sides=sides)


def _compared(
    inference: Inference, model: Model, words: RowsWords, operator: str, parts: tuple[Node, Node], frame: Frame
) -> list[Search]:
    """`Order.total > 3`, `3 < Order.total`, `func.lower(Order.email) == email`; of two tables' columns, a join."""
    one, other = parts
    sides = [(side, _attribute(inference, side, frame)) for side in parts]
    held = [attribute for _, attribute in sides if attribute is not None]
    if len(held) == 2:
        return [] if held[0].model != held[1].model else [_unknown(model)]
    if held:
        value = other if sides[0][1] is not None else one
        how = (_RANGES if sides[0][1] is not None else _MIRRORED).get(operator, "equal")
        literal = flow.evaluate(inference, value, frame)
        return [_search(inference, held[0], model, "null" if literal == Literal(None) else how, value)]
    for side in parts:
        if isinstance(side, Call) and isinstance(side.callee, Member | Name) and len(side.args) == 1:
            name = side.callee.name if isinstance(side.callee, Member) else side.callee.id
            attribute = _attribute(inference, side.args[0], frame)
            if attribute is not None:
                return [_search(inference, attribute, model, words.comparisons.get(name, "computed"), side)]
    return [_unknown(model)]


def _called(inference: Inference, model: Model, of: Node, call: Call, how: str, frame: Frame) -> list[Search]:
    """`Order.status.in_(…)`, `Order.number.like("2024%")`, `func.lower(Order.email).like(…)`."""
    attribute = _attribute(inference, of, frame)
    if attribute is None:
        inner = _attribute(inference, of.args[0], frame) if isinstance(of, Call) and len(of.args) == 1 else None
        return [_search(inference, inner, model, "computed", call)] if inner is not None else [_unknown(model)]
    value = call.args[0] if call.args else None
    if how == "null" and isinstance(value, Text) and value.value is not None:
        how = "equal"
    if how == "prefix" and not _begins(value):
        how = "pattern"
    return [] if how == "" else [_search(inference, attribute, model, how, value)]


def _begins(value: Node | None) -> bool:
    """Whether a pattern begins with something to look for, as far as it is literal."""
    match value:
        case Text(value=str() as text):
            return text[:1] not in ("%", "_", "")
        case Other(children=(first, *_)):
            return not isinstance(first, Text) or _begins(first)
        case Call(callee=Member(of=of, name="format")):
            return _begins(of)
    return False


def _attribute(inference: Inference, node: Node, frame: Frame) -> Attribute | None:
    held = flow.evaluate(inference, node, frame) if isinstance(node, Member | Name) else None
    return held if isinstance(held, Attribute) else None


def _search(inference: Inference, attribute: Attribute, model: Model, how: str, value: Node | None) -> Search:
    """A condition on an attribute; on a relation, it is one on the column that holds it."""
    holder = inference.model(attribute.model)
    name = attribute.name
    if holder is None:
        return _unknown(model)
    relation = holder.relations.get(name)
    column = relation.column if relation is not None else holder.columns[name].name if name in holder.columns else ""
    if not column:
        return _unknown(model)
    literal = value.value if isinstance(value, Text) else None
    text = str(literal).lower() if isinstance(literal, bool) else str(literal) if literal is not None else ""
    return Search(how, holder.qualified, column, text)


def order(inference: Inference, model: Model, node: Node, frame: Frame) -> Search:
    """`Order.created.desc()`, `desc(Order.created)`, `-Order.created`, or anything else, which ends the known order."""
    descending = False
    while True:
        match node:
            case Call(callee=Member(of=of, name=name), args=()):
                descending, node = descending or name == "desc", of
            case Call(callee=Name(id=name) | Member(name=name), args=(inner,)):
                descending, node = descending or name == "desc", inner
            case Other(word="-", children=(inner,)):
                descending, node = True, inner
            case _:
                break
    attribute = _attribute(inference, node, frame)
    held = _search(inference, attribute, model, "ordered", None) if attribute is not None else None
    known = held is not None and held.how == "ordered" and held.model == model.qualified
    return Search("ordered", model.qualified, held.column if known and held is not None else "", descending=descending)


def _unknown(model: Model) -> Search:
    return Search("other", model.qualified, "")
