"""What is done in memory with rows that were loaded, where the database could have done it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal, NamedTuple

from analyzers.facts.outline import Call, Function, Loop, Member, Name, Node, Other, Return, Text, walk
from analyzers.knowledge.derived import derived
from analyzers.model.inference.acts import Act
from analyzers.model.requests.bodies import Body
from analyzers.model.requests.results import answers
from analyzers.model.tables.models import Model

_counts = derived(lambda: answers.words("counts"))
_sums = derived(lambda: answers.words("sums"))
_picks = derived(lambda: answers.words("picks"))
_asks = derived(lambda: answers.words("asks"))
_takes = derived(lambda: answers.words("takes"))
_copies = derived(lambda: answers.words("lists"))
_TESTS = frozenset({"if", "?:"})


class Use(NamedTuple):
    """What is done with the rows: at which node. `tested` are the columns that rows are told apart by, where code does it."""

    kind: Literal["counted", "summed", "filtered", "asked"]
    node: Node
    by: str
    tested: tuple[str, ...] = ()


def use_of(body: Body, model: Model, node: Call, act: Act) -> Use | None:
    """What is done with the rows of a query at once, or by the uses of their name."""
    direct = _used(body, model, node, act)
    if direct is not None:
        return direct
    name = body.name_of(node)
    uses = list(body.uses(name, node.end)) if name else []
    if not uses or len(body.assigned.get(name, ())) != 1:
        return None
    found = [None if _is_again(body, use, node) else _used(body, model, use, act) for use in uses]
    if len(found) == 1 and (found[0] is None or found[0].kind in ("counted", "asked", "filtered")):
        return found[0]
    return found[0] if all(f is not None and f.kind in ("counted", "asked") for f in found) else None


def _is_again(body: Body, use: Node, source: Node) -> bool:
    """Whether rows that are loaded once are used in a loop, over and over."""
    return any(isinstance(outer, Loop) and outer.start > source.start and outer.over is not use for outer in body.around(use))


def _used(body: Body, model: Model, node: Node, act: Act) -> Use | None:
    if body.language == "php":
        call = answers.follows(body, node)
        if call is not None and isinstance(call.callee, Member):
            return _asked_of(body, model, call, call.callee.name)
    held = _copied(body, node)
    above = next(body.around(held), None)
    match above:
        case Call(callee=Name(id=name), args=(only,)) if only is held and name.lstrip("\\") in _counts()[body.language]:
            return Use("counted", above, name)
        case Call(callee=Name(id=name), args=(only, function)) if only is held and name.lstrip("\\") in _takes()[body.language]:
            tested = _by_function(model, function)
            return Use("filtered", above, name, tested) if tested else None
        case Loop(kind="generator" | "list" | "set", over=over) if over is held:
            return _looped(body, model, above)
        case Other(word="in" | "not in", children=(_, holder)) if holder is held and _is_sent(model, act):
            return Use("asked", above, "in")
        case Other(word="item", children=(of, at)) if of is held and (held is not node or act.runs) and _is_few(at):
            key = next((k.value for k in held.keywords if k.name == "key"), None) if isinstance(held, Call) else None
            if key is None or _by_function(model, key):
                return Use("filtered", above, "first")
        case Call(callee=Name(id="bool"), args=(only,)) if only is held and _is_sent(model, act):
            return Use("asked", above, "bool")
        case Other() if _is_test(body, held) and _is_sent(model, act):
            return Use("asked", held, "if")
    return None


def _asked_of(body: Body, model: Model, call: Call, name: str) -> Use | None:
    """What a method of a collection does."""
    language = body.language
    collected = body.act(call, "collected") is not None
    if name in _counts()[language] and not call.args:
        return Use("counted", call, name)
    if name in _sums()[language] and call.args and not isinstance(call.args[0], Function):
        return Use("summed", call, name)
    if collected and name in _picks()[language]:
        return Use("filtered", call, name)
    if collected and name in _asks()[language] and not any(isinstance(a, Function) for a in call.args):
        return Use("asked", call, name)
    if collected and name in _takes()[language]:
        tested = _by_function(model, call.args[0]) if call.args else ()
        return Use("filtered", call, name, tested) if tested else None
    return None


def _looped(body: Body, model: Model, loop: Loop) -> Use | None:
    """What a comprehension does: `sum(o.total for o in orders)`, `[o for o in orders if o.paid]`."""
    if not isinstance(loop.target, Name):
        return None
    *conditions, element = loop.body
    item, outer = loop.target.id, next(body.around(loop), None)
    tested = _columns(model, item, conditions) if conditions else ()
    if conditions and not tested:
        return None
    match outer:
        case Call(callee=Name(id=name), args=(only,)) if only is loop:
            if name in _sums()[body.language] and _columns(model, item, (element,)) and isinstance(element, Member):
                return Use("summed", outer, name, tested)
            if name in _asks()[body.language] and (asked := _columns(model, item, (element,))):
                return Use("asked", outer, name, (*tested, *asked))
            if name in _counts()[body.language] and loop.kind != "set":
                return Use("counted", outer, name, tested)
    return Use("filtered", loop, "if", tested) if tested and loop.kind == "list" else None


def _columns(model: Model, item: str, nodes: Iterable[Node]) -> tuple[str, ...]:
    """The columns by which expressions tell rows apart; none where they need more than columns of the row."""
    found: dict[str, None] = {}
    named = 0  # how often the row is, by itself or by one of its columns
    for node in (n for top in nodes for n in walk(top)):
        match node:
            case Call(callee=Member(of=Name(id=name), name=getter), args=()) if name == item and (
                column := _got(model, getter)
            ):
                found[column] = None
                named -= 1
            case Call() if any(isinstance(n, Name) and n.id == item for n in walk(node)):
                return ()
            case Member(of=Name(id=name), name=getter) if name == item and _got(model, getter):
                pass
            case Member(of=Member(of=Name(id=name))) if name == item:
                return ()
            case Member(of=Name(id=name), name=column) if name == item:
                found[model.columns[column].name if column in model.columns else column] = None
                named -= 1
            case Name(id=name) if name == item:
                named += 1
    return tuple(found) if not named else ()


def _got(model: Model, getter: str) -> str:
    """The column that a method reads, as its name says: `getStatus`, `isPaid`."""
    words = model.library.language == "php" and next((w for w in ("get", "is") if getter.startswith(w)), "")
    attribute = getter.removeprefix(words or "")
    column = model.columns.get(attribute[:1].lower() + attribute[1:]) if words else None
    return column.name if column is not None else ""


def _by_function(model: Model, function: Node) -> tuple[str, ...]:
    """The columns that a function goes by, where it needs no more of a row."""
    match function:
        case Function(parameters=(only,), body=(Return(value=value),)) if value is not None:
            return _columns(model, only.name, (value,))
    return ()


def _copied(body: Body, node: Node) -> Node:
    """The list that is made of rows where they stand, or they themselves."""
    inner = node
    for outer in body.around(node):
        match outer:
            case Call(callee=Name(id=name), args=(first, *_)) if first is inner and name in _copies()[body.language]:
                inner = outer
            case Other(word="await"):
                inner = outer
            case _:
                break
    return inner


def _is_sent(model: Model, act: Act) -> bool:
    """Whether a query is sent at the latest when it is tested, or looked into."""
    bounds = model.library.bounds
    return act.kind != "handed" and (act.runs or (bounds is not None and bounds.sent_when_tested))


def _is_few(at: Node) -> bool:
    """Whether an index takes the first or last of a list."""
    match at:
        case Text(value=int()):
            return True
        case Other(word="-", children=(Text(value=int()),)):
            return True
        case Other(word="slice", children=(Text(value=None), Text(value=int()), _)):
            return True
    return False


def _is_test(body: Body, node: Node) -> bool:
    """Whether something is only asked whether it is empty: `if orders`, `not orders`."""
    inner = node
    for outer in body.around(node):
        match outer:
            case Other(word="not"):
                return True
            case Other(word="and" | "or"):
                inner = outer
            case Other(word=word, children=(test, *_)) if word in _TESTS:
                return test is inner
            case _:
                return False
    return False


def of_relation(body: Body, relation: Node) -> Use | None:
    """What is done at once with the rows that belong to another."""
    counts, sums = _counts()[body.language], _sums()[body.language]
    call = answers.follows(body, relation)
    if call is not None and isinstance(call.callee, Member):
        name = call.callee.name
        if name in counts and not call.args:
            return Use("counted", call, name)
        if name in sums and call.args and not isinstance(call.args[0], Function):
            return Use("summed", call, name)
        return None
    match next(body.around(relation), None):
        case Call(callee=Name(id=name), args=(only,)) as outer if only is relation and name.lstrip("\\") in counts:
            return Use("counted", outer, name)
    return None
