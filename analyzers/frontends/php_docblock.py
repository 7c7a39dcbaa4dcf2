r"""What a PHP docblock says: the types of `@var`, `@param`, `@return`, `@extends`, and Doctrine annotations.

Annotations follow the grammar of doctrine/annotations: `@Name(value, key=value, …)` with strings, numbers, constants,
`{…}` arrays and nested annotations. A tag is one if its name is a class name: it starts with a capital or has a backslash.
Types follow phpDocumentor, PHPStan and Psalm. What does not parse is left out: a docblock is prose first.
"""

from __future__ import annotations

import re
from collections.abc import Callable

import msgspec

from analyzers.facts.outline import Call, Keyword, Member, Name, Node, Other, Text
from analyzers.frontends.frontend import MAX_TEXT
from analyzers.frontends.literals import integer, real

_MAX_NESTING = 20
_SPACE = re.compile(r"(?:[ \t\r]|\n(?:[ \t]*\*(?!/))?)*")
_AT = re.compile(r"(?:(?<=[\s*(])|^)@(?=[A-Za-z_\\])")
_WORD = re.compile(r"\\?[A-Za-z_\x80-\xff][\w\x80-\xff]*(?:\\[A-Za-z_\x80-\xff][\w\x80-\xff]*)*")
_TAG = re.compile(r"[A-Za-z_\\][\w\\:-]*")
_TYPE_WORD = re.compile(r"\\?[A-Za-z_\x80-\xff][\w\x80-\xff-]*(?:\\[A-Za-z_\x80-\xff][\w\x80-\xff]*)*(?:::[\w*]+)?|\$this")
_VARIABLE = re.compile(r"(?:&[ \t]*)?(?:\.\.\.[ \t]*)?(\$[A-Za-z_\x80-\xff][\w\x80-\xff]*)")
_NUMBER = re.compile(r"[-+]?\d+(\.\d+)?(?:[eE][-+]?\d+)?")
_STRING = re.compile(r'"((?:[^"]|"")*)"')
_QUOTED = re.compile(r"'([^'\n]*)'|\"([^\"\n]*)\"")
_CONSTANTS: dict[str, bool | None] = {"true": True, "false": False, "null": None}
_LINE_START = re.compile(r"(?:^|[\n*])[ \t]*\Z")


class Docblock(msgspec.Struct):
    """`variables` are the `@var` tags as (name or empty, type); `parents` the `@extends` and `@implements`."""

    annotations: list[Node] = []
    variables: list[tuple[str, Node]] = []
    parameters: dict[str, Node] = {}
    returns: Node | None = None
    parents: list[Node] = []


class UnreadableError(ValueError):
    """Not the grammar expected here."""


class _Scanner:
    """A position in a text of one character a byte; `slice` decodes."""

    def __init__(self, text: str, start: int, end: int, slice: Callable[[int, int], str]) -> None:
        self.text, self.position, self.end, self.slice = text, start, end, slice
        self.nesting = 0

    def skip(self) -> None:
        match = _SPACE.match(self.text, self.position, self.end)
        if match:
            self.position = match.end()

    def take(self, pattern: re.Pattern[str]) -> re.Match[str] | None:
        match = pattern.match(self.text, self.position, self.end)
        if match:
            self.position = match.end()
        return match

    def sees(self, token: str) -> bool:
        return self.text.startswith(token, self.position, self.end)

    def accept(self, token: str) -> bool:
        self.skip()
        if self.sees(token):
            self.position += len(token)
            return True
        return False

    def expect(self, token: str) -> None:
        if not self.accept(token):
            raise UnreadableError(token)

    def name(self, match: re.Match[str]) -> Name:
        return Name(match.start(), match.end(), self.slice(match.start(), match.end()))

    def nest(self) -> None:
        self.nesting += 1
        if self.nesting > _MAX_NESTING:
            raise UnreadableError("nested too deeply")


class _Annotations(_Scanner):
    def annotation(self) -> Node:
        """What follows an `@`."""
        start = self.position - 1
        word = self.take(_WORD)
        if word is None:
            raise UnreadableError("name")
        name = self.name(word)
        after = self.position
        try:
            args, keywords = self.values("(", ")") if self.accept("(") else ((), ())
        except UnreadableError:
            args, keywords = (), ()
            self.position = after
        if not args and not keywords and not self.text.startswith(")", self.position - 1):
            self.position = after
        return Call(start, self.position, name, args, keywords)

    def values(self, _: str, closer: str) -> tuple[tuple[Node, ...], tuple[Keyword, ...]]:
        self.nest()
        args, keywords = [], []
        while not self.accept(closer):
            before = self.position
            word = self.take(_WORD)
            if word is not None and self.accept("="):
                keywords.append(Keyword(word.group(), self.value()))
            else:
                self.position = before
                args.append(self.value())
            if not self.accept(","):
                self.expect(closer)
                break
        self.nesting -= 1
        return tuple(args), tuple(keywords)

    def value(self) -> Node:
        self.skip()
        start = self.position
        if self.accept("{"):
            return self.array(start)
        if self.accept("@"):
            return self.annotation()
        if (string := self.take(_STRING)) is not None:
            value = self.slice(string.start(1), string.end(1)).replace('""', '"')
            return Text(start, self.position, value[:MAX_TEXT])
        if (number := self.take(_NUMBER)) is not None:
            digits = number.group()
            whole = digits.lstrip("+-").isdigit()
            return Text(start, self.position, integer(digits, 10) if whole else real(digits))
        word = self.take(_WORD)
        if word is None:
            raise UnreadableError("value")
        if word.group().lower() in _CONSTANTS:
            return Text(start, self.position, _CONSTANTS[word.group().lower()])
        name: Node = self.name(word)
        if self.sees("::"):
            self.position += 2
            constant = self.take(_WORD)
            if constant is None:
                raise UnreadableError("constant")
            name = Member(start, self.position, name, constant.group())
        return name

    def array(self, start: int) -> Node:
        self.nest()
        children: list[Node] = []
        keyed = False
        while not self.accept("}"):
            value = self.value()
            if self.accept("=") or self.accept(":"):
                keyed = True
                if isinstance(value, Name):
                    value = Text(value.start, value.end, value.id)
                child = self.value()
                value = Other(value.start, child.end, "pair", (value, child))
            children.append(value)
            if not self.accept(","):
                self.expect("}")
                break
        self.nesting -= 1
        return Other(start, self.position, "dict" if keyed else "list", tuple(children))


