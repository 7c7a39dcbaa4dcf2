"""Statements and expressions in order of execution: what each holds, and what happens on the way.

A loop's body is walked once, with one item of what it walks.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

import msgspec

from analyzers.facts.outline import Assign, Call, Class, Function, Loop, Member, Name, Node, Other, Return, Text
from analyzers.knowledge import libraries
from analyzers.knowledge.derived import derived
from analyzers.model.inference import (
    acts,
    arguments,
    calls,
    constructors,
    containers,
    edges,
    in_place,
    members,
    namesakes,
    reflection,
)
from analyzers.model.inference.branching import branches, cases, conditions, deeds, handing
from analyzers.model.inference.readers import endpoints
from analyzers.model.inference.rows import origins, queries, records, selects, sent, statements
from analyzers.model.inference.templates import macros, templates, views
from analyzers.model.inference.types import (
    Attribute,
    Bound,
    ClassValue,
    Closure,
    Given,
    Instance,
    Keyed,
    KnownMethod,
    LibraryValue,
    Listed,
    Literal,
    ModelClass,
    Partial,
    Row,
    RowMethod,
    Rows,
    RowWrite,
    Site,
    Super,
    Taken,
    Tupled,
    Value,
    ValueMethod,
    View,
    concatenated,
    join,
    row_among,
)

if TYPE_CHECKING:
    from analyzers.model.inference.frames import Frame
    from analyzers.model.inference.summaries import Inference

_sessions = derived(lambda: frozenset(c for x in libraries() if x.rows is not None for c in x.rows.session_of.values()))
_MAX_STEPS = 400_000  # expressions walked for one root; real roots stay below 5,000
_MISSING = object()
_COMPUTED = frozenset({"==", "!=", "<", ">", "<=", ">=", "+", "-", "*", "/", "%", ".", "&", "|", "in", "cast"})


# -- statements ----------------------------------------------------------------------------------------------------


def run(inference: Inference, nodes: Iterable[Node], frame: Frame) -> Value:
    """What the last of these holds, once all of them happened; a template prints what it states."""
    value: Value = None
    for node in nodes:
        value = evaluate(inference, node, frame)
        if frame.template and isinstance(value, Row) and not isinstance(node, Assign):
            members.shown(inference, value, node, frame)
        if frame.left:
            break
    return value


def _assign(inference: Inference, node: Assign, frame: Frame) -> Value:
    if node.value is None and isinstance(node.target, Name) and isinstance(frame.env.get(node.target.id), Row | Rows):
        return None  # a type comment about a name that is known better
    value = evaluate(inference, node.value, frame) if node.value is not None else None
    acts.assigned(inference, node, frame)
    if node.operator:
        if node.operator == "+":
            value = join(evaluate(inference, node.target, frame), value)
        else:
            return None
    if value is None and node.annotation is not None:
        value = members.annotated(inference, frame.path, node.annotation, frame.function)
    bind(inference, node.target, value, frame)
    return value


def bind(inference: Inference, target: Node, value: Value, frame: Frame) -> None:
    """Gives `target` the value, and notes relations that are set by hand."""
    match target:
        case Name(id=name):
            frame.env[name] = value
            frame.handed.discard(name)
        case Other(word="tuple" | "list", children=parts):
            items: tuple[Value, ...] = value.items if isinstance(value, Tupled) else ()
            if isinstance(value, Listed):
                items = (value.item,) * len(parts)
            elif isinstance(value, Taken):
                items = (value,) * len(parts)
            for i, part in enumerate(parts):
                bind(inference, part, items[i] if len(items) == len(parts) else None, frame)
        case Other(word="item", children=(Name(id=name), at)):
            containers.put(inference, name, at, value, frame)
        case Member(of=of, name=name):
            holder = evaluate(inference, of, frame)
            if isinstance(holder, Row):
                inference.assigned.add((holder.loop, (*holder.path, name)))
            if isinstance(of, Name) and (not isinstance(holder, Row) or isinstance(value, Rows)):
                frame.env[f"{of.id}.{name}"] = value


def _loop(inference: Inference, node: Loop, frame: Frame) -> Value:
    over = evaluate(inference, node.over, frame) if node.over is not None else None
    site = frame.site(node)
    growing = isinstance(over, Rows | Listed | Keyed | Given) and not (isinstance(over, Rows) and over.limit == 1)
    item = iterate(inference, over, site, node.over or node, frame) if node.key is None or not sent.is_list(over) else None
    if item is None or isinstance(over, Given):
        item = namesakes.item(inference, node, over, site, frame) or item
    item = only(item) if conditions.leaves(node.body) else item
    around = dict(frame.env)
    if node.target is not None:
        bind(inference, node.target, item, frame)
    if isinstance(node.key, Name) and (key := containers.key_of(over, site)) is not None:
        bind(inference, node.key, key, frame)
    if node.kind == "while" and (step := statements.fetched(inference, node.over, site, frame)) is not None:
        bind(inference, step[0], only(step[1]) if conditions.leaves(node.body) else step[1], frame)
        growing = True
    if frame.template:
        frame.env.setdefault("loop", None)
    if growing:
        inference.loops.append(site)
    before = dict(frame.env)
    trying, inference.trying = inference.trying, int(frame.language == "python" and handing.hands_over(inference, node))
    with deeds.each(inference, site, node.body, walked=None if frame.template or frame.view else node):
        result = run(inference, node.body, frame)
    inference.trying, frame.left = trying, False
    if growing:
        inference.loops.pop()
    for name, value in before.items():
        if frame.env.get(name) != value:
            frame.env[name] = join(value, frame.env.get(name))
    frame.env.update({name: out_of(value, (site,)) for name, value in frame.env.items() if isinstance(value, Row | Taken)})
    if node.kind in ("list", "set", "dict", "generator"):
        frame.env = around  # a comprehension's names are its own
    if node.kind == "dict" and isinstance(result, Tupled) and len(result.items) == 2:
        return Keyed(*result.items)
    if node.kind in ("list", "set", "generator"):
        return result if isinstance(node.body[-1] if node.body else None, Loop) else Listed(result)
    return None


def iterate(inference: Inference, over: Value, site: Site, node: Node, frame: Frame) -> Value:
    """One item of `over`, walked by the loop at `site`."""
    if inference.cached:
        inference.opened.add(site)
    match over:
        case Rows():
            row = queries.one_of(inference, over, site, node, frame)
            return Taken(row) if isinstance(row, Row) and over.label and not over.model else row
        case Given():
            return Taken(Row("", Rows("", frame.site(node), label=over.label, given=True), (), site))
        case Listed(item=Row(rows=Rows(typed=True) as rows, loop=None)) if rows.owner is None:
            return queries.one_of(inference, rows, site, node, frame)
        case Keyed(item=Row(rows=Rows(typed=True) as rows, loop=None)) if frame.language == "php":
            return queries.one_of(inference, rows, site, node, frame)
        case Listed(item=item):
            return item
        case Keyed(key=key, item=item):
            return item if frame.language == "php" else key
        case Tupled(items=items):
            merged: Value = items[0] if items else None
            for other in items[1:]:
                merged = join(merged, other)
            return merged
    return sent.item(over, site, node, frame)


# -- expressions ---------------------------------------------------------------------------------------------------


def evaluate(inference: Inference, node: Node, frame: Frame) -> Value:
    """What `node` holds, once it and everything in it has happened."""
    inference.steps += 1
    if inference.steps > _MAX_STEPS:
        return None
    match node:
        case Name(id=name):
            return look_up(inference, name, frame)
        case Call():
            return _call(inference, node, frame)
        case Member(of=of, name=name):
            if isinstance(of, Name):
                held = frame.env.get(f"{of.id}.{name}", _MISSING)
                if held is not _MISSING:
                    return held  # type: ignore[return-value]
            holder = evaluate(inference, of, frame)
            if holder is None or isinstance(holder, Taken):
                return statements.of_unknown(inference, node, frame) or holder
            return sent.field(members.member(inference, holder, name, node, frame))
        case Text(value=value):
            return Literal(value)
        case Assign():
            return _assign(inference, node, frame)
        case Other():
            return _other(inference, node, frame)
        case Loop():
            return _loop(inference, node, frame)
        case Return():
            given = evaluate(inference, node.value, frame) if node.value is not None else Literal(None)
            frame.returned.append(out_of(given, inference.loops))
            return None
        case Function():
            return _function(inference, node, frame)
        case Class():
            return reflection.anonymous(inference, node, frame)
    return None


def look_up(inference: Inference, name: str, frame: Frame) -> Value:
    """What a name holds: a local, else what the file's top level means by it."""
    held = frame.env.get(name, _MISSING)
    if held is not _MISSING:
        return held  # type: ignore[return-value]
    if frame.template:
        return macros.own(inference, frame) if name == "_self" else origins.sender(inference, name)
    if frame.language == "php":
        match name:
            case "self" | "static" if frame.owner is not None:
                return inference.of_class(frame.owner)
            case "parent" if frame.owner is not None:
                return Super(frame.env.get("$this"), frame.owner)
    found = inference.code.resolve(frame.path, name)
    if found is None:
        return LibraryValue(name) if frame.language == "python" else None
    return inference.meaning(found)


