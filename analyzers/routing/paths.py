"""Addresses in the notations of frameworks, made one: `<int:id>`, `(?P<id>\\d+)`, `{id<\\d+>}` are all `{id}`."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import NamedTuple

from analyzers.routing.values import Kind, Parameter


class Address(NamedTuple):
    """A path, or a part of one, with its parameters in braces."""

    path: str
    parameters: tuple[Parameter, ...] = ()

    def __truediv__(self, other: Address) -> Address:
        """The address with another behind it, exactly as they stand."""
        return Address(self.path + other.path, (*self.parameters, *other.parameters))

    @property
    def rooted(self) -> str:
        """The path from the root, with single slashes."""
        return re.sub(r"/{2,}", "/", f"/{self.path}")


_KINDS: dict[str, Kind] = {
    "int": "integer",
    "integer": "integer",
    "digits": "integer",
    "number": "integer",
    "float": "integer",
    "slug": "slug",
    "uuid": "uuid",
    "path": "path",
}


def kind_of(told: str) -> Kind:
    """The kind that a converter's name, or a pattern, stands for."""
    word = told.strip().lower().rstrip("0123456789")
    if word in _KINDS:
        return _KINDS[word]
    if re.fullmatch(r"\(*\^?(?:\\d|\[0-9\]|\[1-9\])[^|]*", told.strip()) and "a-z" not in word and r"\w" not in word:
        return "integer"
    if re.search(r"\{8\}|\{36\}|uuid", word):
        return "uuid"
    if told.strip() in (".+", ".*"):
        return "path"
    return "slug" if re.search(r"\[[^\]]*(?:\\w|a-z)[^\]]*-", word) else "text"


_ANGLE = re.compile(r"<(?:(?P<kind>[^<>:]*):)?(?P<name>\w+)>")
_BRACE = re.compile(r"\{!?(?P<name>\w+)(?::(?P<kind>\w+)(?:\.\w+)?)?(?:<(?P<shape>[^>]*)>)?\??(?P<other>[^{}]*)\}")


def angled(text: str) -> Address:
    """`books/<int:id>/`, as Django and Flask write it."""
    return _replaced(_ANGLE, text, lambda found: Parameter(found["name"], kind_of(re.sub(r"\(.*", "", found["kind"] or ""))))


def braced(text: str) -> Address:
    """`/books/{id}`, as FastAPI, Symfony and Laravel write it: `{id:path}`, `{id<\\d+>}`, `{page?1}`, `{post:slug}`."""
    return _replaced(_BRACE, text, lambda found: Parameter(found["name"], kind_of(found["shape"] or found["kind"] or "")))


def _replaced(pattern: re.Pattern[str], text: str, of: Callable[[re.Match[str]], Parameter]) -> Address:
    found = [of(match) for match in pattern.finditer(text)]
    return Address(pattern.sub(lambda match: f"{{{match['name']}}}", text), tuple(found))


def regular(text: str) -> Address | None:
    """`^books/(?P<id>\\d+)/$`, as far as it is an address with named parts; nothing where it is more than that."""
    out: list[str] = []
    parameters: list[Parameter] = []
    for part, shape in _split(text):
        if shape is None:
            plain = _plain(part)
            if plain is None:
                return None
            out.append(plain)
        else:
            name = part or f"part{len(parameters) + 1}"
            parameters.append(Parameter(name, kind_of(shape)))
            out.append(f"{{{name}}}")
    return Address("".join(out), tuple(parameters))


def _split(text: str) -> Iterator[tuple[str, str | None]]:
    """Text outside of groups, and each group by its name with its pattern. Groups that name nothing are text."""
    at = 0
    while (start := text.find("(", at)) >= 0:
        end = _closing(text, start)
        if end < 0:
            break
        inner = text[start + 1 : end]
        yield text[at:start], None
        named = re.match(r"\?P<(\w+)>", inner)
        if named:
            yield named[1], inner[named.end() :]
        elif inner.startswith("?"):
            yield f"({inner})", None
        else:
            yield "", inner
        at = end + 1
    yield text[at:], None


def _closing(text: str, start: int) -> int:
    """Where the parenthesis at `start` ends, classes of characters aside."""
    depth, at = 0, start
    while at < len(text):
        match text[at]:
            case "\\":
                at += 1
            case "[":
                at = max(text.find("]", at + 2), at)
            case "(":
                depth += 1
            case ")":
                depth -= 1
                if not depth:
                    return at
        at += 1
    return -1


def _plain(text: str) -> str | None:
    """What a pattern without groups matches, where that is one text."""
    text = re.sub(r"^\^|\$$|\\[AZz]", "", text)
    text = text.replace("/?", "/").replace("/*", "/")
    text = re.sub(r"\\([./_-])", r"\1", text)
    return None if re.search(r"[\\^$*+?()\[\]|]", text.replace(".", "")) else text
