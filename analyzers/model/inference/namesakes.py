"""Rows that are told by their name, where nothing else is known of them: `for page in pages`, `def publish(page)`.

A function gets rows from whoever calls it, or from where the code cannot be followed. That `page` is a row of `Page` is taken
from what is done with it: the project has one model of that name, everything that is read of `page` is there in that model, and
some of it is more than any thing has that has an id and a name. The query of such rows is not seen: `evidence` decides what may
be said of what came with them.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from analyzers.facts.outline import Assign, Call, Function, Loop, Member, Name, Node, Other, Parameter, Text, walk
from analyzers.knowledge.naming import studly
from analyzers.model.inference.rows import queries
from analyzers.model.inference.types import Given, LibraryValue, Row, Rows, Site, Tupled, Value
from analyzers.model.naming.definitions import External, FunctionDefinition
from analyzers.words import plural

if TYPE_CHECKING:
    from analyzers.model.inference.frames import Frame
    from analyzers.model.inference.summaries import Inference
    from analyzers.model.tables.models import Model

Uses = dict[str, frozenset[str] | None]  # what is read of each name; nothing where it is used as no row is

_COMPARED = frozenset({"==", "!=", "<", ">", "<=", ">=", "+", "-", "*", "/", "%"})
_OF_OTHERS = frozenset({"isinstance", "issubclass", "len", "int", "float", "range", "sum", "min", "max"})
_MAX_READ = 3000  # nodes read of one body


def item(inference: Inference, loop: Loop, held: Value, site: Site, frame: Frame) -> Value:
    """One item of what the loop walks, if it is called a row of a model and treated as one."""
    over = loop.over
    match over:
        case Member(of=Name(id="self"), name=name) if held in (None, Tupled(())) or isinstance(held, LibraryValue):
            several = name.lstrip(
                "_"
            ).lower()  # of what others put there, neither a library's class nor an empty list says much
        case Name(id=name) | Member(name=name) if held is None or isinstance(held, Given):
            several = name.lstrip("$_").lower()
        case _:
            return None
    targets = loop.target.children if isinstance(loop.target, Other) and loop.target.word == "tuple" else (loop.target,)
    for position, target in enumerate(targets):
        if isinstance(target, Name) and plural(target.id.lstrip("$").lower()) == several:
            model = _model(inference, target.id, loop.body, frame)
            if model is None:
                return None
            row = queries.one_of(
                inference, Rows(model.qualified, site, known=False, typed=True, guessed=True), site, over, frame
            )
            if len(targets) == 1 or not isinstance(row, Row):
                return row
            return Tupled(tuple(row if i == position else None for i in range(len(targets))))
    return None


def parameter(inference: Inference, function: Function, which: Parameter, frame: Frame) -> Row | None:
    """What a parameter without a type holds, if it is called a row of a model and treated as one."""
    if frame.template or frame.view or which.name.startswith("*"):
        return None
    model = _model(inference, which.name.lstrip("&"), function.body, frame)
    return Row(model.qualified) if model is not None else None


def _model(inference: Inference, name: str, body: tuple[Node, ...], frame: Frame) -> Model | None:
    """The model whose row a name holds in a body, by all that the body does with it."""
    read = _uses(inference, body).get(name, frozenset())
    if read is None or not body:
        return None
    handed, kept = _read_of_handed(inference, name, body, frame), _read_of_kept(inference, name, body, frame)
    if handed is None or kept is None or not (read or handed or kept):
        return None
    model = inference.model_called(studly(name.lstrip("$_")))
    if model is None or model.library.language != frame.language:
        return None
    members = read | handed | kept
    if not all(_has(inference, model, member) for member in members):
        return None
    return model if any(_is_own(inference, model, member) for member in members) else None


# -- what is done with a name ------------------------------------------------------------------------------------------


def _uses(inference: Inference, body: tuple[Node, ...]) -> Uses:
    """What a body reads of the names in it."""
    known = inference.uses.get(id(body))
    if known is None:
        known = inference.uses[id(body)] = (body, _used(node for statement in body for node in walk(statement)))
    return known[1]


def _used(nodes: Iterable[Node]) -> Uses:
    read: dict[str, set[str]] = {}
    other: set[str] = set()
    for _, node in zip(range(_MAX_READ), nodes, strict=False):
        match node:
            case Member(of=of, name=member):
                read.setdefault(_called_by(of), set()).add(member)
            case Other(word="item", children=(used, *_)) | Loop(over=used) | Assign(target=Name() as used) if used is not None:
                other.add(_called_by(used))
            case Call(callee=Name(id=function), args=args):
                other.add(function)
                if function in _OF_OTHERS:
                    other.update(map(_called_by, args))
            case Other(word=word, children=parts) if word in _COMPARED and any(isinstance(p, Text) for p in parts):
                other.update(map(_called_by, parts))
    return {name: None if name in other else frozenset(read.get(name, ())) for name in {*read, *other}}


def _called_by(node: Node) -> str:
    """The name by which an expression stands for a thing: its own, or that of an attribute of the object."""
    match node:
        case Name(id=name):
            return name
        case Member(of=Name(id="self"), name=name):
            return f"self.{name}"
    return ""


def _read_of_handed(inference: Inference, name: str, body: tuple[Node, ...], frame: Frame) -> frozenset[str] | None:
    """What functions of the project read of a name that is handed to them; nothing where they use it as no row."""
    out: frozenset[str] = frozenset()
    for call in (node for statement in body for node in walk(statement) if isinstance(node, Call)):
        position = next((i for i, a in enumerate(call.args) if isinstance(a, Name) and a.id == name), None)
        called = _called(inference, call, frame) if position is not None else None
        if called is None or position is None or position >= len(called.node.parameters):
            continue
        read = _uses(inference, called.node.body).get(called.node.parameters[position].name, frozenset())
        if read is None:
            return None
        out |= read
    return out


def _read_of_kept(inference: Inference, name: str, body: tuple[Node, ...], frame: Frame) -> frozenset[str] | None:
    """What the class reads of a name that a method keeps: `self.order = order`; nothing where it uses it as no row."""
    out: frozenset[str] = frozenset()
    if frame.owner is None:
        return out
    for statement in body:
        match statement:
            case Assign(target=Member(of=Name(id="self")) as attribute, value=Name(id=kept)) if kept == name:
                inference.code.touch(frame.owner.path, frame.owner.node)
                read = _uses(inference, frame.owner.node.body).get(_called_by(attribute), frozenset())
                if read is None:
                    return None
                out |= read
    return out


def _called(inference: Inference, call: Call, frame: Frame) -> FunctionDefinition | None:
    match call.callee:
        case Name(id=name):
            found = inference.code.resolve(frame.path, name)
            return found if isinstance(found, FunctionDefinition) else None
        case Member(of=Name(id="self" | "cls" | "$this"), name=name) if frame.owner is not None:
            return inference.code.method(frame.owner, name)
    return None


# -- what a row has ----------------------------------------------------------------------------------------------------


def _is_own(inference: Inference, model: Model, name: str) -> bool:
    """Whether a member is a relation of the model, its key, or what the project's own class says of it: few others have it."""
    suffix = model.library.models.key_suffix if model.library.models is not None else ""
    relation = model.relations.get(name.removesuffix(suffix)) if suffix and name.endswith(suffix) else None
    code = inference.code
    return (
        name in model.relations
        or (relation is not None and bool(relation.column))
        or code.method(model.definition, name) is not None
        or code.attribute(model.definition, name) is not None
    )


def _has(inference: Inference, model: Model, name: str) -> bool:
    """Whether rows of the model have such a member. What a library's own base brings along is not known."""
    words = model.library.rows
    if name in model.columns or name in model.keys or name in ("id", "pk") or _is_own(inference, model, name):
        return True
    if words is not None and (name in words.writes or name in words.row_writes):
        return True
    plain = words.plain_bases if words is not None else ""
    return any(isinstance(b, External) and not b.name.startswith(plain) for b in inference.code.lineage(model.definition))
