"""Functions of the project that its templates call by a name: tags and filters; and the library's own that read each row."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import msgspec

from analyzers.facts.outline import Assign, Call, Member, Name, Node, Text, walk
from analyzers.knowledge import libraries
from analyzers.knowledge.listings import Tag, Tags
from analyzers.model.inference import flow
from analyzers.model.inference.readers import declared
from analyzers.model.inference.templates import templates
from analyzers.model.inference.types import Listed, Mapped, Rows, Tupled, Value
from analyzers.model.naming.definitions import FunctionDefinition
from analyzers.model.naming.literals import arguments, is_true, text_of

if TYPE_CHECKING:
    from analyzers.model.inference.frames import Frame
    from analyzers.model.inference.summaries import Inference


class TemplateFunction(msgspec.Struct, frozen=True, eq=False):
    """A function, and how templates call it: with their names first, and with a template that shows what it returns."""

    definition: FunctionDefinition
    contextual: bool = False
    content: bool = False  # what stands between the tag and its end comes first
    template: str = ""


# Which argument of a tag or filter is the path that it reads of each row.
_PATHS: dict[str, tuple[str, int]] = {
    "regroup": ("by", 1),
    "dictsort": ("", 1),
    "dictsortreversed": ("", 1),
    "groupby": ("attribute", 1),
    "map": ("attribute", 9),
    "sum": ("attribute", 1),
    "sort": ("attribute", 3),
    "unique": ("attribute", 2),
    "selectattr": ("", 1),
    "rejectattr": ("", 1),
}


def read_each(inference: Inference, node: Call, name: str, values: list[Value], frame: Frame) -> Value:
    """`rows|dictsort:"customer.name"` reads that of each row."""
    word, position = _PATHS.get(name, ("", 0))
    given = {k.name: k.value for k in node.keywords}
    stated = given.get(word) if word in given else node.args[position] if 0 < position < len(node.args) else None
    rows = values[0] if values else None
    if not isinstance(stated, Text) or not isinstance(stated.value, str) or not isinstance(rows, Rows | Listed):
        return None
    row = flow.iterate(inference, rows, frame.site(node), node, frame)
    read = declared.read_path(inference, row, stated.value.split("."), stated, frame)
    if name in ("regroup", "groupby"):
        return Listed(Tupled((read, rows), ("grouper", "list")))
    return Listed(read) if name == "map" else None


def called(
    inference: Inference, node: Call, name: str, values: list[Value], keywords: dict[str, Value], frame: Frame
) -> tuple[bool, Value]:
    """What the project's own tag or filter gives, and whether there is one of that name."""
    function = _function(inference, name, frame.path)
    if function is None:
        return False, None
    context = Mapped(tuple(frame.env.items()))
    first = ((context,) if function.contextual else ()) + ((None,) if function.content else ())
    definition = function.definition
    result = inference.call(definition, None, (*first, *values), keywords, frame, node)
    if function.template:
        templates.show(inference, function.template, result if isinstance(result, Mapped) else Mapped(()), frame, node)
        return True, None
    return True, result


def _function(inference: Inference, name: str, path: str) -> TemplateFunction | None:
    for library in libraries():
        words = library.tags
        if words is None:
            continue
        for module in _loaded(inference, path, words):
            found = _functions(inference, module, words).get(name)
            if found is not None:
                inference.trace.touched.add(module)
                return found
    return None


def _loaded(inference: Inference, path: str, words: Tags) -> tuple[str, ...]:
    """The files of the tags that a template loads."""
    known = inference.loaded_tags.get(path)
    if known is None:
        names = [
            argument.value
            for statement in inference.code.files[path].outline
            for node in walk(statement)
            if isinstance(node, Call) and isinstance(node.callee, Name) and node.callee.id == words.load
            for argument in node.args
            if isinstance(argument, Text) and isinstance(argument.value, str)
        ]
        keys = tuple(f"module:{name.rpartition('.')[2]}" for name in names)
        folder = f"/{words.folder}/"
        files = (file for key in keys for file in inference.code.state(key) if folder in f"/{file}")
        known = inference.loaded_tags[path] = (tuple(dict.fromkeys(files)), keys)
    inference.trace.touched.update(known[1])
    return known[0]


def _functions(inference: Inference, path: str, words: Tags) -> dict[str, TemplateFunction]:
    """The functions that a file registers, by the name that templates know."""
    known = inference.template_functions.get(path)
    if known is None:
        known = inference.template_functions[path] = dict(_registered(inference, path, words))
    return known


def _registered(inference: Inference, path: str, words: Tags) -> Iterator[tuple[str, TemplateFunction]]:
    for definition in inference.code.definitions(path).values():
        if not isinstance(definition, FunctionDefinition):
            continue
        for decorator in definition.node.decorators:
            tag = _kind(decorator, words)
            if tag is not None:
                given = arguments(decorator) if isinstance(decorator, Call) else {}
                stated = text_of(given.get(words.name)) or (text_of(given.get("0")) if tag.named else "")
                yield stated or definition.node.name, _made(definition, tag, given, words)
    for node in inference.code.files[path].outline:
        call = node.value if isinstance(node, Assign) else node
        tag = _kind(call, words) if isinstance(call, Call) else None
        if not isinstance(call, Call) or tag is None:
            continue
        given = arguments(call)
        function = next((a for a in call.args if isinstance(a, Name | Member)), None)
        found = inference.code.resolve_node(path, function) if function is not None else None
        if isinstance(found, FunctionDefinition):
            yield text_of(given.get(words.name)) or text_of(given.get("0")) or found.node.name, _made(found, tag, given, words)


def _kind(node: Node, words: Tags) -> Tag | None:
    """The kind of tag that `@register.simple_tag(…)` makes."""
    callee = node.callee if isinstance(node, Call) else node
    return words.kinds.get(callee.name) if isinstance(callee, Member) else None


def _made(definition: FunctionDefinition, tag: Tag, given: dict[str, Node], words: Tags) -> TemplateFunction:
    template = text_of(given.get("filename")) or text_of(given.get("0")) if tag.shows else ""
    return TemplateFunction(definition, is_true(given.get(words.contextual)), tag.content, template)