def _function(inference: Inference, node: Function, frame: Frame) -> Value:
    if (frame.template and node.name) or (frame.view and node.decorators):
        templates.inline(inference, node, frame)
        return None
    closure = Closure(frame.path, node, frame.env)
    if node.name:
        frame.env[node.name] = closure
    return closure


def _other(inference: Inference, node: Other, frame: Frame) -> Value:
    word, parts = node.word, node.children
    match word:
        case "if":
            branches.branch(inference, node, frame)
            return None
        case "block" | "else" | "finally" | "with":
            run(inference, parts, frame)
            return None
        case "try":
            inference.trying += 1
            run(inference, parts, frame)
            inference.trying -= 1
            return None
        case "props":
            views.defaults(inference, node, frame)
            return None
        case "cache":
            run(inference, parts[:-1], frame)  # its block is made once for each key
            return None
        case "except":
            branches.block(inference, parts, frame)
            return None
        case "match":
            return cases.matched(inference, node, frame)
        case "item":
            return containers.item_at(inference, node, frame)
        case "list" | "tuple" | "set":
            values = tuple(evaluate(inference, p, frame) for p in parts)
            return Tupled(values) if len(values) <= 16 else Listed(None)
        case "dict":
            return containers.mapping(inference, parts, frame)
        case "await" | "yield":
            value = evaluate(inference, parts[0], frame) if parts else None
            frame.yielded.extend((value,) if word == "yield" else ())
            return value
        case "?:":
            return conditions.conditional(inference, parts, frame)
        case "and":
            return conditions.conjunction(inference, parts, frame)
        case ".":
            return concatenated([evaluate(inference, p, frame) for p in parts])
        case "or" | "??":
            values = conditions.operands(inference, word, parts, frame)
            return join(values[0], values[-1]) if values else None
        case "format":
            values = tuple(evaluate(inference, p, frame) for p in parts)
            for part, value in zip(parts, values, strict=True):
                members.shown(inference, value, part, frame)
            return conditions.taken_in(values)
        case "pair":
            return Tupled(tuple(evaluate(inference, p, frame) for p in parts))
        case "spread":
            return evaluate(inference, parts[0], frame) if parts else None
    values = tuple(evaluate(inference, part, frame) for part in parts)
    return queries.combined(word, values) or conditions.taken_in(values) if word in _COMPUTED else None


