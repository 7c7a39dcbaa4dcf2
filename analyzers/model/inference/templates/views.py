"""Views whose expressions are a programming language's: how calls and tags reach them, and what they then know.

A call names a view by its path with other separators (`orders.index`), gives it an array of names, and may add names later
(`->with('orders', $orders)`): the view is walked with what it knows after each of these. Nothing in it is called that the code
does not call. A component is a tag: it is an object of a class, or the template that the folder of components has for it.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import msgspec

from analyzers.facts.outline import Assign, Call, Function, Name, Node, Other
from analyzers.knowledge import libraries, named
from analyzers.knowledge.derived import derived
from analyzers.knowledge.naming import studly
from analyzers.knowledge.views import Component, Templates
from analyzers.model.inference import flow, members
from analyzers.model.inference.types import Closure, Instance, Literal, Mapped, Tupled, Value, View
from analyzers.model.naming.definitions import ClassDefinition, FunctionDefinition
from analyzers.model.tables.repositories import class_named

if TYPE_CHECKING:
    from analyzers.model.inference.frames import Frame
    from analyzers.model.inference.summaries import Inference

_computed = derived(
    lambda: tuple((p, b) for x in libraries() if x.templates is not None for b, p in x.templates.computed.items())
)
_MAX_OPEN = 10  # templates within each other: a layout, its parts, and components within components
_MAX_PROPERTIES = 40


def words_of(frame: Frame) -> Templates | None:
    """How the libraries of the frame's language name templates."""
    return next((x.templates for x in libraries() if x.language == frame.language and x.templates is not None), None)


# -- what code says of views -------------------------------------------------------------------------------------------


def made(
    inference: Inference,
    words: Templates,
    positions: tuple[int, int],
    node: Call,
    args: tuple[Value, ...],
    keywords: dict[str, Value],
    frame: Frame,
) -> Value:
    """The view that a call names, walked with the names that the call gives it."""
    template = args[positions[0]] if positions[0] < len(args) else _first(keywords, words.name_arguments)
    context = args[positions[1]] if positions[1] < len(args) else _first(keywords, words.context_arguments)
    names = tuple(template.items) if isinstance(template, Tupled) else (template,)
    found = (n.value for n in names if isinstance(n, Literal) and isinstance(n.value, str))
    view = next((n for n in found if path_of(inference, words, n, frame.path) is not None), None)
    if view is None:
        return None
    receiver = frame.env.get("$this")
    own = _properties(inference, receiver, node, frame) if isinstance(receiver, Instance) else {}
    given = dict(context.items) if isinstance(context, Mapped) else {}
    return show(inference, words, View(view, _names({**own, **given})), frame, node)


def _first(keywords: dict[str, Value], names: tuple[str, ...]) -> Value:
    return next((keywords[n] for n in names if n in keywords), None)


def _names(given: dict[str, Value]) -> Mapped:
    """These names in one order, so that walks are recognised. Of some it is only known that they are given."""
    return Mapped(tuple(sorted(given.items(), key=lambda i: i[0])))


def _properties(inference: Inference, receiver: Instance, node: Node, frame: Frame) -> dict[str, Value]:
    """What a component or a mail tells its view of itself: its properties, and itself."""
    externals = inference.code.externals(receiver.definition)
    if not any(named(x, e, x.templates.exposing) for x in libraries() if x.templates is not None for e in externals):
        return {}
    names = list(dict(receiver.given))
    for base in inference.code.lineage(receiver.definition):
        if isinstance(base, ClassDefinition):
            names += base.attributes
    found: dict[str, Value] = {"this": receiver}
    for name in list(dict.fromkeys(names))[:_MAX_PROPERTIES]:
        local = frame.env.get(f"$this.{name}")
        found[name] = local if local is not None else members.member(inference, receiver, name, node, frame)
    return found


def computed(inference: Inference, definition: ClassDefinition, name: str) -> FunctionDefinition | None:
    """The method of a component that is read as an attribute: `$this->orders` is what `getOrdersProperty()` gives."""
    for pattern, base in _computed():
        method = inference.code.method(definition, pattern.format(name=studly(name)))
        if method is not None and base in inference.code.externals(definition):
            return method
    return None


def called(inference: Inference, view: View, node: Call, frame: Frame) -> Value:
    """A method of a view: it gets further names, or something that does not matter here."""
    args = [flow.evaluate(inference, a, frame) for a in node.args]
    words = words_of(frame)
    if words is None or not view.method.startswith(words.adds):
        return msgspec.structs.replace(view, method="")
    more: dict[str, Value] = {}
    match args:
        case [Mapped(items=items)]:
            more = dict(items)
        case [Literal(value=str() as name), value]:
            more = {name: value}
        case [value] if view.method != words.adds:  # `withOrders($orders)`
            rest = view.method.removeprefix(words.adds)
            more = {rest[:1].lower() + rest[1:]: value}
    added = msgspec.structs.replace(view, context=_names({**dict(view.context.items), **more}), method="")
    return show(inference, words, added, frame, node) if more else added


