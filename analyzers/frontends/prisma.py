"""Prisma schemas (`schema.prisma`, and the files of a schema folder) as an outline.

A block is a `Class` whose only base is its keyword (`model`, `view`, `type`, `enum`, `datasource`, `generator`), a field an
`Assign` with its type as annotation, an attribute a decorator: of its field, or of the block (`@@index([a])`). What a
`datasource` or `generator` sets is an `Assign` with a value; a value of an enum is a `Name`, or with attributes an `Assign`.

The language is small and its lines say where things end, so that a line which cannot be read costs no other.
"""

from __future__ import annotations

import re
from typing import ClassVar, NamedTuple

from analyzers.facts.outline import Assign, Call, Class, Keyword, Member, Name, Node, Other, Text
from analyzers.facts.store import FileFacts, FileProblem
from analyzers.frontends.frontend import MAX_BYTES, MAX_TEXT, Frontend
from analyzers.frontends.lines import find_ignores, first_problems, line_at, line_starts

MAX_NESTING = 40
"""Brackets within brackets that are read; arguments of attributes have two or three."""

_TOKEN = re.compile(
    r"(?P<skip>[ \t\r\f]+|//[^\n]*|/\*(?>(?:[^*]|\*(?!/))*)(?:\*/)?)"
    r"|(?P<line>\n)"
    r"|(?P<name>[^\W\d][\w-]*)"
    r"|(?P<number>-?\d+(?:\.\d+)?)"
    r'|(?P<string>"(?>(?:[^"\\\n]|\\.)*)"?)'
    r"|(?P<mark>@@|[@.,:=?!{}()\[\]])"
    r"|(?P<other>.)",
    re.DOTALL,
)
_ESCAPE = re.compile(r'\\(["\\nrt/])')
_ESCAPED = {"n": "\n", "r": "\r", "t": "\t"}
_BLOCKS = frozenset({"model", "view", "type", "enum", "datasource", "generator"})


class _UnreadableError(Exception):
    """What stands at `at` (an offset) is no Prisma."""

    def __init__(self, at: int) -> None:
        super().__init__(at)
        self.at = at


class _Token(NamedTuple):
    """A word, literal, mark or line end; `start` and `end` are byte offsets."""

    kind: str
    text: str
    start: int
    end: int


