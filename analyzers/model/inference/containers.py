"""Lists and mappings that code builds up from rows, and functions that are given to others to apply to each item."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from analyzers.facts.outline import Call, Loop, Member, Name, Node, Other, Text
from analyzers.knowledge import Applies
from analyzers.model.inference import constructors, flow
from analyzers.model.inference.branching import deeds
from analyzers.model.inference.readers import declared, form_rows
from analyzers.model.inference.rows import queries, sent
from analyzers.model.inference.types import (
    NOTHING,
    Bound,
    ClassValue,
    Closure,
    Getter,
    Given,
    Instance,
    Keyed,
    LibraryValue,
    Listed,
    Literal,
    Mapped,
    Partial,
    Row,
    Rows,
    Site,
    Taken,
    Tupled,
    Value,
    either,
    join,
)

if TYPE_CHECKING:
    from analyzers.model.inference.frames import Frame
    from analyzers.model.inference.summaries import Inference

_CALLED = ("__invoke", "__call__")
_ADDS = frozenset({"append", "add", "appendleft", "insert"})
_EXTENDS = frozenset({"extend", "update"})


# -- what code builds up -----------------------------------------------------------------------------------------------


def change(inference: Inference, node: Call, frame: Frame) -> bool:
    """`orders.append(order)`, `by_customer[key].append(order)`: the list holds such items from here on; `orders.sort(key=f)`.

    Tells whether the call was one that changes what a name holds in place.
    """
    if isinstance(node.callee, Member) and node.callee.name == "sort":
        return _sort(inference, node.callee.of, node, frame)
    if isinstance(node.callee, Member) and node.callee.name == "setdefault":
        _begin(inference, node.callee.of, node, frame)
        return False
    if not isinstance(node.callee, Member) or node.callee.name not in _ADDS | _EXTENDS or not node.args:
        return False
    base = node.callee.of
    match base:
        case Name(id=name):
            pass
        case Other(word="item", children=(Name(id=name), _)) | Call(callee=Member(of=Name(id=name), name="setdefault")):
            pass
        case _:
            return False
    held = frame.env.get(name)
    if name not in frame.env or not isinstance(held, Listed | Keyed | Tupled | Mapped | None):
        return False
    item = gathered(inference, flow.evaluate(inference, node.args[-1], frame), node, frame)
    if node.callee.name in _EXTENDS:
        if isinstance(item, Mapped) and isinstance(held, Mapped):
            frame.env[name] = Mapped((*(i for i in held.items if i[0] not in dict(item.items)), *item.items))
            return True
        if isinstance(item, Mapped | Keyed):
            frame.env[name] = with_item(held, None, item.item if isinstance(item, Keyed) else None)
            return True
        item = flow.iterate(inference, item, frame.site(node), node, frame)
    if isinstance(base, Name):
        frame.env[name] = Listed(either(items_of(held), item) if items_of(held) is not None else item)
    else:
        inner = held.item if isinstance(held, Keyed) else None
        frame.env[name] = with_item(held, None, Listed(join(items_of(inner), item) if inner is not None else item))
    return True


def _begin(inference: Inference, of: Node, node: Call, frame: Frame) -> None:
    """`groups.setdefault(order, [])`: the mapping has such a key from here on."""
    held = frame.env.get(of.id) if isinstance(of, Name) else None
    empty = isinstance(held, Tupled | Mapped) and not held.items
    if not isinstance(of, Name) or not (empty or isinstance(held, Keyed)) or len(node.args) != 2:
        return
    key, item = (flow.evaluate(inference, argument, frame) for argument in node.args)
    if not isinstance(key, Literal):
        frame.env[of.id] = with_item(held, key, gathered(inference, item, node, frame))


def _sort(inference: Inference, of: Node, node: Call, frame: Frame) -> bool:
    """`orders.sort(key=f)`: the function is called with each item."""
    key = next((k.value for k in node.keywords if k.name == "key"), None)
    held = frame.env.get(of.id) if isinstance(of, Name) else None
    if key is None or not isinstance(held, Rows | Listed):
        return False
    function = flow.evaluate(inference, key, frame)
    invoke(inference, function, (flow.iterate(inference, held, frame.site(node), node, frame),), node, frame)
    return True


def put(inference: Inference, name: str, at: Node, value: Value, frame: Frame) -> None:
    """`by_id[order.pk] = order`, `$orders[] = $order`, `$data['orders'] = $orders`."""
    script = frame.language == "php"  # whose lists are mappings, and begin where they are first assigned to
    held = frame.env.get(name, NOTHING if script else None)
    if isinstance(at, Text) and isinstance(at.value, str):
        if name in frame.env or script:
            frame.env[name] = with_key(held, at.value, value)
    elif isinstance(held, Listed | Keyed | Mapped | None) or held == NOTHING or (script and isinstance(held, Tupled)):
        key = flow.evaluate(inference, at, frame)
        frame.env[name] = with_item(held, key, gathered(inference, value, at, frame))


def with_item(held: Value, key: Value, item: Value) -> Value:
    """The mapping once it holds `item` under a key that is not literal."""
    if isinstance(held, Keyed):
        return Keyed(held.key if key is None else key, either(held.item, item) if held.item is not None else item)
    if isinstance(held, Tupled) and held.items:
        return Keyed(key, either(items_of(held), item))
    return Keyed(key, item)


def with_key(held: Value, key: str, value: Value) -> Value:
    """The mapping once it holds `value` under a literal key; a name that holds nothing yet holds a mapping from here on."""
    match held:
        case Mapped(items=items):
            return Mapped((*[i for i in items if i[0] != key], (key, value)))
        case Tupled(items=()) | Literal(value=None):
            return Mapped(((key, value),))
    return held


def gathered(inference: Inference, value: Value, node: Node, frame: Frame) -> Value:
    """What is added to a list: a row that a growing loop fetched by itself is one of many once the list is walked."""
    if inference.loops and isinstance(value, Row) and value.rows is None and value.known:
        site = frame.site(node)
        return msgspec.structs.replace(value, rows=Rows(value.model, site, eager=value.eager, known=False, typed=True))
    return value


def items_of(value: Value) -> Value:
    """What the items of a list are like."""
    match value:
        case Listed(item=item):
            return item
        case Tupled(items=(first, *rest)):
            merged = first
            for other in rest:
                merged = join(merged, other)
            return merged
    return None


def key_of(over: Value, loop: Site) -> Value:
    """The key of a list that is walked with its keys: of groups, a value of the rows that they are made of."""
    match over:
        case Keyed(key=key):
            return key
        case Listed(item=Rows() as rows):
            return Taken(Row(rows.model, rows, (), loop)) if rows.model else None
    return None


def keyed_member(holder: Keyed, name: str) -> Value:
    """What the call of a mapping's method gives."""
    match name:
        case "values":
            return Listed(holder.item)
        case "items":
            return Listed(Tupled((holder.key, holder.item)))
        case "keys":
            return Listed(holder.key)
        case "get" | "pop" | "setdefault":
            return flow.only(holder.item)
    return None


