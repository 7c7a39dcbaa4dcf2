"""What calls of libraries hand on: the rows given to them, a row they fetch, a template they render."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from analyzers.facts.outline import Call, Member, Name
from analyzers.knowledge import Library, libraries, named
from analyzers.knowledge.derived import derived, per_libraries
from analyzers.model.inference import acts, containers, flow, functions, members
from analyzers.model.inference.branching import conditions
from analyzers.model.inference.readers import (
    declared,
    endpoints,
    form_choices,
    form_rows,
    listings,
    selections,
    serializers,
    transformers,
    votes,
)
from analyzers.model.inference.rows import origins, queries, searches, sent, statements
from analyzers.model.inference.templates import templates, views
from analyzers.model.inference.types import (
    ClassValue,
    Getter,
    Instance,
    Keyed,
    LibraryValue,
    Listed,
    Literal,
    Mapped,
    ModelClass,
    Partial,
    Row,
    Rows,
    Super,
    Tupled,
    Value,
    row_among,
)

if TYPE_CHECKING:
    from analyzers.model.inference.frames import Frame
    from analyzers.model.inference.summaries import Inference

_hands_on = derived(lambda: {name: at for library in libraries() for name, at in library.hands_on.items()})
_WHOLE_NAMES = frozenset({"str", "format", "print"})
_NAMES_KEPT = 50_000  # of functions, with the libraries that know them


def _words(library: Library) -> frozenset[str]:
    """Every word by which the library's data may know a function: all that its tables and lists name, and a few more."""
    tables = (getattr(library, field) for field in library.__struct_fields__)
    return frozenset().union(
        library.models.user_names if library.models is not None else (),
        library.rows.parts_of if library.rows is not None else (),
        library.templates.composers if library.templates is not None else (),
        library.votes.methods if library.votes is not None else (),
        (*library.choices.adders, *library.choices.setters) if library.choices is not None else (),
        library.selections.writers if library.selections is not None else (),
        library.forms.factories if library.forms is not None else (),
        *({word for word in table if isinstance(word, str)} for table in tables if isinstance(table, dict | tuple)),
    )


_vocabularies = derived(lambda: tuple((library, _words(library)) for library in libraries()))


@per_libraries(_NAMES_KEPT)
def _knowing(language: str, name: str) -> tuple[Library, ...]:
    """The libraries of a language whose data may say something of a function: most functions are none's."""
    holder, _, dotted = name.rpartition(".")
    ends = {name, dotted, name.rpartition("\\")[2], dotted.rpartition("\\")[2]}
    return tuple(
        library
        for library, words in _vocabularies()
        if library.language == language
        and (
            not ends.isdisjoint(words)
            or (library.rows is not None and named(library, holder, library.rows.session_bases) is not None)
        )
    )


