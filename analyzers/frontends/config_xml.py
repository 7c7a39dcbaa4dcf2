"""XML as flat settings: `doctrine-mapping.0.entity.0.name`, every element with its number, attributes and text as values.

Read from expat's events, with a bound on depth and number: nothing is fetched, and a document that declares entities of its own
is not read at all, so that none can be expanded.
"""

from __future__ import annotations

import re
from xml.parsers import expat

from analyzers.facts.store import Setting
from analyzers.frontends.config_yaml import MAX_KEY, MAX_NESTING, MAX_SETTINGS, UnreadableError

_TAG_END = re.compile(rb"(?>(?:[^>\"']|\"[^\"]*+\"|'[^']*+')*)>")


class _Reading:
    """One pass over a document. Each setting stands at the tag that opens its element, in characters."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.settings: list[Setting] = []
        self.keys: list[str] = []
        self.counts: list[dict[str, int]] = [{}]
        self.places: list[tuple[int, int]] = []
        self.plain = data.isascii()
        self.bytes = self.characters = 0  # how far positions were counted
        self.parser = expat.ParserCreate("utf-8")
        self.parser.buffer_text = True
        self.parser.StartElementHandler = self.open
        self.parser.EndElementHandler = self.close
        self.parser.CharacterDataHandler = self.text
        self.parser.EntityDeclHandler = self.refuse

    def read(self) -> None:
        self.parser.Parse(self.data, True)

    def refuse(self, *_: object) -> None:
        raise UnreadableError(self.parser.CurrentLineNumber, "Declares entities.")

    def open(self, name: str, attributes: dict[str, str]) -> None:
        if len(self.keys) >= MAX_NESTING:
            raise UnreadableError(self.parser.CurrentLineNumber, f"Nested more than {MAX_NESTING} levels deep.")
        number = self.counts[-1].get(name, 0)
        self.counts[-1][name] = number + 1
        self.keys.append(f"{name}.{number}")
        self.counts.append({})
        at = self.parser.CurrentByteIndex
        tag = _TAG_END.match(self.data, at)
        self.places.append((self.character(at), self.character(tag.end() if tag else at)))
        self.say("", "")
        for attribute, value in attributes.items():
            self.say(f".{attribute}", value)

    def close(self, _name: str) -> None:
        self.keys.pop()
        self.counts.pop()
        self.places.pop()

    def text(self, value: str) -> None:
        if value.strip() and self.keys:
            self.say(".", value.strip())

    def say(self, key: str, value: str) -> None:
        if len(self.settings) >= MAX_SETTINGS:
            raise UnreadableError(0, f"Only the first {MAX_SETTINGS:,} settings were read.")
        path = ".".join(self.keys) + key
        if len(path) <= MAX_KEY:
            self.settings.append(Setting(path, value, *self.places[-1]))

    def character(self, at: int) -> int:
        """The character that begins at byte `at`; asked for in order."""
        if self.plain:
            return at
        self.characters += len(self.data[self.bytes : at].decode("utf-8", "replace"))
        self.bytes = at
        return self.characters


def xml_settings(text: str) -> tuple[list[Setting], UnreadableError | None]:
    """The elements of `text` in order, each with its attributes, and where reading stopped."""
    if not text.strip():
        return [], None
    reading = _Reading(text.encode("utf-8", "replace"))
    try:
        reading.read()
    except expat.ExpatError as error:
        return reading.settings, UnreadableError(error.lineno, f"Not XML: {expat.ErrorString(error.code)}.")
    except UnreadableError as error:
        return reading.settings, error
    return reading.settings, None
