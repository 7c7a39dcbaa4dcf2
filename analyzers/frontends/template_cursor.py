"""A reading position in the tokens of one template tag."""

from __future__ import annotations

from analyzers.facts.outline import Member, Name, Node
from analyzers.frontends.frontend import MAX_CHAIN
from analyzers.frontends.template_tokens import Dialect, Token, utf8


class MalformedError(Exception):
    """A tag that cannot be read, with the offset of the trouble."""

    def __init__(self, offset: int, text: str) -> None:
        super().__init__(text)
        self.offset = offset
        self.text = text


class Cursor:
    """A reading position in the tokens of one tag; `end` is where the tag's content ends."""

    def __init__(self, tokens: list[Token], dialect: Dialect, end: int) -> None:
        self.tokens = tokens
        self.count = len(tokens)
        self.dialect: Dialect = dialect
        self.end = end
        self.at = 0
        self.depth = 0

    def peek(self, ahead: int = 0) -> Token | None:
        index = self.at + ahead
        return self.tokens[index] if index < self.count else None

    def next_is(self, text: str, ahead: int = 0) -> bool:
        """Whether this word or operator comes next; a string, whose text has its quotes, is neither."""
        index = self.at + ahead
        return index < self.count and self.tokens[index].text == text

    def take(self, text: str, second: str = "") -> bool:
        """Steps over this word or operator, or these two, if they come next."""
        if not self.next_is(text) or (second and not self.next_is(second, 1)):
            return False
        self.at += 2 if second else 1
        return True

    def expect(self, text: str) -> None:
        if not self.take(text):
            raise self.trouble(f"`{text}` is missing")

    def name(self) -> Name:
        """An identifier."""
        token = self.peek()
        if token is None or token.kind != "name":
            raise self.trouble("a name is missing")
        self.at += 1
        return Name(token.start, token.end, utf8(token.text))

    def target(self) -> Node:
        """What can be assigned to: a name, or a member of one."""
        node: Node = self.name()
        for _ in range(MAX_CHAIN):
            if not self.take("."):
                break
            part = self.name()
            node = Member(node.start, part.end, node, part.id)
        return node

    def done(self) -> bool:
        return self.at >= self.count

    def position(self) -> int:
        """Where the next token stands."""
        return self.tokens[self.at].start if self.at < self.count else self.end

    def last_end(self) -> int:
        """Where the token before ended."""
        return self.tokens[self.at - 1].end if self.at else self.position()

    def trouble(self, text: str) -> MalformedError:
        return MalformedError(self.position(), text)
