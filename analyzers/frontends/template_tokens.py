"""Tags and tokens of Django, Jinja and Twig templates.

A template is read as Latin-1, one character a byte, so that every offset is a byte offset; `utf8` gives back what was written.
All patterns are linear: possessive repetition, a bound on the length of strings, and no tag is scanned beyond the next one.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from math import isfinite
from typing import Literal, NamedTuple

from analyzers.facts.outline import Text
from analyzers.frontends.frontend import MAX_TEXT

Dialect = Literal["django", "twig"]


class Token(NamedTuple):
    """A token inside of a tag. `kind`: name, number, string, op."""

    kind: str
    text: str
    start: int
    end: int


class Tag(NamedTuple):
    """`{{ … }}` (`kind` is `{{`) or `{% … %}` (`{%`). `closed` is false where its end is missing.

    A printed path with plain filters, `{{ a.b|c }}`, is of the kind `path`: it has no tokens, and covers the path alone.
    """

    kind: str
    tokens: list[Token]
    start: int
    end: int
    closed: bool


_OPEN = re.compile(r"\{[%{#]")
_LEXEMES = r"""\s*+(?:
        (?P<name>[A-Za-z_\x80-\xff][A-Za-z0-9_\x80-\xff]*+)
      | (?P<number>\d++(?:_\d++)*+(?:\.\d++)?(?:[eE][+-]?\d++)?)
      | %s
      | (?P<close>[-~+]?%%\}|[-~+]?\}\})
      | (?P<open>\{[%%{\#])
      | (?P<op>===|!==|<=>|\?\?|\?\.|\?:|\*\*|//|==|!=|<=|>=|=>|\.\.\.|\.\.|\S)
    )"""
_STRING = r"""(?P<string>"(?>(?:[^"\\]|\\.){0,4000})"|'(?>(?:[^'\\]|\\.){0,4000})')"""
_FLAGS = re.VERBOSE | re.DOTALL | re.ASCII
_TOKEN = re.compile(_LEXEMES % _STRING, _FLAGS)
_TOKEN_NO_STRING = re.compile(_LEXEMES % "(?P<string>(?!))", _FLAGS)
MAX_TOKENS = 5_000
"""Tokens of one tag; a longer one is cut and counts as not closed."""

MAX_BROKEN = 50
"""Quotes that never close, each of which costs a scan of up to 4,000 characters."""

_PATH = re.compile(
    r"\{\{[-~]?[ \t]*+([A-Za-z_][A-Za-z0-9_]*+(?:\.[A-Za-z_][A-Za-z0-9_]*+){0,30}+(?:\|[A-Za-z_][A-Za-z0-9_]*+){0,9}+)"
    r"[ \t]*+[-~]?\}\}"
)
_RAW = re.compile(r"\{%[-~+]?\s*+(comment|verbatim|raw)\b(?>(?:[^%\n{]|%(?!\})|\{(?!%)){0,400})%\}")
_RAW_END = {word: re.compile(r"\{%[-~+]?\s*+end" + word + r"\b[^%\n]*+[-~+]?%\}") for word in ("comment", "verbatim", "raw")}
_FOREIGN = ("{{#", "{{/", "{{>", "{{^", "{{!", "{{&", "{{{", "{{%")
"""Openings of Handlebars, Mustache and Hugo, which nothing here understands."""


def tags(text: str) -> Iterator[Tag]:
    """The tags of a template in order; comments and verbatim parts are left out."""
    at = 0
    absent: set[str] = set()
    broken: list[int] = []
    while opening := _OPEN.search(text, at):
        start = opening.start()
        kind = opening[0]
        if kind == "{#":
            end = text.find("#}", start + 2) if "#}" not in absent else -1
            if end < 0:
                absent.add("#}")
            at = end + 2 if end >= 0 else start + 2
        elif kind == "{{" and text.startswith(_FOREIGN, start):
            at = start + 3
        elif kind == "{%" and (raw := _RAW.match(text, start)) and raw[1] not in absent:
            if closing := _RAW_END[raw[1]].search(text, raw.end()):
                at = closing.end()
            else:
                absent.add(raw[1])
                at = raw.end()
        elif kind == "{{" and (path := _PATH.match(text, start)):
            at = path.end()
            yield Tag("path", [], *path.span(1), True)
        else:
            tag = _tag(text, start, kind, broken)
            at = tag.end
            yield tag


def _tag(text: str, start: int, kind: str, broken: list[int]) -> Tag:
    """The tag that opens at `start`. It ends at its closing mark, before the next tag, or with the text.

    `broken` collects the quotes that open no string; where there are many, strings are no longer looked for.
    """
    tokens: list[Token] = []
    at = start + 3 if text[start + 2 : start + 3] in {"-", "~", "+"} else start + 2
    wanted = "}}" if kind == "{{" else "%}"
    braces = 0
    match_token = _TOKEN.match if len(broken) < MAX_BROKEN else _TOKEN_NO_STRING.match
    while found := match_token(text, at):
        group = found.lastgroup
        begin, at = found.span(group or 0)
        if group == "op":
            sign = text[begin:at]
            if sign in "\"'":
                broken.append(begin)
                if len(broken) == MAX_BROKEN:
                    match_token = _TOKEN_NO_STRING.match
            braces += (sign == "{") - (sign == "}")
            tokens.append(Token("op", sign, begin, at))
        elif group == "close":
            mark = text[begin:at]
            if mark.endswith(wanted) and not (wanted == "}}" and braces > 0):
                return Tag(kind, tokens, start, at, True)
            if mark.endswith("%}"):
                return Tag(kind, tokens, start, at, False)
            at = begin + 1
            braces -= mark[0] == "}"
            tokens.append(Token("op", mark[0], begin, at))
        elif group == "open":
            if braces and text[begin:at] == "{#":
                tokens.append(Token("op", "{", begin, at))
                continue
            return Tag(kind, tokens, start, begin, False)
        else:
            tokens.append(Token(group or "", text[begin:at], begin, at))
            if len(tokens) > MAX_TOKENS:
                return Tag(kind, tokens, start, at, False)
    return Tag(kind, tokens, start, len(text), False)


def utf8(text: str) -> str:
    """What the bytes read as Latin-1 mean in UTF-8."""
    return text if text.isascii() else text.encode("latin-1").decode("utf-8", "replace")


_ESCAPE = re.compile(r"\\(.)", re.DOTALL)
_ESCAPES = {"n": "\n", "t": "\t", "r": "\r"}


def string_value(token: Token) -> str:
    """The value of a string literal, cut like those of other languages."""
    body = token.text[1:-1]
    if "\\" in body:
        body = _ESCAPE.sub(lambda match: _ESCAPES.get(match[1], match[1]), body)
    return utf8(body)[:MAX_TEXT]


def number_text(token: Token) -> Text:
    """A number literal; an integer beyond 64 bits is a float."""
    plain = token.text.replace("_", "")
    if plain.isdigit() and len(plain) < 19:
        return Text(token.start, token.end, int(plain))
    value = float(plain)
    return Text(token.start, token.end, value if isfinite(value) else plain[:MAX_TEXT])


def tokens_of(text: str, offset: int, start: int, end: int) -> list[Token]:
    """The tokens of `text[start:end]`, whose first character stands at `offset` of the template."""
    tokens: list[Token] = []
    while start < end and (found := _TOKEN.match(text, start, end)):
        group = found.lastgroup or ""
        begin, start = found.span(group)
        kind = group if group in {"name", "number", "string"} else "op"
        tokens.append(Token(kind, text[begin:start], offset + begin, offset + start))
    return tokens
