"""Markdown as GitHub shows it: hidden comments stay hidden, hostile HTML is text, suggestions are red and green."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from markdown_it import MarkdownIt
from markdown_it.renderer import RendererHTML
from markdown_it.token import Token
from markupsafe import Markup, escape

from bot.local_github.page.code import lines_of

_COMMENT = re.compile(r"<!--.*?(?:-->|\Z)", re.DOTALL)
_HARMLESS = re.compile(r"(</?(?:details|summary|sub|sup|kbd)>|<details open>|<br ?/?>)")


@dataclass(frozen=True)
class Replaced:
    """What a suggestion in a comment would replace: lines of a file, or nothing where GitHub would not apply it."""

    path: str
    lines: tuple[str, ...]
    first: int
    applicable: bool = True


class _Renderer(RendererHTML):
    """GitHub's treatment of raw HTML, images, and fenced code."""

    def html_block(self, tokens: Sequence[Token], idx: int, *_: Any) -> str:
        return _harmless(tokens[idx].content)

    def html_inline(self, tokens: Sequence[Token], idx: int, *_: Any) -> str:
        return _harmless(tokens[idx].content)

    def image(self, tokens: Sequence[Token], idx: int, *_: Any) -> str:
        # Nothing is loaded from elsewhere: a picture is shown as a link to it.
        return f'<a href="{escape(str(tokens[idx].attrs.get("src", "")))}">{escape(tokens[idx].content or "image")}</a>'

    def link_open(self, tokens: Sequence[Token], idx: int, options: Any, env: Any) -> str:
        tokens[idx].attrSet("rel", "nofollow noopener")
        return self.renderToken(tokens, idx, options, env)

    def fence(self, tokens: Sequence[Token], idx: int, _: Any, env: Any) -> str:
        language, text = tokens[idx].info.strip().partition(" ")[0], tokens[idx].content
        if language == "suggestion" and isinstance(env.get("replaced"), Replaced):
            return _suggestion(env["replaced"], text)
        shown = "\n".join(lines_of(text.removesuffix("\n"), language or "text"))
        return f'<pre class="code"><code>{shown}</code></pre>\n'


_MARKDOWN = MarkdownIt("gfm-like", {"html": True, "linkify": True, "typographer": False}, renderer_cls=_Renderer)


def render(text: str, replaced: Replaced | None = None) -> Markup:
    """HTML of a comment, a summary or a description. `replaced` is what its suggestions would replace."""
    shown = _MARKDOWN.render(text, {"replaced": replaced})
    return Markup(shown)  # noqa: S704 - the renderer above escapes everything but a few tags without attributes


def first_line(text: str) -> Markup:
    """The first words a reader sees."""
    visible = _COMMENT.sub("", text).strip().partition("\n")[0]
    return Markup(_MARKDOWN.renderInline(visible.lstrip("#> ")))  # noqa: S704 - as above


def _harmless(html: str) -> str:
    parts = _HARMLESS.split(_COMMENT.sub("", html))
    return "".join(part if _HARMLESS.fullmatch(part) else str(escape(part)) for part in parts)


def _suggestion(old: Replaced, text: str) -> str:
    """A box with the replaced lines in red and the proposed ones in green."""
    new = text.removesuffix("\n").split("\n") if text else []
    removed, added = lines_of("\n".join(old.lines), old.path), lines_of("\n".join(new), old.path) if new else ()
    sides = (("del", "−", removed if old.lines else ()), ("add", "+", added))
    rows = [
        f'<tr class="{kind}"><td class="num">{number}</td><td class="sign">{mark}</td><td class="src">{line}</td></tr>'
        for kind, mark, lines in sides
        for number, line in enumerate(lines, old.first)
    ]
    title = "Suggested change" if old.applicable else "Suggested change (cannot be applied to these lines)"
    return f'<div class="suggestion"><div class="title">{title}</div><table>{"".join(rows)}</table></div>\n'
