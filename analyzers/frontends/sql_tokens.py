"""Tokens of one SQL statement, and the parser fed with chosen ones of them.

sqlglot turns a whole statement into an opaque command as soon as one option of it is unknown. Feeding it only the part that
matters (a table's body, one action of an `ALTER TABLE`, the columns of an index) keeps what it does know.
"""

from __future__ import annotations

import logging
from functools import cache
from typing import Any

from sqlglot import exp
from sqlglot.dialects.dialect import Dialect
from sqlglot.errors import ErrorLevel, SqlglotError
from sqlglot.tokenizer_core import Token, TokenType

# sqlglot warns through logging for every statement it keeps as a command; that is told as a fact here, not as a log line.
logging.getLogger("sqlglot").setLevel(logging.CRITICAL)


class UnreadableError(Exception):
    """The statement, or the part of it at hand, is not understood."""


@cache
def dialect_of(name: str) -> Any:
    """sqlglot's dialect of that name; the empty name is its generic one."""
    return Dialect.get_or_raise(name or None)


def tokenize(text: str, dialect: str) -> list[Token]:
    """The tokens of `text`. Raises `UnreadableError`."""
    try:
        return list(dialect_of(dialect).tokenize(text))
    except (SqlglotError, ValueError, IndexError, RecursionError) as error:
        raise UnreadableError(str(error)) from error


@cache
def fixed(text: str, dialect: str) -> tuple[Token, ...]:
    """The tokens of a text of our own, made once."""
    return tuple(tokenize(text, dialect))


def parse(text: str, tokens: list[Token], dialect: str, before: str = "") -> exp.Expr:
    """The syntax tree of `before` and then `tokens`; raises `UnreadableError`, also for what sqlglot keeps as a command."""
    try:
        # Errors of the library itself on odd input (AttributeError, TypeError) mean the same as its own: not understood.
        trees = dialect_of(dialect).parser(error_level=ErrorLevel.IMMEDIATE).parse([*fixed(before, dialect), *tokens], text)
    except Exception as error:
        raise UnreadableError(str(error)) from error
    if len(trees) != 1 or trees[0] is None or isinstance(trees[0], exp.Command):
        raise UnreadableError("opaque")
    tree: exp.Expr = trees[0]
    return tree


def render(tree: exp.Expr, dialect: str) -> str:
    """The SQL text of an expression, names of functions in lower case. Raises `UnreadableError`."""
    try:
        return str(tree.sql(dialect=dialect or None, normalize_functions="lower", comments=False))
    except Exception as error:
        raise UnreadableError(str(error)) from error


_QUOTED = (TokenType.IDENTIFIER, TokenType.STRING, TokenType.NATIONAL_STRING, TokenType.RAW_STRING, TokenType.HEREDOC_STRING)
_OPEN = (TokenType.L_PAREN, TokenType.L_BRACKET, TokenType.L_BRACE)
_CLOSE = (TokenType.R_PAREN, TokenType.R_BRACKET, TokenType.R_BRACE)


def words(text: str) -> frozenset[str]:
    """The words of a table of keywords."""
    return frozenset(text.split())


def word(token: Token) -> str:
    """The first word of a token in upper case, empty for anything quoted."""
    if token.token_type in _QUOTED:
        return ""
    text = token.text.upper()
    return text.split()[0] if " " in text else text


def group_end(tokens: list[Token], at: int) -> int:
    """Past the bracket that opens at `at`. Raises `UnreadableError` where it never closes."""
    depth = 0
    for index in range(at, len(tokens)):
        kind = tokens[index].token_type
        if kind in _OPEN:
            depth += 1
        elif kind in _CLOSE:
            depth -= 1
            if depth == 0:
                return index + 1
    raise UnreadableError("unbalanced brackets")


def split_commas(tokens: list[Token]) -> list[list[Token]]:
    """The parts of `tokens` between commas outside of brackets; empty parts are left out."""
    parts: list[list[Token]] = [[]]
    depth = 0
    for token in tokens:
        kind = token.token_type
        if kind in _OPEN:
            depth += 1
        elif kind in _CLOSE:
            depth -= 1
        if kind == TokenType.COMMA and depth == 0:
            parts.append([])
        else:
            parts[-1].append(token)
    return [part for part in parts if part]


def fold(name: str, *, quoted: bool, dialect: str) -> str:
    """An identifier as facts carry it. MySQL and SQLite do not tell quoted names apart by case, the others do."""
    return name if quoted and dialect not in {"mysql", "sqlite"} else name.lower()


class Cursor:
    """A reading position in a statement's tokens."""

    def __init__(self, tokens: list[Token], dialect: str, at: int = 0) -> None:
        self.tokens = tokens
        self.dialect = dialect
        self.at = at

    def peek(self, ahead: int = 0) -> str:
        """The first word of a token to come, upper case; empty at the end and for quoted tokens."""
        index = self.at + ahead
        return word(self.tokens[index]) if index < len(self.tokens) else ""

    def take(self, *words: str) -> bool:
        """Steps over these words if all of them come next."""
        if all(self.peek(ahead) == wanted for ahead, wanted in enumerate(words)):
            self.at += len(words)
            return True
        return False

    def take_any(self, *words: str) -> str:
        """Steps over one of these words and returns it, or returns nothing."""
        found = self.peek()
        if found and found in words:
            self.at += 1
            return found
        return ""

    def rest(self) -> list[Token]:
        return self.tokens[self.at :]

    def done(self) -> bool:
        return self.at >= len(self.tokens)

    def name_part(self) -> str:
        """One identifier. Raises `UnreadableError` where none stands."""
        if self.done():
            raise UnreadableError("a name is missing")
        token = self.tokens[self.at]
        quoted = token.token_type == TokenType.IDENTIFIER
        if not quoted and not (token.text[:1].isalpha() or token.text[:1] == "_"):
            raise UnreadableError("a name is missing")
        self.at += 1
        return fold(token.text, quoted=quoted, dialect=self.dialect)

    def name(self) -> str:
        """A name with its qualifiers: `audit.events`; PostgreSQL's default schema `public` is left out."""
        parts = [self.name_part()]
        while not self.done() and self.tokens[self.at].token_type == TokenType.DOT:
            self.at += 1
            parts.append(self.name_part())
        return join_name(parts)

    def group(self) -> list[Token]:
        """The bracketed tokens that come next, brackets included. Raises `UnreadableError`."""
        if self.done() or self.tokens[self.at].token_type != TokenType.L_PAREN:
            raise UnreadableError("a bracket is missing")
        end = group_end(self.tokens, self.at)
        inside = self.tokens[self.at : end]
        self.at = end
        return inside


def join_name(parts: list[str]) -> str:
    """Identifiers joined to a qualified name without `public` and without a catalogue in front of a schema."""
    parts = [part for part in parts[-2:] if part]
    return ".".join(parts[1:] if len(parts) == 2 and parts[0] == "public" else parts)


def skip_if_exists(cursor: Cursor) -> bool:
    """Steps over `IF EXISTS` or `IF NOT EXISTS`, and says whether one stood there."""
    return cursor.take("IF", "NOT", "EXISTS") or cursor.take("IF", "EXISTS")


def skip_to(cursor: Cursor, *words: str) -> str:
    """Steps behind the next of these words, and returns it. Raises `UnreadableError`."""
    while not cursor.done():
        if found := cursor.take_any(*words):
            return found
        cursor.at += 1
    raise UnreadableError(words[0])
