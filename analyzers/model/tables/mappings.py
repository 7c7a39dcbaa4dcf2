"""Mapping files: what stands beside the code and says of its classes what decorators would.

XML and YAML are read to the same elements, and elements to the decorators that they stand for, so that one reader of
declarations understands all of them.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property

import msgspec

from analyzers.facts.outline import Assign, Call, Keyword, Name, Node, Other, Text
from analyzers.facts.store import FileFacts, Setting
from analyzers.knowledge import Library, Mapping, libraries
from analyzers.model.naming.code import Codebase
from analyzers.model.naming.roles import is_product


class Mapped(msgspec.Struct, frozen=True, eq=False):
    """What the file at `path` says of one class: decorators of the class itself, and properties with theirs."""

    path: str
    library: Library
    decorators: tuple[Node, ...]
    fields: dict[str, Assign]


class _Element:
    """An element of a mapping file with its attributes, placed where it begins."""

    def __init__(self, word: str, setting: Setting) -> None:
        self.word, self.start, self.end = word, setting.start, setting.end
        self.values: dict[str, str] = {}
        self.children: list[_Element] = []

    def below(self) -> Iterator[_Element]:
        """All elements below this one."""
        for child in self.children:
            yield child
            yield from child.below()


class Mappings:
    """All that mapping files say, by the full name of a class in lower case."""

    def __init__(self, code: Codebase) -> None:
        self._code = code

    @cached_property
    def classes(self) -> dict[str, Mapped]:
        return {name.lower(): mapped for name, mapped in self._read()}

    @cached_property
    def targets(self) -> dict[str, str]:
        """What the configuration puts in the place of an interface that relations name."""
        words = [x.models.mapping.targets_setting for x in libraries() if x.models is not None and x.models.mapping is not None]
        found = {}
        for path, facts in self._code.files.items():
            if facts.language == "yaml" and is_product(path):
                for setting in facts.settings:
                    head, _, last = setting.key.rpartition(".")
                    if last and any(word and f".{head}".endswith(f".{word}") for word in words):
                        found[last.lstrip("\\").lower()] = setting.value
        return found

    def of(self, qualified: str) -> Mapped | None:
        """What is said of the class of that name."""
        return self.classes.get(qualified.lower())

    def _read(self) -> Iterator[tuple[str, Mapped]]:
        for library in libraries():
            words = library.models.mapping if library.models is not None else None
            if words is None:
                continue
            for path, facts in self._code.files.items():
                if facts.language in ("xml", "yaml") and path.endswith(words.suffixes) and is_product(path):
                    elements = _xml(facts, words) if facts.language == "xml" else _yaml(facts, words)
                    for element in elements:
                        if element.word in words.classes and "name" in element.values:
                            yield element.values["name"].lstrip("\\"), _mapped(path, library, words, element)


# -- files as elements -------------------------------------------------------------------------------------------------


def _xml(facts: FileFacts, words: Mapping) -> Iterator[_Element]:
    """The elements below the root of a document: each setting's key names its element, and perhaps an attribute."""
    known: dict[str, _Element] = {}
    for setting in facts.settings:
        parts = setting.key.split(".")
        attribute = parts.pop() if len(parts) % 2 else ""
        element = known.get(".".join(parts))
        if element is None:
            element = known[".".join(parts)] = _Element(parts[-2], setting)
            above = known.get(".".join(parts[:-2]))
            if above is not None:
                above.children.append(element)
        if attribute:
            element.values[attribute] = setting.value
    root = known.get(f"{words.root}.0")
    return iter(root.children if root is not None else ())


def _yaml(facts: FileFacts, words: Mapping) -> Iterator[_Element]:
    """The classes of a document: `Class: {type: entity, oneToMany: {lines: {targetEntity: …}}}`."""
    classes: dict[str, _Element] = {}
    members: dict[tuple[str, ...], _Element] = {}
    for setting in facts.settings:
        name, *keys = setting.key.split(".")
        holder = classes.setdefault(name, _Element("", setting))
        holder.values["name"] = name
        match keys:
            case ["type"]:
                holder.word = setting.value
            case [attribute]:
                holder.values[attribute] = setting.value
            case [group, member, *rest]:
                element = members.get((name, group, member))
                if element is None:
                    element = members[name, group, member] = _Element(group, setting)
                    element.values["name"] = member
                    holder.children.append(element)
                _add(element, rest, setting, words)
    return iter(classes.values())


def _add(element: _Element, keys: list[str], setting: Setting, words: Mapping) -> None:
    """A value of a member: its own, one of a list, or of a part like `joinColumn`."""
    match keys:
        case [attribute]:
            element.values[attribute] = setting.value
        case [part, attribute] if part in words.parts:
            inner = next((c for c in element.children if c.word == part), None)
            if inner is None:
                inner = _Element(part, setting)
                element.children.append(inner)
            inner.values[attribute] = setting.value
        case [attribute, number] if number.isdigit():
            held = element.values.get(attribute)
            element.values[attribute] = f"{held},{setting.value}" if held else setting.value


# -- elements as decorators --------------------------------------------------------------------------------------------


def _mapped(path: str, library: Library, words: Mapping, element: _Element) -> Mapped:
    fields: dict[str, Assign] = {}
    decorators: list[Node] = [_call(words.classes[element.word], element, words)]
    if element.values.get("table") and library.models is not None:
        name = Text(element.start, element.end, element.values["table"])
        decorators.append(_named(library.models.table_mark, element, (Keyword("name", name),)))
    for inner in element.below():
        if inner.word in words.parts and inner.word not in words.fields:
            decorators.extend([_call(words.parts[inner.word], inner, words)] if "columns" in inner.values else ())
    for inner in element.children:
        marks = words.fields.get(inner.word, ())
        name_of = inner.values.get("field") or inner.values.get("name", "")
        if not marks or not name_of:
            continue
        stated = [_call(mark, inner, words) for mark in marks]
        stated += [_call(words.parts[p.word], p, words, named=True) for p in inner.below() if p.word in words.parts]
        before = fields[name_of].decorators if name_of in fields else ()
        target = Name(inner.start, inner.end, name_of)
        fields[name_of] = Assign(inner.start, inner.end, target, decorators=(*before, *stated))
    return Mapped(path, library, tuple(decorators), fields)


def _call(mark: str, element: _Element, words: Mapping, *, named: bool = False) -> Call:
    """The decorator that an element stands for. Only a part keeps its `name`: that of others is the property's."""
    keywords = []
    for attribute, value in element.values.items():
        if attribute in ("field", "name") and not named:
            continue
        keywords.append(Keyword(words.attributes.get(attribute, attribute), _literal(attribute, value, element)))
    return _named(mark, element, tuple(keywords))


def _named(mark: str, element: _Element, keywords: tuple[Keyword, ...]) -> Call:
    return Call(element.start, element.end, Name(element.start, element.end, mark), (), keywords)


def _literal(attribute: str, value: str, element: _Element) -> Node:
    start, end = element.start, element.end
    if attribute in ("columns", "fields"):
        return Other(start, end, "list", tuple(Text(start, end, part.strip()) for part in value.split(",")))
    return Text(start, end, {"true": True, "false": False}.get(value, value))
