"""Templates: what a view hands to one, and what happens to it there."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import msgspec

from analyzers.facts.outline import Call, Function, Name, Node, Text
from analyzers.knowledge import LINEAGES_KEPT, Library, Views, libraries, named
from analyzers.knowledge.derived import per_libraries
from analyzers.knowledge.naming import app_label
from analyzers.model.inference import flow, members
from analyzers.model.inference.readers import cells, listings, pages, votes
from analyzers.model.inference.rows import managers, origins, queries
from analyzers.model.inference.templates import components, extensions, macros, tags, views
from analyzers.model.inference.types import Closure, Instance, Literal, Mapped, ModelClass, Row, Rows, Value
from analyzers.model.naming.definitions import ClassDefinition, External, FunctionDefinition

if TYPE_CHECKING:
    from analyzers.model.inference.frames import Frame
    from analyzers.model.inference.summaries import Inference

_SAME = frozenset({"slice", "dictsort", "dictsortreversed", "sort", "reverse", "reversed", "default", "filter", "safe", "list"})
_WHOLE = frozenset(
    {"length", "count", "first", "last", "join", "random", "map", "reduce", "column", "length_is", "unordered_list"}
)
_TEXTS = frozenset(  # filters that make a text of what they get
    {
        "addslashes",
        "capfirst",
        "capitalize",
        "center",
        "e",
        "escape",
        "escapejs",
        "force_escape",
        "forceescape",
        "linebreaks",
        "linebreaksbr",
        "ljust",
        "lower",
        "slugify",
        "string",
        "stringformat",
        "striptags",
        "title",
        "truncate",
        "truncatechars",
        "truncatewords",
        "upper",
        "urlencode",
        "urlize",
        "wordcount",
        "wordwrap",
    }
)
_MAX_INCLUDES = 6


def render(
    inference: Inference,
    library: Library,
    positions: tuple[int, int],
    node: Call,
    args: tuple[Value, ...],
    keywords: dict[str, Value],
    frame: Frame,
) -> Value:
    """Walks the template a call names, with the context the call gives; what the call returns."""
    if library.templates is not None:
        return views.made(inference, library.templates, positions, node, args, keywords, frame)
    template = args[positions[0]] if positions[0] < len(args) else keywords.get("template_name", keywords.get("view"))
    context = args[positions[1]] if positions[1] < len(args) else keywords.get("context", keywords.get("parameters"))
    if not isinstance(template, Literal) and positions[1] + 1 <= len(args):  # the request came first
        template, context = args[positions[1]], args[positions[1] + 1] if positions[1] + 1 < len(args) else context
    template = keywords.get("name") if template is None else template
    if isinstance(template, Literal) and isinstance(template.value, str):
        show(inference, template.value, context if isinstance(context, Mapped) else Mapped(()), frame, node)
    return None


def render_with(
    inference: Inference, position: int, args: tuple[Value, ...], keywords: dict[str, Value], node: Call, frame: Frame
) -> None:
    """Walks the template that the argument at `position` names, with the call's keywords as its names."""
    template = args[position] if position < len(args) else None
    if isinstance(template, Literal) and isinstance(template.value, str):
        spread = keywords.get("**")
        more = spread.items if isinstance(spread, Mapped) else ()
        show(inference, template.value, Mapped((*more, *((k, v) for k, v in keywords.items() if k != "**"))), frame, node)


def _marks(inference: Inference, definition: FunctionDefinition) -> Iterator[tuple[Call, str]]:
    """The calls of libraries that decorate a view or its class, and the library's name of each."""
    for decorator in (*definition.node.decorators, *(definition.owner.node.decorators if definition.owner is not None else ())):
        mark = inference.code.resolve_node(definition.path, decorator.callee) if isinstance(decorator, Call) else None
        if isinstance(decorator, Call) and isinstance(mark, External):
            yield decorator, mark.name


def given_to(inference: Inference, definition: FunctionDefinition) -> tuple[Value, ...]:
    """The first argument of a view, where a decorator says which class the library makes it of."""
    for decorator, mark in _marks(inference, definition):
        for library in libraries():
            wanted = library.view_contexts.get(named(library, mark, library.view_contexts) or "")
            for keyword in decorator.keywords:
                found = inference.code.resolve_node(definition.path, keyword.value) if keyword.name == wanted else None
                if isinstance(found, ClassDefinition) and inference.is_model(found):
                    return (Row(found.qualified, known=True),)
    return ()


