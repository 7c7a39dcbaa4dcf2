"""The pieces of a Blade template: what is printed, PHP blocks, directives and component tags, and the PHP inside of them.

The PHP of a template is gathered in one source of the template's own length: each stretch of code stands at its own place and
is a statement, everything around it is blank. So one parse reads all of it, and its positions are those of the template.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Literal, NamedTuple

MAX_CODE = 50_000
"""Bytes in which the parentheses of a directive have to close."""

_MAX_UNCLOSED = 20
_MAX_ATTRIBUTES = 200

_PIECE = re.compile(
    r"""(?P<comment>\{\{--)
      | (?P<print>@?(?:\{\{\{?|\{!!))
      | (?P<php><\?(?:php(?=\s|$)|=))
      | (?<![\w@])(?P<directive>@@?[A-Za-z]\w*(?:::\w+)?)
      | (?P<component><(?:x[-:]|livewire:)[A-Za-z][\w:.-]*)""",
    re.VERBOSE | re.ASCII,
)
_ENDED = re.compile(r"(?<![\w@])@[Ee][Nn][Dd]([A-Za-z]\w*)", re.ASCII)
_ARGUMENTS = re.compile(r"[ \t]*\(")
_PARENTHESES = re.compile(r"""'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*"|[()]""", re.DOTALL)
_PRINTS = {"{{": "}}", "{{{": "}}}", "{!!": "!!}"}
_ATTRIBUTE = re.compile(
    r"""\s*(?: (?P<end>/?>)
             | (?P<print>\{\{\{?|\{!!)
             | @(?P<directive>class|style)(?=[ \t]*\()
             | (?P<name>[^\s=<>/"'{}]+) (?:\s*=\s*(?P<value>"[^"]*"|'[^']*'|[^\s<>"']+))?
             | / )""",
    re.VERBOSE,
)
_VALUE_PRINT = re.compile(r"\{\{\{?|\{!!")
_BOUND = re.compile(r":(?:\$\w+|[A-Za-z][\w.:-]*)", re.ASCII)
_PLAIN = re.compile(r"[A-Za-z][\w-]*", re.ASCII)
_LOOPS = {"foreach": b"foreach", "forelse": b"foreach", "for": b"for"}
_LOOP_HEAD = re.compile(r"\(.*\s(as)\s+\$\w+(?:\s*(=>)\s*\$\w+)?\s*\)", re.DOTALL | re.ASCII)
_BLANKS = re.compile(r"[ \t]*")
_VARIABLE = re.compile(r"\(\s*\$\w")


class Span(NamedTuple):
    """A stretch of the template."""

    start: int
    end: int


class Attribute(NamedTuple):
    """An attribute of a component tag. `code` holds the expression that it is bound to, or those its text prints."""

    name: str
    place: Span
    value: Span | None
    code: tuple[Span, ...]
    bound: bool


class Piece(NamedTuple):
    """`word` is the name of a directive or component; `code` the PHP in it, for a directive with its parentheses."""

    kind: Literal["print", "php", "directive", "component"]
    word: str
    start: int
    end: int
    code: Span | None = None
    attributes: tuple[Attribute, ...] = ()


class BladeSource:
    """Cuts one template into pieces, gathering its PHP on the way."""

    def __init__(self, source: bytes, known: frozenset[str]) -> None:
        """`known` directives are read; others only where a variable is their first argument, as styles have directives too."""
        self.source = source
        self.text = source.decode("latin-1")
        self.ended = frozenset(word.lower() for word in _ENDED.findall(self.text))
        self.known = known | self.ended
        self.php = bytearray(b" " * len(source))
        self.php[:2] = b"<?"
        self.problems: list[tuple[int, str]] = []
        self._absent: set[str] = set()
        self._unclosed = 0

    def pieces(self) -> Iterator[Piece]:
        at = 0
        while found := _PIECE.search(self.text, at):
            start, at = found.span()
            match found.lastgroup:
                case "comment":
                    at = self._after("--}}", at, start)
                case "print":
                    piece, at = self._print(found[0], start, at)
                case "php":
                    end = self._find("?>", at)
                    piece = Piece("php", "", start, min(end + 2, len(self.text)), self._keep(at, end))
                    at = piece.end
                case "directive":
                    piece, at = self._directive(found[0], start, at)
                case _:
                    piece, at = self._component(found[0][1:], start, at)
            if found.lastgroup != "comment" and piece is not None:
                yield piece

    # -- PHP

    def _keep(self, start: int, end: int) -> Span:
        """Takes code over as statements."""
        self.php[start:end] = self.source[start:end]
        after = b"\n;"[: len(self.source) - end]
        self.php[end : end + len(after)] = after
        return Span(start, end)

    def _arguments(self, start: int) -> Span | None:
        """Takes over what stands in the parentheses at `start`, as the arguments of a call of `_`."""
        opening = _ARGUMENTS.match(self.text, start)
        if opening is None or self._unclosed >= _MAX_UNCLOSED:
            return None
        begin, depth = opening.end() - 1, 0
        for found in _PARENTHESES.finditer(self.text, begin, begin + MAX_CODE):
            depth += (found[0] == "(") - (found[0] == ")")
            if not depth:
                end = found.end()
                self.php[begin - 1 : end + 1] = b"_" + self.source[begin:end] + b";"
                return Span(begin - 1, end)
        self._unclosed += 1
        self.problems.append((start, "A parenthesis of a directive is not closed."))
        return None

    def _loop(self, head: bytes, code: Span) -> Span:
        """The head of a loop is no call: it stays a statement of its own, with an empty body."""
        start = code.start + 1 - len(head)
        self.php[code.start] = ord(" ")
        if start >= 2:
            self.php[start : code.start + 1] = head
            return Span(start, code.end)
        # The template begins with it, which leaves no room for the tag before: `(a as b => c)` becomes `_(a , b , c)`.
        simple = _LOOP_HEAD.fullmatch(self.text, code.start + 1, code.end)
        self.php[code.start] = ord("_")
        if simple is None:
            self.php[code.start : code.end] = b" " * (code.end - code.start)
        for group in simple.regs[1:] if simple is not None else ():
            if group[0] >= 0:
                self.php[group[0] : group[1]] = b", "
        return code

    # -- pieces

    def _find(self, mark: str, at: int) -> int:
        """Where `mark` comes next, the end of the template if it does not."""
        found = -1 if mark in self._absent else self.text.find(mark, at)
        if found < 0:
            self._absent.add(mark)
        return found if found >= 0 else len(self.text)

    def _after(self, mark: str, at: int, start: int) -> int:
        end = self._find(mark, at)
        if end == len(self.text):
            self.problems.append((start, f"`{mark}` is missing."))
        return min(end + len(mark), len(self.text))

    def _print(self, opening: str, start: int, at: int) -> tuple[Piece | None, int]:
        mark = _PRINTS[opening.lstrip("@")]
        end = self._find(mark, at)
        if opening[0] == "@":  # braces of another language
            return None, min(end + len(mark), len(self.text))
        if end == len(self.text):
            self.problems.append((start, f"`{mark}` is missing."))
            return None, at
        return Piece("print", "", start, end + len(mark), self._keep(at, end)), end + len(mark)

    def _directive(self, found: str, start: int, at: int) -> tuple[Piece | None, int]:
        if found.startswith("@@"):
            return None, at
        word = found[1:].lower()
        if word == "verbatim":
            return None, self._after("@endverbatim", at, start)
        if word not in self.known:
            following = _BLANKS.match(self.text, at)
            if following is None or not _VARIABLE.match(self.text, following.end()):
                return (Piece("directive", word, start, at), at) if word.startswith(("end", "else")) else (None, at)
        code = self._arguments(at)
        if word == "php" and code is None:
            end = self._find("@endphp", at)
            after = end + len("@endphp")
            if end == len(self.text):
                self.problems.append((start, "`@endphp` is missing."))
                return None, at
            self._keep(at, end)
            return Piece("php", "", start, after, Span(at, end)), after
        if word in _LOOPS and code is not None:
            code = self._loop(_LOOPS[word], code)
        end = code.end if code is not None else at
        return Piece("directive", word, start, end, code), end

    def _component(self, word: str, start: int, at: int) -> tuple[Piece | None, int]:
        attributes: list[Attribute] = []
        for _ in range(_MAX_ATTRIBUTES):
            found = _ATTRIBUTE.match(self.text, at)
            if found is None:
                break
            at = found.end()
            match found.lastgroup:
                case "end":
                    return Piece("component", word, start, at, None, tuple(attributes)), at
                case "print":
                    piece, at = self._print(found["print"], found.start("print"), at)
                    if piece is not None and piece.code is not None:
                        attributes.append(Attribute("", Span(piece.start, piece.end), None, (piece.code,), False))
                case "directive":
                    code = self._arguments(at)
                    if code is not None:
                        at = code.end
                        attributes.append(Attribute("", code, None, (code,), False))
                case "name" | "value":
                    attributes.append(self._attribute(found))
        self.problems.append((start, f"The tag `{word}` is not closed."))
        return Piece("component", word, start, at, None, tuple(attributes)), at

    def _attribute(self, found: re.Match[str]) -> Attribute:
        name, place = found["name"], Span(found.start("name"), found.end())
        if found["value"] is None:
            if name.startswith(":$") and _BOUND.fullmatch(name):  # `:$order` is `:order="$order"`
                code = Span(place.start + 1, place.end)
                self.php[code.start : code.end + 1] = self.source[code.start : code.end] + b";"
                return Attribute(name[2:], place, code, (code,), True)
            return Attribute(name if _PLAIN.fullmatch(name) else "", place, None, (), False)
        start, end = found.span("value")
        if found["value"][0] in "\"'":
            start, end = start + 1, end - 1
        if _BOUND.fullmatch(name):
            self.php[start : end + 1] = self.source[start:end] + b";"
            return Attribute(name[1:], place, Span(start, end), (Span(start, end),), True)
        code_spans: list[Span] = []
        at = start
        while opening := _VALUE_PRINT.search(self.text, at, end):
            at = self.text.find(_PRINTS[opening[0]], opening.end(), end)
            if at < 0:
                break
            code_spans.append(self._keep(opening.end(), at))
        return Attribute(name if _PLAIN.fullmatch(name) else "", place, Span(start, end), tuple(code_spans), False)