class _Reader:
    """A reading position in the tokens of one file. The text is Latin-1, one character a byte."""

    def __init__(self, text: str) -> None:
        self.tokens = [
            _Token(match.lastgroup or "", match[0], match.start(), match.end())
            for match in _TOKEN.finditer(text)
            if match.lastgroup != "skip"
        ]
        self.tokens.append(_Token("end", "", len(text), len(text)))
        self.at = 0
        self.problems: list[int] = []

    @property
    def next(self) -> _Token:
        return self.tokens[self.at]

    @property
    def last_end(self) -> int:
        return self.tokens[self.at - 1].end

    def step(self) -> _Token:
        token = self.tokens[self.at]
        if token.kind != "end":
            self.at += 1
        return token

    def take(self, mark: str) -> bool:
        """Steps over the mark if it comes next."""
        if self.next.kind == "mark" and self.next.text == mark:
            self.at += 1
            return True
        return False

    def want(self, kind: str, text: str = "") -> _Token:
        """The next token, which has to be of this kind. Raises `_UnreadableError`."""
        token = self.next
        if token.kind != kind or (text and token.text != text):
            raise _UnreadableError(token.start)
        return self.step()

    def over_lines(self) -> None:
        while self.next.kind == "line":
            self.at += 1

    def lose(self, at: int) -> None:
        """Goes on with the next line after something unreadable at `at`."""
        self.problems.append(at)
        while self.next.kind not in ("line", "end") and not (self.next.kind == "mark" and self.next.text == "}"):
            self.at += 1

    # What stands in a file

    def blocks(self) -> tuple[Node, ...]:
        found: list[Node] = []
        while True:
            self.over_lines()
            if self.next.kind == "end":
                return tuple(found)
            try:
                found.append(self.block())
            except _UnreadableError as error:
                self.lose(error.at)
                self.take("}")

    def block(self) -> Node:
        keyword = self.want("name")
        if keyword.text not in _BLOCKS:
            raise _UnreadableError(keyword.start)
        name = self.want("name")
        self.want("mark", "{")
        body: list[Node] = []
        attributes: list[Node] = []
        while not self.take("}"):
            self.over_lines()
            if self.next.kind == "end":
                self.problems.append(keyword.start)
                break
            if self.next.text == "}":
                continue
            try:
                if self.take("@@"):
                    attributes.append(self.attribute(self.tokens[self.at - 1].start))
                else:
                    body.append(self.value_of_enum() if keyword.text == "enum" else self.entry())
                if self.next.kind not in ("line", "end") and self.next.text != "}":
                    raise _UnreadableError(self.next.start)
            except _UnreadableError as error:
                self.lose(error.at)
        base = Name(keyword.start, keyword.end, keyword.text)
        return Class(keyword.start, self.last_end, _utf8(name.text), (base,), (), tuple(body), tuple(attributes))

    def entry(self) -> Node:
        """A field, or a setting of a datasource or generator."""
        name = self.want("name")
        target = Name(name.start, name.end, _utf8(name.text))
        if self.take("="):
            value = self.value()
            return Assign(name.start, value.end, target, value)
        annotation = self.type()
        attributes = self.attributes()
        return Assign(name.start, self.last_end, target, None, annotation, "", attributes)

    def value_of_enum(self) -> Node:
        name = self.want("name")
        target = Name(name.start, name.end, _utf8(name.text))
        attributes = self.attributes()
        return Assign(name.start, self.last_end, target, None, None, "", attributes) if attributes else target

    def type(self) -> Node:
        """`User`, `User?`, `User[]`, `Unsupported("…")`."""
        name = self.want("name")
        kind: Node = Name(name.start, name.end, _utf8(name.text))
        if self.next.text == "(":
            kind = self.call(kind)
        if self.take("["):
            self.want("mark", "]")
            array = Name(name.start, name.end, "array")
            kind = Other(name.start, self.last_end, "item", (array, kind))
        if self.take("?"):
            kind = Other(name.start, self.last_end, "|", (kind, Text(self.last_end, self.last_end, None)))
        self.take("!")
        return kind

    def attributes(self) -> tuple[Node, ...]:
        found: list[Node] = []
        while self.take("@"):
            found.append(self.attribute(self.tokens[self.at - 1].start))
        return tuple(found)

    def attribute(self, start: int) -> Node:
        """What follows `@` or `@@`: `id`, `db.VarChar(40)`, `index([a, b(sort: Desc)])`."""
        named = self.path()
        if self.next.text == "(" and self.next.kind == "mark":
            call = self.call(named)
            return Call(start, call.end, call.callee, call.args, call.keywords)
        return named

    def path(self) -> Node:
        name = self.want("name")
        found: Node = Name(name.start, name.end, _utf8(name.text))
        while self.take("."):
            part = self.want("name")
            found = Member(name.start, part.end, found, _utf8(part.text))
        return found

    def call(self, callee: Node, depth: int = 0) -> Call:
        """The arguments of `callee`, over as many lines as they take."""
        self.want("mark", "(")
        args: list[Node] = []
        keywords: list[Keyword] = []
        while True:
            self.over_lines()
            if self.take(")"):
                return Call(callee.start, self.last_end, callee, tuple(args), tuple(keywords))
            after = self.tokens[min(self.at + 1, len(self.tokens) - 1)]
            if self.next.kind == "name" and after.kind == "mark" and after.text == ":":
                name = _utf8(self.step().text)
                self.step()
                self.over_lines()
                keywords.append(Keyword(name, self.value(depth)))
            else:
                args.append(self.value(depth))
            self.over_lines()
            if not self.take(",") and self.next.text != ")":
                raise _UnreadableError(self.next.start)

    def value(self, depth: int = 0) -> Node:
        """A literal, a list, a name, or a function applied to arguments."""
        token = self.next
        if depth >= MAX_NESTING:
            raise _UnreadableError(token.start)
        match token.kind, token.text:
            case "string", text:
                self.step()
                return Text(token.start, token.end, _string(text))
            case "number", text:
                self.step()
                return Text(token.start, token.end, _number(text))
            case "name", "true" | "false":
                self.step()
                return Text(token.start, token.end, token.text == "true")
            case "name", _:
                named = self.path()
                return self.call(named, depth + 1) if self.next.kind == "mark" and self.next.text == "(" else named
            case "mark", "[":
                return self.list(depth + 1)
        raise _UnreadableError(token.start)

    def list(self, depth: int) -> Node:
        start = self.step().start
        children: list[Node] = []
        while True:
            self.over_lines()
            if self.take("]"):
                return Other(start, self.last_end, "list", tuple(children))
            children.append(self.value(depth))
            self.over_lines()
            if not self.take(",") and self.next.text != "]":
                raise _UnreadableError(self.next.start)


def _utf8(text: str) -> str:
    """What the bytes behind a Latin-1 text mean."""
    return text if text.isascii() else text.encode("latin-1").decode("utf-8", "replace")


def _string(text: str) -> str:
    inner = text[1:-1] if text.endswith('"') and len(text) > 1 else text[1:]
    return _ESCAPE.sub(lambda match: _ESCAPED.get(match[1], match[1]), _utf8(inner))[:MAX_TEXT]


def _number(text: str) -> int | float:
    number = float(text)
    return int(text) if "." not in text and -(2**63) <= number < 2**63 else number


class PrismaFrontend(Frontend):
    """Reads `.prisma` files."""

    language: ClassVar[str] = "prisma"

    def __init__(self) -> None:
        self.version = "1"

    def read(self, source: bytes) -> FileFacts:
        starts = line_starts(source)
        if len(source) > MAX_BYTES:
            problem = FileProblem(0, f"The file is larger than {MAX_BYTES:,} bytes and was not read.")
            return FileFacts(self.language, starts.tobytes(), problems=(problem,))
        text = source.decode("latin-1")
        reader = _Reader(text if not text.startswith("\xef\xbb\xbf") else "   " + text[3:])
        outline = reader.blocks()
        problems = [FileProblem(line_at(starts, at), "This line could not be understood.") for at in reader.problems]
        return FileFacts(
            self.language,
            starts.tobytes(),
            outline=outline,
            ignores=find_ignores(source, starts),
            problems=first_problems(problems),
        )
