"""Rows put out as data by what the members of their class say: each member of the selection asked for is read of each row.

Some libraries list the rows of a class by themselves, and load along what the selection names.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import msgspec

from analyzers.facts.outline import Assign, Call, Function, Name, Node, Other, Text
from analyzers.knowledge import Library, libraries, named
from analyzers.knowledge.derived import derived
from analyzers.knowledge.selections import Listed as Lists
from analyzers.knowledge.selections import Selections
from analyzers.model.inference import flow, members
from analyzers.model.inference.finders import getter
from analyzers.model.inference.readers import support
from analyzers.model.inference.types import (
    Declared,
    Instance,
    Keyed,
    Listed,
    Literal,
    Mapped,
    Row,
    Rows,
    Tupled,
    Value,
    comes_back,
)
from analyzers.model.naming.definitions import ClassDefinition, External, FunctionDefinition
from analyzers.model.naming.literals import is_false
from analyzers.model.tables.models import Model

if TYPE_CHECKING:
    from analyzers.model.inference.frames import Frame
    from analyzers.model.inference.summaries import Inference

_words = derived(lambda: tuple(x.selections for x in libraries() if x.selections is not None))
_MAX_DEPTH = 5  # rows laid out within each other


class Member(msgspec.Struct, frozen=True, eq=False):
    """A property or method of a class, and how it is put out."""

    name: str  # of what is put out
    node: Assign | Function
    owner: ClassDefinition
    groups: frozenset[str]
    method: FunctionDefinition | None = None


def written(inference: Inference, library: Library, name: str, args: tuple[Value, ...], node: Node, frame: Frame) -> bool:
    """`$serializer->serialize($orders, 'json', ['groups' => 'order'])`: whether it is such a call. What it puts out is read."""
    words = library.selections
    holder, _, method = name.rpartition(".")
    if words is None or method not in words.writers or named(library, holder, words.writer_bases) is None:
        return False
    data, context = words.writers[method]
    if data < len(args):
        put_out(inference, words, args[data], args[context] if context < len(args) else Mapped(()), node, frame)
    return True


def put_out(inference: Inference, words: Selections, value: Value, context: Value, node: Node, frame: Frame) -> None:
    """Reads of a row, of each of many, or of what a mapping holds, what is put out of it."""
    match value:
        case Rows() | Listed() | Keyed():
            item = flow.iterate(inference, value, frame.site(node), node, frame)
            if isinstance(item, Row):
                put_out(inference, words, item, context, node, frame)
        case Mapped(items=items):
            for _, item in items:
                put_out(inference, words, item, context, node, frame)
        case Tupled(items=values):
            for item in values:
                put_out(inference, words, item, context, node, frame)
        case Row() if not comes_back(value) and len(value.path) < _MAX_DEPTH:
            _lay_out(inference, words, value, context, node, frame)


def _lay_out(inference: Inference, words: Selections, row: Row, context: Value, node: Node, frame: Frame) -> None:
    """What is put out of one row: by a class that lays out such objects, by its own method, or by its members."""
    model = inference.model(row.model)
    if model is None:
        return
    for layout in dict.fromkeys(heir for base in words.layouts for heir in inference.code.wiring.heirs(base)):
        method = inference.code.method(layout, words.lays_out_other)
        asks = inference.code.method(layout, words.supports)
        if method is None or asks is None or _is_open(frame, method):
            continue
        if support.knows(inference, layout, asks, (row, None, context), frame):
            inference.call(method, Instance(layout), (row, None, context), {}, frame, node)
            return
    own = inference.code.method(model.definition, words.lays_out)
    if own is not None and words.by_themselves in inference.code.externals(model.definition):
        put_out(inference, words, inference.call(own, row, (), {}, frame, node), context, own.node, frame)
        return
    groups = groups_of(words, context)
    held, frame.at = frame.at, node
    for member in members_of(inference, words, model, groups) if groups else ():
        read(inference, words, row, member, context, frame)
    frame.at = held


def _is_open(frame: Frame | None, method: FunctionDefinition) -> bool:
    """Whether the method is being walked: what it hands on is laid out by others."""
    while frame is not None:
        if frame.function == method.qualified:
            return True
        frame = frame.outer
    return False


def read(inference: Inference, words: Selections, row: Row, member: Member, context: Value, frame: Frame) -> None:
    """Reads a member of a row, and what is below it."""
    inner = inference.frame(member.owner.path, frame)
    inner.owner, inner.function = member.owner, member.owner.qualified
    if member.method is not None:
        value = inference.call(member.method, row, (), {}, inner, member.node)
    else:
        value = members.member(inference, row, member.name, member.node, inner)
    if not any(_is(inference, member.owner, d, words.bounds) for d in member.node.decorators):
        put_out(inference, words, value, context, member.node, inner)


# -- what members say of themselves ------------------------------------------------------------------------------------


def groups_of(words: Selections, context: Value) -> frozenset[str]:
    """The selections that a context names; none where it does not tell."""
    stated = context.get(words.word) if isinstance(context, Mapped) else None
    several = stated.items if isinstance(stated, Tupled) else (stated,)
    return frozenset(s.value for s in several if isinstance(s, Literal) and isinstance(s.value, str))


def members_of(inference: Inference, words: Selections, model: Model, groups: frozenset[str]) -> Iterator[Member]:
    """The members of a class that some of the selections put out."""
    return (member for member in stated_members(inference, words, model.definition) if member.groups & groups)


def stated_members(inference: Inference, words: Selections, definition: ClassDefinition) -> Iterator[Member]:
    """All members that say in which selections they are put out, each as the nearest class states it."""
    seen: set[str] = set()
    for base in inference.code.lineage(definition):
        if not isinstance(base, ClassDefinition):
            continue
        for name, assign in base.attributes.items():
            groups = _groups(inference, words, base, assign)
            if groups and name not in seen:
                seen.add(name)
                yield Member(name, assign, base, groups, getter(inference, definition, name))
        for name, method in base.methods.items():
            groups = _groups(inference, words, base, method.node)
            if groups and name not in seen and not method.node.parameters:
                seen.add(name)
                yield Member(name, method.node, base, groups, method)


def _groups(inference: Inference, words: Selections, owner: ClassDefinition, node: Assign | Function) -> frozenset[str]:
    found: set[str] = set()
    for decorator in node.decorators:
        if isinstance(decorator, Call) and _is(inference, owner, decorator, words.marks):
            frame = inference.frame(owner.path, None)
            frame.owner, frame.function = owner, owner.qualified
            given = (*decorator.args, *(k.value for k in decorator.keywords if k.name in ("groups", "value")))
            for argument in given[:1]:
                value = flow.evaluate(inference, argument, frame)
                several = value.items if isinstance(value, Tupled) else (value,)
                found.update(s.value for s in several if isinstance(s, Literal) and isinstance(s.value, str))
    return frozenset(found)


def _is(inference: Inference, owner: ClassDefinition, decorator: Node, marks: tuple[str, ...]) -> bool:
    callee = decorator.callee if isinstance(decorator, Call) else decorator
    found = inference.code.resolve_node(owner.path, callee)
    return isinstance(found, External) and found.name in marks


# -- lists that a library makes by itself ------------------------------------------------------------------------------


def walk_lists(inference: Inference, definition: ClassDefinition) -> None:
    """Walks the lists of its rows that decorators of a class ask for."""
    if not definition.node.decorators or not inference.is_model(definition):
        return
    for words in _words():
        for decorator in definition.node.decorators if words.lists is not None else ():
            if isinstance(decorator, Call) and words.lists is not None:
                for node, arguments in _lists(inference, definition, words.lists, decorator):
                    _walk_list(inference, words, words.lists, definition, node, arguments)


def _lists(
    inference: Inference, definition: ClassDefinition, lists: Lists, decorator: Call
) -> Iterator[tuple[Node, dict[str, Node]]]:
    """The lists that a decorator makes, each with all that is stated for it."""
    own = {k.name: k.value for k in decorator.keywords}
    if _is(inference, definition, decorator, lists.listing):
        yield decorator, own
    if not _is(inference, definition, decorator, lists.marks):
        return
    stated, old = own.get(lists.operations), own.get(lists.old_operations)
    if isinstance(stated, Other):
        for part in stated.children:
            operation = part.children[1] if isinstance(part, Other) and part.word == "pair" else part
            if isinstance(operation, Call) and _is(inference, definition, operation, lists.listing):
                yield operation, {**own, **{k.name: k.value for k in operation.keywords}}
    elif stated is None and isinstance(old, Other):
        for part in old.children:
            match part:
                case Text(value=name) if name == lists.old_listing:
                    yield decorator, own
                case Other(word="pair", children=(Text(value=name), Other() as given)) if name == lists.old_listing:
                    pairs = (p.children for p in given.children if isinstance(p, Other) and p.word == "pair")
                    more = {str(k.value): v for k, v in pairs if isinstance(k, Text)}
                    renamed = {lists.context: more[lists.old_context]} if lists.old_context in more else {}
                    yield decorator, {**own, **more, **renamed}
    elif stated is None and not any(_is(inference, definition, d, lists.listing) for d in definition.node.decorators):
        yield decorator, own


def _walk_list(
    inference: Inference,
    words: Selections,
    lists: Lists,
    definition: ClassDefinition,
    node: Node,
    arguments: dict[str, Node],
) -> None:
    if any(name in arguments and not is_false(arguments[name]) for name in lists.others):
        return
    inference.steps, inference.hydrated = 0, set()
    frame = inference.frame(definition.path, None)
    frame.owner, frame.function = definition, definition.qualified
    context = flow.evaluate(inference, arguments[lists.context], frame) if lists.context in arguments else Mapped(())
    page = arguments.get(lists.page)
    limit = page.value if isinstance(page, Text) and isinstance(page.value, int) else lists.page_default
    groups = groups_of(words, context)
    model = inference.model(definition.qualified)
    if model is None or not isinstance(context, Mapped) or (not groups and context.items):
        return
    forced = not is_false(arguments.get(lists.argument)) and inference.code.wiring.setting(lists.setting) != "false"
    eager = frozenset(_loaded(inference, words, lists, model, groups, (), 0)) if forced else frozenset()
    site, declared = frame.site(node), Declared(advice=lists.advice)
    rows = Rows(definition.qualified, site, eager=eager, root=site, declared=declared, limit=limit, limited=True)
    if groups:
        put_out(inference, words, rows, context, node, frame)
    elif not any(stated_members(inference, words, definition)):  # else the selection is named by what nobody sees here
        _put_out_keys(inference, lists, model, flow.iterate(inference, rows, site, node, frame), frame)


def _put_out_keys(inference: Inference, lists: Lists, model: Model, row: Value, frame: Frame) -> None:
    """Where nothing is selected, collections that can be read are put out as the keys of their rows, and nothing is joined."""
    for relation in model.relations.values():
        stated = inference.code.attribute(model.definition, relation.name)
        if not relation.many or stated is None or getter(inference, model.definition, relation.name) is None:
            continue
        if any(_last(d) in lists.hidden for d in stated[1].decorators) or _unread(stated[1], lists):
            continue
        inner = inference.frame(stated[0].path, frame)
        inner.owner, inner.function = stated[0], stated[0].qualified
        value = members.member(inference, row, relation.name, stated[1], inner)
        flow.iterate(inference, value, inner.site(stated[1]), stated[1], inner)


def _loaded(
    inference: Inference,
    words: Selections,
    lists: Lists,
    model: Model,
    groups: frozenset[str],
    path: tuple[str, ...],
    depth: int,
) -> Iterator[str]:
    """The relations that the library loads with the rows: those that are put out, and what is put out of their rows."""
    for member in members_of(inference, words, model, groups):
        relation = model.relations.get(member.name)
        if relation is None or relation.lazy or not isinstance(member.node, Assign):
            continue
        if _unread(member.node, lists):
            continue
        yield ".".join((*path, relation.name))
        target = inference.model(relation.target)
        if (
            target is not None
            and target is not model
            and depth < _MAX_DEPTH
            and not is_false(_said(member.node, lists).get(lists.shallow))
        ):
            yield from _loaded(inference, words, lists, target, groups, (*path, relation.name), depth + 1)


def _unread(node: Assign, lists: Lists) -> bool:
    said = _said(node, lists)
    return any(is_false(said.get(name)) for name in lists.unread)


def _said(node: Assign, lists: Lists) -> dict[str, Node]:
    """What a property says of itself to the library."""
    found = (d for d in node.decorators if isinstance(d, Call) and _last(d) == lists.member)
    return {k.name: k.value for decorator in found for k in decorator.keywords}


def _last(decorator: Node) -> str:
    callee = decorator.callee if isinstance(decorator, Call) else decorator
    return callee.id.rpartition("\\")[2] if isinstance(callee, Name) else ""