class _Types(_Scanner):
    def type(self) -> Node:
        """A union, or what it is made of."""
        self.nest()
        first = self.single()
        members = [first]
        word = ""
        while True:
            before = self.position
            self.take(re.compile(r"[ \t]*"))
            if self.sees("|") or (self.sees("&") and not _VARIABLE.match(self.text, self.position, self.end)):
                word = word or self.text[self.position]
                self.position += 1
                members.append(self.single())
            else:
                self.position = before
                break
        self.nesting -= 1
        return first if len(members) == 1 else Other(first.start, members[-1].end, word, tuple(members))

    def single(self) -> Node:
        self.take(re.compile(r"[ \t]*"))
        start = self.position
        if self.accept("?"):
            inner = self.single()
            return Other(start, inner.end, "|", (inner, Text(start, start + 1, None)))
        if self.accept("("):
            result = self.type()
            self.expect(")")
        else:
            result = self.word(start)
        while self.sees("[]"):
            self.position += 2
            result = Other(start, self.position, "item", (Name(start, self.position, "array"), result))
        return result

    def word(self, start: int) -> Node:
        if (quoted := self.take(_QUOTED)) is not None:
            return Text(start, self.position, quoted.group(quoted.lastindex or 0)[:MAX_TEXT])
        if (number := self.take(_NUMBER)) is not None:
            return Text(start, self.position, integer(number.group(), 10))
        match = self.take(_TYPE_WORD)
        if match is None:
            raise UnreadableError("type")
        word = match.group().lower()
        if word in _CONSTANTS:
            return Text(start, self.position, _CONSTANTS[word])
        name = self.name(match)
        if self.sees("<"):
            self.position += 1
            return self.arguments(name, ">")
        if self.sees("{"):
            self.position += 1
            return Other(start, self.position, "item", (name, self.shape()))
        if self.sees("(") and word in ("callable", "closure", "\\closure"):
            self.position += 1
            self.arguments(name, ")")
            if self.accept(":"):
                self.single()
            return Name(start, self.position, name.id)
        return name

    def arguments(self, name: Name, closer: str) -> Node:
        self.nest()
        found: list[Node] = []
        while not self.accept(closer):
            self.skip()
            found.append(self.type())
            self.accept("...")
            self.accept("=")
            self.take(_VARIABLE)
            if not self.accept(","):
                self.expect(closer)
                break
        self.nesting -= 1
        if not found:
            return name
        inner = found[0] if len(found) == 1 else Other(found[0].start, found[-1].end, "tuple", tuple(found))
        return Other(name.start, self.position, "item", (name, inner))

    def shape(self) -> Node:
        """`array{id: int, name?: string}` after the brace."""
        self.nest()
        start = self.position - 1
        pairs: list[Node] = []
        while not self.accept("}"):
            self.skip()
            if self.accept("..."):
                continue
            key = self.type()
            self.accept("?")
            if self.accept(":"):
                self.skip()
                value = self.type()
                if isinstance(key, Name):
                    key = Text(key.start, key.end, key.id)
                key = Other(key.start, value.end, "pair", (key, value))
            pairs.append(key)
            if not self.accept(","):
                self.expect("}")
                break
        self.nesting -= 1
        return Other(start, self.position, "dict", tuple(pairs))


def read_docblock(text: str, start: int, end: int, slice: Callable[[int, int], str]) -> Docblock:
    """The docblock at `start`..`end` of a text of one character a byte; `slice` decodes parts of it."""
    said = Docblock()
    position = start
    end -= 2  # the closing */
    while (at := _AT.search(text, position, end)) is not None:
        position = at.end()
        tag = _TAG.match(text, position, end)
        if tag is None:
            continue
        name = tag.group()
        if name[0].isupper() or "\\" in name:
            scanner = _Annotations(text, position, end, slice)
            said.annotations.append(scanner.annotation())
            position = scanner.position
        elif _LINE_START.search(text, max(start, at.start() - 200), at.start()):
            position = tag.end()
            types = _Types(text, position, end, slice)
            try:
                _read_tag(said, name, types)
                position = types.position
            except UnreadableError:
                continue
    return said


def _read_tag(said: Docblock, tag: str, types: _Types) -> None:
    vendor, _, name = tag.rpartition("-") if tag.startswith(("psalm-", "phpstan-", "template-")) else ("", "", tag)
    if name not in ("var", "param", "return", "extends", "implements", "use"):
        return
    found = types.type()
    types.take(re.compile(r"[ \t]*"))
    match name:
        case "var":
            variable = types.take(_VARIABLE)
            said.variables.append((types.slice(*variable.span(1)) if variable else "", found))
        case "param":
            variable = types.take(_VARIABLE)
            if variable is not None and (vendor or variable.group(1) not in said.parameters):
                said.parameters[types.slice(*variable.span(1))] = found
        case "return":
            if vendor or said.returns is None:
                said.returns = found
        case _:
            said.parents.append(found)
