"""Text of a reviewed project inside text of ours: made harmless, kept readable, cut to size.

Names, messages and paths come from the reviewed repository, whose author may want to mention people, close issues, forge
our hidden markers or break out of a code block. A finding's Markdown knows one construct, the code span; all else is text.
"""

from __future__ import annotations

import re
import unicodedata
from html import escape

SPAN = re.compile(r"(?<!`)(`+)(?!`)(.+?)(?<!`)\1(?!`)")
_SPECIAL = re.compile(r"[\\`*_\[\]<>~|&]")
_BLOCK_START = re.compile(r"^(?:(\d{1,9})([.)])(?=\s|$)|()(#{1,6}(?=\s|$)|[-+](?=\s|$)|=+$|-+$))")
# What GitHub turns into links and notifications: mentions, references to issues, addresses.
_REFERENCE = re.compile(r"([@#])(?=\w)|(?<=:)(?=//)|(?i:\b(GH-|www\.))(?=\w)")
_ZERO_WIDTH = "\u200b"


def visible(text: str, *, lines: bool = False) -> str:
    """`text` without what terminals and readers act on: control characters, and those that reorder or hide text.

    White space becomes single spaces, unless `lines` are kept.
    """
    if not lines:
        text = " ".join(text.split())
    return "".join("\ufffd" if _hidden(char) else char for char in text)


def _hidden(char: str) -> bool:
    return char not in "\n\t" and unicodedata.category(char) in {"Cc", "Cf", "Co", "Cs"}


def code_span(text: str) -> str:
    """`text` as inline code, whatever backticks it holds."""
    text = visible(text) or " "
    fence = "`" * (_longest_run(text) + 1)
    pad = " " if text.startswith("`") or text.endswith("`") else ""
    return f"{fence}{pad}{text}{pad}{fence}"


def code_block(text: str, language: str) -> str:
    """A fenced block that `text` cannot end; of no lines if it is empty."""
    fence = "`" * max(3, _longest_run(text) + 1)
    body = f"{text}\n" if text else ""
    return f"{fence}{re.sub(r'[^a-z0-9+#-]', '', language.lower())}\n{body}{fence}"


def escaped(text: str) -> str:
    """`text` as plain text in Markdown: nothing in it is markup, a mention or a reference."""
    return _at_start(_in_line(visible(text)))


def markdown(text: str) -> str:
    """A finding's Markdown, in one line: its code spans stay, the rest is plain text."""
    text = visible(text)
    pieces: list[str] = []
    position = 0
    for span in SPAN.finditer(text):
        pieces += (_in_line(text[position : span.start()]), code_span(span[2].strip() if "`" in span[2] else span[2]))
        position = span.end()
    pieces.append(_in_line(text[position:]))
    return _at_start("".join(pieces))


def _in_line(text: str) -> str:
    text = _REFERENCE.sub(lambda match: (match[1] or match[2] or "") + _ZERO_WIDTH, text)
    return _SPECIAL.sub(r"\\\g<0>", text).replace("\\&", "&amp;").replace("\\<", "&lt;")


def _at_start(text: str) -> str:
    """What begins a heading or a list at the start of a line does not."""
    return _BLOCK_START.sub(lambda match: f"{match[1] or ''}\\{match[2] or match[4]}", text)


def hypertext(text: str) -> str:
    """A finding's Markdown as HTML, in one line: its code spans, and the rest as plain text."""
    text = visible(text)
    pieces: list[str] = []
    position = 0
    for span in SPAN.finditer(text):
        pieces += (escape(text[position : span.start()]), f"<code>{escape(span[2].strip())}</code>")
        position = span.end()
    return "".join((*pieces, escape(text[position:])))


def plain(text: str) -> str:
    """A finding's Markdown as plain text."""
    return visible(SPAN.sub(lambda span: span[2], text))


def cut(text: str, size: int, note: str = "… shortened to fit.") -> str:
    """At most `size` bytes of UTF-8, ending at a line if one is near, and saying so. Fences left open are closed."""
    encoded = text.encode(errors="replace")
    if len(encoded) <= size:
        return text
    reserve = len(note.encode()) + 64
    kept = encoded[: max(0, size - reserve)].decode(errors="ignore")
    if "\n" in kept[len(kept) // 2 :]:
        kept = kept[: kept.rindex("\n")]
    return kept + _closing(kept) + f"\n\n{note}"


def cut_line(text: str, size: int) -> str:
    """At most `size` characters."""
    return text if len(text) <= size else text[: size - 1].rstrip() + "…"


def _closing(text: str) -> str:
    """What ends an open fence and open `<details>`."""
    open_fence = ""
    for fence in re.findall(r"^(`{3,})", text, re.MULTILINE):
        if not open_fence:
            open_fence = fence
        elif len(fence) >= len(open_fence):
            open_fence = ""
    closing = f"\n{open_fence}" if open_fence else ""
    return closing + "\n</details>" * max(0, text.count("\n<details>") - text.count("\n</details>"))


def _longest_run(text: str) -> int:
    return max((len(run) for run in re.findall("`+", text)), default=0)