def composed(inference: Inference, words: Templates, node: Call, args: tuple[Value, ...], frame: Frame) -> None:
    """`View::composer('orders.index', Composer::class)`: the view gets further names wherever it is made."""
    if len(args) < 2 or len(node.args) < 2:
        return
    names = args[0].items if isinstance(args[0], Tupled) else (args[0],)
    composer = class_named(inference.code, frame.path, node.args[1])
    method = inference.code.method(composer, words.composer_method) if composer is not None else None
    for name in names:
        if not (isinstance(name, Literal) and isinstance(name.value, str)):
            continue
        view = View(name.value, Mapped(()))
        if isinstance(args[1], Closure):
            inference.call_closure(args[1], (view,), {}, frame, node)
        elif method is not None and composer is not None:
            inference.call(method, Instance(composer), (view,), {}, frame, node)


def captured(args: tuple[Value, ...], frame: Frame) -> Mapped:
    """`compact('orders', ['page'])`: names and what they hold here."""
    parts = [item for value in args for item in (value.items if isinstance(value, Tupled) else (value,))]
    names = [part.value for part in parts if isinstance(part, Literal) and isinstance(part.value, str)]
    return _names({n: frame.env.get(f"${n}") for n in names})


# -- walking a view ----------------------------------------------------------------------------------------------------


def path_of(inference: Inference, words: Templates, name: str, importer: str) -> str | None:
    """The path of the view called `name`; one of a package's own, `shop::orders.index`, is below a folder of that name."""
    space, marked, rest = name.rpartition(words.space)
    file = rest.replace(words.separator, "/") + words.suffix
    if not marked:
        return inference.code.template(file, importer)
    found = inference.code.templates(file)
    wanted = _plain(space)
    inside = [p for p in found if any(_plain(part) == wanted for part in p.split("/"))]
    return min(inside or (found if len(found) == 1 else ()), key=lambda p: (len(p), p), default=None)


def _plain(name: str) -> str:
    return name.replace("-", "").replace("_", "").lower()


def show(inference: Inference, words: Templates, view: View, frame: Frame, node: Node) -> View:
    """Walks the view with what it knows."""
    path = path_of(inference, words, view.template, frame.path)
    if path is not None:
        walk(inference, path, view.context, frame, node, frozenset())
    return view


def walk(inference: Inference, path: str, context: Mapped, caller: Frame, node: Node, filled: frozenset[str]) -> None:
    """Walks a template with these names; `filled` are the sections that templates extending it have said already."""
    if inference.depth_of(caller) >= _MAX_OPEN:
        return
    around = (tuple(inference.once), inference.guarded > 0)
    inference.remembered(("view", path, context, filled, around), lambda: _walk(inference, path, context, caller, node, filled))
    inference.shown_by(caller, node)


def _walk(inference: Inference, path: str, context: Mapped, caller: Frame, node: Node, filled: frozenset[str]) -> None:
    inference.trace.touched.add(path)
    frame = inference.frame(path, caller)
    frame.env = {f"${name}": value for name, value in context.items}
    frame.filled = filled
    frame.defaults = {name for name, value in frame.env.items() if isinstance(value, Literal)}
    held, caller.at = caller.at, node
    above: list[Call] = []
    for statement in inference.code.files[path].outline:
        if isinstance(statement, Call) and isinstance(statement.callee, Name) and statement.callee.id == "extends":
            above.append(statement)
        else:
            flow.evaluate(inference, statement, frame)
    for call in above:
        own = frozenset(n.name for n in inference.code.files[path].outline if isinstance(n, Function) and n.name)
        _included(inference, call, frame, filled | own)
    caller.at = held


# -- tags of a view ----------------------------------------------------------------------------------------------------


def is_tag(node: Call, frame: Frame) -> bool:
    """Whether a call in a view is a tag: no function of the language can have such a name."""
    return (
        frame.view
        and isinstance(node.callee, Name)
        and (node.callee.id in ("include", "extends") or not _FUNCTION.issuperset(node.callee.id))
    )


_FUNCTION = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_\\$")


def tag(inference: Inference, node: Call, name: str, frame: Frame) -> None:
    """A tag that shows another template."""
    words = words_of(frame)
    if name in ("include", "extends"):
        _included(inference, node, frame, frozenset())
        return
    given = _given(inference, node, frame)
    for prefix, kind in words.components.items() if words is not None else ():
        if words is not None and name.startswith(prefix):
            _component(inference, words, kind, name.removeprefix(prefix), given, frame, node)


