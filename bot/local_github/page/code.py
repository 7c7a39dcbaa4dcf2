"""Source code as coloured HTML, line by line. Anything Pygments does not know stays plain; nothing is left unescaped."""

from __future__ import annotations

from functools import lru_cache

from markupsafe import Markup, escape
from pygments.lexer import Lexer
from pygments.lexers import find_lexer_class_by_name, find_lexer_class_for_filename
from pygments.token import STANDARD_TYPES, _TokenType
from pygments.util import ClassNotFound

MAX_COLOURED = 300_000  # characters; larger files are shown plain


def _lexer(name: str, text: str) -> Lexer | None:
    """The lexer for a file name, or for the name of a language."""
    try:
        if "." not in name and "/" not in name:
            found: type[Lexer] | None = find_lexer_class_by_name(name)
        elif name.endswith(".html"):
            found = find_lexer_class_by_name("html+django")
        else:
            found = find_lexer_class_for_filename(name)
    except ClassNotFound:
        return None
    inside = "<?" not in text  # lines out of the middle of a PHP file
    return found(stripnl=False, ensurenl=False, startinline=inside) if found else None


@lru_cache(maxsize=256)
def lines_of(text: str, name: str) -> tuple[Markup, ...]:
    """The lines of `text` as HTML; `name` is a path or a language, and decides the colours."""
    lexer = _lexer(name, text) if len(text) <= MAX_COLOURED else None
    if lexer is None:
        return tuple(escape(line) for line in text.split("\n"))
    lines: list[list[str]] = [[]]
    for kind, value in lexer.get_tokens(text):
        style = _style(kind)
        for number, part in enumerate(value.split("\n")):
            if number:
                lines.append([])
            if part:
                lines[-1].append(f'<span class="{style}">{escape(part)}</span>' if style else str(escape(part)))
    return tuple(Markup("".join(line)) for line in lines)  # noqa: S704 - every part was escaped above


def _style(kind: _TokenType) -> str:
    while kind not in STANDARD_TYPES and kind.parent is not None:
        kind = kind.parent
    return STANDARD_TYPES.get(kind, "")
