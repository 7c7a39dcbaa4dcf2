"""What the test of a branch says of how often its block happens."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, NamedTuple

from analyzers.facts.outline import Call, Member, Name, Node, Other, Return, Text, dotted, walk
from analyzers.knowledge import libraries
from analyzers.knowledge.derived import derived
from analyzers.knowledge.naming import underscore
from analyzers.model.inference import flow
from analyzers.model.inference.branching import kinds
from analyzers.model.inference.rows import queries
from analyzers.model.inference.types import (
    Instance,
    LibraryValue,
    Literal,
    ModelClass,
    Row,
    Site,
    Taken,
    Tupled,
    Value,
    covers,
    join,
    row_among,
)

if TYPE_CHECKING:
    from analyzers.model.inference.frames import Frame
    from analyzers.model.inference.summaries import Inference

_memberships = derived(lambda: frozenset(name for library in libraries() for name in library.memberships))
_loaded_names = derived(
    lambda: frozenset(x.rows.loaded_names for x in libraries() if x.rows is not None and x.rows.loaded_names)
)
_OPTIONS = "context"
_readers = derived(lambda: frozenset(name for library in libraries() for name in library.readers))


def dead_part(inference: Inference, test: Node, frame: Frame) -> int | None:
    """Which of `then` (0) and `else` (1) cannot be taken: a call left a switch at its literal default, an object was made with
    what the test asks for, rows are of another class, or a call handed over what the test finds missing."""
    held = holds(inference, test, frame)
    held = _is_handed(test, frame) if held is None else held
    return None if held is None else int(held)


def holds(inference: Inference, test: Node, frame: Frame) -> bool | None:
    """Whether a test holds, as far as what stands around it tells."""
    return decide(test, lambda node: _told(inference, node, frame))


def decide(test: Node, told: Callable[[Node], Literal | Tupled | None]) -> bool | None:
    """Whether a test holds, where `told` says what its operands are; nothing where that does not tell."""
    match test:
        case Other(word="not", children=(inner,)):
            held = decide(inner, told)
            return None if held is None else not held
        case Other(word="and" | "or" as word, children=parts):
            some = [decide(part, told) for part in parts]
            if (word == "or") in some:
                return word == "or"
            return None if None in some else word == "and"
        case Other(word="==" | "!=" | "is" | "is not" | "in" | "not in" as word, children=(one, other)):
            left, right = told(one), told(other)
            if not isinstance(left, Literal) or right is None:
                return None
            values = right.items if isinstance(right, Tupled) and word in ("in", "not in") else (right,)
            if not all(isinstance(value, Literal) for value in values):
                return None
            return (left in values) is (word in ("==", "is", "in"))
        case Call(callee=Name(id=name), args=(one, other, *_)) if name.lstrip("\\") in _memberships():
            return decide(Other(test.start, test.end, "in", (one, other)), told)
    switch = told(test)
    return bool(switch.value) if isinstance(switch, Literal) else None


def _told(inference: Inference, node: Node, frame: Frame) -> Literal | Tupled | None:
    """A literal, a switch left at its default, what an object was made with, what a query added to a row, or its class."""
    match node:
        case Text(value=value):
            return Literal(value)
        case Other(word="list" | "tuple" | "set", children=parts):
            return Tupled(tuple(_told(inference, part, frame) for part in parts))
        case (
            Call(callee=Name(id="getattr"), args=(Name(id=name), Text(value=attribute), *_))
            | Member(of=Name(id=name), name=attribute)
        ) if attribute in _loaded_names():
            return _came_along(inference, frame.env.get(name))
        case Call(callee=Name(id=asked), args=(Name(id=name), Text(value=str() as attribute), *_)) if asked in _readers():
            row = frame.env.get(name)
            return Literal(True) if isinstance(row, Row) and _added(inference, row, attribute) else None
        case Call(callee=Member(of=Name(id=name), name=asked), args=(Text(value=str() as relation), *_)):
            return Literal(True) if _is_loaded(inference, frame.env.get(name), asked, relation) else None
        case Call(callee=Name(id="isset" | "array_key_exists"), args=args) if (of_row := _attribute_asked(args)) is not None:
            of, attribute = of_row
            return Literal(True) if _aggregated(inference, frame.env.get(of), attribute) else None
        case Name(id=name) if name in frame.defaults:
            held = frame.env.get(name)
            return held if isinstance(held, Literal) else None
        case Member(of=Name(id=name), name=constant) if frame.language == "php" and not name.startswith("$"):
            return _constant(flow.evaluate(inference, node, frame)) if constant != "class" else None
        case Member(of=Name(id=name), name=attribute):
            holder = frame.env.get(name)
            held = dict(holder.given).get(attribute) if isinstance(holder, Instance) else None
            return held if isinstance(held, Literal) else Literal(True) if isinstance(held, ModelClass) else None
        case Other(word="??", children=(Name(id=name), otherwise)) if frame.view:
            return _told(inference, otherwise if _is_absent(name, frame) else node.children[0], frame)
        case Call(callee=Name(id="isset" | "empty" as asked), args=(Name(id=name),)) if frame.view:
            return Literal(asked == "empty") if _is_absent(name, frame) else None
    said = kinds.is_kind(inference, node, frame)
    return None if said is None else Literal(said)


def _constant(value: Value) -> Literal | Tupled | None:
    return value if isinstance(value, Literal | Tupled) else None


def _attribute_asked(args: tuple[Node, ...]) -> tuple[str, str] | None:
    """The name of a row and of its attribute: of `$row->a`, of `$row->attributes['a']`, of `'a', $row->attributes`."""
    match args:
        case (Member(of=Name(id=of), name=attribute),):
            return of, attribute
        case (Other(word="item", children=(Member(of=Name(id=of)), Text(value=str() as attribute))),):
            return of, attribute
        case (Text(value=str() as attribute), Member(of=Name(id=of))):
            return of, attribute
    return None


def _aggregated(inference: Inference, row: Value, name: str) -> bool:
    """Whether a row has an attribute only where a query computed it of a relation: who asks for it expects it."""
    model = inference.model(row.model) if isinstance(row, Row) else None
    words = model.library.rows if model is not None else None
    if model is None or words is None or not words.aggregates:
        return False
    return any(
        fnmatchcase(name, pattern.format(relation=underscore(relation)))
        for relation in model.relations
        for pattern in words.aggregates
    )


def _is_aggregate(inference: Inference, node: Node, frame: Frame) -> bool:
    match node:
        case Member(of=Name(id=name), name=attribute):
            return _aggregated(inference, frame.env.get(name), attribute)
    return False


def _came_along(inference: Inference, row: Value) -> Tupled | None:
    """The names of the collections that came with a row. With a row of an unseen query any may have come."""
    model = inference.model(row.model) if isinstance(row, Row) else None
    if model is None or not isinstance(row, Row):
        return None
    names = [name for name, relation in model.relations.items() if relation.many]
    if row.rows is not None and row.rows.known:
        names = [name for name in names if queries.came_along(inference, row.rows, (*row.path, name))]
    elif row.rows is None and row.known:
        names = [name for name in names if covers(row.eager, (name,))]
    return Tupled(tuple(Literal(name) for name in names))


def _is_loaded(inference: Inference, row: Value, asked: str, relation: str) -> bool:
    """Whether `asked` asks whether a relation came with a row, and it did: `$order->relationLoaded('lines')`."""
    model = inference.model(row.model) if isinstance(row, Row) else None
    method = model.library.rows.row_methods.get(asked) if model is not None and model.library.rows is not None else None
    if not isinstance(row, Row) or method is None or not method.asks or method.returns != "value":
        return False
    if row.rows is None:
        return relation in row.eager
    return row.rows.known and queries.came_along(inference, row.rows, (*row.path, relation))


def _is_handed(test: Node, frame: Frame) -> bool | None:
    """Whether the test finds what a call handed over: whoever hands something over has it."""
    match test:
        case Other(word="not", children=(inner,)):
            held = _is_handed(inner, frame)
            return None if held is None else not held
        case Other(word="is" | "is not" | "===" | "!==" as word, children=(Name(id=name), Text(value=None))):
            return word in ("is not", "!==") if name in frame.handed else None
        case Name(id=name) if name in frame.handed:
            return True
    return None


def _is_absent(name: str, frame: Frame) -> bool:
    """Whether a template was not given a name, or given nothing under it."""
    return name not in frame.env or frame.env[name] == Literal(None)


def conjunction(inference: Inference, parts: tuple[Node, ...], frame: Frame) -> Value:
    """The value of `a and b`: what follows a test that cannot hold does not happen."""
    held: Value = None
    for part in parts:
        held = flow.evaluate(inference, part, frame)
        if dead_part(inference, part, frame) == 0:
            return None
    return held


def conditional(inference: Inference, parts: tuple[Node, ...], frame: Frame) -> Value:
    """The value of `test ? a : b`."""
    if len(parts) != 3:
        return None
    flow.evaluate(inference, parts[0], frame)
    dead = dead_part(inference, parts[0], frame)
    ways = [flow.evaluate(inference, part, frame) for i, part in enumerate(parts[1:]) if i != dead]
    return join(ways[0], ways[-1])


def _is_count(node: Node, frame: Frame) -> bool:
    """Whether an attribute is named as what a query counts along with its rows: who asks for it expects it to be there."""
    counts = isinstance(node, Member) and node.name.endswith("_count") and isinstance(node.of, Name)
    row = frame.env.get(node.of.id) if counts and isinstance(node, Member) and isinstance(node.of, Name) else None
    return isinstance(row, Row) and row.loop is not None


def _added(inference: Inference, row: Row, name: str) -> bool:
    """Whether a row has an attribute only where a query added it: no one asks for it who does not expect it."""
    model = inference.model(row.model)
    if model is None or row.loop is None or name in model.relations or name in model.columns:
        return False
    code = inference.code
    return code.method(model.definition, name) is None and code.attribute(model.definition, name) is None


class Test(NamedTuple):
    """What the test of a branch says, whatever its names hold. It keeps its node, by whose identity it is remembered."""

    node: Node
    names: tuple[str, ...]
    equated: tuple[tuple[str, str], ...]  # names with the attribute of theirs that is compared
    asks_what_is_known: bool  # `if key not in cache:` — what follows happens once for each key, not for each row
    calls: bool  # a function is asked about one of its names
    asks_options: bool  # of a serializer's `context`, which whoever uses it may give or not
    read: tuple[tuple[str, str], ...]  # names with the attribute of theirs that is read


def test_of(inference: Inference, node: Node) -> Test:
    """What a test says: read once, however often its branch is walked."""
    known = inference.tests.get(id(node))
    if known is None:
        inner = list(walk(node))
        others = [n for n in inner if isinstance(n, Other)]
        sides = [side for n in others if n.word in ("==", "===", "is") and len(n.children) == 2 for side in n.children]
        known = inference.tests[id(node)] = Test(
            node,
            tuple(n.id for n in inner if isinstance(n, Name)),
            tuple((side.of.id, side.name) for side in sides if isinstance(side, Member) and isinstance(side.of, Name)),
            any(n.word in ("in", "not in", "isset", "??") for n in others),
            any(isinstance(n, Call) and any(isinstance(a, Name) for a in n.args) for n in inner),
            any(isinstance(n, Member) and n.name == _OPTIONS and dotted(n.of) == "self" for n in inner),
            tuple((n.of.id, n.name) for n in inner if isinstance(n, Member) and isinstance(n.of, Name)),
        )
    return known


def picked_by(inference: Inference, test: Test, frame: Frame) -> list[Site]:
    """The loops of whose rows the test picks one, by its key: `if order.pk == wanted`."""
    out = []
    for name, attribute in test.equated:
        row = frame.env.get(name)
        model = inference.model(row.model) if isinstance(row, Row) else None
        if isinstance(row, Row) and row.loop is not None and model is not None and attribute in model.keys:
            out.append(row.loop)
    return out


def unsettled(test: Test, frame: Frame) -> list[Site]:
    """The loops of whose rows the test asks nothing: a function is asked about what this call stated literally, so that its
    answer is the same for all of them, and may be no: `if (Permission::exists($ability))`; or a serializer is asked for an
    option."""
    held = [name for name in test.names if name in frame.env]
    literal = test.calls and bool(held) and frame.defaults.issuperset(held)
    if not literal and not test.asks_options:
        return []
    return [value.loop for value in frame.env.values() if isinstance(value, Row) and value.loop is not None]


def unsaved(inference: Inference, test: Test, frame: Frame) -> list[Site]:
    """The loops of rows whose query was not seen, and which the test asks whether they are saved at all: `if self.pk`. They
    may have been made in memory."""
    out = []
    for name, attribute in test.read:
        row = frame.env.get(name)
        seen = not isinstance(row, Row) or row.rows is None or row.rows.known
        model = None if seen or not isinstance(row, Row) else inference.model(row.model)
        if isinstance(row, Row) and row.loop is not None and model is not None and attribute in model.keys:
            out.append(row.loop)
    return out


_caches = derived(lambda: frozenset(name for library in libraries() for name in library.caches))


def is_cache(name: str) -> bool:
    """Whether a library's function answers from a cache."""
    return name in _caches()