def walk_returned(inference: Inference, definition: FunctionDefinition) -> None:
    """Walks the template that decorators of a view, or of its class, name, with what the view was just seen to return."""
    for decorator, mark in _marks(inference, definition):
        for library in libraries():
            first = library.template_marks.get(named(library, mark, library.template_marks) or "")
            wanted = first or library.view_marks.get(named(library, mark, library.view_marks) or "")
            names = [k.value for k in decorator.keywords if k.name == wanted] or list(decorator.args[:1] if first else ())
            if not names or not isinstance(names[0], Text) or not isinstance(names[0].value, str):
                continue
            frame = inference.frame(definition.path, None)
            frame.owner, frame.function = definition.owner, definition.qualified
            for context in inference.ways:
                if isinstance(context, Mapped):
                    show(inference, names[0].value, context, frame, definition.node)
            return


def show(inference: Inference, name: str, context: Mapped, caller: Frame, node: Node) -> None:
    """Walks the template called `name` with these names."""
    path = inference.code.template(macros.asset(name), caller.path)
    if path is None or not inference.walks_templates:
        return
    inference.remembered(("template", path, context), lambda: walk_template(inference, path, context, caller, node, {}))
    inference.shown_by(caller, node)


def walk_template(
    inference: Inference, path: str, context: Mapped, caller: Frame, node: Node, blocks: dict[str, tuple[str, Function]]
) -> None:
    """Walks the outline of a template; blocks of the templates that extend it stand in for its own."""
    if inference.depth_of(caller) > _MAX_INCLUDES:
        return
    inference.trace.touched.add(path)
    frame = inference.frame(path, caller)
    frame.env = dict(context.items)
    frame.blocks = blocks
    held, caller.at = caller.at, node
    parent = ""
    for statement in inference.code.files[path].outline:
        if isinstance(statement, Call) and isinstance(statement.callee, Name) and statement.callee.id == "extends":
            first = statement.args[0] if statement.args else None
            parent = first.value if isinstance(first, Text) and isinstance(first.value, str) else ""
    if parent:
        own = {n.name: (path, n) for n in inference.code.files[path].outline if isinstance(n, Function)}
        for statement in inference.code.files[path].outline:
            if not isinstance(statement, Function) or macros.is_macro(statement):
                flow.evaluate(inference, statement, frame)
        above = inference.code.template(macros.asset(parent), path)
        if above is not None and above != path:
            walk_template(inference, above, Mapped(tuple(frame.env.items())), caller, node, {**own, **blocks})
        else:
            for name, (_, function) in {**own, **blocks}.items():  # of a template that is not here, they are all that is known
                inline(inference, msgspec.structs.replace(function, name=name), frame)
    else:
        flow.run(inference, inference.code.files[path].outline, frame)
    caller.at = held


def inline(inference: Inference, node: Function, frame: Frame) -> None:
    """A block is walked where it stands (or what stands in for it); a macro only where it is called."""
    if frame.view:
        views.section(inference, node, frame)
        return
    if macros.is_macro(node):
        macros.define(node, frame)
    elif not node.name:
        flow.run(inference, node.body, frame)  # what a macro is called with, to be put somewhere
    if not any(isinstance(d, Name) and d.id == "block" for d in node.decorators):
        return
    path, block = frame.blocks.get(node.name, (frame.path, node))
    if path == frame.path:
        flow.run(inference, block.body, frame)
        return
    inner = inference.frame(path, frame.outer)
    inner.env, inner.blocks = frame.env, frame.blocks
    flow.run(inference, block.body, inner)