# -- calls ---------------------------------------------------------------------------------------------------------


def _call(inference: Inference, node: Call, frame: Frame) -> Value:
    if isinstance(node.callee, Name) and (frame.template or views.is_tag(node, frame)):
        return templates.tag(inference, node, node.callee.id, frame)
    if containers.change(inference, node, frame):
        return None
    callee = _callee(inference, node, frame)
    if isinstance(callee, RowMethod | ValueMethod):
        result = (
            queries.apply(inference, callee.rows, callee.name, node, frame)
            if isinstance(callee, RowMethod)
            else records.apply(inference, callee, node, frame)
        )
        in_place.change(inference, node, result, frame)
        return result
    args = tuple(evaluate(inference, a, frame) for a in node.args)
    keywords = arguments.by_name(inference, node, frame)
    if (made := selects.called(inference, callee, node, args, frame)) is not None:
        return made
    deeds.call(inference, callee, node, frame)
    edges.note(inference, callee, args, node, frame)
    acts.called(inference, callee, node, frame)
    acts.queued(inference, node, frame)
    args = arguments.spread(node, args) if isinstance(callee, Bound | Closure | ClassValue) else args
    match callee:
        case Bound(query=Rows()):
            result = records.scoped(inference, callee, node, args, keywords, frame)
            in_place.change(inference, node, result, frame)
            return result
        case Bound(definition=definition, receiver=receiver):
            result = inference.call(definition, receiver, args, keywords, frame, node)
            in_place.give_away(inference, node, frame)
            result = origins.extended(inference, callee, endpoints.placed(inference, callee, result), args, node, frame)
            acts.handed(inference, definition, result, node, frame)
            if isinstance(receiver, Rows):
                in_place.change(inference, node, result, frame)
            return result
        case Rows() | Attribute() | Given():
            return callee
        case KnownMethod(value=value):
            return value
        case RowWrite():
            statements.write(inference, callee, node, frame)
            return None
        case Row() | Taken() | Listed() if frame.template:
            return callee  # the template language has called the member already
        case LibraryValue(instance=True) if callee.name in _sessions():
            return callee  # `$this->getEntityManager()`: the member was the session already
        case Closure() | Partial() | Instance():
            return containers.invoke(inference, callee, args, node, frame, keywords)
        case View():
            return views.called(inference, callee, node, frame)
        case ModelClass(model=model):
            return Row(model, per=row_among((*args, *keywords.values())))
        case ClassValue(definition=definition):
            return constructors.made(inference, Instance(definition, args, tuple(keywords.items())), node, frame)
        case LibraryValue() if (rows := statements.run_sql(inference, node, args, keywords, frame)) is not None:
            return rows
        case LibraryValue():
            return calls.call_library(inference, callee, node, args, keywords, frame)
    hand_over(inference, args, frame, node)
    return statements.run_sql(inference, node, args, keywords, frame) or calls.handed_on(node, args)