def call_library(
    inference: Inference, callee: LibraryValue, node: Call, args: tuple[Value, ...], keywords: dict[str, Value], frame: Frame
) -> Value:
    """What a call of a library hands on: the rows given to it, a row it fetches, a template it renders."""
    name, last = callee.name, callee.name.rpartition(".")[2].rpartition("\\")[2]
    if name == "super" and frame.owner is not None:
        return Super(_receiver(frame), frame.owner)
    if name.startswith("super."):
        return _of_base(inference, frame, name.removeprefix("super."), node, args, keywords)
    if name in _WHOLE_NAMES:
        for value, argument in zip(args, node.args, strict=False):
            members.shown(inference, value, argument, frame)
        return None
    if name == "enumerate" and args:
        return Listed(Tupled((None, flow.iterate(inference, args[0], frame.site(node), node, frame))))
    if name == "zip":
        return Listed(Tupled(tuple(flow.iterate(inference, a, frame.site(node), node, frame) for a in args)))
    if name == "dict":
        return Mapped(tuple(keywords.items())) if keywords or not args else None
    if name == "getattr" and len(args) > 1 and isinstance(args[1], Literal) and isinstance(args[1].value, str):
        held = args[0]
        if isinstance(held, LibraryValue):
            return args[2] if len(args) > 2 else None  # a setting that need not be stated
        return members.member(inference, held, args[1].value, node, frame) if held is not None else None
    if listings.registered(inference, name, args, node, frame):
        return None
    if conditions.is_cache(name):
        inference.cached += 1
        flow.hand_over(inference, args, frame, node)
        inference.cached -= 1
        return LibraryValue(name, instance=True)
    space = inference.code.files[frame.path].namespace
    if space and name == f"{space}\\{last}":
        name = last  # a function that the namespace does not have is the language's own
    statements.asked_of_any(inference, name, node, args, frame)
    if transformers.called(inference, name, node, args, frame):
        return LibraryValue(name, instance=True)
    for library in _knowing(frame.language, name):
        if library.models is not None and last in library.models.user_names and not args:
            user = inference.user()
            return ModelClass(user.qualified) if user is not None else None
        if (kind := library.containers.get(named(library, name, library.containers) or "")) and not args[1:]:
            if kind == "mapping":
                return Keyed(None, None)
            if not args:
                return Listed(None)
        if library.forms is not None and (made := form_rows.factory(library, library.forms, name, args, keywords)) is not None:
            return made
        known, handed = functions.given(inference, library, name, node, args, frame)
        if known:
            return handed
        if library.rows is not None and named(library, name, library.rows.parts_of):
            searches.taken_apart(inference, (*args, *keywords.values()))
        found = _transparent(library, name, last)
        if found is not None:
            paged = _paged(library, name, args, keywords, found)
            if isinstance(paged, Rows) and paged.limited:
                inference.note_query(paged, frame, node, added=True)
            return paged
        applies = library.applies.get(named(library, name, library.applies) or "")
        if applies is not None:
            return containers.apply_to_items(inference, applies, node, args, frame)
        if named(library, name, library.getters):
            path = args[0].value if args and isinstance(args[0], Literal) else None
            return Getter(tuple(path.split("."))) if isinstance(path, str) else None
        if named(library, name, library.partials) and args:
            return Partial(args[0], args[1:], tuple(keywords.items()))
        if named(library, name, library.slicers) and args:
            return _sliced(args)
        if last in library.readers and len(args) > 1 and isinstance(args[0], Row) and isinstance(args[1], Literal):
            return members.member(inference, args[0], str(args[1].value), node, frame)
        if named(library, name, library.path_readers) and len(args) > 1:
            path = args[1].value if isinstance(args[1], Literal) else None
            return declared.read_dotted(inference, args[0], path, node, frame) if isinstance(path, str) else None
        position = library.fetchers.get(named(library, name, library.fetchers) or "")
        if position is not None:
            rows = origins.rows_from(args[position], frame, node) if position < len(args) else None
            if rows is None:
                return None
            searched = searches.fetched(inference, rows, node, frame)
            inference.note_query(searched, frame, node)
            if (per := row_among((*args, *keywords.values()))) is not None:
                searched = msgspec.structs.replace(searched, site=frame.site(node), per=per)
                inference.note_lookup(searched, node, frame)
            return queries.single(rows, known=True)
        position = library.loaders.get(named(library, name, library.loaders) or "")
        if position is not None and library.rows is not None:
            _load_later(inference, node, args, position, library.rows.path_separator, frame)
            return None
        position = library.context_renderers.get(named(library, name, library.context_renderers) or "")
        if position is not None:
            templates.render_with(inference, position, args, keywords, node, frame)
            return None
        if (renderer := named(library, name, library.renderers)) and (args or keywords):
            return templates.render(inference, library, library.renderers[renderer], node, args, keywords, frame)
        rendered = library.render_methods.get(last)
        if rendered is not None and _is_of(library, name, library.render_bases):
            return templates.render(inference, library, rendered, node, args, keywords, frame)
        if library.templates is not None and named(library, name, library.templates.composers):
            views.composed(inference, library.templates, node, args, frame)
            return None
        if library.choices is not None and (form := form_choices.stated(inference, library, name, args, node, frame)):
            return form
        if library.selections is not None and selections.written(inference, library, name, args, node, frame):
            return None
        if library.votes is not None and votes.asked(inference, library, name, args, node, frame):
            return None
        if last in library.container_methods and _is_of(library, name, library.container_bases):
            return _service(inference, library, args[0] if args else None)
        if name in library.captures:
            return views.captured(args, frame)
        if name in library.functions and not args:
            return LibraryValue(library.functions[name], instance=True)
        session = origins.session_call(inference, library, callee, node, args, frame)
        if session is not None:
            return session
    if callee.instance and isinstance(_receiver(frame), Instance):
        given = _of_base(inference, frame, last, node, args, keywords)
        if given is not None:
            return given
    if sent.applied(inference, LibraryValue(name.rpartition(".")[0], callee.instance), last, node, args, frame):
        return None
    flow.hand_over(inference, args, frame, node)
    return handed_on(node, args) or (LibraryValue(name, instance=True) if "." in name or "\\" in name else None)


