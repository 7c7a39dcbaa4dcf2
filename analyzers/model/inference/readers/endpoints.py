"""Classes that answer requests with serialized rows: which rows, by which serializer, how many at a time."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import msgspec

from analyzers.facts.outline import Assign, Call, Function, Keyword, Member, Node, walk
from analyzers.knowledge import LINEAGES_KEPT, Endpoints, Library, libraries, named
from analyzers.knowledge.derived import derived, per_libraries
from analyzers.model.inference.readers import pages, serializers
from analyzers.model.inference.readers.choices import Choice, chosen
from analyzers.model.inference.rows import queries
from analyzers.model.inference.types import Bound, ClassValue, Instance, LibraryValue, Listed, Literal, Row, Rows, Value
from analyzers.model.naming.definitions import ClassDefinition
from analyzers.model.naming.literals import text_of

if TYPE_CHECKING:
    from analyzers.model.inference.frames import Frame
    from analyzers.model.inference.summaries import Inference


_PAGE = 1000  # a page that may hold more than that bounds nothing
_rows_methods = derived(lambda: frozenset(x.endpoints.rows_method for x in libraries() if x.endpoints is not None))


def endpoint_of(inference: Inference, definition: ClassDefinition) -> tuple[Library, Endpoints] | None:
    """What the library's base class of an endpoint does, if it is one."""
    if not definition.node.bases:
        return None
    return _endpoint_by(inference.code.externals(definition))


@per_libraries(LINEAGES_KEPT)
def _endpoint_by(externals: frozenset[str]) -> tuple[Library, Endpoints] | None:
    for library in libraries():
        words = library.endpoints
        if words is not None and any(named(library, e, (*words.bases, *words.listing)) for e in externals):
            return library, words
    return None


def walk_endpoint(inference: Inference, definition: ClassDefinition) -> None:
    """Walks what the endpoint answers where it lists rows, and where it shows one."""
    found = endpoint_of(inference, definition)
    if found is None:
        return
    library, words = found
    frame = inference.frame(definition.path, None)
    frame.owner, frame.function = definition, definition.qualified
    if _answers(inference, definition, library, words, words.listing):
        inference.steps, inference.hydrated = 0, set()
        endpoint = _in_action(definition, words, words.list_method)
        method = inference.code.method(definition, words.list_method)
        if method is not None:
            inference.call(method, endpoint, (), {}, frame, definition.node.bases[0])
        else:
            _list(inference, endpoint, words, frame)
    if _answers(inference, definition, library, words, words.showing):
        inference.steps, inference.hydrated = 0, set()
        _one(inference, _in_action(definition, words, words.one_method), words, frame)


def _in_action(definition: ClassDefinition, words: Endpoints, action: str) -> Instance:
    """The endpoint while it answers with many rows, or with one."""
    alone = tuple((name, Literal(action == words.one_method)) for name in words.alone)
    return Instance(definition, given=((words.action, Literal(action)), *alone))


def inherited(
    inference: Inference,
    receiver: Instance,
    name: str,
    args: tuple[Value, ...],
    keywords: dict[str, Value],
    node: Node,
    frame: Frame,
) -> Value:
    """What the library's own method of an endpoint gives, called by `self.x()` or `super().x()` of the project's class."""
    definition = receiver.definition
    found = endpoint_of(inference, definition)
    if found is None:
        return None
    words = found[1]
    if name in words.handed_on:
        given = args[words.handed_on[name]] if words.handed_on[name] < len(args) else None
        if name == words.page_method and isinstance(given, Rows):
            return _page(inference, definition, given, words)
        return given if isinstance(given, Rows | Listed) else None
    if name == words.rows_method:
        rows = _stated_rows(inference, definition, words)
        return _changed_elsewhere(inference, definition, rows, words) if isinstance(rows, Rows) else rows
    if name == words.row_method:
        rows = _rows(inference, receiver, words, frame)
        return queries.single(rows, known=rows.known) if rows is not None else None
    if name in (words.serializer_method, words.make_method):
        classes = _serializers(inference, definition, words, frame)
        if len(classes) != 1:
            return None
        value = ClassValue(classes[0].definition)
        return value if name == words.serializer_method else Instance(value.definition, args, tuple(keywords.items()))
    if name == words.list_method:
        _list(inference, receiver, words, frame, node)
        return LibraryValue(name, instance=True)
    return None