def asks_cache(test: Test, frame: Frame) -> bool:
    """Whether a test looks at what a cache answered: what follows happens once for each key, not for each row."""
    held = [frame.env.get(name) for name in test.names]
    return any(isinstance(value, LibraryValue) and value.name in _caches() for value in held)


def operands(inference: Inference, word: str, parts: tuple[Node, ...], frame: Frame) -> tuple[Value, ...]:
    """What the operands hold. `$page->book_slug ?? …` needs nothing in the place of a column that the query names."""
    if word == "??" and len(parts) == 2:
        if _is_aggregate(inference, parts[0], frame) or _is_count(parts[0], frame):
            return (flow.evaluate(inference, parts[0], frame),)
        said = _told(inference, Other(parts[0].start, parts[1].end, word, parts), frame)
        if said is not None:
            return (said,)
    first = tuple(flow.evaluate(inference, p, frame) for p in parts[:1])
    if parts and _is_handed(parts[0], frame):
        return first
    row = first[0].row if first and isinstance(first[0], Taken) else None
    given = row is not None and row.loop is not None and row.rows is not None and row.rows.narrowed and word == "??"
    inference.once.extend([row.loop] if given and row is not None and row.loop is not None else [])
    rest = tuple(flow.evaluate(inference, p, frame) for p in parts[1:])
    del inference.once[len(inference.once) - given :]
    return first + rest


def leaves(nodes: tuple[Node, ...]) -> str:
    """Whether a block ends by leaving the loop it stands in (`loop`), or the function (`function`)."""
    if not nodes:
        return ""
    match nodes[-1]:
        case Return() | Other(word="raise"):
            return "function"
        case Other(word="break"):
            return "loop"
    return ""


def taken_in(values: Iterable[Value]) -> Taken | None:
    """What is computed from these is taken from the row of a loop that is among them."""
    row = row_among(values)
    return Taken(row) if row is not None else None


def answers_from_store(parts: tuple[Node, ...]) -> bool:
    """`if key in known: return known[key]`: what follows is done where the answer was not there yet."""
    match parts:
        case (Other(word="in", children=(_, Name() | Member() as store)), Other(children=(*_, Return(value=answer))), *_):
            held = answer.children[0] if isinstance(answer, Other) and answer.word == "item" and answer.children else None
            return held is not None and dotted(held) == dotted(store) != ""
    return False