def tag(inference: Inference, node: Call, name: str, frame: Frame) -> Value:
    """A filter, a tag or a function of the template language."""
    if frame.view:
        views.tag(inference, node, name, frame)
        return None
    if name in ("include", "embed"):
        _include(inference, node, frame)
        return None
    if name == "import":
        return macros.imported(inference, node, frame)
    if name in ("extends", "from", "use"):
        return None
    values = [flow.evaluate(inference, a, frame) for a in node.args]
    keywords = {k.name: flow.evaluate(inference, k.value, frame) for k in node.keywords}
    if components.component(inference, name, values, node, frame):
        return None
    given = components.applied(inference, node, name, values, frame)
    if given is not None:
        return given
    if votes.asked_by_template(inference, name, values, node, frame):
        return None
    for stated in (tags.called, extensions.called):
        own, value = stated(inference, node, name, values, keywords, frame)
        if own:
            return value
    each = tags.read_each(inference, node, name, values, frame)
    if each is not None:
        return each
    first = values[0] if values else None
    macro = frame.env.get(name)
    if isinstance(macro, Closure):
        return inference.call_closure(macro, tuple(values), keywords, frame, node)
    if name in _SAME:
        return first
    if name in _WHOLE:
        if isinstance(first, Rows):
            queries.touch(inference, first, node, frame)
            if name in ("first", "last"):
                return queries.single(first, known=first.known)
        return None
    if name in _TEXTS:
        members.shown(inference, first, node.args[0], frame)
    return None


def _include(inference: Inference, node: Call, frame: Frame) -> None:
    name = flow.evaluate(inference, node.args[0], frame) if node.args else None
    if not (isinstance(name, Literal) and isinstance(name.value, str)):
        return
    path = inference.code.template(macros.asset(name.value), frame.path)
    if path is None:
        return
    given = {k.name: flow.evaluate(inference, k.value, frame) for k in node.keywords if k.name != "only"}
    alone = any(k.name == "only" for k in node.keywords)
    context = Mapped(tuple({**({} if alone else frame.env), **given}.items()))
    walk_template(inference, path, context, frame, node, {})


# -- classes that bind rows to a template ------------------------------------------------------------------------------


def view_of(inference: Inference, definition: ClassDefinition) -> tuple[Library, Views] | None:
    """How the library's base class of a view binds rows to a template, if it is such a view."""
    return _view_by(inference.code.externals(definition))


@per_libraries(LINEAGES_KEPT)
def _view_by(externals: frozenset[str]) -> tuple[Library, Views] | None:
    for library in libraries():
        for view in library.views:
            if any(named(library, e, view.bases) for e in externals):
                return library, view
    return None


def walk_view(inference: Inference, definition: ClassDefinition) -> None:
    """Walks a declarative view: its rows, its context, its template."""
    found = view_of(inference, definition)
    if found is None:
        return
    _, view = found
    frame = inference.frame(definition.path, None)
    frame.owner, frame.function = definition, definition.qualified
    given = _given(inference, definition, view)
    rows = _view_rows(inference, definition, view, Instance(definition, given=given), frame)
    if view.rows_name and isinstance(rows, Rows):
        given = (*given, (view.rows_name, rows))
    receiver = Instance(definition, given=given)
    context = _view_context(inference, view, receiver)
    if isinstance(rows, Rows):
        pages.of_view(inference, definition, view, rows)
        cells.walk_cells(inference, definition, receiver, rows)
    method = inference.code.method(definition, view.context_method)
    if method is not None:
        more = inference.call(method, receiver, (), {}, frame, definition.node)
        if isinstance(more, Mapped):
            context = Mapped((*(i for i in context.items if more.get(i[0]) is None), *more.items))
    template = _text_attribute(inference, definition, view.template_attribute)
    model = inference.model(rows.model) if isinstance(rows, Rows) else None
    if not template and model is not None:
        template = view.template_default.format(app=app_label(model.definition.path), model=model.name.lower())
    show(inference, template, context, frame, definition.node)


def _given(inference: Inference, definition: ClassDefinition, view: Views) -> tuple[tuple[str, Value], ...]:
    """What the library's own class says of where the rows come from: nothing, but for what the project's class states."""
    out: list[tuple[str, Value]] = []
    for name in (view.rows_attribute, view.model_attribute) if view.rows_attribute else ():
        stated = inference.code.attribute(definition, name)
        value = inference.constant(stated[0].path, stated[1], stated[0]) if stated is not None else Literal(None)
        if isinstance(value, Literal | ModelClass) and inference.code.method(definition, name) is None:
            out.append((name, value))
    return tuple(out)