def _answers(
    inference: Inference, definition: ClassDefinition, library: Library, words: Endpoints, bases: tuple[str, ...]
) -> bool:
    """Whether the endpoint has what these classes of the library give, and does not load by itself."""
    externals = inference.code.externals(definition)
    if any(named(library, e, words.loading) for e in externals):
        return False
    if not any(named(library, e, bases) for e in externals):
        return False
    stated = inference.code.attribute(definition, words.methods_allowed)
    allowed = [text_of(node) for node in walk(stated[1].value)] if stated is not None and stated[1].value is not None else []
    texts = [text for text in allowed if text]
    return not texts or words.list_verb in texts


def _list(inference: Inference, endpoint: Instance, words: Endpoints, frame: Frame, node: Node | None = None) -> None:
    """All rows of the endpoint go through its serializer."""
    definition = endpoint.definition
    rows = _rows(inference, endpoint, words, frame)
    if rows is None or not rows.known:
        return
    found = endpoint_of(inference, definition)
    if found is not None:
        pages.of_endpoint(inference, definition, *found, rows)
    rows = _page(inference, definition, rows, words)
    for choice in _serializers(inference, definition, words, None):
        at = node or _beside(definition, choice)
        held, frame.at = frame.at, at
        serializers.put_out(inference, choice.definition, rows, at, frame)
        frame.at = held


def _one(inference: Inference, endpoint: Instance, words: Endpoints, frame: Frame) -> None:
    """One row of the endpoint goes through its serializer, which may walk collections of it."""
    definition = endpoint.definition
    if any(inference.code.method(definition, name) is not None for name in (words.one_method, words.row_method)):
        return
    rows = _rows(inference, endpoint, words, frame)
    if rows is None or not rows.known or rows.stage:
        return
    row = Row(rows.model, msgspec.structs.replace(rows, limit=1, limited=True))
    for choice in chosen(inference, definition, words, words.one_method):
        at = _beside(definition, choice)
        held, frame.at = frame.at, at
        serializers.represent(inference, choice.definition, row, at, frame)
        frame.at = held


def _beside(definition: ClassDefinition, choice: Choice) -> Node:
    """Where the endpoint names the serializer, or where it begins."""
    return choice.node if choice.path == definition.path else definition.node.bases[0]


# -- rows --------------------------------------------------------------------------------------------------------------


def _rows(inference: Inference, endpoint: Instance, words: Endpoints, frame: Frame) -> Rows | None:
    """The rows that the endpoint answers with."""
    definition = endpoint.definition
    method = inference.code.method(definition, words.rows_method)
    if method is None:
        rows = _stated_rows(inference, definition, words)
        return _changed_elsewhere(inference, definition, rows, words) if isinstance(rows, Rows) else None
    bound = Bound(method, endpoint)
    rows = placed(inference, bound, inference.call(method, endpoint, (), {}, frame, definition.node.bases[0]))
    return rows if isinstance(rows, Rows) else None


def placed(inference: Inference, called: Bound, rows: Value) -> Value:
    """Rows of an endpoint's `get_queryset`, as the endpoint's own: a mixin's method serves others too, and is not the place to
    load what one of them reads. They come with whatever other methods add to them."""
    if (
        called.definition.node.name not in _rows_methods()
        or not isinstance(called.receiver, Instance)
        or not isinstance(rows, Rows)
    ):
        return rows
    definition = called.receiver.definition
    found = endpoint_of(inference, definition)
    if found is None or called.definition.node.name != found[1].rows_method:
        return rows
    stated = _stated_rows(inference, definition, found[1])
    if called.definition.owner is not definition and isinstance(stated, Rows) and rows.root == stated.root:
        rows = msgspec.structs.replace(rows, site=stated.site, chained=stated.chained)
    return _changed_elsewhere(inference, definition, rows, found[1])


