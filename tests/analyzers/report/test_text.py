"""Project text inside ours: harmless and readable."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from markdown_it.token import Token

from analyzers.report.text import code_block, code_span, cut, escaped, markdown, plain, visible

RENDER = MarkdownIt("gfm-like")
HOSTILE = st.text(alphabet="a1 `*_[]()<>!@#|~\\&-=+.:/\n\r\t\u202e\x1b", max_size=40)


def inline(text: str) -> list[Token]:
    """The inline tokens of one paragraph; fails if the text is anything but one."""
    tokens = RENDER.parse(text)
    assert [token.type for token in tokens] in ([], ["paragraph_open", "inline", "paragraph_close"])
    return (tokens[1].children or []) if tokens else []


def shown(text: str) -> str:
    """What a reader sees."""
    return "".join(token.content for token in inline(text) if token.type in {"text", "code_inline", "text_special"})


@given(HOSTILE)
def test_escaped_text_is_text_and_reads_as_written(text: str) -> None:
    tokens = inline(escaped(text))
    assert {token.type for token in tokens} <= {"text", "text_special"}
    assert shown(escaped(text)).replace("\u200b", "") == visible(text)


@given(HOSTILE)
def test_code_spans_hold_their_text(text: str) -> None:
    tokens = inline(f"x{code_span(text)}y")
    assert [token.type for token in tokens] == ["text", "code_inline", "text"]
    assert tokens[1].content.strip() == visible(text).strip()


@given(HOSTILE)
def test_code_blocks_hold_their_text(text: str) -> None:
    text = text.replace("\r", "")
    (token,) = RENDER.parse(code_block(text, "python"))
    assert (token.type, token.info) == ("fence", "python")
    assert token.content.rstrip("\n") == text.rstrip("\n")


@given(HOSTILE)
def test_markdown_knows_only_code_spans(text: str) -> None:
    assert {token.type for token in inline(markdown(text))} <= {"text", "text_special", "code_inline"}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("`Order.customer` is loaded once per `Order`", "`Order.customer` is loaded once per `Order`"),
        ("fixes #12 by @octocat, see GH-3", "fixes #\u200b12 by @\u200boctocat, see GH-\u200b3"),
        ("in `a@b` and `#3`", "in `a@b` and `#3`"),
        ("<!-- cliffguard:finding:x -->", "&lt;!-- cliffguard:finding:x --\\>"),
        ("see https://evil.example", "see https:\u200b//evil.example"),
        ("__init__ * 2", "\\_\\_init\\_\\_ \\* 2"),
        ("of `Customer`. Then - `x`", "of `Customer`. Then - `x`"),
        ("# not a heading", "\\# not a heading"),
        ("1. not a list", "1\\. not a list"),
        ("- not a list", "\\- not a list"),
        ("one ` backtick", "one \\` backtick"),
        ("two\n\nparagraphs", "two paragraphs"),
    ],
)
def test_markdown(text: str, expected: str) -> None:
    assert markdown(text) == expected


def test_plain() -> None:
    assert plain("`a` is ``b`c`` \x1b[31m") == "a is b`c \ufffd[31m"


def test_what_terminals_and_readers_act_on_is_replaced() -> None:
    assert visible("a\x1b[31m\u202eb\u200b\x00 \n c") == "a\ufffd[31m\ufffdb\ufffd\ufffd c"
    assert visible("a\n\tb", lines=True) == "a\n\tb"


@given(st.text(max_size=300), st.integers(150, 400))
def test_cut_fits_and_says_so(text: str, size: int) -> None:
    result = cut(text, size)
    assert len(result.encode()) <= size or len(text.encode(errors="replace")) <= size
    assert result == text or result.endswith("… shortened to fit.")


def test_cut_closes_what_is_open() -> None:
    text = "start\n<details><summary>x</summary>\n\n````python\n" + "line\n" * 200
    result = cut(text, 400)
    assert re.search(r"line\n````\n</details>\n\n… shortened to fit\.$", result)