def _view_rows(inference: Inference, definition: ClassDefinition, view: Views, receiver: Value, frame: Frame) -> Value:
    method = inference.code.method(definition, view.rows_method)
    if method is not None:
        return inference.call(method, receiver, (), {}, frame, definition.node)
    return default_rows(inference, definition, view)


def held(inference: Inference, receiver: Instance, name: str) -> Value:
    """What the library sets on a view: `self.object_list`, `self.object`."""
    found = view_of(inference, receiver.definition)
    if found is None or not name or name not in (found[1].rows_name, found[1].row_name):
        return None
    frame = inference.frame(receiver.definition.path, None)
    frame.owner, frame.function = receiver.definition, receiver.definition.qualified
    own = inference.code.method(receiver.definition, found[1].row_method) if name == found[1].row_name else None
    if own is not None:
        row = inference.call(own, receiver, (), {}, frame, receiver.definition.node)
        return row if isinstance(row, Row) else None
    rows = _view_rows(inference, receiver.definition, found[1], receiver, frame)
    if name == found[1].rows_name or not isinstance(rows, Rows):
        return rows
    return queries.single(rows, known=rows.known)


def default_rows(inference: Inference, definition: ClassDefinition, view: Views) -> Value:
    """What the library's own `get_queryset` gives: the stated rows, or all rows of the stated model."""
    rows = _stated_rows(inference, definition, view)
    return pages.sorted_by(inference, definition, view.order_attribute, rows) if isinstance(rows, Rows) else rows


def _stated_rows(inference: Inference, definition: ClassDefinition, view: Views) -> Value:
    stated = inference.code.attribute(definition, view.rows_attribute)
    if stated is not None:
        return inference.constant(stated[0].path, stated[1], stated[0])
    stated = inference.code.attribute(definition, view.model_attribute)
    if stated is None:
        return None
    value = inference.constant(stated[0].path, stated[1], stated[0])
    if not isinstance(value, ModelClass):
        return None
    frame = inference.frame(stated[0].path, None)
    frame.function = definition.qualified
    site = frame.site(stated[1])
    kind = origins.manager_kind(inference, value.model)
    return managers.begun(inference, Rows(value.model, site, root=site, kind=kind))


def _view_context(inference: Inference, view: Views, receiver: Instance) -> Mapped:
    """The names that the library itself gives to the template of such a view."""
    definition = receiver.definition
    rows = dict(receiver.given).get(view.rows_name)
    if not isinstance(rows, Rows):
        return Mapped((("view", receiver),))
    model = inference.model(rows.model)
    names = [n.format(model=model.name.lower() if model is not None else "") for n in view.names]
    stated = _text_attribute(inference, definition, view.name_attribute)
    if stated:
        names.append(stated)
    paged = inference.code.attribute(definition, view.page_attribute) if view.page_attribute else None
    page = inference.constant(paged[0].path, paged[1], paged[0]) if paged is not None else None
    if isinstance(page, Literal) and isinstance(page.value, int):
        rows = msgspec.structs.replace(rows, limit=page.value)
    value: Value = rows if view.many else held(inference, receiver, view.row_name)
    return Mapped((*((n, value) for n in names), ("view", receiver)))


def _text_attribute(inference: Inference, definition: ClassDefinition, name: str) -> str:
    stated = inference.code.attribute(definition, name) if name else None
    node = stated[1].value if stated is not None else None
    return node.value if isinstance(node, Text) and isinstance(node.value, str) else ""


def inherited(inference: Inference, receiver: Value, name: str, keywords: dict[str, Value]) -> Value:
    """A library's own method of a view or manager, called by `self.x()` or `super().x()` of the project's class."""
    if isinstance(receiver, Rows):
        return receiver
    if not isinstance(receiver, Instance):
        return None
    found = view_of(inference, receiver.definition)
    if found is None:
        return listings.inherited(inference, receiver, name)
    _, view = found
    if name == view.rows_method:
        return default_rows(inference, receiver.definition, view)
    if name == view.row_method:
        return held(inference, receiver, view.row_name)
    if name == view.context_method:
        more = tuple((k, v) for k, v in keywords.items() if not k.startswith("*"))
        return Mapped((*(i for i in _view_context(inference, view, receiver).items if i[0] not in keywords), *more))
    return None