def _stated_rows(inference: Inference, definition: ClassDefinition, words: Endpoints) -> Value:
    stated = inference.code.attribute(definition, words.rows_attribute)
    return inference.constant(stated[0].path, stated[1], stated[0]) if stated is not None else None


def _changed_elsewhere(inference: Inference, definition: ClassDefinition, rows: Rows, words: Endpoints) -> Rows:
    """`self.queryset = self.queryset.prefetch_related(…)` in any method: the rows come with that, or with what is not known."""
    model = inference.model(rows.model)
    library = model.library.rows if model is not None else None
    if library is None:
        return rows
    for node in _assigned_rows(inference, definition, words):
        for call in walk(node):
            if not (isinstance(call, Call) and isinstance(call.callee, Member)):
                continue
            method = library.methods.get(call.callee.name)
            if method is None or not method.eager:
                continue
            texts = [text_of(argument) for argument in call.args]
            paths = frozenset(text.replace(library.path_separator, ".") for text in texts if text)
            rows = msgspec.structs.replace(rows, eager=rows.eager | paths, known=rows.known and bool(texts) and all(texts))
    return rows


def _assigned_rows(inference: Inference, definition: ClassDefinition, words: Endpoints) -> Iterator[Node]:
    for base in inference.code.lineage(definition):
        if isinstance(base, ClassDefinition):
            key = (id(base), words.rows_attribute)
            if key not in inference.set_by_methods:
                inference.set_by_methods[key] = tuple(_set_by_methods(base, words.rows_attribute))
            yield from inference.set_by_methods[key]


def _set_by_methods(definition: ClassDefinition, attribute: str) -> Iterator[Node]:
    """What the class's own methods assign to an attribute of whatever object."""
    for method in definition.methods.values():
        for statement in method.node.body:
            for node in walk(statement):
                match node:
                    case Assign(target=Member(name=name), value=value) if name == attribute and value:
                        yield value


# -- the serializer ----------------------------------------------------------------------------------------------------


def _serializers(
    inference: Inference, definition: ClassDefinition, words: Endpoints, frame: Frame | None
) -> tuple[Choice, ...]:
    """The serializers of the action that `frame` is a method of, or of the list."""
    method = inference.code.method(definition, frame.function.rpartition(".")[2]) if frame is not None else None
    if method is not None and method.qualified == (frame.function if frame is not None else ""):
        stated = _of_action(inference, method.path, method.node, words)
        if stated is not None:
            return (stated,)
        return chosen(inference, definition, words, method.node.name)
    return chosen(inference, definition, words, words.list_method)


def _of_action(inference: Inference, path: str, function: Function, words: Endpoints) -> Choice | None:
    """`@action(serializer_class=…)`."""
    for decorator in function.decorators:
        for keyword in decorator.keywords if isinstance(decorator, Call) else ():
            if isinstance(keyword, Keyword) and keyword.name == words.serializer_attribute:
                found = inference.code.resolve_node(path, keyword.value)
                return Choice(found, path, keyword.value) if isinstance(found, ClassDefinition) else None
    return None


# -- pages -------------------------------------------------------------------------------------------------------------


def _page(inference: Inference, definition: ClassDefinition, rows: Rows, words: Endpoints) -> Rows:
    """The rows of one page, as far as the endpoint's own pagination says how many that are."""
    stated = inference.code.attribute(definition, words.page_attribute)
    pagination = inference.code.resolve_node(stated[0].path, stated[1].value) if stated and stated[1].value else None
    if not isinstance(pagination, ClassDefinition):
        return rows
    sizes = (inference.code.attribute(pagination, name) for name in words.page_sizes)
    size = next((size for size in sizes if size is not None), None)
    held = inference.constant(size[0].path, size[1], size[0]) if size is not None else None
    if not isinstance(held, Literal) or not isinstance(held.value, int) or held.value > _PAGE:
        return rows
    return msgspec.structs.replace(rows, limit=int(held.value))