# -- what stands in the code as it is ----------------------------------------------------------------------------------


def item_at(inference: Inference, node: Other, frame: Frame) -> Value:
    """`orders[0]`, `by_id[key]`, `orders[:10]`."""
    if len(node.children) < 2:
        return None
    holder, index = flow.evaluate(inference, node.children[0], frame), node.children[1]
    if isinstance(index, Other) and index.word == "slice":
        bound = index.children[1] if len(index.children) > 1 else None
        if isinstance(holder, Rows):
            stop = flow.evaluate(inference, bound, frame) if bound is not None else None
            limit = stop.value if isinstance(stop, Literal) and isinstance(stop.value, int) and stop.value > 0 else 0
            bounded = bound is not None and not (isinstance(bound, Text) and bound.value is None)
            sliced = msgspec.structs.replace(holder, limit=limit or holder.limit, limited=holder.limited or bounded)
            inference.note_query(sliced, frame, node)
            return sliced
        return holder
    key = flow.evaluate(inference, index, frame)
    match holder:
        case Rows():
            return queries.single(holder, known=holder.known)
        case Row(loop=Site()) | Taken() | Given():
            return Taken(holder) if isinstance(holder, Row) else holder
        case Mapped() if isinstance(key, Literal) and isinstance(key.value, str):
            return holder.get(key.value)
        case Tupled(items=items) if (
            isinstance(key, Literal) and isinstance(key.value, int) and -len(items) <= key.value < len(items)
        ):
            return items[key.value]
        case Listed(item=item) | Keyed(item=item):
            return flow.only(item)
    return sent.part_of(holder)