def _callee(inference: Inference, node: Call, frame: Frame) -> Value:
    """What is called: a member as a method, which some libraries tell from the attribute of that name."""
    match node.callee:
        case Member(of=Name(id=of), name=name) if f"{of}.{name}" in frame.env:
            return frame.env[f"{of}.{name}"]
        case Member(of=of, name=name):
            holder = evaluate(inference, of, frame)
            if holder is None or isinstance(holder, Taken):
                return statements.of_unknown(inference, node.callee, frame) or holder
            return records.method(inference, holder, name, node, frame)
    return reflection.called(inference, evaluate(inference, node.callee, frame), frame)


def hand_over(inference: Inference, args: tuple[Value, ...], frame: Frame, node: Call) -> None:
    """Closures given to something unknown are walked with unknown arguments: their own loops count."""
    for value in args:
        if isinstance(value, Closure):
            inference.call_closure(value, (), {}, frame, node)


def out_of(value: Value, loops: Sequence[Site]) -> Value:
    """What a value is once it has left these loops: a row of theirs is the one at which they ended."""
    row = value.row if isinstance(value, Taken) else value
    return only(value) if isinstance(row, Row) and row.loop is not None and row.loop in loops else value


def only(value: Value) -> Value:
    """The row as the only one: its loop ends after it."""
    match value:
        case Row():
            return msgspec.structs.replace(value, loop=None)
        case Taken():
            return None
        case Tupled(items=items):
            return Tupled(tuple(only(i) for i in items))
    return value
