"""YAML and JSON as flat settings, with the position (in characters) of every scalar.

Read from libyaml's events, not from its composed documents: composing recurses in C and overflows the stack on hostile nesting.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import msgspec
import yaml

from analyzers.facts.store import Setting

MAX_SETTINGS = 10_000
"""Settings of one file; an alias bomb ends here."""

MAX_NESTING = 60
MAX_KEY = 1_000


class UnreadableError(Exception):
    """The file cannot be read from this line (from 1) on."""

    def __init__(self, line: int, text: str) -> None:
        super().__init__(text)
        self.line = line
        self.text = text


class _Value(msgspec.Struct, gc=False):
    """A scalar with the characters it covers, or a collection with its keys (absent in a sequence)."""

    start: int
    end: int
    scalar: str | None = None
    pairs: list[tuple[str | None, _Value]] | None = None


def yaml_settings(text: str) -> tuple[list[Setting], UnreadableError | None]:
    """The settings of all documents of `text`, and where reading stopped; several documents are numbered `0.`, `1.`."""
    documents: list[_Value] = []
    trouble: UnreadableError | None = None
    try:
        # What was read before an error stays in the list.
        documents.extend(_documents(yaml.parse(text, Loader=yaml.CSafeLoader)))
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        trouble = UnreadableError(mark.line + 1 if mark else 0, _sentence(error.problem or "not YAML"))
    except yaml.reader.ReaderError as error:
        trouble = UnreadableError(text.count("\n", 0, error.position) + 1, "Not YAML: an unacceptable character.")
    except UnreadableError as error:
        trouble = error
    settings: list[Setting] = []
    for number, document in enumerate(documents):
        prefix = f"{number}." if len(documents) > 1 else ""
        for key, value in _flat(document, prefix):
            if len(settings) == MAX_SETTINGS:
                return settings, trouble or UnreadableError(0, f"Only the first {MAX_SETTINGS:,} settings were read.")
            settings.append(Setting(key, value.scalar or "", value.start, value.end))
    return settings, trouble


def json_settings(text: str) -> tuple[list[Setting], UnreadableError | None]:
    """The settings of a JSON document, which YAML contains but for its tabs."""
    return yaml_settings(text.replace("\t", " "))


def _sentence(problem: str) -> str:
    return f"Not YAML: {problem}."


def _documents(events: Iterable[yaml.Event]) -> Iterator[_Value]:
    """The documents as trees. Raises `UnreadableError` where they nest too deeply."""
    anchors: dict[str, _Value] = {}
    stack: list[_Open] = []
    root: _Value | None = None
    for event in events:
        value: _Value | None = None
        match event:
            case yaml.DocumentStartEvent():
                anchors.clear()
                root = None
            case yaml.DocumentEndEvent():
                if root is not None:
                    yield root
            case yaml.ScalarEvent():
                value = _Value(_start(event), _end(event), scalar=event.value)
            case yaml.AliasEvent():
                value = anchors.get(event.anchor or "") or _Value(_start(event), _end(event), scalar="")
            case yaml.MappingStartEvent() | yaml.SequenceStartEvent():
                if len(stack) >= MAX_NESTING:
                    raise UnreadableError(
                        event.start_mark.line + 1 if event.start_mark else 0, f"Nested more than {MAX_NESTING} levels deep."
                    )
                opened = _Value(_start(event), _start(event), pairs=[])
                stack.append(_Open(opened, isinstance(event, yaml.MappingStartEvent), event.anchor))
                continue
            case yaml.MappingEndEvent() | yaml.SequenceEndEvent():
                closed = stack.pop()
                value = closed.value
                value.end = _end(event)
                if closed.anchor:
                    anchors[closed.anchor] = value
        if value is None:
            continue
        if isinstance(event, yaml.ScalarEvent) and event.anchor:
            anchors[event.anchor] = value
        if stack:
            stack[-1].add(value)
        else:
            root = value


def _start(event: yaml.Event) -> int:
    """The character at which an event begins."""
    return event.start_mark.index if event.start_mark else 0


def _end(event: yaml.Event) -> int:
    return event.end_mark.index if event.end_mark else 0


class _Open:
    """A collection that is being read."""

    def __init__(self, value: _Value, mapping: bool, anchor: str | None) -> None:
        self.value = value
        self.mapping = mapping
        self.anchor = anchor
        self.key: _Value | None = None

    def add(self, value: _Value) -> None:
        pairs = self.value.pairs
        assert pairs is not None
        if not self.mapping:
            pairs.append((None, value))
        elif self.key is None:
            self.key = value
        else:
            # A key that is no scalar (`? [a, b]`, an unrendered `{{ … }}`) names no setting.
            if self.key.scalar is not None:
                pairs.append((self.key.scalar, value))
            self.key = None


def _flat(root: _Value, prefix: str) -> Iterator[tuple[str, _Value]]:
    """The scalars below `root` under their dotted keys, merge keys (`<<`) resolved; endless where aliases are."""
    stack: list[tuple[str, _Value, int]] = [(prefix, root, 0)]
    steps = 0
    while stack:
        path, value, depth = stack.pop()
        steps += 1
        if steps > 10 * MAX_SETTINGS:
            return
        if value.pairs is None:
            yield path[:-1], value
        elif len(path) < MAX_KEY and depth <= MAX_NESTING:
            children = [
                (f"{path}{index if name is None else name}.", child, depth + 1)
                for index, (name, child) in enumerate(_merged(value.pairs))
            ]
            stack.extend(reversed(children))


def _merged(pairs: list[tuple[str | None, _Value]]) -> list[tuple[str | None, _Value]]:
    """The pairs of a mapping with those its merge key brings in, which never replace its own."""
    if all(name != "<<" for name, _ in pairs):
        return pairs
    found = {name: value for name, value in pairs if name != "<<"}
    for name, value in pairs:
        sources = value.pairs or []
        if name == "<<":
            for source in [child for key, child in sources if key is None] or [value]:
                for inner, child in source.pairs or []:
                    found.setdefault(inner, child)
    return list(found.items())