def mapping(inference: Inference, parts: tuple[Node, ...], frame: Frame) -> Value:
    """A mapping that is written down: what it holds under its literal keys."""
    items: list[tuple[str, Value]] = []
    stated: set[str] = set()
    for part in parts:
        if not (isinstance(part, Other) and part.word == "pair" and len(part.children) == 2):
            spread = flow.evaluate(inference, part, frame)
            if isinstance(spread, Mapped):
                items.extend(spread.items)
                stated.update(key for key, _ in spread.items)
            continue
        key, value = part.children
        name = flow.evaluate(inference, key, frame)
        held = flow.evaluate(inference, value, frame)
        if isinstance(name, Literal) and isinstance(name.value, str):
            if name.value in stated:
                items = [i for i in items if i[0] != name.value]
            stated.add(name.value)
            items.append((name.value, held))
    return Mapped(tuple(items))


# -- functions given to others -----------------------------------------------------------------------------------------


def invoke(
    inference: Inference,
    function: Value,
    args: tuple[Value, ...],
    node: Node,
    frame: Frame,
    keywords: dict[str, Value] | None = None,
) -> Value:
    """What a function that is held as a value gives for these arguments."""
    match function:
        case Closure():
            return inference.call_closure(function, args, keywords or {}, frame, node)
        case Bound(definition=definition, receiver=receiver):
            return inference.call(definition, receiver, args, keywords or {}, frame, node)
        case Partial():
            given = dict(function.keywords) | (keywords or {})
            return invoke(inference, function.function, (*function.args, *args), node, frame, given)
        case ClassValue(definition=definition):
            return constructors.made(inference, Instance(definition, args, tuple((keywords or {}).items())), node, frame)
        case Instance(definition=definition):
            called = next(filter(None, (inference.code.method(definition, name) for name in _CALLED)), None)
            return inference.call(called, function, args, keywords or {}, frame, node) if called is not None else None
        case LibraryValue():
            return form_rows.formset(inference, function, args, keywords or {}, node, frame)
        case Getter(path=path) if args:
            return declared.read_path(inference, args[0], path, node, frame)
    return None


def apply_to_items(inference: Inference, spec: Applies, node: Call, args: tuple[Value, ...], frame: Frame) -> Value:
    """`map(f, rows)`, `sorted(rows, key=f)`: the function is called with each of the items."""
    if spec.rows >= len(args):
        return None
    over = args[spec.rows]
    if spec.ends and isinstance(node.args[spec.rows], Loop):
        deeds.ends(inference, frame.site(node.args[spec.rows]))
    function = _function(inference, spec, node, args, frame)
    if spec.gives == "rows" and function is None:
        return over
    item = flow.iterate(inference, over, frame.site(node), node, frame)
    with deeds.each(inference, frame.site(node), deeds.body_of(function)):
        result = invoke(inference, function, (*(None,) * spec.skips, item), node, frame)
    match spec.gives:
        case "results":
            return Listed(result)
        case "rows":
            return over
        case "row":
            return flow.only(item)
        case "groups":
            return Listed(Tupled((result, Listed(item))))
    return None


def _function(inference: Inference, spec: Applies, node: Call, args: tuple[Value, ...], frame: Frame) -> Value:
    if spec.keyword:
        given = next((k.value for k in node.keywords if k.name == spec.keyword), None)
        if given is not None:
            return flow.evaluate(inference, given, frame)
    return args[spec.function] if 0 <= spec.function < len(args) else None