def handed_on(node: Call, args: tuple[Value, ...]) -> Value:
    """The rows that a method gives back of which only the name is known: `filters.filter_queryset(rows)`."""
    at = _hands_on().get(node.callee.name, len(args)) if isinstance(node.callee, Member) else len(args)
    return args[at] if at < len(args) and isinstance(args[at], Rows) else None


def _sliced(args: tuple[Value, ...]) -> Value:
    """`islice(rows, 10)`: at most so many; with a start, up to the second number."""
    stop = args[min(2, len(args) - 1)]
    if isinstance(args[0], Rows) and isinstance(stop, Literal) and isinstance(stop.value, int):
        return msgspec.structs.replace(args[0], limit=stop.value, limited=True)
    return args[0]


def _of_base(
    inference: Inference, frame: Frame, name: str, node: Call, args: tuple[Value, ...], keywords: dict[str, Value]
) -> Value:
    """What a method gives that the receiver has from a library's class."""
    receiver = _receiver(frame)
    if isinstance(receiver, Instance):
        serializers.inherited(inference, receiver, name, args, node, frame)
        given = endpoints.inherited(inference, receiver, name, args, keywords, node, frame)
        if given is not None:
            acts.inherited(inference, name, given, node, frame)
            return given
    return templates.inherited(inference, receiver, name, keywords)


def _receiver(frame: Frame) -> Value:
    """What `self` is in the method being walked."""
    for name in ("self", "$this", "cls"):
        if name in frame.env:
            return frame.env[name]
    return next(iter(frame.env.values()), None)


def _transparent(library: Library, name: str, last: str) -> int | None:
    if name in library.transparent:
        return library.transparent[name]
    if last in library.transparent and named(library, name, library.transparent):
        return library.transparent[last]
    return None


def handed_on_by_class(inference: Inference, instance: Instance) -> Value:
    """The rows given to an object of the project's own class, where the library's class it inherits from hands them on."""
    rows = next((v for v in (*instance.args, *dict(instance.keywords).values()) if isinstance(v, Rows)), None)
    for name in sorted(inference.code.externals(instance.definition)) if rows is not None else ():
        for library in libraries():
            if name in library.transparent:
                args = instance.args if rows in instance.args[:1] else (rows,)
                return _paged(library, name, args, dict(instance.keywords), 0)
    return None


def _paged(library: Library, name: str, args: tuple[Value, ...], keywords: dict[str, Value], position: int) -> Value:
    """What a transparent call hands on, bounded where it says so."""
    handed = args[position] if position < len(args) else None
    at = library.pages.get(name, library.pages.get(named(library, name, library.pages) or "", len(args)))
    bound = args[at] if at < len(args) else keywords.get(library.page_keyword)
    if isinstance(handed, Rows) and isinstance(bound, Literal) and isinstance(bound.value, int):
        return msgspec.structs.replace(handed, limit=bound.value, limited=True)
    return handed


def _service(inference: Inference, library: Library, name: Value) -> Value:
    """What a container gives for a name: an object of the library's or the project's class."""
    match name:
        case ClassValue(definition=definition):
            return inference.receiver_of(definition)
        case Literal(value=str() as text) if text in library.services:
            return LibraryValue(library.services[text], instance=True)
        case Literal(value=str() as text):
            found = inference.code.wiring.service(text)
            return inference.receiver_of(found) if found is not None else None
    return None


def _is_of(library: Library, name: str, bases: tuple[str, ...]) -> bool:
    """Whether `name` is a member of one of the library's classes."""
    holder = name.rpartition(".")[0]
    return named(library, holder, bases) is not None


def _load_later(inference: Inference, node: Call, args: tuple[Value, ...], position: int, separator: str, frame: Frame) -> None:
    """`prefetch_related_objects(rows, "a__b")`: the rows held under that name have the relation from here on."""
    held = node.args[position] if position < len(args) else None
    rows = args[position] if held is not None else None
    if isinstance(held, Name) and isinstance(rows, Rows):
        rest = args[position + 1 :]
        paths = frozenset(a.value.replace(separator, ".") for a in rest if isinstance(a, Literal) and isinstance(a.value, str))
        owner = rows.owner
        if owner is not None:
            queries.touch(inference, rows, node, frame)
            way = ".".join(rows.path)
            owner = msgspec.structs.replace(owner, eager=owner.eager | {f"{way}.{path}" for path in paths})
        frame.env[held.id] = msgspec.structs.replace(
            rows, eager=rows.eager | paths, known=rows.known and len(paths) == len(rest), owner=owner
        )