def _given(inference: Inference, node: Call, frame: Frame) -> dict[str, Value]:
    """What a tag says of names."""
    given: dict[str, Value] = {}
    for argument in node.args:
        flow.evaluate(inference, argument, frame)
    for keyword in node.keywords:
        value = flow.evaluate(inference, keyword.value, frame)
        if keyword.name == "**":
            given.update(value.items if isinstance(value, Mapped) else ())
        else:
            given[keyword.name] = value
    return given


def _included(inference: Inference, node: Call, frame: Frame, filled: frozenset[str]) -> None:
    """`@include('orders.row', ['order' => $order])`: the other template knows what this one knows, and that."""
    given = _given(inference, node, frame)
    words = words_of(frame)
    value = flow.evaluate(inference, node.args[0], frame) if node.args else None
    names = value.items if isinstance(value, Tupled) else (value,)
    around = {} if given.pop("only", None) is not None else _known(frame)
    for name in names:
        if words is not None and isinstance(name, Literal) and isinstance(name.value, str):
            path = path_of(inference, words, name.value, frame.path)
            if path is not None:
                walk(inference, path, _names({**around, **given}), frame, node, filled)
                return


def _known(frame: Frame) -> dict[str, Value]:
    """The names of a template."""
    return {name[1:]: value for name, value in frame.env.items() if name.startswith("$") and "." not in name}


def _component(
    inference: Inference, words: Templates, kind: Component, name: str, given: dict[str, Value], frame: Frame, node: Call
) -> None:
    """A component: what its class renders, or the template of that name in the folder of components."""
    definition = next((d for d in map(inference.code.php_class, _classes(kind, name)) if d is not None), None)
    if definition is not None:
        component = instance_of(inference, kind, definition, given, frame)
        method = inference.code.method(definition, "render")
        if method is not None:
            inference.call(method, component, (), {}, frame, node)
            return
        given = _properties(inference, component, node, frame)
    space, marked, rest = name.rpartition(words.space)
    for ending in ("", f"{words.separator}index"):
        template = f"{space}{marked}{kind.folder}{words.separator}{rest}{ending}"
        path = path_of(inference, words, template, frame.path)
        if path is not None:
            walk(inference, path, _names(given), frame, node, frozenset())
            return


def _classes(kind: Component, name: str) -> Iterator[str]:
    """The full names that the class of a component may have: `orders.line-card` is `Orders\\LineCard`."""
    parts = ("".join(word[:1].upper() + word[1:] for word in part.split("-")) for part in name.split("."))
    last = "\\".join(parts)
    return (f"{space}\\{last}" for space in kind.spaces)


def instance_of(
    inference: Inference, kind: Component, definition: ClassDefinition, given: dict[str, Value], frame: Frame
) -> Instance:
    """An object of a component's class, with what its tag gives it and what it makes of it when it is set up."""
    plain = tuple((n, v) for n, v in sorted(given.items(), key=lambda i: i[0]) if v is not None)
    instance = Instance(definition, (), plain)
    method = inference.code.method(definition, kind.initializer) if kind.initializer else None
    if method is None:
        return instance

    def walk_initializer() -> Value:
        inner = inference.frame(method.path, frame)
        inner.owner, inner.function = method.owner, method.qualified
        inner.env[method.node.receiver] = instance
        inference.bind_arguments(method.node, (), dict(plain), inner)
        flow.run(inference, method.node.body, inner)
        prefix = f"{method.node.receiver}."
        return Mapped(
            tuple((n.removeprefix(prefix), v) for n, v in inner.env.items() if n.startswith(prefix) and v is not None)
        )

    found = inference.remembered(("initializer", id(method.node), instance), walk_initializer)
    set_up = found.items if isinstance(found, Mapped) else ()
    return msgspec.structs.replace(instance, given=(*plain, *set_up))


def walk_component(inference: Inference, definition: ClassDefinition) -> None:
    """Walks a component that is a page of its own, as it is set up by what a request names."""
    for library in libraries():
        for kind in library.templates.components.values() if library.templates is not None else ():
            if any(named(library, e, kind.bases) for e in inference.code.externals(definition)):
                frame = inference.frame(definition.path, None)
                frame.owner, frame.function = definition, definition.qualified
                component = instance_of(inference, kind, definition, {}, frame)
                method = inference.code.method(definition, "render")
                if method is not None and component.given:
                    inference.call(method, component, (), {}, frame, definition.node)


def defaults(inference: Inference, node: Other, frame: Frame) -> None:
    """`@props(['rows' => []])`: what names hold that the tag gave no value."""
    for part in node.children:
        if isinstance(part, Assign) and isinstance(part.target, Name) and part.target.id not in frame.env:
            flow.evaluate(inference, part, frame)
            frame.defaults.add(part.target.id)


def section(inference: Inference, node: Function, frame: Frame) -> None:
    """A section stands where it is written, unless a template that extends this one has said it."""
    if node.name not in frame.filled:
        flow.run(inference, node.body, frame)
